"""Worlds in which claims of section 3.2, coroutine functions and coroutine objects, are false."""

from __future__ import annotations

import ast
import asyncio
import builtins
import gc
import inspect
import sys
import threading
import types
import warnings

from tests.mutants.worlds import loop_world, world


class InsideTheTest(ast.NodeTransformer):
    """Leaves the test itself as it is: only what it defines inside is changed."""

    def visit_Module(self, module: ast.Module) -> ast.Module:
        self.generic_visit(module.body[0])
        return module


def as_kind(kind: type, node: ast.AST) -> ast.AST:
    """The same function definition as another `kind` of node."""
    return kind(**{name: getattr(node, name) for name in node._fields if hasattr(node, name)})


@world(
    "async def makes a plain function",
    falsifies=[
        "async-def-makes-a-coroutine-function",
        "calling-a-coroutine-function-gives-a-coroutine-object",
        "calling-a-coroutine-function-runs-none-of-its-body",
    ],
)
def _(patch):
    class Plain(InsideTheTest):
        def visit_AsyncFunctionDef(self, node):
            return as_kind(ast.FunctionDef, node)

    patch.rewrite(Plain())


@world("def makes a coroutine function too", falsifies=["async-def-makes-a-coroutine-function"])
def _(patch):
    class Coroutine(InsideTheTest):
        def visit_FunctionDef(self, node):
            return as_kind(ast.AsyncFunctionDef, node)

    patch.rewrite(Coroutine())


@world(
    "asyncio warns of its iscoroutinefunction early",
    falsifies=["asyncio-iscoroutinefunction-is-silent-before-3-14"],
)
def _(patch):
    def iscoroutinefunction(function):
        warnings.warn("use inspect's", DeprecationWarning, stacklevel=2)
        return inspect.iscoroutinefunction(function)

    patch.setattr(asyncio, "iscoroutinefunction", iscoroutinefunction)


@world(
    "asyncio takes generator functions of both kinds for coroutine functions",
    falsifies=["asyncio-iscoroutinefunction-is-silent-before-3-14"],
)
def _(patch):
    true_iscoroutinefunction = asyncio.iscoroutinefunction

    def iscoroutinefunction(function):
        a_generator = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
        return a_generator or true_iscoroutinefunction(function)

    patch.setattr(asyncio, "iscoroutinefunction", iscoroutinefunction)


@world(
    "asyncio's iscoroutinefunction is inspect's own",
    falsifies=["asyncio-iscoroutinefunction-is-deprecated-since-3-14"],
)
def _(patch):
    patch.setattr(asyncio, "iscoroutinefunction", inspect.iscoroutinefunction)


@world("inspect warns of its iscoroutinefunction", falsifies=["asyncio-iscoroutinefunction-is-deprecated-since-3-14"])
def _(patch):
    true_iscoroutinefunction = inspect.iscoroutinefunction

    def iscoroutinefunction(function):
        if getattr(function, "__name__", "") in ("errand", "plain"):  # and not where pytest asks
            warnings.warn("inspect's own", DeprecationWarning, stacklevel=2)
        return true_iscoroutinefunction(function)

    patch.setattr(inspect, "iscoroutinefunction", iscoroutinefunction)


@world("a call starts a task that runs the body", falsifies=["calling-a-coroutine-function-runs-none-of-its-body"])
def _(patch):
    class Started(ast.NodeTransformer):
        def visit_Assign(self, node):
            node.value = ast.Call(ast.parse("asyncio.ensure_future", mode="eval").body, [node.value], [])
            return node

    patch.rewrite(Started())


@world(
    "a coroutine object that nobody drives begins by itself after five turns",
    falsifies=["calling-a-coroutine-function-runs-none-of-its-body"],
)
def _(patch):
    async def late(coroutine):
        for _ in range(5):
            await asyncio.sleep(0)
        return await coroutine

    class BeginsLate(ast.NodeTransformer):
        def visit_Assign(self, node):
            node.value = ast.Call(ast.Name("_begin_late", ast.Load()), [node.value], [])
            return node

    patch.setitem(vars(builtins), "_begin_late", lambda coroutine: asyncio.ensure_future(late(coroutine)))
    patch.rewrite(BeginsLate())


