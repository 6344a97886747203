"""Section 3.3, await: when it gives the event loop a turn, and to whom."""

from __future__ import annotations

import asyncio

import pytest

from fixtures.claims import claim
from fixtures.trace import Rendezvous, turn, until


def run_by_hand(coroutine):
    """Run a coroutine object to its end without a loop; how often it was suspended, and the value it returned."""
    suspensions = 0
    while True:
        try:
            coroutine.send(None)
        except StopIteration as end:
            return suspensions, end.value
        suspensions += 1


@claim("await-need-not-wait-for-anything")
@pytest.mark.parametrize("value", ["a value", None])
async def test_awaiting_a_coroutine_that_waits_for_nothing_never_suspends(value):
    async def waits_for_nothing():
        return value

    async def awaits_that():
        return await waits_for_nothing()

    async def waits_for_one_turn():
        await turn()
        return value

    async def outer(coroutine_function):
        return await coroutine_function()

    for _ in range(3):
        assert run_by_hand(outer(waits_for_nothing)) == (0, value)
        assert run_by_hand(outer(awaits_that)) == (0, value)
        assert run_by_hand(outer(waits_for_one_turn)) == (1, value)


@claim("await-need-not-wait-for-anything")
@pytest.mark.parametrize("value", ["a value", None])
async def test_awaiting_a_future_or_a_task_already_done_never_suspends(value):
    future = asyncio.get_running_loop().create_future()
    future.set_result(value)
    task = asyncio.create_task(asyncio.sleep(0, value))
    await until(task.done, "the task has not ended")

    async def outer(done):
        return await done

    for _ in range(3):
        assert run_by_hand(outer(future)) == (0, value)
        assert run_by_hand(outer(task)) == (0, value)


@claim("await-that-never-suspends-gives-no-turn")
async def test_a_thousand_awaits_that_never_suspend_give_another_task_no_turn():
    turns, over = 0, False

    async def other():
        nonlocal turns
        while not over:
            turns += 1
            await turn()

    async def waits_for_nothing():
        return "a value"

    async def fails_at_once():
        raise LookupError

    task = asyncio.create_task(other())
    await turn()
    before = turns
    for _ in range(1_000):
        await waits_for_nothing()
    with pytest.raises(LookupError):
        await fails_at_once()
    assert turns - before == 0

    await until(lambda: turns > before, "the other task has had no turn at all")
    over = True
    await until(task.done, "the other task has not ended")


@claim("sleep-zero-gives-the-others-one-turn")
@pytest.mark.parametrize("names", [["only"], ["first", "second", "third"]], ids=["one", "three"])
async def test_sleep_zero_gives_each_other_ready_task_one_turn(names):
    turns, over = dict.fromkeys(names, 0), False

    async def other(name):
        while not over:
            turns[name] += 1
            await turn()

    tasks = [asyncio.create_task(other(name)) for name in turns]
    await turn()
    for arguments in [(0,), (0,), (0,), (0.0,), (0, "a result"), (0, "another")]:
        before = dict(turns)
        await asyncio.sleep(*arguments)
        assert {name: turns[name] - before[name] for name in turns} == dict.fromkeys(names, 1)

    over = True
    await until(lambda: all(task.done() for task in tasks), "the other tasks have not ended")


@claim("await-suspends-only-its-own-task")
@pytest.mark.parametrize("delay", [0, 0.001])
async def test_while_one_coroutine_sleeps_another_task_runs(trace, delay):
    async def sleeper():
        trace("the sleeper falls asleep")
        await asyncio.sleep(delay)
        trace("the sleeper wakes")

    async def other():
        await until(lambda: "the sleeper falls asleep" in trace.steps, "no coroutine has fallen asleep")
        trace("another task runs")

    task = asyncio.create_task(other())
    await turn()
    await sleeper()

    assert trace.steps == ["the sleeper falls asleep", "another task runs", "the sleeper wakes"]
    await until(task.done, "the other task has not ended")


@claim("await-suspends-only-its-own-task")
async def test_a_coroutine_that_waits_for_another_task_meets_it():
    meeting = Rendezvous(2)

    async def other():
        await meeting.meet("another task")

    task = asyncio.create_task(other())
    await meeting.meet("the coroutine that waits")
    await task

    assert set(meeting.came) == {"another task", "the coroutine that waits"}


@claim("awaited-coroutine-stays-in-the-same-task")
async def test_an_awaited_coroutine_runs_in_the_task_that_awaits_it():
    async def innermost():
        await turn()
        return asyncio.current_task()

    async def inner():
        return await innermost(), asyncio.current_task()

    own = asyncio.current_task()
    awaited_in = await inner()
    tasks = asyncio.all_tasks()

    assert awaited_in == (own, own)
    assert tasks == {own}


@claim("awaited-coroutine-stays-in-the-same-task")
async def test_create_task_makes_another_task_in_which_what_it_awaits_stays():
    async def innermost():
        await turn()
        return asyncio.current_task()

    async def inner():
        await turn()
        return await innermost(), await innermost(), asyncio.current_task()

    own = asyncio.current_task()
    created = asyncio.create_task(inner())
    assert asyncio.all_tasks() == {own, created}

    ran_in = await created

    assert created is not own
    assert ran_in == (created, created, created)


@claim("await-is-sequential-only-within-its-coroutine")
async def test_a_coroutine_goes_in_order_while_the_loop_runs_another_task_and_a_callback_at_its_await(trace):
    meeting = Rendezvous(2)

    async def in_order():
        trace("before the await")
        asyncio.get_running_loop().call_soon(trace, "a callback, at the await")
        await meeting.meet("the coroutine")
        trace("after the await")

    async def other():
        await until(lambda: "before the await" in trace.steps, "the coroutine has not come to its await")
        trace("another task, at the await")
        await until(lambda: "a callback, at the await" in trace.steps, "the loop runs no callback at the await")
        trace("another task again")
        await meeting.meet("another task")

    task = asyncio.create_task(other())
    await in_order()
    await task

    assert trace.steps == [
        "before the await",
        "another task, at the await",
        "a callback, at the await",
        "another task again",
        "after the await",
    ]


@claim("await-is-sequential-only-within-its-coroutine")
async def test_tasks_made_before_overlap_though_they_are_awaited_in_turn(in_flight):
    meeting = Rendezvous(3)

    async def call(name):
        with in_flight:
            await meeting.meet(name)

    first, second, third = [asyncio.create_task(call(name)) for name in ("first", "second", "third")]
    await first
    await second
    await third

    assert in_flight.peak == 3
