"""How an event loop goes on and what ends it: `stop`, `run_forever`, `run_until_complete`, and an idle loop."""

import asyncio
import queue
import threading

import pytest

from fixtures.claims import claim
from fixtures.errors import error_of
from fixtures.trace import PATIENCE, turn

SOME_TURNS = 50


class StillRunning(KeyboardInterrupt):
    """Leaves a loop that does not stop: an ordinary exception in a callback stays inside the loop."""


def watch(loop, turns=PATIENCE):
    """Leave the loop when it still runs after so many turns."""
    if not turns:
        raise StillRunning
    loop.call_soon(watch, loop, turns - 1)


def run_until_stopped(loop, from_now=True):
    """`loop.run_forever()`, or AssertionError when the loop still runs `PATIENCE` turns from now, or from `watch()`."""
    if from_now:
        watch(loop)
    try:
        loop.run_forever()
    except StillRunning:
        raise AssertionError(f"the loop was stopped and still ran {PATIENCE} turns later") from None


@claim("loop-runs-until-it-is-stopped")
def test_an_event_loop_runs_what_is_ready_over_and_over_until_it_is_stopped_each_time_it_runs(new_loop, trace):
    loop, error, reported = new_loop(), LookupError("in a callback"), []
    loop.set_exception_handler(lambda _loop, context: reported.append(context["exception"]))

    def fail():
        raise error

    def again():
        trace("ran")
        if len(trace.steps) % SOME_TURNS == 0:
            loop.stop()
        else:
            loop.call_soon(again)

    for times in (1, 2):
        loop.call_soon(fail)
        loop.call_soon(again)
        assert trace.steps == ["ran"] * SOME_TURNS * (times - 1)

        run_until_stopped(loop)

        assert reported == [error] * times
        assert trace.steps == ["ran"] * SOME_TURNS * times
    assert not loop.is_running()
    assert not loop.is_closed()


@claim("loop-runs-until-it-is-stopped")
def test_an_event_loop_that_is_stopped_before_it_runs_runs_what_is_ready_and_ends(new_loop, trace):
    loop = new_loop()
    loop.call_soon(trace, "ran")
    loop.stop()

    run_until_stopped(loop)

    assert trace.steps == ["ran"]


@claim("loop-runs-until-it-is-stopped")
def test_an_event_loop_is_stopped_by_a_timer_and_by_a_task_as_well(new_loop, trace):
    async def stop():
        loop.stop()

    loop, tasks = new_loop(), []
    for schedule_a_stop in (lambda: loop.call_later(0, loop.stop), lambda: tasks.append(loop.create_task(stop()))):
        schedule_a_stop()
        run_until_stopped(loop)
        trace("stopped")

    assert trace.steps == ["stopped"] * 2
    assert [task.done() for task in tasks] == [True]


def queue_a_stop_between_callbacks(loop, trace):
    """Queue three callbacks in one pass, `stop` after the first; each of the next two passes is queued by the last."""

    def in_the_next_pass():
        trace("next pass")
        loop.call_soon(trace, "the pass after")

    def in_this_pass():
        trace("this pass")
        loop.call_soon(in_the_next_pass)

    loop.call_soon(in_this_pass)
    loop.call_soon(loop.stop)
    loop.call_soon(loop.stop)  # which is the same stop, and no second one
    loop.call_soon(in_this_pass)
    loop.call_soon(in_this_pass)


@claim("stop-ends-after-the-current-pass-on-asyncio")
def test_stop_lets_the_current_pass_finish_and_leaves_what_it_queued_for_the_next_run(new_loop, trace):
    loop = new_loop()
    queue_a_stop_between_callbacks(loop, trace)

    run_until_stopped(loop)
    assert trace.steps == ["this pass"] * 3

    loop.call_soon(loop.stop)
    run_until_stopped(loop)
    assert trace.steps == ["this pass"] * 3 + ["next pass"] * 3

    trace.steps.clear()
    loop.call_soon(loop.call_soon, trace, "another pass later")
    loop.stop()  # of a loop that does not run: the first pass of the next run is the current one
    run_until_stopped(loop)
    assert trace.steps == ["the pass after"] * 3


@claim("stop-ends-after-the-current-pass-on-asyncio")
def test_stop_in_a_task_lets_the_tasks_and_callbacks_of_the_current_pass_finish_and_no_more(new_loop, trace):
    async def stop():
        trace("stop")
        loop.stop()

    async def two_steps():
        trace("this pass")
        await turn()
        trace("next pass")

    loop = new_loop()
    loop.call_soon(trace, "this pass")
    tasks = [loop.create_task(each) for each in (two_steps(), stop(), two_steps())]
    loop.call_soon(trace, "this pass")
    run_until_stopped(loop)
    assert trace.steps == ["this pass", "this pass", "stop", "this pass", "this pass"]

    loop.run_until_complete(asyncio.wait(tasks))
    assert trace.steps[5:] == ["next pass"] * 2


@claim("stop-runs-one-more-pass-on-uvloop")
def test_stop_on_uvloop_lets_one_more_pass_run_and_no_second(new_loop, trace):
    loop = new_loop()
    queue_a_stop_between_callbacks(loop, trace)

    run_until_stopped(loop)
    assert trace.steps == ["this pass"] * 3 + ["next pass"] * 3

    loop.call_soon(loop.stop)
    run_until_stopped(loop)
    assert trace.steps == ["this pass"] * 3 + ["next pass"] * 3 + ["the pass after"] * 3


