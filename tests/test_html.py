"""The page: what it says of each claim, that no text in it is taken for markup, and that it is true of any run."""

import html
import json
import os
import re
import signal
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from packaging.version import Version

from fixtures.catalogue import Claim
from fixtures.checklist import fate as fates
from fixtures.checklist.html.page import Failure
from fixtures.checklist.html.written import in_a_script
from fixtures.checklist.model import Setting, State
from fixtures.checklist.references import address
from tests.conftest import entry, green
from tests.test_matrix import Desk

EVIL = "</script><script>alert(1)</script><!-- <b>&amp;"


class Parsed(HTMLParser):
    """A page as a browser has it: `elements` in order as (tag, attributes), `texts` by the id of the claim."""

    def __init__(self, text):
        super().__init__()
        self.text = text
        self.elements, self.claims, self.scripts, self.shown = [], {}, [], []
        self.claim = self.script = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.elements.append((tag, attributes))
        if tag == "details" and "claim" in attributes.get("class", "").split():
            self.claim = self.claims[attributes["id"]] = {"marks": {}, "text": "", "opened": "", **attributes}
        elif tag == "script":
            self.script = attributes.get("type", "")
            self.scripts.append(self.script)
        elif tag == "i" and self.claim is not None and self.claim["column"] is not None:
            self.claim["marks"][self.claim["column"], attributes.get("data-loop")] = attributes["class"]
        if self.claim is not None and (tag in ("span", "details")):
            column = attributes.get("data-column")
            if column is not None or tag == "details" or attributes.get("class") == "wrong":
                self.claim["column"] = None if column is None else int(column)

    def handle_endtag(self, tag):
        if tag == "script":
            self.script = None
        elif tag == "details":
            self.claim = None

    def handle_data(self, data):
        if self.script == "application/json" and self.claim is not None:
            self.claim["opened"] += json.loads(data)
        elif self.script is None:
            self.shown.append(data)
            if self.claim is not None:
                self.claim["text"] += data

    def said(self, id):
        """What stands in the row of a claim, in one line."""
        return " ".join(self.claims[id]["text"].split())

    def opened(self, id):
        """What a claim shows when it is opened, without markup."""
        return html.unescape(re.sub(r"<[^>]*>", "", self.claims[id]["opened"]))


def page(house, *arguments, status=0, name="page.html"):
    """The page that a run writes."""
    ended = house.run("spec", "--html-report", name, *arguments)
    assert ended.ret == status, ended.stdout.str() + ended.stderr.str()
    return Parsed((house.path / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=str)
def test_each_fate_of_a_claim_is_told_apart(ten_claims, options):
    claims = page(ten_claims, *options, status=1).claims

    both = {"first-holds": "holds", "second-refuted": "refuted", "third-changed": "changed",
            "fourth-cannot-run": "cannot-run", "sixth-not-here": "not-yet", "seventh-skipped": "not-verified",
            "tenth-old-stack": "does-not-apply"}  # fmt: skip
    expected = {id: {(0, "asyncio"): fate, (0, "uvloop"): fate} for id, fate in both.items()}
    expected["fifth-fails-on-uvloop"] = {(0, "asyncio"): "holds", (0, "uvloop"): "failed"}
    expected["eighth-pending"] = {(0, None): "pending"}
    expected["ninth-without-loop"] = {(0, None): "holds"}
    assert {id: claim["marks"] for id, claim in claims.items()} == expected


def test_a_crash_and_a_hang_are_fates_of_their_own(house, monkeypatch):
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "0.5")
    house.claims(entry("crashes"), entry("hangs"))
    house.tests("""
    import os

    @claim("crashes")
    def test_crash():
        os._exit(1)

    @claim("hangs")
    def test_hang():
        import threading
        threading.Event().wait()
    """)

    made = page(house, "-n", "2", status=1)

    assert made.claims["crashes"]["marks"] == {(0, None): "crashed"}
    assert made.claims["hangs"]["marks"] == {(0, None): "hung"}
    assert "its process ended with status 1" in made.opened("crashes")
    assert "did not end within 0.5 s" in made.opened("hangs")


