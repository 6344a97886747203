"""Runs claims in worlds, each a child forked after collection, and says how each claim died, if it did."""

from __future__ import annotations

import ast
import contextlib
import ctypes
import faulthandler
import inspect
import json
import os
import selectors
import signal
import sys
import tempfile
import textwrap
import time
import traceback
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import IO

import _pytest
import pytest

import fixtures
from fixtures import programs
from fixtures.ceiling import CEILING
from fixtures.claims import DOCUMENT, Document, NotHere
from fixtures.forks import cores, make_shared_folder
from fixtures.garbage import collect, freeze
from tests.mutants.standing import stands_on
from tests.mutants.worlds import Patch, World, all_worlds, enter

KILLED, WEAK, SURVIVED, NOT_RUN = "killed", "weak", "SURVIVED", "not run"
BROKEN = "BROKEN"  # the world itself: it could not be entered, or its process died
HANGS_BEFORE_CUT, CUT = 5, "cut"
AT_A_TIME = 6  # worlds for each core, with their own claims: many of these wait for a ceiling, and need no core
STRIDE = 37  # worlds from one that is run to the next: those that wait stand together in their sections
SHARES = 4  # children that run the true world: all tests, one after another, take longer than all worlds
WORDS = 60  # lines: as much of what a process said before its death is told
SILENCE = 5 * CEILING  # seconds after which a world that tells nothing is given up; a claim ends within three
HUGE_PAGE, MADV_COLLAPSE = 2 << 20, 25  # bytes; of Linux since 6.1
# Where an assertion of the claim's own is raised.
_OWN = [
    Path(__file__).resolve().parents[2] / "spec",
    *(Path(each.__file__).resolve().parent for each in (fixtures, _pytest)),
]


@dataclass(frozen=True)
class Death:
    """What became of one claim's test in a world."""

    claim: str
    nodeid: str
    how: str
    message: str


@dataclass
class _Child:
    """A forked process that is a world, the pipe it tells its deaths through, and what it said beside that."""

    world: World | None
    pid: int
    pipe: int
    said: IO[bytes]
    heard: bytes = b""
    heard_at: float = field(default_factory=time.monotonic)


def run(session: pytest.Session) -> int:
    """Run all worlds over the collected tests and print how each claim died; the number of things that are wrong."""
    started = time.perf_counter()
    document, worlds = checked(session)
    with contextlib.closing(deaths_in([None, *worlds], session.items, document)) as found:
        return false_in_truth(found) or _report(dict(found), document, started)


def checked(session: pytest.Session) -> tuple[Document, list[World]]:
    """The document and its worlds; UsageError where they do not fit together."""
    document, worlds = session.config.stash[DOCUMENT], all_worlds()
    problems = list(_unfit(worlds, document))
    if problems:
        raise pytest.UsageError("\n".join(problems))
    return document, worlds


def false_in_truth(found: Iterator[tuple[World | None, list[Death]]]) -> int:
    """Take the true world, the first; print which tests do not pass in it, as what they do elsewhere is no proof.

    Returns their number.
    """
    _, deaths = next(found)
    control = [death for death in deaths if death.how != SURVIVED]
    for death in control:
        print(f"in the true world {death.nodeid} did not pass: {death.message}")
    return len(control)


def _unfit(worlds: list[World], document: Document) -> Iterator[str]:
    """Yield where worlds and catalogue do not fit together."""
    covered = set()
    for world in worlds:
        covered.update(world.falsifies)
        for claim in (*world.falsifies, *world.also):
            if claim not in document.claims:
                yield f"{world.module}: world {world.name!r} falsifies an unknown claim '{claim}'"
    for id, claim in document.claims.items():
        if id in covered and claim.no_mutant:
            yield f"{claim.where}: [{id}] has a world; remove its 'no-mutant'"
        if id not in covered and not claim.pending and not claim.no_mutant:
            yield f"{claim.where}: [{id}] has neither a world in tests/mutants/worlds nor 'no-mutant'"


