"""Worlds in which tasks do not take turns, plain functions do, or the ways to write a coroutine are others."""

from __future__ import annotations

import ast
import asyncio
import builtins
import importlib.util
import itertools
import pkgutil
import re
import sys
import sysconfig
import threading
import time
import types
import warnings

import greenlet

from tests.mutants.worlds import world


class _OneAfterAnother:
    """A loop in which a task begins only when the one made before it by the same task has ended."""

    def create_task(self, coroutine, **options):
        last = self.__dict__.setdefault("last_made_by", {})
        maker = asyncio.current_task(self)
        before = last.get(maker)

        async def in_its_time():
            while before is not None and not before.done():
                await asyncio.sleep(0)
            return await coroutine

        last[maker] = super().create_task(in_its_time(), **options)
        return last[maker]


@world(
    "a task begins only when the task made before it has ended",
    falsifies=[
        "asyncio-keeps-more-requests-in-flight",
        "one-thread-runs-parts-of-two-coroutines-in-turn",
        "four-ways-to-coroutines-up-to-python-310",
        "three-of-the-four-ways-to-coroutines-since-python-311",
        "decorated-generators-wait-with-yield-from",
        "network-wait-lets-the-loop-run-another-task",
        "any-ready-task-may-run-next",
        "await-on-a-sleep-lets-the-other-task-run",
        "async-form-leaves-the-trace-of-the-decorated-form",
        "async-form-leaves-the-trace-of-a-types-coroutine-generator",
    ],
)
def _(patch):
    patch.loops(_OneAfterAnother)


@world("a sleep starts a thread", falsifies=["one-thread-runs-parts-of-two-coroutines-in-turn"])
def _(patch):
    async def sleep(delay, result=None):
        await asyncio.get_running_loop().run_in_executor(None, time.sleep, delay)
        return result

    patch.setattr(asyncio, "sleep", sleep)


@world("a sleep starts a thread that has ended by then", falsifies=["one-thread-runs-parts-of-two-coroutines-in-turn"])
def _(patch):
    true_sleep = asyncio.sleep

    async def sleep(delay, result=None):
        thread = threading.Thread(target=time.sleep, args=[0])
        thread.start()
        thread.join()
        return await true_sleep(delay, result)

    patch.setattr(asyncio, "sleep", sleep)


class _Interleave(ast.NodeTransformer):
    """Three dots give control to the function called next to this one."""

    def visit_Expr(self, node):
        if isinstance(node.value, ast.Constant) and node.value.value is ...:
            node.value = ast.Yield()
        return node

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        calls = [line for line in node.body if isinstance(line, ast.Expr) and isinstance(line.value, ast.Call)]
        calls = [line for line in calls if isinstance(line.value.func, ast.Name) and not line.value.args]
        if len(calls) == 2:
            names = ", ".join(ast.unparse(line) for line in calls)
            node.body[node.body.index(calls[0])] = ast.parse(f"_take_turns({names})").body[0]
            node.body.remove(calls[1])
        return node


@world(
    "plain functions called in a row switch to each other", falsifies=["plain-functions-called-in-a-row-do-not-switch"]
)
def _(patch):
    patch.setitem(vars(builtins), "_take_turns", lambda *calls: list(itertools.zip_longest(*calls)))
    patch.rewrite(_Interleave())


@world("asyncio.coroutine is gone", falsifies=["four-ways-to-coroutines-up-to-python-310"])
def _(patch):
    vars(asyncio).pop("coroutine", None)


@world(
    "asyncio.coroutine is there and gives no warning",
    falsifies=[
        "three-of-the-four-ways-to-coroutines-since-python-311",
        "async-and-await-are-the-recommended-form",
        "asyncio-coroutine-exists-up-to-python-310",
        "asyncio-coroutine-is-gone-since-python-311",
        "plain-generators-cannot-yield-from-a-coroutine",
        "types-coroutine-makes-no-coroutine-function",
    ],
)
def _(patch):
    patch.setitem(vars(asyncio), "coroutine", types.coroutine)


@world("a module greenlet lies in the standard library's folder", falsifies=["greenlet-is-not-in-the-standard-library"])
def _(patch):
    folder = sysconfig.get_path("stdlib")
    true_finder = pkgutil.get_importer(folder)

    class Finder:
        def find_spec(self, name, target=None):
            if name == "greenlet":
                return importlib.util.spec_from_file_location(name, f"{folder}/greenlet.py")
            return true_finder.find_spec(name, target)

    patch.setitem(sys.path_importer_cache, folder, Finder())


@world("greenlet is imported from the standard library's folder", falsifies=["greenlet-is-not-in-the-standard-library"])
def _(patch):
    patch.setattr(greenlet, "__file__", f"{sysconfig.get_path('stdlib')}/greenlet/__init__.py")


@world("greenlet is no module of the standard library", falsifies=["greenlet-comes-with-pypy"])
def _(patch):
    patch.setattr(sys, "stdlib_module_names", sys.stdlib_module_names - {"greenlet"})


@world("greenlet is imported from elsewhere", falsifies=["greenlet-comes-with-pypy"])
def _(patch):
    patch.setattr(greenlet, "__file__", "/site-packages/greenlet/__init__.py")


