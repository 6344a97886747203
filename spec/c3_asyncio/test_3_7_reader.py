"""3.7: the reader that counts, what `async for` gets from it, and whether other tasks run meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator

from fixtures.claims import claim
from fixtures.trace import turn

# Far more readings than any claim asks for: reading beyond is a loop that does not stop.
WITHOUT_END = 5_000


class CountingReader:
    """Reads 1, 2, 3, …; only the hundredth reading finds nothing, and that ends an iteration over it."""

    def __init__(self) -> None:
        self.readings = 0

    async def read(self) -> int | None:
        self.readings += 1
        assert self.readings < WITHOUT_END, "the reader was read without end"
        return None if self.readings == 100 else self.readings

    def __aiter__(self) -> CountingReader:
        return self

    async def __anext__(self) -> int:
        number = await self.read()
        if number is None:
            raise StopAsyncIteration
        return number


@claim("counting-reader-is-iterable-and-iterator")
async def test_a_reader_whose_aiter_returns_itself_is_async_iterable_and_async_iterator():
    reader = CountingReader()

    assert isinstance(reader, AsyncIterable)
    assert isinstance(reader, AsyncIterator)
    assert aiter(reader) is reader
    assert await anext(reader) == 1
    async for number in reader:
        assert number == 2
        break


@claim("counting-reader-yields-one-to-ninety-nine")
async def test_the_counting_reader_yields_1_to_99_and_stops_at_its_hundredth_reading():
    reader = CountingReader()
    numbers = []
    async for number in reader:
        numbers.append(number)

    assert numbers == list(range(1, 100))
    assert reader.readings == 100


@claim("counting-reader-stops-on-none-alone")
async def test_none_stops_the_reader_and_another_false_value_is_yielded():
    class Shelf(CountingReader):
        left = [0, "", False, None, "never read"]

        async def read(self):
            assert self.left, "the reader was read on after its None"
            return self.left.pop(0)

    shelf = Shelf()
    found = []
    async for value in shelf:
        found.append(value)

    assert found == [0, "", False]
    assert shelf.left == ["never read"]


@claim("second-pass-over-the-reader-never-stops")
async def test_a_second_pass_goes_on_past_the_number_that_stops_the_reader():
    reader = CountingReader()
    async for number in reader:
        assert number < 100

    again = []
    async for number in reader:
        again.append(number)
        if len(again) == 1_000:
            break

    assert again == list(range(101, 1_101))


class ReadyTask:
    """A task that is ready at every turn of the loop, and counts the steps it has taken."""

    def __init__(self) -> None:
        self.steps = 0
        self.ended = False
        self.task = asyncio.create_task(self.run())

    async def run(self) -> None:
        while not self.ended:
            self.steps += 1
            await turn()

    async def end(self) -> None:
        self.ended = True
        await self.task


@claim("reader-without-a-wait-gives-no-turn")
async def test_a_ready_task_gets_no_step_between_the_items_of_a_reader_that_never_suspends():
    other = ReadyTask()
    at_first = other.steps  # none, but for an eager task's first
    seen = []
    async for _ in CountingReader():
        seen.append(other.steps)
    steps_at_the_end = other.steps
    await turn()
    steps_after_a_turn = other.steps
    await other.end()

    assert seen == [at_first] * 99, f"steps before or between items: {seen}"
    assert steps_at_the_end == at_first
    assert steps_after_a_turn > at_first


@claim("reader-with-a-wait-gives-turns")
async def test_another_task_runs_between_two_items_of_a_reader_that_really_waits():
    class PatientReader(CountingReader):
        async def read(self):
            await asyncio.sleep(0 if self.readings % 50 else 0.001)
            return await super().read()

    other = ReadyTask()
    seen = []
    async for _ in PatientReader():
        seen.append(other.steps)
    await other.end()

    assert len(seen) == 99
    assert all(before < after for before, after in zip(seen, seen[1:])), f"no step between two items: {seen}"
