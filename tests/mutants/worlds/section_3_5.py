"""Worlds in which what section 3.5 says of asyncio.Future is false: mostly, loops that hand out other futures."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import threading
import weakref

from fixtures.trace import turn
from tests.mutants.worlds import Patch, loop_world, world
from tests.mutants.worlds.section_3_1 import Polled
from tests.mutants.worlds.section_3_3 import change_loops

_run, _get_running_loop = asyncio.run, asyncio.get_running_loop


def futures_are(patch: Patch, kind: type) -> None:
    """Both loops hand out futures of `kind`."""
    change_loops(patch, "create_future", lambda _original: lambda loop: kind(loop=loop))


def tasks_are(patch: Patch, kind: type) -> None:
    """Both loops make tasks of `kind`."""

    def made(_original):
        return lambda loop, coroutine, **options: kind(coroutine, loop=loop, **options)

    change_loops(patch, "create_task", made)


def _running_or(others: list[asyncio.AbstractEventLoop]) -> asyncio.AbstractEventLoop:
    """The running loop; where there is none, the last of the others."""
    try:
        return _get_running_loop()
    except RuntimeError:
        if not others:
            raise
        return others[-1]


@world(
    "tasks are a family of their own, outside asyncio.Future",
    falsifies=["task-is-a-subclass-of-future", "bare-future-is-not-a-task"],
)
def _(patch):
    tasks_are(patch, asyncio.tasks._PyTask)


@world("a task lets set_result and set_exception pass", falsifies=["task-refuses-set-result-and-set-exception"])
def _(patch):
    class Silent(asyncio.Task):
        def set_result(self, result):
            pass

        def set_exception(self, exception):
            pass

    tasks_are(patch, Silent)


@world(
    "a task takes its result from outside",
    falsifies=["task-refuses-set-result-and-set-exception"],
)
def _(patch):
    class Open(asyncio.Task):
        def set_result(self, result):
            asyncio.Future.set_result(self, result)

    tasks_are(patch, Open)


@world("a task that is done takes its result from outside", falsifies=["task-refuses-set-result-and-set-exception"])
def _(patch):
    class OpenOnceDone(asyncio.Task):
        def set_result(self, result):
            if not self.done():
                super().set_result(result)

    tasks_are(patch, OpenOnceDone)


@world("a task that waits takes its result from outside", falsifies=["task-refuses-set-result-and-set-exception"])
def _(patch):
    class OpenWhileItWaits(asyncio.Task):
        def set_result(self, result):
            if inspect.getcoroutinestate(self.get_coro()) != inspect.CORO_SUSPENDED:
                super().set_result(result)

    tasks_are(patch, OpenWhileItWaits)


@world("who waits for a future polls it at every turn", falsifies=["task-waits-through-the-future-it-gets"])
def _(patch):
    futures_are(patch, Polled)


@world("get_running_loop remembers the last loop", falsifies=["get-running-loop-gives-the-running-loop"])
def _(patch):
    running, last = asyncio.get_running_loop, []

    def remembered():
        try:
            last[:] = [running()]
        except RuntimeError:
            if not last:
                raise
        return last[0]

    patch.setattr(asyncio, "get_running_loop", remembered)


@world("get_running_loop gives the first loop for ever", falsifies=["get-running-loop-gives-the-running-loop"])
def _(patch):
    running, first = asyncio.get_running_loop, []

    def the_first():
        loop = running()
        first.append(loop)
        return first[0]

    patch.setattr(asyncio, "get_running_loop", the_first)


@world(
    "get_running_loop gives the loop that runs in another thread", falsifies=["get-running-loop-gives-the-running-loop"]
)
def _(patch):
    elsewhere = []

    class SeenByAll:
        def run_until_complete(self, future):
            elsewhere.append(self)
            try:
                return super().run_until_complete(future)
            finally:
                elsewhere.remove(self)

    patch.loops(SeenByAll)
    patch.setattr(asyncio, "get_running_loop", lambda: _running_or(elsewhere))


@world("a loop whose main fails is still called running", falsifies=["get-running-loop-gives-the-running-loop"])
def _(patch):
    left = []

    class LeavesItself:
        def run_until_complete(self, future):
            left.append(self)
            result = super().run_until_complete(future)
            left.remove(self)
            return result

    patch.loops(LeavesItself)
    patch.setattr(asyncio, "get_running_loop", lambda: _running_or(left))


@world("get_running_loop makes do with the loop that is set", falsifies=["get-running-loop-gives-the-running-loop"])
def _(patch):
    set_event_loop, of_thread = asyncio.set_event_loop, threading.local()

    def set_and_remember(loop):
        set_event_loop(loop)
        of_thread.is_set = [loop] if loop else []

    patch.setattr(asyncio, "set_event_loop", set_and_remember)
    patch.setattr(asyncio, "get_running_loop", lambda: _running_or(getattr(of_thread, "is_set", [])))


@world("each loop has a type of future of its own", falsifies=["create-future-gives-an-asyncio-future-on-both-loops"])
def _(patch):
    class OfTheLoop(asyncio.Future):
        pass

    futures_are(patch, OfTheLoop)


@world("create_future makes a task that never ends", falsifies=["bare-future-is-not-a-task"])
def _(patch):
    async def for_ever():
        while True:
            await turn()

    change_loops(patch, "create_future", lambda _original: lambda loop: loop.create_task(for_ever()))


@world(
    "a bare future ends by itself after some turns",
    falsifies=["waiting-for-a-bare-future-never-ends", "program-on-a-bare-future-hangs-until-interrupted"],
)
def _(patch):
    def ending(original):
        def create_future(loop):
            future = original(loop)

            def count(turns):
                if turns:
                    loop.call_soon(count, turns - 1)
                elif not future.done():
                    future.set_result(None)

            count(10)
            return future

        return create_future

    change_loops(patch, "create_future", ending)


@world("a bare future ends by itself after a millisecond", falsifies=["waiting-for-a-bare-future-never-ends"])
def _(patch):
    def ending(original):
        def create_future(loop):
            future = original(loop)
            loop.call_later(0.001, lambda: future.done() or future.set_result(None))
            return future

        return create_future

    change_loops(patch, "create_future", ending)


@world("asyncio.run reports a deadlock", falsifies=["program-on-a-bare-future-hangs-until-interrupted"])
def _(patch):
    async def watched(main):
        task = asyncio.get_running_loop().create_task(main)
        for _ in range(10):
            await turn()
            if task.done():
                return task.result()
        raise RuntimeError("deadlock: nothing is left that could wake the main task")

    patch.setattr(asyncio, "run", lambda main: _run(watched(main)))


@world("a deadlock is logged, and hangs", falsifies=["program-on-a-bare-future-hangs-until-interrupted"])
def _(patch):
    class Watched(asyncio.Future):
        def __await__(self):
            self.get_loop().call_soon(self.tell)
            return (yield from super().__await__())

        def tell(self):
            if not self.done():
                logging.getLogger("asyncio").error("deadlock: nothing is left that could end the wait for %r", self)

    futures_are(patch, Watched)


@world("the loop holds its tasks", falsifies=["task-waiting-on-an-unheld-future-may-be-collected"])
def _(patch):
    held = []

    class Held(asyncio.Task):
        def __init__(self, coroutine, **options):
            super().__init__(coroutine, **options)
            held.append(self)

    tasks_are(patch, Held)


@world("a task is destroyed without a report", falsifies=["task-waiting-on-an-unheld-future-may-be-collected"])
def _(patch):
    class Quiet(asyncio.Task):
        def __init__(self, coroutine, **options):
            super().__init__(coroutine, **options)
            self._log_destroy_pending = False

    tasks_are(patch, Quiet)


@world(
    "a future loses its callbacks",
    falsifies=[
        "await-takes-coroutine-objects-futures-and-tasks",
        "task-waits-through-the-future-it-gets",
        "set-result-ends-the-wait-with-that-value",
        "future-set-before-its-await-never-suspends",
        "set-result-resumes-the-waiter-later",
        "done-callback-is-called-later-with-the-future",
        "done-callbacks-run-in-the-order-they-were-added",
    ],
)
def _(patch):
    class Losing(asyncio.Future):
        def add_done_callback(self, callback, *, context=None):
            pass

    futures_are(patch, Losing)


@world(
    "the wait for a future already done gives a turn",
    falsifies=["await-need-not-wait-for-anything", "future-set-before-its-await-never-suspends"],
)
def _(patch):
    class AlwaysSuspending(asyncio.Future):
        def __await__(self):
            if self.done():
                yield
            return (yield from super().__await__())

    futures_are(patch, AlwaysSuspending)


@world("a future whose loop is closed belongs to whichever runs", falsifies=["future-belongs-to-one-loop"])
def _(patch):
    class Inherited(asyncio.Future):
        def get_loop(self):
            own = super().get_loop()
            return asyncio.get_running_loop() if own.is_closed() else own

    futures_are(patch, Inherited)


@world("a future belongs to whichever loop runs", falsifies=["future-belongs-to-one-loop"])
def _(patch):
    class Homeless(asyncio.Future):
        def get_loop(self):
            return asyncio.get_running_loop()

    futures_are(patch, Homeless)


@world(
    "a task takes its result from outside, and raises all the same",
    falsifies=["task-refuses-set-result-and-set-exception"],
)
def _(patch):
    class Half(asyncio.tasks._PyTask):
        def set_result(self, result):
            asyncio.futures._PyFuture.set_result(self, result)
            super().set_result(result)

    tasks_are(patch, Half)


def _listing_among_the_tasks(patch, is_listed):
    tasks_of, futures = asyncio.all_tasks, weakref.WeakSet()

    class Listed(asyncio.Future):
        def __init__(self, *, loop):
            super().__init__(loop=loop)
            futures.add(self)

    def tasks_and_futures(loop=None):
        return tasks_of(loop) | {future for future in futures if is_listed(future)}

    futures_are(patch, Listed)
    patch.setattr(asyncio, "all_tasks", tasks_and_futures)


@world("a future that is waited for is among the tasks", falsifies=["bare-future-is-not-a-task"])
def _(patch):
    _listing_among_the_tasks(patch, lambda future: future._callbacks)


@world(
    "get_running_loop is for tasks alone",
    falsifies=["get-running-loop-gives-the-running-loop"],
    also=["peer-that-is-silent-in-the-handshake-is-given-up"],
)
def _(patch):
    get_running_loop = asyncio.get_running_loop

    def in_a_task():
        if asyncio.current_task(get_running_loop()) is None:
            raise RuntimeError("no running event loop")
        return get_running_loop()

    patch.setattr(asyncio, "get_running_loop", in_a_task)


@world(
    "a task that waits for a future lets an exception from outside end the wait",
    falsifies=["task-refuses-set-result-and-set-exception"],
)
def _(patch):
    class PassesItOn(asyncio.Task):
        def set_exception(self, exception):
            if self.done() or self._fut_waiter is None:
                super().set_exception(exception)
            self._fut_waiter.set_exception(exception)

    tasks_are(patch, PassesItOn)


@world(
    "a task takes an exception from outside at its end, and raises all the same",
    falsifies=["task-refuses-set-result-and-set-exception"],
)
def _(patch):
    class TakesItAtItsEnd(asyncio.Task):
        taken = None

        def __init__(self, coroutine, **options):
            async def then_raise():
                result = await coroutine
                if self.taken:
                    raise self.taken
                return result

            super().__init__(then_raise(), **options)

        def set_exception(self, exception):
            self.taken = exception
            super().set_exception(exception)

    tasks_are(patch, TakesItAtItsEnd)


def _tasks_poll(patch: Patch, from_future: int) -> None:
    """Tasks ask on each turn whether what they wait for is done, from this future of theirs on."""

    class Asking:
        def __init__(self, coroutine):
            self.coroutine = coroutine

        def __await__(self):
            step, given, futures = self.coroutine.send, None, 0
            while True:
                try:
                    waits_for = step(given)
                except StopIteration as end:
                    return end.value
                step, given, futures = self.coroutine.send, None, futures + (waits_for is not None)
                try:
                    if waits_for is None or futures < from_future:
                        yield waits_for
                    else:
                        waits_for._asyncio_future_blocking = False
                        while not waits_for.done():
                            yield
                except BaseException as error:
                    step, given = self.coroutine.throw, error

    async def asking(coroutine):
        return await Asking(coroutine)

    class Polls(asyncio.Task):
        def __init__(self, coroutine, **options):
            super().__init__(asking(coroutine), **options)

    tasks_are(patch, Polls)


@world("a task polls the future it is handed", falsifies=["task-waits-through-the-future-it-gets"])
def _(patch):
    _tasks_poll(patch, 1)


@world("a task polls the second future it is handed", falsifies=["task-waits-through-the-future-it-gets"])
def _(patch):
    _tasks_poll(patch, 2)


def _as_if_no_loop_ran(loop, callback):
    def called(*arguments):
        asyncio._set_running_loop(None)
        try:
            callback(*arguments)
        finally:
            asyncio._set_running_loop(loop)

    return called


@loop_world("get_running_loop raises in a timer", "get-running-loop-gives-the-running-loop")
class _:
    def call_later(self, delay, callback, *arguments, context=None):
        return super().call_later(delay, _as_if_no_loop_ran(self, callback), *arguments, context=context)


@loop_world("get_running_loop raises in what a thread has called", "get-running-loop-gives-the-running-loop")
class _:
    def call_soon_threadsafe(self, callback, *arguments, context=None):
        return super().call_soon_threadsafe(_as_if_no_loop_ran(self, callback), *arguments, context=context)


class _OfALoop(asyncio.Future):
    """What a loop may have in the place of asyncio's."""


