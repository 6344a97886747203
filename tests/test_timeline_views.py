"""Views of timelines: text for a terminal, SVG for a page, Chrome's traces for viewers; and what is counted in them."""

import itertools
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import SimpleNamespace

import pytest

from fixtures.checklist.columns import columns
from fixtures.checklist.reasons import HOUSE
from fixtures.timeline import words
from fixtures.timeline.chrome import written
from fixtures.timeline.model import Arrow, Lane, Span, Timeline, from_data, to_data, with_requests
from fixtures.timeline.svg import drawn as drawn_as_svg
from fixtures.timeline.text import caption, drawn, legend

EN, ZH = SimpleNamespace(language="en"), SimpleNamespace(language="zh")
SVG = "{http://www.w3.org/2000/svg}"

IN_TURN = Timeline(
    (Lane("main", "thread", "main thread"),),
    (
        Span("main", "runs", 0.0, 0.1),
        Span("main", "blocks", 0.1, 0.4, "socket.recv"),
        Span("main", "blocks", 0.4, 0.7, "socket.recv"),
        Span("main", "blocks", 0.7, 1.0, "socket.recv"),
    ),
    length=1.0,
)
AT_ONCE = Timeline(
    (
        Lane("t1", "task", "the test"),
        Lane("t2", "task", "load 1"),
        Lane("t3", "task", "load 2"),
        Lane("loop", "loop", "asyncio's loop"),
    ),
    (
        Span("t1", "runs", 0.0, 0.1),
        Span("t1", "waits", 0.1, 0.5, "load 1"),
        Span("t1", "runs", 0.5, 0.6),
        Span("t2", "waits", 0.1, 0.4, "read"),
        Span("t2", "runs", 0.4, 0.5),
        Span("t3", "waits", 0.2, 0.5, "read"),
        Span("loop", "runs", 0.0, 0.1),
        Span("loop", "runs", 0.4, 0.6),
    ),
    (
        Arrow("creates", "t1", 0.05, "t2", 0.1),
        Arrow("creates", "t1", 0.06, "t3", 0.2),
        Arrow("wakes", "loop", 0.4, "t2", 0.4),
        Arrow("wakes", "t2", 0.45, "t1", 0.5),
    ),
    ("not recorded: something",),
    began=7.0,
    length=0.6,
)
BOTH = [("one after another", IN_TURN), ("at once", AT_ONCE)]


def test_the_text_view_has_a_line_a_lane_on_one_ruler_and_says_the_rest_in_words():
    assert drawn(BOTH, 60) == [
        "one after another",
        "  main thread    ████╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳╳",
        "  waits 0.90 s, wall 0.90 s",
        "",
        "at once",
        "  the test       ████░░░░░░░░░░░░░░░░░████",
        "  load 1             ░░░░░░░░░░░░░████",
        "  load 2                 ░░░░░░░░░░░░░",
        "  asyncio's loop ████             ████████",
        "  waits 0.60 s, wall 0.40 s",
        "  the test creates load 1, load 2",
        "  asyncio's loop wakes load 1",
        "  load 1 wakes the test",
        "  not recorded: something",
        "",
        "                 0 ───────────────────────────────── 1.00 s",
    ]


def test_what_one_lane_waits_for_in_another_is_not_counted_twice():
    assert AT_ONCE.waits_and_wall() == (pytest.approx(0.6), pytest.approx(0.4))
    assert IN_TURN.waits_and_wall() == (pytest.approx(0.9), pytest.approx(0.9))
    assert caption(Timeline((Lane("a", "task", "a"),), (Span("a", "runs", 0, 1),))) == "waits for nothing outside"


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120])
@pytest.mark.parametrize("language", words.LANGUAGES)
def test_no_line_is_wider_than_the_terminal(width, language):
    wide = Timeline(
        (Lane("a", "task", "下载第一个非常非常长的名字" * 3), Lane("b", "task", "x" * 200)),
        (Span("a", "runs", 0, 1), Span("b", "waits", 0.5, 1)),
        length=1.0,
    )
    lines = drawn([*BOTH, ("标题" * 40, wide)], width, language)

    assert max(map(columns, lines)) <= width
    bars = [line for line in lines if "█" in line or "░" in line]
    first = [
        columns(line[: re.search("[█░╳]", line).start()]) for line in bars if line.lstrip().startswith(("main", "下"))
    ]
    assert len(set(first)) == 1  # wide letters in a name do not move its bar


