"""Tests in forked processes: that a run shows what one process would, and what becomes of those that die or hang."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import CEILING, entry, green

# Each waits for what the other writes: they end only if both run at the same time.
MEETING = """
import os, pathlib, time

def meet(mine, other):
    pathlib.Path(mine).touch()
    for _ in range(2000):
        if pathlib.Path(other).exists():
            return
        time.sleep(0.005)
    pytest.fail("nobody else runs")
"""


def claims_of(house, source, *ids, before=""):
    house.claims(*map(entry, ids))
    house.tests(f"{before}\n{source}")
    return house


@pytest.fixture
def meeting(house):
    """Six claims: the first and the last run at the same time, or fail."""
    middle = "".join(f'@claim("{id}")\ndef test_{id}():\n    pass\n\n' for id in "bcde")
    first = '@claim("a")\ndef test_a():\n    meet("first", "last")\n\n'
    last = '@claim("f")\ndef test_f():\n    meet("last", "first")\n'
    return claims_of(house, first + middle + last, *"abcdef", before=MEETING)


def test_two_processes_run_tests_side_by_side_and_report_them_in_their_order(meeting):
    ended = meeting.run("spec", "-v", "-n", "2")

    names = [line.split("::")[1].split()[0] for line in ended.outlines if "PASSED" in line]
    assert names == ["test_a", "test_b", "test_c", "test_d", "test_e", "test_f"]
    assert ended.ret == 0


@pytest.mark.parametrize("options", [("-n", "2", "-s"), ("-n", "2", "--setup-show"), ("-n", "0")], ids=str)
def test_what_is_to_be_seen_while_it_runs_runs_in_one_process(house, options):
    source = '@claim("a")\ndef test_a():\n    pathlib.Path("parent").write_text(str(os.getppid()))\n'
    claims_of(house, source, "a", before="import os, pathlib")

    house.run("spec", *options).assert_outcomes(passed=1)

    assert (house.path / "parent").read_text() == str(os.getpid())  # pytest's own process is this one's child


def test_dist_leaves_the_tests_to_the_workers_of_xdist(meeting):
    ended = meeting.run("spec", "-n", "2", "--dist", "load")

    assert "2 workers [6 items]" in ended.stdout.str()
    ended.assert_outcomes(passed=6)


def test_a_document_of_many_claims_runs_in_three_processes_for_two_cores(house):
    many = [f"c{number}" for number in range(60)]
    source = "".join(f'@claim("{id}")\ndef test_{id}():\n    pathlib.Path(str(os.getpid())).touch()\n\n' for id in many)
    claims_of(house, source, *many, before="import os, pathlib")

    ended = house.run("spec")

    ended.assert_outcomes(passed=60)
    ran = {name for name in os.listdir(house.path) if name.isdigit()}
    cores = len(os.sched_getaffinity(0))
    assert 1 <= len(ran) <= cores + (cores + 1) // 2
    assert cores == 1 or len(ran) > 1


def test_the_first_failure_in_the_order_of_the_tests_is_where_a_run_stops(meeting):
    fails = '@claim("a")\ndef test_a():\n    meet("first", "last")\n    assert False, "the first"\n\n'
    fails += '@claim("b")\ndef test_b():\n    meet("last", "first")\n    assert False, "the second"\n'
    claims_of(meeting, fails, "a", "b", before=MEETING)

    ended = meeting.run("spec", "-x", "-n", "2")

    assert "the first" in ended.stdout.str()
    assert "the second" not in ended.stdout.str()
    assert ended.ret == 1


STUCK = """
@claim("a")
def test_a():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    {0}
    time.sleep(600)

@claim("b")
def test_b():
    pass

@claim("c")
def test_c():
    pass
"""
BEFORE = {"can say where it is": "pass", "cannot": "signal.signal(signal.SIGABRT, signal.SIG_IGN)"}


@pytest.mark.parametrize("before", BEFORE)
def test_what_no_ceiling_in_the_process_ends_is_hung_and_the_rest_goes_on(house, monkeypatch, before):
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "1")
    claims_of(house, STUCK.format(BEFORE[before]), *"abc", before="import signal, time")

    ended = house.run("spec", "-n", "1", "--results", "results.json")

    claims = json.loads((house.path / "results.json").read_text(encoding="utf-8"))["claims"]
    (hung,), *others = (claim["results"] for claim in claims)
    assert (hung["outcome"], hung["reason"]) == ("hung", "its process told nothing for 5 s and was ended")
    assert [result["outcome"] for (result,) in others] == ["verified", "verified"]
    assert ("in test_a" in hung["failures"][0]["said"]) is (before == "can say where it is")
    ended.assert_outcomes(passed=2, failed=1)


def test_a_crash_shows_where_it_happened(house):
    claims_of(house, '@claim("a")\ndef test_a():\n    ctypes.string_at(0)\n', "a", before="import ctypes")

    said = house.run("spec", "-n", "1").stdout.str()

    assert "crashed: its process was ended by SIGSEGV" in said
    assert "in test_a" in said


def test_tests_after_a_crash_run_in_another_process(house):
    crash = '@claim("{0}")\ndef test_{0}():\n    os._exit(3)\n\n'
    source = (
        crash.format("a") + green("b").replace("\n    ", "\n") + crash.format("c") + green("d").replace("\n    ", "\n")
    )
    claims_of(house, source, *"abcd", before="import os")

    ended = house.run("spec", "-n", "1")

    ended.assert_outcomes(passed=4, failed=2)
    assert ended.stdout.str().count("crashed: its process ended with status 3") == 2


CRASHING = """
import asyncio, os

class Crashing(asyncio.SelectorEventLoop):
    def call_later(self, *arguments, **more):
        os.abort()
"""


def test_a_loop_that_is_none_of_ours_may_crash(house):
    house.write("their.py", CRASHING)
    claims_of(
        house,
        '@claim("a")\nasync def test_a():\n    await asyncio.sleep(0.001)\n' + green("b").replace("\n    ", "\n"),
        "a",
        "b",
    )

    ended = house.run("spec", "--loop", "theirs=their:Crashing")

    assert "crashed: its process was ended by SIGABRT" in ended.stdout.str()
    ended.assert_outcomes(passed=1, failed=1)


def test_a_test_that_interrupts_the_run_does_so_and_what_ran_is_told(house):
    house.interrupts_itself()

    ended = house.run("spec", "-n", "1")

    assert ended.ret == 2
    assert "KeyboardInterrupt" in ended.stdout.str()
    assert "not verified: the run was interrupted" in ended.stdout.str()
    ended.assert_outcomes(passed=2)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_no_process_outlives_the_run(house, number):
    claims_of(
        house,
        '@claim("{0}")\ndef test_{0}():\n    pathlib.Path(str(os.getpid())).touch()\n    time.sleep(600)\n'.format("a"),
        "a",
        before="import os, pathlib, time",
    )
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "spec", "-n", "1"], cwd=house.path, stdout=subprocess.DEVNULL
    )
    forked = _appears(lambda: [int(name) for name in os.listdir(house.path) if name.isdigit()])[0]

    run.send_signal(number)
    run.wait(CEILING)

    assert _appears(lambda: not os.path.exists(f"/proc/{forked}"))


def _appears(look):
    end = time.monotonic() + CEILING
    while not (seen := look()) and time.monotonic() < end:
        time.sleep(0.01)
    return seen
