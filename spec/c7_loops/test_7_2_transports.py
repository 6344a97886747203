"""7.2: what every event loop's transports tell their protocols, in which order, and what becomes of what is written."""

import asyncio
import contextlib
import os
import random
import socket
import struct

import pytest

from fixtures.claims import claim
from fixtures.errors import error_of, exactly
from fixtures.recorder import Recorder, end
from fixtures.soon import until
from fixtures.threads import SOON
from fixtures.trace import turn

MUCH = b"x" * 8_000_000  # more than the kernel's buffers on both sides take


@contextlib.asynccontextmanager
async def connected(connections=1, protocol=Recorder, way=1):
    """Pairs of protocols, of a client and of the server, that are connected; all is closed at the end.

    The other way, -1, they are of the server and of a client.
    """
    loop, theirs = asyncio.get_running_loop(), []

    def accept():
        theirs.append(protocol())
        return theirs[-1]

    server = await loop.create_server(accept, "127.0.0.1", 0)
    ours = []
    try:
        for _ in range(connections):
            transport, client = await loop.create_connection(protocol, *server.sockets[0].getsockname())
            ours.append(client)
            assert client.is_made() and client.transport is transport, "its protocol was told of another transport"
            await until(
                lambda: len(theirs) == len(ours) and theirs[-1].calls == ["connection_made"],
                "the server was told of no connection",
            )
        yield [pair[::way] for pair in zip(ours, theirs)]
    finally:
        server.close()
        await end((*ours, *theirs))


either_way = pytest.mark.parametrize("way", [1, -1], ids=["to-a-server", "to-a-client"])


def take_little_at_a_time(sender, receiver):
    """Have the system hold no more than some 100 KB that are on their way between two protocols."""
    for each, size in ((sender, socket.SO_SNDBUF), (receiver, socket.SO_RCVBUF)):
        each.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, size, 64 * 1024)


class Summing(Recorder):
    """Records, too, all that had come when the connection was lost."""

    def connection_lost(self, error):
        super().connection_lost(error)
        self.came_before = self.received


@either_way
@claim("protocol-is-told-of-its-connection-in-order")
async def test_connection_made_comes_first_and_connection_lost_last_each_once_and_all_data_before_that(way):
    async with connected(protocol=Summing, way=way) as [(here, there)]:
        here.transport.write(b"one")
        await until(lambda: there.received == b"one", "nothing arrived")
        here.transport.write(b"two")
        here.transport.write_eof()
        await until(lambda: here.is_lost() and there.is_lost(), "the connection was not lost")
        for each in (here, there):
            each.transport.close()
            each.transport.abort()
        for _ in range(3):
            await turn()

        assert there.calls == ["connection_made", "data_received", "eof_received", "connection_lost"]
        assert here.calls == ["connection_made", "eof_received", "connection_lost"]
        assert (there.came_before, there.received, there.error) == (b"onetwo", b"onetwo", None)


class ClosingAtOnce(Recorder):
    """Closes its connection as soon as that is made."""

    def connection_made(self, transport):
        super().connection_made(transport)
        transport.close()


@pytest.mark.parametrize("closing", ["server", "client"])
@claim("protocol-is-told-of-its-connection-in-order")
async def test_who_closes_in_connection_made_is_told_of_both_too_and_of_each_once(closing):
    loop, ours, theirs = asyncio.get_running_loop(), Recorder(), Recorder()
    if closing == "server":
        theirs = ClosingAtOnce()
    else:
        ours = ClosingAtOnce()

    server = await loop.create_server(lambda: theirs, "127.0.0.1", 0)
    await loop.create_connection(lambda: ours, *server.sockets[0].getsockname())
    await until(lambda: ours.is_lost() and theirs.is_lost(), "the connection was not lost")
    server.close()
    for each in (ours, theirs):
        each.transport.close()
    for _ in range(3):
        await turn()
    closed, other = (theirs, ours) if closing == "server" else (ours, theirs)

    assert closed.calls == ["connection_made", "connection_lost"]
    assert other.calls == ["connection_made", "eof_received", "connection_lost"]


@either_way
@claim("one-write-may-arrive-in-several-pieces")
async def test_a_long_write_arrives_in_several_pieces_whose_bytes_are_in_order(way):
    sent = random.Random(7).randbytes(1_000_000)

    async with connected(way=way) as [(here, there)]:
        here.transport.write(sent)
        await until(lambda: len(there.received) == len(sent), "not all has arrived")

        assert len(there.pieces) > 1
        assert there.received == sent


