"""Worlds in which claims of section 7.2, transports and protocols of any event loop, are false."""

from __future__ import annotations

import asyncio
import os
import socket

from tests.mutants.worlds import loop_world, world
from tests.mutants.worlds.connections import (
    Between,
    Proxy,
    of_both_ends,
    of_clients,
    of_servers,
    protocol_world,
    transport_world,
)


@protocol_world("a connection is lost twice", "protocol-is-told-of-its-connection-in-order")
class _(Between):
    def connection_lost(self, error):
        super().connection_lost(error)
        super().connection_lost(error)


@protocol_world(
    "a client loses its connection twice",
    "protocol-is-told-of-its-connection-in-order",
    of=of_clients,
    also=[
        "closed-tls-connection-tells-an-end-of-file-since-3-11",
        "tls-connection-that-is-cut-tells-an-end-of-file-on-asyncio",
        "tls-connection-that-is-cut-tells-no-end-of-file-on-uvloop",
    ],
)
class _(Between):
    def connection_lost(self, error):
        super().connection_lost(error)
        super().connection_lost(error)


@transport_world(
    "what is closed twice is lost twice",
    "protocol-is-told-of-its-connection-in-order",
    also=["tls-close-sends-what-was-written-before"],
)
class _(Proxy):
    def close(self):
        if self.real.is_closing():
            asyncio.get_running_loop().call_soon(self.between.protocol.connection_lost, None)
        self.real.close()


@protocol_world("an end of file is not told", "protocol-is-told-of-its-connection-in-order")
class _(Between):
    def eof_received(self):
        return None


@protocol_world("a connection is made when data comes", "protocol-is-told-of-its-connection-in-order")
class _(Between):
    def data_received(self, data):
        super().data_received(data)
        self.protocol.connection_made(self.transport)


@protocol_world("who closes in connection_made is not told of the end", "protocol-is-told-of-its-connection-in-order")
class _(Between):
    def connection_made(self, transport):
        super().connection_made(transport)
        self.was_closed = transport.is_closing()

    def connection_lost(self, error):
        if not self.was_closed:
            super().connection_lost(error)


@protocol_world("who closes first loses a connection twice", "protocol-is-told-of-its-connection-in-order")
class _(Between):
    class proxy(Proxy):
        def close(self):
            self.between.was_closed = not self.real.is_closing()
            self.real.close()

    was_closed = False

    def connection_lost(self, error):
        super().connection_lost(error)
        if self.was_closed:
            super().connection_lost(error)


@protocol_world(
    "all data but the first comes after the end",
    "protocol-is-told-of-its-connection-in-order",
    also=["tls-pause-reading-holds-data-back-until-resume", "tls-protocol-is-paused-while-too-much-is-buffered"],
)
class _(Between):
    kept = b""

    def data_received(self, data):
        if self.protocol.received:
            self.kept += data
        else:
            super().data_received(data)

    def connection_lost(self, error):
        super().connection_lost(error)
        if self.kept:
            super().data_received(self.kept)


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


@transport_world(
    "what is written while more is buffered is not sent",
    "close-sends-what-was-written-before",
    also=["tls-protocol-is-paused-while-too-much-is-buffered"],
)
class _(Proxy):
    def write(self, data):
        if not self.real.get_write_buffer_size():
            self.real.write(data)


@transport_world("lines are not written", "close-sends-what-was-written-before")
class _(Proxy):
    def writelines(self, lines):
        pass


@transport_world(
    "a server that closes drops what was not sent",
    "close-sends-what-was-written-before",
    of=of_servers,
    also=[
        "closed-tls-connection-tells-an-end-of-file-since-3-11",
        "peer-that-does-not-say-goodbye-is-given-up",
        "tls-pause-reading-holds-data-back-until-resume",
    ],
)
class _(Proxy):
    def close(self):
        self.real.abort()


@transport_world(
    "who closes again does not wait",
    "close-sends-what-was-written-before",
    also=["tls-close-sends-what-was-written-before"],
)
class _(Proxy):
    def close(self):
        if self.real.is_closing():
            self.real.abort()
        self.real.close()


