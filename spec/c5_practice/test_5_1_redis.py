"""Section 5.1, the first Redis example: a hash is set and read on a real Redis, with redis-py's asyncio client."""

from urllib.parse import urlsplit

import pytest
import redis.asyncio
import redis.exceptions

from fixtures.claims import claim
from fixtures.trace import counting_suspensions

FIELDS = {"key1": 1, "key2": 2, "key3": 3}


@pytest.fixture
def car(redis_prefix):
    """The hash of the article, under the prefix of this test."""
    return f"{redis_prefix}car"


@claim("redis-connecting-waits-on-the-network")
async def test_connecting_suspends_the_task_and_awaiting_a_connected_client_again_does_not(redis_server):
    client = redis.asyncio.from_url(redis_server.url, single_connection_client=True)

    same, while_connecting = await counting_suspensions(client)
    _, when_connected = await counting_suspensions(client)
    await client.aclose()

    assert same is client
    assert while_connecting >= 1
    assert when_connected == 0


@claim("redis-address-may-be-a-url")
async def test_a_client_made_from_a_redis_url_is_connected_to_the_host_port_and_database_in_it(redis_server):
    address = urlsplit(redis_server.url)._replace(path="/1").geturl()
    parts = {name: getattr(redis_server, name) for name in ("host", "port", "username", "password")}

    async with redis.asyncio.from_url(address) as client, redis.asyncio.Redis(**parts) as client_by_parts:
        runs = [(await each.info("server"))["run_id"] for each in (client, client_by_parts)]
        connection = await client.client_info()

    # Each time a server starts it makes a run id of its own.
    assert runs[0] == runs[1]
    assert int(connection["db"]) == 1


@claim("redis-server-asks-for-the-right-password")
@pytest.mark.parametrize("password", ["", ":wrong@"], ids=["without", "wrong"])
async def test_without_the_password_or_with_a_wrong_one_a_command_fails(redis_server, password):
    if redis_server.password is None:
        pytest.skip(f"the Redis of {redis_server.origin} asks for no password; give one that does")
    address = urlsplit(redis_server.url)
    host = address.netloc.rpartition("@")[2]

    async with redis.asyncio.from_url(address._replace(netloc=password + host).geturl()) as stranger:
        with pytest.raises(redis.exceptions.AuthenticationError):
            await stranger.ping()
    async with redis.asyncio.from_url(redis_server.url) as client:
        assert await client.ping() is True


@claim("redis-each-command-waits-on-the-network")
async def test_setting_and_reading_a_hash_each_suspend_the_task(redis_server, car):
    async with redis.asyncio.from_url(redis_server.url) as client:
        await client.ping()  # connecting suspends too, and is not what is counted here
        added, while_setting = await counting_suspensions(client.hset(car, mapping=FIELDS))
        hash, while_reading = await counting_suspensions(client.hgetall(car))

    assert (added, len(hash)) == (3, 3)
    assert while_setting >= 1
    assert while_reading >= 1


@claim("redis-hash-of-three-fields-is-read-back-whole")
async def test_a_hash_set_with_three_fields_is_read_back_whole(redis_server, car):
    async with redis.asyncio.from_url(redis_server.url, decode_responses=True) as client:
        assert await client.hgetall(car) == {}

        added = await client.hset(car, mapping=FIELDS)

        assert added == 3
        assert await client.type(car) == "hash"
        assert await client.hgetall(car) == {"key1": "1", "key2": "2", "key3": "3"}


@claim("redis-hash-values-come-back-as-strings")
async def test_integers_stored_in_a_hash_come_back_as_strings(redis_server, car):
    async with redis.asyncio.from_url(redis_server.url, decode_responses=True) as client:
        await client.hset(car, mapping={"key1": 1})
        value = await client.hget(car, "key1")

        assert value == "1"
        assert value != 1
        assert {type(value) for value in (await client.hgetall(car)).values()} == {str}


@claim("redis-decoding-gives-str-instead-of-bytes")
async def test_keys_and_values_are_bytes_unless_the_client_is_told_to_decode(redis_server, car):
    async with redis.asyncio.from_url(redis_server.url) as client:
        await client.hset(car, mapping={"key1": "红"})
        raw = await client.hgetall(car)
    async with redis.asyncio.from_url(redis_server.url, decode_responses=True) as client:
        decoded = await client.hgetall(car)

    assert raw == {b"key1": "红".encode()}
    assert decoded == {"key1": "红"}


@claim("redis-closing-releases-the-socket")
async def test_the_server_sees_the_connection_of_a_client_that_is_closed_go_away(redis_server, redis_prefix):
    name = redis_prefix.replace(":", "-")
    watcher = redis.asyncio.from_url(redis_server.url)
    client = redis.asyncio.from_url(redis_server.url, client_name=name)

    async def connections():
        return [entry for entry in await watcher.client_list() if entry["name"] == name]

    await client.ping()
    assert len(await connections()) == 1

    await client.aclose()
    for _ in range(100):  # the server notices between two of its answers, and each of these is one
        left = await connections()
        if not left:
            break
    await watcher.aclose()

    assert left == []


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
