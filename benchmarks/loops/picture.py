"""The ratios as a picture (SVG): a dot with its interval for each case, on a scale on which twice and half are as far.

It has its own ground, light or dark as the reader has it, no scripts, and the fonts that are there.
"""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape

from benchmarks.loops.page import counted, others, titled, without_the_ends
from benchmarks.loops.rounds import BASE, FASTER, SLOWER, Gain, Measured

WIDTH, LEFT, RIGHT, ROW, TOP = 880, 270, 640, 22, 58  # pixels; the scale lies between LEFT and RIGHT
LINE = 110  # letters
_EXPLAINED = "Time on asyncio's loop divided by time on this one"
_STYLE = """\
svg { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif }
.ground { fill: #ffffff; stroke: #d0d7de } text { fill: #1f2328 } .quiet { fill: #59636e }
.title { font-size: 17px; font-weight: 600 } .group { font-weight: 600 } .small { font-size: 12px }
.tick { stroke: #d8dee4 } .one { stroke: #1f2328; stroke-width: 1.5 }
.faster { fill: #0969da; stroke: #0969da } .slower { fill: #bc4c00; stroke: #bc4c00 }
.none { fill: #ffffff; stroke: #59636e } .span { stroke-width: 2 } .mark { stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
.ground { fill: #0d1117; stroke: #3d444d } text { fill: #f0f6fc } .quiet { fill: #9198a1 }
.tick { stroke: #2a313c } .one { stroke: #f0f6fc }
.faster { fill: #4493f8; stroke: #4493f8 } .slower { fill: #f0883e; stroke: #f0883e }
.none { fill: #0d1117; stroke: #9198a1 }
}"""


def drawn(all_of_it: list[Measured], versions: Mapping[str, str], rounds: int, machine: list[str]) -> str:
    """The whole picture, of all loops."""
    scale = _Scale([gain for loop in others(versions) for each in all_of_it if (gain := each.gain(loop))])
    how = f"Dot: the median of {rounds} rounds; bar: {without_the_ends(rounds)}."
    explained = [f"{_EXPLAINED}: further right is faster.", how, *textwrap.wrap("; ".join(machine), LINE)]
    body, y = [], TOP + 18 * len(explained)
    for loop in others(versions):
        part, y = _of_a_loop(all_of_it, loop, titled(loop, versions[loop]), scale, y)
        body += part
    names = [titled(loop, version) for loop, version in versions.items()]
    title = f"How fast {' and '.join(names[1:])} beside {names[0]}"
    said = " ".join([f"{_EXPLAINED}.", *(counted(all_of_it, loop) for loop in others(versions))])
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img" '
        'aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(said)}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{y - 1}" rx="6"/>',
        _text(20, 32, title, "title"),
        *(_text(20, 54 + 18 * row, line, "quiet") for row, line in enumerate(explained)),
    ]
    return "\n".join([*head, *body, "</svg>"]) + "\n"


class _Scale:
    """Where a ratio lies: from half or less to twice or more, by powers of two."""

    def __init__(self, gains: list[Gain]) -> None:
        self.low = min([-1, *(math.floor(math.log2(gain.low)) for gain in gains)])
        self.high = max([1, *(math.ceil(math.log2(gain.high)) for gain in gains)])

    def __call__(self, ratio: float) -> float:
        return LEFT + (RIGHT - LEFT) * (math.log2(ratio) - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        return [2.0**power for power in range(self.low, self.high + 1)]


def _of_a_loop(all_of_it: list[Measured], loop: str, title: str, scale: _Scale, y: int) -> tuple[list[str], int]:
    """The lines of one loop from `y` on, and where they end."""
    top, rows = y + 2 * ROW, []
    below = top
    for group, cases in itertools.groupby(all_of_it, lambda measured: measured.case.group):
        rows.append(_text(20, below + 15, group, "group"))
        below += ROW
        for measured in cases:
            rows += _row(measured, loop, scale, below + 15)
            below += ROW
    lines = [_text(20, y + 38, title, "group")]
    for ratio in scale.ticks():
        kind, x = ("one" if ratio == 1 else "tick"), scale(ratio)
        lines.append(f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{below}"/>')
        lines.append(_text(x, top - 6, f"{ratio:g}", "quiet small", "middle"))
    lines.append(_text(scale(1), top - 22, f"as fast as {BASE}", "small", "middle"))
    return lines + rows, below + ROW


def _row(measured: Measured, loop: str, scale: _Scale, y: int) -> Iterator[str]:
    gain = measured.gain(loop)
    yield _text(32, y, measured.case.title)
    if gain is None:
        words = "not measured" if measured.why_not else "cannot"
        yield f"<g><title>{escape(measured.says(loop))}</title>{_text(RIGHT + 20, y, words, 'quiet')}</g>"
        return
    kind = {FASTER: "faster", SLOWER: "slower"}.get(gain.verdict, "none")
    ends = f'x1="{scale(gain.low):.1f}" x2="{scale(gain.high):.1f}"'
    yield f'<line class="span {kind}" {ends} y1="{y - 4}" y2="{y - 4}"/>'
    yield _mark(kind, scale(gain.median), y - 4)
    yield _text(RIGHT + 20, y, f"{gain.median:.2f}")
    yield _text(RIGHT + 62, y, gain.verdict, "quiet")


def _mark(kind: str, x: float, y: float) -> str:
    """A dot; one for slower is a square, so that it is told without its colour too."""
    if kind == "slower":
        return f'<rect class="mark {kind}" x="{x - 4:.1f}" y="{y - 4}" width="8" height="8"/>'
    return f'<circle class="mark {kind}" cx="{x:.1f}" cy="{y}" r="4.5"/>'


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    classes = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y}"{classes} text-anchor="{anchor}">{escape(words)}</text>'
