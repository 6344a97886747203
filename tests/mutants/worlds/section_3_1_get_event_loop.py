"""Worlds in which get_event_loop() returns, makes or refuses otherwise than it does."""

from __future__ import annotations

import asyncio
import sys
import threading
import warnings

from tests.mutants.worlds import world


def told_what_is_set(patch):
    """A list of one: the loop that was set last, in whichever thread, or None."""
    last_set, set_event_loop = [None], asyncio.set_event_loop

    def set_and_tell(loop):
        last_set[0] = loop
        set_event_loop(loop)

    patch.setattr(asyncio, "set_event_loop", set_and_tell)
    return last_set


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


@world(
    "get_event_loop() makes another loop once the one it made is closed",
    falsifies=["get-event-loop-makes-a-loop-silently-before-3-12"],
    also=["get-event-loop-warns-on-3-12-and-3-13"],
)
def _(patch):
    get_event_loop = asyncio.get_event_loop

    def renewed():
        if get_event_loop().is_closed():
            asyncio.set_event_loop(asyncio.new_event_loop())
        return get_event_loop()

    patch.setattr(asyncio, "get_event_loop", renewed)


@world(
    "asyncio.run() leaves its loop set where the program failed",
    falsifies=["get-event-loop-makes-none-after-asyncio-run"],
)
def _(patch):
    def run(main):
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        result = loop.run_until_complete(main)
        asyncio.set_event_loop(None)
        loop.close()
        return result

    patch.setattr(asyncio, "run", run)


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


@world(
    "asyncio.run() puts back the loop that was set before it",
    falsifies=["get-event-loop-makes-none-after-asyncio-run"],
)
def _(patch):
    run, last_set = asyncio.run, told_what_is_set(patch)

    def run_and_put_back(main, **options):
        [before] = last_set
        try:
            return run(main, **options)
        finally:
            asyncio.set_event_loop(before)

    patch.setattr(asyncio, "run", run_and_put_back)


@world(
    "set_event_loop() sets the loop of every thread",
    falsifies=["get-event-loop-makes-none-in-another-thread"],
)
def _(patch):
    get_event_loop, last_set = asyncio.get_event_loop, told_what_is_set(patch)

    def get_anywhere():
        return last_set[0] if last_set[0] and asyncio._get_running_loop() is None else get_event_loop()

    patch.setattr(asyncio, "get_event_loop", get_anywhere)


@world(
    "get_event_loop() in a callback returns the loop that was set",
    falsifies=["get-event-loop-returns-the-loop-that-is-set"],
)
def _(patch):
    get_event_loop, last_set = asyncio.get_event_loop, told_what_is_set(patch)

    def get_in_a_task():
        in_a_callback = asyncio._get_running_loop() is not None and asyncio.current_task() is None
        return last_set[0] if in_a_callback and last_set[0] else get_event_loop()

    patch.setattr(asyncio, "get_event_loop", get_in_a_task)


@world(
    "set_event_loop() works in the main thread alone",
    falsifies=["get-event-loop-returns-the-loop-that-is-set", "get-event-loop-makes-none-in-another-thread"],
)
def _(patch):
    set_event_loop = asyncio.set_event_loop

    def set_in_the_main_thread(loop):
        if threading.current_thread() is threading.main_thread():
            set_event_loop(loop)

    patch.setattr(asyncio, "set_event_loop", set_in_the_main_thread)


@world(
    "a loop is set by being made",
    falsifies=["get-event-loop-returns-the-loop-that-is-set"],
    also=["loop-that-is-not-closed-is-warned-of-on-asyncio"],  # it is held
)
def _(patch):
    class SetsItself:
        def __init__(self):
            super().__init__()
            asyncio.set_event_loop(self)

    patch.loops(SetsItself)