def test_rows_have_verdict_sentence_and_basis_in_the_articles_order_and_in_both_languages(ten_claims):
    made = page(ten_claims, status=1)

    assert list(made.claims)[:3] == ["first-holds", "second-refuted", "third-changed"]
    sections = [attributes["id"] for tag, attributes in made.elements if attributes.get("class") == "section"]
    assert sections == ["_3.3", "_3.4"]
    assert made.said("second-refuted") == (
        "refuted不成立 What is wrongasyncio.sleep 返回 None → What is right别的 "
        "shown on 2 of 22 处中有 2 处得到验证 implementation实现如此 ≠≠"
    )
    assert "failed失败 shown on 1 of 2" in made.said("fifth-fails-on-uvloop").replace("✗ ", "")


def test_an_opened_claim_shows_its_tests_reference_history_and_command(house):
    house.claims(
        entry("first", basis="documented", reference="library/asyncio-task#asyncio.sleep"),
        entry("second", reference="greenlet: switching", applies='{ python = "<3.19" }', stack="article"),
    )
    source = '@claim("first")\ndef test_it_gives_none():\n    assert "<b>" != 1  # why\n'
    house.tests(source + "\n\n" + '@claim("second")\ndef test_second(): pass\n')

    made = page(house)

    first, second = made.opened("first"), made.opened("second")
    assert source.rstrip() in first
    assert "spec/c3_asyncio/test_3_3_await.py:6" in first
    assert "pytest spec/c3_asyncio/test_3_3_await.py::test_it_gives_none\n" in first
    assert "pytest --stack article spec/c3_asyncio/test_3_3_await.py::test_second\n" in second
    assert 'href="https://docs.python.org/3/library/asyncio-task.html#asyncio.sleep"' in made.claims["first"]["opened"]
    assert "applies on every Python from 3.10 on" in first
    assert "applies below Python 3.19 only" in second
    assert "greenlet: switching" in second
    assert 'href="http' not in made.claims["second"]["opened"]


def test_a_failure_is_told_with_what_was_expected_and_what_was_observed(house):
    house.claims(entry("first"))
    house.tests('@claim("first")\ndef test_first():\n    steps = ["b", "a"]\n    assert steps == ["a", "b"]\n')

    opened = page(house, status=1).opened("first")

    assert re.search(r"Expected\S*\['a', 'b'\]Observed\S*\['b', 'a'\]", opened)
    assert "At index 0 diff: 'b' != 'a'" in opened


@pytest.mark.parametrize(
    ("line", "compared"),
    [
        ("E   assert [1] == [2]", ("[1]", "[2]")),
        ("E   AssertionError: assert 'a == b' == \"c\"", ("'a == b'", '"c"')),
        ("E   assert <Task pending> == 1", ("", "")),
        ("E   assert 1 in [2]", ("", "")),
        ("E   [1] == [2]", ("", "")),
        ("    assert [1] == [2]", ("", "")),
        ("E   assert " + "(" * 5_000, ("", "")),
    ],
)
def test_only_a_comparison_that_pytest_tells_is_taken_for_one(line, compared):
    assert Failure("failed", "", "", "", f"def test():\n{line}\nE     more").compared == compared


def test_a_claims_timeline_is_drawn_in_both_languages_and_ways_that_are_compared_stand_together(house):
    house.claims(
        entry("one-way", says="This way", compare="ways"),
        entry("other-way", says="That way", compare="ways"),
        entry("alone", says="Quite alone"),
        entry("nothing", says="Only runs"),
    )
    house.tests(
        green("one-way") + green("other-way") + green("alone") + '\n    @claim("nothing")\n    def test_it(): pass\n'
    )

    made = page(house, "--results", "results.json")

    for id in ("one-way", "other-way"):
        assert made.claims[id]["opened"].count("<svg") == 2
        assert [made.opened(id).count(said) for said in ("This way", "That way", "Quite alone")] == [3, 3, 0]
    assert re.search(r"Recorded on 3\.\d+ asyncio", made.opened("alone"))
    assert "This way" not in made.opened("alone")
    assert "<svg" not in made.claims["nothing"]["opened"]
    data = json.loads((house.path / "results.json").read_text(encoding="utf-8"))
    (recorded,) = data["claims"][0]["results"][0]["timelines"]
    assert recorded["test"] == "one way"
    assert {span["what"] for span in recorded["timeline"]["spans"]} >= {"runs"}


