"""Section 5.2, aiomysql's pool of connections to a real MySQL: how far it goes, and what its end waits for."""

import asyncio

import aiomysql
import pytest

from fixtures.claims import claim
from fixtures.servers.mysql_client import account, until_seen
from fixtures.trace import until


@claim("mysql-pool-makes-the-next-taker-wait")
async def test_the_next_taker_of_a_pool_at_its_maximum_waits_until_a_connection_comes_back(mysql_server, trace):
    async def take():
        connection = await pool.acquire()
        trace("taken")
        return connection

    async with aiomysql.create_pool(**account(mysql_server), maxsize=2) as pool, pool.acquire() as other:
        held = await pool.acquire()
        taker = asyncio.create_task(take())
        for _ in range(3):  # each goes to the server and back
            await held.ping(reconnect=False)
        size, waits = pool.size, not taker.done()

        trace("released")
        await pool.release(held)
        await until(taker.done, "the taker did not get the connection that came back")
        await pool.release(taker.result())
    for connection in (
        held,
        other,
        taker.result(),
    ):  # where the claim is false: uvloop hangs at its close with one open
        connection.close()

    assert size == 2
    assert waits
    assert taker.result() is held
    assert trace.steps == ["released", "taken"]


@claim("mysql-pool-closing-waits-for-what-is-taken")
async def test_a_pool_that_is_closed_refuses_the_next_taker_and_is_waited_for_until_all_came_back(
    mysql_server, mysql_watcher
):
    pool = await aiomysql.create_pool(**account(mysql_server), minsize=2, maxsize=2)
    taken, idle = await pool.acquire(), await pool.acquire()
    ids = {taken.thread_id(), idle.thread_id()}
    await pool.release(idle)

    try:
        assert pool.close() is None
        with pytest.raises(RuntimeError, match="after closing pool"):
            await pool.acquire()
        closing = asyncio.create_task(pool.wait_closed())
        for _ in range(3):  # the connection that is taken can be used until it comes back
            await taken.ping(reconnect=False)
        waits = not closing.done()
        pool.release(taken)
        await closing

        assert len(ids) == 2
        assert waits, "it was not waited for the connection that was taken"
        await until_seen(lambda: not any(map(mysql_watcher.has, ids)), "it still has connections of the pool")
    finally:
        for connection in (taken, idle):  # where the claim is false: uvloop hangs when it is closed with one open
            connection.close()
