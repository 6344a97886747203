"""Worlds in which claims of section 7.4, signals and child processes under any event loop, are false."""

from __future__ import annotations

import asyncio
import asyncio.subprocess
import signal
import threading
import types

from tests.mutants.worlds import loop_world, world


@loop_world("a signal handler is called at once", "signal-handler-is-called-by-the-loop-and-not-at-once")
class _:
    def add_signal_handler(self, number, callback, *arguments):
        signal.signal(number, lambda *_: callback(*arguments))

    def remove_signal_handler(self, number):
        signal.signal(number, signal.SIG_DFL)


@loop_world("a signal handler is called in a thread", "signal-handler-is-called-by-the-loop-and-not-at-once")
class _:
    def add_signal_handler(self, number, callback, *arguments):
        super().add_signal_handler(number, lambda: self.run_in_executor(None, callback, *arguments))


@loop_world("a signal handler is given one argument at most", "signal-handler-is-called-by-the-loop-and-not-at-once")
class _:
    def add_signal_handler(self, number, callback, *arguments):
        super().add_signal_handler(number, callback, *arguments[:1])


@loop_world(
    "a signal handler is called once",
    "signal-handler-is-called-by-the-loop-and-not-at-once",
    "sigchld-can-be-handled-on-asyncio",
)
class _:
    def add_signal_handler(self, number, callback, *arguments):
        waiting = [callback]

        def once():
            if waiting:
                waiting.pop()(*arguments)

        super().add_signal_handler(number, once)


@loop_world(
    "a signal handler without arguments is given the signal's number",
    "signal-handler-is-called-by-the-loop-and-not-at-once",
)
class _:
    def add_signal_handler(self, number, callback, *arguments):
        super().add_signal_handler(number, callback, *(arguments or [number]))


@loop_world(
    "of signals that are sent together the first is handled", "signal-handler-is-called-by-the-loop-and-not-at-once"
)
class _:
    is_handling = False

    def add_signal_handler(self, number, callback, *arguments):
        def handling():
            if not self.is_handling:
                self.is_handling = True
                self.call_soon(setattr, self, "is_handling", False)
                callback(*arguments)

        super().add_signal_handler(number, handling)


@loop_world("a third signal handler changes nothing", "later-signal-handler-takes-the-place-of-the-earlier")
class _:
    added = 0

    def add_signal_handler(self, number, callback, *arguments):
        self.added += 1
        if self.added != 3:
            super().add_signal_handler(number, callback, *arguments)


@loop_world("the first signal handler stays", "later-signal-handler-takes-the-place-of-the-earlier")
class _:
    handled = frozenset()

    def add_signal_handler(self, number, callback, *arguments):
        if number not in self.handled:
            self.handled = self.handled | {number}
            super().add_signal_handler(number, callback, *arguments)


@loop_world("one signal has a handler", "later-signal-handler-takes-the-place-of-the-earlier")
class _:
    handled = None

    def add_signal_handler(self, number, callback, *arguments):
        if self.handled not in (None, number):
            super().add_signal_handler(self.handled, int)
        self.handled = number
        super().add_signal_handler(number, callback, *arguments)


@loop_world(
    "signal handlers are kept on a stack",
    "later-signal-handler-takes-the-place-of-the-earlier",
    "removing-a-signal-handler-tells-whether-there-was-one",
)
class _:
    stack = ()

    def add_signal_handler(self, number, callback, *arguments):
        super().add_signal_handler(number, callback, *arguments)
        self.stack = (*self.stack, (callback, arguments))

    def remove_signal_handler(self, number):
        *self.stack, _ = self.stack or [None]
        if not self.stack:
            return super().remove_signal_handler(number)
        callback, arguments = self.stack[-1]
        super().add_signal_handler(number, callback, *arguments)
        return True


@loop_world("removing a handler tells nothing", "removing-a-signal-handler-tells-whether-there-was-one")
class _:
    def remove_signal_handler(self, number):
        super().remove_signal_handler(number)


