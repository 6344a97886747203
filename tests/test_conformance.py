"""The report for authors of event loops: what it finds of planted faults, what it says, and when it refuses to."""

import json
import os
import subprocess
import sys

import pytest

from fixtures.checklist.words import LANGUAGES
from tests.conftest import ROOT, entry

PLANTED = """
import asyncio, contextvars, os, threading

class Cancelled(asyncio.TimerHandle):
    def cancel(self):
        pass  # the first fault: a timer that is cancelled goes off all the same

class Planted(asyncio.SelectorEventLoop):
    def call_at(self, when, callback, *args, context=None):
        timer = super().call_at(when, callback, *args, context=context)
        timer.__class__ = Cancelled
        return timer

    def call_soon(self, callback, *args, context=None):
        # The second: a context that is given is not used.
        return super().call_soon(callback, *args, context=None if context is None else contextvars.copy_context())

    async def connect_read_pipe(self, factory, pipe):
        os.abort()  # the third ends the process

    async def sock_recv(self, sock, count):
        signal_mask()
        threading.Event().wait()  # the fourth hangs, where no handler of a signal runs

    def remove_reader(self, sock):
        return False  # the fifth keeps readers

def signal_mask():
    import signal
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
"""
FAULTS = {
    "cancelled-handle-is-never-run": "failed",
    "callback-runs-in-the-context-it-is-given": "failed",
    "read-pipe-tells-data-and-its-end": "crashed",
    "sock-recv-waits-without-holding-anyone-up": "hung",
    "removed-reader-is-not-called": "failed",
}


