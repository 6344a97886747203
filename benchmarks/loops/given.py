"""What cases need from outside: a Redis, found as the document finds it; or why there is none."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator

from fixtures.servers import choice, finder, keeping, redis
from fixtures.servers.wishes import Wishes


@contextlib.contextmanager
def given(wishes: Wishes) -> Iterator[tuple[dict[str, dict], dict[str, str], str]]:
    """What there is by need, why the rest is absent, and which Redis was found. All of it is gone after."""
    there, absent, version = {}, {}, "none"
    with _redis(wishes) as (server, why_not):
        if server is None:
            absent["redis"] = why_not
        else:
            prefix = redis.prefix_of(secrets.token_hex(4))
            there["redis"] = {"url": server.url, "prefix": prefix}
            version = f"{server.version} ({server.origin})"
        try:
            yield there, absent, version
        finally:
            if server is not None:
                redis.remove_keys(server.url, prefix)


@contextlib.contextmanager
def _redis(wishes: Wishes) -> Iterator[tuple[redis.RedisServer | None, str]]:
    if wishes.servers == "none":
        yield None, choice.switched_off("redis", wishes)
        return
    keeper = keeping.Keeper()
    try:
        asked = finder.ask_for(["redis"], wishes, secrets.token_hex(4))
        answer = keeping.ask(keeper.socket, asked, {"ask": "wait", "name": "redis"})
        yield (redis.from_answer(answer), "") if answer["state"] == "ready" else (None, answer["error"])
    finally:
        keeper.end()