def test_what_is_in_texts_is_never_markup(house):
    evil = EVIL.replace('"', '\\"')
    house.claims(
        entry("first", verdict="refuted", says=evil, zh=f"中{evil}", instead=evil, instead_zh=evil, reference=evil),
        entry("second", says=evil, pending=evil),
    )
    house.tests(f'@claim("first")\ndef test_first():\n    assert "{evil}" == \'"\'\n')

    made = page(house, status=1)

    assert [tag for tag, _ in made.elements].count("script") == 2 + 2  # the page's words and its own, and each claim's
    assert made.scripts.count("") == 1
    assert EVIL in made.claims["first"]["text"] and f"中{EVIL}" in made.claims["first"]["text"]
    for id in ("first", "second"):
        assert "<script" not in made.claims[id]["opened"]
        assert "<!--" not in made.claims[id]["opened"]
    assert made.opened("first").count(EVIL) >= 3  # reference, source, failure


def test_no_text_ends_the_block_of_data_that_it_stands_in():
    data = {"text": "</script><!-- <script> \u2028 中"}

    block = in_a_script(data)

    assert "<" not in block
    assert json.loads(block) == data


@pytest.mark.parametrize(
    ("number", "said"),
    [(signal.SIGINT, "was interrupted"), (signal.SIGKILL, "has not come to its end")],
    ids=["interrupted", "killed"],
)
def test_a_run_that_is_cut_short_leaves_a_page_that_says_so(house, number, said):
    house.claims(entry("first"), entry("second"))
    house.tests(
        "import os\n"
        + '@claim("first")\ndef test_first():\n    os.kill(os.getpid(), int(os.environ.get("SIGNAL", 0)))\n'
        + '@claim("second")\ndef test_second():\n    pass\n'
    )
    before = page(house)
    assert [claim["marks"] for claim in before.claims.values()] == [{(0, None): "holds"}] * 2

    command = [sys.executable, "-m", "pytest", "spec", "--html-report", "page.html"]
    subprocess.run(["env", f"SIGNAL={int(number)}", *command], cwd=house.path, capture_output=True, timeout=60)

    made = Parsed((house.path / "page.html").read_text(encoding="utf-8"))
    version = ".".join(map(str, sys.version_info[:2]))
    assert f"The run on {version} {said}: what it did not reach is not verified." in "".join(made.shown)
    assert made.claims["second"]["marks"] == {(0, None): "not-verified"}
    assert "did not come to its end" in made.opened("second") or "was interrupted" in made.opened("second")


def test_a_run_in_which_nothing_ran_says_that_nothing_was_asked_for(house):
    house.claims(entry("first"))
    house.tests(green("first"))

    made = page(house, "-k", "no_such_test", status=5)

    assert set(made.claims["first"]["marks"].values()) == {"not-asked-for"}


def test_page_and_result_file_of_one_run_agree_and_the_matrix_makes_the_same_page_of_the_file(ten_claims):
    one = page(ten_claims, "--results", "results.json", status=1)
    joined = ten_claims.pytester.run(
        sys.executable, "-m", "fixtures.checklist", "matrix", "results.json", "--html", "out/matrix.html"
    )

    assert joined.ret == 0
    other = Parsed((ten_claims.path / "out" / "matrix.html").read_text(encoding="utf-8"))
    assert other.text == one.text


