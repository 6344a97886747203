"""Worlds in which a future's result, exception or callbacks come to nothing, too early or otherwise than they do."""

from __future__ import annotations

import asyncio
import types

from tests.mutants.worlds import world
from tests.mutants.worlds.section_3_5 import futures_are, tasks_are


@world(
    "a future that fails or is cancelled wakes nobody",
    falsifies=["task-waits-through-the-future-it-gets", "set-result-ends-the-wait-with-that-value"],
)
def _(patch):
    class WakesForAResult(asyncio.Future):
        def set_exception(self, exception):
            self.lose_callbacks()
            super().set_exception(exception)

        def cancel(self, msg=None):
            self.lose_callbacks()
            return super().cancel(msg)

        def lose_callbacks(self):
            for callback, _ in list(self._callbacks or []):
                self.remove_done_callback(callback)

    futures_are(patch, WakesForAResult)


@world(
    "the wait for a future gives no value",
    falsifies=["set-result-ends-the-wait-with-that-value", "future-set-by-a-task-prints-its-value"],
)
def _(patch):
    class Valueless(asyncio.Future):
        def __await__(self):
            yield from super().__await__()

    futures_are(patch, Valueless)


@world("set_result(None) is no result", falsifies=["set-result-ends-the-wait-with-that-value"])
def _(patch):
    class WantsAValue(asyncio.Future):
        def set_result(self, result):
            if result is not None:
                super().set_result(result)

    futures_are(patch, WantsAValue)


@world("an exception set as a result is raised", falsifies=["set-result-ends-the-wait-with-that-value"])
def _(patch):
    class RaisesItsResult(asyncio.Future):
        def set_result(self, result):
            if isinstance(result, Exception):
                self.set_exception(result)
            else:
                super().set_result(result)

    futures_are(patch, RaisesItsResult)


@world("a future set as a result is waited for", falsifies=["set-result-ends-the-wait-with-that-value"])
def _(patch):
    class Promise(asyncio.Future):
        def set_result(self, result):
            if asyncio.isfuture(result):
                result.add_done_callback(lambda done: self.set_result(done.result()))
            else:
                super().set_result(result)

    futures_are(patch, Promise)


@world("an exception set on a future is raised once", falsifies=["set-result-ends-the-wait-with-that-value"])
def _(patch):
    class RaisesOnce(asyncio.Future):
        raised = False

        def __await__(self):
            try:
                return (yield from super().__await__())
            except Exception:
                if not self.raised:
                    self.raised = True
                    raise

    futures_are(patch, RaisesOnce)


@world(
    "an exception set on a future is raised in those alone who wait by then",
    falsifies=["set-result-ends-the-wait-with-that-value"],
)
def _(patch):
    class FailsThoseWhoWait(asyncio.Future):
        def __await__(self):
            comes_late = self.done()
            try:
                return (yield from super().__await__())
            except Exception:
                if not comes_late:
                    raise

    futures_are(patch, FailsThoseWhoWait)


@world("an exception set on a future is the value of the wait", falsifies=["set-result-ends-the-wait-with-that-value"])
def _(patch):
    class NeverRaising(asyncio.Future):
        def set_exception(self, exception):
            self.set_result(exception)

    futures_are(patch, NeverRaising)


@world("a pending future has the result None", falsifies=["unset-future-refuses-result"])
def _(patch):
    class NoneYet(asyncio.Future):
        def result(self):
            return super().result() if self.done() else None

    futures_are(patch, NoneYet)


@world("a second result is let pass", falsifies=["future-result-is-set-only-once"])
def _(patch):
    class Lenient(asyncio.Future):
        def set_result(self, result):
            if not self.done():
                super().set_result(result)

    futures_are(patch, Lenient)


@world("a future whose result is None has none yet", falsifies=["future-result-is-set-only-once"])
def _(patch):
    class NoneIsNoResult(asyncio.Future):
        def set_result(self, result):
            if not self.done() or self.exception() or self.result() is not None:
                super().set_result(result)

    futures_are(patch, NoneIsNoResult)


@world("the same result is let pass once more", falsifies=["future-result-is-set-only-once"])
def _(patch):
    class TheSameAgain(asyncio.Future):
        def set_result(self, result):
            if not self.done() or self.exception() or self.result() != result:
                super().set_result(result)

    futures_are(patch, TheSameAgain)


