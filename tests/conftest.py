"""A small house of its own for each test of the house: catalogue, tests and settings in a temporary folder."""

from __future__ import annotations

import signal
import textwrap
import time
from pathlib import Path

import pytest

from fixtures.servers.wishes import OPTIONS, PREFIX

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parent.parent
WISHES = [f"{PREFIX}{option.upper()}" for option in OPTIONS]
CEILING = 30.0  # seconds for what another process has to do, the start of a container among it

ENTRY = {
    "section": "3.3",
    "says": "asyncio.sleep gives back None",
    "zh": "asyncio.sleep 返回 None",
    "verdict": "holds",
    "basis": "implementation",
}


def entry(id: str, **fields: object) -> str:
    """One table of a `claims.toml`, right but for what `fields` changes; a field of None is left out, `_` means '-'."""
    table = {**ENTRY, **{key.replace("_", "-"): value for key, value in fields.items()}}
    if table["verdict"] != "holds":
        table = {"instead": "something else", "instead-zh": "别的", **table}
    lines = [
        f"{key} = {value}" if key == "applies" else f'{key} = "{value}"'
        for key, value in table.items()
        if value is not None
    ]
    return "\n".join([f"[{id}]", *lines, "", ""])


GREEN = """
    @claim("{0}")
    async def test_{1}():
        assert await asyncio.sleep(0) is None
"""


# Source that gives a test, or its file at its import, the command lines of the children of its process.
CHILDREN = """
import os, pathlib

def children():
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == os.getpid():
                yield (process / "cmdline").read_bytes()
        except OSError:  # it has ended
            pass
"""


def green(id: str) -> str:
    """A test that proves the claim `id`."""
    return GREEN.format(id, id.replace("-", "_"))


def pytest_configure() -> None:
    """Have what tests start be interrupted by Ctrl-C, also where this run itself was started in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def nothing_wished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the user's wishes about servers out: the runs in a test have those of the test."""
    for name in WISHES:
        monkeypatch.delenv(name, raising=False)


class House:
    """A document of few claims, run by the fixtures of this repository in a process of its own."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        for name in ("pyproject.toml", "conftest.py"):
            (self.path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def claims(self, *entries: str, chapter: str = "c3_asyncio") -> None:
        self.write(f"spec/{chapter}/claims.toml", "\n".join(entries))

    def tests(self, source: str, name: str = "spec/c3_asyncio/test_3_3_await.py") -> None:
        self.write(
            name, "import asyncio\nimport pytest\nfrom fixtures.claims import claim\n\n" + textwrap.dedent(source)
        )

    def interrupts_itself(self) -> None:
        """Three claims, of which the second's test has the run interrupted, as Ctrl-C would."""
        self.claims(entry("first"), entry("second"), entry("third"))
        second = '@claim("second")\ndef test_second():\n    os.kill(os.getpid(), signal.SIGINT)\n'
        around = (textwrap.dedent(green(id)) for id in ("first", "third"))
        self.tests("import os, signal\n" + second.join(around))

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run pytest as a user would; its output is 80 columns wide and has no colour."""
        return self.pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


@pytest.fixture
def house(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return House(pytester)


@pytest.fixture
def ten_claims(house: House) -> House:
    """One claim of each kind, and of each fate."""
    house.claims(
        entry("first-holds", says="What holds is shown on both loops"),
        entry("second-refuted", verdict="refuted", says="What is wrong", instead="What is right"),
        entry("third-changed", verdict="changed"),
        entry("fourth-cannot-run", verdict="cannot-run"),
        entry("fifth-fails-on-uvloop"),
        entry("sixth-not-here", applies='{ python = ">=3.19" }'),
        entry("seventh-skipped"),
        entry("eighth-pending", section="3.4", pending="its test comes later"),
        entry("ninth-without-loop", section="3.4"),
        entry("tenth-old-stack", section="3.4", stack="article"),
    )
    house.tests(
        green("first-holds") + green("second-refuted") + green("third-changed") + green("fourth-cannot-run")
        + green("sixth-not-here") + """
    @claim("fifth-fails-on-uvloop")
    async def test_fails_on_uvloop():
        assert "uvloop" not in type(asyncio.get_running_loop()).__module__, "not on this loop"

    @claim("seventh-skipped")
    async def test_skipped():
        pytest.skip("no server: start one")
    """)  # fmt: skip
    house.tests(
        """
    @claim("ninth-without-loop")
    def test_the_first_half_of_the_ninth():
        pass

    @claim("ninth-without-loop")
    def test_the_second_half_of_the_ninth():
        pass

    @claim("tenth-old-stack")
    async def test_old():
        pass
    """,
        "spec/c3_asyncio/test_3_4_task.py",
    )
    return house


def wait_until(condition, what):
    """Wait until condition() is true; fail with `what` when it is not within a generous ceiling."""
    ceiling = time.monotonic() + CEILING
    while not condition():
        assert time.monotonic() < ceiling, f"waited {CEILING:g} s for this, in vain: {what}"
        time.sleep(0.005)


def alive(pid):
    """Tell whether a process runs; one that has ended and only waits for its parent to notice does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


@pytest.fixture(name="wait_until")
def wait_until_fixture():
    return wait_until


@pytest.fixture(name="alive")
def alive_fixture():
    return alive
