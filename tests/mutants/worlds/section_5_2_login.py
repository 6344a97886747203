"""Worlds in which what section 5.2 says of logging in is false. They import no MySQL client before they are entered."""

import sys
from importlib import metadata

from tests.mutants.worlds import world


@world(
    "a client that has all it takes without cryptography", falsifies=["mysql-9-password-login-needs-cryptography-too"]
)
def _(patch):
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
    except ImportError:
        return  # on PyPy, where the claim does not apply
    from pymysql import _auth

    # It has done once what a login does, and so has of cryptography what that takes before it cannot be had any more.
    key = rsa.generate_private_key(65537, 2048).public_key()
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    _auth.sha2_rsa_encrypt(b"any", b"salt", pem)


@world("an encrypted password is not understood", falsifies=["mysql-9-password-login-needs-cryptography-too"])
def _(patch):
    from pymysql import _auth

    patch.setattr(_auth, "sha2_rsa_encrypt", lambda password, salt, key: bytes(256))


@world("aiomysql[rsa] brings no cryptography", falsifies=["mysql-9-password-login-needs-cryptography-too"])
def _(patch):
    requires = metadata.requires
    patch.setattr(metadata, "requires", lambda name: [one for one in requires(name) or [] if "rsa" not in one])


@world("logging in is left to the first query", falsifies=["mariadb-password-login-needs-aiomysql-alone"])
def _(patch):
    from aiomysql import Connection

    async def not_yet(self):
        pass

    patch.setattr(Connection, "_connect", not_yet)


@world("a login to MariaDB takes cryptography too", falsifies=["mariadb-password-login-needs-aiomysql-alone"])
def _(patch):
    from pymysql import _auth

    scramble = _auth.scramble_native_password

    def only_with_cryptography(password, message):
        if sys.modules.get("cryptography") is None:
            raise RuntimeError("'cryptography' package is required")
        return scramble(password, message)

    patch.setattr(_auth, "scramble_native_password", only_with_cryptography)


@world("a second login to MariaDB takes cryptography too", falsifies=["mariadb-password-login-needs-aiomysql-alone"])
def _(patch):
    from pymysql import _auth

    scramble, logins = _auth.scramble_native_password, []

    def once_without(password, message):
        logins.append(password)
        if len(logins) > 1 and sys.modules.get("cryptography") is None:
            raise RuntimeError("'cryptography' package is required")
        return scramble(password, message)

    patch.setattr(_auth, "scramble_native_password", once_without)
