"""One function behind Function Compute's protocol for custom runtimes and containers: an HTTP server on port 9000.

`x-fc-control-path` says what a request is (without it the path does): `/initialize` once before all others, `/invoke`
with the event as its body, `/pre-stop`, else `/http-invoke`, a request as it came to an HTTP trigger. Headers carry the
request id, the function's time-out and the role's temporary key. `x-fc-status: 404` tells of a failure. One call at a
time. Limits: a body of 32 MB. Sources: Function Compute documentation, "Custom runtime: specification details", "Code
development for Custom Container runtimes". Whoever reaches the port may call: it is for the platform alone.
"""

import asyncio
import base64
import json
import os
from collections.abc import Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

from logferry.errors import ConfigError
from logferry.runtime.web import Request
from logferry_local.platforms import Function, driver
from logferry_local.platforms.http_trigger import Answer, answer
from logferry_local.platforms.in_process import load
from logferry_local.serving.listener import Receive, Scope, Send, TooLong, body_of, head_of

__all__ = ["CustomRuntime"]

_MAX_BODY, _BODY_SECONDS = 32 * 1024 * 1024, 60.0
_CONTROLS = {"/initialize": "Initialize", "/invoke": "Invoke", "/pre-stop": "PreStop", "/http-invoke": "Invoke"}
# What the key's parts are called in the environment, where the library looks, and in a request.
_KEY = tuple(
    (f"ALIBABA_CLOUD_{part}", f"x-fc-{part.lower().replace('_', '-')}")
    for part in ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN")
)


class CustomRuntime:
    """Loads the function when it is made; `write` takes the lines by which the platform cuts its log."""

    def __init__(
        self,
        function: Function,
        environ: MutableMapping[str, str] = os.environ,
        write: Callable[[str], object] = lambda line: print(line, flush=True),  # noqa: T201  # the platform reads it
    ) -> None:
        self._function, self._environ, self._write = function, environ, write
        self._app = _loaded(function)
        self._work = ThreadPoolExecutor(1, thread_name_prefix="function")  # one instance, one call at a time

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        head = head_of(scope)
        control = head.headers.get("x-fc-control-path") or (head.path if head.path in _CONTROLS else "/http-invoke")
        try:
            body = await body_of(receive, _MAX_BODY, _BODY_SECONDS)
        except (TooLong, TimeoutError):
            await _send(send, Answer(413, {"connection": "close"}, b""))
            return
        if body is not None:
            loop = asyncio.get_running_loop()
            await _send(send, await loop.run_in_executor(self._work, self._told, control, head, body))

    def close(self) -> None:
        """Once nothing is under way."""
        self._work.shutdown()

    def _told(self, control: str, head: Request, body: bytes) -> Answer:
        """Do what is asked, between the two lines that belong to it in the log."""
        word, request_id = _CONTROLS.get(control, "Invoke"), head.headers.get("x-fc-request-id", "")
        key = {name: head.headers.get(header, "") for name, header in _KEY}
        if key["ALIBABA_CLOUD_ACCESS_KEY_ID"] and key["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]:
            self._environ.update(key)  # newer than what the instance was started with
        self._write(f"FC {word} Start RequestId: {request_id}")
        found = self._done(control, head, body, request_id)
        failed = found.headers.get("x-fc-status") == "404"
        self._write(f"FC {word} End RequestId: {request_id}" + (", Error: Unhandled function error" if failed else ""))
        return found

    def _done(self, control: str, head: Request, body: bytes, request_id: str) -> Answer:
        if control == "/pre-stop":
            return _ok(b"")
        told = self._settings(head.headers)
        if control == "/initialize":
            hook = getattr(self._app, "initialize", None)
            found = driver.answer(lambda _, context: hook and hook(context), told, _job(b"", request_id))
            return _ok(b"") if found["ok"] else _failed(found["reply"])
        handler = getattr(self._app, self._function.handler.rpartition(".")[2])
        event = body if control == "/invoke" else json.dumps(_event(head, body, request_id)).encode()
        found = driver.answer(handler, told, _job(event, request_id))
        if control == "/invoke":
            return _ok(found["reply"].encode()) if found["ok"] else _failed(found["reply"])
        # Whoever called the trigger may be anybody: what went wrong is for the log.
        return answer(found["reply"]) if found["ok"] else Answer(500, {"x-fc-status": "404"}, b"")

    def _settings(self, headers: Mapping[str, str]) -> dict[str, Any]:
        """What the context says, by the request's headers."""
        timeout = headers.get("x-fc-function-timeout", "")
        memory = headers.get("x-fc-function-memory", "")
        return {
            "contract": "fc", "name": headers.get("x-fc-function-name") or self._function.name,
            "handler": self._function.handler, "memory": int(memory) if memory.isdecimal() else self._function.memory,
            "timeout": int(timeout) if timeout.isdecimal() else self._function.timeout,
            "region": headers.get("x-fc-region", ""), "account_id": headers.get("x-fc-account-id", ""),
        }  # fmt: skip


def _loaded(function: Function) -> ModuleType:
    try:
        return load(function)
    except Exception as error:  # whatever its file raises
        problem = f"{function.code}: cannot be imported ({type(error).__name__}: {error})"
        raise ConfigError([problem], subject=f"function {function.name}") from error


def _event(head: Request, body: bytes, request_id: str) -> dict[str, object]:
    """The request as an event; its query as it was sent, since it may be signed."""
    hidden = "x-fc-"  # the platform's own, keys among them
    http = {"method": head.method, "path": head.path, "protocol": "HTTP/1.1"}
    http["sourceIp"] = head.headers.get("x-fc-client-ip") or head.address
    return {
        "version": "v1", "rawPath": head.path, "rawQueryString": head.query, "isBase64Encoded": True,
        "headers": {name: value for name, value in head.headers.items() if not name.startswith(hidden)},
        "body": base64.b64encode(body).decode(), "requestContext": {"requestId": request_id, "http": http},
    }  # fmt: skip


def _job(event: bytes, request_id: str) -> dict[str, str]:
    return {"event": base64.b64encode(event).decode(), "request_id": request_id}


def _ok(body: bytes) -> Answer:
    return Answer(200, {"x-fc-status": "200", "content-type": "application/json"}, body)


def _failed(error: object) -> Answer:
    headers = {"x-fc-status": "404", "content-type": "application/json"}
    return Answer(404, headers, json.dumps(error).encode())


async def _send(send: Send, found: Answer) -> None:
    pairs = {name.lower(): value for name, value in found.headers.items()} | {"content-length": str(len(found.body))}
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs.items()]
    await send({"type": "http.response.start", "status": found.status, "headers": headers})
    await send({"type": "http.response.body", "body": found.body})
