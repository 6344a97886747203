"""Worlds in which claims of section 7.6, TLS on any event loop, are false."""

from __future__ import annotations

import asyncio
import os
import ssl

from tests.mutants.worlds import loop_world, world
from tests.mutants.worlds.connections import Between, Proxy, of_clients, of_servers, protocol_world, transport_world


def trusting(context):
    """A context of a client that trusts everybody; nothing where there is to be no TLS."""
    if not context:
        return context
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    return blind


@loop_world("a protocol has its connection before the handshake", "tls-handshake-is-done-before-connection-made")
class _:
    async def create_server(self, factory, *arguments, **options):
        class NotReady:
            def __init__(self, protocol):
                self.protocol = protocol

            def get_extra_info(self, name, default=None):
                return default

            def abort(self):
                self.protocol.connection_lost(None)

            def close(self):
                pass

        def early():
            protocol = factory()
            protocol.connection_made(NotReady(protocol))
            return protocol

        return await super().create_server(early, *arguments, **options)


@loop_world("a client has its connection, whatever becomes of it", "tls-handshake-is-done-before-connection-made")
class _:
    async def create_connection(self, factory, *arguments, **options):
        made = []

        def remember():
            made.append(factory())
            return made[-1]

        try:
            return await super().create_connection(remember, *arguments, **options)
        except ssl.SSLError as error:
            made[0].connection_made(asyncio.Transport())
            made[0].connection_lost(error)
            raise


@transport_world(
    "no cipher is told",
    "tls-handshake-is-done-before-connection-made",
    "tls-transport-tells-of-its-encryption",
)
class _(Proxy):
    def get_extra_info(self, name, default=None):
        return default if name == "cipher" else self.real.get_extra_info(name, default)


@transport_world(
    "no certificate is told", "tls-transport-tells-of-its-encryption", "server-sees-the-certificate-that-it-asks-for"
)
class _(Proxy):
    def get_extra_info(self, name, default=None):
        return default if name == "peercert" else self.real.get_extra_info(name, default)


@transport_world("the context is another one", "tls-transport-tells-of-its-encryption")
class _(Proxy):
    def get_extra_info(self, name, default=None):
        found = self.real.get_extra_info(name, default)
        return ssl.create_default_context() if name == "sslcontext" else found


@transport_world("a server is not told of its context", "tls-transport-tells-of-its-encryption")
class _(Proxy):
    def get_extra_info(self, name, default=None):
        of_a_server = self.real.get_extra_info("ssl_object").server_side
        return default if name == "sslcontext" and of_a_server else self.real.get_extra_info(name, default)


@loop_world(
    "every certificate is trusted",
    "certificate-that-nobody-vouches-for-is-refused",
    "certificate-of-another-name-is-refused",
)
class _:
    async def create_connection(self, factory, *arguments, ssl=None, **options):
        return await super().create_connection(factory, *arguments, ssl=trusting(ssl), **options)


@loop_world("a refused certificate is reported", "certificate-that-nobody-vouches-for-is-refused")
class _:
    async def create_connection(self, *arguments, **options):
        try:
            return await super().create_connection(*arguments, **options)
        except ssl.SSLError as error:
            self.call_exception_handler({"message": "refused", "exception": error})
            raise


@loop_world("the host is the name, whatever is given", "certificate-of-another-name-is-refused")
class _:
    async def create_connection(self, *arguments, server_hostname=None, **options):
        return await super().create_connection(*arguments, **options)


@loop_world("the name is never the host", "certificate-of-another-name-is-refused")
class _:
    async def create_connection(self, *arguments, server_hostname="nobody", **options):
        return await super().create_connection(*arguments, server_hostname=server_hostname, **options)


@loop_world(
    "where no name is given any will do",
    "certificate-of-another-name-is-refused",
    also=["certificate-that-nobody-vouches-for-is-refused"],
)
class _:
    async def create_connection(self, *arguments, ssl=None, server_hostname=None, **options):
        if ssl and server_hostname is None:
            ssl.check_hostname = False
        return await super().create_connection(*arguments, ssl=ssl, server_hostname=server_hostname, **options)


@loop_world("a socket needs no name", "tls-over-a-socket-needs-a-name")
class _:
    async def create_connection(self, factory, *arguments, server_hostname=None, **options):
        name = server_hostname or ("127.0.0.1" if "sock" in options else None)
        return await super().create_connection(factory, *arguments, server_hostname=name, **options)


