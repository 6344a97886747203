"""Worlds in which the claims of section 5.1, on Redis, are false."""

import redis
import redis.asyncio
import redis.exceptions

from tests.mutants.worlds import world

Redis = redis.asyncio.Redis


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


@world("replies are never decoded", falsifies=["redis-decoding-gives-str-instead-of-bytes"])
def _(patch):
    from_url = redis.asyncio.from_url
    patch.setattr(redis.asyncio, "from_url", lambda url, **named: from_url(url, **{**named, "decode_responses": False}))


@world("replies are always decoded", falsifies=["redis-decoding-gives-str-instead-of-bytes"])
def _(patch):
    from_url = redis.asyncio.from_url
    patch.setattr(redis.asyncio, "from_url", lambda url, **named: from_url(url, **{**named, "decode_responses": True}))


@world("commands are answered without the server", falsifies=["redis-each-command-waits-on-the-network"])
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


@world("a refused password goes unnoticed", falsifies=["redis-server-asks-for-the-right-password"])
def _(patch):
    execute = Redis.execute_command

    async def quiet(self, *arguments, **options):
        try:
            return await execute(self, *arguments, **options)
        except redis.exceptions.AuthenticationError:
            return True

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
