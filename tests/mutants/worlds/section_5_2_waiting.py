"""Worlds in which what section 5.2 says of waiting, for MySQL and for two servers at once, is false."""

import asyncio
import select
import weakref

import aiomysql

from tests.mutants.worlds import world
from tests.mutants.worlds.section_5_2 import Connection, Cursor, made_with


@world("one server is connected to at a time", falsifies=["mysql-two-servers-are-waited-for-at-once"])
def _(patch):
    connect, locks = Connection._connect, weakref.WeakKeyDictionary()

    async def in_turn(self):
        async with locks.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            await connect(self)

    patch.setattr(Connection, "_connect", in_turn)


@world("one query at a time is asked, of whichever server", falsifies=["mysql-two-servers-are-waited-for-at-once"])
def _(patch):
    query, locks = Cursor._query, weakref.WeakKeyDictionary()

    async def in_turn(self, sql):
        async with locks.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            await query(self, sql)

    patch.setattr(Cursor, "_query", in_turn)


@world("connecting goes to the port after the one given", falsifies=["mysql-second-example-uses-the-port-of-mysql"])
def _(patch):
    connect = Connection._connect

    async def next_door(self):
        self._port += 1
        await connect(self)

    patch.setattr(Connection, "_connect", next_door)


@world("the client speaks first", falsifies=["mysql-second-example-uses-the-port-of-mysql"])
def _(patch):
    listen = Connection._get_server_information

    async def speak_first(self):
        self._write_bytes(b"PING\r\n")
        await listen(self)

    patch.setattr(Connection, "_get_server_information", speak_first)


@world(
    "a query that is cancelled leaves its connection open", falsifies=["mysql-cancelling-a-query-closes-its-connection"]
)
def _(patch):
    patch.setattr(Connection, "_close_on_cancel", lambda self: None)


@world(
    "a query that is cancelled closes its connection for itself alone",
    falsifies=["mysql-cancelling-a-query-closes-its-connection"],
)
def _(patch):
    def mark(self):
        self.kept = self._writer.get_extra_info("socket").dup()
        self.close()
        self._close_reason = "Cancelled during execution"

    patch.setattr(Connection, "_close_on_cancel", mark)


@world("the queries of a connection wait for each other", falsifies=["mysql-one-connection-serves-one-task-at-a-time"])
def _(patch):
    query = Connection.query

    async def in_turn(self, sql, unbuffered=False):
        async with vars(self).setdefault("turn", asyncio.Lock()):
            return await query(self, sql, unbuffered)

    patch.setattr(Connection, "query", in_turn)


@world(
    "a query is refused before it is sent where another waits",
    falsifies=["mysql-one-connection-serves-one-task-at-a-time"],
)
def _(patch):
    query, busy = Connection.query, set()

    async def refused(self, sql, unbuffered=False):
        if self in busy:
            raise RuntimeError("another coroutine is already waiting for this connection")
        busy.add(self)
        try:
            return await query(self, sql, unbuffered)
        finally:
            busy.discard(self)

    patch.setattr(Connection, "query", refused)


@world(
    "asyncio's loop refuses to write to a closed transport",
    falsifies=["mysql-query-on-a-reset-connection-fails-by-loop"],
)
def _(patch):
    transport = asyncio.selector_events._SelectorSocketTransport
    write = transport.write

    def refuse(self, data):
        if self._conn_lost:
            raise RuntimeError("the handler is closed")
        write(self, data)

    patch.setattr(transport, "write", refuse)


@world(
    "no loop refuses to write to a closed transport",
    falsifies=["mysql-query-on-a-reset-connection-raises-runtime-error-on-uvloop"],
)
def _(patch):
    write = Connection._write_bytes

    def quiet(self, data):
        try:
            write(self, data)
        except RuntimeError:
            pass

    patch.setattr(Connection, "_write_bytes", quiet)


