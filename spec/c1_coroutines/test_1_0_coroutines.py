"""What a coroutine is: code that one thread leaves in its middle and comes back to; and the ways to write one."""

import asyncio
import importlib.machinery
import importlib.metadata
import itertools
import keyword
import sys
import sysconfig
import threading
import warnings
from pathlib import Path

import greenlet
import pytest

from fixtures.claims import claim


@claim("one-thread-runs-parts-of-two-coroutines-in-turn")
async def test_the_program_switches_between_two_coroutines_in_one_thread_and_starts_no_other(trace, started_threads):
    async def in_two_parts(name):
        trace(f"{name}: part one begins")
        trace(f"{name}: part one ends")
        await asyncio.sleep(0)
        trace(f"{name}: part two")

    await asyncio.gather(in_two_parts("first"), in_two_parts("second"))

    assert trace.steps == [
        "first: part one begins",
        "first: part one ends",
        "second: part one begins",
        "second: part one ends",
        "first: part two",
        "second: part two",
    ]
    assert set(trace.threads) == {threading.get_ident()}
    assert started_threads == []


@claim("plain-functions-called-in-a-row-do-not-switch")
def test_two_plain_functions_called_in_a_row_each_run_to_their_end(trace):
    def first():
        trace(1)
        ...
        trace(2)

    def second():
        trace(3)
        ...
        trace(4)

    first()
    second()

    assert trace.steps == [1, 2, 3, 4]


@claim("unmatched-indentation-does-not-compile")
def test_tab_then_four_spaces_in_one_block_is_an_indentation_error_before_any_line_runs(plain_program):
    printed = "print('before')\ndef one():\n\tprint(1)\n    ...\n\tprint(2)\none()\n"

    ended = plain_program(printed)
    assert ended.error == "IndentationError: unindent does not match any outer indentation level"
    assert (ended.status, ended.stdout) == (1, "")

    for indentation in ("\t", "    "):
        mended = plain_program(printed.replace("\t", indentation).replace("    ...", f"{indentation}..."))
        assert (mended.status, mended.lines) == (0, ["before", "1", "2"])


def interleaved_with_greenlet():
    """The steps of two functions that switch to each other."""
    steps = []

    def first():
        assert steps == [], "the first function began at its top a second time"
        steps.append(1)
        two.switch()
        steps.append(2)
        two.switch()

    def second():
        steps.append(3)
        one.switch()
        steps.append(4)

    one, two = greenlet.greenlet(first), greenlet.greenlet(second)
    one.switch()
    return steps


def interleaved_with_yield():
    """The steps of two generators that their consumer takes turns with."""
    steps = []

    def parts(one, other):
        steps.append(one)
        yield
        steps.append(other)

    for _ in itertools.zip_longest(parts(1, 2), parts(3, 4)):
        pass
    return steps


async def interleaved_with_asyncio(decorate):
    """The steps of two tasks, each of a coroutine function that `decorate` makes of a generator function."""
    steps = []

    def parts(one, other):
        steps.append(one)
        yield from asyncio.sleep(0)
        steps.append(other)

    parts = decorate(parts)
    await asyncio.gather(parts(1, 2), parts(3, 4))
    return steps


async def interleaved_with_async_and_await():
    """The steps of two tasks."""
    steps = []

    async def parts(one, other):
        steps.append(one)
        await asyncio.sleep(0)
        steps.append(other)

    await asyncio.gather(parts(1, 2), parts(3, 4))
    return steps


@claim("four-ways-to-coroutines-up-to-python-310")
async def test_greenlet_yield_the_decorator_and_async_all_interleave_two_functions():
    assert hasattr(asyncio, "coroutine"), "asyncio.coroutine is gone"

    assert interleaved_with_greenlet() == [1, 3, 2, 4]
    assert interleaved_with_yield() == [1, 3, 2, 4]
    with pytest.warns(DeprecationWarning):
        assert await interleaved_with_asyncio(asyncio.coroutine) == [1, 3, 2, 4]
    assert await interleaved_with_async_and_await() == [1, 3, 2, 4]


@claim("three-of-the-four-ways-to-coroutines-since-python-311")
async def test_greenlet_yield_and_async_interleave_two_functions_and_the_decorator_is_gone():
    assert not hasattr(asyncio, "coroutine")
    assert not hasattr(asyncio.coroutines, "coroutine")  # the module that it was taken from

    assert interleaved_with_greenlet() == [1, 3, 2, 4]
    assert interleaved_with_yield() == [1, 3, 2, 4]
    assert await interleaved_with_async_and_await() == [1, 3, 2, 4]


@claim("greenlet-is-not-in-the-standard-library")
def test_greenlet_is_a_distribution_of_its_own_and_no_module_of_the_standard_library():
    standard = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), sysconfig.get_config_var("DESTSHARED")]
    find = importlib.machinery.PathFinder.find_spec

    assert "asyncio" in sys.stdlib_module_names and "greenlet" not in sys.stdlib_module_names
    assert find("asyncio", standard) is not None and find("greenlet", standard) is None
    assert importlib.metadata.version("greenlet") == greenlet.__version__
    assert Path(greenlet.__file__) in [file.locate() for file in importlib.metadata.files("greenlet")]


@claim("greenlet-comes-with-pypy")
def test_greenlet_is_a_module_of_the_standard_library():
    found = importlib.machinery.PathFinder.find_spec("greenlet", [sysconfig.get_path("stdlib")])

    assert "greenlet" in sys.stdlib_module_names
    assert found.origin == greenlet.__file__


@claim("yield-async-and-await-are-keywords")
def test_yield_async_and_await_are_keywords_that_nothing_can_be_named_by():
    for word in ("yield", "async", "await"):
        assert keyword.iskeyword(word)
        for naming in ("{} = 1", "def {}(): pass", "def f({}): pass", "class {}: pass", "x.{}", "f({}=1)", "import {}"):
            with pytest.raises(SyntaxError):
                compile(naming.format(word), "naming", "exec")

    assert not keyword.iskeyword("greenlet")
    compile("greenlet = 1", "naming", "exec")


@claim("async-and-await-are-the-recommended-form")
async def test_async_and_await_give_no_warning_where_the_decorator_warns_or_is_gone():
    def generator():
        yield

    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        compile("async def wait(x):\n    await x", "scene", "exec")

        async def wait():
            return await asyncio.sleep(0, "waited")

        assert await wait() == "waited"
        for make_a_task in (asyncio.create_task, asyncio.ensure_future):
            assert await make_a_task(wait()) == "waited"
    assert [str(warning.message) for warning in given] == []

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises((DeprecationWarning, AttributeError), match="coroutine"):
            asyncio.coroutine(generator)
