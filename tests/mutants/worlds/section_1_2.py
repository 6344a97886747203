"""Worlds in which generators begin, delegate, return or end otherwise than they do."""

from __future__ import annotations

import ast
import asyncio
import builtins
import functools
import inspect
import itertools
import types
from concurrent.futures import ThreadPoolExecutor

from tests.mutants.worlds import world


class _Delegate(ast.NodeTransformer):
    """`yield from inner()` becomes `yield from _through(inner())`."""

    def visit_YieldFrom(self, node):
        node.value = ast.Call(ast.Name("_through", ast.Load()), [node.value], [])
        return node


class _Decorate(ast.NodeTransformer):
    """Each generator function in the test is decorated with `_decorator`."""

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        lines = [line for line in node.body if not isinstance(line, (ast.FunctionDef, ast.AsyncFunctionDef))]
        own = [part for line in lines for part in ast.walk(line)]
        if any(isinstance(part, (ast.Yield, ast.YieldFrom)) for part in own):
            node.decorator_list.append(ast.Name("_decorator", ast.Load()))
        return node


def _delegating(patch, through):
    patch.setitem(vars(builtins), "_through", through)
    patch.rewrite(_Delegate())


def _decorating(patch, decorator):
    patch.setitem(vars(builtins), "_decorator", decorator)
    patch.rewrite(_Decorate())


@world("yield from drops the first value", falsifies=["generator-with-a-delegation-gives-its-values-in-place"])
def _(patch):
    def without_the_first(inner):
        next(inner)
        return (yield from inner)

    _delegating(patch, without_the_first)


@world(
    "yield from hands over for one value only",
    falsifies=["yield-from-runs-the-inner-generator-to-its-end", "generator-yields-only-to-its-consumer"],
)
def _(patch):
    def once(inner):
        yield next(inner)

    _delegating(patch, once)


@world("yield from has no value", falsifies=["yield-from-has-the-inner-generators-return-value"])
def _(patch):
    def valueless(inner):
        yield from inner

    _delegating(patch, valueless)


@world("yield from has its last value", falsifies=["yield-from-has-the-inner-generators-return-value"])
def _(patch):
    def last(inner):
        value = None
        for value in inner:
            yield value
        return value

    _delegating(patch, last)


@world("yield from has None for a value that is false", falsifies=["yield-from-has-the-inner-generators-return-value"])
def _(patch):
    def true_only(inner):
        return (yield from inner) or None

    _delegating(patch, true_only)


@world(
    "a generator runs to its first yield when it is made",
    falsifies=["calling-a-generator-function-runs-nothing-yet"],
)
def _(patch):
    def eager(function):
        def rest(first, made):
            yield first
            yield from made

        @functools.wraps(function)
        def make():
            made = function()
            return rest(next(made), made)

        return make

    _decorating(patch, eager)


@world("yield from has the first item of a tuple", falsifies=["yield-from-has-the-inner-generators-return-value"])
def _(patch):
    def first(inner):
        value = yield from inner
        return value[0] if isinstance(value, tuple) else value

    _delegating(patch, first)


@world(
    "yield from has no value where the inner generator has yielded none",
    falsifies=["yield-from-has-the-inner-generators-return-value"],
)
def _(patch):
    def only_after_one(inner):
        yielded = False
        while True:
            try:
                value = next(inner)
            except StopIteration as ended:
                return ended.value if yielded else None
            yielded = True
            yield value

    _delegating(patch, only_after_one)


def _beginning_again(patch, after):
    """Have each generator begin again when it has said `after` times that it has ended."""

    class Endless:
        def __init__(self, function):
            self.function = function
            self.made, self.ends = function(), 0

        def __call__(self):
            return self

        def __iter__(self):
            return self

        def __next__(self):
            try:
                return next(self.made)
            except StopIteration:
                self.ends += 1
                if self.ends == after:
                    self.made, self.ends = self.function(), 0
                raise

    _decorating(patch, Endless)


@world("a generator that has ended begins again", falsifies=["for-loop-ends-when-the-generator-ends"])
def _(patch):
    _beginning_again(patch, after=1)


