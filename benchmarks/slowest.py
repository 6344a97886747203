"""The slowest claims of a run, by its result file."""

from __future__ import annotations

from pathlib import Path

from fixtures.checklist import results


def slowest(path: Path, count: int = 10) -> list[tuple[float, str, str, str]]:
    """Seconds, section, id and sentence of the slowest claims, those of all loops together."""
    read = results.read(path)
    seconds = {id: sum(cell.seconds for cell in cells.values()) for id, cells in read.cells.items()}
    chosen = sorted(seconds, key=seconds.__getitem__, reverse=True)[:count]
    return [(seconds[id], read.claims[id].section, id, read.claims[id].says) for id in chosen]
