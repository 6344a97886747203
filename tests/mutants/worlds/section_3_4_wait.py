"""Worlds in which asyncio.wait is another, or a failed task counts as asked."""

from __future__ import annotations

import asyncio
import inspect

from fixtures.trace import turn
from tests.mutants.worlds import Patch, world

# Before a world that refuses coroutines or one that takes them puts its own in this place.
_wait = asyncio.wait


def _as_tasks(awaitables) -> list[asyncio.Future]:
    return [asyncio.ensure_future(awaitable) for awaitable in awaitables]


@world(
    "wait returns its sets the other way round",
    falsifies=[
        "asyncio-wait-returns-done-and-pending-sets",
        "asyncio-wait-without-timeout-leaves-none-pending",
        "asyncio-wait-timeout-leaves-tasks-pending-not-cancelled",
    ],
)
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        done, pending = await _wait(tasks, **options)
        return pending, done

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait that returns at the first task done counts the others done as pending",
    falsifies=["asyncio-wait-returns-done-and-pending-sets"],
)
def _(patch: Patch) -> None:
    async def wait(tasks, *, return_when=asyncio.ALL_COMPLETED, **options):
        done, pending = await _wait(tasks, return_when=return_when, **options)
        if return_when == asyncio.FIRST_COMPLETED:
            first, *others = (task for task in tasks if task in done)
            return {first}, pending | set(others)
        return done, pending

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait counts a cancelled task neither as done nor as pending",
    falsifies=["asyncio-wait-returns-done-and-pending-sets"],
)
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        done, pending = await _wait(tasks, **options)
        return {task for task in done if not task.cancelled()}, pending

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait returns as soon as the first task is done",
    falsifies=["asyncio-wait-without-timeout-leaves-none-pending", "asyncio-wait-hides-task-exceptions"],
)
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        return await _wait(tasks, **{**options, "return_when": asyncio.FIRST_COMPLETED})

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait cancels what is pending after its time-out",
    falsifies=["asyncio-wait-timeout-leaves-tasks-pending-not-cancelled"],
)
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        done, pending = await _wait(tasks, **options)
        for task in pending:
            task.cancel()
        return done, pending

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait cancels what is pending after a time-out of more than nothing",
    falsifies=["asyncio-wait-timeout-leaves-tasks-pending-not-cancelled"],
)
def _(patch: Patch) -> None:
    async def wait(tasks, *, timeout=None, **options):
        done, pending = await _wait(tasks, timeout=timeout, **options)
        if timeout:
            for task in pending:
                task.cancel()
        return done, pending

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait raises a time-out error",
    falsifies=["asyncio-wait-timeout-leaves-tasks-pending-not-cancelled"],
)
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        done, pending = await _wait(tasks, **options)
        if pending:
            raise asyncio.TimeoutError
        return done, pending

    patch.setattr(asyncio, "wait", wait)


@world("wait lists the tasks done in the order of creation", falsifies=["done-set-has-no-order"])
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        done, pending = await _wait(tasks, **options)
        return [task for task in tasks if task in done], pending

    patch.setattr(asyncio, "wait", wait)


@world("wait raises the exception of a failed task", falsifies=["asyncio-wait-hides-task-exceptions"])
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        done, pending = await _wait(tasks, **options)
        for task in done:
            task.result()
        return done, pending

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait raises the exception of a failed task unless it is told to wait for all",
    falsifies=["asyncio-wait-hides-task-exceptions"],
)
def _(patch: Patch) -> None:
    async def wait(tasks, *, return_when=asyncio.ALL_COMPLETED, **options):
        done, pending = await _wait(tasks, return_when=return_when, **options)
        if return_when != asyncio.ALL_COMPLETED:
            for task in done:
                task.result()
        return done, pending

    patch.setattr(asyncio, "wait", wait)


@world(
    "a failed task counts as asked for its exception",
    falsifies=["unasked-task-exception-is-reported-when-collected", "redis-failure-inside-wait-stays-in-its-task"],
)
def _(patch: Patch) -> None:
    real = asyncio.create_task

    def create_task(coroutine, **options):
        task = real(coroutine, **options)
        task.add_done_callback(lambda done: done.exception())
        return task

    patch.setattr(asyncio, "create_task", create_task)


