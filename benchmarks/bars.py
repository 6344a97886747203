"""What is expected of the figures: each bar as data, and whether it is met."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import sub, truediv

from benchmarks.turns import Measured


def share(more: float, less: float) -> float:
    """By how much of `less` `more` is greater."""
    return (more - less) / less


def without_leak_checks(measured: Measured) -> str:
    """The name of the case in which nothing is left out but, where there are any, the leak checks."""
    return "no leaks" if "no leaks" in measured.spent else "one"


@dataclass(frozen=True)
class Bar:
    """`figure` has to be below `below`; `kind` is wall or cpu, `form` how a figure is written."""

    says: str
    below: float
    form: str
    figure: Callable[[Measured, str], float | None]

    def verdict(self, measured: Measured) -> str:
        figure = self.figure(measured, "wall")
        if figure is None:
            return "not measured"
        return "met" if figure < self.below else "MISSED"

    def written(self, measured: Measured, kind: str = "wall") -> str:
        figure = self.figure(measured, kind)
        return "–" if figure is None else self.form.format(figure)


def _of_servers(whose: str, suffix: str) -> tuple[Bar, ...]:
    """The bars for what a user waits, of the cases whose names end so."""
    none, embedded, docker = (f"{kind}{suffix}" for kind in ("none", "embedded", "docker"))
    return (
        Bar(f"{whose} without servers under 3 s", 3.0, "{:.2f} s", lambda m, kind: m.median(none, kind)),
        Bar(f"{whose} without servers under 2 s, the goal", 2.0, "{:.2f} s", lambda m, kind: m.median(none, kind)),
        Bar(f"{whose} with embedded servers under 4.5 s", 4.5, "{:.2f} s", lambda m, kind: m.median(embedded, kind)),
        Bar(
            f"{whose} with Docker under 1 s more than MySQL's own image takes to accept a login",
            1.0,
            "{:+.2f} s",
            lambda m, kind: m.compared(docker, "mysql", sub, kind),
        ),
    )


# The first bars were set when the document had the claims of the article and no others.
BARS = (
    *_of_servers("the article's claims", ", article"),
    *_of_servers("all claims", ""),
    Bar(
        "`-n 2` faster than one process",
        1.0,
        "× {:.2f}",
        lambda m, kind: m.compared("two", "one", truediv, kind),
    ),
    Bar(
        "reporting and catalogue under 10 %",
        0.10,
        "{:+.1%}",
        lambda m, kind: m.compared(without_leak_checks(m), "bare", share, kind),
    ),
    Bar(
        "ten times the claims under eleven times the time",
        11.0,
        "× {:.2f}",
        lambda m, kind: m.compared("ten times", "once", truediv, kind),
    ),
)
