"""What cases need from outside: a certificate, and a Redis, found as the document finds it; or why there is none."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import secrets
from collections.abc import Iterator
from pathlib import Path

from fixtures.servers import choice, finder, keeping, redis
from fixtures.servers.wishes import Wishes


@contextlib.contextmanager
def given(scratch: Path, wishes: Wishes) -> Iterator[tuple[dict[str, dict], dict[str, str], str]]:
    """What there is by need, why the rest is absent, and which Redis was found. All of it is gone after."""
    there, absent, version = {}, {}, "none"
    try:
        there["certificate"] = {"certificate": str(certificate(scratch / "certificate.pem"))}
    except ImportError:
        absent["certificate"] = "the package cryptography is not installed, which makes the certificate"
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


def certificate(path: Path) -> Path:
    """Write a certificate for 127.0.0.1 with its key, good for a day. Raises ImportError without cryptography."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmarks.loops")])
    now = datetime.datetime.now(datetime.timezone.utc)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    usage = x509.KeyUsage(True, False, False, False, False, True, False, False, False)  # signs, also itself
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    no_password = serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.touch(0o600)
    path.write_bytes(key.private_bytes(pem, pkcs8, no_password) + builder.sign(key, hashes.SHA256()).public_bytes(pem))
    return path
