"""Worlds in which what section 3.3 says of await and of asyncio.sleep is false."""

from __future__ import annotations

import ast
import asyncio
import builtins
import importlib.util
import inspect
import itertools
import time
import types
from collections.abc import Callable

from fixtures.trace import PATIENCE, turn
from tests.mutants.worlds import Patch, world
from tests.mutants.worlds.section_1_4 import turn_before

_sleep, _compile = asyncio.sleep, builtins.compile
UVLOOP = importlib.util.find_spec("uvloop") is not None


def change_asyncio(patch: Patch, name: str, make: Callable) -> None:
    """Put `make(the method's original)` in the place of a method of asyncio's loop."""
    patch.setattr(asyncio.SelectorEventLoop, name, make(getattr(asyncio.SelectorEventLoop, name)))


def change_uvloop(patch: Patch, name: str, make: Callable) -> None:
    """The same for uvloop, where there is one: its new loops are of a subclass with that method."""
    if UVLOOP:
        import uvloop

        patch.uvloop_makes(type("Loop", (uvloop.Loop,), {name: make(getattr(uvloop.Loop, name))}))


def change_loops(patch: Patch, name: str, make: Callable) -> None:
    """The same for both loops."""
    change_asyncio(patch, name, make)
    change_uvloop(patch, name, make)


@world(
    "await gives no value",
    falsifies=["await-takes-coroutine-objects-futures-and-tasks"],
    breaks_much="most claims look at a value that they awaited",
)
def _(patch):
    async def valueless(awaitable):
        await awaitable

    patch.awaits(valueless)


@world("an await has None for a value that is false", falsifies=["await-takes-coroutine-objects-futures-and-tasks"])
def _(patch):
    async def loses(awaitable):
        return (await awaitable) or None

    patch.awaits(loses)


@world(
    "await takes what __await__ gives for the value where that is no generator",
    falsifies=["await-takes-any-object-with-dunder-await"],
)
def _(patch):
    async def of_generators_only(awaitable):
        native = isinstance(awaitable, (types.CoroutineType, types.GeneratorType, asyncio.Future))
        if native or inspect.isgeneratorfunction(type(awaitable).__await__):
            return await awaitable
        return awaitable.__await__()

    patch.awaits(of_generators_only)


@world("await gives what is false back as it is", falsifies=["await-refuses-what-is-not-awaitable"])
def _(patch):
    async def of_what_is_true(subject):
        return await subject if subject or hasattr(subject, "__await__") else subject

    patch.awaits(of_what_is_true)


@world(
    "await knows three kinds of object and gives any other back as it is",
    falsifies=["await-takes-any-object-with-dunder-await", "await-refuses-what-is-not-awaitable"],
)
def _(patch):
    async def one_of_three(subject):
        return await subject if isinstance(subject, (types.CoroutineType, asyncio.Future)) else subject

    patch.awaits(one_of_three)


@world(
    "every await gives a turn first",
    falsifies=["await-need-not-wait-for-anything", "await-that-never-suspends-gives-no-turn"],
)
def _(patch):
    async def after_a_turn(awaitable):
        await turn()
        return await awaitable

    patch.awaits(after_a_turn)


@world("each 128th await gives a turn, as in tokio", falsifies=["await-that-never-suspends-gives-no-turn"])
def _(patch):
    awaits = itertools.count(1)

    turn_before(patch, lambda awaitable: next(awaits) % 128 == 0)


@world(
    "await gives a coroutine ten turns and goes on without it",
    falsifies=["await-suspends-until-what-it-waits-for-is-done", "await-runs-one-after-the-other"],
)
def _(patch):
    async def impatient(awaitable):
        if not isinstance(awaitable, types.CoroutineType):
            return await awaitable
        task = asyncio.ensure_future(awaitable)
        for _ in range(10):
            await turn()
        return task.result() if task.done() else None

    patch.awaits(impatient)


@world(
    "await starts a coroutine and goes on without it",
    falsifies=["await-suspends-until-what-it-waits-for-is-done", "await-runs-one-after-the-other"],
)
def _(patch):
    async def started(awaitable):
        if not isinstance(awaitable, types.CoroutineType):
            return await awaitable
        asyncio.ensure_future(awaitable)
        await turn()

    patch.awaits(started)


