"""Section 5.2, the second MySQL example: the same coroutine function at work on two real servers at once."""

import asyncio
from collections import Counter

import aiomysql
import pytest
import redis

from fixtures.claims import claim
from fixtures.servers.mysql_client import Watcher, account, account_over, until_seen
from fixtures.servers.silent import answer_while_another_is_silent
from fixtures.servers.wire import Wire
from fixtures.trace import InFlight, turn, until


@pytest.fixture
def accounts(mysql_pair):
    """What it takes to connect to each of two servers."""
    return [account(server) for server in mysql_pair]


async def two_and_two(arguments):
    """What a server at which we log in with these arguments answers to a question that has one answer."""
    async with aiomysql.connect(**arguments) as connection, connection.cursor() as cursor:
        await cursor.execute("SELECT 2 + 2")
        return await cursor.fetchall()


FOUR = ((4,),)


@claim("mysql-second-example-wait-takes-coroutines")
def test_the_second_example_runs_its_coroutine_objects_by_asyncio_wait(accounts, new_loop):
    task_list = [two_and_two(arguments) for arguments in accounts]

    with pytest.warns(DeprecationWarning, match="passing of coroutine objects to asyncio.wait"):
        done, pending = new_loop().run_until_complete(asyncio.wait(task_list))

    assert [task.result() for task in done] == [FOUR, FOUR]
    assert pending == set()


@claim("mysql-second-example-wait-refuses-coroutines")
def test_the_second_example_ends_with_type_error_before_any_server_is_asked(refusing_port, new_loop, trace):
    async def execute(port):
        trace("started")
        await aiomysql.connect(host="127.0.0.1", port=port)

    loop = new_loop()
    for _ in range(2):  # the second time too
        task_list = [execute(refusing_port), execute(refusing_port)]
        with pytest.raises(TypeError, match="coroutines is forbidden"):
            loop.run_until_complete(asyncio.wait(task_list))
        for coroutine in task_list:
            coroutine.close()

    assert trace.steps == []


@claim("mysql-second-example-wait-refuses-coroutines")
async def test_tasks_made_inside_a_coroutine_are_waited_for_where_coroutine_objects_are_refused(accounts):
    tasks = [asyncio.create_task(two_and_two(arguments)) for arguments in accounts]
    [waited] = await asyncio.gather(asyncio.wait(tasks), return_exceptions=True)

    assert waited == (set(tasks), set())
    assert [task.result() for task in tasks] == [FOUR, FOUR]


@claim("mysql-two-servers-are-waited-for-at-once")
async def test_while_one_server_is_being_connected_to_the_other_is_too(accounts, in_flight):
    async def connect(arguments):
        with in_flight:
            connection = await aiomysql.connect(**arguments)
        connection.close()

    await asyncio.wait([asyncio.create_task(connect(arguments)) for arguments in accounts])

    assert in_flight.peak == 2


@claim("mysql-two-servers-are-waited-for-at-once")
async def test_while_a_server_that_never_answers_is_being_connected_to_the_other_serves(mysql_server):
    async def ask(port):
        return await two_and_two({**account(mysql_server), **({"port": port} if port else {})})

    assert await answer_while_another_is_silent(ask) == FOUR


@claim("mysql-two-servers-are-waited-for-at-once")
async def test_both_servers_keep_us_waiting_at_once_until_each_has_what_we_wait_for(mysql_pair, accounts, mysql_name):
    async def wait_for_the_lock(connection):
        async with connection.cursor() as cursor:
            await cursor.execute("SELECT GET_LOCK(%s, 60)", mysql_name)
            return await cursor.fetchall()

    with Watcher(mysql_pair[0]) as first, Watcher(mysql_pair[1]) as second:
        first.hold(mysql_name)
        second.hold(mysql_name)
        async with aiomysql.connect(**accounts[0]) as one, aiomysql.connect(**accounts[1]) as other:
            tasks = [asyncio.create_task(wait_for_the_lock(connection)) for connection in (one, other)]

            def both_wait():
                return first.keeps_waiting(one.thread_id()) and second.keeps_waiting(other.thread_id())

            await until_seen(lambda: any(t.done() for t in tasks) or both_wait(), "not both were waited for")
            assert not any(task.done() for task in tasks)
            second.let_go(mysql_name)
            first.let_go(mysql_name)
            done, _ = await asyncio.wait(tasks)

    assert [task.result() for task in tasks] == [((1,),), ((1,),)]
    assert done == set(tasks)


