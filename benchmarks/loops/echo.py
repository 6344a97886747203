"""Scenes of the network: messages go over the loopback and back, and both ends are the loop's.

With both ends on one loop the work is the same whatever the loop, and nothing but the loop and the kernel does it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import ssl
from collections.abc import AsyncIterator

from fixtures.servers.http import CERTIFICATE

HOST = "127.0.0.1"
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h; to set one is to keep it
KIB = 1024
_AT_FIRST = 128 * KIB  # what both are in a process that has just begun
CONNECTIONS = 10  # at once, as a server has them; a loop is asked for all that are ready


class Echoes(asyncio.Protocol):
    def __init__(self) -> None:
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost.set_result(None)


class Asks(Echoes):
    """Sends a message, and again as soon as all of it is back."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.message = b"?" * size
        self.missing = 0

    async def ask(self, times: int) -> None:
        self.times, self.enough = times, asyncio.get_running_loop().create_future()
        self._send()
        await self.enough

    def _send(self) -> None:
        self.times, self.missing = self.times - 1, len(self.message)
        self.transport.write(self.message)

    def data_received(self, data: bytes) -> None:
        self.missing -= len(data)
        if self.missing == 0 and self.times:
            self._send()
        elif self.missing == 0:
            self.enough.set_result(None)


def contexts(tls: bool) -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
    """What a server and a client need to talk by TLS, and nothing without it."""
    if not tls:
        return None, None
    serves = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serves.load_cert_chain(CERTIFICATE)
    return serves, ssl.create_default_context(cafile=CERTIFICATE)


@contextlib.asynccontextmanager
async def protocols(size: int, tls: bool = False) -> AsyncIterator:
    loop, made = asyncio.get_running_loop(), []
    serves, asks = contexts(tls)

    def echoes() -> Echoes:
        made.append(Echoes())
        return made[-1]

    server = await loop.create_server(echoes, HOST, 0, ssl=serves)
    place = server.sockets[0].getsockname()
    clients = [(await loop.create_connection(lambda: Asks(size), *place, ssl=asks))[1] for _ in range(CONNECTIONS)]

    async def work(times: int) -> None:
        await asyncio.gather(*(client.ask(max(1, times // CONNECTIONS)) for client in clients))

    yield work
    for client in clients:
        client.transport.close()
    await asyncio.gather(*(end.lost for end in (*clients, *made)))
    server.close()
    await server.wait_closed()


@contextlib.asynccontextmanager
async def in_new_memory(size: int) -> AsyncIterator:
    """As `protocols`, where glibc gets large blocks from the kernel each time, as in a process that has just begun."""
    glibc = ctypes.CDLL(None)
    if not hasattr(glibc, "malloc_trim"):
        raise LookupError("memory is not glibc's here")
    for parameter in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
        glibc.mallopt(parameter, _AT_FIRST)
    glibc.malloc_trim(0)
    held = [bytes(256 * KIB) for _ in range(16)]  # what there is of such blocks all the same
    async with protocols(size) as work:
        yield work
    held.clear()


@contextlib.asynccontextmanager
async def streams(size: int, tls: bool = False) -> AsyncIterator:
    serves, asks = contexts(tls)
    message, ended = b"?" * size, []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.append(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                writer.write(await reader.readexactly(size))
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, HOST, 0, ssl=serves)
    place = server.sockets[0].getsockname()
    clients = [await asyncio.open_connection(*place, ssl=asks) for _ in range(CONNECTIONS)]

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, times: int) -> None:
        for _ in range(times):
            writer.write(message)
            await writer.drain()
            await reader.readexactly(size)

    async def work(times: int) -> None:
        await asyncio.gather(*(ask(*client, max(1, times // CONNECTIONS)) for client in clients))

    yield work
    for _, writer in clients:
        writer.close()
    await asyncio.gather(*ended)
    server.close()
    await server.wait_closed()
