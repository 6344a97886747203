"""7.6: an open connection goes on over TLS."""

import asyncio
import contextlib
import ssl

import pytest

from fixtures.claims import claim
from fixtures.errors import exactly
from fixtures.recorder import end
from fixtures.soon import soon, until
from fixtures.tls import Waited, connect, not_held_up, of_a_client, of_a_server, serving


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


@claim("peer-that-is-silent-in-the-handshake-is-given-up")
async def test_start_tls_of_a_server_gives_up_a_client_that_says_nothing():
    async with both_ends() as (client, server):
        starting = asyncio.get_running_loop().start_tls(
            server.transport, server, of_a_server(), server_side=True, ssl_handshake_timeout=0.005
        )
        refused = await asyncio.wait([asyncio.ensure_future(soon(starting))])
        await until(client.is_lost, "the client did not lose it")
        server.calls.append("connection_lost")  # of which it is not told: end() would wait for it

    assert [type(task.exception()) for task in refused[0]] == [ConnectionAbortedError]


@claim("peer-that-is-silent-in-the-handshake-is-given-up")
async def test_start_tls_does_not_give_up_a_peer_that_says_nothing_before_the_timeout():
    async def attempt(timeout):
        async with both_ends() as (client, server):
            waited = Waited(timeout)
            starting = asyncio.get_running_loop().start_tls(
                client.transport, client, of_a_client(), server_hostname="127.0.0.1", ssl_handshake_timeout=timeout
            )
            with contextlib.suppress(ConnectionAbortedError):
                await soon(starting)
            in_time = waited.told()
            await until(server.is_lost, "the server did not lose it")
            client.calls.append("connection_lost")  # of which it is not told: end() would wait for it
            return (in_time,)

    (waited,) = await not_held_up(attempt)

    assert waited is True, "it was given up too early"


@claim("tls-transport-cannot-write-eof")
async def test_a_transport_of_start_tls_cannot_write_eof_either():
    async with both_ends() as (client, server):
        client.transport, server.transport = await upgrade(client, server)
        able = [protocol.transport.can_write_eof() for protocol in (client, server)]
        for protocol in (client, server):
            with exactly(NotImplementedError):
                protocol.transport.write_eof()

    assert able == [False, False]


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


def trusting_nobody():
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.mark.parametrize(
    "context, name",
    [(trusting_nobody, "127.0.0.1"), (of_a_client, "elsewhere.example")],
    ids=["not-trusted", "of-another-name"],
)
@claim("start-tls-refuses-a-certificate-and-closes")
async def test_start_tls_raises_for_a_certificate_that_it_does_not_trust_and_closes_the_connection(context, name):
    loop = asyncio.get_running_loop()

    async with both_ends() as (client, server):
        there = asyncio.ensure_future(loop.start_tls(server.transport, server, of_a_server(), server_side=True))
        with exactly(ssl.SSLCertVerificationError):
            await soon(loop.start_tls(client.transport, client, context(), server_hostname=name))
        await until(there.done, "the server still waits")
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
