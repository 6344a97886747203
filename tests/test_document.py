"""What is wrong with the document is said before anything runs: one line each, with its place, and exit status 4."""

import pytest

from fixtures.claims import read_document
from tests.conftest import entry

GOOD = entry("sleep-gives-none")
TEST = """
    @claim("sleep-gives-none")
    async def test_sleep_gives_none():
        assert await asyncio.sleep(0) is None
"""


def problems(house):
    return read_document(house.path)[1]


def test_a_document_in_order_has_no_problems(house):
    house.claims(GOOD)
    house.tests(TEST)

    document, wrong = read_document(house.path)

    assert wrong == []
    assert list(document.claims) == ["sleep-gives-none"]
    assert [test.nodeid for test in document.tests.values()] == [
        "spec/c3_asyncio/test_3_3_await.py::test_sleep_gives_none"
    ]


WRONG_ENTRIES = {
    "unknown field": (entry("x", colour="red"), "[x] has an unknown field 'colour'"),
    "unknown verdict": (entry("x", verdict="true"), "[x] has an unknown verdict 'true'"),
    "unknown section": (entry("x", section="3.6"), "[x] has an unknown section '3.6'"),
    "unknown basis": (entry("x", basis="hearsay"), "[x] has an unknown basis 'hearsay'"),
    "unknown stack": (entry("x", stack="modern"), "[x] has an unknown stack 'modern'"),
    "other chapter": (entry("x", section="2"), "[x] is of section 2 but stands in chapter 3"),
    "no sentence": (entry("x", says=None), "[x] has no 'says'"),
    "no Chinese": (entry("x", zh=None), "[x] has no 'zh'"),
    "refuted": (entry("x", verdict="refuted", instead=None), "[x] is refuted and has no 'instead'"),
    "changed": (entry("x", verdict="changed", instead=None), "[x] is changed and has no 'instead'"),
    "holds": (entry("x", instead="no"), "[x] holds and has an 'instead'"),
    "documented": (entry("x", basis="documented"), "[x] is documented and has no 'reference'"),
    "empty": (entry("x", says=" "), "[x] 'says' must be a text of one line"),
    "bad id": (entry("X_y"), "[X_y] is no id"),
    "compared with none": (entry("x", compare="ways"), "[x] is compared with no other: 'ways' names it alone"),
    "no table": ('x = "y"\n', "[x] is not a table"),
    "bad python": (entry("x", applies='{ python = ">=3.x" }'), "python = '>=3.x' is no version specifier"),
    "empty range": (entry("x", applies='{ python = ">=3.12,<3.11" }'), "nothing can satisfy python = '>=3.12,<3.11'"),
    "too old": (entry("x", applies='{ python = "<3.9" }'), "nothing can satisfy python = '<3.9'"),
    "empty library range": (entry("x", applies='{ uvloop = ">1,<0.5" }'), "nothing can satisfy uvloop = '>1,<0.5'"),
    "unknown library": (entry("x", applies='{ trio = ">1" }'), "unknown key 'trio'; there are: implementation, loop,"),
    "unknown loop": (entry("x", applies='{ loop = "trio" }'), "unknown loop 'trio'"),
    "unknown implementation": (
        entry("x", applies='{ implementation = "Jython" }'),
        "unknown implementation 'Jython'; there are: CPython, PyPy",
    ),
    "unknown server": (
        entry("x", applies='{ server = "Oracle" }'),
        "unknown server 'Oracle'; there are: MariaDB, MySQL",
    ),
    "no version": (entry("x", applies='{ uvloop = "===new" }'), "uvloop = '===new' is no version specifier"),
    "too many digits": (entry("x", applies=f'{{ python = ">={"9" * 5_000}" }}'), "[x] 'applies': python = '>=999"),
    "a list": (entry("x", applies='{ python = [">=3.12"] }'), "'applies': python must be a text"),
    "two lines": (entry("x", says="one\\rtwo"), "[x] 'says' must be a text of one line"),
    "separator": (entry("x", zh="一\u2028二"), "[x] 'zh' must be a text of one line"),
    "no applies": (entry("x", applies="3"), "[x] 'applies' must be a table such as"),
    "no text": (entry("x", applies="{ python = 3 }"), "'applies': python must be a text"),
}


