"""Worlds in which claims of section 7.5, sockets, datagrams, executors and generators, are false."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import functools
import select
import socket

from tests.mutants.worlds import loop_world, world


@loop_world("a reader is called once", "reader-is-called-as-long-as-there-is-something-to-read")
class _:
    def add_reader(self, watched, callback, *arguments):
        def once():
            self.remove_reader(watched)
            callback(*arguments)

        super().add_reader(watched, once)


@loop_world(
    "a reader is called on each pass",
    "reader-is-called-as-long-as-there-is-something-to-read",
    also=["cancelled-sock-recv-loses-nothing"],
)
class _:
    def add_reader(self, watched, callback, *arguments):
        self.add_writer(watched, callback, *arguments)

    def remove_reader(self, watched):
        return self.remove_writer(watched)


def ten_times(callback, arguments, remove, watched):
    """A callback that calls this one ten times, and removes itself then."""
    calls = []

    def calling():
        calls.append(callback)
        if len(calls) == 10:
            remove(watched)
        callback(*arguments)

    return calling


@loop_world("a reader is called ten times at most", "reader-is-called-as-long-as-there-is-something-to-read")
class _:
    def add_reader(self, watched, callback, *arguments):
        super().add_reader(watched, ten_times(callback, arguments, self.remove_reader, watched))


@loop_world("a writer is called once", "writer-is-called-as-long-as-there-is-room")
class _:
    def add_writer(self, watched, callback, *arguments):
        def once():
            self.remove_writer(watched)
            callback(*arguments)

        super().add_writer(watched, once)


@loop_world("a writer is called ten times at most", "writer-is-called-as-long-as-there-is-room")
class _:
    def add_writer(self, watched, callback, *arguments):
        super().add_writer(watched, ten_times(callback, arguments, self.remove_writer, watched))


@loop_world("a writer is called on each pass", "writer-is-called-as-long-as-there-is-room")
class _:
    removed = False

    def add_writer(self, watched, callback, *arguments):
        def again():
            if not self.removed:
                callback(*arguments)
                self.call_soon(again)

        again()

    def remove_writer(self, watched):
        self.removed = True


@loop_world("the first reader stays", "later-reader-takes-the-place-of-the-earlier")
class _:
    watched = frozenset()

    def add_reader(self, watched, callback, *arguments):
        if watched not in self.watched:
            self.watched = self.watched | {watched}
            super().add_reader(watched, callback, *arguments)


@loop_world("a second reader stays", "later-reader-takes-the-place-of-the-earlier")
class _:
    watched = ()

    def add_reader(self, watched, callback, *arguments):
        if self.watched.count(watched) < 2:
            self.watched = (*self.watched, watched)
            super().add_reader(watched, callback, *arguments)


@loop_world("readers are kept on a stack", "later-reader-takes-the-place-of-the-earlier")
class _:
    stack = ()

    def add_reader(self, watched, callback, *arguments):
        super().add_reader(watched, callback, *arguments)
        self.stack = (*self.stack, (callback, arguments))

    def remove_reader(self, watched):
        *self.stack, _ = self.stack or [None]
        if not self.stack:
            return super().remove_reader(watched)
        callback, arguments = self.stack[-1]
        super().add_reader(watched, callback, *arguments)
        return True


@loop_world(
    "a reader that is removed stays",
    "removed-reader-is-not-called",
    also=["cancelled-sock-recv-loses-nothing"],
)
class _:
    def remove_reader(self, watched):
        pass


@loop_world("the number of a socket removes no reader", "removed-reader-is-not-called")
class _:
    def remove_reader(self, watched):
        return not isinstance(watched, int) and super().remove_reader(watched)


@loop_world("a reader is removed on the next pass", "removed-reader-is-not-called")
class _:
    def remove_reader(self, watched):
        self.call_soon(super().remove_reader, watched)
        return True


@loop_world("a reader that removes itself is called once more", "removed-reader-is-not-called")
class _:
    def add_reader(self, watched, callback, *arguments):
        def calling():
            self.within = callback, arguments
            try:
                callback(*arguments)
            finally:
                self.within = None

        super().add_reader(watched, calling)

    def remove_reader(self, watched):
        if vars(self).get("within"):
            callback, arguments = self.within
            self.call_soon(callback, *arguments)
        return super().remove_reader(watched)


@loop_world("a reader stays as long as there is a writer", "removed-reader-is-not-called")
class _:
    writers = frozenset()

    def add_writer(self, watched, callback, *arguments):
        self.writers |= {watched}
        super().add_writer(watched, callback, *arguments)

    def remove_writer(self, watched):
        self.writers -= {watched}
        return super().remove_writer(watched)

    def remove_reader(self, watched):
        return watched in self.writers or super().remove_reader(watched)


@loop_world("removing a reader tells nothing", "removing-a-reader-tells-whether-there-was-one-on-asyncio")
class _:
    def remove_reader(self, watched):
        super().remove_reader(watched)


@loop_world(
    "there may have been a reader of what nobody watched", "removing-a-reader-tells-whether-there-was-one-on-asyncio"
)
class _:
    known = frozenset()

    def add_reader(self, watched, callback, *arguments):
        self.known |= {watched}
        super().add_reader(watched, callback, *arguments)

    def remove_reader(self, watched):
        return super().remove_reader(watched) or watched not in self.known


@loop_world("removing a writer tells of a reader, too", "removing-a-reader-tells-whether-there-was-one-on-asyncio")
class _:
    def remove_writer(self, watched):
        is_watched = watched in self._selector.get_map()
        super().remove_writer(watched)
        return is_watched


@loop_world("removing a reader tells that there was one", "removing-a-reader-tells-nothing-on-uvloop")
class _:
    def remove_reader(self, watched):
        super().remove_reader(watched)
        return True


@loop_world("removing what watches a number tells that there was one", "removing-a-reader-tells-nothing-on-uvloop")
class _:
    def remove_reader(self, watched):
        super().remove_reader(watched)
        return isinstance(watched, int) or None


@loop_world("sock_recv holds all others up", "sock-recv-waits-without-holding-anyone-up")
class _:
    async def sock_recv(self, connection, size):
        before = connection.gettimeout()
        connection.settimeout(0.2)
        try:
            return connection.recv(size)
        except TimeoutError:
            return b"nothing"
        finally:
            connection.settimeout(before)


@loop_world("sock_recv throws away what it was not asked for", "sock-recv-waits-without-holding-anyone-up")
class _:
    async def sock_recv(self, connection, size):
        return (await super().sock_recv(connection, 65536))[:size]


@loop_world("a cancelled sock_recv takes what comes later", "cancelled-sock-recv-loses-nothing")
class _:
    async def sock_recv(self, connection, size):
        try:
            return await super().sock_recv(connection, size)
        except asyncio.CancelledError:
            self.add_reader(connection, lambda: connection.recv(3) and self.remove_reader(connection))
            raise


@loop_world("after a cancelled sock_recv what does not fit is lost", "cancelled-sock-recv-loses-nothing")
class _:
    cancelled = False

    async def sock_recv(self, connection, size):
        was_cancelled, self.cancelled = self.cancelled, False
        try:
            return (await super().sock_recv(connection, 65536 if was_cancelled else size))[:size]
        except asyncio.CancelledError:
            self.cancelled = True
            raise


@loop_world("the second of two cancelled sock_recv takes what comes later", "cancelled-sock-recv-loses-nothing")
class _:
    cancelled = 0

    async def sock_recv(self, connection, size):
        try:
            received = await super().sock_recv(connection, size)
        except asyncio.CancelledError:
            self.cancelled += 1
            if self.cancelled == 2:
                self.add_reader(connection, lambda: connection.recv(3) and self.remove_reader(connection))
            raise
        self.cancelled = 0
        return received


@loop_world("a cancelled sock_recv loses what has come by then", "cancelled-sock-recv-loses-nothing")
class _:
    async def sock_recv(self, connection, size):
        try:
            return await super().sock_recv(connection, size)
        except asyncio.CancelledError:
            with contextlib.suppress(BlockingIOError):
                connection.recv(size)
            raise


@loop_world("a cancelled sock_recv takes the reader of the next one away", "cancelled-sock-recv-loses-nothing")
class _:
    async def sock_recv(self, connection, size):
        try:
            return await super().sock_recv(connection, size)
        except asyncio.CancelledError:
            self.call_soon(self.remove_reader, connection)
            raise


@loop_world("sock_sendall sends what fits", "sock-sendall-waits-until-all-is-taken")
class _:
    async def sock_sendall(self, connection, data):
        connection.send(data)


@loop_world("sock_sendall begins anew with each part", "sock-sendall-waits-until-all-is-taken")
class _:
    async def sock_sendall(self, connection, data):
        for sent in range(0, len(data), 65536):
            await super().sock_sendall(connection, data[: min(65536, len(data) - sent)])


@loop_world("sock_sendall sends a piece of what is no bytes", "sock-sendall-waits-until-all-is-taken")
class _:
    async def sock_sendall(self, connection, data):
        await super().sock_sendall(connection, data if isinstance(data, bytes) else data[:65536])


@loop_world("sock_sendall leaves the second half of much to a task", "sock-sendall-waits-until-all-is-taken")
class _:
    async def sock_sendall(self, connection, data):
        half = len(data) // 2 if len(data) > 1_000_000 else len(data)
        await super().sock_sendall(connection, data[:half])
        self.rest = self.create_task(super().sock_sendall(connection, data[half:]))


@loop_world("sock_recv_into starts behind the first byte", "sock-recv-into-fills-the-buffer-it-is-given")
class _:
    async def sock_recv_into(self, connection, buffer):
        return await super().sock_recv_into(connection, memoryview(buffer)[1:])


@loop_world("sock_recv_into tells the size of the buffer", "sock-recv-into-fills-the-buffer-it-is-given")
class _:
    async def sock_recv_into(self, connection, buffer):
        await super().sock_recv_into(connection, buffer)
        return len(buffer)


@loop_world("sock_recv_into tells the size of the buffer at the end", "sock-recv-into-fills-the-buffer-it-is-given")
class _:
    async def sock_recv_into(self, connection, buffer):
        return await super().sock_recv_into(connection, buffer) or len(buffer)


@loop_world("sock_recv_into does not wait", "sock-recv-into-fills-the-buffer-it-is-given")
class _:
    async def sock_recv_into(self, connection, buffer):
        try:
            return connection.recv_into(buffer)
        except BlockingIOError:
            return 0


@loop_world("sock_recv_into fills a copy of a view", "sock-recv-into-fills-the-buffer-it-is-given")
class _:
    async def sock_recv_into(self, connection, buffer):
        return await super().sock_recv_into(connection, bytearray(buffer) if isinstance(buffer, memoryview) else buffer)


@loop_world("sock_accept does not wait", "sock-connect-and-sock-accept-meet")
class _:
    async def sock_accept(self, listening):
        accepted, address = listening.accept()
        accepted.setblocking(False)
        return accepted, address


@loop_world("sock_accept gives its own address", "sock-connect-and-sock-accept-meet")
class _:
    async def sock_accept(self, listening):
        accepted, _ = await super().sock_accept(listening)
        return accepted, listening.getsockname()


@loop_world("sock_accept gives a socket that blocks", "sock-connect-and-sock-accept-meet")
class _:
    async def sock_accept(self, listening):
        accepted, address = await super().sock_accept(listening)
        accepted.setblocking(True)
        return accepted, address


@loop_world("sock_accept gives a socket that blocks where it need not wait", "sock-connect-and-sock-accept-meet")
class _:
    async def sock_accept(self, listening):
        is_there, _, _ = select.select([listening], [], [], 0)
        accepted, address = await super().sock_accept(listening)
        accepted.setblocking(bool(is_there))
        return accepted, address


@loop_world("sockets that block are taken in any mode", "blocking-socket-is-refused-in-debug-mode-only")
class _:
    async def sock_sendall(self, connection, data):
        debug = self.get_debug()
        self.set_debug(False)
        await super().sock_sendall(connection, data)
        self.set_debug(debug)


@loop_world("sockets that block are taken to be read from", "blocking-socket-is-refused-in-debug-mode-only")
class _:
    async def sock_recv(self, connection, size):
        debug = self.get_debug()
        self.set_debug(False)
        received = await super().sock_recv(connection, size)
        self.set_debug(debug)
        return received


@loop_world("sockets that block are taken to accept on", "blocking-socket-is-refused-in-debug-mode-only")
class _:
    async def sock_accept(self, listening):
        debug = self.get_debug()
        self.set_debug(False)
        accepted = await super().sock_accept(listening)
        self.set_debug(debug)
        return accepted


@loop_world("sockets that have a timeout are taken in any mode", "blocking-socket-is-refused-in-debug-mode-only")
class _:
    async def sock_recv_into(self, connection, buffer):
        debug = self.get_debug()
        self.set_debug(debug and connection.gettimeout() is None)
        received = await super().sock_recv_into(connection, buffer)
        self.set_debug(debug)
        return received


@loop_world(
    "out of debug mode sockets to be read are made not to block", "blocking-socket-is-refused-in-debug-mode-only"
)
class _:
    async def sock_recv(self, connection, size):
        if not self.get_debug():
            connection.setblocking(False)
        return await super().sock_recv(connection, size)


@loop_world("out of debug mode sockets that block are made not to", "blocking-socket-is-refused-in-debug-mode-only")
class _:
    async def sock_sendall(self, connection, data):
        if not self.get_debug():
            connection.setblocking(False)
        await super().sock_sendall(connection, data)


@loop_world("sockets that block are refused in any mode", "blocking-socket-is-refused-in-debug-mode-only")
class _:
    async def sock_sendall(self, connection, data):
        if connection.gettimeout() != 0:
            raise ValueError("the socket must be non-blocking")
        await super().sock_sendall(connection, data)


class Between(asyncio.DatagramProtocol):
    """What an endpoint has in the place of its protocol; it passes on what it does not break."""

    def __init__(self, protocol):
        self.protocol = protocol

    def connection_made(self, transport):
        self.protocol.connection_made(transport)

    def datagram_received(self, data, address):
        self.protocol.datagram_received(data, address)

    def error_received(self, error):
        self.protocol.error_received(error)

    def connection_lost(self, error):
        self.protocol.connection_lost(error)


def datagram_world(name, *falsifies):
    """A world in which endpoints' protocols are told what the class below tells them."""

    def register(made):
        class Connecting:
            async def create_datagram_endpoint(self, factory, *arguments, **options):
                transport, between = await super().create_datagram_endpoint(
                    lambda: made(factory()), *arguments, **options
                )
                return transport, between.protocol

        world(name, falsifies=falsifies)(lambda patch: patch.loops(Connecting))
        return made

    return register


