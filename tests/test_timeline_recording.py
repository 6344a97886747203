"""What is recorded of scenes whose course is known: lanes, spans in order, arrows; and that nothing else changes."""

import asyncio
import gc
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest

from fixtures.loops import known_loops
from fixtures.timeline import recording as recordings
from fixtures.timeline.listeners import Listeners
from fixtures.timeline.model import Lane, Timeline, from_data, overlapping, to_data

LOOPS = known_loops()
MAIN = Lane("main", "thread", "main thread")


@pytest.fixture
def listening():
    listeners = Listeners()
    listeners.put()
    yield
    listeners.take_away()


@pytest.fixture(params=LOOPS)
def recorded(request, listening):
    """A function that runs a coroutine function on one of the loops, and gives what was recorded of it."""

    def record(scene, **options):
        loop = LOOPS[request.param]()
        try:
            recordings.begin(None)
            try:
                loop.run_until_complete(scene(**options))
            finally:
                timeline = recordings.stop()
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            loop.close()
        return timeline

    record.loop = f"{request.param}'s loop"
    return record


def doings(timeline: Timeline, name: str) -> list[str]:
    """What the lane of this name did, in order, with what it waited or blocked on."""
    (lane,) = [lane for lane in timeline.lanes if lane.name == name]
    return [f"{span.what} {span.on}".rstrip() for span in timeline.of(lane)]


def arrows(timeline: Timeline) -> list[str]:
    names = {lane.id: lane.name for lane in timeline.lanes}
    in_order = sorted(timeline.arrows, key=lambda arrow: arrow.at)
    return [f"{names[arrow.source]} {arrow.what} {names[arrow.target]}" for arrow in in_order]


async def one_waits_for_the_other():
    event = asyncio.Event()

    async def waiter():
        await event.wait()

    async def setter():
        await asyncio.sleep(0)
        event.set()

    tasks = [asyncio.create_task(waiter()), asyncio.create_task(setter())]
    for task in tasks:
        await task


def test_a_scene_of_three_tasks_gives_their_lanes_spans_and_arrows(recorded):
    timeline = recorded(one_waits_for_the_other)

    assert [(lane.kind, lane.name) for lane in timeline.lanes] == [
        ("task", "one_waits_for_the_other"),
        ("task", "waiter"),
        ("task", "setter"),
        ("loop", recorded.loop),
    ]
    assert doings(timeline, "one_waits_for_the_other") == ["runs", "waits waiter", "runs"]
    assert doings(timeline, "waiter") == ["runs", "waits wait", "runs"]
    assert doings(timeline, "setter") == ["runs", "waits sleep", "runs"]
    assert arrows(timeline) == [
        "one_waits_for_the_other creates waiter",
        "one_waits_for_the_other creates setter",
        "setter wakes waiter",
        "waiter wakes one_waits_for_the_other",
    ]
    assert timeline.notes == ()


def test_an_arrow_goes_from_within_what_its_source_does_to_the_beginning_of_a_step(recorded):
    timeline = recorded(one_waits_for_the_other)

    for arrow in timeline.arrows:
        assert [s for s in timeline.spans if s.lane == arrow.source and s.start <= arrow.at <= s.stop]
        assert [s for s in timeline.spans if s.lane == arrow.target and s.what == "runs" and s.start == arrow.until]
        assert arrow.at <= arrow.until


def test_the_loops_lane_is_busy_where_a_task_is_and_never_twice(recorded):
    timeline = recorded(one_waits_for_the_other)

    (loop,) = [lane for lane in timeline.lanes if lane.kind == "loop"]
    busy = timeline.of(loop)
    steps = [span for span in timeline.spans if span.lane != loop.id and span.what != "waits"]
    assert overlapping(busy) == []
    assert {(span.start, span.stop) for span in steps} <= {(span.start, span.stop) for span in busy}
    assert len(steps) == 6


def test_time_is_counted_from_where_the_loop_begins_to_where_it_ends(recorded):
    timeline = recorded(one_waits_for_the_other)

    assert min(span.start for span in timeline.spans) == 0
    assert max(span.stop for span in timeline.spans) == timeline.length


def test_a_task_woken_by_a_timer_or_a_socket_is_woken_by_the_loop(recorded):
    async def scene():
        await asyncio.sleep(0.001)
        one, other = socket.socketpair()
        with one, other:
            one.setblocking(False)
            asyncio.get_running_loop().call_later(0.001, other.send, b"!")
            await asyncio.get_running_loop().sock_recv(one, 1)

    timeline = recorded(scene)

    name = timeline.lanes[0].name
    assert set(arrows(timeline)) == {f"{recorded.loop} wakes {name}"}
    assert "waits sleep" in doings(timeline, name)


def test_through_gather_it_is_the_last_of_those_gathered_that_wakes(recorded):
    async def quick():
        pass

    async def slow():
        await asyncio.sleep(0)

    async def scene():
        await asyncio.gather(quick(), slow())

    timeline = recorded(scene)

    assert arrows(timeline)[-1].partition(" wakes ")[0] == "slow"


