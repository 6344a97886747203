"""One run of the checklist: a whole process, its time, and everything that is wrong with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from fixtures.servers.children import ending_with_us
from tests.soak import left
from tests.soak.settings import Setting

TAIL = 100  # lines of a run's output that are shown where no test is to blame: the stacks of one that hung have room
DUMPED = 10.0  # seconds for a hung process to print its stacks


@dataclass(frozen=True)
class Run:
    """A run that has ended: what was wrong, a text each, the first line of which says it in short."""

    seconds: float
    wrong: list[str]


def command(setting: Setting, seed: int, options: list[str]) -> list[str]:
    """What runs the checklist in a setting."""
    shuffled = ["-p", "randomly", f"--randomly-seed={seed}"]
    return [sys.executable, "-m", "pytest", "spec", "-q", *setting.options, *shuffled, *options]


async def run(setting: Setting, seed: int, options: list[str], ceiling: float) -> Run:
    """Run the checklist to its end, or for `ceiling` seconds; nothing of it is there afterwards."""
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as folder:
        temporary, report, output = Path(folder, "t"), Path(folder, "report.xml"), Path(folder, "output")
        temporary.mkdir()
        mark = Path(folder).name
        environment = {**os.environ, **setting.environment, "TMPDIR": str(temporary), left.MARK: mark}
        began = time.monotonic()
        try:
            with output.open("wb") as told:
                process = await asyncio.create_subprocess_exec(
                    *command(setting, seed, options),
                    f"--junitxml={report}",
                    env=environment,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=told,
                    stderr=told,
                    start_new_session=True,  # Ctrl-C is the soak's, which ends this
                    preexec_fn=ending_with_us(),
                )
                status = await _status(process, ceiling)
            seconds = time.monotonic() - began
            wrong = list(_wrong(status, report, output, ceiling))
            if status is None:
                return Run(seconds, wrong)  # what a run that is killed cannot remove, the next does
            wrong += [f"left a process: {what}" for what in (await left.processes(mark)).values()]
            return Run(seconds, wrong + [f"left in its temporary folder: {name}" for name in left.files(temporary)])
        finally:
            left.end(mark)


async def _status(process: asyncio.subprocess.Process, ceiling: float) -> int | None:
    """The exit status of a run; None for one that hung and was ended."""
    try:
        return await asyncio.wait_for(process.wait(), ceiling)
    except asyncio.TimeoutError:
        process.send_signal(signal.SIGABRT)  # pytest has faulthandler print the stack of every thread
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(process.wait(), DUMPED)
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _wrong(status: int | None, report: Path, output: Path, ceiling: float) -> Iterator[str]:
    if status == 0:
        return
    failed = list(_failed(report))
    yield from failed
    said = output.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:]
    if status is None:
        yield "\n".join([f"hung: did not end within {ceiling:g} s", *said])
    elif not failed:
        yield "\n".join([f"ended with status {status}, and no test had failed", *said])


def _failed(report: Path) -> Iterator[str]:
    """Yield what pytest's report tells of each test that failed."""
    if not report.exists():
        return
    for case in ElementTree.parse(report).iter("testcase"):
        for trouble in (*case.iter("failure"), *case.iter("error")):
            short = trouble.get("message", "").partition("\n")[0]
            where = case.get("classname", "").replace(".", "/")
            yield f"{where}.py::{case.get('name')}: {short}\n{trouble.text or ''}".rstrip()
