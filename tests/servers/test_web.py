"""The keeper's program that forks web servers: what it starts ends with whoever wanted it, and says how it ended."""

import os

import pytest

from fixtures import programs
from fixtures.servers import keeping, web
from fixtures.servers.website import Website

SOURCE = """
import os
import uvicorn

async def app(scope, receive, send):
    body = str(os.getpid()).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=0, lifespan="off")
"""


@pytest.fixture
def serve(keeper):
    """Start a server below a keeper of this test."""
    path = keeping.ask(keeper.socket, web.launch(), {"ask": "wait", "name": web.NAME})["path"]
    sites = []

    def serve(source=SOURCE, **environment):
        sites.append(Website(path, source, environment))
        return sites[-1].started()

    yield serve
    for site in sites:
        site.close()


def test_a_server_ends_and_its_directory_goes_when_its_client_leaves(serve, keeper, alive, wait_until):
    site = serve()
    pid = site.get("/").body
    assert alive(pid)

    site.close()

    wait_until(lambda: not alive(pid), "the server ends")
    wait_until(lambda: not [found for found in os.scandir(keeper.directory) if found.is_dir()], "its directory goes")


def test_a_keeper_that_is_killed_takes_the_servers_of_the_web_program_with_it(serve, keeper, alive, wait_until):
    pids = [serve().get("/").body, serve().get("/").body]
    assert all(map(alive, pids))

    keeper.process.kill()

    wait_until(lambda: not any(map(alive, pids)), "the servers end")


def test_a_server_that_does_not_start_is_told_of_with_its_status_and_last_words(serve):
    with pytest.raises(AssertionError, match=r"(?s)ended with status 3: .*no port to be had"):
        serve("import sys\nprint('no port to be had', file=sys.stderr)\nsys.exit(3)")


def test_a_prelude_runs_in_the_server_before_its_source(serve, monkeypatch):
    monkeypatch.setattr(programs, "PRELUDE", "import os\nos.getpid = lambda: -1")

    assert serve().get("/").body == -1


def test_a_prelude_that_fails_is_no_failure_of_the_claim(serve, monkeypatch):
    monkeypatch.setattr(programs, "PRELUDE", "1 / 0")

    with pytest.raises(RuntimeError, match="(?s)could not be entered in the server: .*ZeroDivisionError"):
        serve()


FORESEEN = """
import os
import time

STARTS = os.path.abspath("starts")
SOURCE = f"import os; os.write(os.open({STARTS!r}, {os.O_WRONLY | os.O_CREAT | os.O_APPEND}), b'%d ' % os.getpid())"
SOURCE += "\\n" + {source!r}


def starts():
    with open(STARTS) as file:
        return file.read().split()


def test_before(website):
    not_foreseen = SOURCE
    website(not_foreseen)


def test_meanwhile():
    while len(starts()) < 2:
        time.sleep(0.001)


def test_its_site_is_the_one_that_was_started(website):
    assert str(website(SOURCE).get("/").body) == starts()[1]
    assert len(starts()) == 2
"""


def test_a_site_that_can_be_foreseen_starts_before_its_test(project):
    project.test(FORESEEN.replace("{source!r}", repr(SOURCE)))

    project.run("--servers=embedded").assert_outcomes(passed=3)


def test_with_servers_none_what_needs_a_web_server_is_skipped_with_the_reason(project):
    project.test("def test_that_needs_one(website):\n    assert False\n")

    result = project.run("--servers=none")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * no web server: switched off by --servers=none"])
