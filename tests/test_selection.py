"""What is begun while a run is still collecting, because it is settled by then that it will be needed: servers."""

from __future__ import annotations

import pytest

from tests.conftest import CHILDREN, entry

FIRST = "spec/c3_asyncio/test_3_3_await.py"
# Its import looks whether the keeper of the servers is there.
LOOKS = f"""{CHILDREN}
from fixtures.claims import claim

is_there = any(b"keeper.py" in child for child in children())
pathlib.Path("there" if is_there else "not there").touch()

@claim("one")
def test_one(redis_server):
    pass

@claim("two")
def test_two():
    pass
"""
EMBEDDED = ("--servers", "embedded")


@pytest.fixture
def found_early(house):
    """A function that runs a document with these options, and tells whether a server was looked for in collection."""

    def run(*options, **of_one):
        house.claims(entry("one", **of_one), entry("two"))
        house.write(FIRST, LOOKS)
        house.run(*options)
        assert (house.path / "there").exists() is not (house.path / "not there").exists()
        return (house.path / "there").exists()

    return run


@pytest.mark.parametrize("path", [".", "spec", "spec/c3_asyncio", FIRST, "../{0}/spec"], ids=str)
def test_a_server_is_looked_for_at_once_where_all_below_a_path_will_be_run(found_early, house, path):
    assert found_early(path.format(house.path.name), *EMBEDDED)


NOT_SETTLED = {
    "one of a file": (f"{FIRST}::test_one",),
    "a selection": ("spec", "-k", "one"),
    "by marker": ("spec", "-m", "claim"),
    "but for one": ("spec", "--deselect", f"{FIRST}::test_two"),
    "collected only": ("spec", "--collect-only"),
}


@pytest.mark.parametrize("options", NOT_SETTLED.values(), ids=NOT_SETTLED)
def test_no_server_is_looked_for_before_it_is_known_what_will_be_run(found_early, options):
    assert not found_early(*options, *EMBEDDED)


def test_no_server_is_looked_for_where_there_shall_be_none(found_early):
    assert not found_early("spec", "--servers", "none")


def test_no_server_is_looked_for_if_the_claim_does_not_apply_here(found_early):
    assert not found_early("spec", *EMBEDDED, applies='{ python = ">=3.19" }')
