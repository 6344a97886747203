"""Tests whose servers are not ready are put off, in their order, and all tests run once."""

TESTS = """\
import pytest


@pytest.fixture(scope="module")
def shared():
    yield


def test_1(shared): pass
def test_2(shared): pass
def test_3_slow(shared): pass
def test_4(shared): pass
def test_5_slow(shared): pass
def test_6(shared): pass
def test_7_slow(shared): pass
"""

CONFTEST = """\
from fixtures.servers.postponing import Postponer

ran = []


def pytest_runtest_logstart(nodeid):
    ran.append(nodeid.split("::")[1])


def pytest_sessionfinish():
    print("order:", *[name[5] for name in ran])


def pytest_configure(config):
    def needed_by(item):
        return set(item.name.split("_")[2:])

    config.pluginmanager.register(Postponer(needed_by, lambda names: names if len(ran) < READY_AFTER else set()))
"""


def order(project, ready_after, tests=TESTS):
    project.test(tests)
    (project.path / "conftest.py").write_text(CONFTEST.replace("READY_AFTER", str(ready_after)))
    result = project.run("-s")
    result.assert_outcomes(passed=7)
    (line,) = [line for line in result.stdout.lines if "order:" in line]
    return line.partition("order: ")[2]


def test_where_all_servers_are_ready_the_order_is_the_document_s(project):
    assert order(project, 0) == "1 2 3 4 5 6 7"


def test_what_must_wait_comes_last_and_in_its_order(project):
    assert order(project, 100) == "1 2 4 6 3 5 7"


def test_what_waits_for_another_server_does_not_come_in_the_place_of_what_was_put_off(project):
    tests = TESTS.replace("test_4(", "test_4_slower(").replace("test_7_slow(", "test_7_slow_slower(")
    assert order(project, 100, tests) == "1 2 6 3 4 5 7"
