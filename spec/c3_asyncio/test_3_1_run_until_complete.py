"""What `run_until_complete` takes, does with it, returns, and refuses."""

import asyncio
import sys
from contextlib import closing

import pytest

from fixtures.claims import claim
from fixtures.errors import error_of, exactly, outcome_of
from fixtures.trace import turn


@claim("run-until-complete-wraps-a-coroutine-in-a-task")
def test_run_until_complete_makes_a_task_of_a_coroutine_object(new_loop):
    async def which_task():
        return asyncio.current_task()

    coroutine = which_task()

    task = new_loop().run_until_complete(coroutine)

    assert isinstance(task, asyncio.Task)
    assert task.get_coro() is coroutine


@claim("run-until-complete-wraps-a-coroutine-in-a-task")
def test_run_until_complete_refuses_a_number_none_a_list_and_a_coroutine_function(new_loop):
    async def coroutine_function():
        pass

    loop = new_loop()
    future = loop.create_future()
    future.set_result("there already")
    for refused in (5, None, [future], (future,), {future}, "", coroutine_function):
        with pytest.raises(TypeError, match="an awaitable is required"):
            loop.run_until_complete(refused)

    assert asyncio.all_tasks(loop) == set()


@claim("run-until-complete-runs-and-returns-the-result")
def test_run_until_complete_runs_a_coroutine_or_task_to_its_end_and_returns_the_result(new_loop, trace):
    loop = new_loop()

    async def work(name):
        trace(f"{name} starts")
        for _ in range(20):
            await turn()
        trace(f"{name} ends")
        return f"result of {name}"

    assert loop.run_until_complete(work("coroutine")) == "result of coroutine"
    assert trace.steps == ["coroutine starts", "coroutine ends"]

    task = loop.create_task(work("task"))
    assert loop.run_until_complete(task) == "result of task"
    assert trace.steps == ["coroutine starts", "coroutine ends", "task starts", "task ends"]
    assert outcome_of(loop.run_until_complete, task) == "result of task"  # nothing is left to run, but the result


@claim("run-until-complete-runs-and-returns-the-result")
def test_run_until_complete_waits_for_a_future_and_returns_its_result(new_loop):
    loop, results = new_loop(), []
    expected = ["set meanwhile", 0, LookupError("a result like any other")]
    for result in expected:
        future = loop.create_future()
        loop.call_soon(future.set_result, result)

        assert error_of(lambda: results.append(loop.run_until_complete(future))) is None  # noqa: B023
    assert results == expected


@claim("run-until-complete-runs-and-returns-the-result")
def test_run_until_complete_returns_what_a_coroutine_or_task_returns_even_if_it_is_false_or_an_awaitable(new_loop):
    async def work(result):
        return result

    loop = new_loop()
    awaitable = loop.create_future()
    awaitable.set_result("its result")
    for result in ((), awaitable):
        assert loop.run_until_complete(work(result)) is result
        assert loop.run_until_complete(loop.create_task(work(result))) is result


@claim("run-until-complete-runs-and-returns-the-result")
def test_run_until_complete_raises_the_exception_of_the_coroutine_task_or_future_that_it_ran(new_loop):
    error = LookupError("no such page")

    async def fail():
        await turn()
        raise error

    loop = new_loop()
    failing = loop.create_future()
    failing.set_exception(error)
    cancelled = loop.create_future()
    cancelled.cancel()

    for make in (fail, lambda: loop.create_task(fail()), lambda: failing):
        with exactly(LookupError) as raised:
            loop.run_until_complete(make())
        assert raised.value is error
    cancelled_task = loop.create_task(fail())
    cancelled_task.cancel()
    for each in (cancelled, cancelled_task):
        with exactly(asyncio.CancelledError):
            loop.run_until_complete(each)


@claim("refused-nested-run-starts-nothing-on-asyncio")
async def test_run_until_complete_in_a_task_or_callback_is_refused_before_it_starts_anything(trace):
    async def errand():
        trace("the errand ran")

    loop = asyncio.get_running_loop()
    done = loop.create_future()
    done.set_result("there already")
    with closing(errand()) as coroutine:

        def try_to_run():
            for refused in (coroutine, done):
                with pytest.raises(RuntimeError, match="This event loop is already running"):
                    loop.run_until_complete(refused)
            trace("refused")

        try_to_run()
        loop.call_soon(try_to_run)
        with closing(asyncio.new_event_loop()) as another:
            with pytest.raises(RuntimeError, match="Cannot run the event loop while another loop is running"):
                another.run_until_complete(coroutine)
        assert asyncio.all_tasks(another) == set()

        await turn()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await turn()
        assert trace.steps == ["refused", "refused"]


@claim("refused-nested-run-still-starts-the-coroutine-on-uvloop")
async def test_run_until_complete_in_a_task_or_callback_of_uvloop_is_refused_and_the_coroutine_runs(trace):
    async def errand():
        trace("the errand ran")

    def try_to_run(coroutine):
        with pytest.raises(RuntimeError, match="this event loop is already running"):
            loop.run_until_complete(coroutine)
        trace("refused")

    loop = asyncio.get_running_loop()
    with closing(errand()) as coroutine, closing(errand()) as for_a_callback:
        try_to_run(coroutine)
        loop.call_soon(try_to_run, for_a_callback)

        made_meanwhile = asyncio.all_tasks() - {asyncio.current_task()}
        assert [task.get_coro() for task in made_meanwhile] == [coroutine]
        assert trace.steps == ["refused"]
        await turn()
        assert trace.steps == ["refused", "the errand ran", "refused"]
        await turn()
        assert trace.steps == ["refused", "the errand ran"] * 2

    with closing(type(loop)()) as another:
        future = another.create_future()
        future.set_result("there already")
        with pytest.raises(RuntimeError, match="Cannot run the event loop while another loop is running"):
            another.run_until_complete(future)


@claim("loop-program-needs-its-task-defined")
def test_a_task_under_an_undefined_name_is_a_name_error_and_nothing_runs(program):
    source = """
        import asyncio

        async def errand():
            for _ in range(20):
                await asyncio.sleep(0)
            print("the errand ran")

        loop = asyncio.new_event_loop()
        print("a loop is there")
        try:
            loop.run_until_complete({task})
        finally:
            loop.close()
    """

    undefined = program(source.format(task="some_errand"))
    assert undefined.lines == ["a loop is there"]
    assert undefined.error == "NameError: name 'some_errand' is not defined"
    assert undefined.status == 1

    defined = program(source.format(task="errand()"))
    assert defined.lines == ["a loop is there", "the errand ran"]
    assert defined.status == 0


@claim("loop-program-needs-its-task-defined")
def test_so_it_is_where_get_event_loop_makes_the_loop_up_to_python_313_and_since_then_that_fails_before(plain_program):
    source = """
        import asyncio

        async def errand():
            print("the errand ran")

        loop = asyncio.get_event_loop()
        print("a loop is there")
        loop.run_until_complete({task})
    """

    undefined = plain_program(source.format(task="some_errand"), warnings="ignore")
    defined = plain_program(source.format(task="errand()"), warnings="ignore")
    if sys.version_info < (3, 14):
        assert undefined.error == "NameError: name 'some_errand' is not defined"
        assert (undefined.status, undefined.lines) == (1, ["a loop is there"])
        assert (defined.status, defined.lines) == (0, ["a loop is there", "the errand ran"])
    else:
        for ended in (undefined, defined):
            assert ended.error == "RuntimeError: There is no current event loop in thread 'MainThread'."
            assert (ended.status, ended.lines) == (1, [])