@world("async and await may be used as names", falsifies=["yield-async-and-await-are-keywords"])
def _(patch):
    true_compile = builtins.compile

    def compile_(source, *arguments, **options):
        if isinstance(source, str) and source in ("async = 1", "await = 1"):
            source = f"{source[:5]}_ = 1"
        return true_compile(source, *arguments, **options)

    patch.setattr(builtins, "compile", compile_)


@world("yield may be used as a name", falsifies=["yield-async-and-await-are-keywords"])
def _(patch):
    true_compile = builtins.compile

    def compile_(source, *arguments, **options):
        if isinstance(source, str) and source.startswith("yield = "):
            source = source.replace("yield", "yield_")
        return true_compile(source, *arguments, **options)

    patch.setattr(builtins, "compile", compile_)


@world("await may name an attribute or a function", falsifies=["yield-async-and-await-are-keywords"])
def _(patch):
    true_compile = builtins.compile

    def compile_(source, *arguments, **options):
        if isinstance(source, str) and source in ("x.await", "def await(): pass"):
            source = source.replace("await", "await_")
        return true_compile(source, *arguments, **options)

    patch.setattr(builtins, "compile", compile_)


@world(
    "async and await may name a module or an argument, as up to Python 3.6",
    falsifies=["yield-async-and-await-are-keywords"],
)
def _(patch):
    true_compile = builtins.compile

    def compile_(source, filename, *arguments, **options):
        if filename == "naming":
            source = re.sub(r"(?<=f\()(async|await)|(?<=import )(async|await)", "name", source)
        return true_compile(source, filename, *arguments, **options)

    patch.setattr(builtins, "compile", compile_)


class _Warn(ast.NodeTransformer):
    """Each async def function inside the test is decorated with `_warn`."""

    def visit_AsyncFunctionDef(self, node):
        self.generic_visit(node)
        if not node.name.startswith("test_"):
            node.decorator_list.append(ast.Name("_warn", ast.Load()))
        return node


@world("async def gives a warning", falsifies=["async-and-await-are-the-recommended-form"])
def _(patch):
    def warn(function):
        warnings.warn("async def is deprecated", DeprecationWarning, stacklevel=2)
        return function

    patch.setitem(vars(builtins), "_warn", warn)
    patch.rewrite(_Warn())


@world(
    "ensure_future gives a warning for a native coroutine",
    falsifies=["async-and-await-are-the-recommended-form"],
    breaks_much="warnings are errors, so nothing that makes a task in this way gets any further",
)
def _(patch):
    true_ensure_future = asyncio.ensure_future

    def ensure_future(thing, *, loop=None):
        if isinstance(thing, types.CoroutineType):
            warnings.warn("async and await are deprecated", DeprecationWarning, stacklevel=2)
        return true_ensure_future(thing, loop=loop)

    patch.setattr(asyncio, "ensure_future", ensure_future)


@world(
    "a task of a native coroutine gives a warning",
    falsifies=["async-and-await-are-the-recommended-form"],
    breaks_much="warnings are errors, so nothing that makes a task gets any further",
)
def _(patch):
    true_create_task = asyncio.create_task

    def create_task(coroutine, **options):
        warnings.warn("async and await are deprecated", DeprecationWarning, stacklevel=2)
        return true_create_task(coroutine, **options)

    patch.setattr(asyncio, "create_task", create_task)


@world(
    "greenlets do not switch to each other",
    falsifies=["four-ways-to-coroutines-up-to-python-310", "three-of-the-four-ways-to-coroutines-since-python-311"],
)
def _(patch):
    class Greenlet(greenlet.greenlet):
        def switch(self, *arguments):
            if greenlet.getcurrent().parent is None:
                return super().switch(*arguments)
            return None

    patch.setattr(greenlet, "greenlet", Greenlet)


@world(
    "gather takes what it is given one after another",
    falsifies=[
        "one-thread-runs-parts-of-two-coroutines-in-turn",
        "four-ways-to-coroutines-up-to-python-310",
        "three-of-the-four-ways-to-coroutines-since-python-311",
        "blocking-call-switches-to-nobody",
        "each-ready-task-gets-one-step-a-pass",
    ],
)
def _(patch):
    async def in_turn(*awaitables):
        return [await awaitable for awaitable in awaitables]

    patch.setattr(asyncio, "gather", in_turn)


@world("the compiler warns of async def", falsifies=["async-and-await-are-the-recommended-form"])
def _(patch):
    silent = compile

    def warning(source, *arguments, **options):
        if isinstance(source, str) and source.startswith("async def"):  # no program of a claim
            warnings.warn("async def is deprecated", DeprecationWarning, stacklevel=2)
        return silent(source, *arguments, **options)

    patch.setattr(builtins, "compile", warning)


@world(
    "the module asyncio.coroutines still has the decorator",
    falsifies=["three-of-the-four-ways-to-coroutines-since-python-311"],
)
def _(patch):
    patch.setitem(vars(asyncio.coroutines), "coroutine", types.coroutine)
