"""Worlds in which claims of section 4, uvloop, are false."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import math
import sys
import threading
import warnings

from tests.mutants.worlds import world

try:
    import uvloop
except ImportError:
    uvloop = None


def world_of_uvloop(name, **more):
    """As `world`; where there is no uvloop (on PyPy and Windows) there is nothing to break, nor a claim about it."""
    return lambda function: world(name, **more)(function if uvloop else lambda patch: None)


@world_of_uvloop(
    "uvloop hands out asyncio's loop",
    falsifies=[
        "uvloop-is-another-event-loop",
        "uvloop-stays-out-until-asked-for",
        "uvloop-policy-is-set-silently-before-3-14",
        "uvloop-policy-is-deprecated-since-3-14",
        "uvloop-install-is-silent-before-3-12",
        "uvloop-install-is-deprecated",
        "asyncio-run-uses-uvloop-once-the-policy-is-set",
        "uvloop-policy-changes-only-loops-made-through-it",
        "uvloop-run-needs-no-policy",
        "runner-takes-uvloops-loop-factory",
        "asyncio-run-takes-uvloops-loop-factory",
        "programs-under-asyncio-run-leave-the-same-trace",
        "uvloop-has-no-sock-sendfile",
        "uvloop-is-faster-where-the-loop-works",
    ],
    breaks_much="what is said of uvloop alone, in whatever section, is asked of asyncio's loop then",
)
def _(patch):
    patch.setattr(uvloop, "Loop", asyncio.SelectorEventLoop)


@world_of_uvloop("uvloop's loop is made from asyncio's", falsifies=["uvloop-is-another-event-loop"])
def _(patch):
    class MadeFromAsyncios(uvloop.Loop, asyncio.BaseEventLoop):
        pass

    patch.uvloop_makes(MadeFromAsyncios)


@world_of_uvloop("uvloop borrows two methods of asyncio's loop", falsifies=["uvloop-is-another-event-loop"])
def _(patch):
    class Borrows(uvloop.Loop):
        create_future = asyncio.BaseEventLoop.create_future
        default_exception_handler = asyncio.BaseEventLoop.default_exception_handler

    patch.uvloop_makes(Borrows)


@world_of_uvloop("uvloop has no timers", falsifies=["uvloop-is-another-event-loop"])
def _(patch):
    class HasNone(uvloop.Loop):
        call_later = asyncio.AbstractEventLoop.call_later
        call_at = asyncio.AbstractEventLoop.call_at

    patch.uvloop_makes(HasNone)


def _silently(function, *arguments):
    """What `function` returns, without the warnings that policies give since Python 3.14."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return function(*arguments)


def _with_a_warning(text, function):
    def warning(*arguments):
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        return _silently(function, *arguments)

    return warning


def _uvloops_policy() -> type:
    return _silently(getattr, uvloop, "EventLoopPolicy")


@world_of_uvloop(
    "import uvloop sets its policy",
    falsifies=["uvloop-stays-out-until-asked-for", "uvloop-run-needs-no-policy"],
    breaks_much="programs that say which loop they are on have imported uvloop, to be told",
)
def _(patch):
    _silently(asyncio.set_event_loop_policy, _uvloops_policy()())


@world_of_uvloop("import uvloop takes the place of new_event_loop", falsifies=["uvloop-stays-out-until-asked-for"])
def _(patch):
    patch.setattr(asyncio, "new_event_loop", uvloop.new_event_loop)


@world_of_uvloop(
    "setting a policy gives a warning on every Python",
    falsifies=["uvloop-policy-is-set-silently-before-3-14"],
)
def _(patch):
    warning = _with_a_warning("'asyncio.set_event_loop_policy' is deprecated", asyncio.set_event_loop_policy)
    patch.setattr(asyncio, "set_event_loop_policy", warning)


@world_of_uvloop("setting a policy never gives a warning", falsifies=["uvloop-policy-is-deprecated-since-3-14"])
def _(patch):
    set_policy = asyncio.set_event_loop_policy
    patch.setattr(asyncio, "set_event_loop_policy", lambda policy: _silently(set_policy, policy))


