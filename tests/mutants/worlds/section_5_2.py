"""Worlds in which the claims of section 5.2, on MySQL, are false."""

import asyncio
import os
import select
import weakref

import aiomysql
import pymysql
from aiomysql.utils import _ContextManager

from tests.mutants.worlds import world

Connection, Cursor = aiomysql.Connection, aiomysql.Cursor
GOODBYE = b"\x01\x00\x00\x00\x01"
NO_REPLY = b"\x05\x00\x00\x00\x19\x00\x00\x00\x00"  # COM_STMT_CLOSE of no statement: the server says nothing to it


def made_with(patch, **different):
    """Have connections be made with arguments that the caller did not give."""
    init = Connection.__init__

    def other(self, *arguments, **named):
        init(self, *arguments, **{**named, **different})

    patch.setattr(Connection, "__init__", other)


@world("the database asked for is not heeded", falsifies=["aiomysql-connect-takes-host-port-user-password-db"])
def _(patch):
    made_with(patch, db=None)


@world("the host asked for is not heeded", falsifies=["aiomysql-connect-takes-host-port-user-password-db"])
def _(patch):
    made_with(patch, host="127.0.0.1")


@world("the port asked for is not heeded", falsifies=["aiomysql-connect-takes-host-port-user-password-db"])
def _(patch):
    made_with(patch, port=3306)


@world("the password given is not heeded", falsifies=["aiomysql-connect-takes-host-port-user-password-db"])
def _(patch):
    made_with(patch, password="")


@world(
    "connecting blocks the event loop until it is done",
    falsifies=["mysql-connecting-waits-on-the-network", "mysql-two-servers-are-waited-for-at-once"],
)
def _(patch):
    async def connect(**named):
        return pymysql.connect(**named, ssl_disabled=True, read_timeout=0.05)  # or it would block where nothing reaches

    patch.setattr(aiomysql, "connect", connect)


@world(
    "connecting is over before the server is asked",
    falsifies=["mysql-connecting-waits-on-the-network", "mysql-two-servers-are-waited-for-at-once"],
)
def _(patch):
    async def not_yet(self):
        await asyncio.sleep(0)

    patch.setattr(Connection, "_connect", not_yet)


@world("a login that is refused goes unnoticed", falsifies=["mysql-wrong-password-raises-error-1045"])
def _(patch):
    connect = Connection._connect

    async def quiet(self):
        try:
            await connect(self)
        except aiomysql.OperationalError:
            pass

    patch.setattr(Connection, "_connect", quiet)


@world("a login that is refused looks like a server out of reach", falsifies=["mysql-wrong-password-raises-error-1045"])
def _(patch):
    connect = Connection._connect

    async def other_number(self):
        try:
            await connect(self)
        except aiomysql.OperationalError as error:
            raise aiomysql.OperationalError(2003, "Can't connect to MySQL server") from error

    patch.setattr(Connection, "_connect", other_number)


@world(
    "a login without a password looks like a server out of reach", falsifies=["mysql-wrong-password-raises-error-1045"]
)
def _(patch):
    connect = Connection._connect

    async def only_with_one(self):
        if not self._password:
            raise aiomysql.OperationalError(2003, "Can't connect to MySQL server")
        await connect(self)

    patch.setattr(Connection, "_connect", only_with_one)


@world("awaiting cursor() gives nothing", falsifies=["mysql-cursor-can-be-awaited"])
def _(patch):
    async def nothing():
        pass

    patch.setattr(Connection, "cursor", lambda self, *kinds: _ContextManager(nothing()))


@world("cursor() gives the cursor at once", falsifies=["mysql-cursor-can-be-awaited"])
def _(patch):
    class AtOnce(Cursor):
        def __await__(self):
            return self
            yield

        async def __aenter__(self):
            return self

        async def __aexit__(self, *_exception):
            await self.close()

    patch.setattr(Connection, "cursor", lambda self, *kinds: AtOnce(self))