@loop_world("removing a handler leaves the signal taken", "removing-a-signal-handler-tells-whether-there-was-one")
class _:
    def remove_signal_handler(self, number):
        taken = signal.getsignal(number)
        removed = super().remove_signal_handler(number)
        signal.signal(number, taken)
        vars(self).setdefault("left", set()).add(number)
        return removed

    def close(self):
        super().close()
        for number in vars(self).pop("left", ()):
            signal.signal(number, signal.SIG_DFL)  # or the claim began so on the next loop


@loop_world("Ctrl-C gets the default of others back", "removing-a-signal-handler-tells-whether-there-was-one")
class _:
    def remove_signal_handler(self, number):
        removed = super().remove_signal_handler(number)
        if removed:
            signal.signal(number, signal.SIG_DFL)
        return removed


@loop_world("what handled a signal before gets it back", "removing-a-signal-handler-tells-whether-there-was-one")
class _:
    def add_signal_handler(self, number, callback, *arguments):
        vars(self).setdefault("before", {}).setdefault(number, signal.getsignal(number))
        super().add_signal_handler(number, callback, *arguments)

    def remove_signal_handler(self, number):
        removed = super().remove_signal_handler(number)
        if removed:
            signal.signal(number, self.before.pop(number))
        return removed


@loop_world("SIGKILL is taken and never comes", "signals-that-cannot-be-handled-are-refused")
class _:
    def add_signal_handler(self, number, callback, *arguments):
        if number != signal.SIGKILL:
            super().add_signal_handler(number, callback, *arguments)


@loop_world("any number is a signal", "signals-that-cannot-be-handled-are-refused")
class _:
    def add_signal_handler(self, number, callback, *arguments):
        if number < signal.NSIG:
            super().add_signal_handler(number, callback, *arguments)

    def remove_signal_handler(self, number):
        return number < signal.NSIG and super().remove_signal_handler(number)


@loop_world("0 is a signal", "signals-that-cannot-be-handled-are-refused")
class _:
    def add_signal_handler(self, number, callback, *arguments):
        if number != 0:
            super().add_signal_handler(number, callback, *arguments)

    def remove_signal_handler(self, number):
        return number != 0 and super().remove_signal_handler(number)


@loop_world(
    "signals are handled in every thread",
    "signal-handler-in-another-thread-is-a-runtimeerror-on-asyncio",
    "signal-handler-in-another-thread-is-a-valueerror-on-uvloop",
)
class _:
    def add_signal_handler(self, number, callback, *arguments):
        pass


@loop_world(
    "a loop that runs handles signals in every thread",
    "signal-handler-in-another-thread-is-a-runtimeerror-on-asyncio",
    "signal-handler-in-another-thread-is-a-valueerror-on-uvloop",
)
class _:
    def add_signal_handler(self, number, callback, *arguments):
        if not self.is_running() or threading.current_thread() is threading.main_thread():
            super().add_signal_handler(number, callback, *arguments)


def in_another_thread():
    return threading.current_thread() is not threading.main_thread()


@loop_world(
    "a loop that handles a signal handles more in every thread",
    "signal-handler-in-another-thread-is-a-runtimeerror-on-asyncio",
    "signal-handler-in-another-thread-is-a-valueerror-on-uvloop",
)
class _:
    handles = False

    def add_signal_handler(self, number, callback, *arguments):
        if not (self.handles and in_another_thread()):
            super().add_signal_handler(number, callback, *arguments)
            self.handles = True


@loop_world(
    "what ends a process by default is handled in every thread",
    "signal-handler-in-another-thread-is-a-runtimeerror-on-asyncio",
    "signal-handler-in-another-thread-is-a-valueerror-on-uvloop",
)
class _:
    def add_signal_handler(self, number, callback, *arguments):
        if not (number in (signal.SIGINT, signal.SIGTERM) and in_another_thread()):
            super().add_signal_handler(number, callback, *arguments)


@loop_world("SIGCHLD is the loop's own", "sigchld-can-be-handled-on-asyncio")
class _:
    def add_signal_handler(self, number, callback, *arguments):
        if number == signal.SIGCHLD:
            raise RuntimeError("cannot add a signal handler for SIGCHLD")
        super().add_signal_handler(number, callback, *arguments)


