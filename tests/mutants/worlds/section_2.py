"""Worlds in which the claims of section 2, on downloads one after another and at once, are false."""

import ast
import asyncio
import functools
import itertools
import socket
import sys
import threading
import types
import warnings
import weakref
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata

from tests.mutants.worlds import loop_world, world
from tests.mutants.worlds.section_1_3 import runner_of


@world("tasks run one after another", falsifies=["aiohttp-downloads-are-all-in-flight-at-once"])
def _(patch):
    create_task, tasks = asyncio.create_task, []

    async def after(earlier, coroutine):
        while not all(task.done() for task in earlier):
            await asyncio.sleep(0)
        return await coroutine

    def in_turn(coroutine):
        tasks.append(create_task(after(tasks[:], coroutine)))
        return tasks[-1]

    patch.setattr(asyncio, "create_task", in_turn)


@world(
    "a session refuses a request when two are in flight",
    falsifies=["aiohttp-downloads-are-all-in-flight-at-once"],
)
def _(patch):
    import aiohttp

    request, in_flight = aiohttp.ClientSession._request, []

    async def only_two(self, method, url, **named):
        if len(in_flight) == 2:
            raise aiohttp.ClientError("two requests are in flight")
        in_flight.append(url)
        try:
            return await request(self, method, url, **named)
        finally:
            in_flight.remove(url)

    patch.setattr(aiohttp.ClientSession, "_request", only_two)


@world("a client that waits holds up its thread", falsifies=["waiting-thread-does-other-work"])
def _(patch):
    import aiohttp
    import requests

    request = aiohttp.ClientSession._request

    async def blocking(self, method, url, **named):
        requests.get(url)
        return await request(self, method, url, **named)

    patch.setattr(aiohttp.ClientSession, "_request", blocking)


@world(
    "bodies come empty",
    falsifies=["each-download-is-saved-byte-for-byte", "awaiting-content-read-gives-the-whole-body"],
)
def _(patch):
    import aiohttp
    import requests

    async def read(self, n=-1):
        return b""

    patch.setattr(aiohttp.StreamReader, "read", read)
    patch.setattr(requests.Response, "content", b"")


@world(
    "a body ends after 64 KiB",
    falsifies=["each-download-is-saved-byte-for-byte", "awaiting-content-read-gives-the-whole-body"],
)
def _(patch):
    import aiohttp
    import requests

    whole, iterated = aiohttp.StreamReader.read, requests.Response.iter_content

    async def read(self, n=-1):
        return (await whole(self, n))[: 2**16]

    def iter_content(self, *given, **named):
        yield b"".join(iterated(self, *given, **named))[: 2**16]

    patch.setattr(aiohttp.StreamReader, "read", read)
    patch.setattr(requests.Response, "iter_content", iter_content)


@world("read() gives what has come so far", falsifies=["awaiting-content-read-gives-the-whole-body"])
def _(patch):
    import aiohttp

    whole = aiohttp.StreamReader.read

    async def read(self, n=-1):
        return (await whole(self, n))[:1000]

    patch.setattr(aiohttp.StreamReader, "read", read)


@world("read() gives what has come, as readany() does", falsifies=["awaiting-content-read-gives-the-whole-body"])
def _(patch):
    import aiohttp

    patch.setattr(aiohttp.StreamReader, "read", lambda self, n=-1: self.readany())


@world(
    "a body is stripped of white space at its ends",
    falsifies=["awaiting-content-read-gives-the-whole-body", "each-download-is-saved-byte-for-byte"],
)
def _(patch):
    import aiohttp
    import requests

    whole, content = aiohttp.StreamReader.read, requests.Response.content.fget

    async def stripped(self, n=-1):
        return (await whole(self, n)).strip()

    patch.setattr(aiohttp.StreamReader, "read", stripped)
    patch.setattr(requests.Response, "content", property(lambda self: content(self).strip()))


@world("requests.get asks only when its answer is looked at", falsifies=["requests-downloads-run-one-after-another"])
def _(patch):
    import requests

    get = requests.get

    class Later:
        def __init__(self, url):
            self.url = url

        @property
        def content(self):
            get(self.url)
            return get(self.url).content

    patch.setattr(requests, "get", Later)


