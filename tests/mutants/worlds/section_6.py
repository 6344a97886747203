"""Worlds in which the claims of section 6, on what is regained while waiting, are false."""

import asyncio
import select
import socket
import weakref

from tests.mutants.worlds import world
from tests.mutants.worlds.section_2 import BlockingCallAwaited as RewriteBlocking


@world("gather takes its coroutines one after another", falsifies=["summary-one-thread-serves-many-waits"])
def _(patch):
    async def in_turn(*coroutines):
        return [await coroutine for coroutine in coroutines]

    patch.setattr(asyncio, "gather", in_turn)


@world("each coroutine has a thread of its own", falsifies=["summary-one-thread-serves-many-waits"])
def _(patch):
    import aiohttp

    async def apart(coroutine):
        return await asyncio.to_thread(asyncio.run, coroutine)

    async def in_threads(*coroutines):
        return [await task for task in [asyncio.ensure_future(apart(coroutine)) for coroutine in coroutines]]

    patch.setattr(asyncio, "gather", in_threads)
    # A session of its own too: one cannot be used from several loops.
    patch.setattr(aiohttp.ClientSession, "get", lambda self, url: aiohttp.request("GET", url))


@world("aiohttp has its downloads made in threads", falsifies=["summary-one-thread-serves-many-waits"])
def _(patch):
    import aiohttp
    import requests

    class Threaded:
        def __init__(self, url):
            self.url = url

        async def __aenter__(self):
            response = await asyncio.to_thread(requests.get, self.url)
            self.status, self.body = response.status_code, response.content
            return self

        async def __aexit__(self, *_):
            pass

        async def read(self):
            return self.body

    patch.setattr(aiohttp.ClientSession, "get", lambda self, url: Threaded(url))


@world(
    "gather gives what it gathers in the order in which it came",
    falsifies=["summary-one-thread-serves-many-waits", "default-executor-bounds-what-overlaps"],
)
def _(patch):
    gather = asyncio.gather

    async def as_they_come(*awaitables):
        came = []

        async def take(place, awaitable):
            came.append((place, await awaitable))

        await gather(*(take(*one) for one in enumerate(awaitables)))
        if came == sorted(came, key=lambda one: one[0]):  # by chance: then as if they had come the other way round
            came.reverse()
        return [value for _, value in came]

    patch.setattr(asyncio, "gather", as_they_come)


@world(
    "host names are looked up in the loop's thread",
    falsifies=["summary-executors-def-endpoints-and-look-ups-use-threads"],
)
def _(patch):
    class LooksUpInline:
        async def getaddrinfo(self, host, port, **named):
            return socket.getaddrinfo(host, port, **named)

    patch.loops(LooksUpInline)


@world("computing lets other tasks run", falsifies=["summary-cpu-work-gives-no-time-back"])
def _(patch):
    patch.rewrite(RewriteBlocking("pbkdf2_hmac"))


@world("a blocking request lets other tasks run", falsifies=["summary-only-awaited-io-gives-time-back"])
def _(patch):
    class Awaited(RewriteBlocking):
        def visit_AsyncWith(self, node):
            return node  # a get in there is aiohttp's

    patch.rewrite(Awaited("get"))


@world("writing a file lets other tasks run", falsifies=["summary-only-awaited-io-gives-time-back"])
def _(patch):
    patch.rewrite(RewriteBlocking("write"))


@world("awaited IO holds up its thread", falsifies=["summary-only-awaited-io-gives-time-back"])
def _(patch):
    import aiohttp
    import requests

    class Held:
        def __init__(self, url):
            self.url = url

        async def __aenter__(self):
            self.body = requests.get(self.url).content
            return self

        async def __aexit__(self, *_):
            pass

        async def read(self):
            return self.body

    patch.setattr(aiohttp.ClientSession, "get", lambda self, url: Held(url))


@world(
    "a pool given to run_in_executor has its jobs done in the loop's thread",
    falsifies=["summary-executors-def-endpoints-and-look-ups-use-threads"],
)
def _(patch):
    class DoesThemInline:
        def run_in_executor(self, executor, job, *arguments):
            if executor is None:
                return super().run_in_executor(executor, job, *arguments)
            done = self.create_future()
            done.set_result(job(*arguments))
            return done

    patch.loops(DoesThemInline)


@world(
    "who connects looks the host name up in the loop's thread",
    falsifies=["summary-executors-def-endpoints-and-look-ups-use-threads"],
    also=["certificate-of-another-name-is-refused"],
)
def _(patch):
    class LooksUpInline:
        async def create_connection(self, factory, host=None, port=None, **named):
            if host:
                host = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
            return await super().create_connection(factory, host, port, **named)

    patch.loops(LooksUpInline)


@world(
    "the name of an address is looked up in the loop's thread",
    falsifies=["summary-executors-def-endpoints-and-look-ups-use-threads"],
)
def _(patch):
    class LooksUpItself:
        async def getnameinfo(self, address, flags=0):
            return socket.getnameinfo(address, flags)

    patch.loops(LooksUpItself)


def answers_block(patch, when):
    """Where `when(session)` is true, have a wait for an answer block the event loop until it is there, or a time."""
    import aiohttp

    start = aiohttp.ClientResponse.start

    async def blocking(self, connection):
        descriptor = connection.transport.get_extra_info("socket").fileno()
        if when(self._session) and not select.select([descriptor], [], [], 0.05)[0]:
            raise aiohttp.ClientError("there was no answer")  # or it would block where nothing reaches
        return await start(self, connection)

    patch.setattr(aiohttp.ClientResponse, "start", blocking)


@world(
    "who awaits an answer holds up his thread",
    falsifies=["summary-only-awaited-io-gives-time-back"],
    also=["aiohttp-downloads-are-all-in-flight-at-once"],
)
def _(patch):
    answers_block(patch, lambda session: True)


@world(
    "who awaits the second answer of a session holds up his thread",
    falsifies=["summary-only-awaited-io-gives-time-back"],
    also=["aiohttp-downloads-are-all-in-flight-at-once"],
)
def _(patch):
    asked = weakref.WeakKeyDictionary()

    def second(session):
        asked[session] = asked.get(session, 0) + 1
        return asked[session] == 2

    answers_block(patch, second)