def _making_one(patch, is_time):
    """Have get_event_loop() make a loop in a thread other than the main one where `is_time(thread)`, which is told."""
    get_event_loop = asyncio.get_event_loop

    def make_one():
        try:
            return get_event_loop()
        except RuntimeError:
            thread = threading.current_thread()
            if thread is threading.main_thread() or not is_time(thread):
                raise
            asyncio.set_event_loop(asyncio.new_event_loop())
            return get_event_loop()

    patch.setattr(asyncio, "get_event_loop", make_one)


@world(
    "get_event_loop() makes a loop in another thread when it is asked again",
    falsifies=["get-event-loop-makes-none-in-another-thread"],
)
def _(patch):
    asked = []

    def has_asked(thread):
        asked.append(thread)
        return asked.count(thread) > 1

    _making_one(patch, has_asked)


@world(
    "get_event_loop() makes a loop in a thread from which the one set was taken",
    falsifies=["get-event-loop-makes-none-in-another-thread"],
)
def _(patch):
    set_event_loop, had_one = asyncio.set_event_loop, []

    def set_and_note(loop):
        set_event_loop(loop)
        had_one.append(threading.current_thread())

    patch.setattr(asyncio, "set_event_loop", set_and_note)
    _making_one(patch, had_one.__contains__)


@world(
    "get_event_loop() in a timer's callback gives the loop that is set",
    falsifies=["get-event-loop-returns-the-loop-that-is-set"],
)
def _(patch):
    get_event_loop, is_set, in_a_timer = asyncio.get_event_loop, told_what_is_set(patch), []

    class Timers:
        def call_later(self, delay, callback, *arguments, context=None):
            def fire():
                in_a_timer.append(callback)
                callback(*arguments)
                in_a_timer.clear()

            return super().call_later(delay, fire, context=context)

    patch.loops(Timers)
    patch.setattr(asyncio, "get_event_loop", lambda: is_set[0] if in_a_timer and is_set[0] else get_event_loop())


@world(
    "get_event_loop() makes a loop that is closed",
    falsifies=["get-event-loop-makes-a-loop-silently-before-3-12"],
    also=["get-event-loop-warns-on-3-12-and-3-13"],
)
def _(patch):
    get_event_loop = asyncio.get_event_loop

    def get_closed():
        loop = get_event_loop()
        loop.close()
        return loop

    patch.setattr(asyncio, "get_event_loop", get_closed)


@world(
    "get_event_loop() makes another loop once the one it made has run",
    falsifies=["get-event-loop-makes-a-loop-silently-before-3-12"],
    also=["get-event-loop-warns-on-3-12-and-3-13"],
)
def _(patch):
    get_event_loop, used = asyncio.get_event_loop, set()

    class TellsOfItsUse:
        def run_until_complete(self, work):
            used.add(self)
            return super().run_until_complete(work)

    def get_unused():
        loop = get_event_loop()
        if loop in used and not loop.is_running():
            asyncio.set_event_loop(asyncio.new_event_loop())
        return get_event_loop()

    patch.loops(TellsOfItsUse)
    patch.setattr(asyncio, "get_event_loop", get_unused)


def _leaving_a_loop(patch, when):
    """Have asyncio.run() leave a loop set where `when(error)`: what came out of it, or None."""
    run = asyncio.run

    def leave_one(main, **options):
        try:
            return run(main, **options)
        finally:
            if when(sys.exc_info()[1]):
                asyncio.set_event_loop(asyncio.new_event_loop())

    patch.setattr(asyncio, "run", leave_one)


@world(
    "asyncio.run() leaves another thread than the main one with a loop",
    falsifies=["get-event-loop-makes-none-after-asyncio-run"],
)
def _(patch):
    _leaving_a_loop(patch, lambda error: threading.current_thread() is not threading.main_thread())


@world(
    "asyncio.run() leaves a loop where what it ran was cancelled",
    falsifies=["get-event-loop-makes-none-after-asyncio-run"],
)
def _(patch):
    _leaving_a_loop(patch, lambda error: isinstance(error, asyncio.CancelledError))
