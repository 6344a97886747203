"""3.5 (the second): the Future that a thread pool hands out, and how the pool gets through its jobs."""

import asyncio
import concurrent.futures
import functools
import inspect
import os
import threading
from concurrent.futures.thread import ThreadPoolExecutor

import pytest

from fixtures.claims import claim
from fixtures.errors import exactly, outcome_of
from fixtures.threads import SOON, Gate
from fixtures.trace import turn


def threads_named(prefix):
    return [thread for thread in threading.enumerate() if thread.name.startswith(prefix)]


def state_shown_by(future):
    """What a Future says of itself when it is printed: pending, running or finished."""
    return str(future).partition("state=")[2].strip(">")


@claim("pools-hand-out-concurrent-futures")
def test_a_thread_pool_hands_out_concurrent_futures_whose_results_are_what_the_jobs_returned():
    with ThreadPoolExecutor(max_workers=5) as pool:
        futures = [pool.submit(pow, value, 2) for value in range(10)]
        returned = LookupError("returned, not raised")
        unusual = pool.submit(lambda: returned)

    assert [type(future) for future in futures] == [concurrent.futures.Future] * 10
    assert [future.result() for future in futures] == [0, 1, 4, 9, 16, 25, 36, 49, 64, 81]
    assert unusual.exception() is None
    for _ in range(2):  # a result that was asked for is there still
        assert unusual.result() is returned


def kinds_of_pool():
    return {name for name in concurrent.futures.__all__ if name.endswith("PoolExecutor")}


@claim("two-kinds-of-pool-before-3-14")
def test_the_only_pools_are_those_of_threads_and_of_processes():
    assert kinds_of_pool() == {"ThreadPoolExecutor", "ProcessPoolExecutor"}
    assert not hasattr(concurrent.futures, "InterpreterPoolExecutor")


@claim("interpreter-pool-is-a-third-kind-since-3-14")
def test_a_pool_of_interpreters_hands_out_the_same_future_for_jobs_in_this_process_and_another_interpreter():
    assert kinds_of_pool() == {"ThreadPoolExecutor", "ProcessPoolExecutor", "InterpreterPoolExecutor"}
    which = "__import__('concurrent.interpreters').interpreters.get_current().id"

    with concurrent.futures.InterpreterPoolExecutor(max_workers=1) as pool:
        futures = [pool.submit(os.getpid), pool.submit(eval, which)]

    assert [type(future) for future in futures] == [concurrent.futures.Future] * 2
    process, interpreter = [future.result() for future in futures]
    assert process == os.getpid()
    assert interpreter != eval(which)


@claim("two-kinds-of-future-share-no-class")
def test_a_concurrent_future_and_an_asyncio_future_have_only_object_in_common():
    assert set(concurrent.futures.Future.__mro__) & set(asyncio.Future.__mro__) == {object}


@claim("pool-future-must-be-wrapped-to-be-awaited")
async def test_a_pools_future_is_no_awaitable_and_can_be_awaited_once_it_is_wrapped_before_and_after_its_job_ends():
    with ThreadPoolExecutor(max_workers=1) as pool, Gate() as gate:
        good, bad = pool.submit(gate.hold, 0), pool.submit(int, "eight")
        unusual = pool.submit(LookupError, "returned, not raised")

        assert not inspect.isawaitable(good)
        with exactly(TypeError, match="Future"):
            await good

        wrapped_good, wrapped_bad = asyncio.wrap_future(good), asyncio.wrap_future(bad)
        wrapped_unusual = asyncio.wrap_future(unusual)
        gate.open()
        assert await wrapped_good == 0
        with exactly(ValueError, match="eight") as raised:
            await wrapped_bad
        assert raised.value is bad.exception()
        await asyncio.wait([wrapped_unusual])
        assert wrapped_unusual.exception() is None
        assert wrapped_unusual.result() is unusual.result()
        assert await asyncio.wrap_future(good) == 0
        with exactly(ValueError, match="eight") as raised:
            await asyncio.wrap_future(bad)
        assert raised.value is bad.exception()
        with exactly(TypeError, match="Future"):
            await good