def test_ascii_is_enough():
    text = "\n".join([legend(ascii=True), *drawn([("plain", AT_ONCE)], 60, ascii=True)])

    assert text.isascii()
    assert "#### " in text and "...." in text
    assert legend(ascii=True) == "### runs   ... waits   XXX blocks its thread"


def test_a_span_too_short_for_a_column_is_still_seen():
    short = Timeline(
        (Lane("a", "task", "a"),),
        (Span("a", "waits", 0, 0.5), Span("a", "runs", 0.5, 0.50001), Span("a", "waits", 0.50001, 1.0)),
        length=1.0,
    )

    (bar,) = [line for line in drawn([("short", short)], 60) if "█" in line]
    assert bar.count("█") == 1


def test_many_short_steps_do_not_look_like_one_long_one():
    steps = [Span("a", what, at / 1000, (at + 1) / 1000) for at, what in enumerate(["runs", *["waits"] * 9] * 100)]
    bar = drawn([("steps", Timeline((Lane("a", "task", "a"),), tuple(steps), length=1.0))], 60)[1]

    assert bar.split()[1] == "█░" * 27 + "█"


def test_nothing_recorded_says_so():
    nothing = Timeline(notes=("not recorded: why",))

    assert drawn([("nothing", nothing)], 60)[:3] == ["nothing", "  nothing was recorded", "  not recorded: why"]
    assert "nothing was recorded" in drawn_as_svg([("nothing", nothing)], EN)


def test_what_would_move_the_cursor_is_escaped():
    lines = drawn([("a\x1b[2Jb", Timeline((Lane("a", "task", "c\nd"),), (Span("a", "runs", 0, 1),), length=1.0))], 60)

    assert not any(character in line for line in lines for character in "\x1b\n")


def rectangles(picture):
    return list(picture.iter(f"{SVG}rect"))


def test_the_svg_is_well_formed_named_and_described():
    picture = ElementTree.fromstring(drawn_as_svg(BOTH, EN))

    ids = {element.get("id"): element for element in picture.iter() if element.get("id")}
    named = [ids[id] for id in picture.get("aria-labelledby").split()]
    assert picture.get("role") == "img"
    assert [element.tag for element in named] == [f"{SVG}title", f"{SVG}desc"]
    assert named[0].text == "Timelines: one after another, at once"
    for said in ("waits 0.90 s, wall 0.90 s.", "load 1 wakes the test.", "not recorded: something."):
        assert said in named[1].text


def test_each_doing_has_a_class_and_a_pattern_and_no_colour():
    text = drawn_as_svg(BOTH, EN)
    picture = ElementTree.fromstring(text)

    fills = {rectangle.get("class"): rectangle.get("fill") for rectangle in rectangles(picture)}
    patterns = {f"url(#{pattern.get('id')})" for pattern in picture.iter(f"{SVG}pattern")}
    assert fills["runs"] == "currentColor"
    assert {fills["waits"], fills["blocks"]} == patterns
    assert len(patterns) == 2
    assert not re.search(r"#[0-9a-fA-F]{3,6}\b(?!-)|rgb|black|white|red", re.sub(r"url\(#[^)]*\)", "", text))
    assert len(rectangles(picture)) == 3 + len(IN_TURN.spans) - 2 + len(AT_ONCE.spans)  # three blocks look like one


