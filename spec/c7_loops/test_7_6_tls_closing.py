"""7.6: how a connection over TLS ends: by a goodbye, by a cut, or given up."""

import asyncio
import contextlib
import gc
import socket
import ssl

import pytest

from fixtures.claims import claim
from fixtures.recorder import end, ending
from fixtures.soon import soon, until
from fixtures.threads import SOON
from fixtures.tls import MUCH, Waited, connect, connected, not_held_up, of_a_client, of_a_server, serving
from fixtures.trace import turn


@contextlib.asynccontextmanager
async def of_a_thread(talk):
    """The address of a TLS server whose one connection a thread serves by `talk`, and what that will have returned."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(SOON)

        def serve():
            accepted, _ = listening.accept()
            accepted.settimeout(SOON)
            context = of_a_server()
            # Some Pythons have OpenSSL take a cut for an end, and which it was is what the thread is to tell.
            context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
            with context.wrap_socket(accepted, server_side=True, suppress_ragged_eofs=False) as connection:
                return talk(connection)

        talking = asyncio.get_running_loop().run_in_executor(None, serve)
        yield listening.getsockname(), talking
        await soon(talking)


async def told_at_the_others(ending, keeps_open=False):
    """What server and client are told when the other one ends the connection by this method of its transport."""
    told = []
    for order in (1, -1):
        async with connected() as ends:
            ender, other = ends[::order]
            other.keeps_open = keeps_open
            for protocol in ends:
                protocol.transport.write(b"welcome")
            # What is not read before an end makes it a reset, and TLS says things of its own when a connection is made.
            await until(lambda: ender.received == other.received == b"welcome", "nothing arrived")  # noqa: B023
            getattr(ender.transport, ending)()
            await until(other.is_lost, "the other did not lose it")
            told.append(([call for call in other.calls if call != "data_received"], other.error))
    return told


@claim("eof-received-cannot-keep-tls-half-open")
async def test_a_true_value_of_eof_received_keeps_no_tls_connection_open_on_either_end():
    assert [error for _, error in await told_at_the_others("close", keeps_open=True)] == [None, None]


@claim("closed-tls-connection-tells-an-end-of-file-since-3-11")
async def test_since_3_11_a_peer_that_closes_is_an_eof_received_and_then_a_loss_without_error():
    assert await told_at_the_others("close") == [(["connection_made", "eof_received", "connection_lost"], None)] * 2


@claim("closed-tls-connection-tells-no-end-of-file-before-3-11-on-asyncio")
async def test_on_asyncio_before_3_11_a_peer_that_closes_is_a_loss_without_error_alone():
    assert await told_at_the_others("close") == [(["connection_made", "connection_lost"], None)] * 2


@claim("tls-connection-that-is-cut-tells-an-end-of-file-on-asyncio")
async def test_on_asyncio_a_peer_that_aborts_is_an_eof_received_and_a_loss_without_error():
    assert await told_at_the_others("abort") == [(["connection_made", "eof_received", "connection_lost"], None)] * 2


@claim("tls-connection-that-is-cut-tells-no-end-of-file-on-uvloop")
async def test_on_uvloop_a_peer_that_aborts_is_a_loss_without_error_alone():
    assert await told_at_the_others("abort") == [(["connection_made", "connection_lost"], None)] * 2


def until_the_end(connection):
    """All that a peer says that was greeted, and whether it said that this was all."""
    said = b""
    connection.send(b"welcome")
    try:
        while piece := connection.recv(1000):
            said += piece
    except ssl.SSLError as error:  # older Pythons have no SSLEOFError for what OpenSSL 3 says here
        assert "eof" in str(error).lower()
        return said, False
    return said, True


@claim("close-says-goodbye-over-tls-and-abort-does-not")
async def test_close_tells_the_peer_that_nothing_more_comes_and_abort_cuts_the_connection():
    ends = []
    for way in ("close", "abort"):
        async with of_a_thread(until_the_end) as (address, talking):
            client = await connect(address, of_a_client())
            await until(lambda: client.received == b"welcome", "nothing arrived")  # noqa: B023
            getattr(client.transport, way)()
            ends.append(await soon(talking))
            await end([client])

    assert ends == [(b"", True), (b"", False)]


@claim("tls-close-sends-what-was-written-before")
async def test_what_was_written_before_close_arrives_over_tls_however_much_it_is():
    async with connected() as (client, server):
        server.transport.pause_reading()
        client.transport.write(MUCH)
        client.transport.write(b"and this")
        client.transport.close()
        client.transport.close()
        for _ in range(10):
            await turn()
        at_once = (client.transport.is_closing(), client.is_lost(), bytes(server.received))
        server.transport.resume_reading()
        await until(lambda: client.is_lost() and server.is_lost(), "it is not lost")

        assert at_once == (True, False, b"")
        assert len(server.received) == len(MUCH) + len(b"and this")
        assert server.received.endswith(b"xand this")
        assert client.error is None


@pytest.mark.parametrize("ends", [["abort"], ["close", "abort"]], ids=["at once", "after close"])
@claim("tls-abort-drops-what-was-not-sent")
async def test_abort_over_tls_loses_what_is_buffered_and_connection_lost_is_given_none(ends):
    async with connected() as (client, server):
        server.transport.pause_reading()
        client.transport.write(MUCH)
        for end in ends:
            getattr(client.transport, end)()
        await until(client.is_lost, "the connection was not lost")
        server.transport.resume_reading()
        await until(server.is_lost, "the server did not lose it")

        assert client.error is None
        assert len(server.received) < len(MUCH)


@claim("tls-abort-drops-what-was-not-sent")
async def test_abort_over_tls_gives_connection_lost_none_also_where_nothing_is_buffered():
    for order in (1, -1):
        async with connected() as ends:
            ender, other = ends[::order]
            ender.transport.abort()
            await until(lambda: ender.is_lost() and other.is_lost(), "the connection was not lost")  # noqa: B023

            assert ender.error is None


@claim("peer-that-does-not-say-goodbye-is-given-up")
async def test_after_ssl_shutdown_timeout_the_connection_to_a_peer_that_does_not_close_is_lost_with_timeouterror():
    async def attempt(timeout):
        hold, held = socket.socketpair()
        with hold, held:
            held.settimeout(SOON)
            async with of_a_thread(lambda _connection: held.recv(1)) as (address, _):
                client = await connect(address, of_a_client(), ssl_shutdown_timeout=timeout)
                waited = Waited(timeout)
                client.transport.close()
                with contextlib.suppress(AssertionError):
                    await until(client.is_lost, "it is not given up")
                lost, in_time = client.is_lost(), waited.told()
                hold.send(b"!")
                await end([client])
                return lost and type(client.error), in_time

    error, waited = await not_held_up(attempt)

    assert error is TimeoutError
    assert waited is True, "it was given up too early"


@claim("peer-that-does-not-say-goodbye-is-given-up")
async def test_a_server_that_closes_loses_a_client_that_does_not_with_timeouterror_after_its_ssl_shutdown_timeout():
    async with serving(of_a_server(), ssl_shutdown_timeout=0.005) as (address, accepted):
        client = await connect(address, of_a_client())
        await until(lambda: accepted and accepted[0].is_made(), "the server was told of no connection")
        client.transport.pause_reading()  # so that it hears of no goodbye
        accepted[0].transport.close()
        await until(accepted[0].is_lost, "it is not given up")
        await end([client])

        assert type(accepted[0].error) is TimeoutError


class Stream:
    """Sends until it is told that that is all; `sent` counts."""

    def __init__(self):
        self.sent, self.is_all = 0, False

    def __call__(self, connection):
        with contextlib.suppress(OSError):
            while not self.is_all:
                self.sent += connection.send(b"y" * 65_536)


@contextlib.asynccontextmanager
async def of_a_streaming_client(stream, **options):
    """The protocol of a server's connection to a client, of a thread, that sends."""
    async with serving(of_a_server(), **options) as (address, accepted):

        def send():
            with socket.create_connection(address, SOON) as plain:
                with of_a_client().wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                    stream(connection)

        sending = asyncio.get_running_loop().run_in_executor(None, send)
        await until(lambda: accepted and accepted[0].received, "nothing arrived")
        yield accepted[0]
    await soon(sending)


