"""7.7: whom every event loop tells of errors, in which words and where, and what becomes of what failed."""

import asyncio
import contextlib
import contextvars
import socket

import pytest

from fixtures.claims import claim
from fixtures.garbage import collect
from fixtures.soon import until
from fixtures.threads import SOON
from fixtures.trace import turn

WHERE = contextvars.ContextVar("WHERE", default="nowhere")


def reports(loop):
    """The contexts that the loop hands to its exception handler from now on."""
    seen = []
    loop.set_exception_handler(lambda _loop, context: seen.append(context))
    return seen


def failing(error):
    """A function that raises this, whatever it is called with."""

    def fail(*_arguments):
        raise error

    return fail


@claim("exception-handler-is-none-until-one-is-set")
async def test_get_exception_handler_is_none_at_first_then_what_was_set_and_none_again():
    loop, told = asyncio.get_running_loop(), []

    told.append(loop.get_exception_handler())
    loop.set_exception_handler(print)
    told.append(loop.get_exception_handler())
    for no_handler in ("print", ""):
        with pytest.raises(TypeError, match="callable object or None"):
            loop.set_exception_handler(no_handler)
    told.append(loop.get_exception_handler())
    loop.set_exception_handler(None)
    told.append(loop.get_exception_handler())

    assert told == [None, print, print, None]


@claim("exception-handler-is-given-loop-and-context")
async def test_call_exception_handler_hands_the_loop_and_the_very_context_to_the_handler_set_last(trace, caplog):
    loop, contexts = asyncio.get_running_loop(), [{"message": "by hand", "of our own": 1}, {"exception": None}, {}]
    for name in ("the first", "the second"):
        loop.set_exception_handler(lambda *given, name=name: trace((name, *given)))

    handed = [*contexts, contexts[0]]
    for context in handed:
        loop.call_exception_handler(context)
    at_once = len(trace.steps)
    for _ in range(3):
        await turn()

    assert (at_once, len(trace.steps)) == (4, 4)
    for (which, its_loop, its_context), context in zip(trace.steps, handed):
        assert which == "the second"
        assert its_loop is loop
        assert its_context is context
    assert contexts == [{"message": "by hand", "of our own": 1}, {"exception": None}, {}]
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []  # by the default handler


REPORTS_BY_DEFAULT = """
    import asyncio, logging

    logging.basicConfig(format="%(name)s: %(message)s")

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(print)
        loop.set_exception_handler(None)
        more = {"with": 1, "nothing": None, "no": ""}
        loop.call_exception_handler({"message": "something went wrong", "exception": LookupError("why"), **more})
        loop.call_exception_handler({"message": "without exception", "but with": 0})
        loop.call_exception_handler({"exception": KeyError("without message")})
        for _ in range(3):
            await asyncio.sleep(0)
        print("goes on")

    asyncio.run(main())
"""


@claim("default-exception-handler-logs-the-context")
def test_without_a_handler_message_exception_and_all_else_of_each_context_are_logged(program):
    ended = program(REPORTS_BY_DEFAULT)

    assert (ended.lines, ended.status) == (["goes on"], 0)
    said = ended.stderr.splitlines()
    assert said[:1] == ["asyncio: something went wrong"]
    assert [line for line in ("with: 1", "nothing: None", "no: ''", "but with: 0") if line not in said] == []
    assert [line for line in said if line in ("LookupError: why", "asyncio: without exception")] == [
        "LookupError: why",
        "asyncio: without exception",
    ]
    assert said[-1:] == ["KeyError: 'without message'"]


HANDLER_FAILS = """
    import asyncio, logging

    logging.basicConfig(format="%(name)s: %(message)s")

    errors = [asyncio.CancelledError(), BaseException("neither"), LookupError("in the handler")]

    def fail(*given):
        raise errors.pop(0) if len(given) == 2 else KeyError("in the callback")

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(fail)
        while errors:
            loop.call_soon(fail)
            for _ in range(4):
                await asyncio.sleep(0)
        errors.append(OSError("once more"))
        loop.call_exception_handler({"message": "by hand"})
        for _ in range(4):
            await asyncio.sleep(0)
        print("goes on")

    asyncio.run(main())
"""


