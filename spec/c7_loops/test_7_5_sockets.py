"""7.5: what every event loop does with files and sockets that it watches, with datagrams, executors and generators."""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import os
import socket

import pytest

from fixtures.claims import claim
from fixtures.errors import error_of, exactly
from fixtures.soon import soon, until
from fixtures.trace import counting_suspensions, turn

WHERE = contextvars.ContextVar("WHERE", default="nowhere")


@pytest.fixture
def pair():
    """Two connected sockets that do not block."""
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        there.setblocking(False)
        yield here, there


@contextlib.contextmanager
def watching(add, remove, watched, *callback):
    add(watched, *callback)
    try:
        yield
    finally:
        remove(watched)


@claim("reader-is-called-as-long-as-there-is-something-to-read")
async def test_a_reader_is_called_again_and_again_until_the_data_is_read_and_then_no_more(pair, trace):
    loop, (here, there) = asyncio.get_running_loop(), pair

    with watching(loop.add_reader, loop.remove_reader, here, trace, "readable"):
        for _ in range(3):
            await turn()
        before = list(trace.steps)
        there.send(b"one piece")
        await until(lambda: len(trace.steps) >= 50, "it did not come")
        here.recv(100)
        await turn()
        after = len(trace.steps)
        for _ in range(10):
            await turn()

    assert before == []
    assert len(trace.steps) == after


@claim("writer-is-called-as-long-as-there-is-room")
async def test_a_writer_is_called_while_the_socket_takes_data_and_not_while_it_is_full(pair, trace):
    loop, (here, there) = asyncio.get_running_loop(), pair

    with watching(loop.add_writer, loop.remove_writer, here, trace, "writable"):
        await until(lambda: len(trace.steps) >= 50, "it did not come")
        with contextlib.suppress(BlockingIOError):
            while True:
                here.send(b"x" * 100_000)
        await turn()
        await turn()
        full = len(trace.steps)
        for _ in range(10):
            await turn()
        while_full = len(trace.steps)
        with contextlib.suppress(BlockingIOError):
            while True:
                there.recv(1_000_000)
        await until(lambda: len(trace.steps) > while_full, "it did not come")

    assert while_full == full


@claim("later-reader-takes-the-place-of-the-earlier")
async def test_of_readers_added_for_one_socket_only_the_last_is_called_and_no_other_comes_back(pair, trace):
    loop, (here, there) = asyncio.get_running_loop(), pair

    with watching(loop.add_reader, loop.remove_reader, here, trace, "the first"):
        for name in ("the second", "the third"):
            assert error_of(loop.add_reader, here, trace, name) is None
        there.send(b"!")
        await until(lambda: len(trace.steps) >= 2, "it did not come")
    until_it_was_removed = list(trace.steps)
    for _ in range(3):
        await turn()

    assert set(until_it_was_removed) == {"the third"}
    assert trace.steps == until_it_was_removed


@claim("removed-reader-is-not-called")
async def test_a_reader_that_was_removed_is_not_called_where_one_that_was_not_is(pair, trace):
    loop, (here, there) = asyncio.get_running_loop(), pair

    loop.add_reader(there, trace, "removed")
    loop.remove_reader(there.fileno())  # which is as good as the socket
    with watching(loop.add_reader, loop.remove_reader, here, trace, "kept"):
        here.send(b"!")
        there.send(b"!")
        await until(lambda: len(trace.steps) >= 3, "it did not come")

    assert set(trace.steps) == {"kept"}


@claim("removed-reader-is-not-called")
async def test_a_reader_that_was_removed_is_not_called_where_the_socket_still_has_a_writer(pair, trace):
    loop, (here, there) = asyncio.get_running_loop(), pair

    loop.add_reader(here, trace, "removed")
    with watching(loop.add_writer, loop.remove_writer, here, trace, "kept"):
        loop.remove_reader(here)
        there.send(b"!")
        await until(lambda: len(trace.steps) >= 3, "it did not come")

    assert set(trace.steps) == {"kept"}


