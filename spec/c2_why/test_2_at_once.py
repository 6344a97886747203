"""Section 2, the asynchronous way: downloads with aiohttp, at once, from a real server that waits for all of them."""

import asyncio
import contextlib
import os
import stat
import threading
import warnings
from collections import Counter

import aiohttp
import pytest
import requests

from fixtures.claims import claim
from fixtures.errors import exactly
from fixtures.trace import turn, until

NAMES = ["site_first.jpg", "site_second.jpg", "site_third.jpg"]


def open_sockets():
    """The descriptors of this process that are sockets."""
    found = set()
    for descriptor in map(int, os.listdir("/dev/fd")):
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                found.add(descriptor)
        except OSError:  # the one that listed them
            continue
    return found


@contextlib.asynccontextmanager
async def session_for_tls():
    """A session that is left only when its connections are closed: TLS takes its leave over the network."""
    before = open_sockets()
    async with aiohttp.ClientSession() as session:
        yield session
    while open_sockets() - before:
        await turn()


async def save(session, url, folder):
    """Download one URL into a file named after what follows the last underscore; the answer's status."""
    async with session.get(url) as response:
        body = await response.content.read()
    (folder / url.rpartition("_")[2]).write_bytes(body)
    return response.status


@claim("aiohttp-downloads-are-all-in-flight-at-once")
async def test_with_aiohttp_three_requests_are_in_flight_before_the_first_is_answered(downloads, tmp_path):
    downloads.hold_until(3)

    async with aiohttp.ClientSession() as session:
        tasks = [asyncio.create_task(save(session, downloads.url(name), tmp_path)) for name in NAMES]
        statuses = await asyncio.gather(*tasks, return_exceptions=True)

    # The server answers 503 where it waited in vain for three requests to be in flight.
    assert statuses == [200, 200, 200]
    assert downloads.report().peak == 3


@claim("waiting-thread-does-other-work")
async def test_while_a_request_waits_for_its_answer_the_same_thread_sends_all_the_others(downloads, trace):
    others = ["b", "c", "d", "e"]
    downloads.hold_until(1 + len(others))

    async def request(session, name):
        trace(f"{name} is sent")
        async with session.get(downloads.url(name)) as response:
            await response.content.read()
        trace(f"{name} is answered with {response.status}")

    async with aiohttp.ClientSession() as session:
        waiting = asyncio.create_task(request(session, "a"))
        while "a" not in downloads.report().arrivals:
            await turn()
        trace("a waits")
        await asyncio.gather(waiting, *[request(session, name) for name in others])

    assert trace.steps[:6] == ["a is sent", "a waits", *[f"{name} is sent" for name in others]]
    assert set(trace.steps[6:]) == {f"{name} is answered with 200" for name in ["a", *others]}
    assert set(trace.threads) == {threading.get_ident()}


@claim("each-download-is-saved-byte-for-byte")
async def test_with_aiohttp_three_files_hold_exactly_the_bytes_served(downloads, tmp_path):
    async with aiohttp.ClientSession() as session:
        tasks = [asyncio.create_task(save(session, downloads.url(name), tmp_path)) for name in NAMES]
        await asyncio.wait(tasks)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "first.jpg": downloads.body("site_first.jpg"),
        "second.jpg": downloads.body("site_second.jpg"),
        "third.jpg": downloads.body("site_third.jpg"),
    }


@claim("each-url-is-requested-once")
async def test_with_aiohttp_the_server_sees_each_url_once_and_no_other(downloads, tmp_path):
    async with aiohttp.ClientSession() as session:
        await asyncio.wait([asyncio.create_task(save(session, downloads.url(name), tmp_path)) for name in NAMES])

    assert Counter(downloads.report().arrivals) == Counter(NAMES)


