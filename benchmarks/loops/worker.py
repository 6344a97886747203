"""Does the work of one scene on one loop, once, in this process: `python -m benchmarks.loops.worker`.

What to do comes as JSON on standard input, for a Redis' URL is secret: {"scene": "MODULE:FUNCTION", "options": {…},
"recipe": …, "times": …}. What it took goes out as JSON on standard output: {"wall": …, "cpu": …} or {"error": …}.
"""

from __future__ import annotations

import functools
import gc
import importlib
import json
import sys
import time
from collections.abc import Callable

from fixtures import recipes

WARM_UP = 10  # the part of the work that is done before
LARGE = 2**20  # bytes, more than any loop asks for at once


def settle() -> None:
    """Have a large block and free it, as every process does that has been at work for a while.

    asyncio asks for 256 KiB for each piece that it receives. glibc gets as much from the kernel each time, and gives it
    back, until the process has freed a larger block: then an echo takes a third. Whether importing has done so is luck.
    """
    bytes(LARGE)


def main() -> None:
    settle()
    asked = json.load(sys.stdin)
    try:
        answer = _measured(asked)
    except Exception as error:  # whatever a loop raises that cannot do it
        answer = {"error": f"{type(error).__name__}: {error}" if str(error) else type(error).__name__}
    print(json.dumps(answer))


def _measured(asked: dict) -> dict[str, float]:
    module, _, path = asked["scene"].partition(":")
    scene = functools.partial(getattr(importlib.import_module(module), path), **asked["options"])
    loop = recipes.maker(asked["recipe"])()
    try:
        return loop.run_until_complete(_work(scene, asked["times"]))
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _work(scene: Callable, times: int) -> dict[str, float]:
    async with scene() as work:
        await work(max(2, times // WARM_UP))
        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        await work(times)
        return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


if __name__ == "__main__":
    main()
