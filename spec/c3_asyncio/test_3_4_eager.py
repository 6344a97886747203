"""3.4, eager tasks: that a new task starts later is only the default, and where uvloop differs."""

from __future__ import annotations

import asyncio

from fixtures.claims import claim
from fixtures.errors import exactly
from fixtures.trace import turn, until

STARTS_AT_ONCE = ["task starts", "creator goes on", "task ends"]
STARTS_LATER = ["creator goes on", "task starts", "task ends"]


async def run_a_task(trace, **options: object) -> None:
    """Create a task that suspends once, with these options of create_task, and await it."""

    async def request():
        trace("task starts")
        await turn()
        trace("task ends")

    task = asyncio.create_task(request(), **options)
    trace("creator goes on")
    await task


WITHIN_A_CALLBACK = ["outer task starts", "inner task starts", "outer task goes on", "callback goes on"]


async def run_a_task_in_a_task_made_by_a_callback(trace) -> None:
    """Have a callback create a task that creates another in its first step, and await both."""
    loop = asyncio.get_running_loop()
    tasks = []

    async def inner():
        trace("inner task starts")

    async def outer():
        trace("outer task starts")
        tasks.append(loop.create_task(inner()))
        trace("outer task goes on")

    def callback():
        tasks.append(loop.create_task(outer()))
        trace("callback goes on")

    loop.call_soon(callback)
    await until(lambda: len(tasks) == 2, "the callback and the outer task have not made a task each")
    await asyncio.wait(tasks)


@claim("eager-factory-starts-tasks-inside-create-task")
async def test_with_the_eager_task_factory_a_task_starts_inside_create_task_wherever_called_and_without_it_later(trace):
    await run_a_task(trace)
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    await run_a_task(trace)
    await run_a_task(trace, name="another")
    await run_a_task_in_a_task_made_by_a_callback(trace)
    asyncio.get_running_loop().set_task_factory(None)
    await run_a_task(trace)

    assert trace.steps == STARTS_LATER + STARTS_AT_ONCE + STARTS_AT_ONCE + WITHIN_A_CALLBACK + STARTS_LATER


@claim("eager-factory-works-on-uvloop-on-3-12")
async def test_on_uvloop_the_eager_task_factory_starts_a_task_inside_create_task(trace):
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    await run_a_task(trace)
    await run_a_task(trace, name="another")
    await run_a_task_in_a_task_made_by_a_callback(trace)

    assert trace.steps == STARTS_AT_ONCE * 2 + WITHIN_A_CALLBACK


@claim("eager-factory-works-on-uvloop-before-0-23")
async def test_on_uvloop_before_0_23_the_eager_task_factory_starts_a_task_inside_create_task(trace):
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    await run_a_task(trace)
    await run_a_task(trace, name="another")
    await run_a_task_in_a_task_made_by_a_callback(trace)

    assert trace.steps == STARTS_AT_ONCE * 2 + WITHIN_A_CALLBACK


@claim("eager-factory-raises-on-uvloop-0-23-with-early-3-13")
async def test_uvloop_hands_the_eager_task_factory_an_argument_it_does_not_know(trace):
    async def request():
        trace("task starts")

    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    coroutine = request()
    with exactly(TypeError, match="unexpected keyword argument 'eager_start'"):
        asyncio.create_task(coroutine)
    loop.set_task_factory(None)  # the loop needs tasks of its own when it is closed
    coroutine.close()

    assert trace.steps == []


@claim("eager-factory-is-ignored-on-uvloop-0-23-since-3-14")
async def test_on_uvloop_a_task_starts_later_in_spite_of_the_eager_task_factory(trace):
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    await run_a_task(trace)
    await run_a_task(trace, name="another")

    assert trace.steps == STARTS_LATER * 2


@claim("create-task-can-start-eagerly-since-3-14")
async def test_create_task_with_eager_start_runs_the_first_step_at_once_and_else_later(trace):
    await run_a_task(trace)
    await run_a_task(trace, eager_start=True)
    await run_a_task(trace, eager_start=False)

    assert trace.steps == STARTS_LATER + STARTS_AT_ONCE + STARTS_LATER


@claim("uvloop-refuses-eager-start-before-0-23")
async def test_uvloop_before_0_23_refuses_eager_start(trace):
    async def request():
        trace("task starts")

    coroutine = request()
    with exactly(TypeError, match="unexpected keyword argument 'eager_start'"):
        asyncio.create_task(coroutine, eager_start=True)
    coroutine.close()

    assert trace.steps == []


@claim("uvloop-takes-eager-start-since-0-23")
async def test_on_uvloop_create_task_with_eager_start_runs_the_first_step_at_once_and_else_later(trace):
    await run_a_task(trace)
    await run_a_task(trace, eager_start=True)
    await run_a_task(trace, eager_start=False)

    assert trace.steps == STARTS_LATER + STARTS_AT_ONCE + STARTS_LATER