@loop_world("SIGCHLD is taken and never comes", "sigchld-can-be-handled-on-asyncio")
class _:
    def add_signal_handler(self, number, callback, *arguments):
        if number == signal.SIGCHLD:
            callback, arguments = int, ()
        super().add_signal_handler(number, callback, *arguments)


@loop_world("SIGCHLD is taken for good", "sigchld-can-be-handled-on-asyncio")
class _:
    def remove_signal_handler(self, number):
        return number != signal.SIGCHLD and super().remove_signal_handler(number)


@loop_world("SIGCHLD is a signal as others", "sigchld-cannot-be-handled-on-uvloop")
class _:
    def add_signal_handler(self, number, callback, *arguments):
        if number != signal.SIGCHLD:
            super().add_signal_handler(number, callback, *arguments)

    def remove_signal_handler(self, number):
        return number == signal.SIGCHLD or super().remove_signal_handler(number)


@loop_world("a closed loop keeps its signals", "closing-a-loop-puts-signals-back-on-asyncio")
class _:
    def close(self):
        kept = signal.getsignal(signal.SIGUSR2)
        super().close()
        signal.signal(signal.SIGUSR2, kept)


@loop_world("a closed loop gives one signal back", "closing-a-loop-puts-signals-back-on-asyncio")
class _:
    def close(self):
        kept = signal.getsignal(signal.SIGUSR1)
        super().close()
        signal.signal(signal.SIGUSR1, kept)


@loop_world("a closed loop gives Ctrl-C the default of others back", "closing-a-loop-puts-signals-back-on-asyncio")
class _:
    def close(self):
        taken = signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        super().close()
        if taken:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


@loop_world("a closed loop gives its signals back", "closing-a-loop-leaves-its-signals-taken-on-uvloop")
class _:
    def close(self):
        super().close()
        signal.signal(signal.SIGUSR2, signal.SIG_DFL)


def process_world(name, *falsifies, also=()):
    """A world in which the processes that asyncio hands out are what the class below makes of them."""

    def register(made):
        def enter(patch):
            kind = asyncio.subprocess.Process
            changed = type("Process", (made, kind), {"__module__": kind.__module__})
            patch.setattr(asyncio.subprocess, "Process", changed)

        world(name, falsifies=falsifies, also=also)(enter)
        return made

    return register


@process_world("communicate loses what a child says as an error", "communicate-feeds-a-child-and-gathers-what-it-says")
class _:
    async def communicate(self, input=None):
        out, _ = await super().communicate(input)
        return out, b""


@process_world("communicate feeds nothing", "communicate-feeds-a-child-and-gathers-what-it-says")
class _:
    async def communicate(self, input=None):
        return await super().communicate(b"" if input else None)


@process_world("communicate returns 64 KiB at most", "communicate-feeds-a-child-and-gathers-what-it-says")
class _:
    async def communicate(self, input=None):
        out, errors = await super().communicate(input)
        return out[:65536], errors


@process_world("communicate returns 64 KiB of errors at most", "communicate-feeds-a-child-and-gathers-what-it-says")
class _:
    async def communicate(self, input=None):
        out, errors = await super().communicate(input)
        return out, errors[:65536]


@process_world("communicate feeds 64 KiB at most", "communicate-feeds-a-child-and-gathers-what-it-says")
class _:
    async def communicate(self, input=None):
        return await super().communicate(input and input[:65536])


@process_world("communicate returns when all was said", "communicate-feeds-a-child-and-gathers-what-it-says")
class _:
    async def communicate(self, input=None):
        self.wait = self._noop
        try:
            return await super().communicate(input)
        finally:
            del self.wait


@process_world("every child that ends by itself ends well", "communicate-feeds-a-child-and-gathers-what-it-says")
class _:
    @property
    def returncode(self):
        status = super().returncode
        return 0 if status and status > 0 else status


@process_world("a signal's number is the status", "killed-child-has-the-negative-number-of-its-signal")
class _:
    async def wait(self):
        return abs(await super().wait())