@world(
    "a generator that has ended begins again after the next next()", falsifies=["for-loop-ends-when-the-generator-ends"]
)
def _(patch):
    _beginning_again(patch, after=2)


@world("generators can be awaited", falsifies=["generator-is-not-a-coroutine"])
def _(patch):
    _decorating(patch, types.coroutine)


@world("generators pass for coroutines", falsifies=["generator-is-not-a-coroutine"])
def _(patch):
    true_iscoroutine = inspect.iscoroutine
    patch.setattr(inspect, "iscoroutine", lambda thing: true_iscoroutine(thing) or inspect.isgenerator(thing))


@world("asyncio tells generators and coroutines apart early", falsifies=["asyncio-runs-plain-generators-before-3-12"])
def _(patch):
    patch.setattr(asyncio, "iscoroutine", inspect.iscoroutine)


@world("a task runs a generator without a turn for others", falsifies=["asyncio-runs-plain-generators-before-3-12"])
def _(patch):
    async def run_through(generator):
        while True:
            try:
                next(generator)
            except StopIteration as ended:
                return ended.value

    create_task = asyncio.create_task

    def wrong(coroutine, **options):
        through = run_through(coroutine) if isinstance(coroutine, types.GeneratorType) else coroutine
        return create_task(through, **options)

    patch.setattr(asyncio, "create_task", wrong)


@world("asyncio takes generators for coroutines still", falsifies=["asyncio-refuses-plain-generators-since-3-12"])
def _(patch):
    true_iscoroutine = asyncio.iscoroutine
    patch.setattr(asyncio, "iscoroutine", lambda thing: true_iscoroutine(thing) or inspect.isgenerator(thing))


@world("a task is made of a generator still", falsifies=["asyncio-refuses-plain-generators-since-3-12"])
def _(patch):
    async def through(generator):
        for _ in generator:
            await asyncio.sleep(0)

    create_task = asyncio.create_task
    patch.setattr(asyncio, "create_task", lambda generator: create_task(through(generator)))


@world("ensure_future makes a task of a generator still", falsifies=["asyncio-refuses-plain-generators-since-3-12"])
def _(patch):
    true_ensure_future = asyncio.ensure_future

    def ensure_future(thing, **options):
        return true_ensure_future(types.coroutine(lambda: thing)() if inspect.isgenerator(thing) else thing, **options)

    patch.setattr(asyncio, "ensure_future", ensure_future)


@world("gather makes a task of a generator still", falsifies=["asyncio-refuses-plain-generators-since-3-12"])
def _(patch):
    true_gather = asyncio.gather

    async def through(generator):
        for _ in generator:
            await asyncio.sleep(0)

    def gather(*things, **options):
        return true_gather(*(through(thing) if inspect.isgenerator(thing) else thing for thing in things), **options)

    patch.setattr(asyncio, "gather", gather)


@world("a running generator can be resumed from within", falsifies=["generator-yields-only-to-its-consumer"])
def _(patch):
    true_next = builtins.next

    def next_(iterator, *default):
        return None if getattr(iterator, "gi_running", False) else true_next(iterator, *default)

    patch.setattr(builtins, "next", next_)


@world("a running generator ends when it is resumed from within", falsifies=["generator-yields-only-to-its-consumer"])
def _(patch):
    true_next = builtins.next

    def next_(iterator, *default):
        if getattr(iterator, "gi_running", False):
            raise StopIteration
        return true_next(iterator, *default)

    patch.setattr(builtins, "next", next_)


@world("each generator runs in a thread of its own", falsifies=["generators-take-turns-in-the-callers-thread"])
def _(patch):
    def threaded(function):
        def make():
            made = function()
            with ThreadPoolExecutor(1) as pool:
                while (value := pool.submit(next, made, make).result()) is not make:
                    yield value

        return make

    _decorating(patch, threaded)


@world(
    "a generator is made in a thread that has ended when it begins",
    falsifies=["generators-take-turns-in-the-callers-thread"],
)
def _(patch):
    def made_elsewhere(function):
        def make():
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(function).result()

        return make

    _decorating(patch, made_elsewhere)


