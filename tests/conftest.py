"""A small house of its own for each test of the house: catalogue, tests and settings in a temporary folder."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parent.parent

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

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run pytest as a user would; its output is 80 columns wide and has no colour."""
        return self.pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


@pytest.fixture
def house(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return House(pytester)
