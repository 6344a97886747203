"""Has the work of a case done on a loop in a process of its own, and tells what it took, or why it cannot."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

from benchmarks.processes import Broken, Spent
from fixtures.lines import in_one_line

CEILING = 60.0  # seconds for one run; reached by none but one that hangs
CLIENTS = 10  # of wrk's, at once
WARM_UP = 200  # requests to a site before wrk comes
_DONE = re.compile(r"^\s*(\d+) requests in ([\d.]+)s,", re.MULTILINE)
_WRONG = re.compile(r"^\s*((?:Socket errors|Non-2xx).*)$", re.MULTILINE)


def scene(place: str, options: dict, recipe: str, times: int) -> Spent:
    """Seconds for one piece of a scene's work, of which `times` are done. Raises Broken."""
    asked = json.dumps({"scene": place, "options": options, "recipe": recipe, "times": times})
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        try:
            ended = subprocess.run(
                [sys.executable, "-m", "benchmarks.loops.worker"],
                input=asked, stdout=subprocess.PIPE, stderr=errors, text=True, timeout=CEILING,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Broken(f"did not end within {CEILING:g} s") from None
        try:
            answer = json.loads(ended.stdout)
        except ValueError:
            raise Broken(f"ended with status {ended.returncode}; it said last: {_last_line(errors)}") from None
    if "error" in answer:
        raise Broken(in_one_line(answer["error"]))
    return Spent(answer["wall"] / times, answer["cpu"] / times)


def _last_line(errors: IO[str]) -> str:
    errors.seek(0)
    return in_one_line((errors.read().strip().splitlines() or ["nothing"])[-1])


def wrk(path: str, options: dict, recipe: str, seconds: int) -> Spent:
    """Seconds for one request that wrk makes of the article's site, which it asks for `seconds`. Raises Broken."""
    with _site({"url": "", "prefix": "", **options, "recipe": recipe}) as port:
        _ask(port, path)
        said = subprocess.run(
            ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", f"http://127.0.0.1:{port}{path}"],
            capture_output=True, text=True, timeout=CEILING,
        )  # fmt: skip
    done, wrong = _DONE.search(said.stdout), _WRONG.search(said.stdout)
    if said.returncode or not done or wrong or done[1] == "0":
        why = wrong[1] if wrong else (said.stderr.strip() or "nothing was answered")
        raise Broken(f"wrk: {in_one_line(why)}")
    return Spent(float(done[2]) / int(done[1]))


@contextlib.contextmanager
def _site(asked: dict[str, str]) -> Iterator[int]:
    """The port of the site, which is ended after."""
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.loops.site"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
        try:
            process.stdin.write(json.dumps(asked))
            process.stdin.close()
            if not select.select([process.stdout], [], [], CEILING)[0]:
                raise Broken(f"the site did not start within {CEILING:g} s")
            port = process.stdout.readline()
            if not port:
                raise Broken(f"the site ended with status {process.wait()}; it said last: {_last_line(errors)}")
            try:
                yield int(port)
            except (OSError, http.client.HTTPException) as error:
                raise Broken(f"the site does not answer: {error!r}; it said last: {_last_line(errors)}") from None
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def _ask(port: int, path: str) -> None:
    """Ask as often as makes a site warm. Raises Broken where it answers something else than it should."""
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=CEILING)
    with contextlib.closing(asking):
        for _ in range(WARM_UP):
            asking.request("GET", path)
            answer = asking.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise Broken(f"the site answered {path} with status {answer.status}: {in_one_line(body.decode())}")
