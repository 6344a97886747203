"""7.6: what every event loop does with TLS: whom it trusts, when a connection is made, and how it ends."""

import asyncio
import contextlib
import os
import socket
import ssl

import pytest

from fixtures.claims import claim
from fixtures.errors import error_of, exactly
from fixtures.recorder import Recorder
from fixtures.servers.http import CERTIFICATE
from fixtures.soon import soon, until
from fixtures.threads import SOON
from fixtures.trace import turn

NOT_LONG = 0.03  # seconds after which a peer that is silent is given up; it is silent for ever
MUCH = b"x" * 8_000_000  # more than the kernel's buffers on both sides take


def of_a_server():
    """What a server shows who it is with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def of_a_client():
    """What a client trusts that server with."""
    return ssl.create_default_context(cafile=CERTIFICATE)


class Encrypted(Recorder):
    """Records too what encrypts its connection when it is told of that."""

    def connection_made(self, transport):
        self.cipher_at_first = transport.get_extra_info("cipher")
        super().connection_made(transport)


def abort(protocols):
    """Abort all connections that were made; these are returned."""
    made = [protocol for protocol in protocols if protocol.is_made()]
    for protocol in made:
        if not protocol.is_lost():
            protocol.transport.abort()
    return made


async def end(protocols):
    """Have all connections lost that were made."""
    made = abort(protocols)
    await until(lambda: all(protocol.is_lost() for protocol in made), "one is not closed")
    for protocol in made:
        protocol.transport.close()  # before Python 3.11 asyncio warns of one that was closed by the other side alone


@contextlib.asynccontextmanager
async def ending(protocols):
    """Have the connections of these protocols lost at the end. What fails before that is not hidden by it."""
    try:
        yield
    except BaseException:
        abort(protocols)
        raise
    await end(protocols)


@contextlib.asynccontextmanager
async def serving(context, **options):
    """The address of a server, and the protocols of its connections, which are closed at the end."""
    accepted = []

    def accept():
        accepted.append(Encrypted())
        return accepted[-1]

    server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0, ssl=context, **options)
    async with ending(accepted):
        try:
            yield server.sockets[0].getsockname(), accepted
        finally:
            server.close()


async def connect(address, context, **options):
    _, protocol = await asyncio.get_running_loop().create_connection(Encrypted, *address, ssl=context, **options)
    return protocol


@contextlib.asynccontextmanager
async def connected():
    """The protocols of a client and of the server, with TLS between them."""
    async with serving(of_a_server()) as (address, accepted):
        client = await connect(address, of_a_client())
        async with ending([client]):
            await until(lambda: accepted and accepted[0].is_made(), "the server was told of no connection")
            yield client, accepted[0]


@contextlib.asynccontextmanager
async def plainly_connected(address):
    """A socket that is connected and knows nothing of TLS."""
    with socket.socket() as plain:
        plain.setblocking(False)
        await soon(asyncio.get_running_loop().sock_connect(plain, address))
        yield plain


async def all_it_says(plain):
    """What comes over a socket until its end, which has to come."""
    said = []
    with contextlib.suppress(ConnectionResetError):
        while piece := await soon(asyncio.get_running_loop().sock_recv(plain, 1000)):
            said.append(piece)
    return b"".join(said)


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


@claim("tls-handshake-is-done-before-connection-made")
async def test_connection_made_comes_when_the_handshake_is_done_and_to_nobody_where_there_is_none():
    out_of_debug_mode()

    async with serving(of_a_server()) as (address, accepted), plainly_connected(address) as silent:
        await until(lambda: accepted, "the server asked for no protocol")
        client = await connect(address, of_a_client())
        await until(lambda: len(accepted) == 2 and accepted[1].is_made(), "the server was told of no connection")
        of_the_silent = list(accepted[0].calls)
        silent.shutdown(socket.SHUT_WR)
        await all_it_says(silent)
        await end([client])

        assert of_the_silent == []
        assert client.cipher_at_first is not None
        assert accepted[1].cipher_at_first == client.cipher_at_first


@claim("tls-handshake-is-done-before-connection-made")
async def test_connection_made_does_not_come_to_a_client_that_refuses_the_certificate():
    out_of_debug_mode()
    asked = []

    def ask():
        asked.append(Encrypted())
        return asked[-1]

    async with serving(of_a_server()) as (address, _):
        connecting = asyncio.get_running_loop().create_connection(
            ask, *address, ssl=of_a_client(), server_hostname="example.com"
        )
        with pytest.raises(ssl.SSLCertVerificationError):
            await soon(connecting)

    assert [protocol.calls for protocol in asked] == [[]]


def name_in(certificate):
    """The name of whose certificate it is; what is no certificate is returned as it is."""
    if not isinstance(certificate, dict):
        return certificate
    return dict(pair for (pair,) in certificate.get("subject", ())).get("commonName")


@claim("tls-transport-tells-of-its-encryption")
async def test_get_extra_info_tells_cipher_context_and_the_peers_certificate():
    contexts = [of_a_client(), of_a_server()]

    async with serving(contexts[1]) as (address, accepted):
        client = await connect(address, contexts[0])
        await until(lambda: accepted and accepted[0].is_made(), "the server was told of no connection")
        told = {
            name: [protocol.transport.get_extra_info(name) for protocol in (client, accepted[0])]
            for name in ("sslcontext", "ssl_object", "cipher", "peercert")
        }
        await end([client])

        assert told["sslcontext"] == contexts
        assert all(isinstance(of_either, ssl.SSLObject) for of_either in told["ssl_object"])
        assert [of_either.cipher() for of_either in told["ssl_object"]] == told["cipher"]
        assert told["cipher"] == [client.cipher_at_first] * 2 != [None] * 2
        names = [name_in(certificate) for certificate in told["peercert"]]
        assert names == ["localhost", None]  # the server asked the client for none


async def refusal(address, context, **options):
    """With what error the peer is refused, None where it is not."""
    try:
        client = await soon(connect(address, context, **options))
    except Exception as error:
        return error
    client.transport.close()
    await until(client.is_lost, "it was not closed")
    return None


def out_of_debug_mode():
    """In debug mode asyncio's servers report each handshake that fails to the exception handler."""
    asyncio.get_running_loop().set_debug(False)