@either_way
@claim("close-sends-what-was-written-before")
async def test_close_returns_at_once_and_the_connection_is_lost_only_when_all_is_sent(way):
    much = MUCH[:2_000_000]

    async with connected(way=way) as [(here, there)]:
        take_little_at_a_time(here, there)
        there.transport.pause_reading()
        here.transport.write(much)
        here.transport.write(bytearray(b", and"))
        here.transport.writelines([memoryview(b" the"), b" end"])
        for _ in range(2):  # which is as good as once
            here.transport.close()
        for _ in range(10):
            await turn()
        closing, calls = here.transport.is_closing(), list(here.calls)
        there.transport.resume_reading()
        await until(lambda: here.is_lost() and there.is_lost(), "it is not lost")
        is_whole = there.received == much + b", and the end"

        assert (closing, "connection_lost" in calls) == (True, False)
        assert (len(there.received) - len(much), is_whole) == (len(b", and the end"), True)
        assert (here.calls[-1], here.error) == ("connection_lost", None)


@claim("close-sends-what-was-written-before")
async def test_close_sends_what_was_written_and_the_connection_is_lost_also_where_reading_is_paused():
    async with connected(connections=2) as [(client, server), (other_client, other_server)]:
        closing, others = (client, other_server), (server, other_client)
        for each in closing:
            each.transport.pause_reading()
            each.transport.write(b"the end")
            each.transport.close()
        await until(lambda: all(each.is_lost() for each in (*closing, *others)), "one is not lost")

        assert [each.received for each in others] == [b"the end"] * 2
        assert [each.error for each in closing] == [None] * 2


@either_way
@pytest.mark.parametrize("closed_before", [False, True], ids=["open", "closed-before"])
@claim("abort-drops-what-was-not-sent")
async def test_abort_loses_the_connection_with_no_error_and_what_is_buffered_with_it(closed_before, way):
    async with connected(connections=2, way=way) as [(here, there), (idle, _)]:
        take_little_at_a_time(here, there)
        there.transport.pause_reading()
        here.transport.write(MUCH[:1_000_000])
        if closed_before:
            here.transport.close()  # which waits until all is sent
        here.transport.abort()
        idle.transport.abort()
        closing, at_once = [each.transport.is_closing() for each in (here, idle)], here.calls + idle.calls
        for _ in range(10):
            await turn()
        soon_after = here.calls + idle.calls
        await until(lambda: here.is_lost() and idle.is_lost(), "one was not lost")
        there.transport.resume_reading()
        await until(there.is_lost, "the other end did not lose it")

        assert (closing, "connection_lost" in at_once) == ([True, True], False)  # that comes on a later pass
        assert soon_after.count("connection_lost") == 2
        assert (here.error, idle.error) == (None, None)
        assert len(there.received) < 1_000_000


@claim("abort-drops-what-was-not-sent")
async def test_abort_drops_what_is_buffered_for_a_unix_socket_too():
    here, there = socket.socketpair()
    with there:
        transport, protocol = await asyncio.get_running_loop().create_unix_connection(Recorder, sock=here)
        transport.write(MUCH)
        transport.abort()
        await until(protocol.is_lost, "it was not lost")
        there.settimeout(SOON)
        came = 0
        while piece := there.recv(1_000_000):
            came += len(piece)

        assert protocol.error is None
        assert came < len(MUCH)


@either_way
@claim("abort-drops-what-was-not-sent")
async def test_abort_drops_what_is_buffered_where_that_is_little_too(way):
    async with connected(way=way) as [(here, there)]:
        take_little_at_a_time(here, there)
        there.transport.pause_reading()
        written = left = turns_since = 0
        while turns_since < 20:  # until the system takes no more, however slow it is
            if not left:
                here.transport.write(MUCH[:10_000])
                written += 10_000
            await turn()
            before, left = left, here.transport.get_write_buffer_size()
            turns_since = turns_since + 1 if left == before > 0 else 0
        here.transport.abort()
        await until(here.is_lost, "it was not lost")
        there.transport.resume_reading()
        await until(there.is_lost, "the other end did not lose it")

        assert left <= 10_000
        assert len(there.received) == written - left


