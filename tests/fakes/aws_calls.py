"""A proxy before the AWS interfaces that notes each call as IAM sees it: action and resource.

Buckets are addressed in the path. A read of an object that is not there counts as s3:ListBucket too: without that right
the answer would be 403. An interface that is not known here fails the call, so that nothing goes by unseen.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import requests

__all__ = ["Calls", "Seen", "recorded"]

_SENT_ON = ("content-type", "x-amz-", "authorization", "content-md5", "range", "if-", "content-encoding")
_BACK = ("content-type", "etag", "last-modified", "content-range", "accept-ranges", "x-amz", "x-amzn")


class Seen(NamedTuple):
    """One call."""

    action: str
    resource: str


class Calls:
    """What was called, by whoever is named at that time."""

    def __init__(self, upstream: str, region: str, account: str) -> None:
        self.upstream, self.by = upstream, ""
        self._region, self._account = region, account
        self._seen: dict[str, set[Seen]] = {}
        self._lock = threading.Lock()
        self.session = requests.Session()

    def of(self, name: str) -> frozenset[Seen]:
        """All that it called."""
        with self._lock:
            return frozenset(self._seen.get(name, ()))

    def note(self, *found: Seen) -> None:
        """They were called."""
        with self._lock:
            self._seen.setdefault(self.by, set()).update(found)

    def named(self, target: str, body: bytes) -> Seen:
        """A call of a service that names its operation in a header."""
        service, _, operation = target.partition(".")
        asked = json.loads(body)
        if service == "DynamoDB_20120810":
            return Seen(f"dynamodb:{operation}", self._arn("dynamodb", f"table/{asked['TableName']}"))
        if service == "secretsmanager":
            return Seen(
                f"secretsmanager:{operation}", self._arn("secretsmanager", f"secret:{asked['SecretId']}-AbCdEf")
            )
        raise ValueError(f"what is {target}?")

    def of_bucket(self, method: str, path: str, status: int) -> list[Seen]:
        """A call of S3."""
        parts = urlsplit(path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        query = parse_qs(parts.query, keep_blank_values=True)
        there = Seen("s3:ListBucket", f"arn:aws:s3:::{bucket}")
        if method == "GET" and not key and "list-type" in query:
            return [there]
        if method == "GET" and not key and set(query) == {"requestPayment"}:
            return [Seen("s3:GetBucketRequestPayment", there.resource)]
        names = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject", "DELETE": "s3:DeleteObject"}
        if not key or method not in names or set(query) - {"x-id", "partNumber", "uploadId", "uploads"}:
            raise ValueError(f"what is {method} {path}?")
        asked = Seen(names[method], f"arn:aws:s3:::{bucket}/{key}")
        return [asked, there] if status == 404 and method in ("GET", "HEAD") else [asked]

    def _arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self._region}:{self._account}:{rest}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    calls: Calls

    def _pass_on(self) -> None:
        calls = self.calls
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        sent = {name: value for name, value in self.headers.items() if name.lower().startswith(_SENT_ON)}
        reply = calls.session.request(
            self.command, calls.upstream + self.path, data=body, headers=sent, timeout=20, allow_redirects=False
        )
        target = self.headers.get("X-Amz-Target")
        try:
            found = (
                [calls.named(target, body)] if target else calls.of_bucket(self.command, self.path, reply.status_code)
            )
        except (KeyError, ValueError) as error:
            found = [Seen(f"unknown: {error}", "")]
        calls.note(*found)
        self.send_response(reply.status_code)
        for name, value in reply.headers.items():
            if name.lower().startswith(_BACK):
                self.send_header(name, value)
        size = reply.headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(reply.content))
        self.send_header("Content-Length", size)
        self.end_headers()
        self.wfile.write(reply.content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on  # noqa: N815  # the base class's names

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def recorded(upstream: str, region: str, account: str) -> Iterator[tuple[str, Calls]]:
    """The proxy's address, and what it saw; it ends with this block."""
    calls = Calls(upstream, region, account)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"calls": calls}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", calls
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        calls.session.close()
