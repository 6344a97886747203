"""7.4: what every event loop does with signals and with child processes."""

import asyncio
import collections
import contextlib
import os
import signal
import threading
from functools import partial
from operator import methodcaller

import pytest

from fixtures.claims import claim
from fixtures.soon import soon, until
from fixtures.threads import SOON
from fixtures.trace import turn


@contextlib.contextmanager
def handled(number, *handler):
    """Have the running loop handle a signal, and no longer at the end."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(number, *handler)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)


@claim("signal-handler-is-called-by-the-loop-and-not-at-once")
async def test_a_signal_handler_is_called_each_time_on_a_later_pass_with_its_arguments_in_the_loops_thread(trace):
    sent = "the signal was sent"
    for arguments in (("handled", 2), ()):
        with handled(signal.SIGUSR1, lambda *given: trace(given), *arguments):
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGUSR1)
                trace(sent)
                await until(lambda: trace.steps[-1] != sent, "the handler was not called")

    assert trace.steps == [sent, ("handled", 2), sent, ("handled", 2), sent, (), sent, ()]
    assert set(trace.threads) == {threading.get_ident()}


@claim("signal-handler-is-called-by-the-loop-and-not-at-once")
async def test_of_two_signals_that_are_sent_together_each_has_its_handler_called(trace):
    with handled(signal.SIGUSR1, trace, "the first"), handled(signal.SIGUSR2, trace, "the second"):
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR2)
        trace("both were sent")
        await until(lambda: len(trace.steps) >= 3, "not both handlers were called")

    assert trace.steps[0] == "both were sent"
    assert set(trace.steps[1:]) == {"the first", "the second"}


@claim("later-signal-handler-takes-the-place-of-the-earlier")
async def test_each_later_handler_for_a_signal_is_called_instead_of_the_one_before_which_does_not_come_back(trace):
    loop = asyncio.get_running_loop()
    with handled(signal.SIGUSR2, trace, "of another signal"), handled(signal.SIGUSR1, trace, "the first"):
        loop.add_signal_handler(signal.SIGUSR1, trace, "the second")
        os.kill(os.getpid(), signal.SIGUSR1)
        await until(lambda: len(trace.steps) >= 1, "the handler was not called")
        os.kill(os.getpid(), signal.SIGUSR1)
        await until(lambda: len(trace.steps) >= 2, "the handler was not called")
        loop.add_signal_handler(signal.SIGUSR1, trace, "the third")
        os.kill(os.getpid(), signal.SIGUSR1)
        await until(lambda: len(trace.steps) >= 3, "the handler was not called")
        os.kill(os.getpid(), signal.SIGUSR2)
        await until(lambda: len(trace.steps) >= 4, "the handler was not called")
        removed = [loop.remove_signal_handler(signal.SIGUSR1) for _ in range(2)]

    assert trace.steps == ["the second", "the second", "the third", "of another signal"]
    assert removed == [True, False]


@pytest.fixture
def as_before():
    """Signals of which a claim may change the handler: that is put back at its end."""
    before = {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGINT, signal.SIGCHLD)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    "number, default",
    [(signal.SIGUSR1, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)],
    ids=["SIGUSR1", "SIGINT"],
)
@claim("removing-a-signal-handler-tells-whether-there-was-one")
async def test_remove_signal_handler_puts_the_default_back_whatever_there_was_and_tells_whether_there_was_a_handler(
    as_before, number, default
):
    loop = asyncio.get_running_loop()
    signal.signal(number, ours := lambda *_: None)
    for handler in (print, repr):
        loop.add_signal_handler(number, handler)
    between = signal.getsignal(number)

    removed = [loop.remove_signal_handler(number) for _ in range(2)]

    assert removed == [True, False]
    assert between not in (default, ours)
    assert signal.getsignal(number) is default


def refusal(number):
    """With what type of error the running loop refuses to handle a signal; None where it does not."""
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(number, print)
    except Exception as error:  # of which type it is, is what claims ask
        return type(error)
    if number in signal.valid_signals():  # of another there may be nothing to remove
        loop.remove_signal_handler(number)
    return None


@claim("signals-that-cannot-be-handled-are-refused")
async def test_sigkill_is_refused_with_runtimeerror_and_a_number_that_is_no_signal_with_valueerror():
    assert refusal(signal.SIGKILL) is RuntimeError
    assert [refusal(number) for number in (999, signal.NSIG, 0, -1)] == [ValueError] * 4
    assert refusal(signal.SIGUSR1) is None


def refusals(loop):
    """With what types of error a loop refuses signals of several kinds, each of which it is asked for twice."""
    refused = []
    for number in (signal.SIGUSR1, signal.SIGINT, signal.SIGTERM, signal.SIGHUP) * 2:
        try:
            loop.add_signal_handler(number, print)
        except Exception as error:
            refused.append(type(error))
    return refused


def refusal_elsewhere(make):
    """With what types of error loops refuse a signal outside the main thread, before they run and while they do.

    The first is made in the main thread, the second where it is run.
    """
    made_here, refused = make(), []

    def try_it(loop):
        def handle():
            refused.extend(refusals(loop))
            loop.stop()

        handle()
        loop.call_soon(handle)
        loop.run_forever()
        loop.close()

    def try_both():
        try_it(made_here)
        try_it(make())

    thread = threading.Thread(target=try_both)
    thread.start()
    thread.join()
    return refused


def refusal_where_one_is_handled():
    """With what types of error the running loop, which handles a signal, refuses others in another thread."""
    loop, refused = asyncio.get_running_loop(), []

    def try_it():
        refused.extend(refusals(loop))

    with handled(signal.SIGUSR2, print):
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
    return refused


@claim("signal-handler-in-another-thread-is-a-runtimeerror-on-asyncio")
def test_add_signal_handler_raises_runtimeerror_in_another_thread_than_the_main_one(new_loop):
    assert refusal_elsewhere(new_loop) == [RuntimeError] * 32


@claim("signal-handler-in-another-thread-is-a-runtimeerror-on-asyncio")
async def test_add_signal_handler_raises_runtimeerror_in_another_thread_where_the_main_one_has_added_a_handler():
    assert refusal_where_one_is_handled() == [RuntimeError] * 8


@claim("signal-handler-in-another-thread-is-a-valueerror-on-uvloop")
def test_on_uvloop_add_signal_handler_raises_valueerror_in_another_thread_than_the_main_one(new_loop):
    assert refusal_elsewhere(new_loop) == [ValueError] * 32


@claim("signal-handler-in-another-thread-is-a-valueerror-on-uvloop")
async def test_on_uvloop_add_signal_handler_raises_valueerror_in_another_thread_where_the_main_one_has_added_one():
    assert refusal_where_one_is_handled() == [ValueError] * 8


@claim("sigchld-can-be-handled-on-asyncio")
async def test_on_asyncio_a_handler_for_sigchld_is_taken_called_each_time_on_a_later_pass_and_removed(as_before, trace):
    assert refusal(signal.SIGCHLD) is None
    loop, sent = asyncio.get_running_loop(), "the signal was sent"
    loop.add_signal_handler(signal.SIGCHLD, trace, "handled")
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGCHLD)
        trace(sent)
        await until(lambda: trace.steps[-1] != sent, "the handler was not called")
    removed = [loop.remove_signal_handler(signal.SIGCHLD) for _ in range(2)]

    assert trace.steps == [sent, "handled", sent, "handled"]
    assert removed == [True, False]
    assert signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL


@claim("sigchld-cannot-be-handled-on-uvloop")
async def test_on_uvloop_a_handler_for_sigchld_is_refused_with_runtimeerror():
    assert refusal(signal.SIGCHLD) is RuntimeError


CLOSES_WITH_HANDLERS = """
    import asyncio, os, signal

    defaults = {number: signal.SIG_DFL for number in (signal.SIGUSR1, signal.SIGUSR2)}
    defaults[signal.SIGINT] = signal.default_int_handler

    async def main():
        for number in defaults:
            asyncio.get_running_loop().add_signal_handler(number, print)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.close()
    print(*(signal.getsignal(number) is default for number, default in defaults.items()), flush=True)
    os.kill(os.getpid(), signal.SIGUSR2)
    print("goes on")