@either_way
@claim("end-of-file-closes-unless-the-protocol-keeps-it-open")
async def test_after_eof_received_the_transport_closes_itself_unless_that_returned_a_true_value(way):
    async with connected(connections=3, way=way) as [(here, closing), (second, silent), (other, staying)]:
        closing.keeps_open, silent.keeps_open, staying.keeps_open = "", None, "yes"
        for each in (here, second, other):
            each.transport.write_eof()
        told = (closing, silent, staying)
        await until(lambda: all("eof_received" in each.calls for each in told), "no end of file")
        await until(lambda: here.is_lost() and second.is_lost(), "the transport did not close itself")
        assert not staying.transport.is_closing()
        for said in (b"still open", b", and still"):
            staying.transport.write(said)
            await until(lambda: other.received.endswith(said), "what was written after the end of file is lost")  # noqa: B023

        assert closing.calls[-2:] == silent.calls[-2:] == ["eof_received", "connection_lost"]
        assert staying.calls[-1] == "eof_received"


@either_way
@claim("pause-reading-holds-data-back-until-resume")
async def test_what_comes_while_reading_is_paused_is_delivered_after_resume(way):
    async with connected(connections=2, way=way) as [(here, paused), (other, control)]:
        for _ in range(2):  # which is as good as once
            paused.transport.pause_reading()
        so_far = b""
        for piece in (b"meanwhile", b" and later"):
            so_far += piece
            here.transport.write(piece)
            other.transport.write(piece)
            await until(lambda: control.received == so_far, "nothing arrived where reading was not paused")  # noqa: B023
        for _ in range(10):
            await turn()
        before = (paused.received, paused.transport.is_reading())
        paused.transport.resume_reading()
        await until(lambda: paused.received == so_far, "not all arrived after resume_reading")

        assert before == (b"", False)
        assert paused.transport.is_reading()


@either_way
@claim("pause-reading-holds-data-back-until-resume")
async def test_what_came_while_reading_was_paused_is_delivered_though_the_peer_has_closed_by_then(way):
    async with connected(connections=2, way=way) as [(here, paused), (other, control)]:
        paused.transport.pause_reading()
        for each in (here, other):
            each.transport.write(b"the last words")
            each.transport.close()
        await until(control.is_lost, "it was not lost where reading was not paused")
        for _ in range(10):
            await turn()
        before = paused.received
        paused.transport.resume_reading()
        await until(paused.is_lost, "it was not lost after resume_reading")

        assert (before, paused.received) == (b"", b"the last words")


@either_way
@claim("pause-reading-holds-data-back-until-resume")
async def test_reading_that_was_resumed_can_be_paused_again_and_again(way):
    async with connected(connections=2, way=way) as [(here, paused), (other, control)]:
        before = []
        for sent in (b"a", b"ab", b"abc"):
            paused.transport.pause_reading()
            for each in (here, other):
                each.transport.write(sent[-1:])
            await until(lambda: control.received == sent, "nothing arrived where reading was not paused")  # noqa: B023
            for _ in range(10):
                await turn()
            before.append(bytes(paused.received))
            paused.transport.resume_reading()
            await until(lambda: paused.received == sent, "nothing arrived after resume_reading")  # noqa: B023

        assert before == [b"", b"a", b"ab"]


class PausedByData(Recorder):
    """Pauses reading as soon as something has come."""

    def data_received(self, data):
        super().data_received(data)
        self.transport.pause_reading()


@either_way
@claim("pause-reading-holds-data-back-until-resume")
async def test_data_received_may_pause_reading_itself_and_what_goes_the_other_way_still_comes(way):
    async with connected(protocol=PausedByData, way=way) as [(here, there)]:
        here.transport.write(b"first")
        await until(lambda: there.received == b"first", "nothing arrived")
        here.transport.write(b", then")
        there.transport.write(b"the other way")
        await until(lambda: here.received == b"the other way", "nothing arrived the other way")
        for _ in range(10):
            await turn()
        before = there.received
        there.transport.resume_reading()
        await until(lambda: there.received == b"first, then", "nothing arrived after resume_reading")

        assert before == b"first"


class Measuring(Recorder):
    """Records, too, how much is buffered when it is told that it may write again."""

    def resume_writing(self):
        super().resume_writing()
        self.left = self.transport.get_write_buffer_size()