@claim("removed-reader-is-not-called")
async def test_a_reader_that_another_removes_is_not_called_though_both_had_something_to_read(pair, trace):
    loop, (here, there) = asyncio.get_running_loop(), pair

    def remove_the_other(name, other):
        trace(name)
        loop.remove_reader(other)

    with (
        watching(loop.add_reader, loop.remove_reader, here, remove_the_other, "here", there),
        watching(loop.add_reader, loop.remove_reader, there, remove_the_other, "there", here),
    ):
        here.send(b"!")
        there.send(b"!")
        await until(lambda: trace.steps, "it did not come")
        await turn()

    assert len(set(trace.steps)) == 1  # of either; which one is open


@claim("removed-reader-is-not-called")
async def test_a_reader_that_removes_itself_is_called_once_though_there_is_something_left(pair, trace):
    loop, (here, there) = asyncio.get_running_loop(), pair

    def remove_itself():
        trace("called")
        loop.remove_reader(here)

    loop.add_reader(here, remove_itself)
    there.send(b"!")
    await until(lambda: trace.steps, "it did not come")
    for _ in range(10):
        await turn()

    assert trace.steps == ["called"]


def removals(loop, watched):
    told = [loop.remove_reader(watched), loop.remove_writer(watched)]  # which never had any
    for removing in ((loop.remove_reader, loop.remove_writer), (loop.remove_writer, loop.remove_reader)):
        loop.add_reader(watched, print)
        loop.add_writer(watched, print)
        told += [remove(watched) for remove in removing for _ in range(2)]
    return told


@claim("removing-a-reader-tells-whether-there-was-one-on-asyncio")
async def test_remove_reader_and_remove_writer_return_whether_there_was_one(pair):
    loop = asyncio.get_running_loop()

    assert removals(loop, pair[0]) == [False, False, *[True, False] * 4]
    assert removals(loop, pair[0].fileno()) == [False, False, *[True, False] * 4]


@claim("removing-a-reader-tells-nothing-on-uvloop")
async def test_on_uvloop_remove_reader_and_remove_writer_return_none(pair):
    loop = asyncio.get_running_loop()

    assert removals(loop, pair[0]) == [None] * 10
    assert removals(loop, pair[0].fileno()) == [None] * 10


@claim("sock-recv-waits-without-holding-anyone-up")
async def test_sock_recv_waits_for_data_while_other_tasks_run_and_returns_what_came(pair, trace):
    loop, (here, there) = asyncio.get_running_loop(), pair

    async def receive():
        trace(await loop.sock_recv(here, 100))

    receiving = asyncio.ensure_future(receive())
    for _ in range(3):
        await turn()
    trace("another task runs")
    await loop.sock_sendall(there, b"data")
    await soon(receiving)

    assert trace.steps == ["another task runs", b"data"]


@claim("sock-recv-waits-without-holding-anyone-up")
async def test_sock_recv_leaves_what_it_was_not_asked_for_to_the_next(pair):
    loop, (here, there) = asyncio.get_running_loop(), pair
    receiving = asyncio.ensure_future(loop.sock_recv(here, 4))
    await turn()
    there.send(b"data and more")

    assert [await soon(receiving), await soon(loop.sock_recv(here, 100))] == [b"data", b" and more"]


@claim("cancelled-sock-recv-loses-nothing")
async def test_what_comes_after_a_sock_recv_was_cancelled_is_left_for_the_next_and_for_one_that_waits_by_then(pair):
    loop, (here, there) = asyncio.get_running_loop(), pair
    for once_or_twice in (1, 2):
        for _ in range(once_or_twice):
            receiving = asyncio.ensure_future(loop.sock_recv(here, 100))
            await turn()
            receiving.cancel()
            await asyncio.wait([receiving])

        await loop.sock_sendall(there, b"later")
        for _ in range(3):
            await turn()

        assert receiving.cancelled()
        assert await soon(loop.sock_recv(here, 100)) == b"later"

    receiving = asyncio.ensure_future(loop.sock_recv(here, 100))
    await turn()
    receiving.cancel()
    following = asyncio.ensure_future(loop.sock_recv(here, 100))
    for _ in range(3):
        await turn()
    there.send(b"later still")

    assert await soon(following) == b"later still"


@claim("cancelled-sock-recv-loses-nothing")
async def test_what_has_come_when_a_sock_recv_that_waits_is_cancelled_is_left_for_the_next(pair):
    loop, (here, there) = asyncio.get_running_loop(), pair
    receiving = asyncio.ensure_future(loop.sock_recv(here, 100))
    for _ in range(3):
        await turn()
    there.send(b"by then")
    receiving.cancel()
    await asyncio.wait([receiving])

    assert receiving.cancelled()
    assert [await soon(loop.sock_recv(here, size)) for size in (2, 100)] == [b"by", b" then"]