@transport_world("close does nothing while there is something to send", "close-sends-what-was-written-before")
class _(Proxy):
    def close(self):
        if not self.real.get_write_buffer_size():
            self.real.close()


@protocol_world(
    "what comes behind the first million bytes is wrong",
    "close-sends-what-was-written-before",
    also=["tls-close-sends-what-was-written-before"],
)
class _(Between):
    count = 0

    def data_received(self, data):
        self.count += len(data)
        super().data_received(data if self.count < 1_000_000 else bytes(len(data)))


@transport_world("nothing but bytes is sent", "close-sends-what-was-written-before")
class _(Proxy):
    def write(self, data):
        if isinstance(data, bytes):
            self.real.write(data)


@transport_world("of lines nothing but bytes is sent", "close-sends-what-was-written-before")
class _(Proxy):
    def writelines(self, data):
        self.real.writelines(line for line in data if isinstance(line, bytes))


@transport_world("close waits until reading is resumed", "close-sends-what-was-written-before")
class _(Proxy):
    is_to_close = False

    def close(self):
        if self.real.is_reading():
            self.real.close()
        else:
            self.is_to_close = True

    def resume_reading(self):
        self.real.resume_reading()
        if self.is_to_close:
            self.real.close()


@transport_world(
    "abort sends the rest", "abort-drops-what-was-not-sent", also=["writing-to-a-closed-tls-transport-is-silent"]
)
class _(Proxy):
    def abort(self):
        self.real.close()


@transport_world(
    "abort does nothing after close", "abort-drops-what-was-not-sent", also=["tls-abort-drops-what-was-not-sent"]
)
class _(Proxy):
    def abort(self):
        if not self.real.is_closing():
            self.real.abort()


@loop_world("abort sends the rest to a Unix socket", "abort-drops-what-was-not-sent")
class _:
    async def create_unix_connection(self, factory, *arguments, **options):
        class Closing(Proxy):
            def abort(self):
                self.real.close()

        between = type("WithIt", (Between,), {"proxy": Closing})
        _, made = await super().create_unix_connection(lambda: between(factory()), *arguments, **options)
        return made.transport, made.protocol


@transport_world("abort sends what is little", "abort-drops-what-was-not-sent")
class _(Proxy):
    def abort(self):
        if 0 < self.real.get_write_buffer_size() < 100_000:
            self.real.close()
        else:
            self.real.abort()


@transport_world("abort loses the connection at once", "abort-drops-what-was-not-sent")
class _(Proxy):
    def abort(self):
        self.between.protocol.calls.append("connection_lost")
        self.real.abort()


@transport_world("abort closes a moment later", "abort-drops-what-was-not-sent")
class _(Proxy):
    def abort(self):
        asyncio.get_running_loop().call_later(0.01, self.real.abort)


@protocol_world("who aborts is told so a moment later", "abort-drops-what-was-not-sent")
class _(Between):
    def connection_lost(self, error):
        asyncio.get_running_loop().call_later(0.1, self.protocol.connection_lost, error)


@transport_world(
    "abort is an error where nothing is left to send",
    "abort-drops-what-was-not-sent",
    also=["tls-abort-drops-what-was-not-sent"],
)
class _(Proxy):
    def abort(self):
        told = self.between.protocol.connection_lost
        if not self.real.get_write_buffer_size():
            self.between.connection_lost = lambda _error: told(ConnectionAbortedError())
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


@protocol_world("no other value than True keeps open", "end-of-file-closes-unless-the-protocol-keeps-it-open")
class _(Between):
    def eof_received(self):
        return super().eof_received() is True


@protocol_world("no other value than False closes", "end-of-file-closes-unless-the-protocol-keeps-it-open")
class _(Between):
    def eof_received(self):
        return super().eof_received() is not False


@protocol_world("no other value than False and None closes", "end-of-file-closes-unless-the-protocol-keeps-it-open")
class _(Between):
    def eof_received(self):
        return super().eof_received() not in (False, None)


@protocol_world("kept open, one can write once", "end-of-file-closes-unless-the-protocol-keeps-it-open")
class _(Between):
    class proxy(Proxy):
        def write(self, data):
            if self.between.writes != 0:
                self.real.write(data)
            self.between.writes -= 1

    writes = -1

    def eof_received(self):
        self.writes = 1
        return super().eof_received()


