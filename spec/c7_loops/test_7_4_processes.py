"""7.4: what every event loop does with signals and with child processes."""

import asyncio
import collections
import contextlib
import os
import signal
import threading

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
async def test_a_signal_handler_is_called_on_a_later_pass_with_its_arguments_in_the_loops_thread(trace):
    with handled(signal.SIGUSR1, trace, "handled"):
        os.kill(os.getpid(), signal.SIGUSR1)
        trace("the signal was sent")
        await until(lambda: len(trace.steps) >= 2, "the handler was not called")

    assert trace.steps == ["the signal was sent", "handled"]
    assert set(trace.threads) == {threading.get_ident()}


@claim("later-signal-handler-takes-the-place-of-the-earlier")
async def test_a_second_handler_for_a_signal_is_called_instead_of_the_first(trace):
    with handled(signal.SIGUSR1, trace, "the first"), handled(signal.SIGUSR1, trace, "the second"):
        os.kill(os.getpid(), signal.SIGUSR1)
        await until(lambda: len(trace.steps) >= 1, "the handler was not called")
        os.kill(os.getpid(), signal.SIGUSR1)
        await until(lambda: len(trace.steps) >= 2, "the handler was not called")

    assert trace.steps == ["the second"] * 2


@claim("removing-a-signal-handler-tells-whether-there-was-one")
async def test_remove_signal_handler_puts_the_default_back_and_tells_whether_there_was_a_handler():
    loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGUSR1)
    loop.add_signal_handler(signal.SIGUSR1, print)
    between = signal.getsignal(signal.SIGUSR1)

    removed = [loop.remove_signal_handler(signal.SIGUSR1) for _ in range(2)]

    assert removed == [True, False]
    assert between is not before
    assert signal.getsignal(signal.SIGUSR1) is before is signal.SIG_DFL


def refusal(number):
    """With what type of error the running loop refuses to handle a signal; None where it does not."""
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(number, print)
    except (RuntimeError, ValueError) as error:
        return type(error)
    loop.remove_signal_handler(number)
    return None


@claim("signals-that-cannot-be-handled-are-refused")
async def test_sigkill_is_refused_with_runtimeerror_and_a_number_that_is_no_signal_with_valueerror():
    assert [refusal(signal.SIGKILL), refusal(999), refusal(signal.SIGUSR1)] == [RuntimeError, ValueError, None]


def refusal_elsewhere(make):
    """With what type of error a loop refuses to handle a signal in a thread that is not the main one."""
    refused = []

    def try_it():
        loop = make()
        try:
            loop.add_signal_handler(signal.SIGUSR1, print)
        except (RuntimeError, ValueError) as error:
            refused.append(type(error))
        loop.close()

    thread = threading.Thread(target=try_it)
    thread.start()
    thread.join()
    return refused


@claim("signal-handler-in-another-thread-is-a-runtimeerror-on-asyncio")
def test_add_signal_handler_raises_runtimeerror_in_another_thread_than_the_main_one(new_loop):
    assert refusal_elsewhere(new_loop) == [RuntimeError]


@claim("signal-handler-in-another-thread-is-a-valueerror-on-uvloop")
def test_on_uvloop_add_signal_handler_raises_valueerror_in_another_thread_than_the_main_one(new_loop):
    assert refusal_elsewhere(new_loop) == [ValueError]


@claim("sigchld-can-be-handled-on-asyncio")
async def test_on_asyncio_a_handler_for_sigchld_is_taken():
    assert refusal(signal.SIGCHLD) is None


@claim("sigchld-cannot-be-handled-on-uvloop")
async def test_on_uvloop_a_handler_for_sigchld_is_refused_with_runtimeerror():
    assert refusal(signal.SIGCHLD) is RuntimeError


CLOSES_WITH_A_HANDLER = """
    import asyncio, os, signal

    async def main():
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, print)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.close()
    print(signal.getsignal(signal.SIGUSR2) is signal.SIG_DFL, flush=True)
    os.kill(os.getpid(), signal.SIGUSR2)
    print("goes on")
"""


@claim("closing-a-loop-puts-signals-back-on-asyncio")
def test_on_asyncio_the_signals_that_a_loop_handled_have_their_default_again_when_it_is_closed(program):
    ended = program(CLOSES_WITH_A_HANDLER)

    assert (ended.lines, ended.status) == (["True"], -signal.SIGUSR2)


@claim("closing-a-loop-leaves-its-signals-taken-on-uvloop")
def test_on_uvloop_the_signals_that_a_loop_handled_stay_its_own_when_it_is_closed(program):
    ended = program(CLOSES_WITH_A_HANDLER)

    assert (ended.lines, ended.status, ended.stderr) == (["False", "goes on"], 0, "")


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


PIPES = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}


@claim("communicate-feeds-a-child-and-gathers-what-it-says")
async def test_communicate_gives_input_and_returns_all_of_both_outputs_and_the_status_is_there():
    process = await child(UPPER, **PIPES)
    before = process.returncode

    said = await soon(process.communicate(b"hello"))

    assert before is None
    assert said == (b"HELLO", b"done")
    assert process.returncode == 3


@claim("killed-child-has-the-negative-number-of-its-signal")
async def test_the_status_of_a_child_that_was_killed_is_minus_nine_once_it_was_waited_for():
    process = await child(WAITS, stdin=asyncio.subprocess.PIPE)
    process.kill()
    at_once = process.returncode

    status = await soon(process.wait())

    assert at_once is None
    assert (status, process.returncode) == (-signal.SIGKILL, -signal.SIGKILL)


