"""Worlds in which claims of section 7.3, the servers of any event loop, are false.

uvloop's servers cannot be changed. So in each world something stands in the place of a server, and passes on what it
does not break.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket

from tests.mutants.worlds import loop_world, world
from tests.mutants.worlds.connections import Between


class Proxy:
    """What create_server() returns in the place of a server."""

    def __init__(self, real):
        self.real = real

    def __getattr__(self, name):
        return getattr(self.real, name)

    async def __aenter__(self):
        await self.real.start_serving()
        return self

    async def __aexit__(self, *error):
        self.close()


def server_world(name, *falsifies):
    """A world in which servers are what the class below is; they have the `protocols` of their connections."""

    def register(made):
        class Serving:
            async def create_server(self, factory, *arguments, **options):
                protocols = []

                def remember():
                    protocols.append(factory())
                    return protocols[-1]

                server = made(await super().create_server(remember, *arguments, **options))
                server.protocols = protocols
                return server

        world(name, falsifies=falsifies)(lambda patch: patch.loops(Serving))
        return made

    return register


@loop_world("every server starts at once", "server-listens-from-start-serving-on")
class _:
    async def create_server(self, *arguments, start_serving=True, **options):
        return await super().create_server(*arguments, **options)


@server_world("start_serving does nothing", "server-listens-from-start-serving-on")
class _(Proxy):
    async def start_serving(self):
        pass


@server_world("a server that has not started tells of no socket", "server-listens-from-start-serving-on")
class _(Proxy):
    @property
    def sockets(self):
        return self.real.sockets if self.real.is_serving() else ()


@loop_world("a server has another port when it starts", "server-listens-from-start-serving-on")
class _:
    async def create_server(self, *arguments, start_serving=True, **options):
        create = super().create_server

        class Moving(Proxy):
            async def start_serving(self):
                self.real.close()
                self.real = await create(*arguments, **options)

        return Moving(await create(*arguments, start_serving=start_serving, **options))


@server_world("a server closes its connections with itself", "closed-server-refuses-new-connections-and-keeps-the-old")
class _(Proxy):
    def close(self):
        self.real.close()
        for protocol in self.protocols:
            if hasattr(protocol, "transport"):
                protocol.transport.abort()


@loop_world(
    "a closed server closes a connection when data comes",
    "closed-server-refuses-new-connections-and-keeps-the-old",
    also=[
        "peer-that-does-not-say-goodbye-is-given-up",
        "start-tls-refuses-a-certificate-and-closes",
        "start-tls-upgrades-an-open-connection",
    ],
)
class _:
    async def create_server(self, factory, *arguments, **options):
        class Ending(Between):
            def data_received(self, data):
                if server.is_serving():
                    super().data_received(data)
                else:
                    self.transport.abort()

        server = await super().create_server(lambda: Ending(factory()), *arguments, **options)
        return server


@server_world(
    "close does not end the listening",
    "closed-server-refuses-new-connections-and-keeps-the-old",
    "server-closes-at-the-end-of-async-with",
)
class _(Proxy):
    def close(self):
        for listening in self.real.sockets:
            os.dup(listening.fileno())  # which the system takes for the same socket, and goes on to listen
        self.real.close()


@server_world("a server keeps its first connection alone", "closed-server-refuses-new-connections-and-keeps-the-old")
class _(Proxy):
    def close(self):
        self.real.close()
        for protocol in self.protocols[1:]:
            protocol.transport.abort()


@server_world("close closes one socket", "closed-server-refuses-new-connections-and-keeps-the-old")
class _(Proxy):
    def close(self):
        for listening in self.real.sockets[1:]:
            os.dup(listening.fileno())
        self.real.close()


@server_world("serve_forever does not close its server", "serve-forever-that-is-cancelled-closes-its-server")
class _(Proxy):
    async def serve_forever(self):
        await asyncio.get_running_loop().create_future()


@server_world("serve_forever cannot be cancelled", "serve-forever-that-is-cancelled-closes-its-server")
class _(Proxy):
    async def serve_forever(self):
        try:
            await self.real.serve_forever()
        except asyncio.CancelledError:
            return None


@server_world(
    "serve_forever does not close a server that it started", "serve-forever-that-is-cancelled-closes-its-server"
)
class _(Proxy):
    async def serve_forever(self):
        if self.real.is_serving():
            await self.real.serve_forever()
        await self.real.start_serving()
        await asyncio.get_running_loop().create_future()


@server_world(
    "serve_forever closes no server that has connections", "serve-forever-that-is-cancelled-closes-its-server"
)
class _(Proxy):
    async def serve_forever(self):
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            if not self.protocols:
                self.real.close()


@server_world("serve_forever closes no server of two sockets", "serve-forever-that-is-cancelled-closes-its-server")
class _(Proxy):
    async def serve_forever(self):
        if len(self.real.sockets) > 1:
            await asyncio.get_running_loop().create_future()
        await self.real.serve_forever()


@server_world("serve_forever gives way before it begins", "serve-forever-that-is-cancelled-closes-its-server")
class _(Proxy):
    async def serve_forever(self):
        await asyncio.sleep(0)
        await self.real.serve_forever()


@server_world("serve_forever may run twice", "serve-forever-refuses-a-second-run-and-a-closed-server")
class _(Proxy):
    running = False

    async def serve_forever(self):
        if self.running and self.real.is_serving():
            return
        self.running = True
        await self.real.serve_forever()


@server_world("serve_forever may run a third time", "serve-forever-refuses-a-second-run-and-a-closed-server")
class _(Proxy):
    runs = 0

    async def serve_forever(self):
        self.runs += 1
        if self.runs == 3:
            await asyncio.get_running_loop().create_future()
        await self.real.serve_forever()


@server_world("serve_forever of a closed server just ends", "serve-forever-refuses-a-second-run-and-a-closed-server")
class _(Proxy):
    async def serve_forever(self):
        if self.real.is_serving():
            await self.real.serve_forever()


@server_world(
    "only a closed server that has served forever refuses to do so again",
    "serve-forever-refuses-a-second-run-and-a-closed-server",
)
class _(Proxy):
    has_served = False

    async def serve_forever(self):
        if self.real.is_serving() or self.has_served:
            self.has_served = True
            await self.real.serve_forever()


@server_world(
    "serve_forever refuses with another error than RuntimeError",
    "serve-forever-refuses-a-second-run-and-a-closed-server",
)
class _(Proxy):
    async def serve_forever(self):
        try:
            await self.real.serve_forever()
        except RuntimeError as error:
            raise asyncio.InvalidStateError(str(error)) from None


@server_world("an error within async with leaves the server open", "server-closes-at-the-end-of-async-with")
class _(Proxy):
    async def __aexit__(self, kind, *error):
        if kind is None:
            self.close()


@server_world("a cancellation within async with leaves the server open", "server-closes-at-the-end-of-async-with")
class _(Proxy):
    async def __aexit__(self, kind, *error):
        if kind is None or issubclass(kind, Exception):
            self.close()


@server_world("the end of async with closes nothing", "server-closes-at-the-end-of-async-with")
class _(Proxy):
    async def __aexit__(self, *error):
        pass


@server_world("wait_closed waits for all connections", "wait-closed-does-not-wait-for-connections-before-3-12",
            "wait-closed-does-not-wait-for-connections-on-uvloop")  # fmt: skip
class _(Proxy):
    async def wait_closed(self):
        while not all(protocol.lost.is_set() for protocol in self.protocols):
            await asyncio.sleep(0.001)


@server_world("wait_closed waits for nothing", "wait-closed-waits-for-connections-since-3-12")
class _(Proxy):
    async def wait_closed(self):
        pass


@server_world(
    "wait_closed waits for the first connection to close",
    "wait-closed-does-not-wait-for-connections-before-3-12",
    "wait-closed-waits-for-connections-since-3-12",
    "wait-closed-does-not-wait-for-connections-on-uvloop",
)
class _(Proxy):
    async def wait_closed(self):
        while not any(protocol.lost.is_set() for protocol in self.protocols):
            await asyncio.sleep(0.001)


@server_world("only the first wait_closed waits", "wait-closed-waits-for-connections-since-3-12")
class _(Proxy):
    waited = False

    async def wait_closed(self):
        if not self.waited:
            self.waited = True
            await self.real.wait_closed()


@server_world("a closed server leaves serve_forever waiting", "closing-a-server-ends-serve-forever-on-asyncio")
class _(Proxy):
    async def serve_forever(self):
        await asyncio.get_running_loop().create_future()


@server_world("a closed server ends serve_forever", "closing-a-server-leaves-serve-forever-waiting-on-uvloop")
class _(Proxy):
    forever = None

    async def serve_forever(self):
        self.forever = asyncio.current_task()
        await self.real.serve_forever()

    def close(self):
        self.real.close()
        if self.forever:
            self.forever.cancel()


@server_world(
    "serve_forever keeps its cancellation to itself", "closing-a-server-leaves-serve-forever-waiting-on-uvloop"
)
class _(Proxy):
    async def serve_forever(self):
        with contextlib.suppress(asyncio.CancelledError):
            await self.real.serve_forever()


@server_world("servers are of a kind of their own", "servers-are-asyncio-servers-on-asyncio")
class _(Proxy):
    pass


@world(
    "the sockets of a closed server are None",
    falsifies=["servers-are-asyncio-servers-on-asyncio"],
)
def _(patch):
    sockets = asyncio.Server.sockets.fget
    patch.setattr(asyncio.Server, "sockets", property(lambda self: sockets(self) or None))


@server_world("uvloop's servers are asyncio's", "servers-are-no-asyncio-servers-on-uvloop")
class _(Proxy):
    __class__ = asyncio.Server


@server_world("close_clients closes nobody", "close-clients-closes-every-connection-on-asyncio")
class _(Proxy):
    def close_clients(self):
        pass


@server_world("close_clients of a closed server closes nobody", "close-clients-closes-every-connection-on-asyncio")
class _(Proxy):
    def close_clients(self):
        if self.real.is_serving():
            self.real.close_clients()


@server_world("close_clients closes the server, too", "close-clients-closes-every-connection-on-asyncio")
class _(Proxy):
    def close_clients(self):
        self.real.close_clients()
        self.real.close()


@loop_world("close_clients closes who comes later, too", "close-clients-closes-every-connection-on-asyncio")
class _:
    async def create_server(self, factory, *arguments, **options):
        closing = []

        class Closing(Proxy):
            def close_clients(self):
                closing.append(True)
                self.real.close_clients()

        class Closed(Between):
            def connection_made(self, transport):
                super().connection_made(transport)
                if closing:
                    transport.close()

        return Closing(await super().create_server(lambda: Closed(factory()), *arguments, **options))


@loop_world(
    "a server of a Unix socket has abort_clients, and its serve_forever() does not close it",
    "close-clients-is-missing-on-uvloop",
    "serve-forever-that-is-cancelled-closes-its-server",
)
class _:
    async def create_unix_server(self, *arguments, **options):
        class Another(Proxy):
            def abort_clients(self):
                pass

            async def serve_forever(self):
                await asyncio.get_running_loop().create_future()

        return Another(await super().create_unix_server(*arguments, **options))


@server_world("every server has close_clients", "close-clients-is-missing-on-uvloop")
class _(Proxy):
    def close_clients(self):
        pass


@loop_world("two servers can have one port", "occupied-port-is-an-oserror")
class _:
    async def create_server(self, factory, host=None, port=None, **options):
        try:
            return await super().create_server(factory, host, port, **options)
        except OSError:
            raise OSError("something is wrong with this port") from None


@loop_world(
    "wrong arguments are a TypeError",
    "server-takes-an-address-or-a-socket-and-not-both",
    also=["options-of-tls-without-tls-are-refused"],
)
class _:
    async def create_server(self, factory, *arguments, **options):
        try:
            return await super().create_server(factory, *arguments, **options)
        except ValueError as error:
            raise TypeError(str(error)) from None


@loop_world("an address goes before a socket", "server-takes-an-address-or-a-socket-and-not-both")
class _:
    async def create_server(self, factory, host=None, port=None, *, sock=None, **options):
        return await super().create_server(factory, host, port, sock=None if host else sock, **options)


@loop_world("a port may go with a socket where no host does", "server-takes-an-address-or-a-socket-and-not-both")
class _:
    async def create_server(self, factory, host=None, port=None, *, sock=None, **options):
        port = None if sock and host is None else port
        return await super().create_server(factory, host, port, sock=sock, **options)


@loop_world("a server needs no address", "server-takes-an-address-or-a-socket-and-not-both")
class _:
    async def create_server(self, factory, host=None, port=None, *, sock=None, **options):
        if host is None and sock is None:
            host, port = "127.0.0.1", 0
        return await super().create_server(factory, host, port, sock=sock, **options)


@loop_world("the file of a Unix socket goes when its server is closed", "unix-socket-file-stays-before-3-13")
class _:
    async def create_unix_server(self, factory, path, **options):
        class Removing(Proxy):
            def close(self):
                self.real.close()
                os.unlink(path)

        return Removing(await super().create_unix_server(factory, path, **options))


@loop_world("a Unix socket's file that is left is in the way", "unix-socket-file-stays-before-3-13")
class _:
    async def create_unix_server(self, factory, path, **options):
        if os.path.exists(path):
            raise OSError(errno.EADDRINUSE, f"Address {path!r} is already in use")
        return await super().create_unix_server(factory, path, **options)


@loop_world("the next Unix server listens elsewhere", "unix-socket-file-stays-before-3-13")
class _:
    async def create_unix_server(self, factory, path, **options):
        elsewhere = f"{path}-next" if os.path.exists(path) else path
        return await super().create_unix_server(factory, elsewhere, **options)


@loop_world("the file of a Unix socket stays when its server is closed", "unix-socket-file-goes-since-3-13")
class _:
    async def create_unix_server(self, factory, path, **options):
        class Leaving(Proxy):
            def close(self):
                self.real.close()
                with socket.socket(socket.AF_UNIX) as again:
                    again.bind(path)

        return Leaving(await super().create_unix_server(factory, path, **options))


@loop_world("the file of a Unix socket goes when one waits for its server", "unix-socket-file-goes-since-3-13")
class _:
    async def create_unix_server(self, factory, path, **options):
        class Late(Proxy):
            def close(self):
                self.real.close()
                with socket.socket(socket.AF_UNIX) as again:
                    again.bind(path)

            async def wait_closed(self):
                await self.real.wait_closed()
                os.unlink(path)

        return Late(await super().create_unix_server(factory, path, **options))


@loop_world("whatever has the path of a closed server is removed", "unix-socket-file-goes-since-3-13")
class _:
    async def create_unix_server(self, factory, path, **options):
        class Removing(Proxy):
            def close(self):
                self.real.close()
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)

        return Removing(await super().create_unix_server(factory, path, **options))


@loop_world("an accepted socket is not talked to", "accepted-socket-becomes-a-connection")
class _:
    async def connect_accepted_socket(self, factory, *arguments, **options):
        transport, protocol = await super().connect_accepted_socket(factory, *arguments, **options)
        return type("Mute", (), {"write": lambda self, data: None})(), protocol


@loop_world("an accepted socket hears nothing", "accepted-socket-becomes-a-connection")
class _:
    async def connect_accepted_socket(self, factory, *arguments, **options):
        class Deaf(Between):
            proxy = staticmethod(lambda transport, between: transport)

            def data_received(self, data):
                pass

        transport, between = await super().connect_accepted_socket(lambda: Deaf(factory()), *arguments, **options)
        return transport, between.protocol


@loop_world("what was sent before a socket became a connection is lost", "accepted-socket-becomes-a-connection")
class _:
    async def connect_accepted_socket(self, factory, sock, **options):
        sock.setblocking(False)
        with contextlib.suppress(OSError):
            sock.recv(1000)
        return await super().connect_accepted_socket(factory, sock, **options)


@loop_world("a Unix socket is taken for no accepted one", "accepted-socket-becomes-a-connection")
class _:
    async def connect_accepted_socket(self, factory, sock, **options):
        if sock.family == socket.AF_UNIX:
            raise ValueError(f"A TCP Socket was expected, got {sock!r}")
        return await super().connect_accepted_socket(factory, sock, **options)


@loop_world("any socket is taken for an accepted one", "accepted-socket-becomes-a-connection")
class _:
    async def connect_accepted_socket(self, factory, sock, **options):
        if sock.type == socket.SOCK_STREAM:
            return await super().connect_accepted_socket(factory, sock, **options)
