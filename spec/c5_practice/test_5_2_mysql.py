"""Section 5.2, the first MySQL example: which of its lines wait on a real server, and what they give back."""

import ast
import asyncio
import contextlib
import functools

import aiomysql
import pytest

from fixtures.claims import claim
from fixtures.errors import exactly
from fixtures.servers.mysql_client import MADE_BY_TESTS, account, account_over
from fixtures.servers.wire import ELSEWHERE, Wire
from fixtures.trace import counting_suspensions, until

ACCOUNTS = "SELECT Host, User FROM user"
GOODBYE = b"\x01\x00\x00\x00\x01"  # a packet of one byte, the first of its command: COM_QUIT
NOTHING_MUCH = "DO 1"
ASKED_FOR_NOTHING_MUCH = b"\x05\x00\x00\x00\x03DO 1"  # and one of five: COM_QUERY


def lasting(rows):
    """The pairs of host and user without those of accounts that another test makes meanwhile."""
    return [pair for pair in rows if not pair[-1].startswith(MADE_BY_TESTS)]


@pytest.fixture
def accounts(mysql_watcher):
    """The pairs of host and user of every account, as another client reads them."""
    pairs = lasting(mysql_watcher.ask("SELECT Host, User FROM mysql.user"))
    assert pairs
    return pairs


@claim("aiomysql-connect-takes-host-port-user-password-db")
async def test_connecting_to_a_host_and_port_as_a_user_gives_a_connection_in_the_database_asked_for(mysql_server):
    as_user = {"user": mysql_server.user, "password": mysql_server.password}

    async def connect(wire):
        return await aiomysql.connect(host=wire.host, port=wire.port, **as_user, db="mysql")

    async with Wire(mysql_server, host=ELSEWHERE) as wire:
        [connection] = await asyncio.gather(connect(wire), return_exceptions=True)
        assert len(wire.lines) == 1, f"nobody came to this host and port: {connection!r}"
        assert type(connection) is aiomysql.Connection, f"the user was not let in: {connection!r}"
        async with connection, connection.cursor() as cursor:
            await cursor.execute("SELECT SUBSTRING_INDEX(USER(), '@', 1), DATABASE()")
            found = await cursor.fetchall()

    assert found == ((mysql_server.user, "mysql"),)


@claim("mysql-connecting-waits-on-the-network")
async def test_connecting_suspends_the_task_until_the_server_has_the_connection(mysql_server, mysql_watcher):
    # The wire is carried by tasks of this loop: who blocks it while he connects gets no answer.
    async with Wire(mysql_server) as wire, contextlib.AsyncExitStack() as opened:
        for _ in range(2):  # the second while the first is open
            connecting = aiomysql.connect(**account_over(wire, mysql_server))
            [outcome] = await asyncio.gather(counting_suspensions(connecting), return_exceptions=True)
            assert type(outcome) is tuple, f"it did not connect: {outcome!r}"
            connection, suspensions = outcome
            opened.callback(connection.close)
            assert suspensions >= 1
            assert not connection.closed
            assert mysql_watcher.has(connection.thread_id())


@claim("mysql-wrong-password-raises-error-1045")
@pytest.mark.parametrize("wrong", ["wrong", ""], ids=["wrong", "empty"])
async def test_a_wrong_password_is_refused_with_error_1045_and_the_right_one_is_not(mysql_server, wrong):
    with exactly(aiomysql.OperationalError) as refused:
        await aiomysql.connect(**{**account(mysql_server), "password": wrong})
    async with aiomysql.connect(**account(mysql_server)) as connection:
        assert not connection.closed

    assert refused.value.args[0] == 1045


@claim("mysql-cursor-can-be-awaited")
async def test_awaiting_what_cursor_returns_gives_a_cursor_of_that_connection_each_time(mysql_server):
    connect = functools.partial(aiomysql.connect, **account(mysql_server))
    async with connect() as one, connect() as other:
        cursors = []
        for connection in (one, one, other, one):
            promised = connection.cursor()
            cursor = await promised

            assert not isinstance(promised, aiomysql.Cursor)
            assert type(cursor) is aiomysql.Cursor
            assert cursor.connection is connection
            assert not any(cursor is before for before in cursors)
            assert not cursor.closed
            cursors.append(cursor)
            if connection is other:
                await cursors[0].close()


