"""What is measured: each case with its command, how often it is run, and why it cannot be, where it cannot."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import bare, generated, mysql_alone
from benchmarks.processes import Broken, Spent, measure

LEAKS = "fixtures.leaks"  # the plugin with the leak checks, by its name in conftest.py
RUN = (sys.executable, "-m", "pytest", "-q")
PYTEST = (*RUN, "spec")
NONE = (*PYTEST, "--servers=none")
OF_THE_ARTICLE = "c[0-6]_*"  # the chapters with its claims; those after them are on any event loop


@dataclass(frozen=True)
class Case:
    """One thing to measure: `once` runs it one time; `why_not`, if not empty, says why it is not measured."""

    name: str
    title: str
    rounds: int
    once: Callable[[], Spent]
    why_not: str = ""


@dataclass(frozen=True)
class Extent:
    """How much is measured: rounds of what is quick, of what starts containers and of what is generated."""

    rounds: int
    of_docker: int
    of_generated: int
    claims: int  # of the generated document, before it is made ten times as long


FULL = Extent(rounds=6, of_docker=5, of_generated=3, claims=380)
QUICK = Extent(rounds=2, of_docker=1, of_generated=1, claims=100)


def prepare(project: Path, scratch: Path, extent: Extent) -> list[Case]:
    """Make what the cases need in `scratch`, warm the caches, and return the cases in turn. Raises Broken."""
    listing = scratch / "tests.txt"
    printed = [_printed((*NONE, option), project) for option in ("--collect-only", "-rx")]
    listing.write_text("\n".join(printed), encoding="utf-8")
    measure((*PYTEST, "--servers=embedded", "--results", str(scratch / "results.json")), project)
    return [*_of_servers(project, extent), *_of_the_document(project, listing, extent), *_of_growth(scratch, extent)]


def has_leak_checks(project: Path) -> bool:
    """Whether the project's conftest.py names the plugin with the leak checks."""
    return f'"{LEAKS}"' in (project / "conftest.py").read_text(encoding="utf-8")


def _of_the_document(project: Path, listing: Path, extent: Extent) -> Iterator[Case]:
    def case(name: str, title: str, *options: str) -> Case:
        return Case(name, title, extent.rounds, lambda: measure((*NONE, *options), project))

    without_leaks = ("-p", f"no:{LEAKS}") if has_leak_checks(project) else ()
    yield case("two", "all, without servers, with `-n 2`", "-n", "2")
    yield case("one", "the same with `-n 0`: one process", "-n", "0")
    if without_leaks:
        yield case("no leaks", "that without the leak checks", "-n", "0", *without_leaks)
    left_out = "catalogue, checklist and leak checks" if without_leaks else "catalogue and checklist"
    blocked = (*without_leaks, *bare.OPTIONS, "--bare", str(listing))
    yield case("bare", f"the same tests in one process without {left_out}", "-n", "0", *blocked)


def _of_servers(project: Path, extent: Extent) -> Iterator[Case]:
    article = [f"spec/{chapter.name}" for chapter in sorted((project / "spec").glob(OF_THE_ARTICLE))]
    why_not = mysql_alone.why_not_docker()

    def both(kind: str, more: str, rounds: int, why_not: str = "") -> Iterator[Case]:
        for name, paths, shown in ((kind, ["spec"], "spec"), (f"{kind}, article", article, f"spec/{OF_THE_ARTICLE}")):
            command = (*RUN, *paths, f"--servers={kind}")
            title = f"`pytest {shown} -q --servers={kind}`{more}"
            yield Case(name, title, rounds, lambda command=command: measure(command, project), why_not)

    yield from both("none", ": three processes for every two cores", extent.rounds)
    yield from both("embedded", ", cache warm", extent.rounds)
    yield from both("docker", ", images here", extent.of_docker, why_not)
    alone = "MySQL's image alone, from `docker run` to an accepted login"
    yield Case("mysql", alone, extent.of_docker, mysql_alone.measure, why_not)


def _of_growth(scratch: Path, extent: Extent) -> Iterator[Case]:
    project = Path(__file__).resolve().parent.parent
    for name, times in (("once", 1), ("ten times", 10)):
        root, claims = scratch / name.replace(" ", "-"), extent.claims * times
        generated.write(root, project, claims)
        _printed((*NONE, "--collect-only"), root)  # has the tests compiled
        title = f"a generated document of {claims} small claims"
        yield Case(name, title, extent.of_generated, lambda root=root: measure(NONE, root))


def _printed(command: tuple[str, ...], folder: Path) -> str:
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if ended.returncode:
        last = (ended.stdout.strip().splitlines() or ["nothing"])[-1]
        raise Broken(f"{' '.join(command)}: ended with status {ended.returncode}; it said last: {last}")
    return ended.stdout
