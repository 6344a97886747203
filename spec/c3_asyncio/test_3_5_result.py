"""Section 3.5, asyncio.Future: its result, who is told of it, and when."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from fixtures.claims import claim
from fixtures.completions import however_it_is_completed
from fixtures.errors import error_of, exactly
from fixtures.trace import turn, until


@claim("set-result-ends-the-wait-with-that-value")
@pytest.mark.parametrize("make", [list, lambda: ("alone",), lambda: None, LookupError, asyncio.Future])
async def test_set_result_ends_every_wait_for_the_future_with_that_very_value_whatever_it_is(make):
    loop = asyncio.get_running_loop()
    future, value = loop.create_future(), make()

    async def wait():
        return await future

    waiters = [loop.create_task(wait()) for _ in range(3)]
    await turn()
    assert [waiter.done() for waiter in waiters] == [False] * 3

    loop.call_soon(future.set_result, value)
    await until(lambda: all(waiter.done() for waiter in waiters), "the result is set and a waiter still waits")
    waiters.append(loop.create_task(wait()))
    await until(waiters[-1].done, "the result is set and who comes late waits")
    assert [waiter.exception() for waiter in waiters] == [None] * 4
    assert [waiter.result() is value for waiter in waiters] == [True] * 4


@claim("set-result-ends-the-wait-with-that-value")
@pytest.mark.parametrize(
    "make",
    [lambda: LookupError("new"), lambda: error_of({}.pop, "raised before"), lambda: BaseException("no Exception")],
)
async def test_set_exception_raises_that_very_exception_in_every_coroutine_that_waits_or_comes_to_it_later(trace, make):
    loop = asyncio.get_running_loop()
    future, failure = loop.create_future(), make()

    async def wait():
        trace(f"the await gave {await future!r}")

    waiters = [loop.create_task(wait()), loop.create_task(wait())]
    await turn()
    loop.call_soon(future.set_exception, failure)
    await until(lambda: all(waiter.done() for waiter in waiters), "the exception is set and a waiter still waits")

    late = loop.create_task(wait())
    await until(late.done, "the exception is set and who comes late waits")

    assert trace.steps == []
    assert not any(waiter.cancelled() for waiter in waiters)
    assert [waiter.exception() is failure for waiter in (*waiters, late)] == [True, True, True]


@claim("set-result-ends-the-wait-with-that-value")
async def test_an_exception_class_set_on_a_future_is_raised_as_an_exception_of_that_class():
    future = asyncio.get_running_loop().create_future()
    future.set_exception(LookupError)

    with exactly(LookupError):
        await future


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
@pytest.mark.parametrize("value", ["a value", None])
async def test_after_awaiting_the_task_that_sets_it_the_await_of_the_future_gives_no_turn(trace, value):
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    async def set_after_a_turn():
        await turn()
        future.set_result(value)

    await loop.create_task(set_after_a_turn())
    assert future.done()

    loop.call_soon(trace, "the loop's turn")
    trace(await future)
    assert trace.steps == [value]

    await until(lambda: len(trace.steps) > 1, "the loop has had no turn at all")
    assert trace.steps == [value, "the loop's turn"]


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
async def test_a_pending_future_or_task_refuses_result_until_it_is_done_and_also_while_it_is_waited_for():
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    async def wait():
        return await future

    task = loop.create_task(wait())
    for _ in range(2):
        for pending in (future, task):
            with pytest.raises(BaseException) as refused:
                pending.result()
            assert refused.type is asyncio.InvalidStateError
            assert not pending.done()
        await turn()  # from now on the task waits for the future

    future.set_result("a value")
    assert future.result() == "a value"
    await until(task.done, "the result is set and the task still waits")
    assert task.result() == "a value"


@claim("future-result-is-set-only-once")
@pytest.mark.parametrize("first", ["the first", None])
async def test_a_second_result_or_a_cancellation_is_refused_and_the_first_result_stays(first):
    future = asyncio.get_running_loop().create_future()
    future.set_result(first)

    for second in (first, "the second"):
        with exactly(asyncio.InvalidStateError):
            future.set_result(second)
    with exactly(asyncio.InvalidStateError):
        future.set_exception(LookupError("the second"))
    assert future.cancel() is False

    assert future.result() is first


@claim("future-result-is-set-only-once")
async def test_a_result_after_an_exception_is_refused_and_the_exception_stays():
    future, failure = asyncio.get_running_loop().create_future(), LookupError("the first")
    future.set_exception(failure)

    with exactly(asyncio.InvalidStateError):
        future.set_result("the second")
    with exactly(asyncio.InvalidStateError):
        future.set_exception(LookupError("the second"))

    assert future.exception() is failure


@claim("set-result-resumes-the-waiter-later")
@pytest.mark.parametrize("value", ["a value", None])
async def test_set_result_in_a_callback_returns_before_any_waiter_goes_on(trace, value):
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    async def wait():
        await future
        trace("a waiter goes on")

    def set_it():
        trace("before set_result")
        future.set_result(value)
        trace("after set_result")

    waiters = [loop.create_task(wait()) for _ in range(3)]
    await turn()
    loop.call_soon(set_it)
    await until(lambda: future.done(), "nothing has set the future")
    for _ in range(3):
        await turn()

    assert trace.steps == ["before set_result", "after set_result", *["a waiter goes on"] * 3]
    assert [waiter.done() for waiter in waiters] == [True, True, True]


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


async def wait_for(future):
    return await future


async def refusal_to_wait_for(future):
    waiter = asyncio.get_running_loop().create_task(wait_for(future))
    for _ in range(3):
        await turn()
    assert waiter.done(), "a task waits on this loop for a future of another"
    return waiter.exception()


@claim("future-belongs-to-one-loop")
@pytest.mark.parametrize("closed", [False, True])
def test_a_pending_future_awaited_on_another_loop_raises_though_its_own_be_closed(new_loop, closed):
    own, other = new_loop(), new_loop()
    future = own.create_future()
    if closed:
        own.close()

    refusal = other.run_until_complete(refusal_to_wait_for(future))
    assert type(refusal) is RuntimeError
    assert "attached to a different loop" in str(refusal)
    refusal = other.run_until_complete(refusal_to_wait_for(future))
    assert type(refusal) is RuntimeError  # of whatever it tells the second time
    assert future.get_loop() is own

    future.set_result("a value")
    assert other.run_until_complete(wait_for(future)) == "a value"


@claim("future-belongs-to-one-loop")
def test_a_future_that_is_waited_for_on_its_own_loop_is_refused_on_another_while_both_run(new_loop):
    own, other, refusals = new_loop(), new_loop(), []

    def wait_on_the_other():
        refusals.append(other.run_until_complete(refusal_to_wait_for(future)))

    async def wait_on_both():
        waiter = own.create_task(wait_for(future))
        await turn()
        thread = threading.Thread(target=wait_on_the_other)
        thread.start()
        thread.join()
        future.set_result("a value")
        return await waiter

    future = own.create_future()
    assert own.run_until_complete(wait_on_both()) == "a value"
    assert [type(refusal) for refusal in refusals] == [RuntimeError]
    assert "attached to a different loop" in str(refusals[0])


@claim("future-belongs-to-one-loop")
def test_a_pending_task_too_is_not_waited_for_on_another_loop(new_loop):
    async def work():
        return "a value"

    own, other = new_loop(), new_loop()
    task = own.create_task(work())

    refusal = other.run_until_complete(refusal_to_wait_for(task))
    assert type(refusal) is RuntimeError
    assert "attached to a different loop" in str(refusal)

    assert own.run_until_complete(task) == "a value"
    assert other.run_until_complete(wait_for(task)) == "a value"


@claim("done-callback-is-called-later-with-the-future")
@however_it_is_completed
async def test_done_callbacks_get_the_future_alone_after_the_call_that_completes_it_has_returned(trace, complete):
    future = asyncio.get_running_loop().create_future()
    for _ in range(2):
        future.add_done_callback(lambda *arguments: trace(arguments))

    await turn()
    trace("pending")
    complete(future)
    trace("done")
    await until(lambda: len(trace.steps) > 3, "the future is done, but not every callback was called")

    assert trace.steps == ["pending", "done", (future,), (future,)]
    future.cancelled() or future.exception()  # one that nobody asks for is logged


@claim("done-callback-is-called-later-with-the-future")
@however_it_is_completed
async def test_a_callback_added_to_a_future_already_done_is_called_too_and_not_at_once(trace, complete):
    future = asyncio.get_running_loop().create_future()
    complete(future)

    assert error_of(future.add_done_callback, lambda *arguments: trace(arguments)) is None
    trace("after add_done_callback")
    await until(lambda: len(trace.steps) > 1, "the future is done, but its callback was not called")

    assert trace.steps == ["after add_done_callback", (future,)]
    future.cancelled() or future.exception()  # one that nobody asks for is logged


@claim("done-callback-is-called-later-with-the-future")
@pytest.mark.parametrize("options", [{}, {"context": contextvars.Context()}])
async def test_a_done_callback_that_another_callback_adds_is_not_called_at_once_either(trace, options):
    def add(future):
        future.add_done_callback(lambda *arguments: trace(arguments), **options)
        trace("after add_done_callback")

    future = asyncio.get_running_loop().create_future()
    future.add_done_callback(add)
    future.set_result("a value")
    await until(lambda: len(trace.steps) > 1, "the future is done, but its callback was not called")

    assert trace.steps == ["after add_done_callback", (future,)]


@claim("done-callback-is-called-later-with-the-future")
@pytest.mark.parametrize("error", [None, LookupError, asyncio.CancelledError])
async def test_a_done_callback_of_a_task_gets_the_task_alone_and_later_also_if_it_is_added_when_that_is_done(
    trace, error
):
    async def work():
        trace("the task ends")
        if error:
            raise error

    task = asyncio.get_running_loop().create_task(work())
    task.add_done_callback(lambda *arguments: trace(arguments))
    await until(lambda: len(trace.steps) > 1, "the task is done, but its callback was not called")
    assert trace.steps == ["the task ends", (task,)]

    task.add_done_callback(lambda *arguments: trace(arguments))
    trace("after add_done_callback")
    await until(lambda: len(trace.steps) > 3, "the task was done, but its callback was not called")
    assert trace.steps[2:] == ["after add_done_callback", (task,)]
    task.cancelled() or task.exception()  # one that nobody asks for is logged


@claim("done-callbacks-run-in-the-order-they-were-added")
@however_it_is_completed
async def test_done_callbacks_run_in_the_order_in_which_they_were_added_the_last_when_it_is_done(trace, complete):
    future = asyncio.get_running_loop().create_future()
    first, *others = [lambda _future, name=name: trace(name) for name in ("first", "second", "third")]
    removed = lambda _future: trace("removed")  # noqa: E731 - like the others, but for its fate
    for callback in (first, removed, *others, first):
        future.add_done_callback(callback)
    assert future.remove_done_callback(removed) == 1
    for name in ("fifth", "sixth", "seventh"):
        future.add_done_callback(lambda _future, name=name: trace(name))

    complete(future)
    for name in ("last but one", "last"):
        future.add_done_callback(lambda _future, name=name: trace(name))
    await until(lambda: len(trace.steps) == 9, "the future is done, but not every callback was called")

    before = ["first", "second", "third", "first", "fifth", "sixth", "seventh"]
    assert trace.steps == [*before, "last but one", "last"]
    future.cancelled() or future.exception()  # one that nobody asks for is logged


@claim("done-callbacks-run-in-the-order-they-were-added")
async def test_done_callbacks_of_a_future_and_of_a_task_run_in_the_order_in_which_they_were_added_though_one_raises(
    trace,
):
    def fail(_done):
        raise LookupError("the second raises")

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: trace(str(context["exception"])))
    future = loop.create_future()
    task = loop.create_task(wait_for(future))
    for done in (future, task):
        for callback in (lambda _done: trace("the first"), fail, lambda _done: trace("the third")):
            done.add_done_callback(callback)

    future.set_result("a value")
    await until(lambda: len(trace.steps) == 6, "future and task are done, but not every callback was called")

    assert trace.steps == ["the first", "the second raises", "the third"] * 2