@claim("idle-loop-blocks-in-one-select")
def test_an_idle_event_loop_asks_its_selector_once_and_without_a_time_out(new_loop, trace):
    loop = new_loop()
    select = loop._selector.select

    def recorded_select(timeout=None):
        trace(f"select({timeout})")
        assert len(trace.steps) < SOME_TURNS, f"the loop has nothing to do and keeps spinning: {trace.steps[-1]}"
        if timeout != 0:
            loop.call_soon_threadsafe(loop.stop)  # wakes the selector at once, so that nothing has to wait
        return select(timeout)

    loop._selector.select = recorded_select
    loop.call_soon(trace, "all there is to do")

    loop.run_forever()

    assert trace.steps == ["select(0)", "all there is to do", "select(None)"]


@claim("run-until-complete-returns-with-others-pending")
def test_run_until_complete_returns_when_its_coroutine_is_done_with_tasks_of_its_own_and_others_pending(
    new_loop, trace
):
    loop, turns = new_loop(), []

    async def other_work():
        trace("other work starts")
        for _ in range(SOME_TURNS):
            await turn()
            turns.append("of other work")
        trace("other work ends")

    async def main():
        others.append(asyncio.create_task(other_work()))
        await turn()
        turns.clear()
        return "main is done"

    others = [loop.create_task(other_work())]

    assert loop.run_until_complete(main()) == "main is done"
    assert len(turns) <= 4 * len(others)  # the loop may need a few passes to stop
    assert trace.steps == ["other work starts"] * 2
    assert asyncio.all_tasks(loop) == set(others)

    loop.run_until_complete(asyncio.wait(others))
    assert trace.steps == ["other work starts"] * 2 + ["other work ends"] * 2


@claim("run-until-complete-returns-with-others-pending")
@pytest.mark.parametrize("error", [None, LookupError("main fails")], ids=["returns", "fails"])
def test_run_until_complete_leaves_others_pending_where_a_future_or_task_is_done_or_failed_too(new_loop, error):
    loop, turns = new_loop(), []
    never = loop.create_future()

    async def wait_for_ever():
        await never

    async def take_turns():
        while not never.done():
            await turn()
            turns.append("of other work")

    async def main():
        if error is not None:
            raise error

    def future():
        made = loop.create_future()
        loop.call_soon(*((made.set_result, None) if error is None else (made.set_exception, error)))
        return made

    others = [loop.create_task(wait_for_ever()), loop.create_task(take_turns())]
    for make in (main, lambda: loop.create_task(main()), future):
        given = make()
        turns.clear()
        assert error_of(loop.run_until_complete, given) is error
        assert len(turns) <= 5  # one until it is done, and a few passes that the loop may need to stop
        loop.run_until_complete(asyncio.sleep(0))  # a task that was asked to end would end by now
        assert [other.done() for other in others] == [False, False]

    never.set_result(None)
    loop.run_until_complete(asyncio.wait(others))
    assert [other.cancelled() for other in others] == [False, False]


@claim("run-forever-outlives-its-tasks")
@pytest.mark.parametrize(
    "error", [None, LookupError("in the task"), asyncio.CancelledError()], ids=["returned", "failed", "cancelled"]
)
def test_run_forever_goes_on_when_no_task_is_left_until_stop(new_loop, trace, error):
    loop = new_loop()

    async def only_task():
        trace("the only task ends")
        if error is not None:
            raise error

    def after_it(turns_left):
        trace(asyncio.all_tasks(loop))
        if turns_left == 1:
            loop.stop()
        else:
            loop.call_soon(after_it, turns_left - 1)

    task = loop.create_task(only_task())
    task.add_done_callback(lambda _task: after_it(SOME_TURNS))

    run_until_stopped(loop)

    assert task.cancelled() if isinstance(error, asyncio.CancelledError) else task.exception() is error
    no_task = set()
    assert trace.steps == ["the only task ends", *[no_task] * SOME_TURNS]


@claim("run-forever-outlives-its-tasks")
def test_run_forever_goes_on_also_a_while_after_its_last_task_has_ended(new_loop, trace):
    loop = new_loop()

    async def only_task():
        trace("the only task ends")

    def fire(timers_left):  # one after another, so that they are not all due on one pass, however busy the machine is
        trace(asyncio.all_tasks(loop))
        if timers_left:
            loop.call_later(0.003, fire, timers_left - 1)
        else:
            loop.stop()
            watch(loop)

    loop.create_task(only_task())
    loop.call_later(0.003, fire, 4)
    run_until_stopped(loop, from_now=False)

    no_task = set()
    assert trace.steps == ["the only task ends", *[no_task] * 5]


@claim("run-forever-outlives-its-tasks")
def test_run_forever_goes_on_with_nothing_at_all_to_do_whenever_another_thread_wakes_it_until_stop(new_loop, trace):
    loop, woken, times = new_loop(), queue.SimpleQueue(), 10

    def wake_and_stop():
        for _ in range(times):
            loop.call_soon_threadsafe(woken.put, "by the loop")
            woken.get()  # after this the loop has nothing to do again
        trace("another thread stops the loop")
        loop.call_soon_threadsafe(loop.stop)
        loop.call_soon_threadsafe(watch, loop)

    another_thread = threading.Thread(target=wake_and_stop, daemon=True)
    another_thread.start()
    run_until_stopped(loop, from_now=False)
    trace("run_forever() returns")
    for _ in range(times):
        woken.put("too late")  # a loop that has ended wakes no more
    another_thread.join()

    assert trace.steps == ["another thread stops the loop", "run_forever() returns"]
