"""Worlds in which the claims of section 5.1 about aioredis are false.

It is imported in the worlds: today's newest cannot be on most Pythons, and the worlds of all stacks are listed in each.
"""

import asyncio
import builtins
import sys
import types

from tests.mutants.worlds import world


@world("the newest aioredis still has the old names", falsifies=["aioredis-newest-release-lacks-create-redis"])
def _(patch):
    old = types.ModuleType("aioredis")
    old.create_redis = old.create_redis_pool = old.ConnectionsPool = print
    patch.setitem(sys.modules, "aioredis", old)


@world("the newest aioredis can be imported", falsifies=["aioredis-newest-release-cannot-be-imported"])
def _(patch):
    patch.setitem(sys.modules, "aioredis", types.ModuleType("aioredis"))


@world(
    "the newest aioredis can be imported when it is tried again",
    falsifies=["aioredis-newest-release-cannot-be-imported"],
)
def _(patch):
    real, tried = builtins.__import__, []

    def imports(name, *arguments, **named):
        if name == "aioredis" and name in tried:
            return types.ModuleType("aioredis")
        tried.append(name)
        return real(name, *arguments, **named)

    patch.setattr(builtins, "__import__", imports)


@world("create_redis gives the bare connection", falsifies=["aioredis-create-redis-gives-a-client"])
def _(patch):
    import aioredis

    async def bare(address, **named):
        return await aioredis.create_connection(address, **named)

    patch.setattr(aioredis, "create_redis", bare)


@world("create_redis gives a client at once", falsifies=["aioredis-create-redis-gives-a-client"])
def _(patch):
    import aioredis

    create_redis = aioredis.create_redis
    patch.setattr(
        aioredis, "create_redis", lambda *place, **named: asyncio.ensure_future(create_redis(*place, **named))
    )


@world("the password is not sent", falsifies=["aioredis-sends-the-password-as-auth"])
def _(patch):
    import aioredis

    async def silent(self, password):
        return True

    patch.setattr(aioredis.RedisConnection, "auth", silent)


@world("a refused password goes unnoticed", falsifies=["aioredis-sends-the-password-as-auth"])
def _(patch):
    import aioredis

    auth = aioredis.RedisConnection.auth

    async def quiet(self, password):
        try:
            return await auth(self, password)
        except aioredis.ReplyError:
            return False

    patch.setattr(aioredis.RedisConnection, "auth", quiet)


@world("a client without the password is let in", falsifies=["aioredis-sends-the-password-as-auth"])
def _(patch):
    import aioredis

    async def pong(self):
        return b"PONG"

    patch.setattr(aioredis.Redis, "ping", pong)


@world(
    "hmset_dict keeps only the first of its keyword arguments",
    falsifies=["aioredis-hmset-dict-sets-a-field-a-keyword", "aioredis-first-example-prints-start-hash-end"],
)
def _(patch):
    import aioredis

    hmset_dict = aioredis.Redis.hmset_dict

    def first_only(self, key, **fields):
        return hmset_dict(self, key, dict(list(fields.items())[:1]))

    patch.setattr(aioredis.Redis, "hmset_dict", first_only)


@world(
    "hmset_dict says that it has stored the fields and does not",
    falsifies=["aioredis-hmset-dict-sets-a-field-a-keyword", "aioredis-create-redis-pool-is-used-like-a-client"],
)
def _(patch):
    import aioredis

    async def lies(self, key, **fields):
        return True

    patch.setattr(aioredis.Redis, "hmset_dict", lies)


@world(
    "hgetall does not heed its encoding",
    falsifies=["aioredis-hgetall-encoding-gives-str", "aioredis-first-example-prints-start-hash-end"],
)
def _(patch):
    import aioredis

    hgetall = aioredis.Redis.hgetall
    patch.setattr(aioredis.Redis, "hgetall", lambda self, key, encoding=None: hgetall(self, key))


@world("hgetall decodes the names of fields as Latin-1", falsifies=["aioredis-hgetall-encoding-gives-str"])
def _(patch):
    import aioredis

    hgetall = aioredis.Redis.hgetall

    async def mistaken(self, key, encoding=None):
        found = await hgetall(self, key, encoding=encoding)
        return {name.encode().decode("latin-1"): found[name] for name in found} if encoding else found

    patch.setattr(aioredis.Redis, "hgetall", mistaken)


