"""Keeps every core busy twice over, by processes that end with the soak, however it ends."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

# It looks at its parent rather than be killed with it: that the kernel does on Linux only.
_BUSY = """
import os
while os.getppid() == {parent}:
    for _ in range(1_000_000):
        pass
"""


@contextlib.contextmanager
def every_core_busy() -> Iterator[list[int]]:
    """Give the process ids."""
    command = [sys.executable, "-I", "-S", "-c", _BUSY.format(parent=os.getpid())]
    with contextlib.ExitStack() as started:
        pids = []
        for _ in range(2 * (os.cpu_count() or 1)):
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, start_new_session=True
            )  # Ctrl-C is the soak's
            started.callback(process.wait)
            started.callback(process.kill)
            pids.append(process.pid)
        yield pids