@process_world("a child that is terminated has a shell's status", "killed-child-has-the-negative-number-of-its-signal")
class _:
    async def wait(self):
        await super().wait()
        return self.returncode

    @property
    def returncode(self):
        status = super().returncode
        return 128 + signal.SIGTERM if status == -signal.SIGTERM else status


@process_world("a killed child has its status at once", "killed-child-has-the-negative-number-of-its-signal")
class _:
    killed = False

    def kill(self):
        self.killed = True
        super().kill()

    @property
    def returncode(self):
        return -signal.SIGKILL if self.killed else super().returncode


@process_world(
    "communicate does not end an input in which there is nothing", "communicate-feeds-a-child-and-gathers-what-it-says"
)
class _:
    async def communicate(self, input=None):
        if input != b"":
            return await super().communicate(input)
        said = [await self.stdout.read(), await self.stderr.read()]
        await self.wait()
        return tuple(said)


@process_world("a child is waited for once", "killed-child-has-the-negative-number-of-its-signal")
class _:
    was_waited_for = False

    async def wait(self):
        status = await super().wait()
        if self.was_waited_for:
            return None
        self.was_waited_for = True
        return status


@process_world("a signal to nobody is sent", "signals-to-a-child-that-has-ended-raise-processlookuperror")
class _:
    def send_signal(self, number):
        pass


@process_world("a signal to a child that failed is sent", "signals-to-a-child-that-has-ended-raise-processlookuperror")
class _:
    def send_signal(self, number):
        if not self.returncode:
            super().send_signal(number)


@process_world("nobody is asked whether a child is there", "signals-to-a-child-that-has-ended-raise-processlookuperror")
class _:
    def send_signal(self, number):
        if number:
            super().send_signal(number)


@process_world("a child that has ended is missed once", "signals-to-a-child-that-has-ended-raise-processlookuperror")
class _:
    missed = False

    def kill(self):
        try:
            super().kill()
        except ProcessLookupError:
            if not self.missed:
                self.missed = True
                raise


@process_world(
    "nobody is killed",
    "signals-to-a-child-that-has-ended-raise-processlookuperror",
    also=["killed-child-has-the-negative-number-of-its-signal"],
)
class _:
    def kill(self):
        pass


def missing(error):
    """A loop on which a program that is not there is this error, made of the true one and the program."""

    class Missing:
        async def subprocess_exec(self, factory, program, *arguments, **options):
            try:
                return await super().subprocess_exec(factory, program, *arguments, **options)
            except FileNotFoundError as true:
                raise error(true, program) from None

    return Missing


@world(
    "a missing program is some error",
    falsifies=["missing-program-is-a-filenotfounderror"],
    also=["missing-program-is-named-on-asyncio"],
)
def _(patch):
    patch.loops(missing(lambda true, program: OSError("it does not start")))


@loop_world("a program on no path is some error", "missing-program-is-a-filenotfounderror")
class _:
    async def subprocess_exec(self, factory, program, *arguments, **options):
        try:
            return await super().subprocess_exec(factory, program, *arguments, **options)
        except FileNotFoundError as error:
            raise error if "/" in program else OSError("it does not start") from None


@world("a missing program is not named", falsifies=["missing-program-is-named-on-asyncio"])
def _(patch):
    patch.loops(missing(lambda true, program: FileNotFoundError(true.errno, true.strerror)))


@world("a missing program is named", falsifies=["missing-program-is-not-named-on-uvloop"])
def _(patch):
    patch.loops(missing(lambda true, program: FileNotFoundError(true.errno, true.strerror, program)))


@loop_world(
    "a program on no path is named where others are not, and the other way round",
    "missing-program-is-named-on-asyncio",
    "missing-program-is-not-named-on-uvloop",
)
class _:
    async def subprocess_exec(self, factory, program, *arguments, **options):
        try:
            return await super().subprocess_exec(factory, program, *arguments, **options)
        except FileNotFoundError as error:
            if "/" not in program:
                error.filename = None if error.filename else program
            raise


