"""Worlds in which the claims of section 5.1, on Redis, are false."""

import asyncio
import select
import sys
import warnings
import weakref
from collections import OrderedDict

import redis
import redis.asyncio
import redis.exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.mutants.worlds import world

Redis = redis.asyncio.Redis
Pool = redis.asyncio.ConnectionPool
BlockingPool = redis.asyncio.BlockingConnectionPool
_wait, _create_task = asyncio.wait, asyncio.create_task


@world(
    "a hash comes back empty",
    falsifies=[
        "redis-hash-of-three-fields-is-read-back-whole",
        "redis-hash-values-come-back-as-strings",
        "redis-decoding-gives-str-instead-of-bytes",
        "redis-first-example-prints-start-hash-end",
    ],
)
def _(patch):
    async def nothing(self, name):
        return {}

    patch.setattr(Redis, "hgetall", nothing)


@world(
    "setting a hash loses a field",
    falsifies=["redis-hash-of-three-fields-is-read-back-whole", "redis-first-example-prints-start-hash-end"],
)
def _(patch):
    hset = Redis.hset

    async def loses_one(self, name, mapping):
        await hset(self, name, mapping=dict(list(mapping.items())[:-1]))
        return len(mapping)

    patch.setattr(Redis, "hset", loses_one)


@world("numbers come back as integers", falsifies=["redis-hash-values-come-back-as-strings"])
def _(patch):
    hget = Redis.hget

    async def number(self, name, key):
        return int(await hget(self, name, key))

    patch.setattr(Redis, "hget", number)


@world("of a hash, only a 1 comes back as a string", falsifies=["redis-hash-values-come-back-as-strings"])
def _(patch):
    hgetall = Redis.hgetall

    async def numbers(self, name):
        return {key: value if value == "1" else int(value) for key, value in (await hgetall(self, name)).items()}

    patch.setattr(Redis, "hgetall", numbers)


@world("replies are never decoded", falsifies=["redis-decoding-gives-str-instead-of-bytes"])
def _(patch):
    from_url = redis.asyncio.from_url
    patch.setattr(redis.asyncio, "from_url", lambda url, **named: from_url(url, **{**named, "decode_responses": False}))


@world("replies are always decoded", falsifies=["redis-decoding-gives-str-instead-of-bytes"])
def _(patch):
    from_url = redis.asyncio.from_url
    patch.setattr(redis.asyncio, "from_url", lambda url, **named: from_url(url, **{**named, "decode_responses": True}))


@world("the names of fields are decoded as Latin-1", falsifies=["redis-decoding-gives-str-instead-of-bytes"])
def _(patch):
    hgetall = Redis.hgetall

    async def mistaken(self, name):
        found = await hgetall(self, name)
        return {key.encode().decode("latin-1") if type(key) is str else key: found[key] for key in found}

    patch.setattr(Redis, "hgetall", mistaken)


@world("a hash comes back as an OrderedDict", falsifies=["redis-first-example-prints-start-hash-end"])
def _(patch):
    hgetall = Redis.hgetall

    async def ordered(self, name):
        return OrderedDict(await hgetall(self, name))

    patch.setattr(Redis, "hgetall", ordered)


@world(
    "commands are answered without the server",
    falsifies=["redis-each-command-waits-on-the-network", "redis-second-example-each-command-lets-the-other-run"],
)
def _(patch):
    async def hset(self, name, mapping):
        self.kept = mapping
        return len(mapping)

    async def hgetall(self, name):
        return self.kept

    patch.setattr(Redis, "hset", hset)
    patch.setattr(Redis, "hgetall", hgetall)


@world("the database in a URL is not heeded", falsifies=["redis-address-may-be-a-url"])
def _(patch):
    from_url = redis.asyncio.from_url
    patch.setattr(redis.asyncio, "from_url", lambda url, **named: from_url(url.replace("/1", "/0"), **named))


@world("the host in a URL is not heeded", falsifies=["redis-address-may-be-a-url"])
def _(patch):
    connected_to(patch, host="127.0.0.1")


@world("the port in a URL is not heeded", falsifies=["redis-address-may-be-a-url"])
def _(patch):
    connected_to(patch, port=6379)


