"""Result files as no run writes them: they are read as what they are, or told in a line; no view of them falls over."""

import copy
import io
import json
from xml.etree import ElementTree

import pytest
from _pytest._io import TerminalWriter
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.catalogue import Claim, fingerprint
from fixtures.checklist import __main__ as command
from fixtures.checklist import matrix_json, matrix_markdown, matrix_terminal, run_markdown, summary, tally
from fixtures.checklist.badge import Badge
from fixtures.checklist.matrix import CannotJoin, join
from fixtures.checklist.results import Unreadable, read
from fixtures.checklist.words import LANGUAGES, Words
from fixtures.lines import is_one_line
from tests.fuzz.odd import is_clear, numbers, texts

SURROGATE = "\ud800"  # JSON has halves of pairs, as escapes
json_values = st.recursive(
    texts | numbers | st.none() | st.just(SURROGATE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | st.just(SURROGATE), inner, max_size=3),
    max_leaves=6,
)


def claim(id, section, loops, outcome="verified", reason="", **fields):
    results = [{"loop": loop, "outcome": outcome, "seconds": 0.1, "reason": reason} for loop in loops]
    said = {
        "says": "What is said",
        "zh": "所说的话",
        "verdict": "holds",
        "basis": "documented",
        "instead": "",
        "instead_zh": "",
        "stack": "",
        "pending": "",
    }
    return {"id": id, "section": section, **said, "applies": {}, **fields, "results": results}


WHOLE = {
    "format": "asyncio-spec results",
    "version": 1,
    "catalogue": "",
    "started": "2026-01-01T10:00:00.000+00:00",
    "seconds": 1.5,
    "ended": "finished",
    "stack": "",
    "python": {"implementation": "CPython", "version": "3.12.1"},
    "platform": {"system": "Linux", "machine": "x86_64"},
    "loops": {"asyncio": "3.12.1", "uvloop": "0.23.0"},
    "libraries": {"aiohttp": "3.14.5", "redis": None},
    "servers": ["Redis: one"],
    "claims": [
        claim(
            "first", "3.3", ["asyncio", "uvloop"], verdict="changed", instead="Another", applies={"python": ">=3.12"}
        ),
        claim("second", "3.4", [None]),
        claim("third", "3.4", [None], "failed", "assert 1 == 2"),
        claim("fourth", "3.4", ["asyncio", "uvloop"], "not verified", "no Redis: switched off by --servers=none"),
    ],
}


def sealed(data):
    """With the fingerprint that is right for its claims, where they can have one: so it is not that which is told."""
    try:
        claims = [
            Claim(**{"where": "", "zh": "", **{key: value for key, value in each.items() if key != "results"}})
            for each in data["claims"]
        ]
        return {**data, "catalogue": fingerprint(claims)}
    except (TypeError, KeyError, AttributeError, UnicodeEncodeError):
        return data


