"""The MySQL that tests get: where it comes from, who may enter, what is left of a run in it, and on bad days."""

import json
import os
import signal
from pathlib import Path

import pymysql
import pytest

from fixtures.servers import mysql

USES_BOTH = """\
import json, pymysql, pytest


@pytest.mark.parametrize("number", range(3))
def test_both(mysql_pair, mysql_server, number):
    assert mysql_pair[0] is mysql_server
    seen = []
    for server in mysql_pair:
        with mysql_connect(server) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {server.database}.t{number} (n INT)")
            cursor.execute("SELECT @@pid_file, @@bind_address")
            seen.append([server.port, server.password, server.version, repr(server), *cursor.fetchone()])
    with open(f"seen {number}", "w") as file:
        json.dump(seen, file)


def mysql_connect(server):
    return pymysql.connect(host=server.host, port=server.port, user=server.user, password=server.password)
"""

ASKS = """\
def test_it(mysql_server):
    raise AssertionError("there was a MySQL")
"""

WAITS = """\
import os, threading, pymysql


def test_waits(mysql_server):
    server = mysql_server
    pymysql.connect(host=server.host, port=server.port, user=server.user, password=server.password).close()
    with open("seen.part", "w") as file:
        file.write(server.database)
    os.rename("seen.part", "seen")
    threading.Event().wait()
"""

DIES = """\
import os, signal, time
import pytest
from fixtures.servers import keeping, plugin


def test_dies(mysql_server, request):
    run = plugin.run_of(request.config)
    os.kill(keeping.ask(run.socket, {"ask": "status"})["servers"]["mysql"]["pid"], signal.SIGKILL)
    while keeping.ask(run.socket, {"ask": "status"})["servers"]["mysql"]["state"] != "died":
        time.sleep(0.01)
    raise AssertionError("the connection is lost")


def test_comes_after(mysql_server):
    raise AssertionError("there was a MySQL")


def test_needs_another(redis_server):
    assert redis_server.version.startswith("Valkey ")
"""


def seen(project):
    return [json.loads(path.read_text()) for path in sorted(project.path.glob("seen*"))]


def databases(answer):
    """Return the databases of a server that are not its own."""
    with entered(answer) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW DATABASES")
        own = {"information_schema", "mysql", "performance_schema", "sys"}
        return {name for (name,) in cursor.fetchall()} - own


def entered(answer, user=mysql.USER, password=None):
    password = answer["password"] if password is None else password
    return mysql.connect(answer["host"], answer["port"], user, password)


def url_of(answer, user=mysql.USER, password=None):
    return f"mysql://{user}:{password or answer['password']}@127.0.0.1:{answer['port']}"


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "two workers"])
def test_all_tests_of_a_run_use_the_same_two_servers(project, installed, workers):
    project.test(USES_BOTH)

    result = project.run("--servers=embedded", *workers)

    result.assert_outcomes(passed=3)
    pairs = seen(project)
    assert pairs == [pairs[0]] * 3
    first, second = pairs[0]
    assert [first[place] != second[place] for place in (0, 1, 4)] == [True] * 3
    assert first[2] == second[2] == installed.version
    assert (first[5], second[5]) == ("127.0.0.1", "127.0.0.1")
    origin = f"{installed.version} (embedded: the distribution's package)"
    assert first[3] == f"<MySQL at mysql://127.0.0.1:{first[0]}: {origin}>"
    result.stdout.fnmatch_lines([f"foot: MySQL: {origin}"])
    assert not any(password in result.stdout.str() for password in (first[1], second[1]))


def test_nobody_enters_without_the_password_of_the_run(keeper, start_mariadb):
    answer = start_mariadb(keeper)

    with entered(answer) as connection:
        assert mysql.version_of(connection) == answer["version"]
    for user, password in ((mysql.USER, "wrong"), (mysql.USER, ""), ("root", ""), ("", ""), ("mysql", "")):
        with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
            entered(answer, user, password)
    with pytest.raises(pymysql.err.OperationalError, match="locked"):
        pymysql.connect(unix_socket=f"{keeper.directory}/mysql.sock", user="root")


def test_the_password_is_on_no_command_line_and_its_files_are_their_owner_s_only(keeper, start_mariadb, command_lines):
    answer = start_mariadb(keeper)
    running = command_lines()

    assert len(answer["password"]) >= 32
    assert any(f"{keeper.directory}/mysql.sql".encode() in line for line in running)
    assert [line for line in running if answer["password"].encode() in line] == []
    assert oct(Path(keeper.directory).stat().st_mode & 0o777) == "0o700"
    for name in ("mysql.sql", "mysql.log"):
        assert oct((Path(keeper.directory) / name).stat().st_mode & 0o777) == "0o600"