def connected_to(patch, **different):
    """Have connections be made to another place than the one that was asked for."""
    init = redis.asyncio.Connection.__init__
    elsewhere = lambda self, **named: init(self, **{**named, **different})  # noqa: E731
    patch.setattr(redis.asyncio.Connection, "__init__", elsewhere)


@world("PING alone is refused without the password", falsifies=["redis-server-asks-for-the-right-password"])
def _(patch):
    execute = Redis.execute_command

    async def quiet(self, *arguments, **options):
        try:
            return await execute(self, *arguments, **options)
        except redis.exceptions.AuthenticationError:
            if arguments[0] == "PING":
                raise
            return None

    patch.setattr(Redis, "execute_command", quiet)


@world("closing keeps the connection", falsifies=["redis-closing-releases-the-socket"])
def _(patch):
    aclose, kept, urls = Redis.aclose, [], []

    async def keep(self, *_arguments):
        """Close the client, and keep one connection under its name until the process ends."""
        name = self.connection_pool.connection_kwargs.get("client_name")
        if name:
            kept.append(redis.Redis.from_url(urls[0], client_name=name))
            kept[-1].ping()
        await aclose(self)

    from_url = redis.asyncio.from_url

    def remembering(url, **named):
        urls[:] = [url]
        return from_url(url, **named)

    patch.setattr(redis.asyncio, "from_url", remembering)
    patch.setattr(Redis, "aclose", keep)


@world(
    "closing a client or a pool disconnects one connection",
    falsifies=["redis-closing-releases-the-socket", "redis-closing-the-pool-releases-every-socket"],
)
def _(patch):
    kept = []

    async def only_one(self, inuse_connections=True):
        first, *others = [*self._available_connections, *self._in_use_connections]
        await first.disconnect()
        kept.extend(others)

    patch.setattr(Pool, "disconnect", only_one)


@world(
    "a command gives the event loop a turn and then blocks it until its reply is there, or for a time",
    falsifies=["redis-each-command-waits-on-the-network", "redis-second-example-each-command-lets-the-other-run"],
)
def _(patch):
    async def blocking(self, *arguments, **options):
        await asyncio.sleep(0)
        made = self.connection_pool.connection_kwargs
        place = {name: made.get(name) for name in ("host", "port", "username", "password")}
        with redis.Redis(**place, socket_timeout=0.02, retry=Retry(NoBackoff(), 0)) as client:
            try:
                return client.execute_command(*arguments, **options)
            except redis.exceptions.TimeoutError:
                return None  # or it would block where nothing reaches

    patch.setattr(Redis, "execute_command", blocking)


@world("a hash that was set is read back without the server", falsifies=["redis-each-command-waits-on-the-network"])
def _(patch):
    hset = Redis.hset

    async def keeping(self, name, mapping):
        self.kept = {key.encode(): str(value).encode() for key, value in mapping.items()}
        return await hset(self, name, mapping=mapping)

    async def hgetall(self, name):
        await asyncio.sleep(0)
        return self.kept

    patch.setattr(Redis, "hset", keeping)
    patch.setattr(Redis, "hgetall", hgetall)


@world(
    "a client of one connection does not connect before its first command",
    falsifies=["redis-connecting-waits-on-the-network", "redis-two-servers-are-waited-for-at-once"],
)
def _(patch):
    async def initialize(self):
        return self

    patch.setattr(Redis, "initialize", initialize)


@world(
    "an awaited client gives the loop a turn, and does not connect before its first command",
    falsifies=["redis-connecting-waits-on-the-network"],
)
def _(patch):
    async def initialize(self):
        if self.connection is None:
            self.connection = self.connection_pool.get_available_connection()
            await asyncio.sleep(0)
        return self

    patch.setattr(Redis, "initialize", initialize)


@world("a client connects again whenever it is awaited", falsifies=["redis-connecting-waits-on-the-network"])
def _(patch):
    initialize = Redis.initialize

    async def again(self):
        if self.connection is not None:
            await self.connection.disconnect()
            await self.connection.connect()
        return await initialize(self)

    patch.setattr(Redis, "initialize", again)


@world(
    "a task does not begin before the one made before it has ended",
    falsifies=["redis-two-servers-are-waited-for-at-once", "mysql-two-servers-are-waited-for-at-once"],
)
def _(patch):
    turn = weakref.WeakKeyDictionary()

    def create_task(coroutine, **named):
        lock = turn.setdefault(asyncio.get_running_loop(), asyncio.Lock())

        async def in_turn():
            async with lock:
                return await coroutine

        return _create_task(in_turn(), **named)

    patch.setattr(asyncio, "create_task", create_task)