@world(
    "wait refuses bare coroutine objects on every Python",
    falsifies=["asyncio-wait-takes-coroutines-before-3-11"],
)
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        if any(inspect.iscoroutine(task) for task in tasks):
            raise TypeError("Passing coroutines is forbidden, use tasks explicitly.")
        return await _wait(tasks, **options)

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait takes bare coroutine objects on every Python and does not warn",
    falsifies=["asyncio-wait-takes-coroutines-before-3-11", "asyncio-wait-refuses-coroutines-since-3-11"],
)
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        return await _wait(_as_tasks(tasks), **options)

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait refuses coroutine objects only where there is nothing else",
    falsifies=["asyncio-wait-refuses-coroutines-since-3-11"],
)
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        if not all(map(inspect.iscoroutine, tasks)):
            tasks = _as_tasks(tasks)
        return await _wait(tasks, **options)

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait gives an awaitable that is no coroutine object",
    falsifies=["asyncio-wait-call-is-a-coroutine-for-asyncio-run"],
)
def _(patch: Patch) -> None:
    class Waiting:
        def __init__(self, *arguments, **options) -> None:
            self.coroutine = _wait(*arguments, **options)

        def __await__(self):
            return self.coroutine.__await__()

    patch.setattr(asyncio, "wait", Waiting)


@world(
    "wait hands back the coroutine objects it was given",
    falsifies=["asyncio-wait-hands-back-new-tasks-for-coroutines"],
)
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        done, pending = await _wait(tasks, **options)
        return {task.get_coro() for task in done}, {task.get_coro() for task in pending}

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait names the tasks it makes after their coroutines",
    falsifies=["asyncio-wait-hands-back-new-tasks-for-coroutines"],
)
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        done, pending = await _wait(tasks, **options)
        for task in done:
            task.set_name(task.get_coro().__name__)
        return done, pending

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait makes a task of each item of its list, in order",
    falsifies=[
        "bare-coroutines-in-asyncio-wait-start-in-set-order",
        "redis-second-example-start-order-is-not-promised",
        "mysql-second-example-start-order-is-not-promised",
    ],
)
def _(patch: Patch) -> None:
    async def through(coroutine):
        await coroutine

    async def wait(tasks, **options):
        return await _wait([through(coroutine) for coroutine in tasks], **options)

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait leaves one coroutine object out",
    falsifies=[
        "bare-coroutines-in-asyncio-wait-start-in-set-order",
        "redis-second-example-start-order-is-not-promised",
        "mysql-second-example-start-order-is-not-promised",
        "redis-second-example-wait-takes-coroutines",
        "mysql-second-example-wait-takes-coroutines",
    ],
)
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        left_out, *others = set(tasks)
        left_out.close()
        return await _wait(others, **options)

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait does not wait for the last of its tasks",
    falsifies=["asyncio-wait-without-timeout-leaves-none-pending", "wait-returns-when-every-download-is-done"],
)
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        done, pending = set(), set(tasks)
        while len(pending) > 1:
            newly_done, pending = await _wait(pending, **{**options, "return_when": asyncio.FIRST_COMPLETED})
            done |= newly_done
        return done, pending

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait returns at the first exception",
    falsifies=[
        "asyncio-wait-hides-task-exceptions",
        "asyncio-wait-without-timeout-leaves-none-pending",
        "wait-hides-a-failing-download",
    ],
)
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        return await _wait(tasks, **{**options, "return_when": asyncio.FIRST_EXCEPTION})

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait looks once where it is given no time-out",
    falsifies=["asyncio-wait-without-timeout-leaves-none-pending"],
)
def _(patch: Patch) -> None:
    async def wait(tasks, *, timeout=0, **options):
        return await _wait(tasks, timeout=timeout, **options)

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait asks each task for its exception",
    falsifies=["unasked-task-exception-is-reported-when-collected"],
)
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        done, pending = await _wait(tasks, **options)
        for task in done:
            if not task.cancelled():
                task.exception()
        return done, pending

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait raises a time-out error where no task is done by then",
    falsifies=["asyncio-wait-timeout-leaves-tasks-pending-not-cancelled"],
)
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        done, pending = await _wait(tasks, **options)
        if not done:
            raise asyncio.TimeoutError
        return done, pending

    patch.setattr(asyncio, "wait", wait)


