"""Worlds in which decorated generators, ensure_future, blocking calls and sleepers do otherwise than they do."""

from __future__ import annotations

import ast
import asyncio
import builtins
import inspect
import random
import select
import threading
import time
import types
import warnings

from fixtures.trace import Trace, turn
from tests.mutants.worlds import loop_world, world

true_sleep = asyncio.sleep


@world(
    "asyncio.coroutine makes no coroutine function",
    falsifies=["decorated-generator-counts-as-a-coroutine-function"],
)
def _(patch):
    if not hasattr(asyncio, "coroutine"):  # since Python 3.11, where the claim does not apply
        return
    true_coroutine = asyncio.coroutine

    def coroutine(function):
        made = true_coroutine(function)
        made._is_coroutine = None  # the mark by which asyncio knows its own
        return made

    patch.setattr(asyncio, "coroutine", coroutine)


@types.coroutine
def _sleep_of_a_generator(delay, result=None):
    return (yield from true_sleep(delay, result))


@world("asyncio.sleep is a generator, as on Python 3.6", falsifies=["plain-generators-cannot-yield-from-a-coroutine"])
def _(patch):
    patch.setattr(asyncio, "sleep", _sleep_of_a_generator)


@world("a sleep of some time is a generator", falsifies=["plain-generators-cannot-yield-from-a-coroutine"])
def _(patch):
    def sleep(delay, result=None):
        return (_sleep_of_a_generator if delay else true_sleep)(delay, result)

    patch.setattr(asyncio, "sleep", sleep)


@world("types.coroutine makes coroutine functions", falsifies=["types-coroutine-makes-no-coroutine-function"])
def _(patch):
    true_coroutine = types.coroutine

    def coroutine(function):
        async def run(*arguments):
            return await true_coroutine(function)(*arguments)

        return run

    patch.setattr(types, "coroutine", coroutine)


@world("what types.coroutine makes cannot be awaited", falsifies=["types-coroutine-makes-no-coroutine-function"])
def _(patch):
    patch.setattr(types, "coroutine", lambda function: function)


@world(
    "asyncio takes what types.coroutine makes for a coroutine function",
    falsifies=["types-coroutine-makes-no-coroutine-function"],
)
def _(patch):
    true_coroutine = types.coroutine

    def coroutine(function):
        made = true_coroutine(function)
        made._is_coroutine = asyncio.coroutines._is_coroutine  # the mark by which asyncio knows its own
        return made

    patch.setattr(types, "coroutine", coroutine)


@world("sock_recv() gives one turn and then blocks", falsifies=["network-wait-lets-the-loop-run-another-task"])
def _(patch):
    class Blocks:
        async def sock_recv(self, sock, size):
            await true_sleep(0)
            if not select.select([sock], [], [], 0.01)[0]:
                raise TimeoutError("nobody else got a turn to answer")
            return sock.recv(size)

    patch.loops(Blocks)


@world("a stream blocks until there is something to read", falsifies=["network-wait-lets-the-loop-run-another-task"])
def _(patch):
    async def wait_for_data(self, caller):
        if not select.select([self._transport.get_extra_info("socket").fileno()], [], [], 0.01)[0]:
            raise TimeoutError("nobody else got a turn to answer")
        await true_sleep(0)

    patch.setattr(asyncio.StreamReader, "_wait_for_data", wait_for_data)


class _BeforeBlocking(ast.NodeTransformer):
    """`here.recv(1)` and `requests.get(…)` do something before they block."""

    def __init__(self, before):
        self.before = before

    def visit_Call(self, node):
        call = ast.unparse(node)
        if call == "here.recv(1)" or call.startswith("requests.get("):
            return ast.parse(f"({self.before}, {call})[1]", mode="eval").body
        return self.generic_visit(node)


