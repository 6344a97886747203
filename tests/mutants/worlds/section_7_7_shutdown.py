"""Worlds in which claims of section 7.7, stopping and closing any event loop, are false."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import warnings

from fixtures.trace import Trace
from tests.mutants.worlds import loop_world
from tests.mutants.worlds.section_7_1 import Scheduling
from tests.mutants.worlds.section_7_7_errors import without


@loop_world("a generator that raises at its end is not told", "generator-that-raises-at-its-end-is-reported")
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler(without(context, "asyncgen"))


@loop_world("one generator that raises at its end is reported", "generator-that-raises-at-its-end-is-reported")
class _:
    reported = False

    def call_exception_handler(self, context):
        if not (self.reported and "asyncgen" in context):
            self.reported = "asyncgen" in context
            super().call_exception_handler(context)


@loop_world(
    "a loop knows of two generators at most",
    "generator-that-raises-at-its-end-is-reported",
    also=["generator-after-shutdown-asyncgens-is-warned-of"],
)
class _:
    known = 0

    def _asyncgen_firstiter_hook(self, generator):
        self.known += 1
        if self.known <= 2:
            super()._asyncgen_firstiter_hook(generator)


@loop_world("generators may begin at any time", "generator-after-shutdown-asyncgens-is-warned-of")
class _:
    def _asyncgen_firstiter_hook(self, generator):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            super()._asyncgen_firstiter_hook(generator)


@loop_world("an executor is waited for", "executor-that-does-not-end-is-given-up-after-a-timeout-on-asyncio")
class _:
    async def shutdown_default_executor(self, timeout=None):
        await super().shutdown_default_executor()


@loop_world("an executor is given up at once", "executor-that-does-not-end-is-given-up-after-a-timeout-on-asyncio")
class _:
    async def shutdown_default_executor(self, timeout=None):
        await super().shutdown_default_executor(timeout and 0.001)


@loop_world(
    "an executor is given up in time", "executor-that-does-not-end-is-waited-for-in-spite-of-a-timeout-on-uvloop"
)
class _:
    async def shutdown_default_executor(self, timeout=None):
        waiting = asyncio.ensure_future(super().shutdown_default_executor())
        await asyncio.wait([waiting], timeout=timeout)


@loop_world("a loop never says that it runs", "loop-tells-whether-it-runs-and-whether-it-is-closed")
class _:
    def is_running(self):
        return False


@loop_world("a loop runs in run_forever only", "loop-tells-whether-it-runs-and-whether-it-is-closed")
class _:
    until_complete = False

    def run_until_complete(self, awaited):
        self.until_complete = True
        try:
            return super().run_until_complete(awaited)
        finally:
            self.until_complete = False

    def is_running(self):
        return super().is_running() and not self.until_complete


@loop_world("a loop that was left says that it runs", "loop-tells-whether-it-runs-and-whether-it-is-closed")
class _:
    left = False

    def run_forever(self):
        self.left = False
        try:
            super().run_forever()
        except SystemExit:
            self.left = True
            raise

    def is_running(self):
        return self.left or super().is_running()


@loop_world("a loop whose run raised says that it runs", "loop-tells-whether-it-runs-and-whether-it-is-closed")
class _:
    has_failed = False

    def run_until_complete(self, awaited):
        self.has_failed = False
        try:
            return super().run_until_complete(awaited)
        except Exception:
            self.has_failed = True
            raise

    def is_running(self):
        return self.has_failed or super().is_running()


@loop_world("a loop that is stopped says that it does not run", "loop-tells-whether-it-runs-and-whether-it-is-closed")
class _:
    is_stopped = False

    def run_forever(self):
        self.is_stopped = False
        super().run_forever()

    def stop(self):
        self.is_stopped = True
        super().stop()

    def is_running(self):
        return super().is_running() and not self.is_stopped


@loop_world("a loop runs for its own thread only", "loop-tells-whether-it-runs-and-whether-it-is-closed")
class _:
    def is_running(self):
        return asyncio._get_running_loop() is self


@loop_world("a loop never says that it is closed", "loop-tells-whether-it-runs-and-whether-it-is-closed")
class _:
    def is_closed(self):
        return False

    def close(self):
        if not super().is_closed():
            super().close()

    def __del__(self):  # as asyncio's warns of one that is not
        pass


@loop_world("close of a running loop does nothing", "running-loop-cannot-be-closed")
class _:
    def close(self):
        if not self.is_running():
            super().close()


@loop_world("close of a running loop does nothing the second time", "running-loop-cannot-be-closed")
class _:
    refused = False

    def close(self):
        if not (self.is_running() and self.refused):
            self.refused = True
            super().close()


@loop_world("close of a running loop does nothing in another thread", "running-loop-cannot-be-closed")
class _:
    def close(self):
        if not self.is_running() or threading.current_thread() is threading.main_thread():
            super().close()


@loop_world("close of a running loop does nothing outside a task", "running-loop-cannot-be-closed")
class _:
    def close(self):
        if not self.is_running() or asyncio.current_task(self) is not None:
            super().close()


@loop_world("close of a running loop cancels its timers", "running-loop-cannot-be-closed")
class _:
    timers = ()

    def call_later(self, *arguments, **options):
        timer = super().call_later(*arguments, **options)
        self.timers = (*self.timers, timer)
        return timer

    def close(self):
        for timer in self.timers:
            timer.cancel()
        super().close()


@loop_world("close of a running loop cancels all other tasks", "running-loop-cannot-be-closed")
class _:
    def close(self):
        if self.is_running():
            for task in asyncio.all_tasks(self) - {asyncio.current_task(self)}:
                task.cancel()
        super().close()


@loop_world("close of a running loop stops it soon", "running-loop-cannot-be-closed")
class _:
    def close(self):
        if self.is_running() and threading.current_thread() is threading.main_thread():
            self.call_later(0.002, self.stop)
        super().close()


@loop_world("close of a running loop stops it", "running-loop-cannot-be-closed")
class _:
    def close(self):
        if self.is_running():
            self.stop()
        super().close()


@loop_world("a closed loop calls what it refuses", "closed-loop-refuses-all-work")
class _:
    def call_soon(self, callback, *arguments, **options):
        if self.is_closed():
            callback(*arguments)
        return super().call_soon(callback, *arguments, **options)


@loop_world("a closed loop does the job that it refuses", "closed-loop-refuses-all-work")
class _:
    def run_in_executor(self, executor, function, *arguments):
        if self.is_closed():
            function(*arguments)
        return super().run_in_executor(executor, function, *arguments)


@loop_world("a closed loop is run for no time the second time", "closed-loop-refuses-all-work")
class _:
    refused = False

    def run_forever(self):
        if not (self.is_closed() and self.refused):
            self.refused = self.is_closed()
            super().run_forever()


@loop_world("a closed loop takes callbacks", "closed-loop-refuses-all-work")
class _:
    def call_soon(self, *arguments, **options):
        return None if self.is_closed() else super().call_soon(*arguments, **options)


@loop_world("a closed loop takes timers that are due", "closed-loop-refuses-all-work")
class _:
    def call_later(self, delay, *arguments, **options):
        if not self.is_closed() or delay > 0:
            return super().call_later(delay, *arguments, **options)


@loop_world("a closed loop takes deadlines that have passed", "closed-loop-refuses-all-work")
class _:
    def call_at(self, when, *arguments, **options):
        if not self.is_closed() or when > self.time():
            return super().call_at(when, *arguments, **options)


@loop_world("a closed loop closes coroutines that it is to run", "closed-loop-refuses-all-work")
class _:
    def run_until_complete(self, awaited):
        if self.is_closed() and asyncio.iscoroutine(awaited):
            return awaited.close()
        return super().run_until_complete(awaited)


@loop_world("a closed loop runs for no time", "closed-loop-refuses-all-work")
class _:
    def run_forever(self):
        if not self.is_closed():
            super().run_forever()


@loop_world("a closed loop keeps a descriptor", "closed-loop-has-nothing-open")
class _:
    def close(self):
        super().close()
        os.open(os.devnull, os.O_RDONLY)


@loop_world("a loop leaves a socket to the garbage collector", "closed-loop-has-nothing-open")
class _:
    def run_forever(self):
        wakes = socket.socketpair()
        super().run_forever()
        del wakes


@loop_world("a closed loop keeps what it handled signals with", "closed-loop-has-nothing-open")
class _:
    def add_signal_handler(self, *arguments):
        super().add_signal_handler(*arguments)
        os.open(os.devnull, os.O_RDONLY)


class HasRun:
    """A loop that remembers whether it has run."""

    has_run = False

    def run_until_complete(self, awaited):
        self.has_run = self.has_run or not self.is_closed()
        return super().run_until_complete(awaited)


@loop_world("a closed loop that has run takes callbacks", "closed-loop-refuses-all-work")
class _(HasRun):
    def call_soon(self, *arguments, **options):
        return None if self.is_closed() and self.has_run else super().call_soon(*arguments, **options)


@loop_world("a closed loop that has run cannot be stopped", "closed-loop-may-be-stopped-on-asyncio")
class _(HasRun):
    def stop(self):
        if self.is_closed() and self.has_run:
            raise RuntimeError("Event loop is closed")
        super().stop()


@loop_world(
    "a closed loop refuses to be stopped with another error",
    "closed-loop-may-be-stopped-on-asyncio",
    "closed-loop-refuses-to-be-stopped-on-uvloop",
)
class _:
    def stop(self):
        if self.is_closed():
            raise ValueError("it is closed")
        super().stop()


@loop_world("a closed loop that has run may be stopped", "closed-loop-refuses-to-be-stopped-on-uvloop")
class _(HasRun):
    def stop(self):
        if not (self.is_closed() and self.has_run):
            super().stop()


@loop_world("a loop that is closed runs what waits", "close-drops-what-was-scheduled")
class _:
    def close(self):
        if not self.is_closed():
            self.call_soon(self.stop)
            self.run_forever()
        super().close()


@loop_world("a loop that has run runs what waits when it is closed", "close-drops-what-was-scheduled")
class _(HasRun):
    def close(self):
        if self.has_run and not self.is_closed():
            self.call_soon(self.stop)
            self.run_forever()
        super().close()


@loop_world("a loop that is closed runs what came from threads", "close-drops-what-was-scheduled")
class _:
    waiting = frozenset()

    def call_soon_threadsafe(self, callback, *arguments, context=None):
        def run():
            self.waiting -= {run}
            callback(*arguments)

        self.waiting |= {run}
        return super().call_soon_threadsafe(run, context=context)

    def close(self):
        super().close()
        for run in self.waiting:
            run()


@loop_world("a loop that is closed runs what has a deadline", "close-drops-what-was-scheduled")
class _:
    waiting = ()

    def call_at(self, when, callback, *arguments, context=None):
        self.waiting = (*self.waiting, (callback, arguments))
        return super().call_at(when, callback, *arguments, context=context)

    def close(self):
        super().close()
        for callback, arguments in self.waiting:
            if isinstance(callback, Trace):
                callback(*arguments)


@loop_world("a loop that is closed runs timers that are not due", "close-drops-what-was-scheduled")
class _:
    timers = ()

    def call_later(self, delay, callback, *arguments, **options):
        if delay:
            self.timers = (*self.timers, (callback, arguments))
        return super().call_later(delay, callback, *arguments, **options)

    def close(self):
        super().close()
        for callback, arguments in self.timers:
            callback(*arguments)


@loop_world("a loop goes silently", "loop-that-is-not-closed-is-warned-of-on-asyncio")
class _:
    def __del__(self):
        self.close()


@loop_world("a loop that has never run goes silently", "loop-that-is-not-closed-is-warned-of-on-asyncio")
class _:
    has_run = False

    def run_forever(self):
        self.has_run = True
        super().run_forever()

    def __del__(self):
        if self.has_run:
            super().__del__()
        else:
            self.close()


@loop_world("a loop that has run is closed", "loop-that-is-not-closed-stays-on-uvloop")
class _:
    def run_until_complete(self, awaited):
        try:
            return super().run_until_complete(awaited)
        finally:
            self.close()


@loop_world("stop does nothing before a run", "stop-before-a-run-lets-one-pass-run")
class _:
    def stop(self):
        if self.is_running():
            super().stop()


@loop_world("after stop() a loop runs one callback", "stop-before-a-run-lets-one-pass-run")
class _(Scheduling):
    left = None

    def changed(self, callback, arguments, context):
        def calling():
            if self.left != 0:
                callback(*arguments)
            if self.left:
                self.left -= 1

        return calling, (), context

    def stop(self):
        self.left = None if self.is_running() else 1
        super().stop()


@loop_world("after stop() a loop takes no callbacks until it has run", "stop-before-a-run-lets-one-pass-run")
class _:
    is_stopped = False

    def call_soon(self, callback, *arguments, context=None):
        if self.is_stopped and not self.is_running():
            callback, arguments = int, ()
        return super().call_soon(callback, *arguments, context=context)

    def stop(self):
        super().stop()
        self.is_stopped = True

    def run_forever(self):
        super().run_forever()
        self.is_stopped = False


@loop_world("a loop that is stopped before a run makes two passes", "stop-before-a-run-lets-one-pass-run")
class _:
    def stop(self):
        if self.is_running():
            super().stop()
        else:
            self.call_soon(self.call_soon, super().stop)


@loop_world("timers wait for another run when a loop is stopped before it", "stop-before-a-run-lets-one-pass-run")
class _:
    is_stopped = False

    def call_later(self, delay, callback, *arguments, context=None):
        def calling():
            if not self.is_stopped:
                callback(*arguments)

        return super().call_later(delay, calling, context=context)

    def stop(self):
        self.is_stopped = not self.is_running()
        super().stop()


@loop_world("a run that is stopped returns None", "run-until-complete-that-is-stopped-is-a-runtimeerror")
class _:
    def run_until_complete(self, awaited):
        try:
            return super().run_until_complete(awaited)
        except RuntimeError:
            return None


@loop_world("a run that is stopped again returns None", "run-until-complete-that-is-stopped-is-a-runtimeerror")
class _:
    was_stopped = False

    def run_until_complete(self, awaited):
        try:
            return super().run_until_complete(awaited)
        except RuntimeError:
            if self.was_stopped:
                return None
            self.was_stopped = True
            raise


class Left:
    """A loop that refuses to run anything to its end where `is_over()`; `left` is how often a task left it."""

    left = 0

    def is_over(self):
        return self.left > 0

    def counts(self, _error):
        return True

    def run_until_complete(self, awaited):
        if self.is_over():
            awaited.close()
            raise RuntimeError("Event loop stopped before Future completed.")
        try:
            return super().run_until_complete(awaited)
        except (SystemExit, KeyboardInterrupt) as error:
            self.left += self.counts(error)
            raise


@loop_world("a loop that was left does not run again", "loop-runs-again-after-a-task-left-it")
class _(Left):
    pass


@loop_world("a loop that was left twice does not run again", "loop-runs-again-after-a-task-left-it")
class _(Left):
    def is_over(self):
        return self.left == 2


@loop_world("a loop that was left with the status 0 does not run again", "loop-runs-again-after-a-task-left-it")
class _(Left):
    def counts(self, error):
        return isinstance(error, SystemExit) and error.code == 0


@loop_world("a loop that was left while it ran for ever does not run again", "loop-runs-again-after-a-task-left-it")
class _(Left):
    runs_a_task = False

    def counts(self, _error):
        return False

    def run_forever(self):
        try:
            super().run_forever()
        except SystemExit:
            self.left += not self.runs_a_task
            raise

    def run_until_complete(self, awaited):
        self.runs_a_task = True
        try:
            return super().run_until_complete(awaited)
        finally:
            self.runs_a_task = False


@loop_world("a loop that was left stops soon", "loop-runs-again-after-a-task-left-it")
class _(Left):
    def is_over(self):
        if self.left:
            self.call_later(0.001, self.stop)
        return False


@loop_world("a loop still stops for the task that it ran when it was left", "loop-runs-again-after-a-task-left-it")
class _:
    def run_until_complete(self, awaited):
        def stop(task):
            if task.cancelled() or not isinstance(task.exception(), (SystemExit, KeyboardInterrupt)):
                self.stop()

        task = asyncio.ensure_future(awaited, loop=self)
        task.add_done_callback(stop)  # and it stays there
        return super().run_until_complete(task)


@loop_world("a loop cannot be closed twice", "loop-tells-whether-it-runs-and-whether-it-is-closed")
class _:
    def close(self):
        if self.is_closed():
            raise RuntimeError("Event loop is closed")
        super().close()


@loop_world(
    "close() does nothing",
    "closed-loop-refuses-all-work",
    breaks_much="what a loop leaves open is warned of in any claim",
)
class _:
    def close(self):
        pass


@loop_world("a run that is stopped is cancelled", "run-until-complete-that-is-stopped-is-a-runtimeerror")
class _:
    def run_until_complete(self, future):
        try:
            return super().run_until_complete(future)
        except RuntimeError:
            raise asyncio.CancelledError from None


@loop_world("a task whose run was stopped cannot be run", "run-until-complete-that-is-stopped-is-a-runtimeerror")
class _:
    stopped = None

    def run_until_complete(self, future):
        if future is self.stopped:
            raise RuntimeError("its run was stopped")
        try:
            return super().run_until_complete(future)
        except RuntimeError:
            self.stopped = future
            raise


@loop_world("a task whose run is stopped is cancelled", "run-until-complete-that-is-stopped-is-a-runtimeerror")
class _:
    def run_until_complete(self, future):
        try:
            return super().run_until_complete(future)
        except RuntimeError:
            if isinstance(future, asyncio.Task):
                future.cancel()
            raise