@claim("mysql-only-connect-and-execute-let-the-other-run")
async def test_only_in_connect_and_execute_the_other_task_goes_on_and_enters_too(mysql_pair):
    under_way = {line: InFlight() for line in ("connect", "cursor", "execute", "fetchall", "close")}

    async def step(line, awaitable):
        with under_way[line]:  # both are only in here if the first to enter gave way
            return await awaitable()

    async def both(line, first, second):
        return await asyncio.gather(step(line, first), step(line, second), return_exceptions=True)

    # The wires are carried by tasks of this loop: who blocks it once the other has entered gets no answer.
    async with Wire(mysql_pair[0]) as first, Wire(mysql_pair[1]) as second:
        ways = account_over(first, mysql_pair[0]), account_over(second, mysql_pair[1])
        connected = await both("connect", *(lambda way=way: aiomysql.connect(**way) for way in ways))
        assert [type(one) for one in connected] == [aiomysql.Connection] * 2, f"not both connected: {connected}"
        async with connected[0] as one, connected[1] as other:
            cursors = await both("cursor", one.cursor, other.cursor)
            counts = await both("execute", *(lambda c=c: c.execute("SELECT 2 + 2") for c in cursors))
            assert counts == [1, 1], "not both were answered"
            rows = await both("fetchall", *(cursor.fetchall for cursor in cursors))
            await both("close", *(cursor.close for cursor in cursors))

    assert rows == [FOUR, FOUR]
    assert [line for line, counter in under_way.items() if counter.peak == 2] == ["connect", "execute"]


@claim("mysql-second-example-start-order-is-not-promised")
async def test_asyncio_wait_makes_a_set_of_the_listed_executions_and_starts_each_once_in_another_order(accounts, trace):
    async def execute(place):
        trace(place)
        return await two_and_two(accounts[place % 2])

    # Several, as a set of two could happen to have them in the order in which they are given.
    places = {execute(place): place for place in range(8)}
    of_a_set = list(set(places))
    listed = of_a_set[4:] + of_a_set[:4]

    with pytest.warns(DeprecationWarning, match="passing of coroutine objects to asyncio.wait"):
        done, _ = await asyncio.wait([*listed, listed[0]])

    assert len(done) == 8
    assert [task.result() for task in done] == [FOUR] * 8
    assert Counter(trace.steps) == Counter(range(8))
    in_order = [places[execution] for execution in listed]
    assert trace.steps not in (in_order, in_order[::-1])


@claim("mysql-second-example-uses-the-port-of-mysql")
async def test_each_listed_host_is_contacted_once_at_port_3306(monkeypatch):
    contacted = []

    async def refuse(_protocol, host, port, **_options):
        contacted.append((host, port))
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", refuse, raising=False)
    listed = ["one.mysql.example", "other.mysql.example"]
    tasks = [asyncio.create_task(two_and_two({"host": host, "port": 3306, "user": "any"})) for host in listed]
    await asyncio.wait(tasks)

    assert [type(task.exception()) for task in tasks] == [aiomysql.OperationalError] * 2
    assert contacted == [("one.mysql.example", 3306), ("other.mysql.example", 3306)]


@claim("mysql-second-example-uses-the-port-of-mysql")
async def test_a_mysql_client_at_a_redis_is_sent_nothing_and_stays_suspended(redis_server):
    async with Wire(redis_server) as wire:
        connecting = asyncio.create_task(aiomysql.connect(host=wire.host, port=wire.port, user="any"))
        with redis.Redis.from_url(redis_server.url) as client:
            await until(lambda: client.ping() and wire.lines, "nobody connected")
            for _ in range(20):  # each goes to Redis and back: time enough for a greeting
                assert client.ping() is True
                await turn()
        [line] = wire.lines
        exchanged = bytes(line.sent), bytes(line.received)
        still_waits = not connecting.done()
        connecting.cancel()
        [outcome] = await asyncio.gather(connecting, return_exceptions=True)

    assert exchanged == (b"", b"")
    assert still_waits
    assert type(outcome) is asyncio.CancelledError