@loop_world("a socket needs no name where ssl is True", "tls-over-a-socket-needs-a-name")
class _:
    async def create_connection(self, factory, *arguments, ssl=None, **options):
        if ssl is True and "sock" in options:
            options.setdefault("server_hostname", "127.0.0.1")
        return await super().create_connection(factory, *arguments, ssl=ssl, **options)


@loop_world("options of TLS are not looked at where there is none", "options-of-tls-without-tls-are-refused")
class _:
    async def create_connection(self, factory, *arguments, ssl=None, **options):
        return await super().create_connection(factory, *arguments, ssl=ssl, **(options if ssl else {}))

    async def create_server(self, factory, *arguments, ssl=None, **options):
        return await super().create_server(factory, *arguments, ssl=ssl, **(options if ssl else {}))


@loop_world("what is false is no option of TLS", "options-of-tls-without-tls-are-refused")
class _:
    async def create_connection(self, factory, *arguments, ssl=None, **options):
        options = options if ssl else {name: value for name, value in options.items() if value}
        return await super().create_connection(factory, *arguments, ssl=ssl, **options)


@loop_world(
    "Unix sockets do not look at options of TLS without it",
    "options-of-tls-without-tls-are-refused",
    also=["network-wait-lets-the-loop-run-another-task"],
)
class _:
    async def create_unix_connection(self, factory, path=None, *, ssl=None, **options):
        return await super().create_unix_connection(factory, path, ssl=ssl, **(options if ssl else {}))

    async def create_unix_server(self, factory, path=None, *, ssl=None, **options):
        return await super().create_unix_server(factory, path, ssl=ssl, **(options if ssl else {}))


@loop_world("a server finds a context by itself", "server-needs-a-context-of-its-own")
class _:
    async def create_server(self, factory, *arguments, ssl=None, **options):
        return await super().create_server(factory, *arguments, **options)


@loop_world("a handshake has no end", "peer-that-is-silent-in-the-handshake-is-given-up")
class _:
    async def create_connection(self, *arguments, ssl_handshake_timeout=None, **options):
        return await super().create_connection(*arguments, **options)

    async def create_server(self, *arguments, ssl_handshake_timeout=None, **options):
        return await super().create_server(*arguments, **options)


@loop_world("a handshake is given a tenth of its time", "peer-that-is-silent-in-the-handshake-is-given-up")
class _:
    async def create_connection(self, *arguments, ssl_handshake_timeout=None, **options):
        in_a_hurry = ssl_handshake_timeout and ssl_handshake_timeout / 10
        return await super().create_connection(*arguments, ssl_handshake_timeout=in_a_hurry, **options)

    async def create_server(self, *arguments, ssl_handshake_timeout=None, **options):
        in_a_hurry = ssl_handshake_timeout and ssl_handshake_timeout / 10
        return await super().create_server(*arguments, ssl_handshake_timeout=in_a_hurry, **options)


@loop_world("a handshake of start_tls has no time", "peer-that-is-silent-in-the-handshake-is-given-up")
class _:
    async def start_tls(self, *arguments, ssl_handshake_timeout=None, **options):
        in_a_hurry = ssl_handshake_timeout and ssl_handshake_timeout / 10
        return await super().start_tls(*arguments, ssl_handshake_timeout=in_a_hurry, **options)


@loop_world("a handshake of a client of a Unix socket has no end", "peer-that-is-silent-in-the-handshake-is-given-up")
class _:
    async def create_unix_connection(self, *arguments, ssl_handshake_timeout=None, **options):
        return await super().create_unix_connection(*arguments, **options)


@loop_world("a handshake of a server of a Unix socket has no end", "peer-that-is-silent-in-the-handshake-is-given-up")
class _:
    async def create_unix_server(self, *arguments, ssl_handshake_timeout=None, **options):
        return await super().create_unix_server(*arguments, **options)


@loop_world("a handshake of a server's start_tls has no end", "peer-that-is-silent-in-the-handshake-is-given-up")
class _:
    async def start_tls(self, *arguments, server_side=False, **options):
        if server_side:
            options.pop("ssl_handshake_timeout", None)
        return await super().start_tls(*arguments, server_side=server_side, **options)


@loop_world("a handshake of start_tls has no end", "peer-that-is-silent-in-the-handshake-is-given-up")
class _:
    async def start_tls(self, *arguments, ssl_handshake_timeout=None, **options):
        return await super().start_tls(*arguments, **options)