def test_a_page_of_many_files_has_a_column_for_each_and_tells_why_rows_differ(house):
    house.claims(
        entry("everywhere"),
        entry("gone", verdict="changed", applies='{ python = "<3.12" }'),
        entry("new", applies='{ python = ">=3.12" }'),
        entry("on-asyncio", applies='{ loop = "asyncio" }'),
        entry("on-cpython", applies='{ implementation = "CPython" }'),
    )
    ids = ("everywhere", "gone", "new", "on-asyncio", "on-cpython")
    house.tests("".join(green(id) for id in ids))
    desk = Desk(house)
    absent = ("does not apply", "")
    verified = {(id, loop): ("verified", "") for id in ids for loop in ("asyncio", "uvloop")}
    verified[("on-asyncio", "uvloop")] = absent
    old = {**verified, **{("new", loop): absent for loop in ("asyncio", "uvloop")}}
    new = {**verified, **{("gone", loop): absent for loop in ("asyncio", "uvloop")}}
    pypy = {**old, ("on-cpython", "asyncio"): absent, ("everywhere", "asyncio"): ("not asked for", "")}
    files = [
        desk.made("1.json", "3.11.1", outcomes=old),
        desk.made("2.json", "3.12.1", outcomes=new),
        desk.made("3.json", "3.11.1", ["asyncio"], outcomes=pypy, implementation="PyPy"),
    ]

    joined = desk.join(*files, "--html", "page.html")

    assert joined.ret == 0
    made = Parsed((house.path / "page.html").read_text(encoding="utf-8"))
    heads = [attributes["data-name"] for tag, attributes in made.elements if "data-name" in attributes][:3]
    assert heads == ["3.11", "3.12", "PyPy 3.11"]
    marks = {id: list(claim["marks"].values()) for id, claim in made.claims.items()}
    assert marks == {
        "everywhere": ["holds"] * 4 + ["not-asked-for"],
        "gone": ["changed", "changed", "gone", "gone", "changed"],
        "new": ["not-yet", "not-yet", "holds", "holds", "not-yet"],
        "on-asyncio": ["holds", "expected-difference", "holds", "expected-difference", "holds"],
        "on-cpython": ["holds"] * 4 + ["expected-difference"],
    }
    assert [id for id, claim in made.claims.items() if "data-agrees" in claim] == ["everywhere"]
    assert made.claims["gone"]["data-turns"] == made.claims["new"]["data-turns"] == "3.12"
    assert ("a", {"href": "#new"}) in made.elements  # among what changed
    assert ("html", {"lang": "en", "data-matrix": "yes"}) in made.elements


def test_results_of_another_catalogue_are_shown_without_tests_that_are_not_theirs(house):
    house.claims(entry("first", says="As it was"))
    house.tests(green("first"))
    house.run("spec", "--results", "old.json")
    house.claims(entry("first", says="As it is now"))

    house.pytester.run(sys.executable, "-m", "fixtures.checklist", "matrix", "old.json", "--html", "page.html")

    made = Parsed((house.path / "page.html").read_text(encoding="utf-8"))
    assert "As it was" in made.said("first")
    assert "This checkout has no such test" in made.opened("first")
    assert "Some results are of another catalogue than this checkout" in "".join(made.shown)


def test_a_page_is_made_of_result_files_alone_where_there_is_no_document(house, tmp_path):
    house.claims(entry("first"))
    house.tests(green("first"))
    house.run("spec", "--results", "results.json")
    (house.path / "spec").rename(house.path / "gone")

    joined = house.pytester.run(
        sys.executable, "-m", "fixtures.checklist", "matrix", "results.json", "--html", "page.html"
    )

    assert joined.ret == 0
    assert list(Parsed((house.path / "page.html").read_text(encoding="utf-8")).claims) == ["first"]


@pytest.mark.parametrize("place", ["", "/", "spec", "conftest.py/page.html", "pipe", "x" * 300])
def test_a_place_that_cannot_be_written_is_told_before_anything_runs(ten_claims, place):
    os.mkfifo(ten_claims.path / "pipe")

    ended = ten_claims.run("spec", "--html-report", place)

    assert ended.ret == 4
    (line,) = [line for line in ended.errlines if line]
    assert line.startswith("ERROR: --html-report ")
    assert f"{place}: cannot be written: " in line
    assert "passed" not in ended.stdout.str()


def test_a_place_that_cannot_be_written_is_told_by_the_matrix_too(ten_claims):
    ten_claims.run("spec", "--results", "results.json")

    for place, said in (("spec", "spec"), ("", "."), ("/", "/")):
        joined = ten_claims.pytester.run(
            sys.executable, "-m", "fixtures.checklist", "matrix", "results.json", "--html", place
        )
        assert (joined.ret, joined.errlines) == (2, [f"matrix: --html {said}: cannot be written: it is not a file"])
        assert joined.outlines == []


def test_nothing_is_collected_only_for_a_page(ten_claims):
    ended = ten_claims.run("spec", "--collect-only", "--html-report", "page.html")

    assert ended.ret == 4
    assert not (ten_claims.path / "page.html").exists()


def test_nothing_is_imported_for_a_page_that_nobody_asked_for(ten_claims):
    program = (
        "import sys, pytest\n"
        "pytest.main(['spec', '-q', *sys.argv[1:]])\n"
        "import fixtures.checklist.__main__\n"
        "print(sorted({'jinja2', 'fixtures.checklist.html'} & set(sys.modules)))\n"
    )

    loaded = [
        ten_claims.pytester.run(sys.executable, "-c", program, *arguments).outlines[-1]
        for arguments in ([], ["--html-report", "page.html"])
    ]

    assert loaded == ["[]", "['fixtures.checklist.html', 'jinja2']"]


