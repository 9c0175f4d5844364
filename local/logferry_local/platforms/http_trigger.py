"""Function Compute's HTTP trigger: an HTTP request -> the event of a function, its reply -> an HTTP response.

Form `v1` of FC 3.0: no raw query, header names as they are usually written, values of one name joined by a comma, a
body that is no text in base64. Source: Function Compute documentation, "Use an HTTP trigger to invoke a function".
"""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from logferry.runtime.web import Request

__all__ = ["Answer", "answer", "event"]

_ACCOUNT = "1000000000000000"


class Answer(NamedTuple):
    """What the caller of the trigger gets."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def event(request: Request, request_id: str, now: float) -> dict[str, object]:
    """What the function is handed."""
    query: dict[str, str] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        query[name] = f"{query[name]},{value}" if name in query else value
    body, packed = _text(request.body)
    host = request.headers.get("host", "local.fcapp.run")
    moment = datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "version": "v1", "rawPath": request.path, "body": body, "isBase64Encoded": packed,
        "headers": {name.title(): value for name, value in request.headers.items()}, "queryParameters": query,
        "requestContext": {
            "accountId": _ACCOUNT, "domainName": host, "domainPrefix": host.partition(".")[0], "requestId": request_id,
            "time": moment, "timeEpoch": str(int(now * 1000)),
            "http": {
                "method": request.method, "path": unquote(request.path), "protocol": "HTTP/1.1",
                "sourceIp": request.address, "userAgent": request.headers.get("user-agent", ""),
            },
        },
    }  # fmt: skip


def answer(reply: str) -> Answer:
    """What a reply means: an object with `statusCode` is a response, anything else the body of a 200."""
    try:
        found = json.loads(reply)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("statusCode"), int):
        return Answer(200, {"Content-Type": "application/json"}, reply.encode())
    headers = found.get("headers")
    given = {str(name): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
    body = found.get("body", "")
    text = body if isinstance(body, str) else json.dumps(body)
    try:
        packed = base64.b64decode(text, validate=True) if found.get("isBase64Encoded") is True else text.encode()
    except (binascii.Error, ValueError):
        return Answer(502, {"Content-Type": "text/plain"}, b"the function's body is not base64\n")
    return Answer(found["statusCode"], given, packed)


def _text(body: bytes) -> tuple[str, bool]:
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True
