"""Worlds of 3.5 (the second) in which run_in_executor is wrong, on both loops alike or on one."""

from __future__ import annotations

import asyncio
import concurrent.futures
import ctypes
import inspect
import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

from tests.mutants.worlds import Patch, world

try:
    import uvloop
except ImportError:
    uvloop = None

Future = concurrent.futures.Future


@world("run_in_executor ignores the loop's default", falsifies=["none-as-executor-means-the-default-thread-pool"])
def _(patch: Patch) -> None:
    class WithPoolsOfItsOwn:
        def run_in_executor(self, executor, function, *arguments):
            with ThreadPoolExecutor(thread_name_prefix="own") as pool:
                return super().run_in_executor(executor or pool, function, *arguments)

    patch.loops(WithPoolsOfItsOwn)


@world("without a default set, each job has a new pool", falsifies=["none-as-executor-means-the-default-thread-pool"])
def _(patch: Patch) -> None:
    class WithNewPools:
        is_set = False

        def set_default_executor(self, executor):
            self.is_set = True
            super().set_default_executor(executor)

        def run_in_executor(self, executor, function, *arguments):
            if executor is not None or self.is_set:
                return super().run_in_executor(executor, function, *arguments)
            with ThreadPoolExecutor(max_workers=1) as pool:
                return super().run_in_executor(pool, function, *arguments)

    patch.loops(WithNewPools)


@world(
    "run_in_executor takes the default whatever it is given",
    falsifies=["none-as-executor-means-the-default-thread-pool", "asyncio-refuses-a-process-pool-as-default"],
)
def _(patch: Patch) -> None:
    class WithTheDefaultAlways:
        def run_in_executor(self, executor, function, *arguments):
            return super().run_in_executor(None, function, *arguments)

    patch.loops(WithTheDefaultAlways)


@world("run_in_executor gives a task", falsifies=["run-in-executor-hands-out-an-asyncio-future"])
def _(patch: Patch) -> None:
    class WithTasks:
        def run_in_executor(self, *arguments):
            async def wait(future):
                return await future

            return self.create_task(wait(super().run_in_executor(*arguments)))

    patch.loops(WithTasks)


@world(
    "of a pool given, run_in_executor hands out the pool's Future",
    falsifies=["run-in-executor-hands-out-an-asyncio-future"],
)
def _(patch: Patch) -> None:
    class HandsOutThePools:
        def run_in_executor(self, executor, function, *arguments):
            if executor is None:
                return super().run_in_executor(executor, function, *arguments)
            return executor.submit(function, *arguments)

    patch.loops(HandsOutThePools)


@world("run_in_executor swallows exceptions", falsifies=["run-in-executor-hands-out-an-asyncio-future"])
def _(patch: Patch) -> None:
    patch.setattr(Future, "set_exception", lambda future, error: future.set_result(None))


@world(
    "an exception that a job returns is raised",
    falsifies=["run-in-executor-hands-out-an-asyncio-future", "pools-hand-out-concurrent-futures"],
)
def _(patch: Patch) -> None:
    set_result = Future.set_result

    def raising(future, result):
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            set_result(future, result)

    patch.setattr(Future, "set_result", raising)


@world("the default executor is given its jobs a turn later", falsifies=["executor-job-runs-before-any-await"])
def _(patch: Patch) -> None:
    class ATurnLaterByDefault:
        def run_in_executor(self, executor, *arguments):
            if executor is not None:
                return super().run_in_executor(executor, *arguments)
            submit, done = super().run_in_executor, self.create_future()
            self.call_soon(lambda: asyncio.futures._chain_future(submit(None, *arguments), done))
            return done

    patch.loops(ATurnLaterByDefault)


@world("a job for a pool given holds up the loop", falsifies=["loop-stays-free-while-an-executor-job-blocks"])
def _(patch: Patch) -> None:
    class WaitsForThePool:
        def run_in_executor(self, executor, function, *arguments):
            if executor is None:
                return super().run_in_executor(executor, function, *arguments)
            job = executor.submit(function, *arguments)
            concurrent.futures.wait([job])
            return asyncio.wrap_future(job, loop=self)

    patch.loops(WaitsForThePool)


