"""What an event loop does on a pass: which tasks it touches, in which order, and what it looks at between passes."""

import asyncio
import contextvars
import socket
from collections.abc import Coroutine

from fixtures.claims import claim
from fixtures.trace import PATIENCE, turn, until


class CountedSteps(Coroutine):
    """A coroutine that counts how often a task gives it a step."""

    def __init__(self, coroutine):
        self.coroutine = coroutine
        self.steps = 0

    def send(self, value):
        self.steps += 1
        return self.coroutine.send(value)

    def throw(self, *error):
        return self.coroutine.throw(*error)

    def close(self):
        self.coroutine.close()

    def __await__(self):
        raise TypeError("only a task drives this")


@claim("waiting-task-costs-no-turns")
async def test_a_waiting_task_is_not_touched_until_what_it_waits_for_wakes_it():
    awaited = asyncio.get_running_loop().create_future()

    async def wait():
        return await awaited

    counted = CountedSteps(wait())
    task = asyncio.create_task(counted)
    for _ in range(500):
        await turn()
    assert counted.steps == 1  # the one that brought it to its await

    awaited.set_result("woken")
    assert await task == "woken"
    assert counted.steps == 2


@claim("waiting-task-costs-no-turns")
async def test_neither_is_a_task_that_sleeps_nor_one_that_waits_for_tasks_events_queues_locks_or_streams():
    async def wait_for(task):
        await task

    async def gathering(task):
        await asyncio.gather(task, asyncio.sleep(0))

    lock, semaphore = asyncio.Lock(), asyncio.Semaphore(1)
    await lock.acquire()
    await semaphore.acquire()
    sleeping = CountedSteps(asyncio.sleep(3600))
    tasks = [asyncio.create_task(sleeping)]
    waiting = [
        *(wait_for(tasks[0]), asyncio.wait([tasks[0]]), gathering(tasks[0])),
        *(asyncio.Event().wait(), asyncio.Queue().get(), lock.acquire(), semaphore.acquire()),
        *(asyncio.StreamReader().read(1), asyncio.wait_for(asyncio.Event().wait(), timeout=3600)),
    ]
    counted = [CountedSteps(each) for each in waiting]
    tasks += [asyncio.create_task(each) for each in counted]
    for _ in range(500):
        await turn()
    assert [each.steps for each in (sleeping, *counted)] == [1] * 10

    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


@claim("ready-queue-is-first-in-first-out")
async def test_callbacks_and_tasks_run_in_the_order_in_which_they_became_ready(trace):
    loop = asyncio.get_running_loop()

    async def step(name):
        trace(name)

    async def woken(name):
        await awaited
        trace(name)

    def callback(name):
        trace(name)
        loop.call_soon(trace, f"queued by {name}")

    awaited = loop.create_future()
    tasks = [asyncio.create_task(woken("task 4, woken"))]
    await turn()
    loop.call_soon(callback, "callback 1")
    tasks.append(asyncio.create_task(step("task 2")))
    loop.call_soon(trace, "callback 3")
    awaited.set_result(None)
    tasks.append(asyncio.create_task(step("task 5")))
    loop.call_soon_threadsafe(trace, "callback 6")
    more_callbacks = [f"callback {number}" for number in range(7, 17)]
    for name in more_callbacks:
        loop.call_soon(trace, name)
    assert trace.steps == []

    await asyncio.gather(*tasks)
    await turn()

    assert trace.steps[:6] == ["callback 1", "task 2", "callback 3", "task 4, woken", "task 5", "callback 6"]
    assert trace.steps[6:] == [*more_callbacks, "queued by callback 1"]


@claim("ready-queue-is-first-in-first-out")
async def test_waiting_tasks_resume_in_the_order_in_which_they_were_woken_not_made(trace):
    loop = asyncio.get_running_loop()

    async def resume_after(awaited, name):
        await awaited
        trace(name)

    gates = [loop.create_future() for _ in range(3)]
    tasks = [asyncio.create_task(resume_after(gate, f"made {n}")) for n, gate in enumerate([*gates, gates[2]], 1)]
    await turn()

    for gate in (gates[2], gates[0], gates[1]):
        gate.set_result(None)
    await asyncio.gather(*tasks)

    # Those that wait for the same became ready in the order in which they came to wait.
    assert trace.steps == ["made 3", "made 4", "made 1", "made 2"]