@world(
    "await holds the loop until the coroutine it waits for has ended",
    falsifies=["await-suspends-only-its-own-task", "await-is-sequential-only-within-its-coroutine"],
    breaks_much="a claim that awaits a coroutine has nothing else go on beside it, and fails at its first meeting",
)
def _(patch):
    async def held(awaitable):
        if isinstance(awaitable, asyncio.Future):
            return await awaitable
        for _ in range(2 * PATIENCE):
            try:
                awaitable.send(None)
            except StopIteration as end:
                return end.value

    patch.awaits(held)


@world("await makes a task of each coroutine object", falsifies=["awaited-coroutine-stays-in-the-same-task"])
def _(patch):
    async def in_a_task(awaitable):
        if isinstance(awaitable, types.CoroutineType):
            return await asyncio.create_task(awaitable)
        return await awaitable

    patch.awaits(in_a_task)


@world("create_task makes no task of its own", falsifies=["awaited-coroutine-stays-in-the-same-task"])
def _(patch):
    async def inline(coroutine):
        return await coroutine

    patch.setattr(asyncio, "create_task", inline)


@world("a coroutine object that has ended may be awaited again", falsifies=["each-await-needs-a-new-coroutine-object"])
def _(patch):
    async def lenient(awaitable):
        ended = inspect.iscoroutine(awaitable) and inspect.getcoroutinestate(awaitable) == inspect.CORO_CLOSED
        return None if ended else await awaitable

    patch.awaits(lenient)


@world(
    "a coroutine object that has raised raises the same wherever it is awaited again",
    falsifies=["each-await-needs-a-new-coroutine-object"],
)
def _(patch):
    raised = {}

    async def remembering(awaitable):
        if awaitable in raised:
            raise raised[awaitable]
        try:
            return await awaitable
        except Exception as error:
            raised[awaitable] = error
            raise

    patch.awaits(remembering)


@world("the await of a future that failed gives None", falsifies=["await-raises-the-inner-exception"])
def _(patch):
    async def silent(awaitable):
        try:
            return await awaitable
        except Exception:
            if asyncio.isfuture(awaitable):
                return None
            raise

    patch.awaits(silent)


@world("await gives an exception as its value", falsifies=["await-raises-the-inner-exception"])
def _(patch):
    async def never_raising(awaitable):
        try:
            return await awaitable
        except Exception as error:
            return error

    patch.awaits(never_raising)


@world(
    "await compiles in a plain function",
    falsifies=["await-belongs-inside-async-def"],
    also=["not-every-printed-example-runs"],
)
def _(patch):
    def lenient(source, *arguments, **options):
        if isinstance(source, str) and source.startswith("def "):
            source = f"async {source}"
        return _compile(source, *arguments, **options)

    patch.setattr(builtins, "compile", lenient)


@world("await compiles in a plain function within an async one", falsifies=["await-belongs-inside-async-def"])
def _(patch):
    def lenient(source, *arguments, **options):
        if isinstance(source, str) and source.startswith("async def "):
            source = source.replace("\n    def ", "\n    async def ")
        return _compile(source, *arguments, **options)

    patch.setattr(builtins, "compile", lenient)


@world("await compiles at module level", falsifies=["await-belongs-inside-async-def"])
def _(patch):
    def lenient(source, filename, mode, flags=0, *arguments, **options):
        return _compile(source, filename, mode, flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, *arguments, **options)

    patch.setattr(builtins, "compile", lenient)


@world(
    "sleep gives no turn",
    falsifies=[
        "sleep-zero-gives-the-others-one-turn",
        "await-suspends-only-its-own-task",
        "await-on-a-sleep-lets-the-other-task-run",
        "one-thread-runs-parts-of-two-coroutines-in-turn",
    ],
)
def _(patch):
    async def no_turn(delay, result=None):
        return await _sleep(delay, result) if delay > 0 else result

    patch.setattr(asyncio, "sleep", no_turn)


@world("sleep(0) gives two turns", falsifies=["sleep-zero-gives-the-others-one-turn"])
def _(patch):
    async def two_turns(delay, result=None):
        await turn()
        return await _sleep(delay, result)

    patch.setattr(asyncio, "sleep", two_turns)


@world(
    "sleep blocks its thread",
    falsifies=[
        "sleep-zero-gives-the-others-one-turn",
        "asyncio-sleep-sets-one-timer",
        "await-on-a-sleep-lets-the-other-task-run",
        "one-thread-runs-parts-of-two-coroutines-in-turn",
    ],
)
def _(patch):
    async def blocking(delay, result=None):
        time.sleep(delay / 100)
        return result

    patch.setattr(asyncio, "sleep", blocking)