@world(
    "one server is asked at a time",
    falsifies=["redis-two-servers-are-waited-for-at-once"],
)
def _(patch):
    execute, locks = Redis.execute_command, weakref.WeakKeyDictionary()

    def lock():
        return locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())

    async def locked(self, *arguments, **options):
        async with lock():
            return await execute(self, *arguments, **options)

    patch.setattr(Redis, "execute_command", locked)


@world(
    "wait takes coroutine objects, unwarned",
    falsifies=[
        "redis-second-example-wait-takes-coroutines",
        "redis-second-example-wait-refuses-coroutines",
        "mysql-second-example-wait-takes-coroutines",
        "mysql-second-example-wait-refuses-coroutines",
    ],
)
def _(patch):
    async def wait(tasks, **options):
        return await _wait([asyncio.ensure_future(task) for task in tasks], **options)

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait begins with the first of the coroutine objects that it is given",
    falsifies=["redis-second-example-start-order-is-not-promised", "mysql-second-example-start-order-is-not-promised"],
)
def _(patch):
    async def wait(tasks, **options):
        warnings.warn("The explicit passing of coroutine objects to asyncio.wait()", DeprecationWarning, stacklevel=2)
        return await _wait([asyncio.ensure_future(task) for task in dict.fromkeys(tasks)], **options)

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait begins with the last of the coroutine objects that it is given",
    falsifies=["redis-second-example-start-order-is-not-promised", "mysql-second-example-start-order-is-not-promised"],
)
def _(patch):
    async def wait(tasks, **options):
        warnings.warn("The explicit passing of coroutine objects to asyncio.wait()", DeprecationWarning, stacklevel=2)
        return await _wait([asyncio.ensure_future(task) for task in [*dict.fromkeys(tasks)][::-1]], **options)

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait starts coroutine objects before it refuses them",
    falsifies=["redis-second-example-wait-refuses-coroutines", "mysql-second-example-wait-refuses-coroutines"],
)
def _(patch):
    async def wait(tasks, **options):
        await asyncio.gather(*tasks, return_exceptions=True)
        raise TypeError("Passing coroutines is forbidden, use tasks explicitly.")

    patch.setattr(asyncio, "wait", wait)


@world("wait raises the exception of a failed task", falsifies=["redis-failure-inside-wait-stays-in-its-task"])
def _(patch):
    async def wait(tasks, **options):
        done, pending = await _wait(tasks, **options)
        for task in done:
            task.result()
        return done, pending

    patch.setattr(asyncio, "wait", wait)


@world("wait cancels the others when a task fails", falsifies=["redis-failure-inside-wait-stays-in-its-task"])
def _(patch):
    async def wait(tasks):
        tasks = set(tasks)
        _, pending = await _wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in pending:
            task.cancel()
        return await _wait(tasks)

    patch.setattr(asyncio, "wait", wait)


@world(
    "a connection refused goes unnoticed",
    falsifies=["redis-errors-reach-who-awaits-the-command", "redis-failure-inside-wait-stays-in-its-task"],
)
def _(patch):
    execute = Redis.execute_command

    async def quiet(self, *arguments, **options):
        try:
            return await execute(self, *arguments, **options)
        except redis.exceptions.ConnectionError:
            return {}

    patch.setattr(Redis, "execute_command", quiet)


@world("an error of one client reaches the other's too", falsifies=["redis-errors-reach-who-awaits-the-command"])
def _(patch):
    execute, errors = Redis.execute_command, []

    async def spreading(self, *arguments, **options):
        try:
            answer = await execute(self, *arguments, **options)
        except redis.exceptions.ConnectionError as error:
            errors.append(error)
            raise
        for _ in range(1000):
            if errors:
                raise errors[0]
            await asyncio.sleep(0)
        return answer

    patch.setattr(Redis, "execute_command", spreading)


@world("a client connects only when no other is connecting", falsifies=["redis-two-servers-are-waited-for-at-once"])
def _(patch):
    connect, locks = redis.asyncio.Connection.connect, weakref.WeakKeyDictionary()

    async def in_turn(self):
        async with locks.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            await connect(self)

    patch.setattr(redis.asyncio.Connection, "connect", in_turn)