@claim("pool-future-result-blocks-its-caller")
@pytest.mark.parametrize("queued", [False, True])
@pytest.mark.parametrize("where", ["in another thread", "in the loop's"])
async def test_result_of_a_pools_future_blocks_all_who_ask_until_the_job_ends_that_runs_or_is_queued(queued, where):
    with ThreadPoolExecutor(max_workers=1) as pool, ThreadPoolExecutor(max_workers=2) as callers, Gate() as gate:
        running = pool.submit(gate.hold, "the job")
        assert gate.next_arrival() == "the job"
        unfinished = pool.submit(str, "the job") if queued else running

        with pytest.raises(Exception) as given_up:
            unfinished.result(timeout=0)
        assert given_up.type is concurrent.futures.TimeoutError, "result() did not wait"

        wait, waits, others = unfinished._condition.wait, [], []

        def wait_and_open(timeout):
            waits.append(timeout)
            if len(waits) == 1:
                others.append(callers.submit(unfinished.result))
                others[0].add_done_callback(lambda _: gate.open())  # it ought to be blocked
            else:
                gate.open()  # the job cannot end before wait() lets go of the lock
            return wait(timeout)

        unfinished._condition.wait = wait_and_open  # nothing public says when a caller blocks
        in_the_loops = where == "in the loop's"
        given = [outcome_of(unfinished.result if in_the_loops else callers.submit(unfinished.result).result)]
        given += [outcome_of(other.result) for other in others]
        assert given == ["the job"] * 2, "result() did not wait"
        assert waits == [None] * 2, "result() does not wait for as long as it takes"


@claim("pool-future-result-blocks-its-caller")
async def test_result_of_an_asyncio_future_raises_where_it_is_not_done():
    for future in (asyncio.Future(), asyncio.get_running_loop().create_future()):
        for _ in range(2):
            with pytest.raises(Exception) as refused:
                future.result()
            assert refused.type is asyncio.InvalidStateError
            future.add_done_callback(print)  # nor does it matter whether somebody waits for it


@claim("pool-future-calls-back-without-a-loop")
def test_a_pools_future_calls_all_back_with_no_event_loop_as_soon_as_its_job_ends_fails_or_is_cancelled(trace):
    def fail():
        trace("the next job begins")
        raise LookupError

    with ThreadPoolExecutor(max_workers=1) as pool, Gate() as gate:
        worker = pool.submit(threading.get_ident).result()
        good, bad, cancelled = pool.submit(gate.hold), pool.submit(fail), pool.submit(fail)
        good.add_done_callback(lambda _: trace("the one called back"))
        good.add_done_callback(lambda _: trace("the other called back"))
        bad.add_done_callback(lambda _: trace("called back by a job that failed"))
        cancelled.add_done_callback(lambda _: trace("called back by a cancellation"))
        assert trace.steps == []
        cancelled.cancel()
        assert trace.steps == ["called back by a cancellation"]

    assert trace.steps[1:] == [
        "the one called back",
        "the other called back",
        "the next job begins",
        "called back by a job that failed",
    ]
    assert trace.threads == [threading.get_ident(), *[worker] * 4]


@claim("pool-future-calls-back-without-a-loop")
async def test_once_done_a_pools_future_calls_back_at_once_and_an_asyncio_future_through_its_loop(trace):
    with ThreadPoolExecutor(max_workers=1) as pool:
        of_pool = pool.submit(int)
    of_loop = asyncio.get_running_loop().create_future()
    of_loop.set_result(None)

    of_pool.add_done_callback(lambda _: trace("the pool's future calls back"))
    trace("added to the pool's")
    of_loop.add_done_callback(lambda _: trace("the loop's future calls back"))
    trace("added to the loop's")
    await turn()

    assert trace.steps == [
        "the pool's future calls back",
        "added to the pool's",
        "added to the loop's",
        "the loop's future calls back",
    ]
    assert trace.threads == [threading.get_ident()] * 4


@claim("pool-future-calls-back-without-a-loop")
def test_an_asyncio_future_whose_loop_does_not_run_yet_calls_nobody_back_until_it_does(trace, new_loop):
    loop = new_loop()
    future = loop.create_future()
    future.add_done_callback(lambda _: trace("added while it was pending"))
    future.set_result(None)
    future.add_done_callback(lambda _: trace("added when it was done"))
    assert trace.steps == []

    loop.run_until_complete(turn())
    assert trace.steps == ["added while it was pending", "added when it was done"]


@claim("submit-returns-before-the-job-ends")
def test_submit_returns_a_future_that_can_be_printed_while_its_job_is_unfinished():
    with ThreadPoolExecutor(max_workers=5) as pool, Gate() as gate:
        futures = []
        for value in range(10):
            futures.append(pool.submit(gate.hold, value))
            assert state_shown_by(futures[-1]) in ("running", "pending")
        assert not any(future.done() for future in futures)

    assert [future.result() for future in futures] == list(range(10))


@claim("max-workers-bounds-the-jobs-in-flight")
def test_five_jobs_of_ten_are_in_flight_and_no_sixth_in_a_pool_of_five_workers(in_flight):
    def job(value):
        with in_flight:
            gate.hold(value)

    with ThreadPoolExecutor(max_workers=5, thread_name_prefix="bounded") as pool, Gate() as gate:
        futures = [pool.submit(job, value) for value in range(10)]
        assert {gate.next_arrival() for _ in range(5)} == {0, 1, 2, 3, 4}
        assert len(threads_named("bounded")) == 5  # a thread too many would be there before its job is
        assert in_flight.now == 5

    assert in_flight.peak == 5
    assert all(future.done() for future in futures)