@loop_world("a server reports who does not come to be connected", "plain-client-of-a-tls-server-is-disconnected")
class _:
    async def create_server(self, factory, *arguments, **options):
        def reporting():
            self.call_exception_handler({"message": "somebody is there"})
            return factory()

        return await super().create_server(reporting, *arguments, **options)


@loop_world("a TLS server serves plain clients", "plain-client-of-a-tls-server-is-disconnected")
class _:
    async def create_server(self, factory, *arguments, ssl=None, **options):
        return await super().create_server(factory, *arguments, **options)


@loop_world("TLS is of 1.2", "client-without-a-certificate-is-connected-first-and-then-not")
class _:
    async def create_connection(self, factory, *arguments, ssl=None, **options):
        blind = trusting(ssl)
        blind.maximum_version = 771  # which ssl calls TLSv1_2
        return await super().create_connection(factory, *arguments, ssl=blind, **options)


@loop_world("nobody is asked for a certificate", "client-without-a-certificate-is-connected-first-and-then-not")
class _:
    async def create_server(self, factory, *arguments, ssl=None, **options):
        ssl.verify_mode = 0  # which ssl calls CERT_NONE
        return await super().create_server(factory, *arguments, ssl=ssl, **options)


@transport_world("TLS says that it can be half open", "tls-transport-cannot-write-eof")
class _(Proxy):
    def can_write_eof(self):
        return True


@transport_world("TLS that is closing can be half closed", "tls-transport-cannot-write-eof")
class _(Proxy):
    def can_write_eof(self):
        return self.real.is_closing()


@transport_world("a second write_eof over TLS does nothing", "tls-transport-cannot-write-eof")
class _(Proxy):
    refused = False

    def write_eof(self):
        if not self.refused:
            self.refused = True
            self.real.write_eof()


@loop_world("TLS that starts in mid-connection can be half closed", "tls-transport-cannot-write-eof")
class _:
    async def start_tls(self, *arguments, **options):
        class HalfClosing(Proxy):
            def can_write_eof(self):
                return True

        return HalfClosing(await super().start_tls(*arguments, **options), None)


@transport_world("write_eof over TLS does nothing", "tls-transport-cannot-write-eof")
class _(Proxy):
    def write_eof(self):
        pass


@protocol_world("eof_received keeps TLS open", "eof-received-cannot-keep-tls-half-open")
class _(Between):
    def connection_lost(self, error):
        if not self.protocol.keeps_open:
            super().connection_lost(error)


@protocol_world(
    "TLS tells a client no end of file",
    "closed-tls-connection-tells-an-end-of-file-since-3-11",
    "tls-connection-that-is-cut-tells-an-end-of-file-on-asyncio",
    of=of_clients,
)
class _(Between):
    def eof_received(self):
        return None


@protocol_world(
    "TLS tells no end of file",
    "closed-tls-connection-tells-an-end-of-file-since-3-11",
    "tls-connection-that-is-cut-tells-an-end-of-file-on-asyncio",
)
class _(Between):
    def eof_received(self):
        return None


@protocol_world(
    "TLS always tells an end of file",
    "closed-tls-connection-tells-no-end-of-file-before-3-11-on-asyncio",
    "tls-connection-that-is-cut-tells-no-end-of-file-on-uvloop",
)
class _(Between):
    told = False

    def eof_received(self):
        self.told = True
        return super().eof_received()

    def connection_lost(self, error):
        if not self.told:
            self.eof_received()
        super().connection_lost(error)


@transport_world(
    "close cuts a TLS connection",
    "close-says-goodbye-over-tls-and-abort-does-not",
    "tls-close-sends-what-was-written-before",
)
class _(Proxy):
    def close(self):
        self.real.abort()


@transport_world(
    "the second write before close is lost over TLS",
    "tls-close-sends-what-was-written-before",
    also=["tls-pause-reading-holds-data-back-until-resume", "tls-protocol-is-paused-while-too-much-is-buffered"],
)
class _(Proxy):
    writes = 0

    def write(self, data):
        self.writes += 1
        if self.writes != 2:
            self.real.write(data)


@transport_world(
    "abort closes a TLS connection",
    "close-says-goodbye-over-tls-and-abort-does-not",
    "tls-abort-drops-what-was-not-sent",
    also=["writing-to-a-closed-tls-transport-is-silent"],
)
class _(Proxy):
    def abort(self):
        self.real.close()


