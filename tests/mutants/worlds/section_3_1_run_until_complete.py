"""Worlds in which run_until_complete() takes, runs, returns or refuses otherwise than it does."""

from __future__ import annotations

import asyncio
import contextvars
import types

from tests.mutants.worlds import loop_world, world


@loop_world("run_until_complete() gives other tasks some more turns", "run-until-complete-returns-with-others-pending")
class _:
    def run_until_complete(self, future):
        result = super().run_until_complete(future)
        for _ in range(10):
            super().run_until_complete(asyncio.sleep(0))
        return result


@world("run_until_complete() waits for every task", falsifies=["run-until-complete-returns-with-others-pending"])
def _(patch):
    class WaitsForAll:
        def run_until_complete(self, future):
            result = super().run_until_complete(future)
            while asyncio.all_tasks(self):
                super().run_until_complete(asyncio.wait(asyncio.all_tasks(self)))
            return result

    patch.loops(WaitsForAll)


def drive(coroutine):
    """The value of a coroutine that never suspends, run without a task."""
    try:
        coroutine.send(None)
    except StopIteration as returned:
        return returned.value


@world(
    "run_until_complete() drives a coroutine without a task",
    falsifies=["run-until-complete-wraps-a-coroutine-in-a-task"],
)
def _(patch):
    class WithoutTask:
        def run_until_complete(self, work):
            if not isinstance(work, types.CoroutineType):
                return super().run_until_complete(work)
            done = self.create_future()
            self.call_soon(lambda: done.set_result(drive(work)), context=contextvars.copy_context())
            return super().run_until_complete(done)

    patch.loops(WithoutTask)


@world(
    "run_until_complete() takes any object for its own result",
    falsifies=["run-until-complete-wraps-a-coroutine-in-a-task"],
)
def _(patch):
    class TakesAll:
        def run_until_complete(self, work):
            return work if isinstance(work, int) else super().run_until_complete(work)

    patch.loops(TakesAll)


@world(
    "run_until_complete() takes None, and calls a function that it is given",
    falsifies=["run-until-complete-wraps-a-coroutine-in-a-task"],
)
def _(patch):
    class TakesMore:
        def run_until_complete(self, work):
            if work is None:
                return None
            return super().run_until_complete(work() if isinstance(work, types.FunctionType) else work)

    patch.loops(TakesMore)


@world(
    "run_until_complete() only adds a task to the loop", falsifies=["run-until-complete-runs-and-returns-the-result"]
)
def _(patch):
    class OnlyAdds:
        def run_until_complete(self, work):
            return asyncio.ensure_future(work, loop=self)

    patch.loops(OnlyAdds)


@world(
    "run_until_complete() keeps the exception to itself", falsifies=["run-until-complete-runs-and-returns-the-result"]
)
def _(patch):
    class Swallows:
        def run_until_complete(self, work):
            try:
                return super().run_until_complete(work)
            except LookupError:
                return None

    patch.loops(Swallows)


@world(
    "run_until_complete() gives None for what was cancelled",
    falsifies=["run-until-complete-runs-and-returns-the-result"],
)
def _(patch):
    class Swallows:
        def run_until_complete(self, work):
            try:
                return super().run_until_complete(work)
            except asyncio.CancelledError:
                return None

    patch.loops(Swallows)


@world(
    "run_until_complete() gives None for a result that is false",
    falsifies=["run-until-complete-runs-and-returns-the-result"],
)
def _(patch):
    class TrueOnly:
        def run_until_complete(self, work):
            return super().run_until_complete(work) or None

    patch.loops(TrueOnly)


@world(
    "a refused nested run has started its coroutine on asyncio too",
    falsifies=["refused-nested-run-starts-nothing-on-asyncio"],
)
def _(patch):
    class StartsFirst:
        def run_until_complete(self, work):
            if self.is_running():
                work = asyncio.ensure_future(work, loop=self)
            return super().run_until_complete(work)

    patch.loops(StartsFirst)


@world(
    "a refused nested run starts nothing on uvloop too",
    falsifies=["refused-nested-run-still-starts-the-coroutine-on-uvloop"],
)
def _(patch):
    class RefusesFirst:
        def run_until_complete(self, work):
            if self.is_running():
                raise RuntimeError("this event loop is already running.")
            return super().run_until_complete(work)

    patch.loops(RefusesFirst)


@world(
    "run_until_complete() may be nested",
    falsifies=[
        "refused-nested-run-starts-nothing-on-asyncio",
        "refused-nested-run-still-starts-the-coroutine-on-uvloop",
    ],
)
def _(patch):
    class Nests:
        def run_until_complete(self, work):
            return drive(work) if self.is_running() else super().run_until_complete(work)

    patch.loops(Nests)


@world(
    "run_until_complete() of another loop may be nested",
    falsifies=[
        "refused-nested-run-starts-nothing-on-asyncio",
        "refused-nested-run-still-starts-the-coroutine-on-uvloop",
    ],
)
def _(patch):
    class NestsAnother:
        def run_until_complete(self, work):
            running = asyncio._get_running_loop()
            if running in (None, self):
                return super().run_until_complete(work)
            task = swap_current_task(running, None)
            asyncio._set_running_loop(None)
            try:
                return super().run_until_complete(work)
            finally:
                asyncio._set_running_loop(running)
                swap_current_task(running, task)

    # Since Python 3.14 there is one in a thread, and no longer one in a loop.
    swap_current_task = getattr(asyncio.tasks, "_swap_current_task", lambda loop, task: None)
    patch.loops(NestsAnother)


