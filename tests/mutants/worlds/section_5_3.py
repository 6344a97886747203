"""Worlds in which the claims of section 5.3, on FastAPI and uvicorn, are false.

What is broken is in the server's process; where FastAPI is not imported there is nothing to break, and importing it
would take longer than its claims.
"""

import asyncio
import functools
import sys
import threading
from importlib import metadata

import redis.asyncio

from tests.mutants.worlds import world

Pool, Redis = redis.asyncio.BlockingConnectionPool, redis.asyncio.Redis


def server_world(name, **more):
    """Make a world that is entered only in the processes of servers."""

    def register(function):
        @functools.wraps(function)
        def enter(patch):
            if "fastapi" in sys.modules:
                function(patch)

        return world(name, **more)(enter)

    return register


@world("uvicorn does not bring what speaks HTTP", falsifies=["fastapi-and-uvicorn-are-enough-to-serve"])
def _(patch):
    requires = metadata.requires
    patch.setattr(metadata, "requires", lambda name: [one for one in requires(name) or [] if "h11" not in one])


@world("fastapi does not bring starlette", falsifies=["fastapi-and-uvicorn-are-enough-to-serve"])
def _(patch):
    requires = metadata.requires
    patch.setattr(metadata, "requires", lambda name: [one for one in requires(name) or [] if "starlette" not in one])


@world(
    "uvloop comes with uvicorn",
    falsifies=["uvicorn-plain-install-brings-no-uvloop", "uvicorn-brings-no-uvloop-on-pypy"],
)
def _(patch):
    requires = metadata.requires
    patch.setattr(metadata, "requires", lambda name: [*(requires(name) or []), *["uvloop"] * (name == "uvicorn")])


@world("uvloop comes with nothing", falsifies=["uvicorn-plain-install-brings-no-uvloop"])
def _(patch):
    requires = metadata.requires
    patch.setattr(metadata, "requires", lambda name: [one for one in requires(name) or [] if "uvloop" not in one])


@server_world(
    "an import string gives the module that is already there",
    falsifies=[
        "fastapi-module-body-runs-twice-by-import-string",
        "uvicorn-run-serves-by-import-string",
    ],
)
def _(patch):
    import uvicorn.config

    usual = uvicorn.config.import_from_string
    found = lambda name: sys.modules["__main__"].app if name == "luffy:app" else usual(name)  # noqa: E731
    patch.setattr(uvicorn.config, "import_from_string", found)


@server_world(
    "SIGINT ends a server with an error",
    falsifies=["uvicorn-run-serves-by-import-string"],
    also=["fastapi-lifespan-opens-and-closes-the-pool"],
)
def _(patch):
    import uvicorn

    run = uvicorn.run

    def failing(*arguments, **named):
        run(*arguments, **named)
        sys.exit(1)

    patch.setattr(uvicorn, "run", failing)


@server_world("a server ends after its first request", falsifies=["uvicorn-run-serves-by-import-string"])
def _(patch):
    import uvicorn

    patch.setattr(uvicorn, "run", functools.partial(uvicorn.run, limit_max_requests=1))


@server_world(
    "an import string is looked for in the working directory and not beside the program",
    falsifies=["uvicorn-run-serves-by-import-string"],
)
def _(patch):
    import uvicorn

    run = uvicorn.run

    def where_it_works(*arguments, **named):
        sys.path[0] = ""
        run(*arguments, **named)

    patch.setattr(uvicorn, "run", where_it_works)


@server_world("lifespans are not run to their end", falsifies=["fastapi-lifespan-opens-and-closes-the-pool"])
def _(patch):
    from uvicorn.lifespan.on import LifespanOn

    async def nothing(self):
        pass

    patch.setattr(LifespanOn, "shutdown", nothing)


@server_world(
    "lifespans are not run at all",
    falsifies=["fastapi-lifespan-opens-and-closes-the-pool"],
    also=[
        "fastapi-red-uses-at-most-ten-connections",
        "fastapi-red-gives-its-connection-back",
        "fastapi-red-returns-the-hash-as-json",
        "fastapi-waiting-requests-let-new-ones-arrive",
    ],
)
def _(patch):
    import uvicorn

    patch.setattr(uvicorn, "run", functools.partial(uvicorn.run, lifespan="off"))


@server_world("closing a pool closes no socket", falsifies=["fastapi-lifespan-opens-and-closes-the-pool"])
def _(patch):
    async def nothing(self, **_):
        pass

    patch.setattr(Pool, "disconnect", nothing)


@server_world("closing a pool closes one socket", falsifies=["fastapi-lifespan-opens-and-closes-the-pool"])
def _(patch):
    async def only_one(self, **_):
        for connection in [*self._available_connections, *self._in_use_connections][:1]:
            await connection.disconnect()

    patch.setattr(Pool, "disconnect", only_one)


