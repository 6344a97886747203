"""Section 5.1, the second Redis example: the same coroutine function at work on two real servers at once."""

import asyncio
from collections import Counter

import pytest
import redis
import redis.asyncio
import redis.exceptions

from fixtures.claims import claim
from fixtures.servers.redis_client import client_over
from fixtures.servers.silent import answer_while_another_is_silent
from fixtures.servers.wire import Wire
from fixtures.trace import InFlight, turn, until

FIELDS = {"key1": 1, "key2": 2, "key3": 3}


@pytest.fixture
def addresses(redis_pair):
    """The URLs of two servers."""
    return [server.url for server in redis_pair]


@pytest.fixture
def refusing_address(refusing_port):
    """The URL of a port that nobody listens on."""
    return f"redis://127.0.0.1:{refusing_port}"


@pytest.fixture
def execute(redis_prefix):
    """The coroutine function of the example: what it read from the server at an address."""

    async def execute(address):
        async with redis.asyncio.from_url(address, decode_responses=True) as client:
            await client.hset(f"{redis_prefix}car", mapping=FIELDS)
            return await client.hgetall(f"{redis_prefix}car")

    return execute


READ = {"key1": "1", "key2": "2", "key3": "3"}


@claim("redis-two-servers-are-waited-for-at-once")
async def test_while_one_server_is_being_connected_to_the_other_is_too(addresses, in_flight):
    async def connect(address):
        with in_flight:
            client = await redis.asyncio.from_url(address, single_connection_client=True)
        await client.aclose()

    await asyncio.wait([asyncio.create_task(connect(address)) for address in addresses])

    assert in_flight.peak == 2


@claim("redis-two-servers-are-waited-for-at-once")
async def test_while_a_server_that_never_answers_is_being_connected_to_the_other_serves(redis_server):
    async def ask(port):
        async with redis.asyncio.from_url(f"redis://127.0.0.1:{port}" if port else redis_server.url) as client:
            return await client.ping()

    assert await answer_while_another_is_silent(ask) is True


@claim("redis-two-servers-are-waited-for-at-once")
async def test_both_servers_keep_us_waiting_at_once_until_each_has_what_we_wait_for(addresses, redis_prefix):
    gate, name = f"{redis_prefix}gate", redis_prefix.replace(":", "-")

    async def wait_at_the_gate(address):
        async with redis.asyncio.from_url(address, client_name=name) as client:
            return await client.blpop([gate])

    tasks = [asyncio.create_task(wait_at_the_gate(address)) for address in addresses]
    # These block the event loop when they ask, so they see the servers as the tasks have left them.
    with redis.Redis.from_url(addresses[0]) as first, redis.Redis.from_url(addresses[1]) as second:

        def kept_waiting():
            asked = [(entry["name"], entry["cmd"]) for client in (first, second) for entry in client.client_list()]
            return asked.count((name, "blpop"))

        await until(lambda: kept_waiting() == 2, "the two servers did not both have a client waiting", turns=200)
        assert not any(task.done() for task in tasks)
        for client in (second, first):
            client.rpush(gate, "open")
    done, _ = await asyncio.wait(tasks)

    assert [task.result() for task in tasks] == [(gate.encode(), b"open")] * 2
    assert done == set(tasks)


@claim("redis-second-example-each-command-lets-the-other-run")
async def test_in_each_command_other_tasks_go_on_and_one_enters_the_same_command(redis_pair, redis_prefix):
    under_way = {"hset": InFlight(), "hgetall": InFlight()}

    async def execute(client, command, **arguments):
        with under_way[command]:  # both are only in here if the first to enter gave way before its reply
            return await getattr(client, command)(f"{redis_prefix}car", **arguments)

    # The wires are carried by tasks of this loop: who blocks it once the other has entered gets no answer.
    async with (
        Wire(redis_pair[0]) as first,
        Wire(redis_pair[1]) as second,
        client_over(first, redis_pair[0], decode_responses=True) as one,
        client_over(second, redis_pair[1], decode_responses=True) as other,
    ):
        # Connecting gives way too, and is not what is counted here.
        connected = await asyncio.gather(one.ping(), other.ping(), return_exceptions=True)
        assert connected == [True, True], "not both were answered"
        added = await asyncio.gather(*(execute(client, "hset", mapping=FIELDS) for client in (one, other)))
        hashes = await asyncio.gather(*(execute(client, "hgetall") for client in (one, other)))

    assert {command: counter.peak for command, counter in under_way.items()} == {"hset": 2, "hgetall": 2}
    assert (added, hashes) == ([3, 3], [READ, READ])


