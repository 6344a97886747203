"""Worlds in which claims of section 7.1, callbacks and timers of any event loop, are false."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import copy
import inspect
import threading
import types

from fixtures.trace import Trace
from tests.mutants.worlds import loop_world, world
from tests.mutants.worlds.section_4 import world_of_uvloop

try:
    import uvloop
except ImportError:
    uvloop = None


class Scheduling:
    """A loop all of whose ways to schedule a callback go through `changed(callback, arguments, context)`."""

    def changed(self, callback, arguments, context):
        return callback, arguments, context

    def is_ours(self, callback):
        """Whether a callback is a claim's own, and not the library's: a step of a task, or what its futures call."""
        is_of_a_test = isinstance(callback, types.FunctionType) and callback.__module__.startswith("test_")
        return is_of_a_test or isinstance(callback, Trace) or callback is print

    def through(self, schedule, first, callback, arguments, context):
        if self.is_ours(callback):
            callback, arguments, context = self.changed(callback, arguments, context)
        return schedule(*first, callback, *arguments, context=context)

    def call_soon(self, callback, *arguments, context=None):
        return self.through(super().call_soon, (), callback, arguments, context)

    def call_soon_threadsafe(self, callback, *arguments, context=None):
        return self.through(super().call_soon_threadsafe, (), callback, arguments, context)

    def call_later(self, delay, callback, *arguments, context=None):
        return self.through(super().call_later, (delay,), callback, arguments, context)


@world(
    "a callback is called while it is scheduled",
    falsifies=["callback-gets-its-arguments-on-a-later-pass", "callback-runs-in-the-context-it-was-scheduled-in"],
)
def _(patch):
    class AtOnce(Scheduling):
        def changed(self, callback, arguments, context):
            callback(*arguments)
            return (lambda: None), (), context

    patch.loops(AtOnce)


@world(
    "a callback is called while it is scheduled where the loop does not run",
    falsifies=["callback-gets-its-arguments-on-a-later-pass"],
)
def _(patch):
    class AtOnce(Scheduling):
        def changed(self, callback, arguments, context):
            if self.is_running():
                return callback, arguments, context
            callback(*arguments)
            return (lambda: None), (), context

    patch.loops(AtOnce)


@world("a callback is called twice", falsifies=["callback-gets-its-arguments-on-a-later-pass"])
def _(patch):
    class Twice(Scheduling):
        def changed(self, callback, arguments, context):
            return (lambda: (callback(*arguments), callback(*arguments))), (), context

    patch.loops(Twice)


@world("a callback's arguments are lost", falsifies=["callback-gets-its-arguments-on-a-later-pass"])
def _(patch):
    class Forgetful(Scheduling):
        def changed(self, callback, arguments, context):
            return callback, arguments[:1], context

    patch.loops(Forgetful)


@world("what is scheduled twice alike is called once", falsifies=["callback-gets-its-arguments-on-a-later-pass"])
def _(patch):
    class Merging(Scheduling):
        def changed(self, callback, arguments, context):
            due = vars(self).setdefault("due", set())
            if (callback, arguments) in due:
                return (lambda: None), (), context
            due.add((callback, arguments))
            return (lambda: (due.remove((callback, arguments)), callback(*arguments))), (), context

    patch.loops(Merging)


class Within(Scheduling):
    """A loop that knows whether it is within a callback, and what the context was when that began."""

    within = None

    def calling(self, callback, arguments):
        self.within = contextvars.copy_context()
        try:
            callback(*arguments)
        finally:
            self.within = None


@world(
    "a callback that a callback schedules is called at once", falsifies=["callback-gets-its-arguments-on-a-later-pass"]
)
def _(patch):
    class AtOnce(Within):
        def changed(self, callback, arguments, context):
            if self.within is None:
                return self.calling, (callback, arguments), context
            callback(*arguments)
            return (lambda: None), (), context

    patch.loops(AtOnce)


@world(
    "a callback that a callback schedules runs in the context which that began with",
    falsifies=["callback-runs-in-the-context-it-was-scheduled-in"],
)
def _(patch):
    class Stale(Within):
        def changed(self, callback, arguments, context):
            context = self.within.copy() if context is None and self.within is not None else context
            return self.calling, (callback, arguments), context

    patch.loops(Stale)


@loop_world("a callback of another thread runs in an empty context", "callback-runs-in-the-context-it-was-scheduled-in")
class _(Scheduling):
    def call_soon_threadsafe(self, callback, *arguments, context=None):
        if context is None and threading.current_thread() is not threading.main_thread():
            context = contextvars.Context()
        return super().call_soon_threadsafe(callback, *arguments, context=context)


@world("a callback runs in an empty context", falsifies=["callback-runs-in-the-context-it-was-scheduled-in"])
def _(patch):
    class Nowhere(Scheduling):
        def changed(self, callback, arguments, context):
            return callback, arguments, contextvars.Context() if context is None else context

    patch.loops(Nowhere)


@world("the context that is given is not heeded", falsifies=["callback-runs-in-the-context-it-is-given"])
def _(patch):
    class Heedless(Scheduling):
        def changed(self, callback, arguments, context):
            return callback, arguments, None

    patch.loops(Heedless)


@world("an empty context that is given is not heeded", falsifies=["callback-runs-in-the-context-it-is-given"])
def _(patch):
    class Heedless(Scheduling):
        def changed(self, callback, arguments, context):
            return callback, arguments, context or None

    patch.loops(Heedless)


@world("a callback runs in a copy of the context given", falsifies=["callback-runs-in-the-context-it-is-given"])
def _(patch):
    class Copying(Scheduling):
        def changed(self, callback, arguments, context):
            return callback, arguments, context and context.copy()

    patch.loops(Copying)


@loop_world(
    "call_at has an empty context",
    "callback-runs-in-the-context-it-was-scheduled-in",
    "callback-runs-in-the-context-it-is-given",
)
class _:
    is_within = False  # call_later(), which goes through call_at() on asyncio

    def call_at(self, when, callback, *arguments, context=None):
        context = context if self.is_within else contextvars.Context()
        return super().call_at(when, callback, *arguments, context=context)

    def call_later(self, delay, callback, *arguments, context=None):
        self.is_within = True
        try:
            return super().call_later(delay, callback, *arguments, context=context)
        finally:
            self.is_within = False


@loop_world("call_soon_threadsafe does not heed the context given", "callback-runs-in-the-context-it-is-given")
class _:
    def call_soon_threadsafe(self, callback, *arguments, context=None):
        return super().call_soon_threadsafe(callback, *arguments)


class Proxy:
    """What a loop hands out in the place of a handle; it passes on what it is asked."""

    def __init__(self, handle):
        self.handle = handle

    def __getattr__(self, name):
        return getattr(self.handle, name)


def handing_out(kind):
    """A loop whose handles, of the claims' own callbacks, are of this kind."""

    class HandingOut(Scheduling):
        def through(self, schedule, first, callback, arguments, context):
            handle = super().through(schedule, first, callback, arguments, context)
            return kind(handle) if self.is_ours(callback) else handle

    return HandingOut


