"""What a soak came to: every failure in a line, and for each setting its runs, failures and seconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from tests.soak.runs import Run


@dataclass(frozen=True)
class Row:
    """One run: its number, its setting in words, its seed, and how it went."""

    number: int
    setting: str
    seed: int
    run: Run


def lines(rows: list[Row]) -> Iterator[str]:
    for row in rows:
        for wrong in row.run.wrong:
            yield f"FAILED {row.setting}, seed {row.seed}: {wrong.partition(chr(10))[0]}"
    yield f"{'setting':<32}{'runs':>6}{'failures':>10}{'median s':>10}{'worst s':>9}"
    settings = {row.setting: [other for other in rows if other.setting == row.setting] for row in rows}
    for setting, of_it in {**settings, "all": rows}.items():
        seconds = [row.run.seconds for row in of_it]
        failures = sum(bool(row.run.wrong) for row in of_it)
        yield f"{setting:<32}{len(of_it):>6}{failures:>10}{median(seconds):>10.1f}{max(seconds):>9.1f}"
