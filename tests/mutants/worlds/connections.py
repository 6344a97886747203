"""What stands between a transport and its protocol, for worlds of sections 7.2 to 7.7; none is here.

uvloop's transports cannot be changed. So what stands there passes on what it does not break.
"""

from __future__ import annotations

import asyncio

from tests.mutants.worlds import world


class Proxy:
    """What a protocol has in the place of its transport."""

    def __init__(self, transport, between):
        self.real, self.between = transport, between

    def __getattr__(self, name):
        return getattr(self.real, name)

    def set_protocol(self, protocol):
        self.between.protocol = protocol

    def get_protocol(self):
        return self.between.protocol


class Between(asyncio.Protocol):
    """What a transport has in the place of its protocol."""

    proxy = Proxy

    def __init__(self, protocol):
        self.protocol = protocol

    def connection_made(self, transport):
        self.transport = self.proxy(transport, self)
        self.protocol.connection_made(self.transport)

    def data_received(self, data):
        self.protocol.data_received(data)

    def eof_received(self):
        return self.protocol.eof_received()

    def connection_lost(self, error):
        self.protocol.connection_lost(error)

    def pause_writing(self):
        self.protocol.pause_writing()

    def resume_writing(self):
        self.protocol.resume_writing()


class StartsTls:
    """Leaves TLS that starts in mid-connection to the loop: nothing stands in between any more."""

    async def start_tls(self, transport, protocol, *arguments, **options):
        real = transport.real if isinstance(transport, Proxy) else transport
        return await super().start_tls(real, protocol, *arguments, **options)


def of_clients(between):
    """A loop on which each connection has a `between` at the end of who makes it."""

    class Connecting(StartsTls):
        async def create_connection(self, factory, *arguments, **options):
            _, made = await super().create_connection(lambda: between(factory()), *arguments, **options)
            return made.transport, made.protocol

    return Connecting


def of_servers(between):
    """A loop on which each connection has a `between` at the end of the server."""

    class Serving(StartsTls):
        async def create_server(self, factory, *arguments, **options):
            return await super().create_server(lambda: between(factory()), *arguments, **options)

    return Serving


def of_both_ends(between):
    """A loop on which each connection has a `between` at both ends."""
    return type("Both", (of_clients(between), of_servers(between)), {})


def protocol_world(name, *falsifies, of=of_both_ends, also=()):
    """A world in which protocols, `of` clients, of servers or of both, are told what the class below tells them."""

    def register(made):
        def enter(patch):
            patch.loops(of(made))

        enter.__module__ = made.__module__  # a world is of the section in which its class stands
        world(name, falsifies=falsifies, also=also)(enter)
        return made

    return register


def transport_world(name, *falsifies, of=of_both_ends, also=()):
    """A world in which protocols, `of` clients, of servers or of both, have the class below for a transport."""

    def register(made):
        between = type("WithIt", (Between,), {"proxy": made, "__module__": made.__module__})
        protocol_world(name, *falsifies, of=of, also=also)(between)
        return made

    return register
