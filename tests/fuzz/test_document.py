"""`claims.toml` and the markers of tests, as nobody would write them: problems, a line each, and never a traceback."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.catalogue import FIELDS, REQUIRED
from fixtures.claims import read_document
from tests.conftest import ENTRY, entry
from tests.fuzz.odd import is_clear, numbers, texts

CHAPTER = "spec/c3_asyncio"
WHOLE = {
    **ENTRY,
    "verdict": "changed",
    "basis": "documented",
    "reference": "the library's manual",
    "instead": "something else",
    "instead-zh": "别的",
    "stack": "article",
    "no-mutant": "for a reason",
    "applies": {"python": ">=3.12", "uvloop": ">=0.20", "loop": "uvloop", "server": "MySQL"},
}
FRAGMENTS = [
    '@claim("x")', "@claim('x')", "@pytest.mark.claim(", '@claim("y" + "z")', "@claim", "def test_a(", "def helper(",
    "async ", "def ", "test_a", "program", "new_loop", "):", "pass", "\n", "    ", "\t", "class T:", '"""', "#",
    '"', "(", ")",
]  # fmt: skip


class Raw(str):
    """What stands in the file as it is: Python has no such value, or cannot show it."""


EMPTY = Raw("''")
RAW = [*map(Raw, ("0x" + "f" * 5_000, "9" * 5_000, "1979-05-27T07:32:00Z", "07:32", "1_0", "-inf", "nan")), EMPTY]
values = st.recursive(
    texts | numbers | st.sampled_from(RAW),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def toml(value):
    """A value as TOML has it, or nearly."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, (str, bool)) and not isinstance(value, Raw):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def table(fields, name="x"):
    return "\n".join([f"[{toml(name) if name != 'x' else name}]", *(f"{key} = {toml(fields[key])}" for key in fields)])


@pytest.fixture
def told(tmp_path):
    """A function that writes the chapter's catalogue, and tests, and returns the problems that are told."""
    folder = tmp_path / CHAPTER
    folder.mkdir(parents=True)

    def told(catalogue, tests=b""):
        for name, content in (("claims.toml", catalogue), ("test_3_3_await.py", tests)):
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        _, problems = read_document(tmp_path)
        assert all(line.startswith(f"{CHAPTER}/") and is_clear(line) for line in problems), problems
        return problems

    return told


def test_what_is_changed_below_is_a_right_entry(told):
    assert told(table(WHOLE)) == [f"{CHAPTER}/claims.toml:1: [x] has neither a test nor 'pending'"]


@given(st.binary(max_size=200) | texts.map(str.encode))
@example(b"x = " + b"[" * 5_000)
@example(b"x" + b".x" * 5_000 + b" = 1")
@example(b"x = " + b"9" * 5_000)
@example(b"\xef\xbb\xbf[x]\n")
def test_any_bytes(told, content):
    told(content)


@given(st.dictionaries(texts, values, max_size=4))
def test_any_toml(told, tables):
    told("\n".join(f"{toml(name)} = {toml(value)}" for name, value in tables.items()))


@given(texts.filter(lambda name: name != "x"))
def test_any_id(told, name):
    (line, *_) = told(table(WHOLE, name))

    assert line.startswith(f"{CHAPTER}/claims.toml:") or "not valid TOML" in line


@given(st.integers(0, len(table(WHOLE).encode())), st.integers(0, 5), st.binary(max_size=5))
def test_a_right_catalogue_with_a_few_bytes_replaced(told, at, removed, put):
    whole = table(WHOLE).encode()

    told(whole[:at] + put + whole[at + removed :])


@given(st.sampled_from(sorted(WHOLE)), values)
@example("applies", {"python": [1]})
@example("applies", {"python": RAW[0]})
@example("applies", {"redis": "===x"})
@example("applies", {"python": f">={'9' * 5_000}"})
@example("applies", {"redis": f">={'9' * 5_000}"})
@example("says", "a\rb")
def test_a_right_entry_with_one_value_replaced(told, key, value):
    assert len(told(table({**WHOLE, key: value}))) >= 1  # it has no test either way


@given(values)
@example({"uvloop": {"instead": "x", "instead-zh": "x", "version": "1" * 5000}})
@example({"uvloop": {"instead": 3, "python": []}})
@example({"": {"instead": "x\ny"}})
def test_what_is_said_of_deviations_is_read_or_told(told, value):
    assert len(told(table({**WHOLE, "deviates": value}))) >= 1


no_texts = values.filter(lambda value: type(value) is not str and value != EMPTY)


@given(st.sampled_from(sorted(set(FIELDS) - {"applies", "deviates"})), no_texts)
def test_a_value_that_is_no_text_is_told_by_its_key(told, key, value):
    lines = told(table({**WHOLE, key: value}))

    wanted = f"[x] '{key}' must be a text of one line"
    assert any(wanted in line or "not valid TOML" in line for line in lines)


@given(st.sampled_from(REQUIRED))
def test_a_field_that_is_missing_is_told_by_its_key(told, key):
    lines = told(table({name: value for name, value in WHOLE.items() if name != key}))

    assert f"{CHAPTER}/claims.toml:1: [x] has no '{key}'" in lines


@given(texts.filter(lambda key: key not in FIELDS), values)
def test_a_field_that_there_is_not_is_told(told, key, value):
    lines = told(f"{table(WHOLE)}\n{toml(key)} = {toml(value)}")

    assert any("has an unknown field" in line or "not valid TOML" in line for line in lines)


@given(st.sampled_from(table(WHOLE).splitlines()))
def test_a_line_that_is_there_twice_is_told(told, line):
    (said,) = told(f"{table(WHOLE)}\n{line}\n")

    assert said.startswith(f"{CHAPTER}/claims.toml: not valid TOML: ") and "line" in said


@given(st.binary(max_size=100) | st.lists(st.sampled_from(FRAGMENTS) | texts, max_size=30).map("".join))
@example(b"\xff")
@example('@claim("x")\ndef test_a(): pass\n' * 2)
def test_any_text_of_a_test_file(told, text):
    told(entry("x"), text)


@given(texts.filter(lambda id: id != "x"), st.sampled_from("'\""))
def test_a_marker_with_any_id_is_told(told, id, quote):
    lines = told(entry("x"), f"@claim({quote}{id}{quote})\ndef test_a():\n    pass\n")

    assert any("test_3_3_await.py:" in line for line in lines)
