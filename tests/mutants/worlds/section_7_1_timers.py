"""Worlds in which claims of section 7.1 about timers of any event loop are false."""

from __future__ import annotations

import asyncio
import functools

from tests.mutants.worlds import loop_world, world
from tests.mutants.worlds.section_4 import world_of_uvloop

try:
    import uvloop
except ImportError:
    uvloop = None
from tests.mutants.worlds.section_7_1 import Proxy, Scheduling


@world("timers run in the order of their making", falsifies=["timers-run-in-the-order-of-their-deadlines"])
def _(patch):
    class InOrder:
        latest = 0.0

        def call_at(self, when, callback, *arguments, context=None):
            if type(callback).__name__ == "Trace":
                InOrder.latest = when = max(when, InOrder.latest + 0.002)
            return super().call_at(when, callback, *arguments, context=context)

    patch.loops(InOrder)


@loop_world("timers of call_later run in the order of their making", "timers-run-in-the-order-of-their-deadlines")
class _(Scheduling):
    latest = 0.0

    def call_later(self, delay, callback, *arguments, context=None):
        if self.is_ours(callback):
            self.latest = delay = max(delay, self.latest + 0.002)
        return super().call_later(delay, callback, *arguments, context=context)


@world(
    "timers that are due together run in the order of their making",
    falsifies=["timers-run-in-the-order-of-their-deadlines"],
)
def _(patch):
    class Together(Scheduling):
        def call_at(self, when, callback, *arguments, context=None):
            if not self.is_ours(callback):
                return super().call_at(when, callback, *arguments, context=context)
            made = vars(self).setdefault("made", [])

            def due():
                for timer in [timer for timer in made if timer[0] <= self.time()]:
                    made.remove(timer)
                    timer[1](*timer[2])

            made.append((when, callback, arguments))
            return super().call_at(when, due, context=context)

    patch.loops(Together)


@loop_world(
    "timers run in the order of their making where that was before the loop ran",
    "timers-run-in-the-order-of-their-deadlines",
)
class _(Scheduling):
    latest = 0.0

    def call_at(self, when, callback, *arguments, context=None):
        if self.is_ours(callback) and not self.is_running():
            self.latest = when = max(when, self.latest + 0.002)
        return super().call_at(when, callback, *arguments, context=context)

    def call_later(self, delay, callback, *arguments, context=None):
        if self.is_ours(callback) and not self.is_running():
            when = self.time() + delay
            self.latest = max(when, self.latest + 0.002)
            delay += self.latest - when
        return super().call_later(delay, callback, *arguments, context=context)


@world(
    "deadlines are rounded to milliseconds",
    falsifies=["timer-handle-tells-the-deadline-it-was-given-on-asyncio"],
)
def _(patch):
    patch.setattr(asyncio.TimerHandle, "when", lambda self: round(self._when, 3))


@loop_world("a deadline that has passed is now", "timer-handle-tells-the-deadline-it-was-given-on-asyncio")
class _:
    def call_at(self, when, callback, *arguments, context=None):
        return super().call_at(max(when, self.time()), callback, *arguments, context=context)


@loop_world("when() is a float of whatever number", "timer-handle-tells-the-deadline-it-was-given-on-asyncio")
class _:
    def call_at(self, when, callback, *arguments, context=None):
        return super().call_at(float(when), callback, *arguments, context=context)


@world_of_uvloop(
    "uvloop's timers tell the deadline they were given",
    falsifies=["timer-handle-tells-whole-milliseconds-on-uvloop"],
)
def _(patch):
    class Exact(uvloop.Loop):
        def call_at(self, when, callback, *arguments, context=None):
            handle = Proxy(super().call_at(when, callback, *arguments, context=context))
            handle.when = lambda: when
            return handle

    patch.uvloop_makes(Exact)


@world_of_uvloop("uvloop's timers tell whole seconds", falsifies=["timer-handle-tells-whole-milliseconds-on-uvloop"])
def _(patch):
    class Coarse(uvloop.Loop):
        def call_at(self, when, callback, *arguments, context=None):
            handle = Proxy(super().call_at(when, callback, *arguments, context=context))
            handle.when = lambda: float(int(when))
            return handle

    patch.uvloop_makes(Coarse)