def report(folder, *arguments, ceiling="3"):
    command = [sys.executable, "-m", "fixtures.checklist", "conformance", *arguments]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "COLUMNS": "80"}
    environment |= {"ASYNCIO_SPEC_CEILING": ceiling, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8")


def test_each_of_five_planted_faults_is_found_and_the_control_keeps_all(tmp_path):
    (tmp_path / "planted.py").write_text(PLANTED)
    (tmp_path / "spec").symlink_to(ROOT / "spec")
    for name in ("conftest.py", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    files = [part for kind in ("json", "markdown", "html") for part in (f"--{kind}", str(tmp_path / f"out.{kind}"))]
    of_these = " or ".join(("7_1", "7_5"))

    ended = report(tmp_path, "--loop", "planted=planted:Planted", *files, "--", "-k", of_these, "--servers", "none")

    assert ended.returncode == 1, ended.stderr
    made = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    found = {claim["id"]: claim["found"] for area in made["areas"] for claim in area["claims"]}
    planted = {id: each["planted"] for id, each in found.items() if "planted" in each}
    broken = {id: each["outcome"] for id, each in planted.items() if each["kind"] == "not kept"}
    assert FAULTS.items() <= broken.items()
    assert {each["asyncio"]["kind"] for each in found.values() if "asyncio" in each} == {"kept"}
    assert "planted does not keep what it must" in ended.stdout
    markdown = (tmp_path / "out.markdown").read_text(encoding="utf-8")
    for id in FAULTS:
        assert f"[{id}]" in ended.stdout
        assert f"`{id}`" in markdown
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "its process was ended by SIGABRT" in page
    assert "its process told nothing for 7 s and was ended" in page


LOOPS = """
import asyncio, os

class Forgetful(asyncio.SelectorEventLoop):
    def call_soon_threadsafe(self, *arguments, **more):
        raise RuntimeError("forgotten")

class Good(asyncio.SelectorEventLoop):
    pass

class Untidy(asyncio.SelectorEventLoop):
    def call_soon_threadsafe(self, *arguments, **more):
        os.pipe()
        return super().call_soon_threadsafe(*arguments, **more)

class LeavesAlways(asyncio.SelectorEventLoop):
    def close(self):
        super().close()
        os.pipe()
"""
TESTS = """
@claim("promised")
async def test_promised():
    asyncio.get_running_loop().call_soon_threadsafe(int)

@claim("of-today")
async def test_of_today():
    asyncio.get_running_loop().call_soon_threadsafe(int)

@claim("kept")
async def test_kept(): pass

@claim("on-no-loop")
def test_on_no_loop():
    raise AssertionError("this is about no loop")
"""


@pytest.fixture
def house_of_loops(house):
    house.write("their.py", LOOPS)
    promised = {"basis": "documented", "reference": "library/asyncio-eventloop#x"}
    house.claims(entry("promised", **promised), entry("of-today"), entry("kept", **promised), entry("on-no-loop"))
    house.tests(TESTS)
    return house


def kinds(house, loop, *arguments):
    ended = report(house.path, "--loop", f"theirs=their:{loop}", "--json", "out.json", *arguments)
    made = json.loads((house.path / "out.json").read_text(encoding="utf-8"))
    claims = {claim["id"]: claim["found"] for area in made["areas"] for claim in area["claims"]}
    return ended, {id: found["theirs"]["kind"] for id, found in claims.items()}


def test_what_no_document_promises_a_loop_may_do_otherwise(house_of_loops):
    ended, found = kinds(house_of_loops, "Forgetful")

    assert found == {"promised": "not kept", "of-today": "differs as it may", "kept": "kept"}
    assert ended.returncode == 1
    assert "theirs: not kept, failed: RuntimeError: forgotten" in ended.stdout
    assert "theirs: differs, as it may: RuntimeError: forgotten" in ended.stdout
    assert "promised by library/asyncio-eventloop#x" in ended.stdout


def test_a_loop_that_keeps_all_conforms(house_of_loops):
    ended, found = kinds(house_of_loops, "Good")

    assert set(found.values()) == {"kept"}
    assert ended.returncode == 0
    assert ended.stdout.rstrip().endswith("theirs is nowhere other than it must be, or is known to be")


def test_what_is_known_is_told_with_its_thread_and_is_no_fault(house_of_loops):
    known = '[promised]\ndeviates.theirs = { thread = "them/theirs#3", instead = "it forgets" }\n'
    house_of_loops.write("known.toml", known)

    ended, found = kinds(house_of_loops, "Forgetful", "--deviations", "known.toml")

    assert found["promised"] == "expected difference"
    assert "theirs: expected difference: it forgets (them/theirs#3)" in ended.stdout
    assert ended.returncode == 0


def test_what_is_kept_and_leaves_something_is_a_finding_of_its_own(house_of_loops):
    ended, found = kinds(house_of_loops, "Untidy")

    assert found["promised"] == "leaves something"
    assert "theirs does what was asked of it, and leaves something open or changed" in ended.stdout
    assert ended.returncode == 1


def test_what_a_loop_leaves_whenever_it_has_run_is_held_against_no_claim(house_of_loops):
    _, found = kinds(house_of_loops, "LeavesAlways")

    assert set(found.values()) == {"kept"}


def test_where_even_asyncio_fails_nothing_is_said_of_other_loops(house_of_loops):
    simplest = "callback-gets-its-arguments-on-a-later-pass"
    house_of_loops.claims(entry(simplest), entry("promised"), entry("of-today"), entry("kept"), entry("on-no-loop"))
    house_of_loops.tests(
        TESTS + f'@claim("{simplest}")\nasync def test_simplest():\n    assert False, "broken suite"\n'
    )

    ended = report(house_of_loops.path, "--loop", "theirs=their:Good")

    assert ended.returncode == 3
    assert f"smoke check: even stock asyncio fails [{simplest}] here: AssertionError: broken suite" in ended.stderr
    assert ended.stdout == ""


def test_what_fails_on_asyncio_too_is_the_suites_fault(house_of_loops):
    house_of_loops.tests(TESTS.replace("test_kept(): pass", "test_kept(): assert False"))

    ended, found = kinds(house_of_loops, "Good")

    assert found["kept"] == "control fails too"
    assert "theirs: asyncio fails, too: assert False" in ended.stdout
    assert ended.returncode == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_is_in_both_languages(house_of_loops, language):
    ended = report(house_of_loops.path, "--loop", "theirs=their:Good", "--lang", language, "--markdown", "out.md")

    said = {"en": "theirs beside asyncio's own event loop", "zh": "theirs 与 asyncio 自带的事件循环对照"}[language]
    assert said in ended.stdout
    assert f"# {said}" in (house_of_loops.path / "out.md").read_text(encoding="utf-8")


WRONG = {
    ("--loop", "nonsense"): (4, "ERROR: --loop nonsense: no such event loop here"),
    ("--loop", "asyncio"): (2, "conformance: "),
    ("--loop", "theirs=their:Good", "--deviations", "nowhere.toml"): (4, "nowhere.toml: cannot be read"),
    ("--loop", "theirs=their:Good", "--json", "no/such/\0"): (2, "--json no/such/"),
    ("--loop", "theirs=their:Good", "--lang", "fr"): (2, "conformance: --lang: there is no language 'fr'"),
}


@pytest.mark.parametrize("arguments", WRONG, ids=str)
def test_what_makes_no_report_is_said_in_a_line(house_of_loops, arguments):
    status, said = WRONG[arguments]
    if "\0" in arguments[-1]:
        arguments = (*arguments[:-1], "their.py/out.json")
        said = "--json their.py/out.json: cannot be written"

    ended = report(house_of_loops.path, *arguments)

    assert ended.returncode == status
    (line,) = (line for line in ended.stderr.splitlines() if said in line)
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr


def test_a_run_of_conformance_without_its_control_is_a_usage_error(house_of_loops):
    ended = house_of_loops.run("spec", "--conformance", "--loop", "uvloop")

    assert ended.ret == 4
    assert "--conformance: a run needs stock asyncio as its control: add --loop asyncio" in ended.stderr.str()
