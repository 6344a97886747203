"""`python -m tests.mutants`: every claim in the worlds in which it is false; with `--all`, in all the others too."""

from __future__ import annotations

import os
import sys

# A claim that hangs in its false world is cut here: it is the expected death of some. Read when fixtures are imported.
os.environ.setdefault("ASYNCIO_SPEC_CEILING", "6")

import pytest  # noqa: E402


class Mutants:
    """Puts the worlds in the place of pytest's own loop over the tests."""

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        parser.getgroup("mutants").addoption(
            "--all", action="store_true", help="run every claim in every world and list what dies where nobody said so"
        )

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.pluginmanager.unregister(name="checklist-follower")  # what claims do in false worlds is no checklist
        config.pluginmanager.set_blocked("beginning")  # no claim is run outside of a world

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        # Not before: pytest must be the first to import what stands in fixtures.
        from fixtures.upcoming import upcoming
        from tests.mutants import engine, surprises

        upcoming(session).is_settled = False  # a process of its own for each world, with tests of its own
        session.config.pluginmanager.register(engine.WATCHER)
        session.testsfailed = (surprises if session.config.option.all else engine).run(session)
        return True


def main() -> int:
    options = ["-qq", "-s", "--tb=no", "--no-header", "--no-summary", "-p", "no:xdist"]
    return pytest.main(["spec", *options, *sys.argv[1:]], [Mutants()])


if __name__ == "__main__":
    sys.exit(main())
