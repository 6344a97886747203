"""5.3: FastAPI under uvicorn, in a process of its own: who is served at the same time, and by what it is started."""

import inspect
import select
import socket

from fixtures.claims import claim
from fixtures.distributions import brought_by, requirements_of
from fixtures.servers.website import answer_to
from fixtures.threads import SOON

HEAD = f"""
import asyncio, os, socket, sys, threading

import uvicorn
from fastapi import FastAPI

SOON = {SOON / 2}  # before the clients lose patience
app = FastAPI()
"""
FOOT = """
if __name__ == "__main__":
    uvicorn.run("luffy:app", host="127.0.0.1", port=0, access_log=False)
"""
INDEX = """
@app.get("/")
def index():
    return {"message": "welcome"}
"""


ONLY_WHAT_THEY_BRING = f"""
import sys
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

{inspect.getsource(requirements_of)}
{inspect.getsource(brought_by)}
brought = brought_by("fastapi", "uvicorn")
elsewhere = {{
    file.parts[0].partition(".")[0]
    for distribution in metadata.distributions()
    if canonicalize_name(distribution.metadata["Name"]) not in brought
    for file in distribution.files or []
    if file.suffix in (".py", ".so") and file.parts[0] != ".."
}}
for name in list(sys.modules):  # this process has them already; openapi's imports nothing else and is slow
    if name.partition(".")[0] in ("fastapi", "starlette", "uvicorn") and "openapi" not in name:
        del sys.modules[name]
sys.modules.update(dict.fromkeys(elsewhere))
{HEAD}{INDEX}
@app.get("/others")
async def others():
    return ["redis" in elsewhere, "starlette" in elsewhere]
{FOOT}"""


@claim("fastapi-and-uvicorn-are-enough-to-serve")
def test_an_application_is_served_where_only_what_fastapi_and_uvicorn_bring_can_be_imported(website):
    site = website(ONLY_WHAT_THEY_BRING)

    assert site.get("/").status == 200
    assert site.get("/others").body == [True, False]


@claim("uvicorn-plain-install-brings-no-uvloop")
def test_uvloop_comes_with_uvicorn_only_where_its_extra_standard_is_asked_for():
    assert "uvloop" not in brought_by("uvicorn")
    assert "uvloop" in brought_by("uvicorn[standard]")


@claim("uvicorn-brings-no-uvloop-on-pypy")
def test_uvicorn_brings_no_uvloop_even_where_its_extra_standard_is_asked_for():
    assert "httptools" not in brought_by("uvicorn")
    assert "httptools" in brought_by("uvicorn[standard]")
    assert "uvloop" not in brought_by("uvicorn[standard]")


@claim("fastapi-module-body-runs-twice-by-import-string")
def test_a_module_that_serves_itself_by_import_string_is_run_twice_and_the_second_run_is_served(website):
    site = website(f"""{HEAD}
import redis.asyncio

pool = redis.asyncio.BlockingConnectionPool.from_url("redis://127.0.0.1", max_connections=10)
print("a pool is made in", __name__)

@app.get("/")
async def index():
    return [__name__, sys.modules["__main__"].pool is not pool]
{FOOT}""")

    assert [site.next_line(), site.next_line()] == ["a pool is made in __main__", "a pool is made in luffy"]
    assert site.get("/").body == ["luffy", True]
    site.kill()
    assert site.lines() == []


@claim("fastapi-index-returns-its-message-as-json")
def test_the_dict_that_an_endpoint_returns_is_answered_as_json_with_status_200(website):
    site = website(HEAD + INDEX + FOOT)

    answer = site.get("/")

    assert (answer.status, answer.kind, answer.body) == (200, "application/json", {"message": "welcome"})
    assert site.get("/nowhere").status == 404


MEETING = """
both = threading.Barrier(2)

@app.get("/")
def meet():
    try:
        both.wait(SOON)
    except threading.BrokenBarrierError:
        return "nobody else came"
    return "met"

@app.get("/{name}/meeting")
def meet_by_name(name: str):
    return f"{name} {meet()}"

@app.get("/fails")
def fails():
    raise LookupError

@app.get("/in-a-worker/{number}")
def in_a_worker(number: int):
    return threading.current_thread() is not threading.main_thread()

@app.get("/in-the-loops-thread")
async def in_the_loops_thread():
    return threading.current_thread() is threading.main_thread()
"""


@claim("fastapi-def-endpoints-run-side-by-side")
def test_two_users_of_a_def_endpoint_meet_inside_it(website):
    site = website(HEAD + MEETING + FOOT)

    for name in ("one", "other"):
        assert [answer.body for answer in site.get_at_once("/", "/")] == ["met", "met"]
        answers = site.get_at_once(f"/{name}/meeting", f"/{name}/meeting")
        assert [answer.body for answer in answers] == [f"{name} met"] * 2
        assert site.get("/fails").status == 500  # and meet they do again