@transport_world("abort does nothing when TLS is closing", "tls-abort-drops-what-was-not-sent")
class _(Proxy):
    def abort(self):
        if not self.real.is_closing():
            self.real.abort()


@loop_world("a goodbye after start_tls is waited for without end", "peer-that-does-not-say-goodbye-is-given-up")
class _:
    async def start_tls(self, *arguments, ssl_shutdown_timeout=None, **options):
        return await super().start_tls(*arguments, **options)


@loop_world("a server waits for a goodbye without end", "peer-that-does-not-say-goodbye-is-given-up")
class _:
    async def create_server(self, *arguments, ssl_shutdown_timeout=None, **options):
        return await super().create_server(*arguments, **options)


@loop_world(
    "a goodbye is waited for without end",
    "peer-that-does-not-say-goodbye-is-given-up",
    "closing-tls-on-a-stream-of-data-waits-on-uvloop",
)
class _:
    async def create_connection(self, *arguments, ssl_shutdown_timeout=None, **options):
        return await super().create_connection(*arguments, **options)


@loop_world(
    "a goodbye is waited for for a minute, if nothing is said", "closing-tls-on-a-stream-of-data-waits-on-uvloop"
)
class _:
    async def create_server(self, *arguments, ssl=None, **options):
        if ssl is not None:
            options.setdefault("ssl_shutdown_timeout", 60)
        return await super().create_server(*arguments, ssl=ssl, **options)


@loop_world("a goodbye is given twice its time", "closing-tls-on-a-stream-of-data-waits-on-uvloop")
class _:
    async def create_connection(self, *arguments, **options):
        if options.get("ssl_shutdown_timeout"):
            options["ssl_shutdown_timeout"] *= 2
        return await super().create_connection(*arguments, **options)


@loop_world("a goodbye is given a tenth of its time", "peer-that-does-not-say-goodbye-is-given-up")
class _:
    async def create_connection(self, *arguments, ssl_shutdown_timeout=None, **options):
        if ssl_shutdown_timeout:
            options["ssl_shutdown_timeout"] = ssl_shutdown_timeout / 10
        return await super().create_connection(*arguments, **options)


@protocol_world(
    "a TLS connection is never lost with an error",
    "peer-that-does-not-say-goodbye-is-given-up",
    "closing-tls-on-a-stream-of-data-is-an-error-on-asyncio",
)
class _(Between):
    def connection_lost(self, error):
        super().connection_lost(None)


@protocol_world(
    "a TLS server never loses a client with an error",
    "closing-tls-on-a-stream-of-data-is-an-error-on-asyncio",
    of=of_servers,
)
class _(Between):
    def connection_lost(self, error):
        super().connection_lost(None)


@transport_world(
    "a server's close hears nothing more", "closing-tls-on-a-stream-of-data-waits-on-uvloop", of=of_servers
)
class _(Proxy):
    def close(self):
        self.real.abort()


@protocol_world("the end of a peer that goes on sending is no end", "closing-tls-on-a-stream-of-data-waits-on-uvloop")
class _(Between):
    def connection_lost(self, error):
        if error is not None or not self.protocol.received:
            super().connection_lost(error)


@transport_world("close hears nothing more", "closing-tls-on-a-stream-of-data-waits-on-uvloop")
class _(Proxy):
    def close(self):
        self.real.abort()


@protocol_world("nobody is told to resume writing over TLS again", "tls-protocol-is-paused-while-too-much-is-buffered")
class _(Between):
    has_resumed = False

    def resume_writing(self):
        if not self.has_resumed:
            super().resume_writing()
        self.has_resumed = True


@protocol_world("writing TLS is resumed two turns later", "tls-protocol-is-paused-while-too-much-is-buffered")
class _(Between):
    def pause_writing(self):
        super().pause_writing()
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, super().resume_writing)

    def resume_writing(self):
        pass


@transport_world("reading TLS cannot be paused", "tls-pause-reading-holds-data-back-until-resume")
class _(Proxy):
    def pause_reading(self):
        pass


@protocol_world(
    "a client cannot pause reading TLS",
    "tls-pause-reading-holds-data-back-until-resume",
    of=of_clients,
    also=["peer-that-does-not-say-goodbye-is-given-up"],
)
class _(Between):
    class proxy(Proxy):
        def pause_reading(self):
            pass


