"""The wire: what goes through it arrives and is recorded, and a line can be cut."""

import asyncio
import types

import pytest

from fixtures.servers.wire import Wire


@pytest.fixture
async def upper():
    """The address of a server that answers each line in capitals."""

    async def answer(reader, writer):
        while line := await reader.readline():
            writer.write(line.upper())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield types.SimpleNamespace(host="127.0.0.1", port=server.sockets[0].getsockname()[1])


async def test_what_is_said_on_each_line_arrives_and_is_recorded(upper):
    async with Wire(upper) as wire:
        reader, writer = await asyncio.open_connection(wire.host, wire.port)
        writer.write(b"first\n")
        assert await reader.readline() == b"FIRST\n"
        other_reader, other_writer = await asyncio.open_connection(wire.host, wire.port)
        other_writer.write(b"other\n")
        assert await other_reader.readline() == b"OTHER\n"
        open_still = [line.over.is_set() for line in wire.lines]
        writer.close()
        await wire.lines[0].over.wait()
        other_writer.close()

    assert [(line.sent, line.received) for line in wire.lines] == [(b"first\n", b"FIRST\n"), (b"other\n", b"OTHER\n")]
    assert open_still == [False, False]


async def test_a_line_that_is_reset_is_lost_to_the_client(upper):
    async with Wire(upper) as wire:
        reader, writer = await asyncio.open_connection(wire.host, wire.port)
        writer.write(b"first\n")
        await reader.readline()
        wire.lines[0].reset()
        with pytest.raises(ConnectionResetError):
            await reader.readline()
        writer.close()


async def test_a_line_still_open_at_the_end_is_closed(upper):
    async with Wire(upper) as wire:
        reader, writer = await asyncio.open_connection(wire.host, wire.port)
        writer.write(b"first\n")
        await reader.readline()

    assert await reader.read() == b""
    writer.close()