@server_world(
    "answers are plain text",
    falsifies=[
        "fastapi-index-returns-its-message-as-json",
        "fastapi-red-returns-the-hash-as-json",
    ],
    breaks_much="what a server tells a claim of itself it tells as JSON",
)
def _(patch):
    from starlette.responses import Response

    headers = Response.init_headers

    def plain(self, given=None):
        self.media_type = "text/plain"
        headers(self, given)

    patch.setattr(Response, "init_headers", plain)


@server_world(
    "def endpoints run inline",
    falsifies=[
        "fastapi-def-endpoints-run-side-by-side",
        "summary-executors-def-endpoints-and-look-ups-use-threads",
    ],
)
def _(patch):
    import fastapi.routing

    async def inline(job, /, *arguments, **named):
        return job(*arguments, **named)

    patch.setattr(fastapi.routing, "run_in_threadpool", inline)


@server_world("def endpoints share one worker", falsifies=["fastapi-def-endpoints-run-side-by-side"])
def _(patch):
    import fastapi.routing

    usual, one_at_a_time = fastapi.routing.run_in_threadpool, asyncio.Semaphore(1)

    async def in_turn(*arguments, **named):
        async with one_at_a_time:
            return await usual(*arguments, **named)

    patch.setattr(fastapi.routing, "run_in_threadpool", in_turn)


@server_world(
    "async endpoints have a thread each",
    falsifies=[
        "fastapi-blocking-async-endpoint-holds-up-everyone",
        "fastapi-async-endpoints-overlap",
    ],
    also=[
        "fastapi-def-endpoints-run-side-by-side",
        "fastapi-lifespan-opens-and-closes-the-pool",
        "fastapi-red-uses-at-most-ten-connections",
        "fastapi-red-gives-its-connection-back",
        "fastapi-waiting-requests-let-new-ones-arrive",
        "uvicorn-runs-on-uvloop-only-where-installed",
    ],
)
def _(patch):
    import fastapi.routing

    usual = fastapi.routing.run_endpoint_function

    async def apart(**named):
        if not named["is_coroutine"]:
            return await usual(**named)
        return await asyncio.to_thread(asyncio.run, usual(**named))

    patch.setattr(fastapi.routing, "run_endpoint_function", apart)


def served_at_once(patch, how_many):
    """Have no more requests than these be in their endpoints at once."""
    import fastapi.routing

    usual, places = fastapi.routing.run_endpoint_function, asyncio.Semaphore(how_many)

    async def in_turn(**named):
        async with places:
            return await usual(**named)

    patch.setattr(fastapi.routing, "run_endpoint_function", in_turn)


@server_world(
    "async endpoints share a thread of their own",
    falsifies=["fastapi-blocking-async-endpoint-holds-up-everyone"],
    also=[
        "fastapi-def-endpoints-run-side-by-side",
        "fastapi-lifespan-opens-and-closes-the-pool",
        "uvicorn-runs-on-uvloop-only-where-installed",
    ],
)
def _(patch):
    import fastapi.routing

    usual, loop = fastapi.routing.run_endpoint_function, asyncio.SelectorEventLoop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    async def apart(**named):
        if not named["is_coroutine"]:
            return await usual(**named)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(usual(**named), loop))

    patch.setattr(fastapi.routing, "run_endpoint_function", apart)


@server_world(
    "requests are served in turn",
    falsifies=[
        "fastapi-async-endpoints-overlap",
        "fastapi-waiting-requests-let-new-ones-arrive",
    ],
    also=["fastapi-red-uses-at-most-ten-connections", "fastapi-def-endpoints-run-side-by-side"],
)
def _(patch):
    served_at_once(patch, 1)


@server_world(
    "no more than four requests are served at once",
    falsifies=[
        "fastapi-async-endpoints-overlap",
        "fastapi-waiting-requests-let-new-ones-arrive",
    ],
    also=["fastapi-red-uses-at-most-ten-connections"],
)
def _(patch):
    served_at_once(patch, 4)


def pools_of(patch, size):
    from_url = Pool.from_url
    other = classmethod(lambda cls, url, **named: from_url(url, **{**named, "max_connections": size}))
    patch.setattr(Pool, "from_url", other)


@server_world("a pool has no bound", falsifies=["fastapi-red-uses-at-most-ten-connections"])
def _(patch):
    pools_of(patch, 1000)


@server_world("a pool has one connection fewer", falsifies=["fastapi-red-uses-at-most-ten-connections"])
def _(patch):
    pools_of(patch, 9)


