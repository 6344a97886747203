"""Runs that are recorded: what they print and write, what is told of wrong wishes, and that no claim ends otherwise."""

import json
import re
import subprocess
import sys

import pytest

from fixtures.timeline.model import from_data, overlapping
from tests.conftest import ROOT, entry, green

AT_ONCE = """
    @claim("at-once")
    async def test_two_at_once():
        async def step(name):
            await asyncio.sleep(0)

        tasks = [asyncio.create_task(step(name)) for name in "ab"]
        await asyncio.wait(tasks)
"""
IN_TURN = """
    @claim("in-turn")
    def test_one_after_the_other():
        import time

        time.sleep(0.002)
        time.sleep(0.002)
"""


@pytest.fixture
def two_ways(house):
    house.claims(
        entry("at-once", says="Both at once", compare="ways"),
        entry("other", section="3.4"),
        entry("in-turn", says="One after the other", compare="ways"),
    )
    house.tests(AT_ONCE + IN_TURN)
    house.tests(green("other"), "spec/c3_asyncio/test_3_4_task.py")
    return house


def timelines(ended):
    """What is printed after the checklist, in paragraphs."""
    text = ended.stdout.str()
    return text[text.index(" timelines ===") :].split("\n\n")


@pytest.mark.parametrize("options", [(), ("-n", "2"), ("-p", "randomly")], ids=str)
def test_timeline_draws_each_claim_after_the_checklist_and_what_is_compared_together(two_ways, options):
    ended = two_ways.run("spec", "--timeline", *options)

    told = timelines(ended)
    assert ended.ret == 0
    assert told[0].splitlines()[1] == "███ runs   ░░░ waits   ╳╳╳ blocks its thread"
    titles = [paragraph.splitlines()[0] for paragraph in told[1:] if not paragraph.startswith(" ")]
    assert titles == [
        "Ways compared, on the same ruler [asyncio]",
        "One after the other",
        "Ways compared, on the same ruler [uvloop]",
        "One after the other",
        "asyncio.sleep gives back None [asyncio]",
        "asyncio.sleep gives back None [uvloop]",
    ]
    first = told[1].splitlines()
    assert first[1] == "Both at once"
    assert [line.split()[:2] for line in first[2:6]] == [
        ["the", "test"],
        ["step", "1"],
        ["step", "2"],
        ["asyncio's", "loop"],
    ]
    assert "  the test creates step 1, step 2" in first
    assert "╳" in told[2].splitlines()[1]


def test_without_the_option_nothing_is_drawn_and_nothing_recorded(two_ways):
    two_ways.write("spec/conftest.py", """
        def pytest_runtest_logreport(report):
            assert not hasattr(report, "timeline")
        """)  # fmt: skip
    ended = two_ways.run("spec", "-p", "no:terminalreporter")
    assert ended.ret == 0
    assert " timelines ===" not in two_ways.run("spec").stdout.str()


def test_it_is_drawn_in_chinese_in_ascii_and_in_the_width_of_the_terminal(two_ways, monkeypatch):
    chinese = two_ways.run("spec", "--timeline", "--lang", "zh").stdout.str()
    assert "███ 运行   ░░░ 等待   ╳╳╳ 阻塞所在线程" in chinese

    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, "\n".join(timelines(two_ways.run("spec", "--timeline"))).splitlines())) <= 60

    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert "\n".join(timelines(two_ways.run("spec", "--timeline"))).isascii()


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=str)
def test_the_trace_file_has_a_process_a_test_and_all_its_lanes(two_ways, options):
    ended = two_ways.run("spec", "--trace-file", "trace.json", *options)

    events = json.loads((two_ways.path / "trace.json").read_text(encoding="utf-8"))["traceEvents"]
    processes = {event["args"]["name"].split("::")[1] for event in events if event["name"] == "process_name"}
    assert ended.ret == 0
    assert processes == {
        "test_two_at_once[asyncio]", "test_two_at_once[uvloop]", "test_one_after_the_other",
        "test_other[asyncio]", "test_other[uvloop]",
    }  # fmt: skip
    assert {event["ph"] for event in events} == {"M", "X", "s", "f"}
    assert " timelines ===" not in ended.stdout.str()


