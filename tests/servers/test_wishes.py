"""What the user says about servers: options, their twins in the environment, and URLs that cannot be obeyed."""

import argparse
import os

import pytest

from fixtures.servers.address import Secret, parse_url
from fixtures.servers.wishes import add_options, read_wishes

ASKS = """\
def test_it(redis_server):
    raise AssertionError("there was a Redis")
"""

MALFORMED_REDIS = {
    "localhost:6379": "it does not begin with redis:// or rediss://",
    "REDIS://:s3cret@127.0.0.1": "it does not begin with redis:// or rediss://",
    " redis://:s3cret@127.0.0.1": "it does not begin with redis:// or rediss://",
    "redis://:s3cret@a..b": "its host is malformed",
    f"redis://:s3cret@{'a' * 64}": "its host is malformed",
    "redis://:s3cret@a%2Fb": "its host is malformed",
    "redis://:s3cret\n@127.0.0.1": "it has a control character in it, or bytes that are not UTF-8: "
    "write each byte as %xx",
    "redis://:s3cret\udcff@127.0.0.1": "it has a control character in it, or bytes that are not UTF-8: "
    "write each byte as %xx",
    f"redis://h/{'9' * 10}": "its database, the part after the host's slash, is a number that no Redis has",
    "http://:s3cret@127.0.0.1:6379": "it does not begin with redis:// or rediss://",
    "unix:///run/s3cret": "it does not begin with redis:// or rediss://",
    "redis://": "it names no host",
    "redis://:s3cret@:6379/0": "it names no host",
    "redis://:s3cret": "it names no host",
    "redis://user:s3cret": "its port is not a number from 1 to 65535",
    "redis://:s3cret@127.0.0.1:0": "its port is not a number from 1 to 65535",
    "redis://:s3cret@127.0.0.1:65536/0": "its port is not a number from 1 to 65535",
    "redis://:s3cret@127.0.0.1:6379/s3cret": "its database, the part after the host's slash, is not a number",
    "redis://:s3cr@et/s3cret@127.0.0.1": "its database, the part after the host's slash, is not a number",
    "redis://[s3cret": "its host is malformed",
    "redis://h/0?password=s3cret": "it has a part after ? or #, which has no meaning here "
    "(in a password, write %3F and %23)",
}


MALFORMED_MYSQL = {
    "127.0.0.1:3306": "it does not begin with mysql://",
    "redis://u:s3cret@127.0.0.1": "it does not begin with mysql://",
    "mysql://u:s3cret@": "it names no host",
    "mysql://u:s3cret@a..b": "its host is malformed",
    "mysql://u:s3cret%E5%AF%86@127.0.0.1": "its password has letters beyond Latin-1, "
    "which MySQL's clients for Python cannot send",
    "mysql://:s3cret@127.0.0.1": "it names no user",
    "mysql://u:s3cret@127.0.0.1:99999": "its port is not a number from 1 to 65535",
    "mysql://u:s3cret@127.0.0.1/mydata": "it names a database, and the run makes one of its own: leave it out",
    "mysql://u@127.0.0.1?password=s3cret": "it has a part after ? or #, which has no meaning here "
    "(in a password, write %3F and %23)",
}
EXAMPLE = {"redis": "redis://:password@127.0.0.1:6379/0", "mysql": "mysql://user:password@127.0.0.1:3306"}


def said(*arguments, **environment):
    """Return the Wishes that these arguments and variables make."""
    parser = argparse.ArgumentParser()
    add_options(parser.add_argument)
    return read_wishes(parser.parse_args(arguments), environment)


def test_without_a_word_nothing_is_wished_and_the_images_are_redis_8_and_mysql_9():
    wishes = said()

    values = [wishes.servers, wishes.redis_url, wishes.mysql_url, wishes.redis_image, wishes.mysql_image]
    assert values == [None] * 5
    assert (wishes.url("redis"), wishes.url("mysql")) == (None, None)
    assert (wishes.image("redis"), wishes.image("mysql")) == ("redis:8", "mysql:9")


def test_each_option_has_a_twin_in_the_environment_and_counts_more_than_it():
    environment = {
        "ASYNCIO_SPEC_SERVERS": "local",
        "ASYNCIO_SPEC_REDIS_URL": "redis://one",
        "ASYNCIO_SPEC_MYSQL_URL": "mysql://me@two",
        "ASYNCIO_SPEC_REDIS_IMAGE": "three",
        "ASYNCIO_SPEC_MYSQL_IMAGE": "four",
    }

    wishes = said("--servers=docker", "--mysql-image=five", **environment)

    assert wishes.servers == "docker" and wishes.named["servers"] == "--servers"
    assert wishes.url("redis").host == "one" and wishes.named["redis_url"] == "ASYNCIO_SPEC_REDIS_URL"
    assert wishes.url("mysql").host == "two" and wishes.named["mysql_url"] == "ASYNCIO_SPEC_MYSQL_URL"
    assert (wishes.image("redis"), wishes.image("mysql")) == ("three", "five")


def test_a_variable_that_is_empty_says_nothing():
    assert said(ASYNCIO_SPEC_SERVERS="", ASYNCIO_SPEC_REDIS_URL="").servers is None