class Deaf(Proxy):
    """A handle that tells that it was cancelled, and runs all the same."""

    was_told = False

    def cancel(self):
        self.was_told = True

    def cancelled(self):
        return self.was_told


@world("a handle that is cancelled runs all the same", falsifies=["cancelled-handle-is-never-run"])
def _(patch):
    patch.loops(handing_out(Deaf))


@loop_world("a handle of call_soon_threadsafe runs though it is cancelled", "cancelled-handle-is-never-run")
class _:
    def call_soon_threadsafe(self, callback, *arguments, context=None):
        return Deaf(super().call_soon_threadsafe(callback, *arguments, context=context))


@world("a timer that is due can no longer be cancelled", falsifies=["cancelled-handle-is-never-run"])
def _(patch):
    class Late(Scheduling):
        def call_later(self, delay, callback, *arguments, context=None):
            handle = super().call_later(delay, callback, *arguments, context=context)
            if not self.is_ours(callback):
                return handle
            loop, when = self, self.time() + delay

            class Due(Deaf):
                def cancel(self):
                    super().cancel()
                    if loop.time() < when:
                        self.handle.cancel()

            return Due(handle)

    patch.loops(Late)


@world("a handle does not tell that it was cancelled", falsifies=["cancelled-handle-is-never-run"])
def _(patch):
    class Silent(Proxy):
        def cancelled(self):
            return False

    patch.loops(handing_out(Silent))


