"""The benchmarks: what is measured of a process, cases in turn, what is left out, bars, page, generated document."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import bare, bars, cases, generated, mysql_alone, page
from benchmarks.__main__ import main
from benchmarks.processes import Broken, Spent
from benchmarks.slowest import slowest
from benchmarks.turns import Measured, in_turn
from fixtures.claims import read_document
from tests.conftest import ROOT, entry


def measured_apart(*command, before="", **ceilings):
    """What `measure` says of a command: in a process of its own, for it waits for all children that it has."""
    source = f"""
import json, os, sys
from dataclasses import astuple
from pathlib import Path
from benchmarks import processes
vars(processes).update({ceilings})
{before}
processes.adopt_orphans()
try:
    print(json.dumps(astuple(processes.measure({list(command)}, Path(".")))))
except processes.Broken as error:
    sys.exit(str(error))
"""
    return subprocess.run([sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True)


def test_the_processor_time_of_what_a_process_leaves_behind_is_its_own_but_not_the_wait_for_it(tmp_path):
    os.mkfifo(tmp_path / "go")
    leaves_one_behind = f"""
import os, time
if os.fork():
    os._exit(0)
open({str(tmp_path / "go")!r}).read()
while time.process_time() < 0.3:
    pass
"""
    once_it_has_ended = f"""
reap_all = processes._reap_all
def let_it_work_and_reap_all(command):
    open({str(tmp_path / "go")!r}, "w").close()
    reap_all(command)
processes._reap_all = let_it_work_and_reap_all
"""

    ended = measured_apart(sys.executable, "-c", leaves_one_behind, before=once_it_has_ended, CEILING=20.0)

    assert ended.stderr == ""
    wall, cpu, tests = json.loads(ended.stdout)
    assert wall > 0
    assert cpu >= 0.3
    assert tests == ""


def test_how_pytest_counts_the_tests_is_kept():
    ended = measured_apart(sys.executable, "-c", "print('dots\\n7 passed, 2 skipped in 77.50s (0:01:17)')")

    assert json.loads(ended.stdout)[2] == "7 passed, 2 skipped"


LEAVES_ONE_BEHIND = """
import os, time
first = os.getpid()
if os.fork():
    os._exit(0)
while os.getppid() == first:
    time.sleep(0.01)
measuring = os.getppid()
while os.getppid() == measuring:
    time.sleep(0.01)
"""


@pytest.mark.parametrize(
    "source, ceilings, said",
    [
        ("import sys; print('well', flush=True); sys.exit('why')", {}, "ended with status 1; it said last: why"),
        ("import sys; sys.exit(3)", {}, "ended with status 3; it said last: nothing"),
        ("import time; time.sleep(60)", {"CEILING": 0.5}, "did not end within 0.5 s"),
        (LEAVES_ONE_BEHIND, {"_AFTERWARDS": 0.5}, "left a process that did not end within 0.5 s"),
    ],
)
def test_what_cannot_be_measured_is_told_in_a_line(source, ceilings, said):
    ended = measured_apart(sys.executable, "-c", source, **ceilings)

    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def case(name, rounds, ran, why_not="", spent=None):
    def once():
        ran.append(name)
        return spent or Spent(1.0, 2.0)

    return cases.Case(name, f"the title of {name}", rounds, once, why_not)


def test_cases_are_run_in_turn_each_as_often_as_it_wants_and_never_what_cannot_be_measured():
    ran, said = [], []

    measured = in_turn([case("a", 3, ran), case("b", 1, ran), case("c", 2, ran), case("d", 3, ran, "no")], said.append)

    assert ran == ["a", "b", "c", "a", "c", "a"]
    assert {name: len(spent) for name, spent in measured.spent.items()} == {"a": 3, "b": 1, "c": 2}
    assert said[0] == "round 1: the title of a"
    assert said[-1] == "round 3: the title of a"


def test_runs_of_other_tests_are_not_compared():
    given = [case(name, 1, [], spent=Spent(1, 1, tests)) for name, tests in (("none", "5 passed"), ("two", "4 passed"))]

    with pytest.raises(Broken, match="not the same tests were run: 4 passed; 5 passed"):
        in_turn(given, lambda _: None)


def figures(**walls):
    """What was measured, by name and wall times; the processor's are twice as long. `_` stands for a blank."""
    spent = {name.replace("_", " "): [Spent(wall, 2 * wall) for wall in each] for name, each in walls.items()}
    return Measured([case(name, 3, []) for name in spent], spent)


