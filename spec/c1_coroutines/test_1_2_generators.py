"""yield and yield from: generators that take turns, and in what they are not coroutines."""

import asyncio
import inspect
import threading
from collections.abc import Coroutine

import pytest

from fixtures.claims import claim
from fixtures.errors import error_of, exactly
from fixtures.trace import turn


@claim("generator-with-a-delegation-gives-its-values-in-place")
def test_a_loop_over_a_generator_that_delegates_in_its_middle_gets_all_values_in_their_place(trace):
    def outer():
        yield 1
        yield from inner()
        yield 2

    def inner():
        yield 3
        yield 4

    for value in outer():
        trace(value)

    assert trace.steps == [1, 3, 4, 2]


@claim("yield-from-runs-the-inner-generator-to-its-end")
def test_yield_from_runs_the_inner_generator_to_its_end_before_the_outer_one_goes_on(trace):
    def outer():
        trace("outer hands over")
        yield from inner()
        trace("outer goes on")

    def inner():
        trace("inner begins")
        for step in range(20):
            yield
            trace(step)
        trace("inner ends")

    for _ in outer():
        pass

    assert trace.steps == ["outer hands over", "inner begins", *range(20), "inner ends", "outer goes on"]


@claim("yield-from-runs-the-inner-generator-to-its-end")
def test_it_does_so_too_where_the_inner_generator_delegates_itself_or_has_begun_before(trace):
    def outer(inner):
        yield from inner
        trace("outer goes on")

    def delegating():
        yield from numbers()
        trace("the delegating one goes on")

    def numbers():
        for number in range(5):
            trace(number)
            yield
        trace("numbers end")

    for _ in outer(delegating()):
        pass
    assert trace.steps == [*range(5), "numbers end", "the delegating one goes on", "outer goes on"]

    trace.steps.clear()
    begun = numbers()
    next(begun)
    for _ in outer(begun):
        pass
    assert trace.steps == [*range(5), "numbers end", "outer goes on"]


@claim("yield-from-has-the-inner-generators-return-value")
@pytest.mark.parametrize("returned", ["what it returns", 0, ("two", "values"), LookupError("not raised")], ids=repr)
def test_the_value_of_yield_from_is_what_the_inner_generator_returns_and_none_without_return(returned):
    def outer():
        first = yield from returns()
        second = yield from returns_before_it_yields()
        third = yield from returns_nothing()
        yield first, second, third

    def returns():
        for number in range(3):
            yield f"value {number} on the way"
        return returned

    def returns_before_it_yields():
        return returned
        yield

    def returns_nothing():
        yield "another value on the way"

    given = []
    assert error_of(given.extend, outer()) is None
    assert given[:4] == [*(f"value {number} on the way" for number in range(3)), "another value on the way"]
    assert given[4:] == [(returned, returned, None)]


@claim("yield-from-has-the-inner-generators-return-value")
def test_it_is_so_too_where_the_inner_generator_delegates_itself_or_has_begun_before():
    def outer():
        yield (yield from delegating())
        begun = returns()
        next(begun)
        yield (yield from begun)

    def delegating():
        return "what was delegated: " + (yield from returns())

    def returns():
        yield 1
        yield 2
        return "what it returns"

    given = []
    assert error_of(given.extend, outer()) is None
    assert given == [1, 2, "what was delegated: what it returns", 2, "what it returns"]


@claim("calling-a-generator-function-runs-nothing-yet")
def test_calling_a_generator_function_makes_a_generator_and_runs_nothing_of_its_body(trace):
    def numbers():
        trace("body runs")
        yield 1

    made = numbers()
    assert inspect.isgenerator(made)
    assert trace.steps == []

    assert next(made) == 1
    assert trace.steps == ["body runs"]


@claim("calling-a-generator-function-runs-nothing-yet")
def test_neither_do_calls_with_arguments_nor_further_calls_of_a_generator_function(trace):
    def numbers(first=1):
        trace("body runs")
        yield first

    made = [numbers(2), numbers(first=3), numbers()]
    assert [inspect.isgenerator(each) for each in made] == [True, True, True]
    assert trace.steps == []

    assert [next(each) for each in made] == [2, 3, 1]
    assert trace.steps == ["body runs"] * 3


