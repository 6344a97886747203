"""Section 3.3, await: what it takes, what it gives, and in which order things happen around it."""

from __future__ import annotations

import asyncio
import types

import pytest

from fixtures.claims import claim
from fixtures.errors import exactly
from fixtures.trace import turn, until


class Untouched:
    """An awaitable that comes out of an await as any other value does."""

    def __await__(self):
        raise AssertionError("the value of the await was awaited, too")


NOT_RAISED = LookupError("a value like any other")


@claim("await-takes-coroutine-objects-futures-and-tasks")
@pytest.mark.parametrize("value", ["the return value", 0, Untouched(), NOT_RAISED])
async def test_await_takes_a_coroutine_object_and_gives_what_it_returns(value):
    async def answer():
        await turn()
        return value

    async def wait():
        return await coroutine

    coroutine = answer()
    assert isinstance(coroutine, types.CoroutineType)
    waiter = asyncio.create_task(wait())
    await until(waiter.done, "who awaits the coroutine object waits for ever")

    assert waiter.exception() is None
    assert waiter.result() is value


@claim("await-takes-coroutine-objects-futures-and-tasks")
@pytest.mark.parametrize("result", ["the result", 0, Untouched(), NOT_RAISED])
async def test_await_takes_a_future_pending_or_done_and_gives_the_result_set_on_it(result):
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    async def wait():
        return await future

    waiters = [loop.create_task(wait())]
    await turn()
    loop.call_soon(future.set_result, result)
    for _ in ("pending", "done"):
        await until(waiters[-1].done, "the future has its result, but who awaits it still waits")
        assert waiters[-1].exception() is None
        assert waiters[-1].result() is result
        waiters.append(loop.create_task(wait()))
    await waiters[-1]


@claim("await-takes-coroutine-objects-futures-and-tasks")
@pytest.mark.parametrize("value", ["the return value", 0, NOT_RAISED])
async def test_await_takes_a_task_pending_or_done_and_gives_what_its_coroutine_returns(value):
    async def answer():
        await turn()
        return value

    async def wait():
        return await task

    task = asyncio.create_task(answer())
    for _ in ("pending", "done"):
        waiter = asyncio.create_task(wait())
        await until(waiter.done, "who awaits the task waits for ever")
        assert task.done()
        assert waiter.exception() is None
        assert waiter.result() is value


@claim("await-takes-any-object-with-dunder-await")
async def test_await_takes_any_object_with_dunder_await():
    class Awaitable:
        def __await__(self):
            yield
            return "its value"

    class WaitsForNothing:
        def __await__(self):
            return 0
            yield

    for subject, value in ((Awaitable(), "its value"), (WaitsForNothing(), 0)):

        async def wait():
            return await subject  # noqa: B023

        assert not isinstance(subject, (types.CoroutineType, asyncio.Future))
        waiter = asyncio.create_task(wait())
        await until(waiter.done, "who awaits the object waits for ever")
        assert waiter.exception() is None
        assert waiter.result() == value


@claim("await-takes-any-object-with-dunder-await")
async def test_await_takes_an_object_whose_dunder_await_gives_an_iterator_that_is_no_generator():
    class ThreeTurns:
        def __await__(self):
            return iter([None, None, None])

    async def wait():
        return await ThreeTurns()

    waiter = asyncio.create_task(wait())
    await until(waiter.done, "three turns do not end")

    assert waiter.exception() is None
    assert waiter.result() is None


@claim("await-takes-any-object-with-dunder-await")
async def test_await_takes_a_generator_marked_with_types_coroutine():
    @types.coroutine
    def marked():
        yield
        return "its value"

    subject = marked()

    assert isinstance(subject, types.GeneratorType)
    assert await subject == "its value"


