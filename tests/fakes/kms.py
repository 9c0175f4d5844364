"""Alibaba Cloud KMS as far as secrets are read: signatures V3 verified, errors as documented. Not run against KMS.

The signature is made anew from the request as it came, in its own words, so that ours is not compared with itself; a
test holds this check against the vendor's published example.
"""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

__all__ = ["Kms", "authorization", "kms_server"]


@dataclass
class Kms:
    """What it holds, and what was asked."""

    keys: dict[str, str]  # access key id -> secret
    secrets: dict[str, str]
    url: str = ""
    failing: int = 0  # this many answers are 503
    tokens: set[str] = field(default_factory=set)  # wanted with each request, if there are any
    asked: list[str] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)

    def answer(self, query: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str]]:
        """Status and document for one request; header names in lower case."""
        if self.failing:
            self.failing -= 1
            return 503, {"Code": "ServiceUnavailableTemporary", "Message": "busy"}
        refused = self._refused(query, headers)
        if refused:
            return 404 if refused.endswith("NotFound") else 400, {"Code": refused, "Message": "of somebody"}
        name = dict(parse_qsl(query))["SecretName"]
        self.asked.append(name)
        if name not in self.secrets:
            return 404, {"Code": "Forbidden.ResourceNotFound", "Message": f"{name} of somebody"}
        return 200, {"SecretName": name, "SecretData": self.secrets[name], "SecretDataType": "text", "VersionId": "v1"}

    def _refused(self, query: str, headers: Mapping[str, str]) -> str:
        claim = dict(part.split("=", 1) for part in headers["authorization"].split(" ", 1)[1].split(","))
        key_id, nonce = claim["Credential"], headers["x-acs-signature-nonce"]
        secret = self.keys.get(key_id)
        if secret is None:
            return "InvalidAccessKeyId.NotFound"
        wanted = authorization("POST", query, headers, key_id, secret)
        named = headers["x-acs-action"], headers["x-acs-version"]
        found = {
            "SignatureDoesNotMatch": wanted != headers["authorization"],
            "InvalidSecurityToken.Expired": self.tokens and headers.get("x-acs-security-token") not in self.tokens,
            "SignatureNonceUsed": nonce in self.nonces,
            "InvalidAction.NotFound": named != ("GetSecretValue", "2016-01-20"),
        }
        self.nonces.add(nonce)
        return next((code for code, is_so in found.items() if is_so), "")


def authorization(method: str, query: str, headers: Mapping[str, str], key_id: str, secret: str) -> str:
    """The header that a request must carry, by the vendor's description of V3."""
    names = [name for name in sorted(headers) if name in ("host", "content-type") or name.startswith("x-acs-")]
    told = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    body = headers["x-acs-content-sha256"]
    canonical = f"{method}\n/\n{query}\n{told}\n{';'.join(names)}\n{body}"
    text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
    sign = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={';'.join(names)},Signature={sign}"


@contextmanager
def kms_server(kms: Kms) -> Iterator[Kms]:
    """The stub on loopback until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        """One request."""

        def do_POST(self) -> None:  # the server's name for it
            self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, document = kms.answer(self.path.partition("?")[2], headers)
            body = json.dumps(document | {"RequestId": "invented"}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    kms.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield kms
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
