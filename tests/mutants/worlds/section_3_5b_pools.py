"""Worlds of 3.5 (the second) in which pools and their Futures are wrong: eager, lazy, unbounded, out of order."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import multiprocessing
import os
import queue
import threading
import types
from concurrent.futures import ThreadPoolExecutor, process, thread

from tests.mutants.worlds import Patch, world

Future = concurrent.futures.Future


def when_made(patch: Patch, change) -> None:
    """Have `change(pool)` called on each thread pool when it has been made."""
    make = ThreadPoolExecutor.__init__

    def made(pool, *arguments, **keywords):
        make(pool, *arguments, **keywords)
        change(pool)

    patch.setattr(ThreadPoolExecutor, "__init__", made)


def _submit_inline(pool, function, /, *arguments, **keywords) -> Future:
    """What `submit` of either pool is where a pool has no workers."""
    future = Future()
    try:
        future.set_result(function(*arguments, **keywords))
    except Exception as error:
        future.set_exception(error)
    return future


@world("pools have a Future of their own", falsifies=["pools-hand-out-concurrent-futures"])
def _(patch: Patch) -> None:
    body = {name: value for name, value in vars(Future).items() if name not in ("__dict__", "__weakref__")}
    patch.setattr(concurrent.futures._base, "Future", type("Future", (), body))


@world(
    "a pool's Future forgets what its job returned",
    falsifies=["pools-hand-out-concurrent-futures"],
    breaks_much="claims on executors look at what their jobs return",
)
def _(patch: Patch) -> None:
    set_result = Future.set_result
    patch.setattr(Future, "set_result", lambda future, result: set_result(future, None))


@world("a third kind of pool comes early", falsifies=["two-kinds-of-pool-before-3-14"])
def _(patch: Patch) -> None:
    patch.setitem(vars(concurrent.futures), "InterpreterPoolExecutor", type("Third", (ThreadPoolExecutor,), {}))
    patch.setattr(concurrent.futures, "__all__", (*concurrent.futures.__all__, "InterpreterPoolExecutor"))


@world("there is no third kind of pool", falsifies=["interpreter-pool-is-a-third-kind-since-3-14"])
def _(patch: Patch) -> None:
    without = [name for name in concurrent.futures.__all__ if name != "InterpreterPoolExecutor"]
    patch.setattr(concurrent.futures, "__all__", without)


@world("a pool of interpreters is one of threads", falsifies=["interpreter-pool-is-a-third-kind-since-3-14"])
def _(patch: Patch) -> None:
    patch.setitem(vars(concurrent.futures), "InterpreterPoolExecutor", ThreadPoolExecutor)


@world("a pool of interpreters is one of processes", falsifies=["interpreter-pool-is-a-third-kind-since-3-14"])
def _(patch: Patch) -> None:
    fork = multiprocessing.get_context("fork")
    make = functools.partial(process.ProcessPoolExecutor, mp_context=fork)
    patch.setitem(vars(concurrent.futures), "InterpreterPoolExecutor", make)


@world("an asyncio.Future is a concurrent one", falsifies=["two-kinds-of-future-share-no-class"])
def _(patch: Patch) -> None:
    patch.setattr(asyncio, "Future", type("Future", (Future,), {}))


@world("a pool's Future is an awaitable", falsifies=["pool-future-must-be-wrapped-to-be-awaited"])
def _(patch: Patch) -> None:
    Future.__await__ = lambda future: asyncio.wrap_future(future).__await__()


@world("a pool's Future can be awaited once it is done", falsifies=["pool-future-must-be-wrapped-to-be-awaited"])
def _(patch: Patch) -> None:
    def once_done(future):
        if not future.done():
            raise TypeError("a Future cannot be awaited before it is done")
        yield from ()
        return future.result()

    Future.__await__ = once_done


@world("wrap_future leaves a job behind that is under way", falsifies=["pool-future-must-be-wrapped-to-be-awaited"])
def _(patch: Patch) -> None:
    wrap = asyncio.wrap_future

    def wrap_future(future):
        if future.done():
            return wrap(future)
        wrapped = asyncio.get_running_loop().create_future()
        wrapped.set_result(None)
        return wrapped

    patch.setattr(asyncio, "wrap_future", wrap_future)


@world("wrap_future loses the exception of a job not yet done", falsifies=["pool-future-must-be-wrapped-to-be-awaited"])
def _(patch: Patch) -> None:
    wrap = asyncio.wrap_future

    def wrap_future(future):
        if future.done():
            return wrap(future)
        loop, wrapped = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

        def tell(done):
            loop.call_soon_threadsafe(wrapped.set_result, None if done.exception() else done.result())

        future.add_done_callback(tell)
        return wrapped

    patch.setattr(asyncio, "wrap_future", wrap_future)


@world("no timeout is one of no time to a pool's Future", falsifies=["pool-future-result-blocks-its-caller"])
def _(patch: Patch) -> None:
    result = Future.result
    patch.setattr(Future, "result", lambda future, timeout=None: result(future, timeout or 0))


@world("result of a pool's Future does not wait for the job", falsifies=["pool-future-result-blocks-its-caller"])
def _(patch: Patch) -> None:
    result = Future.result

    def at_once(future, timeout=None):
        if not future.done():
            raise concurrent.futures.InvalidStateError("Result is not set.")
        return result(future, timeout)

    patch.setattr(Future, "result", at_once)


@world("result of an unfinished asyncio.Future is None", falsifies=["pool-future-result-blocks-its-caller"])
def _(patch: Patch) -> None:
    class Obliging(asyncio.Future):
        def result(self):
            return super().result() if self.done() else None

    patch.setattr(asyncio, "Future", Obliging)


@world("a pool's Future leaves its callbacks to a loop", falsifies=["pool-future-calls-back-without-a-loop"])
def _(patch: Patch) -> None:
    def add_done_callback(future, callback):
        try:
            asyncio.get_running_loop().call_soon(callback, future)
        except RuntimeError:
            """There is no loop, so nobody calls."""

    patch.setattr(Future, "add_done_callback", add_done_callback)


@world("a pool's Future whose job fails calls nobody back", falsifies=["pool-future-calls-back-without-a-loop"])
def _(patch: Patch) -> None:
    set_exception = Future.set_exception

    def silent(future, error):
        future._done_callbacks.clear()
        set_exception(future, error)

    patch.setattr(Future, "set_exception", silent)


@world("a pool's Future that is cancelled calls nobody back", falsifies=["pool-future-calls-back-without-a-loop"])
def _(patch: Patch) -> None:
    cancel = Future.cancel

    def silent(future):
        if not future.running() and not future.done():
            future._done_callbacks.clear()
        return cancel(future)

    patch.setattr(Future, "cancel", silent)


@world("a pool's Future leaves its callbacks to its pool", falsifies=["pool-future-calls-back-without-a-loop"])
def _(patch: Patch) -> None:
    submit = ThreadPoolExecutor.submit

    def submit_and_keep(pool, function, /, *arguments, **keywords):
        future = submit(pool, function, *arguments, **keywords)
        job = types.SimpleNamespace(run=lambda *_context: type(future)._invoke_callbacks(future))
        future._invoke_callbacks = lambda: pool._work_queue.put(job)
        return future

    patch.setattr(ThreadPoolExecutor, "submit", submit_and_keep)


@world("a pool's Future has one callback, the last added", falsifies=["pool-future-calls-back-without-a-loop"])
def _(patch: Patch) -> None:
    add_done_callback = Future.add_done_callback

    def instead(future, callback):
        future._done_callbacks.clear()
        add_done_callback(future, callback)

    patch.setattr(Future, "add_done_callback", instead)


@world(
    "submit runs the job itself, in the thread that calls it",
    falsifies=[
        "submit-returns-before-the-job-ends",
        "none-as-executor-means-the-default-thread-pool",
        "loop-stays-free-while-an-executor-job-blocks",
    ],
)
def _(patch: Patch) -> None:
    patch.setattr(ThreadPoolExecutor, "submit", _submit_inline)


@world(
    "a thread pool takes no notice of max_workers",
    falsifies=["max-workers-bounds-the-jobs-in-flight", "default-executor-bounds-what-overlaps"],
)
def _(patch: Patch) -> None:
    when_made(patch, lambda pool: setattr(pool, "_max_workers", 1_000))


@world(
    "a thread pool has a single worker",
    falsifies=[
        "max-workers-bounds-the-jobs-in-flight",
        "jobs-print-in-any-order",
        "default-executor-bounds-what-overlaps",
        "requests-in-the-executor-overlap",
        "overlapping-requests-take-a-thread-each",
    ],
)
def _(patch: Patch) -> None:
    when_made(patch, lambda pool: setattr(pool, "_max_workers", 1))


@world("a Future says running once it is submitted", falsifies=["max-workers-bounds-the-jobs-in-flight"])
def _(patch: Patch) -> None:
    submit, set_running = ThreadPoolExecutor.submit, Future.set_running_or_notify_cancel

    def submit_running(pool, function, /, *arguments):
        future = submit(pool, function, *arguments)
        future.set_running_or_notify_cancel()
        return future

    patch.setattr(Future, "set_running_or_notify_cancel", lambda future: future.running() or set_running(future))
    patch.setattr(ThreadPoolExecutor, "submit", submit_running)


@world("a thread pool starts a thread though one is idle", falsifies=["idle-workers-are-reused-before-new-threads"])
def _(patch: Patch) -> None:
    class Unasked(threading.Semaphore):
        def acquire(self, blocking=True, timeout=None):
            return timeout != 0 and super().acquire(blocking, timeout)

    when_made(patch, lambda pool: setattr(pool, "_idle_semaphore", Unasked(0)))


@world(
    "a worker starts a thread for each of its jobs",
    falsifies=["idle-workers-are-reused-before-new-threads"],
    also=[
        "none-as-executor-means-the-default-thread-pool",
        "default-executor-bounds-what-overlaps",
        "get-event-loop-makes-none-in-another-thread",
    ],
)
def _(patch: Patch) -> None:
    run = thread._WorkItem.run

    def run_apart(*item):
        apart = threading.Thread(target=run, args=item)
        apart.start()
        apart.join()

    patch.setattr(thread._WorkItem, "run", run_apart)


@world("a thread pool takes the newest job first", falsifies=["jobs-start-in-order-of-submission"])
def _(patch: Patch) -> None:
    when_made(patch, lambda pool: setattr(pool, "_work_queue", queue.LifoQueue()))


@world("each job waits for the one submitted before it", falsifies=["jobs-print-in-any-order"])
def _(patch: Patch) -> None:
    submit = ThreadPoolExecutor.submit
    submitted: list[Future] = []

    def submit_in_line(pool, function, /, *arguments):
        before = submitted[-1:]

        def in_line():
            concurrent.futures.wait(before)
            return function(*arguments)

        submitted.append(submit(pool, in_line))
        return submitted[-1]

    patch.setattr(ThreadPoolExecutor, "submit", submit_in_line)


@world(
    "at its exit an interpreter drops what no worker has begun", falsifies=["interpreter-exit-waits-for-pool-threads"]
)
def _(patch: Patch) -> None:
    shut_down, pools = threading._shutdown, []

    def cancelling():
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)
        shut_down()

    when_made(patch, pools.append)
    patch.setattr(threading, "_shutdown", cancelling)


@world(
    "an interpreter leaves without waiting for threads",
    falsifies=["interpreter-exit-waits-for-pool-threads"],
    breaks_much="what a program has printed, and not flushed, is lost with it",
)
def _(patch: Patch) -> None:
    patch.setattr(threading, "_shutdown", functools.partial(os._exit, 0))


@world("a process pool queues a job for a free worker only", falsifies=["process-pool-calls-a-queued-job-running"])
def _(patch: Patch) -> None:
    def add_call_item_to_queue(manager):
        pending = manager.pending_work_items
        while sum(item.future.running() for item in pending.values()) < len(manager.processes):
            try:
                id = manager.work_ids_queue.get(block=False)
            except queue.Empty:
                return
            item = pending[id]
            item.future.set_running_or_notify_cancel()
            manager.call_queue.put(process._CallItem(id, item.fn, item.args, item.kwargs))

    patch.setattr(process._ExecutorManagerThread, "add_call_item_to_queue", add_call_item_to_queue)


@world("the default start method is spawn", falsifies=["unguarded-process-pool-runs-by-default-fork"])
def _(patch: Patch) -> None:
    multiprocessing.set_start_method("spawn", force=True)


@world(
    "whatever the start method, workers are forks of the script",
    falsifies=["unguarded-process-pool-breaks-by-default-forkserver", "spawn-and-forkserver-need-a-main-guard"],
)
def _(patch: Patch) -> None:
    fork = multiprocessing.get_context("fork")
    patch.setattr(multiprocessing, "get_context", lambda method=None: fork)


@world(
    "every job of a pool gets the result of the first",
    falsifies=[
        "pools-hand-out-concurrent-futures",
        "submit-returns-before-the-job-ends",
        "default-executor-bounds-what-overlaps",
    ],
    breaks_much="claims on executors look at what their jobs return",
)
def _(patch: Patch) -> None:
    set_result, results = Future.set_result, []

    def set_the_first(future, result):
        results.append(result)
        set_result(future, results[0])

    patch.setattr(Future, "set_result", set_the_first)


@world("a process pool has a single worker", falsifies=["process-pool-calls-a-queued-job-running"])
def _(patch: Patch) -> None:
    make = process.ProcessPoolExecutor.__init__

    def made(pool, max_workers=None, **named):
        make(pool, 1, **named)

    patch.setattr(process.ProcessPoolExecutor, "__init__", made)


@world(
    "a process pool runs its jobs in the process that submits them",
    falsifies=[
        "pools-hand-out-concurrent-futures",
        "asyncio-refuses-a-process-pool-as-default",
        "asyncio-takes-a-process-pool-as-default-with-a-warning",
        "uvloop-takes-a-process-pool-as-default",
    ],
)
def _(patch: Patch) -> None:
    patch.setattr(process.ProcessPoolExecutor, "submit", _submit_inline)


@world("a process pool loses what its jobs return", falsifies=["pools-hand-out-concurrent-futures"])
def _(patch: Patch) -> None:
    process_result = process._ExecutorManagerThread.process_result_item

    def without_the_result(manager, item):
        if hasattr(item, "result"):
            item.result = None
        process_result(manager, item)

    patch.setattr(process._ExecutorManagerThread, "process_result_item", without_the_result)


@world(
    "result of a pool's Future does not wait for a job still queued", falsifies=["pool-future-result-blocks-its-caller"]
)
def _(patch: Patch) -> None:
    result = Future.result

    def once_it_runs(future, timeout=None):
        if timeout is None and not (future.running() or future.done()):
            raise concurrent.futures.InvalidStateError("Result is not set.")
        return result(future, timeout)

    patch.setattr(Future, "result", once_it_runs)


@world(
    "once done, a pool's Future calls back in a thread of its own", falsifies=["pool-future-calls-back-without-a-loop"]
)
def _(patch: Patch) -> None:
    add_done_callback = Future.add_done_callback

    def elsewhere(future, callback):
        if future.done():
            threading.Thread(target=callback, args=[future]).start()
        else:
            add_done_callback(future, callback)

    patch.setattr(Future, "add_done_callback", elsewhere)


@world("a third kind of pool comes early and in silence", falsifies=["two-kinds-of-pool-before-3-14"])
def _(patch: Patch) -> None:
    patch.setitem(vars(concurrent.futures), "InterpreterPoolExecutor", type("Third", (ThreadPoolExecutor,), {}))


def _wrapped(patch: Patch, change) -> None:
    """Have `change`, a coroutine function, await each Future that has been wrapped."""
    true_wrap_future = asyncio.wrap_future

    def wrap_future(future, **options):
        return asyncio.ensure_future(change(true_wrap_future(future, **options)))

    patch.setattr(asyncio, "wrap_future", wrap_future)


@world("a wrapped Future raises a copy of the exception", falsifies=["pool-future-must-be-wrapped-to-be-awaited"])
def _(patch: Patch) -> None:
    async def copied(wrapped):
        try:
            return await wrapped
        except Exception as error:
            raise type(error)(*error.args) from None

    _wrapped(patch, copied)


@world("a pool's Future gives its result once", falsifies=["pools-hand-out-concurrent-futures"])
def _(patch: Patch) -> None:
    result = Future.result

    def once(future, timeout=None):
        value = result(future, timeout)
        future._result = None
        return value

    patch.setattr(Future, "result", once)


@world(
    "an asyncio.Future whose loop does not run calls back at once",
    falsifies=["pool-future-calls-back-without-a-loop"],
)
def _(patch: Patch) -> None:
    class CallsBackItself(asyncio.Future):
        def add_done_callback(self, callback, *, context=None):
            if self.done() and not self.get_loop().is_running():
                callback(self)
            else:
                super().add_done_callback(callback, context=context)

    class WithSuch:
        def create_future(self):
            return CallsBackItself(loop=self)

    patch.loops(WithSuch)


@world("submit to a process pool waits for its job", falsifies=["submit-returns-before-the-job-ends"])
def _(patch: Patch) -> None:
    submit = process.ProcessPoolExecutor.submit

    def submit_and_wait(pool, function, /, *arguments, **keywords):
        future = submit(pool, function, *arguments, **keywords)
        concurrent.futures.wait([future])
        return future

    patch.setattr(process.ProcessPoolExecutor, "submit", submit_and_wait)


@world("a Future not yet done says that it is running", falsifies=["max-workers-bounds-the-jobs-in-flight"])
def _(patch: Patch) -> None:
    patch.setattr(Future, "running", lambda future: not future.done())


@world("of more than five jobs that wait the newest is next", falsifies=["jobs-start-in-order-of-submission"])
def _(patch: Patch) -> None:
    class NewestOfMany(queue.Queue):
        def _get(self):
            return self.queue.pop() if len(self.queue) > 5 else self.queue.popleft()

    when_made(patch, lambda pool: setattr(pool, "_work_queue", NewestOfMany()))


@world("jobs without arguments go before others", falsifies=["jobs-start-in-order-of-submission"])
def _(patch: Patch) -> None:
    submit = ThreadPoolExecutor.submit

    class SomeFirst(queue.Queue):
        first = False

        def _put(self, item):
            (self.queue.appendleft if self.first else self.queue.append)(item)

    def submit_before_others(pool, function, /, *arguments, **keywords):
        pool._work_queue.first = not arguments and not keywords
        try:
            return submit(pool, function, *arguments, **keywords)
        finally:
            pool._work_queue.first = False

    when_made(patch, lambda pool: setattr(pool, "_work_queue", SomeFirst()))
    patch.setattr(ThreadPoolExecutor, "submit", submit_before_others)


@world(
    "an exception that a job returned is raised by wrap_future", falsifies=["pool-future-must-be-wrapped-to-be-awaited"]
)
def _(patch: Patch) -> None:
    wrap_future = asyncio.wrap_future

    def raising(future, *, loop=None):
        passed_on = Future()

        def pass_on(done):
            value = done.exception() or done.result()
            (passed_on.set_exception if isinstance(value, Exception) else passed_on.set_result)(value)

        future.add_done_callback(pass_on)
        return wrap_future(passed_on, loop=loop)

    patch.setattr(asyncio, "wrap_future", raising)


def _queue_is(patch: Patch, *, put=None, get=None) -> None:
    """Have thread pools queue a job by `put(jobs, pool, job)`, and take the next by `get(jobs, pool)`."""

    def changed(pool):
        class Changed(queue.Queue):
            def _put(self, job):
                put(self.queue, pool, job) if put and job is not None else self.queue.append(job)

            def _get(self):
                changed = get and None not in self.queue  # which tells a worker to end
                return get(self.queue, pool) if changed else self.queue.popleft()

        pool._work_queue = Changed()

    when_made(patch, changed)


@world("a job that another thread submits goes before others", falsifies=["jobs-start-in-order-of-submission"])
def _(patch: Patch) -> None:
    def put(jobs, pool, job):
        main = threading.current_thread() is threading.main_thread()
        (jobs.append if main or threading.current_thread() in pool._threads else jobs.appendleft)(job)

    _queue_is(patch, put=put)


@world("a job that a job submits goes before others", falsifies=["jobs-start-in-order-of-submission"])
def _(patch: Patch) -> None:
    def put(jobs, pool, job):
        (jobs.appendleft if threading.current_thread() in pool._threads else jobs.append)(job)

    _queue_is(patch, put=put)


@world("a single worker takes the newest job first", falsifies=["jobs-start-in-order-of-submission"])
def _(patch: Patch) -> None:
    _queue_is(patch, get=lambda jobs, pool: jobs.pop() if pool._max_workers == 1 else jobs.popleft())


@world("after a job that was cancelled the newest is next", falsifies=["jobs-start-in-order-of-submission"])
def _(patch: Patch) -> None:
    after = []

    def get(jobs, pool):
        job = jobs.pop() if after else jobs.popleft()
        after[:] = [job] if job.future.cancelled() else []
        return job

    _queue_is(patch, get=get)


@world("after a job that failed the newest is next", falsifies=["jobs-start-in-order-of-submission"])
def _(patch: Patch) -> None:
    set_exception, failed = Future.set_exception, []

    def noted(future, error):
        failed.append(future)
        set_exception(future, error)

    patch.setattr(Future, "set_exception", noted)
    _queue_is(patch, get=lambda jobs, pool: jobs.pop() if failed and failed.pop() else jobs.popleft())


def _result_is(patch: Patch, unfinished) -> None:
    """Have `unfinished(future, result)` be what result() of a pool's Future gives where that is not done."""
    result = Future.result

    def changed(future, timeout=None):
        if timeout is not None or future.done():
            return result(future, timeout)
        return unfinished(future, functools.partial(result, future))

    patch.setattr(Future, "result", changed)


