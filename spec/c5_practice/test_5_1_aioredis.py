"""Section 5.1 as it was written: aioredis 1.3.1 at work on a real Redis."""

import asyncio
import contextlib
import inspect

import aioredis
import pytest
import redis

from fixtures.claims import claim
from fixtures.servers.aioredis_client import address_of, plain
from fixtures.servers.wire import Wire
from fixtures.trace import counting_suspensions, turn, until


@pytest.fixture
def car(redis_prefix):
    """The hash of the article, under the prefix of this test."""
    return f"{redis_prefix}car"


@pytest.fixture
def address(redis_server):
    """The URL of the server, without the password."""
    return f"{address_of(redis_server)}/{redis_server.db}"


@contextlib.asynccontextmanager
async def closing(client):
    """Close a client of aioredis in the end."""
    try:
        yield client
    finally:
        client.close()
        await client.wait_closed()


@claim("aioredis-create-redis-gives-a-client")
async def test_awaiting_create_redis_with_a_url_and_a_password_gives_a_client(redis_server, address, redis_password):
    created = aioredis.create_redis(address, password=plain(redis_password))

    assert inspect.iscoroutine(created)
    async with closing(await created) as client:
        assert type(client) is aioredis.Redis
        assert await client.ping() == b"PONG"
        said = await client.info("server")
    with redis.Redis.from_url(redis_server.url) as other_client:
        # Each time a server starts it makes a run id of its own.
        assert said["server"]["run_id"] == other_client.info("server")["run_id"]


@claim("aioredis-sends-the-password-as-auth")
async def test_the_first_that_create_redis_sends_is_auth_with_the_password(redis_server, redis_password):
    async with Wire(redis_server) as wire:
        async with closing(await aioredis.create_redis(address_of(wire), password=plain(redis_password))):
            await until(lambda: wire.lines, "no connection was made")
        [line] = wire.lines
        command, _, argument = line.sent.split(b"\r\n", 5)[2:5] if line.sent else (b"", b"", b"")

        assert command == b"AUTH"
        is_the_password = argument == redis_password.encode()  # a failure must not print it
        assert is_the_password


@claim("aioredis-sends-the-password-as-auth")
@pytest.mark.usefixtures("redis_password")
async def test_a_wrong_password_raises_replyerror_from_create_redis(address):
    with pytest.raises(aioredis.ReplyError, match="^WRONGPASS ") as refused:
        await aioredis.create_redis(address, password="wrong")

    assert refused.type is aioredis.ReplyError


@claim("aioredis-sends-the-password-as-auth")
@pytest.mark.usefixtures("redis_password")
async def test_without_a_password_create_redis_gives_a_client_whose_commands_raise_autherror(redis_server):
    async with closing(await aioredis.create_redis(address_of(redis_server))) as stranger:
        with pytest.raises(aioredis.AuthError, match="^NOAUTH "):
            await stranger.ping()


@claim("aioredis-hmset-dict-sets-a-field-a-keyword")
async def test_hmset_dict_stores_each_keyword_argument_as_a_field_of_one_hash(address, redis_password, car):
    async with closing(await aioredis.create_redis(address, password=plain(redis_password))) as client:
        assert await client.exists(car) == 0

        stored = await client.hmset_dict(car, key1=1, key2=2, key3=3)

        assert stored is True
        assert await client.type(car) == b"hash"
        assert await client.hgetall(car) == {b"key1": b"1", b"key2": b"2", b"key3": b"3"}


@claim("aioredis-hgetall-encoding-gives-str")
async def test_hgetall_gives_str_with_an_encoding_and_bytes_without(address, redis_password, car):
    async with closing(await aioredis.create_redis(address, password=plain(redis_password))) as client:
        await client.hmset_dict(car, {"颜色": "红"})
        decoded = await client.hgetall(car, encoding="utf-8")
        raw = await client.hgetall(car)

    assert decoded == {"颜色": "红"}
    assert raw == {"颜色".encode(): "红".encode()}


