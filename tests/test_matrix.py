"""The matrix: one table of many result files, what it says of each cell, what it refuses, and MATRIX.md made of it."""

import re
import subprocess
from pathlib import Path

import pytest

from fixtures.catalogue import fingerprint, read_catalogue
from fixtures.checklist.matrix_markdown import catalogue_of
from tests.conftest import ROOT, entry, green
from tests.desk import COMMAND, Desk


@pytest.fixture
def desk(ten_claims):
    return Desk(ten_claims)


@pytest.fixture
def small_desk(house):
    """Two claims on loops, and one on none."""
    house.claims(entry("first"), entry("second", says="What is second"), entry("third", says="What is third"))
    house.tests(green("first") + green("second") + '\n    @claim("third")\n    def test_third():\n        pass\n')
    return Desk(house)


EXPECTED = """\
marks by Python and loop (a asyncio, u uvloop); a single mark where no loop is involved
✓ verified   ✗ failed   ! crashed   ∞ hung   ? not verified
· not asked for   ↔ expected difference   – does not apply   … pending

3.3 await
                       PyPy article
             3.10 3.14 3.11 3.10
             a u  a u  a    a u
  holds      ✓ ✓  ✓ ✓  ✓    ✓ ✓      What holds is shown on both loops
  refuted    ✓ ✓  ✗ ✓  ✓    ✓ ✓      What is wrong
                                     → What is right
                                     FAILED: assert 1 == 2 (3.14 asyncio)
  changed    ✓ ✓  ✓ ✓  ✓    ✓ ✓      asyncio.sleep gives back None
                                     → something else
  cannot run ✓ ✓  ✓ ✓  ✓    ✓ ✓      asyncio.sleep gives back None
                                     → something else
  holds      ✓ ✗  ✓ ✗  ✓    ✓ ✗      asyncio.sleep gives back None
                                     FAILED: AssertionError: not on this loop (3.10 uvloop, 3.14 uvloop, 3.10 (article)
                                     uvloop)
  holds      – –  – –  –    – –      asyncio.sleep gives back None
  holds      ? ?  ? ?  ?    ? ?      asyncio.sleep gives back None
                                     not verified: no server: start one (3.10, 3.14, PyPy 3.11, 3.10 (article))

3.4 Task
                       PyPy article
             3.10 3.14 3.11 3.10
             a u  a u  a    a u
  holds      …    …    …    …        asyncio.sleep gives back None
  holds      ✓    ·    ✓    ✓        asyncio.sleep gives back None
  holds      – –  – –  –    ✓ ✓      asyncio.sleep gives back None

3.10: 5 verified, 1 FAILED, 1 not verified, 0 not asked for, 2 do not apply here, 1 pending
  CPython 3.10.13; loops: asyncio, uvloop 0.23.0; Linux x86_64; 2026-01-02 10:00 UTC
3.14: 3 verified, 2 FAILED, 1 not verified, 1 not asked for, 2 do not apply here, 1 pending
  CPython 3.14.0rc1; loops: asyncio, uvloop 0.23.0; Linux x86_64; 2026-01-01 10:00 UTC
PyPy 3.11: 6 verified, 0 FAILED, 1 not verified, 0 not asked for, 2 do not apply here, 1 pending
  PyPy 3.11.11; loops: asyncio; Redis: one; Linux x86_64; 2026-01-03 10:00 UTC; the run was INTERRUPTED
3.10 (article): 6 verified, 1 FAILED, 1 not verified, 0 not asked for, 1 do not apply here, 1 pending
  CPython 3.10.13; loops: asyncio, uvloop 0.23.0; Linux x86_64; 2026-01-04 10:00 UTC
"""