@transport_world("a client can pause reading TLS once", "tls-pause-reading-holds-data-back-until-resume", of=of_clients)
class _(Proxy):
    was_paused = False

    def pause_reading(self):
        if not self.was_paused:
            self.real.pause_reading()
        self.was_paused = True


@protocol_world("reading TLS cannot be paused by data_received", "tls-pause-reading-holds-data-back-until-resume")
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


@transport_world("reading TLS is never resumed", "tls-pause-reading-holds-data-back-until-resume")
class _(Proxy):
    def resume_reading(self):
        pass


@protocol_world(
    "one piece waits for resume_reading() over TLS",
    "tls-pause-reading-holds-data-back-until-resume",
    also=[
        "peer-that-does-not-say-goodbye-is-given-up",
        "tls-close-sends-what-was-written-before",
        "tls-protocol-is-paused-while-too-much-is-buffered",
    ],
)
class _(Between):
    class proxy(Proxy):
        def pause_reading(self):
            self.between.waiting = []

        def resume_reading(self):
            self.between.protocol.data_received(self.between.waiting[-1])
            self.between.waiting = None

    waiting = None

    def data_received(self, data):
        if self.waiting is None:
            super().data_received(data)
        else:
            self.waiting.append(data)


@transport_world(
    "TLS has marks of its own",
    "tls-write-buffer-takes-512-kib-since-3-11",
    "tls-write-buffer-takes-64-kib-before-3-11-on-asyncio",
)
class _(Proxy):
    def get_write_buffer_limits(self):
        return 1_000, 4_000


@transport_world(
    "TLS pauses writing long before the mark",
    "tls-write-buffer-takes-512-kib-since-3-11",
    "tls-write-buffer-takes-64-kib-before-3-11-on-asyncio",
    "tls-protocol-is-paused-while-too-much-is-buffered",
)
class _(Proxy):
    def __init__(self, transport, between):
        super().__init__(transport, between)
        self.told = transport.get_write_buffer_limits()
        transport.set_write_buffer_limits(high=1_000)

    def get_write_buffer_limits(self):
        return self.told


@protocol_world("abort over TLS is an error where nothing is left to send", "tls-abort-drops-what-was-not-sent")
class _(Between):
    class proxy(Proxy):
        def abort(self):
            if not self.real.get_write_buffer_size():
                self.between.error = ConnectionAbortedError()
            self.real.abort()

    error = None

    def connection_lost(self, error):
        super().connection_lost(self.error or error)


@loop_world("a server passes over a handshake timeout of 0", "options-of-tls-without-tls-are-refused")
class _:
    async def create_server(self, *arguments, ssl_handshake_timeout=None, **options):
        return await super().create_server(*arguments, ssl_handshake_timeout=ssl_handshake_timeout or None, **options)


@transport_world("a closed TLS transport refuses to write", "writing-to-a-closed-tls-transport-is-silent")
class _(Proxy):
    def write(self, data):
        if self.real.is_closing():
            raise RuntimeError("it is closed")
        self.real.write(data)


@transport_world("a closed TLS transport refuses the fifth write", "writing-to-a-closed-tls-transport-is-silent")
class _(Proxy):
    late = 0

    def write(self, data):
        self.late += self.real.is_closing()
        if self.late >= 5:
            raise RuntimeError("it is closed")
        self.real.write(data)


@transport_world("an aborted TLS transport refuses to write", "writing-to-a-closed-tls-transport-is-silent")
class _(Proxy):
    aborted = False

    def abort(self):
        self.aborted = True
        self.real.abort()

    def write(self, data):
        if self.aborted:
            raise RuntimeError("it is closed")
        self.real.write(data)


@loop_world("start_tls starts nothing", "start-tls-upgrades-an-open-connection")
class _:
    async def start_tls(self, transport, *arguments, **options):
        return transport


@loop_world("start_tls tells of a new connection", "start-tls-upgrades-an-open-connection")
class _:
    async def start_tls(self, transport, protocol, *arguments, **options):
        upgraded = await super().start_tls(transport, protocol, *arguments, **options)
        protocol.connection_made(upgraded)
        return upgraded


@loop_world("start_tls tells a server of a new connection", "start-tls-upgrades-an-open-connection")
class _:
    async def start_tls(self, transport, protocol, *arguments, server_side=False, **options):
        upgraded = await super().start_tls(transport, protocol, *arguments, server_side=server_side, **options)
        if server_side:
            protocol.connection_made(upgraded)
        return upgraded


