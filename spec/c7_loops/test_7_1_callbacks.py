"""7.1: what every event loop does with callbacks: when they run, with what, in which context, and when they do not."""

import asyncio
import contextvars
import functools
import queue
import socket
import threading
import time
from collections import Counter

import pytest

from fixtures.claims import claim
from fixtures.errors import error_of
from fixtures.soon import until
from fixtures.threads import SOON
from fixtures.trace import turn

WHERE = contextvars.ContextVar("WHERE", default="nowhere")


@claim("callback-gets-its-arguments-on-a-later-pass")
async def test_a_callback_is_called_once_for_each_call_soon_with_its_arguments_and_not_before_that_has_returned(trace):
    loop = asyncio.get_running_loop()

    def callback(*arguments):
        trace(arguments)

    def scheduling():
        loop.call_soon(callback, "the last")
        trace("in a callback call_soon has returned")

    loop.call_soon(callback, 1, None, "three")
    loop.call_soon(callback)
    loop.call_soon(callback)
    loop.call_soon(callback, "in a context", context=contextvars.copy_context())
    loop.call_soon(scheduling)
    trace("call_soon has returned")
    for _ in range(3):
        await turn()

    assert trace.steps[:5] == ["call_soon has returned", (1, None, "three"), (), (), ("in a context",)]
    assert trace.steps[5:] == ["in a callback call_soon has returned", ("the last",)]


@claim("callback-gets-its-arguments-on-a-later-pass")
def test_a_callback_is_called_once_too_where_it_returns_something_or_raises_and_with_the_very_objects(new_loop, trace):
    loop, given = new_loop(), (["a list"], {"a": "mapping"})
    reported = reports(loop)

    def callback(*arguments):
        trace(arguments)
        return True

    def fail(error):
        trace(error)
        raise error

    error = LookupError("once")
    loop.call_soon(callback, given)
    loop.call_soon(callback, *given)
    loop.call_soon(fail, error)
    loop.run_until_complete(some_turns())

    assert trace.steps == [(given,), given, error]
    assert all(got is it for got, it in zip(trace.steps[1], given)), "they are copies"
    assert reported == [error]


@claim("callback-gets-its-arguments-on-a-later-pass")
def test_what_is_scheduled_before_the_loop_runs_is_not_called_before_that_runs_either(new_loop, trace):
    loop = new_loop()

    loop.call_soon(trace, "the callback")
    loop.call_soon(loop.stop)
    trace("call_soon has returned")
    loop.run_forever()

    assert trace.steps == ["call_soon has returned", "the callback"]


@claim("callback-runs-in-the-context-it-was-scheduled-in")
async def test_a_callback_and_a_timer_see_the_context_of_their_scheduling_and_keep_their_changes_to_themselves(trace):
    loop = asyncio.get_running_loop()

    def callback(name):
        trace(f"{name} from {WHERE.get()}")
        WHERE.set(name)

    WHERE.set("here")
    for _ in range(2):  # the second does not see what the first changes
        loop.call_soon(callback, "a callback")
        loop.call_soon_threadsafe(callback, "one from a thread")
        loop.call_later(0.001, callback, "a timer")
        loop.call_at(loop.time() + 0.001, callback, "one with a deadline")
    WHERE.set("elsewhere")
    await until(lambda: len(trace.steps) >= 8, "not all has run")

    names = ("a callback", "one from a thread", "a timer", "one with a deadline")
    assert set(trace.steps) == {f"{name} from here" for name in names}
    assert WHERE.get() == "elsewhere"


@claim("callback-runs-in-the-context-it-was-scheduled-in")
async def test_what_a_callback_a_timer_or_a_thread_schedules_sees_what_the_context_is_there_by_then(trace):
    loop = asyncio.get_running_loop()

    def callback():
        trace(WHERE.get())
        WHERE.set("in what was scheduled")  # which is seen by that alone

    def schedule(call_soon, name):
        WHERE.set(name)
        call_soon(callback)
        call_soon(callback)
        WHERE.set("too late")

    loop.call_soon(schedule, loop.call_soon, "in a callback")
    loop.call_later(0.001, schedule, loop.call_soon, "in a timer")
    thread = threading.Thread(target=schedule, args=[loop.call_soon_threadsafe, "in a thread"])
    thread.start()
    thread.join()
    await until(lambda: len(trace.steps) >= 6, "not all has run")

    assert Counter(trace.steps) == {"in a callback": 2, "in a timer": 2, "in a thread": 2}
    assert WHERE.get() == "nowhere"