@claim("fastapi-def-endpoints-run-side-by-side")
def test_a_def_endpoint_runs_in_a_worker_thread_and_an_async_def_endpoint_in_the_loops(website):
    site = website(HEAD + MEETING + FOOT)

    assert site.get("/in-a-worker/1").body is True
    assert site.get("/in-the-loops-thread").body is True


BLOCKING = f"""{HEAD}{INDEX}
@app.get("/block/{{port}}")
async def block(port: int):
    with socket.create_connection(("127.0.0.1", port)) as holder:
        holder.recv(1)
    print("the blocking call returned")

@app.get("/other")
async def other():
    print("another request is served")
{FOOT}"""


@claim("fastapi-blocking-async-endpoint-holds-up-everyone")
def test_while_an_async_endpoint_blocks_a_server_answers_nobody_and_its_twin_goes_on(website):
    site, twin = website(BLOCKING), website(BLOCKING)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(SOON)
        blocking = site.ask(f"/block/{listening.getsockname()[1]}")
        held, _ = listening.accept()
    with held:
        others = [site.ask("/other"), site.ask("/")]
        # The twin's answers are the measure of how long is long enough.
        assert [twin.get("/").status for _ in range(40)] == [200] * 40
        answered, _, _ = select.select([other.sock for other in others], [], [], 0)
        assert answered == [], "somebody was answered"
        held.sendall(b"!")
        answers = [answer_to(asked).status for asked in (blocking, *others)]

    assert answers == [200, 200, 200]
    assert [site.next_line(), site.next_line()] == ["the blocking call returned", "another request is served"]


@claim("fastapi-async-endpoints-overlap")
def test_five_users_of_an_async_endpoint_meet_inside_it_in_one_thread(website):
    site = website(f"""{HEAD}
from collections import defaultdict

rooms = defaultdict(list)
full = defaultdict(asyncio.Event)

@app.get("/{{room}}/front")
async def by_name(room: str):
    return await meet(room)

@app.get("/hall/back")
async def at_the_back():
    return await meet("hall")

@app.get("/fails")
async def fails():
    raise LookupError

async def meet(room):
    rooms[room].append(threading.get_ident())
    if len(rooms[room]) == 5:
        full[room].set()
    try:
        await asyncio.wait_for(full[room].wait(), SOON)
    except asyncio.TimeoutError:
        return f"only {{len(rooms[room])}} came"
    return f"met in {{len(set(rooms[room]))}} thread"
{FOOT}""")

    for paths in (["/room/front"] * 5, ["/hall/front"] * 3 + ["/hall/back"] * 2, ["/other/front"] * 5):
        answers = site.get_at_once(*paths)
        assert [answer.body for answer in answers] == ["met in 1 thread"] * 5
        assert site.get("/fails").status == 500  # and meet they do again


BESIDE_THE_PROGRAM = f"""{HEAD}
class Hasty(asyncio.SelectorEventLoop):
    def call_later(self, delay, *arguments, **named):  # uvicorn pauses twice for 0.1 s before it ends
        return super().call_later(delay / 100, *arguments, **named)

@app.get("/")
async def where():
    return [os.path.samefile(os.path.dirname(__file__), os.environ["BESIDE"]), os.path.basename(__file__), __name__]

if __name__ == "__main__":
    os.environ["BESIDE"] = os.path.dirname(os.path.abspath(__file__))
    os.chdir("/")
    uvicorn.run("luffy:app", host="127.0.0.1", port=0, loop="luffy:Hasty", access_log=False)
"""


def serves(site):
    """Whether there is a server, and not just the port where it was."""
    try:
        return site.get("/").status == 200
    except ConnectionError:
        return False


@claim("uvicorn-run-serves-by-import-string")
def test_uvicorn_run_serves_the_app_of_a_module_beside_the_program_wherever_it_works_until_sigint(website):
    site, never_asked = website(BESIDE_THE_PROGRAM), website(BESIDE_THE_PROGRAM)

    assert site.get("/").body == [True, "luffy.py", "luffy"]
    assert [serves(site) for _ in range(10)] == [True] * 10
    assert site.interrupt() == 0
    assert not serves(site)
    assert never_asked.interrupt() == 0


LOOP = """
@app.get("/")
async def loop():
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]
"""


@claim("uvicorn-runs-on-uvloop-only-where-installed")
def test_a_server_runs_on_uvloop_where_it_can_be_imported(website):
    site = website(HEAD + LOOP + FOOT)

    assert site.get("/").body == "uvloop"


@claim("uvicorn-runs-on-uvloop-only-where-installed")
def test_a_server_runs_on_asyncios_own_loop_where_uvloop_cannot_be_imported(website):
    site = website('import sys\nsys.modules["uvloop"] = None\n' + HEAD + LOOP + FOOT)

    assert site.get("/").body == "asyncio"