@world(
    "the server is told of a new cursor, and answers",
    falsifies=["mysql-creating-a-cursor-sends-nothing", "mysql-only-connect-and-execute-let-the-other-run"],
)
def _(patch):
    make = Connection.cursor

    def cursor(self, *kinds):
        async def tell_and_make():
            await self.ping(reconnect=False)
            return await make(self, *kinds)

        return _ContextManager(tell_and_make())

    patch.setattr(Connection, "cursor", cursor)


@world(
    "the server is told of a new cursor, and its answer not waited for",
    falsifies=["mysql-creating-a-cursor-sends-nothing"],
)
def _(patch):
    make = Connection.cursor

    def cursor(self, *kinds):
        self._write_bytes(NO_REPLY)
        return make(self, *kinds)

    patch.setattr(Connection, "cursor", cursor)


@world("the server is told of a cursor that is unbuffered", falsifies=["mysql-creating-a-cursor-sends-nothing"])
def _(patch):
    make = Connection.cursor

    def cursor(self, *kinds):
        if aiomysql.SSCursor in kinds:
            self._write_bytes(NO_REPLY)
        return make(self, *kinds)

    patch.setattr(Connection, "cursor", cursor)


@world("a statement that gives no rows is not waited for", falsifies=["mysql-execute-waits-on-the-network"])
def _(patch):
    query, under_way = Cursor._query, []

    async def only_for_rows(self, sql):
        if sql.startswith("DO"):
            under_way.append(asyncio.get_running_loop().create_task(query(self, sql)))
        else:
            await query(self, sql)

    patch.setattr(Cursor, "_query", only_for_rows)


@world(
    "a query blocks the event loop until it is answered, or for a time, and then comes back empty",
    falsifies=[
        "mysql-execute-waits-on-the-network",
        "mysql-slow-query-lets-other-tasks-run",
        "mysql-two-servers-are-waited-for-at-once",
        "mysql-only-connect-and-execute-let-the-other-run",
    ],
)
def _(patch):
    async def blocking(self, sql):
        like = self._connection
        arguments = {"host": like.host, "port": like.port, "user": like.user, "password": like._password}
        with pymysql.connect(**arguments, ssl_disabled=True, read_timeout=0.05) as client, client.cursor() as cursor:
            try:
                cursor.execute(sql)
                self._rows = cursor.fetchall()
            except pymysql.err.OperationalError:
                self._rows = ()
        self._rowcount, self._rownumber = len(self._rows), 0

    patch.setattr(Cursor, "_query", blocking)


@world(
    "fetching the rows asks the server for them again",
    falsifies=[
        "mysql-fetchall-hands-out-rows-already-received",
        "mysql-only-connect-and-execute-let-the-other-run",
    ],
)
def _(patch):
    fetchall = Cursor.fetchall

    async def ask_again(self):
        await self._query(self._executed)
        return await fetchall(self)

    patch.setattr(Cursor, "fetchall", ask_again)


@world(
    "a cursor is unbuffered unless asked for otherwise",
    falsifies=[
        "mysql-cursor-can-be-awaited",
        "mysql-fetchall-hands-out-rows-already-received",
        "mysql-fetchall-gives-a-tuple-of-host-and-user-pairs",
    ],
)
def _(patch):
    made_with(patch, cursorclass=aiomysql.SSCursor)