@pytest.mark.parametrize("wrong", WRONG_ENTRIES, ids=str)
def test_a_wrong_entry_is_named_with_its_file_and_line(house, wrong):
    text, message = WRONG_ENTRIES[wrong]
    first = [] if wrong == "no table" else [entry("first", pending="later")]
    house.claims(*first, text)
    line = (house.path / "spec/c3_asyncio/claims.toml").read_text().splitlines().index(text.splitlines()[0]) + 1

    said = [problem for problem in problems(house) if message in problem]

    assert len(said) == 1
    assert said[0].startswith(f"spec/c3_asyncio/claims.toml:{line}: ")


def test_an_id_used_twice_in_one_file_is_named_with_its_line(house):
    house.claims(GOOD, GOOD)
    house.tests(TEST)

    assert any(
        problem.startswith("spec/c3_asyncio/claims.toml: not valid TOML: ") and "line" in problem
        for problem in problems(house)
    )


def test_an_id_used_twice_in_two_files_is_named_with_both_places(house):
    house.claims(GOOD)
    house.claims(entry("sleep-gives-none", section="4", pending="later"), chapter="c4_uvloop")
    house.tests(TEST)

    assert problems(house) == [
        "spec/c4_uvloop/claims.toml:1: [sleep-gives-none] is used twice, first in spec/c3_asyncio/claims.toml:1"
    ]


def test_a_missing_catalogue_is_named(house):
    house.tests(TEST)

    assert "spec/c3_asyncio/claims.toml: missing; each chapter's folder needs one" in problems(house)


def test_a_malformed_catalogue_is_named_with_the_line(house):
    house.claims('[x]\nsays = "no end\n')

    (said,) = problems(house)
    assert said.startswith("spec/c3_asyncio/claims.toml: not valid TOML: ")
    assert "line 2" in said


def test_a_catalogue_that_is_no_text_is_named(house):
    house.claims(GOOD)
    (house.path / "spec/c3_asyncio/claims.toml").write_bytes(b"\xff\xfe")

    assert problems(house)[0].startswith("spec/c3_asyncio/claims.toml: cannot be read: ")
    assert problems(house)[0].endswith("; it has to be UTF-8")


UNREADABLE = {
    "not valid TOML: Exceeds the limit": f"x = {'9' * 5_000}\n",
    "cannot be read: brackets or keys are nested too deep": f"x = {'[' * 5_000}\n",
}


@pytest.mark.parametrize("problem", UNREADABLE, ids=["digits", "brackets"])
def test_toml_that_python_gives_up_on_is_told_as_any_other(house, problem):
    house.claims(UNREADABLE[problem])

    (said,) = problems(house)
    assert said.startswith(f"spec/c3_asyncio/claims.toml: {problem}")


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=str)
def test_what_nobody_would_write_ends_a_run_with_status_4(house, options):
    house.claims(UNREADABLE["cannot be read: brackets or keys are nested too deep"])
    house.write("spec/c4_uvloop/claims.toml", "[]\x00\n")
    house.write("spec/c4_uvloop/test_4_loop.py", "@claim()\n@claim('x'\ndef test_a(:\n")

    ended = house.run("spec", *options)

    assert ended.ret == 4
    assert [line.split(": ")[0] for line in ended.errlines if line] == [
        "ERROR",
        "spec/c3_asyncio/claims.toml",
        "spec/c4_uvloop/claims.toml",
        "spec/c4_uvloop/test_4_loop.py:1",
        "spec/c4_uvloop/test_4_loop.py:2",
    ]
    assert "INTERNALERROR" not in ended.stdout.str() and "Traceback" not in ended.stderr.str()


@pytest.mark.parametrize("name", ["claims.toml", "test_3_3_await.py"])
def test_a_folder_in_the_place_of_a_file_is_told_without_the_machines_path(house, name):
    house.claims(entry("other", pending="later"))
    (house.path / "spec/c3_asyncio" / name).unlink(missing_ok=True)
    (house.path / "spec/c3_asyncio" / name).mkdir()

    assert problems(house) == [f"spec/c3_asyncio/{name}: cannot be read: Is a directory"]


