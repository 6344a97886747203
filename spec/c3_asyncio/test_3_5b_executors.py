"""3.5 (the second): run_in_executor, which lends the event loop the threads and processes of a pool."""

import asyncio
import functools
import itertools
import os
import threading
import types
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from fixtures.claims import claim
from fixtures.errors import exactly
from fixtures.threads import Gate
from fixtures.trace import turn


@claim("none-as-executor-means-the-default-thread-pool")
async def test_none_as_the_executor_is_each_time_the_same_thread_pool_apart_from_the_loops_thread():
    loop, workers = asyncio.get_running_loop(), []
    for debug in (False, True):
        loop.set_debug(debug)
        workers.append(await loop.run_in_executor(None, threading.current_thread))

    assert threading.current_thread() not in workers
    names_of_pools = {worker.name.rpartition("_")[0] for worker in workers}  # then comes the worker's number
    assert len(names_of_pools) == 1


@claim("none-as-executor-means-the-default-thread-pool")
async def test_none_as_the_executor_is_the_loops_default_and_an_executor_given_goes_before_it():
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="default"))

    by_default = await loop.run_in_executor(None, threading.current_thread)
    with ThreadPoolExecutor(thread_name_prefix="given") as pool:
        by_pool = await loop.run_in_executor(pool, threading.current_thread)
        again_by_default = await loop.run_in_executor(None, threading.current_thread)

    assert (by_default.name, by_pool.name, again_by_default.name) == ("default_0", "given_0", "default_0")


@claim("run-in-executor-hands-out-an-asyncio-future")
async def test_run_in_executor_gives_an_asyncio_future_and_no_task():
    with ThreadPoolExecutor(max_workers=1) as pool:
        for executor, value in itertools.product((None, pool), (8, 7, 0)):
            future = asyncio.get_running_loop().run_in_executor(executor, abs, value)

            assert isinstance(future, asyncio.Future)  # or a subclass, which a loop may have of its own
            assert not isinstance(future, asyncio.Task)
            assert asyncio.all_tasks() == {asyncio.current_task()}
            assert await future == value


@claim("run-in-executor-hands-out-an-asyncio-future")
async def test_an_exception_or_an_awaitable_that_the_function_returns_is_a_value_as_any_other():
    loop = asyncio.get_running_loop()
    awaitable = loop.create_future()
    awaitable.set_result("not what the function returned")
    with ThreadPoolExecutor(max_workers=1) as pool:
        for executor, returned in itertools.product((None, pool), (LookupError("returned, not raised"), awaitable)):
            future = loop.run_in_executor(executor, lambda: returned)  # noqa: B023
            await asyncio.wait([future])

            assert future.exception() is None
            assert future.result() is returned


@claim("run-in-executor-hands-out-an-asyncio-future")
async def test_awaiting_what_run_in_executor_gave_raises_the_functions_exception():
    def fail(error):
        raise error

    with ThreadPoolExecutor(max_workers=1) as pool:
        for executor, kind in itertools.product((None, pool), (LookupError, BaseException)):
            error = kind("nothing there")
            with pytest.raises(BaseException) as raised:
                await asyncio.get_running_loop().run_in_executor(executor, fail, error)
            assert raised.value is error


@claim("executor-job-runs-before-any-await")
@pytest.mark.parametrize("by_default", [True, False])
async def test_functions_run_in_the_executor_to_their_end_before_anything_is_awaited(trace, by_default):
    async def coroutine_function():
        trace("the coroutine runs")

    def function():
        gate.hold()  # since Python 3.14 a job that is done by then may be known to be
        trace("the function runs")
        return "the function's own"

    loop, coroutine = asyncio.get_running_loop(), coroutine_function()
    with ThreadPoolExecutor(max_workers=1) as pool, Gate() as gate:
        loop.set_default_executor(pool)
        futures = [loop.run_in_executor(None if by_default else pool, function) for _ in range(2)]
        gate.open()
        pool.submit(trace, "their worker is free again").result()

    both_have_run = ["the function runs", "the function runs", "their worker is free again"]
    assert trace.steps == both_have_run
    assert not any(future.done() for future in futures)  # their loop has had no turn to hear of it
    await coroutine
    assert trace.steps == [*both_have_run, "the coroutine runs"]
    assert [await future for future in futures] == ["the function's own"] * 2


