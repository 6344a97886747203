"""Worlds in which claims of section 3.8, asynchronous context managers, are false.

`async with` is made wrong by wrapping the managers of the claim's own scene: the wrapper enters and leaves them as
`async with` does, with one thing changed, and the real statement goes through the wrapper.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import contextlib
import inspect
import sys

from tests.mutants.worlds import world


class Through:
    """What `async with` does with a manager, step by step, for worlds that change one of the steps."""

    def __init__(self, manager: object) -> None:
        self.manager = manager

    async def __aenter__(self) -> object:
        return await self.enter()

    async def __aexit__(self, *told: object) -> object:
        return await self.leave(*told)

    def enter(self) -> object:
        return type(self.manager).__aenter__(self.manager)

    def leave(self, *told: object) -> object:
        return type(self.manager).__aexit__(self.manager, *told)


class _Wrap(ast.NodeTransformer):
    """Wraps each manager of the statements of the kind `statement` in a call of `world_s_manager`."""

    def __init__(self, statement: type[ast.AST]) -> None:
        self.statement = statement

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, self.statement):
            for item in node.items:
                item.context_expr = _call("world_s_manager", item.context_expr)
        return node


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _managers(patch, through, statement: type[ast.AST] = ast.AsyncWith) -> None:
    """Let `through`, called with a manager, stand in for each manager of the scene's `statement`s."""
    patch.setitem(vars(builtins), "world_s_manager", through)
    patch.rewrite(_Wrap(statement))


@world(
    "async with never calls __aexit__",
    falsifies=[
        "async-with-enters-before-and-exits-after",
        "aexit-gets-three-nones-on-normal-exit",
        "aexit-gets-the-exception-and-lets-it-out",
        "aexit-returning-true-suppresses-the-exception",
        "aexit-runs-on-return-and-break",
        "aexit-runs-when-the-task-is-cancelled",
        "opening-and-closing-may-wait-while-others-run",
        "two-managers-close-in-reverse-order",
    ],
)
def _(patch):
    class NeverLeaves(Through):
        async def __aexit__(self, *told):
            return None

    _managers(patch, NeverLeaves)


@world(
    "async with leaves its manager only when the body ends normally",
    falsifies=[
        "aexit-gets-the-exception-and-lets-it-out",
        "aexit-returning-true-suppresses-the-exception",
        "aexit-runs-when-the-task-is-cancelled",
    ],
)
def _(patch):
    class LeavesAtTheEnd(Through):
        async def __aexit__(self, kind, *rest):
            return None if kind else await self.leave(kind, *rest)

    _managers(patch, LeavesAtTheEnd)


class _LeaveAfterTheBody(ast.NodeTransformer):
    """Makes three steps in a row of `async with`: enter, body, leave."""

    def visit_AsyncWith(self, node: ast.AsyncWith) -> list[ast.stmt]:
        self.generic_visit(node)
        manager = ast.unparse(node.items[0].context_expr)
        enter = ast.parse(f"world_s_manager = {manager}\nworld_s_manager.__aenter__", mode="exec").body
        enter[1].value = ast.Await(ast.Call(enter[1].value, [], []))
        leave = ast.Attribute(ast.Name("world_s_manager", ast.Load()), "__aexit__", ast.Load())
        nones = [ast.Constant(None) for _ in range(3)]
        return [*enter, *node.body, ast.Expr(ast.Await(ast.Call(leave, nones, [])))]


@world(
    "async with is three steps in a row: what jumps out of its body jumps over the last",
    falsifies=["aexit-runs-on-return-and-break", "aexit-runs-when-the-task-is-cancelled"],
)
def _(patch):
    patch.rewrite(_LeaveAfterTheBody())


@world("async with enters its manager twice", falsifies=["async-with-enters-before-and-exits-after"])
def _(patch):
    class EntersTwice(Through):
        async def __aenter__(self):
            await self.enter()
            return await self.enter()

    _managers(patch, EntersTwice)


@world("async with leaves its manager before the body", falsifies=["async-with-enters-before-and-exits-after"])
def _(patch):
    class LeavesFirst(Through):
        async def __aenter__(self):
            entered = await self.enter()
            await self.leave(None, None, None)
            return entered

        async def __aexit__(self, *told):
            return None

    _managers(patch, LeavesFirst)


