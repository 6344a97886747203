"""6: what a thread regains while it waits: the time of IO that is awaited, not of blocking IO nor of computing."""

import asyncio
import hashlib

import aiohttp
import requests

from fixtures.claims import claim


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

    async with aiohttp.ClientSession() as session:
        answers = await asyncio.gather(*(download(session, name) for name in names))

    assert answers == [(200, downloads.body(name)) for name in names]
    assert downloads.report().peak == len(names)
    assert trace.steps[: len(names)] == names
    assert len(set(trace.threads)) == 1


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