@transport_world("pause_reading does not pause", "pause-reading-holds-data-back-until-resume")
class _(Proxy):
    def pause_reading(self):
        pass


@transport_world(
    "clients do not pause reading",
    "pause-reading-holds-data-back-until-resume",
    of=of_clients,
    also=["peer-that-does-not-say-goodbye-is-given-up", "tls-pause-reading-holds-data-back-until-resume"],
)
class _(Proxy):
    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


class ReadingOn(Between):
    """Goes on to read while its protocol has paused that."""

    class proxy(Proxy):
        def pause_reading(self):
            self.between.is_paused = True

        def resume_reading(self):
            self.between.is_paused = False
            if self.between.kept:
                asyncio.get_running_loop().call_soon(self.between.protocol.data_received, self.between.kept)

        def is_reading(self):
            return not self.between.is_paused

    is_paused, kept = False, b""


@protocol_world("what comes while reading is paused is lost", "pause-reading-holds-data-back-until-resume")
class _(ReadingOn):
    def data_received(self, data):
        if not self.is_paused:
            super().data_received(data)


@protocol_world(
    "only the last that comes while reading is paused is kept",
    "pause-reading-holds-data-back-until-resume",
    also=[
        "peer-that-does-not-say-goodbye-is-given-up",
        "tls-close-sends-what-was-written-before",
        "tls-pause-reading-holds-data-back-until-resume",
        "tls-protocol-is-paused-while-too-much-is-buffered",
    ],
)
class _(ReadingOn):
    def data_received(self, data):
        if self.is_paused:
            self.kept = data
        else:
            super().data_received(data)


@transport_world("reading that is paused twice has to be resumed twice", "pause-reading-holds-data-back-until-resume")
class _(Proxy):
    paused = 0

    def pause_reading(self):
        self.paused += 1
        self.real.pause_reading()

    def resume_reading(self):
        self.paused -= 1
        if not self.paused:
            self.real.resume_reading()


@transport_world(
    "reading can be paused once",
    "pause-reading-holds-data-back-until-resume",
    "tls-pause-reading-holds-data-back-until-resume",
    also=["tls-protocol-is-paused-while-too-much-is-buffered"],
)
class _(Proxy):
    was_resumed = False

    def pause_reading(self):
        if not self.was_resumed:
            self.real.pause_reading()

    def resume_reading(self):
        self.was_resumed = True
        self.real.resume_reading()


@world(
    "what comes while reading is paused is lost when the peer closes",
    falsifies=["pause-reading-holds-data-back-until-resume", "tls-pause-reading-holds-data-back-until-resume"],
    breaks_much="TLS is told of the end as its protocol is, and what it has left to give then depends on the loop",
)
def _(patch):
    class Losing(ReadingOn):
        def data_received(self, data):
            if self.is_paused:
                self.kept += data
            else:
                super().data_received(data)

        def eof_received(self):
            self.kept = b""
            return super().eof_received()

    patch.loops(of_both_ends(Losing))


@protocol_world("reading cannot be paused by data_received", "pause-reading-holds-data-back-until-resume")
class _(Between):
    class proxy(Proxy):
        def pause_reading(self):
            if not self.between.is_within:
                self.real.pause_reading()

    is_within = False

    def data_received(self, data):
        self.is_within = True
        super().data_received(data)
        self.is_within = False


@protocol_world(
    "nobody is told to pause writing",
    "protocol-is-paused-while-too-much-is-buffered",
    "tls-protocol-is-paused-while-too-much-is-buffered",
)
class _(Between):
    def pause_writing(self):
        pass


@protocol_world(
    "nobody is told to pause writing again",
    "protocol-is-paused-while-too-much-is-buffered",
    "tls-protocol-is-paused-while-too-much-is-buffered",
)
class _(Between):
    has_paused = False

    def pause_writing(self):
        if not self.has_paused:
            super().pause_writing()
        self.has_paused = True


@protocol_world(
    "nobody is told to resume writing",
    "protocol-is-paused-while-too-much-is-buffered",
    "tls-protocol-is-paused-while-too-much-is-buffered",
)
class _(Between):
    def resume_writing(self):
        pass