@world(
    "connecting gives the event loop a turn and then blocks it until it is done, or for a time",
    falsifies=["redis-connecting-waits-on-the-network"],
)
def _(patch):
    async def blocking(self):
        await asyncio.sleep(0)
        login = {"username": self.username, "password": self.password, "client_name": self.client_name, "db": self.db}
        connection = redis.Connection(self.host, self.port, **login, socket_timeout=0.05)
        connection.connect()
        self._reader, self._writer = await asyncio.open_connection(sock=connection._sock.dup())
        self._parser.on_connect(self)

    patch.setattr(redis.asyncio.Connection, "connect", blocking)


@world("a hash that was read is kept for the next time", falsifies=["redis-each-command-waits-on-the-network"])
def _(patch):
    hgetall = Redis.hgetall

    async def kept(self, name):
        if not hasattr(self, "kept"):
            self.kept = await hgetall(self, name)
        return self.kept

    patch.setattr(Redis, "hgetall", kept)


@world(
    "of the fields read one by one, only a 1 is a string",
    falsifies=["redis-hash-values-come-back-as-strings"],
)
def _(patch):
    hget = Redis.hget

    async def numbers(self, name, key):
        value = await hget(self, name, key)
        return value if value == "1" else int(value)

    patch.setattr(Redis, "hget", numbers)


@world("what is ASCII comes back as a str, decoding or not", falsifies=["redis-decoding-gives-str-instead-of-bytes"])
def _(patch):
    hgetall = Redis.hgetall

    def as_str(text):
        return text.decode() if type(text) is bytes and text.isascii() else text

    async def some(self, name):
        return {as_str(key): as_str(value) for key, value in (await hgetall(self, name)).items()}

    patch.setattr(Redis, "hgetall", some)


@world("closing a client leaves the one connection it has for itself", falsifies=["redis-closing-releases-the-socket"])
def _(patch):
    aclose, kept = Redis.aclose, []

    async def keep(self, *arguments):
        if self.connection is None:
            return await aclose(self, *arguments)
        kept.append(self.connection)

    patch.setattr(Redis, "aclose", keep)


@world(
    "the password in a URL is not heeded",
    falsifies=["redis-address-may-be-a-url"],
    breaks_much="whoever comes by a URL is not let in",
)
def _(patch):
    parse_url = redis.asyncio.connection.parse_url

    def without(url):
        return {name: value for name, value in parse_url(url).items() if name != "password"}

    patch.setattr(redis.asyncio.connection, "parse_url", without)


@world("a login that is refused is a ResponseError", falsifies=["redis-server-asks-for-the-right-password"])
def _(patch):
    execute = Redis.execute_command

    async def of_no_kind(self, *arguments, **options):
        try:
            return await execute(self, *arguments, **options)
        except redis.exceptions.AuthenticationError as error:
            raise redis.exceptions.ResponseError(str(error)) from None

    patch.setattr(Redis, "execute_command", of_no_kind)


@world("a client tells once that its connection is refused", falsifies=["redis-errors-reach-who-awaits-the-command"])
def _(patch):
    execute = Redis.execute_command

    async def tell_once(self, *arguments, **options):
        try:
            return await execute(self, *arguments, **options)
        except redis.exceptions.ConnectionError:
            if hasattr(self, "has_told"):
                return {}
            self.has_told = True
            raise

    patch.setattr(Redis, "execute_command", tell_once)


@world(
    "who awaits a command waits on when the connection is refused",
    falsifies=["redis-errors-reach-who-awaits-the-command"],
    also=["redis-failure-inside-wait-stays-in-its-task"],
)
def _(patch):
    execute = Redis.execute_command

    async def wait_on(self, *arguments, **options):
        try:
            return await execute(self, *arguments, **options)
        except redis.exceptions.ConnectionError:
            return await asyncio.get_running_loop().create_future()

    patch.setattr(Redis, "execute_command", wait_on)


