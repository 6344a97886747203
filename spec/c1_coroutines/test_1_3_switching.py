"""When the event loop turns from one task to another, to which, and in what order tasks start and resume."""

import asyncio
import select
import socket
import sys
import threading
import time

import pytest

from fixtures.claims import claim
from fixtures.errors import exactly
from fixtures.trace import PATIENCE, turn, until

# Turns of the loop that take many times as long as the milliseconds that are slept here, on any machine.
LONG_PAST_DUE = 20 * PATIENCE


async def received_from_a_socket(sock):
    return await asyncio.get_running_loop().sock_recv(sock, 100)


async def received_from_a_stream(sock):
    reader, writer = await asyncio.open_connection(sock=sock)
    try:
        return await reader.readexactly(len("a reply"))
    finally:
        writer.close()
        await writer.wait_closed()


@claim("network-wait-lets-the-loop-run-another-task")
@pytest.mark.parametrize("received", [received_from_a_socket, received_from_a_stream])
async def test_while_a_task_waits_for_the_network_the_loop_turns_to_another_task(trace, received):
    here, there = socket.socketpair()
    here.setblocking(False)

    async def request():
        trace("request waits")
        reply = await received(here)
        trace(f"request got {reply.decode()}")

    async def other():
        for _ in range(20):
            await turn()
        trace("other task has had its turns")

    with here, there:
        tasks = [asyncio.create_task(request()), asyncio.create_task(other())]
        await until(tasks[1].done, "the other task does not run while the first waits for the network")
        assert trace.steps == ["request waits", "other task has had its turns"]
        assert not tasks[0].done(), "the request did not wait for its reply"
        there.sendall(b"a reply")
        await asyncio.wait(tasks)

    assert trace.steps == ["request waits", "other task has had its turns", "request got a reply"]


@claim("blocking-call-switches-to-nobody")
async def test_a_call_that_blocks_stops_the_loop_and_an_await_that_suspends_does_not(trace):
    here, there = socket.socketpair()

    def answer():
        there.recv(1)
        seen_by_peer.extend(trace.steps)
        there.sendall(b"!")

    async def request():
        trace("request sent")
        loop.call_soon(trace, "callback runs")
        loop.call_later(0, trace, "timer fires")
        for _ in range(3):
            time.sleep(0.001)
        threading.Event().wait(0.001)
        here.sendall(b"?")
        select.select([here], [], [])
        here.recv(1)
        trace("reply received")
        await asyncio.sleep(0)
        trace("request goes on")

    async def other():
        trace("other task runs")

    loop, seen_by_peer = asyncio.get_running_loop(), []
    peer = threading.Thread(target=answer, daemon=True)
    with here, there:
        peer.start()
        await asyncio.gather(request(), other())
        peer.join()
    await until(lambda: "timer fires" in trace.steps, "the timer never fires")

    assert seen_by_peer == ["request sent"]
    assert trace.steps[:2] == ["request sent", "reply received"]
    trace.steps.remove("timer fires")  # whenever it was after that
    assert trace.steps == ["request sent", "reply received", "other task runs", "callback runs", "request goes on"]


@claim("any-ready-task-may-run-next")
async def test_a_task_and_a_callback_outside_the_list_run_while_the_listed_task_waits(trace):
    loop, wake = asyncio.get_running_loop(), asyncio.Event()

    async def listed():
        trace("listed task waits")
        await wake.wait()
        trace("listed task goes on")

    async def outsider():
        trace("task outside the list runs")
        loop.call_soon(callback)

    def callback():
        trace("callback runs")
        wake.set()

    tasks = [asyncio.create_task(listed())]
    outside = asyncio.create_task(outsider())
    await until(tasks[0].done, "the listed task waits for one outside the list, which does not run")
    await asyncio.wait([*tasks, outside])

    assert trace.steps == [
        "listed task waits",
        "task outside the list runs",
        "callback runs",
        "listed task goes on",
    ]


