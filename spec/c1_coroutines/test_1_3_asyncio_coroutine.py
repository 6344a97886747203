"""asyncio's decorator for generators, up to Python 3.10, and what is left of it since."""

import asyncio
import inspect
import types
import warnings

import pytest

from fixtures.claims import claim
from fixtures.errors import exactly


@claim("asyncio-coroutine-exists-up-to-python-310")
async def test_asyncio_coroutine_makes_a_generator_awaitable_and_warns():
    def generator():
        yield
        return "waited"

    assert hasattr(asyncio, "coroutine"), "asyncio.coroutine is gone"
    with pytest.warns(DeprecationWarning, match='"@coroutine" decorator is deprecated since Python 3.8'):
        decorated = asyncio.coroutine(generator)

    assert await decorated() == "waited"


@claim("asyncio-coroutine-is-gone-since-python-311")
def test_a_program_that_uses_asyncio_coroutine_stops_before_any_output(plain_program):
    ended = plain_program("""
        import asyncio

        @asyncio.coroutine
        def wait():
            yield from asyncio.sleep(0)

        print("goes on")
    """)

    assert ended.error.startswith("AttributeError: module 'asyncio' has no attribute 'coroutine'")
    assert (ended.status, ended.stdout) == (1, "")


@claim("asyncio-coroutine-is-gone-since-python-311")
def test_asyncio_has_no_attribute_coroutine():
    with exactly(AttributeError, match="coroutine"):
        asyncio.coroutine


@claim("decorated-generators-wait-with-yield-from")
@pytest.mark.parametrize("delays", [(0, 0), (0.001, 0.002)], ids=["one turn", "some time"])
async def test_two_decorated_generators_take_turns_where_they_yield_from_a_sleep(trace, delays):
    def in_two_parts(one, other, delay):
        trace(one)
        waited = yield from asyncio.sleep(delay)
        trace(other)
        return waited

    with pytest.warns(DeprecationWarning):
        decorated = asyncio.coroutine(in_two_parts)
    results = await asyncio.gather(decorated(1, 2, delays[0]), decorated(3, 4, delays[1]))

    assert trace.steps == [1, 3, 2, 4]
    assert results == [None, None]


@claim("plain-generators-cannot-yield-from-a-coroutine")
@pytest.mark.parametrize("delay", [0, 0.001], ids=["one turn", "some time"])
async def test_only_under_types_coroutine_a_generator_may_yield_from_a_coroutine(trace, delay):
    def wait(sleeping):
        trace("begins")
        yield from sleeping
        trace("goes on")

    assert not hasattr(asyncio, "coroutine")
    sleeping = asyncio.sleep(delay)
    with exactly(TypeError, match="cannot 'yield from' a coroutine object in a non-coroutine generator"):
        next(wait(sleeping))
    assert trace.steps == ["begins"]

    waiting = asyncio.ensure_future(types.coroutine(wait)(sleeping))
    await asyncio.wait([waiting])
    assert waiting.exception() is None
    assert trace.steps == ["begins", "begins", "goes on"]


@claim("decorated-generator-counts-as-a-coroutine-function")
def test_a_decorated_generator_function_is_a_coroutine_function_for_asyncio_and_not_for_inspect():
    def generator():
        yield

    assert not asyncio.iscoroutinefunction(generator)
    with pytest.warns(DeprecationWarning):
        decorated = asyncio.coroutine(generator)

    assert asyncio.iscoroutinefunction(decorated)
    assert not inspect.iscoroutinefunction(decorated)
    assert type(decorated()) is types.GeneratorType


@claim("types-coroutine-makes-no-coroutine-function")
async def test_types_coroutine_gives_awaitable_generators_but_makes_no_coroutine_function():
    def generator():
        yield
        return "waited"

    async def native():
        return "waited"

    class Waiting:
        @types.coroutine
        def decorated(self):
            yield

    assert not hasattr(asyncio, "coroutine")
    decorated = types.coroutine(generator)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of asyncio's own, since Python 3.14
        for is_coroutine_function in (inspect.iscoroutinefunction, asyncio.iscoroutinefunction):
            assert is_coroutine_function(native)
            assert not is_coroutine_function(decorated)
            assert not is_coroutine_function(Waiting().decorated)
    assert type(decorated()) is types.GeneratorType
    assert inspect.isawaitable(decorated())
    assert await decorated() == await native() == "waited"