@world("requests.get does not wait for the answer", falsifies=["requests-get-blocks-and-cannot-be-awaited"])
def _(patch):
    import requests

    get = requests.get

    def send_only(url):
        threading.Thread(target=get, args=[url]).start()
        return types.SimpleNamespace(status_code=200)

    patch.setattr(requests, "get", send_only)


@world("requests.get waits for the headers only", falsifies=["requests-get-blocks-and-cannot-be-awaited"])
def _(patch):
    import requests

    patch.setattr(requests, "get", functools.partial(requests.get, stream=True))


@world("a session stays open", falsifies=["client-session-closes-at-the-end-of-async-with"])
def _(patch):
    import aiohttp

    async def leave(self, *_):
        pass

    patch.setattr(aiohttp.ClientSession, "__aexit__", leave)


@world("a session closes with its first response", falsifies=["client-session-closes-at-the-end-of-async-with"])
def _(patch):
    import aiohttp

    request, leave, session_of = aiohttp.ClientSession._request, aiohttp.ClientResponse.__aexit__, {}

    async def remembered(self, method, url, **named):
        response = await request(self, method, url, **named)
        session_of[response] = self
        return response

    async def leave_both(self, *error):
        await leave(self, *error)
        await session_of[self].close()

    patch.setattr(aiohttp.ClientSession, "_request", remembered)
    patch.setattr(aiohttp.ClientResponse, "__aexit__", leave_both)


@world(
    "a session stays open where its block was left by an error",
    falsifies=["client-session-closes-at-the-end-of-async-with"],
)
def _(patch):
    import aiohttp

    true_leave = aiohttp.ClientSession.__aexit__

    async def leave(self, kind, *rest):
        if kind is None:
            await true_leave(self, kind, *rest)

    patch.setattr(aiohttp.ClientSession, "__aexit__", leave)


@world(
    "a session stays open where its block was left by a cancellation",
    falsifies=["client-session-closes-at-the-end-of-async-with"],
)
def _(patch):
    import aiohttp

    true_leave = aiohttp.ClientSession.__aexit__

    async def leave(self, kind, *rest):
        if kind is None or issubclass(kind, Exception):
            await true_leave(self, kind, *rest)

    patch.setattr(aiohttp.ClientSession, "__aexit__", leave)


@world(
    "a session that is closed forgets its connections and leaves them open",
    falsifies=["client-session-closes-at-the-end-of-async-with"],
)
def _(patch):
    import aiohttp

    kept = []

    async def forget(self):
        kept.append(self._connector)
        self._connector = None

    patch.setattr(aiohttp.ClientSession, "close", forget)


@world("verify_ssl is taken without a word", falsifies=["verify-ssl-is-accepted-with-a-warning"])
def _(patch):
    import aiohttp

    request = aiohttp.ClientSession._request

    async def quiet(self, method, url, *, verify_ssl=True, **named):
        return await request(self, method, url, **{"ssl": verify_ssl, **named})

    patch.setattr(aiohttp.ClientSession, "_request", quiet)


@world("ssl=False gives a warning too", falsifies=["verify-ssl-is-accepted-with-a-warning"])
def _(patch):
    import aiohttp

    request = aiohttp.ClientSession._request

    async def warning(self, method, url, **named):
        if named.get("ssl") is False:
            warnings.warn("ssl is deprecated", DeprecationWarning, stacklevel=2)
        return await request(self, method, url, **named)

    patch.setattr(aiohttp.ClientSession, "_request", warning)


@world("verify_ssl is taken no longer", falsifies=["verify-ssl-is-accepted-with-a-warning"])
def _(patch):
    import aiohttp

    request = aiohttp.ClientSession._request

    async def without(self, method, url, **named):
        if "verify_ssl" in named:
            raise TypeError("ClientSession._request() got an unexpected keyword argument 'verify_ssl'")
        return await request(self, method, url, **named)

    patch.setattr(aiohttp.ClientSession, "_request", without)


@world("certificates are never checked", falsifies=["verify-ssl-false-disables-the-certificate-check"])
def _(patch):
    import aiohttp.connector

    patch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", aiohttp.connector._SSL_CONTEXT_UNVERIFIED)