@world(
    "cancelling a handle ends what comes after it, too",
    falsifies=["cancelling-a-handle-that-has-run-changes-nothing"],
)
def _(patch):
    class Ending(Proxy):
        ended = False

        def cancel(self):
            Ending.ended = True

    class HandingOut(handing_out(Ending)):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            Ending.ended = False

        def changed(self, callback, arguments, context):
            return (lambda: None if Ending.ended else callback(*arguments)), (), context

    patch.loops(HandingOut)


@world(
    "cancelling a handle that has run cancels all of its callback",
    falsifies=["cancelling-a-handle-that-has-run-changes-nothing"],
)
def _(patch):
    class ByCallback(Proxy):
        def cancel(self):
            for handle in self.made:
                handle.cancel()

    class HandingOut(handing_out(ByCallback)):
        def through(self, schedule, first, callback, arguments, context):
            handle = super().through(schedule, first, callback, arguments, context)
            if self.is_ours(callback):
                handle.made = vars(self).setdefault("made", {}).setdefault(callback, [])
                handle.made.append(handle.handle)
            return handle

    patch.loops(HandingOut)


class Once(Proxy):
    """A handle that can be cancelled once, and not when it has run."""

    is_over = False

    def cancel(self):
        if self.is_over:
            raise RuntimeError("there is nothing to cancel")
        self.is_over = True
        self.handle.cancel()


@world("a handle can be cancelled once", falsifies=["cancelling-a-handle-that-has-run-changes-nothing"])
def _(patch):
    patch.loops(handing_out(Once))


@world("a timer that has run cannot be cancelled", falsifies=["cancelling-a-handle-that-has-run-changes-nothing"])
def _(patch):
    class HandingOut(Scheduling):
        def call_later(self, delay, callback, *arguments, context=None):
            if not self.is_ours(callback):
                return super().call_later(delay, callback, *arguments, context=context)

            def calling():
                handle.is_over = True
                callback(*arguments)

            handle = Once(super().call_later(delay, calling, context=context))
            return handle

    patch.loops(HandingOut)


@world(
    "call_soon_threadsafe does not wake the loop",
    falsifies=["call-soon-threadsafe-wakes-a-waiting-loop", "program-on-a-bare-future-hangs-until-interrupted"],
)
def _(patch):
    class Sleepy:
        def call_soon_threadsafe(self, callback, *arguments, context=None):
            vars(self).setdefault("left", []).append((callback, arguments, context))
            return asyncio.Handle(callback, arguments, self, context)

        def call_later(self, delay, callback, *arguments, context=None):
            def due():
                for left, given, its_context in vars(self).pop("left", ()):
                    self.call_soon(left, *given, context=its_context)
                callback(*arguments)

            return super().call_later(delay, due, context=context)

    patch.loops(Sleepy)


@loop_world("a loop that never had a timer is not woken", "call-soon-threadsafe-wakes-a-waiting-loop")
class _:
    had_a_timer = False

    def call_later(self, delay, callback, *arguments, context=None):
        self.had_a_timer = True
        return super().call_later(delay, callback, *arguments, context=context)

    def call_soon_threadsafe(self, callback, *arguments, context=None):
        schedule = super().call_soon_threadsafe if self.had_a_timer else self.call_soon
        return schedule(callback, *arguments, context=context)


@world("asyncio's loop hands out handles of its own", falsifies=["handles-are-asyncios-own-types-on-asyncio"])
def _(patch):
    patch.loops(handing_out(Proxy))


@loop_world("a timer without a delay is a callback", "handles-are-asyncios-own-types-on-asyncio")
class _:
    def call_later(self, delay, callback, *arguments, context=None):
        if delay <= 0:
            return self.call_soon(callback, *arguments, context=context)
        return super().call_later(delay, callback, *arguments, context=context)


