"""The article's FastAPI application under uvicorn on one loop: `python -m benchmarks.loops.site`.

The recipe of the loop comes as JSON on standard input, {"recipe": …, "url": …, "prefix": …}, with the URL of a Redis;
the port goes out as a line on standard output. It serves until it is ended.
"""

from __future__ import annotations

import asyncio
import json
import sys

import redis.asyncio
import uvicorn
from fastapi import FastAPI

from benchmarks.loops.stored import store_and_read
from benchmarks.loops.worker import settle
from fixtures import recipes

app = FastAPI()
given: dict[str, str] = {}


@app.get("/")
def index() -> dict[str, str]:
    return {"message": "welcome"}


@app.get("/red")
async def red() -> dict[str, str]:
    """Without the article's sleep of three seconds, which takes as long on every loop."""
    client = redis.asyncio.Redis(connection_pool=app.state.pool, single_connection_client=True)
    async with client:
        return await store_and_read(client, f"{given['prefix']}car")


def new_loop() -> asyncio.AbstractEventLoop:
    return recipes.maker(given["recipe"])()


class _Telling(uvicorn.Server):
    """Tells the port that it was given.

    A socket of ours, with a port known before, would be served otherwise: asyncio leaves Nagle's algorithm on where a
    socket was made without saying that its protocol is TCP, and answers then take 40 ms.
    """

    async def startup(self, sockets: None = None) -> None:
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)


def main() -> None:
    settle()
    given.update(json.load(sys.stdin))
    if given["url"]:
        app.state.pool = redis.asyncio.BlockingConnectionPool.from_url(
            given["url"], max_connections=10, timeout=None, decode_responses=True
        )
    settings = {"loop": "benchmarks.loops.site:new_loop", "lifespan": "off", "access_log": False, "log_config": None}
    _Telling(uvicorn.Config(app, host="127.0.0.1", port=0, **settings)).run()


if __name__ == "__main__":
    # This is the module __main__, and uvicorn imports the loop's maker from the module of its own name.
    from benchmarks.loops import site

    site.main()