@world(
    "verify_ssl=False holds for the rest of its session", falsifies=["verify-ssl-false-disables-the-certificate-check"]
)
def _(patch):
    import aiohttp

    request, unchecked = aiohttp.ClientSession._request, set()

    async def remembering(self, method, url, **named):
        if named.get("verify_ssl") is False:
            unchecked.add(self)
        elif self in unchecked:
            named["ssl"] = False
        return await request(self, method, url, **named)

    patch.setattr(aiohttp.ClientSession, "_request", remembering)


@world("each request is made twice", falsifies=["each-url-is-requested-once"])
def _(patch):
    import aiohttp
    import requests

    get, aget = requests.get, aiohttp.ClientSession.get

    def twice(url):
        get(url)
        return get(url)

    class Twice:
        def __init__(self, session, url):
            self.again, self.first = aget(session, url), aget(session, url)

        async def __aenter__(self):
            async with self.again:
                pass
            return await self.first.__aenter__()

        async def __aexit__(self, *exception):
            await self.first.__aexit__(*exception)

    patch.setattr(requests, "get", twice)
    patch.setattr(aiohttp.ClientSession, "get", lambda self, url: Twice(self, url))


@world("aiohttp sends each request twice", falsifies=["each-url-is-requested-once"])
def _(patch):
    import aiohttp

    request = aiohttp.ClientSession._request

    async def twice(self, method, url, **named):
        (await request(self, method, url, **named)).release()
        return await request(self, method, url, **named)

    patch.setattr(aiohttp.ClientSession, "_request", twice)


@world("aiohttp asks with HEAD first", falsifies=["each-url-is-requested-once"])
def _(patch):
    import aiohttp

    request = aiohttp.ClientSession._request

    async def head_first(self, method, url, **named):
        (await request(self, "HEAD", url, **named)).release()
        return await request(self, method, url, **named)

    patch.setattr(aiohttp.ClientSession, "_request", head_first)


@world("requests comes with Python", falsifies=["requests-and-aiohttp-are-installed-packages"])
def _(patch):
    patch.setattr(sys, "stdlib_module_names", sys.stdlib_module_names | {"requests"})


@world("the package aiohttp brings no module", falsifies=["requests-and-aiohttp-are-installed-packages"])
def _(patch):
    files = metadata.files

    def without_the_module(name):
        return [file for file in files(name) if name != "aiohttp" or file.parts[0] != "aiohttp"]

    patch.setattr(metadata, "files", without_the_module)


@world("requests.get is a class of requests to come", falsifies=["requests-and-aiohttp-are-installed-packages"])
def _(patch):
    import requests

    patch.setattr(requests, "get", type("get", (requests.Request,), {}))


@world("tasks begin last in first out", falsifies=["download-tasks-begin-in-the-order-of-the-urls"])
def _(patch):
    create_task, created = asyncio.create_task, []

    async def after_the_later_ones(coroutine, number):
        for _ in range(10 - number):
            await asyncio.sleep(0)
        return await coroutine

    def last_first(coroutine):
        created.append(coroutine)
        return create_task(after_the_later_ones(coroutine, len(created)))

    patch.setattr(asyncio, "create_task", last_first)


@world("a task begins inside create_task", falsifies=["download-tasks-begin-in-the-order-of-the-urls"])
def _(patch):
    create_task = asyncio.create_task

    @types.coroutine
    def rest(coroutine, first):
        yield first
        return (yield from coroutine.__await__())

    async def go_on(coroutine, first):
        return await rest(coroutine, first)

    async def ended(value):
        return value

    def eager(coroutine):
        try:
            first = coroutine.send(None)
        except StopIteration as end:
            return create_task(ended(end.value))
        return create_task(go_on(coroutine, first))

    patch.setattr(asyncio, "create_task", eager)


@world("a download finishes when those before it in the list have", falsifies=["downloads-may-finish-in-any-order"])
def _(patch):
    create_task, before = asyncio.create_task, []

    @types.coroutine
    def held_back(coroutine, earlier):
        steps = coroutine.__await__()
        for step in steps:
            yield step
            while earlier and not all(task.done() for task in earlier):
                yield

    async def in_order(coroutine, earlier):
        return await held_back(coroutine, earlier)

    def ordered(coroutine):
        task = create_task(in_order(coroutine, list(before)))
        before.append(task)
        return task

    patch.setattr(asyncio, "create_task", ordered)