@claim("sock-sendall-waits-until-all-is-taken")
async def test_sock_sendall_of_much_data_ends_only_when_the_other_side_has_read_enough(pair):
    loop, (here, there) = asyncio.get_running_loop(), pair
    much, received = bytes(range(251)) * 16_000, bytearray()
    sending = asyncio.ensure_future(loop.sock_sendall(here, memoryview(much)))
    for _ in range(10):
        await turn()
    before = sending.done()

    while len(received) < len(much) and not sending.done():
        received += await soon(loop.sock_recv(there, 1_000_000))
    await soon(sending)
    with contextlib.suppress(BlockingIOError):  # what is read without the loop was taken by then
        while len(received) < len(much):
            received += there.recv(1_000_000)

    assert before is False
    assert received == much


@claim("sock-recv-into-fills-the-buffer-it-is-given")
async def test_sock_recv_into_waits_writes_into_buffer_or_view_and_returns_the_number_of_bytes(pair):
    loop, (here, there) = asyncio.get_running_loop(), pair
    buffer = bytearray(b"....")
    receiving = asyncio.ensure_future(loop.sock_recv_into(here, buffer))
    await turn()
    await loop.sock_sendall(there, b"a")
    first = (await soon(receiving), bytes(buffer))
    await loop.sock_sendall(there, b"bcdefgh")
    rest = (await soon(loop.sock_recv_into(here, memoryview(buffer)[1:])), bytes(buffer))
    again = (await soon(loop.sock_recv_into(here, buffer)), bytes(buffer))
    there.close()
    at_the_end = (await soon(loop.sock_recv_into(here, buffer)), bytes(buffer))

    assert first == (1, b"a...")
    assert rest == (3, b"abcd")
    assert again == (4, b"efgh")
    assert at_the_end == (0, b"efgh")


@claim("sock-connect-and-sock-accept-meet")
async def test_sock_accept_gives_the_socket_and_the_address_of_who_connects():
    loop = asyncio.get_running_loop()

    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as client:
        listening.setblocking(False)
        client.setblocking(False)
        accepting = asyncio.ensure_future(loop.sock_accept(listening))
        await turn()
        assert not accepting.done()
        await soon(loop.sock_connect(client, listening.getsockname()))
        accepted, address = await soon(accepting)
        with accepted:
            await loop.sock_sendall(accepted, b"welcome")
            said = await soon(loop.sock_recv(client, 100))

            assert (address, said) == (client.getsockname(), b"welcome")
            assert accepted.gettimeout() == 0  # it does not block


@claim("sock-connect-and-sock-accept-meet")
async def test_who_has_connected_already_is_accepted_too_as_a_socket_that_does_not_block():
    loop = asyncio.get_running_loop()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        for _ in range(2):
            with socket.create_connection(listening.getsockname()) as client:
                accepted, address = await soon(loop.sock_accept(listening))
                with accepted:
                    assert (address, accepted.gettimeout()) == (client.getsockname(), 0)


@pytest.mark.parametrize("timeout", [None, 60.0], ids=["for-ever", "for-a-time"])
@pytest.mark.parametrize(
    "method, argument",
    [("sock_sendall", b"!"), ("sock_recv", 1), ("sock_recv_into", bytearray(1))],
    ids=["sock_sendall", "sock_recv", "sock_recv_into"],
)
@claim("blocking-socket-is-refused-in-debug-mode-only")
async def test_a_socket_that_blocks_is_refused_with_valueerror_in_debug_mode_and_taken_otherwise(
    method, argument, timeout
):
    loop = asyncio.get_running_loop()
    refused = []

    here, there = socket.socketpair()
    with here, there:
        here.settimeout(timeout)
        there.send(b"!!")
        for debug in (True, False):
            loop.set_debug(debug)
            try:
                await getattr(loop, method)(here, argument)
            except Exception as error:
                refused.append(repr(error))
        blocks_for = here.gettimeout()

    assert refused == ["ValueError('the socket must be non-blocking')"]
    assert blocks_for == timeout  # as before


