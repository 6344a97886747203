"""Section 2, what blocks or leaves the one thread all the same: blocking calls, file writes, look-ups of host names."""

import asyncio

import requests

from fixtures.claims import claim
from fixtures.trace import turn


@claim("blocking-request-in-a-coroutine-stops-the-loop")
async def test_during_a_blocking_request_in_a_coroutine_neither_another_task_nor_a_callback_runs(downloads, trace):
    async def other():
        trace("another task runs")

    async def download():
        asyncio.get_running_loop().call_soon(trace, "a callback runs")
        trace("the request is sent")
        requests.get(downloads.url("image"))
        trace("the answer is there")

    await asyncio.gather(download(), other())
    await turn()  # for the callback, where tasks are eager and have needed none

    assert trace.steps == ["the request is sent", "the answer is there", "another task runs", "a callback runs"]


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

        async def main():
            loop = asyncio.get_running_loop()
            before = threads()
            transport, _ = await loop.create_connection(asyncio.Protocol, {downloads.host!r}, {downloads.port})
            print("a literal address takes", threads() - before, "threads")
            transport.close()
            print("coroutines run in the loop's thread:", threading.current_thread() is threading.main_thread())
            looking_up = loop.getaddrinfo("localhost", {downloads.port})
            await asyncio.gather(looking_up, return_exceptions=True)  # found or not, it was looked up
            print("a host name takes", "some" if threads() > before else "no", "threads")

        asyncio.run(main())
    """)

    assert ended.lines == [
        "a literal address takes 0 threads",
        "coroutines run in the loop's thread: True",
        "a host name takes some threads",
    ], ended.stderr