@world(
    "a client blocks the event loop until each reply is there, or for a time",
    falsifies=["redis-each-command-waits-on-the-network", "redis-second-example-each-command-lets-the-other-run"],
)
def _(patch):
    read_response = redis.asyncio.Connection.read_response

    async def blocking(self, **options):
        connection = self._writer.get_extra_info("socket")
        if not self._reader._buffer and not select.select([connection.fileno()], [], [], 0.02)[0]:
            raise redis.exceptions.RedisError("there was no reply")  # or it would block where nothing reaches
        return await read_response(self, **options)

    patch.setattr(redis.asyncio.Connection, "read_response", blocking)


@world("closing a client leaves the pool handed over to it", falsifies=["redis-closing-releases-the-socket"])
def _(patch):
    from_pool = Redis.from_pool

    def lent(pool):
        client = from_pool(pool)
        client.auto_close_connection_pool = False
        return client

    patch.setattr(Redis, "from_pool", lent)


@world("what was read last is read from memory", falsifies=["redis-each-command-waits-on-the-network"])
def _(patch):
    execute_command = Redis.execute_command

    async def remember(self, *command, **named):
        last = getattr(self, "last", None)
        if command[0] == "HGETALL" and last and last[0] == command:
            return last[1]
        answer = await execute_command(self, *command, **named)
        self.last = command, answer
        return answer

    patch.setattr(Redis, "execute_command", remember)


@world("a hash that is read a second time lacks a field", falsifies=["redis-hash-of-three-fields-is-read-back-whole"])
def _(patch):
    hgetall = Redis.hgetall

    async def lacking(self, name):
        hash = await hgetall(self, name)
        if hash and getattr(self, "has_read", False):
            hash.popitem()
        self.has_read = bool(hash)
        return hash

    patch.setattr(Redis, "hgetall", lacking)


@world("a client that does not decode makes integers", falsifies=["redis-hash-values-come-back-as-strings"])
def _(patch):
    hgetall = Redis.hgetall

    async def numbers(self, name):
        hash = await hgetall(self, name)
        return {key: int(value) if value in (b"1", b"2", b"3") else value for key, value in hash.items()}

    patch.setattr(Redis, "hgetall", numbers)


@world("a client closes the pool that it shares with another", falsifies=["redis-closing-releases-the-socket"])
def _(patch):
    aclose = Redis.aclose

    async def close_the_pool(self, *arguments):
        await aclose(self, *arguments)
        await self.connection_pool.disconnect()

    patch.setattr(Redis, "aclose", close_the_pool)


@world(
    "who awaits a command is cancelled by a refusal",
    falsifies=["redis-errors-reach-who-awaits-the-command"],
    also=["redis-failure-inside-wait-stays-in-its-task"],
)
def _(patch):
    execute_command = Redis.execute_command

    async def cancelled(self, *command, **named):
        try:
            return await execute_command(self, *command, **named)
        except redis.exceptions.ConnectionError:
            raise asyncio.CancelledError from None

    patch.setattr(Redis, "execute_command", cancelled)


def connecting_blocks(patch, when):
    """Have connecting block the event loop until it is done, or for a time, where `when(connection)` is true."""
    connect, connections = redis.asyncio.Connection.connect, weakref.WeakSet()

    async def blocking(self):
        if self.is_connected:
            return
        others = [one for one in connections if one is not self and one.is_connected]
        again = self in connections
        connections.add(self)
        if not when(others, again):
            return await connect(self)
        login = {"username": self.username, "password": self.password, "client_name": self.client_name, "db": self.db}
        connection = redis.Connection(self.host, self.port, **login, socket_timeout=0.05)
        connection.connect()
        self._reader, self._writer = await asyncio.open_connection(sock=connection._sock.dup())
        self._parser.on_connect(self)

    patch.setattr(redis.asyncio.Connection, "connect", blocking)


@world(
    "connecting blocks the event loop where another connection is open",
    falsifies=["redis-connecting-waits-on-the-network"],
)
def _(patch):
    connecting_blocks(patch, lambda others, again: others)


@world("connecting again blocks the event loop", falsifies=["redis-connecting-waits-on-the-network"])
def _(patch):
    connecting_blocks(patch, lambda others, again: again)