@world_of_uvloop(
    "a policy that is set is not taken",
    falsifies=[
        "uvloop-stays-out-until-asked-for",
        "uvloop-policy-is-set-silently-before-3-14",
        "uvloop-policy-is-deprecated-since-3-14",
        "uvloop-install-is-silent-before-3-12",
        "uvloop-install-is-deprecated",
        "asyncio-run-uses-uvloop-once-the-policy-is-set",
        "uvloop-policy-changes-only-loops-made-through-it",
        "programs-under-asyncio-run-leave-the-same-trace",
        "module-level-get-event-loop-fails-under-uvloops-policy",
        "uvloop-policy-makes-no-loop-since-0-22",
    ],
)
def _(patch):
    patch.setattr(asyncio, "set_event_loop_policy", lambda policy: None)


@world_of_uvloop("uvloop.install never gives a warning", falsifies=["uvloop-install-is-deprecated"])
def _(patch):
    install = _silently(getattr, uvloop, "install")
    patch.setattr(uvloop, "install", lambda: _silently(install))


@world_of_uvloop("uvloop.install gives a warning on every Python", falsifies=["uvloop-install-is-silent-before-3-12"])
def _(patch):
    install = _silently(getattr, uvloop, "install")
    patch.setattr(uvloop, "install", _with_a_warning("uvloop.install() is deprecated", install))


@world_of_uvloop(
    "uvloop's policy is a kind of asyncio's, and makes a loop where none is set",
    falsifies=[
        "uvloop-policy-follows-asyncios-policy-interface",
        "module-level-get-event-loop-fails-under-uvloops-policy",
    ],
)
def _(patch):
    class KindOfAsyncios(_silently(getattr, asyncio, "DefaultEventLoopPolicy")):
        def new_event_loop(self):
            return uvloop.new_event_loop()

    _uvloops_policy()
    patch.setattr(uvloop, "EventLoopPolicy", KindOfAsyncios)


@world_of_uvloop(
    "a policy counts only in the main thread",
    falsifies=["asyncio-run-uses-uvloop-once-the-policy-is-set"],
)
def _(patch):
    class OnlyInMain(_uvloops_policy()):
        def new_event_loop(self):
            main = threading.current_thread() is threading.main_thread()
            return super().new_event_loop() if main else asyncio.SelectorEventLoop()

    patch.setattr(uvloop, "EventLoopPolicy", OnlyInMain)


@world_of_uvloop(
    "a policy makes one loop a thread, and then asyncio's",
    falsifies=["asyncio-run-uses-uvloop-once-the-policy-is-set"],
)
def _(patch):
    class OneEach(_uvloops_policy()):
        def __init__(self):
            super().__init__()
            self.made = threading.local()

        def new_event_loop(self):
            if vars(self.made).setdefault("one", False):
                return asyncio.SelectorEventLoop()
            self.made.one = True
            return super().new_event_loop()

    patch.setattr(uvloop, "EventLoopPolicy", OneEach)


@world_of_uvloop(
    "uvloop's policy also takes the place of asyncio's class",
    falsifies=["uvloop-policy-changes-only-loops-made-through-it"],
)
def _(patch):
    class TakesThePlace(_uvloops_policy()):
        def __init__(self):
            super().__init__()
            asyncio.SelectorEventLoop = uvloop.Loop

    patch.setattr(uvloop, "EventLoopPolicy", TakesThePlace)


@world_of_uvloop("uvloop.run is asyncio.run", falsifies=["uvloop-run-needs-no-policy"])
def _(patch):
    patch.setattr(uvloop, "run", asyncio.run)


@world_of_uvloop("uvloop.run sets the policy and leaves it", falsifies=["uvloop-run-needs-no-policy"])
def _(patch):
    policy = _uvloops_policy()

    def run(main):
        _silently(asyncio.set_event_loop_policy, policy())
        return asyncio.run(main)

    patch.setattr(uvloop, "run", run)


