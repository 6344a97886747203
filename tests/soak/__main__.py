"""`python -m tests.soak`: the whole checklist many times, each a process, in random order; status 1 if one fails."""

from __future__ import annotations

import argparse
import contextlib
import random
import shlex
import signal
import sys

from fixtures.servers.wishes import KINDS
from tests.soak.busy import every_core_busy
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


def main(arguments: list[str]) -> int:
    given = _given(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    base = given.seed or random.SystemRandom().randrange(1, 2**32)
    print(f"{given.runs} runs; to have the same seeds again: --seed {base}", flush=True)
    rows: list[Row] = []
    try:
        for row in _rows(given, random.Random(base)):
            rows.append(row)
            _tell(row)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    finally:
        if rows:
            print("", *lines(rows), sep="\n")
    return int(any(row.run.wrong for row in rows))


def _rows(given: argparse.Namespace, seeds: random.Random):
    """Yield each run when it has ended, having told how to repeat it when it begins."""
    servers = [f"--servers={given.servers}"] if given.servers else []
    # What did not run has not passed; without servers that is so of many.
    options = servers if given.servers == "none" else [*servers, "--complete"]
    for number, (setting, busy) in enumerate(rotation(given.runs), 1):
        seed = seeds.randrange(2**32)
        name = f"{setting.name}, {'busy' if busy else 'quiet'}"
        print(f"{number}/{given.runs} {name}: {_repeats(setting, seed, options)}", flush=True)
        with every_core_busy() if busy else contextlib.nullcontext():
            yield Row(name, seed, run(setting, seed, options, given.ceiling))


def _repeats(setting: Setting, seed: int, options: list[str]) -> str:
    """What a user types to have that run again, but for the busy cores."""
    variables = [f"{name}={value}" for name, value in setting.environment.items()]
    return shlex.join([*variables, "python", *command(setting, seed, options)[1:]])


def _tell(row: Row) -> None:
    ended: Run = row.run
    print(f"  {'FAILED' if ended.wrong else 'passed'} in {ended.seconds:.1f} s, seed {row.seed}", flush=True)
    for wrong in ended.wrong:
        print(*(f"    {line}" for line in wrong.splitlines()), sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