@loop_world(
    "a child's standard output is a file",
    "stdout-of-a-child-is-a-pipe-on-asyncio",
    "stdout-of-a-child-is-a-socket-on-uvloop",
)
class _:
    async def subprocess_exec(self, factory, *arguments, **options):
        # What the child is asked of is a file then.
        arguments = [argument.replace("/dev/fd/1", __file__) for argument in arguments]
        return await super().subprocess_exec(factory, *arguments, **options)


@loop_world("a child can be talked to in text", "child-is-talked-to-in-bytes-without-a-buffer")
class _:
    async def subprocess_exec(self, factory, *arguments, universal_newlines=False, bufsize=0, **options):
        return await super().subprocess_exec(factory, *arguments, **options)


@world("a child can be talked to in an encoding", falsifies=["child-is-talked-to-in-bytes-without-a-buffer"])
def _(patch):
    true = asyncio.create_subprocess_exec

    async def create_subprocess_exec(*arguments, text=None, encoding=None, **options):
        process = await true(*arguments, **options)
        communicate = process.communicate

        async def in_text(input=None):
            out, errors = await communicate(input and input.encode())
            return out and out.decode(), errors and errors.decode()

        if text or encoding:
            process.communicate = in_text
        return process

    patch.setattr(asyncio, "create_subprocess_exec", create_subprocess_exec)


@loop_world("a child has a buffer of more than a line", "child-is-talked-to-in-bytes-without-a-buffer")
class _:
    async def subprocess_exec(self, factory, *arguments, bufsize=0, **options):
        return await super().subprocess_exec(factory, *arguments, bufsize=0 if bufsize > 1 else bufsize, **options)


@loop_world("a child's errors of coding are passed over", "child-is-talked-to-in-bytes-without-a-buffer")
class _:
    async def subprocess_exec(self, factory, *arguments, errors=None, **options):
        return await super().subprocess_exec(factory, *arguments, **options)


@process_world("communicate encodes text", "child-is-talked-to-in-bytes-without-a-buffer")
class _:
    async def communicate(self, input=None):
        return await super().communicate(input.encode() if isinstance(input, str) else input)


@world("a shell can be talked to in text", falsifies=["child-is-talked-to-in-bytes-without-a-buffer"])
def _(patch):
    true = asyncio.create_subprocess_shell

    async def create_subprocess_shell(command, *, universal_newlines=False, text=None, encoding=None, **options):
        return await true(command, **options)

    patch.setattr(asyncio, "create_subprocess_shell", create_subprocess_shell)


class BetweenChild(asyncio.SubprocessProtocol):
    """What a child's transport has in the place of its protocol."""

    def __init__(self, protocol):
        self.protocol = protocol

    def connection_made(self, transport):
        self.protocol.connection_made(transport)

    def pipe_data_received(self, number, data):
        self.protocol.pipe_data_received(number, data)

    def pipe_connection_lost(self, number, error):
        self.protocol.pipe_connection_lost(number, error)

    def process_exited(self):
        self.protocol.process_exited()

    def connection_lost(self, error):
        self.protocol.connection_lost(error)


class ChildProxy:
    """What subprocess_exec() returns in the place of a child's transport."""

    def __init__(self, real):
        self.real = real

    def __getattr__(self, name):
        return getattr(self.real, name)


def child_world(name, *falsifies, between=BetweenChild):
    """A world in which a child's transport is what the class below is, and its protocol told what `between` tells."""

    def register(made):
        class Starting:
            async def subprocess_exec(self, factory, *arguments, **options):
                real, told = await super().subprocess_exec(lambda: between(factory()), *arguments, **options)
                return made(real), told.protocol

        def enter(patch):
            patch.loops(Starting)

        world(name, falsifies=falsifies)(enter)
        return made

    return register


def told_child_world(name, *falsifies):
    """A world in which a child's protocol is told what the class below tells it."""
    return lambda between: child_world(name, *falsifies, between=between)(ChildProxy)


@told_child_world("an exit is told twice", "child-tells-its-protocol-each-thing-once")
class _(BetweenChild):
    def process_exited(self):
        super().process_exited()
        super().process_exited()