@world_of_uvloop("uvloop.run leaves a policy when main fails", falsifies=["uvloop-run-needs-no-policy"])
def _(patch):
    policy, run = _uvloops_policy(), uvloop.run

    def leaving(main, **options):
        try:
            return run(main, **options)
        except BaseException:
            _silently(asyncio.set_event_loop_policy, policy())
            raise

    patch.setattr(uvloop, "run", leaving)


@world_of_uvloop("uvloop.run is on uvloop once", falsifies=["uvloop-run-needs-no-policy"])
def _(patch):
    runs = [uvloop.run]
    patch.setattr(uvloop, "run", lambda main: (runs.pop() if runs else asyncio.run)(main))


@world_of_uvloop("Runner has no eye for its loop factory", falsifies=["runner-takes-uvloops-loop-factory"])
def _(patch):
    if not hasattr(asyncio, "Runner"):  # before Python 3.11, where the claim does not apply
        return

    class Unseeing(asyncio.Runner):
        def __init__(self, *, loop_factory=None, **options):
            super().__init__(**options)

    patch.setattr(asyncio, "Runner", Unseeing)


@world_of_uvloop("a Runner uses its loop factory once", falsifies=["runner-takes-uvloops-loop-factory"])
def _(patch):
    if not hasattr(asyncio, "Runner"):  # before Python 3.11, where the claim does not apply
        return

    class Once(asyncio.Runner):
        has_run = False

        def run(self, main, **options):
            if self.has_run and self._loop_factory is not None:
                with asyncio.Runner() as other:
                    return other.run(main, **options)
            self.has_run = True
            return super().run(main, **options)

    patch.setattr(asyncio, "Runner", Once)


@world_of_uvloop("asyncio.run has no eye for its loop factory", falsifies=["asyncio-run-takes-uvloops-loop-factory"])
def _(patch):
    run = asyncio.run
    patch.setattr(asyncio, "run", lambda main, *, loop_factory=None, **options: run(main, **options))


@world_of_uvloop(
    "asyncio.run takes a loop factory on every Python",
    falsifies=["asyncio-run-takes-no-loop-factory-before-3-12"],
)
def _(patch):
    run = asyncio.run
    patch.setattr(asyncio, "run", lambda main, *, loop_factory=None: (uvloop.run if loop_factory else run)(main))


@world(
    "asyncio.run runs anything",
    falsifies=["ellipsis-is-no-coroutine-to-run", "ellipsis-is-a-typeerror-to-run-since-3-14"],
)
def _(patch):
    run = asyncio.run
    patch.setattr(asyncio, "run", lambda main: run(main) if asyncio.iscoroutine(main) else main)


@world_of_uvloop(
    "uvloop runs what is ready backwards",
    falsifies=["programs-under-asyncio-run-leave-the-same-trace"],
    breaks_much="in which order tasks get their turns is what most claims look at",
)
def _(patch):
    class Backwards(uvloop.Loop):
        def __init__(self):
            super().__init__()
            self.ready = []

        def call_soon(self, callback, *arguments, context=None):
            self.ready.append((context or contextvars.copy_context(), callback, arguments))
            return super().call_soon(self.run_what_is_ready)

        def run_what_is_ready(self):
            ready, self.ready = self.ready, []
            for context, callback, arguments in reversed(ready):
                context.run(callback, *arguments)

    patch.uvloop_makes(Backwards)


@world_of_uvloop(
    "on uvloop no timer waits for more than a millisecond",
    falsifies=["programs-under-asyncio-run-leave-the-same-trace"],
    also=["timer-handle-tells-whole-milliseconds-on-uvloop"],
)
def _(patch):
    class Hasty(uvloop.Loop):
        def call_later(self, delay, callback, *arguments, context=None):
            return super().call_later(min(delay, 0.001), callback, *arguments, context=context)

    patch.uvloop_makes(Hasty)


@world_of_uvloop(
    "call_soon of uvloop takes no notice of its context",
    falsifies=["programs-under-asyncio-run-leave-the-same-trace"],
)
def _(patch):
    class TakesNoContext(uvloop.Loop):
        def call_soon(self, callback, *arguments, context=None):
            return super().call_soon(callback, *arguments)

    patch.uvloop_makes(TakesNoContext)