def test_arrows_are_told_apart_by_their_dashes_and_end_in_a_head():
    picture = ElementTree.fromstring(drawn_as_svg(BOTH, EN))

    lines = [line for line in picture.iter(f"{SVG}line") if line.get("class") in ("creates", "wakes")]
    heads = {marker.get("id") for marker in picture.iter(f"{SVG}marker")}
    assert [(line.get("class"), line.get("stroke-dasharray") is not None) for line in lines] == [
        ("creates", True), ("creates", True), ("wakes", False), ("wakes", False),
    ]  # fmt: skip
    assert {line.get("marker-end") for line in lines} == {f"url(#{head})" for head in heads}


def test_names_from_claims_are_escaped():
    nasty = Timeline(
        (Lane("a", "task", "<script>alert('&')</script>"),), (Span("a", "waits", 0, 1, '"><b>\x00'),), length=1.0
    )
    text = drawn_as_svg([("<title>\x1b", nasty)], EN)

    ElementTree.fromstring(text)
    assert "<script" not in text and "<b>" not in text and "\x00" not in text


def test_two_pictures_on_a_page_share_no_id():
    ids = [re.findall(r'id="([^"]+)"', drawn_as_svg(BOTH, EN)) for _ in range(2)]

    assert not set(ids[0]) & set(ids[1])
    assert len(set(ids[0])) == len(ids[0])


def test_it_is_drawn_from_json_too_and_in_chinese():
    picture = ElementTree.fromstring(drawn_as_svg([(title, to_data(timeline)) for title, timeline in BOTH], ZH))
    texts = [text.text for text in picture.iter(f"{SVG}text")]

    assert "等待共 0.90 s，历时 0.90 s" in texts
    assert "阻塞所在线程" in texts


def test_the_spans_of_all_lanes_stand_on_the_same_ruler():
    picture = ElementTree.fromstring(drawn_as_svg(BOTH, EN))
    bars = [rectangle for rectangle in rectangles(picture) if rectangle.find(f"{SVG}title") is not None]

    ends = {bar.find(f"{SVG}title").text: float(bar.get("x")) + float(bar.get("width")) for bar in bars}
    left = float(picture.find(f"{SVG}g[@class='ruler']/{SVG}line").get("x1"))
    whole = ends["main thread blocks its thread from 0.10 s to 1.00 s: socket.recv"] - left
    half = ends["load 2 waits from 0.20 s to 0.50 s: read"] - left
    assert half == pytest.approx(whole / 2, abs=0.5)


def test_a_chrome_trace_has_what_viewers_ask_for():
    data = json.loads(written([("first", IN_TURN), ("second", AT_ONCE)]))

    events = data["traceEvents"]
    kinds = {kind: [event for event in events if event["ph"] == kind] for kind in "XMsf"}
    assert sum(map(len, kinds.values())) == len(events)
    assert len(kinds["X"]) == len(IN_TURN.spans) + len(AT_ONCE.spans)
    for event in kinds["X"]:
        assert {"name", "cat", "pid", "tid", "ts", "dur"} <= event.keys()
        assert event["ts"] >= 0 and event["dur"] >= 0
    named = {(e["pid"], e["tid"]): e["args"]["name"] for e in kinds["M"] if e["name"] == "thread_name"}
    assert {(event["pid"], event["tid"]) for event in kinds["X"]} == set(named)
    assert list(named.values()) == ["thread: main thread", "the test", "load 1", "load 2", "asyncio's loop"]
    assert [e["args"]["name"] for e in kinds["M"] if e["name"] == "process_name"] == ["first", "second"]


def test_the_flows_of_a_chrome_trace_pair_up_and_end_in_a_slice():
    events = json.loads(written([("second", AT_ONCE), ("again", AT_ONCE)]))["traceEvents"]

    begins = {(e["id"], e["cat"], e["name"]): e for e in events if e["ph"] == "s"}
    ends = {(e["id"], e["cat"], e["name"]): e for e in events if e["ph"] == "f"}
    assert begins.keys() == ends.keys()
    assert all(type(id) is int for id, _, _ in begins)  # all that Perfetto takes
    assert len(begins) == 2 * len(AT_ONCE.arrows)
    slices = [e for e in events if e["ph"] == "X"]
    for key, end in ends.items():
        assert begins[key]["ts"] <= end["ts"]
        assert end["bp"] == "e"
        assert any(s["tid"] == end["tid"] and s["ts"] <= end["ts"] <= s["ts"] + s["dur"] for s in slices)


