"""Worlds in which claims of section 4 on who takes uvloop without being told, uvicorn and anyio, are false."""

from __future__ import annotations

import asyncio
import importlib.metadata

from tests.mutants.worlds import world
from tests.mutants.worlds.section_4 import world_of_uvloop

try:
    import uvloop
except ImportError:
    uvloop = None


@world(
    "a plain uvicorn requires what requires uvloop",
    falsifies=[
        "uvicorn-takes-asyncios-loop-without-uvloop",
        "uvicorn-plain-install-brings-no-uvloop",
        "uvicorn-brings-no-uvloop-on-pypy",
    ],
)
def _(patch):
    requires = importlib.metadata.requires
    more = {"h11": ["uvloop"]}
    patch.setattr(importlib.metadata, "requires", lambda name: [*(requires(name) or []), *more.get(name, [])])


@world_of_uvloop(
    "uvicorn finds uvloop where it cannot be imported",
    falsifies=["uvicorn-takes-asyncios-loop-without-uvloop"],
    also=["uvicorn-runs-on-uvloop-only-where-installed"],
)
def _(patch):
    import uvicorn.loops.auto

    patch.setattr(uvicorn.loops.auto, "auto_loop_factory", lambda use_subprocess=False: uvloop.new_event_loop)


@world(
    "uvicorn insists on uvloop",
    falsifies=["uvicorn-takes-asyncios-loop-without-uvloop"],
    also=["uvicorn-runs-on-uvloop-only-where-installed"],
)
def _(patch):
    import uvicorn.loops.auto

    def insist(use_subprocess=False):
        import uvloop

        return uvloop.new_event_loop

    patch.setattr(uvicorn.loops.auto, "auto_loop_factory", insist)


@world(
    "uvicorn takes asyncio's loop, whatever is installed or asked for",
    falsifies=["uvicorn-picks-uvloop-where-it-is-installed", "uvicorn-runs-on-the-loop-it-is-told"],
)
def _(patch):
    import uvicorn

    patch.setattr(uvicorn.Config, "get_loop_factory", lambda self: asyncio.SelectorEventLoop)


@world("uvicorn takes uvloop, if it is there, whatever it is told", falsifies=["uvicorn-runs-on-the-loop-it-is-told"])
def _(patch):
    import uvicorn

    factory = uvicorn.Config.get_loop_factory

    def always_auto(self):
        self.loop = "auto"
        return factory(self)

    patch.setattr(uvicorn.Config, "get_loop_factory", always_auto)


@world("anyio takes uvloop where it is installed", falsifies=["anyio-takes-uvloop-only-when-told"])
def _(patch):
    import anyio

    run = anyio.run
    patch.setattr(anyio, "run", lambda function, **named: run(function, backend_options={"use_uvloop": True}))


@world("anyio takes uvloop where it is told not to", falsifies=["anyio-takes-uvloop-only-when-told"])
def _(patch):
    import anyio

    run = anyio.run

    def any_option_will_do(function, *, backend_options=None):
        options = {} if backend_options is None else {"use_uvloop": True}
        return run(function, backend_options=options)

    patch.setattr(anyio, "run", any_option_will_do)


@world("uvicorn is itself an application", falsifies=["asgi-is-the-interface-uvicorn-serves"])
def _(patch):
    import uvicorn

    class Application(type(uvicorn)):
        async def __call__(self, scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})

    patch.setattr(uvicorn, "__class__", Application)


@world("a server of uvicorn's is itself an application", falsifies=["asgi-is-the-interface-uvicorn-serves"])
def _(patch):
    import uvicorn

    async def call(self, scope, receive, send):
        await self.config.loaded_app(scope, receive, send)

    patch.setattr(uvicorn.Server, "__call__", call)


@world("uvicorn tells its application of another path", falsifies=["asgi-is-the-interface-uvicorn-serves"])
def _(patch):
    import uvicorn

    load = uvicorn.Config.load

    def load_apart(self):
        load(self)
        application = self.loaded_app

        async def elsewhere(scope, receive, send):
            await application({**scope, "path": "/"}, receive, send)

        self.loaded_app = elsewhere

    patch.setattr(uvicorn.Config, "load", load_apart)


@world("uvicorn answers with a head of its own", falsifies=["asgi-is-the-interface-uvicorn-serves"])
def _(patch):
    import uvicorn

    load = uvicorn.Config.load

    def load_apart(self):
        load(self)
        application = self.loaded_app

        async def beheaded(scope, receive, send):
            async def send_on(message):
                own = {"status": 200, "headers": []} if message["type"] == "http.response.start" else {}
                await send({**message, **own})

            await application(scope, receive, send_on)

        self.loaded_app = beheaded

    patch.setattr(uvicorn.Config, "load", load_apart)


@world(
    "a server told to take uvloop makes do with asyncio's loop",
    falsifies=["uvicorn-runs-on-the-loop-it-is-told"],
)
def _(patch):
    import uvicorn

    run = uvicorn.Server.run

    def make_do(self, sockets=None):
        try:
            self.config.get_loop_factory()
        except ImportError:
            self.config.loop = "asyncio"
        return run(self, sockets)

    patch.setattr(uvicorn.Server, "run", make_do)


@world("uvicorn.run takes asyncio's loop by default", falsifies=["uvicorn-picks-uvloop-where-it-is-installed"])
def _(patch):
    import uvicorn

    run = uvicorn.run

    def run_on_asyncios(application, *, loop="asyncio", **options):
        run(application, loop=loop, **options)

    patch.setattr(uvicorn, "run", run_on_asyncios)


@world("a server told to take asyncio's loop takes the policy's", falsifies=["uvicorn-runs-on-the-loop-it-is-told"])
def _(patch):
    import uvicorn

    get_loop_factory = uvicorn.Config.get_loop_factory

    def of_the_policy(self):
        return asyncio.new_event_loop if self.loop == "asyncio" else get_loop_factory(self)

    patch.setattr(uvicorn.Config, "get_loop_factory", of_the_policy)


@world_of_uvloop("anyio remembers that it was told to take uvloop", falsifies=["anyio-takes-uvloop-only-when-told"])
def _(patch):
    import anyio

    run, remembered = anyio.run, {}

    def remember(function, *arguments, backend_options=None, **options):
        if backend_options is None:
            backend_options = remembered
        elif backend_options["use_uvloop"]:
            remembered.update(backend_options)
        return run(function, *arguments, backend_options=backend_options, **options)

    patch.setattr(anyio, "run", remember)