@world("sleep returns its delay", falsifies=["asyncio-sleep-returns-none-or-its-second-argument"])
def _(patch):
    async def delay_back(delay, result=None):
        await _sleep(delay)
        return delay

    patch.setattr(asyncio, "sleep", delay_back)


@world("sleep forgets its second argument", falsifies=["asyncio-sleep-returns-none-or-its-second-argument"])
def _(patch):
    async def forgetful(delay, result=None):
        return await _sleep(delay)

    patch.setattr(asyncio, "sleep", forgetful)


@world(
    "sleep forgets its second argument where it sets a timer",
    falsifies=["asyncio-sleep-returns-none-or-its-second-argument"],
)
def _(patch):
    async def forgetful(delay, result=None):
        returned = await _sleep(delay, result)
        return None if delay else returned

    patch.setattr(asyncio, "sleep", forgetful)


@world("sleep sets a second timer, with call_at()", falsifies=["asyncio-sleep-sets-one-timer"])
def _(patch):
    async def twice(delay, result=None):
        loop = asyncio.get_running_loop()
        loop.call_at(loop.time() + delay, int)
        return await _sleep(delay, result)

    patch.setattr(asyncio, "sleep", twice)


@world("sleep waits in slices of one second", falsifies=["asyncio-sleep-sets-one-timer"])
def _(patch):
    async def sliced(delay, result=None):
        while delay > 1:
            await _sleep(1)
            delay -= 1
        return await _sleep(delay, result)

    patch.setattr(asyncio, "sleep", sliced)


@world("sleep(0) sets a timer", falsifies=["asyncio-sleep-sets-one-timer"])
def _(patch):
    async def timed(delay, result=None):
        asyncio.get_running_loop().call_later(delay, int)
        return await _sleep(delay, result)

    patch.setattr(asyncio, "sleep", timed)


@world("asyncio's clock counts whole milliseconds", falsifies=["asyncio-clock-is-finer-than-a-millisecond"])
def _(patch):
    change_asyncio(patch, "time", lambda original: lambda loop: round(original(loop) * 1000) / 1000)


@world(
    "asyncio makes no timer of less than half a millisecond", falsifies=["asyncio-clock-is-finer-than-a-millisecond"]
)
def _(patch):
    def rounding(original):
        def call_later(loop, delay, callback, *arguments, **options):
            if round(delay * 1000) == 0:
                return loop.call_soon(callback, *arguments, **options)
            return original(loop, delay, callback, *arguments, **options)

        return call_later

    change_asyncio(patch, "call_later", rounding)


@world("uvloop's clock is as fine as asyncio's", falsifies=["uvloop-clock-counts-whole-milliseconds"])
def _(patch):
    change_uvloop(patch, "time", lambda _original: lambda _loop: time.monotonic())


@world("uvloop rounds every delay up to a whole millisecond", falsifies=["uvloop-clock-counts-whole-milliseconds"])
def _(patch):
    def rounding_up(original):
        return lambda loop, delay, *arguments, **options: original(
            loop, delay and max(delay, 0.001), *arguments, **options
        )

    change_uvloop(patch, "call_later", rounding_up)


@world("tasks run in sequence", falsifies=["await-is-sequential-only-within-its-coroutine"])
def _(patch):
    create_task = asyncio.create_task
    queue = []

    def in_sequence(coroutine, **options):
        async def when_first():
            try:
                while queue[0] is not coroutine:
                    await turn()
                return await coroutine
            finally:
                queue.remove(coroutine)

        queue.append(coroutine)
        return create_task(when_first(), **options)

    patch.setattr(asyncio, "create_task", in_sequence)


@world(
    "await gives None for a task that is done already",
    falsifies=["await-takes-coroutine-objects-futures-and-tasks", "awaiting-a-task-gives-its-result-when-done"],
    also=["task-may-be-awaited-again"],
)
def _(patch):
    async def of_what_is_pending(awaitable):
        if isinstance(awaitable, asyncio.Task) and awaitable.done():
            return None
        return await awaitable

    patch.awaits(of_what_is_pending)