@world("hgetall always decodes", falsifies=["aioredis-hgetall-encoding-gives-str"])
def _(patch):
    import aioredis

    hgetall = aioredis.Redis.hgetall
    patch.setattr(aioredis.Redis, "hgetall", lambda self, key, encoding=None: hgetall(self, key, encoding="utf-8"))


@world("close gives something to await", falsifies=["aioredis-close-is-a-plain-call"])
def _(patch):
    import aioredis

    close = aioredis.Redis.close

    def awaitable(self):
        close(self)
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    patch.setattr(aioredis.Redis, "close", awaitable)


@world(
    "close leaves all to wait_closed",
    falsifies=["aioredis-close-is-a-plain-call", "aioredis-wait-closed-moves-no-bytes"],
)
def _(patch):
    import aioredis

    close, wait_closed = aioredis.Redis.close, aioredis.Redis.wait_closed

    async def closes(self):
        close(self)
        await wait_closed(self)

    patch.setattr(aioredis.Redis, "close", lambda self: None)
    patch.setattr(aioredis.Redis, "wait_closed", closes)


@world("wait_closed takes leave of the server", falsifies=["aioredis-wait-closed-moves-no-bytes"])
def _(patch):
    import aioredis

    close, wait_closed = aioredis.Redis.close, aioredis.Redis.wait_closed

    async def quits(self):
        await self.quit()
        close(self)
        await wait_closed(self)

    patch.setattr(aioredis.Redis, "close", lambda self: None)
    patch.setattr(aioredis.Redis, "wait_closed", quits)


@world("wait_closed waits one turn more", falsifies=["aioredis-wait-closed-moves-no-bytes"])
def _(patch):
    import aioredis

    wait_closed = aioredis.Redis.wait_closed

    async def slow(self):
        await wait_closed(self)
        await asyncio.sleep(0)

    patch.setattr(aioredis.Redis, "wait_closed", slow)


@world("wait_closed only gives the loop a turn", falsifies=["aioredis-wait-closed-moves-no-bytes"])
def _(patch):
    import aioredis

    async def turn(self):
        await asyncio.sleep(0)

    patch.setattr(aioredis.Redis, "wait_closed", turn)


@world(
    "create_redis_pool connects with the first command",
    falsifies=["aioredis-create-redis-pool-is-used-like-a-client"],
)
def _(patch):
    import aioredis

    async def create_redis_pool(address, *, password):
        return aioredis.Redis(aioredis.ConnectionsPool(address, password=password, minsize=1, maxsize=10))

    patch.setattr(aioredis, "create_redis_pool", create_redis_pool)


@world("create_redis_pool opens all its connections", falsifies=["aioredis-create-redis-pool-is-used-like-a-client"])
def _(patch):
    import aioredis

    create_redis_pool = aioredis.create_redis_pool
    patch.setattr(aioredis, "create_redis_pool", lambda *place, **named: create_redis_pool(*place, **named, minsize=10))


@world(
    "closing a pool leaves the connections that are taken",
    falsifies=["aioredis-pool-close-and-wait-closed-release-every-socket"],
)
def _(patch):
    import aioredis

    async def only_idle(self):
        await self.clear()

    patch.setattr(aioredis.ConnectionsPool, "_do_close", only_idle)


@world(
    "a pool that is waited for is closed in the background",
    falsifies=["aioredis-pool-close-and-wait-closed-release-every-socket"],
)
def _(patch):
    import aioredis

    async def at_once(self):
        pass

    patch.setattr(aioredis.ConnectionsPool, "wait_closed", at_once)


@world(
    "closing a pool leaves its idle connections",
    falsifies=["aioredis-pool-close-and-wait-closed-release-every-socket"],
)
def _(patch):
    import aioredis

    async def only_taken(self):
        for connection in self._used:
            connection.close()
            await connection.wait_closed()

    patch.setattr(aioredis.ConnectionsPool, "_do_close", only_taken)
