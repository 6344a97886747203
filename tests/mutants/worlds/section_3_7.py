"""Worlds in which claims of section 3.7, asynchronous iterators, are false.

`async for` is made wrong by wrapping what the claim's own scene iterates: the wrapper does `async for`'s work with
one thing changed, and the real statement goes through the wrapper.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import contextlib
import inspect
import time
import types
from collections.abc import AsyncIterator

from fixtures.trace import turn
from tests.mutants.worlds import world


class Through:
    """What `async for` does, step by step, for worlds that change one of the steps."""

    def __init__(self, iterable: object) -> None:
        self.iterator = self.iterator_of(iterable)

    def __aiter__(self) -> Through:
        return self

    async def __anext__(self) -> object:
        return await self.ask()

    def iterator_of(self, iterable: object) -> object:
        given = getattr(type(iterable), "__aiter__", None)
        if given is None:
            raise TypeError(f"no __aiter__: {iterable!r}")
        iterator = given(iterable)
        if not hasattr(type(iterator), "__anext__"):
            raise TypeError(f"no __anext__ on what __aiter__ returned: {iterator!r}")
        return iterator

    def ask(self) -> object:
        return type(self.iterator).__anext__(self.iterator)


class _Wrap(ast.NodeTransformer):
    """Wraps what each statement or comprehension of the kind `changes` goes through in a call of `world_s_loop`."""

    def __init__(self, *changes: type[ast.AST]) -> None:
        self.changes = changes

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, self.changes) and getattr(node, "is_async", True):
            node.iter = ast.Call(ast.Name("world_s_loop", ast.Load()), [node.iter], [])
        return node


def _loops(patch, through, *changes: type[ast.AST]) -> None:
    """Let `through`, called with what is iterated, stand in for the loops of the kinds `changes` in the scene."""
    patch.setitem(vars(builtins), "world_s_loop", through)
    patch.rewrite(_Wrap(*(changes or (ast.AsyncFor, ast.comprehension))))


@world(
    "async for ignores StopAsyncIteration",
    falsifies=[
        "async-for-awaits-anext-until-stop",
        "counting-reader-yields-one-to-ninety-nine",
        "counting-reader-stops-on-none-alone",
    ],
)
def _(patch):
    class IgnoresTheStop(Through):
        async def __anext__(self):
            while True:
                try:
                    return await self.ask()
                except StopAsyncIteration:
                    pass

    _loops(patch, IgnoresTheStop)


@world(
    "async for drops the last item",
    falsifies=[
        "async-for-awaits-anext-until-stop",
        "async-iterable-needs-only-aiter",
        "counting-reader-yields-one-to-ninety-nine",
        "counting-reader-stops-on-none-alone",
        "async-comprehension-collects-what-async-for-sees",
    ],
)
def _(patch):
    class DropsTheLast(Through):
        held = None

        async def __anext__(self):
            if self.held is None:
                self.held = [await self.ask()]
            self.held.append(await self.ask())
            return self.held.pop(0)

    _loops(patch, DropsTheLast)


@world(
    "async for ends at the third item",
    falsifies=["async-for-awaits-anext-until-stop", "async-comprehension-collects-what-async-for-sees"],
)
def _(patch):
    class EndsAtTheThird(Through):
        given = 0

        async def __anext__(self):
            self.given += 1
            if self.given == 3:
                raise StopAsyncIteration
            return await self.ask()

    _loops(patch, EndsAtTheThird)


@world("async for asks for the next item before the body has this one", falsifies=["async-for-awaits-anext-until-stop"])
def _(patch):
    class ReadsAhead(Through):
        ahead = None

        async def __anext__(self):
            if self.ahead is None:
                self.ahead = await self.answer()
            (answer, stop), self.ahead = self.ahead, None
            if stop:
                raise stop
            self.ahead = await self.answer()
            return answer

        async def answer(self):
            try:
                return await self.ask(), None
            except StopAsyncIteration as stop:
                return None, stop

    _loops(patch, ReadsAhead)


@world("any exception ends async for quietly", falsifies=["async-for-awaits-anext-until-stop"])
def _(patch):
    class EndsQuietly(Through):
        async def __anext__(self):
            try:
                return await self.ask()
            except Exception:
                raise StopAsyncIteration from None

    _loops(patch, EndsQuietly)


@world("an exception ends async for quietly once there was an item", falsifies=["async-for-awaits-anext-until-stop"])
def _(patch):
    class EndsQuietlyLater(Through):
        has_begun = False

        async def __anext__(self):
            try:
                item = await self.ask()
            except Exception:
                if self.has_begun:
                    raise StopAsyncIteration from None
                raise
            self.has_begun = True
            return item

    _loops(patch, EndsQuietlyLater)


@world("a CancelledError from __anext__ ends async for quietly", falsifies=["async-for-awaits-anext-until-stop"])
def _(patch):
    class EndsWhenCancelled(Through):
        async def __anext__(self):
            try:
                return await self.ask()
            except asyncio.CancelledError:
                raise StopAsyncIteration from None

    _loops(patch, EndsWhenCancelled)


@world("async for takes a plain value from __anext__", falsifies=["anext-must-return-an-awaitable"])
def _(patch):
    class TakesAValue(Through):
        async def __anext__(self):
            answer = self.ask()
            return await answer if inspect.isawaitable(answer) else answer

    _loops(patch, TakesAValue)


def _awaitable(answer: object) -> object:
    """What __anext__ returned, which has to be an awaitable."""
    if not inspect.isawaitable(answer):
        raise TypeError(f"no awaitable from __anext__: {answer!r}")
    return answer


@world("async for takes None from __anext__ as an item", falsifies=["anext-must-return-an-awaitable"])
def _(patch):
    class TakesNone(Through):
        async def __anext__(self):
            answer = self.ask()
            return answer if answer is None else await _awaitable(answer)

    _loops(patch, TakesNone)


@world("async for takes a plain value once there was an item", falsifies=["anext-must-return-an-awaitable"])
def _(patch):
    class TakesAValueLater(Through):
        has_begun = False

        async def __anext__(self):
            answer = self.ask()
            if self.has_begun and not inspect.isawaitable(answer):
                return answer
            item = await _awaitable(answer)
            self.has_begun = True
            return item

    _loops(patch, TakesAValueLater)


@world("async for takes a plain iterator from __anext__ for an awaitable", falsifies=["anext-must-return-an-awaitable"])
def _(patch):
    @types.coroutine
    def through(iterator):
        return (yield from iterator)

    class GoesThrough(Through):
        async def __anext__(self):
            answer = self.ask()
            return await (through(answer) if hasattr(answer, "__next__") else _awaitable(answer))

    _loops(patch, GoesThrough)


@world("async for takes an object with __anext__ alone", falsifies=["async-iterator-has-aiter-and-anext"])
def _(patch):
    class TakesAnyAnext(Through):
        def iterator_of(self, iterable):
            return iterable if hasattr(type(iterable), "__anext__") else super().iterator_of(iterable)

    _loops(patch, TakesAnyAnext)


@world(
    "one of __aiter__ and __anext__ makes an asynchronous iterator",
    falsifies=["async-iterator-has-aiter-and-anext", "async-iterable-needs-only-aiter"],
)
def _(patch):
    def either(cls, other):
        return cls is AsyncIterator and any(hasattr(other, name) for name in ("__aiter__", "__anext__"))

    patch.setattr(AsyncIterator, "__subclasshook__", classmethod(either))


@world(
    "only what inherits from AsyncIterator is one",
    falsifies=["async-iterator-has-aiter-and-anext", "counting-reader-is-iterable-and-iterator"],
)
def _(patch):
    patch.setattr(AsyncIterator, "__subclasshook__", classmethod(lambda cls, other: NotImplemented))


@world("async for finds nothing in what is no iterator itself", falsifies=["async-iterable-needs-only-aiter"])
def _(patch):
    class OnlyIterators(Through):
        async def __anext__(self):
            if self.iterator is not self.iterable:
                raise StopAsyncIteration
            return await self.ask()

        def iterator_of(self, iterable):
            self.iterable = iterable
            return super().iterator_of(iterable)

    _loops(patch, OnlyIterators)


@world("async for awaits what __aiter__ returns", falsifies=["aiter-must-return-an-async-iterator"])
def _(patch):
    class AwaitsAiter(Through):
        def iterator_of(self, iterable):
            answer = type(iterable).__aiter__(iterable)
            return answer if inspect.iscoroutine(answer) else super().iterator_of(iterable)

        async def __anext__(self):
            if inspect.iscoroutine(self.iterator):
                self.iterator = await self.iterator
            return await self.ask()

    _loops(patch, AwaitsAiter)


@world("async for asks again what __aiter__ returns", falsifies=["aiter-must-return-an-async-iterator"])
def _(patch):
    class AsksAgain(Through):
        def iterator_of(self, iterable):
            answer = type(iterable).__aiter__(iterable)
            is_iterable_only = hasattr(type(answer), "__aiter__") and not hasattr(type(answer), "__anext__")
            return super().iterator_of(answer if is_iterable_only else iterable)

    _loops(patch, AsksAgain)


class ThroughPlain(Through):
    """As `Through`, for worlds in which `async for` goes through plain iterators too."""

    async def __anext__(self) -> object:
        if hasattr(self.iterator, "__anext__"):
            return await self.ask()
        for item in self.iterator:
            return item
        raise StopAsyncIteration


@world("async for takes a plain iterator from __aiter__", falsifies=["aiter-must-return-an-async-iterator"])
def _(patch):
    class FromAiter(ThroughPlain):
        def iterator_of(self, iterable):
            answer = type(iterable).__aiter__(iterable)
            return answer if hasattr(answer, "__next__") else super().iterator_of(iterable)

    _loops(patch, FromAiter)


@world("the compiler takes async for anywhere", falsifies=["async-for-only-in-a-coroutine-function"])
def _(patch):
    strict = compile

    def lenient(source, *arguments, **options):
        try:
            return strict(source, *arguments, **options)
        except SyntaxError:
            return strict(source.replace("async for", "for"), *arguments, **options)

    patch.setattr(builtins, "compile", lenient)


@world(
    "the compiler takes async for in a class of a coroutine function",
    falsifies=["async-for-only-in-a-coroutine-function"],
)
def _(patch):
    strict = compile

    def lenient(source, *arguments, **options):
        if isinstance(source, str):
            source = source.replace("class Inner:\n", "if True:\n")
        return strict(source, *arguments, **options)

    patch.setattr(builtins, "compile", lenient)


@world(
    "the compiler takes a generator function with async for for an asynchronous one",
    falsifies=["async-for-only-in-a-coroutine-function"],
)
def _(patch):
    strict = compile

    def lenient(source, *arguments, **options):
        if isinstance(source, str) and source.startswith("def ") and source.endswith("yield"):
            source = f"async {source}"
        return strict(source, *arguments, **options)

    patch.setattr(builtins, "compile", lenient)


@world("async for goes through a plain list", falsifies=["plain-and-async-iteration-do-not-mix"])
def _(patch):
    class FromAList(ThroughPlain):
        def iterator_of(self, iterable):
            return iter(iterable) if isinstance(iterable, list) else super().iterator_of(iterable)

    _loops(patch, FromAList)


def _plain_for_takes(patch, is_taken):
    """Have a plain for go, too, through those asynchronous iterators of which `is_taken` is true."""

    def through(iterable):
        if not (hasattr(iterable, "__anext__") and is_taken(iterable)):
            yield from iterable
            return
        while True:
            try:
                iterable.__anext__().send(None)
            except StopAsyncIteration:
                return
            except StopIteration as answer:
                yield answer.value

    _loops(patch, through, ast.For)


@world("a plain for goes through an asynchronous iterator", falsifies=["plain-and-async-iteration-do-not-mix"])
def _(patch):
    _plain_for_takes(patch, lambda iterator: not inspect.isasyncgen(iterator))


@world("a plain for goes through an asynchronous generator", falsifies=["plain-and-async-iteration-do-not-mix"])
def _(patch):
    _plain_for_takes(patch, inspect.isasyncgen)


@world("StopIteration ends async for once there was an item", falsifies=["stopiteration-cannot-end-an-async-iterator"])
def _(patch):
    class EndsOnEitherLater(Through):
        has_begun = False

        async def __anext__(self):
            try:
                item = await self.ask()
            except RuntimeError as error:
                if self.has_begun and isinstance(error.__cause__, StopIteration):
                    raise StopAsyncIteration from None
                raise
            self.has_begun = True
            return item

    _loops(patch, EndsOnEitherLater)


@world("StopIteration ends async for", falsifies=["stopiteration-cannot-end-an-async-iterator"])
def _(patch):
    class EndsOnEither(Through):
        async def __anext__(self):
            try:
                return await self.ask()
            except RuntimeError as error:
                if isinstance(error.__cause__, StopIteration):
                    raise StopAsyncIteration from None
                raise

    _loops(patch, EndsOnEither)


@world("an async comprehension collects backwards", falsifies=["async-comprehension-collects-what-async-for-sees"])
def _(patch):
    class Backwards(Through):
        items = None

        async def __anext__(self):
            if self.items is None:
                self.items = []
                async for item in self.iterator:
                    self.items.insert(0, item)
            if not self.items:
                raise StopAsyncIteration
            return self.items.pop(0)

    _loops(patch, Backwards, ast.comprehension)


@world(
    "an async comprehension sorts what can be sorted", falsifies=["async-comprehension-collects-what-async-for-sees"]
)
def _(patch):
    class Sorts(Through):
        items = None

        async def __anext__(self):
            if self.items is None:
                self.items = [item async for item in self.iterator]
                with contextlib.suppress(TypeError):
                    self.items.sort()
            if not self.items:
                raise StopAsyncIteration
            return self.items.pop(0)

    _loops(patch, Sorts, ast.comprehension)


@world("an async comprehension drops equal items", falsifies=["async-comprehension-collects-what-async-for-sees"])
def _(patch):
    class Distinct(Through):
        def __init__(self, iterable):
            super().__init__(iterable)
            self.items = []

        async def __anext__(self):
            while (item := await self.ask()) in self.items:
                continue
            self.items.append(item)
            return item

    _loops(patch, Distinct, ast.comprehension)


@world("iterating hands out a copy of the iterator", falsifies=["counting-reader-is-iterable-and-iterator"])
def _(patch):
    patch.setattr(builtins, "aiter", lambda iterable: Through(iterable))


@world("a false item ends async for as None does", falsifies=["counting-reader-stops-on-none-alone"])
def _(patch):
    class EndsOnFalse(Through):
        async def __anext__(self):
            item = await self.ask()
            if not item:
                raise StopAsyncIteration
            return item

    _loops(patch, EndsOnFalse)


@world("an iterator that has stopped stays so", falsifies=["second-pass-over-the-reader-never-stops"])
def _(patch):
    stopped = []

    class StaysStopped(Through):
        async def __anext__(self):
            if self.iterator in stopped:
                raise StopAsyncIteration
            try:
                return await self.ask()
            except StopAsyncIteration:
                stopped.append(self.iterator)
                raise

    _loops(patch, StaysStopped)


@world("async for gives the loop a turn for each item", falsifies=["reader-without-a-wait-gives-no-turn"])
def _(patch):
    class GivesTurns(Through):
        async def __anext__(self):
            await turn()
            return await self.ask()

    _loops(patch, GivesTurns)


@world("sleep gives no turn", falsifies=["reader-with-a-wait-gives-turns"])
def _(patch):
    async def sleep(delay, result=None):
        return result

    patch.setattr(asyncio, "sleep", sleep)


@world("async for gives the loop a turn before its first item", falsifies=["reader-without-a-wait-gives-no-turn"])
def _(patch):
    class GivesATurnFirst(Through):
        has_begun = False

        async def __anext__(self):
            if not self.has_begun:
                self.has_begun = True
                await turn()
            return await self.ask()

    _loops(patch, GivesATurnFirst)


@world("async for gives the loop a turn at its end", falsifies=["reader-without-a-wait-gives-no-turn"])
def _(patch):
    class GivesATurnLast(Through):
        async def __anext__(self):
            try:
                return await self.ask()
            except StopAsyncIteration:
                await turn()
                raise

    _loops(patch, GivesATurnLast)


@world("an async comprehension drops false items", falsifies=["async-comprehension-collects-what-async-for-sees"])
def _(patch):
    class DropsFalseItems(Through):
        async def __anext__(self):
            while True:
                if item := await self.ask():
                    return item

    _loops(patch, DropsFalseItems, ast.comprehension)


class _WrapInSets(_Wrap):
    """Wraps what a set comprehension goes through."""

    def visit_SetComp(self, node: ast.SetComp) -> ast.SetComp:
        node.generators = [_Wrap(ast.comprehension).visit(each) for each in node.generators]
        return node


@world(
    "an async set comprehension drops its first item", falsifies=["async-comprehension-collects-what-async-for-sees"]
)
def _(patch):
    class DropsTheFirst(Through):
        has_begun = False

        async def __anext__(self):
            if not self.has_begun:
                self.has_begun = True
                await self.ask()
            return await self.ask()

    patch.setitem(vars(builtins), "world_s_loop", DropsTheFirst)
    patch.rewrite(_WrapInSets())


@world("async for ends at None", falsifies=["async-for-awaits-anext-until-stop"])
def _(patch):
    class EndsAtNone(Through):
        async def __anext__(self):
            if (item := await self.ask()) is None:
                raise StopAsyncIteration
            return item

    _loops(patch, EndsAtNone, ast.AsyncFor)


@world(
    "a sleep of some time holds up the loop",
    falsifies=["reader-with-a-wait-gives-turns"],
    breaks_much="who waits for a peer sleeps between two looks",
)
def _(patch):
    true_sleep = asyncio.sleep

    async def sleep(delay, result=None):
        if delay:
            time.sleep(delay)
            return result
        return await true_sleep(0, result)

    patch.setattr(asyncio, "sleep", sleep)


@world("async for is ended by StopAsyncIteration itself alone", falsifies=["async-for-awaits-anext-until-stop"])
def _(patch):
    class OnlyTheStopItself(Through):
        async def __anext__(self):
            try:
                return await self.ask()
            except StopAsyncIteration as stop:
                if type(stop) is not StopAsyncIteration:
                    raise RuntimeError("an error as any other") from stop
                raise

    _loops(patch, OnlyTheStopItself)


@world("async for calls __anext__ before the body has an item", falsifies=["async-for-awaits-anext-until-stop"])
def _(patch):
    class CallsAhead(Through):
        next = None

        async def __anext__(self):
            item = await (self.next or self.ask())
            self.next = self.ask()
            return item

    _loops(patch, CallsAhead)


@world("async for raises an item that is an exception", falsifies=["async-for-awaits-anext-until-stop"])
def _(patch):
    class Raises(Through):
        async def __anext__(self):
            item = await self.ask()
            if isinstance(item, Exception):
                raise item
            return item

    _loops(patch, Raises)


@world("StopIteration with a value ends async for", falsifies=["stopiteration-cannot-end-an-async-iterator"])
def _(patch):
    class TakesItsValue(Through):
        async def __anext__(self):
            try:
                return await self.ask()
            except RuntimeError as error:
                if isinstance(error.__cause__, StopIteration) and error.__cause__.value is not None:
                    raise StopAsyncIteration from None
                raise

    _loops(patch, TakesItsValue)


@world("an exception ends an async comprehension", falsifies=["async-comprehension-collects-what-async-for-sees"])
def _(patch):
    class EndsAtAnError(Through):
        async def __anext__(self):
            try:
                return await self.ask()
            except LookupError:
                raise StopAsyncIteration from None

    _loops(patch, EndsAtAnError, ast.comprehension)


@world(
    "async for takes an __anext__ that is an attribute of the object itself",
    falsifies=["aiter-must-return-an-async-iterator"],
)
def _(patch):
    class OfTheObject(Through):
        def iterator_of(self, iterable):
            iterator = type(iterable).__aiter__(iterable)
            return iterator if hasattr(iterator, "__anext__") else super().iterator_of(iterable)

        def ask(self):
            return self.iterator.__anext__()

    _loops(patch, OfTheObject)


@world(
    "an async comprehension awaits what __aiter__ returns",
    falsifies=["aiter-must-return-an-async-iterator"],
)
def _(patch):
    class AwaitsAiter(Through):
        def iterator_of(self, iterable):
            answer = type(iterable).__aiter__(iterable)
            return answer if inspect.isawaitable(answer) else super().iterator_of(iterable)

        async def __anext__(self):
            if inspect.isawaitable(self.iterator):
                self.iterator = await self.iterator
            return await self.ask()

    _loops(patch, AwaitsAiter, ast.comprehension)


@world("aiter() gives whatever __aiter__ returns", falsifies=["aiter-must-return-an-async-iterator"])
def _(patch):
    patch.setattr(builtins, "aiter", lambda iterable: type(iterable).__aiter__(iterable))