@world("a call that blocks gives the loop a turn", falsifies=["blocking-call-switches-to-nobody"])
def _(patch):
    patch.setitem(vars(builtins), "_turn", lambda: asyncio.sleep(0))
    patch.rewrite(_BeforeBlocking("await _turn()"))


def runner_of(patch, schedule):
    """A function that runs at once what the claim itself has by this method of a loop: no task, nor a waker of one."""
    waiting = []

    def remember(loop, *given, context=None):
        handle = getattr(super(Remembers, loop), schedule)(*given, context=context)
        for place, callback in enumerate(given):
            if isinstance(callback, Trace):
                waiting.append((handle, callback, given[place + 1 :]))
        return handle

    def run():
        for handle, callback, arguments in waiting:
            handle.cancel()
            callback(*arguments)
        waiting.clear()

    Remembers = type("Remembers", (), {schedule: remember})
    patch.loops(Remembers)
    return run


@world(
    "a call that blocks runs the callbacks that are ready, though no task",
    falsifies=["blocking-call-switches-to-nobody", "blocking-request-in-a-coroutine-stops-the-loop"],
)
def _(patch):
    patch.setitem(vars(builtins), "_run_callbacks", runner_of(patch, "call_soon"))
    patch.rewrite(_BeforeBlocking("_run_callbacks()"))


@world(
    "a call that blocks has the timers fire that are due",
    falsifies=["blocking-call-switches-to-nobody", "blocking-request-in-a-coroutine-stops-the-loop"],
)
def _(patch):
    patch.setitem(vars(builtins), "_fire", runner_of(patch, "call_later"))
    patch.rewrite(_BeforeBlocking("_fire()"))


@world("ensure_future gives a future that is no task", falsifies=["ensure-future-makes-a-task-of-a-coroutine"])
def _(patch):
    true_ensure_future = asyncio.ensure_future

    def ensure_future(thing, *, loop=None):
        task = true_ensure_future(thing, loop=loop)
        if task is thing:
            return thing
        future = task.get_loop().create_future()
        task.add_done_callback(lambda task: future.set_result(task.result()))
        return future

    patch.setattr(asyncio, "ensure_future", ensure_future)


@world("ensure_future runs the first step at once", falsifies=["ensure-future-only-schedules"])
def _(patch):
    true_ensure_future = asyncio.ensure_future

    def ensure_future(thing, *, loop=None):
        if inspect.iscoroutine(thing):
            try:
                thing.send(None)  # the whole of it: the claims' coroutines never suspend
            except StopIteration as end:
                thing = asyncio.sleep(0, end.value)
        return true_ensure_future(thing, loop=loop)

    patch.setattr(asyncio, "ensure_future", ensure_future)


@world("ensure_future runs what was scheduled before", falsifies=["ensure-future-only-schedules"])
def _(patch):
    true_ensure_future = asyncio.ensure_future

    def ensure_future(thing, *, loop=None):
        if loop is not None and not loop.is_running():
            loop.call_soon(loop.stop)
            loop.run_forever()
        return true_ensure_future(thing, loop=loop)

    patch.setattr(asyncio, "ensure_future", ensure_future)


@world(
    "ensure_future runs the first step at once where it is given no loop and none runs",
    falsifies=["ensure-future-only-schedules"],
)
def _(patch):
    true_ensure_future = asyncio.ensure_future

    def ensure_future(thing, *, loop=None):
        if loop is None and asyncio._get_running_loop() is None and inspect.iscoroutine(thing):
            try:
                thing.send(None)  # the whole of it, as above
            except StopIteration as end:
                thing = asyncio.sleep(0, end.value)
        return true_ensure_future(thing, loop=loop)

    patch.setattr(asyncio, "ensure_future", ensure_future)


@world(
    "ensure_future makes another loop and sets it each time where none is running",
    falsifies=["module-level-ensure-future-works-up-to-python-313"],
)
def _(patch):
    true_ensure_future = asyncio.ensure_future

    def ensure_future(thing, *, loop=None):
        if loop is None and asyncio._get_running_loop() is None:
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
        return true_ensure_future(thing, loop=loop)

    patch.setattr(asyncio, "ensure_future", ensure_future)


