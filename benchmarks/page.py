"""The figures as a page: what was measured, which bars are met, the slowest claims, and the machine."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.bars import BARS, share, without_leak_checks
from benchmarks.cases import Case
from benchmarks.turns import Measured

Slow = Iterable[tuple[float, str, str, str]]
EXPLAINED = """\
Whole processes, run in turn; medians. *wall* is what a user waits, ± the median distance from it; *processor* is the
time of all processors together, without that of containers. Comparisons are medians of what each round gives."""
LEFT_OUT = """\
Without catalogue and checklist: the plugins `fixtures.claims`, `fixtures.deviations` and `fixtures.checklist.plugin`
are blocked. So nobody reads `claims.toml` and the tests' sources and compares them, chooses tests by `applies`, gives
reports their properties, follows the run and prints the checklist. The same tests are chosen from a list of their
names. The guards against hangs, tasks left behind and unheard errors stay, and so does pytest's own output."""


def written(measured: Measured, slow: Slow, machine: list[str], command: str) -> str:
    """The whole page; `command` is what makes it anew."""
    lines = [f"<!-- Made by: {command} -->", "", "# How long it takes", "", EXPLAINED, ""]
    lines += table(("what", "wall", "processor", "rounds", "tests"), (_row(measured, case) for case in measured.cases))
    lines += ["", LEFT_OUT, "", "## The bars", ""]
    bars = ((bar.says, bar.written(measured), bar.written(measured, "cpu"), bar.verdict(measured)) for bar in BARS)
    lines += table(("bar", "wall", "processor", "verdict"), bars)
    lines += ["", _leaks(measured), "", "## The slowest claims", ""]
    lines += ["Seconds of their tests, all loops together, in one run with embedded servers.", ""]
    lines += table(("seconds", "section", "claim"), ((f"{it[0]:.3f}", it[1], f"{it[3]} (`{it[2]}`)") for it in slow))
    lines += ["", "## The machine", "", *(f"- {line}" for line in machine)]
    return "\n".join(lines) + "\n"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """The lines of a table in Markdown."""
    head = list(head)
    return [_line(head), _line("---" for _ in head), *map(_line, rows)]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _row(measured: Measured, case: Case) -> tuple[str, ...]:
    if case.why_not:
        return (case.title, f"not measured: {case.why_not}", "–", "–", "–")
    spent = measured.spent[case.name]
    cpu = measured.median(case.name, "cpu")
    return (
        case.title,
        f"{measured.median(case.name):.2f} s ± {measured.spread(case.name):.2f}",
        "–" if cpu is None else f"{cpu:.2f} s",
        str(len(spent)),
        spent[0].tests or "–",
    )


def _leaks(measured: Measured) -> str:
    if without_leak_checks(measured) == "one":
        return "Leak checks beyond the guards' own: there are none that could be left out."
    wall, cpu = (measured.compared("one", "no leaks", share, kind) for kind in ("wall", "cpu"))
    return f"Leak checks, apart from these: {wall:+.1%} wall, {cpu:+.1%} processor."
