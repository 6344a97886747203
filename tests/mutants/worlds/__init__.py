"""The worlds, a file a section of the article, and what they are made with.

A world is a function that breaks something; it is run in a process of its own, which ends with the world:

    @world("sleep gives no turn", falsifies=["await-on-a-sleep-lets-the-other-task-run"])
    def _(patch):
        patch.setattr(asyncio, "sleep", sleep_without_suspending)

The claims named must fail in that world on every loop they run on, by an assertion of their own.
The world is entered also in every program that a claim starts.

`python -m tests.mutants --all` runs all other claims in it, too. What must die there as well is named by `also`: it has
a world of its own to be proved by, and is not run in this one otherwise. Where so much stands on what a world breaks
that nothing can be learnt from its fall, `breaks_much` says why, and nothing else is run there.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

try:
    import uvloop
except ImportError:
    uvloop = None


class Patch:
    """What a world breaks things with. Nothing is put back: the process ends with the world.

    Not pytest's: worlds are entered in the programs of claims too, and importing pytest would take longer than those.
    """

    def __init__(self) -> None:
        self.transformers: list[ast.NodeTransformer] = []
        # The names under which a test may know what is broken; of a loop's methods also with "loop." before them.
        self.broken: set[str] = set()

    def setattr(self, target: object, name: str, value: object) -> None:
        if not hasattr(target, name):
            raise AttributeError(f"{target!r} has no attribute {name!r} to break")
        setattr(target, name, value)
        self.broken |= {name, target.__name__} if isinstance(target, type) else {name}
        if isinstance(target, type) and issubclass(target, asyncio.AbstractEventLoop):
            self.broken.add(f"loop.{name}")

    def setitem(self, mapping: dict, key: object, value: object) -> None:
        mapping[key] = value
        self.broken |= {key} if isinstance(key, str) else set()

    def loops(self, wrong: type) -> None:
        """Have every loop that claims and their programs are given, of both kinds, mix in the class `wrong`."""
        # They say that they are what they stand for: which loop runs is what some claims ask.
        selector = type("WrongSelectorEventLoop", (wrong, asyncio.SelectorEventLoop), {"__module__": "asyncio"})
        self.setattr(asyncio, "SelectorEventLoop", selector)
        self.setattr(asyncio.unix_events._UnixDefaultEventLoopPolicy, "_loop_factory", selector)
        if uvloop is not None:
            self.uvloop_makes(type("WrongUvloop", (wrong, uvloop.Loop), {}))
        self._are_broken(name for made in wrong.__mro__[:-1] for name in vars(made))

    def uvloop_makes(self, loop: type) -> None:
        """Have uvloop make loops of this class, which says that it is uvloop's own."""
        loop.__module__ = "uvloop"
        self.setattr(uvloop, "Loop", loop)
        self._are_broken(vars(loop))

    def _are_broken(self, methods: Iterable[str]) -> None:
        named = {name for name in methods if not name.startswith("__")}
        self.broken |= named | {f"loop.{name}" for name in named}

    def awaits(self, coroutine_function: Callable[[object], Awaitable]) -> None:
        """Have the claims' own `await x` do what `coroutine_function(x)` does."""
        self.setitem(vars(builtins), "await_of_this_world", coroutine_function)
        self.rewrite(_Awaits())

    def rewrite(self, transformer: ast.NodeTransformer) -> None:
        """Run the claims of this world with their own source changed by `transformer`: for what is syntax."""
        self.transformers.append(transformer)


class _Awaits(ast.NodeTransformer):
    """Turns each `await x` into `await await_of_this_world(x)`."""

    def visit_Await(self, node: ast.Await) -> ast.Await:
        self.generic_visit(node)
        node.value = ast.Call(ast.Name("await_of_this_world", ast.Load()), [node.value], [])
        return node


@dataclass(frozen=True)
class World:
    """One way in which the world can be wrong, and the ids of the claims that are false in it."""

    name: str
    module: str
    falsifies: tuple[str, ...]
    enter: Callable[[Patch], None] = field(repr=False)
    also: tuple[str, ...] = ()
    breaks_much: str = ""

    @property
    def imports(self) -> str:
        """Source that imports, in another process, all worlds that stand in the file of this one."""
        return _from_here(f"import {self.module}")

    @property
    def prelude(self) -> str:
        """Source that enters this world in another process."""
        return _from_here(f"from tests.mutants.worlds import enter\nenter({self.module!r}, {self.name!r})")


def _from_here(source: str) -> str:
    root = str(Path(__file__).resolve().parents[3])
    return f"import sys\nsys.path.insert(0, {root!r})\n{source}\nsys.path.remove({root!r})"


_WORLDS: dict[tuple[str, str], World] = {}


def world(
    name: str, *, falsifies: Sequence[str], also: Sequence[str] = (), breaks_much: str = ""
) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Make the function below a world; `name` says in a few words what is wrong in it."""

    def register(function: Callable[[Patch], None]) -> Callable[[Patch], None]:
        key = (function.__module__, name)
        if key in _WORLDS:
            raise ValueError(f"two worlds of {function.__module__} are named {name!r}")
        _WORLDS[key] = World(name, function.__module__, tuple(falsifies), function, tuple(also), breaks_much)
        return function

    return register


def loop_world(name: str, *falsifies: str, also: Sequence[str] = (), breaks_much: str = "") -> Callable[[type], type]:
    """Make a world in which every loop mixes in the class below, which says what is wrong with loops."""

    def register(wrong: type) -> type:
        def enter(patch: Patch) -> None:
            patch.loops(wrong)

        enter.__module__ = wrong.__module__  # a world is of the section in which its class stands
        world(name, falsifies=falsifies, also=also, breaks_much=breaks_much)(enter)
        return wrong

    return register


def all_worlds() -> list[World]:
    """Every world of every section, in the order of files and lines."""
    for module in pkgutil.iter_modules(__path__, __name__ + "."):
        importlib.import_module(module.name)
    return list(_WORLDS.values())


def enter(module: str, name: str) -> Patch:
    """Make this process that world, until it ends."""
    importlib.import_module(module)
    patch = Patch()
    _WORLDS[module, name].enter(patch)
    return patch
