"""The checklist: what it says of each claim, how it is counted, and where it keeps quiet."""

import json
import re
import signal
import subprocess
import sys

import pytest

from tests.conftest import entry, green

EXPECTED = """\
one mark for each event loop: asyncio, uvloop; a single mark where no loop is
involved
✓ verified   ✗ failed   ! crashed   ∞ hung   ? not verified
· not asked for   ↔ expected difference   – does not apply   … pending

3.3 await
  holds      ✓ ✓  What holds is shown on both loops
  refuted    ✓ ✓  What is wrong
                  → What is right
  changed    ✓ ✓  asyncio.sleep gives back None
                  → something else
  cannot run ✓ ✓  asyncio.sleep gives back None
                  → something else
  holds      ✓ ✗  asyncio.sleep gives back None
                  failed: uvloop: AssertionError: not on this loop
  holds      – –  asyncio.sleep gives back None
                  does not apply: only on Python >=3.19
  holds      ? ?  asyncio.sleep gives back None
                  not verified: no server: start one

3.4 Task
  holds      …    asyncio.sleep gives back None
                  pending: its test comes later
  holds      ✓    asyncio.sleep gives back None
                  - the first half of the ninth
                  - the second half of the ninth
  holds      – –  asyncio.sleep gives back None
                  does not apply: needs the libraries of the article's day

10 claims: 2 hold, 1 refuted, 1 changed, 1 cannot run; 1 failed, 2 do not apply
here, 1 not verified, 1 pending
"""


def checklist(result):
    """The checklist in a run's output, down to the totals."""
    text = result.stdout.str()
    start = re.search(r"^=+ the checklist =+\n", text, re.MULTILINE).end()
    return text[start : text.index("\nCPython", start) + 1]


@pytest.mark.parametrize("options", [(), ("-n", "2"), ("-p", "randomly")], ids=str)
def test_every_fate_of_a_claim_is_told_apart(ten_claims, options):
    ended = ten_claims.run("spec", *options)

    assert checklist(ended) == EXPECTED
    assert ended.ret == 1


def test_a_reason_that_several_tests_of_a_claim_give_is_said_once(house):
    house.claims(entry("of-the-future", applies='{ python = ">=3.19" }'))
    house.tests("""
    @claim("of-the-future")
    def test_one_side():
        pass

    @claim("of-the-future")
    def test_the_other_side():
        pass
    """)  # fmt: skip

    assert checklist(house.run()).count("does not apply: only on Python >=3.19\n") == 1


def test_the_foot_names_python_loops_and_time(ten_claims):
    foot = ten_claims.run("spec").stdout.str().partition("1 pending\n")[2].split("=====")[0]

    version = ".".join(map(str, sys.version_info[:3]))
    assert re.fullmatch(rf"CPython {version}[^;]*; loops: asyncio, uvloop \d+\.\d+\.\d+; \d+\.\d\d s\n", foot)


def test_verbose_names_every_test_as_a_sentence(ten_claims):
    assert "  holds      ✓ ✓  What holds is shown on both loops\n                  - first holds\n" in checklist(
        ten_claims.run("spec", "-v")
    )


def test_quiet_names_only_what_is_wrong(ten_claims):
    ended = ten_claims.run("spec", "-q").stdout.str()

    assert "What holds" not in ended
    assert "failed: uvloop: AssertionError: not on this loop" in ended
    assert "not verified: no server: start one" in ended
    assert "10 claims: 2 hold," in ended


