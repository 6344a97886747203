"""The system's certificates, which aiohttp reads when it is imported: not there then, and there at all other times."""

from __future__ import annotations

import os

import pytest

from tests.conftest import entry

LOOKS = """
import os, pathlib
from fixtures.claims import claim

at_import = [os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")]
import aiohttp

@claim("one")
def test_one(plain_program):
    asked = "import os; print([os.environ.get(name) for name in ('SSL_CERT_FILE', 'SSL_CERT_DIR')])"
    in_a_program = plain_program(asked).stdout.strip()
    pathlib.Path("told").write_text(f"{at_import} {os.environ.get('SSL_CERT_FILE')} {in_a_program}")
"""
LOOKS_LATER = """
import os, pathlib
from fixtures.claims import claim

pathlib.Path("told later").write_text(str(os.environ.get("SSL_CERT_FILE")))

@claim("two")
def test_two():
    pass
"""


@pytest.mark.parametrize("wished", [None, "mine.pem"], ids=["not-set", "the-users-own"])
def test_only_the_file_that_imports_aiohttp_first_is_imported_without_certificates(house, monkeypatch, wished):
    if wished is None:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    else:
        monkeypatch.setenv("SSL_CERT_FILE", wished)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    house.claims(entry("one"), entry("two", section="3.4"))
    house.write("spec/c3_asyncio/test_3_3_await.py", LOOKS)
    house.write("spec/c3_asyncio/test_3_4_tasks.py", LOOKS_LATER)

    house.run("spec").assert_outcomes(passed=2)

    none = [os.devnull, os.devnull]
    assert (house.path / "told").read_text() == f"{none} {wished} {[wished, None]}"
    assert (house.path / "told later").read_text() == str(wished)
