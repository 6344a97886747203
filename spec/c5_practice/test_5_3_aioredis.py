"""Section 5.3 as it was written: aioredis 1.3.1's ConnectionsPool, and what the endpoint does with it by hand."""

import asyncio
import contextlib
import functools

import aioredis
import pytest

from fixtures.claims import claim
from fixtures.servers.aioredis_client import address_of, plain
from fixtures.servers.wire import Wire
from fixtures.trace import until


@pytest.fixture
def pool_at(redis_password):
    """A function that makes the pool of the example at a place with host and port: `async with pool_at(place)`."""

    @contextlib.asynccontextmanager
    async def pool_at(place, minsize=1, maxsize=10):
        pool = aioredis.ConnectionsPool(
            address_of(place), password=plain(redis_password), minsize=minsize, maxsize=maxsize
        )
        try:
            yield pool
        finally:
            pool.close()
            await pool.wait_closed()

    return pool_at


@pytest.fixture
def pool(pool_at, redis_server):
    """A function that makes such a pool at the server."""
    return functools.partial(pool_at, redis_server)


async def time_to_connect(connection):
    """Send to the server and hear from it a few times: long enough for another connection to be made."""
    for _ in range(10):
        await connection.execute("ping")


@claim("aioredis-connections-pool-is-made-without-a-loop")
def test_a_connections_pool_made_at_module_level_works_in_the_loop_that_comes_later(
    program, redis_server, redis_password
):
    ended = program(f"""
        import asyncio
        import aioredis

        address = "redis://{redis_server.host}:{redis_server.port}"
        pool = aioredis.ConnectionsPool(address, password={plain(redis_password)!r}, minsize=1, maxsize=10)
        print(pool.minsize, pool.maxsize, pool.size)

        async def main():
            connection = await pool.acquire()
            print(await connection.execute("ping"))
            pool.release(connection)
            pool.close()
            await pool.wait_closed()

        asyncio.run(main())
    """)

    assert ended.lines == ["1 10 0", "b'PONG'"]
    assert (ended.status, ended.stderr) == (0, "")


@claim("aioredis-connections-pool-opens-at-first-acquire")
async def test_making_a_connections_pool_opens_no_connection_and_the_first_acquire_opens_one(redis_server, pool_at):
    async with Wire(redis_server) as wire:
        async with pool_at(redis_server) as other, pool_at(wire, minsize=1) as pool:
            await time_to_connect(await other.acquire())
            assert (len(wire.lines), pool.size) == (0, 0)

            await pool.acquire()
            assert (len(wire.lines), pool.size) == (1, 1)


@claim("aioredis-connections-pool-acquire-gives-a-connection")
async def test_acquire_gives_one_connection_that_is_then_not_free_in_the_pool(pool):
    async with pool(minsize=2) as pool:
        first = await pool.acquire()
        assert type(first) is aioredis.RedisConnection
        assert (pool.size, pool.freesize) == (2, 1)

        second = await pool.acquire()
        assert second is not first
        assert (pool.size, pool.freesize) == (2, 0)
        assert await first.execute("ping") == b"PONG"


@claim("aioredis-redis-wraps-one-connection")
async def test_every_command_of_redis_made_over_a_connection_goes_over_that_connection(pool):
    async with pool() as pool:
        connection, other = await pool.acquire(), await pool.acquire()
        client = aioredis.Redis(connection)
        ids = [await connection.execute("CLIENT", "ID"), await other.execute("CLIENT", "ID")]

        assert [await client.execute("CLIENT", "ID") for _ in range(3)] == [ids[0]] * 3
        assert ids[0] != ids[1]
        assert await client.ping() == b"PONG"


@claim("aioredis-connections-pool-release-is-a-plain-call")
async def test_release_returns_none_and_the_connection_is_free_at_once(pool):
    async with pool() as pool:
        connection = await pool.acquire()
        assert (pool.size, pool.freesize) == (1, 0)

        returned = pool.release(connection)

        assert returned is None
        assert (pool.size, pool.freesize) == (1, 1)
        assert await pool.acquire() is connection


@claim("aioredis-connections-pool-makes-the-eleventh-wait")
async def test_the_eleventh_acquire_of_a_pool_of_ten_waits_for_the_connection_that_is_released(pool, trace):
    async def take():
        connection = await pool.acquire()
        trace("taken")
        return connection

    async with pool(maxsize=10) as pool:
        held = [await pool.acquire() for _ in range(10)]
        assert len(set(held)) == 10

        eleventh = asyncio.create_task(take())
        await time_to_connect(held[0])
        assert not eleventh.done(), "the eleventh did not wait"

        trace("released")
        pool.release(held[4])
        await until(eleventh.done, "the eleventh did not get the connection that was released")

        assert eleventh.result() is held[4]
        assert trace.steps == ["released", "taken"]


@claim("aioredis-error-before-release-leaks-the-connection")
async def test_an_exception_before_release_leaves_the_connection_taken_and_the_next_taker_waiting(pool):
    def fails():
        raise LookupError

    async def red():
        connection = await pool.acquire()
        fails()
        pool.release(connection)

    async with pool() as other, pool(maxsize=1) as pool:
        with pytest.raises(LookupError):
            await red()

        assert (pool.size, pool.freesize) == (1, 0)
        next_taker = asyncio.create_task(pool.acquire())
        await time_to_connect(await other.acquire())
        assert not next_taker.done(), "the connection came back to the pool"

        next_taker.cancel()
        await asyncio.wait([next_taker])
