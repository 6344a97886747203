"""Coroutine functions and coroutine objects: what a call gives, what it does not run, and what runs it."""

import asyncio
import gc
import inspect
import types
import warnings

import pytest

from fixtures.claims import claim


@claim("async-def-makes-a-coroutine-function")
def test_a_function_defined_with_async_def_is_a_coroutine_function_and_still_a_function():
    async def errand():
        pass

    def plain():
        pass

    assert inspect.iscoroutinefunction(errand)
    assert not inspect.iscoroutinefunction(plain)
    assert type(errand) is type(plain) is types.FunctionType


@claim("calling-a-coroutine-function-gives-a-coroutine-object")
def test_calling_a_coroutine_function_gives_a_coroutine_object_not_yet_started():
    async def errand():
        return "value"

    called = errand()

    assert type(called) is types.CoroutineType
    assert inspect.isawaitable(called)
    assert inspect.getcoroutinestate(called) == inspect.CORO_CREATED
    called.close()


@claim("calling-a-coroutine-function-runs-none-of-its-body")
async def test_calling_a_coroutine_function_runs_none_of_its_body_until_the_object_is_driven(trace):
    async def errand(_argument):
        trace("the body runs")

    coroutine = errand(trace("the argument is evaluated"))
    await asyncio.sleep(0)
    assert trace.steps == ["the argument is evaluated"]  # and no body, however often the loop turns

    await coroutine
    assert trace.steps == ["the argument is evaluated", "the body runs"]


@claim("coroutine-never-awaited-warns")
def test_dropping_a_coroutine_object_that_never_ran_gives_a_runtime_warning():
    async def errand():
        pass

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        errand()
        gc.collect()

    name = errand.__qualname__
    assert [(one.category, str(one.message)) for one in seen] == [
        (RuntimeWarning, f"coroutine '{name}' was never awaited"),
    ]


@claim("coroutine-never-awaited-warns")
async def test_a_coroutine_object_that_was_awaited_is_dropped_without_a_warning():
    async def errand():
        pass

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        await errand()
        gc.collect()

    assert seen == []


@claim("coroutine-runs-by-hand-without-a-loop")
def test_send_runs_a_coroutine_object_with_no_event_loop_and_stopiteration_carries_its_value(trace):
    async def part():
        return "a part's value"

    async def errand():
        trace(await part())
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        return "the errand's value"

    coroutine = errand()
    with pytest.raises(StopIteration) as returned:
        coroutine.send(None)

    assert trace.steps == ["a part's value"]
    assert returned.value.value == "the errand's value"


@claim("coroutine-runs-by-hand-without-a-loop")
def test_a_coroutine_that_sleeps_a_second_does_need_a_running_loop(trace):
    async def nap():
        trace("up to the sleep")
        await asyncio.sleep(1)
        trace("after the sleep")

    coroutine = nap()
    with pytest.raises(RuntimeError, match="no running event loop"):
        coroutine.send(None)

    assert trace.steps == ["up to the sleep"]