@world(
    "a pool given is given the bare function, unchecked and without its arguments",
    falsifies=[
        "run-in-executor-passes-only-positional-arguments",
        "asyncio-executor-gives-back-an-unrun-coroutine",
        "uvloop-executor-refuses-a-coroutine-function",
    ],
)
def _(patch: Patch) -> None:
    class Bare:
        def run_in_executor(self, executor, function, *arguments):
            if executor is None:
                return super().run_in_executor(executor, function, *arguments)
            return asyncio.wrap_future(executor.submit(function), loop=self)

    patch.loops(Bare)


@world("run_in_executor submits nothing before it is awaited", falsifies=["executor-job-runs-before-any-await"])
def _(patch: Patch) -> None:
    class Lazy:
        def run_in_executor(self, *arguments):
            submit = super().run_in_executor

            async def submit_and_wait():
                return await submit(*arguments)

            return self.create_task(submit_and_wait())

    patch.loops(Lazy)


@world("run_in_executor passes keywords on", falsifies=["run-in-executor-passes-only-positional-arguments"])
def _(patch: Patch) -> None:
    class Generous:
        def run_in_executor(self, executor, function, *arguments, **keywords):
            return super().run_in_executor(executor, lambda: function(*arguments, **keywords))

    patch.loops(Generous)


@world("run_in_executor passes no arguments on", falsifies=["run-in-executor-passes-only-positional-arguments"])
def _(patch: Patch) -> None:
    class Forgetful:
        def run_in_executor(self, executor, function, *arguments):
            return super().run_in_executor(executor, function)

    patch.loops(Forgetful)


@world(
    "asyncio takes a process pool as default without a word",
    falsifies=["asyncio-takes-a-process-pool-as-default-with-a-warning", "asyncio-refuses-a-process-pool-as-default"],
)
def _(patch: Patch) -> None:
    def set_default_executor(loop, executor):
        loop._default_executor = executor

    patch.setattr(asyncio.BaseEventLoop, "set_default_executor", set_default_executor)


@world("asyncio refuses nothing but a process pool as default", falsifies=["asyncio-refuses-a-process-pool-as-default"])
def _(patch: Patch) -> None:
    def set_default_executor(loop, executor):
        if isinstance(executor, concurrent.futures.ProcessPoolExecutor):
            raise TypeError("executor must be ThreadPoolExecutor instance")
        loop._default_executor = executor

    patch.setattr(asyncio.BaseEventLoop, "set_default_executor", set_default_executor)


@world("a job that fails early costs no turn", falsifies=["job-done-early-costs-a-turn-before-3-12"])
def _(patch: Patch) -> None:
    class FailsAtOnce:
        def run_in_executor(self, executor, function, *arguments):
            job = executor.submit(function, *arguments)
            if not job.exception():
                return asyncio.wrap_future(job, loop=self)
            future = self.create_future()
            future.set_exception(job.exception())
            return future

    patch.loops(FailsAtOnce)


@world("a job that fails early costs a turn", falsifies=["job-done-early-costs-no-turn-since-3-14"])
def _(patch: Patch) -> None:
    class FailsLater:
        def run_in_executor(self, executor, function, *arguments):
            job = executor.submit(function, *arguments)
            if not job.exception():
                return asyncio.wrap_future(job, loop=self)
            future = self.create_future()
            self.call_soon(future.set_exception, job.exception())
            return future

    patch.loops(FailsLater)


@world("a job that is done early costs no turn", falsifies=["job-done-early-costs-a-turn-before-3-12"])
def _(patch: Patch) -> None:
    class AtOnce:
        def run_in_executor(self, executor, function, *arguments):
            job = executor.submit(function, *arguments)
            future = self.create_future()
            future.set_result(job.result())
            return future

    patch.loops(AtOnce)