@world(
    "a query over a lost connection makes a new one",
    falsifies=[
        "mysql-query-on-a-connection-closed-by-the-server-fails",
        "mysql-query-on-a-reset-connection-fails-by-loop",
    ],
)
def _(patch):
    query = Connection.query

    async def insist(self, sql, unbuffered=False):
        try:
            return await query(self, sql, unbuffered)
        except aiomysql.OperationalError:
            await self._connect()
            return await query(self, sql, unbuffered)

    patch.setattr(Connection, "query", insist)


@world(
    "a connection is not closed when it is found lost",
    falsifies=[
        "mysql-query-on-a-connection-closed-by-the-server-fails",
        "mysql-query-on-a-reset-connection-fails-by-loop",
    ],
)
def _(patch):
    async def read(self, count):
        try:
            return await self._reader.readexactly(count)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise aiomysql.OperationalError(2013, "Lost connection to MySQL server during query") from error

    patch.setattr(Connection, "_read_bytes", read)


@world("autocommit is on", falsifies=["mysql-autocommit-is-off-by-default"])
def _(patch):
    made_with(patch, autocommit=True)


@world("close() commits", falsifies=["mysql-autocommit-is-off-by-default"])
def _(patch):
    close = Connection.close

    def commit_and_close(self):
        if self._writer:
            self._write_bytes(b"\x07\x00\x00\x00\x03COMMIT")
        close(self)

    patch.setattr(Connection, "close", commit_and_close)


@world("reading commits what was inserted before", falsifies=["mysql-autocommit-is-off-by-default"])
def _(patch):
    execute = Cursor.execute

    async def commit_and_read(self, sql, *values):
        if sql.startswith("SELECT"):
            await self._connection.commit()
        return await execute(self, sql, *values)

    patch.setattr(Cursor, "execute", commit_and_read)


@world("a server is asked one query at a time", falsifies=["mysql-slow-query-lets-other-tasks-run"])
def _(patch):
    query, locks = Cursor._query, weakref.WeakKeyDictionary()

    async def in_turn(self, sql):
        of_this_loop = locks.setdefault(asyncio.get_running_loop(), {})
        async with of_this_loop.setdefault((self._connection.host, self._connection.port), asyncio.Lock()):
            await query(self, sql)

    patch.setattr(Cursor, "_query", in_turn)


@world(
    "a query that is cancelled closes its connection when the answer comes",
    falsifies=["mysql-cancelling-a-query-closes-its-connection"],
)
def _(patch):
    def with_the_answer(self):
        self.closing = asyncio.ensure_future(read_and_close(self._reader, self._writer))
        self._reader = self._writer = None
        self._close_reason = "Cancelled during execution"

    async def read_and_close(reader, writer):
        await reader.read(1)
        writer.close()

    patch.setattr(Connection, "_close_on_cancel", with_the_answer)


@world(
    "a lost connection is an InternalError",
    falsifies=[
        "mysql-query-on-a-connection-closed-by-the-server-fails",
        "mysql-query-on-a-reset-connection-fails-by-loop",
    ],
)
def _(patch):
    query = Connection.query

    async def of_another_kind(self, *arguments, **named):
        try:
            return await query(self, *arguments, **named)
        except aiomysql.OperationalError as error:
            raise aiomysql.InternalError(*error.args) from None

    patch.setattr(Connection, "query", of_another_kind)


@world("a second commit() sends nothing", falsifies=["mysql-autocommit-is-off-by-default"])
def _(patch):
    commit = Connection.commit

    async def once(self):
        if not hasattr(self, "has_committed"):
            self.has_committed = True
            await commit(self)

    patch.setattr(Connection, "commit", once)


@world(
    "a second query that is cancelled leaves its connection open",
    falsifies=["mysql-cancelling-a-query-closes-its-connection"],
)
def _(patch):
    query, close_on_cancel = Connection.query, Connection._close_on_cancel

    async def counted(self, *arguments, **named):
        self.queries = vars(self).get("queries", 0) + 1
        return await query(self, *arguments, **named)

    def close_after_the_first(self):
        if self.queries == 1:
            close_on_cancel(self)

    patch.setattr(Connection, "query", counted)
    patch.setattr(Connection, "_close_on_cancel", close_after_the_first)