@claim("ready-queue-is-first-in-first-out")
async def test_tasks_cancelled_and_callbacks_with_no_argument_or_a_context_of_their_own_keep_their_places_too(trace):
    loop = asyncio.get_running_loop()

    async def wait(name):
        try:
            await gates[name]
        finally:
            trace(name)

    gates = {name: loop.create_future() for name in ("woken", "cancelled", "woken later")}
    woken, cancelled, woken_later = tasks = [asyncio.create_task(wait(name)) for name in gates]
    await turn()
    loop.call_soon(trace, "with a context", context=contextvars.Context())
    gates["woken"].set_result(None)
    cancelled.cancel()
    loop.call_soon(lambda: trace("without an argument"))
    gates["woken later"].set_result(None)
    loop.call_soon(trace, "with an argument")
    await asyncio.wait(tasks)
    await turn()

    assert trace.steps == [
        *("with a context", "woken", "cancelled"),
        *("without an argument", "woken later", "with an argument"),
    ]


@claim("each-ready-task-gets-one-step-a-pass")
async def test_a_hundred_ready_tasks_take_turns_a_step_each(trace):
    async def three_steps():
        for step in ("step 1", "step 2", "step 3"):
            trace(step)
            await turn()

    await asyncio.gather(*[three_steps() for _ in range(100)])

    assert trace.steps == ["step 1"] * 100 + ["step 2"] * 100 + ["step 3"] * 100


@claim("each-ready-task-gets-one-step-a-pass")
async def test_a_task_that_is_woken_during_a_pass_waits_for_the_next_behind_what_was_queued_before(trace):
    loop = asyncio.get_running_loop()
    gate = loop.create_future()

    async def wait():
        await gate
        trace("the woken task")

    def queue_and_wake():
        loop.call_soon(trace, "queued before")
        gate.set_result(None)

    task = asyncio.create_task(wait())
    await turn()
    loop.call_soon(queue_and_wake)
    await task

    assert trace.steps == ["queued before", "the woken task"]


@claim("each-ready-task-gets-one-step-a-pass")
async def test_what_is_queued_during_a_pass_waits_while_the_loop_looks_at_its_sockets(trace):
    loop = asyncio.get_running_loop()
    reader, writer = socket.socketpair()
    with reader, writer:
        loop.add_reader(reader, lambda: trace(reader.recv(1)))
        writer.send(b"x")
        await until(lambda: trace.steps, "a task that is always ready keeps the loop from a readable socket")
        loop.remove_reader(reader)

    assert trace.steps == [b"x"]


@claim("each-ready-task-gets-one-step-a-pass")
async def test_what_a_callback_queues_waits_too_while_the_loop_looks_at_its_sockets(trace):
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    reader, writer = socket.socketpair()

    def again(turns_left):
        if trace.steps or not turns_left:
            over.set_result(turns_left)
        else:
            loop.call_soon(again, turns_left - 1)

    with reader, writer:
        loop.add_reader(reader, lambda: trace(reader.recv(1)))
        writer.send(b"x")
        loop.call_soon(again, PATIENCE)
        assert await over > 0, "a callback that is always ready keeps the loop from a readable socket"
        loop.remove_reader(reader)

    assert trace.steps == [b"x"]


