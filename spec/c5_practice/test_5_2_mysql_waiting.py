"""Section 5.2, a real MySQL that keeps a query waiting, or loses its client: who goes on, and who is told what."""

import asyncio
import functools

import aiomysql
import pytest

from fixtures.claims import claim
from fixtures.errors import exactly
from fixtures.servers.mysql_client import account, account_over, until_seen
from fixtures.servers.wire import Wire
from fixtures.trace import turn, until

SLOW = "SELECT GET_LOCK(%s, 60)"  # answered when the lock is let go
BEGUN = f"SELECT REPEAT('x', 100000) UNION ALL {SLOW}"  # the first row is sent when it is there: it is a long one
LOST = 2013
NEW_AND_USED = pytest.mark.parametrize("used", [False, True], ids=["new", "used"])


@pytest.fixture
def lock(mysql_watcher, mysql_name):
    """The name of a lock that the watcher holds."""
    mysql_watcher.hold(mysql_name)
    return mysql_name


@claim("mysql-slow-query-lets-other-tasks-run")
async def test_while_the_server_is_at_work_on_a_query_other_tasks_go_on_and_the_query_of_one_is_answered(
    mysql_server, mysql_watcher, lock, trace
):
    async def ask(connection, *question):
        async with connection.cursor() as cursor:
            await cursor.execute(*question)
            trace(f"the answer is {await cursor.fetchall()}")

    async def go_on():
        await asyncio.sleep(0.001)
        trace("another task goes on")

    async with aiomysql.connect(**account(mysql_server)) as one, aiomysql.connect(**account(mysql_server)) as other:
        for connection in (one, other):
            await ask(connection, "SELECT 1 + 2")
        slow = asyncio.create_task(ask(one, SLOW, lock))
        kept_waiting = lambda: mysql_watcher.keeps_waiting(one.thread_id())  # noqa: E731
        await until_seen(lambda: slow.done() or kept_waiting(), "the query did not get there")
        going_on = asyncio.create_task(go_on())
        await until_seen(lambda: slow.done() or (kept_waiting() and going_on.done()), "no other task goes on")
        quick = asyncio.create_task(ask(other, "SELECT 2 + 2"))
        await until_seen(lambda: slow.done() or (kept_waiting() and quick.done()), "no other task is answered")
        mysql_watcher.let_go(lock)
        await asyncio.wait([slow, going_on, quick])

    assert trace.steps == [
        *["the answer is ((3,),)"] * 2,
        "another task goes on",
        "the answer is ((4,),)",
        "the answer is ((1,),)",
    ]


@claim("mysql-closing-the-cursor-sends-nothing")
async def test_closing_a_cursor_waits_for_a_further_result_set_that_is_still_to_come(mysql_server, mysql_watcher, lock):
    async with aiomysql.connect(**account(mysql_server)) as connection:
        cursor = await connection.cursor()
        await cursor.execute(f"SELECT 1; {SLOW}", lock)
        assert await cursor.fetchall() == ((1,),)

        closing = asyncio.create_task(cursor.close())
        await until_seen(lambda: mysql_watcher.keeps_waiting(connection.thread_id()), "the query did not get there")
        for _ in range(3):
            await turn()
        assert not closing.done()
        mysql_watcher.let_go(lock)
        await closing


@claim("mysql-cancelling-a-query-closes-its-connection")
@pytest.mark.parametrize(
    ("query", "begun"), [(SLOW, False), (BEGUN, True)], ids=["before its answer", "in the midst of its answer"]
)
async def test_a_query_cancelled_while_it_waits_takes_its_connection_with_it_and_no_other(
    mysql_server, mysql_watcher, lock, query, begun
):
    async with Wire(mysql_server) as wire:
        connect = functools.partial(aiomysql.connect, **account_over(wire, mysql_server))
        async with connect() as other, connect() as connection, connection.cursor() as cursor:
            line, id = wire.lines[1], connection.thread_id()
            await cursor.execute("SELECT 1")
            if begun:
                await connection.begin()
            asking = asyncio.create_task(cursor.execute(query, lock))
            # The number of the packet that is to come next is 1 until the answer begins.
            under_way = lambda: mysql_watcher.keeps_waiting(id) and (connection._next_seq_id > 1) is begun  # noqa: E731
            await until_seen(under_way, "the query did not get there")
            assert not connection.closed

            asking.cancel()
            [outcome] = await asyncio.gather(asking, return_exceptions=True)

            assert type(outcome) is asyncio.CancelledError
            assert connection.closed
            await until(line.over.is_set, "the socket is still open")
            with pytest.raises(aiomysql.InterfaceError, match="Cancelled during execution"):
                await cursor.execute("SELECT 1")
            mysql_watcher.let_go(lock)
            await until_seen(lambda: not mysql_watcher.has(id), "the server still has the connection")
            assert await asyncio.gather(other.ping(reconnect=False), return_exceptions=True) == [None]
            assert connection.closed
            assert len(wire.lines) == 2, "it connected again"