@world(
    "a coroutine that never ran is dropped in silence",
    falsifies=["coroutine-never-awaited-warns"],
    also=[
        "aiter-must-return-an-async-iterator",
        "never-awaited-is-said-at-once-on-cpython",
        "call-soon-takes-coroutine-functions-even-in-debug-mode-on-uvloop",
    ],
)
def _(patch):
    patch.setattr(warnings, "_warn_unawaited_coroutine", lambda coroutine: None)


@world(
    "only the first coroutine object of a function that is dropped is warned of",
    falsifies=["coroutine-never-awaited-warns", "never-awaited-is-said-at-once-on-cpython"],
    also=["aiter-must-return-an-async-iterator", "call-soon-takes-coroutine-functions-even-in-debug-mode-on-uvloop"],
)
def _(patch):
    warn, warned = warnings._warn_unawaited_coroutine, set()

    def warn_once(coroutine):
        if coroutine.cr_code not in warned:
            warned.add(coroutine.cr_code)
            warn(coroutine)

    patch.setattr(warnings, "_warn_unawaited_coroutine", warn_once)


class _Dropped(ast.NodeTransformer):
    """Has `errand()`, whose coroutine object nobody takes, done in another way."""

    def __init__(self, otherwise: str) -> None:
        self.otherwise = ast.parse(otherwise).body

    def visit_Expr(self, node):
        return self.otherwise if ast.unparse(node) == "errand()" else node


@world("a coroutine object dies in a cycle with itself", falsifies=["never-awaited-is-said-at-once-on-cpython"])
def _(patch):
    patch.rewrite(_Dropped("cycle = [errand()]; cycle.append(cycle); del cycle"))


@world(
    "while a loop runs it is said a turn later that a coroutine never ran",
    falsifies=["never-awaited-is-said-at-once-on-cpython"],
    also=["aiter-must-return-an-async-iterator", "coroutine-never-awaited-warns"],
)
def _(patch):
    warn = warnings._warn_unawaited_coroutine

    def warn_later(coroutine):
        if loop := asyncio._get_running_loop():
            loop.call_soon(warn, coroutine)
        else:
            warn(coroutine)

    patch.setattr(warnings, "_warn_unawaited_coroutine", warn_later)


@world("what nothing refers to is collected at once", falsifies=["never-awaited-is-said-when-collected-on-pypy"])
def _(patch):
    patch.rewrite(_Dropped("errand(); collect()"))


@world(
    "await makes a second coroutine object and drops the first",
    falsifies=["coroutine-never-awaited-warns"],
    breaks_much="what is awaited is awaited twice",
)
def _(patch):
    class Doubled(ast.NodeTransformer):
        def visit_Await(self, node):
            call = ast.unparse(node.value)
            return ast.parse(f"await ({call}, {call})[1]", mode="eval").body

    patch.rewrite(Doubled())


@world(
    "a coroutine asks for a turn of the loop before its first line", falsifies=["coroutine-runs-by-hand-without-a-loop"]
)
def _(patch):
    class AsksFirst(InsideTheTest):
        def visit_AsyncFunctionDef(self, node):
            node.body.insert(0, ast.parse("await asyncio.sleep(0)").body[0])
            return node

    patch.rewrite(AsksFirst())


@world("a timed sleep suspends without asking for a loop", falsifies=["coroutine-runs-by-hand-without-a-loop"])
def _(patch):
    suspend = asyncio.sleep

    async def sleep(_delay, result=None):
        await suspend(0)
        return result

    patch.setattr(asyncio, "sleep", sleep)


@world("asyncio.run() drops the value", falsifies=["asyncio-run-runs-the-body-once-and-returns-its-value"])
def _(patch):
    run = asyncio.run
    patch.setattr(asyncio, "run", lambda main: (run(main), None)[1])


@world(
    "asyncio.run() has None for a value that is false",
    falsifies=["asyncio-run-runs-the-body-once-and-returns-its-value"],
)
def _(patch):
    run = asyncio.run
    patch.setattr(asyncio, "run", lambda main: run(main) or None)


@world("asyncio.run() only makes a task", falsifies=["asyncio-run-runs-the-body-once-and-returns-its-value"])
def _(patch):
    patch.setattr(asyncio, "run", lambda main: asyncio.new_event_loop().create_task(main))


KEPT: list[asyncio.AbstractEventLoop] = []