def test_a_call_that_blocks_is_told_from_work_in_the_tasks_lane_and_the_loops(recorded):
    async def blocking():
        time.sleep(0.002)

    timeline = recorded(blocking)

    assert doings(timeline, timeline.lanes[0].name) == ["runs", "blocks time.sleep", "runs"]
    assert doings(timeline, recorded.loop)[:3] == ["runs", "blocks time.sleep", "runs"]
    (blocked,) = [span for span in timeline.of(timeline.lanes[0]) if span.what == "blocks"]
    assert blocked.stop - blocked.start >= 0.002


def test_jobs_in_an_executor_have_a_lane_a_thread_and_wake_who_waits_for_them(recorded):
    let = threading.Event()

    async def scene():
        loop = asyncio.get_running_loop()
        jobs = [loop.run_in_executor(None, let.wait) for _ in range(2)]
        loop.call_soon(let.set)  # only when it waits: jobs that are done by then wake nobody
        await asyncio.gather(*jobs)

    timeline = recorded(scene)

    threads = [lane.name for lane in timeline.lanes if lane.kind == "thread"]
    task = timeline.lanes[0].name
    assert len(threads) == 2
    assert "blocks wait" in doings(timeline, threads[0])
    told = arrows(timeline)
    assert told[:2] == [f"{task} wakes {thread}" for thread in threads]
    assert told[2:] in ([f"{threads[0]} wakes {task}"], [f"{threads[1]} wakes {task}"])


def double(number):
    return number * 2


def leave():
    """End the process of the pool. Not `os._exit` itself: coverage puts in its place what cannot be pickled."""
    os._exit(1)


def after_the_gate(gate, number):
    """A job that ends only when somebody has opened the gate, a named pipe."""
    with open(gate):
        pass
    if number < 0:
        error = LookupError(number)
        error.said = "no"
        raise error
    return double(number)


def open_gate(gate):
    with open(gate, "w"):
        pass


@pytest.fixture
def processes():
    with ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as pool:
        assert pool.submit(double, 1).result() == 2  # it has its worker
        yield pool


def test_jobs_in_a_process_pool_have_a_lane_a_worker_and_wake_who_waits_for_them(recorded, processes, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)

    async def scene():
        loop = asyncio.get_running_loop()
        for number in (21, -3):
            job = loop.run_in_executor(processes, after_the_gate, gate, number)
            opening = loop.run_in_executor(None, open_gate, gate)
            await asyncio.wait([job])
            await opening
            if number > 0:
                assert job.result() == 42
            else:
                assert (job.exception().args, vars(job.exception())) == ((-3,), {"said": "no"})

    timeline = recorded(scene)

    assert ("process", "pool worker") in [(lane.kind, lane.name) for lane in timeline.lanes]
    assert doings(timeline, "pool worker") == ["runs job", "runs job"]
    assert [arrow for arrow in arrows(timeline) if "pool worker" in arrow] == [
        "scene wakes pool worker",
        "pool worker wakes scene",
    ] * 2
    assert timeline.notes == ()


def test_a_job_that_does_not_come_back_and_one_that_cannot_be_sent(listening, processes):
    recordings.begin(MAIN)
    with pytest.raises(Exception, match="pickle"):
        processes.submit(lambda: 1).result()
    lost = processes.submit(leave)
    with pytest.raises(BrokenProcessPool):
        lost.result()
    with pytest.raises(BrokenProcessPool):
        processes.submit(double, 1)
    timeline = recordings.stop()

    assert timeline.notes == ("not recorded: what a job of a process pool did that did not come back",)
    assert [lane for lane in timeline.lanes if lane.kind == "process"] == []


def test_without_a_loop_there_is_the_main_threads_lane_and_one_for_each_thread(listening):
    def work():
        time.sleep(0.001)

    recordings.begin(MAIN)
    thread = threading.Thread(target=work, name="worker")
    thread.start()
    thread.join()
    timeline = recordings.stop()

    assert [(lane.kind, lane.name) for lane in timeline.lanes] == [("thread", "main thread"), ("thread", "worker")]
    assert doings(timeline, "worker") == ["runs", "blocks time.sleep", "runs"]
    assert "blocks join" in doings(timeline, "main thread")
    assert arrows(timeline) == ["main thread creates worker"]
    assert overlapping(timeline.of(timeline.lanes[0])) == []


BLOCKING = {
    "time.sleep": lambda: time.sleep(0),
    "result": lambda: ThreadPoolExecutor(1).submit(time.sleep, 0.01).result(),
    "socket.recv": lambda: receive(),
    "Popen.wait": lambda: subprocess.Popen([sys.executable, "-S", "-c", ""]).wait(),
    "wait": lambda: threading.Event().wait(0.001),
    "a gate": lambda: block_on("a gate"),
}


def receive():
    one, other = socket.socketpair()
    with one, other:
        other.send(b"!")
        one.recv(1)


def block_on(what):
    with recordings.blocked(what):
        pass


@pytest.mark.parametrize("call", BLOCKING)
def test_what_blocks_is_named(listening, call):
    recordings.begin(MAIN)
    BLOCKING[call]()
    timeline = recordings.stop()

    assert f"blocks {call}" in doings(timeline, "main thread")