def four_runs(desk):
    broken = {
        ("second-refuted", "asyncio"): ("failed", "assert 1 == 2"),
        ("ninth-without-loop", None): ("not asked for", ""),
    }
    old = {("tenth-old-stack", loop): ("verified", "") for loop in ("asyncio", "uvloop")}
    linux = {"platform": {"system": "Linux", "machine": "x86_64"}}
    return [
        desk.made("results/b.json", "3.14.0rc1", outcomes=broken, **linux),
        desk.made("results/a.json", "3.10.13", **linux),
        desk.made(
            "results/c.json",
            "3.11.11",
            ["asyncio"],
            implementation="PyPy",
            servers=["Redis: one"],
            ended="interrupted",
            **linux,
        ),  # fmt: skip
        desk.made("results/d.json", "3.10.13", outcomes=old, stack="article", **linux),
    ]


def test_every_cell_is_told_apart(desk, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    files = four_runs(desk)

    joined = desk.join(*files)

    assert joined.ret == 0
    assert joined.stdout.str() == EXPECTED.rstrip("\n")
    assert desk.join("results").stdout.str() == joined.stdout.str()


def test_breaking_one_claim_on_one_python_turns_one_cell(small_desk):
    pythons = [f"3.{minor}.1" for minor in range(10, 16)]
    files = [small_desk.made(f"{python}.json", python) for python in pythons]
    before = small_desk.join(*files).outlines
    files[2] = small_desk.made("3.12.1.json", "3.12.1", outcomes={("second", "uvloop"): ("failed", "broken")})

    after = small_desk.join(*files).outlines

    row = "  holds      ✓ ✓  ✓ ✓  ✓ ✓  ✓ ✓  ✓ ✓  ✓ ✓   What is second"
    marks = [line for line in after if re.match(r"  holds +[✓✗?]", line)]
    assert row in before
    assert row not in after
    assert "  holds      ✓ ✓  ✓ ✓  ✓ ✗  ✓ ✓  ✓ ✓  ✓ ✓   What is second" in after
    assert "".join(marks).count("✗") == 1
    assert sum("FAILED: broken (3.12 uvloop)" in line for line in after) == 1


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(desk, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    files = [desk.made(f"{minor}.json", f"3.{minor}.1") for minor in range(10, 16)]
    files.append(desk.made("pypy.json", "3.11.1", ["asyncio"], implementation="PyPy"))
    files.append(desk.made("old.json", "3.10.1", stack="article"))

    lines = desk.join(*files).outlines

    assert max(map(len, lines)) <= columns
    marks = "  holds      ✓ ✓  ✓ ✓  ✓ ✓  ✓ ✓  ✓ ✓  ✓ ✓  ✓    ✓ ✓"
    if columns >= 120:
        assert f"{marks}      What holds is shown on both loops" in lines
    else:
        row = [line.rstrip() for line in lines].index(marks)
        assert lines[row + 1].strip() == "What holds is shown on both loops"


def test_an_ascii_terminal_gets_ascii_marks(desk, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")

    text = desk.join(*four_runs(desk)).stdout.str()

    assert text.isascii()
    assert "  refuted    + +  X +  +    + +" in text
    assert "FAILED: assert 1 == 2 (3.14 asyncio)" in text


def test_a_run_that_was_cut_short_is_told_once_and_its_marks_stay(small_desk):
    cut = {("second", loop): ("not verified", "the run did not come to its end") for loop in ("asyncio", "uvloop")}
    joined = small_desk.join(small_desk.made("cut.json", "3.11.9", outcomes=cut, ended="unfinished"))

    assert "  holds      ? ?   What is second" in joined.outlines
    assert joined.stdout.str().count("did not come to its end") == 0
    assert joined.stdout.str().replace("\n ", "").count("the run was UNFINISHED") == 1


def test_a_reason_that_many_rows_in_a_row_give_is_said_once(small_desk):
    none = ("not verified", "no server")
    cells = {(id, loop): none for id in ("first", "second") for loop in ("asyncio", "uvloop")} | {("third", None): none}
    joined = small_desk.join(small_desk.made("1.json", outcomes=cells), small_desk.made("2.json", "3.12.1"))

    said = [line.strip() for line in joined.outlines if "not verified: " in line]
    assert said == ["not verified: no server (3.11)", "not verified: as above", "not verified: as above"]


def test_of_two_files_of_one_python_the_newest_counts_and_a_line_says_so(small_desk):
    failed = {("second", "asyncio"): ("failed", "broken")}
    newest = small_desk.made("newest.json", "3.11.9")
    small_desk.days = -1
    oldest = small_desk.made("oldest.json", "3.11.7", outcomes=failed, started="2025-12-31T10:00:00.000+00:00")

    for files in ((newest, oldest), (oldest, newest)):
        joined = small_desk.join(*files).outlines

        assert "  holds      ✓ ✓   What is second" in joined
        assert joined[-1] == "3.11 asyncio, uvloop: newest.json counts, oldest.json is older"


def test_files_of_one_loop_each_make_one_column(small_desk):
    one = small_desk.made("one.json", "3.11.9", ["uvloop"], outcomes={("third", None): ("failed", "broken")})
    other = small_desk.made("other.json", "3.11.9", ["asyncio"], outcomes={("second", "asyncio"): ("failed", "broken")})

    joined = small_desk.join(one, other).outlines

    assert "  holds      ✗ ✓   What is second" in joined
    assert "  holds      ✓     What is third" in joined  # the newest tells of what needs no loop
    assert not any("older" in line for line in joined)


def test_what_changed_is_told_once_by_version_up_to_the_newest_here(house):
    applies = ("<3.12", ">=3.12", ">=3.10.9,!=3.11.0", "<3.11", ">=3.15")
    house.claims(
        *(
            entry(f"claim-{number}", verdict="changed", says=f"Claim {number}", applies=f'{{ python = "{python}" }}')
            for number, python in enumerate(applies)
        )
    )
    house.tests("".join(green(f"claim-{number}") for number in range(len(applies))))
    desk = Desk(house)
    here, gone = ("verified", ""), ("does not apply", "")
    old, new = ({(f"claim-{number}", "asyncio"): here if number in these else gone for number in range(len(applies))}
                for these in ([0, 3], [1]))  # fmt: skip
    files = [
        desk.made("1.json", "3.10.1", ["asyncio"], outcomes=old),
        desk.made("2.json", "3.14.1", ["asyncio"], outcomes=new),
    ]

    text = desk.join(*files).stdout.str()

    start = text.index("What changed")
    assert text[start : text.index("\n\n3.10:", start)].splitlines() == [
        "What changed, and when",
        "",
        "Python 3.10.9",
        "  changed since     3.3: Claim 2 (not seen on any of these)",
        "                    → something else",
        "",
        "Python 3.11",
        "  changed before    3.3: Claim 2 (not seen on any of these)",
        "                    → something else",
        "  changed before    3.3: Claim 3",
        "                    → something else",
        "",
        "Python 3.11.1",
        "  changed since     3.3: Claim 2 (not seen on any of these)",
        "                    → something else",
        "",
        "Python 3.12",
        "  changed since     3.3: Claim 1",
        "                    → something else",
    ]


def test_files_of_different_catalogues_do_not_mix(small_desk):
    old = small_desk.made("old.json")
    small_desk.house.claims(entry("first"), entry("second", says="In other words"), entry("third"))
    small_desk.house.run("spec", "--results", "new.json")

    joined = small_desk.join("new.json", old, "--markdown", "out.md")

    assert joined.ret == 2
    assert joined.outlines == []
    (line,) = joined.errlines
    assert line.startswith("matrix: old.json: of another catalogue than new.json, which is the newest,")
    assert "make the old ones anew with pytest spec --results FILE" in line
    assert not (small_desk.house.path / "out.md").exists()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "[" * 100_000, '{"format": "asyncio-spec results", "version": 7}', None]
)
def test_what_is_no_result_file_is_named_in_a_line(small_desk, content):
    good = small_desk.made("good.json")
    if content is not None:
        small_desk.house.write("bad.json", content)

    joined = small_desk.join(good, "bad.json")

    assert joined.ret == 2
    assert joined.outlines == []
    (line,) = joined.errlines
    assert line.startswith("matrix: bad.json: ")


def test_a_folder_without_files_and_a_place_that_cannot_be_written_are_told(small_desk):
    good = small_desk.made("good.json")
    (small_desk.house.path / "empty").mkdir()

    missing = "cannot be read: there is none; make one with pytest spec --results FILE"
    for arguments, said in (
        ([good, "gone.json"], f"matrix: gone.json: {missing}"),
        ([str(small_desk.house.path / "gone.json")], f"matrix: gone.json: {missing}"),
        (["empty"], "matrix: empty: has no *.json in it; make some with pytest spec --results empty/NAME.json"),
        ([good, "--markdown", "empty"], "matrix: --markdown empty: cannot be written: it is not a file"),
        ([good, "--markdown", ""], "matrix: --markdown .: cannot be written: it is not a file"),
        ([good, "--markdown", "/"], "matrix: --markdown /: cannot be written: it is not a file"),
        (["x" * 300], f"matrix: {'x' * 300}: cannot be read: File name too long"),
        (["a\nb.json"], rf"matrix: a\nb.json: {missing}"),
    ):
        joined = small_desk.join(*arguments)
        assert (joined.ret, joined.errlines, joined.outlines) == (2, [said], [])


def test_a_reader_that_has_seen_enough_ends_it_quietly(desk):
    files = four_runs(desk)
    with subprocess.Popen(
        [*COMMAND, "matrix", *files], cwd=desk.house.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as joining:
        joining.stdout.close()
        told = joining.stderr.read()

    assert told == b""
    assert joining.returncode == 0


def test_markdown_has_the_same_marks_and_nothing_that_it_would_misread(house):
    house.claims(
        entry("first", says="__await__ gives *one* <Task> | [x]"),
        entry("second", verdict="refuted", applies='{ python = "<3.12" }'),
    )
    house.tests(green("first") + '\n    @claim("second")\n    def test_second():\n        pass\n')
    desk = Desk(house)
    here, gone = {("second", None): ("verified", "")}, {("second", None): ("does not apply", "")}
    files = [
        desk.made("1.json", "3.10.1", ["asyncio", "uvloop"], outcomes=here),
        desk.made("2.json", "3.12.1", ["asyncio"], outcomes=gone | {("first", "asyncio"): ("failed", "1 | 2")}),
    ]

    assert desk.join(*files, "--markdown", "out/matrix.md").ret == 0

    text = (desk.house.path / "out" / "matrix.md").read_text(encoding="utf-8")
    lines = text.splitlines()
    assert lines[0] == "<!-- Made by: tox -e py310,py311,py312,py313,py314,py315,pypy311,article,matrix -->"
    assert catalogue_of(text) == desk.original["catalogue"]
    table = lines.index("## 3.3 await") + 2
    assert lines[table : table + 4] == [
        "| verdict | claim | 3.10<br>`a u` | 3.12<br>`a` |",
        "| --- | --- | :--- | :--- |",
        r"| holds | \_\_await\_\_ gives \*one\* \<Task\> \| \[x\]<br>**FAILED: 1 \| 2** (3.12) | ✓ ✓ | ✗ |",
        "| refuted | asyncio.sleep gives back None<br>→ something else | ✓ | – |",
    ]
    assert "- **Python 3.12**" in lines
    assert "  - *refuted before* 3.3: asyncio.sleep gives back None<br>→ something else" in lines
    assert any(line.startswith("- **3.12**: 0 verified, 1 FAILED, ") for line in lines)


def test_the_matrix_in_the_repository_is_of_this_catalogue():
    text = (Path(ROOT) / "MATRIX.md").read_text(encoding="utf-8")
    claims, _ = read_catalogue(Path(ROOT) / "spec")
    made_by = re.match(r"<!-- Made by: (.*) -->\n", text)[1]

    assert catalogue_of(text) == fingerprint(claims.values()), f"MATRIX.md is stale; this makes it anew: {made_by}"
