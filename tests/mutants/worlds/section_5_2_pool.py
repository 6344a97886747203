"""Worlds in which claims of section 5.2 about aiomysql's pool are false."""

import asyncio
import collections

import aiomysql

from tests.mutants.worlds import world


@world("a pool for more than one connection has no bound", falsifies=["mysql-pool-makes-the-next-taker-wait"])
def _(patch):
    init = aiomysql.Pool.__init__

    def unbounded(self, minsize, maxsize, **named):
        init(self, minsize, maxsize if maxsize == 1 else 0, **named)

    patch.setattr(aiomysql.Pool, "__init__", unbounded)


@world("a connection that comes back wakes nobody", falsifies=["mysql-pool-makes-the-next-taker-wait"])
def _(patch):
    async def nobody(self):
        pass

    patch.setattr(aiomysql.Pool, "_wakeup", nobody)


@world("a pool that is closed hands out connections", falsifies=["mysql-pool-closing-waits-for-what-is-taken"])
def _(patch):
    patch.setattr(aiomysql.Pool, "close", lambda self: None)


@world(
    "closing a pool leaves those who took a connection alone", falsifies=["mysql-pool-closing-waits-for-what-is-taken"]
)
def _(patch):
    async def wait_closed(self):
        await self.clear()

    patch.setattr(aiomysql.Pool, "wait_closed", wait_closed)


@world("closing a pool leaves its idle connections open", falsifies=["mysql-pool-closing-waits-for-what-is-taken"])
def _(patch):
    async def only_taken(self):
        async with self._cond:
            while self._used:
                await self._cond.wait()

    patch.setattr(aiomysql.Pool, "wait_closed", only_taken)


@world(
    "a connection that comes back wakes who waited longest, though he gave up",
    falsifies=["mysql-pool-makes-the-next-taker-wait"],
)
def _(patch):
    class Forgetful(asyncio.Condition):
        """Wakes the first who waited, whether he still does or not."""

        async def wait(self):
            self.release()
            waiting = asyncio.get_running_loop().create_future()
            self._waiters.append(waiting)
            try:
                return await waiting
            finally:
                await self.acquire()

        def notify(self, n=1):
            if self._waiters and not (first := self._waiters.popleft()).done():
                first.set_result(True)

    init = aiomysql.Pool.__init__

    def forgetful(self, *arguments, **named):
        init(self, *arguments, **named)
        self._cond = Forgetful()

    patch.setattr(aiomysql.Pool, "__init__", forgetful)


@world(
    "closing a pool waits for one of the connections that are taken",
    falsifies=["mysql-pool-closing-waits-for-what-is-taken"],
)
def _(patch):
    async def wait_closed(self):
        while self._free:
            self._free.popleft().close()
        async with self._cond:
            if self._used:
                await self._cond.wait()
        self._closed = True

    patch.setattr(aiomysql.Pool, "wait_closed", wait_closed)


@world(
    "a pool hands out connections again once its end was waited for",
    falsifies=["mysql-pool-closing-waits-for-what-is-taken"],
)
def _(patch):
    wait_closed = aiomysql.Pool.wait_closed

    async def and_open(self):
        await wait_closed(self)
        self._closing = self._closed = False
        self._minsize = 0

    patch.setattr(aiomysql.Pool, "wait_closed", and_open)


@world(
    "a pool does not count connections that are still being made", falsifies=["mysql-pool-makes-the-next-taker-wait"]
)
def _(patch):
    acquire = aiomysql.Pool._acquire

    async def counted_when_made(self):
        if self._free or len(self._used) >= self.maxsize:
            return await acquire(self)
        connection = await aiomysql.connect(**self._conn_kwargs)
        self._used.add(connection)
        return connection

    patch.setattr(aiomysql.Pool, "_acquire", counted_when_made)


@world("a pool at its maximum raises", falsifies=["mysql-pool-makes-the-next-taker-wait"])
def _(patch):
    acquire = aiomysql.Pool._acquire

    async def refuse(self):
        if not self._free and self.size >= self.maxsize:
            raise RuntimeError("all connections are taken")
        return await acquire(self)

    patch.setattr(aiomysql.Pool, "_acquire", refuse)


