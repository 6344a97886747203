"""A plugin of pytest: the clock of asyncio's event loop runs at half speed, in claims and in the programs they start.

Its timers keep to that clock, and so come late by every other. uvloop is left alone: its timers are libuv's, in C, and
keep to libuv's clock, as does `when()` of their handles; with another `time()` than theirs it would be no slow loop but
a wrong one.
"""

from __future__ import annotations

# Source, because it has to be run in each program too.
HALF_SPEED = """
import asyncio, time
asyncio.BaseEventLoop.time = lambda loop: time.monotonic() / 2
"""


def pytest_configure() -> None:
    from fixtures import programs  # not before: pytest must be the first to import what stands in fixtures

    exec(HALF_SPEED, {})
    programs.PRELUDE = HALF_SPEED
