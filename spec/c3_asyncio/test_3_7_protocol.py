"""3.7: what `async for` asks of an object, what it refuses, and what ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator

import pytest

from fixtures.claims import claim
from fixtures.errors import exactly
from fixtures.garbage import collect
from fixtures.trace import turn


class Letters:
    """An asynchronous iterator over the letters of a word, or items; to read on after its stop is an error."""

    def __init__(self, word: str | list) -> None:
        self.left = list(word)
        self.stopped = False

    def __aiter__(self) -> Letters:
        return self

    async def __anext__(self) -> object:
        assert not self.stopped, "__anext__ was asked again after StopAsyncIteration"
        if not self.left:
            self.stopped = True
            raise StopAsyncIteration
        return self.left.pop(0)


@claim("async-iterator-has-aiter-and-anext")
async def test_an_async_iterator_has_both_aiter_and_anext(trace):
    class OnlyAiter:
        def __aiter__(self):
            return self

    class OnlyAnext:
        async def __anext__(self):
            trace("asked")
            raise StopAsyncIteration

    assert isinstance(Letters("ab"), AsyncIterator)
    assert not isinstance(OnlyAiter(), AsyncIterator)
    assert not isinstance(OnlyAnext(), AsyncIterator)

    with exactly(TypeError, match="__anext__"):
        async for letter in OnlyAiter():
            trace(letter)
    with exactly(TypeError, match="__aiter__"):
        async for letter in OnlyAnext():
            trace(letter)
    assert trace.steps == []

    async for letter in Letters("ab"):
        trace(letter)
    assert trace.steps == ["a", "b"]


@claim("anext-must-return-an-awaitable")
@pytest.mark.parametrize("value", [1, None, iter(())])
@pytest.mark.parametrize("word", ["", "ab"])
async def test_async_for_refuses_a_plain_value_from_anext_at_any_item(trace, word, value):
    class Plain(Letters):
        def __anext__(self):
            if self.left or "refused" in trace.steps:
                return super().__anext__()
            trace("refused")
            return value

    with exactly(TypeError, match="__anext__"):
        async for letter in Plain(word):
            trace(letter)

    assert trace.steps == [*word, "refused"]


@claim("anext-must-return-an-awaitable")
async def test_anext_may_be_a_plain_function_that_returns_a_task():
    class Tasks(Letters):
        def __anext__(self):
            return asyncio.create_task(super().__anext__())

    results = []
    async for result in Tasks("ab"):
        results.append(result)

    assert results == ["a", "b"]


@claim("async-for-awaits-anext-until-stop")
async def test_async_for_awaits_one_anext_after_the_other_until_the_stop(trace):
    class SlowLetters(Letters):
        def __anext__(self):
            trace("asked")  # and not before it is to be awaited, either
            return self.next_letter()

        async def next_letter(self):
            await turn()
            return await super().__anext__()

    async def read():
        async for letter in SlowLetters(letters):
            trace(f"{letter} begins")
            await turn()
            trace(f"{letter} ends")
        else:
            trace("else")

    letters = ["a", "b", None, LookupError("an item as any other"), "d"]
    [outcome] = await asyncio.gather(read(), return_exceptions=True)
    assert outcome is None

    of_each = [step for letter in letters for step in ("asked", f"{letter} begins", f"{letter} ends")]
    assert trace.steps == [*of_each, "asked", "else"]


@claim("async-for-awaits-anext-until-stop")
async def test_async_for_is_ended_by_a_kind_of_stop_of_ones_own_too(trace):
    class OutOfLetters(StopAsyncIteration):
        """Is a StopAsyncIteration."""

    class Word(Letters):
        async def __anext__(self):
            if not self.left:
                raise OutOfLetters
            return await super().__anext__()

    async def read():
        async for letter in Word("ab"):
            trace(letter)
        else:
            trace("else")

    [outcome] = await asyncio.gather(read(), return_exceptions=True)
    assert outcome is None
    assert trace.steps == ["a", "b", "else"]


@claim("async-for-awaits-anext-until-stop")
@pytest.mark.parametrize("error", [LookupError, asyncio.CancelledError])
@pytest.mark.parametrize("word", ["", "ab"])
async def test_an_exception_other_than_the_stop_comes_out_of_async_for_at_any_item(trace, word, error):
    class Broken(Letters):
        async def __anext__(self):
            assert "broken" not in trace.steps, "__anext__ was asked again after its exception"
            if not self.left:
                trace("broken")
                raise error
            return await super().__anext__()

    with pytest.raises(error):
        async for letter in Broken(word):
            trace(letter)
        else:
            trace("else")

    assert trace.steps == [*word, "broken"]


@claim("async-iterable-needs-only-aiter")
async def test_async_for_takes_an_async_iterable_that_is_no_iterator_itself():
    class Word:
        def __aiter__(self):
            return Letters("ab")

    word = Word()
    first, second = [], []
    async for letter in word:
        first.append(letter)
    async for letter in word:
        second.append(letter)

    assert isinstance(word, AsyncIterable)
    assert not isinstance(word, AsyncIterator)
    assert first == ["a", "b"]
    assert second == ["a", "b"]


@claim("aiter-must-return-an-async-iterator")
async def test_async_for_refuses_the_coroutine_object_of_an_async_def_aiter(trace):
    class Word:
        async def __aiter__(self):
            trace("awaited")
            return Letters("ab")

    with pytest.warns(RuntimeWarning, match="__aiter__' was never awaited"):
        with exactly(TypeError, match="__aiter__"):
            async for letter in Word():
                trace(letter)
        with exactly(TypeError, match="__aiter__"):
            [trace(letter) async for letter in Word()]
        with exactly(TypeError, match="async iterator"):
            aiter(Word())
        collect()

    assert trace.steps == []


@claim("aiter-must-return-an-async-iterator")
async def test_async_for_refuses_a_plain_iterator_an_async_iterable_a_future_or_anything_else_from_aiter(trace):
    class Answer:
        def __init__(self, value):
            self.value = value

        def __aiter__(self):
            return self.value

    future = asyncio.get_running_loop().create_future()
    future.set_result(Letters("ab"))
    by_its_own_attribute = Answer(None)  # and not by its class, of which async for asks
    by_its_own_attribute.__anext__ = Letters("ab").__anext__
    others = (iter("ab"), ["a", "b"], 7, None, Answer(Letters("ab")), future)
    for value in (*others, by_its_own_attribute):
        with exactly(TypeError, match="__anext__"):
            async for letter in Answer(value):
                trace(letter)
        with exactly(TypeError, match="__anext__"):
            [trace(letter) async for letter in Answer(value)]
    for value in others:  # on PyPy aiter() does ask the object itself
        with exactly(TypeError, match="async iterator"):
            aiter(Answer(value))
    assert trace.steps == []

    async for letter in Answer(Letters("ab")):
        trace(letter)
    assert trace.steps == ["a", "b"]


@claim("async-for-only-in-a-coroutine-function")
def test_an_async_for_statement_outside_a_coroutine_function_is_a_syntax_error():
    scene = "async for letter in letters: pass"
    in_a_function = f"def function(letters):\n  {scene}"
    in_a_generator_function = f"{in_a_function}\n  yield"
    in_a_function_of_a_coroutine_function = f"async def outer(letters):\n def function():\n  {scene}"
    in_a_class_of_a_coroutine_function = f"async def outer(letters):\n class Inner:\n  {scene}"
    of_a_coroutine_function = [in_a_function_of_a_coroutine_function, in_a_class_of_a_coroutine_function]

    for source in (scene, in_a_function, in_a_generator_function, *of_a_coroutine_function):
        with pytest.raises(SyntaxError, match="async"):
            compile(source, "scene", "exec")

    compile(f"async {in_a_function}", "scene", "exec")


@claim("plain-and-async-iteration-do-not-mix")
async def test_async_for_refuses_a_plain_list(trace):
    with exactly(TypeError, match="__aiter__"):
        async for letter in ["a", "b"]:
            trace(letter)

    assert trace.steps == []


@claim("plain-and-async-iteration-do-not-mix")
async def test_a_plain_for_refuses_an_async_generator(trace):
    async def generator():
        yield trace("the generator runs")

    with exactly(TypeError, match="not iterable"):
        for item in generator():
            trace(item)

    assert trace.steps == []


@claim("plain-and-async-iteration-do-not-mix")
async def test_a_plain_for_refuses_an_async_iterator(trace):
    letters = Letters("ab")

    with exactly(TypeError, match="not iterable"):
        for letter in letters:
            trace(letter)

    assert trace.steps == []
    assert letters.left == ["a", "b"]


@claim("stopiteration-cannot-end-an-async-iterator")
@pytest.mark.parametrize("word", ["", "ab"])
async def test_stopiteration_raised_in_anext_for_any_item_becomes_a_runtimeerror(trace, word):
    class Ended(Letters):
        async def __anext__(self):
            if not self.left:
                raise StopIteration(*word)  # with a value, where there is a word
            return await super().__anext__()

    with exactly(RuntimeError, match="StopIteration") as caught:
        async for letter in Ended(word):
            trace(letter)
        else:
            trace("else")

    assert isinstance(caught.value.__cause__, StopIteration)
    assert trace.steps == [*word]


@claim("async-comprehension-collects-what-async-for-sees")
@pytest.mark.parametrize("letters", [["l", None, "t", "t", "", "r"], [*"letter"]], ids=["unlike", "of a kind"])
async def test_an_async_comprehension_collects_what_async_for_sees_in_the_same_order(letters):
    seen = []
    async for letter in Letters(letters):
        seen.append(letter)

    collected = [letter async for letter in Letters(letters)]
    different = {letter async for letter in Letters(letters)}
    keys = {letter: None async for letter in Letters(letters)}

    assert seen == letters
    assert collected == seen
    assert different == {*letters}
    assert list(keys) == [*dict.fromkeys(letters)]


@claim("async-comprehension-collects-what-async-for-sees")
async def test_an_exception_other_than_the_stop_comes_out_of_an_async_comprehension_as_out_of_async_for():
    class Broken(Letters):
        async def __anext__(self):
            if not self.left:
                raise LookupError("no stop")
            return await super().__anext__()

    with exactly(LookupError, match="no stop"):
        async for _ in Broken("ab"):
            pass
    with exactly(LookupError, match="no stop"):
        [letter async for letter in Broken("ab")]
