"""Options and their twins, as nobody would type them: obeyed, or told in a line that repeats nothing of a URL."""

import io
from argparse import Namespace
from types import SimpleNamespace

import pymysql
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis.connection import parse_url as parse_as_redis

from fixtures import ceiling, loops
from fixtures.servers import __main__ as command
from fixtures.servers.wishes import EXAMPLES, KINDS, OPTIONS, PREFIX, read_wishes
from tests.fuzz.odd import is_clear, texts

SECRET = "s3cret"
PARTS = [
    ["redis", "rediss", "mysql", "REDIS", " redis", "http", ""],
    ["://", ":/", ":", ""],
    ["", "user", ":", "us/er", "user@", "u%00", "%", "\udcff"],
    [*(f":{SECRET}{more}" for more in ("", "%E5%AF%86", "\n", "é", "#")), f":/{SECRET}", f":[{SECRET}", ""],
    ["@", ""],
    ["h", "127.0.0.1", "[::1]", "[::1", "a..b", "a" * 64, "h\n", "%00", "h h", "ＨＯＳＴ", "℀", "é", ""],
    ["", ":1", ":0", ":65536", ":x", ":-1", ":" + "9" * 5_000, ":１"],
    ["", "/", "/0", "/x", "/1/2", "/" + "9" * 5_000, "/²", f"/{SECRET}", f"?password={SECRET}", f"#{SECRET}"],
]  # fmt: skip
urls = st.tuples(*([st.sampled_from(part) for part in PARTS])).map("".join)
right = st.tuples(*([st.sampled_from(part[:3]) for part in PARTS])).map("".join)


def wished(**given):
    """The wishes that options make, and those that their twins make; or what is told, where there are none."""
    nothing = dict.fromkeys(OPTIONS)
    twins = {PREFIX + option.upper(): text for option, text in given.items()}
    made = []
    for options, environment in ((Namespace(**{**nothing, **given}), {}), (Namespace(**nothing), twins)):
        try:
            made.append(read_wishes(options, environment))
        except ValueError as error:
            made.append(str(error))
    return made


@given(st.sampled_from(sorted(EXAMPLES)), urls | right | texts.map(lambda text: f"redis://:{SECRET}@{text}"))
def test_any_url(option, url):
    for made in wished(**{option: url}):
        if isinstance(made, str):
            assert is_clear(made) and made.endswith(f"; give one such as {EXAMPLES[option]}")
            assert made.startswith((f"--{option.replace('_', '-')}: ", f"{PREFIX}{option.upper()}: "))
            assert SECRET not in made
        elif getattr(made, option) is not None:  # a twin that is empty says nothing
            clients_understand(made.url(option.removesuffix("_url")))


def clients_understand(url):
    """A client takes a URL as it was taken here, and nothing of it shows itself."""
    assert SECRET not in repr(url) + url.shown() + repr(vars(url))
    if url.scheme == "mysql":
        pymysql.connect(
            host=url.host, port=url.port, user=url.username, password=url.password or "", defer_connect=True
        )
    else:
        parsed = parse_as_redis(url.url)
        assert (parsed["host"], parsed.get("port", 6379), parsed.get("db", 0)) == (url.host, url.port, url.db)
    url.host.encode("idna")  # what a resolver does first


@given(st.sampled_from(KINDS) | texts | urls)
def test_any_kind_of_servers(text):
    for made in wished(servers=text):
        if isinstance(made, str):
            assert is_clear(made) and made.endswith(f"; there are {', '.join(KINDS)}")
            assert text not in KINDS and SECRET not in made
        else:
            assert made.servers in (None, *KINDS)


@given(texts)
def test_any_image(text):
    for made in wished(redis_image=text):
        if isinstance(made, str):
            assert is_clear(made) and made.endswith("it is not the name of an image; give one such as redis:8")
        else:
            assert made.image("redis") == (text or "redis:8")


@given(texts | st.floats().map(str) | st.integers().map(str))
@example("1e999")
@example("nan")
@example("9" * 5_000)
def test_any_ceiling(text):
    try:
        assert 0 < ceiling.ceiling({ceiling.VARIABLE: text}) <= ceiling.MOST
    except ValueError as error:
        assert is_clear(str(error)) and str(error).startswith(ceiling.VARIABLE)


@given(texts.filter(lambda name: name not in loops.known_loops()))
def test_any_loop(name):
    config = SimpleNamespace(getoption=lambda option: [name], stash={})

    with pytest.raises(pytest.UsageError) as told:
        loops.pytest_configure(config)
    assert is_clear(str(told.value)) and str(told.value).startswith("--loop ")


@given(st.lists(texts.map(lambda text: f"--{text}") | urls | urls.map(lambda url: f"--redis-ulr={url}"), min_size=1))
@example([f"--redis={EXAMPLES['redis_url'].replace('password', SECRET)}"])
@example([f"--servers=redis://:{SECRET}@h"])
def test_any_arguments_of_the_servers_command(arguments):
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stderr", told)
        patch.setattr(command, "look_for", lambda *_: ("none", {}))
        patch.setattr("builtins.print", lambda *_: None)
        try:
            command.main(arguments)
        except SystemExit as leaving:
            assert leaving.code == 2
            assert is_clear(told.getvalue().rstrip("\n").split("\n")[-1].partition(": error: ")[2])
        assert SECRET not in told.getvalue()
