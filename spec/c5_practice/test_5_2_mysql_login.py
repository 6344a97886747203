"""Section 5.2, what it takes to log in to a real MySQL or MariaDB with a password: aiomysql alone, or more."""

import asyncio
import secrets
from importlib import metadata

import aiomysql
import pytest
from packaging.requirements import Requirement

from fixtures.claims import claim
from fixtures.servers.mysql_client import Watcher, account


@pytest.fixture
def newcomer(own_mysql_server, mysql_name):
    """What `connect` takes to log in as a user who never has: the server keeps nothing of the password in memory."""
    password = f"Aa1-{secrets.token_urlsafe()}"
    with Watcher(own_mysql_server) as watcher:
        [(host,)] = watcher.ask("SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', -1)")
        watcher.ask("CREATE USER %s@%s IDENTIFIED BY %s", mysql_name, host, password)
        yield {**account(own_mysql_server), "user": mysql_name, "password": password}
        watcher.ask("DROP USER %s@%s", mysql_name, host)


def logging_in(newcomer):
    """A program that logs in, and once more from a pool, where cryptography is not to be had."""
    arguments = {name: str(value) if isinstance(value, str) else value for name, value in newcomer.items()}
    return f"""
        import sys

        sys.modules["cryptography"] = None
        import asyncio
        import aiomysql

        arguments = {arguments}

        async def tell(connection):
            async with connection.cursor() as cursor:
                await cursor.execute("SELECT SUBSTRING_INDEX(USER(), '@', 1)")
                print("logged in as", await cursor.fetchall())

        async def main():
            async with aiomysql.connect(**arguments) as connection:
                await tell(connection)
                async with aiomysql.create_pool(**arguments, maxsize=1) as pool, pool.acquire() as another:
                    await tell(another)

        asyncio.run(main())
    """


@claim("mysql-9-password-login-needs-cryptography-too")
def test_where_cryptography_cannot_be_imported_a_first_login_with_a_password_fails(plain_program, newcomer):
    ended = plain_program(logging_in(newcomer))

    assert (ended.status, ended.stdout) == (1, "")
    assert ended.error.startswith("RuntimeError: 'cryptography' package is required")


@claim("mysql-9-password-login-needs-cryptography-too")
async def test_where_cryptography_is_installed_a_first_login_with_a_password_works(newcomer):
    [outcome] = await asyncio.gather(aiomysql.connect(**newcomer), return_exceptions=True)

    assert type(outcome) is aiomysql.Connection
    await outcome.ensure_closed()


def wanted_by(name, extra):
    """The distributions, and extras of theirs, that one wants where it is installed with an extra, or "" for none."""
    wanted = map(Requirement, metadata.requires(name))
    wanted = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": extra})]
    return {(one.name.lower(), extra) for one in wanted for extra in one.extras or [""]}


@claim("mysql-9-password-login-needs-cryptography-too")
@pytest.mark.usefixtures("own_mysql_server")  # it says whether it is a MySQL, which the claim is about
def test_cryptography_comes_with_aiomysql_only_where_its_extra_rsa_is_asked_for():
    assert ("pymysql", "rsa") in wanted_by("aiomysql", "rsa")
    assert ("cryptography", "") in wanted_by("pymysql", "rsa")
    assert ("pymysql", "rsa") not in wanted_by("aiomysql", "")
    assert ("cryptography", "") not in wanted_by("pymysql", "")


@claim("mariadb-password-login-needs-aiomysql-alone")
def test_a_first_login_with_a_password_and_another_work_where_cryptography_cannot_be_imported(plain_program, newcomer):
    ended = plain_program(logging_in(newcomer))

    assert (ended.status, ended.stderr) == (0, "")
    assert ended.lines == [f"logged in as (('{newcomer['user']}',),)"] * 2
