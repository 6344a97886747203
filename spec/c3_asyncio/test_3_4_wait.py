"""3.4, asyncio.wait: its two sets, what it hides, and what it makes of bare coroutine objects."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import re

import pytest

from fixtures.claims import claim
from fixtures.errors import exactly
from fixtures.garbage import collect
from fixtures.trace import turn, until


async def answer_after(turns: int) -> int:
    """Give the loop so many turns, and the number of them as the answer."""
    for _ in range(turns):
        await turn()
    return turns


async def fail() -> None:
    """Raise LookupError."""
    raise LookupError


async def outcome_of(awaitable) -> object:
    """What comes of awaiting it: the value or the exception, so that either can be compared with the other."""
    try:
        return await awaitable
    except (Exception, asyncio.CancelledError) as error:
        return error


def finished_tasks(line: str) -> list[tuple[str, str]]:
    """Name and result, as shown, of each finished task in a printed set of tasks, whatever its order."""
    assert line.startswith("{<Task finished ") and line.endswith(">}"), f"no set of finished tasks: {line}"
    # In debug mode it says too where the task was created.
    return sorted(re.findall(r"<Task finished name='([^']*)' [^{}]*?result=([^\s>]+)(?: created at [^>]*)?>", line))


@claim("named-tasks-program-prints-set-last")
def test_a_program_that_waits_on_named_tasks_prints_the_set_of_them_finished_last(program):
    ended = program("""
        import asyncio

        async def request():
            print(1)
            await asyncio.sleep(0)
            print(2)
            return "page"

        async def main():
            print("main starts")
            tasks = [asyncio.create_task(request(), name=name) for name in ("left", "right")]
            print("main ends")
            finished, unfinished = await asyncio.wait(tasks, timeout=None)
            print(finished)

        asyncio.run(main())
    """)

    *lines, last = ended.lines
    assert lines == ["main starts", "main ends", "1", "1", "2", "2"]
    assert finished_tasks(last) == [("left", "'page'"), ("right", "'page'")]
    assert (ended.status, ended.stderr) == (0, "")


@claim("asyncio-wait-returns-done-and-pending-sets")
async def test_asyncio_wait_returns_the_set_of_its_tasks_done_and_the_set_of_those_pending():
    release = asyncio.Event()
    quick = asyncio.create_task(answer_after(turns=0))
    cancelled = asyncio.create_task(release.wait())
    held = [asyncio.create_task(release.wait()) for _ in range(2)]
    failed = asyncio.create_task(fail())
    cancelled.cancel()
    done = {quick, cancelled, failed}
    await until(lambda: all(task.done() for task in done), "the answer, the cancellation or the failure did not come")

    for of_them in (done, {quick}, {cancelled}, {failed}):
        for options in ({"return_when": asyncio.FIRST_COMPLETED}, {"timeout": 0}):
            returned = await asyncio.wait([*held, *of_them], **options)
            assert returned == (of_them, set(held))
            assert [type(each) for each in returned] == [set, set]
    failed_first = await asyncio.wait({*held, *done}, return_when=asyncio.FIRST_EXCEPTION)
    assert failed_first == (done, set(held))
    assert await asyncio.wait(held, timeout=0) == (set(), set(held))
    assert [task.done() for task in held] == [False, False]
    assert type(failed.exception()) is LookupError

    release.set()
    assert await asyncio.wait([*held, *done]) == ({*held, *done}, set())


@claim("asyncio-wait-without-timeout-leaves-none-pending")
@pytest.mark.parametrize("options", [{}, {"timeout": None}], ids=["not given", "None"])
@pytest.mark.parametrize("turns", [(50, 10, 30), (10, 30, 50)], ids=["last of all the first", "the last"])
async def test_asyncio_wait_without_a_timeout_returns_when_all_are_done_also_if_one_failed_or_was_cancelled(
    monkeypatch, options, turns
):
    def fire_at_once(_delay, callback, *arguments):
        return loop.call_soon(callback, *arguments)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "call_later", fire_at_once)  # or nobody would see a time-out that it had of its own
    tasks = [asyncio.create_task(answer_after(number)) for number in turns]
    failed, cancelled = asyncio.create_task(fail()), asyncio.create_task(answer_after(turns=50))
    cancelled.cancel()
    done_before = asyncio.create_task(answer_after(turns=0))
    await done_before

    done, pending = await asyncio.wait([*tasks, failed, cancelled, done_before], **options)

    assert [task.done() and not task.cancelled() for task in tasks] == [True, True, True]
    assert type(failed.exception()) is LookupError
    assert done == {*tasks, failed, cancelled, done_before}
    assert pending == set()


@claim("asyncio-wait-timeout-leaves-tasks-pending-not-cancelled")
@pytest.mark.parametrize("timeout", [0, 0.001])
async def test_asyncio_wait_that_times_out_gives_the_unfinished_tasks_as_pending_and_they_go_on(timeout):
    release = asyncio.Event()
    quick = asyncio.create_task(answer_after(turns=0))
    held = [asyncio.create_task(release.wait()) for _ in range(2)]
    await quick

    waiting = [
        asyncio.create_task(outcome_of(asyncio.wait(tasks, timeout=timeout))) for tasks in ([quick, *held], held)
    ]
    await turn()
    await asyncio.sleep(timeout)  # set after the time-outs, which are over by its end
    await until(lambda: all(task.done() for task in waiting), "the time-out is over and wait() goes on")

    assert [task.result() for task in waiting] == [({quick}, set(held)), (set(), set(held))]

    await answer_after(turns=20)  # by then a cancellation would have ended them

    assert [task.done() for task in held] == [False, False]

    release.set()
    await asyncio.wait(held)

    assert [task.cancelled() for task in held] == [False, False]


@claim("asyncio-wait-timeout-leaves-tasks-pending-not-cancelled")
async def test_asyncio_wait_with_a_timeout_waits_for_it_and_has_all_that_are_done_by_then(monkeypatch):
    def set_no_timer(_delay, callback, *arguments):
        time_out.append((callback, arguments))
        return loop.call_soon(lambda: None)

    loop, release, time_out = asyncio.get_running_loop(), asyncio.Event(), []
    quick = [asyncio.create_task(answer_after(turns)) for turns in (1, 10)]
    held = asyncio.create_task(release.wait())
    monkeypatch.setattr(loop, "call_later", set_no_timer)
    waiting = asyncio.create_task(asyncio.wait([*quick, held], timeout=1))
    await answer_after(turns=30)
    assert not waiting.done(), "wait() returns before its time-out"

    [(callback, arguments)] = time_out
    callback(*arguments)
    assert await waiting == (set(quick), {held})
    release.set()
    await held


@claim("done-set-has-no-order")
async def test_the_done_set_equals_the_tasks_in_any_order_and_only_the_list_has_theirs():
    first = asyncio.create_task(answer_after(turns=2))
    second = asyncio.create_task(answer_after(turns=1))
    tasks = [first, second]

    done, _ = await asyncio.wait(tasks)

    assert type(done) is set
    assert done == {second, first}
    assert [task for task in tasks if task in done] == [first, second]


@claim("asyncio-wait-hides-task-exceptions")
async def test_asyncio_wait_raises_nothing_even_if_all_failed_and_a_task_shows_its_exception_when_asked():
    error = LookupError("no such page")

    async def request():
        await turn()
        raise error

    reports = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reports.append(context["message"]))
    failed, also_failed = asyncio.create_task(request()), asyncio.create_task(request())
    other, cancelled = asyncio.create_task(answer_after(turns=3)), asyncio.create_task(answer_after(turns=3))
    cancelled.cancel()

    for tasks in ([failed, other], [failed, also_failed], [failed, cancelled]):
        for timeout in (None, 10):
            assert await outcome_of(asyncio.wait(tasks, timeout=timeout)) == (set(tasks), set())

    assert reports == []
    assert await outcome_of(failed) is error
    assert [task.exception() for task in (failed, also_failed)] == [error, error]


@claim("asyncio-wait-hides-task-exceptions")
@pytest.mark.parametrize("return_when", [asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION])
async def test_asyncio_wait_raises_nothing_either_where_it_returns_for_an_exception_or_after_a_timeout(return_when):
    error = LookupError("no such page")
    release = asyncio.Event()

    async def request():
        await turn()
        raise error

    failed = asyncio.create_task(request())
    held = asyncio.create_task(release.wait())

    returned = await outcome_of(asyncio.wait([failed, held], return_when=return_when))

    assert returned == ({failed}, {held})
    assert await outcome_of(asyncio.wait([failed, held], timeout=0)) == ({failed}, {held})
    assert failed.exception() is error

    release.set()
    await held


@claim("unasked-task-exception-is-reported-when-collected")
async def test_an_exception_that_nobody_asked_the_task_for_is_reported_when_the_task_is_collected():
    reports = []
    asyncio.get_running_loop().set_exception_handler(
        # Not the exception: whoever holds it may hold the task as well, through its traceback.
        lambda _loop, context: reports.append((context["message"], repr(context["exception"])))
    )

    async def request(told):
        await turn()
        raise LookupError(told)

    asked, awaited = asyncio.create_task(request("asked for")), asyncio.create_task(request("awaited"))
    unasked = [asyncio.create_task(request("never asked for"), name=name) for name in (None, "front page")]
    await asyncio.wait([asked, awaited, *unasked])  # which asks none of them
    asked.exception()
    with exactly(LookupError, match="awaited"):
        await awaited
    del asked, awaited
    collect()

    assert reports == []

    unasked.clear()
    collect()

    assert reports == [("Task exception was never retrieved", "LookupError('never asked for')")] * 2


async def wait_on_bare_coroutines(*coroutines) -> tuple[set[asyncio.Task], set[asyncio.Task]]:
    """What asyncio.wait() gives for coroutine objects, and the deprecation it warns of each time."""
    with pytest.warns(DeprecationWarning, match="passing of coroutine objects to asyncio.wait"):
        return await asyncio.wait(list(coroutines))


PROGRAM_WITH_BARE_COROUTINES = """
    import asyncio

    async def request():
        print(1)
        await asyncio.sleep(0)
        print(2)
        return "page"

    finished, unfinished = asyncio.run(asyncio.wait([request(), request()]))
    print(finished)