@world_of_uvloop(
    "on uvloop generators stay open after the run", falsifies=["programs-under-asyncio-run-leave-the-same-trace"]
)
def _(patch):
    class LeavesThem(uvloop.Loop):
        async def shutdown_asyncgens(self):
            pass

    patch.uvloop_makes(LeavesThem)


@world_of_uvloop("on uvloop tasks cannot be cancelled", falsifies=["programs-under-asyncio-run-leave-the-same-trace"])
def _(patch):
    class Stubborn(asyncio.Task):
        def cancel(self, msg=None):
            return False

    class GoesOn(uvloop.Loop):
        def create_task(self, coroutine, **options):
            return Stubborn(coroutine, loop=self, **options)

    patch.uvloop_makes(GoesOn)


@world_of_uvloop("on uvloop main fails silently", falsifies=["programs-under-asyncio-run-leave-the-same-trace"])
def _(patch):
    class Silent(uvloop.Loop):
        def run_until_complete(self, future):
            try:
                return super().run_until_complete(future)
            except LookupError:
                return None

    patch.uvloop_makes(Silent)


@world("sock_sendfile sends no more than 64 KiB", falsifies=["asyncio-has-sock-sendfile"])
def _(patch):
    send = asyncio.BaseEventLoop.sock_sendfile

    async def sock_sendfile(self, sock, file, offset=0, count=None, *, fallback=True):
        return await send(self, sock, file, offset, min(count or 65536, 65536), fallback=fallback)

    patch.setattr(asyncio.BaseEventLoop, "sock_sendfile", sock_sendfile)


@world_of_uvloop("uvloop has sock_sendfile", falsifies=["uvloop-has-no-sock-sendfile"])
def _(patch):
    class Sends(uvloop.Loop):
        async def sock_sendfile(self, sock, file, offset=0, count=None, *, fallback=True):
            content = file.read()
            await self.sock_sendall(sock, content)
            return len(content)

    patch.uvloop_makes(Sends)


@world_of_uvloop("uvloop makes futures of its own", falsifies=["uvloop-hands-out-asyncios-tasks-and-futures"])
def _(patch):
    class OwnFuture(asyncio.Future):
        pass

    class MakesItsOwn(uvloop.Loop):
        def create_future(self):
            return OwnFuture(loop=self)

    patch.uvloop_makes(MakesItsOwn)


@world_of_uvloop("uvloop makes tasks of its own", falsifies=["uvloop-hands-out-asyncios-tasks-and-futures"])
def _(patch):
    class OwnTask(asyncio.Task):
        pass

    class MakesItsOwn(uvloop.Loop):
        def create_task(self, coroutine, **options):
            return OwnTask(coroutine, loop=self, **options)

    patch.uvloop_makes(MakesItsOwn)


@world_of_uvloop("a task with a name is uvloop's own", falsifies=["uvloop-hands-out-asyncios-tasks-and-futures"])
def _(patch):
    class OwnTask(asyncio.Task):
        pass

    class MakesItsOwn(uvloop.Loop):
        def create_task(self, coroutine, *, name=None, **options):
            if name is None:
                return super().create_task(coroutine, **options)
            return OwnTask(coroutine, loop=self, name=name, **options)

    patch.uvloop_makes(MakesItsOwn)


@world_of_uvloop(
    "uvloop's executor gives a future of its own", falsifies=["uvloop-hands-out-asyncios-tasks-and-futures"]
)
def _(patch):
    class OwnFuture(asyncio.Future):
        pass

    class MakesItsOwn(uvloop.Loop):
        def run_in_executor(self, executor, function, *arguments):
            own = OwnFuture(loop=self)
            asyncio.futures._chain_future(super().run_in_executor(executor, function, *arguments), own)
            return own

    patch.uvloop_makes(MakesItsOwn)


def _dawdle():
    """Work for a while: it has to be more than a loop does for a message, and less than a claim has time for."""
    sum(range(3000))