@claim("closing-tls-on-a-stream-of-data-is-an-error-on-asyncio")
async def test_on_asyncio_a_close_while_the_peer_goes_on_sending_loses_the_connection_with_an_sslerror():
    stream = Stream()

    async with of_a_thread(stream) as (address, _):
        client = await connect(address, of_a_client())
        await until(lambda: client.received, "nothing arrived")
        client.transport.close()
        before = len(client.received)
        with contextlib.suppress(AssertionError):
            await until(client.is_lost, "it is not lost")
        lost = client.is_lost()
        await end([client])

        assert lost and isinstance(client.error, ssl.SSLError)
        assert len(client.received) == before


@claim("closing-tls-on-a-stream-of-data-is-an-error-on-asyncio")
async def test_on_asyncio_a_server_that_closes_while_its_client_goes_on_sending_loses_it_with_an_sslerror():
    async with of_a_streaming_client(Stream()) as server:
        server.transport.close()
        before = len(server.received)
        await until(server.is_lost, "it is not lost")

    assert isinstance(server.error, ssl.SSLError)
    assert len(server.received) == before


@claim("closing-tls-on-a-stream-of-data-waits-on-uvloop")
async def test_on_uvloop_a_close_while_the_peer_goes_on_sending_reads_on_and_loses_nothing_yet():
    stream = Stream()

    async with of_a_thread(stream) as (address, _):
        client = await connect(address, of_a_client())
        await until(lambda: client.received, "nothing arrived")
        client.transport.close()
        before, sent_before = len(client.received), stream.sent
        await until(lambda: client.is_lost() or stream.sent > sent_before + len(MUCH), "nothing is taken any more")
        lost = client.is_lost()
        await end([client])

        assert not lost
        assert len(client.received) == before