def test_tests_stand_in_a_chrome_trace_where_they_stood_in_the_run():
    later = Timeline(AT_ONCE.lanes, AT_ONCE.spans, began=9.5, length=0.6)
    events = json.loads(written([("second", later), ("first", AT_ONCE)]))["traceEvents"]

    starts = {pid: min(e["ts"] for e in events if e["ph"] == "X" and e["pid"] == pid) for pid in (1, 2)}
    assert starts == {1: 2_500_000.0, 2: 0.0}


def test_a_servers_requests_have_lanes_of_their_own_and_wait_for_nobody():
    requests = [
        {"name": "a", "arrived": 7.1, "answered": 7.3},
        {"name": "b", "arrived": 7.2, "answered": None},
    ]
    timeline = with_requests(AT_ONCE, requests)

    lanes = timeline.lanes[-2:]
    assert [(lane.kind, lane.name) for lane in lanes] == [("server", "server: a"), ("server", "server: b")]
    spans = [timeline.of(lane)[0] for lane in lanes]
    assert [(span.start, span.stop) for span in spans] == [
        (pytest.approx(0.1), pytest.approx(0.3)), (pytest.approx(0.2), pytest.approx(0.6)),
    ]  # fmt: skip
    assert timeline.waits_and_wall() == AT_ONCE.waits_and_wall()


def test_what_is_no_timeline_is_refused():
    with pytest.raises((KeyError, TypeError)):
        from_data({"lanes": [{"id": "x"}], "spans": [], "arrows": []})


DURATIONS = {
    0.0: "0 s",
    2e-6: "2 µs",
    0.00012: "0.12 ms",
    0.0035: "3.50 ms",
    0.0234: "23.4 ms",
    0.3: "0.30 s",
    12.34: "12.3 s",
}


def test_durations_are_told_in_the_unit_in_which_they_are_read_best():
    assert {seconds: words.duration(seconds) for seconds in DURATIONS} == DURATIONS


NAMES = {
    "the test": "测试",
    "program 2": "程序 2",
    "asyncio's loop": "asyncio 的事件循环",
    "server: a 1": "服务器：a 1",
    "1: uvloop's loop": "1: uvloop 的事件循环",
    "pool worker 2": "进程池的工作进程 2",
    "load": "load",
    "a\nb 1": "a\nb 1",
}


def test_lanes_that_we_name_have_chinese_names_and_others_their_own():
    assert {name: words.lane_name("zh", name) for name in NAMES} == NAMES
    assert [words.lane_name("en", name) for name in NAMES] == list(NAMES)


def test_notes_are_told_in_chinese_too():
    noted = Timeline(notes=("not recorded: what came after the first 2000 spans", "not recorded: else"))

    assert drawn([("x", noted)], 60, "zh")[2:4] == ["  未记录：前 2000 段之后的内容", "  not recorded: else"]


def test_each_note_that_is_written_somewhere_has_its_chinese():
    source = "".join(path.read_text(encoding="utf-8") for path in Path(words.__file__).parent.glob("*.py"))
    written = re.findall(r"\bnote\(f?\"(what[^\"{]*|the first[^\"{]*)", source)

    assert len(written) >= 4
    known = [english for english, _ in HOUSE]
    assert [said for said in written if not any(said in english for english in known)] == []


def test_each_text_names_the_same_places_in_both_languages():
    def places(text):
        return set(re.findall(r"{(\w+)}", text))

    assert [name for name, (en, zh) in words.TEXTS.items() if places(en) != places(zh)] == []
    assert all(len(list(itertools.chain(pair))) == len(words.LANGUAGES) for pair in words.TEXTS.values())