@protocol_world(
    "writing is resumed a turn after it was paused",
    "protocol-is-paused-while-too-much-is-buffered",
    also=["tls-protocol-is-paused-while-too-much-is-buffered"],
)
class _(Between):
    def pause_writing(self):
        super().pause_writing()
        asyncio.get_running_loop().call_soon(self.protocol.resume_writing)

    def resume_writing(self):
        pass


@transport_world("writelines pauses nobody", "writelines-pauses-the-protocol-too")
class _(Proxy):
    def writelines(self, lines):
        pause, self.between.pause_writing = self.between.pause_writing, lambda: None
        self.real.writelines(lines)
        self.between.pause_writing = pause


@transport_world("who writes lines a second time is not resumed", "writelines-pauses-the-protocol-too")
class _(Proxy):
    has_written = False

    def writelines(self, lines):
        if self.has_written:
            self.between.resume_writing = lambda: None
        self.real.writelines(lines)
        self.has_written = True


class Choosing(Proxy):
    """A transport whose writelines() pauses nobody for such lines as `are_passed_over(lines)` is true of."""

    def writelines(self, lines):
        pause, kept = self.between.pause_writing, list(lines)
        if self.are_passed_over(kept):
            self.between.pause_writing = lambda: None
        self.real.writelines(kept)
        self.between.pause_writing = pause


@transport_world("writelines of one line pauses nobody", "writelines-pauses-the-protocol-too")
class _(Choosing):
    def are_passed_over(self, lines):
        return len(lines) == 1


@transport_world("writelines of small lines pauses nobody", "writelines-pauses-the-protocol-too")
class _(Choosing):
    def are_passed_over(self, lines):
        return max(map(len, lines)) < 64 * 1024


@transport_world("writelines pauses nobody where something was buffered before", "writelines-pauses-the-protocol-too")
class _(Choosing):
    def are_passed_over(self, lines):
        return self.real.get_write_buffer_size() > 0


@transport_world("writelines pauses as write does", "writelines-pauses-nobody-in-early-3-12-and-3-13")
class _(Proxy):
    def writelines(self, lines):
        self.real.write(b"".join(lines))


@transport_world("writing is paused again by each write", "protocol-is-paused-while-too-much-is-buffered")
class _(Proxy):
    def write(self, data):
        was_above = self.real.get_write_buffer_size() > self.real.get_write_buffer_limits()[1]
        self.real.write(data)
        if was_above:
            self.between.pause_writing()


@protocol_world(
    "a turn after writing was paused each write pauses it again", "protocol-is-paused-while-too-much-is-buffered"
)
class _(Between):
    class proxy(Proxy):
        def write(self, data):
            self.real.write(data)
            if self.between.is_paused:
                self.between.protocol.pause_writing()

    is_paused = False

    def pause_writing(self):
        super().pause_writing()
        asyncio.get_running_loop().call_soon(setattr, self, "is_paused", True)

    def resume_writing(self):
        self.is_paused = False
        super().resume_writing()


@transport_world("the high mark is not heeded", "protocol-is-paused-while-too-much-is-buffered")
class _(Proxy):
    def set_write_buffer_limits(self, high=None, low=None):
        self.real.set_write_buffer_limits(high=100_000_000)


