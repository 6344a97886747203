"""`python -m tests.soak`: the whole checklist many times, each a process, in random order; status 1 if one fails."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import shlex
import signal
import sys
from dataclasses import dataclass
from functools import partial

from fixtures.servers.wishes import KINDS
from tests.soak.busy import side_by_side
from tests.soak.runs import Run, command, run
from tests.soak.settings import Setting, rotation
from tests.soak.table import Row, lines


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _natural(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _given(arguments: list[str]) -> argparse.Namespace:
    parser = _Parser(prog="python -m tests.soak", description=__doc__.partition(": ")[2])
    parser.add_argument("--runs", type=_natural, default=300, metavar="N", help="how many (default: 300)")
    parser.add_argument("--seed", type=_natural, metavar="N", help="what the seeds of the runs come from")
    parser.add_argument("--ceiling", type=_natural, default=600, metavar="S", help="a run that takes longer is hung")
    parser.add_argument("--servers", choices=KINDS, help="as for pytest")
    return parser.parse_args(arguments)


@dataclass(frozen=True)
class _Planned:
    """A run to come: its number, its setting in words, what it is started with, and what is typed to repeat it."""

    number: int
    name: str
    setting: Setting
    seed: int

    async def run(self, given: argparse.Namespace) -> Row:
        options = _options(given)
        print(f"{self.number}/{given.runs} {self.name}: {_repeats(self.setting, self.seed, options)}", flush=True)
        return Row(self.number, self.name, self.seed, await run(self.setting, self.seed, options, given.ceiling))


def main(arguments: list[str]) -> int:
    given = _given(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    base = given.seed or random.SystemRandom().randrange(1, 2**32)
    print(f"{given.runs} runs; to have the same seeds again: --seed {base}", flush=True)
    rows: list[Row] = []
    try:
        asyncio.run(_soak(given, random.Random(base), rows))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    finally:
        if rows:
            print("", *lines(rows), sep="\n")
    return int(any(row.run.wrong for row in rows))


async def _soak(given: argparse.Namespace, seeds: random.Random, rows: list[Row]) -> None:
    """Run all: the quiet ones alone, one after another, and then the busy ones, each of which keeps others busy."""
    quiet, busy = [], []
    for number, (setting, is_busy) in enumerate(rotation(given.runs), 1):
        name = f"{setting.name}, {'busy' if is_busy else 'quiet'}"
        (busy if is_busy else quiet).append(_Planned(number, name, setting, seeds.randrange(2**32)))
    for planned in quiet:
        _tell(await planned.run(given), rows)
    async with contextlib.aclosing(side_by_side(partial(planned.run, given) for planned in busy)) as ended:
        async for row in ended:
            _tell(row, rows)


def _options(given: argparse.Namespace) -> list[str]:
    servers = [f"--servers={given.servers}"] if given.servers else []
    # What did not run has not passed; without servers that is so of many.
    return servers if given.servers == "none" else [*servers, "--complete"]


def _repeats(setting: Setting, seed: int, options: list[str]) -> str:
    """What a user types to have that run again, but for the busy cores."""
    variables = [f"{name}={value}" for name, value in setting.environment.items()]
    return shlex.join([*variables, "python", *command(setting, seed, options)[1:]])


def _tell(row: Row, rows: list[Row]) -> None:
    rows.append(row)
    ended: Run = row.run
    how = "FAILED" if ended.wrong else "passed"
    print(f"  {row.number} {how} in {ended.seconds:.1f} s, seed {row.seed}", flush=True)
    for wrong in ended.wrong:
        print(*(f"    {line}" for line in wrong.splitlines()), sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
