"""Section 2, the shape of the asynchronous program: public-looking URLs, each faked by aioresponses."""

import asyncio
import itertools
import logging

import aiohttp
import pytest

from fixtures.claims import claim
from fixtures.garbage import collect
from fixtures.trace import until

# Of the article's shape, under a name reserved for examples.
URLS = [
    "https://images.example/2024/07/r1920/front_AB12cd.jpg",
    "https://images.example/2024/07/r1920/side_EF34gh.jpg",
    "https://images.example/2024/07/r1920/rear_view_IJ56kl.jpg",
]


async def save(session, url, folder):
    """Download one URL into a file named after what follows the last underscore."""
    async with session.get(url) as response:
        body = await response.content.read()
    (folder / url.rpartition("_")[2]).write_bytes(body)


@claim("file-name-is-what-follows-the-last-underscore")
async def test_a_file_is_named_after_what_follows_the_last_underscore_of_its_url(faked_http, tmp_path):
    async with aiohttp.ClientSession() as session:
        for url in URLS:
            faked_http.get(url, body=b"image")
            async with session.get(url) as response:
                (tmp_path / str(response.url).rpartition("_")[2]).write_bytes(await response.content.read())

    assert {path.name for path in tmp_path.iterdir()} == {"AB12cd.jpg", "EF34gh.jpg", "IJ56kl.jpg"}


@claim("download-tasks-begin-in-the-order-of-the-urls")
async def test_all_tasks_are_created_before_any_begins_and_they_begin_in_the_order_of_the_urls(faked_http, trace):
    async def download(session, url):
        trace(url)
        async with session.get(url) as response:
            await response.content.read()

    for url in URLS:
        faked_http.get(url)
    async with aiohttp.ClientSession() as session:
        tasks = [asyncio.create_task(download(session, url)) for url in URLS]
        trace("all are created")
        await asyncio.wait(tasks)

    assert trace.steps == ["all are created", *URLS]


@claim("downloads-may-finish-in-any-order")
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=lambda order: "".join(map(str, order)))
async def test_downloads_finish_as_their_answers_come_in_whatever_their_order(faked_http, trace, order):
    answers = [asyncio.Event() for _ in URLS]
    waiting = []

    def held(number):
        async def callback(url, **_):
            waiting.append(number)
            await answers[number].wait()

        return callback

    async def download(session, number):
        async with session.get(URLS[number]) as response:
            await response.content.read()
        trace(number)

    for number, url in enumerate(URLS):
        faked_http.get(url, callback=held(number))
    async with aiohttp.ClientSession() as session:
        tasks = [asyncio.create_task(download(session, number)) for number in range(3)]
        await until(lambda: len(waiting) == 3, "three requests should wait for their answers")
        for number in order:
            answers[number].set()
            await until(lambda: number in trace.steps, f"download {number} should finish with its answer")  # noqa: B023
        await asyncio.wait(tasks)

    assert tuple(trace.steps) == order


@claim("wait-returns-when-every-download-is-done")
async def test_wait_returns_when_the_last_download_is_done_and_leaves_none_pending(faked_http, trace):
    def after_turns(turns):
        async def callback(url, **_):
            for _ in range(turns):
                await asyncio.sleep(0)
            trace(f"answer after {turns} turns")

        return callback

    async def download(session, url):
        async with session.get(url) as response:
            await response.content.read()

    for turns, url in zip((20, 30, 10), URLS):
        faked_http.get(url, callback=after_turns(turns))
    async with aiohttp.ClientSession() as session:
        tasks = [asyncio.create_task(download(session, url)) for url in URLS]
        done, pending = await asyncio.wait(tasks)
        trace("wait returns")

        assert trace.steps == [
            "answer after 10 turns",
            "answer after 20 turns",
            "answer after 30 turns",
            "wait returns",
        ]
        assert (done, pending) == (set(tasks), set())


@claim("wait-hides-a-failing-download")
@pytest.mark.parametrize("failing", range(3))
async def test_wait_returns_as_usual_when_one_of_three_downloads_fails(faked_http, tmp_path, failing):
    async def after_some_turns(url, **_):
        for _ in range(30):
            await asyncio.sleep(0)

    saved = {"AB12cd.jpg": b"front", "EF34gh.jpg": b"side", "IJ56kl.jpg": b"rear"}
    for url, body in zip(URLS, saved.values()):
        if url == URLS[failing]:
            faked_http.get(url, exception=aiohttp.ClientConnectionError("no connection"))
        else:
            faked_http.get(url, body=body, callback=after_some_turns)
    del saved[URLS[failing].rpartition("_")[2]]

    async with aiohttp.ClientSession() as session:
        tasks = [asyncio.create_task(save(session, url, tmp_path)) for url in URLS]
        try:
            done, pending = await asyncio.wait(tasks)
        except aiohttp.ClientConnectionError as error:
            pytest.fail(f"asyncio.wait() let {error!r} out")

    assert (done, pending) == (set(tasks), set())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == saved
    failures = [repr(task.exception()) for task in tasks]
    assert failures.pop(failing) == "ClientConnectionError('no connection')"
    assert failures == ["None", "None"]


@claim("wait-hides-a-failing-download")
@pytest.mark.parametrize("failing", range(3))
async def test_the_failure_nobody_asked_for_is_logged_only_when_its_task_is_collected(
    faked_http, tmp_path, trace, monkeypatch, failing
):
    def note(record):
        if is_error := record.levelno >= logging.ERROR:
            trace(record.getMessage().splitlines()[0])
        return not is_error  # it goes no further: a claim must leave no errors in the log

    monkeypatch.setattr(logging.getLogger("asyncio"), "filters", [note])
    for url in URLS:
        if url == URLS[failing]:
            faked_http.get(url, exception=aiohttp.ClientConnectionError("no connection"))
        else:
            faked_http.get(url, body=b"image")

    async with aiohttp.ClientSession() as session:
        tasks = [asyncio.create_task(save(session, url, tmp_path)) for url in URLS]
        await asyncio.wait(tasks)
        collect()
        trace("wait has returned")
        tasks.clear()
        collect()

    assert trace.steps == ["wait has returned", "Task exception was never retrieved"]


@claim("asyncio-run-drives-the-download-program")
def test_asyncio_run_runs_the_program_to_its_end_and_closes_its_loop(program, downloads):
    downloads.hold_until(3)

    ended = program(f"""
        import asyncio

        async def download(name):
            reader, writer = await asyncio.open_connection({downloads.host!r}, {downloads.port})
            writer.write(f"GET /{downloads.room}/{{name}} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n".encode())
            status = (await reader.read()).split()[1].decode()
            writer.close()
            await writer.wait_closed()
            print(name, status)

        async def main():
            tasks = [asyncio.create_task(download(name)) for name in ("a", "b", "c")]
            await asyncio.wait(tasks)
            print("all done")
            return asyncio.get_running_loop()

        loop = asyncio.run(main())
        print("closed" if loop.is_closed() else "open")
    """)

    assert set(ended.lines[:3]) == {"a 200", "b 200", "c 200"}
    assert ended.lines[3:] == ["all done", "closed"]
    assert (ended.status, ended.stderr) == (0, "")