def reports():
    """What is reported to the exception handler from now on."""
    out_of_debug_mode()
    loop, seen = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _loop, context: seen.append(context))
    return seen


@claim("certificate-that-nobody-vouches-for-is-refused")
async def test_with_ssl_true_a_self_signed_certificate_is_refused_and_the_protocols_are_told_nothing(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)  # which authorities a machine trusts is no part of this
    reported = reports()

    async with serving(of_a_server()) as (address, accepted):
        refused = await refusal(address, True)
        trusted = await refusal(address, of_a_client())
        await until(lambda: len(accepted) == 2 and accepted[1].is_lost(), "the server did not lose it")

        assert type(refused) is ssl.SSLCertVerificationError
        assert trusted is None
        assert accepted[0].calls == []
        assert reported == []


@claim("certificate-of-another-name-is-refused")
async def test_the_certificate_has_to_be_for_server_hostname_and_without_it_for_the_host():
    out_of_debug_mode()

    async with serving(of_a_server()) as (address, _):
        of_another = await refusal(address, of_a_client(), server_hostname="example.com")
        of_the_host = await refusal(address, of_a_client())
        # Another name for 127.0.0.1, which is not in the certificate.
        of_another_host = await refusal(("127.1", address[1]), of_a_client())
        of_its_other_name = await refusal(address, of_a_client(), server_hostname="localhost")

        assert type(of_another) is type(of_another_host) is ssl.SSLCertVerificationError
        assert (of_the_host, of_its_other_name) == (None, None)


@claim("tls-over-a-socket-needs-a-name")
async def test_with_a_socket_and_no_server_hostname_create_connection_raises_valueerror():
    loop = asyncio.get_running_loop()

    async with serving(of_a_server()) as (address, _), plainly_connected(address) as plain:
        for context in (True, of_a_client()):
            with exactly(ValueError, match="must set server_hostname"):
                await soon(loop.create_connection(Encrypted, sock=plain, ssl=context))
        _, client = await soon(
            loop.create_connection(Encrypted, sock=plain, ssl=of_a_client(), server_hostname="127.0.0.1")
        )
        await end([client])

        assert client.cipher_at_first is not None


