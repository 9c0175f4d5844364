"""`auth_key`, the signature in the URL of ESA's deliveries to an HTTP server: `timestamp-rand-md5hash`.

`timestamp` is the time of signing plus the validity, so an expiry (Unix seconds, 10 digits) to which the checking side
adds nothing; `md5hash` is the lower-case MD5 of `path-timestamp-rand-key`; the path is hashed as it is sent, without
the query. Specification: Alibaba Cloud, "ESA real-time log delivery: server authentication". Method, host, other
parameters, headers and body are not covered, and a value is good again and again until it expires (docs/signing.md).
"""

import hmac
import re
from collections.abc import Iterator, Sequence
from hashlib import md5
from typing import Literal, NamedTuple
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from logferry.errors import Misconfigured
from logferry.vault import Secret, Vault

__all__ = ["KEY_RULE", "NAME", "Reason", "Verdict", "key_is_sound", "private_key", "sign", "signed", "verify", "weigh"]

NAME = "auth_key"
KEY_RULE = "6 to 18 letters and digits, at least one of each"
Reason = Literal["", "missing", "repeated", "malformed", "expired", "too far", "mismatch"]

# `rand` may be anything without a hyphen; what a URL would have to encode is refused, for it is hashed as it is sent.
_RAND = re.compile(r"[0-9A-Za-z._~]{1,64}")
_FORM = re.compile(rf"([0-9]{{10}})-({_RAND.pattern})-([0-9a-f]{{32}})")
_SLASH = re.compile(r"^/(?!/)")  # of `//in` nothing is taken off: it is another path than `/in`
_KEY = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[0-9A-Za-z]{6,18}")


class Verdict(NamedTuple):
    """What the check found. The reason is for our own log: whoever asks is told nothing but yes or no."""

    ok: bool
    reason: Reason = ""


def sign(path: str, key: Secret, *, now: float, expires: float, rand: str) -> str:
    """The value of `auth_key` for a path as it will be sent, good until `expires` seconds after `now`."""
    timestamp = f"{int(now + expires):d}"
    if len(timestamp) != 10 or expires <= 0 or not _RAND.fullmatch(rand):
        raise ValueError("expected an expiry of 10 digits after now, and a rand of letters and digits without hyphens")
    return f"{timestamp}-{rand}-{_hash(path, timestamp, rand, key)}"


def signed(url: str, key: Secret, *, now: float, expires: float, rand: str, path: str | None = None) -> str:
    """The URL with `auth_key` as its last parameter; `path` is hashed instead of the URL's own if given."""
    parts = urlsplit(url)
    value = sign(path or parts.path or "/", key, now=now, expires=expires, rand=rand)
    query = f"{parts.query}&{NAME}={value}" if parts.query else f"{NAME}={value}"
    return urlunsplit(parts._replace(path=parts.path or "/", query=query, fragment=""))


def verify(
    target: str, keys: Sequence[Secret], *, now: float, leeway: float = 0, longest: float | None = None,
    path: str | None = None,
) -> Verdict:  # fmt: skip
    """Whether a request's raw path and query carry a good `auth_key` of one of the keys; see `weigh`."""
    raw, _, query = target.partition("?")
    return weigh(path or raw, list(_values(query)), keys, now=now, leeway=leeway, longest=longest)


def weigh(
    path: str, values: Sequence[str], keys: Sequence[Secret], *, now: float, leeway: float = 0,
    longest: float | None = None,
) -> Verdict:  # fmt: skip
    """The verdict on the values of `auth_key` (there must be one) for a path.

    `leeway`: seconds that the clocks may differ by. `longest`: seconds that an expiry may lie ahead (the sender's
    validity); more was not made by a sender with these settings. Some senders hash the path without the slash at
    its beginning, so both forms are good.
    """
    if len(values) != 1:
        return Verdict(ok=False, reason="repeated" if values else "missing")
    found = _FORM.fullmatch(values[0])
    if not found:
        return Verdict(ok=False, reason="malformed")
    timestamp, rand, given = found.groups()
    # Whole seconds, as the sender counts them; the last one is still good ("reject what is smaller than now").
    if int(timestamp) < int(now) - leeway:
        return Verdict(ok=False, reason="expired")
    if longest is not None and int(timestamp) > now + longest + leeway:
        return Verdict(ok=False, reason="too far")
    forms = {path, _SLASH.sub("", path) or path} if path.startswith("/") else {path, f"/{path}"}
    # Every key and form is compared, each in constant time: how long it takes does not tell which was near.
    equal = [hmac.compare_digest(_hash(form, timestamp, rand, key), given) for key in keys for form in forms]
    return Verdict(ok=True) if any(equal) else Verdict(ok=False, reason="mismatch")


def key_is_sound(key: Secret) -> bool:
    """Whether it is what ESA takes as a private key."""
    return bool(_KEY.fullmatch(key.reveal()))


def private_key(reference: str, vault: Vault) -> Secret:
    """The key behind a reference; Misconfigured if it is missing or not what ESA takes."""
    key = vault.current(reference)
    if not key_is_sound(key):
        raise Misconfigured(f"{reference}: the private key (not shown) is not {KEY_RULE}")
    return key


def _hash(path: str, timestamp: str, rand: str, key: Secret) -> str:
    # A path from a request line may hold bytes that are no UTF-8, as lone surrogates: they are hashed as they came.
    text = f"{path}-{timestamp}-{rand}-{key.reveal()}".encode("utf-8", "surrogatepass")
    return md5(text, usedforsecurity=False).hexdigest()


def _values(query: str) -> Iterator[str]:
    """The raw values of every parameter of that name, however the name is spelt."""
    for item in query.split("&"):
        name, _, value = item.partition("=")
        if unquote_plus(name) == NAME:
            yield value
