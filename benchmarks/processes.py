"""Measures one whole process: the time until it has ended, and the processor time of all that it started."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
CEILING = 600.0  # seconds for a process; reached by none but one that hangs
_AFTERWARDS = 30.0  # seconds for what a process has started to end after it
_TICK = 0.005
_COUNTS = re.compile(r"^(\d+ (?:passed|failed|skipped|error).*) in [0-9.]+s\b.*$", re.MULTILINE)


class Broken(Exception):
    """What was to be measured did not do what it should; the message is one line that says what and how."""


@dataclass(frozen=True)
class Spent:
    """Seconds: `wall` until the process had ended, `cpu` of it and all its descendants, None where nobody knows.

    `tests` is how pytest counts what became of the tests, empty for another program.
    """

    wall: float
    cpu: float | None = None
    tests: str = ""


def adopt_orphans() -> None:
    """Have what a process leaves behind become this process's child, so that its processor time is counted too."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def measure(command: Sequence[str], folder: Path) -> Spent:
    """Run `command` in `folder` to its end. This process must have no other children. Raises Broken."""
    before = _of_children()
    with tempfile.TemporaryFile("w+", errors="replace") as output:  # a pipe would be held open by what it leaves
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            status = process.wait(CEILING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Broken(f"{' '.join(command)}: did not end within {CEILING:g} s") from None
        wall = time.perf_counter() - started
        output.seek(0)
        said = output.read()
    if status:
        last = (said.strip().splitlines() or ["nothing"])[-1]
        raise Broken(f"{' '.join(command)}: ended with status {status}; it said last: {last}")
    _reap_all(command)
    counted = _COUNTS.findall(said)
    return Spent(wall, _of_children() - before, counted[-1] if counted else "")


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _reap_all(command: Sequence[str]) -> None:
    """Wait for what the command has left, which ends by itself."""
    end = time.monotonic() + _AFTERWARDS
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < end:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if not pid:
                time.sleep(_TICK)
        raise Broken(f"{' '.join(command)}: left a process that did not end within {_AFTERWARDS:g} s")