@claim("mysql-creating-a-cursor-sends-nothing")
@pytest.mark.parametrize("kinds", [[], [aiomysql.SSCursor]], ids=["buffered", "unbuffered"])
async def test_creating_a_cursor_never_suspends_and_the_server_receives_not_a_byte(mysql_server, kinds):
    async with Wire(mysql_server) as wire, aiomysql.connect(**account_over(wire, mysql_server)) as connection:
        [line] = wire.lines
        before = len(line.sent)
        for count in (1, 2):  # the first of the connection, and another
            cursor, suspensions = await counting_suspensions(connection.cursor(*kinds))
            await cursor.execute(NOTHING_MUCH)

            assert suspensions == 0
            assert line.sent[before:] == ASKED_FOR_NOTHING_MUCH * count


@claim("mysql-execute-waits-on-the-network")
@pytest.mark.parametrize(
    ("sql", "values", "rows"),
    [("SELECT 1 UNION ALL SELECT 2", None, 2), ("DO 1", None, 0), ("SELECT %s", (1,), 1)],
    ids=["rows", "no rows", "with a value"],
)
async def test_executing_sql_suspends_the_task_until_the_server_has_answered(mysql_server, sql, values, rows):
    # The wire is carried by tasks of this loop: who blocks it while he waits gets no answer.
    async with Wire(mysql_server) as wire:
        connect = functools.partial(aiomysql.connect, **account_over(wire, mysql_server))
        async with connect() as one, connect() as other:
            cursors, asked = (await one.cursor(), await other.cursor()), (sql % (values or ())).encode()
            for place in (0, 1, 0):  # when another connection was used and when nothing is new, too
                before = wire.lines[place].sent.count(asked)
                executing = cursors[place].execute(sql, values)
                [outcome] = await asyncio.gather(counting_suspensions(executing), return_exceptions=True)
                assert type(outcome) is tuple, f"there was no answer: {outcome!r}"
                count, suspensions = outcome
                assert suspensions >= 1
                assert count == rows
                # A failure must not print what went over the wire.
                is_asked = wire.lines[place].sent.count(asked) == before + 1
                assert is_asked
                with exactly(aiomysql.ProgrammingError):
                    await cursors[place].execute("SELECT nothing that there is")
                await (one, other)[place].begin()


@claim("mysql-fetchall-hands-out-rows-already-received")
async def test_fetching_a_result_of_many_rows_never_suspends_and_sends_nothing(mysql_server):
    forty = " UNION ALL ".join(["SELECT 1"] * 40)
    async with Wire(mysql_server) as wire, aiomysql.connect(**account_over(wire, mysql_server)) as connection:
        [line] = wire.lines
        cursor = await connection.cursor()
        await cursor.execute(f"SELECT 1 FROM ({forty}) one, ({forty}) other")
        before = len(line.sent)
        fetched = [await counting_suspensions(cursor.fetchall()) for _ in range(2)]  # all, and what is left then
        await cursor.execute(NOTHING_MUCH)
        sent = line.sent[before:]

    assert fetched == [(((1,),) * 1600, 0), ((), 0)]
    assert sent == ASKED_FOR_NOTHING_MUCH


@claim("mysql-fetchall-hands-out-rows-already-received")
async def test_rows_are_fetched_when_another_cursor_has_its_own_and_there_is_no_connection_any_more(mysql_server):
    async with aiomysql.connect(**account(mysql_server)) as connection:
        cursor, other = await connection.cursor(), await connection.cursor()
        await cursor.execute("SELECT 1 UNION ALL SELECT 2")
        await other.execute("SELECT 3")
        connection.close()

        assert await cursor.fetchall() == ((1,), (2,))


@claim("mysql-unbuffered-cursor-reads-rows-as-they-are-fetched")
async def test_an_unbuffered_cursor_waits_for_rows_that_a_buffered_one_has_received_already(mysql_server):
    waited, came = {}, {}
    async with Wire(mysql_server) as wire:
        async with aiomysql.connect(**account_over(wire, mysql_server)) as connection:
            [line] = wire.lines
            for kind in (aiomysql.Cursor, aiomysql.SSCursor):
                async with connection.cursor(kind) as cursor:
                    # More than a megabyte: far more than a reader takes in before it is asked for it.
                    await cursor.execute(" UNION ALL ".join(["SELECT REPEAT('x', 100000)"] * 12))
                    before = len(line.received)
                    rows, waited[kind] = await counting_suspensions(cursor.fetchall())
                    came[kind] = len(line.received) - before
                    assert list(rows) == [("x" * 100_000,)] * 12

    assert (waited[aiomysql.Cursor], came[aiomysql.Cursor]) == (0, 0)
    assert waited[aiomysql.SSCursor] >= 1
    assert came[aiomysql.SSCursor] > 0