@claim("callback-runs-in-the-context-it-is-given")
async def test_a_callback_that_is_given_a_context_runs_in_that_and_changes_it_also_where_it_is_empty(trace):
    loop, given, empty = asyncio.get_running_loop(), contextvars.Context(), [contextvars.Context() for _ in range(4)]
    given.run(WHERE.set, "given")
    WHERE.set("here")

    def callback():
        trace(WHERE.get())
        WHERE.set("changed")

    for soon, threadsafe, later, at in ([given] * 4, empty):
        loop.call_soon(callback, context=soon)
        loop.call_soon_threadsafe(callback, context=threadsafe)
        loop.call_later(0.001, callback, context=later)
        loop.call_at(loop.time() + 0.001, callback, context=at)
    await until(lambda: len(trace.steps) >= 8, "not all has run")

    assert [step for step in trace.steps if step != "nowhere"] == ["given", "changed", "changed", "changed"]
    assert trace.steps.count("nowhere") == 4
    assert [context.get(WHERE) for context in (given, *empty)] == ["changed"] * 5
    assert WHERE.get() == "here"


def in_each_way(*callback):
    """The handles of a callback with its arguments that is scheduled in each way there is, after no more than 1 ms."""
    loop = asyncio.get_running_loop()
    return [
        loop.call_soon(*callback),
        loop.call_soon_threadsafe(*callback),
        loop.call_later(0.001, *callback),
        loop.call_at(loop.time() + 0.001, *callback),
    ]


@claim("cancelled-handle-is-never-run")
async def test_a_handle_that_is_cancelled_in_time_is_not_run_whether_callback_or_timer(trace):
    loop = asyncio.get_running_loop()
    once, twice = in_each_way(trace, "was cancelled"), in_each_way(trace, "was cancelled twice")
    before = [handle.cancelled() for handle in once + twice]
    loop.call_later(0.002, trace, "a later timer")

    for handle in once + twice * 2:
        handle.cancel()
    at_once = [handle.cancelled() for handle in once + twice]
    await until(lambda: len(trace.steps) >= 1, "not all has run")

    assert (before, at_once) == ([False] * 8, [True] * 8)
    assert [handle.cancelled() for handle in once + twice] == [True] * 8
    assert trace.steps == ["a later timer"]


@claim("cancelled-handle-is-never-run")
async def test_a_callback_may_cancel_one_that_was_to_run_on_the_same_pass(trace):
    loop = asyncio.get_running_loop()

    def first():
        trace("the first")
        second.cancel()

    loop.call_soon(first)
    second = loop.call_soon(trace, "the second")
    for _ in range(3):
        await turn()

    assert trace.steps == ["the first"]


@claim("cancelled-handle-is-never-run")
async def test_a_timer_may_cancel_one_that_is_due_as_well(trace):
    loop = asyncio.get_running_loop()

    def first():
        trace("the first")
        second.cancel()

    loop.call_later(0.001, first)
    second = loop.call_later(0.003, trace, "the second")
    time.sleep(0.004)  # both are due when the loop looks
    await until(lambda: trace.steps, "nothing has run")
    for _ in range(3):
        await turn()

    assert trace.steps == ["the first"]


@claim("cancelling-a-handle-that-has-run-changes-nothing")
async def test_cancelling_a_handle_after_its_run_or_twice_raises_nothing_and_undoes_nothing(trace):
    have_run = in_each_way(trace, "ran")
    await until(lambda: len(trace.steps) >= 4, "not all has run")
    waiting = in_each_way(trace, "was cancelled")
    in_each_way(trace, "the next ran")

    errors = [error_of(handle.cancel) for handle in [*have_run, *waiting] * 2]
    are_cancelled = [handle.cancelled() for handle in waiting]
    in_each_way(trace, "the next ran")
    await until(lambda: len(trace.steps) >= 12, "not all has run")

    assert (errors, are_cancelled) == ([None] * 16, [True] * 4)
    assert trace.steps == ["ran"] * 4 + ["the next ran"] * 8