@claim("ensure-future-makes-a-task-of-a-coroutine")
async def test_ensure_future_makes_a_task_of_each_coroutine_object():
    async def answer():
        return 42

    coroutines = [answer(), answer()]
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]

    assert [isinstance(task, asyncio.Task) for task in tasks] == [True, True]
    assert [task.get_coro() for task in tasks] == coroutines
    assert [await task for task in tasks] == [42, 42]


@claim("ensure-future-makes-a-task-of-a-coroutine")
def test_ensure_future_makes_a_task_of_a_coroutine_object_before_the_loop_runs_too(new_loop):
    async def answer():
        return 42

    loop, coroutine = new_loop(), answer()
    task = asyncio.ensure_future(coroutine, loop=loop)

    assert isinstance(task, asyncio.Task)
    assert task.get_coro() is coroutine
    assert loop.run_until_complete(task) == 42


@claim("ensure-future-only-schedules")
def test_ensure_future_runs_nothing_before_run_until_complete_is_called(new_loop, trace):
    async def step():
        trace("runs")

    loop = new_loop()
    asyncio.set_event_loop(loop)
    try:
        tasks = [asyncio.ensure_future(step()), asyncio.ensure_future(step(), loop=loop)]
    finally:
        asyncio.set_event_loop(None)
    assert trace.steps == []

    loop.run_until_complete(asyncio.gather(*tasks))
    assert trace.steps == ["runs", "runs"]


@claim("ensure-future-only-schedules")
async def test_ensure_future_in_a_running_loop_runs_nothing_before_the_next_turn(trace):
    async def step():
        trace("task runs")

    task = asyncio.ensure_future(step())
    trace("after ensure_future")
    await task

    assert trace.steps == ["after ensure_future", "task runs"]


@claim("module-level-ensure-future-works-up-to-python-313")
def test_ensure_future_at_module_level_makes_tasks_of_the_loop_that_get_event_loop_returns(program):
    ended = program(
        """
        import asyncio

        async def step():
            print("runs")

        class Step:
            def __await__(self):
                return step().__await__()

        tasks = [asyncio.ensure_future(awaitable) for awaitable in (step(), step(), Step())]
        loop = asyncio.get_event_loop()
        print("same loop:", [task.get_loop() is loop for task in tasks])
        loop.run_until_complete(asyncio.gather(*tasks))
        print("same loop still:", [task.get_loop() is asyncio.get_event_loop() for task in tasks])
        """,
        warnings="ignore",
    )

    of_all = "[True, True, True]"
    assert ended.lines == [f"same loop: {of_all}", *["runs"] * 3, f"same loop still: {of_all}"]
    assert ended.status == 0


@claim("module-level-ensure-future-warns-on-python-312-and-313")
def test_ensure_future_at_module_level_warns_that_there_is_no_current_event_loop(program):
    ended = program(
        """
        import asyncio

        async def step():
            print("runs")

        task = asyncio.ensure_future(step())
        asyncio.get_event_loop().run_until_complete(task)
        """,
        warnings="default",
    )

    assert "DeprecationWarning: There is no current event loop" in ended.stderr
    assert (ended.status, ended.lines) == (0, ["runs"])


@claim("module-level-ensure-future-raises-since-python-314")
def test_at_module_level_no_loop_is_made_and_both_calls_raise_runtime_error(program):
    for call in ("asyncio.ensure_future(step())", "asyncio.get_event_loop()"):
        ended = program(
            f"""
            import asyncio

            async def step():
                print("runs")

            {call}
            print("goes on")
            """,
            warnings="ignore",
        )
        assert ended.error == "RuntimeError: There is no current event loop in thread 'MainThread'."
        assert (ended.status, ended.stdout) == (1, "")


@claim("tasks-of-a-list-start-first-in-first-out")
def test_tasks_made_before_the_loop_runs_start_in_the_order_they_were_made(new_loop, trace):
    async def start(name):
        trace(name)

    loop = new_loop()
    for _ in range(10):
        trace.steps.clear()
        tasks = [asyncio.ensure_future(start(name), loop=loop) for name in range(6)]
        loop.run_until_complete(asyncio.gather(*tasks))
        assert trace.steps == [0, 1, 2, 3, 4, 5]