@world("a job that is done early costs a turn", falsifies=["job-done-early-costs-no-turn-since-3-14"])
def _(patch: Patch) -> None:
    class ATurnLater:
        def run_in_executor(self, executor, function, *arguments):
            job = executor.submit(function, *arguments)
            future = self.create_future()
            self.call_soon(lambda: future.set_result(job.result()))
            return future

    patch.loops(ATurnLater)


@world("uvloop refuses a process pool as default", falsifies=["uvloop-takes-a-process-pool-as-default"])
def _(patch: Patch) -> None:
    def set_default_executor(loop, executor):
        raise TypeError("executor must be ThreadPoolExecutor instance")

    if uvloop is not None:
        patch.setattr(uvloop.Loop, "set_default_executor", set_default_executor)


@world(
    "the executor runs a coroutine function to its end",
    falsifies=["asyncio-executor-gives-back-an-unrun-coroutine", "uvloop-executor-refuses-a-coroutine-function"],
)
def _(patch: Patch) -> None:
    class RunningCoroutines:
        def run_in_executor(self, executor, function, *arguments):
            if inspect.iscoroutinefunction(function):
                return super().run_in_executor(executor, lambda: asyncio.run(function(*arguments)))
            return super().run_in_executor(executor, function, *arguments)

    patch.loops(RunningCoroutines)


@world(
    "debug mode checks nothing in asyncio",
    falsifies=["asyncio-executor-gives-back-an-unrun-coroutine"],
    also=[
        "call-soon-refuses-coroutine-functions-in-debug-mode-on-asyncio",
        "call-soon-refuses-what-cannot-be-called-in-debug-mode-on-asyncio",
    ],
)
def _(patch: Patch) -> None:
    patch.setattr(asyncio.BaseEventLoop, "_check_callback", lambda loop, callback, method: None)


@world("uvloop refuses coroutine functions in debug only", falsifies=["uvloop-executor-refuses-a-coroutine-function"])
def _(patch: Patch) -> None:
    if uvloop is None:
        return
    run_in_executor = uvloop.Loop.run_in_executor

    def as_asyncio(loop, executor, function, *arguments):
        return run_in_executor(loop, executor, function if loop.get_debug() else lambda: function(*arguments))

    patch.setattr(uvloop.Loop, "run_in_executor", as_asyncio)


@world("a cancelled function is stopped in its thread", falsifies=["cancelling-does-not-stop-a-running-job"])
def _(patch: Patch) -> None:
    set_running, cancel = Future.set_running_or_notify_cancel, Future.cancel
    threads: dict[Future, int] = {}

    def set_running_here(future):
        threads[future] = threading.get_ident()
        return set_running(future)

    def stop(future):
        if future.running():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(threads[future]), ctypes.py_object(concurrent.futures.CancelledError)
            )
        return cancel(future)

    patch.setattr(Future, "set_running_or_notify_cancel", set_running_here)
    patch.setattr(Future, "cancel", stop)


@world("a cancelled function keeps its place in the queue", falsifies=["cancelling-does-not-stop-a-running-job"])
def _(patch: Patch) -> None:
    patch.setattr(Future, "cancel", lambda future: False)


@world(
    "a function queued for the default executor keeps its place though cancelled",
    falsifies=["cancelling-does-not-stop-a-running-job"],
)
def _(patch: Patch) -> None:
    class ForgetsWhoIsCancelled:
        def run_in_executor(self, executor, function, *arguments):
            future = super().run_in_executor(executor, function, *arguments)
            if executor is not None:
                return future
            apart = self.create_future()
            future.add_done_callback(lambda done: apart.done() or _do(apart, done.result))
            return apart

    patch.loops(ForgetsWhoIsCancelled)


def _do(future: asyncio.Future, job, *arguments) -> None:
    """Have an asyncio.Future done with what a job returns or raises."""
    try:
        future.set_result(job(*arguments))
    except Exception as error:
        future.set_exception(error)