@datagram_world("datagrams are put together", "datagrams-come-one-by-one-with-their-sender")
class _(Between):
    kept = b""

    def datagram_received(self, data, address):
        self.kept += data
        if len(self.kept) >= 6:
            super().datagram_received(self.kept, address)
            super().datagram_received(b"", address)


@datagram_world("a datagram like the one before is none", "datagrams-come-one-by-one-with-their-sender")
class _(Between):
    last = None

    def datagram_received(self, data, address):
        if data != self.last:
            super().datagram_received(data, address)
        self.last = data


@datagram_world("who hears one sender alone is not told it", "datagrams-come-one-by-one-with-their-sender")
class _(Between):
    def connection_made(self, transport):
        self.remote = transport.get_extra_info("peername")
        super().connection_made(transport)

    def datagram_received(self, data, address):
        super().datagram_received(data, None if self.remote else address)


@datagram_world("nobody knows who sent a datagram", "datagrams-come-one-by-one-with-their-sender")
class _(Between):
    def datagram_received(self, data, address):
        super().datagram_received(data, None)


@datagram_world("every datagram comes from who sent the first", "datagrams-come-one-by-one-with-their-sender")
class _(Between):
    first = None

    def datagram_received(self, data, address):
        self.first = self.first or address
        super().datagram_received(data, self.first)