@claim("max-workers-bounds-the-jobs-in-flight")
def test_once_five_workers_have_started_five_futures_are_running_and_five_pending():
    with ThreadPoolExecutor(max_workers=5) as pool, Gate() as gate:
        futures = [pool.submit(gate.hold, value) for value in range(10)]
        for _ in range(5):
            gate.next_arrival()

        states = [state_shown_by(future) for future in futures]
        assert states == ["running"] * 5 + ["pending"] * 5
        assert [future.running() for future in futures] == [True] * 5 + [False] * 5


@claim("idle-workers-are-reused-before-new-threads")
def test_jobs_one_after_the_other_need_one_thread_of_the_five_allowed():
    with ThreadPoolExecutor(max_workers=5, thread_name_prefix="reused") as pool:
        workers = set()
        for _ in range(10):
            workers.add(pool.submit(threading.current_thread).result())
            # A result is there a moment before its worker is idle, and nothing public says when that is.
            assert pool._idle_semaphore.acquire(timeout=SOON), "the worker does not become idle"
            pool._idle_semaphore.release()

        assert len(workers) == 1
        assert set(threads_named("reused")) == workers


@claim("jobs-start-in-order-of-submission")
def test_jobs_start_in_the_order_in_which_they_were_submitted_whichever_worker_is_free():
    with ThreadPoolExecutor(max_workers=5) as pool, Gate() as gate:
        for value in range(0, 14, 2):
            pool.submit(gate.hold, value)
            pool.submit(functools.partial(gate.hold, value + 1))  # nor does it matter how a job is given

        assert {gate.next_arrival() for _ in range(5)} == {0, 1, 2, 3, 4}
        for ends, follows in [(3, 5), (0, 6), (5, 7), (4, 8), (1, 9), (9, 10), (2, 11), (6, 12), (11, 13)]:
            gate.let(ends)
            assert gate.next_arrival() == follows


@claim("jobs-start-in-order-of-submission")
def test_jobs_of_one_worker_start_in_order_after_one_that_failed_or_was_cancelled_too_and_whoever_submits_them(trace):
    def submit_the_last():
        gate.hold()
        pool.submit(trace, "the last, by a job")

    def fail():
        trace("fails")
        raise LookupError

    with ThreadPoolExecutor(max_workers=1) as pool, Gate() as gate:
        first = pool.submit(submit_the_last)
        assert gate.next_arrival() == "a job"
        pool.submit(fail)
        for name in ("after a failure", "also after it"):
            pool.submit(trace, name)
        pool.submit(trace, "cancelled").cancel()
        for name in ("after a cancellation", "also after that"):
            pool.submit(trace, name)
        with ThreadPoolExecutor(max_workers=1) as another:
            another.submit(pool.submit, trace, "by another thread").result()
        gate.open()
        first.result()

    failed = ["fails", "after a failure", "also after it"]
    assert trace.steps == [
        *failed, "after a cancellation", "also after that", "by another thread", "the last, by a job",
    ]  # fmt: skip


@claim("jobs-print-in-any-order")
def test_ten_values_come_in_whatever_order_the_threads_get_to_them(trace):
    def job(value):
        gate.hold(value)
        trace(value)

    an_order = [4, 3, 2, 1, 0, 9, 8, 7, 6, 5]
    with ThreadPoolExecutor(max_workers=5) as pool, Gate() as gate:
        futures = [pool.submit(job, value) for value in range(10)]
        for value in an_order:
            gate.let(value)
            done = concurrent.futures.wait([futures[value]], timeout=SOON).done
            assert done, f"{value} does not come before the others"

    assert trace.steps == an_order


NEVER_SHUTS_DOWN = """
import threading
from concurrent.futures.thread import ThreadPoolExecutor

interpreter_exits = threading.Event()

def job(value):
    interpreter_exits.wait()
    print(f"{value}\\n", end="")  # in one piece: other threads print too

pool = ThreadPoolExecutor(max_workers=5)
for value in range(10):
    pool.submit(job, value)
threading._register_atexit(interpreter_exits.set)  # before threads are waited for, and nothing public is
print("the last line of the program")
"""


@claim("interpreter-exit-waits-for-pool-threads")
def test_a_program_that_never_shuts_its_pool_down_finishes_all_jobs_before_it_exits(fresh_interpreter):
    ended = fresh_interpreter(NEVER_SHUTS_DOWN)

    assert ended.lines[:1] == ["the last line of the program"]
    assert sorted(ended.lines[1:]) == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
    assert ended.status == 0