@world(
    "asyncio.run() is run_until_complete() on a loop that it keeps",
    falsifies=[
        "asyncio-run-has-a-life-cycle-of-its-own",
        "asyncio-run-closes-its-loop",
        "asyncio-run-cancels-leftover-tasks",
    ],
)
def _(patch):
    def run(main):
        KEPT.append(asyncio.new_event_loop())
        return KEPT[0].run_until_complete(main)

    patch.setattr(asyncio, "run", run)


@world(
    "asyncio.run() leaves its loop open",
    falsifies=[
        "asyncio-run-has-a-life-cycle-of-its-own",
        "asyncio-run-closes-its-loop",
    ],
)
def _(patch):
    def run(main):
        KEPT.append(asyncio.new_event_loop())
        value = KEPT[-1].run_until_complete(main)
        for task in asyncio.all_tasks(KEPT[-1]):
            task.cancel()
            KEPT[-1].run_until_complete(asyncio.wait([task]))
        return value

    patch.setattr(asyncio, "run", run)


@world(
    "asyncio.run() leaves leftover tasks as they are",
    falsifies=[
        "asyncio-run-has-a-life-cycle-of-its-own",
        "asyncio-run-cancels-leftover-tasks",
    ],
)
def _(patch):
    _run_ends_by(patch, lambda loop: None)


@world(
    "asyncio.run() cancels leftover tasks and does not wait for them", falsifies=["asyncio-run-cancels-leftover-tasks"]
)
def _(patch):
    def run(main):
        loop = asyncio.new_event_loop()
        value = loop.run_until_complete(main)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.close()
        return value

    patch.setattr(asyncio, "run", run)


def _run_ends_by(patch, end):
    """Have asyncio.run() call `end(loop)`, and then close its loop, instead of what it does at its end."""

    def run(main):
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(main)
        finally:
            end(loop)
            loop.close()

    patch.setattr(asyncio, "run", run)