@pytest.mark.parametrize(
    "option, value",
    [
        ("server_hostname", "localhost"),
        ("server_hostname", ""),
        ("ssl_handshake_timeout", 1),
        ("ssl_handshake_timeout", 0),
    ],
)
@claim("options-of-tls-without-tls-are-refused")
async def test_create_connection_refuses_options_of_tls_where_there_is_no_tls(option, value):
    async with serving(None) as (address, accepted):
        with exactly(ValueError, match="only meaningful with ssl"):
            await soon(connect(address, None, **{option: value}))

        assert accepted == []


@claim("options-of-tls-without-tls-are-refused")
async def test_create_server_refuses_a_handshake_timeout_where_there_is_no_tls():
    with exactly(ValueError, match="only meaningful with ssl"):
        async with serving(None, ssl_handshake_timeout=1):
            pass


@claim("options-of-tls-without-tls-are-refused")
async def test_connections_and_servers_of_unix_sockets_refuse_options_of_tls_where_there_is_no_tls(tmp_path):
    loop, path = asyncio.get_running_loop(), str(tmp_path / "socket")

    with contextlib.closing(await loop.create_unix_server(Encrypted, path)):
        for make, option in (
            (loop.create_unix_connection, {"server_hostname": "localhost"}),
            (loop.create_unix_connection, {"ssl_handshake_timeout": 1}),
            (loop.create_unix_server, {"ssl_handshake_timeout": 1}),
        ):
            with exactly(ValueError, match="only meaningful with ssl"):
                await make(Encrypted, path, **option)


@claim("options-of-tls-without-tls-are-refused")
async def test_connect_accepted_socket_refuses_a_handshake_timeout_where_there_is_no_tls():
    here, there = socket.socketpair()
    with here, there, exactly(ValueError, match="only meaningful with ssl"):
        await asyncio.get_running_loop().connect_accepted_socket(Encrypted, here, ssl_handshake_timeout=1)


@claim("server-needs-a-context-of-its-own")
async def test_create_server_refuses_ssl_true_with_typeerror():
    with exactly(TypeError, match="must be an SSLContext"):
        async with serving(True):
            pass


class Waited:
    """Tells whether most of a timeout has passed that begins now, or later."""

    def __init__(self, timeout):
        self.turns, self.nearly = 0, False
        asyncio.get_running_loop().call_later(0.9 * timeout, setattr, self, "nearly", True)
        self.turn(timeout / 30)

    def turn(self, delay):
        self.turns += 1
        if not self.nearly:
            asyncio.get_running_loop().call_later(delay, self.turn, delay)

    def told(self):
        """None where the loop stood still for long: what came too early may seem to have come in time then."""
        return None if self.nearly and self.turns < 12 else self.nearly


async def not_held_up(attempt):
    """What an attempt gives that tells last whether it waited: of the first in which the loop did not stand still."""
    for _ in range(10):
        *given, waited = await soon(attempt())
        if waited is not None:
            break
    return *given, waited


@claim("peer-that-is-silent-in-the-handshake-is-given-up")
async def test_a_server_that_says_nothing_is_a_connectionabortederror_after_the_timeout_and_not_before():
    async def attempt():
        waited = Waited(NOT_LONG)
        refused = await refusal(silent.getsockname(), of_a_client(), ssl_handshake_timeout=NOT_LONG)
        return type(refused), waited.told()

    with socket.create_server(("127.0.0.1", 0)) as silent:
        error, waited = await not_held_up(attempt)

    assert error is ConnectionAbortedError
    assert waited is not False, "it was given up too early"


@claim("peer-that-is-silent-in-the-handshake-is-given-up")
async def test_a_client_that_says_nothing_is_disconnected_after_the_timeout_and_not_before():
    out_of_debug_mode()

    async with serving(of_a_server(), ssl_handshake_timeout=NOT_LONG) as (address, accepted):

        async def attempt():
            waited = Waited(NOT_LONG)
            async with plainly_connected(address) as silent:
                return await all_it_says(silent), waited.told()

        said, waited = await not_held_up(attempt)

        assert said == b""
        assert waited is not False, "it was given up too early"
        assert [protocol.calls for protocol in accepted if protocol.calls] == []


@claim("plain-client-of-a-tls-server-is-disconnected")
async def test_a_client_without_tls_is_disconnected_and_neither_protocol_nor_exception_handler_is_told():
    loop, reported = asyncio.get_running_loop(), reports()

    async with serving(of_a_server()) as (address, accepted):
        async with plainly_connected(address) as plain:
            await soon(loop.sock_sendall(plain, b"GET / HTTP/1.0\r\n\r\n"))
            said = await all_it_says(plain)

        assert b"HTTP" not in said  # at most that the handshake failed
        assert [protocol.calls for protocol in accepted] == [[]]
        assert reported == []