@claim("loop-stays-free-while-an-executor-job-blocks")
@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("by_default", [True, False])
async def test_other_tasks_run_while_functions_block_in_the_executor(trace, by_default, debug):
    async def other():
        for step in ("one step", "another", "a third"):
            trace(step)
            await turn()
        gate.open()

    with ThreadPoolExecutor(max_workers=2) as pool, Gate() as gate:
        loop, executor = asyncio.get_running_loop(), None if by_default else pool
        loop.set_debug(debug)
        futures = [loop.run_in_executor(executor, gate.hold, "the function") for _ in range(2)]
        for future in futures:
            future.add_done_callback(lambda _: trace("the function is done"))
        await asyncio.create_task(other())
        assert [await future for future in futures] == ["the function"] * 2
        await turn()  # one that was done before it was awaited has its callbacks called only now

    assert trace.steps == ["one step", "another", "a third", *["the function is done"] * 2]


whatever_comes_of_it = pytest.mark.parametrize(
    "job, digits, outcome", [(int, "8", 8), (int, "eight", "ValueError"), ({}.get, "8", None)]
)


class DoneAtOnce(Executor):
    """An executor whose jobs are done before anyone can wait, as quick ones in a thread may be."""

    def submit(self, job, *arguments):
        future = Future()
        try:
            future.set_result(job(*arguments))
        except ValueError as error:
            future.set_exception(error)
        return future


async def await_a_job_done_at_once(trace, job, digits):
    async def other():
        trace("another task takes a step")

    task = asyncio.create_task(other())
    try:
        trace(await asyncio.get_running_loop().run_in_executor(DoneAtOnce(), job, digits))
    except ValueError:
        trace("ValueError")
    await task


@claim("job-done-early-costs-a-turn-before-3-12")
@whatever_comes_of_it
async def test_awaiting_a_job_that_is_done_or_has_failed_already_gives_another_task_a_turn(trace, job, digits, outcome):
    await await_a_job_done_at_once(trace, job, digits)

    assert trace.steps == ["another task takes a step", outcome]


@claim("job-done-early-costs-no-turn-since-3-14")
@whatever_comes_of_it
async def test_awaiting_a_job_that_is_done_or_has_failed_already_gives_no_other_task_a_turn(
    trace, job, digits, outcome
):
    await await_a_job_done_at_once(trace, job, digits)

    assert trace.steps == [outcome, "another task takes a step"]


@claim("run-in-executor-passes-only-positional-arguments")
async def test_run_in_executor_passes_positional_arguments_on_to_any_executor_and_refuses_keywords():
    def function(*positional, **keywords):
        return positional, keywords

    loop, thing = asyncio.get_running_loop(), []

    with ThreadPoolExecutor(max_workers=1) as pool:
        for executor in (None, pool):
            passed, keywords = await loop.run_in_executor(executor, function, 1, None, thing)
            assert (passed[:2], keywords) == ((1, None), {})
            assert passed[2] is thing and passed[3:] == ()
            with exactly(TypeError, match="unexpected keyword argument"):
                loop.run_in_executor(executor, function, 1, timeout=2)
            with_a_keyword = functools.partial(function, 1, timeout=2)
            assert await loop.run_in_executor(executor, with_a_keyword) == ((1,), {"timeout": 2})


PROCESS_POOL_AS_DEFAULT = """
    import asyncio, multiprocessing, os, warnings
    from concurrent.futures import ProcessPoolExecutor
    from fixtures.workers import end_with_the_program

    async def main():
        loop = asyncio.get_running_loop()
        fork = multiprocessing.get_context("fork")
        pool = ProcessPoolExecutor(max_workers=1, mp_context=fork, initializer=end_with_the_program)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for debug in (True, False):
                loop.set_debug(debug)
                try:
                    loop.set_default_executor(pool)
                except TypeError as error:
                    print("refused:", error)
        print([warning.category.__name__ for warning in caught])
        print(await loop.run_in_executor(pool, pow, 2, 10))
        for executor in (pool, None):  # the pool first: a process with threads should not fork
            worker = await loop.run_in_executor(executor, os.getpid)
            print("in this process" if worker == os.getpid() else "in another process")
        pool.shutdown()

    asyncio.run(main())
"""