@world(
    "set_result runs callbacks and waiters inside",
    falsifies=["set-result-resumes-the-waiter-later", "done-callback-is-called-later-with-the-future"],
)
def _(patch):
    class Immediate(asyncio.Future):
        def __init__(self, *, loop):
            super().__init__(loop=loop)
            self.waiting = []

        def add_done_callback(self, callback, *, context=None):
            if self.done():
                super().add_done_callback(callback, context=context)
            else:
                self.waiting.append(callback)

        def set_result(self, result):
            super().set_result(result)
            self.tell()

        def set_exception(self, exception):
            super().set_exception(exception)
            self.tell()

        def cancel(self, msg=None):
            return super().cancel(msg) and self.tell()

        def tell(self):
            loop, outer = self.get_loop(), asyncio.current_task(self.get_loop())
            if outer:  # one task cannot be entered inside another
                asyncio.tasks._leave_task(loop, outer)
            for callback in self.waiting:
                callback(self)
            if outer:
                asyncio.tasks._enter_task(loop, outer)
            return True

    futures_are(patch, Immediate)


@world("set_exception runs callbacks inside", falsifies=["done-callback-is-called-later-with-the-future"])
def _(patch):
    class ImmediatelyFailing(asyncio.Future):
        def set_exception(self, exception):
            # Not the tasks that wait: one cannot be entered inside another.
            callbacks = [one for one, _ in self._callbacks or [] if isinstance(one, types.FunctionType)]
            for callback in callbacks:
                self.remove_done_callback(callback)
            super().set_exception(exception)
            for callback in callbacks:
                callback(self)

    futures_are(patch, ImmediatelyFailing)


@world(
    "a callback added to a done future runs at once",
    falsifies=["done-callback-is-called-later-with-the-future", "done-callbacks-run-in-the-order-they-were-added"],
)
def _(patch):
    class Eager(asyncio.Future):
        def add_done_callback(self, callback, *, context=None):
            if self.done():
                callback(self)
            else:
                super().add_done_callback(callback, context=context)

    futures_are(patch, Eager)


@world(
    "a callback added to a future that failed or was cancelled runs at once",
    falsifies=["done-callback-is-called-later-with-the-future"],
)
def _(patch):
    class EagerOnceFailed(asyncio.Future):
        def add_done_callback(self, callback, *, context=None):
            if self.cancelled() or (self.done() and self.exception()):
                callback(self)
            else:
                super().add_done_callback(callback, context=context)

    futures_are(patch, EagerOnceFailed)


@world("a callback gets the result, not the future", falsifies=["done-callback-is-called-later-with-the-future"])
def _(patch):
    class Telling(asyncio.Future):
        def add_done_callback(self, callback, *, context=None):
            if isinstance(callback, types.FunctionType):  # not the tasks that wait: they would not understand it
                told, callback = callback, lambda future: told(future.result())
            super().add_done_callback(callback, context=context)

    futures_are(patch, Telling)


class LastInFirstOut:
    """For a kind of future to mix in: its callbacks run in the opposite order."""

    def add_done_callback(self, callback, *, context=None):
        earlier = self._callbacks or []
        for one, _ in earlier:
            self.remove_done_callback(one)
        super().add_done_callback(callback, context=context)
        for one, its_context in earlier:
            super().add_done_callback(one, context=its_context)


@world("callbacks run last in, first out", falsifies=["done-callbacks-run-in-the-order-they-were-added"])
def _(patch):
    class Reversed(LastInFirstOut, asyncio.Future):
        pass

    futures_are(patch, Reversed)


@world(
    "callbacks of a future that fails run last in, first out",
    falsifies=["done-callbacks-run-in-the-order-they-were-added"],
)
def _(patch):
    class FailsBackwards(asyncio.Future):
        def set_exception(self, exception):
            callbacks = list(self._callbacks or [])
            for callback, _ in callbacks:
                self.remove_done_callback(callback)
            for callback, context in reversed(callbacks):
                self.add_done_callback(callback, context=context)
            super().set_exception(exception)

    futures_are(patch, FailsBackwards)


@world("a future that is done can be cancelled", falsifies=["future-result-is-set-only-once"])
def _(patch):
    class CancelledAfterwards(asyncio.Future):
        gone = False

        def cancel(self, msg=None):
            self.gone = self.done()
            return self.gone or super().cancel(msg)

        def result(self):
            if self.gone:
                raise asyncio.CancelledError
            return super().result()

    futures_are(patch, CancelledAfterwards)


@world("a second result takes the place of the first", falsifies=["future-result-is-set-only-once"])
def _(patch):
    class Changing(asyncio.Future):
        def set_result(self, result):
            if not self.done():
                super().set_result(result)
            self.newest = result

        def result(self):
            return self.newest if self.done() else super().result()

    futures_are(patch, Changing)


@world("a result after an exception is let pass", falsifies=["future-result-is-set-only-once"])
def _(patch):
    class Forgiving(asyncio.Future):
        def set_result(self, result):
            if not (self.done() and self.exception()):
                super().set_result(result)

    futures_are(patch, Forgiving)


@world("the result of a pending future is a cancellation", falsifies=["unset-future-refuses-result"])
def _(patch):
    class Cancelling(asyncio.Future):
        def result(self):
            if not self.done():
                raise asyncio.CancelledError
            return super().result()

    futures_are(patch, Cancelling)


