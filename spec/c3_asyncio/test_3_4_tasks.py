"""3.4, tasks: how they are made, when and in which order they start, and what awaiting them gives."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import types
import weakref

import pytest

from fixtures.claims import claim
from fixtures.errors import error_of, exactly
from fixtures.garbage import collect
from fixtures.trace import Rendezvous, turn, until


@claim("tasks-run-coroutines-concurrently")
async def test_ten_tasks_are_under_way_at_once_and_each_goes_on_while_the_others_wait(in_flight):
    rendezvous = Rendezvous(parties=10)

    async def request(name):
        with in_flight:
            await rendezvous.meet(name)

    tasks = [asyncio.create_task(request(f"task {number}")) for number in range(10)]
    for task in tasks:
        await task

    assert in_flight.peak == 10


@claim("create-task-returns-a-task")
async def test_create_task_returns_a_task_with_or_without_a_name_and_in_a_callback_too():
    async def request():
        return "page"

    tasks = [asyncio.create_task(request()), asyncio.create_task(request(), name="front page")]
    asyncio.get_running_loop().call_soon(lambda: tasks.append(asyncio.create_task(request())))
    await until(lambda: len(tasks) == 3, "the callback did not make its task")

    assert [isinstance(task, asyncio.Task) for task in tasks] == [True, True, True]
    await asyncio.wait(tasks)


@claim("created-task-is-scheduled-and-not-yet-started")
async def test_a_new_task_with_or_without_a_name_is_known_to_the_loop_but_has_not_started_when_create_task_returns(
    trace,
):
    async def request():
        trace("body starts")

    tasks = [asyncio.create_task(request()), asyncio.create_task(request(), name="front page")]
    # On older Pythons only the loop's own method hands a name on to the loop.
    tasks.append(asyncio.get_running_loop().create_task(request(), name="front page"))

    assert trace.steps == []
    assert [task in asyncio.all_tasks() for task in tasks] == [True, True, True]

    await until(lambda: all(task.done() for task in tasks), "a new task did not run")

    assert trace.steps == ["body starts"] * 3


@claim("loop-create-task-and-ensure-future-make-the-same-task")
async def test_loop_create_task_and_ensure_future_do_what_create_task_does_also_with_a_task_factory(trace):
    class OwnTask(asyncio.Task):
        pass

    async def request():
        trace("starts")
        return page.get()

    async def fail():
        raise LookupError(page.get())

    def own_task(loop, coroutine, **options):
        return OwnTask(coroutine, loop=loop, **options)

    page = contextvars.ContextVar("page", default="no page")
    page.set("page")
    loop = asyncio.get_running_loop()
    on_this_loop = functools.partial(asyncio.ensure_future, loop=loop)
    makers = (asyncio.create_task, loop.create_task, asyncio.ensure_future, on_this_loop)
    for value in ("page", object(), ()):
        trace.steps.clear()
        page.set(value)
        tasks = [make(request()) for make in makers]
        assert [type(task) for task in tasks] == [asyncio.Task] * 4
        assert trace.steps == []
        await turn()
        assert trace.steps == ["starts"] * 4
        assert [await task is value for task in tasks] == [True] * 4

    page.set("page")
    failing = [make(fail()) for make in makers]
    await asyncio.wait(failing)
    assert [repr(task.exception()) for task in failing] == ["LookupError('page')"] * 4

    loop.set_task_factory(own_task)
    tasks = [make(request()) for make in makers]
    assert [type(task) for task in tasks] == [OwnTask] * 4
    assert [await task for task in tasks] == ["page"] * 4


@claim("loop-create-task-works-before-the-loop-runs")
def test_loop_create_task_takes_a_coroutine_before_the_loop_runs_and_starts_it_then(new_loop, trace):
    async def request():
        trace("task starts")

    async def something_else():
        await turn()

    loop, tasks = new_loop(), []
    for _ in range(3):
        assert error_of(lambda: tasks.append(loop.create_task(request()))) is None
        trace("task created")
    loop.run_until_complete(something_else())

    assert trace.steps == ["task created"] * 3 + ["task starts"] * 3
    assert [task.done() for task in tasks] == [True, True, True]


@claim("ensure-future-returns-a-task-or-future-unchanged")
async def test_ensure_future_gives_a_task_or_a_future_pending_done_or_cancelled_back_as_it_is_and_makes_no_task():
    class OwnFuture(asyncio.Future):
        pass

    async def request():
        return "page"

    loop = asyncio.get_running_loop()
    task_done, task_cancelled = asyncio.create_task(request()), asyncio.create_task(request())
    task_cancelled.cancel()
    await asyncio.wait([task_done, task_cancelled])
    task = asyncio.create_task(request())
    future, future_done, future_cancelled = loop.create_future(), loop.create_future(), loop.create_future()
    future_done.set_result("page")
    future_cancelled.cancel()
    waited_for = loop.create_future()
    waiter = asyncio.create_task(asyncio.wait([waited_for]))
    await turn()
    tasks_before = asyncio.all_tasks()

    futures = future, future_done, future_cancelled, OwnFuture(loop=loop), waited_for
    for given in (task, task_done, task_cancelled, waiter, *futures):
        assert asyncio.ensure_future(given) is given
        assert asyncio.ensure_future(given, loop=loop) is given
    assert asyncio.all_tasks() == tasks_before
    waited_for.set_result("page")
    await asyncio.wait([task, waiter])


@claim("ensure-future-wraps-any-awaitable-in-a-task")
async def test_ensure_future_wraps_any_other_awaitable_in_a_task_and_refuses_what_is_none():
    class Page:
        def __await__(self):
            yield
            return "page"

    @types.coroutine
    def marked_generator():
        yield
        return "page"

    class EmptyPage(Page):
        def __len__(self):
            return 0

    class NoPage:
        def __await__(self):
            yield
            raise LookupError

    async def ensured(awaitable):
        task = asyncio.ensure_future(awaitable)
        return isinstance(task, asyncio.Task), await task

    all_ensured = [asyncio.create_task(ensured(awaitable)) for awaitable in (Page(), EmptyPage(), marked_generator())]
    await asyncio.wait(all_ensured)
    assert [one.exception() for one in all_ensured] == [None] * 3
    assert [one.result() for one in all_ensured] == [(True, "page")] * 3
    missing = asyncio.create_task(ensured(NoPage()))
    await until(missing.done, "an awaitable has failed and its task waits for ever")
    assert type(missing.exception()) is LookupError
    with exactly(TypeError):
        await asyncio.ensure_future("page")


@claim("task-made-by-hand-bypasses-the-task-factory")
async def test_a_task_made_by_hand_works_and_the_task_factory_is_not_asked(trace):
    async def request():
        return "page"

    def factory(loop, coroutine, **options):
        trace("factory asked")
        return asyncio.Task(coroutine, loop=loop, **options)

    loop = asyncio.get_running_loop()
    loop.set_task_factory(factory)
    for options in ({"loop": loop}, {}):
        by_hand = asyncio.Task(request(), **options)

        assert await by_hand == "page"
        assert by_hand.get_loop() is loop
        assert trace.steps == []

    await asyncio.create_task(request())

    assert trace.steps == ["factory asked"]


@claim("create-task-needs-a-running-loop")
def test_create_task_raises_where_a_loop_is_set_and_has_run_but_does_not_run_now(new_loop):
    async def request():
        return "page"

    async def main():
        return await asyncio.create_task(request())

    loop = new_loop()
    asyncio.set_event_loop(loop)
    assert loop.run_until_complete(main()) == "page"
    coroutine = request()
    try:
        for options in ({}, {"name": "front page"}):
            with exactly(RuntimeError, match="no running event loop"):
                asyncio.create_task(coroutine, **options)
    finally:
        asyncio.set_event_loop(None)
    with exactly(RuntimeError, match="no running event loop"):
        asyncio.create_task(coroutine)  # nor where none is set
    coroutine.close()


@claim("create-task-needs-a-running-loop")
async def test_create_task_raises_in_another_thread_than_that_in_which_the_loop_runs(trace):
    async def request():
        trace("body starts")

    await asyncio.create_task(request())
    coroutine = request()
    refused = await asyncio.to_thread(error_of, asyncio.create_task, coroutine)
    await turn()
    coroutine.close()

    assert repr(refused) == "RuntimeError('no running event loop')"
    assert trace.steps == ["body starts"]  # of the task that was made in the thread of the loop


@claim("tasks-start-in-the-order-of-creation")
async def test_tasks_start_in_the_order_in_which_they_were_created_in_whichever_way(trace):
    async def request(name):
        trace(name)

    makers = (asyncio.create_task, asyncio.ensure_future, asyncio.get_running_loop().create_task)
    tasks = [make(request(name)) for name, make in enumerate(makers * 2)]
    for task in reversed(tasks):
        await task

    assert trace.steps == [0, 1, 2, 3, 4, 5]


@claim("awaiting-a-task-gives-its-result-when-done")
@pytest.mark.parametrize("page", ["page", 0])
async def test_awaiting_a_task_gives_the_return_value_of_its_coroutine_once_it_is_done(trace, page):
    async def request():
        await turn()
        trace("task ends")
        return page

    async def wait_for(task):
        return await task

    task = asyncio.create_task(request())
    other = asyncio.create_task(wait_for(task))

    assert not task.done()

    result = await task
    trace("creator goes on")

    assert result is page
    assert task.done()
    assert trace.steps == ["task ends", "creator goes on"]
    assert await task is page  # now that it is done, too
    await until(other.done, "the task is done and another that awaits it waits")
    assert other.result() is page


@claim("awaiting-a-task-gives-its-result-when-done")
async def test_an_exception_that_a_coroutine_returns_is_the_result_of_its_task_and_not_raised():
    async def request():
        return page

    async def wait_for(task):
        return await task

    page = LookupError("a page like any other")
    other = asyncio.create_task(wait_for(asyncio.create_task(request())))
    await until(other.done, "the task is done and another that awaits it waits")

    assert other.exception() is None
    assert other.result() is page


@claim("task-runs-without-being-awaited")
async def test_tasks_that_nobody_awaits_or_even_holds_run_the_first_time_their_creator_suspends(trace):
    async def request():
        trace("task runs")
        for _ in range(3):
            await turn()
        trace("task ends")

    async def create():
        tasks = [asyncio.create_task(request()) for _ in range(2)]
        asyncio.create_task(request())
        trace("creator suspends")
        await turn()
        trace("creator goes on")

        assert trace.steps == ["creator suspends", *["task runs"] * 3, "creator goes on"]
        await until(lambda: all(task.done() for task in tasks), "the tasks that nobody awaits did not end")
        await turn()
        assert trace.steps[5:] == ["task ends"] * 3

    await create()
    trace.steps.clear()
    await asyncio.create_task(create())


@claim("task-runs-without-being-awaited")
async def test_a_task_that_is_awaited_at_once_runs_no_later_than_one_that_nobody_awaits(trace):
    async def request():
        trace("task runs")

    task = asyncio.create_task(request())
    asyncio.get_running_loop().call_soon(trace, "what was to run after it")
    trace("creator suspends")
    await task
    await turn()

    assert trace.steps == ["creator suspends", "task runs", "what was to run after it"]


@claim("task-may-be-awaited-again")
@pytest.mark.parametrize("page", [object(), ()], ids=["a page", "an empty page"])
async def test_a_task_may_be_awaited_again_and_gives_the_same_result_where_a_coroutine_object_raises(page):
    async def request():
        await turn()
        return page

    async def wait_for(task):
        results = await task, await task
        return results[0] if results[0] is results[1] else results

    task = asyncio.create_task(request())
    waiters = [asyncio.create_task(wait_for(task)) for _ in range(2)]
    await until(lambda: all(waiter.done() for waiter in waiters), "one of the two that await the task waits for ever")
    waiters += [asyncio.create_task(wait_for(task)) for _ in range(2)]
    await until(lambda: all(waiter.done() for waiter in waiters), "who awaits the task again waits for ever")
    coroutine = request()

    assert [waiter.exception() for waiter in waiters] == [None] * 4
    assert [waiter.result() for waiter in waiters] == [page] * 4
    await coroutine
    with exactly(RuntimeError, match="cannot reuse already awaited coroutine"):
        await coroutine


@claim("two-tasks-program-prints-both-results-last")
def test_a_program_with_two_tasks_prints_mains_lines_then_both_halves_and_then_both_results(program):
    ended = program("""
        import asyncio

        async def request():
            print(1)
            await asyncio.sleep(0)
            print(2)
            return "page"

        async def main():
            print("main starts")
            one = asyncio.create_task(request())
            other = asyncio.create_task(request())
            print("main ends")
            print(await one, await other)

        asyncio.run(main())
    """)

    assert ended.lines == ["main starts", "main ends", "1", "1", "2", "2", "page page"]
    assert (ended.status, ended.stderr) == (0, "")


@claim("awaiting-a-failed-task-raises-its-exception")
async def test_the_exception_that_ended_a_task_is_raised_where_the_task_is_awaited():
    error = LookupError("no such page")

    async def request():
        await turn()
        raise error

    task = asyncio.create_task(request())
    with exactly(LookupError) as raised:
        await task

    assert raised.value is error


@claim("awaiting-a-failed-task-raises-its-exception")
async def test_a_task_that_has_failed_already_raises_its_exception_each_time_it_is_awaited():
    error = LookupError("no such page")

    async def request():
        raise error

    task = asyncio.create_task(request())
    await until(task.done, "the task did not end")
    for _ in range(2):
        with exactly(LookupError) as raised:
            await task
        assert raised.value is error


@claim("loop-holds-its-tasks-weakly")
async def test_a_waiting_task_that_nothing_refers_to_is_collected_named_or_not_and_one_that_is_kept_goes_on(trace):
    reports = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: reports.append(context["message"]))

    async def wait_for(future):
        trace("waits")
        await future
        trace("goes on")

    dropped = [
        weakref.ref(asyncio.create_task(wait_for(loop.create_future()), name=name)) for name in (None, "front page")
    ]
    await until(lambda: trace.steps == ["waits"] * 2, "the tasks did not come to wait")
    await turn()  # by then no step of them is on the loop's ready queue, which would hold them
    collect()

    assert [task() for task in dropped] == [None, None]
    assert reports == ["Task was destroyed but it is pending!"] * 2

    answer = loop.create_future()
    kept = asyncio.create_task(wait_for(answer))
    await until(lambda: trace.steps == ["waits"] * 3, "the task did not come to wait")
    await turn()
    collect()
    answer.set_result("page")
    await kept

    assert trace.steps == ["waits", "waits", "waits", "goes on"]


@claim("task-name-is-kept-and-shown")
async def test_a_task_keeps_and_shows_the_name_it_was_given_even_an_empty_one_and_without_one_has_its_own():
    async def request():
        await turn()
        return "page"

    async def fail():
        raise LookupError

    tasks, unnamed = [], []
    for create_task in (asyncio.create_task, asyncio.get_running_loop().create_task):
        named = create_task(request(), name="front page of The Paper")
        also_named = create_task(request(), name="front page of The Paper")
        unnamed += [create_task(request()) for _ in range(3)]
        empty = create_task(request(), name="")
        failing = create_task(fail(), name="missing page")
        cancelled = create_task(request(), name="page too many")
        cancelled.cancel()
        tasks += [named, also_named, empty, failing, cancelled]

        assert [task.get_name() for task in (named, also_named, empty)] == ["front page of The Paper"] * 2 + [""]
        assert "name='front page of The Paper'" in repr(named)

    tasks += unnamed
    shown = [f"name='{task.get_name()}'" for task in tasks]
    assert len({task.get_name() for task in unnamed} - {"", "None", "front page of The Paper"}) == len(unnamed)
    assert [name for name, task in zip(shown, tasks) if name not in repr(task)] == []
    await turn()
    assert [name for name, task in zip(shown, tasks) if name not in repr(task)] == []  # nor while they wait
    await asyncio.wait(tasks)
    assert [name for name, task in zip(shown, tasks) if name not in repr(task)] == []  # nor now that they are done
    assert [type(task.exception()) for task in tasks if not task.cancelled()].count(LookupError) == 2
