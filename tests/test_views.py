"""What is made of result files for readers and programs: Markdown, JSON, summary and badge, and that they are true."""

from __future__ import annotations

import json
import subprocess
from xml.etree import ElementTree

import pytest

from fixtures.checklist.badge import Badge
from fixtures.checklist.words import Words
from tests.conftest import entry, green
from tests.desk import COMMAND, Desk

SVG = "{http://www.w3.org/2000/svg}"
LOOPS = ("asyncio", "uvloop")
COMMANDS = ("markdown", "json", "summary", "badge")


@pytest.fixture
def desk(house):
    """Two claims on loops, and one on none; all hold."""
    house.claims(
        entry("first", zh="第一条"),
        entry("second", says="What is second", zh="第二条", verdict="refuted", instead="It is third"),
        entry("third", says="What is third", zh="第三条"),
    )
    house.tests(green("first") + green("second") + '\n    @claim("third")\n    def test_third():\n        pass\n')
    return Desk(house)


def on_both(id, outcome, reason=""):
    return {(id, loop): (outcome, reason) for loop in LOOPS}


def badge(desk, *arguments):
    ended = desk.show("badge", "--json", *arguments)
    assert ended.ret == 0
    data = json.loads(ended.stdout.str())
    assert data.keys() == {"schemaVersion", "label", "message", "color", "isError"}
    assert data["schemaVersion"] == 1
    assert data["isError"] is (data["color"] != "brightgreen")
    return data["label"], data["message"], data["color"]


def test_a_badge_is_green_where_all_that_applies_is_verified(desk):
    elsewhere = desk.made("1.json", outcomes=on_both("first", "does not apply"))

    assert badge(desk, desk.made("2.json")) == ("asyncio specification", "3 of 3 verified", "brightgreen")
    assert badge(desk, elsewhere)[1:] == ("2 of 2 verified", "brightgreen")
    assert badge(desk, desk.made("3.json"), "--loop", "uvloop") == (
        "specification on uvloop", "2 of 2 verified", "brightgreen",
    )  # fmt: skip
    assert badge(desk, desk.made("4.json"), "--lang", "zh") == ("asyncio 规范", "3 条中 3 条已验证", "brightgreen")


@pytest.mark.parametrize(
    ("outcome", "message", "colour"),
    [
        ("failed", "2 of 3 verified, 1 failed", "red"),
        ("crashed", "2 of 3 verified, 1 crashed", "red"),
        ("hung", "2 of 3 verified, 1 hung", "red"),
        ("not verified", "2 of 3 verified, 1 not verified", "yellow"),
        ("not asked for", "2 of 3 verified, 1 not asked for", "yellow"),
        ("pending", "2 of 3 verified, 1 pending", "yellow"),
    ],
)
def test_a_badge_is_not_green_where_one_claim_is_not_verified(desk, outcome, message, colour):
    file = desk.made("1.json", outcomes={("third", None): (outcome, "why")})

    assert badge(desk, file)[1:] == (message, colour)


def test_a_badge_of_a_loop_is_of_what_ran_on_it(desk):
    file = desk.made("1.json", outcomes={("second", "uvloop"): ("failed", "why"), ("third", None): ("failed", "why")})

    assert badge(desk, file)[1:] == ("1 of 3 verified, 2 failed", "red")
    assert badge(desk, file, "--loop", "uvloop")[1:] == ("1 of 2 verified, 1 failed", "red")
    assert badge(desk, file, "--loop", "asyncio")[1:] == ("2 of 2 verified", "brightgreen")


@pytest.mark.parametrize("ended", ["interrupted", "unfinished"])
def test_a_badge_of_a_run_that_was_cut_short_is_not_green(desk, ended):
    file = desk.made("1.json", ended=ended)
    lost = desk.made("2.json", ended=ended, outcomes=on_both("second", "not verified", f"the run was {ended}"))

    assert badge(desk, file)[1:] == ("3 of 3 verified, a run was cut short", "yellow")
    assert badge(desk, lost)[1:] == ("2 of 3 verified, 1 not verified, a run was cut short", "yellow")


def test_a_badge_of_several_runs_counts_each_claim_once_and_is_green_only_where_all_are(desk):
    good = [desk.made(f"{minor}.json", f"3.{minor}.1") for minor in (10, 11)]
    elsewhere = desk.made("12.json", "3.12.1", outcomes=on_both("first", "does not apply"))
    bad = desk.made("13.json", "3.13.1", outcomes={("first", "asyncio"): ("failed", "why")})
    half = desk.made("14.json", "3.14.1", outcomes={("first", "asyncio"): ("not asked for", "")})

    assert badge(desk, *good, elsewhere)[1:] == ("3 of 3 verified", "brightgreen")
    assert badge(desk, *good, bad)[1:] == ("2 of 3 verified, 1 failed", "red")
    assert badge(desk, *good, half)[1:] == ("2 of 3 verified, 1 not verified", "yellow")


