"""Worlds in which claims of section 3.1, the event loop, are false."""

from __future__ import annotations

import asyncio
import builtins
import contextvars
import types
import warnings
from collections import deque

from fixtures.trace import Trace
from tests.mutants.worlds import world

try:
    import uvloop
except ImportError:
    uvloop = None


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


@world("run_until_complete() waits for every task", falsifies=["run-until-complete-returns-with-others-pending"])
def _(patch):
    class WaitsForAll:
        def run_until_complete(self, future):
            result = super().run_until_complete(future)
            while asyncio.all_tasks(self):
                super().run_until_complete(asyncio.wait(asyncio.all_tasks(self)))
            return result

    patch.loops(WaitsForAll)


@world("run_forever() ends when the last task is done", falsifies=["run-forever-outlives-its-tasks"])
def _(patch):
    class EndsWithItsTasks:
        def create_task(self, coroutine, **options):
            task = super().create_task(coroutine, **options)
            task.add_done_callback(lambda _task: asyncio.all_tasks(self) or self.stop())
            return task

    patch.loops(EndsWithItsTasks)


@world(
    "get_event_loop() makes another loop at each call",
    falsifies=[
        "get-event-loop-makes-a-loop-silently-before-3-12",
        "get-event-loop-returns-the-loop-that-is-set",
        "uvloop-policy-made-a-loop-before-0-22",
    ],
)
def _(patch):
    patch.setattr(asyncio, "get_event_loop", lambda: asyncio.new_event_loop())


@world("get_event_loop() warns before 3.12", falsifies=["get-event-loop-makes-a-loop-silently-before-3-12"])
def _(patch):
    get_event_loop = asyncio.get_event_loop

    def warning():
        warnings.warn("There is no current event loop", DeprecationWarning, stacklevel=2)
        return get_event_loop()

    patch.setattr(asyncio, "get_event_loop", warning)


@world("get_event_loop() makes a loop without a warning", falsifies=["get-event-loop-warns-on-3-12-and-3-13"])
def _(patch):
    get_event_loop = asyncio.get_event_loop

    def silent():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return get_event_loop()

    patch.setattr(asyncio, "get_event_loop", silent)


@world(
    "get_event_loop() makes a loop wherever there is none",
    falsifies=[
        "get-event-loop-raises-without-a-loop-since-3-14",
        "get-event-loop-makes-none-after-asyncio-run",
        "get-event-loop-makes-none-in-another-thread",
        "uvloop-policy-makes-no-loop-since-0-22",
    ],
)
def _(patch):
    get_event_loop = asyncio.get_event_loop

    def get_or_make():
        try:
            return get_event_loop()
        except RuntimeError:
            asyncio.set_event_loop(asyncio.new_event_loop())
            return get_event_loop()

    patch.setattr(asyncio, "get_event_loop", get_or_make)


@world("get_event_loop() does not ask which loop is running", falsifies=["get-event-loop-returns-the-loop-that-is-set"])
def _(patch):
    last_set: list[asyncio.AbstractEventLoop] = []
    patch.setattr(asyncio, "set_event_loop", last_set.append)
    patch.setattr(asyncio, "get_event_loop", lambda: last_set[-1])


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
