"""async def and await: native coroutines, and which awaits let another task run."""

import asyncio
import inspect
import types

import pytest

from fixtures.claims import claim
from fixtures.trace import Trace, turn


@claim("async-def-and-await-work-since-python-35")
async def test_await_has_the_value_that_an_async_def_function_returns():
    async def greeting(name):
        return f"hello, {name}"

    async def greetings():
        return [await greeting("first"), await greeting("second")]

    assert await greetings() == ["hello, first", "hello, second"]


@claim("async-def-and-await-work-since-python-35")
async def test_a_false_value_and_an_awaitable_come_out_of_await_as_they_were_returned():
    async def given(value):
        return value

    awaitable = asyncio.get_running_loop().create_future()
    awaitable.set_result("its result")

    for value in (0, "", (), awaitable):
        assert await given(value) is value


@claim("async-def-and-await-work-since-python-35")
async def test_an_exception_comes_out_of_await_as_it_was_raised():
    async def fails():
        raise error

    error = LookupError("nothing found")
    with pytest.raises(Exception) as raised:
        await fails()

    assert raised.value is error


@claim("await-on-a-sleep-lets-the-other-task-run")
@pytest.mark.parametrize("delays", [(0, 0), (0.001, 0.002)], ids=["one turn", "some time"])
async def test_an_await_on_a_sleep_lets_the_other_task_run_and_gives_nothing(trace, delays):
    async def in_two_parts(one, other, delay):
        trace(one)
        slept = await asyncio.sleep(delay)
        trace(other)
        return slept

    first = asyncio.create_task(in_two_parts(1, 2, delays[0]))
    second = asyncio.create_task(in_two_parts(3, 4, delays[1]))
    results = [await first, await second]

    assert trace.steps == [1, 3, 2, 4]
    assert results == [None, None]


@claim("await-without-suspension-switches-to-nobody")
async def test_an_await_that_needs_no_suspension_goes_straight_on(trace):
    async def never_suspends():
        return "value"

    async def neither_does_this():
        return await never_suspends()

    async def other():
        trace("other task runs")

    future, without_value = (asyncio.get_running_loop().create_future() for _ in range(2))
    future.set_result("result")
    without_value.set_result(None)
    done, done_without_value = asyncio.create_task(never_suspends()), asyncio.create_task(asyncio.sleep(0))
    await asyncio.wait([done, done_without_value])

    waiting = asyncio.create_task(other())
    asyncio.get_running_loop().call_soon(trace, "callback runs")
    for _ in range(20):
        trace(await never_suspends())
        trace(await neither_does_this())
        trace(await future)
        trace(await without_value)
        trace(await done)
        trace(await done_without_value)
    assert trace.steps == ["value", "value", "result", None, "value", None] * 20

    await waiting
    await turn()  # for the callback, where tasks are eager and have needed none
    assert trace.steps[120:] == ["other task runs", "callback runs"]


@claim("await-without-suspension-switches-to-nobody")
@pytest.mark.parametrize("error", [LookupError, asyncio.CancelledError])
async def test_an_await_of_a_coroutine_future_or_task_that_fails_or_is_cancelled_goes_straight_on(trace, error):
    async def wait():
        await future

    async def raises():
        raise error

    async def other():
        trace("other task runs")

    future = asyncio.get_running_loop().create_future()
    if error is asyncio.CancelledError:
        future.cancel()
    else:
        future.set_exception(error)
    task = asyncio.create_task(wait())
    await asyncio.wait([task])

    waiting = asyncio.create_task(other())
    for done in (future, task, raises()):
        with pytest.raises(error):
            await done
    assert trace.steps == []

    await waiting


