"""The HTTP side of a sink: real sockets and keep-alive by uvicorn in a thread, one function that answers.

Bodies are limited on the wire and after unpacking; what is over a limit is answered 413 and not read on.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from logferry.transport.inflate import TooLong, inflate, kind_of
from logferry_local.sinks import Place

__all__ = ["Answer", "Handle", "Question", "TooLong", "WebSink", "unpack"]


class Question(NamedTuple):
    """One request, its body as it came over the wire."""

    method: str
    path: str
    target: str  # path and query as they were sent
    query: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class Answer(NamedTuple):
    """What goes back."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


Handle = Callable[[Question], Answer]


class WebSink:
    """Runs `handle` for each request, one at a time; `finish` is called once, when nothing is under way any more."""

    def __init__(self, place: Place, handle: Handle, finish: Callable[[], None], *, max_body: int) -> None:
        import uvicorn

        self._handle = handle
        self._finish = finish
        self._max_body = max_body
        family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
        self._socket = socket.create_server((place.host, place.port), family=family)
        host = f"[{place.host}]" if ":" in place.host else place.host
        self.address = f"http://{host}:{self._socket.getsockname()[1]}"
        settings = uvicorn.Config(
            self._application, loop="asyncio", ws="none", lifespan="off", interface="asgi3", log_config=None,
            access_log=False, server_header=False, timeout_keep_alive=600, timeout_graceful_shutdown=5,
        )  # fmt: skip
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish what is under way (at most 5 s), then stop."""
        self._server.should_exit = True
        self._thread.join(timeout=15)

    def _run(self) -> None:
        try:
            with contextlib.closing(self._socket):
                asyncio.run(self._server.serve(sockets=[self._socket]))
        finally:
            self._finish()

    async def _application(
        self, scope: Mapping[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        answer = Answer(413, b"body too long\n", {"connection": "close"})
        body, more = bytearray(), True
        while more and len(body) <= self._max_body:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            body += event.get("body", b"")
            more = event.get("more_body", False)
        if len(body) <= self._max_body:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            query = scope["query_string"].decode("latin-1")
            target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
            answer = self._handle(Question(scope["method"], scope["path"], target, query, headers, bytes(body)))
        given = {"content-length": str(len(answer.body)), **answer.headers}
        pairs = [(name.lower().encode(), value.encode()) for name, value in given.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
        await send({"type": "http.response.body", "body": answer.body})


def unpack(question: Question, max_bytes: int) -> bytes:
    """The body without its content coding. ValueError for an unknown coding or a damaged body; TooLong."""
    coding = question.headers.get("content-encoding", "identity")
    return inflate(kind_of(coding, question.body), question.body, max_bytes)
