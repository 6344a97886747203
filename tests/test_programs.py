"""Programs run apart: what they print, how they end, on which loop, and that nothing of them is left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import entry


def test_a_program_tells_its_output_errors_and_status(plain_program):
    ended = plain_program("""
        import sys
        print("said")
        print("complained", file=sys.stderr)
        sys.exit(3)
    """)

    assert (ended.stdout, ended.stderr, ended.status) == ("said\n", "complained\n", 3)
    assert ended.lines == ["said"]


def test_an_uncaught_exception_ends_it_with_1_and_is_its_error(plain_program):
    ended = plain_program("raise ValueError('wrong')")

    assert ended.status == 1
    assert ended.error == "ValueError: wrong"


def test_a_program_killed_by_a_signal_has_its_negative_number(plain_program):
    assert plain_program("import os; os.kill(os.getpid(), 9)").status == -9


def test_a_program_is_main_and_runs_apart_in_an_empty_directory_of_its_own(plain_program):
    source = "import os; print(__name__, os.getpid(), os.getcwd(), os.listdir()); open('left', 'w')"

    name, pid, directory, there = plain_program(source, warnings="ignore").stdout.split()
    assert name == "__main__"
    assert int(pid) != os.getpid()
    assert directory != os.getcwd()
    assert there == "[]"
    assert not os.path.exists(directory)
    assert plain_program(source, warnings="ignore").stdout.split()[3] == "[]"


@pytest.mark.parametrize("leaving", ["pass", "open('left', 'w')", "os.mkdir('left')", "os.rmdir(os.getcwd())"])
def test_whatever_a_program_does_to_its_directory_the_next_finds_one_and_nothing_in_it(plain_program, leaving):
    plain_program(f"import os; {leaving}", warnings="ignore")

    ended = plain_program("import os; print(os.listdir(os.getcwd()))")
    assert (ended.stdout, ended.stderr) == ("[]\n", "")


def test_one_program_leaves_nothing_to_the_next(plain_program):
    plain_program("import asyncio; asyncio.left = 1")

    assert plain_program("import asyncio; print(hasattr(asyncio, 'left'))").stdout == "False\n"


def test_in_debug_mode_a_program_is_not_told_how_slow_the_machine_is_and_is_told_all_else(program):
    ended = program("""
        import asyncio
        import logging

        async def main():
            loop = asyncio.get_running_loop()
            loop.set_debug(True)
            loop.slow_callback_duration = -1  # all are slow
            await asyncio.sleep(0)
            logging.getLogger("asyncio").warning("all else")

        asyncio.run(main())
    """)

    assert (ended.status, ended.stderr) == (0, "all else\n")


def test_warnings_are_errors_unless_asked_for(plain_program):
    source = "import warnings; warnings.warn('careful', DeprecationWarning); print('went on')"

    assert plain_program(source).error == "DeprecationWarning: careful"
    assert plain_program(source, warnings="ignore").stdout == "went on\n"
    shown = plain_program(source, warnings="default")
    assert shown.stdout == "went on\n"
    assert "DeprecationWarning: careful" in shown.stderr


def test_asyncio_run_makes_the_chosen_loop(program, loop_name):
    ended = program("""
        import asyncio
        async def main():
            return type(asyncio.get_running_loop()).__module__.partition(".")[0]
        print(asyncio.run(main()))
    """)

    assert ended.stdout == f"{loop_name}\n"


def test_what_dies_at_the_end_still_speaks(plain_program):
    ended = plain_program(
        """
        import atexit, threading
        atexit.register(print, "at exit")
        threading.Thread(target=print, args=["thread"]).start()
        async def never(): pass
        coroutine = never()
    """,
        warnings="default",
    )

    assert sorted(ended.lines) == ["at exit", "thread"]
    assert "coroutine 'never' was never awaited" in ended.stderr


def test_a_program_that_hangs_is_ended_with_what_it_started(house, monkeypatch, alive):
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "4")
    house.claims(entry("hangs"))
    house.tests("""
        @claim("hangs")
        def test_hangs(plain_program):
            plain_program('''
                import os, subprocess, sys, time
                child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
                print(child.pid, flush=True)
                time.sleep(600)
            ''')
    """)

    ended = house.run("spec").stdout.str()

    message = "the program did not end within 3 s; it had printed: '"
    assert message in ended
    child = int(ended.partition(message)[2].partition("\\n")[0])
    assert not alive(child)


def test_a_run_that_is_killed_leaves_no_program_and_no_directory(house, tmp_path, alive, wait_until):
    house.claims(entry("hangs"))
    house.tests(f"""
        @claim("hangs")
        def test_hangs(plain_program):
            plain_program('''
                import os, time
                with open({str(tmp_path / "started")!r}, "w") as file:
                    print(os.getpid(), os.getcwd(), file=file)
                time.sleep(600)
            ''')
    """)
    started = tmp_path / "started"
    run = subprocess.Popen([sys.executable, "-m", "pytest", "spec"], cwd=house.path, stdout=subprocess.DEVNULL)
    wait_until(lambda: started.exists() and started.read_text().endswith("\n"), "the program starts")
    pid, directory = started.read_text().split()

    run.kill()
    run.wait()

    wait_until(lambda: not alive(pid) and not Path(directory).exists(), "the program and its directory go")


def test_a_run_that_is_killed_between_two_programs_leaves_none_of_their_processes(house, tmp_path, alive, wait_until):
    house.claims(entry("sleeps"))
    house.tests(f"""
        import time
        from pathlib import Path

        @claim("sleeps")
        def test_sleeps(plain_program):
            clean_interpreter = plain_program("import os; print(os.getppid())").lines[0]
            children = Path("/proc", clean_interpreter, "task", clean_interpreter, "children")
            while not (waiting := children.read_text().split()):
                time.sleep(0.001)
            with open({str(tmp_path / "started")!r}, "w") as file:
                print(clean_interpreter, *waiting, file=file)
            time.sleep(600)
    """)
    started = tmp_path / "started"
    run = subprocess.Popen([sys.executable, "-m", "pytest", "spec"], cwd=house.path, stdout=subprocess.DEVNULL)
    wait_until(lambda: started.exists() and started.read_text().endswith("\n"), "the program has run")

    run.kill()
    run.wait()

    wait_until(lambda: not any(map(alive, started.read_text().split())), "both processes end")


def test_a_program_that_can_be_foreseen_runs_while_an_earlier_test_does(house):
    house.claims(entry("first"), entry("second"))
    house.tests("""
        import os, tempfile, time
        from pathlib import Path

        MEETING = Path(tempfile.gettempdir(), f"{os.getpid()}-meeting")
        TELLS = f'''
        from pathlib import Path
        Path({str(MEETING)!r}).touch()
        print("told")
        '''

        @claim("first")
        def test_first():
            while not MEETING.exists():
                time.sleep(0.001)
            MEETING.unlink()

        @claim("second")
        def test_second(plain_program):
            assert plain_program(TELLS).lines == ["told"]
            assert not MEETING.exists(), "it ran again"
            not_foreseen = TELLS
            assert plain_program(not_foreseen).lines == ["told"]
            MEETING.unlink()
    """)

    house.run("spec").assert_outcomes(passed=2)


def test_a_program_that_was_foreseen_runs_as_its_test_says_on_each_loop(house):
    house.claims(entry("runs"))
    house.tests("""
        LOOP = "import asyncio; print(type(asyncio.new_event_loop()).__module__.partition('.')[0])"

        @claim("runs")
        def test_before():
            pass

        @claim("runs")
        def test_runs(program, loop_name):
            assert program(LOOP, warnings="ignore").lines == [loop_name]

        @claim("runs")
        def test_runs_afresh(fresh_interpreter):
            assert fresh_interpreter("import sys; print('asyncio' in sys.modules)").lines == ["False"]
    """)

    house.run("spec").assert_outcomes(passed=4)


def test_a_run_that_is_killed_leaves_no_program_that_was_foreseen(house, tmp_path, alive, wait_until):
    house.claims(entry("hangs"))
    house.tests(f"""
        import time

        HANGS = '''
        import os, time
        with open({str(tmp_path / "started")!r}, "w") as file:
            print(os.getpid(), os.getcwd(), file=file)
        time.sleep(600)
        '''

        @claim("hangs")
        def test_before():
            time.sleep(600)

        @claim("hangs")
        def test_hangs(plain_program):
            plain_program(HANGS)
    """)
    started = tmp_path / "started"
    run = subprocess.Popen([sys.executable, "-m", "pytest", "spec"], cwd=house.path, stdout=subprocess.DEVNULL)
    wait_until(lambda: started.exists() and started.read_text().endswith("\n"), "the program starts")
    pid, directory = started.read_text().split()

    run.kill()
    run.wait()

    wait_until(lambda: not alive(pid) and not Path(directory).exists(), "the program and its directory go")


@pytest.mark.parametrize("number", ["0", "2"])
def test_the_processes_of_a_run_share_one_clean_interpreter(house, number):
    house.claims(entry("first"), entry("second"))
    house.tests("""
        from pathlib import Path

        FORKED_FROM = '''
        import os
        from pathlib import Path
        print(Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()[1])
        '''

        @claim("first")
        def test_first(plain_program):
            Path("first").write_text(plain_program(FORKED_FROM).lines[0])

        @claim("second")
        def test_second(plain_program):
            Path("second").write_text(plain_program(FORKED_FROM).lines[0])
    """)

    house.run("spec", "-n", number).assert_outcomes(passed=2)

    assert (house.path / "first").read_text() == (house.path / "second").read_text()


@pytest.mark.parametrize("number", ["0", "1"])
def test_a_clean_interpreter_that_dies_is_replaced(house, number, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # nobody is left to remove its program's directory
    house.claims(entry("first"), entry("second"))
    house.tests("""
        @claim("first")
        def test_first(plain_program):
            ended = "import os, signal; os.kill(os.getppid(), signal.SIGKILL)"
            with pytest.raises(ValueError):
                plain_program(ended)

        @claim("second")
        def test_second(plain_program):
            said = "print('hello')"
            assert plain_program(said).lines == ["hello"]
    """)

    house.run("spec", "-n", number).assert_outcomes(passed=2)


def test_what_the_clean_interpreter_takes_to_start_is_no_time_of_a_claims(house, tmp_path, monkeypatch):
    late = 'import sys, time\nif "fixtures.nursery" in sys.orig_argv:\n    time.sleep(2)\n'
    (tmp_path / "sitecustomize.py").write_text(late, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "1.5")
    house.claims(entry("first"))
    house.tests("""
        @claim("first")
        def test_first(plain_program):
            assert plain_program("print('in time')").lines == ["in time"]
    """)

    assert house.run("spec").ret == 0


def test_a_fresh_interpreter_takes_options_and_reads_its_file(fresh_interpreter):
    source = "import os, sys; print(sys.flags.dev_mode, os.path.relpath(__file__), *os.listdir())"
    ended = fresh_interpreter(source, "-X", "dev")

    assert ended.stdout == "True program.py program.py\n"
    assert (ended.stderr, ended.status) == ("", 0)


IMPORTED_AGAIN = """
import multiprocessing, os

def job():
    return __name__, os.path.basename(__file__)

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(job(), pool.apply(job))
"""


def test_a_script_is_found_by_the_processes_that_it_starts(script):
    ended = script(IMPORTED_AGAIN)

    assert ended.lines == ["('__main__', 'program.py') ('__mp_main__', 'program.py')"]
    assert (ended.stderr, ended.status) == ("", 0)


def test_a_fresh_interpreter_is_fresh(fresh_interpreter):
    assert fresh_interpreter("import sys; print('asyncio' in sys.modules)").stdout == "False\n"
    assert sys.modules["asyncio"]
