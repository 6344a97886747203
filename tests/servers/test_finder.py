"""The finder on bad days of its own: what it cannot do is heard by who waits, and what it began is removed."""

import json
import os
import shutil
import threading

import pytest

from fixtures.servers import choice, finder, keeping, mariadb
from fixtures.servers.absent import Absent
from fixtures.servers.choice import Found
from fixtures.servers.wishes import Wishes

FAILS = """\
import sys
sys.path.insert(0, {root!r})
from fixtures.servers import choice, finder
def choose(*_):
    raise ZeroDivisionError("a mistake of ours")
choice.choose = choose
finder.main(*sys.argv[1:])
"""
ENDS = "import sys\nprint('the day is bad', file=sys.stderr)\n"


@pytest.fixture
def ask(keeper, tmp_path):
    """Have the keeper find a Redis by another program, given as text, and return its answer."""

    def ask(program):
        (tmp_path / "finder.py").write_text(program)
        asked = finder.ask_for(["redis"], Wishes(named={"servers": "--servers"}), "run")
        asked["argv"][1] = str(tmp_path / "finder.py")
        return keeping.ask(keeper.socket, asked, {"ask": "wait", "name": "redis"})

    return ask


def test_a_mistake_in_the_finder_is_heard_by_who_waits(ask):
    answer = ask(FAILS.format(root=os.path.dirname(os.path.dirname(os.path.dirname(finder.__file__)))))

    assert answer["state"] == "failed"
    assert answer["error"] == "redis could not be looked for: ZeroDivisionError('a mistake of ours')"


def test_a_finder_that_ends_without_a_word_is_heard_of_with_its_last_lines(ask):
    answer = ask(ENDS)

    assert answer["state"] == "failed"
    assert answer["error"] == "finder-1 ended in the middle of the run; its last lines: the day is bad"


@pytest.fixture
def one(keeper):
    """A finder in this process."""
    return finder.Finder(keeper.socket, 2, "run", Wishes())


def test_data_that_do_not_fit_on_the_disk_are_no_server_and_said_in_a_line(one, monkeypatch):
    installed = mariadb.Installed("/mariadbd", {}, "MariaDB 0", [], "/data")
    monkeypatch.setattr(mariadb, "cached", lambda: installed)

    def copytree(source, target):
        raise shutil.Error([(f"{source}/a", f"{target}/a", "[Errno 28] No space left on device")])

    monkeypatch.setattr(shutil, "copytree", copytree)

    with pytest.raises(Absent) as caught:
        one.start("mysql", "mysql", Found("embedded", "embedded: one"))

    place = f"{one.directory}/mysql-embedded.data/a"
    assert str(caught.value) == f"MariaDB's data could not be copied: [Errno 28] No space left on device ({place})"


def test_what_is_being_started_when_the_run_ends_is_removed_too(one):
    began, go_on, removed = threading.Event(), threading.Event(), []

    def search():
        began.set()
        go_on.wait(finder.END_CEILING)
        one.to_remove.append(lambda: removed.append("what was begun"))

    one.to_remove.append(lambda: (removed.append("what there was"), go_on.set()))
    with finder.ThreadPoolExecutor(1) as searches:
        searching = searches.submit(search)
        began.wait()
        one.end([searching])

    assert removed == ["what there was", "what there was", "what was begun"]
    with pytest.raises(Absent, match="the run has ended"):
        one.start("redis", "redis", Found("embedded", "embedded: one"))


def test_one_that_cannot_be_removed_does_not_keep_the_others(one, capsys):
    removed = []
    one.to_remove += [lambda: 1 / 0, lambda: removed.append("the other")]

    one.end([])

    assert removed == ["the other"] * 2
    assert "not removed: division by zero" in capsys.readouterr().err


class Container:
    """One whose data cannot be kept."""

    def __init__(self, told):
        self.told = told

    def keep_data(self, go_on):
        assert len(self.told) == 1, "it is kept after the answer was given"
        raise OSError(28, "No space left on device")


def test_what_cannot_be_kept_is_a_line_in_the_log_and_changes_no_answer(one, monkeypatch, capsys):
    told = []
    monkeypatch.setattr(keeping, "tell", lambda _, word: told.append(word))
    monkeypatch.setattr(choice, "choose", lambda *_: {"answer": {"state": "ready"}})
    one.containers["mysql"] = Container(told)

    one.find("mysql")

    assert [word["answer"] for word in told] == [{"state": "ready"}]
    assert capsys.readouterr().err == "not kept: [Errno 28] No space left on device\n"


def test_nothing_is_kept_when_the_run_has_ended(one):
    one.must_go_on()
    one.ending.set()

    with pytest.raises(Absent, match="^the run has ended$"):
        one.must_go_on()


def test_both_servers_of_a_kind_are_looked_for_in_the_same_way(one, monkeypatch):
    told = []
    monkeypatch.setattr(keeping, "tell", lambda _, word: told.append(word))
    monkeypatch.setattr(choice, "choose", lambda kind, *_: {"server": kind})

    for name in ("redis", "redis-2", "mysql", "mysql-2"):
        one.find(name)

    assert [(word["name"], word["server"]) for word in told] == [
        ("redis", "redis"),
        ("redis-2", "redis"),
        ("mysql", "mysql"),
        ("mysql-2", "mysql"),
    ]
    assert json.loads(json.dumps(told)) == told