@transport_world("the high mark is half of what is set", "protocol-is-paused-while-too-much-is-buffered")
class _(Proxy):
    def set_write_buffer_limits(self, high=None, low=None):
        self.real.set_write_buffer_limits(high=high and high // 2, low=low)


@transport_world("each end is told for the other", "extra-info-tells-both-ends-and-the-default-for-the-rest")
class _(Proxy):
    def get_extra_info(self, name, default=None):
        other = {"sockname": "peername", "peername": "sockname"}
        return self.real.get_extra_info(other.get(name, name), default)


@transport_world("get_extra_info has no default", "extra-info-tells-both-ends-and-the-default-for-the-rest")
class _(Proxy):
    def get_extra_info(self, name, default=None):
        return self.real.get_extra_info(name)


@transport_world("a default goes before what is known", "extra-info-tells-both-ends-and-the-default-for-the-rest")
class _(Proxy):
    def get_extra_info(self, name, default=None):
        return self.real.get_extra_info(name) if default is None else default


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


@protocol_world(
    "for a client a reset is no error",
    "reset-connection-is-lost-with-its-error",
    of=of_clients,
    also=["closing-tls-on-a-stream-of-data-is-an-error-on-asyncio", "peer-that-does-not-say-goodbye-is-given-up"],
)
class _(Between):
    def connection_lost(self, error):
        super().connection_lost(None)


@transport_world("set_protocol changes nothing", "set-protocol-hands-the-connection-over")
class _(Proxy):
    def set_protocol(self, protocol):
        pass


@transport_world("clients keep their protocol", "set-protocol-hands-the-connection-over", of=of_clients)
class _(Proxy):
    def set_protocol(self, protocol):
        pass


@protocol_world("a reset after data is told as an end of file first", "reset-connection-is-lost-with-its-error")
class _(Between):
    has_data = False

    def data_received(self, data):
        self.has_data = True
        super().data_received(data)

    def connection_lost(self, error):
        if error is not None and self.has_data:
            super().eof_received()
        super().connection_lost(error)


@transport_world("the protocol can be set once", "set-protocol-hands-the-connection-over")
class _(Proxy):
    was_set = False

    def set_protocol(self, protocol):
        if not self.was_set:
            super().set_protocol(protocol)
        self.was_set = True


@transport_world("set_protocol tells connection_made", "set-protocol-hands-the-connection-over")
class _(Proxy):
    def set_protocol(self, protocol):
        super().set_protocol(protocol)
        protocol.connection_made(self)


@protocol_world("the old protocol is told to pause writing", "set-protocol-hands-the-connection-over")
class _(Between):
    def __init__(self, protocol):
        super().__init__(protocol)
        self.first = protocol

    def pause_writing(self):
        self.first.pause_writing()

    def resume_writing(self):
        self.first.resume_writing()


@transport_world("write after write_eof is dropped", "writing-after-write-eof-raises")
class _(Proxy):
    has_ended = False

    def write_eof(self):
        self.has_ended = True
        self.real.write_eof()

    def write(self, data):
        if not self.has_ended:
            self.real.write(data)


@transport_world("writing nothing is always possible", "writing-after-write-eof-raises")
class _(Proxy):
    def write(self, data):
        if data:
            self.real.write(data)


class Refusing(Proxy):
    """A transport that drops what it would refuse where it `drops()` that."""

    refusals = 0

    def write(self, data):
        try:
            self.real.write(data)
        except RuntimeError:
            self.refusals += 1
            if not self.drops():
                raise


@transport_world(
    "only the first write is refused",
    "writing-after-write-eof-raises",
    "writing-to-a-closed-transport-raises-on-uvloop",
)
class _(Refusing):
    def drops(self):
        return self.refusals > 1


@transport_world("write after write_eof is dropped while there is something to send", "writing-after-write-eof-raises")
class _(Refusing):
    def drops(self):
        return self.real.get_write_buffer_size() > 0


@transport_world("write after write_eof is dropped when all is sent", "writing-after-write-eof-raises")
class _(Refusing):
    def drops(self):
        return self.real.get_write_buffer_size() == 0


@transport_world("write after write_eof is dropped once it is closed", "writing-after-write-eof-raises")
class _(Refusing):
    def drops(self):
        return self.real.is_closing()


@transport_world("write of a bytearray or of much after write_eof is dropped", "writing-after-write-eof-raises")
class _(Refusing):
    def write(self, data):
        self.is_odd = isinstance(data, bytearray) or len(data) > 64 * 1024
        super().write(data)

    def drops(self):
        return self.is_odd


@transport_world(
    "a closed transport refuses to write",
    "writing-to-a-closed-transport-is-silent-on-asyncio",
    "writing-to-a-closed-tls-transport-is-silent",
)
class _(Proxy):
    def write(self, data):
        if self.real.is_closing():
            raise RuntimeError("it is closed")
        self.real.write(data)


@transport_world(
    "writing is an error of its own after abort",
    "writing-to-a-closed-transport-is-silent-on-asyncio",
    "writing-to-a-closed-transport-raises-on-uvloop",
    also=["writing-to-a-closed-tls-transport-is-silent"],
)
class _(Proxy):
    def abort(self):
        def write(data):
            raise ConnectionAbortedError("Connection lost")

        self.write = write
        self.real.abort()


@protocol_world(
    "writing is the error with which the connection was lost",
    "writing-to-a-closed-transport-is-silent-on-asyncio",
    "writing-to-a-closed-transport-raises-on-uvloop",
)
class _(Between):
    def connection_lost(self, error):
        def write(data):
            raise error

        if error is not None:
            self.transport.write = write
        super().connection_lost(error)


@transport_world(
    "writing is a ConnectionResetError where the peer has closed",
    "writing-to-a-closed-transport-is-silent-on-asyncio",
    "writing-to-a-closed-transport-raises-on-uvloop",
    also=["writing-to-a-closed-tls-transport-is-silent"],
)
class _(Proxy):
    was_closed = False

    def close(self):
        self.was_closed = True
        self.real.close()

    def write(self, data):
        if self.real.is_closing() and not self.was_closed:
            raise ConnectionResetError("Connection lost")
        self.real.write(data)


@transport_world(
    "of what is written to a closed transport only the fifth is logged",
    "writing-to-a-closed-transport-is-silent-on-asyncio",
)
class _(Proxy):
    late = 0

    def write(self, data):
        self.late += self.real.is_closing()
        if self.late <= 5:
            self.real.write(data)


@world(
    "writing to a closed transport is logged as an error",
    falsifies=["writing-to-a-closed-transport-is-silent-on-asyncio"],
)
def _(patch):
    logger = asyncio.selector_events.logger
    warning = logger.warning

    def louder(message, *arguments, **options):
        log = logger.error if message.startswith("socket.send()") else warning
        log(message, *arguments, **options)

    patch.setattr(logger, "warning", louder)


@transport_world("a closed transport drops what is written", "writing-to-a-closed-transport-raises-on-uvloop")
class _(Proxy):
    def write(self, data):
        if not self.real.is_closing():
            self.real.write(data)


@transport_world("a closed transport drops lines", "writing-to-a-closed-transport-raises-on-uvloop")
class _(Proxy):
    def writelines(self, lines):
        if not self.real.is_closing():
            self.real.writelines(lines)


@transport_world("transports are of a kind of their own", "transports-are-asyncio-transports-on-asyncio")
class _(Proxy):
    pass


@loop_world("a transport over a Unix socket is of a kind of its own", "transports-are-asyncio-transports-on-asyncio")
class _:
    async def create_unix_connection(self, factory, *arguments, **options):
        _, made = await super().create_unix_connection(lambda: Between(factory()), *arguments, **options)
        return made.transport, made.protocol


@loop_world("create_connection returns a kind of its own", "transports-are-asyncio-transports-on-asyncio")
class _:
    async def create_connection(self, *arguments, **options):
        transport, protocol = await super().create_connection(*arguments, **options)
        return Proxy(transport, None), protocol


@protocol_world("uvloop's transports write no lines", "transports-are-no-asyncio-transports-on-uvloop")
class _(Between):
    class proxy:
        __module__ = "uvloop.loop"

        def __init__(self, transport, between):
            self.real = transport

        def __getattr__(self, name):
            if name == "writelines":
                raise AttributeError(name)
            return getattr(self.real, name)


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


@transport_world(
    "the low mark is never above its default",
    "writing-is-resumed-at-a-quarter-of-the-high-mark-on-asyncio",
    "writing-is-resumed-at-16-bytes-on-uvloop",
)
class _(Proxy):
    def get_write_buffer_limits(self):
        low, high = self.real.get_write_buffer_limits()
        return min(low, 16 * 1024), high


@transport_world(
    "the low mark of a small high one is 0",
    "writing-is-resumed-at-a-quarter-of-the-high-mark-on-asyncio",
    "writing-is-resumed-at-16-bytes-on-uvloop",
)
class _(Proxy):
    def get_write_buffer_limits(self):
        low, high = self.real.get_write_buffer_limits()
        return 0 if high < 1024 else low, high


@world(
    "the low mark of a pipe is half of the high one",
    falsifies=["writing-is-resumed-at-a-quarter-of-the-high-mark-on-asyncio"],
)
def _(patch):
    class Halving(asyncio.unix_events._UnixWritePipeTransport):
        def get_write_buffer_limits(self):
            _, high = super().get_write_buffer_limits()
            return high // 2, high

    patch.setattr(asyncio.unix_events, "_UnixWritePipeTransport", Halving)


@transport_world(
    "writing is resumed when all is sent, whatever mark is told",
    "writing-is-resumed-at-a-quarter-of-the-high-mark-on-asyncio",
)
class _(Proxy):
    told = None

    def get_write_buffer_limits(self):
        return self.told or self.real.get_write_buffer_limits()

    def set_write_buffer_limits(self, high=None, low=None):
        self.real.set_write_buffer_limits(high=high, low=low)
        self.told = self.real.get_write_buffer_limits()
        self.real.set_write_buffer_limits(high=high, low=0)


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


@loop_world("the first 256 KiB of a file are sent", "loop-sendfile-sends-a-file-on-asyncio")
class _:
    async def sendfile(self, transport, file, *arguments, **options):
        return await super().sendfile(transport, file, 0, 256 * 1024)


@loop_world("a file is sent from where one has read to", "loop-sendfile-sends-a-file-on-asyncio")
class _:
    async def sendfile(self, transport, file, *arguments, **options):
        return await super().sendfile(transport, file, file.tell())


@world("every loop can send files", falsifies=["loop-sendfile-is-not-implemented-on-uvloop"])
def _(patch):
    class Able:
        async def sendfile(self, transport, file, *arguments, **options):
            data = file.read()
            transport.write(data)
            return len(data)

    patch.loops(Able)


@loop_world("sendfile without a fallback is refused in another way", "loop-sendfile-is-not-implemented-on-uvloop")
class _:
    async def sendfile(self, transport, file, *arguments, fallback=True, **options):
        raise NotImplementedError if fallback else RuntimeError("fallback is disabled")


@loop_world("a part of a file can be sent", "loop-sendfile-is-not-implemented-on-uvloop")
class _:
    async def sendfile(self, transport, file, offset=0, count=None, **options):
        if count is None:
            raise NotImplementedError
        file.seek(offset)
        transport.write(file.read(count))
        return count


@loop_world("sendfile refuses a file in which there is nothing", "loop-sendfile-sends-a-file-on-asyncio")
class _:
    async def sendfile(self, transport, file, *arguments, **options):
        if not os.fstat(file.fileno()).st_size:
            raise ValueError("there is nothing to send")
        return await super().sendfile(transport, file, *arguments, **options)


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


class Broken(Proxy):
    """A transport whose refusals are all of one kind."""

    def write(self, data):
        as_broken(self.real.write, data)

    def get_extra_info(self, name, default=None):
        found = self.real.get_extra_info(name, default)
        if name != "socket":
            return found
        shutdown = staticmethod(lambda how: as_broken(found.shutdown, how))
        return type("Broken", (), {"shutdown": shutdown, "setsockopt": found.setsockopt})()


def as_broken(function, *arguments):
    """Call a function; whatever it raises is an OSError."""
    try:
        function(*arguments)
    except Exception as error:
        raise OSError(str(error)) from None


@world(
    "what cannot be done with a connection is an OSError",
    falsifies=[
        "writing-after-write-eof-raises",
        "writing-to-a-closed-transport-raises-on-uvloop",
        "socket-of-a-transport-cannot-be-shut-down-on-uvloop",
        "loop-sendfile-is-not-implemented-on-uvloop",
        "connection-that-is-refused-is-not-named-on-uvloop",
    ],
)
def _(patch):
    refusing_with_it = refusing(lambda true, address: OSError("Multiple exceptions"))

    class Refusing(refusing_with_it, of_both_ends(type("WithIt", (Between,), {"proxy": Broken}))):
        async def sendfile(self, transport, file, *arguments, **options):
            raise OSError("it cannot be done")

    patch.loops(Refusing)