@claim("call-soon-threadsafe-wakes-a-waiting-loop")
async def test_a_loop_that_waits_is_woken_by_another_thread_each_time_and_makes_the_call_in_its_own():
    loop = asyncio.get_running_loop()
    asked = queue.SimpleQueue()

    def wake(future):
        future.set_result(threading.current_thread())

    def answer():
        for future in iter(asked.get, None):
            loop.call_soon_threadsafe(wake, future)

    thread = threading.Thread(target=answer)
    thread.start()
    answers, woken_late = [], asyncio.Event()
    for _ in range(20):  # once it may come before the loop has begun to wait, but not each time
        future = loop.create_future()
        given_up = loop.call_later(SOON, woken_late.set)
        asked.put(future)
        await asyncio.wait([future], timeout=SOON + 0.1)
        answers.append(future.result() if future.done() else "not woken")
        given_up.cancel()
        if woken_late.is_set():
            break
    asked.put(None)
    thread.join()

    assert not woken_late.is_set(), "the loop found the callback only when a timer was due"
    assert answers == [threading.current_thread()] * 20


@claim("call-soon-threadsafe-wakes-a-waiting-loop")
async def test_of_several_calls_of_a_thread_that_come_before_the_loop_looks_each_is_made(trace):
    loop = asyncio.get_running_loop()

    def call():
        for number in range(3):
            loop.call_soon_threadsafe(trace, number)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    await until(lambda: len(trace.steps) >= 3, "not each was made")

    assert Counter(trace.steps) == {0: 1, 1: 1, 2: 1}
    assert set(trace.threads) == {threading.get_ident()}


@claim("call-soon-threadsafe-wakes-a-waiting-loop")
def test_a_loop_that_has_no_timer_and_so_waits_without_end_is_woken_too(new_loop):
    loop, not_woken = new_loop(), []
    here, there = socket.socketpair()
    loop.add_reader(here, loop.stop)

    def wake():
        for _ in range(5):  # here, too, it may come before the loop has begun to wait, but not each time
            time.sleep(0.001)
            woken = threading.Event()
            loop.call_soon_threadsafe(woken.set)
            if not woken.wait(SOON):
                not_woken.append("the loop goes on to wait")
                break
        there.send(b"stop")

    thread = threading.Thread(target=wake)
    with here, there:
        thread.start()
        loop.run_forever()
        thread.join()
        loop.remove_reader(here)

    assert not_woken == []


def timers_made_without_a_break(loop, callback, *, later, at):
    """Make a timer by call_later(), or call_at(), for each of these milliseconds from now on: its callback's argument.

    uvloop has a timer run late by as long as it took to make it, and a busy machine may be elsewhere meanwhile. Timers
    that took longer than a third of what lies between them are made anew, before a turn in which one could run.
    """
    while True:
        began, now = time.monotonic(), loop.time()
        timers = [loop.call_later(each / 1000, callback, each) for each in later]
        timers += [loop.call_at(now + each / 1000, callback, each) for each in at]
        if time.monotonic() - began < 0.001:
            return
        for timer in timers:
            timer.cancel()


@pytest.mark.parametrize("held_up", [0, 0.013], ids=["as-they-fall-due", "when-all-are-due"])
@claim("timers-run-in-the-order-of-their-deadlines")
async def test_timers_run_by_their_deadlines_whatever_the_order_of_their_making(trace, held_up):
    timers_made_without_a_break(asyncio.get_running_loop(), trace, later=(12, 6), at=(9, 3))
    time.sleep(held_up)
    await until(lambda: len(trace.steps) >= 4, "not all has run")

    assert trace.steps == [3, 6, 9, 12]