"""


@claim("closing-a-loop-puts-signals-back-on-asyncio")
def test_on_asyncio_the_signals_that_a_loop_handled_have_their_default_again_when_it_is_closed(program):
    ended = program(CLOSES_WITH_HANDLERS)

    assert (ended.lines, ended.status) == (["True True True"], -signal.SIGUSR2)


@claim("closing-a-loop-leaves-its-signals-taken-on-uvloop")
def test_on_uvloop_the_signals_that_a_loop_handled_stay_its_own_when_it_is_closed(program):
    ended = program(CLOSES_WITH_HANDLERS)

    assert (ended.lines, ended.status, ended.stderr) == (["False False False", "goes on"], 0, "")


@pytest.fixture(autouse=True)
def watchers_have_left():
    """Before Python 3.12 asyncio's loop watches each child in a thread, which takes a moment to leave after the end."""
    yield
    for thread in threading.enumerate():
        if "waitpid-" in thread.name:
            thread.join(SOON)


def a_shell(code):
    """What to start to have `code` run: a shell is there in a tenth of the time that a Python takes."""
    return "/bin/sh", "-c", code


def child(code, **options):
    return asyncio.create_subprocess_exec(*a_shell(code), **options)


# Each reads what it is given until its end.
WAITS = "exec cat"
UPPER = "tr a-z A-Z; printf done >&2; exit 3"
SAYS_MUCH = "tr a-z A-Z; head -c 500000 /dev/zero >&2; exit 3"

