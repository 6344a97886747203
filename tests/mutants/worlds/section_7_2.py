"""Worlds in which claims of section 7.2, transports and protocols of any event loop, are false.

uvloop's transports cannot be changed. So in each world something stands between a transport and its protocol, and
passes on what it does not break.
"""

from __future__ import annotations

import asyncio
import os
import socket

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


def put(patch, between):
    """Have each connection have a `between` in it."""

    class Connecting:
        async def create_connection(self, factory, *arguments, **options):
            _, made = await super().create_connection(lambda: between(factory()), *arguments, **options)
            return made.transport, made.protocol

        async def create_server(self, factory, *arguments, **options):
            return await super().create_server(lambda: between(factory()), *arguments, **options)

    patch.loops(Connecting)


def protocol_world(name, *falsifies):
    """A world in which protocols are told what the class below tells them."""

    def register(made):
        def enter(patch):
            put(patch, made)

        enter.__module__ = made.__module__  # a world is of the section in which its class stands
        world(name, falsifies=falsifies)(enter)
        return made

    return register


def transport_world(name, *falsifies):
    """A world in which protocols have the class below for a transport."""

    def register(made):
        protocol_world(name, *falsifies)(type("WithIt", (Between,), {"proxy": made, "__module__": made.__module__}))
        return made

    return register


@protocol_world("a connection is lost twice", "protocol-is-told-of-its-connection-in-order")
class _(Between):
    def connection_lost(self, error):
        super().connection_lost(error)
        super().connection_lost(error)


@protocol_world("an end of file is not told", "protocol-is-told-of-its-connection-in-order")
class _(Between):
    def eof_received(self):
        return None


@protocol_world("a connection is made when data comes", "protocol-is-told-of-its-connection-in-order")
class _(Between):
    def data_received(self, data):
        super().data_received(data)
        self.protocol.connection_made(self.transport)


@protocol_world("what arrives is put together", "one-write-may-arrive-in-several-pieces")
class _(Between):
    pieces, later = b"", None

    def data_received(self, data):
        self.pieces += data
        if self.later is not None:
            self.later.cancel()
        self.later = asyncio.get_running_loop().call_later(0.05, super().data_received, self.pieces)


@protocol_world("pieces arrive the wrong way round", "one-write-may-arrive-in-several-pieces")
class _(Between):
    def data_received(self, data):
        super().data_received(data[::-1])


@transport_world("close drops what was not sent", "close-sends-what-was-written-before")
class _(Proxy):
    def close(self):
        self.real.abort()


@transport_world("close does nothing while there is something to send", "close-sends-what-was-written-before")
class _(Proxy):
    def close(self):
        if not self.real.get_write_buffer_size():
            self.real.close()


@transport_world("abort sends the rest", "abort-drops-what-was-not-sent")
class _(Proxy):
    def abort(self):
        self.real.close()


@transport_world("abort loses the connection at once", "abort-drops-what-was-not-sent")
class _(Proxy):
    def abort(self):
        self.between.protocol.calls.append("connection_lost")
        self.real.abort()


@protocol_world(
    "eof_received is not asked whether to stay open", "end-of-file-closes-unless-the-protocol-keeps-it-open"
)
class _(Between):
    def eof_received(self):
        super().eof_received()


@protocol_world("an end of file leaves all open", "end-of-file-closes-unless-the-protocol-keeps-it-open")
class _(Between):
    def eof_received(self):
        super().eof_received()
        return True


@transport_world("pause_reading does not pause", "pause-reading-holds-data-back-until-resume")
class _(Proxy):
    def pause_reading(self):
        pass


@protocol_world("what comes while reading is paused is lost", "pause-reading-holds-data-back-until-resume")
class _(Between):
    class proxy(Proxy):
        def pause_reading(self):
            self.between.is_paused = True

        def resume_reading(self):
            self.between.is_paused = False

        def is_reading(self):
            return not self.between.is_paused

    is_paused = False

    def data_received(self, data):
        if not self.is_paused:
            super().data_received(data)


@protocol_world("nobody is told to pause writing", "protocol-is-paused-while-too-much-is-buffered")
class _(Between):
    def pause_writing(self):
        pass


@protocol_world("nobody is told to resume writing", "protocol-is-paused-while-too-much-is-buffered")
class _(Between):
    def resume_writing(self):
        pass


@transport_world("the high mark is not heeded", "protocol-is-paused-while-too-much-is-buffered")
class _(Proxy):
    def set_write_buffer_limits(self, high=None, low=None):
        self.real.set_write_buffer_limits(high=100_000_000)


