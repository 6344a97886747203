"""What a claim may not leave behind or changed: each kind seen red, what is none seen green, hangs told of."""

import re
from fnmatch import fnmatchcase

import pytest

from tests.conftest import entry

LEAKS = {
    "a thread": (
        "threading.Thread(target=time.sleep, args=[3], name='worker', daemon=True).start()",
        "left behind: thread 'worker', which runs sleep",
    ),
    "a thread that threading does not know": (
        "started = threading.Event()\n"
        "            def dawdle():\n"
        "                started.set()\n"
        "                time.sleep(3)\n"
        "            _thread.start_new_thread(dawdle, ())\n"
        "            started.wait()",
        "left behind: a thread without a name, which runs dawdle",
    ),
    "a child process": (
        "KEPT.append(subprocess.Popen(['sleep', '3']))",
        "left behind: child process *, sleep*",
    ),
    "a child that nobody waited for": (
        "KEPT.append(subprocess.Popen(['true'])); os.waitid(os.P_PID, KEPT[-1].pid, os.WEXITED | os.WNOWAIT)",
        "left behind: child process *, true, which has ended and was not waited for",
    ),
    "a file": ("KEPT.append(open(__file__))", "left behind: descriptor *, */test_3_3_await.py"),
    "a pipe": ("os.close(os.pipe()[0])", "left behind: descriptor *, pipe:[[]*]"),
    "a socket": (
        "KEPT.append(socket.create_server(('127.0.0.1', 0)))",
        "left behind: descriptor *, socket:[[]*] AF_INET 127.0.0.1:*",
    ),
    "a connection": (
        "with socket.create_server(('127.0.0.1', 0)) as listening:\n"
        "                KEPT.append(socket.create_connection(listening.getsockname()))\n"
        "                listening.accept()[0].close()",
        "left behind: descriptor *, socket:[[]*] AF_INET 127.0.0.1:* to 127.0.0.1:*",
    ),
    "a policy": (
        "warnings.simplefilter('ignore'); asyncio.set_event_loop_policy(Policy())",
        "changed: the event loop policy, now Policy",
    ),
    "a signal handler": (
        "signal.signal(signal.SIGUSR1, lambda *_: None)",
        "changed: the handler of SIGUSR1, now test_a_signal_handler.<locals>.<lambda>",
    ),
    "a wakeup descriptor": (
        "WAKING[1].setblocking(False); signal.set_wakeup_fd(WAKING[1].fileno())",
        "changed: the descriptor that signals wake a loop by, now *",
    ),
    "a variable set": ("os.environ['OF_THE_CLAIM'] = 'secret'", "changed: the environment variable OF_THE_CLAIM"),
    "a variable changed": ("os.environ['COLUMNS'] = '90'", "changed: the environment variable COLUMNS"),
    "a variable removed": ("del os.environ['COLUMNS']", "changed: the environment variable COLUMNS"),
    "a working directory": ("os.chdir('/')", "changed: the working directory, now /"),
}
PREAMBLE = """
        import _thread, multiprocessing, os, signal, socket, subprocess, threading, time, warnings

        KEPT = []
        WAKING = socket.socketpair()

        class Policy(asyncio.DefaultEventLoopPolicy):
            pass

"""


def of_one(house, leak, *options):
    """Run a claim that leaks, and one after it, on one loop."""
    house.claims(entry("leaks"), entry("after"))
    house.tests(f"""{PREAMBLE}
        @claim("leaks")
        {leak}

        @claim("after")
        async def test_after():
            await asyncio.sleep(0)
    """)
    return house.run("spec", "--loop", "asyncio", *options)


def told(ended):
    """What was said of each test at whose end there was an error: its lines, by the test's name."""
    parts = re.split(r"^_+ ERROR at teardown of (\w+) _+$", ended.stdout.str(), flags=re.MULTILINE)
    return {
        name: re.split(r"^=", text, flags=re.MULTILINE)[0].split("\n")[1:-1]
        for name, text in zip(parts[1::2], parts[2::2])
    }


def write(house, claims):
    """Write claims, each given as its test's source, in which the test is named `test_it`; return the tests' names."""
    ids = [re.sub(r"\W+", "-", what) for what in claims]
    house.claims(*map(entry, ids))
    names = ["test_" + id.replace("-", "_") for id in ids]
    tests = [source.replace("test_it", name) for name, source in zip(names, claims.values())]
    house.tests(PREAMBLE + "".join(f'\n        @claim("{id}")\n        {test}\n' for id, test in zip(ids, tests)))
    return names