TASKS_AT_MODULE_LEVEL = """
    import asyncio

    async def in_two_parts(one, other):
        print(one)
        await asyncio.sleep(0)
        print(other)

    tasks = [asyncio.ensure_future(in_two_parts(1, 2)), asyncio.ensure_future(in_two_parts(3, 4))]
    asyncio.get_event_loop().run_until_complete(asyncio.wait(tasks))
"""
TASKS_IN_ASYNCIO_RUN = """
    import asyncio

    async def in_two_parts(one, other):
        print(one)
        await asyncio.sleep(0)
        print(other)

    async def main():
        tasks = [asyncio.ensure_future(in_two_parts(1, 2)), asyncio.ensure_future(in_two_parts(3, 4))]
        await asyncio.wait(tasks)

    asyncio.run(main())
"""


@claim("async-example-runs-up-to-python-313")
def test_a_program_that_makes_its_tasks_at_module_level_runs_them_in_turn(program):
    ended = program(TASKS_AT_MODULE_LEVEL, warnings="ignore")

    assert (ended.status, ended.lines) == (0, ["1", "3", "2", "4"])


@claim("async-example-stops-since-python-314")
def test_a_program_that_makes_its_tasks_at_module_level_stops_and_asyncio_run_mends_it(program):
    ended = program(TASKS_AT_MODULE_LEVEL, warnings="ignore")
    assert ended.error == "RuntimeError: There is no current event loop in thread 'MainThread'."
    assert (ended.status, ended.stdout) == (1, "")

    mended = program(TASKS_IN_ASYNCIO_RUN)
    assert (mended.status, mended.lines) == (0, ["1", "3", "2", "4"])


async def beside_another_task(trace, *awaitables):
    """Await these at once, tracing also when each has ended and the turns that another task has meanwhile."""

    async def until_its_end(awaitable):
        result = await awaitable
        trace(f"{result} has ended")
        return result

    async def other():
        for _ in range(4):
            trace("a turn of another task")
            await turn()

    *results, _ = await asyncio.gather(*map(until_its_end, awaitables), other())
    return trace.steps, results


IN_TWO_PARTS_EACH = (
    [1, 3, "a turn of another task", 2, "2 has ended", 4, "4 has ended", *["a turn of another task"] * 3],
    [2, 4],
)


async def steps_of(decorate):
    """The steps of two tasks of a generator function that `decorate` makes a coroutine function, and their results."""
    trace = Trace()

    def in_two_parts(one, other):
        trace(one)
        yield from asyncio.sleep(0)
        trace(other)
        return other

    decorated = decorate(in_two_parts)
    return await beside_another_task(trace, decorated(1, 2), decorated(3, 4))


async def steps_of_the_async_form():
    """The same of an `async def` function."""
    trace = Trace()

    async def in_two_parts(one, other):
        trace(one)
        await asyncio.sleep(0)
        trace(other)
        return other

    return await beside_another_task(trace, in_two_parts(1, 2), in_two_parts(3, 4))


@claim("async-form-leaves-the-trace-of-the-decorated-form")
async def test_the_async_form_takes_the_same_steps_as_the_decorated_form():
    with pytest.warns(DeprecationWarning):
        decorated = await steps_of(asyncio.coroutine)

    assert decorated == IN_TWO_PARTS_EACH
    assert await steps_of_the_async_form() == decorated


@claim("async-form-leaves-the-trace-of-a-types-coroutine-generator")
async def test_the_async_form_takes_the_same_steps_as_a_generator_under_types_coroutine():
    generators = await steps_of(types.coroutine)

    assert generators == IN_TWO_PARTS_EACH
    assert await steps_of_the_async_form() == generators


@claim("async-def-makes-native-coroutines-not-generators")
def test_an_async_def_function_gives_a_native_coroutine_object_and_no_generator():
    async def native():
        pass

    @types.coroutine
    def generator():
        yield

    made = native()
    kind = type(made), inspect.iscoroutine(made), inspect.isgenerator(made)
    made.close()

    assert kind == (types.CoroutineType, True, False)
    assert inspect.iscoroutinefunction(native)
    assert (type(generator()), inspect.iscoroutine(generator())) == (types.GeneratorType, False)
