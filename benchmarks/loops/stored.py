"""The article's Redis request: a hash is stored and read back."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import redis.asyncio

CAR = {"key1": 1, "key2": 2, "key3": 3}


async def store_and_read(client: redis.asyncio.Redis, key: str) -> dict[str, str]:
    await client.hset(key, mapping=CAR)
    return await client.hgetall(key)


@contextlib.asynccontextmanager
async def hashes(url: str, prefix: str) -> AsyncIterator:
    async with redis.asyncio.Redis.from_url(url, decode_responses=True, single_connection_client=True) as client:

        async def work(times: int) -> None:
            for _ in range(times):
                assert len(await store_and_read(client, f"{prefix}car")) == len(CAR)

        yield work
