"""The gate that holds jobs in threads: whom it lets through, and that nobody waits there in vain and in silence."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from fixtures import threads
from fixtures.threads import Gate


def test_a_gate_holds_each_job_until_it_is_let_through_or_the_gate_is_opened():
    with ThreadPoolExecutor(max_workers=3) as pool, Gate() as gate:
        jobs = {name: pool.submit(gate.hold, name) for name in ("a", "b", "c")}
        assert {gate.next_arrival() for _ in range(3)} == {"a", "b", "c"}

        gate.let("b")
        assert jobs["b"].result() == "b"
        assert not jobs["a"].done() and not jobs["c"].done()

        gate.open()
        assert (jobs["a"].result(), jobs["c"].result()) == ("a", "c")
        assert gate.hold("one that comes late") == "one that comes late"


def test_the_first_to_be_held_in_vain_says_so_and_the_rest_need_not_wait(monkeypatch):
    monkeypatch.setattr(threads, "SOON", 0.01)
    gate = Gate()

    with pytest.raises(AssertionError, match="nothing went on while the first was held"):
        gate.hold("the first")
    monkeypatch.setattr(threads, "SOON", threads.CEILING * 2)
    assert gate.hold("the second") == "the second"


def test_an_arrival_that_does_not_come_fails(monkeypatch):
    monkeypatch.setattr(threads, "SOON", 0.01)

    with pytest.raises(AssertionError, match="no other job came to the gate"):
        Gate().next_arrival()


def test_a_gate_is_open_after_its_with_block_also_when_that_fails():
    with pytest.raises(ZeroDivisionError), Gate() as gate:
        1 / 0  # noqa: B018

    assert gate.hold("late") == "late"