@claim("exception-handler-that-raises-is-logged")
def test_an_exception_handler_that_raises_is_logged_each_time_with_its_context_and_both_errors(program):
    ended = program(HANDLER_FAILS)

    assert (ended.lines, ended.status) == (["goes on"], 0)
    said = ended.stderr.splitlines()
    assert said[:1] == ["asyncio: Unhandled error in exception handler"]
    assert said.count("asyncio: Unhandled error in exception handler") == 4
    contexts = [line for line in said if line.startswith("context: ")]
    assert ["KeyError('in the callback')" in line for line in contexts] == [*[True] * 3, False]
    assert ["'by hand'" in line for line in contexts] == [*[False] * 3, True]  # which has no exception
    assert said.count("KeyError: 'in the callback'") == 3
    raised = [line for line in said if line.endswith(("CancelledError", "neither", "in the handler", "once more"))]
    assert raised == [
        "asyncio.exceptions.CancelledError",
        "BaseException: neither",
        "LookupError: in the handler",
        "OSError: once more",
    ]


@pytest.mark.parametrize("status", ["enough", 0])
@claim("system-exit-in-the-exception-handler-leaves-the-loop")
def test_systemexit_in_the_exception_handler_comes_out_of_run_forever(new_loop, status):
    loop, error = new_loop(), SystemExit(status)
    loop.set_exception_handler(failing(error))
    loop.call_soon(failing(LookupError()))
    loop.call_later(SOON, loop.stop)

    try:
        loop.run_forever()
        came_out = None
    except SystemExit as raised:
        came_out = raised

    assert came_out is error


@pytest.mark.parametrize("debug", [True, False], ids=["debug", "no-debug"])
@claim("callback-that-raises-is-reported-with-its-handle")
async def test_the_context_of_a_callback_or_timer_that_raises_has_message_exception_and_handle(debug):
    loop = asyncio.get_running_loop()
    loop.set_debug(debug)
    errors = [LookupError(what) for what in ("a callback", "a thread's", "a timer", "a timer with a deadline")]
    others = [LookupError(), asyncio.CancelledError("cancelled"), BaseException("no Exception")]
    seen = reports(loop)

    handles = [
        loop.call_soon(failing(errors[0])),
        loop.call_soon_threadsafe(failing(errors[1])),
        loop.call_later(0.001, failing(errors[2])),
        loop.call_at(loop.time() + 0.001, failing(errors[3])),
        *(loop.call_soon(failing(error)) for error in others),
    ]
    await until(lambda: len(seen) >= 7, "not all was reported")

    assert len(seen) == 7
    told = {context.get("exception"): context.get("handle") for context in seen}
    # Two timers for the same are equal.
    assert [told.get(error) is handle for error, handle in zip(errors + others, handles)] == [True] * 7
    assert all(str(context.get("message")).startswith("Exception in callback") for context in seen)


@claim("reader-that-raises-is-reported-and-goes-on")
async def test_a_reader_that_raises_is_reported_with_a_handle_and_called_again_for_what_is_left():
    loop, error = asyncio.get_running_loop(), LookupError("a reader")
    seen = reports(loop)
    here, there = socket.socketpair()

    with here, there:
        here.setblocking(False)
        loop.add_reader(here, failing(error))
        there.send(b"!")
        await until(lambda: len(seen) >= 10, "it was not called again and again")
        loop.remove_reader(here)

    assert {context.get("exception") for context in seen} == {error}
    assert all("handle" in context for context in seen)


@claim("exception-that-nobody-retrieved-is-reported-when-its-task-goes")
async def test_a_task_and_a_future_whose_exception_nobody_asks_for_are_reported_when_they_go():
    loop, error, of_a_future = asyncio.get_running_loop(), LookupError("of a task"), LookupError("of a future")
    seen = reports(loop)

    async def fail():
        raise error

    tasks = [loop.create_task(fail(), name="unwatched"), loop.create_task(fail(), name="watched")]
    await asyncio.wait(tasks)
    assert tasks[1].exception() is error
    futures = [loop.create_future() for _ in range(2)]
    for future in futures:
        future.set_exception(of_a_future)
    assert futures[1].exception() is of_a_future
    await turn()
    while_they_are_there = list(seen)
    del tasks, futures, future
    error.__traceback__ = None  # which leads to the task
    collect()

    assert while_they_are_there == []
    by_message = {context["message"]: context for context in seen}
    assert len(seen) == len(by_message) == 2
    of_the_task = by_message["Task exception was never retrieved"]
    of_the_future = by_message["Future exception was never retrieved"]
    assert (of_the_task["exception"], of_the_future["exception"]) == (error, of_a_future)
    assert type(of_the_task["future"]) is asyncio.Task and of_the_task["future"].get_name() == "unwatched"
    assert type(of_the_future["future"]) is asyncio.Future