@world("result of a pool's Future waits for a second at most", falsifies=["pool-future-result-blocks-its-caller"])
def _(patch: Patch) -> None:
    _result_is(patch, lambda future, result: result(1))


@world("result of a pool's Future does not block where a loop runs", falsifies=["pool-future-result-blocks-its-caller"])
def _(patch: Patch) -> None:
    _result_is(patch, lambda future, result: result(0 if asyncio._get_running_loop() else None))


@world("result of a pool's Future blocks the first only who asks", falsifies=["pool-future-result-blocks-its-caller"])
def _(patch: Patch) -> None:
    asked = []

    def of_the_first(future, result):
        if future in asked:
            return None
        asked.append(future)
        return result()

    _result_is(patch, of_the_first)


@world(
    "result of an asyncio.Future is None while somebody waits for it",
    falsifies=["pool-future-result-blocks-its-caller"],
)
def _(patch: Patch) -> None:
    class Obliging(asyncio.Future):
        def result(self):
            return None if self._callbacks and not self.done() else super().result()

    patch.setattr(asyncio, "Future", Obliging)


@world("result of an unfinished future that a loop made is None", falsifies=["pool-future-result-blocks-its-caller"])
def _(patch: Patch) -> None:
    class Obliging(asyncio.Future):
        def result(self):
            return super().result() if self.done() else None

    class MakesThem:
        def create_future(self):
            return Obliging(loop=self)

    patch.loops(MakesThem)