async def refusal(meeting):
    """What is raised, as it prints; None where nothing is."""
    try:
        accepted = await meeting
    except Exception as error:
        return repr(error)
    if accepted is not None:
        accepted[0].close()
    return None


@claim("blocking-socket-is-refused-in-debug-mode-only")
async def test_sock_connect_and_sock_accept_too_refuse_a_socket_that_blocks_in_debug_mode_and_take_it_otherwise():
    loop, refused = asyncio.get_running_loop(), []

    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        for debug in (True, False):
            loop.set_debug(debug)
            with socket.create_connection(address), socket.socket() as client:
                refused.append(await refusal(loop.sock_connect(client, address)))
                refused.append(await refusal(loop.sock_accept(listening)))

    assert refused == ["ValueError('the socket must be non-blocking')"] * 2 + [None] * 2


@claim("blocking-socket-is-refused-in-debug-mode-only")
async def test_out_of_debug_mode_a_socket_that_blocks_holds_up_the_whole_loop(pair):
    loop, (here, there) = asyncio.get_running_loop(), pair
    loop.set_debug(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            here.send(b"x" * 100_000)

    here.settimeout(0.002)  # so that it blocks, and not for ever
    loop.call_soon(there.recv, 1_000_000)  # which would make room
    with pytest.raises(TimeoutError):
        await loop.sock_sendall(here, b"!")
    await turn()


class Datagrams(asyncio.DatagramProtocol):
    """Records what it is told."""

    def __init__(self):
        self.received, self.errors, self.lost = [], [], asyncio.Event()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.received.append((data, address))

    def error_received(self, error):
        self.errors.append(error)

    def connection_lost(self, error):
        self.lost.set()


@contextlib.asynccontextmanager
async def datagrams(**options):
    """A protocol of an endpoint for datagrams, which is closed at the end."""
    _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(Datagrams, **options)
    try:
        yield protocol
    finally:
        protocol.transport.close()
        await soon(protocol.lost.wait())


@claim("datagrams-come-one-by-one-with-their-sender")
async def test_each_sendto_is_one_datagram_received_with_the_senders_address_also_where_that_is_the_only_one():
    async with datagrams(local_addr=("127.0.0.1", 0)) as server, datagrams(local_addr=("127.0.0.1", 0)) as client:
        there, its = (each.transport.get_extra_info("sockname") for each in (server, client))
        for data in (b"one" * 3000, b"two", b"two"):
            client.transport.sendto(data, there)
        await until(lambda: len(server.received) >= 3, "it did not come")
        async with datagrams(remote_addr=there) as connected:
            connected.transport.sendto(b"three")
            await until(lambda: len(server.received) >= 4, "it did not come")
            the_others = connected.transport.get_extra_info("sockname")
            server.transport.sendto(b"four", the_others)
            await until(lambda: connected.received, "it did not come")

        assert server.received == [(b"one" * 3000, its), (b"two", its), (b"two", its), (b"three", the_others)]
        assert connected.received == [(b"four", there)]


@pytest.fixture
def deaf():
    """A socket that takes datagrams of nobody here, and keeps its port: nobody else can have that."""
    with socket.socket(type=socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.connect(("127.0.0.1", 9))
        yield deaf


@claim("datagram-to-nobody-is-an-error-received")
async def test_a_datagram_that_nobody_takes_is_told_by_error_received_and_the_endpoint_goes_on(deaf):
    async with datagrams(remote_addr=deaf.getsockname()) as client:
        for count in (1, 2):
            client.transport.sendto(b"is there anybody")
            await until(lambda count=count: len(client.errors) >= count, "it did not come")
            for _ in range(3):  # turns in which an end would come
                await turn()

            assert [type(error) for error in client.errors] == [ConnectionRefusedError] * count
            assert (client.transport.is_closing(), client.lost.is_set()) == (False, False)
        deaf.connect(client.transport.get_extra_info("sockname"))  # and to that one, from now on
        deaf.send(b"there is")
        await until(lambda: client.received, "nothing comes any more")


@claim("connected-datagram-endpoint-sends-to-nobody-else")
async def test_an_endpoint_with_a_remote_address_refuses_another_one_with_valueerror():
    async with datagrams(local_addr=("127.0.0.1", 0)) as server:
        async with datagrams(remote_addr=server.transport.get_extra_info("sockname")) as client:
            host, port = client.transport.get_extra_info("peername")
            for times in (1, 2):
                for other in ((host, 9), ("127.0.0.2", port)):
                    with exactly(ValueError, match="Invalid address"):
                        client.transport.sendto(b"astray", other)
                client.transport.sendto(b"right")
                await until(lambda: len(server.received) >= times, "it did not come")  # noqa: B023

            assert [data for data, _ in server.received] == [b"right"] * 2


class Piped(asyncio.Protocol):
    def __init__(self, file):
        self.calls, self.lost, self.file = [], asyncio.Event(), file

    def data_received(self, data):
        self.calls.append(data)

    def eof_received(self):
        self.calls.append(("eof_received", self.file.closed))

    def connection_lost(self, error):
        self.calls.append(error)
        self.lost.set()


@claim("read-pipe-tells-data-and-its-end")
async def test_what_is_written_to_a_pipe_is_received_and_closing_it_is_the_end_of_file():
    reading, writing = os.pipe()
    file = os.fdopen(reading, "rb", 0)
    _, protocol = await asyncio.get_running_loop().connect_read_pipe(lambda: Piped(file), file)
    os.write(writing, b"through the pipe")
    await until(lambda: protocol.calls, "it did not come")
    os.write(writing, b"and right before its end")
    os.close(writing)
    await soon(protocol.lost.wait())

    assert protocol.calls == [b"through the pipe", b"and right before its end", ("eof_received", False), None]
    assert file.closed


@claim("read-pipe-tells-data-and-its-end")
async def test_the_end_of_a_pipe_is_told_too_where_nothing_was_written_to_it():
    reading, writing = os.pipe()
    file = os.fdopen(reading, "rb", 0)
    os.close(writing)
    _, protocol = await asyncio.get_running_loop().connect_read_pipe(lambda: Piped(file), file)
    await soon(protocol.lost.wait())

    assert protocol.calls == [("eof_received", False), None]
    assert file.closed


@claim("context-goes-with-to-thread-and-not-into-the-executor")
async def test_a_function_in_an_executor_sees_no_context_of_its_task_and_with_to_thread_it_does():
    loop = asyncio.get_running_loop()
    WHERE.set("the task's")

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        alone = [await loop.run_in_executor(executor, WHERE.get) for executor in (None, pool)]
    with_context = await asyncio.to_thread(WHERE.get)

    assert (alone, with_context) == (["nowhere"] * 2, "the task's")


@pytest.mark.parametrize("jobs", [["before"], []], ids=["used", "unused"])
@claim("default-executor-takes-nothing-after-its-shutdown")
def test_after_shutdown_default_executor_run_in_executor_raises_runtimeerror(new_loop, trace, jobs):
    loop = new_loop()
    for job in jobs:
        loop.run_until_complete(loop.run_in_executor(None, trace, job))
    loop.run_until_complete(loop.shutdown_default_executor())

    for _ in range(2):
        with exactly(RuntimeError, match="[Ee]xecutor shutdown has been called"):
            loop.run_in_executor(None, trace, "after")

    assert trace.steps == jobs


class Counting(concurrent.futures.ThreadPoolExecutor):
    """Counts its jobs."""

    jobs = 0

    def submit(self, *job):
        self.jobs += 1
        return super().submit(*job)


def look_ups(loop, host):
    """How many jobs of the default executor a look-up is, and what one gives after its shutdown; None if refused."""
    options = {"family": socket.AF_INET, "type": socket.SOCK_STREAM}
    executor = Counting(1)
    loop.set_default_executor(executor)
    loop.run_until_complete(loop.getaddrinfo(host, 80, **options))
    loop.run_until_complete(loop.shutdown_default_executor())
    try:
        found = loop.run_until_complete(loop.getaddrinfo(host, 80, **options))
    except RuntimeError:
        return executor.jobs, None
    return executor.jobs, found[0][4]


# One is looked up in /etc/hosts or by a resolver, the other by nobody.
name_or_number = pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])


