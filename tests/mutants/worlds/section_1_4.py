"""Worlds in which await, sleep and async def do otherwise than they do."""

from __future__ import annotations

import ast
import asyncio
import itertools
import time
import types

from fixtures.trace import turn
from tests.mutants.worlds import world
from tests.mutants.worlds.section_1_3 import runner_of

SLEEPS = [
    "one-thread-runs-parts-of-two-coroutines-in-turn",
    "four-ways-to-coroutines-up-to-python-310",
    "three-of-the-four-ways-to-coroutines-since-python-311",
    "decorated-generators-wait-with-yield-from",
    "sleeper-due-earlier-resumes-earlier",
    "await-on-a-sleep-lets-the-other-task-run",
    "async-example-runs-up-to-python-313",
    "async-form-leaves-the-trace-of-the-decorated-form",
    "async-form-leaves-the-trace-of-a-types-coroutine-generator",
]


def turn_before(patch, when):
    """Have an await give the loop a turn first where `when(awaitable)`."""

    async def after_a_turn(awaitable):
        if when(awaitable):
            await turn()
        return await awaitable

    patch.awaits(after_a_turn)


@world("an await has no value", falsifies=["async-def-and-await-work-since-python-35"])
def _(patch):
    async def valueless(awaitable):
        await awaitable

    patch.awaits(valueless)


@world("an await has None for a value that is false", falsifies=["async-def-and-await-work-since-python-35"])
def _(patch):
    async def true_only(awaitable):
        return (await awaitable) or None

    patch.awaits(true_only)


@world("an await awaits its value too, as in JavaScript", falsifies=["async-def-and-await-work-since-python-35"])
def _(patch):
    async def flattened(awaitable):
        value = await awaitable
        while hasattr(value, "__await__"):
            value = await value
        return value

    patch.awaits(flattened)


@world("an await has None for an exception", falsifies=["async-def-and-await-work-since-python-35"])
def _(patch):
    async def without_exception(awaitable):
        try:
            return await awaitable
        except Exception:
            return None

    patch.awaits(without_exception)


@world("every await gives the loop a turn", falsifies=["await-without-suspension-switches-to-nobody"])
def _(patch):
    async def after_a_turn(awaitable):
        await asyncio.sleep(0)
        return await awaitable

    patch.awaits(after_a_turn)


@world(
    "the await of a future that failed gives the loop a turn", falsifies=["await-without-suspension-switches-to-nobody"]
)
def _(patch):
    async def after_a_turn(awaitable):
        if asyncio.isfuture(awaitable) and awaitable.done() and awaitable.exception():
            await asyncio.sleep(0)
        return await awaitable

    patch.awaits(after_a_turn)


@world(
    "the await of what was cancelled gives the loop a turn", falsifies=["await-without-suspension-switches-to-nobody"]
)
def _(patch):
    async def after_a_turn(awaitable):
        if asyncio.isfuture(awaitable) and awaitable.cancelled():
            await asyncio.sleep(0)
        return await awaitable

    patch.awaits(after_a_turn)


@world("an await runs the callbacks that are ready", falsifies=["await-without-suspension-switches-to-nobody"])
def _(patch):
    run_callbacks = runner_of(patch, "call_soon")

    async def after_callbacks(awaitable):
        run_callbacks()
        return await awaitable

    patch.awaits(after_callbacks)


@world("sleep gives no turn", falsifies=SLEEPS)
def _(patch):
    async def sleep(delay, result=None):
        return result

    patch.setattr(asyncio, "sleep", sleep)


@world("sleep blocks", falsifies=SLEEPS)
def _(patch):
    async def sleep(delay, result=None):
        time.sleep(delay)
        return result

    patch.setattr(asyncio, "sleep", sleep)


@world(
    "a sleep of some time blocks",
    falsifies=[
        "decorated-generators-wait-with-yield-from",
        "await-on-a-sleep-lets-the-other-task-run",
        "await-suspends-only-its-own-task",
    ],
    also=["tls-over-a-socket-needs-a-name", "tls-write-buffer-takes-512-kib-since-3-11"],
)
def _(patch):
    true_sleep = asyncio.sleep

    async def sleep(delay, result=None):
        time.sleep(delay)
        return await true_sleep(0, result) if not delay else result

    patch.setattr(asyncio, "sleep", sleep)


@world(
    "sleep gives how long it slept",
    falsifies=["decorated-generators-wait-with-yield-from", "await-on-a-sleep-lets-the-other-task-run"],
)
def _(patch):
    true_sleep = asyncio.sleep
    patch.setattr(asyncio, "sleep", lambda delay, result=None: true_sleep(delay, delay))


@world(
    "a generator under types.coroutine never waits",
    falsifies=["async-form-leaves-the-trace-of-a-types-coroutine-generator"],
)
def _(patch):
    true_coroutine = types.coroutine

    def coroutine(function):
        async def run(*arguments):
            generator = true_coroutine(function)(*arguments)
            try:
                while True:
                    next(generator)
            except StopIteration as end:
                return end.value

        return run

    patch.setattr(types, "coroutine", coroutine)


class _Generators(ast.NodeTransformer):
    """An async def function inside the test becomes a generator function under types.coroutine."""

    def visit_AsyncFunctionDef(self, node):
        return ast.FunctionDef(
            node.name, node.args, ast.parse("yield").body, [ast.parse("types.coroutine", mode="eval").body]
        )


@world("async def makes generators", falsifies=["async-def-makes-native-coroutines-not-generators"])
def _(patch):
    patch.rewrite(_Generators())


@world("every tenth await gives a turn", falsifies=["await-without-suspension-switches-to-nobody"])
def _(patch):
    awaits = itertools.count(1)

    turn_before(patch, lambda awaitable: next(awaits) % 10 == 0)


@world(
    "the await of a coroutine that fails gives a turn",
    falsifies=["await-without-suspension-switches-to-nobody", "await-that-never-suspends-gives-no-turn"],
)
def _(patch):
    async def switching(awaitable):
        try:
            return await awaitable
        except Exception:
            await turn()
            raise

    patch.awaits(switching)


@world(
    "a generator under types.coroutine takes a turn more to end",
    falsifies=["async-form-leaves-the-trace-of-a-types-coroutine-generator"],
)
def _(patch):
    mark = types.coroutine

    def coroutine(function):
        @mark
        def marked(*arguments):
            value = yield from mark(function)(*arguments)
            yield
            return value

        return marked

    patch.setattr(types, "coroutine", coroutine)


@world(
    "the await of a future that is done without a value gives the loop a turn",
    falsifies=["await-without-suspension-switches-to-nobody"],
)
def _(patch):
    turn_before(patch, lambda awaitable: type(awaitable) is asyncio.Future and "result=None" in repr(awaitable))


@world(
    "the await within a coroutine that is awaited gives the loop a turn",
    falsifies=["await-without-suspension-switches-to-nobody"],
)
def _(patch):
    depth = 0

    async def after_a_turn(awaitable):
        nonlocal depth
        depth += 1
        try:
            if depth == 2:
                await turn()
            return await awaitable
        finally:
            depth -= 1

    patch.awaits(after_a_turn)


@world(
    "the await of a task that is done without a value gives the loop a turn",
    falsifies=["await-without-suspension-switches-to-nobody"],
)
def _(patch):
    turn_before(patch, lambda awaitable: isinstance(awaitable, asyncio.Task) and "result=None" in repr(awaitable))