@claim("timers-run-in-the-order-of-their-deadlines")
def test_timers_that_were_made_before_the_loop_runs_run_by_their_deadlines_too(new_loop, trace):
    loop = new_loop()
    timers_made_without_a_break(loop, trace, later=(12, 6), at=(9, 3))
    loop.run_until_complete(until(lambda: len(trace.steps) >= 4, "not all has run"))

    assert trace.steps == [3, 6, 9, 12]


@claim("timer-handle-tells-the-deadline-it-was-given-on-asyncio")
async def test_when_is_exactly_what_call_at_was_given_also_where_that_has_passed_or_is_an_int():
    loop = asyncio.get_running_loop()
    deadlines = [loop.time() + 1000.1234567, loop.time() - 1000.1234567, int(loop.time()) + 1000]

    handles = [loop.call_at(deadline, print) for deadline in deadlines]
    for handle in handles:
        handle.cancel()

    assert [(handle.when(), type(handle.when())) for handle in handles] == [(each, type(each)) for each in deadlines]


@claim("timer-handle-tells-whole-milliseconds-on-uvloop")
async def test_on_uvloop_when_is_a_whole_number_of_milliseconds_whatever_call_at_was_given():
    loop = asyncio.get_running_loop()
    delays, starts, handles = (300, 500, 1001, 1_000_000, 1_000_002), [], []

    for delay in delays:
        before = loop.time()
        handles.append(loop.call_at(before + (delay + 0.4) / 1000, print))
        starts.append((before, loop.time()))
        handles[-1].cancel()

    told = [handle.when() for handle in handles]
    time.sleep(0.003)
    assert [handle.when() for handle in handles] == told  # the clock has gone on, and they have not
    assert [round(when * 1000, 6) for when in told] == [round(when * 1000) for when in told]
    for when, delay, (first, last) in zip(told, delays, starts):
        assert round(first * 1000) + delay <= round(when * 1000) <= round(last * 1000) + delay


def a_handle_and_timers(loop):
    """The handles of a callback, of a timer and of one without a delay, all cancelled."""
    handles = [loop.call_soon(print), loop.call_later(1000, print), loop.call_later(0, print)]
    for handle in handles:
        handle.cancel()
    return handles


@claim("handles-are-asyncios-own-types-on-asyncio")
async def test_handles_are_of_asyncios_types_handle_and_timerhandle():
    handles = a_handle_and_timers(asyncio.get_running_loop())

    assert [type(handle) for handle in handles] == [asyncio.Handle, asyncio.TimerHandle, asyncio.TimerHandle]


@claim("handles-are-no-asyncio-handles-on-uvloop")
def test_on_uvloop_handles_are_of_no_type_of_asyncio_before_the_loop_runs_and_while_it_does(new_loop):
    loop = new_loop()
    handles = a_handle_and_timers(loop)

    async def more():
        return a_handle_and_timers(loop)

    handles += loop.run_until_complete(more())

    assert [isinstance(handle, asyncio.Handle) for handle in handles] == [False] * 6
    assert [kind.__module__ for handle in handles for kind in type(handle).__mro__] == ["uvloop.loop", "builtins"] * 6


async def coroutine_function():
    """Must not be called."""


async def an_echo(argument):
    """Must not be called either."""
    return argument


def refusal(schedule, callback):
    """What is said of a callback that is refused, None of one that is taken, which is cancelled."""
    try:
        schedule(callback).cancel()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


@claim("call-soon-refuses-coroutine-functions-in-debug-mode-on-asyncio")
async def test_on_asyncio_in_debug_mode_call_soon_and_call_later_refuse_a_coroutine_function():
    loop = asyncio.get_running_loop()
    loop.set_debug(True)

    assert refusal(loop.call_soon, coroutine_function) == "TypeError: coroutines cannot be used with call_soon()"
    for delay in (1000, 0, -1):
        assert refusal(functools.partial(loop.call_later, delay), coroutine_function) == (
            "TypeError: coroutines cannot be used with call_at()"
        )
    assert refusal(loop.call_soon, asyncio.Event().wait) == "TypeError: coroutines cannot be used with call_soon()"
    assert type(error_of(loop.call_soon, an_echo, "an argument")) is TypeError
    assert type(error_of(loop.call_later, 1000, an_echo, "an argument")) is TypeError
    with_context = functools.partial(loop.call_soon, context=contextvars.copy_context())
    assert type(error_of(with_context, coroutine_function)) is TypeError
    assert refusal(loop.call_soon, print) is None