def asking_for_a_certificate():
    context = of_a_server()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(CERTIFICATE)
    return context


@claim("server-sees-the-certificate-that-it-asks-for")
async def test_a_server_that_asks_for_a_certificate_is_told_the_clients():
    context = of_a_client()
    context.load_cert_chain(CERTIFICATE)

    async with serving(asking_for_a_certificate()) as (address, accepted):
        client = await connect(address, context)
        await until(lambda: accepted and accepted[0].is_made(), "the server was told of no connection")
        shown = accepted[0].transport.get_extra_info("peercert")
        await end([client])

        assert name_in(shown) == "localhost"


@claim("client-without-a-certificate-is-connected-first-and-then-not")
async def test_with_tls_1_3_a_client_without_the_certificate_asked_for_is_connected_and_then_loses_it():
    out_of_debug_mode()
    context = of_a_client()
    context.minimum_version = ssl.TLSVersion.TLSv1_3

    async with serving(asking_for_a_certificate()) as (address, accepted):
        try:
            client = await connect(address, context)
        except OSError as error:
            raise AssertionError("it was not connected") from error
        at_first = list(client.calls)
        await until(client.is_lost, "the connection was not lost")
        await end([client])

        assert at_first == ["connection_made"]
        assert [protocol.calls for protocol in accepted] == [[]]


@claim("tls-transport-cannot-write-eof")
async def test_write_eof_over_tls_raises_notimplementederror_and_the_connection_stays_open():
    async with connected() as (client, server):
        able = [protocol.transport.can_write_eof() for protocol in (client, server)]
        for protocol in (client, server):
            with exactly(NotImplementedError):
                protocol.transport.write_eof()
            protocol.transport.write(b"still open")
        await until(lambda: client.received == server.received == b"still open", "nothing arrived")

        assert able == [False, False]


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
    for ending in ("close", "abort"):
        async with of_a_thread(until_the_end) as (address, talking):
            client = await connect(address, of_a_client())
            await until(lambda: client.received == b"welcome", "nothing arrived")  # noqa: B023
            getattr(client.transport, ending)()
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


@claim("peer-that-does-not-say-goodbye-is-given-up")
async def test_after_ssl_shutdown_timeout_the_connection_to_a_peer_that_does_not_close_is_lost_with_timeouterror():
    async def attempt():
        hold, held = socket.socketpair()
        with hold, held:
            held.settimeout(SOON)
            async with of_a_thread(lambda _connection: held.recv(1)) as (address, _):
                client = await connect(address, of_a_client(), ssl_shutdown_timeout=NOT_LONG)
                waited = Waited(NOT_LONG)
                client.transport.close()
                with contextlib.suppress(AssertionError):
                    await until(client.is_lost, "it is not given up")
                lost, in_time = client.is_lost(), waited.told()
                hold.send(b"!")
                await end([client])
                return lost and type(client.error), in_time

    error, waited = await not_held_up(attempt)

    assert error is TimeoutError
    assert waited is not False, "it was given up too early"


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
    """Sends without end; `sent` counts."""

    def __init__(self):
        self.sent = 0

    def __call__(self, connection):
        with contextlib.suppress(OSError):
            while True:
                self.sent += connection.send(b"y" * 65_536)


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


@claim("tls-protocol-is-paused-while-too-much-is-buffered")
async def test_over_tls_pause_writing_comes_when_the_peer_takes_nothing_and_resume_writing_when_it_does():
    async with connected() as (client, server):
        server.transport.pause_reading()
        written = 0
        while "pause_writing" not in client.calls and written < 4 * len(MUCH):
            client.transport.write(b"x" * 65_536)
            written += 65_536
            await turn()
        for _ in range(10):
            await turn()
        paused = list(client.calls)
        buffered = client.transport.get_write_buffer_size()
        server.transport.resume_reading()
        await until(lambda: len(server.received) == written, "not all has arrived")

        assert paused == ["connection_made", "pause_writing"]
        assert buffered > client.transport.get_write_buffer_limits()[1]
        assert client.calls == ["connection_made", "pause_writing", "resume_writing"]