@name_or_number
@claim("look-ups-need-the-default-executor-on-asyncio")
def test_on_asyncio_getaddrinfo_is_refused_when_the_default_executor_was_shut_down_even_unused(new_loop, host):
    assert look_ups(new_loop(), host) == (1, None)

    loop = new_loop()
    loop.run_until_complete(loop.shutdown_default_executor())
    with exactly(RuntimeError):
        loop.run_until_complete(loop.getaddrinfo(host, 80))


@name_or_number
@claim("look-ups-need-no-executor-on-uvloop")
def test_on_uvloop_getaddrinfo_works_when_the_default_executor_was_shut_down(new_loop, host):
    assert look_ups(new_loop(), host) == (0, ("127.0.0.1", 80))


@claim("look-ups-need-no-executor-on-uvloop")
def test_on_uvloop_a_name_is_looked_up_while_the_loop_goes_on(new_loop):
    loop = new_loop()
    looking_up = counting_suspensions(loop.getaddrinfo("localhost", 80))
    _, suspensions = loop.run_until_complete(looking_up)

    assert suspensions == 1


@claim("shutdown-asyncgens-ends-what-is-half-way")
def test_shutdown_asyncgens_runs_the_finally_of_each_generator_that_is_half_way(new_loop, trace):
    loop = new_loop()

    async def numbers(name):
        try:
            yield 1
            yield 2
        finally:
            for _ in range(20):
                await turn()
            trace(f"{name} ended")
            if name == "that fails":
                raise LookupError

    loop.set_exception_handler(lambda _loop, _context: None)  # which is told of that one
    half_way = ("first", "that fails", "second")
    generators = {name: numbers(name) for name in (*half_way, "at its end", "not begun")}

    async def main():
        for name in half_way:
            await generators[name].__anext__()
        async for _ in generators["at its end"]:
            pass

    loop.run_until_complete(main())
    before = list(trace.steps)
    loop.run_until_complete(loop.shutdown_asyncgens())

    assert before == ["at its end ended"]
    assert sorted(trace.steps[1:]) == ["first ended", "second ended", "that fails ended"]


