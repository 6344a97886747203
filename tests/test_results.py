"""The result file: what it says of each claim, that it is true however a run ends, and what a damaged one is told."""

import json
import os
import platform
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from importlib.metadata import distributions

import fastjsonschema
import pytest

from fixtures.applies import LIBRARIES
from fixtures.checklist.results import SCHEMA, Unreadable, read
from tests.conftest import entry, green


def results(house, *arguments, status=0):
    """What a run's result file says, after it was found to be as the schema has it."""
    ended = house.run("spec", "--results", "results.json", *arguments)
    assert ended.ret == status
    return load(house.path / "results.json")


def load(path):
    data, schema = json.loads(path.read_text(encoding="utf-8")), json.loads(SCHEMA.read_text(encoding="utf-8"))
    fastjsonschema.validate(schema, data)
    read(path)
    return data


def outcomes(data):
    """Outcome and reason, by claim and loop."""
    return {
        (claim["id"], result["loop"]): (result["outcome"], result["reason"])
        for claim in data["claims"]
        for result in claim["results"]
    }


@pytest.mark.parametrize("options", [(), ("-n", "2"), ("-p", "randomly", "-q")], ids=str)
def test_each_fate_of_a_claim_is_told_by_loop_and_with_its_reason(ten_claims, options):
    data = results(ten_claims, *options, status=1)

    verified = ("verified", "")
    both = {
        "first-holds": verified,
        "second-refuted": verified,
        "third-changed": verified,
        "fourth-cannot-run": verified,
        "sixth-not-here": ("does not apply", "only on Python >=3.19"),
        "seventh-skipped": ("not verified", "no server: start one"),
        "tenth-old-stack": ("does not apply", "needs the libraries of the article's day"),
    }
    assert outcomes(data) == {
        **{(id, loop): said for id, said in both.items() for loop in ("asyncio", "uvloop")},
        ("fifth-fails-on-uvloop", "asyncio"): verified,
        ("fifth-fails-on-uvloop", "uvloop"): ("failed", "AssertionError: not on this loop"),
        ("eighth-pending", None): ("pending", "its test comes later"),
        ("ninth-without-loop", None): verified,
    }
    assert data["ended"] == "finished"


def test_it_names_python_platform_loops_and_libraries(ten_claims):
    data = results(ten_claims, "--loop", "uvloop", "-k", "first_holds")

    installed = {each.metadata["Name"].lower(): each.version for each in distributions()}
    assert data["python"] == {"implementation": platform.python_implementation(), "version": platform.python_version()}
    assert data["platform"] == {"system": platform.system(), "machine": platform.machine()}
    assert data["loops"] == {"uvloop": installed["uvloop"]}
    assert data["libraries"] == {library: installed.get(library) for library in LIBRARIES}
    assert data["libraries"]["aiohttp"] is not None
    assert data["servers"] == []
    assert data["stack"] == ""


def test_the_servers_are_told_as_in_the_foot(house):
    house.claims(entry("first"))
    house.tests('@claim("first")\ndef test_first():\n    pass\n')
    house.write(
        "spec/conftest.py", "def pytest_checklist_environment(config):\n    return ['Redis: one', 'MySQL: two']\n"
    )

    assert results(house)["servers"] == ["Redis: one", "MySQL: two"]


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=str)
def test_the_seconds_of_a_claim_are_the_sum_of_its_tests_on_that_loop(house, options):
    house.claims(entry("first"), entry("second"))
    house.tests("""
    import time

    @claim("first")
    @pytest.mark.parametrize("number", [1, 2])
    async def test_one(number):
        time.sleep(0.02 if "uvloop" in type(asyncio.get_running_loop()).__module__ else 0)

    @claim("first")
    async def test_other():
        time.sleep(0.02 if "uvloop" in type(asyncio.get_running_loop()).__module__ else 0)

    @claim("second")
    def test_second():
        pass
    """)

    first, second = results(house, *options, "--junitxml", "junit.xml", "-o", "junit_duration_report=call")["claims"]

    seconds = {result["loop"]: result["seconds"] for result in first["results"]}
    calls = {loop: [] for loop in seconds}
    for case in ElementTree.parse(house.path / "junit.xml").iter("testcase"):
        _, _, loop = case.get("name").rstrip("]").partition("[")
        if loop:
            calls[loop.split("-")[0]].append(float(case.get("time")))
    assert {loop: len(times) for loop, times in calls.items()} == {"asyncio": 3, "uvloop": 3}
    for loop, times in calls.items():
        assert abs(seconds[loop] - sum(times)) <= 0.0005 * len(times) + 1e-6  # each is rounded to a thousandth there
    assert seconds["uvloop"] >= 0.06
    assert [result["loop"] for result in second["results"]] == [None]