def test_a_kind_of_servers_that_there_is_not_is_refused_with_those_there_are():
    there = "there is no such kind of servers; there are docker, local, embedded, none"
    for named, arguments, environment in (
        ("ASYNCIO_SPEC_SERVERS", [], {"ASYNCIO_SPEC_SERVERS": "cloud"}),
        ("--servers", ["--servers=redis://:s3cret@h"], {}),  # repeating it would show what is secret
    ):
        with pytest.raises(ValueError) as caught:
            said(*arguments, **environment)
        assert str(caught.value) == f"{named}: {there}"


@pytest.mark.parametrize(
    "kind, url, problem",
    [("redis", *item) for item in MALFORMED_REDIS.items()] + [("mysql", *item) for item in MALFORMED_MYSQL.items()],
)
def test_a_malformed_url_is_refused_without_repeating_any_of_it(kind, url, problem):
    with pytest.raises(ValueError) as caught:
        said(f"--{kind}-url={url}")

    assert str(caught.value) == f"--{kind}-url: {problem}; give one such as {EXAMPLE[kind]}"


NO_IMAGES = [
    " ",
    "A B",
    ":",
    "Redis",
    "a\nb",
    "redis:8\n",
    "../..",
    "redis:",
    "redis:8@sha256:1",
    "%zz",
    "a?b",
    "x" * 256,
    "é",
]


@pytest.mark.parametrize("image", NO_IMAGES)
def test_what_cannot_be_an_image_is_refused(image):
    with pytest.raises(ValueError) as caught:
        said(ASYNCIO_SPEC_MYSQL_IMAGE=image)

    assert str(caught.value) == ("ASYNCIO_SPEC_MYSQL_IMAGE: it is not the name of an image; give one such as mysql:9")


@pytest.mark.parametrize(
    "image", ["redis", "valkey/valkey:9.1-rc_1", "127.0.0.1:9/a/b:1", "GHCR.io/a__b/c--d", f"redis@sha256:{'0' * 64}"]
)
def test_an_image_may_have_a_host_a_tag_and_a_digest(image):
    assert said(f"--redis-image={image}").image("redis") == image


def test_a_url_contradicts_servers_none_and_nothing_else():
    with pytest.raises(ValueError, match="^--redis-url and ASYNCIO_SPEC_SERVERS=none contradict each other: leave one"):
        said("--redis-url=redis://h", ASYNCIO_SPEC_SERVERS="none")

    for kind in ("docker", "local", "embedded"):
        assert said("--mysql-url=mysql://u@h", f"--servers={kind}").servers == kind


@pytest.mark.parametrize(
    "kind, text, parts",
    [
        ("redis", "redis://127.0.0.1", ("127.0.0.1", 6379, None, None, "redis://127.0.0.1:6379/0")),
        ("redis", "redis://:p%40ss@h:1/15", ("h", 1, None, "p@ss", "redis://h:1/15")),
        ("redis", "rediss://me:pw@[::1]:6380/3", ("::1", 6380, "me", "pw", "rediss://[::1]:6380/3")),
        ("mysql", "mysql://me:p%2Fw@127.0.0.1", ("127.0.0.1", 3306, "me", "p/w", "mysql://127.0.0.1:3306")),
        ("mysql", "mysql://me@h:3307/", ("h", 3307, "me", None, "mysql://h:3307")),
    ],
)
def test_a_url_is_taken_apart_and_shown_without_what_is_secret(kind, text, parts):
    url = parse_url(text, kind)

    assert (url.host, url.port, url.username, url.password, url.shown()) == parts
    assert url.url == text
    assert repr(url) == f"<Url {parts[-1]}>"
    assert repr([url.url, url.password or Secret()]) == "['***', '***']"
    assert (parse_url("redis://h/3", "redis").db, parse_url("redis://h", "redis").db) == (3, 0)


@pytest.mark.parametrize(
    "args, message",
    [
        (["--redis-url=redis://:s3cret@127.0.0.1:x"], "--redis-url: its port is not a number from 1 to 65535"),
        (["--mysql-url=localhost", "-n2"], "--mysql-url: it does not begin with mysql://"),
        (["--servers=redis://:s3cret@h"], "--servers: there is no such kind of servers; there are docker, local"),
        (["--redis-url=redis://h", "--servers=none"], "--redis-url and --servers=none contradict each other"),
    ],
)
def test_what_cannot_be_obeyed_is_a_usage_error(project, args, message):
    project.test(ASKS)

    result = project.run(*args)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}*"])
    assert "Traceback" not in result.stderr.str() + result.stdout.str()
    assert "s3cret" not in result.stderr.str() + result.stdout.str()


def test_a_variable_reaches_the_run_and_its_workers(project, monkeypatch):
    project.test(ASKS)
    monkeypatch.setitem(os.environ, "ASYNCIO_SPEC_SERVERS", "none")

    for workers in ((), ("-n2",)):
        result = project.run(*workers)
        result.assert_outcomes(skipped=1)
        result.stdout.fnmatch_lines(["SKIPPED * no Redis: switched off by ASYNCIO_SPEC_SERVERS=none"])
