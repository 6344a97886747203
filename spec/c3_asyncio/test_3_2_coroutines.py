"""Coroutine functions and coroutine objects: what a call gives, what it does not run, and what runs it."""

import asyncio
import inspect
import types
import warnings
from contextlib import closing

import pytest

from fixtures.claims import claim
from fixtures.errors import exactly
from fixtures.garbage import collect
from fixtures.trace import turn


@claim("async-def-makes-a-coroutine-function")
def test_a_function_defined_with_async_def_is_a_coroutine_function_and_still_a_function():
    async def errand():
        pass

    class Errands:
        async def errand(self):
            pass

    def plain():
        pass

    assert inspect.iscoroutinefunction(errand)
    assert inspect.iscoroutinefunction(Errands().errand)
    assert not inspect.iscoroutinefunction(plain)
    assert type(errand) is type(plain) is types.FunctionType


def told_of_two_coroutine_functions_and_five_others(iscoroutinefunction):
    """What a function answers for each, and the warnings it gives."""

    async def errand():
        pass

    class Person:
        async def run_errand(self):
            pass

    def plain():
        pass

    def generator():
        yield

    async def async_generator():
        yield

    others = plain, lambda: errand(), generator, async_generator, errand()
    with warnings.catch_warnings(record=True) as seen, closing(others[-1]):
        warnings.simplefilter("always")
        answers = [iscoroutinefunction(each) for each in (errand, Person().run_errand, *others)]
    return answers, [one.category for one in seen]


@claim("asyncio-iscoroutinefunction-is-silent-before-3-14")
def test_asyncio_tells_a_coroutine_function_or_method_from_plain_and_generator_functions_without_a_warning():
    told = told_of_two_coroutine_functions_and_five_others(asyncio.iscoroutinefunction)

    assert told == ([True] * 2 + [False] * 5, [])


@claim("asyncio-iscoroutinefunction-is-deprecated-since-3-14")
def test_asyncio_tells_a_coroutine_function_from_others_and_warns_each_time_where_inspect_does_not():
    by_asyncio = told_of_two_coroutine_functions_and_five_others(asyncio.iscoroutinefunction)
    by_inspect = told_of_two_coroutine_functions_and_five_others(inspect.iscoroutinefunction)

    assert by_asyncio == ([True] * 2 + [False] * 5, [DeprecationWarning] * 7)
    assert by_inspect == ([True] * 2 + [False] * 5, [])


@claim("calling-a-coroutine-function-gives-a-coroutine-object")
def test_calling_a_coroutine_function_gives_a_coroutine_object_not_yet_started():
    async def errand(*_arguments, **_named):
        return "value"

    all_called = [errand(), errand(1), errand(name="a name")]
    assert len(set(map(id, all_called))) == 3

    for called in all_called:
        assert type(called) is types.CoroutineType
        assert inspect.isawaitable(called)
        assert inspect.getcoroutinestate(called) == inspect.CORO_CREATED
        called.close()


@claim("calling-a-coroutine-function-runs-none-of-its-body")
async def test_calling_a_coroutine_function_runs_none_of_its_body_until_the_object_is_driven(trace):
    async def errand(_argument):
        trace("the body runs")

    async def errand_without_arguments():
        trace("the body runs")

    coroutine = errand(trace("the argument is evaluated"))
    without_arguments = errand_without_arguments()
    for _ in range(50):
        await asyncio.sleep(0)
    assert trace.steps == ["the argument is evaluated"]  # and no body, however often the loop turns

    await coroutine
    await without_arguments
    assert trace.steps == ["the argument is evaluated", "the body runs", "the body runs"]


@claim("coroutine-never-awaited-warns")
def test_each_coroutine_object_that_never_ran_gives_a_runtime_warning_when_it_is_dropped():
    async def errand(*_arguments):
        pass

    class Errands:
        async def errand(self, *_arguments):
            pass

    async def errand_of_errands(*_arguments):
        await errand()

    for function in (errand, Errands().errand, errand_of_errands):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            function()
            function("an argument")
            try:
                raise LookupError
            except LookupError:
                function("while an error is handled")
            in_a_cycle = []
            in_a_cycle += [in_a_cycle, function()]
            del in_a_cycle
            collect()

        said = [(one.category, str(one.message)) for one in seen]
        assert said == [(RuntimeWarning, f"coroutine '{function.__qualname__}' was never awaited")] * 4


@claim("coroutine-never-awaited-warns")
async def test_in_a_coroutine_an_object_that_was_awaited_is_dropped_without_a_warning_and_another_with_one():
    async def errand():
        pass

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        await errand()
        collect()
        assert seen == []
        errand()
        collect()

    # In debug mode the message goes on with where the object was made.
    said = [(one.category, str(one.message).partition("\n")[0]) for one in seen]
    assert said == [(RuntimeWarning, f"coroutine '{errand.__qualname__}' was never awaited")]


@claim("never-awaited-is-said-at-once-on-cpython")
def test_each_coroutine_object_that_never_ran_warns_as_soon_as_nothing_refers_to_it():
    async def errand():
        pass

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        errand()
        errand()
        at_once = [(one.category, str(one.message)) for one in seen]
        collect()

    assert at_once == [(RuntimeWarning, f"coroutine '{errand.__qualname__}' was never awaited")] * 2
    assert len(seen) == 2  # and neither is said again


@claim("never-awaited-is-said-at-once-on-cpython")
async def test_in_a_coroutine_too_an_object_that_never_ran_warns_before_the_loop_turns():
    async def errand():
        pass

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        errand()
        at_once = list(seen)
        await turn()

    # In debug mode the message goes on with where the object was made.
    said = [(one.category, str(one.message).partition("\n")[0]) for one in at_once]
    assert said == [(RuntimeWarning, f"coroutine '{errand.__qualname__}' was never awaited")]
    assert len(seen) == 1  # and it is not said again


@claim("never-awaited-is-said-when-collected-on-pypy")
def test_a_coroutine_object_that_never_ran_warns_when_garbage_is_collected_and_not_before():
    async def errand():
        pass

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        errand()
        at_once = list(seen)
        collect()

    assert at_once == []
    said = [(one.category, str(one.message)) for one in seen]
    assert said == [(RuntimeWarning, f"coroutine '{errand.__qualname__}' was never awaited")]


@claim("coroutine-runs-by-hand-without-a-loop")
def test_send_runs_a_coroutine_object_with_no_event_loop_and_stopiteration_carries_its_value(trace):
    async def part():
        await turn()
        return "a part's value"

    async def errand():
        trace(await part())
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        return "the errand's value"

    coroutine = errand()
    with exactly(StopIteration) as returned:
        trace(("suspended with", coroutine.send(None)))
        coroutine.send(None)

    assert trace.steps == [("suspended with", None), "a part's value"]
    assert returned.value.value == "the errand's value"


@claim("coroutine-runs-by-hand-without-a-loop")
def test_a_coroutine_that_sleeps_a_second_does_need_a_running_loop(trace):
    async def nap():
        trace("up to the sleep")
        await asyncio.sleep(1)
        trace("after the sleep")

    coroutine = nap()
    with exactly(RuntimeError, match="no running event loop"):
        coroutine.send(None)

    assert trace.steps == ["up to the sleep"]