def test_a_call_that_blocks_within_another_is_part_of_it(listening):
    recordings.begin(MAIN)
    subprocess.Popen([sys.executable, "-S", "-c", ""]).communicate()
    timeline = recordings.stop()

    assert doings(timeline, "main thread") == ["runs", "blocks Popen.communicate", "runs"]


def test_a_socket_that_never_blocks_is_not_said_to(listening):
    one, other = socket.socketpair()
    with one, other:
        one.setblocking(False)
        recordings.begin(MAIN)
        with pytest.raises(BlockingIOError):
            one.recv(1)
        timeline = recordings.stop()

    assert doings(timeline, "main thread") == ["runs"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there are eager tasks since Python 3.12")
def test_the_first_step_of_an_eager_task_is_said_not_to_be_recorded(listening):
    async def eager():
        await asyncio.sleep(0)

    async def scene():
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        await asyncio.create_task(eager())

    loop = LOOPS["asyncio"]()
    recordings.begin(None)
    loop.run_until_complete(scene())
    timeline = recordings.stop()
    loop.close()

    assert timeline.notes == ("not recorded: the first step of an eager task",)
    assert doings(timeline, "eager") == ["runs"]
    assert not [arrow for arrow in arrows(timeline) if "creates eager" in arrow]


def test_a_task_is_known_by_its_name_or_its_coroutines_and_two_of_one_name_are_numbered(recorded):
    async def download():
        pass

    async def scene():
        tasks = [asyncio.create_task(download()) for _ in range(2)]
        tasks.append(asyncio.create_task(download(), name="the front page"))
        await asyncio.wait(tasks)

    names = [lane.name for lane in recorded(scene).lanes]

    assert names[1:-1] == ["download 1", "download 2", "the front page"]


def test_no_task_loop_or_thread_lives_longer_for_having_been_recorded(recorded):
    kept = []

    async def waits():
        await asyncio.get_running_loop().create_future()

    async def scene():
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        task = asyncio.create_task(waits())
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
        kept.extend([weakref.ref(task), weakref.ref(thread), weakref.ref(asyncio.get_running_loop())])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task, thread
        assert kept[1]() is None  # at once, and not only when garbage is collected
        gc.collect()
        assert kept[0]() is None

    timeline = recorded(scene)
    gc.collect()

    assert kept[2]() is None
    assert doings(timeline, "waits") == ["runs", "waits waits"]


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_that_nobody_keeps_goes_when_it_would_go_without_recording(name):
    def goes_at_once():
        loop = LOOPS[name]()
        loop.close()
        ref = weakref.ref(loop)
        del loop
        try:
            return ref() is None
        finally:
            gc.collect()

    without = goes_at_once()
    listeners = Listeners()
    listeners.put()
    try:
        recorded = goes_at_once()
    finally:
        listeners.take_away()

    assert recorded is without is True


def test_what_comes_after_too_many_spans_is_said_not_to_be_recorded(recorded, monkeypatch):
    monkeypatch.setattr(recordings, "MOST", 20)

    async def scene():
        for _ in range(50):
            await asyncio.sleep(0)

    timeline = recorded(scene)

    assert timeline.notes == ("not recorded: what came after the first 20 spans",)
    assert len(timeline.spans) == 20


def test_what_is_wrong_with_a_callback_is_said_as_without_recording(recorded):
    said = []

    def fails():
        raise LookupError("in the callback")

    async def scene():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: said.append(context))
        loop.call_soon(fails)
        await asyncio.sleep(0)
        if recorded.loop == "asyncio's loop":  # uvloop takes a coroutine function for a callback, here as ever
            loop.set_debug(True)
            with pytest.raises(TypeError, match="coroutines cannot be used"):
                loop.call_soon(scene)

    timeline = recorded(scene)

    assert [type(context["exception"]) for context in said][:1] == [LookupError]
    assert "fails" in said[0]["message"]
    assert any("fails" in doing for doing in doings(timeline, recorded.loop))


def test_all_is_as_before_when_the_listeners_are_taken_away():
    def places():
        uvloop = sys.modules.get("uvloop")
        owners = [asyncio.BaseEventLoop, threading.Thread, threading.Condition, ThreadPoolExecutor, socket.socket, time]
        return [dict(vars(owner)) for owner in [*owners, *([uvloop.Loop] if uvloop else []), subprocess.Popen]]

    for make in LOOPS.values():  # what is imported with the first one
        make().close()
    before = places()
    listeners = Listeners()
    listeners.put()
    listeners.put()
    assert places() != before
    listeners.take_away()

    assert places() == before
    assert "recv" not in vars(socket.socket)


def test_what_is_told_when_nothing_is_recorded_is_not_heard(listening):
    recordings.begin(MAIN)
    first = recordings.stop()
    with recordings.blocked("nothing"):
        time.sleep(0)

    assert recordings.current() is None
    assert doings(first, "main thread") == ["runs"]


def test_a_timeline_is_the_same_after_its_way_through_json(recorded):
    timeline = recorded(one_waits_for_the_other)

    assert from_data(to_data(timeline)) == timeline