@loop_world("a loop's second future is of its own type", "create-future-gives-an-asyncio-future-on-both-loops")
class _:
    made = 0

    def create_future(self):
        self.made += 1
        return _OfALoop(loop=self) if self.made == 2 else super().create_future()


@loop_world(
    "the futures of a loop that does not run are of its own type", "create-future-gives-an-asyncio-future-on-both-loops"
)
class _:
    def create_future(self):
        return super().create_future() if self.is_running() else _OfALoop(loop=self)


@loop_world(
    "the futures of a loop in debug mode are of its own type", "create-future-gives-an-asyncio-future-on-both-loops"
)
class _:
    def create_future(self):
        return _OfALoop(loop=self) if self.get_debug() else super().create_future()


@world("a future that is done is among the tasks", falsifies=["bare-future-is-not-a-task"])
def _(patch):
    _listing_among_the_tasks(patch, asyncio.Future.done)


@world("the second who waits for a bare future ends the wait", falsifies=["waiting-for-a-bare-future-never-ends"])
def _(patch):
    class ForOne(asyncio.Future):
        def add_done_callback(self, callback, *, context=None):
            super().add_done_callback(callback, context=context)
            if len(self._callbacks or []) == 2:
                self.set_result(None)

    futures_are(patch, ForOne)


