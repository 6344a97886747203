"""Worlds in which claims of section 7.7, errors and debug mode of any event loop, are false."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import sys
import traceback
import weakref

from tests.mutants.worlds import loop_world
from tests.mutants.worlds.connections import Between, of_clients, protocol_world


def without(context, *keys):
    return {key: value for key, value in context.items() if key not in keys}


@loop_world("an exception handler is set from the beginning", "exception-handler-is-none-until-one-is-set")
class _:
    def get_exception_handler(self):
        return super().get_exception_handler() or self.default_exception_handler


@loop_world("any handler is taken", "exception-handler-is-none-until-one-is-set")
class _:
    def set_exception_handler(self, handler):
        super().set_exception_handler(handler if callable(handler) else None)


@loop_world("what is false is no exception handler", "exception-handler-is-none-until-one-is-set")
class _:
    def set_exception_handler(self, handler):
        super().set_exception_handler(handler or None)


@loop_world("an exception handler cannot be taken away", "default-exception-handler-logs-the-context")
class _:
    def set_exception_handler(self, handler):
        if handler is not None:
            super().set_exception_handler(handler)


@loop_world("an exception handler is given a copy", "exception-handler-is-given-loop-and-context")
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler(dict(context))


@loop_world(
    "an exception handler is called later",
    "exception-handler-is-given-loop-and-context",
    also=[
        "done-callbacks-run-in-the-order-they-were-added",
        "exception-handler-that-raises-is-logged",
        "exception-that-nobody-retrieved-is-reported-when-its-task-goes",
        "loop-holds-its-tasks-weakly",
        "task-waiting-on-an-unheld-future-may-be-collected",
        "unasked-task-exception-is-reported-when-collected",
    ],
)
class _:
    def call_exception_handler(self, context):
        self.call_soon(super().call_exception_handler, context)


@loop_world(
    "a context without a message is given one",
    "exception-handler-is-given-loop-and-context",
    "protocol-factory-that-raises-is-reported-without-a-message-on-uvloop",
)
class _:
    def call_exception_handler(self, context):
        if "message" not in context:
            context = {"message": "Unhandled exception in event loop", **context}
        super().call_exception_handler(context)


@loop_world(
    "where there is no exception the handler is called again, later", "exception-handler-is-given-loop-and-context"
)
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler(context)
        if context.get("exception") is None:
            self.call_soon(super().call_exception_handler, context)


@loop_world(
    "what an exception handler is told is logged, too",
    "exception-handler-is-given-loop-and-context",
    also=["exception-handler-that-raises-is-logged"],
)
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler(context)
        if self.get_exception_handler() is not None:
            self.default_exception_handler(context)


@loop_world("the first exception handler stays", "exception-handler-is-given-loop-and-context")
class _:
    def set_exception_handler(self, handler):
        if handler is None or self.get_exception_handler() is None:
            super().set_exception_handler(handler)


@loop_world(
    "what goes wrong is printed and not logged",
    "default-exception-handler-logs-the-context",
    also=["exception-handler-that-raises-is-logged", "wait-hides-a-failing-download"],
)
class _:
    def default_exception_handler(self, context):
        said = [f"{key}: {value}" for key, value in without(context, "message", "exception").items()]
        print(context["message"], *said, file=sys.stderr, sep="\n")
        traceback.print_exception(None, context["exception"], None)


@loop_world(
    "only messages are logged",
    "default-exception-handler-logs-the-context",
    also=["exception-handler-that-raises-is-logged", "redis-failure-inside-wait-stays-in-its-task"],
)
class _:
    def default_exception_handler(self, context):
        super().default_exception_handler({"message": context["message"]})


@loop_world("what has no message or no exception is not logged", "default-exception-handler-logs-the-context")
class _:
    def default_exception_handler(self, context):
        if {"message", "exception"} <= context.keys():
            super().default_exception_handler(context)


@loop_world("what is false of a context is not logged", "default-exception-handler-logs-the-context")
class _:
    def default_exception_handler(self, context):
        super().default_exception_handler({key: value for key, value in context.items() if value})


@loop_world("where there is no exception the message alone is logged", "default-exception-handler-logs-the-context")
class _:
    def default_exception_handler(self, context):
        super().default_exception_handler(context if "exception" in context else {"message": context["message"]})


class Suppressing:
    """A loop on which nobody hears of such errors of its exception handler as are `lost`."""

    def set_exception_handler(self, handler):
        def quiet(loop, context):
            try:
                handler(loop, context)
            except BaseException as error:
                if not self.is_lost(error):
                    raise

        super().set_exception_handler(handler and quiet)


@loop_world("an exception handler that is cancelled says nothing", "exception-handler-that-raises-is-logged")
class _(Suppressing):
    def is_lost(self, error):
        return isinstance(error, asyncio.CancelledError)


@loop_world("an exception handler that raises no Exception says nothing", "exception-handler-that-raises-is-logged")
class _(Suppressing):
    def is_lost(self, error):
        return not isinstance(error, (Exception, asyncio.CancelledError))


@loop_world("SystemExit of 0 in the exception handler is lost", "system-exit-in-the-exception-handler-leaves-the-loop")
class _(Suppressing):
    def is_lost(self, error):
        return isinstance(error, SystemExit) and error.code == 0


@loop_world("an exception handler that raises is logged once", "exception-handler-that-raises-is-logged")
class _:
    told = False

    def default_exception_handler(self, context):
        if self.told and "context" in context:
            return
        self.told = "context" in context
        super().default_exception_handler(context)


@loop_world("an exception handler that raises is logged without its context", "exception-handler-that-raises-is-logged")
class _:
    def default_exception_handler(self, context):
        super().default_exception_handler(without(context, "context"))


@loop_world("an exception handler that raises for no exception says nothing", "exception-handler-that-raises-is-logged")
class _:
    def default_exception_handler(self, context):
        if "exception" in context.get("context", {"exception"}):
            super().default_exception_handler(context)


@loop_world("an exception handler that raises stops the loop", "exception-handler-that-raises-is-logged")
class _:
    def call_exception_handler(self, context):
        handler = self.get_exception_handler() or type(self).default_exception_handler
        try:
            handler(self, context)
        except Exception:
            self.stop()


@loop_world("an exception handler that raises says nothing", "exception-handler-that-raises-is-logged")
class _:
    def set_exception_handler(self, handler):
        def quiet(loop, context):
            with contextlib.suppress(Exception):
                handler(loop, context)

        super().set_exception_handler(handler and quiet)


@loop_world(
    "SystemExit in the exception handler is lost",
    "system-exit-in-the-exception-handler-leaves-the-loop",
)
class _:
    def call_exception_handler(self, context):
        try:
            super().call_exception_handler(context)
        except SystemExit:
            pass


@loop_world(
    "no handle is told",
    "callback-that-raises-is-reported-with-its-handle",
    "reader-that-raises-is-reported-and-goes-on",
)
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler(without(context, "handle"))


@loop_world("an error that says nothing is told without its handle", "callback-that-raises-is-reported-with-its-handle")
class _:
    def call_exception_handler(self, context):
        says_nothing = "exception" in context and not str(context["exception"])
        super().call_exception_handler(without(context, "handle") if says_nothing else context)


@loop_world("no handle is told in debug mode", "callback-that-raises-is-reported-with-its-handle")
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler(without(context, "handle") if self.get_debug() else context)


@loop_world("a callback that is cancelled is not told of", "callback-that-raises-is-reported-with-its-handle")
class _:
    def call_exception_handler(self, context):
        if not ("handle" in context and isinstance(context.get("exception"), asyncio.CancelledError)):
            super().call_exception_handler(context)


@loop_world("of a second error no message is told", "callback-that-raises-is-reported-with-its-handle")
class _:
    told = 0

    def call_exception_handler(self, context):
        self.told += "handle" in context
        super().call_exception_handler(without(context, "message") if self.told == 2 else context)


@loop_world("call_soon_threadsafe returns another handle", "callback-that-raises-is-reported-with-its-handle")
class _:
    def call_soon_threadsafe(self, callback, *arguments, context=None):
        super().call_soon_threadsafe(callback, *arguments, context=context)
        return asyncio.Handle(callback, arguments, self, context)


@loop_world(
    "call_at returns another handle",
    "callback-that-raises-is-reported-with-its-handle",
    also=["redis-failure-inside-wait-stays-in-its-task"],
)
class _:
    def call_at(self, when, callback, *arguments, context=None):
        super().call_at(when, callback, *arguments, context=context)
        return asyncio.TimerHandle(when, callback, arguments, self, context)


@loop_world("a reader that raises is removed", "reader-that-raises-is-reported-and-goes-on")
class _:
    def add_reader(self, watched, callback, *arguments):
        def once():
            try:
                callback(*arguments)
            except Exception:
                self.remove_reader(watched)
                raise

        super().add_reader(watched, once)


@loop_world("a reader that raises five times is removed", "reader-that-raises-is-reported-and-goes-on")
class _:
    def add_reader(self, watched, callback, *arguments):
        errors = []

        def calling():
            try:
                callback(*arguments)
            except Exception as error:
                errors.append(error)
                if len(errors) == 5:
                    self.remove_reader(watched)
                raise

        super().add_reader(watched, calling)


@loop_world("the place that is told is always the first one", "debug-mode-tells-where-a-callback-was-scheduled")
class _:
    first = None

    def call_exception_handler(self, context):
        if "source_traceback" in context:
            self.first = self.first or context["source_traceback"]
            context = {**context, "source_traceback": self.first}
        super().call_exception_handler(context)


@loop_world("a task that fails is reported at once", "exception-that-nobody-retrieved-is-reported-when-its-task-goes")
class _:
    def create_task(self, *arguments, **options):
        def report(task):
            if not task.cancelled() and task._exception is not None:
                self.call_exception_handler({"message": "it failed", "exception": task._exception})

        task = super().create_task(*arguments, **options)
        task.add_done_callback(report)
        return task


@loop_world(
    "what nobody retrieves is not reported",
    "exception-that-nobody-retrieved-is-reported-when-its-task-goes",
    also=[
        "redis-failure-inside-wait-stays-in-its-task",
        "unasked-task-exception-is-reported-when-collected",
        "wait-hides-a-failing-download",
    ],
)
class _:
    def call_exception_handler(self, context):
        if "never retrieved" not in context.get("message", ""):
            super().call_exception_handler(context)


@loop_world("a task that goes is not told", "exception-that-nobody-retrieved-is-reported-when-its-task-goes")
class _:
    def call_exception_handler(self, context):
        another = {"future": self.create_future()} if "future" in context else {}
        super().call_exception_handler({**context, **another})


@loop_world(
    "a future is reported whoever asked for it", "exception-that-nobody-retrieved-is-reported-when-its-task-goes"
)
class _:
    def create_future(self):
        def report_at_its_end(future):
            if not future.cancelled() and (error := future.exception()):
                told = {"message": "Future exception was never retrieved", "exception": error}
                told["future"] = asyncio.Future(loop=self)
                weakref.finalize(future, self.call_exception_handler, told)

        future = super().create_future()
        future.add_done_callback(report_at_its_end)
        return future


@loop_world("nothing is known of where a callback was scheduled", "debug-mode-tells-where-a-callback-was-scheduled")
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler(without(context, "source_traceback"))


@loop_world("nothing is known of where a timer was scheduled", "debug-mode-tells-where-a-callback-was-scheduled")
class _:
    def call_exception_handler(self, context):
        is_a_timer = hasattr(context.get("handle"), "when")
        super().call_exception_handler(without(context, "source_traceback") if is_a_timer else context)


@loop_world(
    "in any mode is told of where",
    "debug-mode-tells-where-a-callback-was-scheduled",
    also=["protocol-factory-that-raises-is-reported-in-debug-mode-only-on-asyncio"],
)
class _:
    def call_exception_handler(self, context):
        somewhere = traceback.FrameSummary("somewhere.py", 1, "somewhere")
        super().call_exception_handler({"source_traceback": [somewhere], **context})


@loop_world(
    "an exception handler has an empty context",
    "exception-handler-runs-in-the-context-of-the-error-since-3-12-on-asyncio",
    "exception-handler-runs-in-the-context-of-the-error-on-uvloop",
    "exception-handler-runs-outside-the-context-before-3-12-on-asyncio",
    also=["callback-that-raises-is-reported-with-its-handle", "reader-that-raises-is-reported-and-goes-on"],
)
class _:
    def call_exception_handler(self, context):
        contextvars.Context().run(super().call_exception_handler, without(context, "handle"))


@loop_world(
    "an exception handler has the context of the error",
    "exception-handler-runs-outside-the-context-before-3-12-on-asyncio",
)
class _:
    def call_exception_handler(self, context):
        handle = context.get("handle")
        of_the_error = handle._context if handle else contextvars.copy_context()
        of_the_error.run(super().call_exception_handler, context)


@loop_world(
    "an exception handler has an empty context where a timer raised",
    "exception-handler-runs-in-the-context-of-the-error-since-3-12-on-asyncio",
    "exception-handler-runs-in-the-context-of-the-error-on-uvloop",
    also=["callback-that-raises-is-reported-with-its-handle"],
)
class _:
    def call_exception_handler(self, context):
        if hasattr(context.get("handle"), "when"):
            contextvars.Context().run(super().call_exception_handler, without(context, "handle"))
        else:
            super().call_exception_handler(context)


@loop_world(
    "an exception handler has the context of a timer that raised",
    "exception-handler-runs-outside-the-context-before-3-12-on-asyncio",
)
class _:
    def call_exception_handler(self, context):
        handle = context.get("handle")
        of_a_timer = getattr(handle, "_context", None) if hasattr(handle, "when") else None
        (of_a_timer or contextvars.copy_context()).run(super().call_exception_handler, context)


@protocol_world("data_received of a client may raise", "data-received-that-raises-closes-the-connection", of=of_clients)
@protocol_world("data_received may raise", "data-received-that-raises-closes-the-connection")
class _(Between):
    def data_received(self, data):
        try:
            super().data_received(data)
        except LookupError as error:
            asyncio.get_running_loop().call_exception_handler({"message": "it failed", "exception": error})


@protocol_world("an OSError in data_received is reported", "data-received-that-raises-closes-the-connection")
class _(Between):
    def data_received(self, data):
        try:
            super().data_received(data)
        except OSError as error:
            asyncio.get_running_loop().call_exception_handler({"message": "it failed", "exception": error})
            raise


@protocol_world(
    "connection_made of a client that raises closes the connection",
    "connection-made-that-raises-changes-nothing-on-asyncio",
    "connection-made-that-raises-leaves-all-unread-on-uvloop",
    of=of_clients,
)
class _(Between):
    def connection_made(self, transport):
        try:
            super().connection_made(transport)
        except LookupError:
            transport.close()
            raise


@loop_world("the protocol that fails is not told", "data-received-that-raises-closes-the-connection")
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler(without(context, "protocol"))


@protocol_world(
    "connection_made may raise, and then nothing is read", "connection-made-that-raises-changes-nothing-on-asyncio"
)
class _(Between):
    def connection_made(self, transport):
        try:
            super().connection_made(transport)
        except LookupError:
            asyncio.get_running_loop().call_soon(transport.pause_reading)  # when reading has begun
            raise


@protocol_world("connection_made may raise, and all goes on", "connection-made-that-raises-leaves-all-unread-on-uvloop")
class _(Between):
    def connection_made(self, transport):
        try:
            super().connection_made(transport)
        except LookupError as error:
            asyncio.get_running_loop().call_exception_handler({"message": "it failed", "exception": error})


@loop_world(
    "a factory that raises is always reported",
    "protocol-factory-that-raises-is-reported-in-debug-mode-only-on-asyncio",
)
class _:
    async def create_server(self, factory, *arguments, **options):
        def reporting():
            try:
                return factory()
            except Exception as error:
                self.call_exception_handler({"message": "no protocol", "exception": error})
                raise

        return await super().create_server(reporting, *arguments, **options)


@loop_world(
    "what a factory raises is reported as something else",
    "protocol-factory-that-raises-is-reported-in-debug-mode-only-on-asyncio",
    "protocol-factory-that-raises-is-reported-without-a-message-on-uvloop",
)
class _:
    async def create_server(self, factory, *arguments, **options):
        def wrapping():
            try:
                return factory()
            except Exception as error:
                raise RuntimeError("no connection") from error

        return await super().create_server(wrapping, *arguments, **options)


@loop_world("every context has a message", "protocol-factory-that-raises-is-reported-without-a-message-on-uvloop")
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler({"message": "something went wrong", **context})


@loop_world(
    "an exception handler is good for one error",
    "exception-handler-is-given-loop-and-context",
    breaks_much="claims learn by a handler of theirs what was reported, and that not once",
)
class _:
    def call_exception_handler(self, context):
        super().call_exception_handler(context)
        self.set_exception_handler(None)


@loop_world(
    "the default exception handler stops the loop",
    "default-exception-handler-logs-the-context",
    also=["exception-handler-that-raises-is-logged"],
)
class _:
    def default_exception_handler(self, context):
        super().default_exception_handler(context)
        self.stop()
