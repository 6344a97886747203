"""Worlds in which claims of section 5.1 about the pools of redis-py are false."""

import asyncio
import weakref

import redis
import redis.asyncio
import redis.exceptions

from tests.mutants.worlds import world
from tests.mutants.worlds.section_5_1 import BlockingPool, Pool, Redis


@world("a client over a pool connects before its first command", falsifies=["redis-pool-opens-connections-when-needed"])
def _(patch):
    initialize = Redis.initialize

    async def eager(self):
        await self.connection_pool.release(await self.connection_pool.get_connection())
        return await initialize(self)

    patch.setattr(Redis, "initialize", eager)


@world("a pool connects in the background once it is made", falsifies=["redis-pool-opens-connections-when-needed"])
def _(patch):
    made, get_connection = Pool.__init__, Pool.get_connection

    async def connect(pool):
        await pool.release(await get_connection(pool))

    def eager(self, *arguments, **named):
        made(self, *arguments, **named)
        self.connecting = asyncio.ensure_future(connect(self))

    async def from_then_on(self):
        await self.connecting
        return await get_connection(self)

    patch.setattr(Pool, "__init__", eager)
    patch.setattr(Pool, "get_connection", from_then_on)


@world("a pool opens a connection for each command", falsifies=["redis-pool-opens-connections-when-needed"])
def _(patch):
    def fresh(self):
        self._in_use_connections.add(connection := self.make_connection())
        return connection

    patch.setattr(Pool, "get_available_connection", fresh)


@world(
    "a pool has no bound",
    falsifies=["redis-plain-pool-at-its-maximum-raises", "redis-blocking-pool-makes-the-next-taker-wait"],
)
def _(patch):
    def unbounded(self):
        connection = self._available_connections.pop() if self._available_connections else self.make_connection()
        self._in_use_connections.add(connection)
        return connection

    patch.setattr(Pool, "get_available_connection", unbounded)
    patch.setattr(BlockingPool, "can_get_connection", lambda self: True)


@world("a plain pool opens one more than its maximum", falsifies=["redis-plain-pool-at-its-maximum-raises"])
def _(patch):
    get_available = Pool.get_available_connection

    def one_more(self):
        if len(self._in_use_connections) == self.max_connections and not self._available_connections:
            self._in_use_connections.add(connection := self.make_connection())
            return connection
        return get_available(self)

    patch.setattr(Pool, "get_available_connection", one_more)


@world("a plain pool at its maximum raises once", falsifies=["redis-plain-pool-at-its-maximum-raises"])
def _(patch):
    get_available = Pool.get_available_connection

    def once(self):
        try:
            return get_available(self)
        except redis.exceptions.MaxConnectionsError:
            if not vars(self).setdefault("has_raised", False):
                self.has_raised = True
                raise
            self._in_use_connections.add(connection := self.make_connection())
            return connection

    patch.setattr(Pool, "get_available_connection", once)


@world(
    "an empty blocking pool raises like a plain one",
    falsifies=["redis-blocking-pool-makes-the-next-taker-wait"],
    also=["fastapi-red-uses-at-most-ten-connections"],
)
def _(patch):
    patch.setattr(BlockingPool, "get_connection", Pool.get_connection)


@world("a connection that is released wakes nobody", falsifies=["redis-blocking-pool-makes-the-next-taker-wait"])
def _(patch):
    patch.setattr(BlockingPool, "release", Pool.release)


def _released_to(patch, serve):
    """Have blocking pools call `serve(takers, connection)` where some wait: futures, in the order of their coming."""
    get, release, waiting = BlockingPool.get_connection, BlockingPool.release, weakref.WeakKeyDictionary()

    async def get_connection(self, *arguments, **options):
        if self.can_get_connection():
            return await get(self)
        waiting.setdefault(self, []).append(served := asyncio.get_running_loop().create_future())
        return await served

    async def release_to_takers(self, connection):
        if takers := waiting.get(self):
            serve(takers, connection)
        else:
            await release(self, connection)

    patch.setattr(BlockingPool, "get_connection", get_connection)
    patch.setattr(BlockingPool, "release", release_to_takers)


@world(
    "a connection that is released goes to all who wait", falsifies=["redis-blocking-pool-makes-the-next-taker-wait"]
)
def _(patch):
    def to_all(takers, connection):
        while takers:
            takers.pop().set_result(connection)

    _released_to(patch, to_all)


@world("a connection that is released is thrown away", falsifies=["redis-blocking-pool-makes-the-next-taker-wait"])
def _(patch):
    release = BlockingPool.release

    async def throw_away(self, connection):
        await release(self, connection)
        self._available_connections.remove(connection)
        await connection.disconnect()

    patch.setattr(BlockingPool, "release", throw_away)