@world(
    "a tab is four spaces to the compiler",
    falsifies=["tab-and-space-mix-does-not-compile"],
    also=["not-every-printed-example-runs", "unmatched-indentation-does-not-compile"],
)
def _(patch):
    strict = compile

    def lenient(source, *arguments, **options):
        return strict(source.expandtabs(4) if isinstance(source, str) else source, *arguments, **options)

    patch.setattr(builtins, "compile", lenient)


@world(
    "tabs are no indentation to the compiler",
    falsifies=["tab-and-space-mix-does-not-compile"],
    also=["not-every-printed-example-runs", "unmatched-indentation-does-not-compile"],
)
def _(patch):
    strict = compile

    def without_tabs(source, *arguments, **options):
        if isinstance(source, str) and "\n\t" in source:
            raise TabError("a tab in an indentation")
        return strict(source, *arguments, **options)

    patch.setattr(builtins, "compile", without_tabs)


@world("a name that is defined nowhere is None", falsifies=["undefined-name-in-init-raises-nameerror"])
def _(patch):
    patch.setitem(vars(builtins), "link_to_the_database", None)


class _AwaitsForNothing(ast.NodeTransformer):
    """Makes every await worth None."""

    def visit_Await(self, node: ast.Await) -> ast.expr:
        self.generic_visit(node)
        return ast.Subscript(ast.Tuple([node, ast.Constant(None)], ast.Load()), ast.Constant(1), ast.Load())


@world("an await has no value", falsifies=["repaired-manager-gives-666"])
def _(patch):
    patch.rewrite(_AwaitsForNothing())


@world("as binds the manager, whatever __aenter__ returns", falsifies=["as-binds-what-aenter-returns"])
def _(patch):
    class BindsTheManager(Through):
        async def __aenter__(self):
            await self.enter()
            return self.manager

    _managers(patch, BindsTheManager)


@world("as binds nothing", falsifies=["as-binds-what-aenter-returns"])
def _(patch):
    class BindsNothing(Through):
        async def __aenter__(self):
            await self.enter()

    _managers(patch, BindsNothing)


@world("an awaited sleep gives a connection", falsifies=["awaited-sleep-stores-none-as-connection"])
def _(patch):
    sleep = asyncio.sleep

    async def giving_a_connection(delay):
        await sleep(delay)
        return "a connection"

    patch.setattr(asyncio, "sleep", giving_a_connection)


@world("a sleep that takes time gives its length", falsifies=["awaited-sleep-stores-none-as-connection"])
def _(patch):
    sleep = asyncio.sleep

    async def giving_its_length(delay):
        await sleep(delay)
        return delay or None

    patch.setattr(asyncio, "sleep", giving_its_length)


@world(
    "__aexit__ is told of the exception that is being handled around the statement",
    falsifies=["aexit-gets-three-nones-on-normal-exit"],
)
def _(patch):
    class TellsOfTheOuter(Through):
        async def __aexit__(self, kind, *rest):
            return await (self.leave(kind, *rest) if kind else self.leave(*sys.exc_info()))

    _managers(patch, TellsOfTheOuter)


@world("__aexit__ is told only the type of the exception", falsifies=["aexit-gets-the-exception-and-lets-it-out"])
def _(patch):
    class TellsTheType(Through):
        async def __aexit__(self, kind, error, traceback):
            return await self.leave(kind, None, None)

    _managers(patch, TellsTheType)


@world("__aexit__ is told nothing of what is no Exception", falsifies=["aexit-gets-the-exception-and-lets-it-out"])
def _(patch):
    class TellsOfExceptions(Through):
        async def __aexit__(self, kind, *rest):
            is_told = kind and (issubclass(kind, Exception) or kind is asyncio.CancelledError)
            return await (self.leave(kind, *rest) if is_told else self.leave(None, None, None))

    _managers(patch, TellsOfExceptions)


@world(
    "async with suppresses every exception",
    falsifies=[
        "aexit-gets-the-exception-and-lets-it-out",
        "aexit-returning-true-suppresses-the-exception",
        "aexit-runs-when-the-task-is-cancelled",
    ],
)
def _(patch):
    class Suppresses(Through):
        async def __aexit__(self, *told):
            await self.leave(*told)
            return True

    _managers(patch, Suppresses)


@world("__aexit__ cannot suppress an exception", falsifies=["aexit-returning-true-suppresses-the-exception"])
def _(patch):
    class LetsOut(Through):
        async def __aexit__(self, *told):
            await self.leave(*told)

    _managers(patch, LetsOut)