@claim("signals-to-a-child-that-has-ended-raise-processlookuperror")
async def test_kill_terminate_and_send_signal_raise_processlookuperror_a_turn_after_the_child_has_ended():
    process = await child("")
    await soon(process.wait())
    await turn()  # of a child that ended before the loop first looked wait() knows before the transport does

    refused = []
    for send in (process.kill, process.terminate, lambda: process.send_signal(signal.SIGUSR1)):
        try:
            send()
        except ProcessLookupError as error:
            refused.append(type(error))

    assert refused == [ProcessLookupError] * 3


async def error_of_a_missing_program(tmp_path):
    try:
        process = await asyncio.create_subprocess_exec(str(tmp_path / "nothing"))
    except OSError as error:
        return error
    await process.wait()
    return None


@claim("missing-program-is-a-filenotfounderror")
async def test_starting_a_program_that_is_not_there_raises_filenotfounderror(tmp_path):
    assert type(await error_of_a_missing_program(tmp_path)) is FileNotFoundError


@claim("missing-program-is-named-on-asyncio")
async def test_on_asyncio_the_error_says_which_program_is_not_there(tmp_path):
    assert (await error_of_a_missing_program(tmp_path)).filename == str(tmp_path / "nothing")


@claim("missing-program-is-not-named-on-uvloop")
async def test_on_uvloop_the_error_does_not_say_which_program_is_not_there(tmp_path):
    error = await error_of_a_missing_program(tmp_path)

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


@pytest.mark.parametrize("option", [{"universal_newlines": True}, {"bufsize": 1}], ids=["text", "buffered"])
@claim("child-is-talked-to-in-bytes-without-a-buffer")
async def test_a_child_is_refused_with_valueerror_where_text_or_a_buffer_is_asked_for(option):
    try:
        process = await child("", **option)
    except ValueError as error:
        refused = str(error)
    else:
        await soon(process.wait())
        refused = ""

    assert refused.startswith(f"{next(iter(option))} must be")


class Told(asyncio.SubprocessProtocol):
    """Records what it is told of a child: names of calls, data apart in `said`."""

    def __init__(self):
        self.calls, self.said, self.late = [], collections.defaultdict(bytes), []

    def connection_made(self, transport):
        self.transport = transport
        self.calls.append("connection_made")

    def pipe_data_received(self, number, data):
        self.said[number] += data
        if f"end of {number}" in self.calls:
            self.late.append(number)

    def pipe_connection_lost(self, number, error):
        self.calls.append(f"end of {number}")

    def process_exited(self):
        self.status_at_exit = self.transport.get_returncode()
        self.calls.append("process_exited")

    def connection_lost(self, error):
        self.calls.append("connection_lost")


@contextlib.asynccontextmanager
async def told_of(code):
    """The transport and the protocol of a child that runs `code`."""
    transport, protocol = await asyncio.get_running_loop().subprocess_exec(Told, *a_shell(code))
    try:
        yield transport, protocol
    finally:
        transport.close()
        await until(lambda: "connection_lost" in protocol.calls, "the child has not ended")


async def all_that_is_told():
    """The protocol of a child that was given a word, answers, and ends."""
    async with told_of(UPPER) as (transport, protocol):
        transport.get_pipe_transport(0).write(b"hello")
        transport.get_pipe_transport(0).write_eof()
        await until(lambda: len(protocol.calls) >= 6, "not all was told")
        return protocol


@claim("child-tells-its-protocol-each-thing-once")
async def test_a_childs_protocol_is_told_start_data_ends_and_exit_once_each_and_data_before_its_pipes_end():
    protocol = await all_that_is_told()

    assert protocol.calls[0] == "connection_made"
    assert collections.Counter(protocol.calls) == collections.Counter(
        ["connection_made", "end of 0", "end of 1", "end of 2", "process_exited", "connection_lost"]
    )
    assert (dict(protocol.said), protocol.late) == ({1: b"HELLO", 2: b"done"}, [])
    assert protocol.status_at_exit == 3


@claim("child-is-lost-last-on-asyncio")
async def test_on_asyncio_connection_lost_is_the_last_that_a_childs_protocol_is_told():
    protocol = await all_that_is_told()

    assert protocol.calls[-1] == "connection_lost"


@claim("closing-the-transport-of-a-child-kills-it")
async def test_close_of_a_childs_transport_kills_a_child_that_waits():
    async with told_of(WAITS) as (transport, protocol):
        before = transport.get_returncode()
        transport.close()
        await until(lambda: "process_exited" in protocol.calls, "the child has not ended")

    assert before is None
    assert protocol.status_at_exit == -signal.SIGKILL


TELLS_ITS_OUTPUT = f"ls -Li /dev/fd/1; {WAITS}"


@claim("pipe-of-a-child-is-told-on-asyncio")
async def test_the_transport_of_a_childs_output_tells_the_file_that_it_reads():
    async with told_of(TELLS_ITS_OUTPUT) as (transport, protocol):
        pipe = transport.get_pipe_transport(1).get_extra_info("pipe")
        assert pipe is not None
        ours = os.fstat(pipe.fileno()).st_ino
        await until(lambda: protocol.said[1].endswith(b"\n"), "the child said nothing")

        assert ours == int(protocol.said[1].split()[0])  # both ends of a pipe are one file


@claim("pipe-of-a-child-is-not-told-on-uvloop")
async def test_on_uvloop_the_transport_of_a_childs_output_tells_no_file():
    async with told_of(WAITS) as (transport, _):
        assert transport.get_pipe_transport(1).get_extra_info("pipe") is None