@world(
    "await gives a future or task ten turns and goes on without it",
    falsifies=["await-suspends-until-what-it-waits-for-is-done"],
)
def _(patch):
    async def impatient(awaitable):
        if not asyncio.isfuture(awaitable):
            return await awaitable
        for _ in range(10):
            if awaitable.done():
                return await awaitable
            await turn()

    patch.awaits(impatient)


@world("the await of what was cancelled gives None", falsifies=["await-raises-the-inner-exception"])
def _(patch):
    async def silent(awaitable):
        try:
            return await awaitable
        except asyncio.CancelledError:
            return None

    patch.awaits(silent)


@world(
    "a second await of a coroutine object waits for the first",
    falsifies=["each-await-needs-a-new-coroutine-object"],
)
def _(patch):
    async def patient(awaitable):
        if not inspect.iscoroutine(awaitable) or inspect.getcoroutinestate(awaitable) != inspect.CORO_SUSPENDED:
            return await awaitable
        while inspect.getcoroutinestate(awaitable) != inspect.CORO_CLOSED:
            await turn()

    patch.awaits(patient)


@world(
    "sleep gives None for a second argument that is false",
    falsifies=["asyncio-sleep-returns-none-or-its-second-argument"],
)
def _(patch):
    async def true_only(delay, result=None):
        return (await _sleep(delay, result)) or None

    patch.setattr(asyncio, "sleep", true_only)


@world("the await of a task gives a turn, even if it is done", falsifies=["await-need-not-wait-for-anything"])
def _(patch):
    turn_before(patch, lambda awaitable: isinstance(awaitable, asyncio.Task) and awaitable.done())


@world(
    "the value of an await is awaited too, where it can be",
    falsifies=["await-takes-coroutine-objects-futures-and-tasks"],
)
def _(patch):
    async def flattened(awaitable):
        value = await awaitable
        return await value if inspect.isawaitable(value) else value

    patch.awaits(flattened)


@world("await refuses by an AttributeError", falsifies=["await-refuses-what-is-not-awaitable"])
def _(patch):
    async def by_attribute(awaitable):
        if not inspect.isawaitable(awaitable):
            raise AttributeError("__await__")
        return await awaitable

    patch.awaits(by_attribute)


@world("the compiler takes await in a lambda", falsifies=["await-belongs-inside-async-def"])
def _(patch):
    def lenient(source, *arguments, **options):
        if isinstance(source, str):
            source = source.replace("lambda x: await", "lambda x:")
        return _compile(source, *arguments, **options)

    patch.setattr(builtins, "compile", lenient)


@world(
    "a delay is taken for milliseconds",
    falsifies=["asyncio-sleep-sets-one-timer"],
    also=["timer-handle-tells-whole-milliseconds-on-uvloop"],
)
def _(patch: Patch) -> None:
    def in_milliseconds(call_later):
        return lambda loop, delay, *given, **options: call_later(loop, delay / 1000, *given, **options)

    change_loops(patch, "call_later", in_milliseconds)


@world(
    "an await raises an exception that is a future's result",
    falsifies=["await-takes-coroutine-objects-futures-and-tasks"],
)
def _(patch):
    async def raising(awaitable):
        value = await awaitable
        if asyncio.isfuture(awaitable) and isinstance(value, LookupError):
            raise value
        return value

    patch.awaits(raising)


@world(
    "await takes a future only when it is done, unless it is a task",
    falsifies=["await-takes-coroutine-objects-futures-and-tasks"],
)
def _(patch):
    async def refusing(awaitable):
        if type(awaitable) is asyncio.Future and not awaitable.done():
            raise TypeError("object Future can't be used in 'await' expression")
        return await awaitable

    patch.awaits(refusing)


@world(
    "await takes no __await__ that gives an iterator which is no generator",
    falsifies=["await-takes-any-object-with-dunder-await"],
)
def _(patch):
    async def refusing(awaitable):
        if isinstance(awaitable.__await__(), type(iter([]))):
            raise TypeError("__await__() returned an iterator that is no generator")
        return await awaitable

    patch.awaits(refusing)


@world("await takes a list of awaitables", falsifies=["await-refuses-what-is-not-awaitable"])
def _(patch):
    async def taking(awaitable):
        if isinstance(awaitable, list) and any(map(inspect.isawaitable, awaitable)):
            return [await each for each in awaitable]
        return await awaitable

    patch.awaits(taking)


