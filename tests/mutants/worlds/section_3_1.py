"""Worlds in which an event loop goes on, ends, or runs what is ready otherwise than section 3.1 claims."""

from __future__ import annotations

import asyncio
import builtins
import contextvars
import time
import types
from collections import deque
from functools import partial

from fixtures.trace import Trace, turn
from tests.mutants.worlds import world


class OwnQueue:
    """A loop that keeps its ready queue itself, and runs it in passes: each pass what was queued before it."""

    def __init__(self) -> None:
        self.queue: deque[asyncio.Handle] = deque()
        self.has_pass = self.is_stopped = False
        super().__init__()

    def call_soon(self, callback, *args, context=None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self.queue.append(handle)
        self.ask_for_pass()
        return handle

    def ask_for_pass(self) -> None:
        if self.queue and not self.has_pass and not self.is_stopped:
            self.has_pass = True
            super().call_soon(self.run_pass, context=contextvars.Context())  # callbacks enter contexts of their own

    def run_pass(self) -> None:
        for handle in self.batch():
            if not handle.cancelled():
                handle._run()
        self.has_pass = False
        self.ask_for_pass()

    def batch(self):
        batch = list(self.queue)
        self.queue.clear()
        return batch


@world("the ready queue is run backwards", falsifies=["ready-queue-is-first-in-first-out"])
def _(patch):
    class Backwards(OwnQueue):
        def batch(self):
            return reversed(super().batch())

    patch.loops(Backwards)


@world("a pass also runs what is queued during it", falsifies=["each-ready-task-gets-one-step-a-pass"])
def _(patch):
    class Endless(OwnQueue):
        def batch(self):
            while self.queue:
                yield self.queue.popleft()

    patch.loops(Endless)


@world(
    "a pass also runs what callbacks queue during it, though no task",
    falsifies=["each-ready-task-gets-one-step-a-pass"],
    also=["stop-ends-after-the-current-pass-on-asyncio", "stop-runs-one-more-pass-on-uvloop"],
)
def _(patch):
    class RunsCallbacks(OwnQueue):
        def batch(self):
            yield from super().batch()
            while self.queue and isinstance(self.queue[0]._callback, types.FunctionType):
                yield self.queue.popleft()

    patch.loops(RunsCallbacks)


@world("call_soon_threadsafe() comes before what is ready", falsifies=["ready-queue-is-first-in-first-out"])
def _(patch):
    class Hurries(OwnQueue):
        def call_soon_threadsafe(self, callback, *args, context=None):
            handle = asyncio.Handle(callback, args, self, context)
            self.queue.appendleft(handle)
            super().call_soon_threadsafe(self.ask_for_pass)
            return handle

    patch.loops(Hurries)


@world("what is queued last runs at once", falsifies=["each-ready-task-gets-one-step-a-pass"])
def _(patch):
    class LastFirst(OwnQueue):
        def batch(self):
            while self.queue:
                yield self.queue.pop()

    patch.loops(LastFirst)


@world("stop() ends after the current pass on uvloop too", falsifies=["stop-runs-one-more-pass-on-uvloop"])
def _(patch):
    class StopsLikeAsyncio(OwnQueue):
        def stop(self):
            self.is_stopped = True
            super().stop()

        def run_forever(self):
            self.is_stopped = False
            self.ask_for_pass()
            super().run_forever()

    patch.loops(StopsLikeAsyncio)


@world("stop() lets one more pass run on asyncio too", falsifies=["stop-ends-after-the-current-pass-on-asyncio"])
def _(patch):
    class StopsLikeUvloop:
        def stop(self):
            self.call_soon(super().stop)

    patch.loops(StopsLikeUvloop)


@world(
    "a pass also runs what is queued during it once stop() was called",
    falsifies=["stop-ends-after-the-current-pass-on-asyncio"],
    also=["stop-runs-one-more-pass-on-uvloop"],
)
def _(patch):
    class RunsTheLate(OwnQueue):
        before_stop = None

        def stop(self):
            self.before_stop = len(self.queue)
            super().stop()

        def batch(self):
            self.before_stop = None
            yield from super().batch()
            if self.before_stop is not None:
                late = list(self.queue)[self.before_stop :]
                self.queue = deque(list(self.queue)[: self.before_stop])
                yield from late

    patch.loops(RunsTheLate)


@world(
    "stop() is ignored",
    falsifies=[
        "loop-runs-until-it-is-stopped",
        "run-forever-outlives-its-tasks",
        "stop-ends-after-the-current-pass-on-asyncio",
        "stop-runs-one-more-pass-on-uvloop",
    ],
    breaks_much="run_until_complete() of asyncio ends by it, so nothing that runs a loop does",
)
def _(patch):
    class NeverStops:
        def stop(self):
            pass

    patch.loops(NeverStops)


@world("a loop runs what is ready once and ends", falsifies=["loop-runs-until-it-is-stopped"])
def _(patch):
    class OnePass:
        def run_forever(self):
            self.call_soon(self.stop)
            super().run_forever()

    patch.loops(OnePass)


@world(
    "a loop ends when a callback raises",
    falsifies=["loop-runs-until-it-is-stopped"],
    also=["callback-that-raises-does-not-stop-the-loop", "exception-handler-that-raises-is-logged"],
)
def _(patch):
    class EndsWithAnError:
        def call_exception_handler(self, context):
            if "handle" in context:  # it is of a callback
                self.stop()
            super().call_exception_handler(context)

    patch.loops(EndsWithAnError)


class Polled(asyncio.Future):
    """A future that is looked at in every turn by who waits for it."""

    def __await__(self):
        while not self.done():
            yield
        return self.result()


@world("a future is polled by the task that waits for it", falsifies=["waiting-task-costs-no-turns"])
def _(patch):
    class Polling:
        def create_future(self):
            return Polled(loop=self)

    patch.loops(Polling)


@world("a task is polled by the task that waits for it", falsifies=["waiting-task-costs-no-turns"])
def _(patch):
    class PolledTask(asyncio.Task):
        __await__ = Polled.__await__

    class Polling:
        def create_task(self, coroutine, **options):
            return PolledTask(coroutine, loop=self, **options)

    patch.loops(Polling)


@world("a sleeping task polls the clock", falsifies=["waiting-task-costs-no-turns"])
def _(patch):
    async def sleep(delay, result=None):
        end = time.monotonic() + delay
        await turn()
        while time.monotonic() < end:
            await turn()
        return result

    patch.setattr(asyncio, "sleep", sleep)


@world("an idle loop keeps a callback ready", falsifies=["idle-loop-blocks-in-one-select"])
def _(patch):
    class Spinning:
        def run_forever(self):
            self.spin()
            super().run_forever()

        def spin(self):
            self.call_soon(self.spin)

    patch.loops(Spinning)


@world("call_later(0) is call_soon() on asyncio too", falsifies=["zero-delay-runs-after-call-soon-on-asyncio"])
def _(patch):
    class NoTimer:
        def call_later(self, delay, callback, *args, context=None):
            return self.call_soon(callback, *args, context=context)

    patch.loops(NoTimer)


@world("call_later(0) makes a timer on uvloop too", falsifies=["zero-delay-is-call-soon-on-uvloop"])
def _(patch):
    class AlwaysTimer:
        def call_later(self, delay, callback, *args, context=None):
            return super().call_later(max(delay, 0.001), callback, *args, context=context)

    patch.loops(AlwaysTimer)


@world(
    "what is readable comes before what is ready on asyncio too",
    falsifies=["readable-socket-waits-for-the-first-turn-on-asyncio"],
)
def _(patch):
    class ReadableFirst:
        def _add_callback(self, handle):
            self._ready.appendleft(handle)

    patch.loops(ReadableFirst)


@world(
    "what is readable comes after what is ready on uvloop too",
    falsifies=["readable-socket-comes-before-the-first-turn-on-uvloop"],
)
def _(patch):
    class ReadableLast:
        def add_reader(self, descriptor, callback, *args):
            super().add_reader(descriptor, self.call_soon, callback, *args)

    patch.loops(ReadableLast)


@world(
    "all_tasks() lists tasks that are done",
    falsifies=["finished-task-leaves-all-tasks"],
    breaks_much="every claim is asked afterwards which tasks it has left",
)
def _(patch):
    ever: list[asyncio.Task] = []
    create_task = asyncio.create_task

    def remembered(coroutine, **options):
        ever.append(create_task(coroutine, **options))
        return ever[-1]

    all_tasks = asyncio.all_tasks
    patch.setattr(asyncio, "create_task", remembered)
    patch.setattr(asyncio, "all_tasks", lambda loop=None: all_tasks(loop) | set(ever))


@world(
    "all_tasks() lists tasks that failed or were cancelled",
    falsifies=["finished-task-leaves-all-tasks"],
    breaks_much="every claim is asked afterwards which tasks it has left",
)
def _(patch):
    ever: list[asyncio.Task] = []
    create_task, all_tasks = asyncio.create_task, asyncio.all_tasks

    def remembered(coroutine, **options):
        ever.append(create_task(coroutine, **options))
        return ever[-1]

    def with_failed(loop=None):
        return all_tasks(loop) | {task for task in ever if task.done() and (task.cancelled() or task.exception())}

    patch.setattr(asyncio, "create_task", remembered)
    patch.setattr(asyncio, "all_tasks", with_failed)


@world("run_forever() ends when the last task is done", falsifies=["run-forever-outlives-its-tasks"])
def _(patch):
    class EndsWithItsTasks:
        def create_task(self, coroutine, **options):
            task = super().create_task(coroutine, **options)
            task.add_done_callback(lambda _task: asyncio.all_tasks(self) or self.stop())
            return task

    patch.loops(EndsWithItsTasks)


@world("run_forever() ends a moment after its last task", falsifies=["run-forever-outlives-its-tasks"])
def _(patch):
    class EndsAMomentLater:
        def create_task(self, coroutine, **options):
            task = super().create_task(coroutine, **options)
            task.add_done_callback(lambda _task: asyncio.all_tasks(self) or self.call_later(0.002, self.stop))
            return task

    patch.loops(EndsAMomentLater)


@world("run_forever() ends when nothing is left to run, as in JavaScript", falsifies=["run-forever-outlives-its-tasks"])
def _(patch):
    class EndsWithItsWork(OwnQueue):
        def run_forever(self):
            self.call_soon(lambda: None)  # there is a pass then, even with nothing to do
            super().run_forever()

        def run_pass(self):
            super().run_pass()
            if not self.queue and not asyncio.all_tasks(self):
                self.stop()

    patch.loops(EndsWithItsWork)


@world("an undefined name stands for something that can be awaited", falsifies=["loop-program-needs-its-task-defined"])
def _(patch):
    class Placeholder:
        def __await__(self):
            yield

    patch.setitem(vars(builtins), "some_errand", Placeholder())


@world(
    "a callback of the program's own is dropped where it is not the first that is ready",
    falsifies=["ready-queue-is-first-in-first-out"],
)
def _(patch):
    class Drops(OwnQueue):
        def batch(self):
            first, *rest = super().batch()
            plain = [handle for handle in rest if isinstance(handle._callback, Trace)]  # not a task, nor a waker of one
            return [first, *(handle for handle in rest if handle not in plain)]

    patch.loops(Drops)


@world(
    "a pass runs two callbacks, and the rest after what those have queued",
    falsifies=["ready-queue-is-first-in-first-out", "each-ready-task-gets-one-step-a-pass"],
)
def _(patch):
    class TwoAPass(OwnQueue):
        def batch(self):
            batch = super().batch()
            yield from batch[:2]
            self.queue.extend(batch[2:])

    patch.loops(TwoAPass)


@world("an idle loop looks up every few milliseconds", falsifies=["idle-loop-blocks-in-one-select"])
def _(patch):
    class LooksUp:
        def run_forever(self):
            self.look_up()
            super().run_forever()
            self.timer.cancel()

        def look_up(self):
            self.timer = self.call_later(0.002, self.look_up)

    patch.loops(LooksUp)


@world("a loop that was stopped once runs one pass at a time from then on", falsifies=["loop-runs-until-it-is-stopped"])
def _(patch):
    class StaysStopped:
        was_stopped = False

        def stop(self):
            self.was_stopped = True
            super().stop()

        def run_forever(self):
            if self.was_stopped:
                self.stop()
            super().run_forever()

        def run_until_complete(self, work):
            # Which is run_forever() on asyncio's loop, and ends by stop().
            self.was_stopped = False
            try:
                return super().run_until_complete(work)
            finally:
                self.was_stopped = False

    patch.loops(StaysStopped)


def is_waking(handle):
    """Whether this resumes a task whose future is done."""
    return "wakeup" in repr(handle._callback).lower()


@world(
    "what a future wakes resumes in the pass in which it is woken",
    falsifies=["each-ready-task-gets-one-step-a-pass"],
    also=["ready-queue-is-first-in-first-out"],
)
def _(patch):
    class WakesAtOnce(OwnQueue):
        def batch(self):
            yield from super().batch()
            while woken := [handle for handle in self.queue if is_waking(handle)]:
                self.queue = deque(handle for handle in self.queue if handle not in woken)
                yield from woken

    patch.loops(WakesAtOnce)


@world(
    "a task leaves the set of all tasks by a callback, once it is done",
    falsifies=["finished-task-leaves-all-tasks"],
    breaks_much="every claim is asked afterwards which tasks it has left",
)
def _(patch):
    known: list[asyncio.Task] = []
    create_task, all_tasks = asyncio.create_task, asyncio.all_tasks

    def remembered(coroutine, **options):
        task = create_task(coroutine, **options)
        known.append(task)
        task.add_done_callback(known.remove)
        return task

    patch.setattr(asyncio, "create_task", remembered)
    patch.setattr(asyncio, "all_tasks", lambda loop=None: all_tasks(loop) | set(known))


@world("run_forever() ends when a task fails", falsifies=["run-forever-outlives-its-tasks"])
def _(patch):
    class EndsWithAFailure:
        def create_task(self, coroutine, **options):
            task = super().create_task(coroutine, **options)
            task.add_done_callback(lambda done: done.cancelled() or done.exception() is None or self.stop())
            return task

    patch.loops(EndsWithAFailure)


@world("Event.wait() polls", falsifies=["waiting-task-costs-no-turns"])
def _(patch):
    async def wait(event):
        while not event.is_set():
            await turn()
        return True

    patch.setattr(asyncio.Event, "wait", wait)


@world("an idle loop waits for a day at most", falsifies=["idle-loop-blocks-in-one-select"])
def _(patch):
    class ADay:
        def run_forever(self):
            timer = self.call_later(24 * 3600, int)
            super().run_forever()
            timer.cancel()

    patch.loops(ADay)


@world("stop() does nothing to a loop that does not run yet", falsifies=["loop-runs-until-it-is-stopped"])
def _(patch):
    class ForgetsToStop:
        def stop(self):
            if self.is_running():
                super().stop()

    patch.loops(ForgetsToStop)


@world("a task that is woken waits one pass more", falsifies=["ready-queue-is-first-in-first-out"])
def _(patch):
    class WakesLate:
        def call_soon(self, callback, *args, context=None):
            if args and isinstance(getattr(callback, "__self__", None), asyncio.Task):
                return super().call_soon(super().call_soon, partial(callback, *args), context=context)
            return super().call_soon(callback, *args, context=context)

    patch.loops(WakesLate)


@world(
    "what is scheduled after stop() is lost but for the first",
    falsifies=["stop-ends-after-the-current-pass-on-asyncio"],
)
def _(patch):
    class Loses:
        room = None  # for how many callbacks more; None where the loop is not about to stop

        def stop(self):
            self.room = 1
            super().stop()

        def call_soon(self, callback, *arguments, context=None):
            handle = super().call_soon(callback, *arguments, context=context)
            if self.room is not None and self.is_running():
                if not self.room:
                    handle.cancel()
                self.room = 0
            return handle

        def run_forever(self):
            try:
                super().run_forever()
            finally:
                self.room = None

    patch.loops(Loses)


@world(
    "a loop that is stopped twice does not run the next time either",
    falsifies=["stop-ends-after-the-current-pass-on-asyncio", "stop-runs-one-more-pass-on-uvloop"],
)
def _(patch):
    class CountsStops:
        stops = 0

        def stop(self):
            self.stops += 1
            super().stop()

        def run_forever(self):
            stops, self.stops = self.stops, 0
            if stops < 2:
                super().run_forever()

    patch.loops(CountsStops)


@world("who waits longest for a future is woken last", falsifies=["ready-queue-is-first-in-first-out"])
def _(patch):
    class LastFirst(asyncio.futures._PyFuture):
        def add_done_callback(self, callback, *, context=None):
            super().add_done_callback(callback, context=context)
            self._callbacks.insert(0, self._callbacks.pop())

    class HandsOut:
        def create_future(self):
            return LastFirst(loop=self)

    patch.loops(HandsOut)


@world("each fourth callback comes a pass later", falsifies=["ready-queue-is-first-in-first-out"])
def _(patch):
    class Late:
        scheduled = 0

        def call_soon(self, callback, *arguments, context=None):
            self.scheduled += isinstance(callback, Trace)
            if not isinstance(callback, Trace) or self.scheduled % 4:
                return super().call_soon(callback, *arguments, context=context)
            return super().call_soon(super().call_soon, callback, *arguments, context=context)

    patch.loops(Late)


@world("call_later(0) in a callback is call_soon()", falsifies=["zero-delay-runs-after-call-soon-on-asyncio"])
def _(patch):
    class SoonInACallback:
        def call_later(self, delay, callback, *arguments, context=None):
            if delay > 0 or not self.is_running() or asyncio.current_task(self):
                return super().call_later(delay, callback, *arguments, context=context)
            return self.call_soon(callback, *arguments, context=context)

    patch.loops(SoonInACallback)


@world("stop() of a timer is lost", falsifies=["loop-runs-until-it-is-stopped"])
def _(patch):
    class Loses:
        def call_later(self, delay, callback, *arguments, context=None):
            callback = (lambda: None) if callback == self.stop else callback
            return super().call_later(delay, callback, *arguments, context=context)

    patch.loops(Loses)


@world("stop() in a task ends the pass after the next", falsifies=["stop-ends-after-the-current-pass-on-asyncio"])
def _(patch):
    class StopsLate:
        def stop(self):
            if self.is_running() and asyncio.current_task(self):
                super().call_soon(super().stop)
            else:
                super().stop()

    patch.loops(StopsLate)


@world(
    "of the pass in which a loop is stopped tasks wait for the next run",
    falsifies=["stop-ends-after-the-current-pass-on-asyncio"],
)
def _(patch):
    class CallbacksOnly:
        is_stopped = False

        def stop(self):
            self.is_stopped = True
            super().stop()

        def call_soon(self, callback, *arguments, context=None):
            soon = super().call_soon

            def step():
                if self.is_stopped:
                    soon(step, context=context)
                else:
                    callback(*arguments)

            if not isinstance(getattr(callback, "__self__", None), asyncio.Task):
                return soon(callback, *arguments, context=context)
            return soon(step, context=context)

        def run_forever(self):
            self.is_stopped = False
            super().run_forever()

    patch.loops(CallbacksOnly)


def _polling(patch, name):
    """Have a coroutine function of asyncio ask in every turn whether what it does is done."""
    true = getattr(asyncio, name)

    async def polling(*arguments, **options):
        task = asyncio.ensure_future(true(*arguments, **options))
        try:
            while not task.done():
                await turn()
        finally:
            task.cancel()
        return task.result()

    patch.setattr(asyncio, name, polling)


@world("gather() polls", falsifies=["waiting-task-costs-no-turns"])
def _(patch):
    _polling(patch, "gather")


@world("wait() polls", falsifies=["waiting-task-costs-no-turns"])
def _(patch):
    _polling(patch, "wait")


@world("wait_for() polls", falsifies=["waiting-task-costs-no-turns"])
def _(patch):
    _polling(patch, "wait_for")


@world("a lock is polled", falsifies=["waiting-task-costs-no-turns"])
def _(patch):
    async def acquire(self):
        while self._locked:
            await turn()
        self._locked = True
        return True

    patch.setattr(asyncio.Lock, "acquire", acquire)


@world("a semaphore is polled", falsifies=["waiting-task-costs-no-turns"])
def _(patch):
    async def acquire(self):
        while not self._value:
            await turn()
        self._value -= 1
        return True

    patch.setattr(asyncio.Semaphore, "acquire", acquire)


@world("a stream is polled", falsifies=["waiting-task-costs-no-turns"])
def _(patch):
    async def wait_for_data(self, _caller):
        while not self._buffer and not self._eof:
            await turn()

    patch.setattr(asyncio.StreamReader, "_wait_for_data", wait_for_data)


@world("run_forever() ends when its last task is cancelled", falsifies=["run-forever-outlives-its-tasks"])
def _(patch):
    class EndsWithIt:
        is_for_ever = True

        def create_task(self, coroutine, **options):
            task = super().create_task(coroutine, **options)
            task.add_done_callback(self.end)
            return task

        def end(self, task):
            if self.is_for_ever and task.cancelled() and not asyncio.all_tasks(self):
                self.stop()

        def run_until_complete(self, work):
            self.is_for_ever = False
            return super().run_until_complete(work)

    patch.loops(EndsWithIt)


@world(
    "get_event_loop() makes a loop on every Python, which takes no coroutine object",
    falsifies=["loop-program-needs-its-task-defined"],
)
def _(patch):
    def get_event_loop():
        loop = asyncio.new_event_loop()
        loop.run_until_complete = asyncio.futures.isfuture
        return loop

    patch.setattr(asyncio, "get_event_loop", get_event_loop)


@world("a callback without arguments comes a pass later", falsifies=["ready-queue-is-first-in-first-out"])
def _(patch):
    class Late:
        def call_soon(self, callback, *arguments, context=None):
            if isinstance(callback, types.FunctionType) and not arguments:
                return super().call_soon(super().call_soon, callback, context=context)
            return super().call_soon(callback, *arguments, context=context)

    patch.loops(Late)


@world("a task that waits and is cancelled is woken a pass later", falsifies=["ready-queue-is-first-in-first-out"])
def _(patch):
    class TellsOfCancellation(asyncio.Task):
        is_cancelled = False

        def cancel(self, *arguments):
            self.is_cancelled = True
            return super().cancel(*arguments)

    class WakesLate:
        def create_task(self, coroutine, **options):
            return TellsOfCancellation(coroutine, loop=self, **options)

        def call_soon(self, callback, *arguments, context=None):
            if arguments and getattr(getattr(callback, "__self__", None), "is_cancelled", False):
                return super().call_soon(super().call_soon, partial(callback, *arguments), context=context)
            return super().call_soon(callback, *arguments, context=context)

    patch.loops(WakesLate)


def _listing(patch, lists):
    """Have all_tasks() list also each task there ever was that it `lists(task, loop)`."""
    ever: list[asyncio.Task] = []
    all_tasks = asyncio.all_tasks

    class Remembers:
        def create_task(self, coroutine, **options):
            ever.append(super().create_task(coroutine, **options))
            return ever[-1]

    patch.loops(Remembers)
    patch.setattr(
        asyncio, "all_tasks", lambda loop=None: all_tasks(loop) | {task for task in ever if lists(task, loop)}
    )


@world(
    "all_tasks() lists tasks that have a result",
    falsifies=["finished-task-leaves-all-tasks"],
    breaks_much="every claim is asked afterwards which tasks it has left",
)
def _(patch):
    def has_a_result(task, _loop):
        return task.done() and not task.cancelled() and not task.exception() and task.result() is not None

    _listing(patch, has_a_result)


@world(
    "all_tasks() lists tasks that are done where it is asked from outside the loop",
    falsifies=["finished-task-leaves-all-tasks"],
    breaks_much="every claim is asked afterwards which tasks it has left",
)
def _(patch):
    _listing(patch, lambda task, loop: asyncio._get_running_loop() is None and task.get_loop() is loop)


@world(
    "stop() of a loop that does not run lets one more pass run",
    falsifies=["stop-ends-after-the-current-pass-on-asyncio"],
)
def _(patch):
    class StopsLate:
        def stop(self):
            if self.is_running():
                super().stop()
            else:
                self.call_soon(self.call_soon, super().stop)

    patch.loops(StopsLate)


def _soon(patch, which):
    """Have call_later() of no delay be call_soon() where `which(loop, delay)`."""

    class Soon:
        def call_later(self, delay, callback, *arguments, context=None):
            if delay > 0 or not which(self, delay):
                return super().call_later(delay, callback, *arguments, context=context)
            return self.call_soon(callback, *arguments, context=context)

    patch.loops(Soon)


@world(
    "call_later(0) is call_soon() while the loop does not run", falsifies=["zero-delay-runs-after-call-soon-on-asyncio"]
)
def _(patch):
    _soon(patch, lambda loop, _delay: not loop.is_running())


@world("call_later(0.0) is call_soon()", falsifies=["zero-delay-runs-after-call-soon-on-asyncio"])
def _(patch):
    _soon(patch, lambda _loop, delay: isinstance(delay, float))


@world(
    "call_later(0) is call_soon() where there is another timer",
    falsifies=["zero-delay-runs-after-call-soon-on-asyncio"],
)
def _(patch):
    _soon(patch, lambda loop, _delay: bool(getattr(loop, "_scheduled", ())))


@world("a callback with a context of its own comes a pass later", falsifies=["ready-queue-is-first-in-first-out"])
def _(patch):
    class Late:
        def call_soon(self, callback, *arguments, context=None):
            if isinstance(callback, Trace) and context is not None:
                return super().call_soon(super().call_soon, callback, *arguments)
            return super().call_soon(callback, *arguments, context=context)

    patch.loops(Late)
