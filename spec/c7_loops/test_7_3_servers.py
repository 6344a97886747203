"""7.3: what every event loop's servers do: when they listen, whom they refuse, and what their end waits for."""

import asyncio
import contextlib
import errno
import socket

import pytest

from fixtures.claims import claim
from fixtures.errors import error_of, exactly
from fixtures.servers.wire import ELSEWHERE
from fixtures.soon import soon, until
from fixtures.trace import turn


class Peer(asyncio.Protocol):
    """One end of a connection; `lost` is set when the connection is, `received` is what has come."""

    def __init__(self):
        self.made, self.lost, self.received = asyncio.Event(), asyncio.Event(), b""

    def connection_made(self, transport):
        self.transport = transport
        self.made.set()

    def data_received(self, data):
        self.received += data

    def connection_lost(self, error):
        self.lost.set()


@contextlib.asynccontextmanager
async def serving(host="127.0.0.1", **options):
    """A server on a free port of 127.0.0.1; it is closed at the end, with all its connections."""
    accepted = []

    def accept():
        accepted.append(Peer())
        return accepted[-1]

    server = await asyncio.get_running_loop().create_server(accept, host, 0, **options)
    try:
        yield server, accepted
    finally:
        server.close()
        for peer in accepted:
            peer.transport.abort()
            await soon(peer.lost.wait())


async def connect(server_address):
    """Connect to a server, which accepts, and return the client's Peer."""
    _, peer = await asyncio.get_running_loop().create_connection(Peer, *server_address)
    return peer


async def is_refused(server_address):
    """Whether nobody listens at an address."""
    try:
        peer = await connect(server_address)
    except ConnectionRefusedError:
        return True
    peer.transport.abort()
    return False


def address_of(server):
    assert server.sockets, "the server tells of no socket"
    return server.sockets[0].getsockname()


@claim("server-listens-from-start-serving-on")
async def test_a_server_is_bound_at_once_and_refuses_connections_until_it_is_started():
    async with serving(start_serving=False) as (server, accepted):
        address = address_of(server)
        before = (address[1] > 0, server.is_serving(), await is_refused(address))
        await server.start_serving()

        assert before == (True, False, True)
        after = (server.is_serving(), await is_refused(address), await is_refused(address))
        assert after == (True, False, False)
        await until(lambda: len(accepted) == 2, "the server was not told of both connections")
        await until(lambda: all(peer.made.is_set() for peer in accepted), "not both were made")


@claim("closed-server-refuses-new-connections-and-keeps-the-old")
async def test_after_close_nobody_listens_and_the_connections_that_were_open_stay_so_and_carry_data():
    async with serving(host=["127.0.0.1", ELSEWHERE]) as (server, accepted):
        addresses = [listening.getsockname() for listening in server.sockets]
        clients = [await connect(address) for address in (addresses[0], addresses[-1])]
        await until(
            lambda: len(accepted) == 2 and all(peer.made.is_set() for peer in accepted), "not both are accepted"
        )
        server.close()
        refused = [await is_refused(address) for address in addresses]
        for _ in range(10):
            await turn()

        assert refused == [True] * len(addresses)
        assert (list(server.sockets or ()), server.is_serving()) == ([], False)
        assert [peer.lost.is_set() for peer in (*clients, *accepted)] == [False] * 4
        for peer in (*clients, *accepted):
            peer.transport.write(b"still here")
        await until(lambda: all(peer.received for peer in (*clients, *accepted)), "nothing arrives any more")
        assert [peer.received for peer in (*clients, *accepted)] == [b"still here"] * 4
        for client in clients:
            client.transport.abort()
            await soon(client.lost.wait())


@pytest.mark.parametrize("started", [True, False], ids=["started", "not-started"])
@claim("serve-forever-that-is-cancelled-closes-its-server")
async def test_cancelling_serve_forever_closes_the_server_and_raises_cancellederror(started):
    async with serving(start_serving=started) as (server, _):
        address = address_of(server)
        forever = asyncio.ensure_future(server.serve_forever())
        await until(server.is_serving, "it does not serve")
        before = (await is_refused(address), forever.done())
        forever.cancel()
        await asyncio.wait([forever])

        assert before == (False, False)
        assert forever.cancelled()
        assert (server.is_serving(), await is_refused(address)) == (False, True)