@world(
    "await goes on with a generator that has begun",
    falsifies=["await-refuses-what-is-not-awaitable", "generator-is-not-a-coroutine"],
)
def _(patch):
    async def taking(awaitable):
        if inspect.isgenerator(awaitable) and inspect.getgeneratorstate(awaitable) == inspect.GEN_SUSPENDED:
            for _ in awaitable:
                await turn()
            return None
        return await awaitable

    patch.awaits(taking)


@world("await takes a number that is not whole", falsifies=["await-refuses-what-is-not-awaitable"])
def _(patch):
    async def taking(awaitable):
        return await (asyncio.sleep(max(awaitable, 0)) if isinstance(awaitable, float) else awaitable)

    patch.awaits(taking)


@world("an exception that came of another is lost at an await", falsifies=["await-raises-the-inner-exception"])
def _(patch):
    async def losing(awaitable):
        try:
            return await awaitable
        except BaseException as error:
            if error.__context__ is None:
                raise

    patch.awaits(losing)


@world("sleep(0) gives two turns to one other task alone", falsifies=["sleep-zero-gives-the-others-one-turn"])
def _(patch):
    async def sleep(delay, result=None):
        if delay == 0 and len(asyncio.all_tasks()) == 2:
            await turn()
        return await _sleep(delay, result)

    patch.setattr(asyncio, "sleep", sleep)


@world("sleep(0) gives no turn where it has a result to give", falsifies=["sleep-zero-gives-the-others-one-turn"])
def _(patch):
    async def sleep(delay, result=None):
        return await _sleep(delay, result) if delay or result is None else result

    patch.setattr(asyncio, "sleep", sleep)


@world(
    "sleep raises an exception that it was to give, and calls a function",
    falsifies=["asyncio-sleep-returns-none-or-its-second-argument"],
)
def _(patch):
    async def sleep(delay, result=None):
        value = await _sleep(delay, result)
        if isinstance(value, Exception):
            raise value
        return value() if inspect.isfunction(value) else value

    patch.setattr(asyncio, "sleep", sleep)


@world(
    "a coroutine that is awaited in an awaited one becomes a task",
    falsifies=["awaited-coroutine-stays-in-the-same-task"],
)
def _(patch):
    depth = 0

    async def deep(awaitable):
        nonlocal depth
        depth += 1
        try:
            is_deep = depth > 1 and inspect.iscoroutine(awaitable)
            return await (asyncio.ensure_future(awaitable) if is_deep else awaitable)
        finally:
            depth -= 1

    patch.awaits(deep)


@world(
    "an await of a task has None for a value that is false",
    falsifies=["await-takes-coroutine-objects-futures-and-tasks"],
)
def _(patch):
    async def loses(awaitable):
        value = await awaitable
        return (value or None) if isinstance(awaitable, asyncio.Task) else value

    patch.awaits(loses)


@world(
    "await takes no __await__ that never suspends, nor gives what is false",
    falsifies=["await-takes-any-object-with-dunder-await"],
)
def _(patch):
    @types.coroutine
    def suspending(steps):
        suspensions = 0
        while True:
            try:
                waiting_for = next(steps)
            except StopIteration as end:
                return end.value if suspensions else None
            suspensions += 1
            yield waiting_for

    async def losing(awaitable):
        if inspect.iscoroutine(awaitable) or asyncio.isfuture(awaitable) or inspect.isgenerator(awaitable):
            return await awaitable
        return await suspending(awaitable.__await__())

    patch.awaits(losing)


@world("await takes True, and a generator that has ended", falsifies=["await-refuses-what-is-not-awaitable"])
def _(patch):
    async def taking(awaitable):
        has_ended = inspect.isgenerator(awaitable) and inspect.getgeneratorstate(awaitable) == inspect.GEN_CLOSED
        return None if awaitable is True or has_ended else await awaitable

    patch.awaits(taking)


@world("what a future fails with while it is awaited is lost", falsifies=["await-raises-the-inner-exception"])
def _(patch):
    async def losing(awaitable):
        is_pending = type(awaitable) is asyncio.Future and not awaitable.done()
        try:
            return await awaitable
        except LookupError:
            if not is_pending:
                raise

    patch.awaits(losing)