def setting(python="3.12.1", implementation="CPython", stack=""):
    return Setting(implementation, python, "Linux", "x86_64", stack, {"asyncio": python}, {}, [])


def claim(applies=(), verdict="holds", reference="", stack=""):
    return Claim("id", "", "3.3", "says", "", verdict, "documented", reference, applies=dict(applies), stack=stack)


NOT_HERE = State.NOT_HERE


@pytest.mark.parametrize(
    ("expected", "of", "state", "where", "loop"),
    [
        ("refuted", claim(verdict="refuted"), State.VERIFIED, setting(), "asyncio"),
        ("cannot-run", claim(verdict="cannot-run"), State.VERIFIED, setting(), None),
        ("failed", claim({"python": "<3.11"}), State.FAILED, setting(), None),
        ("hung", claim(), State.HUNG, setting(), None),
        ("crashed", claim(), State.CRASHED, setting(), None),
        ("not verified", claim(verdict="refuted"), State.NOT_VERIFIED, setting(), None),
        ("gone", claim({"python": "<3.12"}), NOT_HERE, setting(), None),
        ("gone", claim({"python": "<3.12.1"}), NOT_HERE, setting(), None),
        ("gone", claim({"python": "<3.15"}), NOT_HERE, setting("3.15.0"), "uvloop"),
        ("not yet", claim({"python": ">=3.13"}), NOT_HERE, setting(), None),
        ("not yet", claim({"python": ">=3.10.9,!=3.11.0"}), NOT_HERE, setting("3.11.0"), None),
        ("not yet", claim({"python": ">=3.15"}), NOT_HERE, setting("3.14.0rc1"), None),
        ("expected difference", claim({"loop": "uvloop"}), NOT_HERE, setting(), "asyncio"),
        ("gone", claim({"loop": "uvloop", "python": "<3.12"}), NOT_HERE, setting(), "asyncio"),
        ("expected difference", claim({"implementation": "PyPy"}), NOT_HERE, setting(), None),
        ("does not apply", claim({"aiohttp": "<3"}), NOT_HERE, setting(), "asyncio"),
        ("does not apply", claim({"python": "<3.12"}, stack="article"), NOT_HERE, setting(), None),
    ],
)
def test_what_a_reader_is_told_of_a_cell(expected, of, state, where, loop):
    assert Version(where.python)
    assert fates.fate(of, state, where, loop) == expected
    assert expected in fates.SHAPES


def test_no_two_fates_have_one_shape_and_all_have_words():
    from fixtures.checklist.words import LANGUAGES, Words

    assert len(set(fates.SHAPES.values())) == len(fates.SHAPES)
    for words in map(Words, LANGUAGES):
        assert all(fates.named(fate, words) and fates.explained(fate, words) for fate in fates.SHAPES)


DOCS = "https://docs.python.org"


@pytest.mark.parametrize(
    ("reference", "applies", "language", "expected"),
    [
        ("library/asyncio-task#asyncio.wait", {}, "en", f"{DOCS}/3/library/asyncio-task.html#asyncio.wait"),
        ("library/asyncio-task", {}, "zh", f"{DOCS}/zh-cn/3/library/asyncio-task.html"),
        ("glossary#term-generator", {}, "en", f"{DOCS}/3/glossary.html#term-generator"),
        ("whatsnew/3.11#removed", {"python": ">=3.11"}, "en", f"{DOCS}/3/whatsnew/3.11.html#removed"),
        ("library/asyncio-task", {"python": "<3.11"}, "en", f"{DOCS}/3.10/library/asyncio-task.html"),
        ("library/asyncio-task", {"python": "<3.12.4"}, "en", f"{DOCS}/3.12/library/asyncio-task.html"),
        ("PEP 492", {}, "zh", "https://peps.python.org/pep-0492/"),
        ("greenlet: switching", {}, "en", ""),
        ("library/x#a b", {}, "en", ""),
        ("javascript:alert(1)", {}, "en", ""),
        ("", {}, "en", ""),
    ],
)
def test_only_a_page_of_pythons_documentation_is_a_link(reference, applies, language, expected):
    assert address(claim(applies, reference=reference), language) == expected