@claim("tls-pause-reading-holds-data-back-until-resume")
async def test_over_tls_what_comes_while_reading_is_paused_is_delivered_after_resume():
    async with serving(of_a_server()) as (address, accepted):
        clients = [await connect(address, of_a_client()) for _ in range(2)]
        await until(lambda: len(accepted) == 2 and all(each.is_made() for each in accepted), "not all are connected")
        paused, control = zip(clients, accepted)
        for protocol in paused:
            protocol.transport.pause_reading()
        for said in (b"meanwhile", b" and later"):
            for protocol in (*paused, *control):
                protocol.transport.write(said)
            for protocol in control:
                await until(lambda: protocol.received.endswith(said), "nothing came where it was not paused")  # noqa: B023
        for _ in range(10):
            await turn()
        before = [protocol.received for protocol in paused]
        for protocol in paused:
            protocol.transport.resume_reading()
            await until(lambda: protocol.received.endswith(b"later"), "nothing came after resume_reading")  # noqa: B023
        await end(clients)

        assert before == [b"", b""]
        assert [protocol.received for protocol in paused] == [b"meanwhile and later"] * 2


async def high_mark():
    """How much a TLS transport takes before it pauses its protocol; it says so itself."""
    async with connected() as (client, server):
        server.transport.pause_reading()
        sizes = [0]
        while "pause_writing" not in client.calls and sizes[-1] < len(MUCH):
            client.transport.write(b"x" * 16_384)
            sizes.append(client.transport.get_write_buffer_size())
        told = client.transport.get_write_buffer_limits()[1]

        assert sizes[-2] <= told < sizes[-1]
        return told


@claim("tls-write-buffer-takes-512-kib-since-3-11")
async def test_since_3_11_the_high_mark_of_a_tls_transport_is_512_kib():
    assert await high_mark() == 512 * 1024


@claim("tls-write-buffer-takes-64-kib-before-3-11-on-asyncio")
async def test_on_asyncio_before_3_11_the_high_mark_of_a_tls_transport_is_64_kib():
    assert await high_mark() == 64 * 1024


@claim("writing-to-a-closed-tls-transport-is-silent")
async def test_write_and_writelines_of_a_closed_tls_transport_raise_nothing_and_send_nothing():
    async with connected() as (client, server):
        client.transport.close()
        writes = ((client.transport.write, b"late"), (client.transport.writelines, [b"late"]))
        said = [error_of(*write) for write in writes]
        await until(client.is_lost, "it was not lost")
        said += [error_of(*write) for write in writes]
        await until(server.is_lost, "the server did not lose it")
        for protocol in (client, server):
            protocol.transport.abort()
            said.append(error_of(protocol.transport.write, b"late"))

        assert said == [None] * 6
        assert server.received == b""


@contextlib.asynccontextmanager
async def both_ends():
    """A client and a server that are connected without TLS."""
    async with serving(None) as (address, accepted):
        client = await connect(address, None)
        try:
            await until(lambda: accepted and accepted[0].is_made(), "the server was told of no connection")
            yield client, accepted[0]
        finally:
            await end([client])


async def upgrade(client, server, **options):
    """Start TLS on both ends of a connection, with these options at that of the client; their new transports."""
    loop = asyncio.get_running_loop()
    here = loop.start_tls(client.transport, client, of_a_client(), server_hostname="127.0.0.1", **options)
    there = loop.start_tls(server.transport, server, of_a_server(), server_side=True)
    return await soon(asyncio.gather(here, there))


@claim("start-tls-upgrades-an-open-connection")
async def test_start_tls_gives_a_new_transport_with_tls_for_the_same_connection_and_protocol():
    async with both_ends() as (client, server):
        plain = client.transport
        client.transport.write(b"plain, ")
        await until(lambda: server.received == b"plain, ", "nothing arrived")
        client.transport, server.transport = await upgrade(client, server)
        client.transport.write(b"and then not")
        await until(lambda: server.received == b"plain, and then not", "nothing arrived")
        ports = [transport.get_extra_info("sockname") for transport in (plain, client.transport)]

        assert client.transport is not plain
        assert (client.transport.get_protocol(), server.transport.get_protocol()) == (client, server)
        assert ports[0] == ports[1]
        assert (plain.get_extra_info("cipher"), client.cipher_at_first) == (None, None)
        assert client.transport.get_extra_info("cipher") == server.transport.get_extra_info("cipher") is not None
        assert client.calls == ["connection_made"]
        assert server.calls == ["connection_made", "data_received"]


