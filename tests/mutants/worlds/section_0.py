"""Worlds in which the article as a whole is right where it is wrong, or asyncio is of no use."""

from __future__ import annotations

import asyncio
import builtins

from fixtures import catalogue
from tests.mutants.worlds import world


@world("the sections are numbered one after the other", falsifies=["section-number-three-five-is-used-twice"])
def _(patch):
    renumbered = {"3.5b": "3.6", "3.7": "3.7", "3.8": "3.8"}
    patch.setattr(catalogue, "SECTIONS", {renumbered.get(key, key): value for key, value in catalogue.SECTIONS.items()})


@world(
    "Python guesses what indentation was meant",
    falsifies=["not-every-printed-example-runs", "unmatched-indentation-does-not-compile"],
)
def _(patch):
    true_compile = builtins.compile

    def forgiving(source, *arguments, **options):
        for width in (4, 8):
            try:
                return true_compile(source.expandtabs(width), *arguments, **options)
            except IndentationError:
                pass
        return true_compile(source, *arguments, **options)

    patch.setattr(builtins, "compile", forgiving)


@world("a name nobody defined is None, and a loop runs that too", falsifies=["not-every-printed-example-runs"])
def _(patch):
    class Nothing:
        def __await__(self):
            return iter(())

    patch.setitem(vars(builtins), "peer", None)
    patch.setitem(vars(builtins), "whatever_there_is", Nothing())


@world("asyncio.run does nothing with what is no coroutine", falsifies=["not-every-printed-example-runs"])
def _(patch):
    true_run = asyncio.run
    patch.setattr(asyncio, "run", lambda main, **options: true_run(main, **options) if main is not ... else None)