def test_comparisons_are_made_within_a_round():
    # The second round found the machine busy: medians of each would say 1.25.
    measured = figures(a=[2.2, 5.0, 2.0], b=[2.0, 4.0, 1.6])

    assert measured.compared("a", "b", lambda one, other: one / other) == pytest.approx(1.25)
    assert measured.compared("b", "a", lambda one, other: one - other, "cpu") == pytest.approx(-0.8)
    assert measured.compared("a", "c", lambda one, other: one / other) is None
    assert measured.median("a") == 2.2
    assert measured.median("a", "cpu") == 4.4
    assert measured.spread("a") == pytest.approx(0.2)


def verdicts(measured):
    return {bar.says: bar.verdict(measured) for bar in bars.BARS}


def test_each_bar_is_met_below_its_limit_and_missed_at_it():
    below = figures(
        **{"none, article": [1.9], "embedded, article": [4.4], "docker, article": [5.9]},
        none=[1.9],
        one=[1.9],
        bare=[1.8],
        two=[1.8],
        embedded=[4.4],
        docker=[5.9],
        mysql=[5.0],
        once=[1.0],
        ten_times=[10.9],
    )
    at = figures(
        **{"none, article": [3.0], "embedded, article": [4.5], "docker, article": [6.0]},
        none=[3.0],
        one=[3.0],
        bare=[2.5],
        two=[3.0],
        embedded=[4.5],
        docker=[6.0],
        mysql=[5.0],
        once=[1.0],
        ten_times=[11.0],
    )

    assert set(verdicts(below).values()) == {"met"}
    assert set(verdicts(at).values()) == {"MISSED"}
    assert set(verdicts(figures()).values()) == {"not measured"}


def test_leak_checks_are_in_none_of_what_reporting_and_catalogue_cost():
    measured = figures(none=[3.0], one=[3.0], no_leaks=[2.1], bare=[2.0], two=[1.0])

    assert verdicts(measured)["reporting and catalogue under 10 %"] == "met"
    assert "+42.9% wall" in page.written(measured, [], [], "tox -e bench")
    assert verdicts(figures(one=[3.0], bare=[2.0]))["reporting and catalogue under 10 %"] == "MISSED"


def test_the_page_says_how_to_make_it_anew_what_was_measured_what_not_and_what_is_missed():
    measured = figures(none=[3.5, 3.0, 2.75])
    measured.cases.append(case("docker", 1, [], "Docker's engine | is asleep"))

    text = page.written(measured, [(0.5, "3.4", "its-id", "What it says")], ["Python: 3.11"], "tox -e bench -- --quick")

    assert text.splitlines()[0] == "<!-- Made by: tox -e bench -- --quick -->"
    assert "| the title of none | 3.00 s ± 0.25 | 6.00 s | 3 | – |" in text
    assert "| the title of docker | not measured: Docker's engine \\| is asleep | – | – | – |" in text
    assert "| all claims without servers under 3 s | 3.00 s | 6.00 s | MISSED |" in text
    assert "| `-n 2` faster than one process | – | – | not measured |" in text
    assert "| 0.500 | 3.4 | What it says (`its-id`) |" in text
    assert text.endswith("- Python: 3.11\n")


def bare_run(house, *options):
    listing = house.run("spec", "--collect-only", "-q")
    house.write("tests.txt", listing.stdout.str())
    return house.run("spec", "-q", "--servers=none", *bare.OPTIONS, "--bare", "tests.txt", *options)


def test_without_catalogue_and_checklist_the_same_tests_run_and_nothing_is_reported(ten_claims):
    whole = ten_claims.run("spec", "-q", "--servers=none")
    without = bare_run(ten_claims)

    assert without.parseoutcomes() == whole.parseoutcomes()
    assert "10 claims" in whole.stdout.str()
    assert "claims" not in without.stdout.str()


