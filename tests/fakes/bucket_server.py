"""A bucket service on loopback: put and get, signatures verified by botocore's own code, the bucket in host or path.

It is no model of S3 (moto is): it answers at once, keeps what it got for a test to look at, and writes the lines of all
objects into a file, as they are after each put: an object that is written over is there once.
"""

import contextlib
import hashlib
import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

__all__ = ["BucketServer", "Stored"]

_CLAIM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/[0-9]{8}/([a-z0-9-]+)/s3/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)


class Stored(NamedTuple):
    """An object as it was put."""

    body: bytes
    headers: Mapping[str, str]  # names in lower case


class _Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class BucketServer:
    """One bucket. `keys`: access key id -> secret; empty takes any. `out`: where all lines are."""

    def __init__(
        self, bucket: str, keys: Mapping[str, str], *, out: Path | None = None, max_bytes: int = 1 << 30
    ) -> None:
        self.bucket, self.keys, self.max_bytes, self._out = bucket, keys, max_bytes, out
        self.objects: dict[str, Stored] = {}
        self.puts = 0
        self._lock = threading.RLock()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; twice does no harm."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def lines(self) -> list[bytes]:
        """Of all objects, in the order of their names."""
        with self._lock:
            return [line for name in sorted(self.objects) for line in self.objects[name].body.splitlines()]

    def put(self, key: str, stored: Stored) -> None:
        """Write or overwrite."""
        if len(stored.body) > self.max_bytes:
            raise _Refused(400, "EntityTooLarge")
        with self._lock:
            self.puts += 1
            self.objects[key] = stored
            if self._out is not None:
                self._out.write_bytes(b"".join(line + b"\n" for line in self.lines()))

    def get(self, key: str) -> bytes:
        """The object's bytes."""
        if key not in self.objects:
            raise _Refused(404, "NoSuchKey")
        return self.objects[key].body

    def key_of(self, host: str, path: str) -> str:
        """The object's key, whichever way the bucket is addressed."""
        if host.startswith(f"{self.bucket}."):
            return unquote(path.removeprefix("/"))
        bucket, _, key = path.removeprefix("/").partition("/")
        if bucket != self.bucket:
            raise _Refused(404, "NoSuchBucket")
        return unquote(key)

    def verify(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        """AccessDenied, InvalidAccessKeyId, SignatureDoesNotMatch or a wrong hash."""
        if not self.keys:
            return
        claim = _CLAIM.fullmatch(headers.get("authorization", ""))
        if claim is None:
            raise _Refused(403, "AccessDenied")
        key_id, region, names, signature = claim.groups()
        if key_id not in self.keys:
            raise _Refused(403, "InvalidAccessKeyId")
        if headers["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
            raise _Refused(400, "XAmzContentSHA256Mismatch")
        covered = {name: headers[name] for name in names.split(";")}
        request = AWSRequest(method, f"http://{headers['host']}{target}", headers=covered, data=body)
        request.context["timestamp"] = headers["x-amz-date"]
        auth = S3SigV4Auth(Credentials(key_id, self.keys[key_id]), "s3", region)
        text = auth.string_to_sign(request, auth.canonical_request(request))
        if auth.signature(text, request) != signature:
            raise _Refused(403, "SignatureDoesNotMatch")


class _Handler(BaseHTTPRequestHandler):
    owner: BucketServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Be quiet."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_PUT(self) -> None:
        """An object."""
        self._answer()

    def do_GET(self) -> None:
        """An object, or whether the bucket is there."""
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = urlsplit(self.path).path
        try:
            self.owner.verify(self.command, self.path, headers, body)
            key = self.owner.key_of(headers["host"], path)
            if self.command == "PUT":
                self.owner.put(key, Stored(body, headers))
                self._say(200, b"")
            else:
                self._say(200, self.owner.get(key) if key else b"<ListBucketResult/>")
        except _Refused as refused:
            text = f"<Error><Code>{refused.code}</Code><Message>{headers.get('authorization')}</Message></Error>"
            self._say(refused.status, text.encode())

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()[:32]}"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