def deaths_in(
    worlds: list[World | None], items: list[pytest.Item], document: Document, foreign: bool = False
) -> Iterator[tuple[World | None, list[Death]]]:
    """Run every world in a child of its own, and yield what became of its claims, in the order of worlds.

    None is the true world. With `foreign`, claims that a world does not name are run in it too, except where nothing
    would be learnt from their fall.
    """
    claims = {item: claim for item in items if (claim := _claim_of(item, document))}
    for item in items if foreign else ():
        stands_on(item)  # what it looks up is kept, for each child
    make_shared_folder(items)
    collect()  # what is free in between is given back here, and not in each child, which would copy it for that
    freeze()  # the worlds, too, are never garbage
    _use_huge_pages()
    waiting = sorted(_shares(worlds, claims, foreign), key=_when)
    running, ended, due = Counter(world for world, _ in waiting), defaultdict(list), list(worlds)
    with selectors.DefaultSelector() as selector, _ended_at_last(selector):
        while waiting or selector.get_map():
            while waiting and len(selector.get_map()) < (cores() if foreign else AT_A_TIME * cores()):
                child = _fork(*waiting.pop(0), foreign)
                selector.register(child.pipe, selectors.EVENT_READ, child)
            for key, _ in selector.select(SILENCE):
                child = key.data
                data = os.read(child.pipe, 65536)
                child.heard, child.heard_at = child.heard + data, time.monotonic()
                if not data:
                    selector.unregister(child.pipe)
                    ended[child.world] += _ended(child)
                    running[child.world] -= 1
            for key in selector.get_map().values():
                if time.monotonic() - key.data.heard_at > SILENCE:
                    os.kill(key.data.pid, signal.SIGKILL)  # blocked where no ceiling reaches; it is heard of as ended
            while due and not running[due[0]]:
                yield due[0], ended.pop(due.pop(0), [])


_Share = tuple[World | None, dict[pytest.Item, str]]  # what one child runs: a world and, with their claims, tests


def _shares(worlds: list[World | None], claims: dict[pytest.Item, str], foreign: bool) -> Iterator[_Share]:
    """Yield what each child is to run, in an order in which worlds that wait are not side by side."""
    for world in (world for first in range(STRIDE) for world in worlds[first::STRIDE]):
        if world:
            named = {item: claim for item, claim in claims.items() if claim in world.falsifies}
            yield world, claims if foreign and named else named
        else:
            items, share = list(claims), len(claims) // SHARES + 1
            for first in range(0, len(items), share):
                yield world, {item: claims[item] for item in items[first : first + share]}


def _when(share: _Share) -> tuple[bool, int]:
    """First the true world, which what is told of others waits for; what may take the longest is not to be the last."""
    world, tests = share
    return world is not None, -len(tests)


def _use_huge_pages() -> None:
    """Have this process's memory in huge pages, where Linux can: a fork takes time for each page, of 25 000 else."""
    if sys.platform != "linux":
        return
    advise = ctypes.CDLL(None).madvise
    with open("/proc/self/maps") as maps:
        for line in maps:
            place, rights, _, _, _, *name = line.split()
            if rights == "rw-p" and name in ([], ["[heap]"]):
                first, last = (int(end, 16) for end in place.split("-"))
                first, last = -(-first // HUGE_PAGE) * HUGE_PAGE, last // HUGE_PAGE * HUGE_PAGE
                if first < last:  # an older Linux refuses, and all is as it was
                    advise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), MADV_COLLAPSE)


@contextlib.contextmanager
def _ended_at_last(selector: selectors.BaseSelector) -> Iterator[None]:
    """Leave no child behind, also where nobody wants to know more of the worlds."""
    try:
        yield
    finally:
        for key in selector.get_map().values():
            os.kill(key.data.pid, signal.SIGKILL)
            os.close(key.data.pipe)
            key.data.said.close()
            os.waitpid(key.data.pid, 0)


def _ended(child: _Child) -> list[Death]:
    os.close(child.pipe)
    deaths = [Death(*json.loads(line)) for line in child.heard.splitlines()]
    status = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
    with child.said as said:
        if status:
            said.seek(0)
            last = b"\n".join(said.read().splitlines()[-WORDS:]).decode(errors="replace")
            deaths.append(Death("", "", BROKEN, f"its process ended with status {status}\n{last}"))
    return deaths


