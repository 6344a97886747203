"""The soak: what it runs, what it tells of a run that is not as it should be, and that it leaves nothing running."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from functools import partial

import pytest

from fixtures.soon import soon, until
from tests.conftest import CEILING, ROOT, entry, green
from tests.soak.busy import SIDE_BY_SIDE, side_by_side
from tests.soak.settings import SETTINGS, rotation

SOAK = [sys.executable, "-m", "tests.soak", "--servers", "none"]


@pytest.fixture
def soaked(house):
    """Runs a soak of a house with one claim, with the source of its test."""
    house.claims(entry("the-claim"))

    def run(source, *options):
        house.tests(source)
        return house.pytester.run(*SOAK, *options)

    return run


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return [int(child) for child in children.read().split()]


def test_every_setting_comes_up_with_quiet_and_with_busy_cores():
    turns = list(rotation(4 * len(SETTINGS)))

    assert sorted((setting.name, busy) for setting, busy in turns) == sorted(
        (setting.name, busy) for setting in SETTINGS for busy in (False, True) for _ in range(2)
    )


def test_runs_that_pass_are_counted_and_timed(soaked):
    ended = soaked(green("the-claim"), "--runs", "3")

    assert ended.ret == 0
    *_, plain, debug, busy, everything = ended.outlines
    assert re.fullmatch(r"plain, quiet +1 +0 +\d+\.\d +\d+\.\d", plain)
    assert re.fullmatch(r"asyncio's debug mode, quiet +1 +0 +\d+\.\d +\d+\.\d", debug)
    assert re.fullmatch(r"plain, busy +1 +0 +\d+\.\d +\d+\.\d", busy)
    assert re.fullmatch(r"all +3 +0 +\d+\.\d +\d+\.\d", everything)
    assert len(set(re.findall(r"--randomly-seed=(\d+)", ended.stdout.str()))) == 3


def test_a_run_that_fails_is_told_with_setting_seed_and_message(soaked):
    ended = soaked(green("the-claim").replace("is None", "== 'another world'"), "--runs", "1", "--seed", "7")

    assert ended.ret == 1
    seed = re.search(r"--randomly-seed=(\d+)", ended.stdout.str())[1]
    where = r"spec/c3_asyncio/test_3_3_await.py::test_the_claim\[asyncio\]"
    assert re.search(
        rf"^FAILED plain, quiet, seed {seed}: {where}: AssertionError: assert None == 'another world'$",
        ended.stdout.str(),
        re.MULTILINE,
    )
    assert re.fullmatch(r"all +1 +1 .*", ended.outlines[-1])


def test_the_same_seed_gives_the_same_runs(soaked):
    def repeat(seed):
        told = soaked(green("the-claim"), "--runs", "1", "--seed", seed).stdout.str()
        return re.search(r"--randomly-seed=(\d+)", told)[1]

    first = repeat("7")
    assert repeat("7") == first
    assert repeat("8") != first


def test_a_run_in_which_a_claim_did_not_run_has_failed(house):
    house.claims(entry("the-claim"))
    house.tests(green("the-claim").replace("assert", "pytest.skip('no server') and"))

    ended = house.pytester.run(*SOAK[:-2], "--runs", "1")

    assert ended.ret == 1
    assert re.search(r"^FAILED plain, quiet, seed \d+: ended with status 1, and no test", ended.stdout.str(), re.M)


def test_a_run_that_hangs_is_ended_and_told_as_hung_with_its_stack(soaked):
    ended = soaked(
        """
        import time

        @claim("the-claim")
        def test_hangs():
            time.sleep(600)
        """,
        *("--runs", "1", "--ceiling", "3"),
    )

    assert ended.ret == 1
    assert re.search(r"^FAILED plain, quiet, seed \d+: hung: did not end within 3 s$", ended.stdout.str(), re.M)
    assert re.search(r'File ".*test_3_3_await.py", line \d+ in test_hangs', ended.stdout.str())


def test_what_a_run_leaves_is_told_and_ended(soaked, house, alive, wait_until):
    house.write(
        "conftest.py",
        (ROOT / "conftest.py").read_text()
        + """
def pytest_unconfigure():
    import os, tempfile
    tempfile.mkdtemp(prefix="asyncio-spec-")
    with open("left", "w") as told:
        told.write(str(os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "600")))