@either_way
@claim("protocol-is-paused-while-too-much-is-buffered")
async def test_each_time_pause_writing_comes_above_the_high_mark_and_resume_writing_when_the_buffer_has_emptied(way):
    async with connected(protocol=Measuring, way=way) as [(here, there)]:
        take_little_at_a_time(here, there)
        there.transport.pause_reading()
        here.transport.set_write_buffer_limits(high=2 * len(MUCH))
        here.transport.write(MUCH[:1_000_000])
        mark = here.transport.get_write_buffer_size() + 1000
        here.transport.set_write_buffer_limits(high=mark, low=0)
        here.transport.write(b"x" * 1000)
        at_the_mark, below = here.transport.get_write_buffer_size(), list(here.calls)
        for _ in range(2):  # which is told once
            here.transport.write(b"x")
        for _ in range(10):
            await turn()
        here.transport.write(b"x")
        above = list(here.calls)
        there.transport.resume_reading()
        await until(lambda: "resume_writing" in here.calls, "resume_writing was not called")
        left = here.left
        here.transport.write(MUCH[: 2 * mark])
        await until(lambda: here.calls.count("resume_writing") == 2, "resume_writing was not called again")

        assert (at_the_mark, below) == (mark, ["connection_made"])
        assert above == ["connection_made", "pause_writing"]
        assert here.calls == ["connection_made", *["pause_writing", "resume_writing"] * 2]
        assert (left, here.left) == (0, 0)


WHAT_LINES = {
    "two": lambda: [MUCH[:400_000], MUCH[:400_000]],
    "one": lambda: [MUCH[:800_000]],
    "many": lambda: (bytearray(MUCH[:1000]) for _ in range(800)),
}


async def calls_around_writelines(way, lines=WHAT_LINES["two"], before=0, high=2000):
    """What a protocol is told when writelines() leaves too much for a peer that does not read, and when that reads.

    So many bytes are written by write() before that. Twice in a row:
    (more is buffered than the high mark, calls until then, calls until all has come).
    """
    told = []
    async with connected(way=way) as [(here, there)]:
        take_little_at_a_time(here, there)
        here.transport.set_write_buffer_limits(high)
        for times in (1, 2):
            all_of_it = times * (before + 800_000)
            there.transport.pause_reading()
            here.transport.write(MUCH[:before])
            here.transport.writelines(lines())
            for _ in range(10):
                await turn()
            too_much, until_then = here.transport.get_write_buffer_size() > high, list(here.calls)
            there.transport.resume_reading()
            await until(lambda size=all_of_it: sum(map(len, there.pieces)) == size, "not all came, or more")
            for _ in range(10):
                await turn()
            told.append((too_much, until_then, list(here.calls)))
    return told


MADE, PAUSED, RESUMED = "connection_made", "pause_writing", "resume_writing"
PAUSED_TWICE = [
    (True, [MADE, PAUSED], [MADE, PAUSED, RESUMED]),
    (True, [MADE, PAUSED, RESUMED, PAUSED], [MADE, PAUSED, RESUMED, PAUSED, RESUMED]),
]


@either_way
@pytest.mark.parametrize("lines", WHAT_LINES)
@claim("writelines-pauses-the-protocol-too")
async def test_each_time_writelines_leaves_more_than_the_high_mark_pause_writing_comes_and_then_resume_writing(
    way, lines
):
    assert await calls_around_writelines(way, WHAT_LINES[lines]) == PAUSED_TWICE


@either_way
@claim("writelines-pauses-the-protocol-too")
async def test_writelines_pauses_where_it_is_too_much_only_with_what_was_buffered_before(way):
    assert await calls_around_writelines(way, before=600_000, high=1_000_000) == PAUSED_TWICE


@either_way
@claim("writelines-pauses-nobody-in-early-3-12-and-3-13")
async def test_in_early_3_12_and_3_13_a_protocol_is_never_told_what_writelines_leaves_buffered(way):
    only = ["connection_made"]

    assert await calls_around_writelines(way) == [(True, only, only)] * 2


@claim("extra-info-tells-both-ends-and-the-default-for-the-rest")
async def test_sockname_is_the_sockets_own_peername_is_the_others_and_what_is_unknown_is_the_default():
    async with connected() as [(client, server)]:
        here, there = client.transport.get_extra_info("sockname"), client.transport.get_extra_info("peername")

        assert here == client.transport.get_extra_info("socket").getsockname()
        assert here == server.transport.get_extra_info("peername")
        assert there == server.transport.get_extra_info("sockname")
        assert here != there
        for each, its in ((client, here), (server, there)):
            assert each.transport.get_extra_info("sockname", "the default") == its
            assert error_of(each.transport.get_extra_info, "nothing of the kind") is None
            assert each.transport.get_extra_info("nothing of the kind") is None
            assert each.transport.get_extra_info("nothing of the kind", "the default") == "the default"
            assert each.transport.get_extra_info("nothing of the kind", False) is False