async def get_with_aiohttp(url):
    """Download one URL with aiohttp."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.content.read()


async def get_with_requests(url):
    """Download one URL with requests, whose blocking is no matter here."""
    return (await asyncio.to_thread(requests.get, url)).content


@contextlib.asynccontextmanager
async def serving(bodies, asked):
    """Where a server has each of these bodies under its name; `asked` gets what it is asked for."""

    async def answer(reader, writer):
        request = await reader.readuntil(b"\r\n\r\n")
        asked.append(request.partition(b" HTTP/")[0].decode())
        body = bodies.get(asked[-1].rpartition("/")[2], b"")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body))
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server:
        yield f"http://{host}:{port}"


@claim("each-url-is-requested-once")
@pytest.mark.parametrize("get", [get_with_aiohttp, get_with_requests])
async def test_a_server_is_asked_for_the_three_urls_and_for_nothing_beside_them(monkeypatch, get):
    monkeypatch.setenv("no_proxy", "127.0.0.1")  # where a proxy is set, requests would ask that
    asked = []

    async with serving(dict.fromkeys(NAMES, b"image"), asked) as place:
        for name in NAMES:
            await get(f"{place}/{name}")

    assert asked == [f"GET /{name}" for name in NAMES]


@claim("each-download-is-saved-byte-for-byte")
@pytest.mark.parametrize("get", [get_with_aiohttp, get_with_requests])
async def test_zeros_and_ends_of_lines_at_either_end_are_saved_and_an_empty_body_too(monkeypatch, tmp_path, get):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    bodies = {"zeros.jpg": b"\0\0image\0\0", "lines.jpg": b"\r\n\x1a\r\n", "empty.jpg": b""}

    async with serving(bodies, []) as place:
        for name in bodies:
            (tmp_path / name).write_bytes(await get(f"{place}/{name}"))

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == bodies


@claim("awaiting-content-read-gives-the-whole-body")
async def test_awaiting_content_read_gives_the_whole_body_and_then_nothing(downloads):
    async with aiohttp.ClientSession() as session:
        async with session.get(downloads.url("image")) as response:
            body = await response.content.read()
            rest = await response.content.read()

    assert body == downloads.body("image")
    assert len(body) == int(response.headers["Content-Length"])
    assert rest == b""


@claim("awaiting-content-read-gives-the-whole-body")
async def test_awaiting_content_read_waits_for_what_has_not_come_yet():
    rest_may_come, answered = asyncio.Event(), asyncio.Event()
    parts = [b" here, ", b"there, ", bytes(1_000_000), b"all\n"]  # white space at both ends is of the body, too

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        length = sum(map(len, parts))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % length + parts[0])
        await rest_may_come.wait()
        for part in parts[1:]:
            writer.write(part)
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        answered.set()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server, aiohttp.ClientSession() as session, session.get(f"http://{host}:{port}/image") as response:
        reading = asyncio.create_task(response.content.read())
        await until(lambda: response.content.total_bytes == len(parts[0]), "the first part does not come")
        for _ in range(3):
            await turn()
        rest_may_come.set()
        body = await reading
        await answered.wait()

    assert body == b"".join(parts)


@claim("client-session-closes-at-the-end-of-async-with")
async def test_a_session_is_open_inside_its_async_with_and_of_no_use_after_it(downloads):
    async with aiohttp.ClientSession() as session:
        inside, connector = [session.closed], session.connector
        async with session.get(downloads.url("image")) as response:
            await response.content.read()
        inside.append(session.closed)

    assert inside == [False, False]
    assert session.closed is True
    assert connector.closed is True, "the session has left its connections open"
    for request in (session.get, session.head, session.post):
        with exactly(RuntimeError, match="Session is closed"):
            await request(downloads.url("image"))


@claim("client-session-closes-at-the-end-of-async-with")
@pytest.mark.parametrize("error", [LookupError, asyncio.CancelledError])
async def test_a_session_whose_async_with_is_left_by_an_error_or_a_cancellation_is_closed_too(error):
    with pytest.raises(error):
        async with aiohttp.ClientSession() as session:
            connector = session.connector
            raise error

    assert session.closed is True
    assert connector.closed is True, "the session has left its connections open"


@claim("verify-ssl-is-accepted-with-a-warning")
async def test_verify_ssl_is_accepted_and_warns_that_ssl_took_its_place(downloads):
    async def status(session, url=None, **unchecked):
        try:
            async with session.get(url or downloads.https_url("image"), **unchecked) as response:
                return response.status
        except (TypeError, aiohttp.ClientConnectorCertificateError) as error:
            pytest.fail(f"{unchecked} is not accepted: {error}")

    async with session_for_tls() as session:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            statuses = [
                await status(session, verify_ssl=False),
                await status(session, ssl=False),
                await status(session, verify_ssl=False),
                await status(session, downloads.url("image"), verify_ssl=False),  # where there is nothing to verify
            ]

    assert statuses == [200, 200, 200, 200]
    assert [(warning.category, str(warning.message)) for warning in caught] == [
        (DeprecationWarning, "verify_ssl is deprecated, use ssl=False instead")
    ] * 3


@claim("verify-ssl-false-disables-the-certificate-check")
async def test_a_self_signed_certificate_is_refused_by_each_request_but_for_one_with_verify_ssl_false(downloads):
    async def body(session, **options):
        async with session.get(downloads.https_url("image"), **options) as response:
            return await response.content.read()

    async with session_for_tls() as session:
        with pytest.raises(aiohttp.ClientConnectorCertificateError, match="self-signed|self signed"):
            await body(session)
        assert downloads.report().arrivals == []

        with pytest.warns(DeprecationWarning, match="verify_ssl"):
            unchecked = [body(session, verify_ssl=False) for _ in range(2)]  # a connection each
            outcomes = await asyncio.gather(*unchecked, return_exceptions=True)

        with pytest.raises(aiohttp.ClientConnectorCertificateError, match="self-signed|self signed"):
            await body(session)

    assert outcomes == [downloads.body("image")] * 2
