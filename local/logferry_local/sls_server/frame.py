"""What every operation shares: reading a request, checking its signature, answering in the service's form.

The project is the first label of `Host` (nothing for an address or a bare name). Every answer carries
`x-log-requestid`; every refusal is `{"errorCode", "errorMessage"}`.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from logferry.sls.signing import Message
from logferry.vault import Secret
from logferry_local.sls_server.auth import verify
from logferry_local.sls_server.groups import Groups
from logferry_local.sls_server.refusals import Refusal, parameter
from logferry_local.sls_server.store import Store

__all__ = ["Call", "Handler", "Service", "answer", "endpoint", "project_of", "refused"]

log = logging.getLogger("logferry.sls_server")

_REQUEST_ID = "x-log-requestid"
MAX_JSON = 1 << 20
MAX_BODY = 12 << 20  # as it is sent: a log group that lz4 cannot shrink, and its frame


class Service(NamedTuple):
    """What the operations work on."""

    store: Store
    groups: Groups
    keys: Mapping[str, Secret]
    clock: Callable[[], float]
    check_times: bool  # refuse logs outside the service's time window


class Call(NamedTuple):
    """One request, checked."""

    service: Service
    project: str
    path: Mapping[str, Any]  # the named parts of the path
    params: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    def json(self) -> object:
        """The body as JSON; Refusal."""
        if len(self.body) > MAX_JSON:
            raise Refusal(400, "PostBodyTooLarge", f"a JSON body is larger than {MAX_JSON} bytes")
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Refusal(400, "JsonInfoInvalid", "request body is not JSON") from None

    def members(self) -> dict[str, Any]:
        """The body as a JSON object; Refusal."""
        found = self.json()
        if not isinstance(found, dict):
            raise Refusal(400, "JsonInfoInvalid", "request body is not a JSON object")
        return found

    def number(self, name: str, default: int | None, low: int, high: int) -> int:
        """A whole number among the parameters; Refusal if it is missing (without a default) or out of range."""
        text = self.params.get(name, "" if default is None else str(default))
        if not text.isdecimal() or len(text) > 18 or not low <= int(text) <= high:
            raise parameter(f"{name}: {text[:20]!r} is not between {low} and {high}")
        return int(text)


Handler = Callable[[Call], Awaitable[Response]]


def answer(document: object = None, headers: Mapping[str, str] | None = None) -> Response:
    """200, with a JSON document or empty."""
    body = b"" if document is None else msgspec.json.encode(document)
    return Response(body, headers=headers, media_type="application/json")


def endpoint(service: Service, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A route's endpoint: the frame around an operation."""

    async def respond(request: Request) -> Response:
        try:
            response = await handler(await _call(service, request))
        except Refusal as refusal:
            response = refused(refusal)
        except ClientDisconnect:
            response = refused(Refusal(400, "PostBodyInvalid", "the body ended early"))  # nobody is there to read it
        except Exception:
            log.exception("request failed", extra={"method": request.method, "path": request.scope["path"]})
            response = refused(Refusal(500, "InternalServerError", "internal server error"))
        response.headers.setdefault(_REQUEST_ID, _request_id())
        return response

    return respond


def refused(refusal: Refusal) -> Response:
    """The answer to a request that is refused."""
    body = msgspec.json.encode({"errorCode": refusal.code, "errorMessage": refusal.message})
    headers = {_REQUEST_ID: _request_id()}
    return Response(body, refusal.status, headers=headers, media_type="application/json")


def project_of(host: str) -> str:
    """The project in a `Host` header: its first label, unless it is an address or has only one."""
    name = "" if host.startswith("[") else host.partition(":")[0]
    labels = name.split(".")
    is_address = len(labels) == 4 and all(label.isdecimal() for label in labels)
    return "" if is_address or len(labels) == 1 else labels[0]


async def _call(service: Service, request: Request) -> Call:
    headers = dict(request.headers)
    if not headers.get("host"):
        raise Refusal(400, "MissingHost", "Host does not exist in http header")
    path = request.scope["path"]  # decoded; also of an absolute-form target, as a proxy gets it
    params = dict(parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True))
    body = await _body(request)
    verify(Message(request.method, path, params, headers), body, service.keys, service.clock())
    return Call(service, project_of(headers["host"]), request.path_params, params, headers, body)


async def _body(request: Request) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise Refusal(400, "PostBodyTooLarge", f"body is larger than {MAX_BODY} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _request_id() -> str:
    return secrets.token_hex(12).upper()
