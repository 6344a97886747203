"""Section 3.5, asyncio.Future: what it is beside a task, and what waiting for a bare one comes to."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import types
import weakref

import pytest

from fixtures.claims import claim
from fixtures.completions import however_it_is_completed
from fixtures.errors import exactly
from fixtures.garbage import collect
from fixtures.threads import SOON
from fixtures.trace import turn, until


@claim("task-is-a-subclass-of-future")
async def test_every_task_is_a_future():
    async def work():
        return None

    task = asyncio.get_running_loop().create_task(work())

    assert issubclass(asyncio.Task, asyncio.Future)
    assert isinstance(task, asyncio.Task)
    assert isinstance(task, asyncio.Future)
    await task


@claim("task-refuses-set-result-and-set-exception")
async def test_a_task_refuses_set_result_and_set_exception_before_its_coroutine_starts_while_it_waits_and_afterwards():
    waited_for = asyncio.get_running_loop().create_future()

    async def work():
        await turn()
        return await waited_for

    def set_from_outside():
        with exactly(RuntimeError, match="set_result"):
            task.set_result("from outside")
        with exactly(RuntimeError, match="set_exception"):
            task.set_exception(ValueError("from outside"))

    task = asyncio.get_running_loop().create_task(work())
    for _ in range(2):
        set_from_outside()
        assert not task.done()
        await turn()
    set_from_outside()  # now it waits for a future
    await turn()
    assert not task.done() and not waited_for.done()

    waited_for.set_result("the coroutine's own")
    await until(task.done, "what the coroutine waits for is done, but its task is not")
    assert task.exception() is None
    set_from_outside()
    assert task.result() == "the coroutine's own"


@claim("task-waits-through-the-future-it-gets")
@however_it_is_completed
async def test_a_coroutine_hands_its_task_the_future_it_waits_for_and_is_woken_once_when_that_is_done(trace, complete):
    @types.coroutine
    def watched(awaitable):
        steps = awaitable.__await__()
        while True:
            try:
                handed_out = next(steps)
            except StopIteration as end:
                return end.value
            trace(handed_out)
            try:
                yield handed_out
            finally:
                trace("woken")

    loop = asyncio.get_running_loop()
    future = loop.create_future()

    async def wait():
        await watched(future)

    task = loop.create_task(wait())
    for _ in range(50):
        await turn()
    assert trace.steps == [future]

    loop.call_soon(complete, future)
    await until(task.done, "the future is done, but its task has not been woken")
    assert trace.steps == [future, "woken"]
    with contextlib.suppress(LookupError, asyncio.CancelledError):
        await task  # an exception that nobody asks for is logged


@claim("task-waits-through-the-future-it-gets")
@however_it_is_completed
async def test_a_task_gives_each_future_that_it_waits_for_a_callback_and_is_woken_by_that_alone(trace, complete):
    class KeepsItsCallbacks(asyncio.Future):
        """Calls nobody when it is done."""

        callbacks = ()

        def add_done_callback(self, callback, *, context=None):
            self.callbacks += (callback,)

    async def wait():
        for future in futures:
            with contextlib.suppress(LookupError, asyncio.CancelledError):
                await future
            trace("woken")

    loop = asyncio.get_running_loop()
    futures = [KeepsItsCallbacks(loop=loop), KeepsItsCallbacks(loop=loop)]
    task = loop.create_task(wait())
    for woken, future in enumerate(futures, 1):
        await turn()
        complete(future)
        for _ in range(50):
            await turn()
        assert len(trace.steps) == woken - 1

        [wake] = future.callbacks
        loop.call_soon(wake, future)
        await until(lambda woken=woken: len(trace.steps) == woken, "the callback was called, but nobody has been woken")
    await task


@claim("get-running-loop-gives-the-running-loop")
def test_get_running_loop_gives_the_loop_that_runs_and_raises_outside(new_loop):
    async def ask():
        await until(lambda: len(in_a_callback) == 4, "not every callback was called")
        return asyncio.get_running_loop()

    async def fail():
        raise LookupError

    def ask_in_a_callback(*_future):
        in_a_callback.append(asyncio.get_running_loop())

    first, second, in_a_callback = new_loop(), new_loop(), []

    with exactly(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()
    first.call_soon(ask_in_a_callback)
    first.call_soon_threadsafe(ask_in_a_callback)
    first.call_later(0, ask_in_a_callback)
    done = first.create_future()
    done.add_done_callback(ask_in_a_callback)
    done.set_result(None)
    assert first.run_until_complete(ask()) is first
    assert in_a_callback == [first] * 4
    assert second.run_until_complete(ask()) is second
    with pytest.raises(LookupError):
        second.run_until_complete(fail())
    with exactly(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()


@claim("get-running-loop-gives-the-running-loop")
def test_get_running_loop_raises_though_a_loop_is_set_that_does_not_run(new_loop):
    asyncio.set_event_loop(new_loop())
    try:
        with exactly(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
    finally:
        asyncio.set_event_loop(None)


@claim("get-running-loop-gives-the-running-loop")
async def test_get_running_loop_raises_in_another_thread_while_the_loop_runs(trace):
    def ask():
        with exactly(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        trace("refused")

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert trace.steps == ["refused"]


@claim("create-future-gives-an-asyncio-future-on-both-loops")
@pytest.mark.parametrize("debug", [False, True])
def test_create_future_gives_an_asyncio_future_of_that_loop_each_time_whether_or_not_it_runs(new_loop, debug):
    async def make():
        return [loop.create_future() for _ in range(3)]

    loop = new_loop()
    loop.set_debug(debug)
    futures = [loop.create_future(), *loop.run_until_complete(make()), loop.create_future()]

    assert [type(future) for future in futures] == [asyncio.Future] * 5
    assert [future.get_loop() is loop for future in futures] == [True] * 5


@claim("bare-future-is-not-a-task")
async def test_a_bare_future_is_no_task_runs_nothing_and_is_not_among_the_tasks_nor_when_a_task_waits_for_it(
    monkeypatch,
):
    async def wait():
        await future

    loop, scheduled = asyncio.get_running_loop(), []
    tasks_before = asyncio.all_tasks()
    with monkeypatch.context() as meanwhile:
        for method in ("call_soon", "call_later", "call_at"):
            meanwhile.setattr(loop, method, lambda *call, **_options: scheduled.append(call))
        future = loop.create_future()
    assert scheduled == []

    assert isinstance(future, asyncio.Future)
    assert not isinstance(future, asyncio.Task)
    assert not hasattr(future, "get_coro")
    assert asyncio.all_tasks() == asyncio.all_tasks(loop) == tasks_before

    waiter = asyncio.create_task(wait())
    await turn()
    assert isinstance(waiter, asyncio.Future)
    assert asyncio.all_tasks() == asyncio.all_tasks(loop) == {*tasks_before, waiter}

    future.set_result(None)
    await waiter
    assert asyncio.all_tasks() == asyncio.all_tasks(loop) == tasks_before


@claim("waiting-for-a-bare-future-never-ends")
async def test_a_bare_future_and_who_waits_for_it_stay_pending_though_the_loop_goes_round_and_time_passes(trace):
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    async def wait():
        trace("waits")
        await future
        trace("goes on")

    waiters = [asyncio.create_task(wait()), asyncio.create_task(wait())]
    for _ in range(200):
        await turn()
    end = loop.time() + 0.002
    while loop.time() < end:
        await turn()
    for _ in range(3):  # in which a timer that is due by then runs
        await turn()

    assert not future.done()
    assert [waiter.done() for waiter in waiters] == [False, False]
    assert trace.steps == ["waits"] * 2

    for waiter in waiters:
        waiter.cancel()
        await until(waiter.done, "who waits for a bare future cannot be cancelled")


@claim("task-waiting-on-an-unheld-future-may-be-collected")
async def test_a_task_that_nobody_holds_is_collected_while_it_waits_for_a_future_that_nobody_holds(trace):
    loop = asyncio.get_running_loop()
    reported = []
    loop.set_exception_handler(lambda _loop, context: reported.append(context["message"]))

    async def wait():
        trace("waits")
        await loop.create_future()
        trace("goes on")

    task = weakref.ref(loop.create_task(wait()))
    await until(lambda: trace.steps == ["waits"], "the task does not wait")
    collect()
    assert task() is None
    assert trace.steps == ["waits"]
    assert reported == ["Task was destroyed but it is pending!"]


@claim("task-waiting-on-an-unheld-future-may-be-collected")
async def test_a_task_that_nobody_holds_stays_while_it_waits_for_a_future_that_is_held(trace):
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    async def wait():
        trace("waits")
        await future
        trace("goes on")

    task = weakref.ref(loop.create_task(wait()))
    await until(lambda: trace.steps == ["waits"], "the task does not wait")
    collect()
    assert task() is not None

    future.set_result(None)
    await until(lambda: trace.steps == ["waits", "goes on"], "the task was not woken")


@claim("task-waiting-on-an-unheld-future-may-be-collected")
def test_the_main_task_is_held_by_the_loop_that_runs_it(new_loop, trace):
    loop = new_loop()
    left = []

    def look_after(main_task):
        collect()
        trace("collected" if main_task() is None else "held")
        left.append(main_task())
        loop.stop()  # nothing else ends this wait

    async def main():
        loop.call_soon(look_after, weakref.ref(asyncio.current_task()))
        await loop.create_future()

    async def a_few_turns():
        for _ in range(3):
            await turn()

    with exactly(RuntimeError, match="stopped before Future completed"):
        loop.run_until_complete(main())
    loop.run_until_complete(a_few_turns())  # in which it would end, had it been told to

    assert trace.steps == ["held"]
    assert not left[0].done()
    left[0].cancel()  # no claim leaves a task that waits
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(left[0])


@claim("program-on-a-bare-future-hangs-until-interrupted")
def test_a_program_that_awaits_a_bare_future_hangs_without_a_word_until_ctrl_c(program):
    ended = program(f"""
        import asyncio, os, signal, threading, time

        def press_ctrl_c(task):
            print("ctrl-c once main is done" if task.done() else "ctrl-c while main waits", flush=True)
            signal.raise_signal(signal.SIGINT)

        def watch(loop, task):
            for _ in range(5):  # each time the loop wakes from doing nothing, and falls idle again
                time.sleep(0.001)  # or it may not be idle yet
                woken = threading.Event()
                loop.call_soon_threadsafe(woken.set)
                if not woken.wait({SOON}):
                    print("the loop sleeps on", flush=True)
                    os._exit(1)
            loop.call_soon_threadsafe(press_ctrl_c, task)

        async def main():
            loop = asyncio.get_running_loop()
            future = loop.create_future()
            threading.Thread(target=watch, args=[loop, asyncio.current_task()], daemon=True).start()
            print("waits", flush=True)
            await future
            print("goes on")

        asyncio.run(main())
    """)

    assert ended.lines == ["waits", "ctrl-c while main waits"]
    assert ended.stderr.startswith("Traceback "), "something is reported beside the exception"
    assert ended.error == "KeyboardInterrupt"
    assert ended.status != 0