@world(
    "a future does not hold the task that waits for it", falsifies=["task-waiting-on-an-unheld-future-may-be-collected"]
)
def _(patch):
    class Held(asyncio.Task):
        wake = None

    class HoldsNobody(asyncio.Future):
        def add_done_callback(self, callback, *, context=None):
            if not isinstance(getattr(callback, "__self__", None), Held):
                return super().add_done_callback(callback, context=context)
            callback.__self__.wake, waiting = callback, weakref.ref(callback.__self__)
            super().add_done_callback(lambda done: waiting() and waiting().wake(done), context=context)

    tasks_are(patch, Held)
    futures_are(patch, HoldsNobody)


@loop_world("a future has a callback run when it is made", "bare-future-is-not-a-task")
class _:
    def create_future(self):
        self.call_soon(int)
        return super().create_future()


@world("pending futures are among the tasks of a loop that is named", falsifies=["bare-future-is-not-a-task"])
def _(patch):
    all_tasks, futures = asyncio.all_tasks, weakref.WeakSet()

    class Listed(asyncio.Future):
        def __init__(self, **options):
            super().__init__(**options)
            futures.add(self)

    def with_futures(loop=None):
        return all_tasks(loop) | ({future for future in futures if not future.done()} if loop else set())

    futures_are(patch, Listed)
    patch.setattr(asyncio, "all_tasks", with_futures)


@world(
    "a collection of garbage cancels a main task that waits for a future",
    falsifies=["task-waiting-on-an-unheld-future-may-be-collected"],
)
def _(patch):
    mains = weakref.WeakSet()

    class Noted:
        def run_until_complete(self, future):
            main = asyncio.ensure_future(future, loop=self)
            mains.add(main)
            return super().run_until_complete(main)

    def cancel_mains(phase, _info):
        for main in list(mains) if phase == "stop" else ():
            if type(main._fut_waiter) is asyncio.Future and main.get_loop().is_running():
                main.cancel()

    patch.loops(Noted)
    gc.callbacks.append(cancel_mains)