@world("wait returns as soon as a task is cancelled", falsifies=["asyncio-wait-without-timeout-leaves-none-pending"])
def _(patch: Patch) -> None:
    async def wait(tasks, timeout=None):
        done, pending = set(), set(tasks)
        while pending and not any(task.cancelled() for task in done):
            newly_done, pending = await _wait(pending, return_when=asyncio.FIRST_COMPLETED)
            done |= newly_done
        return done, pending

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait raises the exception of a failed task where it is given a time-out",
    falsifies=["asyncio-wait-hides-task-exceptions"],
)
def _(patch: Patch) -> None:
    async def wait(tasks, *, timeout=None, **options):
        done, pending = await _wait(tasks, timeout=timeout, **options)
        if timeout is not None:
            for task in done:
                task.result()
        return done, pending

    patch.setattr(asyncio, "wait", wait)


@world("wait counts a failed task as pending", falsifies=["asyncio-wait-returns-done-and-pending-sets"])
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        done, pending = await _wait(tasks, **options)
        failed = {task for task in done if not task.cancelled() and task.exception()}
        return done - failed, pending | failed

    patch.setattr(asyncio, "wait", wait)


@world("wait tells of one pending task only", falsifies=["asyncio-wait-returns-done-and-pending-sets"])
def _(patch: Patch) -> None:
    async def wait(tasks, **options):
        done, pending = await _wait(tasks, **options)
        return done, set(list(pending)[:1])

    patch.setattr(asyncio, "wait", wait)


@world("wait takes bare coroutine objects with a time-out", falsifies=["asyncio-wait-refuses-coroutines-since-3-11"])
def _(patch: Patch) -> None:
    async def wait(awaitables, *, timeout=None, **options):
        tasks = list(awaitables) if timeout is None else _as_tasks(awaitables)
        return await _wait(tasks, timeout=timeout, **options)

    patch.setattr(asyncio, "wait", wait)


@world("wait gives a task where a loop runs", falsifies=["asyncio-wait-call-is-a-coroutine-for-asyncio-run"])
def _(patch: Patch) -> None:
    def wait(tasks, **options):
        call = _wait(tasks, **options)
        return asyncio.create_task(call) if asyncio._get_running_loop() else call

    patch.setattr(asyncio, "wait", wait)


@world("a failed task with a name goes unreported", falsifies=["unasked-task-exception-is-reported-when-collected"])
def _(patch: Patch) -> None:
    real = asyncio.create_task

    def create_task(coroutine, *, name=None, **options):
        task = real(coroutine, name=name, **options)
        if name is not None:
            task.add_done_callback(lambda done: done.exception())
        return task

    patch.setattr(asyncio, "create_task", create_task)


@world(
    "wait() returns at once with what is done already", falsifies=["asyncio-wait-without-timeout-leaves-none-pending"]
)
def _(patch: Patch) -> None:
    async def wait(awaitables, *, timeout=None, return_when=asyncio.ALL_COMPLETED):
        tasks = set(awaitables)
        done = {task for task in tasks if asyncio.isfuture(task) and task.done()}
        if done and timeout is None:
            return done, tasks - done
        return await _wait(tasks, timeout=timeout, return_when=return_when)

    patch.setattr(asyncio, "wait", wait)


@world("wait() leaves out what was done before it waited", falsifies=["asyncio-wait-returns-done-and-pending-sets"])
def _(patch: Patch) -> None:
    async def wait(awaitables, **options):
        tasks = set(awaitables)
        before = {task for task in tasks if asyncio.isfuture(task) and task.done()}
        done, pending = await _wait(tasks, **options)
        return done - before or done, pending

    patch.setattr(asyncio, "wait", wait)


