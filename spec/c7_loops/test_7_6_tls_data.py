"""7.6: what a transport over TLS does with data, and what it cannot do."""

import asyncio

from fixtures.claims import claim
from fixtures.errors import error_of, exactly
from fixtures.recorder import end
from fixtures.soon import soon, until
from fixtures.tls import MUCH, connect, connected, of_a_client, of_a_server, serving
from fixtures.trace import turn


@claim("tls-transport-cannot-write-eof")
async def test_write_eof_over_tls_raises_notimplementederror_and_the_connection_stays_open():
    async with connected() as (client, server):
        able = [protocol.transport.can_write_eof() for protocol in (client, server)]
        for protocol in (client, server):
            for _ in range(2):
                with exactly(NotImplementedError):
                    protocol.transport.write_eof()
            protocol.transport.write(b"still open")
        await until(lambda: client.received == server.received == b"still open", "nothing arrived")
        for protocol in (client, server):
            protocol.transport.close()
            able.append(protocol.transport.can_write_eof())
            with exactly(NotImplementedError):
                protocol.transport.write_eof()

        assert [each is False for each in able] == [True] * 4


@claim("tls-protocol-is-paused-while-too-much-is-buffered")
async def test_over_tls_pause_writing_comes_when_the_peer_takes_nothing_and_resume_writing_when_it_does():
    async with connected() as (client, server):
        written = 0
        for _ in range(2):
            so_far = len(client.calls)
            server.transport.pause_reading()
            written += await write_until_nothing_is_taken(client)
            told, buffered = client.calls[so_far:], client.transport.get_write_buffer_size()
            server.transport.resume_reading()
            await until(lambda: sum(map(len, server.pieces)) == written, "not all has arrived")  # noqa: B023

            # The system may have been slow, and have taken more after all.
            assert told == [*["pause_writing", "resume_writing"] * (len(told) // 2), "pause_writing"]
            assert buffered > client.transport.get_write_buffer_limits()[1]
            assert client.calls[so_far:] == [*told, "resume_writing"]


async def write_until_nothing_is_taken(client):
    """Write until writing has been paused for ten turns; return how many bytes that were."""
    written = turns_paused = 0
    while turns_paused < 10 and written < 2 * len(MUCH):
        if client.calls[-1] == "pause_writing":
            turns_paused += 1
        else:
            turns_paused = 0
            client.transport.write(b"x" * 65_536)
            written += 65_536
        await turn()
    return written


@claim("tls-pause-reading-holds-data-back-until-resume")
async def test_over_tls_what_comes_while_reading_is_paused_is_delivered_after_resume():
    async with serving(of_a_server()) as (address, accepted):
        clients = [await connect(address, of_a_client()) for _ in range(2)]
        await until(lambda: len(accepted) == 2 and all(each.is_made() for each in accepted), "not all are connected")
        paused, control = zip(clients, accepted)
        for protocol in paused:
            protocol.transport.pause_reading()
        for said in (b"meanwhile", b" and later"):
            for protocol in (*paused, *control):
                protocol.transport.write(said)
            for protocol in control:
                await until(lambda: protocol.received.endswith(said), "nothing came where it was not paused")  # noqa: B023
        for _ in range(10):
            await turn()
        before = [protocol.received for protocol in paused]
        for protocol in paused:
            protocol.transport.resume_reading()
            await until(lambda: protocol.received.endswith(b"later"), "nothing came after resume_reading")  # noqa: B023
        await end(clients)

        assert before == [b"", b""]
        assert [protocol.received for protocol in paused] == [b"meanwhile and later"] * 2


@claim("tls-pause-reading-holds-data-back-until-resume")
async def test_over_tls_what_came_while_reading_was_paused_is_delivered_though_the_peer_has_closed_by_then():
    for order in (1, -1):
        async with connected() as ends:
            here, paused = ends[::order]
            for protocol in ends:
                protocol.transport.write(b"welcome")
            # TLS says things of its own when a connection is made: what is not read at its end would be a reset.
            await until(lambda: here.received == paused.received == b"welcome", "nothing arrived")  # noqa: B023
            paused.transport.pause_reading()
            here.transport.write(b", and the last words")
            here.transport.close()
            for _ in range(10):
                await turn()
            before = paused.received
            paused.transport.resume_reading()
            await until(paused.is_lost, "it was not lost after resume_reading")

            assert (before, paused.received) == (b"welcome", b"welcome, and the last words")


def pause_by_data(protocol):
    """Have a protocol pause reading as soon as something has come, each time."""

    def data_received(data):
        type(protocol).data_received(protocol, data)
        protocol.transport.pause_reading()

    protocol.data_received = data_received


@claim("tls-pause-reading-holds-data-back-until-resume")
async def test_over_tls_data_received_may_pause_reading_itself_and_more_than_once():
    held_back = []
    async with connected() as (client, server):
        for here, there in ((client, server), (server, client)):
            pause_by_data(there)
            here.transport.write(b"0")
            await until(lambda: there.received.endswith(b"0"), "nothing came")  # noqa: B023
            for number in (b"1", b"2"):
                here.transport.write(number)
                there.transport.write(b"the other way " + number)
                await until(lambda: here.received.endswith(number), "nothing came the other way")  # noqa: B023
                for _ in range(10):
                    await turn()
                held_back.append(not there.received.endswith(number))
                there.transport.resume_reading()
                await until(lambda: there.received.endswith(number), "nothing came after resume_reading")  # noqa: B023
            del there.data_received
            there.transport.resume_reading()

    assert held_back == [True] * 4


async def high_mark():
    """How much a TLS transport takes before it pauses its protocol; it says so itself."""
    async with connected() as (client, server):
        server.transport.pause_reading()
        sizes = [0]
        while "pause_writing" not in client.calls and sizes[-1] < len(MUCH):
            client.transport.write(b"x" * 16_384)
            sizes.append(client.transport.get_write_buffer_size())
        told = client.transport.get_write_buffer_limits()[1]

        assert sizes[-2] <= told < sizes[-1]
        return told


@claim("tls-write-buffer-takes-512-kib-since-3-11")
async def test_since_3_11_the_high_mark_of_a_tls_transport_is_512_kib():
    assert await high_mark() == 512 * 1024


@claim("tls-write-buffer-takes-64-kib-before-3-11-on-asyncio")
async def test_on_asyncio_before_3_11_the_high_mark_of_a_tls_transport_is_64_kib():
    assert await high_mark() == 64 * 1024


@claim("writing-to-a-closed-tls-transport-is-silent")
async def test_write_and_writelines_of_a_closed_tls_transport_raise_nothing_and_send_nothing():
    async with connected() as (client, server):
        client.transport.close()
        writes = ((client.transport.write, b"late"), (client.transport.writelines, [b"late"]))
        said = [error_of(*write) for write in writes * 3]
        await until(client.is_lost, "it was not lost")
        said += [error_of(*write) for write in writes * 3]
        await until(server.is_lost, "the server did not lose it")
        for protocol in (client, server):
            protocol.transport.abort()
            said.append(error_of(protocol.transport.write, b"late"))

        assert said == [None] * 14
        assert server.received == b""


@claim("sendfile-over-tls-without-fallback-is-a-runtimeerror-on-asyncio")
async def test_on_asyncio_sendfile_over_tls_reads_and_writes_and_without_fallback_is_a_runtimeerror(tmp_path):
    loop = asyncio.get_running_loop()
    the_whole_file = bytes(range(251)) * 2_000  # more than is read and written at once
    (tmp_path / "letter").write_bytes(the_whole_file)

    async with connected() as (client, server):
        with (tmp_path / "letter").open("rb") as file:
            for protocol in (client, server, client):
                with exactly(RuntimeError, match="fallback is disabled"):  # and no asyncio.SendfileNotAvailableError
                    await soon(loop.sendfile(protocol.transport, file, fallback=False))
            sent = await soon(loop.sendfile(client.transport, file))
            sent_back = await soon(loop.sendfile(server.transport, file, offset=1000, count=70_000))
        await until(lambda: len(server.received) >= sent and len(client.received) >= sent_back, "it did not arrive")

        assert (sent, server.received) == (len(the_whole_file), the_whole_file)
        assert (sent_back, client.received) == (70_000, the_whole_file[1000:71_000])
