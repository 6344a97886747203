"""The machine that figures are from, in a few words."""

from __future__ import annotations

import platform

import pyperf


def described() -> list[str]:
    """Processor, kernel, Python and the load before anything was measured, as pyperf finds them."""
    found = pyperf.Run([1.0], metadata={"name": "none"}).get_metadata()
    model = found.get("cpu_model_name", platform.machine())
    load = found.get("load_avg_1min")
    return [
        f"processor: {model}, {found.get('cpu_count', '?')} cores",
        f"system: {platform.system()} {platform.release()}",
        f"Python: {platform.python_implementation()} {platform.python_version()}",
        f"load before (average of a minute): {'unknown' if load is None else f'{load:.2f}'}",
        f"date: {str(found['date'])[:10]}",
    ]
