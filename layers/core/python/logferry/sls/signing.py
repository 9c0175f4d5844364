"""Request signatures V1 and V4, as pure functions that a client signs with and a server verifies with.

A signature covers a `Message`: method, path (unencoded), parameters (unencoded) and headers, whose names are
compared without case. The body is covered by the hash in its header (`Content-MD5` for V1, only with a body;
`x-log-content-sha256` for V4), which a server must compare with `body_hash`. Times are Unix seconds, UTC.

V1: HMAC-SHA1 over method, MD5, content type, date, the `x-log-*` and `x-acs-*` headers and the resource.
V4: HMAC-SHA256 with a key derived from secret, day, region; needs the region. Both sign the STS token's header.
V1 leaves `x-log-date` out: the vendor's clients add it after signing, for proxies that strip `Date`.

Specification: Simple Log Service "Request signatures" (V1) and "Signature version 4", and aliyun-log-python-sdk.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

from msgspec import Struct

from logferry.sls.credentials import Credentials
from logferry.times import http_date
from logferry.vault import Secret

__all__ = [
    "API_VERSION", "Claim", "Message", "body_hash", "canonical_request", "moment", "parse", "sign", "signed_headers",
    "string_to_sign",
]  # fmt: skip

API_VERSION = "0.6.0"
_V4 = "SLS4-HMAC-SHA256"
_STAMP = "%Y%m%dT%H%M%SZ"
_V1_CLAIM = r"LOG (?P<id>[^\s:]+):(?P<signature>[A-Za-z0-9+/]+={0,2})"
_V4_CLAIM = (
    rf"{_V4} Credential=(?P<id>[^\s/]+)/(?P<day>[0-9]{{8}})/(?P<region>[a-z0-9-]+)/sls/aliyun_v4_request, ?"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)


class Message(NamedTuple):  # its parts are replaced one by one
    """What a signature covers of a request."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]

    def header(self, name: str) -> str:
        """The header's value whatever its case; empty if absent."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


class Claim(Struct, frozen=True):
    """What an `Authorization` header claims; `day` and `region` are empty for V1."""

    access_key_id: str
    signature: str = ""
    day: str = ""  # YYYYMMDD
    region: str = ""

    @property
    def version(self) -> str:
        """`v4` if there is a region, else `v1`."""
        return "v4" if self.region else "v1"


def signed_headers(
    message: Message, body: bytes, credentials: Credentials, now: float, region: str = ""
) -> dict[str, str]:
    """The message's headers and those a signature needs, `Authorization` among them; V4 if a region is given."""
    headers = dict(message.headers)
    if credentials.security_token is not None:
        headers["x-acs-security-token"] = credentials.security_token.reveal()
    if region:
        stamp = datetime.fromtimestamp(now, UTC).strftime(_STAMP)
        headers |= {"x-log-date": stamp, "x-log-content-sha256": body_hash("v4", body)}
        claim = Claim(credentials.access_key_id, day=stamp[:8], region=region)
        scheme = f"{_V4} Credential={claim.access_key_id}/{_scope(claim)},Signature="
    else:
        headers |= {"Date": http_date(now), "x-log-signaturemethod": "hmac-sha1"}
        headers |= {"Content-MD5": body_hash("v1", body)} if body else {}
        claim = Claim(credentials.access_key_id)
        scheme = f"LOG {claim.access_key_id}:"
    headers["Authorization"] = scheme + sign(message._replace(headers=headers), claim, credentials.access_key_secret)
    if not region:
        headers["x-log-date"] = headers["Date"]
    return headers


def sign(message: Message, claim: Claim, secret: Secret) -> str:
    """The signature for this claim's version; a server compares it with `claim.signature` (hmac.compare_digest)."""
    text = string_to_sign(message, claim).encode()
    if not claim.region:
        return base64.b64encode(hmac.digest(secret.reveal().encode(), text, "sha1")).decode()
    key = ("aliyun_v4" + secret.reveal()).encode()
    for part in (claim.day, claim.region, "sls", "aliyun_v4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text, "sha256").hex()


def string_to_sign(message: Message, claim: Claim) -> str:
    """The text under the HMAC; a server may show it to the caller when signatures differ (no secret is in it)."""
    if claim.region:
        digest = hashlib.sha256(canonical_request(message).encode()).hexdigest()
        return "\n".join((_V4, message.header("x-log-date"), _scope(claim), digest))
    covered = [f"{name}:{value}" for name, value in sorted(_service_headers(message).items()) if name != "x-log-date"]
    date = message.header("Date") or message.header("x-log-date")
    frame = [message.method, message.header("Content-MD5"), message.header("Content-Type"), date]
    query = "&".join(f"{key}={value}" for key, value in sorted(message.params.items()))
    return "\n".join([*frame, *covered, message.path + (f"?{query}" if query else "")])


def canonical_request(message: Message) -> str:
    """V4's canonical request."""
    query = "&".join(
        quote(key, safe="~") + (f"={quote(value, safe='~')}" if value else "")
        for key, value in sorted(message.params.items())
    )
    covered = _service_headers(message)
    covered |= {name: value for name in ("content-type", "host") if (value := message.header(name))}
    names = sorted(covered)
    lines = "".join(f"{name}:{covered[name].strip()}\n" for name in names)
    payload = message.header("x-log-content-sha256")
    return "\n".join((message.method, message.path, query, lines, ";".join(names), payload))


def body_hash(version: str, body: bytes) -> str:
    """What the hash header of this version must hold."""
    if version == "v4":
        return hashlib.sha256(body).hexdigest()
    return hashlib.md5(body, usedforsecurity=False).hexdigest().upper()


def parse(authorization: str) -> Claim:
    """The claim in an `Authorization` header; ValueError (without the header's text) if it is neither version."""
    if found := re.fullmatch(_V1_CLAIM, authorization):
        return Claim(found["id"], found["signature"])
    if found := re.fullmatch(_V4_CLAIM, authorization):
        return Claim(found["id"], found["signature"], found["day"], found["region"])
    raise ValueError("Authorization is neither `LOG ID:SIGNATURE` nor `SLS4-HMAC-SHA256 Credential=…,Signature=…`")


def moment(message: Message, claim: Claim) -> float:
    """When the message says it was signed; ValueError if it does not say, or not in its version's form."""
    text = message.header("x-log-date") if claim.region else message.header("Date") or message.header("x-log-date")
    try:
        if claim.region:
            return datetime.strptime(text, _STAMP).replace(tzinfo=UTC).timestamp()
        from email.utils import (
            parsedate_to_datetime,
        )  # loads a fifth of what a cold start does; only a store reads dates

        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        wanted = "20060102T150405Z" if claim.region else "Mon, 02 Jan 2006 15:04:05 GMT"
        raise ValueError(f"date: {text!r} is not like {wanted}") from None


def _service_headers(message: Message) -> dict[str, str]:
    named = {name.lower(): value for name, value in message.headers.items()}
    return {
        name: value
        for name, value in named.items()
        if name.startswith(("x-log-", "x-acs-")) and not name.startswith("x-log-meta-")
    }


def _scope(claim: Claim) -> str:
    return f"{claim.day}/{claim.region}/sls/aliyun_v4_request"
