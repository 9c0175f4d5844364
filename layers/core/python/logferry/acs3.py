"""Signature V3 of Alibaba Cloud's OpenAPI (`ACS3-HMAC-SHA256`): headers that sign one request, body included.

Parameters are in the query. Times are Unix seconds, UTC; the service takes 15 minutes more or less. Signed are `host`,
`content-type` and all `x-acs-*`. Specification: Alibaba Cloud, "V3 request structure and signature mechanism".
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from logferry.vault import Secret

__all__ = ["Action", "Key", "query_of", "signed"]

_SCHEME = "ACS3-HMAC-SHA256"


class Key(NamedTuple):
    """An access key, with its token when it is temporary."""

    access_key_id: str
    secret: Secret
    token: Secret | None = None


class Action(NamedTuple):
    """An operation of one product before it is signed: a POST to `/` without a body."""

    host: str
    name: str  # such as GetSecretValue
    version: str  # of the product's API, such as 2016-01-20
    parameters: Mapping[str, str] = {}  # never edited


def query_of(parameters: Mapping[str, str]) -> str:
    """The parameters as they are signed and sent: by name, percent-encoded."""
    return "&".join(f"{quote(name, safe='~')}={quote(parameters[name], safe='~')}" for name in sorted(parameters))


def signed(action: Action, key: Key, now: float, nonce: str) -> dict[str, str]:
    """The headers to send. `nonce`: another one for each request."""
    digest = hashlib.sha256(b"").hexdigest()
    headers = {
        "host": action.host,
        "x-acs-action": action.name,
        "x-acs-content-sha256": digest,
        "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        "x-acs-signature-nonce": nonce,
        "x-acs-version": action.version,
    }
    if key.token is not None:
        headers["x-acs-security-token"] = key.token.reveal()
    names = sorted(headers)
    lines = "".join(f"{name}:{headers[name]}\n" for name in names)
    canonical = "\n".join(("POST", "/", query_of(action.parameters), lines, ";".join(names), digest))
    text = f"{_SCHEME}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(key.secret.reveal().encode(), text.encode(), "sha256").hex()
    claim = f"Credential={key.access_key_id},SignedHeaders={';'.join(names)},Signature={signature}"
    return headers | {"authorization": f"{_SCHEME} {claim}"}