@world("__aexit__ can suppress an Exception only", falsifies=["aexit-returning-true-suppresses-the-exception"])
def _(patch):
    class SuppressesExceptions(Through):
        async def __aexit__(self, kind, *told):
            answer = await self.leave(kind, *told)
            return answer if kind and issubclass(kind, Exception) else None

    _managers(patch, SuppressesExceptions)


@world("only True itself suppresses an exception", falsifies=["aexit-returning-true-suppresses-the-exception"])
def _(patch):
    class WantsTrue(Through):
        async def __aexit__(self, *told):
            return await self.leave(*told) is True

    _managers(patch, WantsTrue)


@world("__aexit__ runs also when __aenter__ failed", falsifies=["no-aexit-after-a-failed-aenter"])
def _(patch):
    class LeavesInAnyCase(Through):
        async def __aenter__(self):
            try:
                return await self.enter()
            except BaseException:
                await self.leave(*sys.exc_info())
                raise

    _managers(patch, LeavesInAnyCase)


@world("__aexit__ runs when __aenter__ failed after a wait", falsifies=["no-aexit-after-a-failed-aenter"])
def _(patch):
    class LeavesWhatHasWaited(Through):
        async def __aenter__(self):
            waited = []
            next_turn = asyncio.get_running_loop().call_soon(waited.append, True)
            try:
                return await self.enter()
            except BaseException:
                if waited:
                    await self.leave(*sys.exc_info())
                raise
            finally:
                next_turn.cancel()

    _managers(patch, LeavesWhatHasWaited)


@world("__aexit__ runs when __aenter__ was cancelled", falsifies=["no-aexit-after-a-failed-aenter"])
def _(patch):
    class LeavesWhenCancelled(Through):
        async def __aenter__(self):
            try:
                return await self.enter()
            except asyncio.CancelledError:
                await self.leave(*sys.exc_info())
                raise

    _managers(patch, LeavesWhenCancelled)


@world("__aexit__ runs when __aenter__ failed inside another async with", falsifies=["no-aexit-after-a-failed-aenter"])
def _(patch):
    inside = []

    class LeavesTheSecond(Through):
        async def __aenter__(self):
            try:
                entered = await self.enter()
            except BaseException:
                if inside:
                    await self.leave(*sys.exc_info())
                raise
            inside.append(self)
            return entered

        async def __aexit__(self, *told):
            inside.remove(self)
            return await self.leave(*told)

    _managers(patch, LeavesTheSecond)


