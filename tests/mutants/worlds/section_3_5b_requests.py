"""Worlds of 3.5 (the second) in which downloads through requests in an executor are wrong."""

from __future__ import annotations

import asyncio
import functools
import types

from tests.mutants.worlds import Patch, world

wait = asyncio.wait


@world("requests.get is a coroutine function", falsifies=["requests-get-is-a-plain-blocking-function"])
def _(patch: Patch) -> None:
    import requests

    get = requests.get

    async def get_in_a_thread(url):
        return await asyncio.to_thread(get, url)

    patch.setattr(requests, "get", get_in_a_thread)


@world("requests.get is made of another function", falsifies=["requests-get-is-a-plain-blocking-function"])
def _(patch: Patch) -> None:
    import requests

    patch.setattr(requests, "get", functools.partial(requests.request, "get"))


@world("a download gives no Response", falsifies=["requests-in-the-executor-overlap"])
def _(patch: Patch) -> None:
    import requests

    get = requests.get

    def without_a_type(url):
        response = get(url)
        return types.SimpleNamespace(status_code=response.status_code, content=response.content)

    patch.setattr(requests, "get", without_a_type)


@world(
    "a Response can be awaited",
    falsifies=["requests-get-is-a-plain-blocking-function"],
    also=["requests-get-blocks-and-cannot-be-awaited"],
)
def _(patch: Patch) -> None:
    from requests import Response

    Response.__await__ = lambda response: iter(())


@world(
    "wait makes tasks of bare coroutines in the order of its list, on every Python",
    falsifies=[
        "bare-coroutines-start-their-downloads-in-any-order",
        "bare-coroutine-downloads-are-refused-since-3-11",
    ],
)
def _(patch: Patch) -> None:
    async def in_order(awaitables):
        return await wait([asyncio.ensure_future(awaitable) for awaitable in awaitables])

    patch.setattr(asyncio, "wait", in_order)


@world("wait takes coroutines beside a task", falsifies=["bare-coroutine-downloads-are-refused-since-3-11"])
def _(patch: Patch) -> None:
    async def beside_a_task(awaitables):
        if any(isinstance(awaitable, asyncio.Task) for awaitable in awaitables):
            awaitables = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
        return await wait(awaitables)

    patch.setattr(asyncio, "wait", beside_a_task)


@world("wait takes bare coroutines no more", falsifies=["bare-coroutine-downloads-run-before-3-11"])
def _(patch: Patch) -> None:
    async def no_more(awaitables):
        raise TypeError("Passing coroutines is forbidden, use tasks explicitly.")

    patch.setattr(asyncio, "wait", no_more)


@world("wait does not wait for the downloads", falsifies=["bare-coroutine-downloads-are-refused-since-3-11"])
def _(patch: Patch) -> None:
    async def at_once(tasks):
        return await wait(tasks, timeout=0)

    patch.setattr(asyncio, "wait", at_once)


@world("wait takes one bare coroutine alone", falsifies=["bare-coroutine-downloads-are-refused-since-3-11"])
def _(patch: Patch) -> None:
    def takes_one(awaitables, **options):
        awaitables = list(awaitables)
        return wait(
            [asyncio.ensure_future(one) for one in awaitables] if len(awaitables) == 1 else awaitables, **options
        )

    patch.setattr(asyncio, "wait", takes_one)