PIPES = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}


@claim("communicate-feeds-a-child-and-gathers-what-it-says")
async def test_communicate_gives_input_and_returns_all_of_both_outputs_and_the_status_is_there():
    process = await child(SAYS_MUCH, **PIPES)
    before = process.returncode

    said = await soon(process.communicate(b"hello\r\n" * 100_000))  # far more than a pipe holds

    assert before is None
    assert said == (b"HELLO\r\n" * 100_000, bytes(500_000))
    assert process.returncode == 3


@pytest.mark.parametrize("given", [b"", b"a"], ids=["nothing", "a-byte"])
@claim("communicate-feeds-a-child-and-gathers-what-it-says")
async def test_communicate_ends_a_childs_input_also_where_there_is_next_to_nothing_in_it(given):
    process = await child(UPPER, **PIPES)
    try:
        said = await soon(process.communicate(given))
    finally:
        if process.returncode is None:
            process.kill()
            await soon(process.wait())

    assert (said, process.returncode) == ((given.upper(), b"done"), 3)


@claim("communicate-feeds-a-child-and-gathers-what-it-says")
async def test_communicate_waits_for_the_end_of_a_child_also_where_nothing_is_said_between_them():
    read, write = os.pipe()
    with open(read), open(write, "w") as hold:
        process = await child("read line; exit 3", stdin=read)
        communicating = asyncio.ensure_future(process.communicate())
        for _ in range(5):
            await turn()
        before = communicating.done()
        hold.write("end\n")
    said = await soon(communicating)

    assert (before, said, process.returncode) == (False, (None, None), 3)


@pytest.mark.parametrize(
    "end, number",
    [
        (methodcaller("kill"), signal.SIGKILL),
        (methodcaller("terminate"), signal.SIGTERM),
        (methodcaller("send_signal", signal.SIGUSR1), signal.SIGUSR1),  # SIGHUP is ignored under nohup
    ],
    ids=["kill", "terminate", "send_signal"],
)
@claim("killed-child-has-the-negative-number-of-its-signal")
async def test_the_status_of_a_child_that_a_signal_ended_is_its_negative_number_once_it_was_waited_for(end, number):
    process = await child(WAITS, stdin=asyncio.subprocess.PIPE)
    end(process)
    at_once = process.returncode

    told = [await soon(process.wait()) for _ in range(2)]

    assert at_once is None
    assert (told, process.returncode) == ([-number] * 2, -number)


@pytest.mark.parametrize("status", [0, 3])
@claim("signals-to-a-child-that-has-ended-raise-processlookuperror")
async def test_kill_terminate_and_send_signal_raise_processlookuperror_a_turn_after_the_child_has_ended(status):
    process = await child(f"exit {status}")
    await soon(process.wait())
    await turn()  # of a child that ended before the loop first looked wait() knows before the transport does

    refused = []
    numbers = (signal.SIGUSR1, 0)  # of which the second only asks whether there is anybody
    for send in (process.kill, process.terminate, *(partial(process.send_signal, number) for number in numbers)) * 2:
        try:
            send()
        except Exception as error:
            refused.append(type(error))

    assert refused == [ProcessLookupError] * 8


async def error_of_a_missing_program(program):
    try:
        process = await asyncio.create_subprocess_exec(program)
    except Exception as error:
        return error
    await process.wait()
    return None


@pytest.fixture
def missing_programs(tmp_path, monkeypatch):
    """One that is not where it is said to be, and one that is on no path."""
    monkeypatch.setenv("PATH", str(tmp_path))  # a folder that nobody may enter would be a PermissionError
    return str(tmp_path / "nothing"), "nothing-of-this-name"


@claim("missing-program-is-a-filenotfounderror")
async def test_starting_a_program_that_is_not_there_or_on_no_path_raises_filenotfounderror(missing_programs):
    for program in missing_programs:
        assert type(await error_of_a_missing_program(program)) is FileNotFoundError