@world(
    "executors run their jobs inside run_in_executor",
    falsifies=[
        "none-as-executor-means-the-default-thread-pool",
        "executor-job-runs-before-any-await",
        "loop-stays-free-while-an-executor-job-blocks",
        "default-executor-bounds-what-overlaps",
        "requests-in-the-executor-overlap",
        "overlapping-requests-take-a-thread-each",
        "summary-executors-def-endpoints-and-look-ups-use-threads",
    ],
)
def _(patch: Patch) -> None:
    class Inline:
        def run_in_executor(self, executor, job, *arguments):
            done = self.create_future()
            _do(done, job, *arguments)
            return done

    patch.loops(Inline)


@world(
    "executors run their jobs in the loop's thread, a turn later",
    falsifies=[
        "none-as-executor-means-the-default-thread-pool",
        "executor-job-runs-before-any-await",
        "summary-executors-def-endpoints-and-look-ups-use-threads",
    ],
)
def _(patch: Patch) -> None:
    class ATurnLater:
        def run_in_executor(self, executor, job, *arguments):
            done = self.create_future()
            self.call_soon(_do, done, job, *arguments)
            return done

    patch.loops(ATurnLater)


@world(
    "each job has a new thread, whichever executor it is given to",
    falsifies=[
        "none-as-executor-means-the-default-thread-pool",
        "default-executor-bounds-what-overlaps",
        "asyncio-refuses-a-process-pool-as-default",
        "asyncio-takes-a-process-pool-as-default-with-a-warning",
        "uvloop-takes-a-process-pool-as-default",
    ],
)
def _(patch: Patch) -> None:
    class ANewThread:
        def run_in_executor(self, executor, job, *arguments):
            of_thread = Future()
            threading.Thread(target=_do, args=[of_thread, job, *arguments]).start()
            return asyncio.wrap_future(of_thread, loop=self)

    patch.loops(ANewThread)


@world("run_in_executor gives None for a false value", falsifies=["run-in-executor-hands-out-an-asyncio-future"])
def _(patch: Patch) -> None:
    set_result = Future.set_result
    patch.setattr(Future, "set_result", lambda future, result: set_result(future, result or None))


@world("run_in_executor raises what wraps the exception", falsifies=["run-in-executor-hands-out-an-asyncio-future"])
def _(patch: Patch) -> None:
    set_exception = Future.set_exception
    patch.setattr(Future, "set_exception", lambda future, error: set_exception(future, RuntimeError(error)))


@world("run_in_executor drops arguments that are None", falsifies=["run-in-executor-passes-only-positional-arguments"])
def _(patch: Patch) -> None:
    class Drops:
        def run_in_executor(self, executor, function, *arguments):
            left = [argument for argument in arguments if argument is not None]
            return super().run_in_executor(executor, function, *left)

    patch.loops(Drops)


@world(
    "a cancellation of what runs in the default executor gives its waiter None",
    falsifies=["cancelling-does-not-stop-a-running-job"],
)
def _(patch: Patch) -> None:
    class Keeps:
        def run_in_executor(self, executor, function, *arguments):
            begun = threading.Event()

            class Kept(asyncio.Future):
                def cancel(self, *message):
                    if not begun.is_set():
                        return super().cancel(*message)
                    self.set_result(None)

            def job():
                begun.set()
                return function(*arguments)

            if executor is not None:
                return super().run_in_executor(executor, function, *arguments)
            waiter = Kept(loop=self)
            asyncio.futures._chain_future(super().run_in_executor(None, job), waiter)
            return waiter

    patch.loops(Keeps)


@world("the default executor has no upper limit but the CPUs", falsifies=["default-executor-bounds-what-overlaps"])
def _(patch: Patch) -> None:
    make = ThreadPoolExecutor.__init__

    def made(pool, max_workers=None, *arguments, **keywords):
        cpus = getattr(os, "process_cpu_count", os.cpu_count)()
        make(pool, max_workers or cpus + 4, *arguments, **keywords)

    patch.setattr(ThreadPoolExecutor, "__init__", made)


