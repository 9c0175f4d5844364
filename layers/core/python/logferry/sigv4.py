"""AWS Signature Version 4: headers that sign one request, body included.

Times are Unix seconds, UTC. The path is signed as it is sent, encoded once (as S3 wants it; services with a JSON
protocol are asked at `/`). Signed are `host`, `content-type` and all
`x-amz-*`. Specification: AWS "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from logferry.vault import Secret

__all__ = ["Key", "Message", "signed"]

_SCHEME = "AWS4-HMAC-SHA256"


class Key(NamedTuple):
    """An access key, with its token when it is temporary."""

    access_key_id: str
    secret: Secret
    token: Secret | None = None


class Message(NamedTuple):
    """A request before it is signed."""

    method: str
    host: str
    path: str  # percent-encoded
    query: str = ""  # `name=value`, sorted and percent-encoded
    headers: Mapping[str, str] = {}  # never edited
    body: bytes = b""


def signed(message: Message, key: Key, region: str, now: float, service: str = "s3") -> dict[str, str]:
    """The headers to send."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(message.body).hexdigest()
    headers = {name.lower(): value for name, value in message.headers.items()}
    headers |= {"host": message.host, "x-amz-date": stamp, "x-amz-content-sha256": digest}
    if key.token is not None:
        headers["x-amz-security-token"] = key.token.reveal()
    names = sorted(name for name in headers if name in ("host", "content-type") or name.startswith("x-amz-"))
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
    canonical = "\n".join((message.method, message.path, message.query, lines, ";".join(names), digest))
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = "\n".join((_SCHEME, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    signature = hmac.digest(_day_key(key.secret, stamp[:8], region, service), text.encode(), "sha256").hex()
    claim = f"Credential={key.access_key_id}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    headers["authorization"] = f"{_SCHEME} {claim}"
    return headers


def _day_key(secret: Secret, day: str, region: str, service: str) -> bytes:
    found = ("AWS4" + secret.reveal()).encode()
    for part in (day, region, service, "aws4_request"):
        found = hmac.digest(found, part.encode(), "sha256")
    return found