@datagram_world("a datagram has 512 bytes at most", "datagrams-come-one-by-one-with-their-sender")
class _(Between):
    def datagram_received(self, data, address):
        super().datagram_received(data[:512], address)


@datagram_world("a datagram to nobody is lost without a word", "datagram-to-nobody-is-an-error-received")
class _(Between):
    def error_received(self, error):
        pass


@datagram_world("a datagram to nobody closes the endpoint", "datagram-to-nobody-is-an-error-received")
class _(Between):
    def error_received(self, error):
        super().error_received(error)
        self.protocol.transport.close()


class EndpointProxy:
    """What a protocol is given in the place of its endpoint's transport."""

    def __init__(self, real):
        self.real = real

    def __getattr__(self, name):
        return getattr(self.real, name)


@datagram_world("an endpoint sends nothing after an error", "datagram-to-nobody-is-an-error-received")
class _(Between):
    def connection_made(self, transport):
        self.proxy = EndpointProxy(transport)
        super().connection_made(self.proxy)

    def error_received(self, error):
        self.proxy.sendto = lambda *arguments: None
        super().error_received(error)


@datagram_world("an endpoint hears nothing after an error", "datagram-to-nobody-is-an-error-received")
class _(Between):
    def error_received(self, error):
        self.datagram_received = lambda data, address: None
        super().error_received(error)