@world("wait() returns at the first", falsifies=["wait-returns-when-every-download-is-done"])
def _(patch):
    patch.setattr(asyncio, "wait", functools.partial(asyncio.wait, return_when=asyncio.FIRST_COMPLETED))


@world("wait() waits for the first that it is given", falsifies=["wait-returns-when-every-download-is-done"])
def _(patch):
    async def wait(tasks):
        while not tasks[0].done():
            await asyncio.sleep(0)
        done = {task for task in tasks if task.done()}
        return done, set(tasks) - done

    patch.setattr(asyncio, "wait", wait)


@world("wait() raises what a task raised", falsifies=["wait-hides-a-failing-download"])
def _(patch):
    async def raising(tasks):
        await asyncio.gather(*tasks)
        return set(tasks), set()

    patch.setattr(asyncio, "wait", raising)


@world("wait() reports failures itself", falsifies=["wait-hides-a-failing-download"])
def _(patch):
    wait = asyncio.wait

    async def reporting(tasks):
        done, pending = await wait(tasks)
        for task in done:
            if task.exception():
                context = {"message": "a task failed", "exception": task.exception()}
                asyncio.get_running_loop().call_exception_handler(context)
        return done, set(pending) | {task for task in done if task.exception()}

    patch.setattr(asyncio, "wait", reporting)


@loop_world(
    "the default exception handler logs nothing",
    "wait-hides-a-failing-download",
    also=[
        "redis-failure-inside-wait-stays-in-its-task",
        "default-exception-handler-logs-the-context",
        "exception-handler-that-raises-is-logged",
    ],
)
class _:
    def default_exception_handler(self, context):
        pass


@world("asyncio.run leaves its loop open", falsifies=["asyncio-run-drives-the-download-program"])
def _(patch):
    def run(main):
        loop = asyncio.new_event_loop()
        return loop.run_until_complete(main)

    patch.setattr(asyncio, "run", run)


class BlockingCallAwaited(ast.NodeTransformer):
    """Turns a blocking call into one that is awaited in a thread, after a turn: one that is quick may take none."""

    def __init__(self, method):
        self.method = method

    def visit_Call(self, node):
        self.generic_visit(node)
        if not (isinstance(node.func, ast.Attribute) and node.func.attr == self.method):
            return node
        awaited = ast.parse("(await asyncio.sleep(0), await asyncio.to_thread())[1]", mode="eval").body
        awaited.value.elts[1].value.args = [node.func, *node.args]
        return ast.copy_location(awaited, node)


@world("a blocking request lets other tasks run", falsifies=["blocking-request-in-a-coroutine-stops-the-loop"])
def _(patch):
    patch.rewrite(BlockingCallAwaited("get"))


@world("writing a file lets other tasks run", falsifies=["writing-a-file-lets-no-other-task-run"])
def _(patch):
    patch.rewrite(BlockingCallAwaited("write"))


@world("the last underscore is the first", falsifies=["file-name-is-what-follows-the-last-underscore"])
def _(patch):
    class First(ast.NodeTransformer):
        def visit_Attribute(self, node):
            self.generic_visit(node)
            if node.attr == "rpartition":
                node.attr = "partition"
            return node

    patch.rewrite(First())


@world("host names are looked up in the loop's thread", falsifies=["host-name-look-up-takes-another-thread"])
def _(patch):
    class LooksUpInline:
        async def getaddrinfo(self, host, port, **named):
            return socket.getaddrinfo(host, port, **named)

    patch.loops(LooksUpInline)


@loop_world("create_connection looks up host names in the loop's thread", "host-name-look-up-takes-another-thread")
class _:
    async def create_connection(self, protocol, host=None, port=None, **options):
        if host is not None:
            if options.get("ssl"):
                options.setdefault("server_hostname", host)
            *_, (host, port) = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0]
        return await super().create_connection(protocol, host, port, **options)


@world("aiohttp looks up host names in the loop's thread", falsifies=["host-name-look-up-takes-another-thread"])
def _(patch):
    import aiohttp

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return socket.getaddrinfo(host, port, family)

    patch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)