class Borrowed(asyncio.TimerHandle):
    """A handle of asyncio's in front of uvloop's own."""

    def __init__(self, own, *rest):
        super().__init__(own.when(), *rest)
        self.own = own

    def cancel(self):
        self.own.cancel()
        super().cancel()


@world_of_uvloop(
    "uvloop hands out asyncio's handles",
    falsifies=["handles-are-no-asyncio-handles-on-uvloop"],
    also=["callback-that-raises-is-reported-with-its-handle"],
)
def _(patch):
    class Borrowing(uvloop.Loop):
        def call_later(self, delay, callback, *arguments, context=None):
            own = super().call_later(delay, callback, *arguments, context=context)
            return Borrowed(own, callback, arguments, self, context) if hasattr(own, "when") else own

        def _timer_handle_cancelled(self, handle):
            pass

    patch.uvloop_makes(Borrowing)


@world_of_uvloop(
    "uvloop hands out asyncio's handles before it runs", falsifies=["handles-are-no-asyncio-handles-on-uvloop"]
)
def _(patch):
    class Borrowing(uvloop.Loop):
        def call_later(self, delay, callback, *arguments, context=None):
            own = super().call_later(delay, callback, *arguments, context=context)
            is_early = hasattr(own, "when") and not self.is_running()
            return Borrowed(own, callback, arguments, self, context) if is_early else own

        def _timer_handle_cancelled(self, handle):
            pass

    patch.uvloop_makes(Borrowing)


def unchecked(taken):
    """What a loop in debug mode checks callbacks by, in which those that `taken` is true of pass."""
    check = asyncio.BaseEventLoop._check_callback
    return lambda self, callback, method: taken(callback) or check(self, callback, method)


@world(
    "call_soon takes coroutine functions in debug mode",
    falsifies=["call-soon-refuses-coroutine-functions-in-debug-mode-on-asyncio"],
    also=["asyncio-executor-gives-back-an-unrun-coroutine"],
)
def _(patch):
    patch.setattr(asyncio.BaseEventLoop, "_check_callback", unchecked(inspect.iscoroutinefunction))


@world(
    "call_soon takes methods that are coroutine functions in debug mode",
    falsifies=["call-soon-refuses-coroutine-functions-in-debug-mode-on-asyncio"],
)
def _(patch):
    taken = unchecked(lambda callback: inspect.iscoroutinefunction(callback) and hasattr(callback, "__self__"))
    patch.setattr(asyncio.BaseEventLoop, "_check_callback", taken)


class Taking:
    """A loop that in debug mode passes over what `takes` is true of, and else refuses what its like refuses."""

    def passed(self, callback, arguments=(), delay=None, context=None):
        return _passed_over if self.takes(callback, arguments, delay, context) else callback

    def call_soon(self, callback, *arguments, context=None):
        callback = self.passed(callback, arguments, context=context)
        return super().call_soon(callback, *arguments, context=context)

    def call_later(self, delay, callback, *arguments, context=None):
        callback = self.passed(callback, arguments, delay, context)
        return super().call_later(delay, callback, *arguments, context=context)


def _passed_over(*_arguments):
    pass


@loop_world(
    "coroutine functions with arguments are taken in debug mode",
    "call-soon-refuses-coroutine-functions-in-debug-mode-on-asyncio",
)
class _(Taking):
    def takes(self, callback, arguments, delay, context):
        return arguments and inspect.iscoroutinefunction(callback)


@loop_world(
    "coroutine functions are taken in debug mode before the loop runs",
    "call-soon-refuses-coroutine-functions-in-debug-mode-on-asyncio",
)
class _(Taking):
    def takes(self, callback, arguments, delay, context):
        return not self.is_running() and inspect.iscoroutinefunction(callback)


@loop_world(
    "call_later() takes coroutine functions in debug mode where there is no delay",
    "call-soon-refuses-coroutine-functions-in-debug-mode-on-asyncio",
)
class _(Taking):
    def takes(self, callback, arguments, delay, context):
        return delay is not None and delay <= 0 and inspect.iscoroutinefunction(callback)


