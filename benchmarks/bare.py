"""A pytest plugin in the place of catalogue and checklist: `--bare FILE` runs the tests that the file names.

It is for a run in which `fixtures.claims` and what stands on the catalogue are blocked: so what these cost shows. What
stays is the import of `fixtures.claims`, for every test's file has its marker from there, and guards, loops, servers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.claims import DOCUMENT

_BLOCKED = ("claims", "deviations", "checklist.plugin")
OPTIONS = ("-p", "benchmarks.bare", *(part for name in _BLOCKED for part in ("-p", f"no:fixtures.{name}")))
_XFAIL = "XFAIL "  # as pytest's summary begins the line of a test that failed as it should


_KNOWN: pytest.StashKey[set[str]] = pytest.StashKey()


class Listed:
    """What the guards ask of the document, answered out of the list of tests."""

    def __init__(self, nodeids: set[str]) -> None:
        self.nodeids = nodeids
        self.by_file: dict[str, list] = {}  # nothing is begun before it is collected
        self.files = {nodeid.partition("::")[0] for nodeid in nodeids}

    def test_of(self, nodeid: str) -> tuple[str | None, None]:
        """The test that a node id names, and no loop: nobody asks for that who is here."""
        return (nodeid if nodeid in self.nodeids else None), None


def nodeids_in(listing: str) -> set[str]:
    """The node ids in what `pytest --collect-only -q` prints."""
    return {line for line in listing.splitlines() if "::" in line and not line.startswith(_XFAIL)}


def expected_to_fail(listing: str) -> set[str]:
    """The node ids of tests that fail as is known, in what `pytest -rx` prints."""
    lines = (line.removeprefix(_XFAIL) for line in listing.splitlines() if line.startswith(_XFAIL))
    return {line.partition(" - ")[0] for line in lines}


def pytest_addoption(parser: pytest.Parser) -> None:
    help = "what pytest --collect-only -q printed, and pytest -rx"
    parser.addoption("--bare", metavar="FILE", required=True, help=help)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "claim(id): counts for nothing here")
    listing = Path(config.option.bare).read_text(encoding="utf-8")
    config.stash[DOCUMENT], config.stash[_KNOWN] = Listed(nodeids_in(listing)), expected_to_fail(listing)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed and item.nodeid in item.config.stash[_KNOWN]:
        report.outcome, report.wasxfail = "skipped", "as is known"
    return report


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if collection_path.suffix != ".py" or not collection_path.name.startswith("test_"):
        return None
    return True if _name(collection_path, config) not in config.stash[DOCUMENT].files else None


def _name(path: Path, config: pytest.Config) -> str:
    return path.relative_to(config.rootpath).as_posix()


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Collector) -> Iterator[None]:
    made = yield
    if not isinstance(made, list):
        return made
    nodeids = collector.config.stash[DOCUMENT].nodeids
    return [item for item in made if item.nodeid in nodeids]
