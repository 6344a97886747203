"""The instruments of claims: what they record, and that what never happens is said and not waited for."""

import asyncio
import threading

import pytest

from fixtures.trace import Rendezvous, counting_suspensions, turn, until


def test_a_trace_keeps_steps_in_order_with_their_threads(trace):
    trace("first")
    other = threading.Thread(target=trace, args=["second"])
    other.start()
    other.join()

    assert trace.steps == ["first", "second"]
    assert trace.threads == [threading.get_ident(), other.ident]


def test_in_flight_counts_what_overlaps(in_flight):
    with in_flight:
        assert (in_flight.now, in_flight.peak) == (1, 1)
        with in_flight:
            assert in_flight.now == 2
    with in_flight:
        pass

    assert (in_flight.now, in_flight.peak) == (0, 2)


async def test_a_turn_lets_others_run(trace):
    other = asyncio.ensure_future(asyncio.sleep(0))
    other.add_done_callback(lambda _: trace("other"))
    for _ in range(4):
        await turn()
    trace("then")

    assert trace.steps == ["other", "then"]


async def test_suspensions_are_counted_and_the_value_comes_along():
    async def suspends(times):
        for _ in range(times):
            await turn()
        return "a value"

    assert await counting_suspensions(suspends(0)) == ("a value", 0)
    assert await counting_suspensions(suspends(3)) == ("a value", 3)


async def test_those_who_come_to_a_rendezvous_pass_it(trace):
    rendezvous = Rendezvous(2)

    async def party(name):
        trace(f"{name} comes")
        await rendezvous.meet(name)
        trace(f"{name} passes")

    await asyncio.gather(party("a"), party("b"))

    assert trace.steps[:2] == ["a comes", "b comes"]
    assert set(trace.steps[2:]) == {"a passes", "b passes"}


async def test_who_waits_in_vain_at_a_rendezvous_is_told_who_came():
    with pytest.raises(AssertionError, match="a waited for 2 to meet, but only these came: a"):
        await Rendezvous(2).meet("a")


async def test_until_waits_for_what_comes_and_says_what_does_not():
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon(done.set)
    await until(done.is_set, "nobody set it")

    with pytest.raises(AssertionError, match="turns of the event loop: nobody set it"):
        await until(lambda: False, "nobody set it")