@claim("zero-delay-runs-after-call-soon-on-asyncio")
async def test_call_later_with_no_delay_makes_a_timer_that_a_later_call_soon_overtakes(trace):
    loop = asyncio.get_running_loop()
    far_ahead, times = loop.call_later(3600, trace, "never"), 4
    for delay in [0, 0.0] * (times // 2):
        delayed = loop.call_later(delay, trace, "call_later(0)")
        soon = loop.call_soon(trace, "call_soon")
        assert isinstance(delayed, asyncio.TimerHandle)
        assert not isinstance(soon, asyncio.TimerHandle)

    await until(lambda: len(trace.steps) == 2 * times, f"only {trace.steps} ran")
    far_ahead.cancel()

    assert trace.steps == ["call_soon"] * times + ["call_later(0)"] * times


@claim("zero-delay-runs-after-call-soon-on-asyncio")
def test_call_later_with_no_delay_makes_a_timer_before_the_loop_runs_too(new_loop, trace):
    loop = new_loop()
    delayed = loop.call_later(0, trace, "call_later(0)")
    loop.call_soon(trace, "call_soon")
    assert isinstance(delayed, asyncio.TimerHandle)

    loop.run_until_complete(until(lambda: len(trace.steps) == 2, f"only {trace.steps} ran"))

    assert trace.steps == ["call_soon", "call_later(0)"]


@claim("zero-delay-runs-after-call-soon-on-asyncio")
async def test_call_later_with_no_delay_makes_a_timer_in_a_callback_too(trace):
    def callback():
        made.append(loop.call_later(0, trace, "call_later(0)"))
        loop.call_soon(trace, "call_soon")

    loop, made = asyncio.get_running_loop(), []
    loop.call_soon(callback)
    await until(lambda: len(trace.steps) == 2, "one of the two did not run")

    assert trace.steps == ["call_soon", "call_later(0)"]
    assert [type(handle) for handle in made] == [asyncio.TimerHandle]


@claim("zero-delay-is-call-soon-on-uvloop")
async def test_call_later_with_no_delay_on_uvloop_is_a_call_soon(trace):
    loop = asyncio.get_running_loop()
    delayed = loop.call_later(0, trace, "call_later(0)")
    soon = loop.call_soon(trace, "call_soon")
    timer = loop.call_later(1, trace, "call_later(1)")
    timer.cancel()
    assert type(delayed) is type(soon)
    assert type(delayed) is not type(timer)

    await turn()

    assert trace.steps == ["call_later(0)", "call_soon"]


async def make_a_socket_readable_and_give_one_turn(trace):
    loop = asyncio.get_running_loop()
    reader, writer = socket.socketpair()
    with reader, writer:
        loop.add_reader(reader, lambda: trace(reader.recv(1)))
        writer.send(b"x")
        await asyncio.sleep(0)
        trace("sleep(0) resumes")
        await until(lambda: b"x" in trace.steps, "the loop never noticed that a socket is readable")
        loop.remove_reader(reader)


@claim("readable-socket-waits-for-the-first-turn-on-asyncio")
async def test_a_readable_socket_is_noticed_after_the_first_sleep_of_zero_resumes(trace):
    await make_a_socket_readable_and_give_one_turn(trace)

    assert trace.steps == ["sleep(0) resumes", b"x"]


@claim("readable-socket-comes-before-the-first-turn-on-uvloop")
async def test_a_readable_socket_on_uvloop_is_noticed_before_the_first_sleep_of_zero_resumes(trace):
    await make_a_socket_readable_and_give_one_turn(trace)

    assert trace.steps == [b"x", "sleep(0) resumes"]


@claim("finished-task-leaves-all-tasks")
async def test_a_task_that_is_done_leaves_the_set_of_all_tasks_at_once_however_it_ended(trace):
    async def work(result=None):
        await turn()
        return result

    async def fail():
        raise LookupError

    me = asyncio.current_task()
    for result in (None, "a result"):
        task = asyncio.create_task(work(result))
        assert asyncio.all_tasks() == {me, task}

        assert await task == result

        assert task.done()
        assert asyncio.all_tasks() == {me}

    failing, cancelled = asyncio.create_task(fail()), asyncio.create_task(work())
    cancelled.cancel()
    asyncio.get_running_loop().call_soon(lambda: trace((failing.done(), cancelled.done(), asyncio.all_tasks())))
    await asyncio.wait([failing, cancelled])

    assert trace.steps == [(True, True, {me})]  # in the very pass in which they ended
    assert isinstance(failing.exception(), LookupError) and cancelled.cancelled()
    assert asyncio.all_tasks() == {me}


@claim("finished-task-leaves-all-tasks")
def test_a_task_that_is_done_is_not_in_the_set_that_is_asked_for_from_outside_the_loop_either(new_loop):
    async def work():
        await turn()

    loop = new_loop()
    done, left = loop.create_task(work()), loop.create_task(asyncio.Event().wait())
    loop.run_until_complete(done)
    assert asyncio.all_tasks(loop) == {left}

    left.cancel()
    loop.run_until_complete(asyncio.wait([left]))
    assert asyncio.all_tasks(loop) == set()