def test_an_ascii_terminal_gets_ascii_marks(ten_claims, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    ended = ten_claims.run("spec").stdout.str()
    text = ended[ended.index("the checklist") :]

    assert text.isascii()
    assert "  holds      + X  asyncio.sleep gives back None\n" in text
    assert "                  > What is right\n" in text


def test_a_sentence_that_an_ascii_terminal_has_no_letters_for_is_written_as_near_as_may_be(house, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    house.claims(entry("first", says="One – two → three… né"))
    house.tests(green("first"))

    ended = house.run("spec").stdout.str()

    assert "  holds      + +  One - two -> three... n?\n" in ended


def test_colour_is_used_only_where_it_is_wanted(ten_claims):
    assert "\x1b[" not in ten_claims.run("spec").stdout.str()
    assert "\x1b[31m\x1b[1m ✗\x1b[0m" in ten_claims.run("spec", "--color=yes").stdout.str()


def test_no_line_is_wider_than_the_terminal(ten_claims, monkeypatch):
    for columns in (60, 80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert max(map(len, checklist(ten_claims.run("spec")).splitlines())) <= min(columns, 100)


def test_a_claim_seen_on_one_loop_of_two_is_not_verified(ten_claims):
    text = checklist(ten_claims.run("spec", "-k", "first_holds and uvloop"))

    assert "  holds      · ✓  What holds is shown on both loops\n" in text
    assert "                  not verified: seen on uvloop only\n" in text
    assert "0 hold, 0 refuted" in text
    assert "1 not verified, 1 pending, 6 not asked for" in text.replace("\n", " ")


def test_a_claim_of_which_one_test_ran_is_not_verified(ten_claims):
    text = checklist(ten_claims.run("spec", "-k", "first_half"))

    assert "                  not verified: only some of its tests ran\n" in text


def test_what_was_not_asked_for_is_one_count_and_no_line(ten_claims):
    text = checklist(ten_claims.run("spec", "-k", "first_holds"))

    assert text.count("\n  holds") + text.count("\n  refuted") == 2 + 1  # the claim, and two that do not apply
    assert "6 not asked for" in text.replace("\n", " ")


def test_after_x_what_did_not_run_was_not_asked_for(ten_claims):
    text = checklist(ten_claims.run("spec", "-x", "-k", "fails_on_uvloop or half")).replace("\n", " ")

    assert "1 failed," in text
    assert "not verified, 1 pending, 6 not asked for" in text


@pytest.mark.parametrize("arguments", [("tests",), ("spec", "--collect-only")], ids=str)
def test_it_keeps_quiet_where_no_claim_was_to_run(ten_claims, arguments):
    ten_claims.tests("def test_other(): pass\n", "tests/test_other.py")

    ended = ten_claims.run(*arguments)

    assert ended.ret == 0
    assert "checklist" not in ended.stdout.str()
    assert "claims" not in ended.stdout.str()


def test_complete_fails_a_run_that_leaves_out_a_loop(house):
    house.claims(entry("first"), entry("second"))
    house.tests(green("first") + green("second"))

    assert house.run("spec", "--complete").ret == 0
    ended = house.run("spec", "--complete", "-k", "uvloop")

    assert ended.ret == 1
    assert "incomplete: first [asyncio]: seen on uvloop only" in ended.outlines
    assert "incomplete: second [asyncio]: seen on uvloop only" in ended.outlines
    assert house.run("spec", "-k", "uvloop").ret == 0


@pytest.mark.parametrize("options", [("-k", "no_such_test"), ("-n", "2", "-k", "no_such_test")], ids=str)
def test_complete_fails_a_run_in_which_nothing_ran(house, options):
    house.claims(entry("first"))
    house.tests(green("first"))

    ended = house.run("spec", "--complete", *options)

    assert ended.ret == 1
    assert "incomplete: first [uvloop]: not asked for" in ended.outlines


def test_complete_does_not_mind_what_is_pending_or_does_not_apply(house):
    house.claims(entry("first"), entry("second", pending="later"), entry("third", applies='{ python = ">=3.19" }'))
    house.tests(green("first") + green("third"))

    assert house.run("spec", "--complete").ret == 0


def test_complete_fails_a_claim_that_was_skipped(house):
    house.claims(entry("first"))
    house.tests('@claim("first")\ndef test_first():\n    pytest.skip("no server: start one")\n')

    ended = house.run("spec", "--complete")

    assert ended.ret == 1
    assert "incomplete: first: no server: start one" in ended.outlines


def test_a_file_that_cannot_be_collected_leaves_its_claims_not_verified(house):
    house.claims(entry("first"), entry("second", section="3.4"))
    house.tests(green("first"))
    house.tests("import no_such_module\n" + green("second").replace("\n    ", "\n"), "spec/c3_asyncio/test_3_4_task.py")

    text = checklist(house.run("spec", "--continue-on-collection-errors")).replace("\n                  ", " ")

    assert "  holds      ✓ ✓  asyncio.sleep gives back None\n" in text
    assert "not verified: could not be collected: " in text
    assert "No module named 'no_such_module'" in text


@pytest.fixture
def crash_and_hang(house, monkeypatch):
    """Four claims: one holds, one fails, the third ends its process, the last never ends."""
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "0.5")
    house.claims(*(entry(id) for id in ("first-holds", "second-fails", "third-crashes", "fourth-hangs")))
    house.tests(
        "import os\n" + green("first-holds").replace("\n    ", "\n") + """
@claim("second-fails")
def test_second():
    assert [1, 2] == [2, 1]

@claim("third-crashes")
def test_third():
    os._exit(1)

@claim("fourth-hangs")
async def test_fourth():
    await asyncio.Event().wait()
"""
    )  # fmt: skip
    return house


def test_what_crashed_and_what_hung_is_told_apart_from_what_failed(crash_and_hang):
    ended = crash_and_hang.run("spec", "-n", "2", "--results", "results.json")

    text = checklist(ended)
    marks = [line[:16].rstrip() for line in text.splitlines() if line.startswith("  holds ")]
    assert marks == ["  holds      ✓ ✓", "  holds      ✗", "  holds      !", "  holds      ∞ ∞"]
    assert "  crashed: its process ended with status 1\n" in text
    assert "  hung: AssertionError: did not end within 0.5 s\n" in text
    totals = "4 claims: 1 hold, 0 refuted, 0 changed, 0 cannot run; 1 failed, 1 hung, 1 crashed, 0 do not apply here"
    assert totals in text.replace("\n", " ")
    assert ended.ret == 1
    assert "ERROR at teardown" not in ended.stdout.str()  # what is cut says once that it was
    assert "hung" not in crash_and_hang.run("spec", "-k", "second").stdout.str().partition("1 failed,")[2]


def test_quiet_names_what_crashed_and_what_hung_too(crash_and_hang):
    ended = crash_and_hang.run("spec", "-q", "-n", "2").stdout.str()

    assert "crashed: its process" in ended
    assert "hung: AssertionError" in ended


def test_the_result_file_keeps_what_pytest_shows_of_each_failure(crash_and_hang):
    crash_and_hang.run("spec", "-n", "2", "--results", "results.json")

    claims = json.loads((crash_and_hang.path / "results.json").read_text(encoding="utf-8"))["claims"]
    results = {claim["id"]: claim["results"][0] for claim in claims}
    assert [result["outcome"] for result in results.values()] == ["verified", "failed", "crashed", "hung"]
    assert "failures" not in results["first-holds"]
    (failure,) = results["second-fails"]["failures"]
    assert failure["test"] == "second"
    assert re.search(r"^> +assert \[1, 2\] == \[2, 1\]$", failure["said"], re.MULTILINE)
    assert "\nE       assert [1, 2] == [2, 1]\n" in failure["said"]
    assert str(crash_and_hang.path) not in failure["said"]
    assert "waits for <Future pending" in results["fourth-hangs"]["failures"][0]["said"]


def test_a_program_that_does_not_end_is_hung_as_its_claim_would_be(house, monkeypatch):
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "4")  # three of it are the program's, and it has to be started
    house.claims(entry("first"))
    house.tests('@claim("first")\ndef test_first(plain_program):\n    plain_program("while True: pass")\n')

    assert "  hung: AssertionError: the program did not end within 3 s" in checklist(house.run("spec"))


def test_a_failure_of_many_lines_is_cut_in_its_middle_and_keeps_its_last(house):
    house.claims(entry("first"))
    house.tests("""
    @claim("first")
    def test_first():
        raise ValueError("begins " + "\\n".join(map(str, range(500))) + " ends" + "x" * 9_000)
    """)
    house.run("spec", "--results", "results.json")

    data = json.loads((house.path / "results.json").read_text(encoding="utf-8"))
    lines = data["claims"][0]["results"][0]["failures"][0]["said"].split("\n")
    assert len(lines) == 30 + 1 + 40
    assert lines[30] == "…"
    assert lines[-1].endswith("test_3_3_await.py:8: ValueError")
    assert max(map(len, lines)) <= 401


def test_an_interrupted_run_leaves_the_rest_not_verified(house):
    house.interrupts_itself()

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "spec", "-p", "no:cacheprovider"],
        cwd=house.path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert ended.returncode == -signal.SIGINT or ended.returncode == 2
    assert "not verified: it did not come to its end" in ended.stdout
    assert "not verified: the run was interrupted" in ended.stdout
    assert "1 hold, " in ended.stdout
    assert "2 not verified" in ended.stdout


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=str)
def test_a_test_with_parameters_is_one_test_and_all_of_them_count(house, options):
    house.claims(entry("first"), entry("second"))
    house.tests("""
        @claim("first")
        @pytest.mark.parametrize("delay", [0, 0.0])
        async def test_first(delay):
            assert await asyncio.sleep(delay) is None

        @claim("second")
        @pytest.mark.parametrize("number", [1, 2])
        async def test_second(number):
            assert number == 1
    """)

    text = checklist(house.run("spec", *options))

    assert "  holds      ✓ ✓  asyncio.sleep gives back None\n  holds      ✗ ✗  asyncio.sleep gives back None\n" in text
    assert "failed: assert 2 == 1\n" in text