@claim("closing-tls-on-a-stream-of-data-waits-on-uvloop")
async def test_on_uvloop_a_close_while_the_peer_goes_on_sending_is_given_up_after_ssl_shutdown_timeout():
    async with of_a_thread(Stream()) as (address, _):
        client = await connect(address, of_a_client(), ssl_shutdown_timeout=0.005)
        async with ending([client]):
            await until(lambda: client.received, "nothing arrived")
            client.transport.close()
            await until(client.is_lost, "it is not given up")


@claim("closing-tls-on-a-stream-of-data-waits-on-uvloop")
async def test_on_uvloop_a_server_that_closes_while_its_client_goes_on_sending_gives_up_after_ssl_shutdown_timeout():
    async with of_a_streaming_client(Stream(), ssl_shutdown_timeout=0.005) as server:
        server.transport.close()
        await until(server.is_lost, "it is not given up")


def timers():
    """All timers of uvloop that were made since garbage was last collected; it is collected after each claim."""
    of_uvloop = ("uvloop.loop", "TimerHandle")
    young = gc.get_objects(generation=0)
    return [each for each in young if (type(each).__module__, type(each).__name__) == of_uvloop]


def delays_of_timers_that_closing_makes(transport):
    """Close a transport; in how many seconds each timer is due that this has made and that is not cancelled."""
    loop, before = asyncio.get_running_loop(), timers()
    transport.close()
    made = [each for each in timers() if each not in before]
    return [round(each.when() - loop.time()) for each in made if not each.cancelled()]


@pytest.mark.parametrize(
    "options, seconds", [({}, 30), ({"ssl_shutdown_timeout": 7}, 7)], ids=["by-default", "as-it-is-told"]
)
@claim("closing-tls-on-a-stream-of-data-waits-on-uvloop")
async def test_on_uvloop_a_close_while_the_peer_goes_on_sending_is_to_wait_30_s_by_default_or_what_it_is_told(
    options, seconds
):
    async with of_a_streaming_client(Stream(), **options) as server:
        by_the_server = delays_of_timers_that_closing_makes(server.transport)

    async with of_a_thread(Stream()) as (address, _):
        client = await connect(address, of_a_client(), **options)
        async with ending([client]):
            await until(lambda: client.received, "nothing arrived")
            by_the_client = delays_of_timers_that_closing_makes(client.transport)

    assert (by_the_server, by_the_client) == ([seconds], [seconds])


@claim("closing-tls-on-a-stream-of-data-waits-on-uvloop")
async def test_on_uvloop_a_close_while_the_peer_goes_on_sending_ends_when_the_peer_does():
    stream = Stream()

    async with of_a_thread(stream) as (address, _):
        client = await connect(address, of_a_client())
        async with ending([client]):
            await until(lambda: client.received, "nothing arrived")
            client.transport.close()
            stream.is_all = True
            await until(client.is_lost, "the end of the peer is not its end")


@claim("closing-tls-on-a-stream-of-data-waits-on-uvloop")
async def test_on_uvloop_a_server_that_closes_while_its_client_goes_on_sending_reads_on_until_that_ends():
    stream = Stream()

    async with of_a_streaming_client(stream) as server:
        server.transport.close()
        before, sent_before = len(server.received), stream.sent
        await until(lambda: server.is_lost() or stream.sent > sent_before + len(MUCH), "nothing is taken any more")
        lost_before, stream.is_all = server.is_lost(), True
        await until(server.is_lost, "the end of the client is not its end")

    assert not lost_before
    assert len(server.received) == before