def test_a_badge_of_nothing_says_so(desk):
    nothing = on_both("first", "does not apply") | on_both("second", "does not apply")
    file = desk.made("1.json", outcomes=nothing | {("third", None): ("does not apply", "")})

    assert badge(desk, file)[1:] == ("nothing verified", "lightgrey")


def test_the_badge_of_a_run_that_was_interrupted_in_truth(house):
    house.interrupts_itself()
    house.run("spec", "--results", "1.json")

    shown = house.pytester.run(*COMMAND, "badge", "--json", "1.json").stdout.str()
    summed = house.pytester.run(*COMMAND, "summary", "1.json").outlines

    assert json.loads(shown)["message"] == "1 of 3 verified, 2 not verified, a run was cut short"
    assert summed[0] == "## asyncio specification: 1 of 3 verified, 2 not verified, a run was cut short"
    assert any(line.startswith("- **not verified: the run was interrupted** (") for line in summed)
    assert "No claim failed" not in "\n".join(summed)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("outcome", "colour"), [("verified", "#2e7d32"), ("failed", "#b3261e"), ("pending", "#7a5c00")]
)
def test_the_picture_of_a_badge_says_what_its_json_says(desk, outcome, colour, language):
    file = desk.made("1.json", outcomes={("third", None): (outcome, "")})
    label, message, _ = badge(desk, file, "--lang", language)

    drawn = ElementTree.fromstring(desk.show("badge", file, "--lang", language).stdout.str())

    assert drawn.get("role") == "img"
    assert drawn.get("aria-label") == drawn.findtext(f"{SVG}title") == f"{label}: {message}"
    texts = list(drawn.iter(f"{SVG}text"))
    assert [text.text for text in texts] == [label, message]
    left, right = (rect for rect in drawn.iter(f"{SVG}rect") if rect.get("fill"))
    assert right.get("fill") == colour
    assert int(left.get("width")) + int(right.get("width")) == int(drawn.get("width"))
    for text, room in zip(texts, (left, right)):
        begins, ends = int(text.get("x")), int(text.get("x")) + int(text.get("textLength"))
        from_, to = int(room.get("x", 0)), int(room.get("x", 0)) + int(room.get("width"))
        assert (begins - from_, to - ends) == (6, 6)


def test_a_picture_takes_any_text():
    drawn = ElementTree.fromstring(Badge('a "quoted" <label>', "& so on", "red").as_svg())

    assert drawn.findtext(f"{SVG}title") == 'a "quoted" <label>: & so on'


SUMMARY = """\
## asyncio specification: 1 of 3 verified, 1 failed, 1 not verified

- **asyncio**: 1 of 2 verified, 1 failed
- **uvloop**: 2 of 2 verified

| Python | event loop | verified | failed | not verified |
| --- | --- | ---: | ---: | ---: |
| 3.11 | asyncio | 1 | 1 | 0 |
| 3.11 | uvloop | 2 | 0 | 0 |
| 3.11 | none involved | 0 | 0 | 1 |

### What failed or was not verified

- **FAILED: assert 1 == \\*2\\*** (3.11 asyncio)
  - `second`<br>What is second
- **not verified: no Redis: switched off by --servers=none** (3.11)
  - `third`

### What it stands on

- CPython 3.11.7; loops: asyncio, uvloop 0.23.0; Linux x86\\_64; 2026-01-01 10:00 UTC
"""
SUMMARY_IN_CHINESE = """\
## asyncio 规范：3 条中 1 条已验证、1 条失败、1 条未验证

- **asyncio**：2 条中 1 条已验证、1 条失败
- **uvloop**：2 条中 2 条已验证

| Python | 事件循环 | 已验证 | 失败 | 未验证 |
| --- | --- | ---: | ---: | ---: |
| 3.11 | asyncio | 1 | 1 | 0 |
| 3.11 | uvloop | 2 | 0 | 0 |
| 3.11 | 与之无关 | 0 | 0 | 1 |

### 失败或未验证的论断

- **失败：assert 1 == \\*2\\***（3.11 asyncio）
  - `second`<br>第二条
- **未验证：没有 Redis：已由 --servers=none 关闭**（3.11）
  - `third`

### 运行环境

- CPython 3.11.7；事件循环：asyncio、uvloop 0.23.0；Linux x86\\_64；2026-01-01 10:00 UTC
"""
RUN = """\
# asyncio specification: 1 of 3 verified, 1 failed, 1 not verified

CPython 3.11.7; loops: asyncio, uvloop 0.23.0; Linux x86\\_64; 2026-01-01 10:00 UTC

First the verdict on the article, then the claim, then its marks by Python and event loop (`a` asyncio, `u` uvloop; a \
single mark where no loop is involved): ✓ verified, ✗ failed, ! crashed, ∞ hung, ? not verified, · not asked for, \
↔ expected difference, – does not apply, … pending.

## 3.3 await

| verdict | claim | `a u` |
| --- | --- | :--- |
| holds | asyncio.sleep gives back None | ✓ ✓ |
| refuted | What is second<br>→ It is third<br>*failed: assert 1 == \\*2\\* (asyncio)* | ✗ ✓ |
| holds | What is third<br>*not verified: no Redis: switched off by --servers=none* | ? |
"""