def test_a_claim_for_another_server_than_the_run_has_does_not_apply_and_completes_a_run(house):
    house.claims(
        entry("on-mariadb", applies='{ server = "MariaDB" }'), entry("on-mysql", applies='{ server = "MySQL" }')
    )
    house.tests("""
        from fixtures.claims import only_with

        @pytest.fixture
        def server(request):
            only_with(request.node, "MariaDB")

        @claim("on-mariadb")
        async def test_one(server):
            pass

        @claim("on-mysql")
        async def test_other(server):
            raise AssertionError("this was MariaDB")
    """)

    for workers in ((), ("-n2",)):
        ended = house.run("spec", "--complete", *workers)

        assert ended.ret == 0
        assert " does not apply: only with MySQL, and this is MariaDB " in " ".join(checklist(ended).split())
        assert "2 claims: 1 hold, 0 refuted, 0 changed, 0 cannot run; 0 failed, 1 do" in checklist(ended)


def test_a_reason_that_many_claims_in_a_row_give_is_said_once(house):
    house.claims(*(entry(f"needs-{number}") for number in range(3)), entry("other"), entry("needs-again"))
    house.tests("""
        @pytest.fixture
        def server():
            pytest.skip("no server: start one")

        @claim("needs-0")
        def test_0(server): pass

        @claim("needs-1")
        def test_1(server): pass

        @claim("needs-2")
        def test_2(server): pass

        @claim("other")
        def test_3(): pass

        @claim("needs-again")
        def test_4(server): pass
    """)

    said = [line.strip() for line in checklist(house.run("spec")).splitlines() if "not verified: " in line]

    assert said[:4] == [
        "not verified: no server: start one",
        "not verified: as above",
        "not verified: as above",
        "not verified: no server: start one",
    ]