@claim("redis-second-example-start-order-is-not-promised")
async def test_asyncio_wait_makes_a_set_of_the_listed_executions_and_starts_each_once_in_another_order(
    addresses, trace
):
    async def execute(place):
        trace(place)
        async with redis.asyncio.from_url(addresses[place % 2]) as client:
            return await client.ping()

    # Several, as a set of two could happen to have them in the order in which they are given.
    places = {execute(place): place for place in range(8)}
    of_a_set = list(set(places))
    listed = of_a_set[4:] + of_a_set[:4]

    with pytest.warns(DeprecationWarning, match="passing of coroutine objects to asyncio.wait"):
        done, _ = await asyncio.wait([*listed, listed[0]])

    assert len(done) == 8
    assert [task.result() for task in done] == [True] * 8
    assert Counter(trace.steps) == Counter(range(8))
    in_order = [places[execution] for execution in listed]
    assert trace.steps not in (in_order, in_order[::-1])


@claim("redis-second-example-wait-takes-coroutines")
def test_the_second_example_runs_its_coroutine_objects_by_asyncio_wait(addresses, execute, new_loop):
    task_list = [execute(address) for address in addresses]

    with pytest.warns(DeprecationWarning, match="passing of coroutine objects to asyncio.wait"):
        done, pending = new_loop().run_until_complete(asyncio.wait(task_list))

    assert [task.result() for task in done] == [READ, READ]
    assert pending == set()


@claim("redis-second-example-wait-refuses-coroutines")
def test_the_second_example_ends_with_type_error_before_any_server_is_asked(refusing_address, new_loop, trace):
    async def execute(address):
        trace("started")
        async with redis.asyncio.from_url(address) as client:
            await client.ping()

    loop = new_loop()
    for _ in range(2):  # the second time too
        task_list = [execute(refusing_address), execute(refusing_address)]
        with pytest.raises(TypeError, match="coroutines is forbidden"):
            loop.run_until_complete(asyncio.wait(task_list))
        for coroutine in task_list:
            coroutine.close()

    assert trace.steps == []


@claim("redis-second-example-wait-refuses-coroutines")
async def test_tasks_made_inside_a_coroutine_are_waited_for_where_coroutine_objects_are_refused(addresses, execute):
    tasks = [asyncio.create_task(execute(address)) for address in addresses]
    [waited] = await asyncio.gather(asyncio.wait(tasks), return_exceptions=True)

    assert waited == (set(tasks), set())
    assert [task.exception() for task in tasks] == [None, None]


@claim("redis-failure-inside-wait-stays-in-its-task")
async def test_asyncio_wait_raises_and_cancels_nothing_when_a_server_refuses(redis_server, refusing_address, execute):
    async def execute_once_the_other_has_failed(address):
        await until(refused.done, "the other was not refused")
        for _ in range(3):  # turns enough for asyncio.wait to be told of it
            await turn()
        return await execute(address)

    reached = asyncio.create_task(execute_once_the_other_has_failed(redis_server.url))
    refused = asyncio.create_task(execute(refusing_address))

    [returned] = await asyncio.gather(asyncio.wait([reached, refused]), return_exceptions=True)

    assert returned == ({reached, refused}, set())
    assert not reached.cancelled(), "the failure of one task has cancelled the other"
    assert [type(task.exception()) for task in (reached, refused)] == [type(None), redis.exceptions.ConnectionError]


SERVER_REFUSES = """
import asyncio
import socket
import redis.asyncio

bound_but_not_listening = socket.socket()
bound_but_not_listening.bind(("127.0.0.1", 0))
port = bound_but_not_listening.getsockname()[1]

async def execute(address):
    async with redis.asyncio.from_url(address) as client:
        await client.ping()

async def main():
    await asyncio.wait([asyncio.create_task(execute(f"redis://127.0.0.1:{port}"))])
    print("end")

asyncio.run(main())
bound_but_not_listening.close()
"""


@claim("redis-failure-inside-wait-stays-in-its-task")
def test_the_exit_status_is_0_and_a_log_line_says_the_exception_was_never_retrieved(program):
    ended = program(SERVER_REFUSES)

    assert (ended.status, ended.stdout) == (0, "end\n")
    assert ended.stderr.count("Task exception was never retrieved") == 1
    assert ended.error.startswith("redis.exceptions.ConnectionError: ")


@claim("redis-errors-reach-who-awaits-the-command")
async def test_a_refused_connection_raises_where_each_command_is_awaited_and_nowhere_else(
    redis_server, refusing_address
):
    async def ask_twice(address):
        async with redis.asyncio.from_url(address) as client:
            return [await outcome_of(client.ping()) for _ in range(2)]

    async def outcome_of(command):
        try:
            return await command
        except redis.exceptions.ConnectionError:
            return "the error"

    one, other = asyncio.create_task(ask_twice(redis_server.url)), asyncio.create_task(ask_twice(refusing_address))
    with redis.Redis.from_url(redis_server.url) as watcher:  # each turn goes to a server and back
        told = lambda: watcher.ping() and one.done() and other.done()  # noqa: E731
        await until(told, "who awaits a command waits on and is told nothing", turns=300)

    assert not other.cancelled(), "who awaits a command is cancelled, and told nothing"
    assert (one.result(), other.result()) == ([True, True], ["the error", "the error"])