def one_of_three(desk, name="1.json", python="3.11.7"):
    return desk.made(
        name,
        python,
        outcomes={
            ("second", "asyncio"): ("failed", "assert 1 == *2*"),
            ("third", None): ("not verified", "no Redis: switched off by --servers=none"),
        },
        platform={"system": "Linux", "machine": "x86_64"},
        servers=[],
    )


def printed(desk, *arguments):
    ended = desk.show(*arguments)
    assert (ended.ret, ended.errlines) == (0, [])
    return ended.stdout.str().rstrip("\n") + "\n"


def test_the_summary_has_the_counts_and_each_reason_once(desk):
    file = one_of_three(desk)

    assert printed(desk, "summary", file) == SUMMARY
    assert printed(desk, "summary", file, "--lang", "zh") == SUMMARY_IN_CHINESE


def test_the_summary_of_a_good_run_says_that_nothing_failed(desk):
    text = printed(desk, "summary", desk.made("1.json"))

    assert text.startswith("## asyncio specification: 3 of 3 verified\n")
    assert "\nNo claim failed, and none that should have run did not.\n" in text
    assert "failed |" not in text


def test_the_summary_tells_several_claims_of_one_reason_together_and_failures_first(desk):
    outcomes = on_both("first", "not verified", "no server") | on_both("second", "not verified", "no server")
    files = [desk.made("1.json", "3.11.7", outcomes=outcomes | {("third", None): ("crashed", "gw0 died")})]
    files.append(desk.made("2.json", "3.12.1", outcomes=outcomes | {("third", None): ("hung", "did not end")}))

    text = printed(desk, "summary", *files)

    told = text[text.index("### What failed") : text.index("### What it stands")].splitlines()[2:-1]
    assert told == [
        "- **CRASHED: gw0 died** (3.11)",
        "  - `third`<br>What is third",
        "- **HUNG: did not end** (3.12)",
        "  - `third`<br>What is third",
        "- **not verified: no server** (3.11, 3.12)",
        "  - `first`, `second`",
    ]


def test_one_run_in_markdown(desk):
    file = one_of_three(desk)

    assert printed(desk, "markdown", file) == RUN
    chinese = printed(desk, "markdown", file, "--lang", "zh")
    assert "| 判定 | 论断 | `a u` |\n" in chinese
    assert "| 不成立 | 第二条<br>→ 别的<br>*失败：assert 1 == \\*2\\*（asyncio）* | ✗ ✓ |\n" in chinese


def test_several_runs_in_markdown_are_the_matrix(desk):
    files = [one_of_three(desk), one_of_three(desk, "2.json", "3.12.1")]

    text = printed(desk, "markdown", *files)

    assert desk.show("matrix", *files, "--markdown", "m.md").ret == 0
    assert text == (desk.house.path / "m.md").read_text(encoding="utf-8")
    assert "| verdict | claim | 3.11<br>`a u` | 3.12<br>`a u` |" in text


def test_json_has_what_the_other_views_show(desk):
    files = [one_of_three(desk), desk.made("2.json", "3.12.1", ["asyncio"])]

    data = json.loads(printed(desk, "json", *files))

    assert (data["format"], data["version"]) == ("asyncio-spec matrix", 1)
    assert data["catalogue"] == desk.original["catalogue"]
    # What failed on one Python has failed, and what was verified on one only is not verified.
    assert data["all"] == {
        "complete": False,
        "claims": 3,
        "counts": {"verified": 1, "failed": 1, "not verified": 1},
    }
    assert data["loops"]["uvloop"] == {"complete": True, "claims": 2, "counts": {"verified": 2}}
    assert [(column["name"], column["loops"]) for column in data["columns"]] == [
        ("3.11", ["asyncio", "uvloop"]),
        ("3.12", ["asyncio"]),
    ]
    second = data["claims"][1]
    assert (second["says"], second["zh"], second["instead_zh"]) == ("What is second", "第二条", "别的")
    assert [[each["outcome"] for each in column] for column in second["results"]] == [
        ["failed", "verified"],
        ["verified"],
    ]
    assert second["results"][0][0] == {"loop": "asyncio", "outcome": "failed", "reason": "assert 1 == *2*"}