@datagram_world("a second error closes an endpoint", "datagram-to-nobody-is-an-error-received")
class _(Between):
    errors = 0

    def connection_made(self, transport):
        self.transport = transport
        super().connection_made(transport)

    def error_received(self, error):
        super().error_received(error)
        self.errors += 1
        if self.errors == 2:
            self.transport.close()


@datagram_world("an endpoint sends to anybody", "connected-datagram-endpoint-sends-to-nobody-else")
class _(Between):
    def connection_made(self, transport):
        class Anywhere(EndpointProxy):
            def sendto(self, data, address=None):
                if address is None:
                    self.real.sendto(data)

        super().connection_made(Anywhere(transport))


@datagram_world("an endpoint that has sent sends to anybody", "connected-datagram-endpoint-sends-to-nobody-else")
class _(Between):
    def connection_made(self, transport):
        class AnywhereLater(EndpointProxy):
            has_sent = False

            def sendto(self, data, address=None):
                if address is None or not self.has_sent:
                    self.real.sendto(data, address)
                self.has_sent = True

        super().connection_made(AnywhereLater(transport))


@datagram_world("an endpoint sends to any host", "connected-datagram-endpoint-sends-to-nobody-else")
class _(Between):
    def connection_made(self, transport):
        class AnyHost(EndpointProxy):
            def sendto(self, data, address=None):
                host, port = self.real.get_extra_info("peername")
                self.real.sendto(data, address and (host, address[1]))

        super().connection_made(AnyHost(transport))


