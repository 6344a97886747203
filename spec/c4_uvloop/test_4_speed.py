"""4: where uvloop is faster than asyncio's loop, and where it cannot be: the same work on both, in turn."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter

import pytest

from fixtures import recipes
from fixtures.claims import claim
from fixtures.trace import turn

# Elsewhere in this document nothing rests on a stopwatch. This claim is about nothing else, so here something has to:
# the processor time of this thread, which other processes hardly move. That a loop is idle it does not see.
# In 200 runs on two cores with ten busy processes the echo never came below 1.25, nor a loop against itself above 1.07.
FASTER = 1.1
COMPARISONS = 11  # odd, so that the median is one of them
ROUND_TRIPS = 80


def gain(work, *makers):
    """How many times the processor time of the second loop the first takes for `work`: the median of comparisons.

    No more are made once it is settled on which side of FASTER the median of all of them would be.
    """
    ratios = []
    while not any(side > COMPARISONS // 2 for side in Counter(ratio > FASTER for ratio in ratios).values()):
        # There and back, so that neither gains by its place, nor by the others' coming or going.
        first, second, again, last = (seconds_on(makers[which](), work) for which in (0, 1, 1, 0))
        ratios.append((first + last) / (second + again))
    return statistics.median(ratios)


def seconds_on(loop, work):
    loop.set_debug(False)  # as it is unless the run was told otherwise
    try:
        return loop.run_until_complete(work())
    finally:
        loop.close()


class Echoes(asyncio.Protocol):
    def __init__(self):
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def connection_lost(self, error):
        self.lost.set_result(error)


class Asks(Echoes):
    """Sends back what comes back, until it has come back often enough."""

    def __init__(self):
        super().__init__()
        self.left, self.ended = ROUND_TRIPS, asyncio.get_running_loop().create_future()

    def data_received(self, data):
        self.left -= 1
        if self.left:
            self.transport.write(data)
        else:
            self.ended.set_result(None)


async def echo():
    """Processor seconds of a small message's way over loopback TCP and back, as often as ROUND_TRIPS says."""
    loop, here, there = asyncio.get_running_loop(), Asks(), Echoes()
    server = await loop.create_server(lambda: there, "127.0.0.1", 0)
    await loop.create_connection(lambda: here, *server.sockets[0].getsockname())
    begun = time.thread_time()
    here.transport.write(b"?")
    await here.ended
    seconds = time.thread_time() - begun
    here.transport.close()
    await asyncio.gather(here.lost, there.lost)
    server.close()
    await server.wait_closed()
    return seconds


async def turns():
    """Processor seconds of turns of the loop with nothing else to do."""
    begun = time.thread_time()
    for _ in range(200):
        await turn()
    return time.thread_time() - begun


@claim("uvloop-is-faster-where-the-loop-works")
def test_turns_of_the_loop_take_less_processor_time_on_uvloop_than_on_asyncios_loop(new_loop):
    assert gain(turns, recipes.maker(recipes.ASYNCIO), new_loop) > FASTER


@claim("uvloop-is-faster-where-the-loop-works")
def test_a_tcp_echo_takes_less_processor_time_on_uvloop_than_on_asyncios_loop(new_loop):
    assert gain(echo, recipes.maker(recipes.ASYNCIO), new_loop) > FASTER


@claim("uvloop-gains-nothing-where-the-loop-is-idle")
def test_coroutines_that_await_one_another_without_suspending_end_without_a_loop_and_never_reach_uvloop(new_loop):
    async def inner():
        return 1

    async def outer():
        return sum([await inner() for _ in range(100)])

    with pytest.raises(StopIteration) as ended:
        outer().send(None)
    assert ended.value.value == 100

    loop, asked = new_loop(), []

    def counting(schedule):
        def counted(*arguments, **named):
            asked.append(arguments)
            return schedule(*arguments, **named)

        return counted

    async def main():
        begun = len(asked)
        assert await outer() == 100
        without_suspending = len(asked) - begun
        await turn()
        return without_suspending, len(asked) - begun

    for name in ("call_soon", "call_soon_threadsafe", "call_later", "call_at"):
        setattr(loop, name, counting(getattr(loop, name)))
    assert loop.run_until_complete(main()) == (0, 1)