def test_a_claim_that_fails_or_hangs_has_its_timeline(house, monkeypatch):
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "0.5")
    house.claims(entry("fails"), entry("hangs"))
    house.tests("""
    @claim("fails")
    async def test_fails():
        await asyncio.sleep(0)
        assert False

    @claim("hangs")
    async def test_hangs():
        await asyncio.get_running_loop().create_future()
    """)

    ended = house.run("spec", "--timeline", "--loop", "asyncio")

    told = "\n".join(timelines(ended))
    assert ended.ret == 1
    # One that fails at once is a cell at most, of running or of waiting: its loop takes long to close beside it.
    assert len(re.findall(r"^  the test +[█░]", told, re.MULTILINE)) == 2
    assert "waits 0.5" in told or "waits 0.49" in told


@pytest.mark.parametrize("option", [["--timeline"], ["--trace-file", "trace.json"]], ids=str)
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=str)
def test_where_nothing_runs_there_is_nothing_to_draw_and_that_is_told(two_ways, option, workers):
    ended = two_ways.run("spec", "--collect-only", *option, *workers)

    said = f"ERROR: {option[0]}: with --collect-only nothing runs, so there would be nothing to draw"
    assert ended.ret == 4
    assert said in ended.errlines
    assert not (two_ways.path / "trace.json").exists()


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=str)
@pytest.mark.parametrize("file", ["", "folder", "file/trace.json"])
def test_a_trace_file_that_cannot_be_written_is_told_before_anything_runs(two_ways, file, workers):
    (two_ways.path / "folder").mkdir()
    (two_ways.path / "file").write_text("kept")
    ended = two_ways.run("spec", "--trace-file", file, *workers)

    (line,) = [line for line in ended.errlines if line.strip()]
    assert ended.ret == 4
    assert line.startswith(f"ERROR: --trace-file {two_ways.path}") and "cannot be written: " in line
    assert (two_ways.path / "file").read_text() == "kept"
    assert "passed" not in ended.stdout.str()


def test_a_trace_file_that_can_no_longer_be_written_fails_the_run(house):
    house.claims(entry("first"))
    house.tests("""
    import os

    @claim("first")
    def test_first():
        os.unlink("trace.json")
        os.mkdir("trace.json")
    """)

    ended = house.run("spec", "--trace-file", "trace.json")

    assert ended.ret == 1
    assert "trace.json: cannot be written: it is not a file" in ended.stdout.str()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_what_happens_in_a_program_stands_on_the_ruler_of_its_claim(house, loop):
    house.claims(entry("first"))
    house.tests('''
    SOURCE = """
        import asyncio, time

        async def step():
            time.sleep(0.001)

        async def main():
            await asyncio.create_task(step())

        asyncio.run(main())
    """

    @claim("first")
    def test_first(program):
        assert program(SOURCE).stderr == ""
        assert program(SOURCE).stderr == ""
        assert program("import os; os._exit(0)").status == 0
    ''')  # fmt: skip
    ended = house.run("spec", "--timeline", "--loop", loop)

    text = "\n".join(timelines(ended))
    lanes = [line[2:].split("  ")[0] for line in text.splitlines() if "█" in line and "runs" not in line]
    assert ended.ret == 0
    assert lanes[:3] == ["program 1", "1: main", "1: step"]
    assert f"2: {loop}'s loop" in lanes
    assert not [lane for lane in lanes if lane.startswith("main thread")]
    note = "not recorded: what happened in a program that did not come to its end by itself"
    assert note in " ".join(text.split())