def pipe_world(name, *falsifies):
    """A world in which a pipe's protocol is told what the class below tells it."""

    def register(made):
        class Connecting:
            async def connect_read_pipe(self, factory, file):
                transport, between = await super().connect_read_pipe(lambda: made(factory()), file)
                return transport, between.protocol

        world(name, falsifies=falsifies)(lambda patch: patch.loops(Connecting))
        return made

    return register


class Pipe(asyncio.Protocol):
    """What a pipe has in the place of its protocol."""

    def __init__(self, protocol):
        self.protocol = protocol

    def data_received(self, data):
        self.protocol.data_received(data)

    def eof_received(self):
        self.protocol.eof_received()

    def connection_lost(self, error):
        self.protocol.connection_lost(error)


@pipe_world("the end of a pipe is not told", "read-pipe-tells-data-and-its-end")
class _(Pipe):
    def eof_received(self):
        pass


@pipe_world("the end of a pipe without data is not told", "read-pipe-tells-data-and-its-end")
class _(Pipe):
    had_data = False

    def data_received(self, data):
        self.had_data = True
        super().data_received(data)

    def eof_received(self):
        if self.had_data:
            super().eof_received()


@pipe_world("a pipe's data comes twice", "read-pipe-tells-data-and-its-end")
class _(Pipe):
    def data_received(self, data):
        super().data_received(data)
        super().data_received(data)


@pipe_world("what comes right before the end of a pipe is lost", "read-pipe-tells-data-and-its-end")
class _(Pipe):
    def data_received(self, data):
        self.telling = asyncio.get_running_loop().call_later(0.001, super().data_received, data)

    def eof_received(self):
        self.telling.cancel()
        super().eof_received()


@loop_world("the end of a pipe closes its file before it is told", "read-pipe-tells-data-and-its-end")
class _:
    async def connect_read_pipe(self, factory, file):
        class Closing(Pipe):
            def eof_received(self):
                file.close()
                super().eof_received()

        transport, between = await super().connect_read_pipe(lambda: Closing(factory()), file)
        return transport, between.protocol


