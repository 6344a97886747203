"""Worlds in which claims of section 7.7, errors, shutdown and debug mode of any event loop, are false."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import socket
import traceback
import warnings
import weakref

from tests.mutants.worlds import loop_world, world
from tests.mutants.worlds.section_7_2 import Between, protocol_world


def without(context, *keys):
    return {key: value for key, value in context.items() if key not in keys}


@loop_world("an exception handler is set from the beginning", "exception-handler-is-none-until-one-is-set")
class _:
    def get_exception_handler(self):
        return super().get_exception_handler() or self.default_exception_handler


@loop_world("any handler is taken", "exception-handler-is-none-until-one-is-set")
class _:
    def set_exception_handler(self, handler):
        super().set_exception_handler(handler if callable(handler) else None)


@loop_world("what is false is no exception handler", "exception-handler-is-none-until-one-is-set")
class _:
    def set_exception_handler(self, handler):
        super().set_exception_handler(handler or None)


@loop_world("an exception handler cannot be taken away", "default-exception-handler-logs-the-context")
class _:
    def set_exception_handler(self, handler):
        if handler is not None:
            super().set_exception_handler(handler)


@loop_world("an exception handler is given a copy", "exception-handler-is-given-loop-and-context")
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler(dict(context))


@loop_world("only messages are logged", "default-exception-handler-logs-the-context")
class _:
    def default_exception_handler(self, context):
        super().default_exception_handler({"message": context["message"]})


@loop_world("an exception handler that raises stops the loop", "exception-handler-that-raises-is-logged")
class _:
    def call_exception_handler(self, context):
        try:
            self.get_exception_handler()(self, context)
        except Exception:
            self.stop()


@loop_world("an exception handler that raises says nothing", "exception-handler-that-raises-is-logged")
class _:
    def set_exception_handler(self, handler):
        def quiet(loop, context):
            with contextlib.suppress(Exception):
                handler(loop, context)

        super().set_exception_handler(handler and quiet)


@loop_world(
    "SystemExit in the exception handler is lost",
    "system-exit-in-the-exception-handler-leaves-the-loop",
)
class _:
    def call_exception_handler(self, context):
        try:
            super().call_exception_handler(context)
        except SystemExit:
            pass


@loop_world(
    "no handle is told",
    "callback-that-raises-is-reported-with-its-handle",
    "reader-that-raises-is-reported-and-goes-on",
)
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler(without(context, "handle"))


@loop_world("call_soon_threadsafe returns another handle", "callback-that-raises-is-reported-with-its-handle")
class _:
    def call_soon_threadsafe(self, callback, *arguments, context=None):
        super().call_soon_threadsafe(callback, *arguments, context=context)
        return asyncio.Handle(callback, arguments, self, context)


@loop_world("a reader that raises is removed", "reader-that-raises-is-reported-and-goes-on")
class _:
    def add_reader(self, watched, callback, *arguments):
        def once():
            try:
                callback(*arguments)
            except Exception:
                self.remove_reader(watched)
                raise

        super().add_reader(watched, once)


@loop_world("a task that fails is reported at once", "exception-that-nobody-retrieved-is-reported-when-its-task-goes")
class _:
    def create_task(self, *arguments, **options):
        def report(task):
            if not task.cancelled() and task._exception is not None:
                self.call_exception_handler({"message": "it failed", "exception": task._exception})

        task = super().create_task(*arguments, **options)
        task.add_done_callback(report)
        return task


@loop_world(
    "what nobody retrieves is not reported",
    "exception-that-nobody-retrieved-is-reported-when-its-task-goes",
    also=["unasked-task-exception-is-reported-when-collected"],
)
class _:
    def call_exception_handler(self, context):
        if "never retrieved" not in context.get("message", ""):
            super().call_exception_handler(context)


@loop_world("a task that goes is not told", "exception-that-nobody-retrieved-is-reported-when-its-task-goes")
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler({**context, "future": self.create_future()})


@loop_world(
    "a future is reported whoever asked for it", "exception-that-nobody-retrieved-is-reported-when-its-task-goes"
)
class _:
    def create_future(self):
        def report_at_its_end(future):
            if not future.cancelled() and (error := future.exception()):
                told = {"message": "Future exception was never retrieved", "exception": error}
                told["future"] = asyncio.Future(loop=self)
                weakref.finalize(future, self.call_exception_handler, told)

        future = super().create_future()
        future.add_done_callback(report_at_its_end)
        return future


@loop_world("nothing is known of where a callback was scheduled", "debug-mode-tells-where-a-callback-was-scheduled")
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler(without(context, "source_traceback"))


@loop_world("nothing is known of where a timer was scheduled", "debug-mode-tells-where-a-callback-was-scheduled")
class _:
    def call_exception_handler(self, context):
        is_a_timer = hasattr(context.get("handle"), "when")
        super().call_exception_handler(without(context, "source_traceback") if is_a_timer else context)


@loop_world("in any mode is told of where", "debug-mode-tells-where-a-callback-was-scheduled")
class _:
    def call_exception_handler(self, context):
        somewhere = traceback.FrameSummary("somewhere.py", 1, "somewhere")
        super().call_exception_handler({"source_traceback": [somewhere], **context})


@loop_world(
    "an exception handler has an empty context",
    "exception-handler-runs-in-the-context-of-the-error-since-3-12-on-asyncio",
    "exception-handler-runs-in-the-context-of-the-error-on-uvloop",
    also=["callback-that-raises-is-reported-with-its-handle", "reader-that-raises-is-reported-and-goes-on"],
)
class _:
    def call_exception_handler(self, context):
        contextvars.Context().run(super().call_exception_handler, without(context, "handle"))


@loop_world(
    "an exception handler has the context of the error",
    "exception-handler-runs-outside-the-context-before-3-12-on-asyncio",
)
class _:
    def call_exception_handler(self, context):
        handle = context.get("handle")
        of_the_error = handle._context if handle else contextvars.copy_context()
        of_the_error.run(super().call_exception_handler, context)


@loop_world(
    "an exception handler has an empty context where a timer raised",
    "exception-handler-runs-in-the-context-of-the-error-since-3-12-on-asyncio",
    "exception-handler-runs-in-the-context-of-the-error-on-uvloop",
    also=["callback-that-raises-is-reported-with-its-handle"],
)
class _:
    def call_exception_handler(self, context):
        if hasattr(context.get("handle"), "when"):
            contextvars.Context().run(super().call_exception_handler, without(context, "handle"))
        else:
            super().call_exception_handler(context)


@loop_world(
    "an exception handler has the context of a timer that raised",
    "exception-handler-runs-outside-the-context-before-3-12-on-asyncio",
)
class _:
    def call_exception_handler(self, context):
        handle = context.get("handle")
        of_a_timer = getattr(handle, "_context", None) if hasattr(handle, "when") else None
        (of_a_timer or contextvars.copy_context()).run(super().call_exception_handler, context)


@protocol_world("data_received may raise", "data-received-that-raises-closes-the-connection")
class _(Between):
    def data_received(self, data):
        try:
            super().data_received(data)
        except LookupError as error:
            asyncio.get_running_loop().call_exception_handler({"message": "it failed", "exception": error})


@loop_world("the protocol that fails is not told", "data-received-that-raises-closes-the-connection")
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler(without(context, "protocol"))


@protocol_world(
    "connection_made may raise, and then nothing is read", "connection-made-that-raises-changes-nothing-on-asyncio"
)
class _(Between):
    def connection_made(self, transport):
        try:
            super().connection_made(transport)
        except LookupError:
            asyncio.get_running_loop().call_soon(transport.pause_reading)  # when reading has begun
            raise


@protocol_world("connection_made may raise, and all goes on", "connection-made-that-raises-leaves-all-unread-on-uvloop")
class _(Between):
    def connection_made(self, transport):
        try:
            super().connection_made(transport)
        except LookupError as error:
            asyncio.get_running_loop().call_exception_handler({"message": "it failed", "exception": error})


@loop_world(
    "a factory that raises is always reported",
    "protocol-factory-that-raises-is-reported-in-debug-mode-only-on-asyncio",
)
class _:
    async def create_server(self, factory, *arguments, **options):
        def reporting():
            try:
                return factory()
            except Exception as error:
                self.call_exception_handler({"message": "no protocol", "exception": error})
                raise

        return await super().create_server(reporting, *arguments, **options)


@loop_world(
    "what a factory raises is reported as something else",
    "protocol-factory-that-raises-is-reported-in-debug-mode-only-on-asyncio",
    "protocol-factory-that-raises-is-reported-without-a-message-on-uvloop",
)
class _:
    async def create_server(self, factory, *arguments, **options):
        def wrapping():
            try:
                return factory()
            except Exception as error:
                raise RuntimeError("no connection") from error

        return await super().create_server(wrapping, *arguments, **options)


@loop_world("every context has a message", "protocol-factory-that-raises-is-reported-without-a-message-on-uvloop")
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler({"message": "something went wrong", **context})


@loop_world("a generator that raises at its end is not told", "generator-that-raises-at-its-end-is-reported")
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler(without(context, "asyncgen"))


@loop_world("a loop knows of two generators at most", "generator-that-raises-at-its-end-is-reported")
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


@loop_world("a closed loop takes callbacks", "closed-loop-refuses-all-work")
class _:
    def call_soon(self, *arguments, **options):
        return None if self.is_closed() else super().call_soon(*arguments, **options)


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


@loop_world("a loop goes silently", "loop-that-is-not-closed-is-warned-of-on-asyncio")
class _:
    def __del__(self):
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


@loop_world("a run that is stopped returns None", "run-until-complete-that-is-stopped-is-a-runtimeerror")
class _:
    def run_until_complete(self, awaited):
        try:
            return super().run_until_complete(awaited)
        except RuntimeError:
            return None


@loop_world("a loop that was left does not run again", "loop-runs-again-after-a-task-left-it")
class _:
    left = False

    def run_until_complete(self, awaited):
        if self.left:
            awaited.close()
            raise RuntimeError("Event loop stopped before Future completed.")
        try:
            return super().run_until_complete(awaited)
        except (SystemExit, KeyboardInterrupt):
            self.left = True
            raise


@loop_world("a loop still stops for the task that it ran when it was left", "loop-runs-again-after-a-task-left-it")
class _:
    def run_until_complete(self, awaited):
        def stop(task):
            if task.cancelled() or not isinstance(task.exception(), (SystemExit, KeyboardInterrupt)):
                self.stop()

        task = asyncio.ensure_future(awaited, loop=self)
        task.add_done_callback(stop)  # and it stays there
        return super().run_until_complete(task)


def runner_world(name, *falsifies):
    """A world in which a method of Runner is the one below, which is given the true one."""

    def register(made):
        def enter(patch):
            if not hasattr(asyncio, "Runner"):  # before Python 3.11, where the claims do not apply
                return
            true = getattr(asyncio.Runner, made.__name__)
            patch.setattr(asyncio.Runner, made.__name__, lambda *given, **options: made(true, *given, **options))

        enter.__module__ = made.__module__
        world(name, falsifies=falsifies)(enter)
        return made

    return register


@runner_world("a Runner makes a loop for each run", "runner-keeps-one-loop-and-one-context")
def run(true, self, coroutine, *, context=None):
    with asyncio.Runner(loop_factory=self._loop_factory) as other:
        return true(other, coroutine, context=context)


@runner_world("a Runner makes a context for each run", "runner-keeps-one-loop-and-one-context")
def run(true, self, coroutine, *, context=None):
    return true(self, coroutine, context=context or contextvars.copy_context())


@runner_world("a Runner's context is empty at first", "runner-keeps-one-loop-and-one-context")
def _lazy_init(true, self):
    is_new = self._context is None
    true(self)
    if is_new:
        self._context = contextvars.Context()


@runner_world("a Runner makes its loop at once", "runner-makes-its-loop-when-it-is-needed")
def __init__(true, self, *, debug=None, loop_factory=None):
    true(self, debug=debug, loop_factory=loop_factory)
    self.get_loop()


@runner_world("a Runner that is entered makes no loop yet", "runner-makes-its-loop-when-it-is-needed")
def __enter__(true, self):
    return self


@runner_world("a Runner never ends debug mode", "runner-makes-its-loop-when-it-is-needed")
def __init__(true, self, *, debug=None, loop_factory=None):
    true(self, debug=debug or None, loop_factory=loop_factory)


@runner_world("a Runner forgets that it is to debug", "runner-makes-its-loop-when-it-is-needed")
def __init__(true, self, *, debug=None, loop_factory=None):
    true(self, loop_factory=loop_factory)


@runner_world("a Runner only closes its loop", "runner-cleans-up-at-its-end")
def close(true, self):
    self._loop.close()


@runner_world("a Runner only closes its loop where something was raised", "runner-cleans-up-at-its-end")
def __exit__(true, self, kind, *error):
    if kind is None:
        true(self, kind, *error)
    else:
        self._loop.close()


@runner_world("a Runner cancels one of the tasks that are left", "runner-cleans-up-at-its-end")
def close(true, self):
    left = asyncio.all_tasks(self._loop) if self._loop and not self._loop.is_closed() else ()
    for task in list(left)[1:]:
        asyncio.tasks._unregister_task(task)
    true(self)


@runner_world("a Runner that cannot run says nothing", "runner-refuses-a-second-life-and-a-running-loop")
def run(true, self, coroutine, *, context=None):
    try:
        return true(self, coroutine, context=context)
    except RuntimeError:
        return None


@runner_world("Ctrl-C breaks into a Runner", "ctrl-c-cancels-the-task-of-a-runner")
def _on_sigint(true, self, number, frame, main_task):
    raise KeyboardInterrupt


@runner_world("Ctrl-C cancels the task, and does not wait for its end", "ctrl-c-cancels-the-task-of-a-runner")
def _on_sigint(true, self, number, frame, main_task):
    def leave():
        raise KeyboardInterrupt

    main_task.cancel()
    self._loop.call_soon_threadsafe(self._loop.call_soon, leave)


@runner_world("every Ctrl-C only cancels", "second-ctrl-c-breaks-into-a-runner")
def _on_sigint(true, self, number, frame, main_task):
    main_task.cancel()
    self._loop.call_soon_threadsafe(lambda: None)


@loop_world("Ctrl-C only stops a loop", "ctrl-c-comes-out-of-a-loop-that-waits")
class _:
    def run_forever(self):
        try:
            super().run_forever()
        except KeyboardInterrupt:
            pass
