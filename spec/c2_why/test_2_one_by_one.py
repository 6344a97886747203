"""Section 2, the plain way: three downloads with requests, one after another, from a real server."""

import inspect
import sys
import threading
from importlib import metadata
from pathlib import Path

import aiohttp
import requests

from fixtures.claims import claim
from fixtures.errors import exactly

NAMES = ["site_first.jpg", "site_second.jpg", "site_third.jpg"]


def save(url, folder):
    """Download one URL into a file named after what follows the last underscore."""
    (folder / url.rpartition("_")[2]).write_bytes(requests.get(url).content)


@claim("requests-downloads-run-one-after-another")
def test_with_requests_a_download_begins_only_when_the_one_before_is_done(downloads, trace, tmp_path):
    for name in NAMES:
        trace(f"{name} begins, {len(downloads.report().arrivals)} asked for")
        save(downloads.url(name), tmp_path)
        trace(f"{name} is done, {len(downloads.report().answered)} answered")

    assert trace.steps == [
        "site_first.jpg begins, 0 asked for",
        "site_first.jpg is done, 1 answered",
        "site_second.jpg begins, 1 asked for",
        "site_second.jpg is done, 2 answered",
        "site_third.jpg begins, 2 asked for",
        "site_third.jpg is done, 3 answered",
    ]
    assert downloads.report().peak == 1


@claim("requests-get-blocks-and-cannot-be-awaited")
def test_requests_get_holds_its_thread_until_the_whole_answer_is_there(downloads, trace):
    downloads.hold_until(2)

    def request():
        response = requests.get(downloads.url("held"))
        trace("requests.get() returns")
        trace(f"answered with {response.status_code}")

    thread = threading.Thread(target=request)
    thread.start()
    while downloads.report().arrivals != ["held"]:
        assert thread.is_alive(), "the thread went on before its request had come to the server"
    trace("the server holds its reply")
    releasing = requests.get(downloads.url("releasing"))
    thread.join()

    assert releasing.status_code == 200
    assert releasing.raw.read() == b"", "the body was not read to its end before requests.get() returned"
    assert trace.steps == ["the server holds its reply", "requests.get() returns", "answered with 200"]


@claim("requests-get-blocks-and-cannot-be-awaited")
async def test_neither_requests_get_nor_its_response_can_be_awaited(downloads):
    response = requests.get(downloads.url("image"))

    assert inspect.iscoroutinefunction(requests.get) is False
    assert inspect.isawaitable(response) is False
    with exactly(TypeError, match="Response"):
        await response


@claim("each-download-is-saved-byte-for-byte")
def test_with_requests_three_files_hold_exactly_the_bytes_served(downloads, tmp_path):
    for name in NAMES:
        save(downloads.url(name), tmp_path)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "first.jpg": downloads.body("site_first.jpg"),
        "second.jpg": downloads.body("site_second.jpg"),
        "third.jpg": downloads.body("site_third.jpg"),
    }


@claim("each-url-is-requested-once")
def test_with_requests_the_server_sees_each_url_once(downloads, tmp_path):
    for name in NAMES:
        save(downloads.url(name), tmp_path)

    assert downloads.report().arrivals == NAMES


@claim("requests-and-aiohttp-are-installed-packages")
def test_requests_and_aiohttp_come_from_packages_and_not_with_python():
    assert {"requests", "aiohttp"} & sys.stdlib_module_names == set()
    for module in (requests, aiohttp):
        installed = [file.locate() for file in metadata.files(module.__name__)]
        assert Path(module.__file__) in installed
    assert inspect.isfunction(requests.get)
    assert inspect.isclass(aiohttp.ClientSession)
