"""Section 5.1, the package aioredis as installing it gives it today: it is not the one that the examples are for."""

import re

import pytest

from fixtures.claims import claim

IMPORTS_IT = "import aioredis; print('imported')"
IMPORTS_IT_TWICE = f"""
try:
    {IMPORTS_IT}
except (TypeError, ModuleNotFoundError) as error:
    print(f"{{type(error).__name__}}: {{error}}")
{IMPORTS_IT}
"""


@claim("aioredis-newest-release-lacks-create-redis")
@pytest.mark.parametrize("name", ["create_redis", "create_redis_pool", "ConnectionsPool"])
def test_the_newest_aioredis_can_be_imported_and_lacks_what_the_examples_use(plain_program, name):
    # It imports distutils, whose end Python 3.10 warns of.
    ended = plain_program(f"{IMPORTS_IT}; aioredis.{name}", warnings="ignore")

    assert (ended.status, ended.stdout) == (1, "imported\n")
    assert ended.error == f"AttributeError: module 'aioredis' has no attribute '{name}'"


@claim("aioredis-newest-release-cannot-be-imported")
def test_the_newest_aioredis_cannot_be_imported_the_second_time_either(plain_program):
    ended = plain_program(IMPORTS_IT_TWICE, warnings="ignore")

    assert (ended.status, ended.lines) == (1, [ended.error])
    # Its exception of both TimeoutErrors has been one of the same twice since Python 3.11. 3.12 has no distutils.
    of_the_same_twice = "TypeError: duplicate base class '?TimeoutError'?"  # PyPy quotes it
    assert re.fullmatch(f"{of_the_same_twice}|ModuleNotFoundError: No module named 'distutils'", ended.error)