@loop_world("the executor takes the context with it", "context-goes-with-to-thread-and-not-into-the-executor")
class _:
    def run_in_executor(self, executor, function, *arguments):
        return super().run_in_executor(executor, contextvars.copy_context().run, function, *arguments)


@loop_world("an executor of one's own takes the context", "context-goes-with-to-thread-and-not-into-the-executor")
class _:
    def run_in_executor(self, executor, function, *arguments):
        if executor is not None:
            function, arguments = contextvars.copy_context().run, (function, *arguments)
        return super().run_in_executor(executor, function, *arguments)


@world("to_thread leaves the context behind", falsifies=["context-goes-with-to-thread-and-not-into-the-executor"])
def _(patch):
    async def to_thread(function, /, *arguments):
        return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)

    patch.setattr(asyncio, "to_thread", to_thread)


@loop_world("a new executor comes after the shutdown", "default-executor-takes-nothing-after-its-shutdown")
class _:
    async def shutdown_default_executor(self, *arguments):
        pass


@loop_world(
    "an executor without a job survives its shutdown",
    "default-executor-takes-nothing-after-its-shutdown",
    "look-ups-need-the-default-executor-on-asyncio",
)
class _:
    had_a_job = False

    def run_in_executor(self, *arguments):
        self.had_a_job = True
        return super().run_in_executor(*arguments)

    async def shutdown_default_executor(self, *arguments):
        if self.had_a_job:
            await super().shutdown_default_executor(*arguments)


@loop_world("an executor that was shut down refuses once", "default-executor-takes-nothing-after-its-shutdown")
class _:
    refused = False

    def run_in_executor(self, executor, function, *arguments):
        try:
            return super().run_in_executor(executor, function, *arguments)
        except RuntimeError:
            if not self.refused:
                self.refused = True
                raise
            return self.create_future()


@loop_world("look-ups need no executor", "look-ups-need-the-default-executor-on-asyncio")
class _:
    async def getaddrinfo(self, host, port, **options):
        return [(None, None, None, "", (host, port))]


@loop_world(
    "look-ups have a thread of their own, and go with the default executor all the same",
    "look-ups-need-the-default-executor-on-asyncio",
)
class _:
    is_shut_down = False

    async def shutdown_default_executor(self, *arguments):
        self.is_shut_down = True
        await super().shutdown_default_executor(*arguments)

    async def getaddrinfo(self, host, port, **options):
        if self.is_shut_down:
            raise RuntimeError("Executor shutdown has been called")
        with concurrent.futures.ThreadPoolExecutor(1) as own:
            return await self.run_in_executor(own, functools.partial(socket.getaddrinfo, host, port, **options))


@loop_world("a look-up holds the loop up", "look-ups-need-no-executor-on-uvloop")
class _:
    async def getaddrinfo(self, host, port, **options):
        return socket.getaddrinfo(host, port, **options)


@loop_world("names need the default executor, and numbers do not", "look-ups-need-no-executor-on-uvloop")
class _:
    async def getaddrinfo(self, host, port, **options):
        if not host[:1].isdigit():
            await self.run_in_executor(None, int)
        return await super().getaddrinfo(host, port, **options)


@loop_world("look-ups need the default executor", "look-ups-need-no-executor-on-uvloop")
class _:
    async def getaddrinfo(self, host, port, **options):
        await self.run_in_executor(None, int)
        return await super().getaddrinfo(host, port, **options)


@loop_world("generators are left as they are", "shutdown-asyncgens-ends-what-is-half-way")
class _:
    async def shutdown_asyncgens(self):
        pass


@loop_world(
    "a loop knows of one generator at most",
    "shutdown-asyncgens-ends-what-is-half-way",
    also=["generator-that-raises-at-its-end-is-reported", "generator-after-shutdown-asyncgens-is-warned-of"],
)
class _:
    known = False

    def _asyncgen_firstiter_hook(self, generator):
        if not self.known:
            super()._asyncgen_firstiter_hook(generator)
        self.known = True


@loop_world("the end of a generator is not waited for", "shutdown-asyncgens-ends-what-is-half-way")
class _:
    async def shutdown_asyncgens(self):
        self.create_task(super().shutdown_asyncgens())


