"""7.7: how every event loop is stopped and closed, what becomes of what is left, and what a closed one refuses."""

import asyncio
import contextlib
import os
import signal
import threading
import time
import warnings
from collections import Counter

import pytest

from fixtures.claims import claim
from fixtures.errors import error_of, exactly, outcome_of
from fixtures.garbage import collect
from fixtures.soon import until
from fixtures.threads import SOON, Gate
from fixtures.trace import turn


@claim("generator-that-raises-at-its-end-is-reported")
def test_each_generator_that_raises_when_shutdown_asyncgens_ends_it_is_reported_and_ends_nothing_else(new_loop):
    loop, seen, ended = new_loop(), [], []
    errors = {name: LookupError(name) for name in ("that raises", "that raises, too")}
    loop.set_exception_handler(lambda _loop, context: seen.append(context))

    async def numbers(name):
        try:
            yield 1
        finally:
            ended.append(name)
            if name in errors:
                raise errors[name]

    async def main():
        begun = {name: numbers(name) for name in ("one", *errors, "another")}
        for generator in begun.values():
            await generator.__anext__()
        return begun

    begun = loop.run_until_complete(main())
    loop.run_until_complete(loop.shutdown_asyncgens())

    assert len(seen) == 2
    told = {context.get("asyncgen"): context.get("exception") for context in seen}
    assert told == {begun[name]: error for name, error in errors.items()}
    assert sorted(ended) == ["another", "one", *errors]  # in whichever order


@claim("generator-after-shutdown-asyncgens-is-warned-of")
def test_each_generator_that_begins_after_shutdown_asyncgens_gives_a_resourcewarning_and_runs(new_loop):
    loop = new_loop()

    async def numbers():
        yield 1

    async def main(generator):
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                value = await generator.__anext__()
            except Exception as error:
                value = error
        await generator.aclose()
        return value, [warning.category for warning in warned]

    before = loop.run_until_complete(main(numbers()))
    loop.run_until_complete(loop.shutdown_asyncgens())

    assert before == (1, [])
    for _ in range(2):
        assert loop.run_until_complete(main(numbers())) == (1, [ResourceWarning])


@contextlib.contextmanager
def a_job_that_does_not_end(loop):
    before = set(threading.enumerate())
    with Gate() as gate:
        job = loop.run_in_executor(None, gate.hold)
        gate.next_arrival()
        yield gate
        gate.open()
        assert loop.run_until_complete(asyncio.wait_for(job, SOON)) == "a job"
    for thread in set(threading.enumerate()) - before:
        thread.join(SOON)


@claim("executor-that-does-not-end-is-given-up-after-a-timeout-on-asyncio")
def test_on_asyncio_shutdown_default_executor_warns_after_its_timeout_and_leaves_the_threads_to_themselves(new_loop):
    loop = new_loop()

    with a_job_that_does_not_end(loop), pytest.warns(RuntimeWarning, match="did not finish"):
        loop.run_until_complete(loop.shutdown_default_executor(0.01))


@claim("executor-that-does-not-end-is-given-up-after-a-timeout-on-asyncio")
def test_on_asyncio_shutdown_default_executor_waits_for_jobs_that_end_before_its_timeout(new_loop):
    loop = new_loop()

    with a_job_that_does_not_end(loop) as gate, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        shutdown = loop.create_task(loop.shutdown_default_executor(SOON))
        loop.run_until_complete(asyncio.wait([shutdown], timeout=0.01))
        given_up = shutdown.done()
        gate.open()
        loop.run_until_complete(asyncio.wait_for(shutdown, SOON))

    assert (given_up, warned) == (False, [])


@claim("executor-that-does-not-end-is-waited-for-in-spite-of-a-timeout-on-uvloop")
def test_on_uvloop_shutdown_default_executor_waits_for_the_threads_whatever_its_timeout_is(new_loop):
    loop = new_loop()

    with a_job_that_does_not_end(loop) as gate:
        shutdown = loop.create_task(loop.shutdown_default_executor(0.01))
        loop.run_until_complete(asyncio.wait([shutdown], timeout=0.2))
        given_up = shutdown.done()
        gate.open()
        loop.run_until_complete(asyncio.wait_for(shutdown, SOON))

    assert not given_up