def reset(protocol):
    """Have a protocol end its connection with a TCP reset."""
    at_once = struct.pack("ii", 1, 0)
    protocol.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    protocol.transport.abort()


@pytest.mark.parametrize("said", [b"", b"so far"], ids=["silent", "after-data"])
@pytest.mark.parametrize("peer", ["client", "server"])
@claim("reset-connection-is-lost-with-its-error")
async def test_a_connection_that_the_peer_resets_is_lost_with_connectionreseterror(peer, said):
    async with connected() as [(client, server)]:
        resetting, told = (client, server) if peer == "client" else (server, client)
        resetting.transport.write(said)
        await until(lambda: told.received == said, "nothing arrived")
        reset(resetting)
        await until(told.is_lost, "the other end did not lose it")

        assert type(told.error) is ConnectionResetError
        assert told.calls == ["connection_made", *["data_received"] * bool(said), "connection_lost"]


@either_way
@claim("set-protocol-hands-the-connection-over")
async def test_after_set_protocol_all_goes_to_the_new_protocol_which_is_not_told_connection_made(way):
    async with connected(way=way) as [(here, there)]:
        heir, passed_over = Recorder(), Recorder()
        heir.transport = there.transport
        for each in (passed_over, heir):
            there.transport.set_protocol(each)
        here.transport.write(b"to whom")
        await until(lambda: heir.received or there.received or passed_over.received, "nothing arrived")
        now = there.transport.get_protocol()
        take_little_at_a_time(there, here)
        there.transport.write(MUCH[:1_000_000])
        await until(lambda: sum(map(len, here.pieces)) == 1_000_000, "not all arrived")
        here.transport.close()
        await until(lambda: heir.is_lost() or there.is_lost() or passed_over.is_lost(), "it was not lost")
        told = list(there.calls)
        there.calls.append("connection_lost")  # as the end of this test asks of each

        assert now is heir
        assert (heir.received, told, passed_over.calls) == (b"to whom", ["connection_made"], [])
        assert heir.calls == ["data_received", "pause_writing", "resume_writing", "eof_received", "connection_lost"]


@either_way
@pytest.mark.parametrize(
    "data", [b"after", b"", bytearray(b"after"), MUCH[:100_000]], ids=["data", "nothing", "a-bytearray", "much"]
)
@claim("writing-after-write-eof-raises")
async def test_write_after_write_eof_raises_runtimeerror_and_sends_nothing(data, way):
    async with connected(connections=2, way=way) as [(here, there), (slow, paused)]:
        take_little_at_a_time(slow, paused)
        paused.transport.pause_reading()
        slow.transport.write(MUCH[:1_000_000])  # not all of which is sent by then
        here.transport.write(b"before")
        for sender, receiver in ((here, there), (slow, paused)):
            receiver.keeps_open = True
            sender.transport.write_eof()
            for _ in range(2):
                with exactly(RuntimeError, match="after write_eof"):
                    sender.transport.write(data)
        paused.transport.resume_reading()
        for sender, receiver in ((here, there), (slow, paused)):
            await until(lambda: "eof_received" in receiver.calls, "no end of file")  # noqa: B023
            with exactly(RuntimeError, match="after write_eof"):
                sender.transport.write(data)
            sender.transport.close()
            with exactly(RuntimeError):
                sender.transport.write(data)

        assert (there.received, len(paused.received)) == (b"before", 1_000_000)


# The parameter `lose` is called with the one that is to lose its connection, and the other.
however_it_is_lost = pytest.mark.parametrize(
    "lose",
    [
        lambda here, _there: here.transport.close(),
        lambda _here, there: there.transport.close(),
        lambda here, _there: here.transport.abort(),
        lambda _here, there: reset(there),
    ],
    ids=["closed", "closed-by-the-peer", "aborted", "reset-by-the-peer"],
)