@world("the for loop ends at None", falsifies=["for-loop-ends-when-the-generator-ends"])
def _(patch):
    class For(ast.NodeTransformer):
        def visit_For(self, node):
            self.generic_visit(node)
            node.iter = ast.Call(ast.Name("_until_none", ast.Load()), [node.iter], [])
            return node

    patch.setitem(vars(builtins), "_until_none", lambda values: itertools.takewhile(lambda v: v is not None, values))
    patch.rewrite(For())


@world(
    "yield from raises an exception that is returned", falsifies=["yield-from-has-the-inner-generators-return-value"]
)
def _(patch):
    def raising(inner):
        value = yield from inner
        if isinstance(value, BaseException):
            raise value
        return value

    _delegating(patch, raising)


@world(
    "yield from hands over for three values",
    falsifies=["yield-from-runs-the-inner-generator-to-its-end", "generator-yields-only-to-its-consumer"],
)
def _(patch):
    def for_three_values(inner):
        for _ in range(3):
            try:
                yield next(inner)
            except StopIteration as end:
                return end.value

    _delegating(patch, for_three_values)


def _begun(generator):
    """A generator that goes on with what is left of one that has begun here."""
    first = list(itertools.islice(generator, 1))

    def rest():
        yield from first
        return (yield from generator)

    return rest()


@world(
    "a generator function with arguments begins at its call",
    falsifies=["calling-a-generator-function-runs-nothing-yet"],
)
def _(patch):
    def begins(function):
        return lambda *values, **named: (_begun if values or named else iter)(function(*values, **named))

    _decorating(patch, begins)


@world("a generator that has begun passes for a coroutine", falsifies=["generator-is-not-a-coroutine"])
def _(patch):
    is_coroutine = inspect.iscoroutine

    def has_begun(made):
        return inspect.isgenerator(made) and inspect.getgeneratorstate(made) == inspect.GEN_SUSPENDED

    patch.setattr(inspect, "iscoroutine", lambda made: is_coroutine(made) or has_begun(made))


@world("a generator that yields nothing can be awaited", falsifies=["generator-is-not-a-coroutine"])
def _(patch):
    async def lenient(awaitable):
        if not inspect.isgenerator(awaitable) or inspect.isawaitable(awaitable):
            return await awaitable
        for _ in awaitable:
            raise TypeError("object generator can't be used in 'await' expression")

    patch.awaits(lenient)


@world(
    "yield from has no value where the inner generator has yielded more than one",
    falsifies=["yield-from-has-the-inner-generators-return-value"],
)
def _(patch):
    def only_after_few(inner):
        yielded = 0
        while True:
            try:
                value = next(inner)
            except StopIteration as ended:
                return ended.value if yielded < 2 else None
            yielded += 1
            yield value

    _delegating(patch, only_after_few)


@world(
    "yield from within another hands over for one value", falsifies=["yield-from-runs-the-inner-generator-to-its-end"]
)
def _(patch):
    depth = 0

    def once_within_another(inner):
        nonlocal depth
        depth += 1
        try:
            if depth == 1:
                return (yield from inner)
            yield next(inner)
        finally:
            depth -= 1

    _delegating(patch, once_within_another)


@world("yield from within another has no value", falsifies=["yield-from-has-the-inner-generators-return-value"])
def _(patch):
    depth = 0

    def valueless_within_another(inner):
        nonlocal depth
        depth += 1
        is_within_another = depth > 1
        try:
            value = yield from inner
        finally:
            depth -= 1
        return None if is_within_another else value

    _delegating(patch, valueless_within_another)


@world(
    "yield from hands over to a generator that has begun for one value",
    falsifies=["yield-from-runs-the-inner-generator-to-its-end"],
)
def _(patch):
    def once_where_it_has_begun(inner):
        if inspect.getgeneratorstate(inner) == inspect.GEN_CREATED:
            return (yield from inner)
        yield next(inner)

    _delegating(patch, once_where_it_has_begun)


@world(
    "yield from has no value of a generator that has begun before",
    falsifies=["yield-from-has-the-inner-generators-return-value"],
)
def _(patch):
    def of_a_new_one_only(inner):
        is_new = inspect.getgeneratorstate(inner) == inspect.GEN_CREATED
        value = yield from inner
        return value if is_new else None

    _delegating(patch, of_a_new_one_only)