def test_what_ends_a_line_in_a_name_is_escaped_and_a_long_one_is_cut(house):
    house.claims(f'["a\\nb"]\n["{"c" * 5_000}"]\n')

    said = problems(house)
    assert said[0] == r"spec/c3_asyncio/claims.toml:1: [a\nb] is no id: lower-case words joined by '-'"
    long = next(line for line in said if line.startswith("spec/c3_asyncio/claims.toml:1: [ccc"))
    assert len(long) < 1_000 and "c…c" in long and long.endswith("] has no 'section'")


def test_a_test_file_that_is_no_utf_8_is_named(house):
    house.claims(GOOD)
    house.tests(TEST)
    (house.path / "spec/c3_asyncio/test_3_3_more.py").write_bytes(b"# caf\xe9\n")

    (said,) = problems(house)
    assert said.startswith("spec/c3_asyncio/test_3_3_more.py: cannot be read: ")
    assert said.endswith("; it has to be UTF-8")


def test_a_test_that_another_of_its_name_replaces_is_named_with_both_lines(house):
    house.claims(GOOD)
    house.tests(TEST + TEST)

    assert problems(house) == [
        "spec/c3_asyncio/test_3_3_await.py:11: test_sleep_gives_none() takes the place of the one in line 7: rename one"
    ]


def test_a_test_of_an_unknown_claim_is_named(house):
    house.claims(entry("other", pending="later"))
    house.tests(TEST)

    assert problems(house) == ["spec/c3_asyncio/test_3_3_await.py:7: no claim 'sleep-gives-none' in the catalogue"]


def test_a_claim_with_neither_test_nor_pending_is_named(house):
    house.claims(GOOD)

    assert problems(house) == ["spec/c3_asyncio/claims.toml:1: [sleep-gives-none] has neither a test nor 'pending'"]


def test_a_pending_claim_with_a_test_is_named(house):
    house.claims(entry("sleep-gives-none", pending="later"))
    house.tests(TEST)

    assert problems(house) == [
        "spec/c3_asyncio/test_3_3_await.py:7: claim 'sleep-gives-none' has a test; "
        "remove its 'pending' (spec/c3_asyncio/claims.toml:1)"
    ]


WRONG_TESTS = {
    "no claim": ("def test_a():\n    pass\n", "test_a() must prove exactly one claim and names none"),
    "two claims": ('@claim("a")\n@claim("b")\ndef test_a():\n    pass\n', "names 2: a, b"),
    "no test": (
        '@claim("sleep-gives-none")\ndef helper():\n    pass\n',
        "helper() proves claim 'sleep-gives-none' but is",
    ),
    "computed id": ('@claim("a" + "b")\ndef test_a():\n    pass\n', "a marker is written"),
    "in a class": ("class TestA:\n    def test_a(self):\n        pass\n", "test_a() is not at the top level"),
    "async program": ('@claim("a")\nasync def test_a(program):\n    pass\n', "is async and asks for 'program'"),
}


@pytest.mark.parametrize("wrong", WRONG_TESTS, ids=str)
def test_a_test_that_proves_no_claim_is_named(house, wrong):
    source, message = WRONG_TESTS[wrong]
    house.claims(GOOD)
    house.tests(TEST)
    house.write("spec/c3_asyncio/test_3_3_more.py", source)

    assert len([said for said in problems(house) if "test_3_3_more.py:" in said and message in said]) == 1


def test_a_test_in_another_sections_file_is_named(house):
    house.claims(GOOD)
    house.tests(TEST, "spec/c3_asyncio/test_3_4_task.py")

    (said,) = problems(house)
    assert "is of section 3.3; its test belongs in a test_3_3_" in said


@pytest.mark.parametrize("options", [(), ("-n", "2"), ("spec/c3_asyncio/test_3_3_await.py",)], ids=str)
def test_a_document_out_of_order_ends_the_run_with_status_4(house, options):
    house.claims(GOOD, entry("other"))
    house.tests(TEST)

    ended = house.run("spec", *options)

    assert ended.ret == 4
    assert "ERROR: the document is not in order:" in ended.errlines
    assert "spec/c3_asyncio/claims.toml:9: [other] has neither a test nor 'pending'" in ended.errlines
    assert "INTERNALERROR" not in ended.stdout.str() + ended.stderr.str()
    assert "passed" not in ended.stdout.str()