@loop_world(
    "what is given a context is not looked at in debug mode",
    "call-soon-refuses-coroutine-functions-in-debug-mode-on-asyncio",
    "call-soon-refuses-what-cannot-be-called-in-debug-mode-on-asyncio",
)
class _(Taking):
    def takes(self, callback, arguments, delay, context):
        return context is not None and (inspect.iscoroutinefunction(callback) or not callable(callback))


@loop_world(
    "call_soon takes a coroutine, and runs it, in debug mode",
    "call-soon-refuses-what-cannot-be-called-in-debug-mode-on-asyncio",
)
class _(Taking):
    def passed(self, callback, *arguments, **options):
        return (lambda: self.create_task(callback)) if inspect.iscoroutine(callback) else callback


@world(
    "what is refused in debug mode is refused with ValueError",
    falsifies=[
        "call-soon-refuses-coroutine-functions-in-debug-mode-on-asyncio",
        "call-soon-refuses-what-cannot-be-called-in-debug-mode-on-asyncio",
    ],
    also=["asyncio-executor-gives-back-an-unrun-coroutine"],
)
def _(patch):
    check = asyncio.BaseEventLoop._check_callback

    def wrongly(self, callback, method):
        try:
            check(self, callback, method)
        except TypeError as error:
            raise ValueError(str(error)) from None

    patch.setattr(asyncio.BaseEventLoop, "_check_callback", wrongly)


@world_of_uvloop(
    "uvloop refuses coroutine functions in debug mode",
    falsifies=["call-soon-takes-coroutine-functions-even-in-debug-mode-on-uvloop"],
)
def _(patch):
    class Strict(uvloop.Loop):
        def call_soon(self, callback, *arguments, context=None):
            if self.get_debug() and inspect.iscoroutinefunction(callback):
                raise TypeError("coroutines cannot be used with call_soon()")
            return super().call_soon(callback, *arguments, context=context)

    patch.uvloop_makes(Strict)


@world_of_uvloop(
    "uvloop checks callbacks outside debug mode only",
    falsifies=[
        "call-soon-takes-coroutine-functions-even-in-debug-mode-on-uvloop",
        "call-soon-takes-what-cannot-be-called-even-in-debug-mode-on-uvloop",
    ],
)
def _(patch):
    class Strict(uvloop.Loop):
        def call_soon(self, callback, *arguments, context=None):
            if not self.get_debug() and (inspect.iscoroutinefunction(callback) or not callable(callback)):
                raise TypeError("this cannot be called")
            return super().call_soon(callback, *arguments, context=context)

    patch.uvloop_makes(Strict)


@world_of_uvloop(
    "uvloop makes a task of what a timer's coroutine function gives",
    falsifies=["call-soon-takes-coroutine-functions-even-in-debug-mode-on-uvloop"],
)
def _(patch):
    class Kind(uvloop.Loop):
        def call_later(self, delay, callback, *arguments, context=None):
            if inspect.iscoroutinefunction(callback):
                return super().call_later(delay, lambda: self.create_task(callback(*arguments)), context=context)
            return super().call_later(delay, callback, *arguments, context=context)

    patch.uvloop_makes(Kind)


def losing(*errors):
    """A loop on which nobody hears of these errors of callbacks."""

    class Losing(Scheduling):
        def changed(self, callback, arguments, context):
            def calling():
                with contextlib.suppress(*errors):
                    callback(*arguments)

            return calling, (), context

    return Losing


@world("what a callback raises is lost", falsifies=["callback-that-raises-does-not-stop-the-loop"])
def _(patch):
    patch.loops(losing(Exception))


@world("a callback that is cancelled says nothing", falsifies=["callback-that-raises-does-not-stop-the-loop"])
def _(patch):
    patch.loops(losing(asyncio.CancelledError))


@world("what a timer raises is lost", falsifies=["callback-that-raises-does-not-stop-the-loop"])
def _(patch):
    class Losing(losing(Exception)):
        def call_soon(self, callback, *arguments, context=None):
            return super(Scheduling, self).call_soon(callback, *arguments, context=context)

    patch.loops(Losing)


