"""4: uvloop's event loop beside asyncio's: what it is made of, whose tasks it runs, what it checks, what it lacks."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import re
import socket

import pytest

from fixtures.claims import claim
from fixtures.errors import exactly
from fixtures.trace import turn


@claim("uvloop-is-another-event-loop")
def test_uvloops_loop_has_asyncios_interface_and_nothing_of_its_implementation(new_loop):
    loop = new_loop()

    async def work():
        await turn()
        return asyncio.get_running_loop()

    assert not isinstance(loop, asyncio.BaseEventLoop)
    from_asyncio = [kind for kind in type(loop).__mro__ if kind.__module__.startswith("asyncio.")]
    assert from_asyncio == [asyncio.AbstractEventLoop]
    defined_in = {getattr(getattr(type(loop), name), "__module__", None) for name in dir(type(loop))}
    assert [name for name in defined_in if str(name).startswith("asyncio.")] == ["asyncio.events"]

    interface = vars(asyncio.AbstractEventLoop)
    methods = {name for name, value in interface.items() if callable(value) and not name.startswith("_")}
    missing = {name for name in methods if getattr(type(loop), name) is interface[name]}
    assert missing <= {"sendfile", "sock_sendfile"}  # the latter is a claim of its own
    assert loop.run_until_complete(work()) is loop


@claim("uvloop-hands-out-asyncios-tasks-and-futures")
async def test_tasks_and_futures_made_on_uvloop_are_asyncios_own():
    loop = asyncio.get_running_loop()

    async def work():
        return "result"

    futures = [loop.create_future(), loop.run_in_executor(None, int)]
    tasks = [loop.create_task(work()), loop.create_task(work(), name="named"), asyncio.create_task(work())]

    assert [type(future) for future in futures] == [asyncio.Future] * 2
    assert [type(task) for task in tasks] == [asyncio.Task] * 3
    assert await asyncio.gather(*tasks) == ["result"] * 3
    assert await futures[1] == 0


@claim("uvloop-hands-out-asyncios-tasks-and-futures")
@pytest.mark.parametrize("debug", [False, True])
def test_tasks_and_futures_made_before_uvloop_runs_are_asyncios_own_too(new_loop, debug):
    async def work():
        return asyncio.current_task()

    loop = new_loop()
    loop.set_debug(debug)
    future, task = loop.create_future(), loop.create_task(work())
    its_own = loop.run_until_complete(work())

    assert type(future) is asyncio.Future
    assert [type(task), type(its_own)] == [asyncio.Task] * 2
    assert loop.run_until_complete(task) is task


@claim("uvloop-keeps-the-debug-checks")
def test_uvloop_logs_slow_callbacks_timers_and_steps_of_tasks_too_in_debug_mode_only(new_loop, caplog):
    loop = new_loop()

    def plod():
        pass

    def plod_later(ended):
        ended.set_result(None)

    async def work():
        ended = loop.create_future()
        loop.call_soon(plod)
        loop.call_later(0.001, plod_later, ended)
        await ended

    def logged(slow_callback_duration):
        caplog.clear()
        loop.slow_callback_duration = slow_callback_duration
        loop.run_until_complete(work())
        return [message for message in caplog.messages if message.startswith("Executing") and "took" in message]

    # Whatever a callback takes is longer than -1 s and shorter than a day, so that nothing has to be slow.
    loop.set_debug(False)  # as it is unless the run was told otherwise
    without_debug = logged(slow_callback_duration=-1)
    loop.set_debug(True)
    slow, fast = logged(slow_callback_duration=-1), logged(slow_callback_duration=86_400)

    assert without_debug == []
    # In which order they run is not the matter: to make the timer takes a while in debug mode, and it may be due first.
    for what in (r"\.plod ", r"\.plod_later ", r"<Task |\bTaskStep|\btask_wakeup"):  # the last two while it is recorded
        assert [message for message in slow if re.search(what, message)] != []
    assert fast == []


@claim("uvloop-keeps-the-debug-checks")
def test_uvloop_in_debug_mode_refuses_call_soon_from_another_thread(new_loop, trace):
    loop = new_loop()
    loop.set_debug(True)

    async def from_another_thread(schedule, **context):
        await loop.run_in_executor(None, functools.partial(schedule, trace, schedule.__name__, **context))
        await turn()

    for context in ({}, {"context": contextvars.copy_context()}):
        with pytest.raises(RuntimeError, match="(?i)non-thread-safe"):
            loop.run_until_complete(from_another_thread(loop.call_soon, **context))
    loop.run_until_complete(from_another_thread(loop.call_soon_threadsafe))
    loop.run_until_complete(loop.shutdown_default_executor())

    assert trace.steps == ["call_soon_threadsafe"]


@contextlib.contextmanager
def a_file_and_two_sockets(path, content):
    """An open file with this content, and two connected sockets that do not block."""
    path.write_bytes(content)
    here, there = socket.socketpair()
    with path.open("rb") as file, here, there:
        here.setblocking(False)
        there.setblocking(False)
        yield file, here, there


@claim("asyncio-has-sock-sendfile")
async def test_on_asyncio_sock_sendfile_sends_the_whole_file_over_a_socket(tmp_path):
    loop = asyncio.get_running_loop()
    whole = bytes(range(256)) * 2048  # half a megabyte: more than a socket takes at once

    async def send():
        sent = await loop.sock_sendfile(here, file)
        here.shutdown(socket.SHUT_WR)
        return sent

    with a_file_and_two_sockets(tmp_path / "letter", whole) as (file, here, there):
        sending, received = asyncio.create_task(send()), bytearray()
        while part := await loop.sock_recv(there, 65536):
            received += part
        sent = await sending

    assert (sent, len(received)) == (len(whole), len(whole))
    assert received == whole


@claim("uvloop-has-no-sock-sendfile")
async def test_on_uvloop_sock_sendfile_is_not_implemented_and_sends_nothing(tmp_path):
    loop = asyncio.get_running_loop()

    with a_file_and_two_sockets(tmp_path / "letter", b"the whole file") as (file, here, there):
        with exactly(NotImplementedError):
            await loop.sock_sendfile(here, file)
        here.shutdown(socket.SHUT_WR)
        received = await loop.sock_recv(there, 100)

    assert received == b""