def test_a_claim_of_which_one_test_ran_says_so(ten_claims):
    data = results(ten_claims, "-k", "first_half")

    assert outcomes(data)["ninth-without-loop", None] == ("not verified", "only some of its tests ran")


@pytest.mark.parametrize("options", [("-k", "no_such_test"), ("-n", "2", "-k", "no_such_test")], ids=str)
def test_a_run_of_nothing_says_so(ten_claims, options):
    data = results(ten_claims, *options, status=5)

    assert {outcome for outcome, _ in outcomes(data).values()} == {"not asked for", "does not apply", "pending"}
    assert data["ended"] == "finished"


def test_a_run_of_other_tests_says_that_no_claim_was_asked_for(ten_claims):
    ten_claims.tests("def test_other(): pass\n", "tests/test_other.py")

    assert ten_claims.run("tests", "--results", "results.json").ret == 0

    data = load(ten_claims.path / "results.json")
    assert {outcome for outcome, _ in outcomes(data).values()} == {"not asked for", "does not apply", "pending"}


def test_a_file_that_cannot_be_collected_leaves_its_claims_not_verified(house):
    house.claims(entry("first"))
    house.tests("import no_such_module\n" + green("first").replace("\n    ", "\n"))

    outcome, reason = outcomes(results(house, status=2))["first", "asyncio"]

    assert outcome == "not verified"
    assert "No module named 'no_such_module'" in reason


@pytest.mark.parametrize(
    ("number", "ended", "reason"),
    [
        (signal.SIGINT, "interrupted", "the run was interrupted"),
        (signal.SIGKILL, "unfinished", "the run did not come to its end"),
    ],
    ids=["interrupted", "killed"],
)
def test_a_run_that_is_cut_short_says_nothing_of_a_run_before(house, number, ended, reason):
    house.claims(entry("first"), entry("second"))
    house.tests(
        "import os\n"
        + '@claim("first")\ndef test_first():\n    os.kill(os.getpid(), int(os.environ.get("SIGNAL", 0)))\n'
        + '@claim("second")\ndef test_second():\n    pass\n'
    )
    assert set(outcomes(results(house)).values()) == {("verified", "")}

    command = [sys.executable, "-m", "pytest", "spec", "--results", "results.json"]
    subprocess.run(["env", f"SIGNAL={int(number)}", *command], cwd=house.path, capture_output=True, timeout=60)

    data = load(house.path / "results.json")
    assert data["ended"] == ended
    assert outcomes(data)["second", None] == ("not verified", reason)
    assert outcomes(data)["first", None][0] == "not verified"


@pytest.mark.parametrize(
    "place", ["", "/", "spec", "conftest.py/results.json", "pipe", "round", "~nobody-of-this-name/a.json", "x" * 300]
)
def test_a_path_that_cannot_be_written_is_told_before_anything_runs(ten_claims, place):
    os.mkfifo(ten_claims.path / "pipe")  # stands for /dev/null, which a test had better not name
    (ten_claims.path / "round").symlink_to("round")
    (ten_claims.path / "~nobody-of-this-name").write_text("in the way")

    ended = ten_claims.run("spec", "--results", place)

    assert ended.ret == 4
    (line,) = ended.errlines[:-1] if not ended.errlines[-1] else ended.errlines
    assert line.startswith("ERROR: --results ")
    assert f"{place}: cannot be written: " in line
    assert "passed" not in ended.stdout.str()
    assert (ten_claims.path / "pipe").is_fifo()


def test_a_path_that_cannot_be_written_any_more_fails_the_run(house):
    house.claims(entry("first"))
    house.tests("""
    from pathlib import Path

    @claim("first")
    def test_first():
        Path("out/results.json").unlink()
        Path("out").rmdir()
        Path("out").write_text("in the way")
    """)

    ended = house.run("spec", "--results", "out/results.json")

    assert ended.ret == 1
    assert any("--results" in line and "cannot be written: " in line for line in ended.outlines)