@claim("asyncio-takes-a-process-pool-as-default-with-a-warning")
def test_before_python_3_11_asyncio_takes_a_process_pool_as_default_with_a_warning(program):
    ended = program(PROCESS_POOL_AS_DEFAULT)

    warned = "['DeprecationWarning', 'DeprecationWarning']"
    assert ended.lines == [warned, "1024", "in another process", "in another process"]
    assert (ended.status, ended.stderr) == (0, "")


@claim("asyncio-refuses-a-process-pool-as-default")
def test_since_python_3_11_asyncio_refuses_a_process_pool_as_default_and_takes_it_in_run_in_executor(program):
    ended = program(PROCESS_POOL_AS_DEFAULT)

    refused = "refused: executor must be ThreadPoolExecutor instance"
    assert ended.lines == [refused, refused, "[]", "1024", "in another process", "in this process"]
    assert (ended.status, ended.stderr) == (0, "")


class OwnProcessPool(ProcessPoolExecutor):
    """A process pool that needs nothing, as it is never used."""

    def __init__(self):
        pass


class Submits:
    """Has what is asked of an executor, but is none."""

    submit, shutdown = DoneAtOnce.submit, DoneAtOnce.shutdown


@claim("asyncio-refuses-a-process-pool-as-default")
def test_since_python_3_11_asyncio_refuses_any_executor_but_a_thread_pool_as_default_before_it_runs_too(new_loop):
    async def refuse():
        loop.set_default_executor(ThreadPoolExecutor(max_workers=1))
        refuse_each()  # where it runs, and has a default

    def refuse_each():
        for executor in (DoneAtOnce(), OwnProcessPool(), Submits(), ThreadPoolExecutor, "a thread pool", None):
            with exactly(TypeError, match="executor must be ThreadPoolExecutor instance"):
                loop.set_default_executor(executor)

    loop = new_loop()
    refuse_each()
    loop.run_until_complete(refuse())


@claim("uvloop-takes-a-process-pool-as-default")
def test_uvloop_takes_a_process_pool_as_default_without_a_warning(program):
    ended = program(PROCESS_POOL_AS_DEFAULT)

    assert ended.lines == ["[]", "1024", "in another process", "in another process"]
    assert (ended.status, ended.stderr) == (0, "")


@claim("asyncio-executor-gives-back-an-unrun-coroutine")
async def test_on_asyncio_a_coroutine_function_in_the_executor_gives_a_coroutine_object_that_has_not_run(trace):
    async def coroutine_function():
        trace("the body runs")
        return 8

    loop = asyncio.get_running_loop()
    loop.set_debug(False)

    def hand_over(executor):
        try:
            return loop.run_in_executor(executor, coroutine_function)
        except TypeError as error:
            raise AssertionError(f"a coroutine function was refused: {error}") from None

    with ThreadPoolExecutor(max_workers=1) as pool:
        results = [await hand_over(executor) for executor in (None, pool)]

    assert [type(result) for result in results] == [types.CoroutineType] * 2
    assert trace.steps == []
    assert [await result for result in results] == [8, 8]


class NotToBeCalled:
    """Has a coroutine function as a function and as a method."""

    @staticmethod
    async def function(*_arguments):
        """Must not be called."""

    async def method(self, *_arguments):
        """Must not be called, either."""


@claim("asyncio-executor-gives-back-an-unrun-coroutine")
async def test_on_asyncio_in_debug_mode_the_executor_refuses_a_coroutine_function():
    loop = asyncio.get_running_loop()
    loop.set_debug(True)

    refused = NotToBeCalled.function, NotToBeCalled().method
    with ThreadPoolExecutor(max_workers=1) as pool:
        for executor, function, arguments in itertools.product((None, pool), refused, ((), (8,))):
            with exactly(TypeError, match="coroutines cannot be used with run_in_executor"):
                await (await loop.run_in_executor(executor, function, *arguments))