@claim("missing-program-is-named-on-asyncio")
async def test_on_asyncio_the_error_says_which_program_is_not_there_or_on_no_path(missing_programs):
    for program in missing_programs:
        assert (await error_of_a_missing_program(program)).filename == program


@claim("missing-program-is-not-named-on-uvloop")
async def test_on_uvloop_the_error_does_not_say_which_program_is_not_there_or_on_no_path(missing_programs):
    for program in missing_programs:
        error = await error_of_a_missing_program(program)

        assert error.filename is None
        assert "nothing" not in str(error)


WHAT_STDOUT_IS = "if [ -p /dev/fd/1 ]; then echo a pipe; fi; if [ -S /dev/fd/1 ]; then echo a socket; fi"


async def what_stdout_is():
    process = await child(WHAT_STDOUT_IS, stdout=asyncio.subprocess.PIPE)
    said, _ = await soon(process.communicate())
    return said.decode().splitlines()


@claim("stdout-of-a-child-is-a-pipe-on-asyncio")
async def test_on_asyncio_a_childs_standard_output_is_a_pipe():
    assert await what_stdout_is() == ["a pipe"]


@claim("stdout-of-a-child-is-a-socket-on-uvloop")
async def test_on_uvloop_a_childs_standard_output_is_a_socket():
    assert await what_stdout_is() == ["a socket"]


@pytest.mark.parametrize(
    "option",
    [
        {"universal_newlines": True},
        {"text": True},
        {"encoding": "utf-8"},
        {"errors": "replace"},
        *({"bufsize": size} for size in (1, 4096, -1)),
    ],
    ids=lambda option: next(iter(option)),
)
@claim("child-is-talked-to-in-bytes-without-a-buffer")
async def test_a_child_or_a_shell_is_refused_with_valueerror_where_text_or_a_buffer_is_asked_for(option):
    refused = []
    for start in (child, asyncio.create_subprocess_shell):
        try:
            process = await start("", **option)
        except Exception as error:
            refused.append((type(error), next(iter(option)) in str(error)))
        else:
            await soon(process.wait())

    assert refused == [(ValueError, True)] * 2


@claim("child-is-talked-to-in-bytes-without-a-buffer")
async def test_communicate_refuses_text():
    process = await child(WAITS, stdin=asyncio.subprocess.PIPE)
    try:
        await process.communicate("hello")
    except Exception as error:
        refused = type(error)
    else:
        refused = None
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await soon(process.wait())

    assert refused in (TypeError, AssertionError)  # asyncio's transports assert that it is bytes


class Told(asyncio.SubprocessProtocol):
    """Records what it is told of a child: names of calls, data apart in `said`."""

    def __init__(self):
        self.calls, self.said, self.late = [], collections.defaultdict(bytes), []

    def connection_made(self, transport):
        self.transport = transport
        self.calls.append("connection_made")

    def pipe_data_received(self, number, data):
        self.said[number] += data
        if f"end of {number}" in self.calls or "connection_made" not in self.calls:
            self.late.append(number)  # or early

    def pipe_connection_lost(self, number, error):
        self.calls.append(f"end of {number}")

    def process_exited(self):
        self.status_at_exit = self.transport.get_returncode()
        self.calls.append("process_exited")

    def connection_lost(self, error):
        self.calls.append("connection_lost")


@contextlib.asynccontextmanager
async def told_of(code, **options):
    """The transport and the protocol of a child that runs `code`."""
    transport, protocol = await asyncio.get_running_loop().subprocess_exec(Told, *a_shell(code), **options)
    try:
        yield transport, protocol
    finally:
        transport.close()
        await until(lambda: "connection_lost" in protocol.calls, "the child has not ended")


def give_a_word(transport):
    transport.get_pipe_transport(0).write(b"hello")
    transport.get_pipe_transport(0).write_eof()


async def all_that_is_told(code=UPPER, do=give_a_word, told=6, **options):
    """The protocol of a child to whose transport this is done, so that it ends and so much is told."""
    async with told_of(code, **options) as (transport, protocol):
        do(transport)
        await until(lambda: len(protocol.calls) >= told, "not all was told")
    for _ in range(10):
        await turn()  # in which something could be told again
    return protocol


EACH_ONCE = collections.Counter(
    ["connection_made", "end of 0", "end of 1", "end of 2", "process_exited", "connection_lost"]
)


@claim("child-tells-its-protocol-each-thing-once")
async def test_a_childs_protocol_is_told_start_data_ends_and_exit_once_each_and_data_before_its_pipes_end():
    protocol = await all_that_is_told()

    assert protocol.calls[0] == "connection_made"
    assert collections.Counter(protocol.calls) == EACH_ONCE
    assert (dict(protocol.said), protocol.late) == ({1: b"HELLO", 2: b"done"}, [])
    assert protocol.status_at_exit == 3