@server_world(
    "a connection is not given back",
    falsifies=["fastapi-red-gives-its-connection-back"],
    also=["fastapi-lifespan-opens-and-closes-the-pool", "fastapi-red-uses-at-most-ten-connections"],
)
def _(patch):
    async def keep(self, connection):
        pass

    patch.setattr(Pool, "release", keep)


@server_world("a request that fails keeps its connection", falsifies=["fastapi-red-gives-its-connection-back"])
def _(patch):
    leave = Redis.__aexit__

    async def if_well(self, kind, *rest):
        if kind is None:
            await leave(self, kind, *rest)

    patch.setattr(Redis, "__aexit__", if_well)


@server_world("setting a hash loses a field", falsifies=["fastapi-red-returns-the-hash-as-json"])
def _(patch):
    hset = Redis.hset

    async def loses_one(self, name, mapping):
        return await hset(self, name, mapping=dict(list(mapping.items())[:-1]))

    patch.setattr(Redis, "hset", loses_one)


@server_world("a hash is kept by the client", falsifies=["fastapi-red-returns-the-hash-as-json"])
def _(patch):
    async def hset(self, name, mapping):
        self.kept = {key: str(value) for key, value in mapping.items()}
        return len(mapping)

    async def hgetall(self, name):
        return self.kept

    patch.setattr(Redis, "hset", hset)
    patch.setattr(Redis, "hgetall", hgetall)


@server_world("numbers come back as integers", falsifies=["fastapi-red-returns-the-hash-as-json"])
def _(patch):
    hgetall = Redis.hgetall

    async def numbers(self, name):
        return {key: int(value) for key, value in (await hgetall(self, name)).items()}

    patch.setattr(Redis, "hgetall", numbers)


@server_world("servers always run on uvloop", falsifies=["uvicorn-runs-on-uvloop-only-where-installed"])
def _(patch):
    import uvicorn.loops.asyncio
    import uvloop

    patch.setattr(uvicorn.loops.asyncio, "asyncio_loop_factory", lambda use_subprocess=False: uvloop.new_event_loop)


@server_world("servers never run on uvloop", falsifies=["uvicorn-runs-on-uvloop-only-where-installed"])
def _(patch):
    import uvicorn

    patch.setattr(uvicorn, "run", functools.partial(uvicorn.run, loop="asyncio"))


@world(
    "a def endpoint that takes arguments runs in the loop's thread",
    falsifies=["fastapi-def-endpoints-run-side-by-side"],
)
def _(patch):
    import fastapi.routing

    run = fastapi.routing.run_endpoint_function

    async def in_place(*, dependant, values, is_coroutine):
        if values and not is_coroutine:
            return dependant.call(**values)
        return await run(dependant=dependant, values=values, is_coroutine=is_coroutine)

    patch.setattr(fastapi.routing, "run_endpoint_function", in_place)


@server_world("the second who waits for a pool is let in", falsifies=["fastapi-red-uses-at-most-ten-connections"])
def _(patch):
    get_connection, waiting = Pool.get_connection, []

    async def let_in(self, *arguments):
        if not self.can_get_connection():
            waiting.append(self)
            if len(waiting) == 2:
                self.max_connections += 1
        return await get_connection(self, *arguments)

    patch.setattr(Pool, "get_connection", let_in)


@server_world(
    "the second def endpoint runs in the loop's thread",
    falsifies=["summary-executors-def-endpoints-and-look-ups-use-threads"],
)
def _(patch):
    import fastapi.routing

    run, plain = fastapi.routing.run_endpoint_function, []

    async def but_the_second(*, dependant, values, is_coroutine):
        plain.extend([] if is_coroutine else [dependant])
        if len(plain) == 2:
            return dependant.call(**values)
        return await run(dependant=dependant, values=values, is_coroutine=is_coroutine)

    patch.setattr(fastapi.routing, "run_endpoint_function", but_the_second)


@server_world("pools at one address are one", falsifies=["fastapi-module-body-runs-twice-by-import-string"])
def _(patch):
    from_url, pools = Pool.from_url, {}

    def made_once(url, **named):
        if url not in pools:
            pools[url] = from_url(url, **named)
        return pools[url]

    patch.setattr(Pool, "from_url", made_once)


@server_world(
    "no more than eleven requests are served at once",
    falsifies=["fastapi-waiting-requests-let-new-ones-arrive"],
    also=["fastapi-red-uses-at-most-ten-connections"],
)
def _(patch):
    served_at_once(patch, 11)


@server_world(
    "a pool has no bound once a connection has come back", falsifies=["fastapi-red-uses-at-most-ten-connections"]
)
def _(patch):
    release = Pool.release

    async def unbind(self, connection):
        self.max_connections = 1000
        await release(self, connection)

    patch.setattr(Pool, "release", unbind)