@world("waiting for the end of a pool closes what is taken", falsifies=["mysql-pool-closing-waits-for-what-is-taken"])
def _(patch):
    wait_closed = aiomysql.Pool.wait_closed

    async def close_and_wait(self):
        for connection in self._used:
            connection.close()
        await wait_closed(self)

    patch.setattr(aiomysql.Pool, "wait_closed", close_and_wait)


@world("who asks a closed pool waits", falsifies=["mysql-pool-closing-waits-for-what-is-taken"])
def _(patch):
    acquire = aiomysql.Pool._acquire

    async def wait(self):
        if self._closing:
            await asyncio.get_running_loop().create_future()
        return await acquire(self)

    patch.setattr(aiomysql.Pool, "_acquire", wait)


@world(
    "the end of a pool is waited for in vain where something was taken",
    falsifies=["mysql-pool-closing-waits-for-what-is-taken"],
)
def _(patch):
    wait_closed = aiomysql.Pool.wait_closed

    async def in_vain(self):
        if self._used:
            await asyncio.get_running_loop().create_future()
        await wait_closed(self)

    patch.setattr(aiomysql.Pool, "wait_closed", in_vain)


@world("a pool that is closed twice is open again", falsifies=["mysql-pool-closing-waits-for-what-is-taken"])
def _(patch):
    def close_or_open(self):
        self._closing = not self._closing

    patch.setattr(aiomysql.Pool, "close", close_or_open)


@world(
    "the end of a pool is not waited for where somebody has given up waiting for it",
    falsifies=["mysql-pool-closing-waits-for-what-is-taken"],
)
def _(patch):
    wait_closed = aiomysql.Pool.wait_closed

    async def give_up(self):
        try:
            await wait_closed(self)
        except asyncio.CancelledError:
            self._used.clear()
            async with self._cond:
                self._cond.notify_all()
            raise

    patch.setattr(aiomysql.Pool, "wait_closed", give_up)


@world(
    "what comes back to a pool in a transaction stays open beside its successor",
    falsifies=["mysql-pool-makes-the-next-taker-wait"],
)
def _(patch):
    release, left = aiomysql.Pool.release, []

    def leave(self, connection):
        if connection.closed or not connection.get_transaction_status():
            return release(self, connection)
        left.append(connection)
        self._used.discard(connection)
        return self._loop.create_task(self._wakeup())

    patch.setattr(aiomysql.Pool, "release", leave)


@world("a closed pool lets in who comes by `async with`", falsifies=["mysql-pool-closing-waits-for-what-is-taken"])
def _(patch):
    from aiomysql.utils import _PoolAcquireContextManager as manager

    enter = manager.__aenter__

    async def let_in(self):
        closing, self._pool._closing = self._pool._closing, False
        try:
            return await enter(self)
        finally:
            self._pool._closing = closing

    patch.setattr(manager, "__aenter__", let_in)


@world(
    "the end of a pool is not waited for once something came back closed",
    falsifies=["mysql-pool-closing-waits-for-what-is-taken"],
)
def _(patch):
    release = aiomysql.Pool.release

    def broken(self, connection):
        if connection.closed:
            self._used.clear()
            return self._loop.create_task(self._wakeup())
        return release(self, connection)

    patch.setattr(aiomysql.Pool, "release", broken)


@world("a pool to which something came back closed lends one more", falsifies=["mysql-pool-makes-the-next-taker-wait"])
def _(patch):
    release = aiomysql.Pool.release

    def note(self, connection):
        if connection.closed:
            self._free = collections.deque(self._free, maxlen=self._free.maxlen + 1)
        return release(self, connection)

    patch.setattr(aiomysql.Pool, "release", note)


@world("a pool for which somebody waited in vain lends one more", falsifies=["mysql-pool-makes-the-next-taker-wait"])
def _(patch):
    acquire = aiomysql.Pool._acquire

    async def broken(self):
        try:
            return await acquire(self)
        except asyncio.CancelledError:
            self._free = collections.deque(self._free, maxlen=self._free.maxlen + 1)
            raise

    patch.setattr(aiomysql.Pool, "_acquire", broken)