@transport_world("get_extra_info has no default", "extra-info-tells-both-ends-and-the-default-for-the-rest")
class _(Proxy):
    def get_extra_info(self, name, default=None):
        return self.real.get_extra_info(name)


@transport_world("the peer is nobody", "extra-info-tells-both-ends-and-the-default-for-the-rest")
class _(Proxy):
    def get_extra_info(self, name, default=None):
        return None if name == "peername" else self.real.get_extra_info(name, default)


@protocol_world("a reset is no error", "reset-connection-is-lost-with-its-error")
class _(Between):
    def connection_lost(self, error):
        super().connection_lost(None)


@protocol_world("a reset is an end of file", "reset-connection-is-lost-with-its-error")
class _(Between):
    def connection_lost(self, error):
        super().eof_received()
        super().connection_lost(error)


@transport_world("set_protocol changes nothing", "set-protocol-hands-the-connection-over")
class _(Proxy):
    def set_protocol(self, protocol):
        pass


@transport_world("set_protocol tells connection_made", "set-protocol-hands-the-connection-over")
class _(Proxy):
    def set_protocol(self, protocol):
        super().set_protocol(protocol)
        protocol.connection_made(self)


@transport_world("write after write_eof is dropped", "writing-after-write-eof-raises")
class _(Proxy):
    has_ended = False

    def write_eof(self):
        self.has_ended = True
        self.real.write_eof()

    def write(self, data):
        if not self.has_ended:
            self.real.write(data)


@transport_world("a closed transport refuses to write", "writing-to-a-closed-transport-is-silent-on-asyncio")
class _(Proxy):
    def write(self, data):
        if self.real.is_closing():
            raise RuntimeError("it is closed")
        self.real.write(data)


@transport_world("a closed transport drops what is written", "writing-to-a-closed-transport-raises-on-uvloop")
class _(Proxy):
    def write(self, data):
        if not self.real.is_closing():
            self.real.write(data)


@transport_world("transports are of a kind of their own", "transports-are-asyncio-transports-on-asyncio")
class _(Proxy):
    pass


@transport_world("uvloop's transports are asyncio's", "transports-are-no-asyncio-transports-on-uvloop")
class _(Proxy):
    __class__ = asyncio.Transport  # what isinstance() asks; to inherit from it would hide what is passed on


@transport_world("a transport's socket cannot be shut down", "socket-of-a-transport-can-be-shut-down-on-asyncio")
class _(Proxy):
    def get_extra_info(self, name, default=None):
        return type("Deaf", (), {"shutdown": lambda self, how: None})()


@transport_world("a transport's socket can be shut down", "socket-of-a-transport-cannot-be-shut-down-on-uvloop")
class _(Proxy):
    def get_extra_info(self, name, default=None):
        found = self.real.get_extra_info(name, default)
        return socket.socket(fileno=os.dup(found.fileno())) if name == "socket" else found


@transport_world("the low mark is the high one", "writing-is-resumed-at-a-quarter-of-the-high-mark-on-asyncio")
class _(Proxy):
    def get_write_buffer_limits(self):
        _, high = self.real.get_write_buffer_limits()
        return high, high


@transport_world("the low mark is always a quarter", "writing-is-resumed-at-16-bytes-on-uvloop")
class _(Proxy):
    def get_write_buffer_limits(self):
        _, high = self.real.get_write_buffer_limits()
        return high // 4, high


@world("half of a file is sent", falsifies=["loop-sendfile-sends-a-file-on-asyncio"])
def _(patch):
    class Half:
        async def sendfile(self, transport, file, *arguments, **options):
            return await super().sendfile(transport, file, 0, 7)

    patch.loops(Half)


@world("every loop can send files", falsifies=["loop-sendfile-is-not-implemented-on-uvloop"])
def _(patch):
    class Able:
        async def sendfile(self, transport, file, *arguments, **options):
            data = file.read()
            transport.write(data)
            return len(data)

    patch.loops(Able)


def refusing(error):
    """A loop on which a refused connection is this error, made of the true one and the address."""

    class Refusing:
        async def create_connection(self, factory, host, port, **options):
            try:
                return await super().create_connection(factory, host, port, **options)
            except ConnectionRefusedError as true:
                raise error(true, (host, port)) from None

    return Refusing


@world("a refused connection is not named", falsifies=["connection-that-is-refused-is-named-on-asyncio"])
def _(patch):
    patch.loops(refusing(lambda true, address: ConnectionRefusedError(true.errno, "Connection refused")))


@world("a refused connection is named", falsifies=["connection-that-is-refused-is-not-named-on-uvloop"])
def _(patch):
    patch.loops(refusing(lambda true, address: ConnectionRefusedError(true.errno, f"it was to {address}")))
