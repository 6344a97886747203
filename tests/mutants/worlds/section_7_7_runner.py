"""Worlds in which claims of section 7.7, asyncio.Runner and Ctrl-C, are false."""

from __future__ import annotations

import asyncio
import contextvars

from tests.mutants.worlds import loop_world, world


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


@runner_world("a Runner keeps the context that it was told once", "runner-keeps-one-loop-and-one-context")
def run(true, self, coroutine, *, context=None):
    value = true(self, coroutine, context=context)
    self._context = self._context if context is None else context
    return value


@runner_world("a Runner copies the context that it is told", "runner-keeps-one-loop-and-one-context")
def run(true, self, coroutine, *, context=None):
    return true(self, coroutine, context=None if context is None else context.copy())


@runner_world("a Runner copies a context that is not empty", "runner-keeps-one-loop-and-one-context")
def run(true, self, coroutine, *, context=None):
    return true(self, coroutine, context=context.copy() if context else context)


@runner_world("a Runner has another context once a run has failed", "runner-keeps-one-loop-and-one-context")
def run(true, self, coroutine, *, context=None):
    try:
        return true(self, coroutine, context=context)
    except Exception:
        self._context = contextvars.copy_context()
        raise


@runner_world("a Runner makes another loop when it is entered late", "runner-makes-its-loop-when-it-is-needed")
def __enter__(true, self):
    if self._loop is not None and self._loop_factory is not None:
        self._loop_factory()
    return true(self)


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


@world("a Runner that is closed by hand only closes its loop", falsifies=["runner-cleans-up-at-its-end"])
def _(patch):
    if hasattr(asyncio, "Runner"):  # since Python 3.11; the claim applies from there on
        close = asyncio.Runner.close
        patch.setattr(asyncio.Runner, "__exit__", lambda self, *error: close(self))
        patch.setattr(asyncio.Runner, "close", lambda self: self._loop.close())


@runner_world("a Runner cancels what is left and does not wait for it", "runner-cleans-up-at-its-end")
def close(true, self):
    for task in asyncio.all_tasks(self._loop) if self._loop else ():
        task.cancel()
        asyncio.tasks._unregister_task(task)
    true(self)


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


@runner_world("a Runner that has run may run within another loop", "runner-refuses-a-second-life-and-a-running-loop")
def run(true, self, coroutine, *, context=None):
    running = asyncio._get_running_loop()
    if self._loop is None or running is self._loop:
        return true(self, coroutine, context=context)
    asyncio._set_running_loop(None)
    try:
        return true(self, coroutine, context=context)
    finally:
        asyncio._set_running_loop(running)


@runner_world("a Runner may be entered again", "runner-refuses-a-second-life-and-a-running-loop")
def __exit__(true, self, *error):
    true(self, *error)
    self.__init__(loop_factory=self._loop_factory)


@runner_world("Ctrl-C is KeyboardInterrupt, however the task ends", "ctrl-c-cancels-the-task-of-a-runner")
def run(true, self, coroutine, *, context=None):
    try:
        return true(self, coroutine, context=context)
    finally:
        if self._interrupt_count:
            raise KeyboardInterrupt


@runner_world("Ctrl-C breaks into a Runner", "ctrl-c-cancels-the-task-of-a-runner")
def _on_sigint(true, self, number, frame, main_task):
    raise KeyboardInterrupt


@runner_world("Ctrl-C cancels the task, and does not wait for its end", "ctrl-c-cancels-the-task-of-a-runner")
def _on_sigint(true, self, number, frame, main_task):
    def leave():
        raise KeyboardInterrupt

    main_task.cancel()
    self._loop.call_soon_threadsafe(self._loop.call_soon, leave)


@runner_world("a Ctrl-C of an earlier run counts as the first", "ctrl-c-cancels-the-task-of-a-runner")
def _on_sigint(true, self, number, frame, main_task):
    self.interrupts = getattr(self, "interrupts", 0) + 1
    self._interrupt_count = self.interrupts - 1
    true(self, number, frame, main_task)


@runner_world("every Ctrl-C only cancels", "second-ctrl-c-breaks-into-a-runner")
def _on_sigint(true, self, number, frame, main_task):
    main_task.cancel()
    self._loop.call_soon_threadsafe(lambda: None)


class Interrupted:
    """A loop that runs on after a Ctrl-C that `is_lost()`."""

    timers = interrupts = 0

    def call_later(self, *arguments, **options):
        self.timers += 1
        return super().call_later(*arguments, **options)

    def run_forever(self):
        try:
            super().run_forever()
        except KeyboardInterrupt:
            self.interrupts += 1
            if not self.is_lost():
                raise


@loop_world("a second Ctrl-C only stops a loop", "ctrl-c-comes-out-of-a-loop-that-waits")
class _(Interrupted):
    def is_lost(self):
        return self.interrupts == 2


@loop_world("Ctrl-C only stops a loop that has a timer", "ctrl-c-comes-out-of-a-loop-that-waits")
class _(Interrupted):
    def is_lost(self):
        return self.timers > 0


@loop_world("Ctrl-C only stops a loop", "ctrl-c-comes-out-of-a-loop-that-waits")
class _:
    def run_forever(self):
        try:
            super().run_forever()
        except KeyboardInterrupt:
            pass