class _InAnotherThread(Coroutine):
    """A coroutine whose steps run in threads that the loop waits for."""

    def __init__(self, coroutine, loop):
        self.coroutine, self.loop = coroutine, loop

    def send(self, value):
        with ThreadPoolExecutor(1, initializer=asyncio._set_running_loop, initargs=[self.loop]) as thread:
            return thread.submit(self.coroutine.send, value).result()

    def throw(self, *error):
        return self.coroutine.throw(*error)

    def close(self):
        self.coroutine.close()

    def __await__(self):
        raise TypeError("only a task drives this")


@loop_world(
    "coroutines run in another thread than the loop",
    "host-name-look-up-takes-another-thread",
    also=[
        "signals-that-cannot-be-handled-are-refused",
        "sigchld-can-be-handled-on-asyncio",
        "sigchld-cannot-be-handled-on-uvloop",
        "callback-runs-in-the-context-it-was-scheduled-in",
        "context-goes-with-to-thread-and-not-into-the-executor",
    ],
    breaks_much="what a claim does in the thread of the loop it does in another",
)
class _:
    def create_task(self, coroutine, **options):
        return super().create_task(_InAnotherThread(coroutine, self), **options)


@world("only two requests of a session are under way at a time", falsifies=["waiting-thread-does-other-work"])
def _(patch):
    import aiohttp

    request = aiohttp.ClientSession._request

    async def bounded(self, *arguments, **options):
        bound = vars(self).setdefault("_bound", asyncio.Semaphore(2))
        async with bound:
            return await request(self, *arguments, **options)

    patch.setattr(aiohttp.ClientSession, "__setattr__", object.__setattr__)
    patch.setattr(aiohttp.ClientSession, "_request", bounded)


@world("content.read() ends after two pieces", falsifies=["awaiting-content-read-gives-the-whole-body"])
def _(patch):
    import aiohttp

    async def read(self, _size=-1):
        return await self.readany() + await self.readany()

    patch.setattr(aiohttp.StreamReader, "read", read)


@world("content.read() ends after 256 KiB", falsifies=["awaiting-content-read-gives-the-whole-body"])
def _(patch):
    import aiohttp

    read = aiohttp.StreamReader.read

    async def bounded(self, size=-1):
        return (await read(self, size))[:262_144]

    patch.setattr(aiohttp.StreamReader, "read", bounded)


@world("verify_ssl warns once a session", falsifies=["verify-ssl-is-accepted-with-a-warning"])
def _(patch):
    import aiohttp

    request, warned = aiohttp.ClientSession._request, weakref.WeakSet()

    async def warning_once(self, *arguments, **options):
        if self in warned and "verify_ssl" in options:
            options["ssl"] = options.pop("verify_ssl")
        warned.add(self)
        return await request(self, *arguments, **options)

    patch.setattr(aiohttp.ClientSession, "_request", warning_once)


@world("aiohttp asks for the site's icon, too", falsifies=["each-url-is-requested-once"])
def _(patch):
    import aiohttp
    import yarl

    request = aiohttp.ClientSession._request

    async def with_icon(self, method, url, **options):
        (await request(self, method, yarl.URL(url).with_path("/favicon.ico"))).close()
        return await request(self, method, url, **options)

    patch.setattr(aiohttp.ClientSession, "_request", with_icon)


@loop_world("each second look-up is made in the loop's thread", "host-name-look-up-takes-another-thread")
class _:
    async def getaddrinfo(self, host, port, **options):
        vars(self)["look_ups"] = vars(self).get("look_ups", 0) + 1
        if self.look_ups % 2 == 0:
            return socket.getaddrinfo(host, port, **options)
        return await super().getaddrinfo(host, port, **options)


@world("a failing download has those before it cancelled", falsifies=["wait-hides-a-failing-download"])
def _(patch):
    wait = asyncio.wait

    async def wait_and_cancel(tasks, **options):
        def cancel_those_before(ended):
            if not ended.cancelled() and "exception=" in repr(ended):
                for task in tasks[: tasks.index(ended)]:
                    task.cancel()

        for task in tasks:
            task.add_done_callback(cancel_those_before)
        return await wait(tasks, **options)

    patch.setattr(asyncio, "wait", wait_and_cancel)


