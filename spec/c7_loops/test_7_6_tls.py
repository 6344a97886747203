"""7.6: what every event loop does with TLS: whom it trusts, and when a connection is made."""

import asyncio
import contextlib
import os
import socket
import ssl

import pytest

from fixtures.claims import claim
from fixtures.errors import exactly
from fixtures.recorder import end
from fixtures.servers.http import CERTIFICATE
from fixtures.soon import soon, until
from fixtures.tls import Encrypted, Waited, connect, not_held_up, of_a_client, of_a_server, serving


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


@claim("tls-handshake-is-done-before-connection-made")
async def test_connection_made_comes_when_the_handshake_is_done_and_to_nobody_where_there_is_none():
    out_of_debug_mode()

    async with serving(of_a_server()) as (address, accepted), plainly_connected(address) as silent:
        await until(lambda: accepted, "the server asked for no protocol")
        client = await connect(address, of_a_client())
        await until(lambda: len(accepted) == 2 and accepted[1].is_made(), "the server was told of no connection")
        of_the_silent, of_the_others = list(accepted[0].calls), client.calls + accepted[1].calls
        silent.shutdown(socket.SHUT_WR)
        await all_it_says(silent)
        await end([client])

        assert (of_the_silent, of_the_others) == ([], ["connection_made"] * 2)
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


@pytest.mark.parametrize("timeout", [1, 0])
@claim("options-of-tls-without-tls-are-refused")
async def test_create_server_refuses_a_handshake_timeout_where_there_is_no_tls(timeout):
    with exactly(ValueError, match="only meaningful with ssl"):
        async with serving(None, ssl_handshake_timeout=timeout):
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


@claim("peer-that-is-silent-in-the-handshake-is-given-up")
async def test_a_server_that_says_nothing_is_a_connectionabortederror_after_the_timeout_and_not_before():
    async def attempt(timeout):
        waited = Waited(timeout)
        refused = await refusal(silent.getsockname(), of_a_client(), ssl_handshake_timeout=timeout)
        return type(refused), waited.told()

    with socket.create_server(("127.0.0.1", 0)) as silent:
        error, waited = await not_held_up(attempt)

    assert error is ConnectionAbortedError
    assert waited is True, "it was given up too early"


@claim("peer-that-is-silent-in-the-handshake-is-given-up")
async def test_a_server_of_a_unix_socket_that_says_nothing_is_a_connectionabortederror_too(tmp_path):
    path = str(tmp_path / "socket")

    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(path)
        silent.listen()
        connecting = asyncio.get_running_loop().create_unix_connection(
            Encrypted, path, ssl=of_a_client(), server_hostname="127.0.0.1", ssl_handshake_timeout=0.005
        )
        with exactly(ConnectionAbortedError):
            await soon(connecting)


@claim("peer-that-is-silent-in-the-handshake-is-given-up")
async def test_a_client_that_says_nothing_to_a_unix_socket_is_disconnected_too(tmp_path):
    out_of_debug_mode()
    loop, path = asyncio.get_running_loop(), str(tmp_path / "socket")

    server = await loop.create_unix_server(Encrypted, path, ssl=of_a_server(), ssl_handshake_timeout=0.005)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.setblocking(False)
        await soon(loop.sock_connect(silent, path))
        try:
            said = await all_it_says(silent)
        finally:
            server.close()

    assert said == b""


@claim("peer-that-is-silent-in-the-handshake-is-given-up")
async def test_a_client_that_says_nothing_is_disconnected_after_the_timeout_and_not_before():
    out_of_debug_mode()

    async def attempt(timeout):
        async with serving(of_a_server(), ssl_handshake_timeout=timeout) as (address, accepted):
            waited = Waited(timeout)
            async with plainly_connected(address) as silent:
                said, in_time = await all_it_says(silent), waited.told()
            return said, [protocol.calls for protocol in accepted if protocol.calls], in_time

    said, told, waited = await not_held_up(attempt)

    assert said == b""
    assert waited is True, "it was given up too early"
    assert told == []


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
