"""Measures event loops beside asyncio's and writes BENCHMARKS-LOOPS.md and its picture: `python -m benchmarks.loops`.

The page is one of its own: `python -m benchmarks` writes BENCHMARKS.md anew as a whole, from other figures.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import machine
from benchmarks.loops import cases, page, picture
from benchmarks.loops.given import given
from benchmarks.loops.rounds import BASE, in_turn
from fixtures import loops, recipes
from fixtures.checklist.results import put
from fixtures.lines import in_one_line
from fixtures.servers.keeping import KeeperGone
from fixtures.servers.wishes import add_options, read_wishes

PROJECT = Path(__file__).resolve().parent.parent.parent


def main(arguments: list[str], project: Path = PROJECT) -> int:
    """The exit status: 0 also where a loop is slower or cannot, for that is told; 2 for bad input."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.loops", description=__doc__.partition(":")[0], allow_abbrev=False
    )
    parser.add_argument(
        "--loop", action="append", metavar="NAME", help="one beside asyncio's, by name or as NAME=MODULE:FACTORY, as"
        " pytest's --loop takes it; may be given several times; default: uvloop",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="few rounds and less work: a minute in the place of five")
    add_options(parser.add_argument)
    options = parser.parse_args(arguments)
    try:
        wishes = read_wishes(options)
        chosen = loops.chosen([BASE, *(options.loop or ["uvloop"])])
    except (ValueError, recipes.BadRecipe) as error:
        parser.error(str(error))
    if len(chosen) == 1:
        parser.error(f"--loop {BASE}: it is what all others are compared with; name another one")
    extent = cases.QUICK if options.quick else cases.FULL
    here = machine.described()
    try:
        with given(wishes) as (there, absent, version):
            measured = in_turn(cases.CASES, chosen, there, absent, extent, _say)
        versions = {name: loops.version(recipe) for name, recipe in chosen.items()}
        here.insert(3, f"Redis: {version}")
        command = " -- ".join(filter(None, ["tox -e bench-loops", " ".join(_without_secrets(options))]))
        put(project / "BENCHMARKS-LOOPS.md", page.written(measured, versions, extent.rounds, here, command))
        put(project / page.PICTURE, picture.drawn(measured, versions, extent.rounds, here))
    except KeeperGone as error:
        print(f"bench: {in_one_line(str(error))}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"bench: {error.filename or project}: {error.strerror or error}", file=sys.stderr)
        return 1
    print(page.for_a_terminal(measured, versions), end="")
    return 0


def _without_secrets(options: argparse.Namespace) -> list[str]:
    """The options that say what was measured; not those about servers, of which a URL may be secret."""
    return [*(f"--loop {loop}" for loop in options.loop or ()), *(["--quick"] if options.quick else [])]


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