def test_a_file_of_an_older_run_has_no_chinese_and_is_shown_in_english(desk):
    for claim in desk.original["claims"]:
        del claim["zh"], claim["instead_zh"]
    file = desk.made("1.json")

    text = printed(desk, "markdown", file, "--lang", "zh")

    assert "| 不成立 | What is second<br>→ It is third | ✓ ✓ |\n" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_result_file_is_said_in_a_line(desk, command):
    good = desk.made("good.json")
    desk.house.write("bad.json", "{")
    text = (desk.house.path / good).read_text(encoding="utf-8")
    desk.house.write("damaged.json", text.replace('"refuted"', '"refused"'))

    for name in ("bad.json", "damaged.json", "gone.json"):
        shown = desk.show(command, good, name, "--output", "out")

        assert shown.ret == 2
        assert shown.outlines == []
        (line,) = shown.errlines
        assert line.startswith(f"{command}: {name}: ")
    assert not (desk.house.path / "out").exists()


def test_what_cannot_be_asked_for_is_said_in_a_line(desk):
    good = desk.made("good.json")
    for arguments, said in (
        (
            ("badge", good, "--loop", "no\nloop"),
            r"badge: --loop: nothing ran on 'no\nloop'; there are asyncio and uvloop",
        ),
        (("badge", good, "--lang", "fr"), "badge: --lang: there is no language 'fr'; there are en and zh"),
        (("summary", good, "--lang", ""), "summary: --lang: there is no language ''; there are en and zh"),
        (("markdown", good, "--lang", "ZH"), "markdown: --lang: there is no language 'ZH'; there are en and zh"),
        (("matrix", good, "--lang", "fr"), "matrix: --lang: there is no language 'fr'; there are en and zh"),
        (("json", good, "--output", "/"), "json: --output /: cannot be written: it is not a file"),
    ):
        shown = desk.show(*arguments)
        assert (shown.ret, shown.errlines, shown.outlines) == (2, [said], [])


def test_a_view_is_written_where_it_is_asked_for_and_nothing_is_printed(desk):
    file = one_of_three(desk)

    assert printed(desk, "summary", file, "--output", "out/summary.md") == "\n"
    assert (desk.house.path / "out" / "summary.md").read_text(encoding="utf-8") == SUMMARY


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_printed_is_utf_8_whatever_the_terminal(desk, command, monkeypatch):
    file = desk.made("1.json")
    expected = desk.show(command, file).stdout.str()
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    language = () if command == "json" else ("--lang", "zh")

    printed = subprocess.run(
        [*COMMAND, command, file, *language], cwd=desk.house.path, capture_output=True, timeout=60, check=True
    ).stdout

    assert any(each in printed.decode("utf-8") for each in ("规范", "第二条"))
    assert desk.show(command, file).stdout.str() == expected


def test_a_matrix_in_chinese_needs_an_output_with_chinese(desk, monkeypatch):
    file = desk.made("1.json")
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")

    shown = desk.show("matrix", file, "--lang", "zh", "--markdown", "m.md")

    assert (shown.ret, shown.outlines) == (2, [])
    (line,) = shown.errlines
    assert line.startswith("matrix: --lang zh: there is no Chinese in ")
    assert not (desk.house.path / "m.md").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_reader_that_has_seen_enough_ends_it_quietly(desk, command):
    with subprocess.Popen(
        [*COMMAND, command, desk.made("1.json")], cwd=desk.house.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as showing:
        showing.stdout.close()
        told = showing.stderr.read()

    assert (told, showing.returncode) == (b"", 0)


def test_both_languages_say_the_same_of_the_same(desk):
    file = one_of_three(desk)

    english, chinese = (
        desk.show("markdown", file, "--lang", language).stdout.str().splitlines() for language in ("en", "zh")
    )

    assert len(english) == len(chinese)
    marks = [[line.split(" | ")[-1] for line in lines if "✓" in line or "✗" in line] for lines in (english, chinese)]
    assert marks[0][1:] == marks[1][1:]
    assert Words("zh").verdict("refuted") in chinese[-2]
