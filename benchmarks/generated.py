"""A document of as many claims as are wished for, small and typical ones, in a temporary copy of the project."""

from __future__ import annotations

import shutil
from pathlib import Path

from fixtures.catalogue import SECTIONS

CLAIMS_A_FILE = 8  # as in the document
_COPIED = ("conftest.py", "pyproject.toml")
_ENTRY = """\
[{id}]
section = "{section}"
says = "Claim number {number} of many: what a task returns is what awaiting it gives, on every loop there is"
zh = "众多主张中的第 {number} 条：在每一种事件循环上，等待一个任务得到的就是它返回的值"
{verdict}
basis = "documented"
reference = "library/asyncio-task#asyncio.Task"

"""
_HOLDS = 'verdict = "holds"'
_REFUTED = """\
verdict = "refuted"
instead = "Another thing happens, as number {number} shows"
instead-zh = "另有其事：第 {number} 条"\
"""
_HEAD = '''\
"""Section {section}: claims made for measuring."""

import asyncio

from fixtures.claims import claim
from fixtures.trace import turn

'''
# In turn, so that there are as many runs for each claim as in the document: three of four run on each loop.
_TESTS = (
    """
@claim("{id}")
async def test_{name}():
    async def square(number):
        await turn()
        return number * number

    task = asyncio.create_task(square({number}))

    assert not task.done()
    assert await task == {number} ** 2


""",
    """
@claim("{id}")
async def test_{name}():
    seen = []

    async def walker(name):
        for step in range(2):
            seen.append((name, step))
            await turn()

    await asyncio.gather(walker("a"), walker("b"))

    assert seen == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]


""",
    """
@claim("{id}")
async def test_{name}():
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, {number})

    assert await future == {number}


""",
    """
@claim("{id}")
def test_{name}():
    def counter():
        yield {number}
        return None

    assert list(counter()) == [{number}]


""",
)


def write(root: Path, project: Path, claims: int) -> None:
    """Make the folder `root`: the fixtures of `project`, and a document of `claims` claims over all sections."""
    root.mkdir(parents=True)
    for name in _COPIED:
        shutil.copyfile(project / name, root / name)
    shutil.copytree(project / "fixtures", root / "fixtures", ignore=shutil.ignore_patterns("__pycache__"))
    sections = list(SECTIONS)
    for start in range(0, claims, CLAIMS_A_FILE):
        section = sections[start // CLAIMS_A_FILE % len(sections)]
        _write_file(root / "spec", section, range(start, min(start + CLAIMS_A_FILE, claims)))


def _write_file(spec: Path, section: str, numbers: range) -> None:
    folder = spec / f"c{section.split('.')[0]}_generated"
    folder.mkdir(parents=True, exist_ok=True)
    entries, tests = "", _HEAD.format(section=section)
    for number in numbers:
        told = {"id": f"claim-{number}", "name": f"claim_{number}", "number": number, "section": section}
        verdict = (_REFUTED if number % 4 == 3 else _HOLDS).format(**told)
        entries += _ENTRY.format(**told, verdict=verdict)
        tests += _TESTS[number % len(_TESTS)].format(**told)
    with open(folder / "claims.toml", "a", encoding="utf-8") as catalogue:
        catalogue.write(entries)
    name = f"test_{section.replace('.', '_')}_{numbers.start}.py"
    (folder / name).write_text(tests.rstrip() + "\n", encoding="utf-8")
