"""6: what a thread regains while it waits: the time of IO that is awaited, not of blocking IO nor of computing."""

import asyncio
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import pytest
import requests

from fixtures.claims import claim
from fixtures.trace import until


@claim("summary-one-thread-serves-many-waits")
async def test_one_thread_has_many_downloads_in_flight_at_once(downloads, trace):
    names = [f"image{number}" for number in range(4)]
    downloads.hold_until(len(names))

    async def download(session, name):
        trace(name)
        async with session.get(downloads.url(name)) as answer:
            body = await answer.read()
        trace(name)
        return answer.status, body

    before = set(threading.enumerate())
    async with aiohttp.ClientSession() as session:
        answers = await asyncio.gather(*(download(session, name) for name in names))

    assert set(threading.enumerate()) - before == set()

    assert answers == [(200, downloads.body(name)) for name in names]
    assert downloads.report().peak == len(names)
    assert trace.steps[: len(names)] == names
    assert len(set(trace.threads)) == 1


@claim("summary-executors-def-endpoints-and-look-ups-use-threads")
async def test_a_job_in_an_executor_runs_in_another_thread_than_the_loops():
    with ThreadPoolExecutor(max_workers=1) as pool:
        for executor in (None, pool):
            worker = await asyncio.get_running_loop().run_in_executor(executor, threading.get_ident)
            assert worker != threading.get_ident()


@claim("summary-executors-def-endpoints-and-look-ups-use-threads")
def test_looking_up_a_host_name_begins_a_thread_when_somebody_connects_to_it_too(program):
    ended = program("""
        import asyncio, os

        def name_of(host, port):
            return asyncio.get_running_loop().getnameinfo(("127.0.0.1", port))

        async def main(look_up):
            before = len(os.listdir("/proc/self/task"))
            await asyncio.gather(look_up("localhost", 80), return_exceptions=True)  # found or not, it was looked up
            print(before, len(os.listdir("/proc/self/task")) > before, flush=True)

        def address_of(host, port):
            return asyncio.get_running_loop().getaddrinfo(host, port)

        for look_up in (address_of, name_of, asyncio.open_connection):
            if os.fork() == 0:  # a process for each, that has no thread yet
                asyncio.run(main(look_up))
                os._exit(0)
            os.wait()
    """)

    assert ended.lines == ["1 True", "1 True", "1 True"], ended.stderr


@claim("summary-executors-def-endpoints-and-look-ups-use-threads")
def test_a_def_endpoint_of_fastapi_runs_in_another_thread_than_the_loops(website):
    site = website("""
import threading

import uvicorn
from fastapi import FastAPI

app = FastAPI()

@app.get("/def")
def plain():
    return threading.get_ident()

@app.get("/async")
async def awaited():
    return threading.get_ident()

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=0)
""")

    loops_thread = site.get("/async").body

    assert site.get("/async").body == loops_thread
    for _ in range(2):
        assert site.get("/def").body != loops_thread


@claim("summary-cpu-work-gives-no-time-back")
async def test_while_a_coroutine_computes_no_other_task_takes_a_step(trace):
    async def other():
        trace("another task takes a step")

    async def compute():
        trace("computing begins")
        digest = hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 1_000)
        trace("computing ends")
        return len(digest)

    length, _ = await asyncio.gather(compute(), other())

    assert trace.steps == ["computing begins", "computing ends", "another task takes a step"]
    assert length == 32


@claim("summary-only-awaited-io-gives-time-back")
async def test_while_a_download_is_awaited_another_task_takes_a_step(downloads, trace):
    async def other():
        trace("another task takes a step")

    async def download():
        trace("the request is sent")
        async with session.get(downloads.url("image")) as answer:
            await answer.read()
        trace("the answer is there")

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(download(), other())

    assert trace.steps == ["the request is sent", "another task takes a step", "the answer is there"]


@claim("summary-only-awaited-io-gives-time-back")
@pytest.mark.parametrize("before", [0, 1], ids=["the first", "another"])
async def test_while_the_answer_of_a_download_is_awaited_another_task_goes_on_and_asks_too(downloads, trace, before):
    async def get(name):
        async with session.get(downloads.url(name)) as answer:
            return answer.status, await answer.read()

    async def other():
        await until(lambda: len(downloads.report().arrivals) > before, "nothing was asked for")
        trace("another task takes a step")
        return await get("other")

    async with aiohttp.ClientSession() as session:
        for _ in range(before):
            await get("before")
        downloads.hold_until(2)
        answers = await asyncio.gather(get("image"), other(), return_exceptions=True)

    assert answers == [(200, downloads.body(name)) for name in ("image", "other")]
    assert trace.steps == ["another task takes a step"]


@claim("summary-only-awaited-io-gives-time-back")
async def test_while_a_blocking_request_and_a_file_write_last_no_other_task_takes_a_step(downloads, trace, tmp_path):
    async def other():
        trace("another task takes a step")

    async def download():
        trace("the request is sent")
        body = requests.get(downloads.url("image")).content
        trace("the answer is there")
        with open(tmp_path / "image", "wb") as file:
            file.write(body)
        trace("the file is written")

    await asyncio.gather(download(), other())

    assert trace.steps == [
        "the request is sent",
        "the answer is there",
        "the file is written",
        "another task takes a step",
    ]
    assert (tmp_path / "image").read_bytes() == downloads.body("image")
