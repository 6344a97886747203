"""What is said in two languages: nothing is missing in either, and Chinese lines up in a terminal."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap

import pytest
import wcwidth

from fixtures.applies import NAMES, Here, Version
from fixtures.catalogue import BASES, SECTIONS, VERDICTS, Claim, read_catalogue
from fixtures.checklist import words
from fixtures.checklist.columns import columns, padded, wrapped
from fixtures.checklist.model import IN_PART, INTERRUPTED, UNFINISHED, State
from fixtures.checklist.reasons import HOUSE, told
from fixtures.checklist.words import LANGUAGES, Words
from fixtures.servers import choice
from fixtures.servers.absent import Absent
from fixtures.servers.wishes import Wishes
from fixtures.timeline import words as timeline_words
from tests.conftest import ROOT, entry, green

HAN = re.compile("[\u4e00-\u9fff]")
# A comma, colon or bracket of half width beside a Chinese character is a slip of the keyboard.
HALF_WIDTH = re.compile("[\u4e00-\u9fff][,:;?!()]|[,:;?!][\u4e00-\u9fff]")
NAMES_IN_BOTH = {"uvloop", "greenlet", "await", "Redis", "MySQL", "Python", "TLS"}  # of things, which have one name
CLOSING = "，。、：；？！）》”’…,.:;)]"
OPENING = "（《“‘(["


def pairs():
    """Every text of the checklist's, the sections' and the timelines' words, by where it stands."""
    for module in (words, timeline_words):
        for table, texts in vars(module).items():
            if table.isupper() and isinstance(texts, dict):
                for name, said in texts.items():
                    pair = (name, said) if isinstance(said, str) else said  # the English is its name
                    yield f"{module.__name__}.{table}[{name!r}]", pair
    yield from ((f"SECTIONS[{name!r}]", pair) for name, pair in SECTIONS.items())
    yield from ((pair[0], pair) for pair in HOUSE)


def places(text):
    return sorted(re.findall(r"\{(\w+)", text))


@pytest.fixture(scope="module")
def claims():
    found, problems = read_catalogue(ROOT / "spec")
    assert not problems
    return list(found.values())


def both(claims):
    """The texts of claims that say the same, in English and in Chinese."""
    for claim in claims:
        yield claim.id, claim.says, claim.zh
        if claim.instead:
            yield claim.id, claim.instead, claim.instead_zh


def test_every_word_is_there_in_both_languages():
    found = dict(pairs())

    assert len(found) > 200
    for where, pair in found.items():
        assert len(pair) == len(LANGUAGES) and all(pair), where
        english, chinese = pair
        assert not HAN.search(english) or "《" in chinese or where.endswith("['language']"), where
        bare = re.sub(r"\{[^}]*\}|[\W\d_]", "", chinese)
        assert HAN.search(chinese) or not bare or bare in NAMES_IN_BOTH, where


def test_both_languages_have_the_same_places():
    for where, (english, chinese) in pairs():
        assert places(english) == places(chinese), where


def test_chinese_has_full_width_marks():
    slips = [(where, chinese) for where, (_, chinese) in pairs() if HALF_WIDTH.search(chinese)]

    assert slips == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_verdict_basis_section_and_chapter_has_words(language):
    said = Words(language)

    for state in State:
        assert said.state(state) and said.state_explained(state) and said.state_counted(state, 3)
    for verdict in VERDICTS:
        assert said.verdict(verdict) and said.verdict_explained(verdict) and said.verdict_counted(verdict, 3)
    for basis in BASES:
        assert said.basis(basis) and said.basis_explained(basis)
    for section in SECTIONS:
        assert said.section(section) and said.chapter(section.split(".")[0])
    assert len({said.state(state) for state in State}) == len(State)
    assert len({said.verdict(verdict) for verdict in VERDICTS}) == len(VERDICTS)


def test_a_word_that_is_nowhere_is_an_error_and_so_is_a_language():
    for asked in (lambda: Words("fr"), lambda: Words("zh").text("nothing"), lambda: Words("zh").state("nothing")):
        with pytest.raises(KeyError):
            asked()


def test_every_claim_is_in_chinese_and_says_what_happens_instead(claims):
    assert len(claims) > 300
    for id, english, chinese in both(claims):
        assert HAN.search(chinese), id
        assert not HAN.search(english), id
        assert not HALF_WIDTH.search(re.sub(r"\w+\([^)]*\)", "", chinese)), id
    assert [claim.id for claim in claims if bool(claim.instead) is not bool(claim.instead_zh)] == []