@claim("serve-forever-that-is-cancelled-closes-its-server")
async def test_cancelling_serve_forever_closes_the_server_a_turn_after_it_began_and_while_a_connection_is_open_too():
    async with serving() as (server, _):
        forever = asyncio.ensure_future(server.serve_forever())
        await turn()
        forever.cancel()
        await asyncio.wait([forever])
        assert not server.is_serving()

    async with serving() as (server, accepted):
        address = address_of(server)
        forever = asyncio.ensure_future(server.serve_forever())
        client = await connect(address)
        await until(lambda: accepted and accepted[0].made.is_set(), "the server was told of no connection")
        forever.cancel()
        await until(lambda: not server.is_serving(), "it is not closed")
        refused = await is_refused(address)
        client.transport.abort()  # since Python 3.12 a serve_forever() that was cancelled waits for it
        await asyncio.wait([forever])

        assert refused


@pytest.mark.parametrize("message", [(), ("that will do",)], ids=["no-message", "message"])
@claim("serve-forever-that-is-cancelled-closes-its-server")
async def test_cancelling_serve_forever_closes_all_sockets_of_its_server(message):
    async with serving(["127.0.0.1", ELSEWHERE]) as (server, _):
        addresses = [listening.getsockname() for listening in server.sockets]
        forever = asyncio.ensure_future(server.serve_forever())
        await turn()
        forever.cancel(*message)
        await asyncio.wait([forever])

        assert forever.cancelled()
        assert [await is_refused(address) for address in addresses] == [True] * len(addresses)


@claim("serve-forever-that-is-cancelled-closes-its-server")
async def test_cancelling_serve_forever_closes_a_server_of_a_unix_socket_too(tmp_path):
    server = await asyncio.get_running_loop().create_unix_server(Peer, str(tmp_path / "socket"))
    forever = asyncio.ensure_future(server.serve_forever())
    await turn()
    forever.cancel()
    await asyncio.wait([forever])
    serves = server.is_serving()
    server.close()

    assert (forever.cancelled(), serves) == (True, False)


@claim("serve-forever-refuses-a-second-run-and-a-closed-server")
async def test_serve_forever_raises_runtimeerror_when_it_runs_already_or_the_server_is_closed():
    async with serving() as (server, _):
        forever = asyncio.ensure_future(server.serve_forever())
        await turn()
        for _ in range(2):
            with exactly(RuntimeError, match="already being awaited"):
                await soon(server.serve_forever())
        still_runs = (server.is_serving(), forever.done())
        forever.cancel()
        await asyncio.wait([forever])
        for _ in range(2):
            with exactly(RuntimeError, match="is closed"):
                await soon(server.serve_forever())

        assert still_runs == (True, False)


@claim("serve-forever-refuses-a-second-run-and-a-closed-server")
async def test_serve_forever_raises_runtimeerror_where_the_server_was_closed_before_it_ever_ran():
    async with serving() as (server, _):
        server.close()
        with exactly(RuntimeError, match="is closed"):
            await soon(server.serve_forever())


@pytest.mark.parametrize("error", [None, LookupError, asyncio.CancelledError], ids=["ends", "raises", "is-cancelled"])
@claim("server-closes-at-the-end-of-async-with")
async def test_within_async_with_a_server_serves_and_after_it_is_closed(error):
    async with serving() as (server, _):
        address = address_of(server)
        with pytest.raises(error) if error else contextlib.nullcontext():
            async with server as entered:
                within = (entered is server, server.is_serving(), await is_refused(address))
                if error:
                    raise error

        assert within == (True, True, False)
        assert (server.is_serving(), await is_refused(address)) == (False, True)


async def waits_for_its_connections(server, accepted):
    """Whether each wait_closed() of a closed server waits, while two connections are open and while one is.

    When none is, each has to come to its end, and so has one that begins then.
    """
    clients = [await connect(address_of(server)) for _ in range(2)]
    await until(lambda: len(accepted) == 2 and all(peer.made.is_set() for peer in accepted), "not both were accepted")
    server.close()
    waiting = [asyncio.ensure_future(server.wait_closed()) for _ in range(2)]
    for _ in range(20):
        await turn()
    waits = [not each.done() for each in waiting]
    clients[0].transport.abort()
    await until(lambda: any(peer.lost.is_set() for peer in accepted), "the first was not lost")
    for _ in range(20):
        await turn()
    waits += [not each.done() for each in waiting]
    clients[1].transport.abort()
    for peer in accepted:
        await soon(peer.lost.wait())
    for each in (*waiting, server.wait_closed()):
        await soon(each)
    return waits