def test_in_a_user_s_server_only_a_database_of_the_run_is_made_and_it_is_dropped(project, keeper, start_mariadb):
    answer = start_mariadb(keeper)
    project.test(USES_BOTH)

    result = project.run("--mysql-url", url_of(answer), "--servers=embedded", "-n2")

    result.assert_outcomes(passed=3)
    (users, own), *_ = seen(project)
    assert (users[0], own[0] == users[0]) == (answer["port"], False)
    result.stdout.fnmatch_lines(["foot: MySQL: MariaDB * (--mysql-url) and MariaDB * (embedded: *)"])
    assert answer["password"] not in result.stdout.str()
    assert databases(answer) == {"asyncio_spec_test"}


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_a_user_s_server_is_left_as_it_was_however_the_run_ends(project, keeper, start_mariadb, wait_until, name):
    answer = start_mariadb(keeper)
    project.test(WAITS)
    run = project.begin("--mysql-url", url_of(answer))
    wait_until(lambda: (project.path / "seen").exists(), "the run has its server")
    assert databases(answer) == {"asyncio_spec_test", (project.path / "seen").read_text()}

    os.killpg(run.pid, getattr(signal, name))

    wait_until(lambda: databases(answer) == {"asyncio_spec_test"}, "the run's database is dropped")


@pytest.mark.parametrize(
    "rights, missing",
    [
        ("SELECT ON mysql.*", "drop a database: Access denied for user 'poor'@*"),
        ("SELECT, DROP ON *.*", "make a database: Access denied for user 'poor'@*"),
        ("CREATE, DROP ON *.*", "read mysql.user: SELECT command denied to user 'poor'@*"),
    ],
)
def test_where_a_user_may_not_do_what_claims_need_it_is_said_and_nothing_is_left(
    project, keeper, start_mariadb, rights, missing
):
    answer = start_mariadb(keeper)
    with entered(answer) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER 'poor'@'127.0.0.1' IDENTIFIED BY 's3cret'")
        cursor.execute(f"GRANT {rights} TO 'poor'@'127.0.0.1'")
    project.test(ASKS)

    result = project.run("--mysql-url", url_of(answer, "poor", "s3cret"))

    result.assert_outcomes(skipped=1)
    named = f"MySQL at mysql://127.0.0.1:{answer['port']} (from --mysql-url)"
    result.stdout.fnmatch_lines([f"SKIPPED * {named} does not let this user {missing}"])
    assert "s3cret" not in result.stdout.str()
    assert databases(answer) == {"asyncio_spec_test"}


def test_a_user_s_server_that_refuses_or_is_not_there_skips_and_says_so_without_the_password(
    project, keeper, start_mariadb
):
    answer = start_mariadb(keeper)
    project.test(ASKS)

    refused = project.run("--mysql-url", url_of(answer, password="s3cret"))
    keeper.end()
    gone = project.run("--mysql-url", url_of(answer, password="s3cret"))

    named = f"MySQL at mysql://127.0.0.1:{answer['port']} (from --mysql-url) does not answer"
    refused.stdout.fnmatch_lines([f"SKIPPED * {named}: Access denied for user *"])
    gone.stdout.fnmatch_lines([f"SKIPPED * {named}: *Connection refused*"])
    for result in (refused, gone):
        result.assert_outcomes(skipped=1)
        assert "s3cret" not in result.stdout.str() + result.stderr.str()


def test_a_port_that_is_taken_is_exchanged_for_another(new_keeper, start_mariadb, change_keeper):
    taken = start_mariadb(new_keeper())["port"]
    change_keeper(
        f"free, ports = keeper.free_port, iter([{taken}])\nkeeper.free_port = lambda: next(ports, None) or free()"
    )

    answer = start_mariadb(new_keeper())

    assert (answer["state"], answer["error"]) == ("ready", "")
    assert answer["port"] != taken


def test_two_runs_at_the_same_time_have_servers_of_their_own(project, installed, wait_until):
    project.test(WAITS.replace('"seen', 'f"seen {os.getpid()}'))
    runs = [project.begin("--servers=embedded") for _ in range(2)]

    wait_until(lambda: len(list(project.path.glob("seen [0-9]*[0-9]"))) == 2, "both runs have their servers")

    names = {path.read_text() for path in project.path.glob("seen [0-9]*[0-9]")}
    assert len(names) == 2
    for run in runs:
        os.killpg(run.pid, signal.SIGTERM)


def test_when_a_server_dies_in_the_middle_of_the_run_its_tests_fail_and_say_so_and_others_go_on(project, installed):
    project.test(DIES)

    result = project.run("--servers=embedded")

    result.assert_outcomes(passed=1, failed=1, errors=1)
    said = "mysql-embedded ended in the middle of the run; its last lines: "
    result.stdout.fnmatch_lines(["E * AssertionError: the connection is lost", "*- servers -*", f"{said}*"])
    result.stdout.fnmatch_lines(["*ERROR at setup of test_comes_after*", f"{said}*"])


def test_with_servers_none_tests_are_skipped_with_the_reason(project):
    project.test(ASKS)

    result = project.run("--servers=none")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * no MySQL: switched off by --servers=none"])
    assert "foot: " not in result.stdout.str()
