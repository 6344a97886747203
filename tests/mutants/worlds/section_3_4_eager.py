"""Worlds in which eager task factories and eager_start do something else than on this Python and loop."""

from __future__ import annotations

import asyncio

from tests.mutants.worlds import Patch, world


def _have_eager_factory(patch: Patch, factory) -> None:
    if hasattr(asyncio, "eager_task_factory"):  # since Python 3.12; the claims apply from there on
        patch.setattr(asyncio, "eager_task_factory", factory)


@world(
    "the eager task factory starts tasks later",
    falsifies=[
        "eager-factory-starts-tasks-inside-create-task",
        "eager-factory-works-on-uvloop-on-3-12",
        "eager-factory-works-on-uvloop-before-0-23",
    ],
)
def _(patch: Patch) -> None:
    def later(loop, coroutine, *, eager_start=None, **options):
        return asyncio.Task(coroutine, loop=loop, **options)

    _have_eager_factory(patch, later)


@world(
    "the eager task factory starts its first task at once, and later ones later",
    falsifies=[
        "eager-factory-starts-tasks-inside-create-task",
        "eager-factory-works-on-uvloop-on-3-12",
        "eager-factory-works-on-uvloop-before-0-23",
    ],
)
def _(patch: Patch) -> None:
    begun = []

    def once(loop, coroutine, **options):
        begun.append(coroutine)
        return asyncio.Task(coroutine, loop=loop, **{**options, "eager_start": len(begun) == 1})

    _have_eager_factory(patch, once)


@world("tasks always start eagerly", falsifies=["eager-factory-starts-tasks-inside-create-task"])
def _(patch: Patch) -> None:
    def create_task(coroutine, **options):
        return asyncio.Task(coroutine, loop=asyncio.get_running_loop(), **{**options, "eager_start": True})

    patch.setattr(asyncio, "create_task", create_task)


@world(
    "the eager task factory is eager whatever the loop asks of it",
    falsifies=[
        "eager-factory-raises-on-uvloop-0-23-with-early-3-13",
        "eager-factory-is-ignored-on-uvloop-0-23-since-3-14",
    ],
)
def _(patch: Patch) -> None:
    def eager(loop, coroutine, *, eager_start=None, **options):
        return asyncio.Task(coroutine, loop=loop, eager_start=True, **options)

    _have_eager_factory(patch, eager)


@world(
    "create_task takes eager_start and ignores it",
    falsifies=[
        "create-task-can-start-eagerly-since-3-14",
        "uvloop-refuses-eager-start-before-0-23",
        "uvloop-takes-eager-start-since-0-23",
    ],
)
def _(patch: Patch) -> None:
    real = asyncio.create_task
    patch.setattr(asyncio, "create_task", lambda coroutine, *, eager_start=None, **options: real(coroutine, **options))


@world(
    "create_task asks whether eager_start is given, and not whether it is true",
    falsifies=["create-task-can-start-eagerly-since-3-14", "uvloop-takes-eager-start-since-0-23"],
)
def _(patch: Patch) -> None:
    real = asyncio.create_task

    def create_task(coroutine, **options):
        return real(coroutine, **{name: value if name != "eager_start" else True for name, value in options.items()})

    patch.setattr(asyncio, "create_task", create_task)


@world(
    "the eager task factory starts at once only what a task makes",
    falsifies=[
        "eager-factory-starts-tasks-inside-create-task",
        "eager-factory-works-on-uvloop-on-3-12",
        "eager-factory-works-on-uvloop-before-0-23",
    ],
)
def _(patch: Patch) -> None:
    def within_tasks(loop, coroutine, **options):
        return asyncio.Task(coroutine, loop=loop, **{**options, "eager_start": asyncio.current_task() is not None})

    _have_eager_factory(patch, within_tasks)


@world(
    "a loop keeps its eager task factory where it is to have none",
    falsifies=["eager-factory-starts-tasks-inside-create-task"],
)
def _(patch: Patch) -> None:
    class Keeps:
        def set_task_factory(self, factory):
            if factory is not None:
                super().set_task_factory(factory)

    patch.loops(Keeps)


@world(
    "a task that is given a name is not started by the eager task factory",
    falsifies=[
        "eager-factory-starts-tasks-inside-create-task",
        "eager-factory-works-on-uvloop-on-3-12",
        "eager-factory-works-on-uvloop-before-0-23",
    ],
)
def _(patch: Patch) -> None:
    real = asyncio.create_task

    def create_task(coroutine, *, name=None, **options):
        if name is None:
            return real(coroutine, **options)
        return asyncio.Task(coroutine, loop=asyncio.get_running_loop(), name=name, **options)

    patch.setattr(asyncio, "create_task", create_task)