@claim("call-soon-refuses-coroutine-functions-in-debug-mode-on-asyncio")
def test_on_asyncio_in_debug_mode_a_coroutine_function_is_refused_before_the_loop_runs_too(new_loop):
    loop = new_loop()
    loop.set_debug(True)

    assert refusal(loop.call_soon, coroutine_function) == "TypeError: coroutines cannot be used with call_soon()"
    assert type(error_of(loop.call_later, 1000, coroutine_function)) is TypeError


@pytest.mark.parametrize("debug", [True, False], ids=["debug", "no-debug"])
@claim("call-soon-takes-coroutine-functions-even-in-debug-mode-on-uvloop")
async def test_on_uvloop_call_soon_and_call_later_take_a_coroutine_function_which_nobody_awaits(debug):
    loop = asyncio.get_running_loop()
    loop.set_debug(debug)

    assert refusal(loop.call_soon, coroutine_function) is None
    assert refusal(loop.call_soon, asyncio.Event().wait) is None
    assert refusal(functools.partial(loop.call_later, 1000), coroutine_function) is None
    with pytest.warns(RuntimeWarning, match="coroutine 'coroutine_function' was never awaited") as warned:
        loop.call_soon(coroutine_function)
        loop.call_later(0.001, coroutine_function)
        await until(lambda: len(warned) >= 2, "not both were called and left")


def reports(loop):
    """What the loop hands to its exception handler from now on, as a list of exceptions."""
    seen = []
    loop.set_exception_handler(lambda _loop, context: seen.append(context.get("exception")))
    return seen


def errors_of_many_kinds():
    return [LookupError("a"), asyncio.CancelledError("b"), BaseException("c")]


def ends_with(loop, coroutine):
    """Whatever leaves the loop while it runs this, None where it runs it to its end."""
    try:
        loop.run_until_complete(coroutine)
    except BaseException as error:
        return error
    return None


async def some_turns():
    for _ in range(3):
        await turn()


@claim("callback-that-raises-does-not-stop-the-loop")
def test_what_a_callback_raises_goes_to_the_exception_handler_and_the_next_callback_runs(new_loop, trace):
    loop = new_loop()
    seen, errors = reports(loop), errors_of_many_kinds()

    def fail(error):
        raise error

    for error in errors * 2:
        loop.call_soon(fail, error)
        loop.call_soon_threadsafe(fail, error)
    loop.call_soon(trace, "the next callback")

    assert ends_with(loop, some_turns()) is None
    assert seen == [error for error in errors * 2 for _ in range(2)]
    assert trace.steps == ["the next callback"]


@claim("callback-that-raises-does-not-stop-the-loop")
def test_what_a_timer_raises_goes_to_the_exception_handler_and_the_next_timer_runs(new_loop, trace):
    loop = new_loop()
    seen, errors = reports(loop), errors_of_many_kinds()

    def fail(error):
        raise error

    for error in errors:
        loop.call_later(0.001, fail, error)
    loop.call_later(0.002, trace, "the next timer")
    next_timer = until(lambda: trace.steps, "the next timer did not run")

    assert ends_with(loop, next_timer) is None
    assert Counter(seen) == Counter(errors)  # in which order is not promised of timers for the same


class Quit(SystemExit):
    """A SystemExit all the same."""