"""


@claim("asyncio-wait-takes-coroutines-before-3-11")
async def test_asyncio_wait_runs_bare_coroutine_objects_with_a_deprecation_warning():
    done, pending = await wait_on_bare_coroutines(answer_after(turns=1), answer_after(turns=2))

    assert sorted(task.result() for task in done) == [1, 2]
    assert pending == set()


@claim("asyncio-wait-takes-coroutines-before-3-11")
def test_a_program_that_waits_on_bare_coroutine_objects_runs(program):
    ended = program(PROGRAM_WITH_BARE_COROUTINES, warnings="ignore")

    assert (ended.status, ended.stderr) == (0, "")
    *lines, last = ended.lines
    assert lines == ["1", "1", "2", "2"]
    assert [result for _, result in finished_tasks(last)] == ["'page'", "'page'"]


@claim("asyncio-wait-refuses-coroutines-since-3-11")
async def test_asyncio_wait_refuses_bare_coroutine_objects_also_among_tasks_and_runs_none_of_them(trace):
    async def request():
        trace("body starts")

    coroutines = [request(), request()]
    task = asyncio.create_task(answer_after(turns=0))
    await task
    for given in (coroutines, coroutines[:1], [task, *coroutines], [*coroutines, task]):
        for kind, options in itertools.product(
            (list, set, iter), ({}, {"timeout": 0}, {"return_when": asyncio.FIRST_COMPLETED})
        ):
            with exactly(TypeError, match="coroutines is forbidden"):
                await asyncio.wait(kind(given), **options)
    await answer_after(turns=20)
    for coroutine in coroutines:
        coroutine.close()

    assert trace.steps == []


@claim("asyncio-wait-refuses-coroutines-since-3-11")
def test_a_program_that_waits_on_bare_coroutine_objects_ends_with_type_error_and_none_has_run(program):
    ended = program(PROGRAM_WITH_BARE_COROUTINES, warnings="ignore")

    assert ended.stdout == ""
    assert ended.error == "TypeError: Passing coroutines is forbidden, use tasks explicitly."
    assert ended.status == 1


@claim("asyncio-wait-call-is-a-coroutine-for-asyncio-run")
def test_a_call_of_asyncio_wait_gives_a_coroutine_object_that_asyncio_run_takes(program):
    # Tasks can only be made once the loop of asyncio.run is there: map makes them when wait goes through it.
    ended = program("""
        import asyncio
        import inspect

        async def request():
            return "page"

        call = asyncio.wait(map(asyncio.create_task, [request(), request()]))
        print(inspect.iscoroutine(call))
        done, pending = asyncio.run(call)
        print(len(done), len(pending))
    """)

    assert ended.lines == ["True", "2 0"]
    assert (ended.status, ended.stderr) == (0, "")


@claim("asyncio-wait-call-is-a-coroutine-for-asyncio-run")
async def test_a_call_of_asyncio_wait_gives_a_coroutine_object_within_a_coroutine_too():
    task = asyncio.create_task(answer_after(turns=1))
    call = asyncio.wait([task])

    assert inspect.iscoroutine(call)
    assert await call == ({task}, set())


@claim("asyncio-wait-hands-back-new-tasks-for-coroutines")
async def test_asyncio_wait_hands_back_new_tasks_with_default_names_and_not_the_coroutine_objects():
    first, second = answer_after(turns=1), answer_after(turns=2)

    done, _ = await wait_on_bare_coroutines(first, second)

    assert done.isdisjoint({first, second})
    assert [type(task) for task in done] == [asyncio.Task, asyncio.Task]
    assert {task.get_coro() for task in done} == {first, second}
    assert [re.sub(r"\d+", "N", task.get_name()) for task in done] == ["Task-N", "Task-N"]


@claim("bare-coroutines-in-asyncio-wait-start-in-set-order")
async def test_asyncio_wait_makes_a_set_of_bare_coroutine_objects_and_starts_each_once(trace):
    async def request(name):
        trace(name)

    first, second, third = request("first"), request("second"), request("third")

    done, _ = await wait_on_bare_coroutines(first, second, first, third)

    assert len(done) == 3
    assert sorted(trace.steps) == ["first", "second", "third"]  # whichever order the set had