def _to_the_end(coroutine):
    """What a coroutine object returns, which is run without an event loop."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration as answer:
        return answer.value


@world("entering and leaving hold up the event loop", falsifies=["opening-and-closing-may-wait-while-others-run"])
def _(patch):
    class HoldsUp(Through):
        async def __aenter__(self):
            return _to_the_end(self.enter())

        async def __aexit__(self, *told):
            return _to_the_end(self.leave(*told))

    _managers(patch, HoldsUp)


class _Together(ast.NodeTransformer):
    """Gives the managers of one `async with` to one call of `world_s_managers`."""

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AsyncWith:
        self.generic_visit(node)
        node.items = [ast.withitem(_call("world_s_managers", *(item.context_expr for item in node.items)))]
        return node


@world("two managers are left in the order of entering", falsifies=["two-managers-close-in-reverse-order"])
def _(patch):
    class InOrder:
        def __init__(self, *managers):
            self.managers = [Through(manager) for manager in managers]

        async def __aenter__(self):
            for manager in self.managers:
                await manager.enter()

        async def __aexit__(self, *told):
            for manager in self.managers:
                await manager.leave(*told)

    patch.setitem(vars(builtins), "world_s_managers", InOrder)
    patch.rewrite(_Together())


@world("after an exception two managers are left as entered", falsifies=["two-managers-close-in-reverse-order"])
def _(patch):
    class InOrderAfterAnException:
        def __init__(self, *managers):
            self.managers = [Through(manager) for manager in managers]

        async def __aenter__(self):
            for manager in self.managers:
                await manager.enter()

        async def __aexit__(self, kind, *told):
            for manager in self.managers if kind else reversed(self.managers):
                await manager.leave(kind, *told)

    patch.setitem(vars(builtins), "world_s_managers", InOrderAfterAnException)
    patch.rewrite(_Together())


@world(
    "async with does without the half that its manager lacks",
    falsifies=["half-an-async-manager-is-an-attributeerror", "half-an-async-manager-is-a-typeerror"],
)
def _(patch):
    class DoesWithout(Through):
        async def __aenter__(self):
            return await self.enter() if hasattr(self.manager, "__aenter__") else None

        async def __aexit__(self, *told):
            return await self.leave(*told) if hasattr(self.manager, "__aexit__") else None

    _managers(patch, DoesWithout)


@world("a plain with takes an asynchronous manager", falsifies=["plain-with-refuses-an-async-manager"])
def _(patch):
    class NeitherCalled:
        def __enter__(self):
            return self

        def __exit__(self, *told):
            return None

    def through(manager):
        return NeitherCalled() if hasattr(manager, "__aenter__") else manager

    _managers(patch, through, ast.With)


@world("a plain with calls __aenter__ and then refuses", falsifies=["plain-with-refuses-an-async-manager"])
def _(patch):
    def through(manager):
        if hasattr(manager, "__aenter__"):
            manager.__aenter__().close()
        return manager

    _managers(patch, through, ast.With)


@world("__aexit__ gets no traceback", falsifies=["aexit-gets-the-exception-and-lets-it-out"])
def _(patch):
    class LosesTheTraceback(Through):
        async def __aexit__(self, kind, error, traceback):
            return await self.leave(kind, error, None)

    _managers(patch, LosesTheTraceback)


@world(
    "async with makes do with a plain manager",
    falsifies=["half-an-async-manager-is-an-attributeerror", "half-an-async-manager-is-a-typeerror"],
)
def _(patch):
    class MakesDo:
        def __init__(self, manager):
            self.manager = manager

        async def __aenter__(self):
            return self.manager.__enter__()

        async def __aexit__(self, *told):
            return self.manager.__exit__(*told)

    _managers(patch, lambda manager: MakesDo(manager) if hasattr(manager, "__enter__") else manager)


class _BreakByAnException(ast.NodeTransformer):
    """Leaves the body of an `async with` by an exception where there is a break in it, and breaks when that is out."""

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.body[-1], ast.Break):
            return node
        node.body[-1] = ast.parse("raise world_s_break").body[0]
        node.items[0].context_expr = _call("world_s_manager", node.items[0].context_expr)
        around = ast.parse("for _ in ():\n try: pass\n except world_s_break: break").body[0].body[0]
        around.body = [node]
        return around


@world("a true value from __aexit__ suppresses a break", falsifies=["aexit-runs-on-return-and-break"])
def _(patch):
    class Break(BaseException):
        """Stands for a break; __aexit__ is told nothing of it."""

    class SuppressesABreak(Through):
        async def __aexit__(self, kind, *told):
            return await (self.leave(None, None, None) if kind is Break else self.leave(kind, *told))

    patch.setitem(vars(builtins), "world_s_break", Break)
    patch.setitem(vars(builtins), "world_s_manager", SuppressesABreak)
    patch.rewrite(_BreakByAnException())


@world("after an exception leaving holds up the loop", falsifies=["opening-and-closing-may-wait-while-others-run"])
def _(patch):
    class HoldsUpAfterAnException(Through):
        async def __aexit__(self, kind, *told):
            left = self.leave(kind, *told)
            return _to_the_end(left) if kind else await left

    _managers(patch, HoldsUpAfterAnException)


@world("as binds the result of an awaitable that __aenter__ returns", falsifies=["as-binds-what-aenter-returns"])
def _(patch):
    class AwaitsTwice(Through):
        async def __aenter__(self):
            entered = await self.enter()
            return await entered if inspect.isawaitable(entered) else entered

    _managers(patch, AwaitsTwice)


@world("an exception that cancels never comes out", falsifies=["aexit-gets-the-exception-and-lets-it-out"])
def _(patch):
    class SuppressesCancellation(Through):
        async def __aexit__(self, kind, *told):
            answer = await self.leave(kind, *told)
            return kind is asyncio.CancelledError or answer

    _managers(patch, SuppressesCancellation)


@world("a plain with takes what asynccontextmanager makes", falsifies=["plain-with-refuses-an-async-manager"])
def _(patch):
    made = contextlib._AsyncGeneratorContextManager
    _managers(patch, lambda thing: contextlib.nullcontext() if isinstance(thing, made) else thing, ast.With)


@world("async with enters a manager once for all", falsifies=["async-with-enters-before-and-exits-after"])
def _(patch):
    entered = []

    class EntersNew(Through):
        async def __aenter__(self):
            if self.manager in entered:
                return None
            entered.append(self.manager)
            return await self.enter()

    _managers(patch, EntersNew)


@world("async with leaves a manager once for all", falsifies=["async-with-enters-before-and-exits-after"])
def _(patch):
    left = []

    class LeavesNew(Through):
        async def __aexit__(self, *told):
            if self.manager in left:
                return None
            left.append(self.manager)
            return await self.leave(*told)

    _managers(patch, LeavesNew)


@world("__aexit__ cannot suppress the end of a program", falsifies=["aexit-returning-true-suppresses-the-exception"])
def _(patch):
    class LetsOutAnEnd(Through):
        async def __aexit__(self, kind, *told):
            answer = await self.leave(kind, *told)
            return answer if kind not in (SystemExit, KeyboardInterrupt) else None

    _managers(patch, LetsOutAnEnd)


@world("__aexit__ cannot suppress StopIteration", falsifies=["aexit-returning-true-suppresses-the-exception"])
def _(patch):
    class LetsOutStopIteration(Through):
        async def __aexit__(self, kind, *told):
            answer = await self.leave(kind, *told)
            return answer if kind is not StopIteration else None

    _managers(patch, LetsOutStopIteration)


class _AfterASuppression(ast.NodeTransformer):
    """Does something else than to go on where an exception in the body of an `async with` was suppressed."""

    def __init__(self, otherwise) -> None:
        self.otherwise = otherwise

    def visit_AsyncWith(self, node):
        self.generic_visit(node)
        before, at_its_end = ast.parse("body_has_ended = False\nbody_has_ended = True").body
        after = ast.parse("async def function():\n if not body_has_ended:\n  return").body[0].body[0]
        after.body = self.otherwise(node) or after.body
        return [before, ast.AsyncWith(node.items, [*node.body, at_its_end]), after]


@world(
    "where __aexit__ suppresses an exception the coroutine returns",
    falsifies=["aexit-returning-true-suppresses-the-exception"],
)
def _(patch):
    patch.rewrite(_AfterASuppression(lambda node: None))


@world(
    "where __aexit__ suppresses an exception the body is run again",
    falsifies=["aexit-returning-true-suppresses-the-exception"],
)
def _(patch):
    patch.rewrite(_AfterASuppression(lambda node: [ast.AsyncWith(node.items, node.body)]))


@world(
    "async with takes the half that its manager's class lacks from the manager itself",
    falsifies=["half-an-async-manager-is-an-attributeerror", "half-an-async-manager-is-a-typeerror"],
)
def _(patch):
    class OfTheObject(Through):
        def enter(self):
            return self.manager.__aenter__()

        def leave(self, *told):
            return self.manager.__aexit__(*told)

    def through(manager):
        return OfTheObject(manager) if hasattr(manager, "__aenter__") and hasattr(manager, "__aexit__") else manager

    _managers(patch, through)


@world("what is printed is an error, too", falsifies=["repaired-manager-gives-666"])
def _(patch):
    to_standard_output = print

    def to_both(*values):
        to_standard_output(*values)
        to_standard_output(*values, file=sys.stderr)

    patch.setattr(builtins, "print", to_both)


class _WrapBut(_Wrap):
    """Wraps each manager but the one that stands in the place `place` of its statement, counted from the last."""

    def __init__(self, statement: type[ast.AST], place: int) -> None:
        super().__init__(statement)
        self.place = place

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if not isinstance(node, self.statement) or len(node.items) == 1:
            return ast.NodeTransformer.generic_visit(self, node)
        left = node.items[self.place].context_expr
        node = super().generic_visit(node)
        node.items[self.place].context_expr = left
        return node


class _LetsOut(Through):
    async def __aexit__(self, *told):
        await self.leave(*told)


@world(
    "of two managers the first cannot suppress an exception",
    falsifies=["aexit-returning-true-suppresses-the-exception"],
)
def _(patch):
    patch.setitem(vars(builtins), "world_s_manager", _LetsOut)
    patch.rewrite(_WrapBut(ast.AsyncWith, -1))


@world(
    "of two managers the second cannot suppress an exception",
    falsifies=["aexit-returning-true-suppresses-the-exception"],
)
def _(patch):
    patch.setitem(vars(builtins), "world_s_manager", _LetsOut)
    patch.rewrite(_WrapBut(ast.AsyncWith, 0))