def _fork(world: World | None, mine: dict[pytest.Item, str], foreign: bool) -> _Child:
    if world:
        programs.know(world.imports)
    read, write = os.pipe()
    said = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the child has ended
    pid = os.fork()
    if pid:
        os.close(write)
        return _Child(world, pid, read, said)
    status = 1
    try:
        os.close(read)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor, target in enumerate((null, null, said.fileno())):
            os.dup2(target, descriptor)
        faulthandler.enable(2)
        with os.fdopen(write, "w", buffering=1) as tell:
            try:
                for death in _deaths(world, mine, foreign):
                    tell.write(json.dumps(astuple(death)) + "\n")
            except BaseException:
                tell.write(json.dumps(astuple(Death("", "", BROKEN, traceback.format_exc()))) + "\n")
        status = 0
    finally:
        os._exit(status)


def _deaths(world: World | None, mine: dict[pytest.Item, str], foreign: bool) -> Iterator[Death]:
    """In the child: enter the world, run these tests, each given with its claim, and yield how each went."""
    if world and mine:  # a world of libraries that are not here cannot be entered
        programs.PRELUDE = world.prelude
        patch = enter(world.module, world.name)
        mine = dict(_telling(world, mine, patch))
    hangs, promised, dead = 0, None, set()
    for item, following in zip(mine, [*list(mine)[1:], None]):
        of_a_claim = mine[item], _loop_of(item)
        if of_a_claim in dead:
            continue
        if promised not in (item, None):  # what was passed over is not what the one before has left things for
            item.session._setupstate.teardown_exact(item)
        promised = following
        WATCHER.forget()
        item.repr_failure = _in_no_words
        if hangs < HANGS_BEFORE_CUT:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        else:
            WATCHER.saw(WEAK, f"{CUT}: {hangs} claims hung before it")
        hangs += "did not end within" in WATCHER.message
        if world and not foreign and WATCHER.how == KILLED:
            dead.add(of_a_claim)  # on this loop, and more tests of it would tell nothing
        if WATCHER.applies:
            yield Death(mine[item], item.nodeid, WATCHER.how, WATCHER.message)


def _in_no_words(_failure: pytest.ExceptionInfo) -> str:
    """Stand for pytest's account of a failure, which nobody reads here and takes longer than most tests."""
    return ""


def _telling(world: World, tests: dict[pytest.Item, str], patch: Patch) -> Iterator[tuple[pytest.Item, str]]:
    """Yield the tests of claims that the world names, as their source is in it, and others whose fall would surprise.

    Nobody is surprised by the fall of one that itself uses what is broken, nor by any where much stands on that.
    """
    for item, claim in tests.items():
        changed = _changed(item, patch)
        if claim in (*world.falsifies, *world.also):
            if changed is not None:
                _put(item, changed)
            yield item, claim
        elif changed is None and not world.breaks_much and not stands_on(item) & patch.broken:
            yield item, claim


def _claim_of(item: pytest.Item, document: Document) -> str | None:
    test, _ = document.test_of(item.nodeid)
    return test.claim if test else None


def _loop_of(item: pytest.Item) -> str | None:
    return item.config.stash[DOCUMENT].test_of(item.nodeid)[1]


def _changed(item: pytest.Item, patch: Patch) -> ast.Module | None:
    """The source of a test's function as this world has it; None where that is what it is."""
    if not patch.transformers:
        return None
    tree = ast.parse(textwrap.dedent(inspect.getsource(item.function)))
    tree.body[0].decorator_list = []
    before = ast.dump(tree)
    for transformer in patch.transformers:
        tree = ast.fix_missing_locations(transformer.visit(tree))
    return tree if ast.dump(tree) != before else None


