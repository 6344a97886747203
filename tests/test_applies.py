"""Where a claim applies: what leaves out a place, and in which words."""

import pytest
from packaging.version import Version

from fixtures import applies
from fixtures.applies import Here, specifier_problem

HERE = Here(Version("3.12.1"), implementation="CPython")


@pytest.mark.parametrize(
    ("wanted", "loop", "why"),
    [
        ({}, "asyncio", ""),
        ({"loop": "uvloop"}, "asyncio", "only on uvloop"),
        ({"loop": "uvloop"}, "uvloop", ""),
        ({"loop": "uvloop"}, None, ""),
        ({"implementation": "PyPy"}, None, "only on PyPy"),
        ({"implementation": "CPython"}, None, ""),
        ({"server": "MySQL"}, None, ""),
        ({"python": ">=3.13"}, None, "only on Python >=3.13"),
        ({"python": ">=3.12"}, None, ""),
        ({"redis": ">=8"}, None, "only with redis >=8"),
        ({"redis": "<8"}, None, ""),
        ({"aiohttp": ">=3"}, None, "aiohttp is not installed"),
        ({"uvloop": ">=1"}, "asyncio", ""),
        ({"uvloop": ">=1"}, "uvloop", "only with uvloop >=1"),
        ({"server": "MySQL", "python": "<3.12"}, None, "only on Python <3.12"),
    ],
)
def test_a_place_is_left_out_with_the_reason(monkeypatch, wanted, loop, why):
    installed = {"redis": Version("7.4"), "uvloop": Version("0.23")}
    monkeypatch.setattr(applies, "_installed", installed.get)

    assert HERE.excludes(wanted, loop) == why


def test_the_versions_of_libraries_are_those_that_are_installed():
    versions = applies.library_versions()

    assert versions["redis"] is not None and set(versions) == set(applies.LIBRARIES)
    assert applies._installed("no-such-library") is None


@pytest.mark.parametrize("wanted", ["<1.0", ">1.0", "!=2", "==0", ">=9999", "<0.0.1"])
def test_what_some_version_satisfies_is_no_problem(wanted):
    assert specifier_problem("uvloop", wanted) == ""


@pytest.mark.parametrize("wanted", ["<0", "<0.0", ">1,<1", "==1,==2"])
def test_what_no_version_satisfies_is_one(wanted):
    assert specifier_problem("uvloop", wanted) == f"nothing can satisfy uvloop = '{wanted}'"