@claim("await-refuses-what-is-not-awaitable")
async def test_await_refuses_a_number_a_list_and_a_plain_generator_and_what_is_false_as_well(trace):
    def plain_generator():
        trace("the generator's body runs")
        yield
        trace("the generator's body goes on")

    awaitable = asyncio.get_running_loop().create_future()
    awaitable.set_result("not to be had in a list")
    begun, ended = plain_generator(), plain_generator()
    next(begun)
    list(ended)
    trace.steps.clear()
    for refused in (42, 0, -1.5, True, ["a list"], [], [awaitable], plain_generator(), begun, ended, None):
        with exactly(TypeError):
            await refused

    assert trace.steps == []


@claim("await-suspends-until-what-it-waits-for-is-done")
async def test_the_awaited_coroutine_begins_and_ends_before_the_outer_one_goes_on(trace):
    async def inner():
        trace("inner begins")
        await turn()
        trace("inner ends")
        return "a value"

    async def outer():
        trace("outer begins")
        value = await inner()
        trace(f"outer goes on with {value}")

    await outer()

    assert trace.steps == ["outer begins", "inner begins", "inner ends", "outer goes on with a value"]


@claim("await-suspends-until-what-it-waits-for-is-done")
async def test_who_awaits_a_coroutine_a_task_or_a_future_goes_no_further_however_often_the_loop_goes_round(trace):
    released, future = False, asyncio.get_running_loop().create_future()

    async def released_at_last():
        await until(lambda: released, "nothing has released the coroutine that waits")
        return "a value"

    async def wait_for(awaitable):
        trace("before the await")
        trace(await awaitable)

    awaited = (released_at_last(), asyncio.create_task(released_at_last()), future)
    waiters = [asyncio.create_task(wait_for(each)) for each in awaited]
    for _ in range(50):
        await turn()
    assert trace.steps == ["before the await"] * 3

    released = True
    future.set_result("a value")
    await until(lambda: all(waiter.done() for waiter in waiters), "what is awaited is done, but nobody goes on")
    assert trace.steps == ["before the await"] * 3 + ["a value"] * 3


@claim("await-suspends-until-what-it-waits-for-is-done")
async def test_who_awaits_a_task_that_is_cancelled_and_goes_on_nevertheless_waits_for_its_end(trace):
    async def does_not_give_up():
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            trace("cancelled")
        for _ in range(10):
            await turn()
        trace("the end")
        return "a value"

    async def wait():
        trace(await task)

    task = asyncio.create_task(does_not_give_up())
    waiter = asyncio.create_task(wait())
    await turn()
    task.cancel()
    await until(waiter.done, "the task has ended, but who awaits it waits")

    assert trace.steps == ["cancelled", "the end", "a value"]


@claim("await-runs-one-after-the-other")
async def test_of_two_awaited_coroutines_the_second_starts_when_the_first_has_ended(trace, in_flight):
    async def call(name):
        with in_flight:
            trace(f"{name} starts")
            for _ in range(20):
                await turn()
            trace(f"{name} ends")

    await call("first")
    await call("second")
    third, fourth = call("third"), call("fourth")  # nor does it matter that there is one already
    await third
    await fourth

    names = ("first", "second", "third", "fourth")
    assert trace.steps == [f"{name} {what}" for name in names for what in ("starts", "ends")]
    assert in_flight.peak == 1


@claim("each-await-needs-a-new-coroutine-object")
async def test_a_coroutine_object_cannot_be_awaited_again(trace):
    async def work():
        trace("the body runs")

    coroutine = work()
    await coroutine
    with exactly(RuntimeError, match="already awaited"):
        await coroutine

    assert trace.steps == ["the body runs"]


@claim("each-await-needs-a-new-coroutine-object")
async def test_a_coroutine_object_that_raised_cannot_be_awaited_again_either(trace):
    async def fail():
        trace("the body runs")
        raise LookupError

    coroutine = fail()
    with pytest.raises(LookupError):
        await coroutine
    with pytest.raises((LookupError, RuntimeError)) as raised:
        await coroutine

    assert raised.type is RuntimeError
    assert trace.steps == ["the body runs"]