@world(
    "the executor runs a method that is a coroutine function",
    falsifies=["asyncio-executor-gives-back-an-unrun-coroutine", "uvloop-executor-refuses-a-coroutine-function"],
)
def _(patch: Patch) -> None:
    class RunsMethods:
        def run_in_executor(self, executor, function, *arguments):
            if inspect.ismethod(function) and inspect.iscoroutinefunction(function):
                return self.create_task(function(*arguments))
            return super().run_in_executor(executor, function, *arguments)

    patch.loops(RunsMethods)


@world(
    "in debug mode run_in_executor runs the function itself",
    falsifies=["none-as-executor-means-the-default-thread-pool"],
    also=["loop-stays-free-while-an-executor-job-blocks"],
)
def _(patch: Patch) -> None:
    class RunsItInDebugMode:
        def run_in_executor(self, executor, function, *arguments):
            if not self.get_debug():
                return super().run_in_executor(executor, function, *arguments)
            future = self.create_future()
            future.set_result(function(*arguments))
            return future

    patch.loops(RunsItInDebugMode)


@world("run_in_executor hands out one future again", falsifies=["run-in-executor-hands-out-an-asyncio-future"])
def _(patch: Patch) -> None:
    class WithOneFuture:
        future = None

        def run_in_executor(self, executor, function, *arguments):
            self.future = self.future or super().run_in_executor(executor, function, *arguments)
            return self.future

    patch.loops(WithOneFuture)


@world("None means the pool used last", falsifies=["none-as-executor-means-the-default-thread-pool"])
def _(patch: Patch) -> None:
    class WithTheLast:
        last = None

        def run_in_executor(self, executor, function, *arguments):
            self.last = executor or self.last
            return super().run_in_executor(self.last, function, *arguments)

    patch.loops(WithTheLast)


@world("asyncio refuses coroutine functions", falsifies=["asyncio-executor-gives-back-an-unrun-coroutine"])
def _(patch: Patch) -> None:
    class Refusing:
        def run_in_executor(self, executor, function, *arguments):
            if inspect.iscoroutinefunction(function):
                raise TypeError("coroutines cannot be used with run_in_executor()")
            return super().run_in_executor(executor, function, *arguments)

    patch.loops(Refusing)


@world("a loop's second job runs in its own thread", falsifies=["loop-stays-free-while-an-executor-job-blocks"])
def _(patch: Patch) -> None:
    class RunsTheSecond:
        jobs = 0

        def run_in_executor(self, executor, function, *arguments):
            self.jobs += 1
            # By default and out of debug mode alone: each claim that is held up takes its time.
            if self.jobs != 2 or executor or self.get_debug():
                return super().run_in_executor(executor, function, *arguments)
            future = self.create_future()
            future.set_result(function(*arguments))
            return future

    patch.loops(RunsTheSecond)


@world("a job is submitted when the one before is known to be done", falsifies=["executor-job-runs-before-any-await"])
def _(patch: Patch) -> None:
    class OneByOne:
        before = None

        def run_in_executor(self, executor, function, *arguments):
            async def follow(before):
                if before:
                    await asyncio.wait([before])
                return await submit(executor, function, *arguments)

            submit, before = super().run_in_executor, self.before
            free = before is None or before.done()
            self.before = submit(executor, function, *arguments) if free else self.create_task(follow(before))
            return self.before

    patch.loops(OneByOne)


@world("awaiting a job that gave None by then gives no turn", falsifies=["job-done-early-costs-a-turn-before-3-12"])
def _(patch: Patch) -> None:
    class Knows:
        def run_in_executor(self, executor, function, *arguments):
            if executor is None:
                return super().run_in_executor(executor, function, *arguments)
            job = executor.submit(function, *arguments)
            if job.done() and not job.exception() and job.result() is None:
                future = self.create_future()
                future.set_result(None)
                return future
            return asyncio.wrap_future(job, loop=self)

    patch.loops(Knows)