@claim("tasks-of-a-list-start-first-in-first-out")
async def test_the_order_in_which_tasks_were_made_counts_and_not_who_made_them_nor_the_order_of_a_list(trace):
    def make_task(name):
        make, named = makers[len(made) % len(makers)]
        made.append(name)
        return make(start(name), **named)

    async def start(name):
        trace(name)
        if isinstance(name, int):
            children.append(make_task(f"made by {name}"))

    name = {"name": "a name of its own"}
    makers = [(asyncio.create_task, {}), (asyncio.ensure_future, {}), (asyncio.create_task, name)]
    makers.append((asyncio.get_running_loop().create_task, name))
    for _ in range(10):
        trace.steps.clear()
        made, children = [], []
        tasks = [make_task(name) for name in range(6)]
        await asyncio.wait(tasks[::-1])
        await asyncio.wait(children[::-1])
        assert trace.steps == made


@claim("tasks-of-a-list-start-first-in-first-out")
@pytest.mark.parametrize("beside", ["nothing", "a task"])
async def test_bare_coroutine_objects_are_started_by_asyncio_wait_up_to_python_310_only(trace, beside):
    async def start(name):
        trace(name)

    coroutines = [start(name) for name in range(6)]
    tasks = [asyncio.create_task(start("a task"))] if beside == "a task" else []
    if sys.version_info < (3, 11):
        with pytest.warns(DeprecationWarning, match="coroutine objects"):
            await asyncio.wait(tasks + coroutines)
        assert set(trace.steps) - {"a task"} == set(range(6))  # in any order
    else:
        with exactly(TypeError, match="coroutines is forbidden"):
            await asyncio.wait(tasks + coroutines)
        await asyncio.gather(*tasks)
        assert trace.steps == ["a task"] * len(tasks)
        for coroutine in coroutines:
            coroutine.close()


@claim("sleeper-due-earlier-resumes-earlier")
async def test_a_sleeper_due_earlier_resumes_earlier_although_it_began_later(trace):
    async def sleeper(name, seconds):
        trace(f"{name} begins")
        await asyncio.sleep(seconds)
        trace(f"{name} resumes")

    # The one due later is never waited for; the second that it lies ahead only keeps a stalled machine from mattering.
    later = asyncio.create_task(sleeper("due later", 1))
    earlier = asyncio.create_task(sleeper("due earlier", 0.001))
    await until(lambda: earlier.done() or later.done(), "neither of the sleepers resumes", turns=LONG_PAST_DUE)
    later.cancel()
    await asyncio.wait([later])

    assert trace.steps == ["due later begins", "due earlier begins", "due earlier resumes"]
    assert later.cancelled()


@claim("sleeper-due-earlier-resumes-earlier")
async def test_of_two_sleepers_that_are_both_due_when_the_loop_looks_the_one_due_earlier_resumes_first(trace):
    async def sleeper(name, seconds):
        await asyncio.sleep(seconds)
        trace(name)

    loop, is_known = asyncio.get_running_loop(), False
    while not is_known:  # a machine that stalls between the two may have the one that begins later due later as well
        trace.steps.clear()
        before = loop.time()
        sleepers = [asyncio.create_task(sleeper(*which)) for which in (("due later", 0.008), ("due earlier", 0.001))]
        await turn()
        is_known = loop.time() - before < 0.005
        time.sleep(0.012)  # now both are due
        await asyncio.wait(sleepers)

    assert trace.steps == ["due earlier", "due later"]


@claim("sleeper-due-earlier-resumes-earlier")
async def test_of_two_sleepers_the_one_that_began_earlier_and_sleeps_less_resumes_first(trace):
    async def in_two_parts(one, seconds, other):
        trace(one)
        await asyncio.sleep(seconds)
        trace(other)

    sleepers = [asyncio.create_task(in_two_parts(*parts)) for parts in ((1, 0.001, 2), (3, 0.002, 4))]
    await until(lambda: all(one.done() for one in sleepers), "one of the sleepers never resumes", turns=LONG_PAST_DUE)

    assert trace.steps == [1, 3, 2, 4]