@world("wait() raises CancelledError where a task was cancelled", falsifies=["asyncio-wait-hides-task-exceptions"])
def _(patch: Patch) -> None:
    async def wait(awaitables, **options):
        done, pending = await _wait(awaitables, **options)
        if any(task.cancelled() for task in done):
            raise asyncio.CancelledError
        return done, pending

    patch.setattr(asyncio, "wait", wait)


@world("wait() reports what failed when it returns", falsifies=["asyncio-wait-hides-task-exceptions"])
def _(patch: Patch) -> None:
    async def wait(awaitables, **options):
        done, pending = await _wait(awaitables, **options)
        for task in done:
            if "exception=" in repr(task):
                task.get_loop().call_exception_handler({"message": "a task has failed", "task": task})
        return done, pending

    patch.setattr(asyncio, "wait", wait)


@world("wait() takes one coroutine object", falsifies=["asyncio-wait-refuses-coroutines-since-3-11"])
def _(patch: Patch) -> None:
    async def wait(awaitables, **options):
        awaitables = list(awaitables)
        return await _wait(_as_tasks(awaitables) if len(awaitables) == 1 else awaitables, **options)

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait() with a time-out returns with the first that is done",
    falsifies=["asyncio-wait-timeout-leaves-tasks-pending-not-cancelled"],
)
def _(patch: Patch) -> None:
    async def wait(awaitables, *, timeout=None, return_when=asyncio.ALL_COMPLETED):
        return_when = asyncio.FIRST_COMPLETED if timeout else return_when
        return await _wait(awaitables, timeout=timeout, return_when=return_when)

    patch.setattr(asyncio, "wait", wait)


@world("wait() raises what failed before its time-out", falsifies=["asyncio-wait-hides-task-exceptions"])
def _(patch: Patch) -> None:
    async def wait(awaitables, *, timeout=None, **options):
        done, pending = await _wait(awaitables, timeout=timeout, **options)
        for task in done if timeout and not pending else ():
            task.result()
        return done, pending

    patch.setattr(asyncio, "wait", wait)


def _changing_what_wait_returns(patch: Patch, change) -> None:
    """Have wait() return `change(done, pending, options)`."""

    async def wait(awaitables, **options):
        done, pending = await _wait(awaitables, **options)
        return change(done, pending, options)

    patch.setattr(asyncio, "wait", wait)


@world("wait() gives those pending as a frozenset", falsifies=["asyncio-wait-returns-done-and-pending-sets"])
def _(patch: Patch) -> None:
    _changing_what_wait_returns(patch, lambda done, pending, options: (done, frozenset(pending)))


@world("wait() gives a list of one that is done", falsifies=["asyncio-wait-returns-done-and-pending-sets"])
def _(patch: Patch) -> None:
    _changing_what_wait_returns(patch, lambda done, pending, options: (list(done) if len(done) == 1 else done, pending))


@world(
    "wait() gives the pending first where none is done",
    falsifies=["asyncio-wait-returns-done-and-pending-sets"],
    also=["asyncio-wait-timeout-leaves-tasks-pending-not-cancelled"],
)
def _(patch: Patch) -> None:
    _changing_what_wait_returns(patch, lambda done, pending, options: (done, pending) if done else (pending, done))


@world(
    "wait() counts all as pending where its time is over",
    falsifies=["asyncio-wait-returns-done-and-pending-sets"],
    also=["asyncio-wait-timeout-leaves-tasks-pending-not-cancelled", "asyncio-wait-hides-task-exceptions"],
)
def _(patch: Patch) -> None:
    def change(done, pending, options):
        return (set(), done | pending) if pending and options.get("timeout") is not None else (done, pending)

    _changing_what_wait_returns(patch, change)


@world(
    "wait() ends those that it counts as pending where it returns for the first that is done",
    falsifies=["asyncio-wait-returns-done-and-pending-sets"],
)
def _(patch: Patch) -> None:
    async def wait(awaitables, **options):
        done, pending = await _wait(awaitables, **options)
        for task in pending if options.get("return_when") == asyncio.FIRST_COMPLETED else ():
            task.cancel()
            await _wait([task])
        return done, pending

    patch.setattr(asyncio, "wait", wait)