@claim("for-loop-ends-when-the-generator-ends")
def test_the_for_loop_ends_when_the_generator_ends_and_each_next_then_raises_stop_iteration(trace):
    def values():
        yield 1
        yield None
        yield 2
        trace("generator ends")

    made = values()
    for value in made:
        trace(value)
    trace("loop ends")

    assert trace.steps == [1, None, 2, "generator ends", "loop ends"]
    for _ in range(2):
        with exactly(StopIteration):
            next(made)


@claim("generator-is-not-a-coroutine")
async def test_a_generator_is_not_a_coroutine_and_cannot_be_awaited():
    def numbers():
        yield

    def no_numbers():
        return
        yield

    begun, ended = numbers(), numbers()
    next(begun)
    list(ended)
    for generator in (numbers(), no_numbers(), begun, ended):
        assert inspect.isgenerator(generator)
        assert not inspect.iscoroutine(generator)
        assert not isinstance(generator, Coroutine)
        with exactly(TypeError, match="await"):
            await generator


@claim("asyncio-runs-plain-generators-before-3-12")
async def test_asyncio_takes_a_generator_for_a_coroutine_and_a_task_runs_it(trace):
    def numbers():
        trace("generator begins")
        yield  # what a task takes for giving others a turn
        trace("generator goes on")
        return "value"

    for make_a_task in (asyncio.create_task, asyncio.ensure_future):
        trace.steps.clear()
        made = numbers()
        assert asyncio.iscoroutine(made)

        try:
            task = make_a_task(made)
        except TypeError as error:
            pytest.fail(f"a generator is refused: {error}")
        await turn()
        trace("another turn")
        assert await task == "value"
        assert trace.steps == ["generator begins", "another turn", "generator goes on"]


@claim("asyncio-refuses-plain-generators-since-3-12")
async def test_asyncio_takes_no_generator_for_a_coroutine_and_no_task_can_be_made_of_one(trace):
    def numbers():
        trace("generator begins")
        yield

    made = numbers()
    assert not asyncio.iscoroutine(made)

    for make_a_task in (asyncio.create_task, asyncio.ensure_future, asyncio.Task, asyncio.gather):
        with exactly(TypeError, match="a coroutine"):
            make_a_task(made)
    await turn()
    assert trace.steps == []


@claim("generator-yields-only-to-its-consumer")
def test_each_yield_of_the_inner_generator_goes_to_the_consumer_and_not_to_the_outer_one(trace):
    def outer():
        yield from inner()
        trace("outer goes on")

    def inner():
        for number in range(20):
            trace(f"inner's value {number}")
            yield

    for _ in outer():
        trace("consumer")

    each_value = [step for number in range(20) for step in (f"inner's value {number}", "consumer")]
    assert trace.steps == [*each_value, "outer goes on"]


@claim("generator-yields-only-to-its-consumer")
def test_the_inner_generator_cannot_resume_the_outer_one_in_its_middle(trace):
    def outer():
        yield from inner()
        trace("outer goes on")

    def inner():
        refused = error_of(next, waiting)
        assert type(refused) is ValueError and "already executing" in str(refused)
        trace("inner could not resume outer")
        yield

    waiting = outer()
    for _ in waiting:
        trace("consumer")

    assert trace.steps == ["inner could not resume outer", "consumer", "outer goes on"]


@claim("generators-take-turns-in-the-callers-thread")
def test_both_generators_run_in_the_thread_of_the_loop_that_consumes_them_and_none_is_started(trace, started_threads):
    def outer():
        trace("outer")
        yield from inner()

    def inner():
        trace("inner")
        yield

    for _ in outer():
        trace("consumer")

    assert trace.steps == ["outer", "inner", "consumer"]
    assert set(trace.threads) == {threading.get_ident()}
    assert started_threads == []
