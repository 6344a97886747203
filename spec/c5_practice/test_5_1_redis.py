"""Section 5.1, the first Redis example: a hash is set and read on a real Redis, with redis-py's asyncio client."""

import asyncio
import functools
from urllib.parse import urlsplit

import pytest
import redis.asyncio
import redis.exceptions

from fixtures.claims import claim
from fixtures.errors import exactly
from fixtures.servers.redis_client import client_over
from fixtures.servers.wire import ELSEWHERE, Wire
from fixtures.trace import counting_suspensions

FIELDS = {"key1": 1, "key2": 2, "key3": 3}


@pytest.fixture
def car(redis_prefix):
    """The hash of the article, under the prefix of this test."""
    return f"{redis_prefix}car"


@claim("redis-connecting-waits-on-the-network")
async def test_connecting_suspends_the_task_until_the_server_has_answered_and_awaiting_the_client_again_does_not(
    redis_server,
):
    # The wire is carried by tasks of this loop: who blocks it while he connects gets no answer.
    async with Wire(redis_server) as wire:
        one, other = (client_over(wire, redis_server, single_connection_client=True) for _ in range(2))
        found = []
        for client in (one, other, one):  # the other while the first is connected, which then connects once more
            [outcome] = await asyncio.gather(counting_suspensions(client), return_exceptions=True)
            assert type(outcome) is tuple, f"it did not connect: {outcome!r}"
            same, while_connecting = outcome
            connected = client.connection is not None and client.connection.is_connected
            _, when_connected = await counting_suspensions(client)
            found.append((same is client, connected, while_connecting >= 1, when_connected))
            if client is other:
                await one.aclose()
        await one.aclose()
        await other.aclose()

    assert found == [(True, True, True, 0)] * 3
    assert len(wire.lines) == 3


@claim("redis-address-may-be-a-url")
async def test_a_client_made_from_a_redis_url_is_let_in_to_the_host_port_and_database_in_it(redis_server):
    credentials = urlsplit(redis_server.url).netloc.rpartition("@")[0]

    async with Wire(redis_server, host=ELSEWHERE) as wire, Wire(redis_server) as another:
        for database, way in enumerate((wire, another, wire)):  # also after another address, and the same once more
            before = len(way.lines)
            async with redis.asyncio.from_url(f"redis://{credentials}@{way.host}:{way.port}/{database}") as client:
                [connection] = await asyncio.gather(client.client_info(), return_exceptions=True)

            assert len(way.lines) == before + 1, f"nobody came to this host and port: {connection!r}"
            assert isinstance(connection, dict), f"the user and the password in it are of no use: {connection!r}"
            assert int(connection["db"]) == database


@claim("redis-server-asks-for-the-right-password")
@pytest.mark.parametrize("password", ["", ":wrong@"], ids=["without", "wrong"])
async def test_without_the_password_or_with_a_wrong_one_each_command_fails(redis_server, car, password):
    if redis_server.password is None:
        pytest.skip(f"the Redis of {redis_server.origin} asks for no password; give one that does")
    address = urlsplit(redis_server.url)
    host = address.netloc.rpartition("@")[2]

    async with redis.asyncio.from_url(address._replace(netloc=password + host).geturl()) as stranger:
        for command in ("PING", f"HSET {car} key1 1", f"HGETALL {car}"):
            with exactly(redis.exceptions.AuthenticationError):
                await stranger.execute_command(*command.split())
    async with redis.asyncio.from_url(redis_server.url) as client:
        assert await client.ping() is True


@claim("redis-each-command-waits-on-the-network")
async def test_setting_and_reading_a_hash_each_suspend_the_task_until_the_server_has_answered(redis_server, car):
    # The wire is carried by tasks of this loop: who blocks it while he waits gets no answer.
    async with Wire(redis_server) as wire, client_over(wire, redis_server) as client:
        # Connecting suspends too, and is not what is counted here.
        [connected] = await asyncio.gather(client.ping(), return_exceptions=True)
        assert connected is True, f"there was no answer: {connected!r}"
        done = []
        for _ in range(2):  # the second time too, when nothing is new
            done.append(await counting_suspensions(client.hset(car, mapping=FIELDS)))
            done.append(await counting_suspensions(client.hgetall(car)))
        done.append(await counting_suspensions(client.hgetall(car)))
        # As numbers: a failure must not print what went over the wire, the password.
        asked = [sum(line.sent.count(command) for line in wire.lines) for command in (b"HSET", b"HGETALL")]

    hash = {b"key1": b"1", b"key2": b"2", b"key3": b"3"}
    assert [answer for answer, _ in done] == [3, hash, 0, hash, hash]
    assert asked == [2, 3]
    assert min(suspensions for _, suspensions in done) >= 1


@claim("redis-hash-of-three-fields-is-read-back-whole")
async def test_a_hash_set_with_three_fields_is_read_back_whole(redis_server, car):
    async with redis.asyncio.from_url(redis_server.url, decode_responses=True) as client:
        assert await client.hgetall(car) == {}

        added = await client.hset(car, mapping=FIELDS)

        assert added == 3
        assert await client.type(car) == "hash"
        for _ in range(2):
            assert await client.hgetall(car) == {"key1": "1", "key2": "2", "key3": "3"}