@server_world(
    "who waits for a pool waits until all connections have come back",
    falsifies=["fastapi-red-uses-at-most-ten-connections"],
)
def _(patch):
    get_connection = Pool.get_connection

    async def wait_for_all(self, *arguments):
        while not self.can_get_connection() or getattr(self, "is_full", False) and self._in_use_connections:
            self.is_full = True
            await asyncio.sleep(0.001)
        self.is_full = False
        return await get_connection(self, *arguments)

    patch.setattr(Pool, "get_connection", wait_for_all)


def reading_a_hash(patch, change):
    """Have what hgetall gives changed on its way."""
    hgetall = Redis.hgetall

    async def changed(self, name):
        return change(await hgetall(self, name))

    patch.setattr(Redis, "hgetall", changed)


@server_world("fields of a hash that are empty are left out", falsifies=["fastapi-red-returns-the-hash-as-json"])
def _(patch):
    reading_a_hash(patch, lambda hash: {key: value for key, value in hash.items() if value})


@server_world("values of a hash lose the space around them", falsifies=["fastapi-red-returns-the-hash-as-json"])
def _(patch):
    reading_a_hash(patch, lambda hash: {key: value.strip() for key, value in hash.items()})


@server_world("of a hash what is not ASCII is lost", falsifies=["fastapi-red-returns-the-hash-as-json"])
def _(patch):
    ascii_of = lambda value: value.encode("ascii", "ignore").decode()  # noqa: E731
    reading_a_hash(patch, lambda hash: {key: ascii_of(value) for key, value in hash.items()})


@server_world("words of JSON in a hash become what they mean", falsifies=["fastapi-red-returns-the-hash-as-json"])
def _(patch):
    meant = {"true": True, "false": False, "null": None}
    reading_a_hash(patch, lambda hash: {key: meant.get(value, value) for key, value in hash.items()})


@server_world("the hash that was read first is answered ever after", falsifies=["fastapi-red-returns-the-hash-as-json"])
def _(patch):
    first = []

    def as_the_first(hash):
        first.append(hash)
        return first[0]

    reading_a_hash(patch, as_the_first)


@server_world(
    "SIGINT ends a server with an error that was asked for nothing", falsifies=["uvicorn-run-serves-by-import-string"]
)
def _(patch):
    from uvicorn.server import Server

    run = Server.run

    def failing(self, sockets=None):
        try:
            run(self, sockets)
        except KeyboardInterrupt:
            sys.exit(0 if self.server_state.total_requests else 1)

    patch.setattr(Server, "run", failing)


@server_world(
    "def endpoints that take arguments are served in turn", falsifies=["fastapi-def-endpoints-run-side-by-side"]
)
def _(patch):
    import fastapi.routing

    usual, gate = fastapi.routing.run_endpoint_function, asyncio.Lock()

    async def broken(**named):
        if named["is_coroutine"] or not named["values"]:
            return await usual(**named)
        async with gate:
            return await usual(**named)

    patch.setattr(fastapi.routing, "run_endpoint_function", broken)


@server_world("async endpoints that take arguments are served in turn", falsifies=["fastapi-async-endpoints-overlap"])
def _(patch):
    import fastapi.routing

    usual, gate = fastapi.routing.run_endpoint_function, asyncio.Lock()

    async def broken(**named):
        if not named["is_coroutine"] or not named["values"]:
            return await usual(**named)
        async with gate:
            return await usual(**named)

    patch.setattr(fastapi.routing, "run_endpoint_function", broken)


@server_world(
    "after one that failed requests are served in turn",
    falsifies=["fastapi-async-endpoints-overlap", "fastapi-def-endpoints-run-side-by-side"],
)
def _(patch):
    import fastapi.routing

    usual, gate, failed = fastapi.routing.run_endpoint_function, asyncio.Lock(), []

    async def broken(**named):
        try:
            if not failed:
                return await usual(**named)
        except Exception:
            failed.append(1)
            raise
        async with gate:
            return await usual(**named)

    patch.setattr(fastapi.routing, "run_endpoint_function", broken)


@server_world("two async endpoints are served in turn", falsifies=["fastapi-async-endpoints-overlap"])
def _(patch):
    import fastapi.routing

    usual, under_way = fastapi.routing.run_endpoint_function, []

    async def broken(**named):
        call = named["dependant"].call
        while any(other is not call for other in under_way):
            await asyncio.sleep(0.001)
        under_way.append(call)
        try:
            return await usual(**named)
        finally:
            under_way.remove(call)

    patch.setattr(fastapi.routing, "run_endpoint_function", broken)
