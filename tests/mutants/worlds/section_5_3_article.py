"""Worlds in which the claims of section 5.3 about aioredis are false; it is imported in them, as in section 5.1's."""

import ast
import asyncio

from tests.mutants.worlds import world


@world("a ConnectionsPool asks for the running loop", falsifies=["aioredis-connections-pool-is-made-without-a-loop"])
def _(patch):
    import aioredis

    made = aioredis.ConnectionsPool.__init__

    def hasty(self, *place, **named):
        asyncio.get_running_loop()
        made(self, *place, **named)

    patch.setattr(aioredis.ConnectionsPool, "__init__", hasty)


@world(
    "a ConnectionsPool connects when it is made",
    falsifies=["aioredis-connections-pool-is-made-without-a-loop", "aioredis-connections-pool-opens-at-first-acquire"],
)
def _(patch):
    import aioredis

    made = aioredis.ConnectionsPool.__init__

    def eager(self, *place, **named):
        made(self, *place, **named)
        asyncio.get_running_loop().create_task(self._fill_free(override_min=False))

    patch.setattr(aioredis.ConnectionsPool, "__init__", eager)


@world("the first acquire opens ten connections", falsifies=["aioredis-connections-pool-opens-at-first-acquire"])
def _(patch):
    import aioredis

    patch.setattr(aioredis.ConnectionsPool, "minsize", property(lambda self: self.maxsize))


@world("acquire leaves the connection free", falsifies=["aioredis-connections-pool-acquire-gives-a-connection"])
def _(patch):
    import aioredis

    acquire = aioredis.ConnectionsPool.acquire

    async def shared(self):
        connection = await acquire(self)
        self.release(connection)
        return connection

    patch.setattr(aioredis.ConnectionsPool, "acquire", shared)


@world("acquire gives a client", falsifies=["aioredis-connections-pool-acquire-gives-a-connection"])
def _(patch):
    import aioredis

    acquire = aioredis.ConnectionsPool.acquire

    async def wrapped(self):
        return aioredis.Redis(await acquire(self))

    patch.setattr(aioredis.ConnectionsPool, "acquire", wrapped)


@world("a client picks another connection for each command", falsifies=["aioredis-redis-wraps-one-connection"])
def _(patch):
    import aioredis

    made, all_made = aioredis.RedisConnection.__init__, []

    def remembered(self, *arguments, **named):
        made(self, *arguments, **named)
        all_made.append(self)

    def picks(self, command, *arguments, **named):
        all_made[:] = [connection for connection in all_made if not connection.closed]
        all_made.insert(0, all_made.pop())
        return all_made[0].execute(command, *arguments, **named)

    patch.setattr(aioredis.RedisConnection, "__init__", remembered)
    patch.setattr(aioredis.Redis, "execute", picks)


@world("release gives something to await", falsifies=["aioredis-connections-pool-release-is-a-plain-call"])
def _(patch):
    import aioredis

    release = aioredis.ConnectionsPool.release

    def awaitable(self, connection):
        release(self, connection)
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    patch.setattr(aioredis.ConnectionsPool, "release", awaitable)


@world(
    "a connection that is released is free a turn later",
    falsifies=["aioredis-connections-pool-release-is-a-plain-call"],
)
def _(patch):
    import aioredis

    release = aioredis.ConnectionsPool.release

    def later(self, connection):
        asyncio.get_running_loop().call_soon(release, self, connection)

    patch.setattr(aioredis.ConnectionsPool, "release", later)


@world("a ConnectionsPool has no bound", falsifies=["aioredis-connections-pool-makes-the-eleventh-wait"])
def _(patch):
    import aioredis

    patch.setattr(aioredis.ConnectionsPool, "maxsize", property(lambda self: 1_000))


@world("a connection that is released wakes nobody", falsifies=["aioredis-connections-pool-makes-the-eleventh-wait"])
def _(patch):
    import aioredis

    async def silent(self):
        pass

    patch.setattr(aioredis.ConnectionsPool, "_wakeup", silent)


@world(
    "a connection that is released is thrown away",
    falsifies=[
        "aioredis-connections-pool-makes-the-eleventh-wait",
        "aioredis-connections-pool-release-is-a-plain-call",
    ],
)
def _(patch):
    import aioredis

    release = aioredis.ConnectionsPool.release

    def throws_away(self, connection):
        connection.close()
        release(self, connection)

    patch.setattr(aioredis.ConnectionsPool, "release", throws_away)


class _GivesBack(ast.NodeTransformer):
    """Has the claim's own `red` do its last step, release, in a `finally`."""

    def visit_AsyncFunctionDef(self, node):
        self.generic_visit(node)
        if node.name == "red":
            acquires, *works, releases = node.body
            node.body = [acquires, ast.Try(body=works, handlers=[], orelse=[], finalbody=[releases])]
        return node


@world(
    "what was acquired is given back however the function ends",
    falsifies=["aioredis-error-before-release-leaks-the-connection"],
)
def _(patch):
    patch.rewrite(_GivesBack())


@world("an exhausted pool opens one connection more", falsifies=["aioredis-error-before-release-leaks-the-connection"])
def _(patch):
    import aioredis

    patch.setattr(aioredis.ConnectionsPool, "maxsize", property(lambda self: self._pool.maxlen + 1))