@claim("sock-connect-to-nobody-is-refused")
async def test_sock_connect_to_where_nobody_listens_raises_connectionrefusederror(refusing_port):
    for host in ("127.0.0.1", "localhost", "127.0.0.1"):
        with socket.socket() as client:
            client.setblocking(False)
            with exactly(ConnectionRefusedError):
                await soon(asyncio.get_running_loop().sock_connect(client, (host, refusing_port)))


@claim("sock-connect-to-nobody-is-refused")
async def test_sock_connect_to_the_path_of_a_socket_that_does_not_listen_raises_connectionrefusederror(tmp_path):
    path = str(tmp_path / "socket")

    with socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as client:
        silent.bind(path)
        client.setblocking(False)
        with exactly(ConnectionRefusedError):
            await soon(asyncio.get_running_loop().sock_connect(client, path))


async def outcome(awaitable):
    """What is given, or the type of what is raised where it is no address."""
    try:
        return await soon(awaitable)
    except OSError as error:
        return type(error)


async def both(name, *arguments, **options):
    """What the loop's function of this name gives and that of the module socket, or the error that each raises."""
    outcomes = []
    for module in (asyncio.get_running_loop(), socket):
        try:
            given = getattr(module, name)(*arguments, **options)
            outcomes.append(given if module is socket else await soon(given))
        except Exception as error:
            outcomes.append((type(error), *error.args))
    return outcomes


@claim("numeric-addresses-are-looked-up-as-by-the-module-socket")
async def test_numbers_in_each_form_that_the_module_socket_takes_give_what_they_give_there():
    forms = [("127.0.0.1", port) for port in (None, "80", b"80", "http", "no service", 65535)]
    forms += [(b"127.0.0.1", 80), ("::1", "80"), ("::1", "http")]
    asked = [await both("getaddrinfo", *form, **of) for form in forms for of in ({}, {"type": socket.SOCK_STREAM})]
    asked += [await both("getaddrinfo", None, 80, family=socket.AF_INET, flags=of) for of in (0, socket.AI_PASSIVE)]

    # A number of a family or type and its name in the module socket are equal.
    assert [repr(ours) for ours, _ in asked] == [repr(theirs) for _, theirs in asked]