@world("await in a class body or a comprehension compiles anywhere", falsifies=["await-belongs-inside-async-def"])
def _(patch):
    def lenient(source, *arguments, **options):
        try:
            return _compile(source, *arguments, **options)
        except SyntaxError as error:
            if type(error) is SyntaxError and ("class" in source or " for " in source):
                return _compile("pass", *arguments, **options)
            raise

    patch.setattr(builtins, "compile", lenient)


@world("sleep(0.0) gives two turns", falsifies=["sleep-zero-gives-the-others-one-turn"])
def _(patch):
    async def sleep(delay, result=None):
        if delay == 0 and isinstance(delay, float):
            await turn()
        return await _sleep(delay, result)

    patch.setattr(asyncio, "sleep", sleep)


@world(
    "await gives None for a future that is done already, unless it is a task",
    falsifies=["await-takes-coroutine-objects-futures-and-tasks"],
)
def _(patch):
    async def of_what_is_pending(awaitable):
        if type(awaitable) is asyncio.Future and awaitable.done() and not awaitable.exception():
            return None
        return await awaitable

    patch.awaits(of_what_is_pending)


@world(
    "the await of a future whose result is false gives a turn though it is done",
    falsifies=["await-need-not-wait-for-anything", "future-set-before-its-await-never-suspends"],
)
def _(patch):
    def is_false(awaitable):
        return type(awaitable) is asyncio.Future and awaitable.done() and not awaitable.result()

    turn_before(patch, is_false)


@world("the second await of a future that is done gives a turn", falsifies=["await-need-not-wait-for-anything"])
def _(patch):
    awaited = []

    async def at_once_but_once(awaitable):
        if type(awaitable) is asyncio.Future and awaitable.done():
            if awaitable in awaited:
                await turn()
            awaited.append(awaitable)
        return await awaitable

    patch.awaits(at_once_but_once)


@world("a coroutine that returns None gives a turn at its end", falsifies=["await-need-not-wait-for-anything"])
def _(patch):
    async def with_a_turn(awaitable):
        value = await awaitable
        if inspect.iscoroutine(awaitable) and awaitable.__name__ == "waits_for_nothing" and value is None:
            await turn()
        return value

    patch.awaits(with_a_turn)


@world(
    "await gives a future ten turns and goes on without it, unless it is a task",
    falsifies=["await-suspends-until-what-it-waits-for-is-done"],
)
def _(patch):
    async def impatient(awaitable):
        if type(awaitable) is not asyncio.Future:
            return await awaitable
        for _ in range(10):
            if awaitable.done():
                return await awaitable
            await turn()

    patch.awaits(impatient)


@world(
    "callbacks wait until the coroutine has ended that is awaited",
    falsifies=["await-is-sequential-only-within-its-coroutine"],
)
def _(patch):
    held, under_way = [], []

    def holding(original):
        def call_soon(loop, callback, *arguments, **options):
            def when_nothing_is_awaited():
                if under_way:
                    held.append((callback, arguments))
                else:
                    callback(*arguments)

            ours = type(callback).__name__ == "Trace"
            return (
                original(loop, when_nothing_is_awaited, **options)
                if ours
                else original(loop, callback, *arguments, **options)
            )

        return call_soon

    async def to_its_end(awaitable):
        if not inspect.iscoroutine(awaitable):
            return await awaitable
        under_way.append(awaitable)
        try:
            return await awaitable
        finally:
            under_way.remove(awaitable)
            while held and not under_way:
                callback, arguments = held.pop(0)
                callback(*arguments)

    change_loops(patch, "call_soon", holding)
    patch.awaits(to_its_end)


@world(
    "a coroutine that is awaited gives the loop its first turn only",
    falsifies=["await-is-sequential-only-within-its-coroutine"],
)
def _(patch):
    @types.coroutine
    def once(coroutine):
        given = False
        while True:
            try:
                waits_for = coroutine.send(None)
            except StopIteration as end:
                return end.value
            if waits_for is not None or not given:
                yield waits_for
            given = True

    async def but_once(awaitable):
        return await (once(awaitable) if inspect.iscoroutine(awaitable) else awaitable)

    patch.awaits(but_once)


@world("a third task waits for the second to end", falsifies=["await-is-sequential-only-within-its-coroutine"])
def _(patch):
    create_task = asyncio.create_task
    made = []

    def in_pairs(coroutine, **options):
        async def after_the_one_before(before):
            await asyncio.wait([before])
            return await coroutine

        made[:] = [task for task in made if not task.done()]
        third = len(made) == 2
        made.append(create_task(after_the_one_before(made[-1]) if third else coroutine, **options))
        return made[-1]

    patch.setattr(asyncio, "create_task", in_pairs)