@claim("wait-closed-does-not-wait-for-connections-before-3-12")
async def test_before_python_3_12_wait_closed_returns_while_a_connection_is_open():
    async with serving() as (server, accepted):
        assert await waits_for_its_connections(server, accepted) == [False] * 4


@claim("wait-closed-does-not-wait-for-connections-on-uvloop")
async def test_on_uvloop_wait_closed_returns_while_a_connection_is_open():
    async with serving() as (server, accepted):
        assert await waits_for_its_connections(server, accepted) == [False] * 4


@claim("wait-closed-waits-for-connections-since-3-12")
async def test_since_python_3_12_wait_closed_waits_for_the_last_connection_to_close():
    async with serving() as (server, accepted):
        assert await waits_for_its_connections(server, accepted) == [True] * 4


async def end_with_its_server(server):
    """Whether serve_forever() ends with its server, whether it is cancelled then, and whether it is when told to be."""
    forever = asyncio.ensure_future(server.serve_forever())
    await turn()
    server.close()
    for _ in range(20):
        await turn()
    ended, is_cancelled = forever.done(), forever.cancelled()
    forever.cancel()
    await soon(asyncio.wait([forever]))
    return ended, is_cancelled, forever.cancelled()


@claim("closing-a-server-ends-serve-forever-on-asyncio")
async def test_on_asyncio_serve_forever_is_cancelled_when_its_server_is_closed():
    async with serving() as (server, _):
        assert await end_with_its_server(server) == (True, True, True)


@claim("closing-a-server-leaves-serve-forever-waiting-on-uvloop")
async def test_on_uvloop_serve_forever_goes_on_waiting_when_its_server_is_closed_until_it_is_cancelled():
    async with serving() as (server, _):
        assert await end_with_its_server(server) == (False, False, True)


@claim("servers-are-asyncio-servers-on-asyncio")
async def test_a_server_is_an_asyncio_server_and_its_sockets_are_a_tuple_also_when_it_is_closed():
    async with serving() as (server, _):
        assert type(server) is asyncio.Server
        assert isinstance(server, asyncio.AbstractServer)
        assert type(server.sockets) is tuple
        server.close()
        assert server.sockets == ()


@claim("servers-are-no-asyncio-servers-on-uvloop")
async def test_on_uvloop_a_server_inherits_nothing_from_asyncio_and_its_sockets_are_a_list_also_when_it_is_closed():
    async with serving() as (server, _):
        assert not isinstance(server, asyncio.AbstractServer)
        assert {kind.__module__ for kind in type(server).__mro__} == {"uvloop.loop", "builtins"}
        assert type(server.sockets) is list
        server.close()
        assert server.sockets == []


@claim("close-clients-closes-every-connection-on-asyncio")
async def test_close_clients_closes_all_connections_that_the_server_has_then_also_when_it_is_closed():
    async with serving() as (server, accepted):
        clients = [await connect(address_of(server)) for _ in range(2)]
        await until(
            lambda: len(accepted) == 2 and all(peer.made.is_set() for peer in accepted), "not both were accepted"
        )
        server.close_clients()
        for peer in (*clients, *accepted):
            await soon(peer.lost.wait())
        assert server.is_serving()  # only its connections are closed
        later = await connect(address_of(server))
        await until(lambda: len(accepted) == 3 and accepted[2].made.is_set(), "nobody is accepted any more")
        for _ in range(10):
            await turn()

        assert not later.lost.is_set() and not accepted[2].lost.is_set()
        server.close()
        server.close_clients()  # which closes those of a closed server as well
        for peer in (later, accepted[2]):
            await soon(peer.lost.wait())


@claim("close-clients-is-missing-on-uvloop")
async def test_on_uvloop_a_server_has_neither_close_clients_nor_abort_clients():
    async with serving() as (server, _):
        assert [hasattr(server, name) for name in ("close_clients", "abort_clients", "close")] == [False, False, True]


@claim("close-clients-is-missing-on-uvloop")
async def test_on_uvloop_a_server_of_a_unix_socket_has_neither_of_them(tmp_path):
    server = await asyncio.get_running_loop().create_unix_server(Peer, str(tmp_path / "socket"))
    has = [hasattr(server, name) for name in ("close_clients", "abort_clients", "close")]
    server.close()

    assert has == [False, False, True]


