"""The download server serves what it says, holds its replies, and counts what is in flight."""

import http.client
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from fixtures.servers import downloads as downloads_module
from fixtures.servers.http import Room

CERTIFICATE = Path(downloads_module.__file__).with_name("self_signed.pem")


def get(url, **connection):
    """Return (status, headers, body) of a GET that takes no notice of proxies."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    client = kind(parts.hostname, parts.port, timeout=10, **connection)
    try:
        client.request("GET", parts.path)
        response = client.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        client.close()


@pytest.fixture
def threads():
    with ThreadPoolExecutor(8) as pool:
        yield pool


def test_a_name_is_served_with_its_own_bytes(downloads):
    names = ["one.jpg", "two.jpg", "a folder/trois é.jpg"]
    bodies = [get(downloads.url(name))[2] for name in names]

    assert bodies == [downloads.body(name) for name in names]
    assert len(set(map(len, bodies))) == len({body[:16] for body in bodies}) == 3
    assert all(2**16 < len(body) < 2**17 for body in bodies)
    assert downloads.report().arrivals == names


def test_a_reply_is_http_1_1_has_a_length_and_closes_the_connection(downloads):
    address = urlsplit(downloads.url("one"))
    with socket.create_connection((address.hostname, address.port), 10) as client:
        client.sendall(f"GET {address.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        received = b"".join(iter(lambda: client.recv(65536), b""))

    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nConnection: close" in head
    assert f"\r\nContent-Length: {len(body)}".encode() in head
    assert body == downloads.body("one")


def test_downloads_one_after_another_are_never_seen_as_two_in_flight(downloads):
    names = [f"file {number}" for number in range(100)]
    for name in names:
        get(downloads.url(name))

    assert downloads.report() == downloads_module.Report(arrivals=names, peak=1, answered=names)


def test_a_request_counts_as_answered_before_its_client_can_see_the_end_of_the_answer(threads):
    room = Room()
    room.arrive("one")

    with room.leaving("one"):
        # Here the last byte is sent, and whoever asks or arrives because of it has to wait.
        assert (room.in_flight, room.answered) == (0, ["one"])
        second = threads.submit(room.arrive, "two")
        assert room.arrivals == ["one"]

    second.result()
    assert (room.peak, room.arrivals) == (1, ["one", "two"])


def test_replies_are_held_until_all_requests_are_in_flight(downloads, threads, wait_until):
    downloads.hold_until(3)
    first = [threads.submit(get, downloads.url(name)) for name in ("one", "two")]
    wait_until(lambda: len(downloads.report().arrivals) == 2, "two requests arrive")
    assert downloads.report().answered == []
    assert [future.done() for future in first] == [False, False]

    last = threads.submit(get, downloads.url("three"))

    assert [future.result()[::2] for future in [*first, last]] == [
        (200, downloads.body("one")),
        (200, downloads.body("two")),
        (200, downloads.body("three")),
    ]
    assert downloads.report().peak == 3
    assert downloads.report().arrivals[-1] == "three"
    assert set(downloads.report().answered) == {"one", "two", "three"}
    assert get(downloads.url("four"))[0] == 200


def test_requests_that_do_not_come_together_are_told_how_many_there_were(downloads, monkeypatch):
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "0.02")
    downloads.hold_until(2)
    monkeypatch.delenv("ASYNCIO_SPEC_CEILING")

    assert get(downloads.url("one"))[::2] == (503, b"only 1 of 2 requests were in flight")
    assert get(downloads.url("two"))[::2] == (503, b"only 1 of 2 requests were in flight")
    assert downloads.report() == downloads_module.Report(["one", "two"], 1, ["one", "two"])

    downloads.hold_until(1)
    assert get(downloads.url("three"))[0] == 200


def test_once_the_ceiling_was_reached_all_that_come_later_are_told_the_same():
    room = Room()
    room.hold(3, 0.0)
    for name in ("one", "two"):
        room.arrive(name)

    assert room.held() == "only 2 of 3 requests were in flight"
    for name in ("one", "two"):
        with room.leaving(name):
            pass
    room.arrive("three")
    assert room.held() == "only 2 of 3 requests were in flight"


def test_the_ceiling_is_five_seconds_or_a_quarter_of_what_a_claim_has(downloads, monkeypatch):
    asked = []
    monkeypatch.setattr(downloads, "control", lambda method, ask=None: asked.append((method, ask)))
    monkeypatch.delenv("ASYNCIO_SPEC_CEILING", raising=False)
    downloads.hold_until(2)
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "3")
    downloads.hold_until(2)

    assert asked == [("PUT", {"hold_until": 2, "ceiling": 5.0}), ("PUT", {"hold_until": 2, "ceiling": 0.75})]


def test_rooms_do_not_see_each_other(downloads):
    other = downloads_module.Downloads(downloads.host, downloads.port, downloads.https_port)
    other.hold_until(2)

    assert get(downloads.url("one"))[0] == 200
    assert other.report() == downloads_module.Report([], 0, [])


def test_the_first_requests_of_a_room_may_come_all_at_once(downloads, threads):
    names = {f"file {number}" for number in range(8)}
    list(threads.map(lambda name: get(downloads.url(name)), names))

    assert set(downloads.report().arrivals) == names
    assert len(downloads.report().answered) == 8


def test_a_broken_name_gets_half_of_its_body_and_then_the_end(downloads):
    with pytest.raises(http.client.IncompleteRead) as caught:
        get(downloads.url("broken.jpg"))

    body = downloads.body("broken.jpg")
    assert caught.value.partial == body[: len(body) // 2]
    assert caught.value.expected == len(body) - len(body) // 2
    assert downloads.report().answered == ["broken.jpg"]


def test_a_gone_name_gets_a_404(downloads):
    assert get(downloads.url("gone.jpg"))[::2] == (404, b"there is no gone.jpg")


def test_a_client_that_goes_away_while_it_is_held_does_not_stop_the_others(downloads, wait_until):
    downloads.hold_until(2)
    address = urlsplit(downloads.url("left"))
    with socket.create_connection((address.hostname, address.port), 10) as client:
        client.sendall(f"GET {address.path} HTTP/1.1\r\n\r\n".encode())
        wait_until(lambda: downloads.report().arrivals == ["left"], "the first request arrives")

    assert get(downloads.url("stayed"))[::2] == (200, downloads.body("stayed"))
    wait_until(lambda: set(downloads.report().answered) == {"left", "stayed"}, "both requests are over")


def test_a_client_that_verifies_refuses_the_certificate(downloads):
    with pytest.raises(ssl.SSLCertVerificationError, match="self-signed certificate"):
        get(downloads.https_url("one"), context=ssl.create_default_context())

    assert downloads.report().arrivals == []


def test_a_client_that_knows_the_certificate_or_does_not_verify_downloads(downloads):
    knowing = ssl.create_default_context(cafile=str(CERTIFICATE))
    careless = ssl._create_unverified_context()

    assert get(downloads.https_url("one"), context=knowing)[::2] == (200, downloads.body("one"))
    assert get(downloads.https_url("one"), context=careless)[::2] == (200, downloads.body("one"))


def test_a_client_that_heeds_proxies_asks_the_server_itself(downloads, monkeypatch):
    nobody_listens_here = "http://127.0.0.1:9"
    monkeypatch.setenv("http_proxy", nobody_listens_here)

    assert requests.get(downloads.url("one"), timeout=10).content == downloads.body("one")


def test_a_client_that_connects_and_says_nothing_holds_up_no_other(downloads):
    for url in (downloads.url(""), downloads.https_url("")):
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port)):
            assert get(downloads.https_url("one"), context=ssl._create_unverified_context())[0] == 200
            assert get(downloads.url("one"))[0] == 200


def test_head_is_refused_and_noted(downloads):
    assert requests.head(downloads.url("one.jpg")).status_code == 501
    assert downloads.report().arrivals == ["HEAD one.jpg"]