@claim("numeric-addresses-are-looked-up-as-by-the-module-socket")
async def test_the_name_of_a_port_is_that_of_its_service_for_streams_or_for_datagrams():
    flags = (socket.NI_NUMERICHOST, socket.NI_NUMERICHOST | socket.NI_DGRAM)
    asked = [await both("getnameinfo", (host, 512), of) for host in ("127.0.0.1", "::1") for of in flags]

    assert [ours for ours, _ in asked] == [theirs for _, theirs in asked]


@claim("numeric-addresses-are-looked-up-as-by-the-module-socket")
async def test_a_gaierror_has_the_number_that_it_has_from_the_module_socket():
    numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    asked = [
        await both("getaddrinfo", "localhost", 80, flags=socket.AI_NUMERICHOST),
        await both("getaddrinfo", "127.0.0.1", 80, family=socket.AF_INET6),
        await both("getnameinfo", ("no number", 80), numeric),
        await both("getnameinfo", ("127.0.0.1", 80), numeric | socket.NI_NAMEREQD),
    ]

    assert [ours for ours, _ in asked] == [theirs for _, theirs in asked]
    assert {kind for _, (kind, *_) in asked} == {socket.gaierror}


@claim("numeric-addresses-are-looked-up-as-by-the-module-socket")
async def test_getaddrinfo_and_getnameinfo_of_numbers_are_those_of_the_module_socket_and_gaierror_where_there_is_none():
    loop, numeric = asyncio.get_running_loop(), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV

    options = ({}, {"type": socket.SOCK_STREAM}, {"proto": socket.IPPROTO_UDP}, {"flags": socket.AI_CANONNAME})
    asked = [(host, of) for host in ("127.0.0.1", "::1") for of in options]
    found = [await outcome(loop.getaddrinfo(host, 80, **of)) for host, of in asked]
    named = [await outcome(loop.getnameinfo(end, numeric)) for end in (("127.0.0.1", 80), ("::1", 80, 0, 0))]
    of_none = [
        await outcome(loop.getaddrinfo("localhost", 80, flags=socket.AI_NUMERICHOST)),
        await outcome(loop.getaddrinfo("127.0.0.1", 80, family=socket.AF_INET6)),
        await outcome(loop.getnameinfo(("no number", 80), numeric)),
        await outcome(loop.getnameinfo(("127.0.0.1", 80), numeric | socket.NI_NAMEREQD)),
    ]

    assert found == [socket.getaddrinfo(host, 80, **of) for host, of in asked]
    assert named == [("127.0.0.1", "80"), ("::1", "80")]
    assert of_none == [socket.gaierror] * 4


TYPES_THAT_DO_NOT_FIT = ((socket.SOCK_STREAM, socket.IPPROTO_UDP), (socket.SOCK_DGRAM, socket.IPPROTO_TCP))


async def addresses_that_do_not_fit():
    """What is found for a stream over UDP and for datagrams over TCP, with IPv4 and with IPv6."""
    return [
        await outcome(asyncio.get_running_loop().getaddrinfo(host, 80, type=type_, proto=protocol))
        for host in ("127.0.0.1", "::1")
        for type_, protocol in TYPES_THAT_DO_NOT_FIT
    ]


@claim("type-and-protocol-that-do-not-fit-have-no-address-on-asyncio")
async def test_on_asyncio_getaddrinfo_raises_gaierror_for_a_stream_over_udp_as_that_of_the_module_socket_does():
    for type_, protocol in TYPES_THAT_DO_NOT_FIT:
        with exactly(socket.gaierror):
            socket.getaddrinfo("127.0.0.1", 80, type=type_, proto=protocol)

    assert await addresses_that_do_not_fit() == [socket.gaierror] * 4


@claim("type-and-protocol-that-do-not-fit-have-an-address-on-uvloop")
async def test_on_uvloop_getaddrinfo_gives_an_address_for_the_type_though_the_protocol_does_not_fit():
    of_streams, of_datagrams = (socket.SOCK_STREAM, socket.IPPROTO_TCP), (socket.SOCK_DGRAM, socket.IPPROTO_UDP)

    assert await addresses_that_do_not_fit() == [
        [(family, *of, "", address)]
        for family, address in ((socket.AF_INET, ("127.0.0.1", 80)), (socket.AF_INET6, ("::1", 80, 0, 0)))
        for of in (of_streams, of_datagrams)
    ]
