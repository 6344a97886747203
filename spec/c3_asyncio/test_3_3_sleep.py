"""Section 3.3, await: asyncio.sleep, which the article's programs wait for, and the clock it goes by."""

from __future__ import annotations

import asyncio

from fixtures.claims import claim
from fixtures.trace import turn, until


def is_whole_milliseconds(seconds: float) -> bool:
    return seconds == round(seconds * 1000) / 1000


@claim("asyncio-sleep-returns-none-or-its-second-argument")
async def test_sleep_gives_none_or_its_second_argument_even_one_that_is_false():
    for delay in (0, 0.0006):  # of which the second takes a timer on both loops
        assert await asyncio.sleep(delay) is None
        for given in (object(), 0, asyncio.sleep, LookupError("not raised")):
            sleepers = [asyncio.create_task(asyncio.sleep(delay, given))]
            sleepers.append(asyncio.create_task(asyncio.sleep(delay, result=given)))
            await asyncio.wait(sleepers)
            assert [sleeper.exception() for sleeper in sleepers] == [None, None]
            assert [sleeper.result() for sleeper in sleepers] == [given, given]


@claim("asyncio-sleep-returns-none-or-its-second-argument")
def test_a_program_that_prints_its_sleep_shows_the_greeting_and_then_none(program):
    ended = program("""
        import asyncio

        async def main():
            print("good evening")
            slept = await asyncio.sleep(0)
            print("awake:", slept)

        asyncio.run(main())
    """)

    assert ended.lines == ["good evening", "awake: None"]
    assert ended.status == 0


@claim("asyncio-sleep-sets-one-timer")
async def test_a_sleep_of_two_seconds_sets_one_timer_of_two_seconds(monkeypatch):
    loop = asyncio.get_running_loop()
    timers = []

    def fire_at_once(delay, callback, *arguments, **options):
        timers.append(delay)
        return loop.call_soon(callback, *arguments, **options)

    for method in ("call_later", "call_at"):
        monkeypatch.setattr(loop, method, fire_at_once)
    for _ in range(2):
        timers.clear()
        sleeper = loop.create_task(asyncio.sleep(2))
        await until(sleeper.done, "the timer has fired, but the sleeper does not wake")

        assert timers == [2]
        assert sleeper.result() is None


@claim("asyncio-sleep-sets-one-timer")
async def test_the_timer_of_a_sleep_of_two_seconds_is_due_two_seconds_later(monkeypatch):
    loop, timers = asyncio.get_running_loop(), []
    set_a_timer = loop.call_later

    def call_later(*given, **options):
        timers.append(set_a_timer(*given, **options))
        return timers[-1]

    monkeypatch.setattr(loop, "call_later", call_later)
    before = loop.time()
    sleeper = loop.create_task(asyncio.sleep(2))
    await turn()
    after = loop.time()
    sleeper.cancel()

    [timer] = timers
    assert before + 1.999 <= timer.when() <= after + 2.001  # uvloop counts whole milliseconds


@claim("asyncio-sleep-sets-one-timer")
async def test_a_sleep_of_zero_sets_no_timer(monkeypatch):
    timers = []
    for method in ("call_later", "call_at"):
        monkeypatch.setattr(asyncio.get_running_loop(), method, lambda *arguments: timers.append(arguments))

    await asyncio.sleep(0)

    assert timers == []


@claim("asyncio-clock-is-finer-than-a-millisecond")
async def test_the_clock_of_asyncio_is_finer_than_milliseconds_and_less_than_half_of_one_makes_a_timer():
    loop = asyncio.get_running_loop()
    readings = [loop.time() for _ in range(20)]
    handle = loop.call_later(0.0004, lambda: None)
    handle.cancel()

    assert not all(is_whole_milliseconds(reading) for reading in readings)
    assert type(handle) is asyncio.TimerHandle


@claim("uvloop-clock-counts-whole-milliseconds")
async def test_the_clock_of_uvloop_shows_whole_milliseconds_and_less_than_half_of_one_makes_no_timer():
    loop = asyncio.get_running_loop()
    readings = [loop.time() for _ in range(20)]
    no_timer = type(loop.call_soon(lambda: None))
    *under_half, over_half = [loop.call_later(delay, lambda: None) for delay in (0.00001, 0.0004, 0.00049, 0.0006)]
    for handle in (*under_half, over_half):
        handle.cancel()

    assert all(is_whole_milliseconds(reading) for reading in readings)
    assert [type(handle) for handle in under_half] == [no_timer] * 3
    assert type(over_half) is not no_timer


@claim("uvloop-clock-counts-whole-milliseconds")
async def test_the_clock_of_uvloop_leaves_no_millisecond_out():
    loop = asyncio.get_running_loop()
    latest = loop.time()

    def one_has_passed():
        nonlocal latest
        before, latest = latest, loop.time()
        return round((latest - before) * 1000) == 1

    # More may have passed, too, where the machine is busy, but not each time.
    await until(one_has_passed, "the clock goes on by more than a millisecond at a time", turns=20_000)


@claim("uvloop-clock-counts-whole-milliseconds")
def test_the_clock_of_uvloop_shows_whole_milliseconds_where_the_loop_does_not_run_either(new_loop):
    loop = new_loop()
    readings = [loop.time()]
    loop.run_until_complete(turn())
    readings.append(loop.time())

    assert all(is_whole_milliseconds(reading) for reading in readings)
