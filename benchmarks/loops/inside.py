"""Scenes without a network: callbacks, timers, tasks, and what runs beside the loop in threads and processes."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator

MILLISECOND = 0.001


@contextlib.asynccontextmanager
async def call_soon() -> AsyncIterator:
    loop = asyncio.get_running_loop()

    def link(left: int, ended: asyncio.Future) -> None:
        if left:
            loop.call_soon(link, left - 1, ended)
        else:
            ended.set_result(None)

    async def work(times: int) -> None:
        link(times, ended := loop.create_future())
        await ended

    yield work


@contextlib.asynccontextmanager
async def timers() -> AsyncIterator:
    """All are set before the first is due, so that nobody waits: to set them takes longer than they are set for."""
    loop = asyncio.get_running_loop()

    async def work(times: int) -> None:
        left, ended = times, loop.create_future()

        def due() -> None:
            nonlocal left
            left -= 1
            if not left:
                ended.set_result(None)

        for _ in range(times):
            loop.call_later(MILLISECOND, due)
        await ended

    yield work


@contextlib.asynccontextmanager
async def timeouts() -> AsyncIterator:
    """What most timers are for: they are cancelled long before they are due."""
    loop = asyncio.get_running_loop()

    async def work(times: int) -> None:
        for _ in range(times):
            timer = loop.call_later(60, print)
            await asyncio.sleep(0)
            timer.cancel()

    yield work


@contextlib.asynccontextmanager
async def switching() -> AsyncIterator:
    async def walk(steps: int) -> None:
        for _ in range(steps):
            await asyncio.sleep(0)

    async def work(times: int) -> None:
        await asyncio.gather(walk(times // 2), walk(times // 2))

    yield work


@contextlib.asynccontextmanager
async def gathering(width: int) -> AsyncIterator:
    async def work(times: int) -> None:
        for _ in range(times):
            await asyncio.gather(*(asyncio.sleep(0) for _ in range(width)))

    yield work


@contextlib.asynccontextmanager
async def children() -> AsyncIterator:
    program = shutil.which("cat")
    if program is None:
        raise LookupError("there is no program `cat` on PATH")

    async def work(times: int) -> None:
        for _ in range(times):
            pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
            child = await asyncio.create_subprocess_exec(program, **pipes)
            said, _ = await child.communicate(b"there and back")
            assert (said, child.returncode) == (b"there and back", 0)

    yield work


@contextlib.asynccontextmanager
async def executor() -> AsyncIterator:
    loop = asyncio.get_running_loop()

    async def work(times: int) -> None:
        for number in range(times):
            assert await loop.run_in_executor(None, abs, -number) == number

    yield work


@contextlib.asynccontextmanager
async def awaiting() -> AsyncIterator:
    """Coroutines that never suspend: the loop has no part in it, and no loop can make it faster."""

    async def inner(number: int) -> int:
        return number

    async def work(times: int) -> None:
        for number in range(times):
            await inner(number)

    yield work