@pytest.mark.parametrize("order", [[], ["-p", "randomly"]], ids=["in order", "at random"])
def test_what_a_claim_leaves_fails_it_by_name_and_no_other(house, order):
    green = "async def test_it(): await asyncio.sleep(0)"
    claims = {what: f"def test_it():\n            {source}" for what, (source, _) in LEAKS.items()}
    names = write(
        house, {name: test for what in claims for name, test in ((what, claims[what]), (f"{what} after", green))}
    )

    ended = house.run("spec", "--loop", "asyncio", *order)

    ended.assert_outcomes(passed=len(names), errors=len(LEAKS))
    said = told(ended)
    for name, (_, message) in zip(names[::2], LEAKS.values()):
        lines = said.pop(name)
        assert len(lines) == 1 and fnmatchcase(lines[0], message), (name, lines)
    assert not said
    assert "secret" not in ended.stdout.str()
    ended.stdout.fnmatch_lines([f"*{len(LEAKS)} hold, *; {len(LEAKS)} failed, *"])


def test_each_of_several_leaks_has_its_line(house):
    ended = of_one(house, "def test_leaks():\n            os.pipe(); os.chdir('/')")

    ended.stdout.fnmatch_lines(["left behind: descriptor *", "left behind: descriptor *", "changed: the working *"])


def test_a_task_on_a_loop_of_the_claims_own_is_a_leak(house):
    ended = of_one(
        house,
        """def test_leaks(new_loop):
            loop = new_loop()
            KEPT.append(loop.create_task(asyncio.Event().wait()))
            loop.run_until_complete(asyncio.sleep(0))
    """,
    )

    ended.assert_outcomes(passed=2, errors=1)
    ended.stdout.fnmatch_lines(["left behind: task Task-*, Event.wait"])


def test_what_a_loop_reports_when_it_is_closed_is_the_claims(house):
    ended = of_one(
        house,
        """def test_leaks(new_loop):
            async def go_on():
                while True:
                    await asyncio.sleep(0)

            loop = new_loop()
            loop.create_task(go_on())
            loop.run_until_complete(asyncio.sleep(0))
    """,
    )

    ended.assert_outcomes(passed=2, errors=1)
    ended.stdout.fnmatch_lines(["*the event loop reported: Task was destroyed but it is pending!*"])


def test_what_a_fixture_tidies_up_is_no_leak_and_what_it_leaves_is(house):
    ended = of_one(
        house,
        """def test_leaks(tidy, untidy):
            pass

        @pytest.fixture
        def tidy():
            with open(__file__) as file:
                yield file

        @pytest.fixture
        def untidy():
            yield
            os.environ["OF_THE_FIXTURE"] = "1"
    """,
    )

    ended.assert_outcomes(passed=2, errors=1)
    ended.stdout.fnmatch_lines(["changed: the environment variable OF_THE_FIXTURE"])
    assert "left behind" not in ended.stdout.str()


def test_what_a_leak_says_when_it_is_collected_is_not_laid_at_the_next_claims_door(house):
    ended = of_one(
        house,
        """def test_leaks(in_a_circle):
            pass

        @pytest.fixture
        def in_a_circle():
            yield
            circle = [open(__file__)]
            circle.append(circle)
    """,
    )

    ended.assert_outcomes(passed=2, errors=1)
    ended.stdout.fnmatch_lines(["left behind: descriptor *"])


def test_a_claim_that_failed_is_not_told_of_what_it_could_not_tidy_up(house):
    ended = of_one(house, "def test_leaks():\n            os.chdir('/')\n            assert False, 'it is false'")

    ended.assert_outcomes(passed=1, failed=1)
    assert "changed:" not in ended.stdout.str()


def test_what_is_not_a_claim_may_leave_things(house):
    house.claims(entry("pending", pending="later"))
    house.tests("import os\n\ndef test_other(): os.pipe()\n", "tests/test_x.py")

    assert house.run("tests").ret == 0


def test_in_two_processes_the_leak_fails_its_claim_too(house):
    ended = of_one(house, "def test_leaks():\n            os.pipe()", "-n", "2")

    ended.assert_outcomes(passed=2, errors=1)
    ended.stdout.fnmatch_lines(["left behind: descriptor *, pipe:[[]*]"])


def test_the_plugin_can_be_left_out_to_see_what_it_costs(house):
    of_one(house, "def test_leaks(plain_program):\n            os.pipe()", "-p", "no:fixtures.leaks").assert_outcomes(
        passed=2
    )