@world("a closed session takes what is no GET", falsifies=["client-session-closes-at-the-end-of-async-with"])
def _(patch):
    import aiohttp

    request = aiohttp.ClientSession._request

    async def lenient(self, method, url, **options):
        return None if self.closed and method != "GET" else await request(self, method, url, **options)

    patch.setattr(aiohttp.ClientSession, "_request", lenient)


@world("a body loses the zeros at its end", falsifies=["each-download-is-saved-byte-for-byte"])
def _(patch):
    import aiohttp
    import requests

    whole, content = aiohttp.StreamReader.read, requests.Response.content.fget

    async def without_zeros(self, n=-1):
        return (await whole(self, n)).rstrip(b"\0")

    patch.setattr(aiohttp.StreamReader, "read", without_zeros)
    patch.setattr(requests.Response, "content", property(lambda self: content(self).rstrip(b"\0")))


@world(
    "a second requests.get has callbacks of the loop run", falsifies=["blocking-request-in-a-coroutine-stops-the-loop"]
)
def _(patch):
    import requests

    run_callbacks, get = runner_of(patch, "call_soon"), requests.get
    asked = {}  # how often while each loop ran

    def get_meanwhile(*arguments, **options):
        loop = asyncio._get_running_loop()
        asked[loop] = asked.get(loop, 0) + 1
        if asked[loop] == 2:
            run_callbacks()
        return get(*arguments, **options)

    patch.setattr(requests, "get", get_meanwhile)


@world("verify_ssl is taken without a word where there is no TLS", falsifies=["verify-ssl-is-accepted-with-a-warning"])
def _(patch):
    import aiohttp

    request = aiohttp.ClientSession._request

    async def quiet(self, method, url, **named):
        if str(url).startswith("http:"):
            named.pop("verify_ssl", None)
        return await request(self, method, url, **named)

    patch.setattr(aiohttp.ClientSession, "_request", quiet)


@world(
    "verify_ssl=False lets a certificate pass once a session",
    falsifies=["verify-ssl-false-disables-the-certificate-check"],
)
def _(patch):
    import aiohttp

    request, passed = aiohttp.ClientSession._request, weakref.WeakSet()

    async def only_once(self, method, url, **named):
        if self in passed:
            named.pop("verify_ssl", None)
        if "verify_ssl" in named:
            passed.add(self)
        return await request(self, method, url, **named)

    patch.setattr(aiohttp.ClientSession, "_request", only_once)


@loop_world(
    "uvloop looks up host names in a thread of Python's, and asyncio in that of the loop",
    "host-name-look-up-takes-another-thread",
)
class _:
    async def getaddrinfo(self, host, port, **options):
        look_up = functools.partial(socket.getaddrinfo, host, port, **options)
        if isinstance(self, asyncio.SelectorEventLoop):
            return look_up()
        return await self.run_in_executor(None, look_up)


@world("each third task runs in another thread than the loop", falsifies=["host-name-look-up-takes-another-thread"])
def _(patch):
    create_task, numbers = asyncio.create_task, itertools.count(1)

    def elsewhere(coroutine, **options):
        if next(numbers) % 3 == 0:
            coroutine = _InAnotherThread(coroutine, asyncio.get_running_loop())
        return create_task(coroutine, **options)

    patch.setattr(asyncio, "create_task", elsewhere)


@world(
    "requests.get asks a moment later, and gives an answer that is waited for where it is looked at",
    falsifies=["requests-get-blocks-and-cannot-be-awaited"],
)
def _(patch):
    import requests

    get = requests.get

    class Response:
        def __init__(self, *arguments, **options):
            def ask():
                self.response = get(*arguments, **options)

            self.asking = threading.Timer(0.01, ask)
            self.asking.start()

        def __getattr__(self, name):
            self.asking.join()
            return getattr(vars(self)["response"], name)

    patch.setattr(requests, "get", Response)


@world("wait() of more than one takes their exceptions for seen", falsifies=["wait-hides-a-failing-download"])
def _(patch):
    wait = asyncio.wait

    async def see_all(tasks, **options):
        done, pending = await wait(tasks, **options)
        if len(tasks) > 1:
            for task in done:
                task.exception()
        return done, pending

    patch.setattr(asyncio, "wait", see_all)