@world("who waits for a future is queued a turn too late", falsifies=["set-result-resumes-the-waiter-later"])
def _(patch):
    class ATurnTooLate(asyncio.Future):
        def add_done_callback(self, callback, *, context=None):
            def too_late(future):
                self.get_loop().call_soon(callback, future, context=context)

            super().add_done_callback(too_late)

    futures_are(patch, ATurnTooLate)


@world("a second result is refused and takes the place of the first", falsifies=["future-result-is-set-only-once"])
def _(patch):
    class Changing(asyncio.Future):
        def set_result(self, result):
            self.newest = result
            super().set_result(result)

        def result(self):
            return self.newest if self.done() else super().result()

    futures_are(patch, Changing)


@world("a pending task has the result None", falsifies=["unset-future-refuses-result"])
def _(patch):
    class NoneYet(asyncio.Task):
        def result(self):
            return super().result() if self.done() else None

    tasks_are(patch, NoneYet)


@world("a callback added to a done task runs at once", falsifies=["done-callback-is-called-later-with-the-future"])
def _(patch):
    class Eager(asyncio.Task):
        def add_done_callback(self, callback, *, context=None):
            if self.done():
                callback(self)
            else:
                super().add_done_callback(callback, context=context)

    tasks_are(patch, Eager)


@world("callbacks of a task run last in, first out", falsifies=["done-callbacks-run-in-the-order-they-were-added"])
def _(patch):
    class Reversed(LastInFirstOut, asyncio.Task):
        pass

    tasks_are(patch, Reversed)


@world("a callback that raises is the last", falsifies=["done-callbacks-run-in-the-order-they-were-added"])
def _(patch):
    class GivesUp(asyncio.Future):
        has_failed = False

        def add_done_callback(self, callback, *, context=None):
            def call(future):
                if not self.has_failed:
                    self.has_failed = True
                    callback(future)
                    self.has_failed = False

            super().add_done_callback(call, context=context)

    futures_are(patch, GivesUp)


@world(
    "callbacks added to a done future run last in, first out",
    falsifies=["done-callbacks-run-in-the-order-they-were-added"],
)
def _(patch):
    class LateOnesBackwards(asyncio.Future):
        late = ()

        def add_done_callback(self, callback, *, context=None):
            if self.done():
                self.late = [*self.late, callback]
                super().add_done_callback(lambda future: future.late.pop()(future), context=context)
            else:
                super().add_done_callback(callback, context=context)

    futures_are(patch, LateOnesBackwards)


@world("who waits for a task polls it, on whichever loop", falsifies=["future-belongs-to-one-loop"])
def _(patch):
    class Polled(asyncio.Task):
        def __await__(self):
            while not self.done():
                yield
            return self.result()

    tasks_are(patch, Polled)


@world("set_result resumes all but the first who wait inside", falsifies=["set-result-resumes-the-waiter-later"])
def _(patch):
    class ImmediateButForOne(asyncio.Future):
        def set_result(self, result):
            others = list(self._callbacks or [])[1:]
            for callback, _ in others:
                self.remove_done_callback(callback)
            super().set_result(result)
            for callback, context in others:
                context.run(callback, self)

    futures_are(patch, ImmediateButForOne)


@world("a false result is None to who waits", falsifies=["set-result-ends-the-wait-with-that-value"])
def _(patch):
    class TrueOrNone(asyncio.Future):
        def __await__(self):
            return (yield from super().__await__()) or None

    futures_are(patch, TrueOrNone)


@world("a result that is a tuple of one is that one", falsifies=["set-result-ends-the-wait-with-that-value"])
def _(patch):
    class Unpacks(asyncio.Future):
        def __await__(self):
            value = yield from super().__await__()
            return value[0] if isinstance(value, tuple) and len(value) == 1 else value

    futures_are(patch, Unpacks)


@world("an exception cancels those who wait", falsifies=["set-result-ends-the-wait-with-that-value"])
def _(patch):
    class Cancels(asyncio.Future):
        def set_exception(self, exception):
            if self._callbacks:
                self.cancel()
            else:
                super().set_exception(exception)

    futures_are(patch, Cancels)


@world("set_result(None) resumes those who wait inside", falsifies=["set-result-resumes-the-waiter-later"])
def _(patch):
    class ImmediateForNone(asyncio.Future):
        def set_result(self, result):
            waiting = list(self._callbacks or []) if result is None else []
            for callback, _ in waiting:
                self.remove_done_callback(callback)
            super().set_result(result)
            for callback, context in waiting:
                context.run(callback, self)

    futures_are(patch, ImmediateForNone)


