"""A proxy before a service that notes each call as the cloud's access control sees it: action and resource.

Requests and answers pass word for word. What cannot be named is noted as unknown, so that nothing goes by unseen.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import urllib3

__all__ = ["Asked", "Recorder", "Seen", "recorded"]

_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})


class Seen(NamedTuple):
    """One call."""

    action: str
    resource: str


class Asked(NamedTuple):
    """A request, and the status of its answer; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int


Names = Callable[[Asked], Sequence[Seen]]
"""The calls that a request amounts to; KeyError or ValueError for one that is not known."""


class Recorder:
    """What was called, by whoever is named at that time."""

    def __init__(self) -> None:
        self.by = ""
        self._seen: dict[str, set[Seen]] = {}
        self._lock = threading.Lock()

    def of(self, name: str) -> frozenset[Seen]:
        """All that it called."""
        with self._lock:
            return frozenset(self._seen.get(name, ()))

    def note(self, found: Sequence[Seen]) -> None:
        """They were called."""
        with self._lock:
            self._seen.setdefault(self.by, set()).update(found)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: str
    names: Names
    recorder: Recorder
    pool: urllib3.PoolManager

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        sent = {name: value for name, value in self.headers.items() if name.lower() not in _HOP - {"date"}}
        reply = self.pool.request(
            self.command, self.upstream + self.path, body=body or None, headers=sent, redirect=False, retries=False,
            decode_content=False, timeout=30,
        )  # fmt: skip
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            found = type(self).names(Asked(self.command, self.path, headers, body, reply.status))
        except (KeyError, ValueError) as error:
            found = [Seen(f"unknown: {self.command} {self.path}: {error}", "")]
        self.recorder.note(found)
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", reply.headers.get("Content-Length") or str(len(reply.data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.data)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on  # noqa: N815  # the base class's names

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def recorded(upstream: str, names: Names, recorder: Recorder) -> Iterator[str]:
    """The proxy's address; it ends with this block."""
    pool = urllib3.PoolManager(maxsize=16)
    made = {"upstream": upstream, "names": staticmethod(names), "recorder": recorder, "pool": pool}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), made))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        pool.clear()