@claim("each-await-needs-a-new-coroutine-object")
async def test_a_coroutine_object_that_is_being_awaited_cannot_be_awaited_by_another_task(trace):
    async def work():
        trace("the body runs")
        await turn()

    async def wait_for(awaitable):
        await awaitable

    coroutine = work()
    first, second = [asyncio.create_task(wait_for(coroutine)) for _ in range(2)]
    await asyncio.wait([first, second])

    assert first.exception() is None
    assert type(second.exception()) is RuntimeError
    assert trace.steps == ["the body runs"]


@claim("each-await-needs-a-new-coroutine-object")
async def test_two_coroutine_objects_run_the_body_twice(trace):
    async def work():
        trace("the body runs")

    first, second = work(), work()
    assert first is not second

    await first
    await second

    assert trace.steps == ["the body runs", "the body runs"]


@claim("await-raises-the-inner-exception")
@pytest.mark.parametrize("error", [LookupError, asyncio.CancelledError, BaseException])
async def test_await_raises_the_exception_that_a_coroutine_ends_with(trace, error):
    failure = error("raised inside")

    async def inner():
        await turn()
        raise failure

    async def fails_after_a_failure():
        try:
            await inner()
        finally:
            raise error("raised while another is handled") from None

    async def outer(coroutine_function):
        value = await coroutine_function()
        trace(f"the await gave {value!r}")

    with pytest.raises(BaseException) as raised:
        await outer(inner)
    assert raised.value is failure
    with pytest.raises(BaseException, match="while another is handled") as raised:
        await outer(fails_after_a_failure)
    assert raised.value.__context__ is failure
    assert trace.steps == []


@claim("await-raises-the-inner-exception")
@pytest.mark.parametrize("error", [LookupError, BaseException])
async def test_await_raises_the_exception_that_a_task_ends_with_and_cancellederror_for_a_cancelled_one(error):
    failure = error("raised inside")

    async def fail():
        raise failure

    failed, cancelled = asyncio.create_task(fail()), asyncio.create_task(asyncio.sleep(3600))
    cancelled.cancel()
    for _ in ("when it fails", "when it has failed"):
        with pytest.raises(BaseException) as raised:
            await failed
        assert raised.value is failure
    with pytest.raises(asyncio.CancelledError):
        await cancelled


@claim("await-raises-the-inner-exception")
async def test_await_raises_the_exception_set_on_a_future():
    failure, loop = LookupError("set on it"), asyncio.get_running_loop()
    future, pending = loop.create_future(), loop.create_future()
    future.set_exception(failure)
    loop.call_soon(pending.set_exception, failure)

    for each in (future, pending):
        with pytest.raises(Exception) as raised:
            await each
        assert raised.value is failure


@claim("await-belongs-inside-async-def")
def test_await_compiles_inside_async_def_only():
    compile("async def wait(x):\n    await x", "inside.py", "exec")

    with pytest.raises(SyntaxError, match="outside async function"):
        compile("def wait(x):\n    await x", "plain_function.py", "exec")
    with pytest.raises(SyntaxError, match="outside async function"):
        compile("async def outer(x):\n    def wait():\n        await x", "plain_function_inside.py", "exec")
    with pytest.raises(SyntaxError, match="outside"):
        compile("wait = lambda x: await x", "lambda.py", "exec")
    with pytest.raises(SyntaxError, match="outside"):
        compile("async def outer(x):\n    class Inside:\n        await x", "class_inside.py", "exec")
    with pytest.raises(SyntaxError, match="outside"):
        compile("def wait(them):\n    return [await x for x in them]", "comprehension.py", "exec")
    for mode in ("exec", "eval", "single"):
        with pytest.raises(SyntaxError, match="outside function"):
            compile("await x", "module_level.py", mode)
