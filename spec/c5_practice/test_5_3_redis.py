"""5.3: a FastAPI application with a pool of at most ten connections to a real Redis, kept by its lifespan."""

import pytest
import redis

from fixtures.claims import claim
from fixtures.servers.website import answer_to

APPLICATION = """
import asyncio, os
from collections import defaultdict
from contextlib import asynccontextmanager

import redis.asyncio
import uvicorn
from fastapi import FastAPI

CAR, NAME = os.environ["PREFIX"] + "car", os.environ["PREFIX"].replace(":", "-")
gates = defaultdict(asyncio.Event)


class Hasty(asyncio.SelectorEventLoop):
    def call_later(self, delay, *arguments, **named):
        return super().call_later(delay / 100, *arguments, **named)


@asynccontextmanager
async def lifespan(app):
    app.pool = redis.asyncio.BlockingConnectionPool.from_url(
        os.environ["REDIS"], max_connections=10, timeout=None, decode_responses=True, client_name=NAME
    )
    yield
    await app.pool.disconnect()
    with redis.Redis.from_url(os.environ["REDIS"]) as watcher:
        for _ in range(100):  # Redis notices between two of its answers, and each of these is one
            left = sum(entry["name"] == NAME for entry in watcher.client_list())
            if not left:
                break
    print("connections left:", left)


app = FastAPI(lifespan=lifespan)


def one_connection():
    return redis.asyncio.Redis(connection_pool=app.pool, single_connection_client=True)


@app.get("/")
async def index():
    return {}


@app.get("/open")
async def open_the_gate(gate: str = "main"):
    gates[gate].set()


@app.get("/id")
async def id_of_the_connection():
    async with one_connection() as client:
        return await client.client_id()


@app.get("/fails")
async def fails():
    async with one_connection() as client:
        print("fails with connection", await client.client_id())
        raise LookupError


@app.get("/red")
async def red():
    async with one_connection() as client:
        await client.hset(CAR, mapping={"key1": 1, "key2": 2, "key3": 3})
        return await client.hgetall(CAR)


@app.get("/waits")
async def waits():
    print("came")
    await gates["main"].wait()
    result = await red()
    print("result")
    return result


@app.get("/holds")
async def holds(gate: str = "main"):
    print("came")
    async with one_connection():
        print("has a connection")
        await gates[gate].wait()
        print("gives it back")


if __name__ == "__main__":
    uvicorn.run("luffy:app", host="127.0.0.1", port=0, loop=LOOP, access_log=False)
"""
LUFFY = f'LOOP = "auto"\n{APPLICATION}'
# On a loop that makes short work of the pauses of 0.1 s that uvicorn takes before it ends.
HASTY_LUFFY = f'LOOP = "luffy:Hasty"\n{APPLICATION}'
STORED = {"key1": "1", "key2": "2", "key3": "3"}


@pytest.fixture
def connections(redis_server, redis_prefix):
    """A function that asks Redis how many connections the test's site has, which it knows by their name."""
    name = redis_prefix.replace(":", "-")
    with redis.Redis.from_url(redis_server.url) as watcher:
        yield lambda: sum(entry["name"] == name for entry in watcher.client_list())


@claim("fastapi-lifespan-opens-and-closes-the-pool")
def test_a_pool_opened_in_the_lifespan_serves_every_request_and_leaves_no_socket_when_closed(website, connections):
    site = website(HASTY_LUFFY)

    assert [site.get("/red").status for _ in range(3)] == [200, 200, 200]
    assert connections() == 1
    holding = [site.ask("/holds") for _ in range(3)]
    printed = [site.next_line() for _ in range(6)]
    assert (printed.count("has a connection"), connections()) == (3, 3)
    site.get("/open")
    assert [answer_to(request).status for request in holding] == [200] * 3
    assert [site.next_line() for _ in range(3)] == ["gives it back"] * 3

    assert site.interrupt() == 0

    assert site.lines() == ["connections left: 0"]


@claim("fastapi-waiting-requests-let-new-ones-arrive")
def test_all_requests_that_come_while_one_waits_are_printed_before_any_result(website, redis_prefix):
    site = website(LUFFY)

    waiting = [site.ask("/waits")]
    printed = [site.next_line()]
    waiting += [site.ask("/waits") for _ in range(11)]  # more than there may be connections
    printed += [site.next_line() for _ in range(11)]

    site.get("/open")
    printed += [site.next_line() for _ in waiting]

    assert printed == ["came"] * 12 + ["result"] * 12
    assert [answer_to(request).status for request in waiting] == [200] * 12


@claim("fastapi-red-uses-at-most-ten-connections")
def test_ten_requests_have_a_connection_each_and_each_further_one_waits_until_one_comes_back(website, connections):
    site = website(LUFFY)

    asking = [site.ask("/holds?gate=side")]
    first = [site.next_line() for _ in range(2)]
    asking += [site.ask("/holds") for _ in range(11)]
    first += [site.next_line() for _ in range(20)]
    for _ in range(20):  # turns enough for an eleventh connection to be made and told of
        assert site.get("/").status == 200

    assert (first.count("came"), first.count("has a connection")) == (12, 10)
    assert connections() == 10

    site.get("/open?gate=side")
    assert [site.next_line(), site.next_line()] == ["gives it back", "has a connection"]
    asking.append(site.ask("/holds"))
    assert site.next_line() == "came"
    for _ in range(20):
        assert site.get("/").status == 200
    assert connections() == 10

    site.get("/open")
    then = [site.next_line() for _ in range(14)]

    assert then[0] == "gives it back"
    assert (then.count("gives it back"), then.count("has a connection")) == (12, 2)
    assert [answer_to(request).status for request in asking] == [200] * 13
    assert connections() == 10


@claim("fastapi-red-gives-its-connection-back")
def test_the_next_request_is_served_over_the_connection_of_the_one_before(website, connections):
    site = website(LUFFY)

    ids, statuses = [], []
    for _ in range(3):
        ids.append(site.get("/id").body)
        statuses.append(site.get("/red").status)

    assert statuses == [200] * 3
    assert len(set(ids)) == 1
    assert connections() == 1


@claim("fastapi-red-gives-its-connection-back")
def test_a_request_that_fails_gives_its_connection_back_too(website, connections):
    site = website(LUFFY)

    before = site.get("/id").body
    failed = site.get("/fails").status
    after = site.get("/id").body

    assert failed == 500
    assert site.next_line() == f"fails with connection {before}"
    assert after == before
    assert connections() == 1


@claim("fastapi-red-returns-the-hash-as-json")
def test_the_stored_hash_is_answered_as_json_with_strings_for_values(website, redis_server, redis_prefix):
    site = website(LUFFY)

    with redis.Redis.from_url(redis_server.url, decode_responses=True) as client:
        expected = dict(STORED)
        for more in ({}, {"empty": "", "colour": " 红 "}, {"true": "true", "null": "null", "colour": "blau"}):
            if more:
                client.hset(f"{redis_prefix}car", mapping=more)
            expected.update(more)
            answer = site.get("/red")

            assert (answer.status, answer.kind) == (200, "application/json")
            assert answer.body == expected
            assert client.hgetall(f"{redis_prefix}car") == expected