@world_of_uvloop("uvloop is slow with what it receives", falsifies=["uvloop-is-faster-where-the-loop-works"])
def _(patch):
    def slow(protocol):
        receive = protocol.data_received
        protocol.data_received = lambda data: (_dawdle(), receive(data))
        return protocol

    class Slow(uvloop.Loop):
        async def create_connection(self, factory, *arguments, **named):
            return await super().create_connection(lambda: slow(factory()), *arguments, **named)

    patch.uvloop_makes(Slow)


@world_of_uvloop("uvloop is slow with what is ready", falsifies=["uvloop-is-faster-where-the-loop-works"])
def _(patch):
    class Slow(uvloop.Loop):
        def call_soon(self, callback, *arguments, context=None):
            sum(range(500))  # more than a loop does for a turn, and little beside a message
            return super().call_soon(callback, *arguments, context=context)

    patch.uvloop_makes(Slow)


@world_of_uvloop(
    "asyncio's loop is uvloop's",
    falsifies=[
        "uvloop-is-faster-where-the-loop-works",
        "uvloop-stays-out-until-asked-for",
        "uvloop-policy-changes-only-loops-made-through-it",
    ],
    also=[
        "sigchld-can-be-handled-on-asyncio",
        "uvicorn-takes-asyncios-loop-without-uvloop",
        "uvicorn-runs-on-the-loop-it-is-told",
        "uvicorn-runs-on-uvloop-only-where-installed",
    ],
)
def _(patch):
    patch.setattr(asyncio, "SelectorEventLoop", uvloop.Loop)


@world_of_uvloop(
    "each await goes by way of the loop",
    falsifies=["uvloop-gains-nothing-where-the-loop-is-idle"],
)
def _(patch):
    async def by_the_loop(awaited):
        await asyncio.sleep(0)
        return await awaited

    patch.awaits(by_the_loop)


@world_of_uvloop("each await sets a timer", falsifies=["uvloop-gains-nothing-where-the-loop-is-idle"])
def _(patch):
    async def with_a_timer(awaited):
        if loop := asyncio._get_running_loop():
            loop.call_later(0, int)
        return await awaited

    patch.awaits(with_a_timer)


@world_of_uvloop(
    "uvloop has no debug mode",
    falsifies=["uvloop-keeps-the-debug-checks"],
    also=["runner-makes-its-loop-when-it-is-needed"],
)
def _(patch):
    class HasNone(uvloop.Loop):
        def set_debug(self, enabled):
            pass

    patch.uvloop_makes(HasNone)


@world_of_uvloop("a slow timer is not logged", falsifies=["uvloop-keeps-the-debug-checks"])
def _(patch):
    logging.getLogger("asyncio").addFilter(lambda record: "<TimerHandle " not in record.getMessage())


@world_of_uvloop(
    "uvloop lets call_soon with a context be called from another thread", falsifies=["uvloop-keeps-the-debug-checks"]
)
def _(patch):
    class Lets(uvloop.Loop):
        def call_soon(self, callback, *arguments, context=None):
            if context is None:
                return super().call_soon(callback, *arguments)
            return super().call_soon_threadsafe(callback, *arguments, context=context)

    patch.uvloop_makes(Lets)


@world_of_uvloop(
    "uvloop.install takes the place of new_event_loop and sets no policy",
    falsifies=["uvloop-install-is-silent-before-3-12", "uvloop-install-is-deprecated"],
)
def _(patch):
    text = "uvloop.install() is deprecated in favor of uvloop.run() starting with Python 3.12."

    def take_the_place():
        if sys.version_info >= (3, 12):
            warnings.warn(text, DeprecationWarning, stacklevel=2)
        asyncio.events.new_event_loop = uvloop.new_event_loop

    _silently(getattr, uvloop, "install")
    patch.setattr(uvloop, "install", take_the_place)