@loop_world("the end of a generator is waited for a few turns", "shutdown-asyncgens-ends-what-is-half-way")
class _:
    async def shutdown_asyncgens(self):
        self.shutting_down = self.create_task(super().shutdown_asyncgens())
        for _ in range(5):
            await asyncio.sleep(0)


@loop_world("a generator that raises at its end is the last that is ended", "shutdown-asyncgens-ends-what-is-half-way")
class _:
    known = ()

    def _asyncgen_firstiter_hook(self, generator):
        self.known = (*self.known, generator)
        super()._asyncgen_firstiter_hook(generator)

    async def shutdown_asyncgens(self):
        for generator in self.known:
            try:
                await generator.aclose()
            except Exception:
                return


@loop_world("nobody refuses a connection", "sock-connect-to-nobody-is-refused")
class _:
    async def sock_connect(self, sock, address):
        with contextlib.suppress(ConnectionRefusedError):
            await super().sock_connect(sock, address)


@loop_world("who is refused by name is not told so", "sock-connect-to-nobody-is-refused")
class _:
    async def sock_connect(self, sock, address):
        try:
            await super().sock_connect(sock, address)
        except ConnectionRefusedError:
            if address[0] != "localhost":
                raise


@loop_world("who is refused again is told that it takes too long", "sock-connect-to-nobody-is-refused")
class _:
    refused = False

    async def sock_connect(self, sock, address):
        try:
            await super().sock_connect(sock, address)
        except ConnectionRefusedError:
            if self.refused:
                raise TimeoutError from None
            self.refused = True
            raise


@loop_world("a path where nobody listens is not there", "sock-connect-to-nobody-is-refused")
class _:
    async def sock_connect(self, sock, address):
        try:
            await super().sock_connect(sock, address)
        except ConnectionRefusedError:
            if isinstance(address, str):
                raise FileNotFoundError(address) from None
            raise


@loop_world("a port is looked up as 0", "numeric-addresses-are-looked-up-as-by-the-module-socket")
class _:
    async def getaddrinfo(self, host, port, **options):
        return await super().getaddrinfo(host, 0, **options)


@loop_world(
    "the protocol is not looked at",
    "numeric-addresses-are-looked-up-as-by-the-module-socket",
    "type-and-protocol-that-do-not-fit-have-no-address-on-asyncio",
)
class _:
    async def getaddrinfo(self, host, port, *, proto=0, **options):
        return await super().getaddrinfo(host, port, **options)


@loop_world(
    "the system is asked what a number stands for, too", "type-and-protocol-that-do-not-fit-have-an-address-on-uvloop"
)
class _:
    async def getaddrinfo(self, host, port, **options):
        return await self.run_in_executor(None, functools.partial(socket.getaddrinfo, host, port, **options))


@loop_world(
    "the type of an address that does not fit is passed over",
    "type-and-protocol-that-do-not-fit-have-an-address-on-uvloop",
)
class _:
    async def getaddrinfo(self, host, port, *, type=0, **options):
        return await super().getaddrinfo(host, port, **options)


@loop_world(
    "datagrams over TCP have no address",
    "type-and-protocol-that-do-not-fit-have-an-address-on-uvloop",
)
class _:
    async def getaddrinfo(self, host, port, *, type=0, proto=0, **options):
        if (type, proto) == (socket.SOCK_DGRAM, socket.IPPROTO_TCP):
            raise socket.gaierror(socket.EAI_SOCKTYPE, "ai_socktype not supported")
        return await super().getaddrinfo(host, port, type=type, proto=proto, **options)


@loop_world("IPv6 has no address for streams over UDP", "type-and-protocol-that-do-not-fit-have-an-address-on-uvloop")
class _:
    async def getaddrinfo(self, host, port, *, proto=0, **options):
        if ":" in str(host) and proto == socket.IPPROTO_UDP:
            raise socket.gaierror(socket.EAI_SOCKTYPE, "ai_socktype not supported")
        return await super().getaddrinfo(host, port, proto=proto, **options)


@loop_world("families and types are plain numbers", "numeric-addresses-are-looked-up-as-by-the-module-socket")
class _:
    async def getaddrinfo(self, *arguments, **options):
        found = await super().getaddrinfo(*arguments, **options)
        return [(int(family), int(kind), *rest) for family, kind, *rest in found]


