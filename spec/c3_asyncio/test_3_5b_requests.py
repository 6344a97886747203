"""3.5 (the second): downloads through requests, which knows nothing of asyncio, in the event loop's executor."""

import asyncio
import collections.abc
import inspect
import itertools
import threading

import pytest

from fixtures.claims import claim
from fixtures.errors import exactly

NAMES = ("first.jpg", "second.jpg", "third.jpg")


async def fetch(url):
    import requests

    return await asyncio.get_running_loop().run_in_executor(None, requests.get, url)


@claim("requests-get-is-a-plain-blocking-function")
async def test_requests_get_is_no_coroutine_function_and_its_response_no_awaitable(downloads):
    import requests

    assert inspect.isfunction(requests.get)
    assert not inspect.iscoroutinefunction(requests.get)
    response = requests.get(downloads.url("a.jpg"))

    assert type(response) is requests.Response
    assert response.content == downloads.body("a.jpg")
    with exactly(TypeError, match="Response"):
        await response


@claim("requests-in-the-executor-overlap")
async def test_three_requests_in_the_executor_are_in_flight_together_and_give_a_response_each(downloads):
    import requests

    downloads.hold_until(3)

    responses = await asyncio.gather(*(asyncio.create_task(fetch(downloads.url(name))) for name in NAMES))

    assert [type(response) for response in responses] == [requests.Response] * 3
    assert [response.status_code for response in responses] == [200, 200, 200]
    assert [response.content for response in responses] == [downloads.body(name) for name in NAMES]
    assert downloads.report().peak == 3


@claim("overlapping-requests-take-a-thread-each")
async def test_requests_in_flight_together_take_a_thread_each_and_none_is_the_loops(downloads, trace):
    import requests

    def get(name):
        trace(name)
        return requests.get(downloads.url(name))

    loop = asyncio.get_running_loop()
    downloads.hold_until(3)
    responses = await asyncio.gather(*(loop.run_in_executor(None, get, name) for name in NAMES))

    assert len({*trace.threads, threading.get_ident()}) == 4, "three requests and the loop do not have a thread each"
    assert [response.status_code for response in responses] == [200, 200, 200]


class Download(collections.abc.Coroutine):
    """A coroutine object whose hash, and with it its place in a set, is not left to chance."""

    def __init__(self, coroutine, hash):
        self.coroutine, self.hash = coroutine, hash

    def __hash__(self):
        return self.hash

    def __await__(self):
        return self.coroutine.__await__()

    def send(self, value):
        return self.coroutine.send(value)

    def throw(self, *error):
        return self.coroutine.throw(*error)


@claim("bare-coroutines-start-their-downloads-in-any-order")
@pytest.mark.filterwarnings("ignore:The explicit passing of coroutine objects")
async def test_bare_coroutines_start_their_downloads_in_whatever_order_a_set_has_them(trace):
    async def download(name):
        trace(name)

    orders = set()
    for places in itertools.permutations(range(3)):
        trace.steps.clear()
        await asyncio.wait([Download(download(name), place) for name, place in zip("abc", places)])
        orders.add("".join(trace.steps))

    assert orders == {"abc", "acb", "bac", "bca", "cab", "cba"}


@claim("bare-coroutine-downloads-run-before-3-11")
def test_before_python_3_11_a_program_that_gives_bare_download_coroutines_to_wait_runs(program, downloads):
    downloads.hold_until(3)
    ended = program(
        f"""
        import asyncio
        import requests

        async def download(url):
            loop = asyncio.get_event_loop()
            response = await loop.run_in_executor(None, requests.get, url)
            with open(url.rpartition("/")[2], "wb") as file:
                file.write(response.content)

        downloads = [download(url) for url in {[downloads.url(name) for name in NAMES]}]
        asyncio.get_event_loop().run_until_complete(asyncio.wait(downloads))
        for name in {NAMES}:
            print(name, open(name, "rb").read().hex())
        """,
        warnings="ignore",
    )

    assert ended.lines == [f"{name} {downloads.body(name).hex()}" for name in NAMES]
    assert ended.status == 0
    assert downloads.report().peak == 3


@claim("bare-coroutine-downloads-are-refused-since-3-11")
async def test_since_python_3_11_wait_refuses_bare_download_coroutines_before_any_download_starts(downloads):
    coroutines = [fetch(downloads.url(name)) for name in NAMES]
    task = asyncio.create_task(asyncio.sleep(0))

    for downloads_to_wait_for in (coroutines, coroutines[:1], [task, *coroutines]):
        with exactly(TypeError, match="coroutines is forbidden"):
            await asyncio.wait(downloads_to_wait_for)
    await task

    assert [inspect.getcoroutinestate(coroutine) for coroutine in coroutines] == [inspect.CORO_CREATED] * 3
    assert downloads.report().arrivals == []
    for coroutine in coroutines:
        coroutine.close()


@claim("bare-coroutine-downloads-are-refused-since-3-11")
async def test_download_coroutines_made_into_tasks_can_be_given_to_wait(downloads):
    downloads.hold_until(3)
    tasks = [asyncio.create_task(fetch(downloads.url(name))) for name in NAMES]

    done, pending = await asyncio.wait(tasks)

    assert (done, pending) == (set(tasks), set())
    assert [task.result().content for task in tasks] == [downloads.body(name) for name in NAMES]
