"""Worlds in which tasks are made, started or finished otherwise than 3.4 says."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import itertools
import sys
import types

from fixtures.trace import turn
from tests.mutants.worlds import Patch, loop_world, world
from tests.mutants.worlds.section_3_1_get_event_loop import told_what_is_set
from tests.mutants.worlds.section_3_3 import change_loops


def _wrapping_each_coroutine(patch: Patch, wrap) -> None:
    """Have asyncio.create_task make its task of `wrap(coroutine)`."""
    real = asyncio.create_task
    patch.setattr(asyncio, "create_task", lambda coroutine, **options: real(wrap(coroutine), **options))


def _making_each_task(patch: Patch, kind: type[asyncio.Task]) -> None:
    """Have asyncio.create_task make its task of this class."""

    def create_task(coroutine, **options):
        return kind(coroutine, loop=asyncio.get_running_loop(), **options)

    patch.setattr(asyncio, "create_task", create_task)


@world(
    "tasks run one after the other",
    falsifies=[
        "tasks-run-coroutines-concurrently",
        "two-tasks-program-prints-both-results-last",
        "named-tasks-program-prints-set-last",
    ],
)
def _(patch: Patch) -> None:
    under_way: list[object] = []

    async def in_turn(coroutine):
        while under_way:
            await asyncio.sleep(0)
        under_way.append(coroutine)
        try:
            return await coroutine
        finally:
            under_way.remove(coroutine)

    _wrapping_each_coroutine(patch, in_turn)


@world("four tasks at most are under way at once", falsifies=["tasks-run-coroutines-concurrently"])
def _(patch: Patch) -> None:
    under_way: list[object] = []

    async def with_room(coroutine):
        while len(under_way) >= 4:
            await turn()
        under_way.append(coroutine)
        try:
            return await coroutine
        finally:
            under_way.remove(coroutine)

    _wrapping_each_coroutine(patch, with_room)


@world("create_task gives back a bare future", falsifies=["create-task-returns-a-task"])
def _(patch: Patch) -> None:
    real = asyncio.create_task

    def create_task(coroutine, **options):
        task = real(coroutine, **options)
        future = task.get_loop().create_future()
        task.add_done_callback(lambda done: future.set_result(done.result()))
        return future

    patch.setattr(asyncio, "create_task", create_task)


@world(
    "create_task runs the first step at once",
    falsifies=[
        "created-task-is-scheduled-and-not-yet-started",
        "loop-create-task-and-ensure-future-make-the-same-task",
        "task-runs-without-being-awaited",
        "two-tasks-program-prints-both-results-last",
        "named-tasks-program-prints-set-last",
    ],
)
def _(patch: Patch) -> None:
    class Resumed:
        """An awaitable for the rest of a coroutine whose first step has been run."""

        def __init__(self, coroutine, waits_for) -> None:
            self.coroutine, self.waits_for = coroutine, waits_for

        def __await__(self):
            yield self.waits_for
            return (yield from self.coroutine.__await__())

    async def rest(resumed):
        return await resumed

    async def ended(result):
        return result

    real = asyncio.create_task

    def create_task(coroutine, **options):
        try:
            waits_for = coroutine.send(None)
        except StopIteration as end:
            return real(ended(end.value), **options)
        return real(rest(Resumed(coroutine, waits_for)), **options)

    patch.setattr(asyncio, "create_task", create_task)


@world(
    "a task starts only when it is awaited",
    falsifies=[
        "created-task-is-scheduled-and-not-yet-started",
        "task-runs-without-being-awaited",
        "tasks-start-in-the-order-of-creation",
    ],
    breaks_much="what a task does while nobody awaits it is what most claims of other tasks look at",
)
def _(patch: Patch) -> None:
    class OnDemand(asyncio.Task):
        def __await__(self):
            self.demand.set_result(None)
            return (yield from super().__await__())

    async def once(demand, coroutine):
        await demand
        return await coroutine

    def create_task(coroutine, **options):
        loop = asyncio.get_running_loop()
        demand = loop.create_future()
        task = OnDemand(once(demand, coroutine), loop=loop, **options)
        task.demand = demand
        return task

    patch.setattr(asyncio, "create_task", create_task)


@world("a task starts three turns late", falsifies=["task-runs-without-being-awaited"])
def _(patch: Patch) -> None:
    async def late(coroutine):
        for _ in range(3):
            await turn()
        return await coroutine

    _wrapping_each_coroutine(patch, late)


@world(
    "ensure_future asks no task factory for its tasks",
    falsifies=["loop-create-task-and-ensure-future-make-the-same-task"],
)
def _(patch: Patch) -> None:
    real = asyncio.ensure_future

    def ensure_future(awaitable, **options):
        if asyncio.iscoroutine(awaitable):
            return asyncio.Task(awaitable, **options)
        return real(awaitable, **options)

    patch.setattr(asyncio, "ensure_future", ensure_future)


@world(
    "ensure_future gives a bare future for a coroutine",
    falsifies=[
        "loop-create-task-and-ensure-future-make-the-same-task",
        "ensure-future-makes-a-task-of-a-coroutine",
        "ensure-future-wraps-any-awaitable-in-a-task",
    ],
)
def _(patch: Patch) -> None:
    real = asyncio.ensure_future

    def ensure_future(awaitable, **options):
        task = real(awaitable, **options)
        if task is awaitable:
            return task
        future = task.get_loop().create_future()
        task.add_done_callback(lambda done: future.set_result(done.result()))
        return future

    patch.setattr(asyncio, "ensure_future", ensure_future)


@world(
    "loop.create_task loses the return value",
    falsifies=["loop-create-task-and-ensure-future-make-the-same-task"],
    breaks_much="it makes all tasks, and most claims look at the result of one",
)
def _(patch: Patch) -> None:
    async def without_result(coroutine):
        await coroutine

    class Losing:
        def create_task(self, coroutine, **options):
            return super().create_task(without_result(coroutine), **options)

    patch.loops(Losing)


@world(
    "loop.create_task runs the first step at once while the loop does not run",
    falsifies=["loop-create-task-works-before-the-loop-runs"],
    breaks_much="every async claim is itself begun by loop.create_task() before its loop runs",
)
def _(patch: Patch) -> None:
    async def ended(result):
        return result

    class Hasty:
        def create_task(self, coroutine, **options):
            if not self.is_running():
                try:
                    coroutine.send(None)
                except StopIteration as end:
                    coroutine = ended(end.value)
            return super().create_task(coroutine, **options)

    patch.loops(Hasty)


@world("a task made before the loop runs never starts", falsifies=["loop-create-task-works-before-the-loop-runs"])
def _(patch: Patch) -> None:
    class Deaf:
        def create_task(self, coroutine, **options):
            # Not what run_until_complete() and a Runner make of what they are to run.
            by_hand = not sys._getframe(1).f_globals["__name__"].startswith("asyncio.")
            if by_hand and not self.is_running():
                return self.create_future()
            return super().create_task(coroutine, **options)

    patch.loops(Deaf)


@world("ensure_future wraps tasks and futures again", falsifies=["ensure-future-returns-a-task-or-future-unchanged"])
def _(patch: Patch) -> None:
    async def wait_for(awaitable):
        return await awaitable

    real = asyncio.ensure_future
    patch.setattr(asyncio, "ensure_future", lambda awaitable, **options: real(wait_for(awaitable), **options))


@world(
    "ensure_future gives any awaitable back as it is",
    falsifies=[
        "ensure-future-wraps-any-awaitable-in-a-task",
        "ensure-future-makes-a-task-of-a-coroutine",
        "loop-create-task-and-ensure-future-make-the-same-task",
    ],
)
def _(patch: Patch) -> None:
    real = asyncio.ensure_future

    def ensure_future(awaitable, **options):
        return awaitable if hasattr(awaitable, "__await__") else real(awaitable, **options)

    patch.setattr(asyncio, "ensure_future", ensure_future)


@world("ensure_future takes what cannot be awaited", falsifies=["ensure-future-wraps-any-awaitable-in-a-task"])
def _(patch: Patch) -> None:
    async def nothing(value):
        return value

    real = asyncio.ensure_future

    def ensure_future(value, **options):
        return real(value if hasattr(value, "__await__") else nothing(value), **options)

    patch.setattr(asyncio, "ensure_future", ensure_future)


@world("a task made by hand asks the task factory", falsifies=["task-made-by-hand-bypasses-the-task-factory"])
def _(patch: Patch) -> None:
    real = asyncio.Task
    asking: list[object] = []

    def make(coroutine, *, loop, **options):
        factory = loop.get_task_factory()
        if factory is None or asking:
            return real(coroutine, loop=loop, **options)
        asking.append(coroutine)
        try:
            return factory(loop, coroutine, **options)
        finally:
            asking.clear()

    patch.setattr(asyncio, "Task", make)


@world("create_task asks no task factory", falsifies=["task-made-by-hand-bypasses-the-task-factory"])
def _(patch: Patch) -> None:
    real = asyncio.Task
    patch.setattr(asyncio, "create_task", lambda coroutine: real(coroutine, loop=asyncio.get_running_loop()))


@world("create_task takes any loop that can be had", falsifies=["create-task-needs-a-running-loop"])
def _(patch: Patch) -> None:
    real = asyncio.create_task
    made: list[asyncio.AbstractEventLoop] = []

    def create_task(coroutine, **options):
        try:
            return real(coroutine, **options)
        except RuntimeError:
            made.append(asyncio.SelectorEventLoop())
            return made[-1].create_task(coroutine, **options)

    patch.setattr(asyncio, "create_task", create_task)


@world(
    "create_task takes the loop that was set, where none runs, as get_event_loop does",
    falsifies=["create-task-needs-a-running-loop"],
)
def _(patch: Patch) -> None:
    create, last_set = asyncio.create_task, told_what_is_set(patch)

    def create_task(coroutine, **options):
        if asyncio._get_running_loop() is None and last_set[0]:
            return last_set[0].create_task(coroutine, **options)
        return create(coroutine, **options)

    patch.setattr(asyncio, "create_task", create_task)


@world("the loop starts last in, first out", falsifies=["tasks-start-in-the-order-of-creation"])
def _(patch: Patch) -> None:
    class Backwards:
        def call_soon(self, callback, *arguments, context=None):
            handle = asyncio.Handle(callback, arguments, self, context)
            self.__dict__.setdefault("waiting", []).append(handle)
            if len(self.waiting) == 1:
                # In an empty context: a handle cannot enter its own where that is the one it is run from.
                super().call_soon(self.run_waiting, context=contextvars.Context())
            return handle

        def run_waiting(self):
            waiting, self.waiting = self.waiting, []
            for handle in reversed(waiting):
                if not handle.cancelled():
                    handle._run()

    patch.loops(Backwards)


@world(
    "a task loses its coroutine's return value",
    falsifies=[
        "awaiting-a-task-gives-its-result-when-done",
        "task-may-be-awaited-again",
        "two-tasks-program-prints-both-results-last",
        "named-tasks-program-prints-set-last",
    ],
)
def _(patch: Patch) -> None:
    async def without_result(coroutine):
        await coroutine

    _wrapping_each_coroutine(patch, without_result)


@world("a task has None for a result that is false", falsifies=["awaiting-a-task-gives-its-result-when-done"])
def _(patch: Patch) -> None:
    async def none_for_false(coroutine):
        return (await coroutine) or None

    _wrapping_each_coroutine(patch, none_for_false)


@world("a task gives its result to the first who awaits it only", falsifies=["task-may-be-awaited-again"])
def _(patch: Patch) -> None:
    class Once(asyncio.Task):
        asked = False

        def __await__(self):
            result = yield from super().__await__()
            first, self.asked = not self.asked, True
            return result if first else None

    _making_each_task(patch, Once)


@world("a task wakes only the one who began last to wait for it", falsifies=["task-may-be-awaited-again"])
def _(patch: Patch) -> None:
    class OneWaiter(asyncio.Task):
        waiter = None

        def add_done_callback(self, callback, **options):
            if self.waiter is not None:
                self.remove_done_callback(self.waiter)
            self.waiter = callback
            super().add_done_callback(callback, **options)

        def __await__(self):
            if not self.done():
                woken = self.get_loop().create_future()
                self.add_done_callback(lambda _task: woken.set_result(None))
                yield from woken
            return self.result()

    _making_each_task(patch, OneWaiter)


@world(
    "a task swallows the exception of its coroutine",
    falsifies=[
        "awaiting-a-failed-task-raises-its-exception",
        "asyncio-wait-hides-task-exceptions",
        "unasked-task-exception-is-reported-when-collected",
    ],
)
def _(patch: Patch) -> None:
    async def without_exception(coroutine):
        try:
            return await coroutine
        except Exception:
            return None

    _wrapping_each_coroutine(patch, without_exception)


@world(
    "a failed task raises to the first who awaits it only",
    falsifies=["awaiting-a-failed-task-raises-its-exception"],
)
def _(patch: Patch) -> None:
    class RaisesOnce(asyncio.Task):
        raised = False

        def __await__(self):
            try:
                return (yield from super().__await__())
            except Exception:
                first, self.raised = not self.raised, True
                if first:
                    raise

    _making_each_task(patch, RaisesOnce)


@world(
    "a task that failed before it is awaited raises nothing",
    falsifies=["awaiting-a-failed-task-raises-its-exception"],
)
def _(patch: Patch) -> None:
    class RaisesAtItsEnd(asyncio.Task):
        def __await__(self):
            if self.done() and not self.cancelled() and self.exception():
                return None
            return (yield from super().__await__())

    _making_each_task(patch, RaisesAtItsEnd)


@world("the loop keeps its tasks alive", falsifies=["loop-holds-its-tasks-weakly"])
def _(patch: Patch) -> None:
    class Holding:
        def create_task(self, coroutine, **options):
            task = super().create_task(coroutine, **options)
            self.__dict__.setdefault("held", []).append(task)
            return task

    patch.loops(Holding)


@world(
    "a pending task that is collected goes unreported",
    falsifies=["loop-holds-its-tasks-weakly"],
    also=["task-waiting-on-an-unheld-future-may-be-collected"],
)
def _(patch: Patch) -> None:
    class Silent:
        def call_exception_handler(self, context):
            if "destroyed" not in context["message"]:
                super().call_exception_handler(context)

    patch.loops(Silent)


@world(
    "create_task drops the name",
    falsifies=["task-name-is-kept-and-shown", "named-tasks-program-prints-set-last"],
)
def _(patch: Patch) -> None:
    real = asyncio.create_task

    def create_task(coroutine, *, name=None, **options):
        return real(coroutine, **options)

    patch.setattr(asyncio, "create_task", create_task)


@world("all tasks without a name are called the same", falsifies=["task-name-is-kept-and-shown"])
def _(patch: Patch) -> None:
    real = asyncio.create_task

    def create_task(coroutine, *, name="Task", **options):
        return real(coroutine, name=name, **options)

    patch.setattr(asyncio, "create_task", create_task)


@world("create_task names every second task only", falsifies=["task-name-is-kept-and-shown"])
def _(patch: Patch) -> None:
    class NamesEverySecond:
        made = 0

        def create_task(self, coroutine, *, name=None, **options):
            self.made += name is not None
            return super().create_task(coroutine, name=name if self.made % 2 else None, **options)

    patch.loops(NamesEverySecond)


@loop_world("an empty name of a task counts as none", "task-name-is-kept-and-shown")
class TakesNoEmptyName:
    def create_task(self, coroutine, *, name=None, **options):
        return super().create_task(coroutine, name=name or None, **options)


@world(
    "a task is renamed when it is done",
    falsifies=["task-name-is-kept-and-shown", "named-tasks-program-prints-set-last"],
)
def _(patch: Patch) -> None:
    real = asyncio.create_task

    def create_task(coroutine, **options):
        task = real(coroutine, **options)
        task.add_done_callback(lambda done: done.set_name("done"))
        return task

    patch.setattr(asyncio, "create_task", create_task)


@world(
    "what ensure_future makes a task of starts a turn later",
    falsifies=["loop-create-task-and-ensure-future-make-the-same-task", "tasks-start-in-the-order-of-creation"],
)
def _(patch: Patch) -> None:
    async def late(coroutine):
        await turn()
        return await coroutine

    real = asyncio.ensure_future

    def ensure_future(awaitable, **options):
        return real(late(awaitable) if asyncio.iscoroutine(awaitable) else awaitable, **options)

    patch.setattr(asyncio, "ensure_future", ensure_future)


@world(
    "ensure_future knows futures by their very class",
    falsifies=["ensure-future-returns-a-task-or-future-unchanged"],
)
def _(patch: Patch) -> None:
    async def wait_for(awaitable):
        return await awaitable

    real = asyncio.ensure_future

    def ensure_future(awaitable, **options):
        known = type(awaitable) in (asyncio.Task, asyncio.Future) or asyncio.iscoroutine(awaitable)
        return real(awaitable if known else wait_for(awaitable), **options)

    patch.setattr(asyncio, "ensure_future", ensure_future)


@world(
    "create_task takes the loop that ran last, where none runs",
    falsifies=["create-task-needs-a-running-loop"],
)
def _(patch: Patch) -> None:
    real = asyncio.create_task
    ran: list[asyncio.AbstractEventLoop] = []

    def create_task(coroutine, **options):
        if asyncio._get_running_loop() is None and ran:
            return ran[-1].create_task(coroutine, **options)
        ran.append(asyncio.get_running_loop())
        return real(coroutine, **options)

    patch.setattr(asyncio, "create_task", create_task)


@world(
    "create_task runs the first step of a task with a name at once",
    falsifies=["created-task-is-scheduled-and-not-yet-started"],
)
def _(patch: Patch) -> None:
    real = asyncio.create_task

    async def ended():
        return None

    def create_task(coroutine, *, name=None, **options):
        if name is None:
            return real(coroutine, **options)
        try:
            coroutine.send(None)
        except StopIteration:
            coroutine = ended()
        return real(coroutine, name=name, **options)

    patch.setattr(asyncio, "create_task", create_task)


@loop_world("a loop runs the first step of a task with a name at once", "created-task-is-scheduled-and-not-yet-started")
class _:
    def create_task(self, coroutine, *, name=None, **options):
        async def ended():
            return None

        if name is not None and self.is_running():
            try:
                coroutine.send(None)
            except StopIteration:
                coroutine = ended()
        return super().create_task(coroutine, name=name, **options)


@world("the loop keeps tasks alive that have names", falsifies=["loop-holds-its-tasks-weakly"])
def _(patch: Patch) -> None:
    real, named = asyncio.create_task, []

    def create_task(coroutine, *, name=None, **options):
        task = real(coroutine, name=name, **options)
        if name is not None:
            named.append(task)
        return task

    patch.setattr(asyncio, "create_task", create_task)


@world(
    "what ensure_future makes a task of runs in an empty context",
    falsifies=["loop-create-task-and-ensure-future-make-the-same-task"],
)
def _(patch: Patch) -> None:
    real = asyncio.ensure_future

    def ensure_future(awaitable, **options):
        return contextvars.Context().run(real, awaitable, **options)

    patch.setattr(asyncio, "ensure_future", ensure_future)


@world(
    "ensure_future wraps a task again that was cancelled",
    falsifies=["ensure-future-returns-a-task-or-future-unchanged"],
)
def _(patch: Patch) -> None:
    real = asyncio.ensure_future

    async def again(task):
        return await task

    def ensure_future(awaitable, **options):
        cancelled = isinstance(awaitable, asyncio.Task) and awaitable.cancelled()
        return real(again(awaitable) if cancelled else awaitable, **options)

    patch.setattr(asyncio, "ensure_future", ensure_future)


@world("a task that failed or was cancelled is shown without its name", falsifies=["task-name-is-kept-and-shown"])
def _(patch: Patch) -> None:
    class Nameless(asyncio.Task):
        def __repr__(self):
            shown = super().__repr__()
            failed = self.cancelled() or (self.done() and self.exception() is not None)
            return shown.replace(f" name={self.get_name()!r}", "") if failed else shown

    def create_task(_original):
        return lambda loop, coroutine, **options: Nameless(coroutine, loop=loop, **options)

    change_loops(patch, "create_task", create_task)


@world("loop.create_task wants a loop that runs", falsifies=["loop-create-task-works-before-the-loop-runs"])
def _(patch: Patch) -> None:
    class Running:
        def create_task(self, coroutine, **options):
            # run_until_complete() and a Runner are allowed to.
            if sys._getframe(1).f_globals["__name__"].startswith("test_"):
                asyncio.get_running_loop()
            return super().create_task(coroutine, **options)

    patch.loops(Running)


@world("create_task() gives a bare future in a callback", falsifies=["create-task-returns-a-task"])
def _(patch: Patch) -> None:
    create_task = asyncio.create_task

    def bare(coroutine, **options):
        task = create_task(coroutine, **options)
        if asyncio.current_task() is not None:
            return task
        future = task.get_loop().create_future()
        task.add_done_callback(lambda _task: future.set_result(None))
        return future

    patch.setattr(asyncio, "create_task", bare)


@loop_world(
    "a loop that does not run yet starts its first task when it is given a second",
    "loop-create-task-works-before-the-loop-runs",
    "ensure-future-only-schedules",
)
class _:
    made = 0

    def create_task(self, coroutine, **options):
        self.made += 1
        if self.made == 2 and not self.is_running():
            self.call_soon(self.stop)
            self.run_forever()
        return super().create_task(coroutine, **options)


@loop_world(
    "of the tasks given to a loop before it runs the second is lost", "loop-create-task-works-before-the-loop-runs"
)
class _:
    made = 0

    def create_task(self, coroutine, **options):
        is_of_a_test = "<locals>" in getattr(coroutine, "__qualname__", "")
        self.made += is_of_a_test and not self.is_running()
        if self.made != 2 or not is_of_a_test or self.is_running():
            return super().create_task(coroutine, **options)
        coroutine.close()
        return super().create_task(never(self), **options)


async def never(loop) -> None:
    """Wait for ever."""
    await loop.create_future()


def _ensuring_a_task_of(patch: Patch, is_wrapped) -> None:
    """Have ensure_future() wrap a future in a task where `is_wrapped(future, loop)`."""
    ensure_future = asyncio.ensure_future

    async def wait_for(future):
        return await future

    def wrap(awaitable, *, loop=None):
        is_wanted = asyncio.isfuture(awaitable) and is_wrapped(awaitable, loop)
        return ensure_future(wait_for(awaitable) if is_wanted else awaitable, loop=loop)

    patch.setattr(asyncio, "ensure_future", wrap)


@world(
    "ensure_future() makes a task of a future that is waited for",
    falsifies=["ensure-future-returns-a-task-or-future-unchanged"],
)
def _(patch: Patch) -> None:
    _ensuring_a_task_of(patch, lambda future, _loop: bool(future._callbacks))


@world(
    "ensure_future() makes a task of a future where it is given the loop",
    falsifies=["ensure-future-returns-a-task-or-future-unchanged"],
)
def _(patch: Patch) -> None:
    _ensuring_a_task_of(patch, lambda _future, loop: loop is not None)


@world(
    "a task made by hand without a loop is made by the task factory",
    falsifies=["task-made-by-hand-bypasses-the-task-factory"],
)
def _(patch: Patch) -> None:
    class ByFactory(asyncio.Task):
        def __new__(cls, coroutine, *, loop=None, **options):
            if loop is None:
                return asyncio.get_running_loop().create_task(coroutine, **options)
            return asyncio.tasks._CTask(coroutine, loop=loop, **options)

    patch.setattr(asyncio, "Task", ByFactory)


@world(
    "create_task() in another thread takes the loop that runs elsewhere", falsifies=["create-task-needs-a-running-loop"]
)
def _(patch: Patch) -> None:
    create_task, last = asyncio.create_task, []

    def create_anywhere(coroutine, **options):
        running = asyncio._get_running_loop()
        if running is None and last and last[0].is_running():
            return last[0].create_task(coroutine, **options)
        last[:] = [running]
        return create_task(coroutine, **options)

    patch.setattr(asyncio, "create_task", create_anywhere)


@world("a task that nobody awaits ends with its first turn", falsifies=["task-runs-without-being-awaited"])
def _(patch: Patch) -> None:
    async def awaited_only(coroutine):
        @types.coroutine
        def step_by_step():
            steps = coroutine.__await__()
            while True:
                try:
                    yield steps.send(None)
                except StopIteration as end:
                    return end.value
                if not asyncio.current_task()._callbacks:
                    return coroutine.close()

        return await step_by_step()

    _wrapping_each_coroutine(patch, awaited_only)


@world("a task shows no name while it waits", falsifies=["task-name-is-kept-and-shown"])
def _(patch: Patch) -> None:
    class Shy(asyncio.Task):
        def __repr__(self):
            shown = super().__repr__()
            return shown.replace(self.get_name(), "") if "wait_for=" in shown or self._waits() else shown

        def _waits(self):
            return inspect.getcoroutinestate(self.get_coro()) == inspect.CORO_SUSPENDED

    _making_each_task(patch, Shy)


def _naming(patch: Patch, rename) -> None:
    """Have create_task() give its task the name `rename(name)`."""
    create_task = asyncio.create_task
    patch.setattr(
        asyncio, "create_task", lambda coroutine, name=None, **more: create_task(coroutine, name=rename(name), **more)
    )


@world("of three tasks without a name the last two share one", falsifies=["task-name-is-kept-and-shown"])
def _(patch: Patch) -> None:
    numbers = itertools.count(1)
    _naming(patch, lambda name: f"Task-{next(numbers) // 2}" if name is None else name)


@world("no two tasks have the same name", falsifies=["task-name-is-kept-and-shown"])
def _(patch: Patch) -> None:
    def rename(name):
        names = {task.get_name() for task in asyncio.all_tasks()}
        return f"{name} (2)" if name in names else name

    _naming(patch, rename)


@world("a name has ten letters at most", falsifies=["task-name-is-kept-and-shown"])
def _(patch: Patch) -> None:
    _naming(patch, lambda name: name and name[:10])


@world("a name is written small", falsifies=["task-name-is-kept-and-shown"])
def _(patch: Patch) -> None:
    _naming(patch, lambda name: name and name.lower())


@world("awaiting a task raises a result that is an exception", falsifies=["awaiting-a-task-gives-its-result-when-done"])
def _(patch: Patch) -> None:
    class Raising(asyncio.Task):
        def __await__(self):
            result = yield from super().__await__()
            if isinstance(result, LookupError):
                raise result
            return result

    _making_each_task(patch, Raising)


@world("a task that is done gives None for a result that is false", falsifies=["task-may-be-awaited-again"])
def _(patch: Patch) -> None:
    class Losing(asyncio.Task):
        def __await__(self):
            if not self.done():
                return (yield from super().__await__())
            return self.result() or None

    _making_each_task(patch, Losing)


@world("ensure_future() refuses an awaitable that is false", falsifies=["ensure-future-wraps-any-awaitable-in-a-task"])
def _(patch: Patch) -> None:
    ensure_future = asyncio.ensure_future

    def refusing(awaitable, *, loop=None):
        if hasattr(awaitable, "__len__") and not awaitable:
            raise TypeError("An asyncio.Future, a coroutine or an awaitable is required")
        return ensure_future(awaitable, loop=loop)

    patch.setattr(asyncio, "ensure_future", refusing)


@world("ensure_future() loses what an awaitable raises", falsifies=["ensure-future-wraps-any-awaitable-in-a-task"])
def _(patch: Patch) -> None:
    ensure_future = asyncio.ensure_future

    async def losing(awaitable):
        try:
            return await awaitable
        except LookupError:
            return None

    def lenient(awaitable, *, loop=None):
        is_other = (
            hasattr(awaitable, "__await__") and not asyncio.isfuture(awaitable) and not inspect.iscoroutine(awaitable)
        )
        return ensure_future(losing(awaitable) if is_other else awaitable, loop=loop)

    patch.setattr(asyncio, "ensure_future", lenient)


def _ensuring(patch: Patch, wrap) -> None:
    """Have ensure_future() make its task of `wrap(coroutine, options)`."""
    ensure_future = asyncio.ensure_future

    def ensure(awaitable, **options):
        return ensure_future(wrap(awaitable, options) if inspect.iscoroutine(awaitable) else awaitable, **options)

    patch.setattr(asyncio, "ensure_future", ensure)


async def _a_turn_later(coroutine):
    await turn()
    return await coroutine


@world(
    "what ensure_future() makes a task of gives None for a value that is false",
    falsifies=["loop-create-task-and-ensure-future-make-the-same-task"],
)
def _(patch: Patch) -> None:
    async def losing(coroutine):
        return await coroutine or None

    _ensuring(patch, lambda coroutine, options: losing(coroutine))


@world(
    "what ensure_future() is given with a loop starts a turn later",
    falsifies=["loop-create-task-and-ensure-future-make-the-same-task"],
)
def _(patch: Patch) -> None:
    _ensuring(patch, lambda coroutine, options: _a_turn_later(coroutine) if options.get("loop") else coroutine)


@world(
    "every second task of ensure_future() starts a turn later",
    falsifies=["loop-create-task-and-ensure-future-make-the-same-task"],
)
def _(patch: Patch) -> None:
    numbers = itertools.count()
    _ensuring(patch, lambda coroutine, options: _a_turn_later(coroutine) if next(numbers) % 2 else coroutine)


@world("create_task() makes a task with a name anywhere", falsifies=["create-task-needs-a-running-loop"])
def _(patch: Patch) -> None:
    create_task, last_set = asyncio.create_task, told_what_is_set(patch)

    def create_anywhere(coroutine, *, name=None, **options):
        if name is None or asyncio._get_running_loop() or last_set[0] is None:
            return create_task(coroutine, name=name, **options)
        return last_set[0].create_task(coroutine, name=name, **options)

    patch.setattr(asyncio, "create_task", create_anywhere)


@world("every second task starts a turn later", falsifies=["task-runs-without-being-awaited"])
def _(patch: Patch) -> None:
    numbers = itertools.count()
    _wrapping_each_coroutine(patch, lambda coroutine: _a_turn_later(coroutine) if next(numbers) % 2 else coroutine)


@world("a task that nobody holds does not start", falsifies=["task-runs-without-being-awaited"])
def _(patch: Patch) -> None:
    create_task = asyncio.create_task

    class Held:
        def __init__(self, task):
            self.task = task

        def __getattr__(self, name):
            return getattr(self.task, name)

        def __await__(self):
            return self.task.__await__()

        def __del__(self):
            self.task.cancel()

    patch.setattr(asyncio, "create_task", lambda coroutine, **options: Held(create_task(coroutine, **options)))


@world("create_task() makes a loop where none is set", falsifies=["create-task-needs-a-running-loop"])
def _(patch: Patch) -> None:
    create_task, last_set = asyncio.create_task, told_what_is_set(patch)

    def create_anywhere(coroutine, **options):
        if asyncio._get_running_loop() or last_set[0]:
            return create_task(coroutine, **options)
        return asyncio.new_event_loop().create_task(coroutine, **options)

    patch.setattr(asyncio, "create_task", create_anywhere)


@world("who awaits a task again itself gets None", falsifies=["task-may-be-awaited-again"])
def _(patch: Patch) -> None:
    class OnceForEach(asyncio.Task):
        waiters = ()

        def __await__(self):
            again = asyncio.current_task() in self.waiters
            self.waiters += (asyncio.current_task(),)
            result = yield from super().__await__()
            return None if again else result

    _making_each_task(patch, OnceForEach)


@world("a task that another task makes starts a turn later", falsifies=["task-runs-without-being-awaited"])
def _(patch: Patch) -> None:
    create_task, made = asyncio.create_task, []

    def create_late(coroutine, **options):
        by_another = asyncio.current_task() in made
        made.append(create_task(_a_turn_later(coroutine) if by_another else coroutine, **options))
        return made[-1]

    patch.setattr(asyncio, "create_task", create_late)


@world("a task that is awaited starts a turn later", falsifies=["task-runs-without-being-awaited"])
def _(patch: Patch) -> None:
    async def not_awaited_at_once(coroutine):
        if asyncio.current_task()._callbacks:
            await turn()
        return await coroutine

    _wrapping_each_coroutine(patch, not_awaited_at_once)
