"""`asyncio.run`: what it returns, the loop it makes and closes, what it does with leftovers, and what it refuses."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from fixtures.claims import claim
from fixtures.errors import exactly


@claim("asyncio-run-runs-the-body-once-and-returns-its-value")
def test_asyncio_run_runs_a_coroutine_object_made_before_any_loop_once_and_returns_its_value(program):
    ended = program("""
        import asyncio

        async def errand(value):
            print("the body runs")
            return value

        coroutines = errand("its value"), errand(0), errand(LookupError("an error as a value"))
        print("no loop was made yet")
        for coroutine in coroutines:
            print("returned:", asyncio.run(coroutine))
    """)

    assert ended.lines == [
        "no loop was made yet",
        *["the body runs", "returned: its value"],
        *["the body runs", "returned: 0"],
        *["the body runs", "returned: an error as a value"],
    ]
    assert ended.status == 0


@claim("asyncio-run-has-a-life-cycle-of-its-own")
def test_asyncio_run_takes_closes_and_clears_a_loop_that_run_until_complete_leaves_as_it_is(program):
    ended = program("""
        import asyncio

        async def wait_for_ever():
            await asyncio.get_running_loop().create_future()

        async def main():
            left = asyncio.create_task(wait_for_ever())
            await asyncio.sleep(0)
            return "the value", asyncio.get_running_loop(), left

        async def fail():
            raise LookupError("no value")

        kept = asyncio.new_event_loop()
        asyncio.set_event_loop(kept)
        value, loop, left = kept.run_until_complete(main())
        try:
            kept.run_until_complete(fail())
        except LookupError as error:
            print(error)
        kept.run_until_complete(asyncio.sleep(0))  # a leftover asked to end would end by now
        print(value, "| own loop:", loop is not kept, "| closed:", loop.is_closed(), "| leftover done:", left.done())
        left.cancel()
        kept.run_until_complete(asyncio.wait([left]))

        value, loop, left = asyncio.run(main())
        print(value, "| own loop:", loop is not kept, "| closed:", loop.is_closed(), "| leftover done:", left.done())
        kept.close()
    """)

    assert ended.lines == [
        "no value",
        "the value | own loop: False | closed: False | leftover done: False",
        "the value | own loop: True | closed: True | leftover done: True",
    ]


@claim("asyncio-run-closes-its-loop")
def test_asyncio_run_makes_a_new_loop_each_time_and_closes_it_for_good(program):
    ended = program("""
        import asyncio

        async def which_loop():
            return asyncio.get_running_loop()

        first, second = asyncio.run(which_loop()), asyncio.run(which_loop())
        print("another loop:", first is not second)
        print("closed:", first.is_closed(), second.is_closed())
        once_more = which_loop()
        try:
            second.run_until_complete(once_more)
            print("ran once more")
        except RuntimeError as error:
            print(error)
            once_more.close()
    """)

    assert ended.lines == ["another loop: True", "closed: True True", "Event loop is closed"]


@claim("asyncio-run-closes-its-loop")
def test_asyncio_run_from_plain_code_takes_another_loop_each_time_and_leaves_none_open():
    async def which_loop():
        return asyncio.get_running_loop()

    first, second = asyncio.run(which_loop()), asyncio.run(which_loop())

    assert first is not second
    assert (first.is_closed(), second.is_closed()) == (True, True)


@claim("asyncio-run-closes-its-loop")
@pytest.mark.parametrize("error", [LookupError, asyncio.CancelledError])
def test_asyncio_run_from_plain_code_closes_its_loop_also_where_the_coroutine_fails_or_is_cancelled(error):
    loops = []

    async def fail():
        loops.append(asyncio.get_running_loop())
        raise error

    with pytest.raises(error):
        asyncio.run(fail())

    assert [loop.is_closed() for loop in loops] == [True]


@claim("asyncio-run-cancels-leftover-tasks")
def test_asyncio_run_from_plain_code_returns_with_every_leftover_task_cancelled(trace):
    async def wait_for_ever():
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            trace("a leftover ends")

    async def wait_for_some_turns():
        for _ in range(8):
            await asyncio.sleep(0)
        trace("a leftover has not been cancelled")

    async def main():
        left = [asyncio.create_task(wait_for_ever()) for _ in range(3)]
        left.append(asyncio.create_task(wait_for_some_turns()))
        await asyncio.sleep(0)
        trace("main ends")
        return left

    left = asyncio.run(main())

    assert trace.steps == ["main ends", *["a leftover ends"] * 3]
    assert [task.cancelled() for task in left] == [True] * 4


@claim("asyncio-run-cancels-leftover-tasks")
@pytest.mark.parametrize("error", [LookupError, asyncio.CancelledError])
def test_asyncio_run_from_plain_code_leaves_no_task_pending_where_the_coroutine_fails_or_is_cancelled(error):
    left = []

    async def wait_for_ever():
        await asyncio.get_running_loop().create_future()

    async def fail():
        left.append(asyncio.create_task(wait_for_ever()))
        raise error

    with pytest.raises(error):
        asyncio.run(fail())

    assert [task.cancelled() for task in left] == [True]


@claim("asyncio-run-cancels-leftover-tasks")
def test_asyncio_run_cancels_leftover_tasks_and_lets_them_finish_though_one_fails_before_it_returns(program):
    ended = program("""
        import asyncio

        async def fail_in_the_end():
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                raise LookupError from None

        async def wait_for_ever(turns):
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                print("a leftover is cancelled")
                for _ in range(turns):
                    await asyncio.sleep(0)
                await asyncio.sleep(0.01)
                print("a leftover has cleaned up")
                raise

        async def main():
            left = [asyncio.create_task(wait_for_ever(turns)) for turns in (20, 40)]
            left.append(asyncio.create_task(fail_in_the_end()))
            await asyncio.sleep(0)
            print("main ends")
            return left

        left = asyncio.run(main())
        print("run returns | leftovers cancelled:", *[task.cancelled() for task in left])
        print("one has failed:", repr(left[-1].exception()))
    """)

    assert ended.lines == [
        "main ends",
        *["a leftover is cancelled"] * 2,
        *["a leftover has cleaned up"] * 2,
        "run returns | leftovers cancelled: True True False",
        "one has failed: LookupError()",
    ]


@claim("asyncio-run-refuses-a-running-loop")
async def test_asyncio_run_is_refused_in_a_task_and_in_a_callback_of_a_running_loop_and_starts_nothing(trace):
    async def errand():
        trace("the errand ran")

    with closing(errand()) as coroutine:

        def try_to_run():
            with exactly(RuntimeError, match=r"asyncio\.run\(\) cannot be called from a running event loop"):
                asyncio.run(coroutine)
            trace("refused")

        try_to_run()
        asyncio.get_running_loop().call_soon(try_to_run)
        await asyncio.sleep(0)
        assert trace.steps == ["refused", "refused"]


@claim("asyncio-run-refuses-a-running-loop")
async def test_asyncio_run_is_not_refused_in_another_thread_than_that_of_the_running_loop():
    async def errand():
        return "its value"

    def run():
        return asyncio.run(errand())

    with ThreadPoolExecutor(1) as another_thread:
        ran = another_thread.submit(run)

    assert ran.exception() is None
    assert ran.result() == "its value"


@claim("coroutine-object-runs-only-once")
def test_a_coroutine_object_runs_once_and_a_second_run_of_it_is_refused_either_way(program):
    ended = program("""
        import asyncio

        async def errand():
            print("the body runs")

        coroutine = errand()
        loop = asyncio.new_event_loop()
        loop.run_until_complete(coroutine)
        for run in (loop.run_until_complete, asyncio.run):
            try:
                run(coroutine)
                print("the same object ran again")
            except RuntimeError as error:
                print(error)
        loop.close()
        asyncio.run(errand())
    """)

    refused = "cannot reuse already awaited coroutine"
    assert ended.lines == ["the body runs", refused, refused, "the body runs"]


@claim("coroutine-object-runs-only-once")
async def test_a_coroutine_object_that_has_run_can_neither_be_awaited_nor_run_by_a_task_again(trace):
    async def errand():
        trace("the body runs")

    coroutine = errand()
    await coroutine
    for run in (lambda: coroutine, lambda: asyncio.create_task(coroutine)):
        with exactly(RuntimeError, match="cannot reuse already awaited coroutine"):
            await run()
    assert trace.steps == ["the body runs"]

    await errand()
    assert trace.steps == ["the body runs"] * 2


@claim("coroutine-object-runs-only-once")
def test_a_coroutine_object_that_has_failed_is_refused_by_run_until_complete_and_asyncio_run_too(new_loop, trace):
    async def fail():
        trace("the body runs")
        raise LookupError

    coroutine, run = fail(), new_loop().run_until_complete
    with exactly(LookupError):
        run(coroutine)
    for again in (run, asyncio.run):
        with exactly(RuntimeError, match="cannot reuse already awaited coroutine"):
            again(coroutine)

    assert trace.steps == ["the body runs"]


# Gives asyncio.run two awaitables that are no coroutine objects, the second a future that is done and so may be awaited
# on any loop; a number; None; and a coroutine function that nobody has called.
RUN_OTHER_THINGS = """
    import asyncio

    class Errand:
        def __await__(self):
            print("the awaitable runs")
            return "its value"
            yield

    async def function():
        print("the function is called")

    loop = asyncio.new_event_loop()
    future = loop.create_future()
    future.set_result("the future's value")
    loop.close()

    for thing in (Errand(), future, 5, None, function):
        try:
            print("returned:", asyncio.run(thing))
        except (TypeError, ValueError) as error:
            print(f"{type(error).__name__}: {error}".split(",")[0])
"""


@claim("asyncio-run-takes-only-coroutines-before-3-14")
def test_asyncio_run_refuses_an_awaitable_that_is_no_coroutine_object_and_a_coroutine_function(program):
    ended = program(RUN_OTHER_THINGS)

    assert ended.lines == ["ValueError: a coroutine was expected"] * 5


@claim("asyncio-run-takes-any-awaitable-since-3-14")
def test_asyncio_run_takes_any_awaitable_and_refuses_a_number_and_a_coroutine_function(program):
    ended = program(RUN_OTHER_THINGS)

    assert ended.lines == [
        *["the awaitable runs", "returned: its value", "returned: the future's value"],
        *["TypeError: An asyncio.Future"] * 3,
    ]