@claim("mysql-one-connection-serves-one-task-at-a-time")
async def test_the_query_of_a_task_on_whose_connection_another_waits_is_sent_and_raises_runtime_error(
    mysql_server, mysql_watcher, lock
):
    async with Wire(mysql_server) as wire:
        over_it = account_over(wire, mysql_server)
        async with aiomysql.connect(**over_it) as connection:
            waiting, intruding = await connection.cursor(), await connection.cursor()
            first = asyncio.create_task(waiting.execute(SLOW, lock))
            await until_seen(lambda: mysql_watcher.keeps_waiting(connection.thread_id()), "the query did not get there")

            second = asyncio.create_task(intruding.execute("SELECT 1"))
            await until(second.done, "the second task waits for the first")
            await until(lambda: b"SELECT 1" in wire.lines[0].sent, "the second query was not sent")
            mysql_watcher.let_go(lock)
            await first
            connection.close()

    assert type(second.exception()) is RuntimeError
    assert "another coroutine is already waiting" in str(second.exception())


@claim("mysql-query-on-a-reset-connection-fails-by-loop")
@NEW_AND_USED
async def test_asyncio_tells_by_operational_error_of_a_connection_reset_meanwhile(mysql_server, used):
    [(outcome, closed), (then, still_closed)] = await queried_when_reset(mysql_server, used)

    assert type(outcome) is aiomysql.OperationalError
    assert outcome.args[0] == LOST
    assert closed
    assert type(then) is aiomysql.InterfaceError
    assert still_closed


@claim("mysql-query-on-a-reset-connection-raises-runtime-error-on-uvloop")
@NEW_AND_USED
async def test_uvloop_refuses_to_write_to_a_connection_reset_meanwhile_and_aiomysql_takes_it_for_open(
    mysql_server, used
):
    for outcome, closed in await queried_when_reset(mysql_server, used):
        assert type(outcome) is RuntimeError
        assert "TCPTransport closed=True" in str(outcome)
        assert not closed


async def queried_when_reset(server, used):
    """What each of two queries raises when its connection was reset, and whether aiomysql then counts it as closed."""
    async with Wire(server) as wire:
        connection = await aiomysql.connect(**account_over(wire, server))
        cursor = await connection.cursor()
        if used:
            await cursor.execute("SELECT 1")
        wire.lines[0].reset()
        with pytest.raises(ConnectionResetError):
            await connection._reader.read(1)  # until the event loop has noticed
        assert not connection.closed

        outcomes = []
        for _ in range(2):
            [outcome] = await asyncio.gather(cursor.execute("SELECT 1"), return_exceptions=True)
            outcomes.append((outcome, connection.closed))
        connection.close()
    return outcomes


@claim("mysql-query-on-a-connection-closed-by-the-server-fails")
async def test_a_connection_that_the_server_has_closed_looks_open_until_a_query_fails(mysql_server, mysql_watcher):
    async with aiomysql.connect(**account(mysql_server)) as connection, connection.cursor() as cursor:
        id = connection.thread_id()
        mysql_watcher.kill(id)
        await until_seen(lambda: not mysql_watcher.has(id), "the server did not close the connection")
        assert not connection.closed

        with exactly(aiomysql.OperationalError) as failed:
            await cursor.execute("SELECT 1")

        assert failed.value.args[0] == LOST
        assert connection.closed


@claim("mysql-autocommit-is-off-by-default")
async def test_what_is_inserted_and_not_committed_is_seen_by_nobody_else_and_lost_with_close(
    mysql_server, mysql_watcher, table
):
    async with aiomysql.connect(**account(mysql_server)) as connection, connection.cursor() as cursor:
        id = connection.thread_id()
        for times in (0, 1):
            await cursor.execute(f"INSERT INTO {table} VALUES ('committed')")
            assert mysql_watcher.ask(f"SELECT * FROM {table}") == (("committed",),) * times
            await connection.commit()
            assert mysql_watcher.ask(f"SELECT * FROM {table}") == (("committed",),) * (times + 1)

        await cursor.execute(f"INSERT INTO {table} VALUES ('not committed')")
        await cursor.execute(f"SELECT COUNT(*) FROM {table}")
        assert await cursor.fetchall() == ((3,),)
        connection.close()
        await until_seen(lambda: not mysql_watcher.has(id), "the server still has the connection")

    assert mysql_watcher.ask(f"SELECT * FROM {table}") == (("committed",),) * 2


@pytest.fixture
def table(mysql_server, mysql_watcher, mysql_name):
    """The name of an empty table of one column."""
    table = f"`{mysql_server.database}`.`{mysql_name}`"
    mysql_watcher.ask(f"CREATE TABLE {table} (word VARCHAR(20))")
    yield table
    mysql_watcher.ask(f"DROP TABLE {table}")