def test_nothing_is_collected_only_for_a_result_file(ten_claims):
    ended = ten_claims.run("spec", "--collect-only", "--results", "results.json")

    assert ended.ret == 4
    assert not (ten_claims.path / "results.json").exists()


def test_nothing_is_left_beside_the_file_and_a_link_stays_one(house):
    house.claims(entry("first"))
    house.tests(green("first"))
    (house.path / "link.json").symlink_to("out/results.json")

    assert house.run("spec", "--results", "link.json").ret == 0

    assert (house.path / "link.json").is_symlink()
    assert [path.name for path in (house.path / "out").iterdir()] == ["results.json"]


def test_the_catalogue_has_another_mark_when_a_word_of_it_is_another(house):
    house.tests(green("first"))
    marks = []
    for fields in ({}, {"zh": "别的说法"}, {"says": "Something else"}, {"applies": '{ python = ">=3.10" }'}):
        house.claims(entry("first", **fields))
        marks.append(results(house)["catalogue"])

    assert marks[0] == marks[1]  # it says what the English says
    assert len(set(marks)) == 3


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=str)
def test_junit_names_claim_section_and_loop(ten_claims, options):
    ten_claims.run("spec", "--junitxml", "junit.xml", *options)

    cases = {
        case.get("name"): {each.get("name"): each.get("value") for each in case.iter("property")}
        for case in ElementTree.parse(ten_claims.path / "junit.xml").iter("testcase")
    }
    assert cases["test_first_holds[uvloop]"] == {"claim": "first-holds", "section": "3.3", "loop": "uvloop"}
    assert cases["test_the_first_half_of_the_ninth"] == {"claim": "ninth-without-loop", "section": "3.4"}
    assert len(cases) == 14


DAMAGES = {
    "is no result file: it is not JSON": "{",
    "is no result file: make one with pytest spec --results FILE": "[]",
    "has version 2 of the schema, and this reads version 1": {"version": 2},
    "data.loops must contain at least 1 properties": {"loops": {}},
    "data.loops must be named by propertyName definition": {"loops": {"": "1"}},
    "data.python.version must match pattern": {
        "python": {"implementation": "CPython", "version": f"3.{'9' * 5_000}.1"}
    },
    "stack: there is no stack old\\nnew": {"stack": "old\nnew"},
    r"data.libraries.a\nb must be string or null": {"libraries": {"a\nb": 1}},
    "data.seconds must be bigger than or equal to 0": {"seconds": -1},
    "data.seconds must be number": {"seconds": True},
    "data.python must be object": {"python": "3.11"},
    "data.started must match pattern": {"started": "yesterday"},
    "data.ended must be one of ['finished', 'interrupted', 'unfinished']": {"ended": "well"},
    "data must not contain {'mood'} properties": {"mood": "good"},
    "data.claims[0] must be object": {"claims": [1]},
    "data.claims[0] must contain ['applies', 'basis', 'id', ": {"claims": [{}]},
    "its claims are not those of the catalogue it names": {"claims": []},
}


DAMAGED_CLAIMS = {
    "claims[0].section: there is no section 9": lambda claim: {"section": "9"},
    "claims[0].results: there must be one for each loop": lambda claim: {"results": claim["results"][:1]},
    "claims[0].results: there must be one for each loop, or": lambda claim: {"results": claim["results"] * 2},
    "claims[0].applies: redis = '===x' is no version specifier": lambda claim: {"applies": {"redis": "===x"}},
}


@pytest.mark.parametrize("said", DAMAGED_CLAIMS, ids=str)
def test_what_is_wrong_with_a_claim_is_told_with_its_place(house, said):
    house.claims(entry("first"))
    house.tests(green("first"))
    data = results(house)
    data["claims"][0] |= DAMAGED_CLAIMS[said](data["claims"][0])
    path = house.write("results.json", json.dumps(data))

    with pytest.raises(Unreadable) as told:
        read(path)

    assert f"results.json: is a damaged result file: {said}" in str(told.value)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_file_that_is_no_result_file_is_told_why_in_a_line(house, damage, request):
    house.claims(entry("first"))
    house.tests(green("first"))
    data = results(house)
    path = house.write("results.json", damage if isinstance(damage, str) else json.dumps({**data, **damage}))

    with pytest.raises(Unreadable) as told:
        read(path)

    assert next(said for said in DAMAGES if DAMAGES[said] == damage) in str(told.value)
    assert "\n" not in str(told.value)
