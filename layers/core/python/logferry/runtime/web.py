"""HTTP as each cloud hands it over -> `Request`; `Response` -> the reply that both clouds take.

Forms: Lambda function URL and API Gateway payload 2.0 (`rawPath`, `rawQueryString`), its authoriser's request (no
body), Function Compute 3.0's HTTP trigger (`queryParameters`). Limits: Lambda takes bodies of 6 MB, Function Compute of
32 MB; what a caller allows is checked on top. Sources: AWS Lambda Developer Guide, "Invoking function URLs"; Function
Compute documentation, "Use an HTTP trigger to invoke a function".

Function Compute gives no raw query. It is made anew from the decoded parameters; values of one name come joined by a
comma, so a parameter that was given twice is one value with a comma in it, written `%2C`.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import NoReturn
from urllib.parse import quote

from msgspec import Struct, field

from logferry.errors import ConfigError

__all__ = ["Request", "Response", "is_authoriser", "read"]

_EXPECTED = "expected an HTTP event of a function URL, API Gateway (payload 2.0) or Function Compute 3.0"
_MOST_HEADERS = 500


class Request(Struct, frozen=True):
    """One HTTP request. Query and headers may hold what gives access: they are in no repr."""

    method: str
    path: str  # as in the request line, percent-encoded; API Gateway may have decoded it
    query: str  # without `?`, percent-encoded
    headers: Mapping[str, str]  # names in lower case, values of one name joined by a comma
    body: bytes
    address: str = ""  # whoever sent it, as far as the platform says

    def __repr__(self) -> str:
        return f"Request({self.method!r}, {self.path!r}, address={self.address!r})"

    @property
    def target(self) -> str:
        """Path and query as in the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path


class Response(Struct, frozen=True):
    """What goes back: a short text, never a detail that helps a stranger."""

    status: int
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> Mapping[str, object]:
        """The reply of both clouds."""
        kind = {"Content-Type": "text/plain; charset=utf-8"} if self.text else {}
        headers = {**kind, **self.headers}
        return {"statusCode": self.status, "headers": headers, "isBase64Encoded": False, "body": self.text}


def is_authoriser(event: object) -> bool:
    """Whether API Gateway asks for a verdict rather than for an answer."""
    return isinstance(event, Mapping) and event.get("type") == "REQUEST" and "routeArn" in event


def read(event: object) -> Request:
    """The request; ConfigError (quoting nothing) for an event that is none."""
    if not isinstance(event, Mapping):
        _refuse("not an object")
    about = _mapping(_mapping(event.get("requestContext")).get("http"))
    method, path, address = about.get("method"), event.get("rawPath"), about.get("sourceIp")
    if not isinstance(method, str) or not isinstance(path, str):
        _refuse("no requestContext.http.method or no rawPath")
    return Request(
        method=method.upper(), path=path, query=_query(event), headers=_headers(event.get("headers")),
        body=_body(event), address=address if isinstance(address, str) else "",
    )  # fmt: skip


def _query(event: Mapping[object, object]) -> str:
    raw = event.get("rawQueryString")
    if isinstance(raw, str):
        return raw
    given = _mapping(event.get("queryParameters"))
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in given.items())


def _quoted(value: object) -> str:
    """As in a query; what no text could be (a list, a lone surrogate) stays something that matches nothing."""
    return quote(str(value), safe="", errors="replace")


def _headers(given: object) -> dict[str, str]:
    found: dict[str, str] = {}
    items = _mapping(given).items()
    if len(items) > _MOST_HEADERS:
        _refuse(f"more than {_MOST_HEADERS} headers")
    for name, value in items:
        key = str(name).lower()
        found[key] = f"{found[key]},{value}" if key in found else str(value)
    return found


def _body(event: Mapping[object, object]) -> bytes:
    body = event.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        _refuse("body is no text")
    if event.get("isBase64Encoded") is not True:
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        _refuse("body is not base64, which isBase64Encoded says it is")


def _mapping(value: object) -> Mapping[object, object]:
    return value if isinstance(value, Mapping) else {}


def _refuse(problem: str) -> NoReturn:
    raise ConfigError([f"{problem}, {_EXPECTED}"], subject="event") from None