def _put(item: pytest.Item, tree: ast.Module) -> None:
    """Replace the test's function by one made from this source; what its assertions say is not told here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a changed source may be odd, such as `3 is None`
        code = compile(tree, item.path, "exec")
    namespace = item.function.__globals__
    exec(code, namespace)
    item.obj = namespace[item.function.__name__]


class _Watcher:
    """Listens to the reports of one test after another and judges how it died."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Be ready for the next test."""
        self.how, self.message, self.applies = NOT_RUN, "", True

    def saw(self, how: str, message: str) -> None:
        if self.how not in (KILLED, WEAK):
            self.how, self.message = how, message

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
        report = yield
        if hasattr(report, "deviates"):
            self.applies = False  # it fails in the true world as well
        elif report.failed:
            lines = str(call.excinfo.value).strip().splitlines() or [call.excinfo.typename]
            self.saw(KILLED if call.when == "call" and _by_assertion(call.excinfo) else WEAK, lines[0])
        elif call.when == "call" and report.passed:
            self.saw(SURVIVED, "")
        elif report.skipped and call.excinfo.errisinstance(NotHere):
            self.applies = False
        elif report.skipped:
            self.saw(NOT_RUN, str(call.excinfo.value))
        return report


WATCHER = _Watcher()


def _by_assertion(failure: pytest.ExceptionInfo) -> bool:
    """Whether the claim said itself that it is false; a guard that ends it, or any other error, is an accident."""
    if failure.type not in (AssertionError, pytest.fail.Exception):
        return False
    place = Path(str(failure.traceback[-1].path)).resolve()
    return any(place.is_relative_to(own) for own in _OWN) and place.name != "guards.py"


def _by_loop(deaths: list[Death], document: Document) -> dict[str | None, Death]:
    """What became of one claim on each loop: it dies if any of its tests there does, best by its own assertion."""
    loop_of = {death.nodeid: document.test_of(death.nodeid)[1] for death in deaths}
    loops = [loop for loop in dict.fromkeys(loop_of.values()) if loop is not None] or ([None] if deaths else [])
    order = (KILLED, WEAK, SURVIVED, NOT_RUN)
    return {
        loop: min((d for d in deaths if loop_of[d.nodeid] in (loop, None)), key=lambda d: order.index(d.how))
        for loop in loops
    }


def _report(deaths: dict[World, list[Death]], document: Document, started: float) -> int:
    """Print claim × world; the number of claims that survived a world in which their claim is false."""
    totals = {KILLED: 0, WEAK: 0, SURVIVED: 0, NOT_RUN: 0, BROKEN: 0}
    wrong = []
    section = None
    for world, tests in deaths.items():
        if world.module != section:
            section = world.module
            print(f"\n{section.rpartition('.')[2].replace('_', ' ')}")
        print(f"  {world.name}")
        for death in (death for death in tests if death.how == BROKEN):
            totals[BROKEN] += 1
            print(f"    {BROKEN}")
            wrong.append(f"{world.module}: {world.name!r} is {BROKEN}: {death.message}")
        for claim in world.falsifies:
            mine = [death for death in tests if death.claim == claim]
            for loop, death in _by_loop(mine, document).items():
                totals[death.how] += 1
                why = f": {death.message}" if death.how in (WEAK, NOT_RUN) else ""
                print(f"    {death.how:<9}{loop or '':<8} {claim}{why}")
                if death.how in (SURVIVED, NOT_RUN):
                    wrong.append(f"{world.module}: {death.nodeid} {death.how} in {world.name!r}{why}")
            if not mine:
                print(f"    does not apply here: {claim}")
    print("", *wrong, sep="\n")  # together, and last, where whoever looks at the end of a log finds them
    unmade = [claim.id for claim in document.claims.values() if claim.no_mutant]
    print(f"\n{len(deaths)} worlds, {len(unmade)} claims for which none can be made")
    print(f"claim × world × loop: {', '.join(f'{count} {how}' for how, count in totals.items())}; ", end="")
    print(f"ceiling {CEILING:g} s; {time.perf_counter() - started:.1f} s")
    failed = totals[SURVIVED] + totals[NOT_RUN] + totals[BROKEN]
    print(f"mutants: {totals[KILLED] + totals[WEAK]} passed, {failed} failed")
    return failed