@world(
    "fetchall gives the loop a turn after each hundred rows",
    falsifies=["mysql-fetchall-hands-out-rows-already-received"],
)
def _(patch):
    fetchall = Cursor.fetchall

    async def considerate(self):
        rows = await fetchall(self)
        for _ in range(len(rows) // 100):
            await asyncio.sleep(0)
        return rows

    patch.setattr(Cursor, "fetchall", considerate)


@world(
    "an unbuffered cursor has all rows with execute, and gives the loop a turn for each",
    falsifies=["mysql-unbuffered-cursor-reads-rows-as-they-are-fetched"],
)
def _(patch):
    fetchall = Cursor.fetchall

    async def by_turns(self):
        rows = await fetchall(self)
        for _ in rows:
            await asyncio.sleep(0)
        return rows

    patch.setattr(aiomysql.SSCursor, "_query", Cursor._query)
    patch.setattr(aiomysql.SSCursor, "close", Cursor.close)
    patch.setattr(aiomysql.SSCursor, "fetchall", by_turns)


@world("an unbuffered cursor is buffered", falsifies=["mysql-unbuffered-cursor-reads-rows-as-they-are-fetched"])
def _(patch):
    for name in ("_query", "fetchall", "close"):
        patch.setattr(aiomysql.SSCursor, name, getattr(Cursor, name))


def fetching(patch, change):
    """Have what fetchall gives changed on its way."""
    fetchall = Cursor.fetchall

    async def changed(self):
        return change(await fetchall(self))

    patch.setattr(Cursor, "fetchall", changed)


@world(
    "no row comes back",
    falsifies=[
        "mysql-fetchall-hands-out-rows-already-received",
        "mysql-fetchall-gives-a-tuple-of-host-and-user-pairs",
        "mysql-first-example-prints-the-user-table",
    ],
)
def _(patch):
    fetching(patch, lambda rows: ())


@world(
    "a row is lost",
    falsifies=["mysql-fetchall-gives-a-tuple-of-host-and-user-pairs", "mysql-first-example-prints-the-user-table"],
)
def _(patch):
    fetching(patch, lambda rows: rows[1:])


@world(
    "each row lacks its first field",
    falsifies=["mysql-fetchall-gives-a-tuple-of-host-and-user-pairs", "mysql-first-example-prints-the-user-table"],
)
def _(patch):
    fetching(patch, lambda rows: tuple(row[1:] for row in rows))


@world("rows come as lists", falsifies=["mysql-fetchall-gives-a-tuple-of-host-and-user-pairs"])
def _(patch):
    fetching(patch, lambda rows: tuple(list(row) for row in rows))


@world("rows can be fetched again", falsifies=["mysql-fetchall-gives-a-tuple-of-host-and-user-pairs"])
def _(patch):
    fetchall = Cursor.fetchall

    async def from_the_start(self):
        rows = await fetchall(self)
        self._rownumber = 0
        return rows

    patch.setattr(Cursor, "fetchall", from_the_start)


@world(
    "the server is told that a cursor closes, and answers",
    falsifies=["mysql-closing-the-cursor-sends-nothing", "mysql-only-connect-and-execute-let-the-other-run"],
)
def _(patch):
    close = Cursor.close

    async def tell_and_close(self):
        await self._connection.ping(reconnect=False)
        await close(self)

    patch.setattr(Cursor, "close", tell_and_close)


@world(
    "the server is told that a cursor closes of which rows were fetched",
    falsifies=["mysql-closing-the-cursor-sends-nothing"],
)
def _(patch):
    close = Cursor.close

    async def tell_and_close(self):
        if self._rownumber and self._connection:
            self._connection._write_bytes(NO_REPLY)
        await close(self)

    patch.setattr(Cursor, "close", tell_and_close)


@world("close() says goodbye after a query", falsifies=["mysql-close-drops-the-socket-without-goodbye"])
def _(patch):
    close = Connection.close

    def polite(self):
        if self._writer and self._result:
            self._write_bytes(GOODBYE)
        close(self)

    patch.setattr(Connection, "close", polite)


@world("close() is to be awaited", falsifies=["mysql-close-drops-the-socket-without-goodbye"])
def _(patch):
    close = Connection.close

    async def coroutine(self):
        close(self)

    patch.setattr(Connection, "close", coroutine)


@world("ensure_closed() says no goodbye", falsifies=["mysql-close-drops-the-socket-without-goodbye"])
def _(patch):
    async def impolite(self):
        self.close()

    patch.setattr(Connection, "ensure_closed", impolite)


@world(
    "connecting gives the event loop a turn and then blocks it until it is done, or for a time",
    falsifies=["mysql-connecting-waits-on-the-network", "mysql-only-connect-and-execute-let-the-other-run"],
)
def _(patch):
    async def blocking(self):
        await asyncio.sleep(0)
        place = {"host": self._host, "port": self._port, "user": self._user, "password": self._password, "db": self._db}
        like = pymysql.connect(**place, ssl_disabled=True, read_timeout=0.05)
        self._reader, self._writer = await aiomysql.connection._open_connection(sock=like._sock.dup())
        for name in ("server_status", "server_thread_id", "server_version", "server_capabilities"):
            setattr(self, name, getattr(like, name))

    patch.setattr(Connection, "_connect", blocking)


@world(
    "a query gives the event loop a turn and then blocks it until it is answered, or for a time",
    falsifies=["mysql-execute-waits-on-the-network", "mysql-only-connect-and-execute-let-the-other-run"],
)
def _(patch):
    async def blocking(self, sql):
        await asyncio.sleep(0)
        like = self._connection
        place = {"host": like.host, "port": like.port, "user": like.user, "password": like._password}
        with pymysql.connect(**place, ssl_disabled=True, read_timeout=0.05) as client, client.cursor() as cursor:
            cursor.execute(sql)
            self._rows = cursor.fetchall()
        self._rowcount, self._rownumber = len(self._rows), 0

    patch.setattr(Cursor, "_query", blocking)


@world("the server is told of the first cursor of a connection", falsifies=["mysql-creating-a-cursor-sends-nothing"])
def _(patch):
    make, told = Connection.cursor, weakref.WeakSet()

    def cursor(self, *kinds):
        if self not in told:
            told.add(self)
            self._write_bytes(NO_REPLY)
        return make(self, *kinds)

    patch.setattr(Connection, "cursor", cursor)


@world(
    "the server is told that a cursor closes of which rows are left",
    falsifies=["mysql-closing-the-cursor-sends-nothing"],
)
def _(patch):
    close = Cursor.close

    async def tell_and_close(self):
        if self._connection and self._rows and self._rownumber < len(self._rows):
            self._connection._write_bytes(NO_REPLY)
        await close(self)

    patch.setattr(Cursor, "close", tell_and_close)


@world(
    "the server is told that rows are fetched, and its answer not waited for",
    falsifies=["mysql-fetchall-hands-out-rows-already-received"],
)
def _(patch):
    fetchall = Cursor.fetchall

    async def tell_and_fetch(self):
        if not self._connection.closed:
            self._connection._write_bytes(NO_REPLY)
        return await fetchall(self)

    patch.setattr(Cursor, "fetchall", tell_and_fetch)


@world(
    "no more than a thousand rows come with execute",
    falsifies=["mysql-fetchall-hands-out-rows-already-received"],
)
def _(patch):
    fetchall = Cursor.fetchall

    async def the_rest(self):
        if len(self._rows) > 1000:
            await self._query(self._executed)
        return await fetchall(self)

    patch.setattr(Cursor, "fetchall", the_rest)


@world("where there are no rows fetchall gives None", falsifies=["mysql-fetchall-gives-a-tuple-of-host-and-user-pairs"])
def _(patch):
    fetchall = Cursor.fetchall

    async def none(self):
        return await fetchall(self) if self._rows else None

    patch.setattr(Cursor, "fetchall", none)


@world("closing a cursor leaves what is still to come", falsifies=["mysql-closing-the-cursor-sends-nothing"])
def _(patch):
    async def at_once(self):
        self._connection = None

    patch.setattr(Cursor, "close", at_once)


@world("close() rolls back what was not committed", falsifies=["mysql-close-drops-the-socket-without-goodbye"])
def _(patch):
    close = Connection.close

    def roll_back_and_close(self):
        if self._writer and self.get_transaction_status():
            self._write_bytes(b"\x09\x00\x00\x00\x03ROLLBACK")
        close(self)

    patch.setattr(Connection, "close", roll_back_and_close)


@world("a login that is refused is an InternalError", falsifies=["mysql-wrong-password-raises-error-1045"])
def _(patch):
    connect = Connection._connect

    async def of_another_kind(self):
        try:
            await connect(self)
        except aiomysql.OperationalError as error:
            raise aiomysql.InternalError(*error.args) from None

    patch.setattr(Connection, "_connect", of_another_kind)


@world(
    "rows are of bytes",
    falsifies=["mysql-fetchall-gives-a-tuple-of-host-and-user-pairs", "mysql-first-example-prints-the-user-table"],
)
def _(patch):
    def encoded(word):
        return word.encode() if isinstance(word, str) else word

    fetching(patch, lambda rows: tuple(tuple(map(encoded, row)) for row in rows))


@world(
    "the server is asked for more where no rows are left", falsifies=["mysql-fetchall-hands-out-rows-already-received"]
)
def _(patch):
    fetchall = Cursor.fetchall

    async def ask_for_more(self):
        rows = await fetchall(self)
        if not rows:
            await self._connection.ping(reconnect=False)
        return rows

    patch.setattr(Cursor, "fetchall", ask_for_more)


@world(
    "the cursors of a connection share the rows of its last query",
    falsifies=["mysql-fetchall-hands-out-rows-already-received"],
)
def _(patch):
    fetchall = Cursor.fetchall

    def shared(self):
        last = self._connection._result
        if last is not None and last is not self._result:
            self._result, self._rows, self._rownumber = last, last.rows, 0
        return fetchall(self)

    patch.setattr(Cursor, "fetchall", shared)


@world(
    "the server is told that a cursor closes which was never used", falsifies=["mysql-closing-the-cursor-sends-nothing"]
)
def _(patch):
    close = Cursor.close

    async def tell_and_close(self):
        if self._connection and self._executed is None:
            self._connection._write_bytes(NO_REPLY)
        await close(self)

    patch.setattr(Cursor, "close", tell_and_close)


@world("close() leaves the socket open", falsifies=["mysql-close-drops-the-socket-without-goodbye"])
def _(patch):
    close = Connection.close

    def keep(self):
        if self._writer:
            self.kept = self._writer.get_extra_info("socket").dup()
        close(self)

    patch.setattr(Connection, "close", keep)


@world(
    "connecting takes a database under another name", falsifies=["aiomysql-connect-takes-host-port-user-password-db"]
)
def _(patch):
    connect = aiomysql.connect

    def renamed(*, host, port, user, password, database=None):
        return connect(host=host, port=port, user=user, password=password, db=database)

    patch.setattr(aiomysql, "connect", renamed)


@world("rows that are fetched again are an error", falsifies=["mysql-fetchall-gives-a-tuple-of-host-and-user-pairs"])
def _(patch):
    fetchall = Cursor.fetchall

    def once(self):
        if self._rownumber:
            raise aiomysql.ProgrammingError("all rows have been fetched")
        return fetchall(self)

    patch.setattr(Cursor, "fetchall", once)


@world("a query that was answered is answered from memory", falsifies=["mysql-execute-waits-on-the-network"])
def _(patch):
    execute = Cursor.execute

    async def remember(self, query, arguments=None):
        if query != self._last_executed:
            self.count = await execute(self, query, arguments)
        return self.count

    patch.setattr(Cursor, "execute", remember)


@world("a cursor none of whose rows was fetched is closed later", falsifies=["mysql-closing-the-cursor-sends-nothing"])
def _(patch):
    close = Cursor.close

    async def later(self):
        if self._rows and not self._rownumber:
            await asyncio.sleep(0)
        await close(self)

    patch.setattr(Cursor, "close", later)


@world("a cursor that was closed is closed later", falsifies=["mysql-closing-the-cursor-sends-nothing"])
def _(patch):
    close = Cursor.close

    async def later(self):
        if self.closed:
            await asyncio.sleep(0)
        await close(self)

    patch.setattr(Cursor, "close", later)


@world(
    "connecting blocks the event loop where another connection is open",
    falsifies=["mysql-connecting-waits-on-the-network"],
)
def _(patch):
    connect, connections = Connection._connect, weakref.WeakSet()

    async def blocking(self):
        others = [one for one in connections if not one.closed]
        connections.add(self)
        if not others:
            return await connect(self)
        place = {"host": self._host, "port": self._port, "user": self._user, "password": self._password, "db": self._db}
        like = pymysql.connect(**place, ssl_disabled=True, read_timeout=0.05)
        self._reader, self._writer = await aiomysql.connection._open_connection(sock=like._sock.dup())
        for name in ("server_status", "server_thread_id", "server_version", "server_capabilities"):
            setattr(self, name, getattr(like, name))

    patch.setattr(Connection, "_connect", blocking)


def queries_block(patch, when):
    """Have queries for which `when(connection, sql)` is true block the event loop until the answer, or for a time."""
    query = Connection.query

    async def blocking(self, sql, unbuffered=False):
        if not when(self, sql):
            return await query(self, sql, unbuffered)
        asking = query(self, sql, unbuffered).__await__()
        asking.send(None)  # it waits now for the answer
        descriptor = self._writer.get_extra_info("socket").fileno()
        if not select.select([descriptor], [], [], 0.05)[0]:
            asking.close()
            raise aiomysql.InternalError("there was no answer")  # or it would block where nothing reaches
        self._reader._waiter = None
        self._reader.feed_data(os.read(descriptor, 65536))
        return await self._read_query_result(unbuffered)

    patch.setattr(Connection, "query", blocking)


@world(
    "a query blocks the event loop where another connection has asked something",
    falsifies=["mysql-execute-waits-on-the-network", "mysql-slow-query-lets-other-tasks-run"],
)
def _(patch):
    asked = weakref.WeakSet()

    def another_has(connection, sql):
        asked.add(connection)
        return any(not one.closed for one in asked if one is not connection)

    queries_block(patch, another_has)


@world(
    "the second query of a connection blocks the event loop",
    falsifies=["mysql-execute-waits-on-the-network", "mysql-slow-query-lets-other-tasks-run"],
)
def _(patch):
    asked = weakref.WeakKeyDictionary()

    def second(connection, sql):
        asked[connection] = asked.get(connection, 0) + 1
        return asked[connection] == 2

    queries_block(patch, second)


@world("awaiting cursor() a second time gives the first cursor again", falsifies=["mysql-cursor-can-be-awaited"])
def _(patch):
    cursor = Connection.cursor

    def the_same(self, *kinds):
        if kinds:
            return cursor(self, *kinds)
        if not hasattr(self, "first_cursor"):
            self.first_cursor = Cursor(self)
        return _ContextManager(asyncio.sleep(0, self.first_cursor))

    patch.setattr(Connection, "cursor", the_same)


@world("awaiting cursor() gives nothing where the connection has one", falsifies=["mysql-cursor-can-be-awaited"])
def _(patch):
    cursor = Connection.cursor

    def one_each(self, *kinds):
        if vars(self).setdefault("has_cursor", False):
            return _ContextManager(asyncio.sleep(0))
        self.has_cursor = True
        return cursor(self, *kinds)

    patch.setattr(Connection, "cursor", one_each)


@world("awaiting cursor() gives a cursor of the connection that was first", falsifies=["mysql-cursor-can-be-awaited"])
def _(patch):
    cursor, connections = Connection.cursor, []

    def of_the_first(self, *kinds):
        connections[:] = [one for one in connections if not one.closed] or [self]
        return cursor(connections[0], *kinds)

    patch.setattr(Connection, "cursor", of_the_first)


@world("awaiting cursor() after another was closed gives a closed one", falsifies=["mysql-cursor-can-be-awaited"])
def _(patch):
    cursor, close = Connection.cursor, Cursor.close

    async def note(self):
        if self._connection:
            self._connection.had_closed = True
        await close(self)

    def broken(self, *kinds):
        made = cursor(self, *kinds)
        if getattr(self, "had_closed", False):
            made._coro.result()._connection = None
        return made

    patch.setattr(Cursor, "close", note)
    patch.setattr(Connection, "cursor", broken)


@world("a query with values blocks the event loop", falsifies=["mysql-execute-waits-on-the-network"])
def _(patch):
    execute, now = Cursor.execute, []

    async def note(self, sql, args=None):
        now.append(args is not None)
        try:
            return await execute(self, sql, args)
        finally:
            now.pop()

    patch.setattr(Cursor, "execute", note)
    queries_block(patch, lambda connection, sql: now and now[-1])


@world("a query after one that failed blocks the event loop", falsifies=["mysql-execute-waits-on-the-network"])
def _(patch):
    execute, failed = Cursor.execute, weakref.WeakSet()

    async def note(self, sql, args=None):
        connection = self._connection
        try:
            return await execute(self, sql, args)
        except aiomysql.Error:
            failed.add(connection)
            raise

    patch.setattr(Cursor, "execute", note)
    queries_block(patch, lambda connection, sql: connection in failed)