@claim("mysql-fetchall-gives-a-tuple-of-host-and-user-pairs")
async def test_fetchall_gives_a_tuple_of_pairs_of_one_too_and_an_empty_one_after_that_or_of_none(
    mysql_server, accounts
):
    async def fetch():
        return await cursor.fetchall()

    async with aiomysql.connect(**account(mysql_server), db="mysql") as connection, connection.cursor() as cursor:
        await cursor.execute(ACCOUNTS)
        rows = await cursor.fetchall()
        [again] = await asyncio.gather(fetch(), return_exceptions=True)
        await cursor.execute(f"{ACCOUNTS} LIMIT 1")
        one = await cursor.fetchall()
        await cursor.execute(f"{ACCOUNTS} WHERE FALSE")
        none = await cursor.fetchall()

    assert type(rows) is tuple
    assert {type(row) for row in rows} == {tuple}
    assert {type(word) for row in rows for word in row} == {str}
    assert sorted(lasting(rows)) == sorted(accounts)  # in which order they come was not asked for
    assert again == ()
    assert type(one) is tuple
    assert [type(row) for row in one] == [tuple]
    assert none == ()


@claim("mysql-closing-the-cursor-sends-nothing")
@pytest.mark.parametrize(
    "fetched", [None, 0, 1, 2], ids=["never used", "with both rows left", "with a row left", "with none left"]
)
async def test_closing_a_cursor_never_suspends_and_the_server_receives_not_a_byte(mysql_server, fetched):
    async with Wire(mysql_server) as wire, aiomysql.connect(**account_over(wire, mysql_server)) as connection:
        [line] = wire.lines
        cursor, other = await connection.cursor(), await connection.cursor()
        if fetched is not None:
            await cursor.execute("SELECT 1 UNION ALL SELECT 2")
            assert len([await cursor.fetchone() for _ in range(fetched)]) == fetched
        before = len(line.sent)
        for _ in range(2):  # closed, and so once more
            _, suspensions = await counting_suspensions(cursor.close())
            assert suspensions == 0
        await other.execute(NOTHING_MUCH)
        sent = line.sent[before:]

    assert cursor.closed
    assert sent == ASKED_FOR_NOTHING_MUCH


NEW_AND_USED = pytest.mark.parametrize("questions", [[], ["BEGIN", "SELECT 1"]], ids=["new", "in a transaction"])


@claim("mysql-close-drops-the-socket-without-goodbye")
@NEW_AND_USED
async def test_close_is_a_plain_call_that_ends_the_connection_without_another_byte(mysql_server, questions):
    async with Wire(mysql_server) as wire:
        connection = await aiomysql.connect(**account_over(wire, mysql_server))
        async with connection.cursor() as cursor:
            for question in questions:
                await cursor.execute(question)
        [line] = wire.lines
        sent = bytes(line.sent)

        assert connection.close() is None
        await until(line.over.is_set, "the socket is still open")

        assert line.sent == sent


@claim("mysql-close-drops-the-socket-without-goodbye")
@NEW_AND_USED
async def test_ensure_closed_is_awaited_and_tells_the_server_before_it_ends_the_connection(mysql_server, questions):
    async with Wire(mysql_server) as wire:
        connection = await aiomysql.connect(**account_over(wire, mysql_server))
        async with connection.cursor() as cursor:
            for question in questions:
                await cursor.execute(question)
        [line] = wire.lines
        sent = bytes(line.sent)

        closing = connection.ensure_closed()
        assert asyncio.iscoroutine(closing)
        await closing
        assert connection.closed, "aiomysql takes it for open still"
        await until(line.over.is_set, "the socket is still open")

        assert line.sent == sent + GOODBYE


@claim("mysql-first-example-prints-the-user-table")
async def test_the_first_example_prints_host_and_user_of_every_account(mysql_server, accounts, capsys):
    async def show_accounts():
        connection = await aiomysql.connect(**account(mysql_server), db="mysql")
        cursor = await connection.cursor()
        await cursor.execute(ACCOUNTS)
        print(await cursor.fetchall())
        await cursor.close()
        connection.close()

    await show_accounts()

    printed = ast.literal_eval(capsys.readouterr().out)
    assert type(printed) is tuple
    assert {type(word) for row in printed for word in row} == {str}
    assert sorted(lasting(printed)) == sorted(accounts)
