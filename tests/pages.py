"""Pages of runs that never were: every claim of the document, on as many Pythons as are wanted, with what is said."""

from __future__ import annotations

import json
from pathlib import Path

from packaging.version import Version

from fixtures.applies import Here
from fixtures.checklist import matrix, results
from fixtures.checklist.html.written import written
from fixtures.checklist.model import Run, Setting, build
from fixtures.claims import read_document
from tests.conftest import ROOT

PYTHONS = ("3.10.13", "3.11.7", "3.12.1", "3.13.0", "3.14.1", "3.15.0", "3.16.0")
BOTH = {"asyncio": "-", "uvloop": "0.23.0"}


def page(said: dict[tuple[str, str, str | None], dict], pythons: tuple[str, ...] = PYTHONS) -> str:
    """The page of a run on each of `pythons`: all claims that apply are verified, but for what is `said`.

    `said` is {(python, id, loop): {"outcome": …, "reason": …, "failures": […]}}.
    """
    document, _ = read_document(ROOT)
    runs = [_run(document, python, said) for python in pythons]
    return written(matrix.of(runs), ROOT)


def _run(document, python: str, said: dict) -> results.Results:
    setting = Setting("CPython", python, "Linux", "x86_64", "", BOTH, {}, [])
    text = results.as_text(
        build(document, Run(list(BOTH)), {}), setting, "2026-01-01T10:00:00.000+00:00", 1.0, "finished"
    )
    data = json.loads(text)
    here = Here(Version(python), "", "CPython")
    for claim in data["claims"]:
        for result in claim["results"]:
            result["outcome"], result["reason"] = _outcome(document.claims[claim["id"]], here, result)
            result |= said.get((python, claim["id"], result["loop"]), {})
    return results.understood(Path("made.json"), json.dumps(data))


def _outcome(claim, here: Here, result: dict) -> tuple[str, str]:
    if claim.pending:
        return "pending", claim.pending
    own = {key: value for key, value in claim.applies.items() if key in ("python", "implementation", "loop")}
    why = claim.of_another_stack(here) or here.excludes(own, result["loop"])
    return ("does not apply", why) if why else ("verified", "")