@world(
    "what a callback of call_soon_threadsafe raises is lost", falsifies=["callback-that-raises-does-not-stop-the-loop"]
)
def _(patch):
    class Losing(losing(Exception)):
        def call_soon(self, callback, *arguments, context=None):
            return super(Scheduling, self).call_soon(callback, *arguments, context=context)

        def call_later(self, delay, callback, *arguments, context=None):
            return super(Scheduling, self).call_later(delay, callback, *arguments, context=context)

    patch.loops(Losing)


@world(
    "what a callback raises is lost where it is no Exception", falsifies=["callback-that-raises-does-not-stop-the-loop"]
)
def _(patch):
    class Losing(Scheduling):
        def changed(self, callback, arguments, context):
            def calling():
                try:
                    callback(*arguments)
                except (Exception, asyncio.CancelledError, SystemExit, KeyboardInterrupt):
                    raise
                except BaseException:
                    return

            return calling, (), context

    patch.loops(Losing)


@world(
    "SystemExit and Ctrl-C in a callback are lost", falsifies=["system-exit-and-ctrl-c-in-a-callback-leave-the-loop"]
)
def _(patch):
    patch.loops(losing(SystemExit, KeyboardInterrupt))


@loop_world(
    "a loop that SystemExit or Ctrl-C has left is still the running one",
    "system-exit-and-ctrl-c-in-a-callback-leave-the-loop",
)
class _:
    def run_forever(self):
        try:
            super().run_forever()
        except (SystemExit, KeyboardInterrupt):
            asyncio._set_running_loop(self)
            raise

    def close(self):
        asyncio._set_running_loop(None)
        super().close()


@world(
    "call_soon takes what cannot be called in debug mode",
    falsifies=["call-soon-refuses-what-cannot-be-called-in-debug-mode-on-asyncio"],
)
def _(patch):
    patch.setattr(asyncio.BaseEventLoop, "_check_callback", unchecked(lambda callback: not callable(callback)))


@world(
    "None can be called in debug mode",
    falsifies=["call-soon-refuses-what-cannot-be-called-in-debug-mode-on-asyncio"],
)
def _(patch):
    patch.setattr(asyncio.BaseEventLoop, "_check_callback", unchecked(lambda callback: callback is None))


@loop_world("call_later takes None in debug mode", "call-soon-refuses-what-cannot-be-called-in-debug-mode-on-asyncio")
class _(Taking):
    def takes(self, callback, arguments, delay, context):
        return delay is not None and callback is None


@loop_world(
    "what is neither None nor a text can be called in debug mode",
    "call-soon-refuses-what-cannot-be-called-in-debug-mode-on-asyncio",
)
class _(Taking):
    def takes(self, callback, arguments, delay, context):
        return not (callback is None or isinstance(callback, str) or callable(callback))


@world_of_uvloop(
    "uvloop refuses None and coroutines",
    falsifies=["call-soon-takes-what-cannot-be-called-even-in-debug-mode-on-uvloop"],
)
def _(patch):
    class Strict(uvloop.Loop):
        def call_soon(self, callback, *arguments, context=None):
            if callback is None or inspect.iscoroutine(callback):
                raise TypeError("a callable object was expected by call_soon()")
            return super().call_soon(callback, *arguments, context=context)

    patch.uvloop_makes(Strict)


@world_of_uvloop(
    "uvloop reports at once what cannot be called",
    falsifies=["call-soon-takes-what-cannot-be-called-even-in-debug-mode-on-uvloop"],
)
def _(patch):
    class Hasty(uvloop.Loop):
        def call_soon(self, callback, *arguments, context=None):
            if not callable(callback):
                error = TypeError(f"{type(callback).__name__!r} object is not callable")
                self.call_exception_handler({"message": "Exception in callback", "exception": error})
                callback = _passed_over
            return super().call_soon(callback, *arguments, context=context)

    patch.uvloop_makes(Hasty)


@world_of_uvloop(
    "uvloop refuses what cannot be called in debug mode",
    falsifies=["call-soon-takes-what-cannot-be-called-even-in-debug-mode-on-uvloop"],
)
def _(patch):
    class Strict(uvloop.Loop):
        def call_soon(self, callback, *arguments, context=None):
            if self.get_debug() and not callable(callback):
                raise TypeError("a callable object was expected by call_soon()")
            return super().call_soon(callback, *arguments, context=context)

    patch.uvloop_makes(Strict)