def test_what_happens_in_a_web_server_stands_on_the_ruler_of_its_claim():
    section = "spec/c5_practice/test_5_3_fastapi.py"
    options = ["--servers", "embedded", "--timeline", "-k", "users_of"]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", section, *options], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    ways = ended.stdout.split("Users of an async def endpoint that awaits are served at the same time\n")
    in_threads, in_turns = ways[0].partition("Ways compared")[2], ways[-1]
    lanes = [line[2:].split("  ")[0] for line in in_threads.splitlines() if set("█░╳") & set(line)]
    assert ended.returncode == 0, ended.stdout
    assert {"run_asgi 1", "run_asgi 2", "AnyIO worker thread 1", "AnyIO worker thread 2"} <= set(lanes)
    assert "AnyIO worker thread 1 wakes run_asgi 1" in in_threads
    assert "AnyIO" not in in_turns
    assert "not recorded" not in ended.stdout


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Of the whole document without and with recording: outcomes by claim and loop, and what was recorded."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "keeping.py").write_text(
        "import json\nkept = {}\n"
        "def pytest_runtest_logreport(report):\n"
        "    if hasattr(report, 'timeline'):\n        kept[report.nodeid] = report.timeline\n"
        "def pytest_sessionfinish(session):\n"
        "    if not hasattr(session.config, 'workerinput'):\n"
        f"        with open({str(folder / 'kept.json')!r}, 'w') as file:\n            json.dump(kept, file)\n"
    )

    def run(name, *options):
        command = [sys.executable, "-m", "pytest", "spec", "-q", "--servers", "none", "-n", "2"]
        ended = subprocess.run(
            [*command, "--results", str(folder / name), *options],
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        claims = json.loads((folder / name).read_text(encoding="utf-8"))["claims"]
        return {
            (claim["id"], result["loop"]): (result["outcome"], result["reason"])
            for claim in claims
            for result in claim["results"]
        }

    without = run("without.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        recorded = run("recorded.json", "--trace-file", str(folder / "trace.json"), "-p", "keeping")
    kept = json.loads((folder / "kept.json").read_text(encoding="utf-8"))
    return without, recorded, {nodeid: from_data(timeline) for nodeid, timeline in kept.items()}


def test_every_claim_has_the_same_outcome_with_recording_as_without(whole):
    without, recorded, kept = whole

    assert {place: (without[place], recorded[place]) for place in without if without[place] != recorded[place]} == {}
    assert sum(outcome == "verified" for outcome, _ in without.values()) > 300
    assert len(kept) > 500


def test_no_lane_of_any_claim_overlaps_itself_least_of_all_a_loops(whole):
    _, _, kept = whole

    lanes = [(nodeid, timeline, lane) for nodeid, timeline in kept.items() for lane in timeline.lanes]
    found = {
        (nodeid, lane.name): twice for nodeid, timeline, lane in lanes if (twice := overlapping(timeline.of(lane)))
    }
    assert found == {}
    assert sum(lane.kind == "loop" for _, _, lane in lanes) > 300
    assert {lane.kind for _, _, lane in lanes} == {"loop", "task", "thread", "process", "server"}


def test_every_claim_shows_something_or_says_why_not(whole):
    _, _, kept = whole

    assert [nodeid for nodeid, timeline in kept.items() if not timeline.spans and not timeline.notes] == []


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_the_timelines_alone_tell_which_of_three_programs_waits_in_turn(whole, loop):
    _, _, kept = whole

    def waited(test):
        """How many waits there are at one time, at most, and whether all are longer than the time they lay in."""
        (found,) = [
            timeline for nodeid, timeline in kept.items() if nodeid.endswith((f"::{test}", f"::{test}[{loop}]"))
        ]
        waiting, (waits, wall) = found.waiting(), found.waits_and_wall()
        most = max(sum(span.start <= each.start < span.stop for span in waiting) for each in waiting)
        return most, waits > wall

    in_turn = waited("test_with_requests_a_download_begins_only_when_the_one_before_is_done")
    at_once = waited("test_with_aiohttp_three_requests_are_in_flight_before_the_first_is_answered")
    in_threads = waited("test_three_requests_in_the_executor_are_in_flight_together_and_give_a_response_each")
    assert in_turn == (1, False)
    assert at_once[0] >= 3 and at_once[1]
    assert in_threads[0] >= 3 and in_threads[1]
