"""Runs every claim in every world, and lists the claims that die where no world says so: they may test too much.

No surprise is the fall of a claim whose test itself uses what the world breaks, and which is not run, nor of one that
the world's `also` names. What falls by another error than an assertion of its own says nothing wrong, and is only
counted: its scene could not be set.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from fixtures.ceiling import CEILING
from fixtures.claims import Document
from tests.mutants.engine import BROKEN, CUT, KILLED, SURVIVED, WEAK, Death, checked, deaths_in, false_in_truth
from tests.mutants.worlds import World

FEW = 5  # surprises of a world that are told as soon as it has ended


@dataclass(frozen=True)
class _Surprise:
    """A claim that died in a world that does not name it, with its loops and the first message."""

    claim: str
    world: World
    how: str
    loops: str
    message: str


def run(session: pytest.Session) -> int:
    """Print the list; the number of things that are wrong.

    So are claims that are false in the true world, worlds that are broken, and claims that stand in a world against its
    word. What is surprising is to be looked at.
    """
    started = time.perf_counter()
    document, worlds = checked(session)
    with contextlib.closing(deaths_in([None, *worlds], session.items, document, foreign=True)) as in_worlds:
        return false_in_truth(in_worlds) or _report(in_worlds, document, started)


def _report(in_worlds: Iterator[tuple[World, list[Death]]], document: Document, started: float) -> int:
    worlds, found, totals = [], [], Counter()
    for world, deaths in in_worlds:
        worlds.append(world)
        totals["worlds"] += bool(deaths)
        totals["pairs"] += sum(death.how in (KILLED, WEAK, SURVIVED) and not _cut(death) for death in deaths)
        totals["cut"] += any(map(_cut, deaths))
        for death in deaths:
            if death.how == BROKEN:
                print(f"{_title(world)}: {BROKEN}: {death.message}")
                totals["wrong"] += 1
        surprises = _surprises(world, deaths, document)
        listed = [surprise for surprise in surprises if surprise.how == KILLED]
        found += listed
        totals["weak"] += len(surprises) - len(listed)
        print(f"{_title(world)}: {len(surprises)} surprising, {sum(map(_cut, deaths))} not run", flush=True)
        for surprise in surprises[:FEW]:  # now, as it takes half an hour until the list comes
            print(f"  {surprise.how} {surprise.claim}: {surprise.message}", flush=True)
        for claim in _stand(world, deaths):
            print(f"{_title(world)}: {claim} stands, though the world says that it is false here too")
            totals["wrong"] += 1
    _list(found)
    _explain(worlds)
    print(
        f"\n{totals['worlds']} worlds, {totals['pairs']} tests run in them; {totals['cut']} worlds were cut; "
        f"{totals['weak']} weak kills; "
        f"{len(found)} surprising kills of {len({surprise.claim for surprise in found})} claims; "
        f"ceiling {CEILING:g} s; {time.perf_counter() - started:.0f} s"
    )
    return totals["wrong"]


def _cut(death: Death) -> bool:
    return death.message.startswith(f"{CUT}: ")


def _fell(death: Death, world: World) -> bool:
    """Whether a claim died in a world that does not name it."""
    return death.how in (KILLED, WEAK) and not _cut(death) and death.claim not in (*world.falsifies, *world.also)


def _stand(world: World, deaths: list[Death]) -> list[str]:
    """The claims that a world says are false in it too, and that ran and did not die."""
    dead = {death.claim for death in deaths if death.how in (KILLED, WEAK)}
    ran = {death.claim for death in deaths if death.how == SURVIVED}
    return [claim for claim in world.also if claim in ran - dead]


def _surprises(world: World, deaths: list[Death], document: Document) -> list[_Surprise]:
    """What died in a world that does not name it; one for each claim."""
    dead = defaultdict(list)
    for death in deaths:
        if _fell(death, world):
            dead[death.claim].append(death)
    found = []
    for claim, mine in dead.items():
        first = min(mine, key=lambda death: death.how != KILLED)
        loops = sorted({loop for death in mine if (loop := document.test_of(death.nodeid)[1])})
        found.append(_Surprise(claim, world, first.how, ", ".join(loops), first.message))
    return found


def _title(world: World) -> str:
    return f"{world.module.rpartition('.')[2].removeprefix('section_').replace('_', '.')} {world.name}"


def _list(found: list[_Surprise]) -> None:
    """Print the surprises, a paragraph for each claim, the most surprising first."""
    by_claim = defaultdict(list)
    for surprise in found:
        by_claim[surprise.claim].append(surprise)
    for claim, mine in sorted(by_claim.items(), key=lambda pair: -len(pair[1])):
        print(f"\n{claim} dies in {len(mine)} worlds that do not name it")
        for surprise in mine:
            loops = f" ({surprise.loops})" if surprise.loops else ""
            print(f"  {surprise.how} in {_title(surprise.world)}{loops}: {surprise.message}")


def _explain(worlds: list[World]) -> None:
    """Print the worlds in which so much falls that only what they name was run."""
    much = [world for world in worlds if world.breaks_much]
    if much:
        print("\nOnly what they name was run in worlds that break what much stands on")
    for world in much:
        print(f"  {_title(world)}: {world.breaks_much}")
