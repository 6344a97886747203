"""Section 3.5, asyncio.Future: its result, who is told of it, and when."""

from __future__ import annotations

import asyncio

import pytest

from fixtures.claims import claim
from fixtures.completions import however_it_is_completed
from fixtures.trace import turn, until


@claim("set-result-ends-the-wait-with-that-value")
@pytest.mark.parametrize("make", [lambda: ["a value"], lambda: None, LookupError, asyncio.Future])
async def test_set_result_ends_every_wait_for_the_future_with_that_very_value_whatever_it_is(make):
    loop = asyncio.get_running_loop()
    future, value = loop.create_future(), make()

    async def wait():
        return await future

    waiters = [loop.create_task(wait()), loop.create_task(wait())]
    await turn()
    assert [waiter.done() for waiter in waiters] == [False, False]

    loop.call_soon(future.set_result, value)
    await until(lambda: all(waiter.done() for waiter in waiters), "the result is set and a waiter still waits")
    assert [waiter.exception() for waiter in waiters] == [None, None]
    assert [waiter.result() is value for waiter in waiters] == [True, True]


@claim("set-result-ends-the-wait-with-that-value")
async def test_set_exception_raises_that_very_exception_in_every_coroutine_that_waits_or_comes_to_it_later(trace):
    loop = asyncio.get_running_loop()
    future, failure = loop.create_future(), LookupError("set from outside")

    async def wait():
        trace(f"the await gave {await future!r}")

    waiters = [loop.create_task(wait()), loop.create_task(wait())]
    await turn()
    loop.call_soon(future.set_exception, failure)
    await until(lambda: all(waiter.done() for waiter in waiters), "the exception is set and a waiter still waits")

    late = loop.create_task(wait())
    await until(late.done, "the exception is set and who comes late waits")

    assert trace.steps == []
    assert [waiter.exception() is failure for waiter in (*waiters, late)] == [True, True, True]


@claim("future-set-by-a-task-prints-its-value")
def test_a_program_whose_task_sets_a_future_prints_the_value_set(program):
    ended = program("""
        import asyncio

        async def set_after_a_sleep(future):
            await asyncio.sleep(0)
            future.set_result("a value from the task")

        async def main():
            loop = asyncio.get_running_loop()
            future = loop.create_future()
            await loop.create_task(set_after_a_sleep(future))
            print(await future)

        asyncio.run(main())
    """)

    assert ended.lines == ["a value from the task"]
    assert ended.status == 0


@claim("future-set-by-a-task-prints-its-value")
async def test_the_future_is_done_only_after_the_tasks_sleep_is_over(trace):
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    future.add_done_callback(lambda _future: trace("the future is done"))

    async def set_after_a_sleep():
        trace("the task falls asleep")
        await asyncio.sleep(0)
        trace("the task wakes")
        future.set_result("a value")

    await loop.create_task(set_after_a_sleep())
    await until(lambda: "the future is done" in trace.steps, "the task has set the future, but no callback was called")

    assert trace.steps == ["the task falls asleep", "the task wakes", "the future is done"]
    assert future.result() == "a value"


@claim("future-set-before-its-await-never-suspends")
async def test_after_awaiting_the_task_that_sets_it_the_await_of_the_future_gives_no_turn(trace):
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    async def set_after_a_turn():
        await turn()
        future.set_result("a value")

    await loop.create_task(set_after_a_turn())
    assert future.done()

    loop.call_soon(trace, "the loop's turn")
    trace(await future)
    assert trace.steps == ["a value"]

    await until(lambda: len(trace.steps) > 1, "the loop has had no turn at all")
    assert trace.steps == ["a value", "the loop's turn"]


@claim("future-set-before-its-await-never-suspends")
async def test_without_awaiting_the_task_first_the_await_of_the_future_waits(trace):
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    async def set_after_a_turn():
        await turn()
        trace("the task sets the future")
        future.set_result("a value")

    async def wait():
        trace(f"done: {future.done()}")
        trace(await future)

    waiter = loop.create_task(wait())
    await turn()
    setter = loop.create_task(set_after_a_turn())
    await until(lambda: waiter.done() and setter.done(), "the future is set and the waiter still waits")

    assert trace.steps == ["done: False", "the task sets the future", "a value"]


@claim("unset-future-refuses-result")
async def test_a_pending_future_refuses_result_until_it_is_set():
    future = asyncio.get_running_loop().create_future()

    with pytest.raises(BaseException) as refused:
        future.result()
    assert refused.type is asyncio.InvalidStateError
    assert not future.done()

    future.set_result("a value")
    assert future.result() == "a value"