def test_both_languages_name_the_same_versions_and_the_same_parts_of_a_program(claims):
    versions = re.compile(r"\d+(?:\.\d+)+|\b\d{3,}\b")
    parts = re.compile(r"[A-Za-z_]+\(|[a-z]+_[a-z_]+|[A-Z][a-z]+(?:Error|Warning|Iteration)\b")
    for id, english, chinese in both(claims):
        assert set(versions.findall(english)) == set(versions.findall(chinese)), id
        assert set(parts.findall(english)) <= set(parts.findall(chinese)), id


def reasons_in_the_source():
    """What the code that looks for servers says where it gives up, with something in each of its places."""
    for path in sorted((ROOT / "fixtures" / "servers").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Absent", "CannotFetch"):
                yield from filter(None, map(_example, node.args))
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "CannotInitialise":
                yield from filter(None, map(_example, node.args))


def _example(node):
    if isinstance(node, ast.Constant):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return ""  # a text that another call made
    parts = [part.value if isinstance(part, ast.Constant) else "Here" for part in node.values]
    return "".join(parts)


def test_every_reason_for_having_no_server_has_its_chinese():
    examples = [example for example in reasons_in_the_source() if not re.fullmatch(r"(Here|[^\w])*", example)]

    assert len(examples) > 20
    left = [example for example in examples if not HAN.search(told(_complete(example), "zh"))]
    assert left == []


def _complete(example):
    """Fill in what is chosen by a condition or joined from a list."""
    example = re.sub("^Here does not answer", "MySQL at Here (from Here) does not answer", example)
    example = example.replace("neither Here on PATH", "neither one nor other on PATH")
    example = re.sub("^no HereHere: Here; Here$", "no Redis: the run has ended; start Docker, or not", example)
    return re.sub("^Here: Here$", "the disk is full: Here", example)


def test_every_reason_for_not_applying_has_its_chinese():
    here = Here(Version("3.11.7"))
    applies = (
        {"loop": "uvloop"}, {"implementation": "PyPy"}, {"python": ">=3.19"}, {"aiohttp": "<1"}, {"aioredis": "<0.1"},
        {"uvloop": "<0.1"},
    )  # fmt: skip
    reasons = [here.excludes(each, "asyncio" if "loop" in each else None) for each in applies]
    claim = Claim("x", "", "3.3", "", "", "holds", "documented", stack="article")
    reasons += [claim.of_another_stack(here), claim.not_here(here, None)]
    reasons += ["shown with the libraries of today", "only with MySQL, and this is MariaDB"]
    reasons += [INTERRUPTED, UNFINISHED, IN_PART, "it was selected and did not run", "it did not come to its end"]

    for reason in reasons:
        assert HAN.search(told(reason, "zh")), reason
        assert told(reason, "en") == reason


def test_why_the_test_of_a_claim_is_still_to_be_written_has_its_chinese(claims):
    assert [claim.id for claim in claims if claim.pending and not HAN.search(told(claim.pending, "zh"))] == []


def test_a_reason_is_translated_with_the_loop_before_it_and_whatever_is_joined_to_it():
    assert told("uvloop: only on Python >=3.12; seen on asyncio, uvloop only", "zh") == (
        "uvloop：仅限 Python >=3.12；只在 asyncio、uvloop 上见到"
    )
    assert told("uvloop: AssertionError: only 3", "zh") == "uvloop：AssertionError: only 3"
    assert told("assert 1 == 2; no more", "zh") == "assert 1 == 2; no more"
    assert [each for each in NAMES["loop"] if told(f"{each}: the run was interrupted", "zh")[-1] != "断"] == []


def test_why_there_is_no_server_is_told_whole(monkeypatch):
    def nowhere(*_):
        raise Absent("Docker's engine is not running (there is no /run/docker.sock)")

    monkeypatch.setattr(choice, "on_path", lambda programs: nowhere())
    wishes = Wishes(named={"servers": "--servers"})
    with pytest.raises(Absent) as why:
        choice.choose("mysql", wishes, nowhere, nowhere)

    said = told(str(why.value), "zh")
    assert said.startswith("没有 MySQL：Docker 引擎没有运行（没有 /run/docker.sock）；")
    assert said.endswith("；请启动 Docker、安装 mysql-server 或 mariadb-server，或者给出 --mysql-url")
    assert not re.search(r"\b(the|is|not)\b", said)


def test_narrow_text_needs_no_help_and_costs_no_import():
    code = (
        "import sys\n"
        "from fixtures.checklist.columns import columns, wrapped\n"
        "assert columns('a → b… é') == 8 and wrapped('One – two', 4) == ['One', '–', 'two']\n"
        "assert 'wcwidth' not in sys.modules\n"
        "assert columns('协程') == 4 and 'wcwidth' in sys.modules\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert ended.stderr == ""


def test_every_character_takes_the_columns_that_wcwidth_says():
    shown = [chr(each) for each in range(0x20, 0x10000) if not 0xD800 <= each < 0xE000]
    different = [
        hex(ord(each)) for each in shown if wcwidth.wcwidth(each) > 0 and columns(each) != wcwidth.wcwidth(each)
    ]

    assert different == []


def test_padding_counts_columns():
    assert [padded(word, 10) + "|" for word in ("成立", "无法运行", "holds")] == [
        "成立      |",
        "无法运行  |",
        "holds     |",
    ]


@pytest.mark.parametrize("width", [36, 60, 82])
def test_every_claim_is_wrapped_by_the_rules(claims, width):
    for id, _, chinese in both(claims):
        lines = wrapped(chinese, width)

        assert max(map(wcwidth.width, lines)) <= width, id
        assert "".join(lines).replace(" ", "") == chinese.replace(" ", ""), id
        assert not any(line[0] in CLOSING for line in lines[1:]), id
        assert not any(line[-1] in OPENING for line in lines), id
        for word in re.findall(r"[A-Za-z0-9_.]+", chinese):
            assert any(word in line for line in lines) or len(word) > width, id


@pytest.mark.parametrize("width", [40, 60, 82])
def test_english_is_wrapped_as_it_always_was(claims, width):
    for id, english, _ in both(claims):
        assert wrapped(english, width, "  > ", "    ") == textwrap.wrap(
            english, width, initial_indent="  > ", subsequent_indent="    ", break_on_hyphens=False
        ), id


def test_only_what_is_longer_than_a_line_is_cut():
    assert wrapped("协程 asyncio.run", 8) == ["协程", "asyncio.", "run"]
    assert wrapped("一二三四五", 4) == ["一二", "三四", "五"]
    assert wrapped("一二，三", 4) == ["一", "二，", "三"]
    assert wrapped("一（二三）", 4) == ["一", "（二", "三）"]
    assert wrapped("one .two", 5) == ["one", ".two"]
    assert wrapped("", 4, "> ") == ["> "]


@pytest.fixture
def in_chinese(ten_claims):
    """The ten claims, the first of which is longer in Chinese than a line of 80 columns."""
    path = ten_claims.path / "spec" / "c3_asyncio" / "claims.toml"
    text = path.read_text(encoding="utf-8")
    first = "成立的论断在两种循环上都得到验证，这一句话长得在一行之内是放不下的，所以要折行"
    path.write_text(text.replace("asyncio.sleep 返回 None", first, 1), encoding="utf-8")
    return ten_claims


SHOWN = """\
每个事件循环一个标记，依次为 asyncio、uvloop；与事件循环无关的只有一个标记
✓ 已验证   ✗ 失败   ! 进程崩溃   ∞ 卡死   ? 未验证
· 未要求   ↔ 预期差异   – 不适用   … 待写测试

3.3 await
  成立       ✓ ✓  成立的论断在两种循环上都得到验证，这一句话长得在一行之内是放不
                  下的，所以要折行
  不成立     ✓ ✓  asyncio.sleep 返回 None
                  → 别的
  已变化     ✓ ✓  asyncio.sleep 返回 None
                  → 别的
  无法运行   ✓ ✓  asyncio.sleep 返回 None
                  → 别的
  成立       ✓ ✗  asyncio.sleep 返回 None
                  失败：uvloop：AssertionError: not on this loop
  成立       – –  asyncio.sleep 返回 None
                  不适用：仅限 Python >=3.19
  成立       ? ?  asyncio.sleep 返回 None
                  未验证：no server: start one

3.4 Task 对象
  成立       …    asyncio.sleep 返回 None
                  待写测试：its test comes later
  成立       ✓    asyncio.sleep 返回 None
                  - the first half of the ninth
                  - the second half of the ninth
  成立       – –  asyncio.sleep 返回 None
                  不适用：需要文章写作当年的库

共 10 条：2 条成立、1 条不成立、1 条已变化、1 条无法运行；1 条失败、2 条在此不适
用、1 条未验证、1 条待写测试
"""


def checklist(ended):
    text = ended.stdout.str()
    start = re.search(r"^=+ 核对清单 =+\n", text, re.MULTILINE).end()
    return text[start : text.index("\nCPython", start) + 1]


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=str)
def test_the_checklist_is_in_chinese(in_chinese, options):
    ended = in_chinese.run("spec", "--lang", "zh", *options)

    assert checklist(ended) == SHOWN
    assert ended.ret == 1
    assert re.search(
        r"^CPython [^；]*；事件循环：asyncio、uvloop [\d.]+；\d+\.\d\d 秒$", ended.stdout.str(), re.MULTILINE
    )


def test_sentences_begin_in_one_column_and_no_line_is_wider_than_the_terminal(in_chinese, monkeypatch):
    for width in (60, 80, 120):
        monkeypatch.setenv("COLUMNS", str(width))
        text = in_chinese.run("spec", "--lang", "zh", "-v").stdout.str()
        lines = text[text.index("核对清单") :].partition("=\n")[2].partition("\n==")[0].splitlines()

        title = re.search("^=.*核对清单.*$", text, re.MULTILINE)[0]
        assert width - 1 <= wcwidth.width(title) <= width
        assert max(map(wcwidth.width, lines)) <= min(width, 100)
        rows = [re.match(r"  (\S+) +(?:[✓✗–?…] ?){1,2} +", line) for line in lines]
        assert {wcwidth.width(row[0]) for row in rows if row} == {18}


def test_the_matrix_is_in_chinese_and_lines_up(in_chinese, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    in_chinese.run("spec", "--results", "one.json")
    ended = in_chinese.pytester.run(
        sys.executable, "-m", "fixtures.checklist", "matrix", "one.json", "--lang", "zh", "--markdown", "one.md"
    )

    assert ended.ret == 0
    lines = ended.outlines
    assert lines[0] == "标记按 Python 与事件循环排列（a asyncio、u uvloop）；与事件循环无关的只有一个标记"
    assert "  成立       ✓ ✗   asyncio.sleep 返回 None" in lines
    minor = ".".join(map(str, sys.version_info[:2]))
    assert f"                   失败：AssertionError: not on this loop（{minor} uvloop）" in lines
    assert f"                   未验证：no server: start one（{minor}）" in lines
    rows = [re.match(r"  (\S+) +(?:[✓✗–?…] ?){1,2} +", line) for line in lines]
    assert {wcwidth.width(row[0]) for row in rows if row} == {19}
    assert max(map(wcwidth.width, lines)) <= 100
    text = (in_chinese.path / "one.md").read_text(encoding="utf-8")
    assert f"| 判定 | 论断 | {minor}<br>`a u` |" in text
    assert "| 不成立 | asyncio.sleep 返回 None<br>→ 别的 | ✓ ✓ |" in text


def test_what_a_reader_is_told_of_incomplete_claims_is_in_chinese(house):
    house.claims(entry("first"))
    house.tests(green("first"))

    ended = house.run("spec", "--lang", "zh", "--complete", "-k", "uvloop")
    none = house.run("spec", "--lang", "zh", "--complete", "-k", "no_such_test")

    assert "不完整：first [asyncio]：只在 uvloop 上见到" in ended.outlines
    assert "不完整：first [uvloop]：未要求" in none.outlines


def test_the_locale_does_not_decide(ten_claims, monkeypatch):
    for name in ("LANG", "LC_ALL", "LC_MESSAGES", "LANGUAGE"):
        monkeypatch.setenv(name, "zh_CN.UTF-8")

    assert "= the checklist =" in ten_claims.run("spec", "-k", "first_holds").stdout.str()


def test_a_language_that_is_not_there_is_said_in_a_line_before_anything_runs(ten_claims):
    for options in ((), ("-n", "2"), ("tests",)):
        ended = ten_claims.run("spec", "--lang", "fr\n", *options)

        assert ended.ret == 4
        assert ended.outlines == []
        assert [line for line in ended.errlines if line] == [
            r"ERROR: --lang: there is no language 'fr\n'; there are en and zh"
        ]


def test_an_output_without_chinese_is_said_in_a_line_before_anything_runs(ten_claims, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")

    ended = ten_claims.run("spec", "--lang", "zh", "--results", "r.json")

    assert ended.ret == 4
    (line,) = [line for line in ended.errlines if line]
    assert line == (
        "ERROR: --lang zh: there is no Chinese in ascii, the encoding of the output; "
        "set PYTHONIOENCODING=utf-8 in a terminal that shows it, or leave --lang out"
    )
    assert not (ten_claims.path / "r.json").exists()


def test_a_terminal_of_another_chinese_encoding_is_served(ten_claims, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "gbk")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "spec", "-p", "no:cacheprovider", "--lang", "zh"],
        cwd=ten_claims.path, capture_output=True, timeout=60,
    )  # fmt: skip

    assert "  成立       + X  asyncio.sleep 返回 None\n" in ended.stdout.decode("gbk")