@world(
    "closing a pool leaves the connections that are in use", falsifies=["redis-closing-the-pool-releases-every-socket"]
)
def _(patch):
    disconnect = Pool.disconnect

    async def only_idle(self, inuse_connections=True):
        await disconnect(self, inuse_connections=False)

    patch.setattr(Pool, "disconnect", only_idle)


@world("closing a pool leaves its idle connections", falsifies=["redis-closing-the-pool-releases-every-socket"])
def _(patch):
    async def only_in_use(self, inuse_connections=True):
        for connection in self._in_use_connections:
            await connection.disconnect()

    patch.setattr(Pool, "disconnect", only_in_use)


@world(
    "a blocking pool for more than one connection has no bound",
    falsifies=["redis-blocking-pool-makes-the-next-taker-wait", "redis-plain-pool-at-its-maximum-raises"],
)
def _(patch):
    made = BlockingPool.__init__

    def unbounded(self, max_connections=50, **named):
        made(self, max_connections if max_connections == 1 else 1000, **named)

    patch.setattr(BlockingPool, "__init__", unbounded)


@world(
    "a connection that is released goes to who waited longest, though he gave up",
    falsifies=["redis-blocking-pool-makes-the-next-taker-wait"],
)
def _(patch):
    def to_the_first(takers, connection):
        if not (first := takers.pop(0)).done():
            first.set_result(connection)

    _released_to(patch, to_the_first)


@world("a connection that is taken again does not count", falsifies=["redis-plain-pool-at-its-maximum-raises"])
def _(patch):
    get_available = Pool.get_available_connection

    def uncounted(self):
        if self._available_connections:
            return self._available_connections.pop()
        return get_available(self)

    patch.setattr(Pool, "get_available_connection", uncounted)


@world(
    "a plain pool does not count connections that are still being made",
    falsifies=["redis-plain-pool-at-its-maximum-raises"],
)
def _(patch):
    get_connection = Pool.get_connection

    async def counted_when_made(self):
        if self._available_connections or len(self._in_use_connections) >= self.max_connections:
            return await get_connection(self)
        connection = self.make_connection()
        await connection.connect()
        self._in_use_connections.add(connection)
        return connection

    patch.setattr(Pool, "get_connection", counted_when_made)


@world(
    "closing a pool leaves the last of its idle connections where there are more",
    falsifies=["redis-closing-the-pool-releases-every-socket"],
)
def _(patch):
    async def leave_one(self, inuse_connections=True):
        for connection in [*self._available_connections[: len(self._available_connections) - 1 or 1]]:
            await connection.disconnect()
        for connection in self._in_use_connections:
            await connection.disconnect()

    patch.setattr(Pool, "disconnect", leave_one)


@world("a plain pool at its maximum waits like a blocking one", falsifies=["redis-plain-pool-at-its-maximum-raises"])
def _(patch):
    get_connection = Pool.get_connection

    async def wait(self):
        while not self.can_get_connection():
            await asyncio.sleep(0)
        return await get_connection(self)

    patch.setattr(Pool, "get_connection", wait)


@world(
    "a pool of which connections are taken cannot be closed", falsifies=["redis-closing-the-pool-releases-every-socket"]
)
def _(patch):
    disconnect = Pool.disconnect

    async def refuse(self, inuse_connections=True):
        if self._in_use_connections:
            raise RuntimeError("connections are taken")
        await disconnect(self, inuse_connections)

    patch.setattr(Pool, "disconnect", refuse)


@world("closing a pool leaves the third that is idle open", falsifies=["redis-closing-the-pool-releases-every-socket"])
def _(patch):
    disconnect = Pool.disconnect

    async def leave_one(self, *arguments, **named):
        self.left = self._available_connections[2:]
        del self._available_connections[2:]
        await disconnect(self, *arguments, **named)

    patch.setattr(Pool, "disconnect", leave_one)


@world("the second client over a pool has it connect", falsifies=["redis-pool-opens-connections-when-needed"])
def _(patch):
    init, pools, connecting = Redis.__init__, [], []

    def connects_then(self, *arguments, **named):
        init(self, *arguments, **named)
        pool = named.get("connection_pool")
        if pool is not None and pool in pools:
            connecting.append(asyncio.ensure_future(_connect_one(pool)))
        pools.append(pool)

    patch.setattr(Redis, "__init__", connects_then)


@world("a pipeline has the pool of its client connect", falsifies=["redis-pool-opens-connections-when-needed"])
def _(patch):
    pipeline, connecting = Redis.pipeline, []

    def connects_then(self, *arguments, **named):
        connecting.append(asyncio.ensure_future(_connect_one(self.connection_pool)))
        return pipeline(self, *arguments, **named)

    patch.setattr(Redis, "pipeline", connects_then)


async def _connect_one(pool):
    await pool.release(await pool.get_connection())