@claim("uvloop-executor-refuses-a-coroutine-function")
async def test_on_uvloop_the_executor_refuses_a_coroutine_function_whatever_the_mode():
    loop = asyncio.get_running_loop()
    refused = NotToBeCalled.function, NotToBeCalled().method
    with ThreadPoolExecutor(max_workers=1) as pool:
        for debug, executor, function, arguments in itertools.product((False, True), (None, pool), refused, ((), (8,))):
            loop.set_debug(debug)
            with exactly(TypeError, match="coroutines cannot be used with run_in_executor"):
                await (await loop.run_in_executor(executor, function, *arguments))


@claim("default-executor-bounds-what-overlaps")
@pytest.mark.parametrize("cpus, bound", [(1, 5), (2, 6), (10, 14), (100, 32)])
async def test_as_many_functions_overlap_in_the_default_executor_as_it_has_workers_and_no_more(
    monkeypatch, in_flight, cpus, bound
):
    def job(value):
        with in_flight:
            return gate.hold(value)

    for counting in ("cpu_count", "process_cpu_count"):  # the latter asked since Python 3.13
        monkeypatch.setattr(os, counting, lambda: cpus, raising=False)
    loop = asyncio.get_running_loop()
    others = set(threading.enumerate())
    with Gate() as gate:
        futures = [loop.run_in_executor(None, job, value) for value in range(bound + 20)]
        started = {gate.next_arrival() for _ in range(bound)}

        assert started == set(range(bound))
        assert len(set(threading.enumerate()) - others) == bound
        gate.open()
        assert await asyncio.gather(*futures) == list(range(bound + 20))

    assert in_flight.peak == bound


@claim("default-executor-bounds-what-overlaps")
async def test_three_functions_overlap_in_the_default_executor():
    loop = asyncio.get_running_loop()
    with Gate() as gate:
        futures = [loop.run_in_executor(None, gate.hold, name) for name in ("a", "b", "c")]

        assert {gate.next_arrival() for _ in range(3)} == {"a", "b", "c"}
        gate.open()
        assert await asyncio.gather(*futures) == ["a", "b", "c"]


@claim("cancelling-does-not-stop-a-running-job")
@pytest.mark.parametrize("by_default", [True, False])
async def test_a_function_that_runs_in_the_executor_runs_to_its_end_though_cancelled(trace, by_default):
    def function():
        gate.hold("the function")
        trace("the function ends")

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(max_workers=1) as pool, Gate() as gate:
        loop.set_default_executor(pool)
        future = loop.run_in_executor(None if by_default else pool, function)
        gate.next_arrival()
        future.cancel()
        with pytest.raises(BaseException) as told:
            await future
        assert told.type is asyncio.CancelledError
        await turn()  # the loop passes a cancellation on to the pool in its next turn
        trace("the waiter is told of the cancellation")

    assert trace.steps == ["the waiter is told of the cancellation", "the function ends"]


@claim("cancelling-does-not-stop-a-running-job")
@pytest.mark.parametrize("by_default", [True, False])
async def test_functions_still_queued_for_the_executor_never_start_once_cancelled(trace, by_default):
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(max_workers=1) as pool, Gate() as gate:
        loop.set_default_executor(pool)
        executor = None if by_default else pool
        running = loop.run_in_executor(executor, gate.hold, "the one before")
        queued = [loop.run_in_executor(executor, trace, "a queued function runs") for _ in range(2)]
        for future in queued:
            future.cancel()
            for _ in range(3):  # nor does it matter how long it has been queued
                await turn()
        for future in queued:
            with pytest.raises(BaseException) as told:
                await future
            assert told.type is asyncio.CancelledError
        await turn()  # the loop passes a cancellation on to the pool in its next turn
        gate.open()
        assert await running == "the one before"

    assert trace.steps == []