def _starting(patch, choose):
    """Have each task that ensure_future makes start, of the coroutines not begun yet, the one `choose` gives."""
    true_ensure_future, waiting = asyncio.ensure_future, []

    def ensure_future(thing, *, loop=None):
        if not inspect.iscoroutine(thing):
            return true_ensure_future(thing, loop=loop)
        waiting.append(thing)

        async def start():
            return await waiting.pop(choose(len(waiting)))

        return true_ensure_future(start(), loop=loop)

    patch.setattr(asyncio, "ensure_future", ensure_future)


@world("the task made last starts first", falsifies=["tasks-of-a-list-start-first-in-first-out"])
def _(patch):
    _starting(patch, lambda count: -1)


@world("any task may start first", falsifies=["tasks-of-a-list-start-first-in-first-out"])
def _(patch):
    _starting(patch, random.Random(0).randrange)


@world(
    "of the tasks that create_task makes the one made last starts first",
    falsifies=["tasks-of-a-list-start-first-in-first-out", "tasks-start-in-the-order-of-creation"],
)
def _(patch):
    create_task, waiting = asyncio.create_task, []

    async def start():
        return await waiting.pop()

    def last_first(coroutine, **options):
        waiting.append(coroutine)
        return create_task(start(), **options)

    patch.setattr(asyncio, "create_task", last_first)


@world(
    "a task that another task made starts before those made earlier",
    falsifies=["tasks-of-a-list-start-first-in-first-out"],
)
def _(patch):
    depths, waiting = {}, []  # how many tasks made each other, of each task and of those that wait to start

    async def in_its_time(coroutine, depth):
        while depth < max(waiting):
            await true_sleep(0)
        waiting.remove(depth)
        return await coroutine

    def deepest_first(make):
        def make_task(coroutine, **options):
            running = asyncio._get_running_loop()
            if running is None or not inspect.iscoroutine(coroutine):
                return make(coroutine, **options)
            depth = depths.get(asyncio.current_task(running), 0) + 1
            waiting.append(depth)
            task = make(in_its_time(coroutine, depth), **options)
            depths[task] = depth
            return task

        return make_task

    for name in ("ensure_future", "create_task"):
        patch.setattr(asyncio, name, deepest_first(getattr(asyncio, name)))


@world("every sleep ends with the next turn", falsifies=["sleeper-due-earlier-resumes-earlier"])
def _(patch):
    true_sleep = asyncio.sleep

    async def sleep(delay, result=None):
        return await true_sleep(0, result)

    patch.setattr(asyncio, "sleep", sleep)


@world("sleepers resume in the reverse order of their beginning", falsifies=["sleeper-due-earlier-resumes-earlier"])
def _(patch):
    true_sleep, sleeping = asyncio.sleep, []

    async def sleep(delay, result=None):
        woken = asyncio.get_running_loop().create_future()
        sleeping.append(woken)
        await true_sleep(delay / 100)
        sleeping.pop().set_result(result)
        return await woken

    patch.setattr(asyncio, "sleep", sleep)


@world(
    "no loop is made at module level, as since Python 3.14",
    falsifies=["module-level-ensure-future-works-up-to-python-313", "async-example-runs-up-to-python-313"],
    also=["module-level-get-event-loop-fails-under-uvloops-policy"],
)
def _(patch):
    def get_event_loop(self):
        if self._local._loop is None:
            raise RuntimeError("There is no current event loop in thread 'MainThread'.")
        return self._local._loop

    patch.setattr(asyncio.unix_events._UnixDefaultEventLoopPolicy, "get_event_loop", get_event_loop)