@world_of_uvloop(
    "uvloop's timers pass over what cannot be called",
    falsifies=["call-soon-takes-what-cannot-be-called-even-in-debug-mode-on-uvloop"],
)
def _(patch):
    class Lenient(uvloop.Loop):
        def call_later(self, delay, callback, *arguments, context=None):
            callback = callback if callable(callback) else lambda *_: None
            return super().call_later(delay, callback, *arguments, context=context)

    patch.uvloop_makes(Lenient)


@loop_world("a callback that is given a context runs twice", "callback-gets-its-arguments-on-a-later-pass")
class _(Scheduling):
    def changed(self, callback, arguments, context):
        if context is not None:
            asyncio.get_running_loop().call_soon(callback, *arguments)
        return callback, arguments, context


@loop_world("what one callback sets the next one sees", "callback-runs-in-the-context-it-was-scheduled-in")
class _(Scheduling):
    def through(self, schedule, first, callback, arguments, context):
        if self.is_ours(callback) and schedule.__name__ != "call_soon_threadsafe":
            copies = vars(self).setdefault("copies", {})
            context = context or copies.setdefault(schedule.__name__, contextvars.copy_context())
        return super().through(schedule, first, callback, arguments, context)


class HandleAround:
    """A handle that stands before the loop's own."""

    def __init__(self, handle, again):
        self.handle, self.again = handle, again

    def __getattr__(self, name):
        return getattr(self.handle, name)

    def cancel(self):
        if self.handle.cancelled():
            self.again()
        self.handle.cancel()


@loop_world("a handle that is cancelled twice is run", "cancelled-handle-is-never-run")
class _(Scheduling):
    def through(self, schedule, first, callback, arguments, context):
        handle = super().through(schedule, first, callback, arguments, context)
        return HandleAround(handle, lambda: callback(*arguments)) if self.is_ours(callback) else handle


@loop_world("call_soon_threadsafe makes the call where it is", "call-soon-threadsafe-wakes-a-waiting-loop")
class _:
    def call_soon_threadsafe(self, callback, *arguments, context=None):
        callback(*arguments)
        return super().call_soon_threadsafe(int)


@loop_world(
    "of a thread's calls that the loop has not seen yet one is made", "call-soon-threadsafe-wakes-a-waiting-loop"
)
class _:
    is_due = False

    def call_soon_threadsafe(self, callback, *arguments, context=None):
        if threading.current_thread() is threading.main_thread():
            return super().call_soon_threadsafe(callback, *arguments, context=context)

        def calling():
            self.is_due = False
            callback(*arguments)

        is_first, self.is_due = not self.is_due, True
        return super().call_soon_threadsafe(calling if is_first else int)


@loop_world(
    "an error in a callback stops the loop",
    "callback-that-raises-does-not-stop-the-loop",
    breaks_much="a run that is stopped in its middle ends what any claim does",
)
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler(context)
        self.stop()


@loop_world("CancelledError in a callback leaves the loop", "callback-that-raises-does-not-stop-the-loop")
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler(context)
        if isinstance(context.get("exception"), asyncio.CancelledError):
            raise SystemExit


@loop_world("SystemExit in a callback comes out as RuntimeError", "system-exit-and-ctrl-c-in-a-callback-leave-the-loop")
class _:
    def run_forever(self):
        try:
            super().run_forever()
        except SystemExit as error:
            raise RuntimeError("a callback has left the loop") from error


@loop_world("a callback that returns something is called again", "callback-gets-its-arguments-on-a-later-pass")
class _(Scheduling):
    def changed(self, callback, arguments, context):
        def calling():
            if callback(*arguments):
                callback(*arguments)

        return calling, (), context


@loop_world("a callback that raises is called again", "callback-gets-its-arguments-on-a-later-pass")
class _(Scheduling):
    def changed(self, callback, arguments, context):
        def calling():
            try:
                callback(*arguments)
            except Exception:
                callback(*arguments)

        return calling, (), context