@loop_world("the end of a shell's command is told twice", "child-tells-its-protocol-each-thing-once")
class _:
    async def subprocess_shell(self, factory, *arguments, **options):
        class Twice(BetweenChild):
            def process_exited(self):
                super().process_exited()
                super().process_exited()

        transport, told = await super().subprocess_shell(lambda: Twice(factory()), *arguments, **options)
        return transport, told.protocol


@told_child_world("the two outputs of a child are taken for each other", "child-tells-its-protocol-each-thing-once")
class _(BetweenChild):
    def pipe_connection_lost(self, number, error):
        super().pipe_connection_lost({1: 2, 2: 1}.get(number, number), error)


@told_child_world("a start is told after the first data or end", "child-tells-its-protocol-each-thing-once")
class _(BetweenChild):
    start = None

    def connection_made(self, transport):
        self.start = transport

    def told(self):
        transport, self.start = self.start, None
        if transport:
            super().connection_made(transport)

    def pipe_data_received(self, number, data):
        super().pipe_data_received(number, data)
        self.told()

    def pipe_connection_lost(self, number, error):
        super().pipe_connection_lost(number, error)
        self.told()


@told_child_world("the end of an input is not told", "child-tells-its-protocol-each-thing-once")
class _(BetweenChild):
    def pipe_connection_lost(self, number, error):
        if number:
            super().pipe_connection_lost(number, error)


@told_child_world("a child that is killed does not exit", "child-tells-its-protocol-each-thing-once")
class _(BetweenChild):
    def connection_made(self, transport):
        self.transport = transport
        super().connection_made(transport)

    def process_exited(self):
        if self.transport.get_returncode() >= 0:
            super().process_exited()


@told_child_world("a child is lost before its pipes are", "child-is-lost-last-on-asyncio")
class _(BetweenChild):
    lost = False

    def pipe_connection_lost(self, number, error):
        if not self.lost:
            self.lost = True
            super().connection_lost(None)
        super().pipe_connection_lost(number, error)

    def connection_lost(self, error):
        pass


@told_child_world("a child is lost with its exit", "child-is-lost-last-on-asyncio")
class _(BetweenChild):
    def process_exited(self):
        super().process_exited()
        super().connection_lost(None)

    def connection_lost(self, error):
        pass


@child_world("closing a child's transport ends it gently", "closing-the-transport-of-a-child-kills-it")
class _(ChildProxy):
    def close(self):
        if self.real.get_returncode() is None:
            self.real.terminate()


@child_world("a child whose transport was closed was killed", "closing-the-transport-of-a-child-kills-it")
class _(ChildProxy):
    was_closed = False

    def close(self):
        self.was_closed = True
        self.real.close()

    def get_returncode(self):
        return -signal.SIGKILL if self.was_closed else self.real.get_returncode()


def pipe_told(tell):
    """A child whose transport tells of the pipe of that number what `tell` makes of it and of what is true."""

    class Telling(ChildProxy):
        def get_pipe_transport(self, number):
            true = self.real.get_pipe_transport(number).get_extra_info("pipe")
            return type("Pipe", (), {"get_extra_info": lambda self, name: tell(number, true)})()

    return Telling


child_world("the pipe of a child is not told", "pipe-of-a-child-is-told-on-asyncio")(
    pipe_told(lambda number, true: None)
)
child_world("the pipe of a child's input is not told", "pipe-of-a-child-is-told-on-asyncio")(
    pipe_told(lambda number, true: true if number else None)
)
child_world("another file is told for the pipe of a child", "pipe-of-a-child-is-told-on-asyncio")(
    pipe_told(lambda number, true: types.SimpleNamespace(fileno=lambda: 0))
)


@child_world("the pipe of a child's errors is told to be that of its output", "pipe-of-a-child-is-told-on-asyncio")
class _(ChildProxy):
    def get_pipe_transport(self, number):
        return self.real.get_pipe_transport(min(number, 1))


child_world("the pipe of a child is told", "pipe-of-a-child-is-not-told-on-uvloop")(
    pipe_told(lambda number, true: object())
)
child_world("the pipe of a child's input is told", "pipe-of-a-child-is-not-told-on-uvloop")(
    pipe_told(lambda number, true: true if number else object())
)