@claim("loop-tells-whether-it-runs-and-whether-it-is-closed")
def test_is_running_is_true_within_run_for_each_thread_and_is_closed_after_close_which_may_be_called_twice(new_loop):
    loop, told = new_loop(), []

    def tell():
        told.append((loop.is_running(), loop.is_closed()))

    async def main():
        elsewhere = threading.Thread(target=tell)
        elsewhere.start()
        elsewhere.join()

    async def fail(error):
        raise error

    tell()
    loop.call_soon(loop.stop)
    loop.call_soon(tell)  # which is in the same pass, and so within the run
    loop.run_forever()
    tell()
    loop.run_until_complete(main())
    tell()
    for error in (LookupError, SystemExit):
        with pytest.raises(error):
            loop.run_until_complete(fail(error))
        tell()
    errors = [error_of(loop.close) for _ in range(2)]
    tell()

    assert told == [*[(False, False), (True, False)] * 2, *[(False, False)] * 3, (False, True)]
    assert errors == [None, None]


@claim("running-loop-cannot-be-closed")
def test_close_of_a_running_loop_raises_runtimeerror_and_it_runs_on(new_loop, trace):
    loop = new_loop()

    async def main():
        with exactly(RuntimeError, match="Cannot close a running event loop"):
            loop.close()
        for _ in range(3):
            loop.call_soon(trace, "runs on")
            await turn()

    assert error_of(loop.run_until_complete, main()) is None
    assert not loop.is_closed()
    assert trace.steps == ["runs on"] * 3


@claim("running-loop-cannot-be-closed")
def test_close_of_a_running_loop_raises_by_a_callback_and_in_another_thread_too_and_all_goes_on(new_loop, trace):
    loop, errors = new_loop(), []

    def close():
        errors.append(error_of(loop.close))

    async def another():
        await asyncio.sleep(0.01)
        trace("another task")

    async def main():
        loop.call_later(0.01, trace, "a timer")
        task = loop.create_task(another())
        await turn()
        for _ in range(2):
            close()
        loop.call_soon(close)
        await turn()
        thread = threading.Thread(target=close)
        thread.start()
        thread.join()
        await until(lambda: len(trace.steps) >= 2 and task.done(), "not all went on")

    assert error_of(loop.run_until_complete, main()) is None
    assert [repr(error) for error in errors] == ["RuntimeError('Cannot close a running event loop')"] * 4
    assert Counter(trace.steps) == {"a timer": 1, "another task": 1}


def run(loop, passes):
    """Have the loop make this many passes."""
    for _ in range(passes):
        loop.run_until_complete(turn())


def closed(loop, passes):
    """The loop, closed after this many passes."""
    run(loop, passes)
    loop.close()
    return loop


def refused(function, *arguments):
    """Whether what is asked of a loop is refused since it is closed."""
    try:
        function(*arguments)
    except Exception as error:
        return repr(error) == "RuntimeError('Event loop is closed')"
    return False


@pytest.mark.parametrize("passes", [0, 1])
@claim("closed-loop-refuses-all-work")
def test_a_closed_loop_refuses_callbacks_timers_jobs_and_runs_with_runtimeerror_whether_it_ran_or_not(
    new_loop, passes, trace
):
    async def coroutine_function():
        trace("a coroutine")

    loop = new_loop()
    done, coroutine = loop.create_future(), coroutine_function()
    done.set_result(None)
    closed(loop, passes)

    asked = [
        (loop.call_soon, trace, "a callback"),
        (loop.call_soon_threadsafe, trace, "a thread's callback"),
        *((loop.call_later, delay, trace, "a timer") for delay in (1, 0, -1)),
        *((loop.call_at, when, trace, "a timer with a deadline") for when in (loop.time() + 1, 0)),
        (loop.run_in_executor, None, trace, "a job"),
        (loop.run_until_complete, done),
        (loop.run_until_complete, coroutine),
    ]
    taken = [called for called in asked * 2 if not refused(*called)]
    coroutine.close()

    assert taken == []
    assert [refused(loop.run_forever) for _ in range(2)] == [True, True]
    assert trace.steps == []  # nor is any of it done


