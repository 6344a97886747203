"""Section 5.2, aiomysql's pool of connections to a real MySQL: how far it goes, and what its end waits for."""

import asyncio

import aiomysql

from fixtures.claims import claim
from fixtures.servers.mysql_client import account, until_seen
from fixtures.trace import turn, until


@claim("mysql-pool-makes-the-next-taker-wait")
async def test_the_next_taker_of_a_pool_at_its_maximum_waits_until_a_connection_comes_back(mysql_server, trace):
    async def take():
        async with pool.acquire() as connection:
            trace("taken")
        return connection

    pool = await aiomysql.create_pool(**account(mysql_server), maxsize=2)
    held, other = await pool.acquire(), await pool.acquire()
    taker = asyncio.create_task(take())
    try:
        for _ in range(3):  # each goes to the server and back
            await held.ping(reconnect=False)
        size, waits = pool.size, not taker.done()

        trace("released")
        await pool.release(held)
        await until(taker.done, "the taker did not get the connection that came back")
        [taken] = await asyncio.gather(taker, return_exceptions=True)
        free = pool.freesize
    finally:
        pool.terminate()
        for connection in (held, other):  # where the claim is false: uvloop hangs when it is closed with one open
            connection.close()

    assert (size, free) == (2, 1), "it opens more than two, or the taker's own did not come back"
    assert waits, "the taker did not wait"
    assert taken is held
    assert trace.steps == ["released", "taken"]


@claim("mysql-pool-makes-the-next-taker-wait")
async def test_ten_takers_at_once_of_a_pool_of_two_share_two_connections(mysql_server):
    async def take():
        async with pool.acquire() as connection:
            await connection.ping(reconnect=False)
            return connection.thread_id()

    async with aiomysql.create_pool(**account(mysql_server), maxsize=2) as pool:
        over = await asyncio.gather(*(take() for _ in range(10)))

    assert len(set(over)) == 2


@claim("mysql-pool-makes-the-next-taker-wait")
async def test_a_connection_that_comes_back_goes_to_each_taker_in_turn_who_has_not_given_up(mysql_server):
    async def take():
        return await pool.acquire()

    def served():
        return [taker.result() for taker in patient if taker.done()]

    pool = await aiomysql.create_pool(**account(mysql_server), maxsize=1)
    held = await pool.acquire()
    impatient, *patient = [asyncio.create_task(take()) for _ in range(3)]
    try:
        for _ in range(3):
            await turn()
        impatient.cancel()
        await asyncio.wait([impatient])

        for count in (1, 2):
            await pool.release(held)
            await until(lambda count=count: len(served()) == count, "nobody was served who had not given up")
            assert served() == [held] * count
    finally:
        pool.terminate()
        held.close()  # where the claim is false it may be free: uvloop hangs when it is closed with one open


@claim("mysql-pool-makes-the-next-taker-wait")
async def test_what_comes_back_closed_or_in_a_transaction_is_replaced_and_the_next_taker_waits_still(
    mysql_server, mysql_watcher
):
    async def take():
        return await pool.acquire()

    pool = await aiomysql.create_pool(**account(mysql_server), maxsize=1)
    held = await pool.acquire()
    ids, takers = [held.thread_id()], []
    try:
        for closed in (False, True, False):
            await held.begin()
            if closed:
                held.close()
            await pool.release(held)
            held = await pool.acquire()
            ids.append(held.thread_id())
            takers.append(asyncio.create_task(take()))
            for _ in range(10):  # each goes to the server and back
                await held.ping(reconnect=False)
            takers[-1].cancel()  # who gives up leaves the bound as it is
            await asyncio.wait(takers)
        gone = lambda: not any(map(mysql_watcher.has, ids[:-1]))  # noqa: E731
        await until_seen(gone, "the server has more connections than the pool may")
        assert mysql_watcher.has(ids[-1])
        assert [taker.cancelled() for taker in takers] == [True] * 3, "a taker did not wait"
    finally:
        pool.terminate()


@claim("mysql-pool-closing-waits-for-what-is-taken")
async def test_a_pool_that_is_closed_refuses_all_takers_and_is_waited_for_until_all_came_back(
    mysql_server, mysql_watcher
):
    async def take():
        return await pool.acquire()

    async def take_for_a_while():
        async with pool.acquire():
            pass

    async def refusal(taker):
        await until(taker.done, "who asks a closed pool for a connection waits for one")
        [refused] = await asyncio.gather(taker, return_exceptions=True)
        return repr(refused)

    pool = await aiomysql.create_pool(**account(mysql_server), minsize=4, maxsize=4)
    *taken, idle = [await pool.acquire() for _ in range(4)]
    ids = {connection.thread_id() for connection in (*taken, idle)}
    await pool.release(idle)

    try:
        for _ in range(2):  # closed, and so once more
            assert pool.close() is None
        refused = [await refusal(asyncio.create_task(way())) for way in (take, take_for_a_while)]
        impatient, closing = asyncio.create_task(pool.wait_closed()), asyncio.create_task(pool.wait_closed())
        for _ in range(3):
            await turn()
        impatient.cancel()  # who waits no longer does not end it for the other
        for _ in range(3):
            await turn()
        assert [connection.closed for connection in taken] == [False] * 3, "what is taken was closed"
        for connection in taken:
            for _ in range(3):  # the connection that is taken can be used until it comes back
                await connection.ping(reconnect=False)
            assert not closing.done(), "it is not waited for each connection that was taken"
            if connection is taken[0]:
                connection.close()  # its taker had no more use for it
            pool.release(connection)
        await until_seen(lambda: not any(map(mysql_watcher.has, ids)), "it still has connections of the pool")
        await until(closing.done, "its end is waited for, though all came back")
        refused.append(await refusal(asyncio.create_task(take())))

        assert len(ids) == 4
        assert await asyncio.gather(closing, return_exceptions=True) == [None]
        assert refused == ["RuntimeError('Cannot acquire connection after closing pool')"] * 3
    finally:
        pool.terminate()
        for connection in (*taken, idle):  # where the claim is false: uvloop hangs when it is closed with one open
            connection.close()
