"""Who we are: PLAIN (RFC 4616), SCRAM with SHA-256 or SHA-512 (RFC 5802, RFC 7677) in both directions."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Generator
from typing import NamedTuple

from logferry.errors import Misconfigured
from logferry.vault import Secret

__all__ = ["Login", "talk"]

_LEAST, _MOST = 4096, 1_000_000  # rounds: fewer are no protection, more are an attack
_ROUNDS = re.compile(r"[0-9]{1,7}")


class Login(NamedTuple):
    """Name, password and the mechanism's name."""

    mechanism: str
    username: str
    password: Secret


def talk(login: Login, nonce: str) -> Generator[bytes, bytes, None]:
    """Yields what to send, takes what came back; Misconfigured when the broker cannot prove that it knows us."""
    if login.mechanism == "PLAIN":
        return _plain(login)
    return _scram(login, nonce)


def _plain(login: Login) -> Generator[bytes, bytes, None]:
    username, password = login.username, login.password.reveal()
    if "\0" in username or "\0" in password:
        raise Misconfigured("auth: PLAIN allows no NUL character in username and password")
    yield f"\0{username}\0{password}".encode()


def _scram(login: Login, nonce: str) -> Generator[bytes, bytes, None]:
    kind = "sha256" if login.mechanism.endswith("256") else "sha512"
    name = login.username.replace("=", "=3D").replace(",", "=2C")
    bare = f"n={name},r={nonce}"
    first = yield f"n,,{bare}".encode()
    theirs = _parts(first)
    salt, rounds = _decoded(theirs.get("s", "")), theirs.get("i", "")
    if not theirs.get("r", "").startswith(nonce) or not _ROUNDS.fullmatch(rounds) or not _LEAST <= int(rounds) <= _MOST:
        raise Misconfigured(f"auth: the broker's {login.mechanism} is not as it must be (number, or 4096 rounds)")
    salted = hashlib.pbkdf2_hmac(kind, login.password.reveal().encode(), salt, int(rounds))
    without_proof = f"c=biws,r={theirs['r']}"
    signed = f"{bare},{first.decode(errors='replace')},{without_proof}".encode()
    own = hmac.digest(salted, b"Client Key", kind)
    proof = _xor(own, hmac.digest(hashlib.new(kind, own).digest(), signed, kind))
    last = yield f"{without_proof},p={base64.b64encode(proof).decode()}".encode()
    expected = hmac.digest(hmac.digest(salted, b"Server Key", kind), signed, kind)
    if not hmac.compare_digest(_decoded(_parts(last).get("v", "")), expected):
        raise Misconfigured("auth: the broker does not prove that it knows the password; is it the right one?")


def _parts(message: bytes) -> dict[str, str]:
    pairs = (part.partition("=") for part in message.decode(errors="replace").split(","))
    return {name: value for name, _, value in pairs}


def _decoded(given: str) -> bytes:
    try:
        return base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(left ^ right for left, right in zip(one, other, strict=True))