@however_it_is_lost
@claim("writing-to-a-closed-transport-is-silent-on-asyncio")
async def test_on_asyncio_write_to_a_lost_connection_raises_nothing_and_logs_a_warning_from_the_fifth_on(caplog, lose):
    async with connected() as [(client, server)]:
        lose(client, server)
        for each in (client, server):
            await until(each.is_lost, "it was not lost")
            logged = []
            for _ in range(6):
                assert error_of(each.transport.write, b"late") is None
                logged.append([record.levelname for record in caplog.records])
            caplog.clear()

            assert logged == [[], [], [], [], ["WARNING"], ["WARNING", "WARNING"]]
        assert (client.received, server.received) == (b"", b"")


@however_it_is_lost
@claim("writing-to-a-closed-transport-raises-on-uvloop")
async def test_on_uvloop_write_to_a_lost_connection_raises_runtimeerror(lose):
    async with connected() as [(client, server)]:
        lose(client, server)
        for each in (client, server):
            await until(each.is_lost, "it was not lost")
            for _ in range(2):
                with exactly(RuntimeError):
                    each.transport.write(b"late")
                with exactly(RuntimeError):
                    each.transport.writelines([b"late"])
        assert (client.received, server.received) == (b"", b"")


@claim("transports-are-asyncio-transports-on-asyncio")
async def test_a_connections_transport_is_an_asyncio_transport():
    async with connected() as [(client, server)]:
        assert isinstance(client.transport, asyncio.Transport)
        assert isinstance(server.transport, asyncio.Transport)


@claim("transports-are-asyncio-transports-on-asyncio")
async def test_the_transport_of_a_connection_over_a_unix_socket_is_an_asyncio_transport():
    here, there = socket.socketpair()
    with there:
        transport, protocol = await asyncio.get_running_loop().create_unix_connection(Recorder, sock=here)
        transport.abort()
        await until(protocol.is_lost, "it was not lost")

    assert isinstance(transport, asyncio.Transport)


@claim("transports-are-no-asyncio-transports-on-uvloop")
async def test_on_uvloop_a_connections_transport_inherits_nothing_from_asyncio_and_has_the_same_methods():
    async with connected() as [(client, server)]:
        bases = {kind.__module__ for each in (client, server) for kind in type(each.transport).__mro__}
        methods = [name for name in dir(asyncio.Transport) if not name.startswith("_")]

        assert not isinstance(client.transport, asyncio.BaseTransport)
        assert bases == {"uvloop.loop", "builtins"}
        assert [name for name in methods if not hasattr(client.transport, name)] == []


@either_way
@claim("socket-of-a-transport-can-be-shut-down-on-asyncio")
async def test_on_asyncio_the_socket_of_a_transport_can_be_shut_down_which_the_peer_sees(way):
    async with connected(way=way) as [(here, there)]:
        assert error_of(here.transport.get_extra_info("socket").shutdown, socket.SHUT_WR) is None
        await until(lambda: "eof_received" in there.calls, "the peer saw no end of file")

        assert there.calls[:2] == ["connection_made", "eof_received"]


@either_way
@claim("socket-of-a-transport-cannot-be-shut-down-on-uvloop")
async def test_on_uvloop_the_socket_of_a_transport_refuses_shutdown_with_typeerror(way):
    async with connected(way=way) as [(here, there)]:
        with exactly(TypeError, match=r"do not support shutdown\(\)"):
            here.transport.get_extra_info("socket").shutdown(socket.SHUT_WR)
        here.transport.write(b"still open")
        await until(lambda: there.received == b"still open", "nothing arrived")


async def limits():
    """The low and the high mark of a write buffer by default, and when the high one was set, to one after the other."""
    async with connected() as [ends]:
        of_each = []
        for each in ends:
            of_each.append([each.transport.get_write_buffer_limits()])
            for high in (4000, 400_000, 1001, 12):
                each.transport.set_write_buffer_limits(high=high)
                of_each[-1].append(each.transport.get_write_buffer_limits())
        assert of_each[0] == of_each[1], "server and client have others"
        return of_each[0]


@claim("writing-is-resumed-at-a-quarter-of-the-high-mark-on-asyncio")
async def test_on_asyncio_the_low_mark_is_a_quarter_of_the_high_one():
    assert await limits() == [(16 * 1024, 64 * 1024), (1000, 4000), (100_000, 400_000), (250, 1001), (3, 12)]