@claim("debug-mode-tells-where-a-callback-was-scheduled")
async def test_in_debug_mode_the_context_has_the_source_traceback_and_otherwise_not():
    loop, told = asyncio.get_running_loop(), []
    seen = reports(loop)

    def by_call_soon():
        loop.call_soon(failing(LookupError("by_call_soon")))

    def by_call_soon_threadsafe():
        loop.call_soon_threadsafe(failing(LookupError("by_call_soon_threadsafe")))

    def by_call_later():
        loop.call_later(0.001, failing(LookupError("by_call_later")))

    def by_call_at():
        loop.call_at(loop.time() + 0.001, failing(LookupError("by_call_at")))

    ways = (by_call_soon, by_call_soon_threadsafe, by_call_later, by_call_at)
    for debug in (True, False):
        loop.set_debug(debug)
        for schedule in ways:
            schedule()
        await until(lambda: len(seen) == 4, "not all was reported")
        told.append({str(of["exception"]): [frame.name for frame in of.get("source_traceback", ())] for of in seen})
        seen.clear()

    for where, names in told[0].items():
        # Not the last of them, where whatever records calls of call_soon() has a frame of its own.
        assert {name for name in names if name in told[0]} == {where}
        assert any(name.startswith("test_in_debug_mode_the_context") for name in names)
    assert told[1] == {way.__name__: [] for way in ways}


async def where_the_handler_runs():
    """The context variable as exception handlers see it, of a callback and a timer scheduled where it is "there"."""
    loop, seen = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _loop, _context: seen.append(WHERE.get()))
    there = contextvars.copy_context()
    there.run(WHERE.set, "there")
    loop.call_soon(failing(LookupError()), context=there)
    loop.call_later(0.001, failing(LookupError()), context=there)
    await until(lambda: len(seen) == 2, "not all was reported")
    return seen


@claim("exception-handler-runs-in-the-context-of-the-error-since-3-12-on-asyncio")
async def test_since_3_12_the_exception_handler_sees_the_context_of_what_failed():
    assert await where_the_handler_runs() == ["there"] * 2


@claim("exception-handler-runs-outside-the-context-before-3-12-on-asyncio")
def test_on_asyncio_before_3_12_the_exception_handler_sees_the_context_in_which_the_loop_was_started(new_loop):
    outside = contextvars.copy_context()
    outside.run(WHERE.set, "outside")

    assert outside.run(new_loop().run_until_complete, where_the_handler_runs()) == ["outside"] * 2


@claim("exception-handler-runs-in-the-context-of-the-error-on-uvloop")
async def test_on_uvloop_the_exception_handler_sees_the_context_of_what_failed_on_any_python():
    assert await where_the_handler_runs() == ["there"] * 2


class Peer(asyncio.Protocol):
    """Records what it is told; raises `error` in the method whose name is `fails`."""

    fails, error = "", None

    def __init__(self):
        self.calls = []

    def told(self, name):
        self.calls.append(name)
        if name == self.fails:
            raise self.error

    def connection_made(self, transport):
        self.transport = transport
        self.told("connection_made")

    def data_received(self, data):
        self.told("data_received")

    def connection_lost(self, error):
        self.lost_with = error
        self.told("connection_lost")