""",
    )

    ended = soaked(green("the-claim"), "--runs", "1")

    assert ended.ret == 1
    told = [line for line in ended.outlines if line.startswith("FAILED")]
    assert [re.sub(r"seed \d+", "seed N", line)[:70] for line in told] == [
        "FAILED plain, quiet, seed N: left a process: sleep 600",
        "FAILED plain, quiet, seed N: left in its temporary folder: asyncio-spe",
    ]
    pid = int((house.path / "left").read_text())
    wait_until(lambda: not alive(pid), "the process that the run left has ended")


def all_of(jobs):
    """What jobs return that are done side by side, on the loop that a soak runs on."""

    async def results():
        return [result async for result in side_by_side(jobs)]

    return asyncio.run(results())


def test_a_job_that_is_alone_has_two_busy_processes_for_each_core_beside_it_until_it_is_done(alive):
    before, seen = set(children_of(os.getpid())), []

    async def job():
        await until(lambda: len(set(children_of(os.getpid())) - before) == 2 * os.cpu_count(), "not all are busy")
        seen.extend(set(children_of(os.getpid())) - before)
        return "done"

    results = all_of([job])

    assert results == ["done"]
    assert seen and not any(map(alive, seen))


def test_jobs_are_done_side_by_side_and_each_result_comes_once():
    begun, meet = [], asyncio.Event()

    async def job(number):
        begun.append(number)
        if len(begun) == SIDE_BY_SIDE:
            meet.set()
        await soon(meet.wait())
        return number

    results = all_of(partial(job, number) for number in range(SIDE_BY_SIDE + 3))

    assert sorted(results) == list(range(SIDE_BY_SIDE + 3))
    assert begun == list(range(SIDE_BY_SIDE + 3))


def test_an_error_in_a_job_ends_those_beside_it():
    ended = []

    async def fails():
        raise LookupError("broken")

    async def goes_on():
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("another")

    with pytest.raises(LookupError, match="broken"):
        all_of([goes_on] * (SIDE_BY_SIDE - 1) + [fails])

    assert ended == ["another"] * (SIDE_BY_SIDE - 1)


def begun(house, wait_until):
    """A soak in the middle of a busy run whose test never ends, and the processes that it has started."""
    house.claims(entry("the-claim"))
    house.tests("""
        import os, time

        @claim("the-claim")
        def test_hangs_in_every_second_run():
            if os.path.exists("first"):
                open("second", "w").close()
                time.sleep(600)
            open("first", "w").close()
    """)
    soak = subprocess.Popen([*SOAK, "--runs", "2"], cwd=house.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until((house.path / "second").exists, "the second run has come to its test")
    started = children_of(soak.pid)
    assert len(started) == 2 * os.cpu_count() + 1  # and the run itself
    return soak, started


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_soak_that_is_ended_takes_the_run_and_the_busy_processes_with_it(house, wait_until, alive, number, status):
    soak, started = begun(house, wait_until)

    soak.send_signal(number)
    told, _ = soak.communicate(timeout=CEILING)

    assert soak.returncode == status
    wait_until(lambda: not any(map(alive, started)), "the run and the busy processes have ended")
    assert ("plain, quiet  " in told.decode()) == (number != signal.SIGKILL)  # the table, of what had been run


def test_time_at_half_speed_is_that_in_claims_and_in_their_programs(house):
    house.claims(entry("the-claim"), entry("a-program"))
    house.tests("""
        import time

        @claim("the-claim")
        async def test_claim():
            assert asyncio.get_running_loop().time() < time.monotonic() * 0.6

        @claim("a-program")
        def test_program(program):
            ended = program('''
                import asyncio, time
                async def main():
                    print(asyncio.get_running_loop().time() < time.monotonic() * 0.6)
                asyncio.run(main())
            ''')
            assert ended.lines == ["True"]
    """)

    house.run("spec", "--loop", "asyncio", "-p", "tests.soak.half_speed").assert_outcomes(passed=2)
    house.run("spec", "--loop", "asyncio").assert_outcomes(failed=2)


MISTAKES = {
    ("--runs", "none"): "argument --runs: 'none' is not a whole number above 0",
    ("--runs", "0"): "argument --runs: '0' is not a whole number above 0",
    ("--seed", "-1"): "argument --seed: '-1' is not a whole number above 0",
    ("--servers", "cloud"): "argument --servers: invalid choice: 'cloud'",
    ("--rerun",): "unrecognized arguments: --rerun",
}


@pytest.mark.parametrize("options", MISTAKES, ids=" ".join)
def test_bad_options_are_one_line_and_status_2(options):
    ended = subprocess.run([*SOAK, *options], cwd=ROOT, capture_output=True, text=True, timeout=CEILING)

    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"python -m tests.soak: {MISTAKES[options]}")