@claim("writing-is-resumed-at-a-quarter-of-the-high-mark-on-asyncio")
async def test_on_asyncio_the_low_mark_of_a_pipe_is_a_quarter_of_the_high_one_too():
    ends = [open(end, mode) for end, mode in zip(os.pipe(), ("rb", "wb"))]
    with ends[0], ends[1]:
        transport, protocol = await asyncio.get_running_loop().connect_write_pipe(Recorder, ends[1])
        told = [transport.get_write_buffer_limits()]
        transport.set_write_buffer_limits(high=4000)
        told.append(transport.get_write_buffer_limits())
        await end([protocol])

    assert told == [(16 * 1024, 64 * 1024), (1000, 4000)]


@claim("writing-is-resumed-at-a-quarter-of-the-high-mark-on-asyncio")
async def test_on_asyncio_resume_writing_comes_when_a_quarter_is_left_and_not_when_all_is_sent():
    async with connected(protocol=Measuring) as [(client, server)]:
        take_little_at_a_time(client, server)
        client.transport.set_write_buffer_limits(high=2_000_000)
        client.transport.write(MUCH[:3_000_000])
        await until(lambda: "resume_writing" in client.calls, "resume_writing was not called")

        assert 0 < client.left <= 500_000


@claim("writing-is-resumed-at-16-bytes-on-uvloop")
async def test_on_uvloop_the_low_mark_is_16_bytes_until_a_high_one_is_set_and_then_a_quarter():
    assert await limits() == [(16, 64 * 1024), (1000, 4000), (100_000, 400_000), (250, 1001), (3, 12)]


@claim("writing-is-resumed-at-16-bytes-on-uvloop")
async def test_on_uvloop_resume_writing_comes_when_no_more_than_16_bytes_are_left():
    here, there = socket.socketpair()
    with there:
        there.setblocking(False)
        here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # so that little is sent at a time
        transport, protocol = await asyncio.get_running_loop().create_unix_connection(Measuring, sock=here)
        transport.write(MUCH[:100_000])
        for _ in range(200):  # far more than it takes
            with contextlib.suppress(BlockingIOError):
                there.recv(4096)
            await turn()
        transport.abort()
        await until(protocol.is_lost, "it was not lost")

    assert protocol.calls == ["connection_made", "pause_writing", "resume_writing", "connection_lost"]
    assert protocol.left <= 16


@claim("loop-sendfile-sends-a-file-on-asyncio")
async def test_loop_sendfile_sends_a_whole_file_over_a_transport(tmp_path):
    letter = random.Random(7).randbytes(400_000)
    sent = []

    async with connected() as [(client, server)]:
        for name, written in (("nothing", b""), ("letter", letter)):
            (tmp_path / name).write_bytes(written)
            with (tmp_path / name).open("rb") as file:
                file.read(7)  # it is sent from its beginning all the same
                try:
                    sent.append(await asyncio.get_running_loop().sendfile(client.transport, file))
                except Exception as error:
                    sent.append(error)
        client.transport.close()
        await until(server.is_lost, "the server did not lose it")

        assert (sent, server.received == letter) == ([0, 400_000], True)


@claim("loop-sendfile-is-not-implemented-on-uvloop")
async def test_on_uvloop_loop_sendfile_raises_notimplementederror_and_sends_nothing(tmp_path):
    (tmp_path / "letter").write_bytes(b"the whole file")

    async with connected() as [(client, server)]:
        with (tmp_path / "letter").open("rb") as file:
            for options in ({}, {"fallback": False}, {"offset": 4, "count": 5}):
                for sender in (client, server):
                    with exactly(NotImplementedError):
                        await asyncio.get_running_loop().sendfile(sender.transport, file, **options)
        for sender in (client, server):
            sender.transport.write(b"what comes next")
        await until(lambda: server.received and client.received, "nothing arrived")

        assert (server.received, client.received) == (b"what comes next",) * 2


async def refusal(port):
    """What is said of a connection to a port where nobody listens."""
    with exactly(ConnectionRefusedError) as refused:
        await asyncio.get_running_loop().create_connection(Recorder, "127.0.0.1", port)
    return str(refused.value)


@claim("connection-that-is-refused-is-named-on-asyncio")
async def test_on_asyncio_the_error_of_a_connection_that_is_refused_names_the_address(refusing_port):
    said = await refusal(refusing_port)

    assert "127.0.0.1" in said and str(refusing_port) in said


@claim("connection-that-is-refused-is-not-named-on-uvloop")
async def test_on_uvloop_the_error_of_a_connection_that_is_refused_names_no_address(refusing_port):
    said = await refusal(refusing_port)

    assert "127.0.0.1" not in said and str(refusing_port) not in said