@contextlib.asynccontextmanager
async def connected(fails, error, end):
    """A peer, and the protocol at that end of its connection that raises this in that method; it is closed at last."""
    accepted, failing_peer = [], type("Failing", (Peer,), {"fails": fails, "error": error})

    def accept():
        accepted.append(failing_peer() if end == "server" else Peer())
        return accepted[-1]

    loop = asyncio.get_running_loop()
    server = await loop.create_server(accept, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    _, client = await loop.create_connection(failing_peer if end == "client" else Peer, *address)
    try:
        await until(lambda: accepted and accepted[0].calls, "the server was told of no connection")
        yield (client, accepted[0]) if end == "server" else (accepted[0], client)
    finally:
        server.close()
        for peer in (client, accepted[0]):
            peer.transport.abort()
            await until(lambda: "connection_lost" in peer.calls, "one is not closed")  # noqa: B023


at_either_end = pytest.mark.parametrize("end", ["server", "client"])


@pytest.mark.parametrize("kind", [LookupError, OSError, ConnectionAbortedError])
@at_either_end
@claim("data-received-that-raises-closes-the-connection")
async def test_what_data_received_raises_is_reported_unless_an_oserror_and_the_connection_is_lost_with_it(end, kind):
    error = kind("in data_received")
    seen = reports(asyncio.get_running_loop())

    async with connected("data_received", error, end) as (peer, failing):
        peer.transport.write(b"!")
        await until(lambda: "connection_lost" in failing.calls, "the connection was not lost")
        await until(lambda: "connection_lost" in peer.calls, "the peer did not lose it")

        assert failing.calls == ["connection_made", "data_received", "connection_lost"]
        assert failing.lost_with is error
        reported = [(context.get("exception"), context.get("protocol"), context.get("transport")) for context in seen]
        assert reported == ([] if issubclass(kind, OSError) else [(error, failing, failing.transport)])


async def after_a_failing_connection_made(end):
    """What a protocol is told of data whose connection_made() raised, before and after resume_reading()."""
    error = LookupError("in connection_made")
    seen = reports(asyncio.get_running_loop())

    async with connected("connection_made", error, end) as (peer, failing):
        assert not failing.transport.is_closing()
        peer.transport.write(b"!")
        failing.transport.write(b"!")
        await until(lambda: "data_received" in peer.calls, "nothing arrived at the peer")
        for _ in range(10):
            await turn()
        before = list(failing.calls)
        failing.transport.resume_reading()
        await until(lambda: "data_received" in failing.calls, "nothing arrived after resume_reading")

        assert [context.get("exception") for context in seen] == [error]
        return before


@at_either_end
@claim("connection-made-that-raises-changes-nothing-on-asyncio")
async def test_on_asyncio_when_connection_made_raises_it_is_reported_and_data_is_received_all_the_same(end):
    assert await after_a_failing_connection_made(end) == ["connection_made", "data_received"]


@at_either_end
@claim("connection-made-that-raises-leaves-all-unread-on-uvloop")
async def test_on_uvloop_when_connection_made_raises_it_is_reported_and_nothing_is_read_until_resume_reading(end):
    assert await after_a_failing_connection_made(end) == ["connection_made"]


BROKEN_FACTORY = """
    import asyncio, gc

    def broken():
        raise LookupError("no protocol")

    async def main():
        loop, reported = asyncio.get_running_loop(), []
        loop.set_exception_handler(lambda _loop, context: reported.extend([sorted(context), context.get("exception")]))
        server = await loop.create_server(broken, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        reading = asyncio.ensure_future(reader.read())
        for _ in range(500):
            if reported or reading.done():
                break
            gc.collect()
            await asyncio.sleep(0)
        print(*map(repr, reported or ["closed" if reading.done() else "open"]))
        writer.close()
        server.close()

    asyncio.run(main(), debug=False)
    asyncio.run(main(), debug=True)
"""


@claim("protocol-factory-that-raises-is-reported-in-debug-mode-only-on-asyncio")
def test_on_asyncio_a_factory_that_raises_ends_the_connection_and_is_reported_in_debug_mode_only(program):
    ended = program(BROKEN_FACTORY, "ignore")  # asyncio leaves the closing to the garbage collector, which warns

    assert ended.lines == ["'closed'", "['exception', 'message'] LookupError('no protocol')"]


@claim("protocol-factory-that-raises-is-reported-without-a-message-on-uvloop")
def test_on_uvloop_a_factory_that_raises_is_reported_in_any_mode_and_the_context_has_no_message(program):
    ended = program(BROKEN_FACTORY, "ignore")

    assert ended.lines == ["['exception'] LookupError('no protocol')"] * 2
