"""What is measured of loops: each case as data, and what it needs that may not be here."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.loops import apart
from benchmarks.processes import Spent

NO_WRK = "wrk is not on PATH; on Debian `apt install wrk` brings it"
KIB = 1024
_IN_NEW_MEMORY = "benchmarks.loops.echo:in_new_memory"
_SOCKETS, _INSIDE, _BESIDE, _ARTICLE = "Sockets", "Callbacks and tasks", "Beside the loop", "The article's requests"


@dataclass(frozen=True)
class Case:
    """One kind of work: `once(recipe, given, extent)` does it on one loop, and tells the seconds of one piece of it.

    `needs` names what has to be `given`; `wrk` says whether it has to be on PATH.
    """

    title: str
    group: str
    piece: str
    once: Callable[[str, Mapping[str, dict], Extent], Spent]
    needs: tuple[str, ...] = ()
    wrk: bool = False

    def why_not(self, absent: Mapping[str, str]) -> str:
        """Why it cannot be measured on any loop, by what is `absent` and why; empty where it can."""
        if self.wrk and shutil.which("wrk") is None:
            return NO_WRK
        return next((absent[need] for need in self.needs if need in absent), "")


@dataclass(frozen=True)
class Extent:
    """How much is measured: rounds, the part of each case's work that is done, and how long wrk asks."""

    rounds: int
    part: float = 1.0
    of_wrk: int = 1  # seconds


FULL = Extent(rounds=11)
QUICK = Extent(rounds=3, part=0.25)


@dataclass(frozen=True)
class _Scene:
    """The work of one scene, `times` pieces of it, with options and with what is given to it."""

    place: str
    times: int
    options: dict = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    def __call__(self, recipe: str, given: Mapping[str, dict], extent: Extent) -> Spent:
        options = self.options | _of(given, self.needs)
        return apart.scene(self.place, options, recipe, max(1, round(self.times * extent.part)))


def _of(given: Mapping[str, dict], needs: tuple[str, ...]) -> dict:
    return functools.reduce(dict.__or__, (given[need] for need in needs), {})


def scene(title: str, group: str, piece: str, place: str, times: int, needs: tuple[str, ...] = (), **options) -> Case:
    """A case that is a scene; on asyncio its `times` pieces take some tenths of a second."""
    return Case(title, group, piece, _Scene(place, times, options, needs), needs)


def _echo(protocol: str, ends: str, kib: int, times: int) -> Case:
    title = f"{protocol} echo, {kib} KiB, {ends}"
    place = f"benchmarks.loops.echo:{ends}"
    return scene(title, _SOCKETS, "round trip", place, times, size=kib * KIB, tls=protocol == "TLS")


def _site(title: str, path: str, needs: tuple[str, ...] = ()) -> Case:
    def once(recipe: str, given: Mapping[str, dict], extent: Extent) -> Spent:
        return apart.wrk(path, _of(given, needs), recipe, extent.of_wrk)

    return Case(title, _ARTICLE, "request", once, needs, wrk=True)


CASES = (
    *(_echo("TCP", ends, 1, times) for ends, times in (("protocols", 4000), ("streams", 2000))),
    scene("TCP echo, 1 KiB, in new memory", _SOCKETS, "round trip", _IN_NEW_MEMORY, 2000, size=KIB),
    *(_echo("TCP", ends, 64, times) for ends, times in (("protocols", 1000), ("streams", 1000))),
    *(_echo("TLS", ends, 1, times) for ends, times in (("protocols", 1500), ("streams", 1000))),
    *(_echo("TLS", ends, 64, times) for ends, times in (("protocols", 400), ("streams", 300))),
    scene("call_soon, one after another", _INSIDE, "callback", "benchmarks.loops.inside:call_soon", 100_000),
    scene("timers that run", _INSIDE, "timer", "benchmarks.loops.inside:timers", 40_000),
    scene("timers that are cancelled", _INSIDE, "timer", "benchmarks.loops.inside:timeouts", 40_000),
    scene("two tasks in turn", _INSIDE, "switch", "benchmarks.loops.inside:switching", 100_000),
    scene("gather of 10,000", _INSIDE, "gather", "benchmarks.loops.inside:gathering", 4, width=10_000),
    scene("awaiting what never suspends", _INSIDE, "await", "benchmarks.loops.inside:awaiting", 1_000_000),
    scene("executor, there and back", _BESIDE, "call", "benchmarks.loops.inside:executor", 4000),
    scene("subprocess, there and back", _BESIDE, "process", "benchmarks.loops.inside:children", 60),
    scene("Redis: a hash stored and read", _ARTICLE, "request", "benchmarks.loops.stored:hashes", 600, ("redis",)),
    _site("FastAPI: /, by wrk", "/"),
    _site("FastAPI: /red, by wrk, with Redis", "/red", ("redis",)),
)  # fmt: skip