@world_of_uvloop(
    "uvloop's timers tell the deadline they were given where that is within a second",
    falsifies=["timer-handle-tells-whole-milliseconds-on-uvloop"],
)
def _(patch):
    class ExactWhereNear(uvloop.Loop):
        def call_at(self, when, callback, *arguments, context=None):
            handle = Proxy(super().call_at(when, callback, *arguments, context=context))
            if when < self.time() + 1:
                handle.when = lambda: when
            return handle

    patch.uvloop_makes(ExactWhereNear)


@world_of_uvloop(
    "uvloop's timers tell a millisecond too much", falsifies=["timer-handle-tells-whole-milliseconds-on-uvloop"]
)
def _(patch):
    class Late(uvloop.Loop):
        def call_at(self, when, callback, *arguments, context=None):
            handle = Proxy(super().call_at(when, callback, *arguments, context=context))
            handle.when = lambda: handle.handle.when() + 0.001
            return handle

    patch.uvloop_makes(Late)


@world_of_uvloop(
    "uvloop's timers tell a deadline that is counted from when they are asked",
    falsifies=["timer-handle-tells-whole-milliseconds-on-uvloop"],
)
def _(patch):
    class Moving(uvloop.Loop):
        def call_at(self, when, callback, *arguments, context=None):
            delay = when - self.time()
            handle = Proxy(super().call_at(when, callback, *arguments, context=context))
            handle.when = lambda: round(self.time() + delay, 3)
            return handle

    patch.uvloop_makes(Moving)


@loop_world("a timer that is due before the loop runs waits for a moment", "timer-that-is-due-already-runs-at-once")
class _:
    def call_later(self, delay, *arguments, **options):
        is_late = delay < 0 and not self.is_running()
        return super().call_later(0.05 if is_late else delay, *arguments, **options)

    def call_at(self, when, *arguments, **options):
        is_late = when < self.time() and not self.is_running()
        return super().call_at(self.time() + 0.05 if is_late else when, *arguments, **options)


@loop_world("a timer that is due already lets the others go on for two turns", "timer-that-is-due-already-runs-at-once")
class _:
    def call_later(self, delay, callback, *arguments, **options):
        if delay < 0:
            last, passes = functools.partial(callback, *arguments), self.call_soon
            return super().call_later(delay, passes, passes, last, **options)
        return super().call_later(delay, callback, *arguments, **options)


@loop_world("a deadline of 0 is none", "timer-that-is-due-already-runs-at-once")
class _:
    def call_at(self, when, *arguments, **options):
        return super().call_at(when or self.time() + 0.05, *arguments, **options)


@loop_world("a negative delay is refused", "timer-that-is-due-already-runs-at-once")
class _:
    def call_later(self, delay, *arguments, **options):
        if delay < 0:
            raise ValueError("a delay must be non-negative")
        return super().call_later(delay, *arguments, **options)


@world("a timer that is due already waits for its next time", falsifies=["timer-that-is-due-already-runs-at-once"])
def _(patch):
    class Late:
        def call_later(self, delay, *arguments, **options):
            return super().call_later(delay if delay >= 0 else 1000, *arguments, **options)

        def call_at(self, when, *arguments, **options):
            return super().call_at(when if when >= self.time() else when + 1000, *arguments, **options)

    patch.loops(Late)


@loop_world("a timer that is due already waits for a moment", "timer-that-is-due-already-runs-at-once")
class _:
    def call_later(self, delay, *arguments, **options):
        return super().call_later(delay if delay >= 0 else 0.05, *arguments, **options)

    def call_at(self, when, *arguments, **options):
        return super().call_at(when if when >= self.time() else self.time() + 0.05, *arguments, **options)


@loop_world("a delay that is negative by little is waited for", "timer-that-is-due-already-runs-at-once")
class _:
    def call_later(self, delay, *arguments, **options):
        return super().call_later(delay + 0.2 if -0.1 < delay < 0 else delay, *arguments, **options)