@world(
    "each second address that is a URL leads to the one before",
    falsifies=["redis-address-may-be-a-url"],
    breaks_much="whoever comes by a URL may come elsewhere",
)
def _(patch):
    parse_url, places = redis.asyncio.connection.parse_url, []

    def as_the_one_before(url):
        found = parse_url(url)
        places.append({name: found[name] for name in ("host", "port") if name in found})
        return {**found, **(places[-2] if len(places) % 2 == 0 else {})}

    patch.setattr(redis.asyncio.connection, "parse_url", as_the_one_before)


@world(
    "an address that is a URL is good for one client",
    falsifies=["redis-address-may-be-a-url"],
    breaks_much="whoever comes by a URL again comes to nobody",
)
def _(patch):
    parse_url, seen = redis.asyncio.connection.parse_url, []

    def once(url):
        again = url.rpartition("/")[0] in seen
        seen.append(url.rpartition("/")[0])
        return {**parse_url(url), "port": 1} if again else parse_url(url)

    patch.setattr(redis.asyncio.connection, "parse_url", once)


@world("closing a client leaves what is taken of its pool", falsifies=["redis-closing-releases-the-socket"])
def _(patch):
    async def close_what_is_idle(self):
        await self.disconnect(inuse_connections=False)

    patch.setattr(redis.asyncio.ConnectionPool, "aclose", close_what_is_idle)


@world("a client is closed once", falsifies=["redis-closing-releases-the-socket"])
def _(patch):
    aclose = Redis.aclose

    async def once(self, *arguments):
        if not vars(self).get("was_closed"):
            self.was_closed = True
            await aclose(self, *arguments)

    patch.setattr(Redis, "aclose", once)


@world(
    "closing a client leaves its connections where a command failed", falsifies=["redis-closing-releases-the-socket"]
)
def _(patch):
    execute_command, aclose = Redis.execute_command, Redis.aclose

    async def remember(self, *command, **named):
        try:
            return await execute_command(self, *command, **named)
        except redis.exceptions.ResponseError:
            self.has_failed = True
            raise

    async def leave(self, *arguments):
        if not hasattr(self, "has_failed"):
            await aclose(self, *arguments)

    patch.setattr(Redis, "execute_command", remember)
    patch.setattr(Redis, "aclose", leave)


@world("the end of `async with` leaves the connections of a client", falsifies=["redis-closing-releases-the-socket"])
def _(patch):
    async def leave(self, *exception):
        pass

    patch.setattr(Redis, "__aexit__", leave)


@world("closing a client closes its sockets for writing only", falsifies=["redis-closing-releases-the-socket"])
def _(patch):
    half_closed = []

    async def close_for_writing(self, nowait=False, **options):
        self._parser.on_disconnect()
        if self.is_connected:
            half_closed.append(self._writer)
            self._writer.write_eof()
            self._reader = self._writer = None

    patch.setattr(redis.asyncio.Connection, "disconnect", close_for_writing)


@world(
    "wait refuses coroutine objects once",
    falsifies=["redis-second-example-wait-refuses-coroutines", "mysql-second-example-wait-refuses-coroutines"],
)
def _(patch):
    refused = []

    async def wait(tasks, **options):
        tasks = list(tasks)
        if any(map(asyncio.iscoroutine, tasks)):
            refused.append(tasks)
            if len(refused) % 2:
                raise TypeError("Passing coroutines is forbidden, use tasks explicitly.")
        return await _wait([asyncio.ensure_future(task) for task in tasks], **options)

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait refuses tasks, too",
    falsifies=["redis-second-example-wait-refuses-coroutines", "mysql-second-example-wait-refuses-coroutines"],
    breaks_much="whoever waits for tasks by asyncio.wait",
)
def _(patch):
    async def wait(tasks, **options):
        raise TypeError("Passing coroutines is forbidden, use tasks explicitly.")

    patch.setattr(asyncio, "wait", wait)


@world(
    "the connection of a command that was cancelled stays open, and is forgotten",
    falsifies=["redis-closing-releases-the-socket"],
)
def _(patch):
    kept = []
    disconnect = redis.asyncio.Connection.disconnect

    async def forget(self, nowait=False, **options):
        if nowait and isinstance(sys.exc_info()[1], asyncio.CancelledError) and self.is_connected:
            kept.append((self._reader, self._writer))
            self._parser.on_disconnect()
            self._reader = self._writer = None
            return
        await disconnect(self, nowait=nowait, **options)

    patch.setattr(redis.asyncio.Connection, "disconnect", forget)