@world(
    "run_until_complete() gives of a task or future neither result nor exception",
    falsifies=["run-until-complete-runs-and-returns-the-result"],
)
def _(patch):
    class ForgetsTasks:
        def run_until_complete(self, work):
            if isinstance(work, types.CoroutineType):
                return super().run_until_complete(work)
            return super().run_until_complete(asyncio.wait([work])) and None

    patch.loops(ForgetsTasks)


@world(
    "run_until_complete() waits for the tasks made meanwhile, as a nursery does",
    falsifies=["run-until-complete-returns-with-others-pending"],
)
def _(patch):
    class WaitsForItsOwn:
        def run_until_complete(self, work):
            before = asyncio.all_tasks(self)
            result = super().run_until_complete(work)
            while made := asyncio.all_tasks(self) - before:
                super().run_until_complete(asyncio.wait(made))
            return result

    patch.loops(WaitsForItsOwn)


@world(
    "run_until_complete() may be nested in a callback",
    falsifies=[
        "refused-nested-run-starts-nothing-on-asyncio",
        "refused-nested-run-still-starts-the-coroutine-on-uvloop",
    ],
)
def _(patch):
    class NestsInCallbacks:
        def run_until_complete(self, work):
            in_a_callback = self.is_running() and asyncio.current_task(self) is None
            return drive(work) if in_a_callback else super().run_until_complete(work)

    patch.loops(NestsInCallbacks)


@world("run_until_complete() refuses a bare future", falsifies=["run-until-complete-runs-and-returns-the-result"])
def _(patch):
    class TakesTasks:
        def run_until_complete(self, work):
            if type(work) is asyncio.Future:
                raise TypeError("a coroutine object or a task is required")
            return super().run_until_complete(work)

    patch.loops(TakesTasks)


@loop_world(
    "run_until_complete() cancels what is left where it raises",
    "run-until-complete-returns-with-others-pending",
    "asyncio-run-has-a-life-cycle-of-its-own",
)
class _:
    def run_until_complete(self, work):
        try:
            return super().run_until_complete(work)
        except Exception:
            for task in asyncio.all_tasks(self):
                task.cancel()
            raise


@loop_world(
    "run_until_complete() cancels what is left beside a future or task",
    "run-until-complete-returns-with-others-pending",
)
class _:
    def run_until_complete(self, work):
        try:
            return super().run_until_complete(work)
        finally:
            for task in asyncio.all_tasks(self) if asyncio.isfuture(work) and not self.is_running() else ():
                task.cancel()


@loop_world(
    "run_until_complete() raises an exception that is a result", "run-until-complete-runs-and-returns-the-result"
)
class _:
    def run_until_complete(self, work):
        result = super().run_until_complete(work)
        if isinstance(result, LookupError):
            raise result
        return result


@loop_world("a nested run of a future that is done has its result", "refused-nested-run-starts-nothing-on-asyncio")
class _:
    def run_until_complete(self, work):
        if self.is_running() and asyncio.isfuture(work) and work.done():
            return work.result()
        return super().run_until_complete(work)


@loop_world("run_until_complete() takes a tuple or set of futures", "run-until-complete-wraps-a-coroutine-in-a-task")
class _:
    def run_until_complete(self, work):
        async def each():
            return [await one for one in work]

        return super().run_until_complete(each() if isinstance(work, (tuple, set)) else work)


@loop_world("run_until_complete() gives None for a cancelled task", "run-until-complete-runs-and-returns-the-result")
class _:
    def run_until_complete(self, work):
        try:
            return super().run_until_complete(work)
        except asyncio.CancelledError:
            if not isinstance(work, asyncio.Task):
                raise


@loop_world(
    "run_until_complete() gives None for what a coroutine returns that is false",
    "run-until-complete-runs-and-returns-the-result",
)
class _:
    def run_until_complete(self, work):
        result = super().run_until_complete(work)
        return (result or None) if asyncio.iscoroutine(work) else result


@loop_world(
    "run_until_complete() gives other tasks some more turns where it is given a future or task",
    "run-until-complete-returns-with-others-pending",
)
class _:
    def run_until_complete(self, work):
        result = super().run_until_complete(work)
        for _ in range(10 if asyncio.isfuture(work) else 0):
            super().run_until_complete(asyncio.sleep(0))
        return result


@loop_world(
    "run_until_complete() gives other tasks some more turns before it raises",
    "run-until-complete-returns-with-others-pending",
)
class _:
    def run_until_complete(self, work):
        try:
            return super().run_until_complete(work)
        except LookupError:
            for _ in range(10):
                super().run_until_complete(asyncio.sleep(0))
            raise


@loop_world(
    "run_until_complete() returns after three turns",
    "run-until-complete-runs-and-returns-the-result",
    "loop-program-needs-its-task-defined",
    breaks_much="whatever is run for longer than that is not run to its end",
)
class _:
    def run_until_complete(self, work):
        task = asyncio.ensure_future(work, loop=self)
        for _ in range(3):
            self.call_soon(self.stop)
            self.run_forever()
        return task.result() if task.done() else None


@loop_world(
    "run_until_complete() also awaits what a coroutine or task returns",
    "run-until-complete-runs-and-returns-the-result",
)
class _:
    def run_until_complete(self, work):
        result = super().run_until_complete(work)
        return super().run_until_complete(result) if hasattr(result, "__await__") else result


@loop_world(
    "run_until_complete() raises TimeoutError for what was cancelled", "run-until-complete-runs-and-returns-the-result"
)
class _:
    def run_until_complete(self, work):
        try:
            return super().run_until_complete(work)
        except asyncio.CancelledError:
            raise TimeoutError from None
