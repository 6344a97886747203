"""greenlet: functions that switch to each other by explicit calls, step by step, and what the steps leave out."""

import asyncio
import queue
import select
import socket
import threading
import time

import greenlet
import pytest

from fixtures.claims import claim
from fixtures.errors import error_of, exactly


def play(trace):
    """Have the main program make one switch to the first of two functions that switch to each other.

    `trace` gets what they do and every switch there is, told by greenlet itself; the two greenlets are returned.
    """

    def begin(name):
        assert f"{name} begins" not in trace.steps, f"the {name} function began at its top a second time"
        trace(f"{name} begins")

    def first_function():
        begin("first")
        trace("first gives 1")
        second.switch()
        trace("first gives 2")
        second.switch()
        trace("first ends")

    def second_function():
        begin("second")
        trace("second gives 3")
        first.switch()
        trace("second gives 4")
        trace("second ends")

    def see(_event, parties):
        trace(" -> ".join(names.get(party, "another") for party in parties))

    first = greenlet.greenlet(first_function)
    second = greenlet.greenlet(second_function)
    names = {greenlet.getcurrent(): "main", first: "first", second: "second"}
    before = greenlet.settrace(see)
    try:
        first.switch()
    finally:
        greenlet.settrace(before)
    return first, second


def given(trace):
    """What the two functions gave, in order."""
    return [step for step in trace.steps if "gives" in step]


@claim("greenlets-run-nothing-before-the-first-switch")
def test_making_a_greenlet_runs_nothing_of_its_function_before_the_first_switch(trace):
    made, other = greenlet.greenlet(lambda: trace("runs")), greenlet.greenlet(lambda: trace("the other runs"))
    assert trace.steps == []
    assert (bool(made), made.dead) == (False, False)

    other.switch()
    assert trace.steps == ["the other runs"]

    made.switch()
    assert trace.steps == ["the other runs", "runs"]
    assert (bool(made), made.dead) == (False, True)


@claim("greenlets-run-nothing-before-the-first-switch")
def test_neither_does_making_one_under_a_parent_or_giving_it_its_function_later(trace):
    of_a_parent = greenlet.greenlet(lambda: trace("runs under its parent"), greenlet.getcurrent())
    given_later = greenlet.greenlet()
    given_later.run = lambda: trace("runs what it was given later")
    assert trace.steps == []

    of_a_parent.switch()
    given_later.switch()
    assert trace.steps == ["runs under its parent", "runs what it was given later"]


@claim("greenlets-run-nothing-before-the-first-switch")
def test_neither_does_making_one_within_another_greenlet_or_giving_it_its_function_by_name(trace):
    def make_one():
        made.append(greenlet.greenlet(lambda: trace("made within another, it runs"), main))
        trace("the maker goes on")

    main, made = greenlet.getcurrent(), []
    greenlet.greenlet(make_one).switch()
    by_name = greenlet.greenlet(run=lambda: trace("given by name, it runs"))
    assert trace.steps == ["the maker goes on"]

    for one in (*made, by_name):
        one.switch()
    assert trace.steps == ["the maker goes on", "made within another, it runs", "given by name, it runs"]


@claim("greenlet-function-may-name-a-greenlet-made-later")
def test_a_greenlets_function_may_name_another_greenlet_that_is_made_only_later():
    def name_the_second():
        return second

    assert error_of(greenlet.greenlet, name_the_second) is None
    with exactly(NameError, match="second"):
        greenlet.greenlet(name_the_second).switch()

    first = greenlet.greenlet(name_the_second)
    second = greenlet.greenlet(name_the_second)

    assert first.switch() is second


@claim("greenlet-step-one-enters-the-first-function")
def test_step_one_the_main_programs_switch_enters_the_first_function(trace):
    play(trace)

    assert trace.steps[:2] == ["main -> first", "first begins"]


@claim("greenlet-step-two-gives-one")
def test_step_two_the_first_function_gives_one_before_anybody_else_gets_control(trace):
    play(trace)

    assert given(trace)[:1] == ["first gives 1"]
    assert trace.steps[2:4] == ["first gives 1", "first -> second"]


@claim("greenlet-step-three-starts-the-second-function")
def test_step_three_the_first_functions_switch_starts_the_second_from_its_top(trace):
    play(trace)

    assert trace.steps[3:5] == ["first -> second", "second begins"]


@claim("greenlet-step-four-gives-three")
def test_step_four_the_second_function_gives_three(trace):
    play(trace)

    assert given(trace)[:2] == ["first gives 1", "second gives 3"]


@claim("greenlet-step-five-resumes-the-first-function")
def test_step_five_the_second_functions_switch_resumes_the_first_where_it_stopped(trace):
    play(trace)

    assert trace.steps[6:8] == ["second -> first", "first gives 2"]
    assert trace.steps.count("first begins") == 1


@claim("greenlet-step-six-gives-two")
def test_step_six_the_first_function_gives_two(trace):
    play(trace)

    assert given(trace)[:3] == ["first gives 1", "second gives 3", "first gives 2"]


@claim("greenlet-step-seven-resumes-the-second-function")
def test_step_seven_the_first_functions_second_switch_resumes_the_second_where_it_stopped(trace):
    play(trace)

    assert trace.steps[8:10] == ["first -> second", "second gives 4"]
    assert trace.steps.count("second begins") == 1


@claim("greenlet-step-eight-gives-four")
def test_step_eight_the_second_function_gives_four_and_nothing_is_given_after_it(trace):
    play(trace)

    assert given(trace) == ["first gives 1", "second gives 3", "first gives 2", "second gives 4"]


@claim("greenlet-that-ends-hands-control-to-its-parent")
def test_a_ninth_step_hands_control_to_the_main_program_when_the_second_function_ends(trace):
    _, second = play(trace)

    assert trace.steps[10:] == ["second ends", "second -> main"]
    assert second.parent is greenlet.getcurrent()


@claim("greenlet-nobody-switches-back-to-never-finishes")
def test_a_greenlet_nobody_switches_back_to_stays_suspended_in_its_last_switch(trace):
    first, second = play(trace)
    assert "second ends" in trace.steps and "first ends" not in trace.steps
    assert (second.dead, first.dead) == (True, False)
    assert bool(first), "the first function is not suspended"

    first.switch()
    assert trace.steps[-1] == "first ends"
    assert first.dead


@claim("greenlets-switch-by-explicit-calls-without-an-event-loop")
def test_greenlets_switch_only_where_they_say_so_in_one_thread_and_without_an_event_loop(
    trace, started_threads, monkeypatch
):
    def is_outside_an_event_loop():
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()

    def wait():
        time.sleep(0.001)
        here, there = socket.socketpair()
        with here, there:
            there.sendall(b"!")
            select.select([here], [], [])
            here.recv(1)
        inbox = queue.Queue()
        inbox.put("a message")
        inbox.get()

    def first_function():
        trace("first, before its switch")
        is_outside_an_event_loop()
        wait()  # where a program that only looks like a plain one would switch
        trace("first, still before its switch")
        second.switch()
        trace("first, nobody switched back")

    def second_function():
        is_outside_an_event_loop()
        trace("second, which switches to nobody")

    monkeypatch.setattr(asyncio, "new_event_loop", lambda: pytest.fail("greenlets make an event loop"))
    first, second = greenlet.greenlet(first_function), greenlet.greenlet(second_function)
    first.switch()

    assert trace.steps == [
        "first, before its switch",
        "first, still before its switch",
        "second, which switches to nobody",
    ]
    assert set(trace.threads) == {threading.get_ident()}
    assert started_threads == []