@world(
    "get_event_loop makes a loop at each call, and never warns",
    falsifies=[
        "module-level-ensure-future-works-up-to-python-313",
        "module-level-ensure-future-warns-on-python-312-and-313",
        "module-level-ensure-future-raises-since-python-314",
        "async-example-stops-since-python-314",
    ],
)
def _(patch):
    for place in (asyncio, asyncio.events):
        patch.setattr(place, "get_event_loop", lambda: asyncio.SelectorEventLoop())


@world(
    "ensure_future makes a loop without a warning where there is none, though get_event_loop warns",
    falsifies=["module-level-ensure-future-warns-on-python-312-and-313"],
)
def _(patch):
    true_ensure_future = asyncio.ensure_future

    def ensure_future(thing, *, loop=None):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return true_ensure_future(thing, loop=loop)

    patch.setattr(asyncio, "ensure_future", ensure_future)


class _Timers:
    """A loop whose timers fire after `self.instead_of(delay)` seconds."""

    def call_later(self, delay, callback, *arguments, context=None):
        return super().call_later(self.instead_of(delay), callback, *arguments, context=context)


@world("timers fire early: all after a millisecond", falsifies=["sleeper-due-earlier-resumes-earlier"])
def _(patch):
    class Early(_Timers):
        def instead_of(self, delay):
            return min(delay, 0.001)

    patch.loops(Early)


@world("a timer fires late: after those that were set before it", falsifies=["sleeper-due-earlier-resumes-earlier"])
def _(patch):
    class InTurn(_Timers):
        last = 0.0

        def instead_of(self, delay):
            now = self.time()
            self.last = max(now + delay, self.last) + 0.002
            return self.last - now

    patch.loops(InTurn)


@world(
    "timers never fire",
    falsifies=["sleeper-due-earlier-resumes-earlier", "asyncio-wait-timeout-leaves-tasks-pending-not-cancelled"],
)
def _(patch):
    class Never(_Timers):
        def instead_of(self, delay):
            return delay + 86_400

    patch.loops(Never)


@world("time.sleep has callbacks of the loop run", falsifies=["blocking-call-switches-to-nobody"])
def _(patch):
    queued, blocking_sleep = [], time.sleep

    class Queues:
        def call_soon(self, callback, *arguments, **options):
            handle = super().call_soon(callback, *arguments, **options)
            if isinstance(callback, Trace):  # to run a step of a task within that of another is refused
                queued.append((handle, callback, arguments))
            return handle

    def sleep(seconds):
        blocking_sleep(seconds)
        while queued:
            handle, callback, arguments = queued.pop(0)
            handle.cancel()
            callback(*arguments)

    patch.loops(Queues)
    patch.setattr(time, "sleep", sleep)


@world(
    "a generator under types.coroutine cannot wait for a coroutine",
    falsifies=["plain-generators-cannot-yield-from-a-coroutine"],
)
def _(patch):
    mark = types.coroutine

    def coroutine(function):
        marked = mark(function)

        @mark
        def limited(*arguments):
            generator = marked(*arguments)
            for step in generator:
                if inspect.iscoroutine(generator.gi_yieldfrom):
                    raise TypeError("cannot 'yield from' a coroutine object in a non-coroutine generator")
                yield step

        return limited

    patch.setattr(types, "coroutine", coroutine)


@world(
    "ensure_future makes a bare future where the loop does not run",
    falsifies=["ensure-future-makes-a-task-of-a-coroutine"],
)
def _(patch):
    ensure_future = asyncio.ensure_future

    def bare(awaitable, *, loop=None):
        task = ensure_future(awaitable, loop=loop)
        if task is awaitable or task.get_loop().is_running():
            return task
        future = task.get_loop().create_future()
        task.add_done_callback(lambda _task: future.set_result(task.result()))
        return future

    patch.setattr(asyncio, "ensure_future", bare)