@pytest.mark.parametrize("scheduled", ["a callback", "a timer"])
@pytest.mark.parametrize(
    "error",
    [SystemExit("in a callback"), SystemExit(0), Quit(1), KeyboardInterrupt()],
    ids=["SystemExit", "SystemExit-0", "a-kind-of-it", "KeyboardInterrupt"],
)
@claim("system-exit-and-ctrl-c-in-a-callback-leave-the-loop")
def test_systemexit_and_keyboardinterrupt_in_a_callback_come_out_of_run_forever(new_loop, error, scheduled):
    loop = new_loop()
    reports(loop)

    def leave():
        raise error

    if scheduled == "a timer":
        loop.call_later(0.001, leave)
    else:
        loop.call_soon(leave)
    loop.call_later(SOON, loop.stop)
    try:
        loop.run_forever()
        came_out = None
    except BaseException as raised:
        came_out = raised

    assert came_out is error
    assert not loop.is_running()
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()


@claim("timer-that-is-due-already-runs-at-once")
async def test_timers_with_a_negative_delay_or_a_time_that_has_passed_are_run_within_a_few_turns(trace):
    loop = asyncio.get_running_loop()

    since = (0.001, 5, 1e6)
    errors = [error_of(loop.call_later, -each, trace, ("a negative delay", each)) for each in since]
    errors += [error_of(loop.call_at, loop.time() - each, trace, ("a time that has passed", each)) for each in since]
    at_once = list(trace.steps)
    for _ in range(2):  # in the first of them this task may go on before a timer
        await turn()

    assert (errors, at_once) == ([None] * 6, [])
    assert Counter(trace.steps) == {
        (what, each): 1 for what in ("a negative delay", "a time that has passed") for each in since
    }


@claim("timer-that-is-due-already-runs-at-once")
def test_timers_that_were_due_before_the_loop_ran_are_run_within_its_first_turns(new_loop, trace):
    loop = new_loop()
    loop.call_later(-1, trace, "a negative delay")
    loop.call_at(loop.time() - 1, trace, "a time that has passed")
    loop.call_at(0, trace, "the beginning of time")
    at_once = list(trace.steps)

    async def few_turns():
        for _ in range(2):
            await turn()

    loop.run_until_complete(few_turns())

    assert at_once == []
    assert Counter(trace.steps) == {"a negative delay": 1, "a time that has passed": 1, "the beginning of time": 1}


@claim("call-soon-refuses-what-cannot-be-called-in-debug-mode-on-asyncio")
async def test_on_asyncio_in_debug_mode_call_soon_and_call_later_refuse_what_cannot_be_called():
    loop = asyncio.get_running_loop()
    loop.set_debug(True)

    for what in (None, "text", 0, object(), loop.create_future()):
        refused = f"TypeError: a callable object was expected by {{}}(), got {what!r}"
        assert refusal(loop.call_soon, what) == refused.format("call_soon")
        assert refusal(functools.partial(loop.call_later, 1000), what) == refused.format("call_at")
        with_context = functools.partial(loop.call_soon, context=contextvars.copy_context())
        assert refusal(with_context, what) == refused.format("call_soon")


@claim("call-soon-refuses-what-cannot-be-called-in-debug-mode-on-asyncio")
async def test_on_asyncio_in_debug_mode_call_soon_and_call_later_refuse_a_coroutine():
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    coroutine = coroutine_function()

    errors = [error_of(loop.call_soon, coroutine), error_of(loop.call_later, 1000, coroutine)]
    coroutine.close()

    assert [type(error) for error in errors] == [TypeError] * 2


@pytest.mark.parametrize("debug", [True, False], ids=["debug", "no-debug"])
@claim("call-soon-takes-what-cannot-be-called-even-in-debug-mode-on-uvloop")
async def test_on_uvloop_call_soon_and_call_later_take_what_cannot_be_called_which_is_reported_in_its_turn(debug):
    loop = asyncio.get_running_loop()
    loop.set_debug(debug)
    seen = reports(loop)

    coroutine = coroutine_function()
    for what in ("text", None, coroutine):
        assert refusal(loop.call_soon, what) is None
        assert refusal(functools.partial(loop.call_later, 1000), what) is None
        loop.call_soon(what)
        loop.call_later(0.001, what)
    at_once = list(seen)
    await until(lambda: len(seen) >= 6, "not all was reported")
    coroutine.close()

    assert at_once == []
    assert Counter(type(error) for error in seen) == {TypeError: 4, RuntimeError: 2}  # that of None is the other one
