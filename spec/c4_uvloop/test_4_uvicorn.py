"""4: who runs on uvloop without being told, and who does not: uvicorn, and anyio; and what ASGI is."""

import asyncio
import json
import sys
import warnings
from importlib import metadata

import pytest
import uvicorn
from packaging.requirements import Requirement

from fixtures.claims import claim
from fixtures.distributions import brought_by
from fixtures.errors import error_of
from fixtures.garbage import collect


@pytest.fixture
def without_uvloop(monkeypatch):
    """An import of uvloop fails, as where it is not installed."""
    monkeypatch.setitem(sys.modules, "uvloop", None)


def served_on(trace, **options):
    """Start a real server on loopback, whose application tells whose loop it runs on and then refuses to start."""

    async def application(scope, receive, send):
        await receive()
        trace(type(asyncio.get_running_loop()).__module__.partition(".")[0])
        await send({"type": "lifespan.startup.failed"})

    with pytest.raises(SystemExit):
        uvicorn.run(application, host="127.0.0.1", port=0, lifespan="on", log_config=None, **options)
    return trace.steps


@claim("uvicorn-takes-asyncios-loop-without-uvloop")
def test_uvicorn_runs_on_asyncios_loop_where_uvloop_cannot_be_imported(without_uvloop, trace):
    assert error_of(served_on, trace) is None
    assert trace.steps == ["asyncio"]


@claim("uvicorn-takes-asyncios-loop-without-uvloop")
def test_a_plain_install_of_uvicorn_brings_no_uvloop():
    wanting = [wanted for wanted in map(Requirement, metadata.requires("uvicorn")) if wanted.name == "uvloop"]
    asked_for = [wanted for wanted in wanting if wanted.marker and "standard" in str(wanted.marker)]

    assert "uvloop" not in brought_by("uvicorn")
    assert [wanted.name for wanted in asked_for] == ["uvloop"]


@claim("uvicorn-picks-uvloop-where-it-is-installed")
def test_uvicorn_runs_on_uvloop_where_it_is_installed(trace):
    assert served_on(trace) == ["uvloop"]


@claim("uvicorn-runs-on-the-loop-it-is-told")
def test_uvicorn_told_to_take_asyncios_loop_takes_it_also_where_uvloop_is_installed(trace):
    assert served_on(trace, loop="asyncio") == ["asyncio"]


@claim("uvicorn-runs-on-the-loop-it-is-told")
def test_uvicorn_told_to_take_asyncios_loop_takes_it_also_where_the_policy_makes_others(trace, monkeypatch):
    class Others(asyncio.SelectorEventLoop):
        """As a policy that is not asyncio's makes them."""

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # since Python 3.14
        policy = asyncio.get_event_loop_policy()
    monkeypatch.setattr(policy, "new_event_loop", Others)

    assert served_on(trace, loop="asyncio") == ["asyncio"]


@claim("uvicorn-runs-on-the-loop-it-is-told")
@pytest.mark.filterwarnings("ignore:coroutine 'Server.serve' was never awaited")
def test_uvicorn_told_to_take_uvloop_where_it_is_not_installed_finds_no_loop_to_run_on(without_uvloop, trace):
    sys.modules.pop("uvicorn.loops.uvloop", None)  # it may have been imported while uvloop was there

    with pytest.raises(ImportError, match="uvloop"):
        served_on(trace, loop="uvloop")
    collect()  # here, where its warning is known

    assert trace.steps == []


RUNS_ON_ANYIO = """
import asyncio

import anyio
import uvloop

async def loop():
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]

print(anyio.run(loop))
print(anyio.run(loop, backend_options={"use_uvloop": True}))
print(anyio.run(loop, backend_options={"use_uvloop": False}))
print(anyio.run(loop))
"""


@claim("anyio-takes-uvloop-only-when-told")
def test_anyio_runs_on_asyncios_loop_unless_it_is_told_to_take_uvloop(plain_program):
    ended = plain_program(RUNS_ON_ANYIO)

    assert (ended.status, ended.lines) == (0, ["asyncio", "uvloop", "asyncio", "asyncio"]), ended.stderr


GREETER = '''
import json


async def greeter(scope, receive, send):
    """An ASGI application: three arguments, and messages that are dicts."""
    body = json.dumps({"path": scope["path"], "asgi": scope["asgi"]["version"]}).encode()
    await send({"type": "http.response.start", "status": 201, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})
'''
SERVES_THE_GREETER = (
    GREETER
    + """
import http.client
import socket
import threading

import uvicorn

listening = socket.create_server(("127.0.0.1", 0))
server = uvicorn.Server(uvicorn.Config(greeter, lifespan="off", log_config=None))
print("uvicorn and its server can be called:", callable(uvicorn), callable(server))
threading.Thread(target=server.run, args=[[listening]], daemon=True).start()  # it ends with the program
connection = http.client.HTTPConnection(*listening.getsockname(), timeout=10)
connection.request("GET", "/over/http")
answer = connection.getresponse()
print(answer.status, answer.headers["content-type"], json.loads(answer.read()))
connection.close()
"""
)


@claim("asgi-is-the-interface-uvicorn-serves")
async def test_an_asgi_application_answers_when_it_is_called_by_hand_without_any_server(trace):
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        trace(json.loads(message["body"]) if "body" in message else message["type"])

    exec(GREETER, namespace := {})
    await namespace["greeter"]({"type": "http", "path": "/by/hand", "asgi": {"version": "3.0"}}, receive, send)

    assert trace.steps == ["http.response.start", {"path": "/by/hand", "asgi": "3.0"}]


@claim("asgi-is-the-interface-uvicorn-serves")
def test_uvicorn_serves_the_same_application_over_http_and_is_none_itself(plain_program):
    ended = plain_program(SERVES_THE_GREETER)

    assert ended.status == 0, ended.stderr
    assert ended.lines == [
        "uvicorn and its server can be called: False False",
        "201 application/json {'path': '/over/http', 'asgi': '3.0'}",
    ]