@claim("peer-that-is-silent-in-the-handshake-is-given-up")
async def test_start_tls_gives_up_a_peer_that_says_nothing_with_connectionabortederror():
    async with both_ends() as (client, server):
        starting = asyncio.get_running_loop().start_tls(
            client.transport, client, of_a_client(), server_hostname="127.0.0.1", ssl_handshake_timeout=0.005
        )
        with exactly(ConnectionAbortedError):
            await soon(starting)
        await until(server.is_lost, "the server did not lose it")
        client.calls.append("connection_lost")  # of which it is not told: end() would wait for it


@claim("peer-that-does-not-say-goodbye-is-given-up")
async def test_a_transport_of_start_tls_is_lost_with_timeouterror_after_its_ssl_shutdown_timeout():
    async with both_ends() as (client, server):
        client.transport, server.transport = await upgrade(client, server, ssl_shutdown_timeout=0.005)
        server.transport.pause_reading()  # so that it hears of no goodbye
        client.transport.close()
        await until(client.is_lost, "it is not given up")

        assert type(client.error) is TimeoutError


@claim("start-tls-needs-a-context")
async def test_start_tls_refuses_what_is_no_context_with_typeerror_and_the_connection_stays_as_it_is():
    async with both_ends() as (client, server):
        for no_context in (None, True):
            with exactly(TypeError, match="instance of ssl.SSLContext"):
                await soon(asyncio.get_running_loop().start_tls(client.transport, client, no_context))
        assert not client.transport.is_closing()
        for protocol in (client, server):
            protocol.transport.write(b"still plain")
        await until(lambda: server.received == client.received == b"still plain", "nothing arrived")


@claim("start-tls-refuses-a-certificate-and-closes")
async def test_start_tls_raises_for_a_certificate_that_it_does_not_trust_and_closes_the_connection():
    loop = asyncio.get_running_loop()

    async with both_ends() as (client, server):
        there = asyncio.ensure_future(loop.start_tls(server.transport, server, of_a_server(), server_side=True))
        trusting_nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        with exactly(ssl.SSLCertVerificationError):
            await soon(loop.start_tls(client.transport, client, trusting_nobody, server_hostname="127.0.0.1"))
        await asyncio.wait([there])
        for protocol in (client, server):
            await until(protocol.transport.is_closing, "the transport is not closing")
            protocol.calls.append("connection_lost")  # of which it is not told: end() would wait for it

        assert isinstance(there.exception(), OSError)


@claim("stream-writer-starts-tls")
async def test_a_stream_goes_on_over_tls_after_start_tls_of_its_writer():
    async def answer(reader, writer):
        writer.write(await reader.readline())
        await writer.start_tls(of_a_server())
        writer.write(await reader.readline())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"plain\n")
    answers, ciphers = [await soon(reader.readline())], [writer.get_extra_info("cipher")]
    await soon(writer.start_tls(of_a_client(), server_hostname="127.0.0.1"))
    ciphers.append(writer.get_extra_info("cipher"))
    writer.write(b"not plain\n")
    answers.append(await soon(reader.read()))
    writer.close()
    await soon(writer.wait_closed())
    server.close()

    assert answers == [b"plain\n", b"not plain\n"]
    assert ciphers[0] is None and ciphers[1] is not None


@claim("sendfile-over-tls-without-fallback-is-a-runtimeerror-on-asyncio")
async def test_on_asyncio_sendfile_over_tls_reads_and_writes_and_without_fallback_is_a_runtimeerror(tmp_path):
    loop = asyncio.get_running_loop()
    the_whole_file = bytes(range(251)) * 2_000  # more than is read and written at once
    (tmp_path / "letter").write_bytes(the_whole_file)

    async with connected() as (client, server):
        with (tmp_path / "letter").open("rb") as file:
            with exactly(RuntimeError, match="fallback is disabled"):  # and no asyncio.SendfileNotAvailableError
                await soon(loop.sendfile(client.transport, file, fallback=False))
            sent = await soon(loop.sendfile(client.transport, file))
        await until(lambda: len(server.received) >= sent, "it did not arrive")

        assert (sent, server.received) == (len(the_whole_file), the_whole_file)