@world("wait() has a time-out of its own", falsifies=["asyncio-wait-without-timeout-leaves-none-pending"])
def _(patch: Patch) -> None:
    async def wait(awaitables, *, timeout=None, **options):
        return await _wait(awaitables, timeout=3600 if timeout is None else timeout, **options)

    patch.setattr(asyncio, "wait", wait)


def _waiting_for_the_first(patch: Patch, number: int) -> None:
    """Have wait() wait for so many of the tasks that it is given, where it is given more and no time-out."""

    async def wait(awaitables, **options):
        tasks = list(awaitables)
        if options.get("timeout") is None and "return_when" not in options and len(tasks) > number:
            await _wait(tasks[:number])
            done = {task for task in tasks if task.done()}
            return done, set(tasks) - done
        return await _wait(tasks, **options)

    patch.setattr(asyncio, "wait", wait)


@world("wait() waits for the first of its tasks only", falsifies=["asyncio-wait-without-timeout-leaves-none-pending"])
def _(patch: Patch) -> None:
    _waiting_for_the_first(patch, 1)


@world("wait() waits for two tasks at most", falsifies=["asyncio-wait-without-timeout-leaves-none-pending"])
def _(patch: Patch) -> None:
    _waiting_for_the_first(patch, 2)


@world(
    "wait() cancels what is not done after ten turns", falsifies=["asyncio-wait-without-timeout-leaves-none-pending"]
)
def _(patch: Patch) -> None:
    async def wait(awaitables, **options):
        tasks = list(awaitables)
        if options.get("timeout") is None and "return_when" not in options:
            for _ in range(10):
                await turn()
            for task in tasks:
                task.cancel()
        return await _wait(tasks, **options)

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait() takes coroutine objects where the last is a task", falsifies=["asyncio-wait-refuses-coroutines-since-3-11"]
)
def _(patch: Patch) -> None:
    async def wait(awaitables, **options):
        awaitables = list(awaitables)
        return await _wait(_as_tasks(awaitables) if asyncio.isfuture(awaitables[-1]) else awaitables, **options)

    patch.setattr(asyncio, "wait", wait)


@world("wait() takes a set of coroutine objects", falsifies=["asyncio-wait-refuses-coroutines-since-3-11"])
def _(patch: Patch) -> None:
    async def wait(awaitables, **options):
        return await _wait(_as_tasks(awaitables) if isinstance(awaitables, set) else awaitables, **options)

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait() refuses coroutine objects and runs them five turns later",
    falsifies=["asyncio-wait-refuses-coroutines-since-3-11"],
)
def _(patch: Patch) -> None:
    left = []

    async def run_later(coroutines):
        for _ in range(5):
            await turn()
        for coroutine in coroutines:
            await coroutine

    async def wait(awaitables, **options):
        coroutines = [awaitable for awaitable in awaitables if inspect.iscoroutine(awaitable)]
        if coroutines:
            left.append(asyncio.ensure_future(run_later(coroutines)))
        return await _wait(awaitables, **options)

    patch.setattr(asyncio, "wait", wait)


@world(
    "wait() gives the pending first where it returns for an exception",
    falsifies=["asyncio-wait-returns-done-and-pending-sets"],
    also=["asyncio-wait-hides-task-exceptions"],
)
def _(patch: Patch) -> None:
    def change(done, pending, options):
        return (pending, done) if options.get("return_when") == asyncio.FIRST_EXCEPTION else (done, pending)

    _changing_what_wait_returns(patch, change)


@world("wait() takes coroutine objects of an iterator", falsifies=["asyncio-wait-refuses-coroutines-since-3-11"])
def _(patch: Patch) -> None:
    async def wait(awaitables, **options):
        return await _wait(_as_tasks(awaitables) if hasattr(awaitables, "__next__") else awaitables, **options)

    patch.setattr(asyncio, "wait", wait)
