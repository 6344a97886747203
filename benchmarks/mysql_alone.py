"""Measures what MySQL's own image takes from `docker run` to an accepted login, and whether Docker can be measured."""

from __future__ import annotations

import secrets
import tempfile
import time

from benchmarks.processes import Broken, Spent
from fixtures.servers import mysql
from fixtures.servers.absent import Absent
from fixtures.servers.engine import HOST, LABEL, Engine
from fixtures.servers.wishes import Wishes

_TICK = 0.02
_CEILING = 120.0  # seconds


def why_not_docker() -> str:
    """Why nothing can be measured with Docker, in a line; empty where it can."""
    with tempfile.TemporaryDirectory() as directory:
        try:
            engine = Engine(directory)
            lacking = [image for image in map(Wishes().image, ("redis", "mysql")) if not engine.has(image)]
        except Absent as error:
            return str(error)
    return f"Docker's image {lacking[0]} is not here; docker pull {lacking[0]} fetches it" if lacking else ""


def measure() -> Spent:
    """Start the container as its image wants it, log in as soon as it lets us, and remove it. Raises Broken."""
    with tempfile.TemporaryDirectory() as directory:
        engine = Engine(directory)
        password = secrets.token_urlsafe(24)
        started = time.perf_counter()
        container = engine.client.containers.run(
            Wishes().image("mysql"), detach=True, ports={"3306/tcp": (HOST, None)},
            environment={"MYSQL_ROOT_PASSWORD": password}, labels={LABEL: engine.label},
        )  # fmt: skip
        try:
            _log_in(container, password, started + _CEILING)
            return Spent(time.perf_counter() - started)
        finally:
            container.remove(force=True, v=True)


def _log_in(container, password: str, end: float) -> None:
    from pymysql import MySQLError

    port = None
    while time.perf_counter() < end:
        if port is None:
            container.reload()
            published = container.ports.get("3306/tcp")
            port = int(published[0]["HostPort"]) if published else None
        elif mysql.greets(HOST, port):
            try:
                mysql.connect(HOST, port, "root", password, ssl_disabled=True).close()
                return
            except MySQLError:
                pass  # the server that only makes the accounts, or accounts not yet made
        time.sleep(_TICK)
    raise Broken(f"{Wishes().image('mysql')}: accepted no login within {_CEILING:g} s")
