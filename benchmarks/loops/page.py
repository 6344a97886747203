"""The figures as a page: for each loop beside asyncio's every case, what it gains, and where it gains nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from benchmarks.loops.rounds import BASE, FASTER, NO_DIFFERENCE, SLOWER, Gain, Measured, left_out
from benchmarks.page import table

PICTURE = "pictures/loops.svg"
HEAD = ("what", "one", BASE, "loop", "ratio", "of the rounds", "processor", "verdict")
_EXPLAINED = """\
The same work on each loop, in turn: {rounds} rounds, in which the loops take turns at being first; a fresh process for
each loop, case and round, which warms up before it is measured. *ratio* is asyncio's time by the loop's, 2 is twice as
fast: the median of what each round gives. *of the rounds* says from where to where these lie, {without}; where that has
1 in it, there is {no_difference}. Times are wall time, of one piece of the work; *processor* is the ratio of
processor time, which what else the machine does moves less, and which leaves out what others work for the loop.

In the echoes ten connections are busy at once, and both ends are on the loop: much of that time is the kernel's, which
is the same for all. asyncio asks for 256 KiB of memory for each piece that it receives, uvloop has one buffer for all.
glibc gets such a block from the kernel each time, until the process has freed a larger one: *in new memory* is before
that, all other cases are after it.

Of the timers that are cancelled each is set, outlives one pass of the loop, and is cancelled. In the article's requests
much of the time is the client library's, the framework's and the server's; `/red` is without the article's sleep of
three seconds, which is as long on every loop."""


def without_the_ends(rounds: int) -> str:
    """How the interval is taken, in words."""
    out = left_out(rounds)
    return f"without the {out} least and the {out} greatest" if out else "from the least to the greatest"


def titled(loop: str, version: str) -> str:
    return f"{loop} {version}".rstrip()


def others(versions: Mapping[str, str]) -> list[str]:
    """The loops that are compared with asyncio's."""
    return [loop for loop in versions if loop != BASE]


def rows(all_of_it: Iterable[Measured], loop: str) -> Iterator[tuple[str, ...]]:
    """A row a case, as HEAD says."""
    for measured in all_of_it:
        gain, case = measured.gain(loop), measured.case
        if gain is None:
            yield case.title, case.piece, "–", "–", "–", "–", "–", measured.says(loop)
        else:
            times = measured.a_piece(BASE), measured.a_piece(loop)
            yield case.title, case.piece, *times, *_ratios(gain, measured.gain(loop, "cpu")), gain.verdict


def _ratios(wall: Gain, processor: Gain | None) -> tuple[str, str, str]:
    of_processor = f"{processor.median:.2f}" if processor else "–"
    return f"{wall.median:.2f}", f"{wall.low:.2f} to {wall.high:.2f}", of_processor


def counted(all_of_it: Iterable[Measured], loop: str) -> str:
    """A sentence for each verdict: in how many cases a loop is faster, and which those are in which it is not."""
    by_verdict: dict[str, list[str]] = {FASTER: [], NO_DIFFERENCE: [], SLOWER: [], "": []}
    for measured in all_of_it:
        gain = measured.gain(loop)
        by_verdict[gain.verdict if gain else ""].append(measured.case.title)
    known = sum(len(titles) for verdict, titles in by_verdict.items() if verdict)
    said = [f"{loop} is faster in {len(by_verdict[FASTER])} of {known} cases."]
    for verdict, begins in ((NO_DIFFERENCE, "No difference to be told"), (SLOWER, "Slower"), ("", "Without figures")):
        if by_verdict[verdict]:
            said.append(f"{begins}: {'; '.join(by_verdict[verdict])}.")
    return " ".join(said)


def aligned(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """A table for a terminal."""
    cells = [list(head), *map(list, lines)]
    # A last cell may be a long reason: nothing stands after it.
    widths = [max(map(len, column)) for column in zip(*cells)][:-1]
    return "\n".join("  ".join([*map(str.ljust, line, widths), line[-1]]).rstrip() for line in cells)


def for_a_terminal(all_of_it: list[Measured], versions: Mapping[str, str]) -> str:
    parts = []
    for loop in others(versions):
        parts += [titled(loop, versions[loop]), "", aligned(HEAD, rows(all_of_it, loop)), ""]
        parts += [counted(all_of_it, loop), ""]
    return "\n".join(parts)


def written(
    all_of_it: list[Measured], versions: Mapping[str, str], rounds: int, machine: list[str], command: str
) -> str:
    """The whole page; `command` is what makes it anew."""
    explained = _EXPLAINED.format(rounds=rounds, without=without_the_ends(rounds), no_difference=NO_DIFFERENCE)
    lines = [f"<!-- Made by: {command} -->", "", "# How fast the loops are beside asyncio's", ""]
    lines += [f"![What each case gains]({PICTURE})", "", explained]
    for loop in others(versions):
        lines += ["", f"## {titled(loop, versions[loop])}", "", counted(all_of_it, loop), ""]
        lines += table(HEAD, rows(all_of_it, loop))
    lines += ["", "## The machine", "", *(f"- {line}" for line in machine)]
    return "\n".join(lines) + "\n"
