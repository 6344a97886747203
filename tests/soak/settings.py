"""What runs of a soak are put through, in rotation: as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Setting:
    """One way to run the checklist: what is added to the environment and to pytest's options."""

    name: str
    environment: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()


SETTINGS = (
    Setting("plain"),
    Setting("asyncio's debug mode", {"PYTHONASYNCIODEBUG": "1"}),
    Setting("-X dev", {"PYTHONDEVMODE": "1"}),  # as the variable, so that the processes that a run starts have it too
    Setting("-n 2", options=("-n", "2")),
    Setting("time at half speed", options=("-p", "tests.soak.half_speed")),
)


def rotation(runs: int) -> Iterator[tuple[Setting, bool]]:
    """Yield the setting of each run, and whether every core is to be busy meanwhile: so it is in every second run."""
    for number in range(runs):
        yield SETTINGS[number // 2 % len(SETTINGS)], bool(number % 2)