@claim("aioredis-close-is-a-plain-call")
async def test_close_of_a_client_returns_none_and_has_closed_it(address, redis_password):
    async with closing(await aioredis.create_redis(address, password=plain(redis_password))) as client:
        assert client.closed is False

        returned = client.close()

        assert returned is None
        assert client.closed is True


@claim("aioredis-wait-closed-moves-no-bytes")
async def test_close_alone_shuts_the_socket(redis_server, redis_password):
    async with Wire(redis_server) as wire:
        async with closing(await aioredis.create_redis(address_of(wire), password=plain(redis_password))) as client:
            [line] = wire.lines
            assert not line.over.is_set()

            client.close()

            await until(line.over.is_set, "the socket of the client that was closed is still open")


@claim("aioredis-wait-closed-moves-no-bytes")
async def test_wait_closed_right_after_close_suspends_once_and_moves_no_byte(redis_server, redis_password):
    async with Wire(redis_server) as wire:
        client = await aioredis.create_redis(address_of(wire), password=plain(redis_password))
        [line] = wire.lines
        before = len(line.sent), len(line.received)

        client.close()
        _, suspensions = await counting_suspensions(client.wait_closed())
        await until(line.over.is_set, "the socket of the client is still open")

        assert (len(line.sent), len(line.received)) == before
        assert suspensions == 1


@claim("aioredis-wait-closed-moves-no-bytes")
async def test_wait_closed_waits_until_close_has_ended_the_reader_task(address, redis_password):
    before = asyncio.all_tasks()
    client = await aioredis.create_redis(address, password=plain(redis_password))
    [reader] = asyncio.all_tasks() - before

    waiting = asyncio.create_task(client.wait_closed())
    for _ in range(3):
        await turn()
    assert (waiting.done(), reader.done()) == (False, False)

    client.close()
    await waiting

    assert reader.done()


@claim("aioredis-first-example-prints-start-hash-end")
def test_the_first_example_prints_start_then_the_hash_as_a_dict_then_end(program, address, redis_password, car):
    ended = program(f"""
        import asyncio
        import aioredis

        async def execute(address, password):
            print("start", address)
            client = await aioredis.create_redis(address, password=password)
            await client.hmset_dict({car!r}, key1=1, key2=2, key3=3)
            print(await client.hgetall({car!r}, encoding="utf-8"))
            client.close()
            await client.wait_closed()
            print("end", address)

        asyncio.run(execute({address!r}, {plain(redis_password)!r}))
    """)

    assert ended.lines == [f"start {address}", "{'key1': '1', 'key2': '2', 'key3': '3'}", f"end {address}"]
    assert (ended.status, ended.stderr) == (0, "")


@claim("aioredis-create-redis-pool-is-used-like-a-client")
async def test_create_redis_pool_connects_once_and_its_pool_is_used_like_a_client(redis_server, redis_password, car):
    async with Wire(redis_server) as wire:
        address = f"{address_of(wire)}/{redis_server.db}"
        async with closing(await aioredis.create_redis_pool(address, password=plain(redis_password))) as pool:
            assert (type(pool), type(pool.connection)) == (aioredis.Redis, aioredis.ConnectionsPool)
            assert len(wire.lines) == 1

            await pool.hmset_dict(car, key1=1)
            assert await pool.hgetall(car, encoding="utf-8") == {"key1": "1"}

            assert len(wire.lines) == 1


@claim("aioredis-pool-close-and-wait-closed-release-every-socket")
async def test_closing_a_pool_and_waiting_for_it_releases_idle_and_taken_connections(redis_server, redis_password):
    async with Wire(redis_server) as wire:
        pool = await aioredis.create_redis_pool(address_of(wire), password=plain(redis_password), minsize=3)
        taken = await pool.connection.acquire()
        assert (pool.connection.size, pool.connection.freesize) == (3, 2)
        assert [line.over.is_set() for line in wire.lines] == [False, False, False]

        pool.close()
        await pool.wait_closed()

        assert taken.closed
        await until(lambda: all(line.over.is_set() for line in wire.lines), "sockets of the pool are still open")
