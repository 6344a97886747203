"""The first tests of a run, which are run while the rest is collected: that this changes nothing of what it shows."""

from __future__ import annotations

import json
import os

import pytest

from fixtures.beginning import ENOUGH
from tests.conftest import CHILDREN, entry

FIRST, SECOND = "spec/c3_asyncio/test_3_3_await.py", "spec/c3_asyncio/test_3_4_tasks.py"
THIRD = "spec/c3_asyncio/test_3_4_wait.py"
ONE = """
@claim("{0}")
def test_{0}():
    pathlib.Path("{0} ran").touch()
    {1}
"""
IMPORTS = "import os, pathlib, time\nfrom fixtures.claims import claim\n"
# The second file is imported only when a test of the first one runs at the same time; or it looks whether any could.
MEETS = """
end, other = time.monotonic() + 60, pathlib.Path("{other} ran")
while not other.exists() and time.monotonic() < end:
    time.sleep(0.005)
pathlib.Path("met" if other.exists() else "alone").touch()
"""
LOOKS = """
is_forked = pathlib.Path("/proc/self/cmdline").read_bytes() in children()
pathlib.Path("forked" if is_forked else "alone").touch()
"""


@pytest.fixture
def two_files(house):
    """A function that writes a document of two files: so many claims that it pays to begin early, and two more.

    `bodies` are what tests do, by their claims. The second file begins with `starts`: it `MEETS` the test `other`, or
    `LOOKS` only.
    """

    def write(starts=MEETS, begin=ENOUGH, second="", rest=("y", "z"), other="c1", **bodies):
        ids = [f"c{number}" for number in range(begin)]
        house.claims(*(entry(id) for id in ids), *(entry(id, section="3.4") for id in rest))
        house.write(FIRST, IMPORTS + "".join(ONE.format(id, bodies.get(id, "pass")) for id in ids))
        house.write(
            SECOND,
            IMPORTS
            + CHILDREN
            + starts.format(other=other)
            + second
            + "".join(ONE.format(id, bodies.get(id, "pass")) for id in rest),
        )
        return house

    return write


def was_there(house, name):
    return (house.path / name).exists()


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["by-itself", "two-processes"])
def test_the_first_tests_are_run_while_the_rest_is_collected_and_all_is_shown_in_order(two_files, options):
    house = two_files()

    ended = house.run("spec", "-v", *options)

    assert was_there(house, "met")
    names = [line.split("::")[1].split()[0] for line in ended.outlines if "PASSED" in line]
    assert names == [*(f"test_c{number}" for number in range(ENOUGH)), "test_y", "test_z"]
    ended.assert_outcomes(passed=ENOUGH + 2)


def test_when_a_process_has_nearly_run_its_share_another_takes_the_next(two_files):
    last, of_the_next = f"c{2 * ENOUGH - 1}", f"c{2 * ENOUGH}"
    ids, tells = [f"c{number}" for number in range(3 * ENOUGH)], "pathlib.Path('by').write_text(str(os.getpid()))"
    house = two_files(begin=len(ids), other=last, **{last: tells, of_the_next: tells.replace("by", "next by")})
    house.claims(*map(entry, ids), *(entry(id, section="3.4") for id in ("y", "z", "x")))
    meets_again = MEETS.format(other=of_the_next).replace("met", "met again")
    house.write(THIRD, IMPORTS + meets_again + ONE.format("x", "pass"))

    ended = house.run("spec", "-v")

    assert was_there(house, "met")
    assert was_there(house, "met again")
    assert (house.path / "by").read_text() != (house.path / "next by").read_text()
    names = [line.split("::")[1].split()[0] for line in ended.outlines if "PASSED" in line]
    assert names == [f"test_{id}" for id in (*ids, "y", "z", "x")]


NOT_EARLY = {
    "one process": ("-n", "0"),
    "a selection": ("-k", "test_c1 or test_z or test_c2"),
    "an order of its own": ("-p", "randomly"),
    "left to xdist": ("-n", "2", "--dist", "load"),
    "recorded": ("--trace-file", "trace.json"),
    "in sight": ("-s",),
}


@pytest.mark.parametrize("options", NOT_EARLY.values(), ids=NOT_EARLY)
def test_nothing_begins_early_where_it_is_not_known_what_comes_first_or_all_is_to_be_in_one_process(two_files, options):
    house = two_files(starts=LOOKS)

    ended = house.run("spec", *options)

    assert was_there(house, "alone")
    assert ended.ret == 0


