"""Measures how long the document takes, prints the figures and writes them to BENCHMARKS.md: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import cases, machine, page
from benchmarks.processes import Broken, adopt_orphans
from benchmarks.slowest import slowest
from benchmarks.turns import in_turn
from fixtures.checklist.results import put

PROJECT = Path(__file__).resolve().parent.parent
PAGE = PROJECT / "BENCHMARKS.md"


def main(arguments: list[str]) -> int:
    """The exit status: 0 also where a bar is missed, for machines differ; 1 where something could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition(":")[0])
    parser.add_argument("--quick", action="store_true", help="few rounds: two minutes in the place of six")
    given = parser.parse_args(arguments)
    here = machine.described()
    adopt_orphans()
    try:
        with tempfile.TemporaryDirectory(prefix="asyncio-spec-bench-") as folder:
            scratch = Path(folder)
            wanted = cases.prepare(PROJECT, scratch, cases.QUICK if given.quick else cases.FULL)
            measured = in_turn(wanted, _say)
            slow = slowest(scratch / "results.json")
        text = page.written(measured, slow, here, f"tox -e bench{' -- --quick' if given.quick else ''}")
        put(PAGE, text)
    except Broken as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"bench: {error.filename or PAGE}: {error.strerror or error}", file=sys.stderr)
        return 1
    print(text, end="")
    return 0


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