@loop_world("no service is known by its name", "numeric-addresses-are-looked-up-as-by-the-module-socket")
class _:
    async def getaddrinfo(self, host, port, **options):
        if isinstance(port, str) and not port.isdigit():
            raise socket.gaierror(socket.EAI_SERVICE, "Servname not supported for ai_socktype")
        return await super().getaddrinfo(host, port, **options)


@loop_world("of a high port the highest bit is lost", "numeric-addresses-are-looked-up-as-by-the-module-socket")
class _:
    async def getaddrinfo(self, host, port, **options):
        if isinstance(port, int) and port >= 2**15:
            port -= 2**15
        return await super().getaddrinfo(host, port, **options)


@loop_world("ports have no names", "numeric-addresses-are-looked-up-as-by-the-module-socket")
class _:
    async def getnameinfo(self, address, flags=0):
        return await super().getnameinfo(address, flags | socket.NI_NUMERICSERV)


@loop_world("ports have the names of streams", "numeric-addresses-are-looked-up-as-by-the-module-socket")
class _:
    async def getnameinfo(self, address, flags=0):
        return await super().getnameinfo(address, flags & ~socket.NI_DGRAM)


@loop_world("the family is not looked at", "numeric-addresses-are-looked-up-as-by-the-module-socket")
class _:
    async def getaddrinfo(self, host, port, *, family=0, **options):
        return await super().getaddrinfo(host, port, **options)


@loop_world("the flags are not looked at", "numeric-addresses-are-looked-up-as-by-the-module-socket")
class _:
    async def getaddrinfo(self, host, port, *, flags=0, **options):
        return await super().getaddrinfo(host, port, **options)


@loop_world("a name that is asked for may be a number", "numeric-addresses-are-looked-up-as-by-the-module-socket")
class _:
    async def getnameinfo(self, address, flags=0):
        return await super().getnameinfo(address, flags & ~socket.NI_NAMEREQD)


@loop_world("a port has the name of its service", "numeric-addresses-are-looked-up-as-by-the-module-socket")
class _:
    async def getnameinfo(self, address, flags=0):
        host, _ = await super().getnameinfo(address, flags)
        return host, "http"


@loop_world("streams alone are looked up", "numeric-addresses-are-looked-up-as-by-the-module-socket")
class _:
    async def getaddrinfo(self, host, port, **options):
        return await super().getaddrinfo(host, port, **{**options, "type": socket.SOCK_STREAM})


@loop_world("what is no number has no name", "numeric-addresses-are-looked-up-as-by-the-module-socket")
class _:
    async def getnameinfo(self, address, flags=0):
        try:
            return await super().getnameinfo(address, flags)
        except socket.gaierror:
            return None


@loop_world("no port is port 1", "numeric-addresses-are-looked-up-as-by-the-module-socket")
class _:
    async def getaddrinfo(self, host, port, **options):
        return await super().getaddrinfo(host, 1 if port is None else port, **options)


@loop_world("a port is no text", "numeric-addresses-are-looked-up-as-by-the-module-socket")
class _:
    async def getaddrinfo(self, host, port, **options):
        if isinstance(port, str):
            raise socket.gaierror(socket.EAI_SERVICE, "Servname not supported for ai_socktype")
        return await super().getaddrinfo(host, port, **options)


@loop_world("a host is not looked up by bytes", "numeric-addresses-are-looked-up-as-by-the-module-socket")
class _:
    async def getaddrinfo(self, host, port, **options):
        if isinstance(host, bytes):
            raise TypeError("a host is a str")
        return await super().getaddrinfo(host, port, **options)


@loop_world("no host is every host", "numeric-addresses-are-looked-up-as-by-the-module-socket")
class _:
    async def getaddrinfo(self, host, port, **options):
        return await super().getaddrinfo("0.0.0.0" if host is None else host, port, **options)


@loop_world("whatever has no address is an unknown name", "numeric-addresses-are-looked-up-as-by-the-module-socket")
class _:
    async def getaddrinfo(self, host, port, **options):
        try:
            return await super().getaddrinfo(host, port, **options)
        except socket.gaierror:
            raise socket.gaierror(99, "Unknown name") from None