@claim("future-result-is-set-only-once")
@pytest.mark.parametrize("first", ["the first", None])
async def test_a_second_result_or_a_cancellation_is_refused_and_the_first_result_stays(first):
    future = asyncio.get_running_loop().create_future()
    future.set_result(first)

    for second in ("the second", first):
        with pytest.raises(asyncio.InvalidStateError):
            future.set_result(second)
    with pytest.raises(asyncio.InvalidStateError):
        future.set_exception(LookupError("the second"))
    assert future.cancel() is False

    assert future.result() is first


@claim("future-result-is-set-only-once")
async def test_a_result_after_an_exception_is_refused_and_the_exception_stays():
    future, failure = asyncio.get_running_loop().create_future(), LookupError("the first")
    future.set_exception(failure)

    with pytest.raises(asyncio.InvalidStateError):
        future.set_result("the second")
    with pytest.raises(asyncio.InvalidStateError):
        future.set_exception(LookupError("the second"))

    assert future.exception() is failure


@claim("set-result-resumes-the-waiter-later")
async def test_set_result_in_a_callback_returns_before_the_waiter_goes_on(trace):
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    async def wait():
        await future
        trace("the waiter goes on")

    def set_it():
        trace("before set_result")
        future.set_result("a value")
        trace("after set_result")

    waiter = loop.create_task(wait())
    await turn()
    loop.call_soon(set_it)
    await until(lambda: future.done(), "nothing has set the future")
    for _ in range(3):
        await turn()

    assert trace.steps == ["before set_result", "after set_result", "the waiter goes on"]
    assert waiter.done()


@claim("set-result-resumes-the-waiter-later")
async def test_the_task_that_sets_a_result_runs_on_until_it_is_suspended_itself(trace):
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    async def wait():
        await future
        trace("the waiter goes on")

    async def nothing_to_wait_for():
        trace("an await that never suspends")

    async def set_it():
        future.set_result("a value")
        trace("after set_result")
        await nothing_to_wait_for()
        await turn()
        trace("after a suspension")

    waiter = loop.create_task(wait())
    await turn()
    setter = loop.create_task(set_it())
    for _ in range(5):
        await turn()

    assert trace.steps == [
        "after set_result",
        "an await that never suspends",
        "the waiter goes on",
        "after a suspension",
    ]
    assert waiter.done() and setter.done()


@claim("future-belongs-to-one-loop")
@pytest.mark.parametrize("closed", [False, True])
def test_a_pending_future_awaited_on_another_loop_raises_though_its_own_be_closed(new_loop, closed):
    own, other = new_loop(), new_loop()
    future = own.create_future()
    if closed:
        own.close()

    async def wait():
        return await future

    async def outcome_of_waiting():
        waiter = asyncio.get_running_loop().create_task(wait())
        for _ in range(3):
            await turn()
        assert waiter.done(), "a task waits on this loop for a future of another"
        return waiter.exception()

    refusal = other.run_until_complete(outcome_of_waiting())
    assert type(refusal) is RuntimeError
    assert "attached to a different loop" in str(refusal)
    assert future.get_loop() is own

    future.set_result("a value")
    assert other.run_until_complete(wait()) == "a value"


@claim("done-callback-is-called-later-with-the-future")
@however_it_is_completed
async def test_a_done_callback_gets_the_future_alone_after_the_call_that_completes_it_has_returned(trace, complete):
    future = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda *arguments: trace(arguments))

    await turn()
    trace("pending")
    complete(future)
    trace("done")
    await until(lambda: len(trace.steps) > 2, "the future is done, but its callback was not called")

    assert trace.steps == ["pending", "done", (future,)]
    future.cancelled() or future.exception()  # one that nobody asks for is logged


@claim("done-callback-is-called-later-with-the-future")
@however_it_is_completed
async def test_a_callback_added_to_a_future_already_done_is_called_too_and_not_at_once(trace, complete):
    future = asyncio.get_running_loop().create_future()
    complete(future)

    future.add_done_callback(lambda *arguments: trace(arguments))
    trace("after add_done_callback")
    await until(lambda: len(trace.steps) > 1, "the future is done, but its callback was not called")

    assert trace.steps == ["after add_done_callback", (future,)]
    future.cancelled() or future.exception()  # one that nobody asks for is logged


@claim("done-callbacks-run-in-the-order-they-were-added")
@however_it_is_completed
async def test_done_callbacks_run_in_the_order_in_which_they_were_added_the_last_when_it_is_done(trace, complete):
    future = asyncio.get_running_loop().create_future()
    for name in ("first", "second", "third"):
        future.add_done_callback(lambda _future, name=name: trace(name))

    complete(future)
    future.add_done_callback(lambda _future: trace("last"))
    await until(lambda: len(trace.steps) == 4, "the future is done, but not every callback was called")

    assert trace.steps == ["first", "second", "third", "last"]
    future.cancelled() or future.exception()  # one that nobody asks for is logged