def test_without_catalogue_nobody_reads_it(ten_claims):
    listed = bare_run(ten_claims).parseoutcomes()
    ten_claims.write("spec/c3_asyncio/claims.toml", "this is no TOML")

    again = ten_claims.run("spec", "-q", "--servers=none", *bare.OPTIONS, "--bare", "tests.txt")

    assert ten_claims.run("spec").ret == 4
    assert again.parseoutcomes() == listed


def test_without_catalogue_and_checklist_the_guards_stay(house):
    house.claims(entry("leaves-a-task"))
    house.tests("""
    @claim("leaves-a-task")
    async def test_leaves_a_task():
        asyncio.create_task(asyncio.sleep(60))
    """)

    ended = bare_run(house)

    assert "tasks left behind: sleep" in ended.stdout.str()


def test_the_generated_document_is_in_order_and_has_as_many_claims_as_are_wished_for(tmp_path):
    generated.write(tmp_path / "made", ROOT, 163)

    document, problems = read_document(tmp_path / "made")

    assert problems == []
    assert len(document.claims) == len(document.tests) == 163
    assert {claim.verdict for claim in document.claims.values()} == {"holds", "refuted"}


def test_the_generated_document_is_green(tmp_path, monkeypatch):
    generated.write(tmp_path / "made", ROOT, 8)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    ended = subprocess.run(
        [*cases.NONE, "-p", "no:cacheprovider"], cwd=tmp_path / "made", capture_output=True, text=True
    )

    assert "14 passed in" in ended.stdout, ended.stdout
    assert "8 claims: 6 hold, 2 refuted" in ended.stdout


def test_leak_checks_are_left_out_by_name_where_conftest_names_them(tmp_path):
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["fixtures.claims"]\n')
    assert not cases.has_leak_checks(tmp_path)

    (tmp_path / "conftest.py").write_text('pytest_plugins = ["fixtures.claims", "fixtures.leaks"]\n')
    assert cases.has_leak_checks(tmp_path)


def test_the_slowest_claims_are_those_whose_tests_took_longest_on_all_loops_together(ten_claims):
    ten_claims.run("spec", "--servers=none", "--results", "made.json")
    path = Path(ten_claims.path / "made.json")
    data = json.loads(path.read_text(encoding="utf-8"))
    for claim in data["claims"]:
        for result in claim["results"]:
            result["seconds"] = {"first-holds": 0.6, "ninth-without-loop": 1.0}.get(claim["id"], 0.1)
    path.write_text(json.dumps(data), encoding="utf-8")

    assert [(seconds, id) for seconds, _, id, _ in slowest(path, 2)] == [
        (1.2, "first-holds"),
        (1.0, "ninth-without-loop"),
    ]


def test_without_an_engine_docker_is_not_measured_and_it_is_said_why(monkeypatch):
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere")

    assert "nowhere" in mysql_alone.why_not_docker()


def test_what_breaks_while_measuring_is_a_line_and_status_1_and_no_page(monkeypatch, tmp_path, capsys):
    def breaks(*_):
        raise Broken("pytest spec: ended with status 1")

    monkeypatch.setattr("benchmarks.__main__.adopt_orphans", lambda: None)
    monkeypatch.setattr("benchmarks.__main__.cases.prepare", breaks)
    monkeypatch.setattr("benchmarks.__main__.PAGE", tmp_path / "BENCHMARKS.md")

    assert main([]) == 1

    assert capsys.readouterr() == ("", "bench: pytest spec: ended with status 1\n")
    assert not (tmp_path / "BENCHMARKS.md").exists()


def test_a_missed_bar_is_said_and_is_status_0(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("benchmarks.__main__.adopt_orphans", lambda: None)
    monkeypatch.setattr("benchmarks.__main__.cases.prepare", lambda *_: [case("none", 1, [], spent=Spent(9.0, 1.0))])
    monkeypatch.setattr("benchmarks.__main__.slowest", lambda _: [])
    monkeypatch.setattr("benchmarks.__main__.PAGE", tmp_path / "BENCHMARKS.md")

    assert main(["--quick"]) == 0

    text = (tmp_path / "BENCHMARKS.md").read_text(encoding="utf-8")
    assert "| all claims without servers under 3 s | 9.00 s | 1.00 s | MISSED |" in text
    assert capsys.readouterr().out == text


def test_an_unknown_option_is_status_2():
    with pytest.raises(SystemExit) as ended:
        main(["--slow"])

    assert ended.value.code == 2