@claim("child-tells-its-protocol-each-thing-once")
async def test_the_protocol_of_a_child_that_is_killed_is_told_start_ends_and_exit_once_each():
    protocol = await all_that_is_told(WAITS, methodcaller("kill"))

    assert protocol.calls[0] == "connection_made"
    assert collections.Counter(protocol.calls) == EACH_ONCE


@claim("child-tells-its-protocol-each-thing-once")
async def test_the_protocol_of_a_shells_command_that_ends_at_once_is_told_start_ends_and_exit_once_each():
    transport, protocol = await asyncio.get_running_loop().subprocess_shell(Told, "exit 3")
    with contextlib.closing(transport):
        await until(lambda: len(protocol.calls) >= 6, "not all was told")
        for _ in range(10):
            await turn()

    assert protocol.calls[0] == "connection_made"
    assert collections.Counter(protocol.calls) == EACH_ONCE


@pytest.mark.parametrize("missing, number", [("stdout", 1), ("stderr", 2)])
@claim("child-tells-its-protocol-each-thing-once")
async def test_the_protocol_of_a_child_is_told_no_end_of_a_pipe_that_there_is_not(missing, number):
    protocol = await all_that_is_told(told=5, **{missing: asyncio.subprocess.DEVNULL})

    assert collections.Counter(protocol.calls) == EACH_ONCE - collections.Counter([f"end of {number}"])


@claim("child-is-lost-last-on-asyncio")
async def test_on_asyncio_connection_lost_is_the_last_that_a_childs_protocol_is_told():
    protocol = await all_that_is_told()

    assert protocol.calls[-1] == "connection_lost"


# It leaves a process that holds all its pipes, and ends with its input.
LEAVES_ANOTHER = "exec 3<&0; cat <&3 & exit 3"


@claim("child-is-lost-last-on-asyncio")
async def test_on_asyncio_connection_lost_comes_after_the_end_of_pipes_that_another_process_holds():
    async with told_of(LEAVES_ANOTHER) as (transport, protocol):
        await until(lambda: "process_exited" in protocol.calls, "the child has not ended")
        await turn()
        at_exit = list(protocol.calls)
        transport.get_pipe_transport(0).write_eof()
        await until(lambda: len(protocol.calls) >= 6, "not all was told")

    assert at_exit == ["connection_made", "process_exited"]
    assert protocol.calls[-1] == "connection_lost"


@claim("closing-the-transport-of-a-child-kills-it")
async def test_close_of_a_childs_transport_kills_a_child_that_waits():
    async with told_of(WAITS) as (transport, protocol):
        before = transport.get_returncode()
        transport.close()
        await until(lambda: "process_exited" in protocol.calls, "the child has not ended")

    assert before is None
    assert protocol.status_at_exit == -signal.SIGKILL


@claim("closing-the-transport-of-a-child-kills-it")
async def test_close_of_the_transport_of_a_child_that_has_ended_leaves_its_status_as_it_is():
    async with told_of("exit 3") as (transport, protocol):
        await until(lambda: "process_exited" in protocol.calls, "the child has not ended")
        transport.close()

        assert transport.get_returncode() == 3


TELLS_ITS_OUTPUTS = f"ls -Li /dev/fd/1 /dev/fd/2; {WAITS}"


@claim("pipe-of-a-child-is-told-on-asyncio")
async def test_the_transport_of_each_pipe_tells_it_and_those_of_a_childs_outputs_the_files_that_they_read():
    async with told_of(TELLS_ITS_OUTPUTS) as (transport, protocol):
        pipes = [transport.get_pipe_transport(number).get_extra_info("pipe") for number in range(3)]
        assert None not in pipes
        ours = [os.fstat(pipe.fileno()).st_ino for pipe in pipes]
        await until(lambda: protocol.said[1].count(b"\n") == 2, "the child said nothing")

        # Both ends of a pipe are one file; an input is a socket on some Pythons, the two ends of which are not.
        assert ours[1:] == [int(line.split()[0]) for line in protocol.said[1].splitlines()]
        assert ours[0] not in ours[1:]


@claim("pipe-of-a-child-is-not-told-on-uvloop")
async def test_on_uvloop_the_transport_of_none_of_a_childs_pipes_tells_it():
    async with told_of(WAITS) as (transport, _):
        assert [transport.get_pipe_transport(number).get_extra_info("pipe") for number in range(3)] == [None] * 3
