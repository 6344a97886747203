"""Keeps every core busy twice over: by other runs of the checklist, and where there are no more, by idle work.

A process for that ends with the soak, however it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

# Beside each run there are two for each core.
SIDE_BY_SIDE = 2 * (os.cpu_count() or 1) + 1

# It looks at its parent rather than be killed with it: that the kernel does on Linux only.
_BUSY = """
import os
while os.getppid() == {parent}:
    for _ in range(1_000_000):
        pass
"""


async def side_by_side(jobs: Iterable[Callable[[], Awaitable[object]]]) -> AsyncIterator[object]:
    """Do jobs, SIDE_BY_SIDE at a time, and yield what each returns when it is done; to close it ends what runs."""
    waiting, done, all_done = list(jobs)[::-1], asyncio.Queue(), asyncio.Event()
    count = len(waiting)

    async def one_after_another() -> None:
        try:
            while waiting:
                await done.put(await waiting.pop()())
            async with busy():
                await all_done.wait()
        except BaseException as error:
            await done.put(error)
            raise

    lanes = [asyncio.create_task(one_after_another()) for _ in range(SIDE_BY_SIDE)]
    try:
        for _ in range(count):
            result = await done.get()
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        all_done.set()
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)


@contextlib.asynccontextmanager
async def busy() -> AsyncIterator[int]:
    """Keep a core busy; gives the id of the process that does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", "-c", _BUSY.format(parent=os.getpid())),
        stdin=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is the soak's
    )
    try:
        yield process.pid
    finally:
        process.kill()
        await process.wait()