def test_few_tests_are_no_beginning(two_files):
    house = two_files(starts=LOOKS, begin=ENOUGH - 1)

    house.run("spec").assert_outcomes(passed=ENOUGH + 1)

    assert was_there(house, "alone")


def test_where_the_rest_cannot_be_collected_nothing_counts_as_run_and_the_process_ends(two_files):
    house = two_files(
        second="raise ImportError('no such thing')\n", c2="pathlib.Path(str(os.getpid())).touch(); time.sleep(600)"
    )

    ended = house.run("spec", "--results", "results.json")

    assert was_there(house, "met")
    assert ended.ret == 2
    ended.assert_outcomes(errors=1)
    claims = json.loads((house.path / "results.json").read_text(encoding="utf-8"))["claims"]
    assert {result["outcome"] for claim in claims for result in claim["results"]} == {"not verified"}
    begun = [int(name) for name in os.listdir(house.path) if name.isdigit()]
    assert not [process for process in begun if os.path.exists(f"/proc/{process}")]


def test_where_other_tests_come_first_the_beginning_is_thrown_away(two_files):
    house = two_files()
    last_first = "def pytest_collection_modifyitems(items):\n    items.reverse()\n"
    house.write("backwards.py", last_first)

    ended = house.run("spec", "-v", "-p", "backwards")

    assert was_there(house, "met")
    names = [line.split("::")[1].split()[0] for line in ended.outlines if "PASSED" in line]
    assert names == ["test_z", "test_y", *(f"test_c{number}" for number in reversed(range(ENOUGH)))]


def test_a_failure_in_the_beginning_is_told_as_any_other(two_files):
    ended = two_files(c3="assert 'early' == 'late'").run("spec")

    assert "'early' == 'late'" in ended.stdout.str()
    ended.assert_outcomes(passed=ENOUGH + 1, failed=1)


def test_a_crash_in_the_beginning_is_told_and_the_other_tests_are_run(two_files):
    ended = two_files(c3="os._exit(3)").run("spec")

    assert "crashed: its process ended with status 3" in ended.stdout.str()
    ended.assert_outcomes(passed=ENOUGH + 1, failed=1)


def test_a_test_in_the_beginning_that_interrupts_the_run_does_so_and_what_ran_is_told(two_files):
    ended = two_files(c3="os.kill(os.getpid(), 2)").run("spec")

    assert "KeyboardInterrupt" in ended.stdout.str()
    assert ended.ret == 2
    ended.assert_outcomes(passed=3)


def test_a_test_in_the_beginning_that_hangs_is_ended(two_files, monkeypatch):
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "1")

    ended = two_files(c3="time.sleep(600)").run("spec")

    assert (
        "hung: test_c3 did not end within 1 s" in ended.stdout.str() or "did not end within 1 s" in ended.stdout.str()
    )
    ended.assert_outcomes(passed=ENOUGH + 1, failed=1)


def test_the_beginning_is_run_to_its_end_though_nobody_listens_yet_and_it_has_more_to_tell_than_a_pipe_holds(two_files):
    last = f"c{ENOUGH - 1}"
    house = two_files(other=last, **{f"c{number}": "print('x' * 20_000)" for number in range(ENOUGH)})

    house.run("spec").assert_outcomes(passed=ENOUGH + 2)

    assert was_there(house, "met")


def test_who_ran_the_beginning_is_told_nothing_of_what_it_does_not_know(two_files):
    rest = [f"r{number}" for number in range(60)]
    house = two_files(rest=rest, **dict.fromkeys(rest, "time.sleep(0.01)"))

    house.run("spec").assert_outcomes(passed=ENOUGH + 60)


def test_tests_of_no_claims_are_no_beginning(two_files):
    house = two_files(starts=LOOKS)
    # Each is run once: a second time it would find what it leaves.
    plain = (f"def test_{number}():\n    pathlib.Path('plain {number}').mkdir()\n\n" for number in range(ENOUGH))
    house.write("plain/test_plain.py", "import pathlib\n\n" + "".join(plain))

    house.run("plain", "spec").assert_outcomes(passed=2 * ENOUGH + 2)