@world_of_uvloop("uvloop.run sets its policy for the time of the run", falsifies=["uvloop-run-needs-no-policy"])
def _(patch):
    policy, run = _uvloops_policy(), uvloop.run

    def under_its_policy(main):
        before = _silently(asyncio.get_event_loop_policy)
        _silently(asyncio.set_event_loop_policy, policy())
        try:
            return run(main)
        finally:
            _silently(asyncio.set_event_loop_policy, before)

    patch.setattr(uvloop, "run", under_its_policy)


@world_of_uvloop(
    "uvloop makes futures of its own before it runs", falsifies=["uvloop-hands-out-asyncios-tasks-and-futures"]
)
def _(patch):
    class OfUvloop(asyncio.Future):
        pass

    class MakesItsOwn(uvloop.Loop):
        def create_future(self):
            return super().create_future() if self.is_running() else OfUvloop(loop=self)

    patch.uvloop_makes(MakesItsOwn)


@world_of_uvloop("a slow step of a task is not logged", falsifies=["uvloop-keeps-the-debug-checks"])
def _(patch):
    logging.getLogger("asyncio").addFilter(lambda record: not record.getMessage().startswith("Executing <Task "))


@world_of_uvloop(
    "uvloop says of sock_sendfile that the loop cannot do it now", falsifies=["uvloop-has-no-sock-sendfile"]
)
def _(patch):
    class CannotNow(uvloop.Loop):
        async def sock_sendfile(self, *arguments, **named):
            raise RuntimeError("cannot send a file now")

    patch.uvloop_makes(CannotNow)


@world_of_uvloop("once imported, uvloop has the second asyncio.run", falsifies=["uvloop-stays-out-until-asked-for"])
def _(patch):
    run, runs = asyncio.run, []

    def the_second_is_its_own(main, **options):
        runs.append(main)
        return uvloop.run(main, **options) if len(runs) == 2 else run(main, **options)

    patch.setattr(asyncio, "run", the_second_is_its_own)


@world_of_uvloop("import uvloop puts a policy of its own for asyncio's", falsifies=["uvloop-stays-out-until-asked-for"])
def _(patch):
    class InAdvance(_silently(getattr, asyncio, "DefaultEventLoopPolicy")):
        pass

    _silently(asyncio.set_event_loop_policy, InAdvance())


def _run_is(patch, otherwise, when):
    """Have asyncio.run() be `otherwise` where `when(has_failed, options)`: a run has failed before, and with what."""
    run, failed = asyncio.run, []

    def changed(main, **options):
        if when(bool(failed), options):
            return otherwise(main, **options)
        try:
            return run(main, **options)
        except Exception:
            failed.append(True)
            raise

    patch.setattr(asyncio, "run", changed)


@world_of_uvloop(
    "once imported, uvloop has asyncio.run of other threads", falsifies=["uvloop-stays-out-until-asked-for"]
)
def _(patch):
    main_thread = threading.main_thread()
    _run_is(patch, uvloop.run, lambda has_failed, options: threading.current_thread() is not main_thread)


@world_of_uvloop("once imported, uvloop has asyncio.run in debug mode", falsifies=["uvloop-stays-out-until-asked-for"])
def _(patch):
    _run_is(patch, uvloop.run, lambda has_failed, options: options.get("debug"))


@world_of_uvloop(
    "once imported, uvloop has asyncio.run after one that failed", falsifies=["uvloop-stays-out-until-asked-for"]
)
def _(patch):
    _run_is(patch, uvloop.run, lambda has_failed, options: has_failed)


def _run_on_asyncios_loop(main, *, debug=None):
    with contextlib.closing(asyncio.SelectorEventLoop()) as loop:
        return loop.run_until_complete(main)


def _uvloops_policy_is_set():
    return isinstance(_silently(asyncio.get_event_loop_policy), _uvloops_policy())


@world_of_uvloop(
    "a policy makes asyncio's loop after a run that failed",
    falsifies=["asyncio-run-uses-uvloop-once-the-policy-is-set"],
)
def _(patch):
    _run_is(patch, _run_on_asyncios_loop, lambda has_failed, options: has_failed and _uvloops_policy_is_set())


