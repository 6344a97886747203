"""Measures cases in turn, A B C A B C, so that what else the machine does falls on all alike; and what came of it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pyperf

from benchmarks.cases import Case
from benchmarks.processes import Broken, Spent


@dataclass
class Measured:
    """What each case took, round by round, by its name; a case that is not measured has no rounds."""

    cases: list[Case]
    spent: dict[str, list[Spent]] = field(default_factory=dict)

    def median(self, name: str, kind: str = "wall") -> float | None:
        """The median of a case's seconds, `wall` or `cpu`; None where they are not known."""
        return self._middle(getattr(spent, kind) for spent in self.spent.get(name, []))

    def compared(self, name: str, base: str, by: Callable[[float, float], float], kind: str = "wall") -> float | None:
        """The median of `by(name's, base's)` over the rounds in which both were run."""
        pairs = [
            (getattr(one, kind), getattr(other, kind))
            for one, other in zip(self.spent.get(name, []), self.spent.get(base, []))
        ]
        return self._middle(None if None in pair else by(*pair) for pair in pairs)

    def spread(self, name: str) -> float:
        """The median distance of a case's wall times from their median, in seconds."""
        return benchmark(name, self.spent[name]).median_abs_dev() if len(self.spent[name]) > 1 else 0.0

    @staticmethod
    def _middle(values: Iterable[float | None]) -> float | None:
        known = list(values)
        return None if not known or None in known else statistics.median(known)


def benchmark(name: str, spent: list[Spent]) -> pyperf.Benchmark:
    """The wall times of a case as pyperf keeps them, with the machine and its load."""
    metadata = {"name": name, "unit": "second"}
    return pyperf.Benchmark([pyperf.Run([one.wall], metadata=metadata, collect_metadata=False) for one in spent])


def in_turn(cases: list[Case], say: Callable[[str], None]) -> Measured:
    """Run all rounds of all cases. Raises Broken, also where a case ran other tests than it did before."""
    measured = Measured(cases)
    wanted = [case for case in cases if not case.why_not]
    for turn in range(max((case.rounds for case in wanted), default=0)):
        for case in wanted:
            if turn < case.rounds:
                say(f"round {turn + 1}: {case.title}")
                measured.spent.setdefault(case.name, []).append(case.once())
    _same_tests(measured)
    return measured


def _same_tests(measured: Measured) -> None:
    """Runs that are compared must have had the same tests, and the same luck with them."""
    for group in (("none", "two", "one", "no leaks", "bare"), *((name,) for name in measured.spent)):
        ran = {spent.tests for name in group for spent in measured.spent.get(name, [])}
        if len(ran) > 1:
            raise Broken(f"not the same tests were run: {'; '.join(sorted(ran))} ({', '.join(group)})")