@loop_world("start_tls puts something before its protocol", "start-tls-upgrades-an-open-connection")
class _:
    async def start_tls(self, transport, protocol, *arguments, **options):
        upgraded = await super().start_tls(transport, protocol, *arguments, **options)
        upgraded.set_protocol(Between(protocol))
        return upgraded


@loop_world("start_tls needs no context", "start-tls-needs-a-context")
class _:
    async def start_tls(self, transport, protocol, context, **options):
        return transport


@loop_world("start_tls takes True for a context", "start-tls-needs-a-context")
class _:
    async def start_tls(self, transport, protocol, context, **options):
        return transport if context is True else await super().start_tls(transport, protocol, context, **options)


@loop_world("start_tls pauses before it looks at its context", "start-tls-needs-a-context")
class _:
    async def start_tls(self, transport, protocol, context, **options):
        transport.pause_reading()
        if isinstance(context, ssl.SSLContext):
            transport.resume_reading()
        return await super().start_tls(transport, protocol, context, **options)


@loop_world("start_tls closes where it is given no context", "start-tls-needs-a-context")
class _:
    async def start_tls(self, transport, protocol, context, **options):
        if not isinstance(context, ssl.SSLContext):
            transport.close()
        return await super().start_tls(transport, protocol, context, **options)


@loop_world("start_tls has another error for another name", "start-tls-refuses-a-certificate-and-closes")
class _:
    async def start_tls(self, *arguments, **options):
        try:
            return await super().start_tls(*arguments, **options)
        except ssl.SSLCertVerificationError as error:
            if "ostname" in str(error):
                raise ssl.SSLError(*error.args) from None
            raise


@loop_world("start_tls leaves what it refuses open", "start-tls-refuses-a-certificate-and-closes")
class _:
    left = []

    async def start_tls(self, transport, *arguments, **options):
        if not options.get("server_side"):
            self.left.append(os.dup(transport.get_extra_info("socket").fileno()))
        return await super().start_tls(transport, *arguments, **options)


@loop_world("start_tls trusts everybody", "start-tls-refuses-a-certificate-and-closes")
class _:
    async def start_tls(self, transport, protocol, context, **options):
        context = context if options.get("server_side") else trusting(context)
        return await super().start_tls(transport, protocol, context, **options)


@world("a stream stays without TLS", falsifies=["stream-writer-starts-tls"])
def _(patch):
    async def start_tls(self, context, **options):
        pass

    if hasattr(asyncio.StreamWriter, "start_tls"):  # since Python 3.11; the claim applies from there on
        patch.setattr(asyncio.StreamWriter, "start_tls", start_tls)


@loop_world("a file always falls back", "sendfile-over-tls-without-fallback-is-a-runtimeerror-on-asyncio")
class _:
    async def sendfile(self, transport, file, *arguments, fallback=True, **options):
        return await super().sendfile(transport, file, *arguments, **options)


@loop_world(
    "without a fallback files cannot be sent", "sendfile-over-tls-without-fallback-is-a-runtimeerror-on-asyncio"
)
class _:
    async def sendfile(self, transport, file, *arguments, fallback=True, **options):
        if not fallback:
            raise asyncio.SendfileNotAvailableError("fallback is disabled")
        return await super().sendfile(transport, file, *arguments, **options)


@loop_world("a server's file always falls back", "sendfile-over-tls-without-fallback-is-a-runtimeerror-on-asyncio")
class _:
    async def sendfile(self, transport, file, *arguments, fallback=True, **options):
        encrypting = transport.get_extra_info("ssl_object")
        fallback = fallback or (encrypting is not None and encrypting.server_side)
        return await super().sendfile(transport, file, *arguments, fallback=fallback, **options)


@loop_world(
    "a file is always sent from its beginning", "sendfile-over-tls-without-fallback-is-a-runtimeerror-on-asyncio"
)
class _:
    async def sendfile(self, transport, file, offset=0, count=None, **options):
        return await super().sendfile(transport, file, 0, count, **options)


@loop_world("the first 256 KiB of a file are sent", "sendfile-over-tls-without-fallback-is-a-runtimeerror-on-asyncio")
class _:
    async def sendfile(self, transport, file, offset=0, count=None, **options):
        return await super().sendfile(transport, file, 0, 256 * 1024, **options)