async def refusal(*arguments, **options):
    """With what error create_server() refuses its arguments; None where it takes them."""
    try:
        server = await asyncio.get_running_loop().create_server(Peer, *arguments, **options)
    except Exception as error:
        return error
    server.close()
    return None


@claim("occupied-port-is-an-oserror")
async def test_a_server_on_a_port_that_another_listens_on_is_refused_with_eaddrinuse():
    async with serving() as (server, _):
        refused = await refusal(*address_of(server))

        assert isinstance(refused, OSError)
        assert refused.errno == errno.EADDRINUSE
        assert server.is_serving()


@claim("server-takes-an-address-or-a-socket-and-not-both")
async def test_create_server_refuses_both_an_address_or_half_of_one_and_a_socket_and_neither():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        both = [await refusal(*address, sock=bound) for address in (("127.0.0.1", 0), ("127.0.0.1",), (None, 0))]
        either_or_neither = [await refusal("127.0.0.1", 0), await refusal(sock=bound), await refusal()]

    assert [type(error) for error in both] == [ValueError] * 3
    assert [type(error) for error in either_or_neither] == [type(None), type(None), ValueError]


async def file_of_a_closed_unix_server(tmp_path):
    """Whether the file of a Unix socket is there while its server serves, and when it was closed: at once and later."""
    path = tmp_path / "socket"
    try:
        server = await asyncio.get_running_loop().create_unix_server(Peer, str(path))
    except OSError as error:
        raise AssertionError("the server is refused its path") from error
    is_there = [path.exists()]
    with socket.socket(socket.AF_UNIX) as client:
        assert error_of(client.connect, str(path)) is None  # whatever was there before
    server.close()
    is_there.append(path.exists())
    await soon(server.wait_closed())
    return [*is_there, path.exists()]


@claim("unix-socket-file-stays-before-3-13")
async def test_before_python_3_13_the_file_of_a_unix_socket_stays_and_the_next_server_takes_its_place(tmp_path):
    assert await file_of_a_closed_unix_server(tmp_path) == [True, True, True]
    with socket.socket(socket.AF_UNIX) as other, pytest.raises(OSError) as refused:
        other.bind(str(tmp_path / "socket"))
    assert refused.value.errno == errno.EADDRINUSE
    assert await file_of_a_closed_unix_server(tmp_path) == [True, True, True]


@claim("unix-socket-file-goes-since-3-13")
async def test_since_python_3_13_the_file_of_a_unix_socket_goes_when_its_server_is_closed(tmp_path):
    assert await file_of_a_closed_unix_server(tmp_path) == [True, False, False]


@claim("unix-socket-file-goes-since-3-13")
async def test_since_python_3_13_a_file_that_another_server_has_replaced_goes_only_with_that_one(tmp_path):
    path, is_there = tmp_path / "socket", []
    servers = [await asyncio.get_running_loop().create_unix_server(Peer, str(path)) for _ in range(2)]
    for server in servers:
        server.close()
        await soon(server.wait_closed())
        is_there.append(path.exists())

    assert is_there == [True, False]


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX], ids=["TCP", "Unix"])
@claim("accepted-socket-becomes-a-connection")
async def test_connect_accepted_socket_gives_transport_and_protocol_for_a_socket_that_was_accepted_elsewhere(
    tmp_path, family
):
    loop = asyncio.get_running_loop()

    with socket.socket(family) as listening, socket.socket(family) as client:
        listening.bind(str(tmp_path / "socket") if family == socket.AF_UNIX else ("127.0.0.1", 0))
        listening.listen()
        client.connect(listening.getsockname())
        with client:
            accepted, _ = listening.accept()
            client.sendall(b"hello, ")
            try:
                transport, peer = await loop.connect_accepted_socket(Peer, accepted)
            except ValueError as error:
                raise AssertionError("it is refused") from error
            assert peer.made.is_set()
            transport.write(b"welcome")
            client.setblocking(False)
            said = await soon(loop.sock_recv(client, 100))
            await loop.sock_sendall(client, b"thank you")
            await until(lambda: peer.received.endswith(b"you"), "not all arrived")
        await soon(peer.lost.wait())

    assert (said, peer.received) == (b"welcome", b"hello, thank you")
    assert peer.transport is transport


@claim("accepted-socket-becomes-a-connection")
async def test_connect_accepted_socket_refuses_a_socket_for_datagrams_with_valueerror():
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        with pytest.raises(ValueError, match="Stream Socket was expected"):
            await asyncio.get_running_loop().connect_accepted_socket(Peer, datagrams)