def open_files():
    """What each open descriptor leads to."""
    files = set()
    for descriptor in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError):  # that of the listing itself is closed again
            files.add((descriptor, os.fstat(int(descriptor)).st_ino))
    return files


@claim("closed-loop-has-nothing-open")
def test_a_loop_that_ran_and_was_closed_has_no_descriptor_open_and_leaves_nothing_to_warn_of(new_loop):
    async def handle_a_signal():
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, print)
        asyncio.get_running_loop().remove_signal_handler(signal.SIGUSR1)

    new_loop().close()  # what a loop's module opens with its first one, and keeps, is not the loop's
    before = open_files()

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        loop = new_loop()
        loop.run_until_complete(handle_a_signal())
        loop.close()
        collect()

    assert (open_files() - before, [str(warning.message) for warning in warned]) == (set(), [])


@pytest.mark.parametrize("passes", [0, 1])
@claim("closed-loop-may-be-stopped-on-asyncio")
def test_on_asyncio_stop_of_a_closed_loop_does_nothing_whether_it_ran_or_not(new_loop, passes):
    assert error_of(closed(new_loop(), passes).stop) is None


@pytest.mark.parametrize("passes", [0, 1])
@claim("closed-loop-refuses-to-be-stopped-on-uvloop")
def test_on_uvloop_stop_of_a_closed_loop_raises_runtimeerror_whether_it_ran_or_not(new_loop, passes):
    assert refused(closed(new_loop(), passes).stop)


@pytest.mark.parametrize("passes", [0, 1])
@claim("close-drops-what-was-scheduled")
def test_callbacks_and_timers_that_wait_are_never_run_when_the_loop_is_closed_whether_it_ran_or_not(
    new_loop, trace, passes
):
    loop = new_loop()
    run(loop, passes)
    loop.call_soon(trace, "a callback")
    loop.call_soon_threadsafe(trace, "a thread's callback")
    loop.call_later(0, trace, "a timer that is due")
    loop.call_later(0.001, trace, "a timer")
    loop.call_at(loop.time() + 0.001, trace, "a timer with a deadline")
    loop.close()
    collect()

    assert trace.steps == []


FORGETS_ITS_LOOP = """
    import asyncio, gc, warnings, weakref

    def note(message, category, *_place, **_source):  # a warning that were kept would keep the loop
        said.append(" ".join([category.__name__ + ":", *str(message).split()[:3]]))

    said = []
    warnings.simplefilter("always")
    warnings.showwarning = note
    loop = asyncio.new_event_loop()
    loop.run_until_complete(asyncio.sleep(0))
    known = weakref.ref(loop)
    del loop
    for _ in range(3):  # PyPy needs more than one
        gc.collect()
    print("gone" if known() is None else "still there", *said, sep="\\n")
"""


@claim("loop-that-is-not-closed-is-warned-of-on-asyncio")
def test_on_asyncio_a_loop_that_was_not_closed_goes_with_its_last_reference_and_a_resourcewarning(program):
    ended = program(FORGETS_ITS_LOOP)

    gone, *warned = ended.lines
    assert gone == "gone"
    assert warned.count("ResourceWarning: unclosed event loop") == 1  # what it had open can be collected before it


@claim("loop-that-is-not-closed-is-warned-of-on-asyncio")
def test_on_asyncio_a_loop_that_has_never_run_goes_with_a_resourcewarning_too(program):
    ended = program(FORGETS_ITS_LOOP.replace("loop.run_until_complete(asyncio.sleep(0))", ""))

    gone, *warned = ended.lines
    assert gone == "gone"
    assert warned.count("ResourceWarning: unclosed event loop") == 1


@claim("loop-that-is-not-closed-stays-on-uvloop")
def test_on_uvloop_a_loop_that_has_run_and_was_not_closed_stays_and_gives_no_warning(program):
    ended = program(FORGETS_ITS_LOOP)

    assert (ended.lines, ended.status, ended.stderr) == (["still there"], 0, "")