@world("uvloop warns of a process pool in debug mode", falsifies=["uvloop-takes-a-process-pool-as-default"])
def _(patch: Patch) -> None:
    class WarnsInDebugMode:
        def set_default_executor(self, executor):
            if self.get_debug():
                warnings.warn("this is no thread pool", DeprecationWarning, stacklevel=2)
            super().set_default_executor(executor)

    patch.loops(WarnsInDebugMode)


@world(
    "a coroutine function with arguments is taken for a function by the executor",
    falsifies=["asyncio-executor-gives-back-an-unrun-coroutine", "uvloop-executor-refuses-a-coroutine-function"],
)
def _(patch: Patch) -> None:
    class LooksAtNone:
        def run_in_executor(self, executor, function, *arguments):
            job = (lambda: function(*arguments)) if arguments else function
            return super().run_in_executor(executor, job)

    patch.loops(LooksAtNone)


@world("a loop's third job starts though cancelled", falsifies=["cancelling-does-not-stop-a-running-job"])
def _(patch: Patch) -> None:
    class ShieldsTheThird:
        jobs = 0

        def run_in_executor(self, executor, function, *arguments):
            self.jobs += 1
            future = super().run_in_executor(executor, function, *arguments)
            return asyncio.shield(future) if self.jobs == 3 else future

    patch.loops(ShieldsTheThird)


@world("run_in_executor passes copies on", falsifies=["run-in-executor-passes-only-positional-arguments"])
def _(patch: Patch) -> None:
    class Copies:
        def run_in_executor(self, executor, function, *arguments):
            copies = [list(argument) if isinstance(argument, list) else argument for argument in arguments]
            return super().run_in_executor(executor, function, *copies)

    patch.loops(Copies)


class _HandsOn:
    """A loop that hands out, of a job, another future, to which it hands on what becomes of the job's."""

    def run_in_executor(self, executor, function, *arguments):
        future, given = super().run_in_executor(executor, function, *arguments), self.create_future()

        def hand_on(done):
            if given.done():
                return
            if done.cancelled() or done.exception():
                given.cancel() if done.cancelled() else given.set_exception(done.exception())
            else:
                self.give(given, done.result())

        future.add_done_callback(hand_on)
        self.watch(given, future)
        return given

    def give(self, given, result):
        given.set_result(result)

    def watch(self, given, future):
        pass


@world("run_in_executor awaits what its function returns", falsifies=["run-in-executor-hands-out-an-asyncio-future"])
def _(patch: Patch) -> None:
    class Awaits(_HandsOn):
        def give(self, given, result):
            asyncio.futures._chain_future(result, given) if asyncio.isfuture(result) else given.set_result(result)

    patch.loops(Awaits)


@world(
    "run_in_executor raises what wraps the exception, of an executor that it is given",
    falsifies=["run-in-executor-hands-out-an-asyncio-future"],
)
def _(patch: Patch) -> None:
    class Wraps:
        def run_in_executor(self, executor, function, *arguments):
            def job():
                try:
                    return function(*arguments)
                except LookupError as error:
                    raise RuntimeError("a job has failed") from error

            return super().run_in_executor(executor, job if executor else function, *([] if executor else arguments))

    patch.loops(Wraps)


def _taking_as_default(patch: Patch, takes) -> None:
    """Have asyncio take as its default executor also what `takes(loop, executor)`."""

    class Takes:
        def set_default_executor(self, executor):
            if takes(self, executor):
                self._default_executor = executor
            else:
                super().set_default_executor(executor)

    patch.loops(Takes)


@world(
    "asyncio takes as default whatever is no Executor and can submit",
    falsifies=["asyncio-refuses-a-process-pool-as-default"],
)
def _(patch: Patch) -> None:
    executor = concurrent.futures.Executor
    _taking_as_default(patch, lambda loop, given: hasattr(given, "submit") and not isinstance(given, (executor, type)))


