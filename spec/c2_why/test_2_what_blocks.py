"""Section 2, what blocks or leaves the one thread all the same: blocking calls, file writes, look-ups of host names."""

import asyncio
import socket
import threading

import aiohttp
import requests

from fixtures.claims import claim
from fixtures.trace import until


@claim("blocking-request-in-a-coroutine-stops-the-loop")
async def test_during_blocking_requests_in_a_coroutine_no_task_no_callback_and_no_timer_runs(downloads, trace):
    async def other():
        trace("another task runs")

    async def download():
        asyncio.get_running_loop().call_soon(trace, "a callback runs")
        asyncio.get_running_loop().call_later(0, trace, "a timer fires")
        trace("the requests are sent")
        for name in ("image", "another"):
            requests.get(downloads.url(name))
        trace("the answers are there")

    await asyncio.gather(download(), other())
    await until(lambda: len(trace.steps) == 5, "another task, a callback or a timer is left out")

    assert trace.steps[:2] == ["the requests are sent", "the answers are there"]
    trace.steps.remove("a timer fires")  # whenever it was after that
    assert trace.steps[2:] == ["another task runs", "a callback runs"]


@claim("writing-a-file-lets-no-other-task-run")
async def test_between_opening_and_closing_a_file_no_other_task_gets_a_step(trace, tmp_path):
    async def other():
        trace("another task runs")

    async def save():
        with open(tmp_path / "image.jpg", "wb") as file:
            trace("the file is open")
            file.write(bytes(5_000_000))
        trace("the file is closed")

    await asyncio.gather(save(), other())

    assert trace.steps == ["the file is open", "the file is closed", "another task runs"]
    assert (tmp_path / "image.jpg").stat().st_size == 5_000_000


@claim("host-name-look-up-takes-another-thread")
def test_looking_up_a_host_name_takes_another_thread_and_a_literal_address_or_a_coroutine_none(program, downloads):
    ended = program(f"""
        import asyncio, os, threading

        def threads():
            return len(os.listdir("/proc/self/task"))

        async def is_in_the_loops_thread():
            await asyncio.sleep(0)
            return threading.current_thread() is threading.main_thread()

        async def main():
            loop = asyncio.get_running_loop()
            before = threads()
            transport, _ = await loop.create_connection(asyncio.Protocol, {downloads.host!r}, {downloads.port})
            print("a literal address takes", threads() - before, "threads")
            transport.close()
            tasks = [asyncio.create_task(is_in_the_loops_thread()) for _ in range(3)]
            print("coroutines run in the loop's thread:", await is_in_the_loops_thread(), await asyncio.gather(*tasks))
            looking_up = loop.create_connection(asyncio.Protocol, "localhost", {downloads.port})
            [found] = await asyncio.gather(looking_up, return_exceptions=True)  # or not: it was looked up
            print("a host name takes", "some" if threads() > before else "no", "threads")
            await asyncio.gather(loop.getaddrinfo("localhost", {downloads.port}), return_exceptions=True)
            of_python = "some" if threading.active_count() > 1 else "none"
            print(of_python, "of them Python's, on", type(loop).__module__.partition(".")[0])
            if isinstance(found, tuple):
                found[0].close()

        asyncio.run(main())
    """)

    assert ended.lines[:3] == [
        "a literal address takes 0 threads",
        "coroutines run in the loop's thread: True [True, True, True]",
        "a host name takes some threads",
    ], ended.stderr
    assert ended.lines[3:] in (["some of them Python's, on asyncio"], ["none of them Python's, on uvloop"])


@claim("host-name-look-up-takes-another-thread")
async def test_aiohttp_never_looks_up_a_host_name_in_the_thread_of_the_loop(monkeypatch):
    looked_up_in, look_up = [], socket.getaddrinfo

    def noted(*arguments, **named):
        looked_up_in.append(threading.get_ident())
        return look_up(*arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", noted)
    for _ in range(3):
        await asyncio.gather(aiohttp.DefaultResolver().resolve("localhost"), return_exceptions=True)  # found or not

    assert threading.get_ident() not in looked_up_in