@loop_world("of timers that are due the one made first fires first", "sleeper-due-earlier-resumes-earlier")
class _:
    def call_later(self, delay, callback, *arguments, context=None):
        timers = vars(self).setdefault("timers", [])
        timers.append((self.time() + delay, callback, arguments))

        def fire():
            first = next((timer for timer in timers if timer[0] <= self.time()), timers[0])
            timers.remove(first)
            first[1](*first[2])

        return super().call_later(delay, fire, context=context)


@world("a second time.sleep has callbacks of the loop run", falsifies=["blocking-call-switches-to-nobody"])
def _(patch):
    run_callbacks, blocking_sleep = runner_of(patch, "call_soon"), time.sleep
    slept = {}  # how often while each loop ran

    def sleep(seconds):
        loop = asyncio._get_running_loop()
        slept[loop] = slept.get(loop, 0) + 1
        if slept[loop] == 2:
            run_callbacks()
        blocking_sleep(seconds)

    patch.setattr(time, "sleep", sleep)


@world(
    "get_event_loop gives the loop of a module's tasks once",
    falsifies=["module-level-ensure-future-works-up-to-python-313"],
)
def _(patch):
    true_get_event_loop, given = asyncio.get_event_loop, []

    def get_event_loop():
        if given and asyncio._get_running_loop() is None:
            asyncio.set_event_loop(asyncio.new_event_loop())
        given.append(true_get_event_loop())
        return given[-1]

    patch.setattr(asyncio, "get_event_loop", get_event_loop)


@world("a task with a name of its own starts a turn late", falsifies=["tasks-of-a-list-start-first-in-first-out"])
def _(patch):
    create_task = asyncio.create_task

    async def late(coroutine):
        await turn()
        return await coroutine

    def late_where_named(coroutine, *, name=None, **options):
        return create_task(late(coroutine) if name else coroutine, name=name, **options)

    patch.setattr(asyncio, "create_task", late_where_named)


@world("wait() takes bare coroutine objects on every Python", falsifies=["tasks-of-a-list-start-first-in-first-out"])
def _(patch):
    wait = asyncio.wait

    async def takes_all(things, **options):
        return await wait({asyncio.ensure_future(thing) for thing in set(things)}, **options)

    patch.setattr(asyncio, "wait", takes_all)


@world("select has callbacks of the loop run", falsifies=["blocking-call-switches-to-nobody"])
def _(patch):
    run_callbacks, true_select = runner_of(patch, "call_soon"), select.select

    def run_and_select(*arguments):
        run_callbacks()
        return true_select(*arguments)

    patch.setattr(select, "select", run_and_select)


@world(
    "who waits for an event of threading has callbacks of the loop run", falsifies=["blocking-call-switches-to-nobody"]
)
def _(patch):
    run_callbacks, wait = runner_of(patch, "call_soon"), threading.Event.wait

    def run_and_wait(event, timeout=None):
        if asyncio._get_running_loop():
            run_callbacks()
        return wait(event, timeout)

    patch.setattr(threading.Event, "wait", run_and_wait)


@world(
    "ensure_future at module level takes coroutine objects only",
    falsifies=["module-level-ensure-future-works-up-to-python-313"],
)
def _(patch):
    true_ensure_future = asyncio.ensure_future

    def ensure_future(thing, *, loop=None):
        if not asyncio.iscoroutine(thing) and loop is None:
            asyncio.get_running_loop()
        return true_ensure_future(thing, loop=loop)

    patch.setattr(asyncio, "ensure_future", ensure_future)


@world(
    "a method under types.coroutine is a coroutine function", falsifies=["types-coroutine-makes-no-coroutine-function"]
)
def _(patch):
    iscoroutinefunction = inspect.iscoroutinefunction

    def or_such_a_method(thing):
        is_marked = inspect.ismethod(thing) and thing.__func__.__code__.co_flags & inspect.CO_ITERABLE_COROUTINE
        return iscoroutinefunction(thing) or bool(is_marked)

    patch.setattr(inspect, "iscoroutinefunction", or_such_a_method)