@world(
    "asyncio takes a process pool of a derived class as default",
    falsifies=["asyncio-refuses-a-process-pool-as-default"],
)
def _(patch: Patch) -> None:
    pool = concurrent.futures.ProcessPoolExecutor
    _taking_as_default(patch, lambda loop, given: isinstance(given, pool) and type(given) is not pool)


@world("asyncio takes a class as default executor", falsifies=["asyncio-refuses-a-process-pool-as-default"])
def _(patch: Patch) -> None:
    _taking_as_default(patch, lambda loop, given: isinstance(given, type))


@world("asyncio takes any default executor before it runs", falsifies=["asyncio-refuses-a-process-pool-as-default"])
def _(patch: Patch) -> None:
    _taking_as_default(patch, lambda loop, given: not loop.is_running())


@world(
    "asyncio takes anything in the place of the default executor that it has",
    falsifies=["asyncio-refuses-a-process-pool-as-default"],
)
def _(patch: Patch) -> None:
    _taking_as_default(patch, lambda loop, given: loop._default_executor is not None)


@world(
    "run_in_executor passes a process pool one argument",
    falsifies=["asyncio-refuses-a-process-pool-as-default"],
    also=["asyncio-takes-a-process-pool-as-default-with-a-warning", "uvloop-takes-a-process-pool-as-default"],
)
def _(patch: Patch) -> None:
    class PassesOne:
        def run_in_executor(self, executor, function, *arguments):
            is_processes = isinstance(executor, concurrent.futures.ProcessPoolExecutor)
            return super().run_in_executor(executor, function, *(arguments[:1] if is_processes else arguments))

    patch.loops(PassesOne)


@world("the default executor has six workers at least", falsifies=["default-executor-bounds-what-overlaps"])
def _(patch: Patch) -> None:
    make = ThreadPoolExecutor.__init__

    def made(pool, max_workers=None, *arguments, **keywords):
        make(pool, max_workers, *arguments, **keywords)
        if max_workers is None:
            pool._max_workers = max(pool._max_workers, 6)

    patch.setattr(ThreadPoolExecutor, "__init__", made)


@world("the default executor has three workers for each CPU", falsifies=["default-executor-bounds-what-overlaps"])
def _(patch: Patch) -> None:
    make = ThreadPoolExecutor.__init__

    def made(pool, max_workers=None, *arguments, **keywords):
        cpus = getattr(os, "process_cpu_count", os.cpu_count)()
        make(pool, max_workers or min(32, max(5, 3 * cpus)), *arguments, **keywords)

    patch.setattr(ThreadPoolExecutor, "__init__", made)


@world("a thread pool makes another worker where five jobs wait", falsifies=["default-executor-bounds-what-overlaps"])
def _(patch: Patch) -> None:
    submit = ThreadPoolExecutor.submit

    def submit_to_more(pool, function, /, *arguments, **keywords):
        if pool._work_queue.qsize() >= 5:
            pool._max_workers += 1
        return submit(pool, function, *arguments, **keywords)

    patch.setattr(ThreadPoolExecutor, "submit", submit_to_more)


@world("run_in_executor wraps what is no Exception", falsifies=["run-in-executor-hands-out-an-asyncio-future"])
def _(patch: Patch) -> None:
    class Wraps:
        def run_in_executor(self, executor, function, *arguments):
            def job():
                try:
                    return function(*arguments)
                except BaseException as error:
                    raise error if isinstance(error, Exception) else RuntimeError("a job has failed") from None

            return super().run_in_executor(executor, job)

    patch.loops(Wraps)


@world(
    "a cancelled function keeps its place in the queue once the loop has had two turns",
    falsifies=["cancelling-does-not-stop-a-running-job"],
)
def _(patch: Patch) -> None:
    class PassesOnEarlyOnly(_HandsOn):
        def watch(self, given, future):
            is_late = []
            self.call_soon(self.call_soon, is_late.append, True)
            given.add_done_callback(lambda done: is_late or (done.cancelled() and future.cancel()))

    patch.loops(PassesOnEarlyOnly)
