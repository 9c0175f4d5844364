"""A listening socket that strangers may reach: uvicorn in a thread, with bounds on headers, bodies, time and number.

Nothing of a request is written to a log: `auth_key` stands in its URI. Limits: a head of 16 KiB within 10 s, `bounds`
for the body, 64 connections at once, an idle one is closed after 30 s.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from logferry.errors import Misconfigured
from logferry.runtime.web import Request, Response

__all__ = ["Address", "Application", "Listener", "Receive", "Scope", "Send", "TooLong", "body_of", "head_of", "reply"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_HEAD_BYTES = 16_384
_CONNECTIONS, _IDLE_SECONDS, _GRACE_SECONDS = 64, 30, 15


class TooLong(Exception):
    """The body is over the limit; the rest of it was not read."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; with certificate and key over TLS."""

    host: str = "127.0.0.1"
    port: int = 0  # 0: any free one
    certificate: Path | None = None
    key: Path | None = None
    head_seconds: float = 10.0  # that a request's head may take to arrive
    idle_seconds: int = _IDLE_SECONDS  # that a connection may be silent between two requests


class Listener:
    """Listens when it is made. Each connection's requests come one after the other."""

    def __init__(self, application: Application, at: Address) -> None:
        """Raises Misconfigured for an address or certificate that cannot be used."""
        settings = uvicorn.Config(
            _bounded(application), loop="asyncio", ws="none", lifespan="off", interface="asgi3", log_config=None,
            access_log=False, server_header=False, date_header=False, proxy_headers=False,
            http=partial(_Protocol, head_seconds=at.head_seconds),  # type: ignore[arg-type]  # made like the class
            h11_max_incomplete_event_size=_HEAD_BYTES, limit_concurrency=_CONNECTIONS,
            timeout_keep_alive=at.idle_seconds, timeout_graceful_shutdown=_GRACE_SECONDS,
            ssl_certfile=at.certificate, ssl_keyfile=at.key,
        )  # fmt: skip
        try:
            settings.load()  # reads certificate and key
        except OSError as error:
            problem = f"{at.certificate} or {at.key} cannot be used: {error.strerror or error}"
            raise Misconfigured(f"serve: {problem}") from None
        family = socket.AF_INET6 if ":" in at.host else socket.AF_INET
        try:
            self._socket = socket.create_server((at.host, at.port), family=family, backlog=_CONNECTIONS)
        except OSError as error:
            reason = (error.strerror or str(error)).partition(" (while")[0]  # the address is told already
            raise Misconfigured(f"serve: cannot listen on {at.host}:{at.port}: {reason}") from None
        host = f"[{at.host}]" if ":" in at.host else at.host
        scheme = "https" if at.certificate else "http"
        self.address = f"{scheme}://{host}:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more; finish what is under way (at most 15 s)."""
        self._server.should_exit = True
        self._thread.join(timeout=_GRACE_SECONDS + 5)

    def _run(self) -> None:
        with contextlib.closing(self._socket):
            asyncio.run(self._server.serve(sockets=[self._socket]))


class _Protocol(H11Protocol):
    """Closes a connection whose next request does not have a whole head in time."""

    def __init__(self, *given: Any, head_seconds: float, **named: Any) -> None:  # noqa: ANN401  # uvicorn's own
        super().__init__(*given, **named)
        self._head_seconds = head_seconds
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._late = self.loop.call_later(self._head_seconds, self._give_up)

    def data_received(self, data: bytes) -> None:
        if self._late is None and self._is_idle():
            self._late = self.loop.call_later(self._head_seconds, self._give_up)
        super().data_received(data)
        if not self._is_idle():
            self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _give_up(self) -> None:
        self._late = None
        if self._is_idle() and not self.transport.is_closing():
            self.transport.close()

    def _forget(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def _bounded(application: Application) -> Application:
    """With the bound on heads that h11 keeps only while a head is still incomplete."""

    async def bounded(scope: Scope, receive: Receive, send: Send) -> None:
        lines = sum(len(name) + len(value) for name, value in scope["headers"])
        if len(scope["raw_path"]) + len(scope["query_string"]) + lines > _HEAD_BYTES:
            await reply(send, Response(431), close=True)
        else:
            await application(scope, receive, send)

    return bounded


def head_of(scope: Scope) -> Request:
    """The request without its body."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    client = scope.get("client")
    return Request(
        method=scope["method"].upper(), path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"), headers=headers, body=b"",
        address=client[0] if client else "",
    )  # fmt: skip


async def body_of(receive: Receive, most: int, seconds: float) -> bytes | None:
    """The whole body; None if the sender went away. Raises TooLong, TimeoutError."""
    body, more = bytearray(), True
    async with asyncio.timeout(seconds):
        while more:
            event = await receive()
            if event["type"] == "http.disconnect":
                return None
            body += event.get("body", b"")
            more = event.get("more_body", False)
            if len(body) > most:
                raise TooLong
    return bytes(body)


async def reply(send: Send, response: Response, *, close: bool = False) -> None:
    """Answer; `close` when the body was not read to its end."""
    body = response.text.encode()
    given = {"content-length": str(len(body)), **response.headers, **({"connection": "close"} if close else {})}
    if body:
        given["content-type"] = "text/plain; charset=utf-8"
    pairs = [(name.lower().encode(), value.encode()) for name, value in given.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