@world(
    "a query that is cancelled in the midst of its answer leaves its connection open",
    falsifies=["mysql-cancelling-a-query-closes-its-connection"],
)
def _(patch):
    close_on_cancel = Connection._close_on_cancel

    def close_before_the_answer(self):
        if self._next_seq_id == 1:
            close_on_cancel(self)

    patch.setattr(Connection, "_close_on_cancel", close_before_the_answer)


@world(
    "a query that is cancelled closes every connection",
    falsifies=["mysql-cancelling-a-query-closes-its-connection"],
)
def _(patch):
    connect, close_on_cancel, connections = Connection._connect, Connection._close_on_cancel, weakref.WeakSet()

    async def remember(self):
        await connect(self)
        connections.add(self)

    def close_all(self):
        for connection in list(connections):
            if not connection.closed:
                close_on_cancel(connection)

    patch.setattr(Connection, "_connect", remember)
    patch.setattr(Connection, "_close_on_cancel", close_all)


@world(
    "after a query over a reset connection failed the next makes a new one",
    falsifies=[
        "mysql-query-on-a-reset-connection-fails-by-loop",
        "mysql-query-on-a-reset-connection-raises-runtime-error-on-uvloop",
    ],
)
def _(patch):
    query, failed = Connection.query, weakref.WeakSet()

    async def anew(self, sql, unbuffered=False):
        if self in failed:
            failed.discard(self)
            await self._connect()
        try:
            return await query(self, sql, unbuffered)
        except (aiomysql.OperationalError, RuntimeError):
            failed.add(self)
            raise

    patch.setattr(Connection, "query", anew)


@world("while a query waits no timer is due", falsifies=["mysql-slow-query-lets-other-tasks-run"])
def _(patch):
    query, sleep, asking = Connection.query, asyncio.sleep, []

    async def ask(self, *arguments, **named):
        asking.append(self)
        try:
            return await query(self, *arguments, **named)
        finally:
            asking.remove(self)

    async def sleep_meanwhile(delay, result=None):
        await sleep(delay)
        while delay > 0 and asking:
            await sleep(0)
        return result

    patch.setattr(Connection, "query", ask)
    patch.setattr(asyncio, "sleep", sleep_meanwhile)


@world(
    "after a few turns a query blocks the event loop, for a time", falsifies=["mysql-slow-query-lets-other-tasks-run"]
)
def _(patch):
    query = Connection.query

    async def blocking(self, *arguments, **named):
        asking = asyncio.ensure_future(query(self, *arguments, **named))
        for _ in range(20):
            await asyncio.sleep(0)
        if not asking.done() and not select.select([self._writer.get_extra_info("socket").fileno()], [], [], 0.05)[0]:
            asking.cancel()  # or it would block where nothing reaches
        return await asking

    patch.setattr(Connection, "query", blocking)


@world(
    "a query that is cancelled in a transaction leaves its connection open",
    falsifies=["mysql-cancelling-a-query-closes-its-connection"],
)
def _(patch):
    close = Connection._close_on_cancel

    def broken(self):
        if not self.get_transaction_status():
            close(self)

    patch.setattr(Connection, "_close_on_cancel", broken)


@world(
    "a query by a cursor that was used makes a new one of a reset connection",
    falsifies=[
        "mysql-query-on-a-reset-connection-fails-by-loop",
        "mysql-query-on-a-reset-connection-raises-runtime-error-on-uvloop",
    ],
)
def _(patch):
    query, used = Cursor._query, weakref.WeakSet()

    async def broken(self, sql):
        try:
            await query(self, sql)
            used.add(self)
        except (aiomysql.OperationalError, RuntimeError):
            if self not in used:
                raise
            await self._connection._connect()
            await query(self, sql)

    patch.setattr(Cursor, "_query", broken)
