"""What a claim's test stands on: the names in its source, in what that calls beside it, and in its programs.

Where a world breaks what a test itself names, or what that is built on, the test's fall there tells nothing new.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import textwrap
import types

import pytest

# What runs on a loop needs these of its methods to get from one step to the next, whether it names them or not.
ON_A_LOOP = {f"loop.{name}" for name in (
    "call_soon", "_run_once", "run_forever", "run_until_complete", "is_running", "time", "close", "get_debug",
)}  # fmt: skip
# Libraries that talk to servers, and servers in Python, use what there is of asyncio.
ALL_OF_ASYNCIO = {
    *ON_A_LOOP,
    *("sleep", "gather", "wait", "wait_for", "run", "create_task", "Task", "Future", "create_future", "ensure_future"),
    *("add_done_callback", "set_result", "set_exception", "call_later", "call_at", "call_soon_threadsafe", "cancel"),
    *("get_running_loop", "get_event_loop", "new_event_loop", "run_in_executor", "iscoroutinefunction"),
    *("Event", "Lock", "add_reader", "add_writer", "getaddrinfo", "create_connection", "open_connection"),
    *("StreamReader", "StreamWriter"),
}
FASTAPI = {"FastAPI", "Config", "Server", "JSONResponse", "uvicorn", "APIRoute", *ALL_OF_ASYNCIO}
# What the library makes of other things that have names.
BUILT_ON = {
    "sleep": {"call_later", "call_at", "create_future"},
    "wait_for": {"call_later", "call_at", "wait", "ensure_future", "create_future", "cancel", "timeout"},
    "timeout": {"call_later", "call_at", "cancel"},
    "soon": {"wait_for"},
    "until": {"sleep", "loop.time"},
    "wait": {"call_later", "create_future", "add_done_callback", "ensure_future"},
    "gather": {"create_task", "ensure_future", "create_future", "add_done_callback"},
    "as_completed": {"create_task", "ensure_future", "add_done_callback"},
    "TaskGroup": {"create_task", "create_future", "add_done_callback"},
    "ensure_future": {"create_task"},
    "create_task": {"Task"},
    "run": {"create_task", "Runner", "new_event_loop", "gather", *ON_A_LOOP},
    "Runner": {"create_task", "new_event_loop", "gather", *ON_A_LOOP},
    "run_until_complete": {"create_task", "ensure_future", "add_done_callback", "stop", *ON_A_LOOP},
    "new_event_loop": ON_A_LOOP,
    "get_event_loop": ON_A_LOOP,
    "create_server": {"create_task", "create_future"},
    "start_server": {"create_server", "StreamReader", "StreamWriter"},
    "create_connection": {"create_future", "sock_connect"},
    "sock_connect": {"create_future", "add_writer", "getaddrinfo"},
    "open_connection": {"create_connection", "StreamReader", "StreamWriter"},
    "ssl": {"call_later", "add_reader", "add_writer"},  # a handshake has to come to its end in time
    "to_thread": {"run_in_executor"},
    "getaddrinfo": {"run_in_executor"},
    "getnameinfo": {"run_in_executor"},
    "sock_sendfile": {"run_in_executor", "create_future", "set_result", "add_done_callback"},
    "sendfile": {"sock_sendfile", "add_writer"},
    "subprocess_exec": {
        *("call_soon_threadsafe", "create_future", "create_task", "connect_read_pipe", "connect_write_pipe"),
    },
    "create_subprocess_exec": {"subprocess_exec", "StreamReader", "StreamWriter"},
    "run_in_executor": {"submit", "wrap_future", "call_soon_threadsafe", "ThreadPoolExecutor", "create_future"},
    "wrap_future": {"call_soon_threadsafe", "create_future"},
    "submit": {"Future", "set_result", "set_exception"},
    "ThreadPoolExecutor": {"submit", "Thread"},
    "ProcessPoolExecutor": {"submit", "Process", "_ExecutorManagerThread"},
    "Event": {"create_future", "wait", "set"},
    "Lock": {"create_future", "acquire", "release"},
    "Queue": {"create_future"},
    "ClientSession": {"call_later", "call_at", "getaddrinfo", "create_connection", "create_task"},
    "redis_server": {"Redis", "execute_command", *ALL_OF_ASYNCIO},
    "redis_pair": {"Redis", "execute_command", *ALL_OF_ASYNCIO},
    "mysql_server": {"Connection", "Cursor", "connect", "Pool", *ALL_OF_ASYNCIO},
    "own_mysql_server": {"Connection", "Cursor", "connect", "Pool", *ALL_OF_ASYNCIO},
    "mysql_pair": {"Connection", "Cursor", "connect", "Pool", *ALL_OF_ASYNCIO},
    "downloads": ALL_OF_ASYNCIO,
    "website": {*FASTAPI, "Redis", "execute_command"},
    "uvicorn": FASTAPI,
    "anyio": ALL_OF_ASYNCIO,
    "aiohttp": ALL_OF_ASYNCIO,
    "aiomysql": {"Connection", "Cursor", "connect", "Pool", *ALL_OF_ASYNCIO},
    "Redis": {"create_connection", "open_connection", "ConnectionPool", "Connection"},
    "ConnectionPool": {"create_connection", "open_connection", "Connection"},
}


def stands_on(item: pytest.Item) -> set[str]:
    """The names that this test uses, and those that are known to be used by them."""
    found = {*_named_by(item.function), *item.fixturenames}
    found |= ON_A_LOOP if inspect.iscoroutinefunction(item.function) else set()
    waiting = list(found)
    while waiting:
        more = BUILT_ON.get(waiting.pop(), set()) - found
        found |= more
        waiting += more
    return found


@functools.cache
def _named_by(function: types.FunctionType) -> frozenset[str]:
    """The names in a function and in the functions, classes and texts of its own module that it names."""
    module, seen, names, waiting = inspect.getmodule(function), set(), set(), [function]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        new = _names(ast.parse(textwrap.dedent(value if isinstance(value, str) else inspect.getsource(value))))
        names |= new
        waiting += [there for there in map(vars(module).get, new) if _is_of(module, there)]
    return frozenset(names)


def _is_of(module: types.ModuleType, value: object) -> bool:
    """Whether a value of this module has source of its own to look at."""
    if isinstance(value, str):
        return _is_code(value)
    return isinstance(value, (type, types.FunctionType)) and value.__module__ == module.__name__


def _is_code(text: str) -> bool:
    with contextlib.suppress(SyntaxError):
        ast.parse(textwrap.dedent(text))
        return "\n" in text
    return False


def _names(tree: ast.AST) -> set[str]:
    """The names in a tree, also in the programs that stand in it as texts."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.alias):
            found.add(node.name.rpartition(".")[2])
        elif text := _text(node):
            if text.isidentifier():
                found.add(text)  # as getattr() takes it
            elif _is_code(text):
                found |= _names(ast.parse(textwrap.dedent(text)))
    return found


def _text(node: ast.AST) -> str:
    """The text that a node is, with 0 for what is put into it; "" for what is none."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "0" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