@world("a future that is waited for belongs to whichever loop runs", falsifies=["future-belongs-to-one-loop"])
def _(patch):
    class Shared(asyncio.Future):
        def get_loop(self):
            return asyncio.get_running_loop() if self._callbacks else super().get_loop()

    futures_are(patch, Shared)


@world("a future whose loop runs belongs to any that runs", falsifies=["future-belongs-to-one-loop"])
def _(patch):
    class Lent(asyncio.Future):
        def get_loop(self):
            own = super().get_loop()
            return asyncio.get_running_loop() if own.is_running() else own

    futures_are(patch, Lent)


class _Second:
    """For a kind of future to mix in: its second callback is changed."""

    count = 0

    def add_done_callback(self, callback, *, context=None):
        self.count += 1
        super().add_done_callback(self.changed(callback) if self.count == 2 else callback, context=context)


@world("the second callback gets the future twice", falsifies=["done-callback-is-called-later-with-the-future"])
def _(patch):
    class Twice(_Second, asyncio.Future):
        def changed(self, callback):
            return lambda future: callback(future, future)

    futures_are(patch, Twice)


@world("the second callback gets a copy of the future", falsifies=["done-callback-is-called-later-with-the-future"])
def _(patch):
    class Copied(_Second, asyncio.Future):
        def changed(self, callback):
            return lambda _future: callback(asyncio.Future(loop=self.get_loop()))

    futures_are(patch, Copied)


@world("a callback that another one adds runs at once", falsifies=["done-callback-is-called-later-with-the-future"])
def _(patch):
    class EagerOutsideTasks(asyncio.Future):
        def add_done_callback(self, callback, *, context=None):
            if self.done() and asyncio.current_task(self.get_loop()) is None:
                callback(self)
            else:
                super().add_done_callback(callback, context=context)

    futures_are(patch, EagerOutsideTasks)


@world(
    "a callback with a context of its own, added to a done future, runs at once",
    falsifies=["done-callback-is-called-later-with-the-future"],
)
def _(patch):
    class EagerInAContext(asyncio.Future):
        def add_done_callback(self, callback, *, context=None):
            if self.done() and context is not None:
                context.run(callback, self)
            else:
                super().add_done_callback(callback, context=context)

    futures_are(patch, EagerInAContext)


class _Turning:
    """For a kind of future to mix in: `turn_round()` puts its callbacks in the opposite order."""

    def turn_round(self):
        callbacks = list(self._callbacks or [])
        for callback, _ in callbacks:
            super().remove_done_callback(callback)
        for callback, context in reversed(callbacks):
            super().add_done_callback(callback, context=context)


@world("the fifth callback turns all round", falsifies=["done-callbacks-run-in-the-order-they-were-added"])
def _(patch):
    class ForFour(_Turning, asyncio.Future):
        def add_done_callback(self, callback, *, context=None):
            super().add_done_callback(callback, context=context)
            if len(self._callbacks or []) == 5:
                self.turn_round()

    futures_are(patch, ForFour)


@world(
    "a callback that is removed turns the others round", falsifies=["done-callbacks-run-in-the-order-they-were-added"]
)
def _(patch):
    class TurnedByRemoval(_Turning, asyncio.Future):
        def remove_done_callback(self, callback):
            removed = super().remove_done_callback(callback)
            self.turn_round()
            return removed

    futures_are(patch, TurnedByRemoval)


@world("who comes late to a result gets None", falsifies=["set-result-ends-the-wait-with-that-value"])
def _(patch):
    class ForThoseWhoWait(asyncio.Future):
        def __await__(self):
            comes_late = self.done()
            value = yield from super().__await__()
            return None if comes_late else value

    futures_are(patch, ForThoseWhoWait)


@world("an exception that was raised before is another", falsifies=["set-result-ends-the-wait-with-that-value"])
def _(patch):
    class WantsNewOnes(asyncio.Future):
        def set_exception(self, exception):
            was_raised = getattr(exception, "__traceback__", None)
            super().set_exception(type(exception)(*exception.args) if was_raised else exception)

    futures_are(patch, WantsNewOnes)


@world("what is no Exception cancels a future", falsifies=["set-result-ends-the-wait-with-that-value"])
def _(patch):
    class WantsAnException(asyncio.Future):
        def set_exception(self, exception):
            if isinstance(exception, BaseException) and not isinstance(exception, Exception):
                self.cancel()
            else:
                super().set_exception(exception)

    futures_are(patch, WantsAnException)


@world("the second who asks on another loop waits for a future", falsifies=["future-belongs-to-one-loop"])
def _(patch):
    class RefusesOnce(asyncio.Future):
        refused = False

        def __await__(self):
            elsewhere = not self.done() and self.get_loop() is not asyncio.get_running_loop()
            while elsewhere and self.refused and not self.done():
                yield
            self.refused = self.refused or elsewhere
            return (yield from super().__await__())

    futures_are(patch, RefusesOnce)
