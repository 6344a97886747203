"""The loops in turn, round by round, each in a fresh process; what a loop gains in each round, and what that says.

A process for each loop, case and round: it warms up, and then is measured once. So what is chance in a process, such as
addresses and the order of hashes, is part of the spread, and nothing that a case leaves behind meets the next one.
"""

from __future__ import annotations

import functools
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from benchmarks.loops.cases import Case, Extent
from benchmarks.processes import Broken, Spent
from benchmarks.turns import benchmark

BASE = "asyncio"
FASTER, SLOWER, NO_DIFFERENCE = "faster", "slower", "no difference to be told"


def left_out(rounds: int) -> int:
    """How many rounds at either end do not count for the interval, so that one that was disturbed decides nothing.

    By order alone, of eleven rounds without one at either end: the true median lies between those left in 99 of 100.
    """
    return rounds // 10


@dataclass(frozen=True)
class Gain:
    """How many times a loop's time asyncio's is: the median of the rounds, and between which most of them lie."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, base: Iterable[float], other: Iterable[float]) -> Gain:
        """From the times of both, round by round."""
        ratios = sorted(one / another for one, another in zip(base, other))
        end = left_out(len(ratios))
        return cls(statistics.median(ratios), ratios[end], ratios[-1 - end])

    @property
    def verdict(self) -> str:
        if self.low <= 1 <= self.high:
            return NO_DIFFERENCE
        return FASTER if self.low > 1 else SLOWER


@dataclass
class Measured:
    """What became of a case: by loop its seconds a piece, round by round, or why it cannot; `why_not` is for all."""

    case: Case
    why_not: str = ""
    spent: dict[str, list[Spent]] = field(default_factory=dict)
    cannot: dict[str, str] = field(default_factory=dict)

    def gain(self, loop: str, kind: str = "wall") -> Gain | None:
        """By `wall` or `cpu` time; None where one of the two has no figures."""
        if self.says(loop):
            return None
        base, other = ([getattr(spent, kind) for spent in self.spent[name]] for name in (BASE, loop))
        return None if None in base + other else Gain.of(base, other)

    def says(self, loop: str) -> str:
        """Why there is no gain of this loop; empty where there is one."""
        if self.why_not:
            return f"not measured: {self.why_not}"
        return next((f"{name} cannot: {self.cannot[name]}" for name in (loop, BASE) if name in self.cannot), "")

    def a_piece(self, loop: str) -> str:
        """The median time of a piece on one loop, as pyperf writes it."""
        kept = benchmark(f"{self.case.title} on {loop}", self.spent[loop])
        return kept.format_value(kept.median())

    def add(self, loop: str, once: Callable[[], Spent]) -> None:
        """Measure once more, unless the loop cannot; one that fails in a later round has no figures either."""
        if loop in self.cannot:
            return
        try:
            self.spent.setdefault(loop, []).append(once())
        except Broken as why:
            self.cannot[loop] = str(why)


def in_turn(
    cases: Iterable[Case],
    loops: Mapping[str, str],
    given: Mapping[str, dict],
    absent: Mapping[str, str],
    extent: Extent,
    say: Callable[[str], None],
) -> list[Measured]:
    """Measure all cases on all loops, given by name and recipe."""
    all_of_it = []
    for case in cases:
        measured = Measured(case, case.why_not(absent))
        all_of_it.append(measured)
        say(f"{case.title}: {measured.why_not}" if measured.why_not else case.title)
        for turn in range(0 if measured.why_not else extent.rounds):
            for loop in reversed(loops) if turn % 2 else loops:
                measured.add(loop, functools.partial(case.once, loops[loop], given, extent))
    return all_of_it