def _clean_up(loop):
    """As asyncio.run() does at its end."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left))
    loop.close()


@world(
    "asyncio.run() cleans up after a coroutine that returned only",
    falsifies=["asyncio-run-closes-its-loop", "asyncio-run-cancels-leftover-tasks"],
)
def _(patch):
    def run(main):
        KEPT.append(asyncio.new_event_loop())
        value = KEPT[-1].run_until_complete(main)
        _clean_up(KEPT[-1])
        return value

    patch.setattr(asyncio, "run", run)


@world(
    "asyncio.run() gives the leftover tasks that it cancels three turns to end",
    falsifies=["asyncio-run-cancels-leftover-tasks"],
)
def _(patch):
    def give_three_turns(loop):
        for task in asyncio.all_tasks(loop):
            task.cancel()
        for _ in range(3):
            loop.run_until_complete(asyncio.sleep(0))

    _run_ends_by(patch, give_three_turns)


@loop_world(
    "run_until_complete() asks the tasks left over to end",
    "asyncio-run-has-a-life-cycle-of-its-own",
    also=["run-until-complete-returns-with-others-pending"],
)
class Asks:
    def run_until_complete(self, work):
        try:
            return super().run_until_complete(work)
        finally:
            for task in asyncio.all_tasks(self):
                task.cancel()


@world("asyncio.run() is refused to tasks and not to callbacks", falsifies=["asyncio-run-refuses-a-running-loop"])
def _(patch):
    run = asyncio.run

    def run_in_a_callback(main):
        running = asyncio._get_running_loop()
        if running is None or asyncio.current_task() is not None:
            return run(main)
        asyncio._set_running_loop(None)
        try:
            return run(main)
        finally:
            asyncio._set_running_loop(running)

    patch.setattr(asyncio, "run", run_in_a_callback)


@world("asyncio.run() in a running loop goes to a thread of its own", falsifies=["asyncio-run-refuses-a-running-loop"])
def _(patch):
    run = asyncio.run

    def run_in_a_thread(main):
        thread = threading.Thread(target=run, args=[main])
        thread.start()
        thread.join()

    patch.setattr(asyncio, "run", run_in_a_thread)


@world("a coroutine object that has run is made anew", falsifies=["coroutine-object-runs-only-once"])
def _(patch):
    run = asyncio.run

    def run_again(main):
        if inspect.getcoroutinestate(main) == inspect.CORO_CLOSED:
            main = types.FunctionType(main.cr_code, vars(sys.modules["__main__"]))()
        return run(main)

    patch.setattr(asyncio, "run", run_again)


@world("asyncio.run() takes anything that can be awaited", falsifies=["asyncio-run-takes-only-coroutines-before-3-14"])
def _(patch):
    run = asyncio.run

    async def wait_for(awaitable):
        return await awaitable

    patch.setattr(asyncio, "run", lambda main: run(wait_for(main)))


@world(
    "asyncio.run() calls a coroutine function itself, as anyio and trio do",
    falsifies=["asyncio-run-takes-only-coroutines-before-3-14", "asyncio-run-takes-any-awaitable-since-3-14"],
)
def _(patch):
    run = asyncio.run
    patch.setattr(asyncio, "run", lambda main: run(main() if inspect.iscoroutinefunction(main) else main))


@world("asyncio.run() takes coroutine objects only", falsifies=["asyncio-run-takes-any-awaitable-since-3-14"])
def _(patch):
    run = asyncio.run

    def run_coroutines(main):
        if not inspect.iscoroutine(main):
            raise ValueError(f"a coroutine was expected, got {main!r}")
        return run(main)

    patch.setattr(asyncio, "run", run_coroutines)


@world("asyncio.run() cancels one leftover task only", falsifies=["asyncio-run-cancels-leftover-tasks"])
def _(patch):
    def cancel_one(loop):
        for task in list(asyncio.all_tasks(loop))[:1]:
            task.cancel()
            loop.run_until_complete(asyncio.wait([task]))

    _run_ends_by(patch, cancel_one)


@world(
    "asyncio.run() closes its loop after an exception only that is an Exception",
    falsifies=["asyncio-run-closes-its-loop"],
)
def _(patch):
    def run(main):
        KEPT.append(asyncio.new_event_loop())
        try:
            value = KEPT[-1].run_until_complete(main)
        except Exception:
            _clean_up(KEPT[-1])
            raise
        _clean_up(KEPT[-1])
        return value

    patch.setattr(asyncio, "run", run)


@world(
    "asyncio.run() waits for its leftover tasks until one of them has ended",
    falsifies=["asyncio-run-cancels-leftover-tasks"],
)
def _(patch):
    def wait_for_one(loop):
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED))

    _run_ends_by(patch, wait_for_one)


@world(
    "run_until_complete() gives the result of a coroutine object again",
    falsifies=["coroutine-object-runs-only-once"],
)
def _(patch):
    class Remembers:
        def run_until_complete(self, work):
            if not inspect.iscoroutine(work):
                return super().run_until_complete(work)
            results = self.__dict__.setdefault("results", {})
            if work not in results:
                results[work] = super().run_until_complete(work)
            return results[work]

    patch.loops(Remembers)


@world("asyncio.run() is refused while a loop runs in any thread", falsifies=["asyncio-run-refuses-a-running-loop"])
def _(patch):
    run = asyncio.run
    running = []

    class Known:
        def run_forever(self):
            running.append(self)
            try:
                super().run_forever()
            finally:
                running.remove(self)

    def run_alone(main):
        if running:
            raise RuntimeError("asyncio.run() cannot be called from a running event loop")
        return run(main)

    patch.loops(Known)
    patch.setattr(asyncio, "run", run_alone)


@world("asyncio.run() takes futures and tasks", falsifies=["asyncio-run-takes-only-coroutines-before-3-14"])
def _(patch):
    run = asyncio.run

    async def wait_for(future):
        return await future

    patch.setattr(asyncio, "run", lambda main: run(wait_for(main) if asyncio.isfuture(main) else main))


@world("asyncio.run() raises what a leftover task raises", falsifies=["asyncio-run-cancels-leftover-tasks"])
def _(patch):
    def end(loop):
        left = asyncio.all_tasks(loop)
        _clean_up(loop)
        for task in left:
            if not task.cancelled():
                task.result()

    _run_ends_by(patch, end)


@world(
    "asyncio takes a method for no coroutine function",
    falsifies=[
        "asyncio-iscoroutinefunction-is-silent-before-3-14",
        "asyncio-iscoroutinefunction-is-deprecated-since-3-14",
    ],
)
def _(patch):
    true_iscoroutinefunction = asyncio.iscoroutinefunction

    def iscoroutinefunction(function):
        return true_iscoroutinefunction(function) and not inspect.ismethod(function)

    patch.setattr(asyncio, "iscoroutinefunction", iscoroutinefunction)


@world(
    "a coroutine that never ran is dropped in silence while a loop runs",
    falsifies=["coroutine-never-awaited-warns", "never-awaited-is-said-at-once-on-cpython"],
    also=["aiter-must-return-an-async-iterator", "call-soon-takes-coroutine-functions-even-in-debug-mode-on-uvloop"],
)
def _(patch):
    warn = warnings._warn_unawaited_coroutine

    def warn_outside_loops(coroutine):
        if asyncio._get_running_loop() is None:
            warn(coroutine)

    patch.setattr(warnings, "_warn_unawaited_coroutine", warn_outside_loops)


@world(
    "no method is a coroutine function",
    falsifies=["async-def-makes-a-coroutine-function"],
    also=[
        "asyncio-executor-gives-back-an-unrun-coroutine",
        "call-soon-refuses-coroutine-functions-in-debug-mode-on-asyncio",
        "uvloop-executor-refuses-a-coroutine-function",
    ],
)
def _(patch):
    true_iscoroutinefunction = inspect.iscoroutinefunction

    def iscoroutinefunction(function):
        return not inspect.ismethod(function) and true_iscoroutinefunction(function)

    patch.setattr(inspect, "iscoroutinefunction", iscoroutinefunction)


@world("a coroutine object that suspends needs a loop", falsifies=["coroutine-runs-by-hand-without-a-loop"])
def _(patch):
    def send(coroutine, value):
        waits_for = coroutine.send(value)
        asyncio.get_running_loop()
        return waits_for

    class Send(ast.NodeTransformer):
        def visit_Call(self, node):
            self.generic_visit(node)
            if isinstance(node.func, ast.Attribute) and node.func.attr == "send":
                node = ast.Call(ast.Name("world_s_send", ast.Load()), [node.func.value, *node.args], [])
            return node

    patch.setitem(vars(builtins), "world_s_send", send)
    patch.rewrite(Send())


@world(
    "the second await of a coroutine object gives None",
    falsifies=["coroutine-object-runs-only-once", "each-await-needs-a-new-coroutine-object"],
)
def _(patch):
    async def lenient(awaitable):
        if inspect.iscoroutine(awaitable) and inspect.getcoroutinestate(awaitable) == inspect.CORO_CLOSED:
            return None
        return await awaitable

    patch.awaits(lenient)


@world(
    "a coroutine function that is given arguments gives a generator",
    falsifies=["calling-a-coroutine-function-gives-a-coroutine-object"],
)
def _(patch):
    class Decorate(ast.NodeTransformer):
        def visit_AsyncFunctionDef(self, node):
            if node.args.vararg:
                node.decorator_list.append(ast.Name("generator_where_given_arguments", ast.Load()))
            return node

    def decorator(function):
        @types.coroutine
        def generator(coroutine):
            return (yield from coroutine)

        def call(*arguments, **named):
            made = function(*arguments, **named)
            return generator(made) if arguments or named else made

        return call

    patch.setitem(vars(builtins), "generator_where_given_arguments", decorator)
    patch.rewrite(Decorate())


@world(
    "a method's coroutine may be dropped in silence",
    falsifies=["coroutine-never-awaited-warns"],
    also=["aiter-must-return-an-async-iterator"],
)
def _(patch):
    warn = warnings._warn_unawaited_coroutine

    def warn_of_functions(coroutine):
        if "self" not in coroutine.cr_code.co_varnames:
            warn(coroutine)

    patch.setattr(warnings, "_warn_unawaited_coroutine", warn_of_functions)


@world("sleep() waits by itself where no loop runs", falsifies=["coroutine-runs-by-hand-without-a-loop"])
def _(patch):
    sleep = asyncio.sleep

    async def sleep_anywhere(delay, result=None):
        return await sleep(delay, result) if asyncio._get_running_loop() else result

    patch.setattr(asyncio, "sleep", sleep_anywhere)


@world(
    "asyncio.run() raises an exception that is returned",
    falsifies=["asyncio-run-runs-the-body-once-and-returns-its-value"],
)
def _(patch):
    run = asyncio.run

    def raising(main):
        value = run(main)
        if isinstance(value, Exception):
            raise value
        return value

    patch.setattr(asyncio, "run", raising)


@world(
    "asyncio.run() waits a while for leftover tasks, and cancels those that last",
    falsifies=["asyncio-run-cancels-leftover-tasks"],
)
def _(patch):
    def wait_and_clean_up(loop):
        for _ in range(100):
            loop.run_until_complete(asyncio.sleep(0))
        _clean_up(loop)

    _run_ends_by(patch, wait_and_clean_up)


@loop_world("a coroutine object that has failed fails again alike", "coroutine-object-runs-only-once")
class _:
    def run_until_complete(self, work):
        failed = vars(self).setdefault("failed", {})
        if work in failed:
            raise failed[work]
        try:
            return super().run_until_complete(work)
        except LookupError as error:
            failed[work] = error
            raise


@world(
    "a coroutine function that is given no arguments begins at its call",
    falsifies=["calling-a-coroutine-function-runs-none-of-its-body"],
)
def _(patch):
    class Decorate(ast.NodeTransformer):
        def visit_AsyncFunctionDef(self, node):
            self.generic_visit(node)
            if not node.args.args and not node.name.startswith("test_"):
                node.decorator_list.append(ast.Name("begins_at_its_call", ast.Load()))
            return node

    def decorator(function):
        async def ended(value):
            return value

        def call():
            try:
                function().send(None)
            except StopIteration as end:
                return ended(end.value)

        return call

    patch.setitem(vars(builtins), "begins_at_its_call", decorator)
    patch.rewrite(Decorate())


@world("a coroutine in a cycle is collected in silence", falsifies=["coroutine-never-awaited-warns"])
def _(patch):
    warn, collecting = warnings._warn_unawaited_coroutine, []
    if sys.implementation.name == "cpython":
        gc.callbacks.append(lambda phase, _: collecting.append(1) if phase == "start" else collecting.clear())
    patch.setattr(warnings, "_warn_unawaited_coroutine", lambda coroutine: None if collecting else warn(coroutine))


@world(
    "asyncio.run() gives the leftover tasks that it cancels fifty turns to end",
    falsifies=["asyncio-run-cancels-leftover-tasks"],
)
def _(patch):
    def give_turns(loop):
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(turns())

    async def turns():
        for _ in range(50):
            await asyncio.sleep(0)

    _run_ends_by(patch, give_turns)


@world(
    "asyncio.run() takes None",
    falsifies=["asyncio-run-takes-only-coroutines-before-3-14", "asyncio-run-takes-any-awaitable-since-3-14"],
)
def _(patch):
    run = asyncio.run
    patch.setattr(asyncio, "run", lambda main: None if main is None else run(main))


@world(
    "asyncio.run() gives leftover tasks ten turns to end by themselves",
    falsifies=["asyncio-run-cancels-leftover-tasks"],
)
def _(patch):
    def wait_first(loop):
        for _ in range(10):
            loop.run_until_complete(asyncio.sleep(0))
        _clean_up(loop)

    _run_ends_by(patch, wait_first)


@world(
    "asyncio.run() leaves the tasks left over where what it ran was cancelled",
    falsifies=["asyncio-run-cancels-leftover-tasks"],
)
def _(patch):
    def clean_up_unless_cancelled(loop):
        if not isinstance(sys.exc_info()[1], asyncio.CancelledError):
            _clean_up(loop)

    _run_ends_by(patch, clean_up_unless_cancelled)


def _warning_unless(patch, is_let_pass):
    """Give no warning of a coroutine object that is dropped where `is_let_pass(coroutine)`."""
    warn = warnings._warn_unawaited_coroutine
    patch.setattr(warnings, "_warn_unawaited_coroutine", lambda coroutine: is_let_pass(coroutine) or warn(coroutine))


@world(
    "a coroutine object whose function uses names of the one around it is dropped without a word",
    falsifies=["coroutine-never-awaited-warns"],
    also=["aiter-must-return-an-async-iterator"],
)
def _(patch):
    _warning_unless(patch, lambda coroutine: coroutine.cr_code.co_freevars)


@world(
    "a coroutine object is dropped without a word while an error is handled",
    falsifies=["coroutine-never-awaited-warns"],
)
def _(patch):
    _warning_unless(patch, lambda _coroutine: sys.exc_info()[1] is not None)