@claim("stop-before-a-run-lets-one-pass-run")
def test_after_stop_run_forever_runs_what_is_scheduled_already_and_not_what_that_schedules_and_returns(new_loop, trace):
    loop = new_loop()

    def schedule_more():
        trace("scheduled before")
        loop.call_soon(trace, "scheduled by that")

    def give_up():
        trace("it waited")
        loop.stop()

    loop.call_later(SOON, give_up)
    loop.call_soon(schedule_more)
    loop.call_soon(trace, "scheduled before, too")
    refused = error_of(loop.stop)
    loop.call_soon(trace, "scheduled after stop()")
    loop.run_forever()
    first = list(trace.steps)
    loop.call_soon(loop.stop)
    loop.run_forever()

    assert refused is None
    assert first == ["scheduled before", "scheduled before, too", "scheduled after stop()"]
    assert trace.steps == [*first, "scheduled by that"]


@claim("stop-before-a-run-lets-one-pass-run")
def test_after_stop_run_forever_runs_a_timer_that_is_due_and_none_that_is_not(new_loop, trace):
    loop = new_loop()
    loop.call_later(0.001, trace, "due")
    loop.call_later(SOON, trace, "not due")
    time.sleep(0.01)  # the first is due when the loop looks
    loop.stop()
    loop.run_forever()

    assert trace.steps == ["due"]


@claim("run-until-complete-that-is-stopped-is-a-runtimeerror")
def test_run_until_complete_raises_runtimeerror_when_the_loop_is_stopped_first_and_the_task_can_go_on(new_loop):
    loop = new_loop()

    async def main(gate):
        await gate
        return "done"

    gate = loop.create_future()
    task = loop.create_task(main(gate))
    for _ in range(2):
        loop.call_soon(loop.stop)
        with exactly(RuntimeError, match="stopped before Future completed"):
            loop.run_until_complete(task)

    assert not (task.done() or gate.done())
    gate.set_result(None)
    assert outcome_of(loop.run_until_complete, task) == "done"


@pytest.mark.parametrize("leaving, status", [(SystemExit, "left"), (SystemExit, 0), (KeyboardInterrupt, "left")])
@claim("loop-runs-again-after-a-task-left-it")
def test_after_systemexit_or_keyboardinterrupt_of_a_task_the_loop_runs_the_next(new_loop, leaving, status):
    loop = new_loop()

    async def leave():
        raise leaving(status)

    async def stay():
        for _ in range(5):
            await turn()
        for _ in range(3):  # not on one pass, however busy the machine is
            await asyncio.sleep(0.002)
        return "stayed"

    outcomes = []
    for coroutine_function in (leave, stay) * 3:
        try:
            outcomes.append(loop.run_until_complete(coroutine_function()))
        except BaseException as error:
            outcomes.append(repr(error))

    assert outcomes == [repr(leaving(status)), "stayed"] * 3


@claim("loop-runs-again-after-a-task-left-it")
def test_after_systemexit_of_a_task_came_out_of_run_forever_the_loop_runs_the_next(new_loop):
    loop = new_loop()

    async def leave():
        raise SystemExit("left")

    async def stay():
        for _ in range(5):
            await turn()
        return "stayed"

    outcomes = []
    for _ in range(2):
        task = loop.create_task(leave())
        with pytest.raises(SystemExit, match="left"):
            loop.run_forever()
        outcomes += [type(task.exception()), loop.is_running(), outcome_of(loop.run_until_complete, stay())]

    assert outcomes == [SystemExit, False, "stayed"] * 2


@claim("loop-runs-again-after-a-task-left-it")
def test_after_systemexit_of_another_task_than_the_one_it_runs_the_loop_runs_the_next_to_its_end(new_loop):
    loop = new_loop()

    async def leave():
        raise SystemExit("left")

    async def stay(turns):
        for _ in range(turns):
            await turn()
        return "stayed"

    other, first = loop.create_task(leave()), loop.create_task(stay(turns=2))
    with pytest.raises(SystemExit, match="left"):
        loop.run_until_complete(first)
    left_waiting = not first.done()
    try:
        value = loop.run_until_complete(stay(turns=10))
    except RuntimeError as error:
        value = str(error)

    assert left_waiting
    assert value == first.result() == "stayed"
    assert type(other.exception()) is SystemExit