@claim("redis-hash-values-come-back-as-strings")
async def test_integers_stored_in_a_hash_come_back_as_strings(redis_server, car):
    async with redis.asyncio.from_url(redis_server.url, decode_responses=True) as client:
        await client.hset(car, mapping=FIELDS)
        values = [await client.hget(car, key) for key in FIELDS]

        assert values == ["1", "2", "3"]
        assert values != [1, 2, 3]
        assert await client.hgetall(car) == {"key1": "1", "key2": "2", "key3": "3"}
    async with redis.asyncio.from_url(redis_server.url) as client:  # nor are they integers where nothing is decoded
        assert await client.hgetall(car) == {b"key1": b"1", b"key2": b"2", b"key3": b"3"}


@claim("redis-decoding-gives-str-instead-of-bytes")
async def test_keys_and_values_are_bytes_unless_the_client_is_told_to_decode(redis_server, car):
    async with redis.asyncio.from_url(redis_server.url) as client:
        await client.hset(car, mapping={"颜色": "红", "key1": 1})
        raw = await client.hgetall(car)
    async with redis.asyncio.from_url(redis_server.url, decode_responses=True) as client:
        decoded = await client.hgetall(car)

    assert raw == {"颜色".encode(): "红".encode(), b"key1": b"1"}
    assert decoded == {"颜色": "红", "key1": "1"}


@claim("redis-closing-releases-the-socket")
async def test_closing_a_client_closes_a_connection_that_is_taken_too_and_for_reading_as_well(redis_server):
    client = redis.asyncio.from_url(redis_server.url)
    taken = await client.connection_pool.get_connection()
    transport = taken._writer.transport

    await client.aclose()

    released = transport.is_closing()
    transport.abort()  # where the claim is false: uvloop hangs when it is closed with one open
    await taken.disconnect()
    assert released


@claim("redis-closing-releases-the-socket")
async def test_a_client_that_is_closed_keeps_no_connection_of_a_command_that_was_cancelled(redis_server, redis_prefix):
    client, watcher = (redis.asyncio.from_url(redis_server.url) for _ in range(2))
    id = await client.client_id()
    waiting = asyncio.create_task(client.blpop(f"{redis_prefix}empty"))
    for _ in range(3):  # time enough for it to get there
        await watcher.ping()
    waiting.cancel()
    await asyncio.wait([waiting])
    await client.aclose()

    for _ in range(100):  # the server notices between two of its answers, and each of these is one
        left = [entry["id"] for entry in await watcher.client_list() if int(entry["id"]) == id]
        if not left:
            break
    await watcher.aclose()

    assert left == []


def of_a_pool(url, **options):
    """A client that a pool is handed over to."""
    return redis.asyncio.Redis.from_pool(redis.asyncio.ConnectionPool.from_url(url, **options))


@claim("redis-closing-releases-the-socket")
@pytest.mark.parametrize(
    ("make", "opened"),
    [
        (redis.asyncio.from_url, 3),
        (of_a_pool, 3),
        (functools.partial(redis.asyncio.from_url, single_connection_client=True), 1),
    ],
    ids=["over a pool", "over a pool handed over", "over one connection"],
)
async def test_the_server_sees_every_connection_of_a_client_that_is_closed_go_away(
    redis_server, redis_prefix, make, opened
):
    name = redis_prefix.replace(":", "-")
    watcher = redis.asyncio.from_url(redis_server.url)
    client = make(redis_server.url, client_name=name)

    async def connections():
        return [entry for entry in await watcher.client_list() if entry["name"] == name]

    async def use():
        await asyncio.gather(*(client.ping() for _ in range(3)))
        with exactly(redis.exceptions.ResponseError):
            await client.execute_command("NO-SUCH-COMMAND")
        assert len(await connections()) == opened

    async def use_in_async_with():
        async with client:
            await use()

    for way in (use, use_in_async_with, use):  # a client that was closed can be used again, and closed
        await way()
        if way is use:
            await client.aclose()
        for _ in range(100):  # the server notices between two of its answers, and each of these is one
            left = await connections()
            if not left:
                break
        else:
            break
    await watcher.aclose()

    assert left == []


@claim("redis-closing-releases-the-socket")
async def test_a_client_that_is_closed_leaves_the_connections_of_a_pool_that_is_not_its_own(redis_server):
    async with redis.asyncio.ConnectionPool.from_url(redis_server.url) as pool:
        one, other = redis.asyncio.Redis(connection_pool=pool), redis.asyncio.Redis(connection_pool=pool)
        before = await one.client_id()
        await one.aclose()
        assert await other.client_id() == before, "the connection of the pool was closed"


@claim("redis-first-example-prints-start-hash-end")
async def test_the_first_example_gives_start_then_the_hash_as_a_dict_then_end(redis_server, car, trace):
    async def execute(address):
        trace("start")
        client = redis.asyncio.from_url(address, decode_responses=True)
        await client.hset(car, mapping=FIELDS)
        trace(await client.hgetall(car))
        await client.aclose()
        trace("end")

    await execute(redis_server.url)

    assert trace.steps == ["start", {"key1": "1", "key2": "2", "key3": "3"}, "end"]
    assert type(trace.steps[1]) is dict