NO_LEAKS = {
    "the first loop of libuv in the process": (
        "def test_it():\n            import uvloop\n            uvloop.new_event_loop().close()"
    ),
    "the policy that asyncio makes when it is asked": (
        "def test_it():\n            warnings.simplefilter('ignore')\n            asyncio.get_event_loop_policy()"
    ),
    "multiprocessing's resource tracker": (
        "def test_it():\n"
        "            spawn = multiprocessing.get_context('spawn')\n"
        "            child = spawn.Process(target=time.sleep, args=[0])\n"
        "            child.start(); child.join(); child.close()"
    ),
    "libuv's threads": (
        "async def test_it():\n"
        "            await asyncio.get_running_loop().getaddrinfo('127.0.0.1', 80)\n"
        "            await asyncio.get_running_loop().getaddrinfo('localhost', 80)"
    ),
    "the nursery, begun by a claim": (
        "def test_it(request):\n            request.getfixturevalue('plain_program')('')"
    ),
    "the keeper, begun by a claim": (
        "def test_it(request):\n"
        "            from fixtures.servers.plugin import run_of\n"
        "            run_of(request.config)"
    ),
    "what is put back": (
        "def test_it(monkeypatch, tmp_path):\n"
        "            monkeypatch.chdir(tmp_path)\n"
        "            monkeypatch.setenv('COLUMNS', '90')\n"
        "            signal.signal(signal.SIGUSR1, signal.signal(signal.SIGUSR1, lambda *_: None))"
    ),
    "what pytest captures": "def test_it(capfd, caplog):\n            print('a line'); capfd.readouterr()",
}


@pytest.mark.parametrize("chosen", [[], ["--loop", "asyncio"]], ids=["both loops", "asyncio"])
def test_it_is_no_leak(house, chosen):
    write(house, NO_LEAKS)

    ended = house.run("spec", *chosen)

    assert set(ended.parseoutcomes()) == {"passed"}, ended.stdout.str()


def hung(house, source, monkeypatch, *options, ceiling="1"):
    """Run a claim that hangs, and return what was printed."""
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", ceiling)
    house.claims(entry("hangs"))
    house.tests(f"""
        import threading

        async def waits_within():
            await asyncio.Event().wait()

        async def waits():
            async for _ in one_by_one():
                pass

        async def one_by_one():
            yield await waits_within()

        @claim("hangs")
        {source}
    """)
    return house.run("spec", *options).stdout


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_of_a_claim_that_hangs_it_is_told_where_each_task_and_thread_waits(house, loop, monkeypatch):
    source = """async def test_hangs():
            let_go = threading.Event()
            threading.Thread(target=let_go.wait, name="in vain", daemon=True).start()
            task = asyncio.create_task(waits(), name="the other")
            await asyncio.shield(task)
    """
    said = hung(house, source, monkeypatch, "--loop", loop)

    said.fnmatch_lines(["*Captured stacks call*"])
    said.fnmatch_lines(["the other of <*Loop at 0x*> waits for <Future pending*", *[f"*, in {name}" for name in (
        "waits", "one_by_one", "waits_within", "wait",
    )]], consecutive=False)  # fmt: skip
    said.fnmatch_lines(["Task-* of <*Loop at 0x*> waits for <Future pending*", "*, in test_hangs"])
    said.fnmatch_lines(["thread in vain:", "*, in wait"])


# Half of it is the program's; the rest has room for the nursery to start, where all cores are busy.
IN_A_PROGRAM = "4"


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_of_a_program_that_hangs_it_is_told_too(house, loop, monkeypatch):
    source = """def test_hangs(program):
            program('''
                import asyncio
                async def main():
                    async def waits(): await asyncio.Event().wait()
                    await asyncio.create_task(waits(), name="the other")
                asyncio.run(main())
            ''')
    """
    said = hung(house, source, monkeypatch, "--loop", loop, ceiling=IN_A_PROGRAM)

    said.fnmatch_lines(["*the program did not end within 3 s; it had printed: ''"])
    said.fnmatch_lines(["*the other of <*Loop at 0x*> waits for <Future pending*", "*, in waits", "*, in wait"])
    said.fnmatch_lines(["*Task-1 of <*Loop at 0x*> waits for <Task pending name='the other'*", "*, in main"])


def test_a_program_that_cannot_tell_where_it_hangs_is_ended_all_the_same(house, monkeypatch):
    source = """def test_hangs(plain_program):
            plain_program('''
                import signal, time
                signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
                time.sleep(100)
            ''')
    """
    said = hung(house, source, monkeypatch, ceiling=IN_A_PROGRAM)

    said.fnmatch_lines(["*AssertionError: the program did not end within 3 s; it had printed: ''"])
