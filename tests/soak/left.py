"""What a run leaves behind: processes that it started, and what lies in its temporary folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

MARK = "ASYNCIO_SPEC_SOAK_RUN"  # in the environment of a run, and so of every process that comes from it
PATIENCE = 5.0  # seconds in which what is about to end has ended, on a busy machine too


async def processes(mark: str) -> dict[int, str]:
    """The processes of the run with this mark that do not end by themselves: id to command. Only Linux can tell."""
    ceiling = time.monotonic() + PATIENCE
    while (there := dict(_of_run(mark))) and time.monotonic() < ceiling:
        await asyncio.sleep(0.02)
    return there


def _of_run(mark: str) -> Iterator[tuple[int, str]]:
    wanted = f"{MARK}={mark}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        # It may end while it is looked at, and another user's cannot be.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if wanted in (process / "environ").read_bytes().split(b"\0"):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                yield int(process.name), command.strip()


def end(mark: str) -> None:
    """End all processes of the run with this mark."""
    for pid, _ in _of_run(mark):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def files(folder: Path) -> list[str]:
    """What lies in a run's temporary folder, but for what pytest keeps on purpose."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("pytest-of-"))