def nodes(value, path=()):
    """The path of each node below the whole."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield (*path, key)
        yield from nodes(below, (*path, key))


def changed(path, how, value):
    """The whole file with one node gone, there twice, under another name, or with another value."""
    data = copy.deepcopy(WHOLE)
    parent = data
    for key in path[:-1]:
        parent = parent[key]
    node = parent[path[-1]]
    if how == "replaced":
        parent[path[-1]] = value
    elif how == "gone":
        del parent[path[-1]]
    elif isinstance(parent, list):
        parent.insert(path[-1], copy.deepcopy(node))
    else:
        parent[value if isinstance(value, str) else "again"] = copy.deepcopy(node)
    return data


changes = st.tuples(
    st.sampled_from(sorted(nodes(WHOLE), key=str)), st.sampled_from(["replaced", "gone", "again"]), json_values
)


@pytest.fixture
def file(tmp_path):
    """A function that writes a result file and returns its path."""

    def file(content, name="results.json"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return file


def is_told_or_shown(*paths):
    """Join files and look at each view; True where there was a table."""
    try:
        matrix = join(list(paths))
    except CannotJoin as error:
        assert is_clear(str(error)) and any(str(path) in str(error) for path in paths)
        return False
    for language in LANGUAGES:
        for text in views(matrix, Words(language)):
            for line in text.split("\n"):
                assert is_one_line(line), line
    json.loads(matrix_json.written(matrix))
    return True


def views(matrix, words):
    """Yield the matrix as each view shows it."""
    screen = io.StringIO()
    matrix_terminal.show(matrix, TerminalWriter(screen), words)
    yield screen.getvalue()
    yield matrix_markdown.written(matrix, words)
    yield summary.written(matrix, words)
    if len(matrix.columns) == 1:
        yield run_markdown.written(matrix, words)
    for loop in (None, *matrix.loops):
        badge = Badge.of(tally.tally(matrix, loop), loop, words)
        json.loads(badge.as_json())
        ElementTree.fromstring(badge.as_svg())
        yield badge.as_svg()


def test_what_is_changed_below_is_a_right_file(file):
    assert is_told_or_shown(file(sealed(WHOLE)))


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
@example(b"[" * 100_000)
@example(b"9" * 5_000)
@example(b'{"format": "asyncio-spec results", "version": ' + b"9" * 4_000 + b"}")
def test_any_bytes_and_any_json(file, content):
    path = file(content)

    with pytest.raises(Unreadable) as told:
        read(path)
    assert is_clear(str(told.value)) and str(told.value).startswith(f"{path}: ")


@given(changes)
@example((("python", "version"), "replaced", "3." + "9" * 5_000 + ".1"))
@example((("loops", "asyncio"), "again", ""))
@example((("claims", 1, "says"), "replaced", SURROGATE))
@example((("claims", 1, "results", 0), "again", None))
@example((("libraries", "redis"), "again", "a\nb"))
@example((("platform", "machine"), "replaced", "\x1b[31m"))
@example((("claims", 0, "applies", "python"), "replaced", "===x"))
@example((("claims", 2, "id"), "replaced", "`a\x1b`"))
@example((("claims", 3, "id"), "replaced", "`a\x1b`"))
@example((("claims", 0, "zh"), "replaced", "\x1b[31m协\n程\u200d" + SURROGATE))
@example((("claims", 0, "instead_zh"), "replaced", "，" * 300))
@example(
    (("claims", 1, "results", 0), "replaced", {"loop": None, "outcome": "hung", "seconds": 0, "reason": "`\n; {x}"})
)
def test_a_right_file_with_one_node_changed(file, change):
    data = changed(*change)

    is_told_or_shown(file(data))
    is_told_or_shown(file(sealed(data)))
    is_told_or_shown(file(sealed(data), "odd.json"), file(sealed(WHOLE)))


@given(st.integers(0, 5_000), st.integers(0, 3), st.binary(max_size=3))
def test_a_right_file_with_a_few_bytes_replaced(file, at, removed, put):
    whole = json.dumps(sealed(WHOLE)).encode()
    at %= len(whole)

    is_told_or_shown(file(whole[:at] + put + whole[at + removed :]))


words = st.sampled_from(
    ["matrix", "--markdown", "markdown", "json", "summary", "badge", "--lang", "zh", "bad.json", "-"]
)


@given(st.lists(words | texts.filter(lambda text: "\x00" not in text)))
@example(["matrix", "x" * 5_000])
@example(["matrix", "bad.json", "--markdown", ""])
@example(["matrix", "."])
def test_any_arguments_of_the_command(file, arguments):
    told = io.StringIO()
    file(b"{}", "bad.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(file(b"", "folder").parent)
        patch.setattr("sys.stderr", told)
        try:
            status = command.main(arguments)
        except SystemExit as leaving:
            status = leaving.code

    assert status == 2
    assert told.getvalue().splitlines()[-1] and "Traceback" not in told.getvalue()
