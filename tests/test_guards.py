"""What every claim is held to: it ends, leaves no task behind, and has no error go unseen. Each guard seen red."""

import pytest

from tests.conftest import entry

LEAKS = {
    "a task left behind": (
        "asyncio.get_running_loop().create_task(asyncio.Event().wait())",
        "tasks left behind: Event.wait",
    ),
    "an exception nobody retrieved": (
        "asyncio.get_running_loop().create_future().set_exception(ValueError('lost'))",
        "the event loop reported: Future exception was never retrieved",
    ),
    "an error in a callback": (
        "asyncio.get_running_loop().call_soon(lambda: 1 / 0); await asyncio.sleep(0)",
        "the event loop reported: Exception in callback",
    ),
    "a coroutine never awaited": ("asyncio.sleep(1)", "coroutine 'sleep' was never awaited"),
}


@pytest.mark.parametrize("leak", LEAKS, ids=str)
def test_a_leak_fails_the_claim_that_made_it_and_no_other(house, leak):
    source, message = LEAKS[leak]
    house.claims(entry("leaks"), entry("after"))
    house.tests(f"""
        @claim("leaks")
        async def test_leaks():
            {source}

        @claim("after")
        async def test_after():
            await asyncio.sleep(0)
    """)

    ended = house.run("spec", "--loop", "asyncio")

    ended.assert_outcomes(passed=1, failed=1)
    assert "FAILED spec/c3_asyncio/test_3_3_await.py::test_leaks[asyncio]" in ended.stdout.str()
    assert message in ended.stdout.str()


HANGS = {
    "idle": "async def test_hangs(): await asyncio.Event().wait()",
    "busy": "async def test_hangs():\n            while True: await asyncio.sleep(0)",
    "blocked": "async def test_hangs():\n            import time\n            time.sleep(100)",
    "without a loop": "def test_hangs():\n            import threading\n            threading.Event().wait()",
}


@pytest.mark.parametrize("hang", HANGS, ids=str)
def test_a_claim_that_hangs_ends_at_the_ceiling_and_the_rest_go_on(house, hang, monkeypatch):
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "0.5")
    # In a busy loop the ceiling may ring while coverage notes a line: its lock is then never released.
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    house.claims(entry("hangs"), entry("after"))
    house.tests(f"""
        @claim("hangs")
        {HANGS[hang]}

        @claim("after")
        async def test_after():
            await asyncio.sleep(0)
    """)

    ended = house.run("spec")

    assert "did not end within 0.5 s" in ended.stdout.str()
    outcomes = ended.parseoutcomes()
    outcomes.pop("errors", 0)  # where it was cut in mid-turn, closing its loop hangs too and is cut as well
    assert outcomes == {"passed": 2, "failed": 1 if hang == "without a loop" else 2}


def test_a_task_that_cannot_be_cancelled_does_not_hold_up_the_teardown(house, monkeypatch):
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "2")
    house.claims(entry("stuck"), entry("after"))
    house.tests("""
        class Deaf(asyncio.Future):
            def add_done_callback(self, callback, *, context=None):
                pass

        @claim("stuck")
        async def test_stuck():
            async def wait():
                await Deaf()

            task = asyncio.get_running_loop().create_task(wait())
            await asyncio.sleep(0)
            assert task.done()

        @claim("after")
        async def test_after():
            await asyncio.sleep(0)
    """)

    ended = house.run("spec", "--loop", "asyncio")

    ended.assert_outcomes(passed=1, failed=1)


def test_what_is_not_a_claim_is_not_guarded(house):
    house.claims(entry("pending", pending="later"))
    house.tests(
        "async def test_other(): asyncio.get_running_loop().create_task(asyncio.sleep(100))\n", "tests/test_x.py"
    )

    assert house.run("tests").ret == 0


def test_what_a_failed_claim_leaves_is_not_laid_at_the_next_ones_door(house):
    house.claims(entry("fails"), entry("after"))
    house.tests("""
        @claim("fails")
        async def test_fails():
            left = asyncio.sleep(1)
            assert left is None

        @claim("after")
        async def test_after():
            await asyncio.sleep(0)
    """)

    ended = house.run("spec", "--loop", "asyncio")

    assert "  holds      ✓  asyncio.sleep gives back None" in ended.stdout.str()
    assert ended.parseoutcomes()["failed"] == 1
    assert ended.parseoutcomes()["passed"] == 1
