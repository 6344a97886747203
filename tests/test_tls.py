"""What tells too early from in time: only an attempt in which the event loop did not stand still counts."""

import asyncio
import time

import pytest

from fixtures.tls import NOT_LONG, Waited, not_held_up


@pytest.mark.parametrize("told", [True, False])
def test_attempts_are_made_each_twice_as_long_until_one_tells_whether_it_waited(told):
    answers = [("the first", None), ("the second", None), ("the third", told), ("the fourth", True)]
    timeouts = []

    async def attempt(timeout):
        timeouts.append(timeout)
        return answers.pop(0)

    assert asyncio.run(not_held_up(attempt)) == ("the third", told)
    assert timeouts == [NOT_LONG, 2 * NOT_LONG, 4 * NOT_LONG]


async def waited(timeout, wait):
    waiting = Waited(timeout)
    await wait()
    return waiting.told()


def test_who_asks_at_once_has_not_waited():
    assert asyncio.run(waited(3600, lambda: asyncio.sleep(0))) is False


def test_where_the_loop_stood_still_nothing_is_told():
    async def stand_still():
        time.sleep(0.02)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    assert asyncio.run(waited(0.02, stand_still)) is None