@loop_world("a tuple that is the only argument is taken for all of them", "callback-gets-its-arguments-on-a-later-pass")
class _(Scheduling):
    def changed(self, callback, arguments, context):
        if len(arguments) == 1 and isinstance(arguments[0], tuple):
            (arguments,) = arguments
        return callback, arguments, context


@loop_world("a callback is given copies", "callback-gets-its-arguments-on-a-later-pass")
class _(Scheduling):
    def changed(self, callback, arguments, context):
        return callback, [copy.copy(argument) for argument in arguments], context


@loop_world(
    "what a callback schedules runs in the context of that one, and in no copy",
    "callback-runs-in-the-context-it-was-scheduled-in",
)
class _(Scheduling):
    within = None

    def changed(self, callback, arguments, context):
        context = context or self.within or contextvars.copy_context()

        def calling():
            self.within = context
            try:
                callback(*arguments)
            finally:
                self.within = None

        return calling, (), context


@world("a handle tells only on a later pass that it was cancelled", falsifies=["cancelled-handle-is-never-run"])
def _(patch):
    class Slow(Proxy):
        tells = False

        def cancel(self):
            self.handle.cancel()
            asyncio.get_running_loop().call_soon(setattr, self, "tells", True)

        def cancelled(self):
            return self.tells

    patch.loops(handing_out(Slow))


@world(
    "a handle that is cancelled twice tells that it is not",
    falsifies=["cancelling-a-handle-that-has-run-changes-nothing"],
    also=["cancelled-handle-is-never-run"],
)
def _(patch):
    class Toggling(Proxy):
        is_cancelled = False

        def cancel(self):
            self.handle.cancel()
            self.is_cancelled = not self.is_cancelled

        def cancelled(self):
            return self.is_cancelled

    patch.loops(handing_out(Toggling))


@world_of_uvloop(
    "uvloop refuses methods that are coroutine functions in debug mode",
    falsifies=["call-soon-takes-coroutine-functions-even-in-debug-mode-on-uvloop"],
)
def _(patch):
    class Strict(uvloop.Loop):
        def call_soon(self, callback, *arguments, context=None):
            if self.get_debug() and inspect.ismethod(callback) and inspect.iscoroutinefunction(callback):
                raise TypeError("coroutines cannot be used with call_soon()")
            return super().call_soon(callback, *arguments, context=context)

    patch.uvloop_makes(Strict)


@loop_world(
    "an error is reported once",
    "callback-that-raises-does-not-stop-the-loop",
    also=[
        "loop-holds-its-tasks-weakly",
        "loop-runs-until-it-is-stopped",
        "reader-that-raises-is-reported-and-goes-on",
    ],
)
class _:
    def call_exception_handler(self, context):
        reported = vars(self).setdefault("reported", [])
        if context.get("exception") not in reported:
            reported.append(context.get("exception"))
            super().call_exception_handler(context)


class Leaving(Scheduling):
    """A loop that SystemExit and Ctrl-C in a callback only stop where `is_lost(error)`."""

    def changed(self, callback, arguments, context):
        def calling():
            try:
                callback(*arguments)
            except (SystemExit, KeyboardInterrupt) as error:
                if not self.is_lost(error):
                    raise
                self.stop()

        return calling, (), context


@loop_world("SystemExit of 0 only stops the loop", "system-exit-and-ctrl-c-in-a-callback-leave-the-loop")
class _(Leaving):
    def is_lost(self, error):
        return isinstance(error, SystemExit) and error.code == 0


@loop_world("kinds of SystemExit only stop the loop", "system-exit-and-ctrl-c-in-a-callback-leave-the-loop")
class _(Leaving):
    def is_lost(self, error):
        return type(error) not in (SystemExit, KeyboardInterrupt)


@loop_world(
    "SystemExit and Ctrl-C in a timer only stop the loop", "system-exit-and-ctrl-c-in-a-callback-leave-the-loop"
)
class _(Leaving):
    def call_soon(self, callback, *arguments, context=None):
        return super(Scheduling, self).call_soon(callback, *arguments, context=context)

    def is_lost(self, error):
        return True
