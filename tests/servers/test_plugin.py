"""What a test is told whose server does not start, has ended, or whose keeper is gone: it fails, and says why."""

# In these projects the servers that the house brings are programs of the test's.
BROKEN = """\
import sys

pytest_plugins = ["fixtures.servers.plugin"]


def pytest_configure():
    from fixtures.servers import http

    real = http.launch()
    http.launch = lambda: {**real, "argv": [sys.executable, "-c", "import sys; sys.exit('no port is free')"]}
"""
KEEPER_ENDS = """\
import pytest

from fixtures.servers import plugin

@pytest.fixture
def without_a_keeper(request):
    keeper = plugin.run_of(request.config).keeper.process
    keeper.kill()
    keeper.wait()

def test_first(without_a_keeper): pass

def test_second(redis_server): pass

def test_third(redis_server): pass
"""


def test_a_server_of_the_house_that_does_not_start_fails_the_test_with_what_it_said(project, pytester):
    pytester.makeconftest(BROKEN)
    project.test("def test_it(downloads): pass\n")

    ended = project.run("--servers=none")

    ended.assert_outcomes(errors=1)
    assert "no port is free" in ended.stdout.str()
    assert "Traceback" not in ended.stdout.str()


def test_a_keeper_that_is_gone_is_told_by_each_test_that_asks_and_by_the_foot(project):
    project.test(KEEPER_ENDS)

    ended = project.run("--servers=embedded")

    ended.assert_outcomes(passed=1, errors=2)
    assert ended.stdout.str().count("KeeperGone") >= 2
    ended.stdout.fnmatch_lines(["foot: Servers: *"])
    assert "INTERNALERROR" not in ended.stdout.str()