@world("every second sleep sets a second timer", falsifies=["asyncio-sleep-sets-one-timer"])
def _(patch):
    count = itertools.count(1)

    async def twice(delay, result=None):
        if delay and next(count) % 2 == 0:
            asyncio.get_running_loop().call_later(delay, int)
        return await _sleep(delay, result)

    patch.setattr(asyncio, "sleep", twice)


@world(
    "uvloop's clock is finer than a millisecond while its loop does not run",
    falsifies=["uvloop-clock-counts-whole-milliseconds"],
)
def _(patch):
    def finer(original):
        return lambda loop: original(loop) if loop.is_running() else original(loop) + 0.0004

    change_uvloop(patch, "time", finer)


@world("uvloop's clock counts every second millisecond", falsifies=["uvloop-clock-counts-whole-milliseconds"])
def _(patch):
    change_uvloop(patch, "time", lambda original: lambda loop: round(original(loop) * 1000) // 2 * 2 / 1000)


def _timers_of(patch: Patch, is_a_timers: Callable[[float], bool]) -> None:
    """Have uvloop make a timer of a delay under half a millisecond, where `is_a_timers(delay)`."""

    def making(original):
        def call_later(loop, delay, *arguments, **options):
            return original(loop, 0.001 if is_a_timers(delay) else delay, *arguments, **options)

        return call_later

    change_uvloop(patch, "call_later", making)


@world("uvloop makes a timer of nearly half a millisecond", falsifies=["uvloop-clock-counts-whole-milliseconds"])
def _(patch):
    _timers_of(patch, lambda delay: 0.00045 < delay < 0.0005)


@world("uvloop makes a timer of hardly any delay", falsifies=["uvloop-clock-counts-whole-milliseconds"])
def _(patch):
    _timers_of(patch, lambda delay: 0 < delay < 0.0001)


@world("a coroutine object begins by itself while another is awaited", falsifies=["await-runs-one-after-the-other"])
def _(patch):
    class Begins(ast.NodeTransformer):
        def visit_Call(self, node):
            self.generic_visit(node)
            ours = isinstance(node.func, ast.Name) and node.func.id == "call"
            return ast.Call(ast.Name("begin_by_itself", ast.Load()), [node], []) if ours else node

    patch.setitem(vars(builtins), "begin_by_itself", asyncio.ensure_future)
    patch.rewrite(Begins())


@world(
    "a coroutine that is awaited in another task than the first becomes a task",
    falsifies=["awaited-coroutine-stays-in-the-same-task"],
)
def _(patch):
    first = {}

    async def of_the_first_only(awaitable):
        task = first.setdefault(asyncio.get_running_loop(), asyncio.current_task())
        apart = inspect.iscoroutine(awaitable) and asyncio.current_task() is not task
        return await (asyncio.create_task(awaitable) if apart else awaitable)

    patch.awaits(of_the_first_only)


@world(
    "who awaits a task is told of its cancellation before it has ended",
    falsifies=["await-suspends-until-what-it-waits-for-is-done"],
)
def _(patch):
    create_task = asyncio.create_task

    class TellsEarly(asyncio.Task):
        told = False

        def cancel(self, *message):
            self.told = True
            return super().cancel(*message)

        def __await__(self):
            while not self.done():
                if self.told:
                    raise asyncio.CancelledError
                yield
            return self.result()

    def telling_early(coroutine, **options):
        if coroutine.__name__ == "does_not_give_up":
            return TellsEarly(coroutine, loop=asyncio.get_running_loop(), **options)
        return create_task(coroutine, **options)

    patch.setattr(asyncio, "create_task", telling_early)


@world(
    "a coroutine that is awaited in an awaited one begins with a turn", falsifies=["await-need-not-wait-for-anything"]
)
def _(patch):
    under_way = []

    async def later_inside(awaitable):
        if not inspect.iscoroutine(awaitable):
            return await awaitable
        if under_way and awaitable.__name__ == "waits_for_nothing":
            await turn()
        under_way.append(awaitable)
        try:
            return await awaitable
        finally:
            under_way.remove(awaitable)

    patch.awaits(later_inside)