@world_of_uvloop(
    "a policy makes asyncio's loop in debug mode", falsifies=["asyncio-run-uses-uvloop-once-the-policy-is-set"]
)
def _(patch):
    _run_is(patch, _run_on_asyncios_loop, lambda has_failed, options: options.get("debug") and _uvloops_policy_is_set())


@world_of_uvloop(
    "a policy makes asyncio's loop in a thread that has had one",
    falsifies=["asyncio-run-uses-uvloop-once-the-policy-is-set"],
)
def _(patch):
    class OnceElsewhere(_uvloops_policy()):
        had = threading.local()

        def new_event_loop(self):
            again, self.had.one = hasattr(self.had, "one"), True
            elsewhere = threading.current_thread() is not threading.main_thread()
            return asyncio.SelectorEventLoop() if again and elsewhere else super().new_event_loop()

    patch.setattr(uvloop, "EventLoopPolicy", OnceElsewhere)


@world_of_uvloop(
    "a policy makes asyncio's loop while another loop runs",
    falsifies=["asyncio-run-uses-uvloop-once-the-policy-is-set"],
)
def _(patch):
    made = []

    class OneAtATime(_uvloops_policy()):
        def new_event_loop(self):
            if any(loop.is_running() for loop in made):
                return asyncio.SelectorEventLoop()
            made.append(super().new_event_loop())
            return made[-1]

    patch.setattr(uvloop, "EventLoopPolicy", OneAtATime)


@world_of_uvloop(
    "on uvloop timers are due together that are ten milliseconds apart",
    falsifies=["programs-under-asyncio-run-leave-the-same-trace"],
)
def _(patch):
    class Coarse(uvloop.Loop):
        def call_at(self, when, callback, *arguments, context=None):
            later = math.ceil((when - self.time()) * 100) / 100
            return super().call_later(later, callback, *arguments, context=context)

    patch.uvloop_makes(Coarse)


@world_of_uvloop(
    "on uvloop what is for an executor is done at once",
    falsifies=["programs-under-asyncio-run-leave-the-same-trace"],
)
def _(patch):
    class DoesItItself(uvloop.Loop):
        def run_in_executor(self, executor, function, *arguments):
            done = self.create_future()
            done.set_result(function(*arguments))
            return done

    patch.uvloop_makes(DoesItItself)


@world_of_uvloop(
    "on uvloop a timer without delay is due at once", falsifies=["programs-under-asyncio-run-leave-the-same-trace"]
)
def _(patch):
    class DueAtOnce(uvloop.Loop):
        def call_later(self, delay, callback, *arguments, context=None):
            if delay <= 0:
                (context or contextvars.copy_context()).run(callback, *arguments)
                return self.call_soon(lambda: None)
            return super().call_later(delay, callback, *arguments, context=context)

    patch.uvloop_makes(DueAtOnce)


@world_of_uvloop(
    "on uvloop a callback that fails ends the run", falsifies=["programs-under-asyncio-run-leave-the-same-trace"]
)
def _(patch):
    class EndsTheRun(uvloop.Loop):
        def call_exception_handler(self, context):
            self.stop()

    patch.uvloop_makes(EndsTheRun)


@world_of_uvloop(
    "on uvloop tasks left over are not cancelled at the end",
    falsifies=["programs-under-asyncio-run-leave-the-same-trace"],
)
def _(patch):
    real = asyncio.runners._cancel_all_tasks

    def cancel(loop):
        if not isinstance(loop, uvloop.Loop):
            real(loop)

    patch.setattr(asyncio.runners, "_cancel_all_tasks", cancel)


@world_of_uvloop(
    "on uvloop what fails in an executor fails silently", falsifies=["programs-under-asyncio-run-leave-the-same-trace"]
)
def _(patch):
    class FailsSilently(uvloop.Loop):
        def run_in_executor(self, executor, function, *arguments):
            def quiet():
                try:
                    return function(*arguments)
                except Exception:
                    return None

            return super().run_in_executor(executor, quiet)

    patch.uvloop_makes(FailsSilently)
