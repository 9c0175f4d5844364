"""One signed request to the log service, and its answer or one of our errors. Nothing is retried here.

A request that the service refuses for its key is signed again once, if the key can be read anew. Signatures are V1, or
V4 when a region is given. Redirects are not followed, proxies come from the environment, TLS verifies (`ca_file`
adds an authority). Limits: an answer of 64 MiB, the time-out in seconds from connecting to the last byte.

Specification: Simple Log Service API reference, "Common request headers", "Common response headers".
"""

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from logferry.errors import SourceError, Transient
from logferry.sls.compression import MAX_RAW
from logferry.sls.credentials import Credentials, Keys
from logferry.sls.endpoint import Endpoint
from logferry.sls.refusals import Declined, KeyRefused, Refusal, refusal, translate
from logferry.sls.signing import API_VERSION, Message, signed_headers
from logferry.transport.reach import Reach
from logferry.transport.web import Reply, Web

__all__ = ["Answer", "Client", "Request", "web"]


class Request(Struct, frozen=True):
    """One call: `operation` is its name in messages."""

    operation: str
    method: str
    path: str
    params: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: bytes = b""

    def with_json(self, document: object) -> "Request":
        """The same with a JSON body."""
        return replace(
            self, headers={**self.headers, "Content-Type": "application/json"}, body=msgspec.json.encode(document)
        )


class Answer(Struct, frozen=True):
    """What a success says."""

    operation: str
    headers: Mapping[str, str]  # names in any case
    body: bytes

    def json(self) -> Any:  # noqa: ANN401  # a document from outside; callers check what they read
        """The body as JSON; SourceError."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise SourceError(f"{self.operation}: the answer is not JSON: {self.body[:80]!r}", transient=True) from None

    def header(self, name: str) -> str:
        """A header that must be there; SourceError."""
        if name not in self.headers:
            raise SourceError(f"{self.operation}: the answer has no header {name}", transient=True)
        return self.headers[name]

    def number(self, name: str) -> int:
        """A whole number in a header that must be there; SourceError."""
        text = self.header(name)
        if not (text.isascii() and text.isdecimal() and len(text) < 19):
            raise SourceError(f"{self.operation}: {name}: {text[:40]!r} is not a whole number", transient=True)
        return int(text)


def web(ca_file: str | None = None, reach: Reach = Reach()) -> Web:  # noqa: B008  # a constant
    """Connections with this library's limit on answers."""
    return Web(ca_file=ca_file, max_reply=MAX_RAW, reach=reach)


class Client(Struct, frozen=True, kw_only=True):
    """One project at one endpoint ("" for calls that have no project)."""

    endpoint: Endpoint
    project: str
    keys: Keys
    region: str = ""  # given: signature V4
    time_out: float = 60.0
    clock: Callable[[], float] = time.time
    web: Web = field(default_factory=web)

    def call(self, request: Request) -> Answer:
        """The answer to a success; Expired, Missing, Misconfigured or another SourceError."""
        try:
            found = self.ask(request)
        except Transient as error:
            raise SourceError(str(error), transient=True, retry_after=error.retry_after) from None
        if isinstance(found, Refusal):
            raise translate(found)
        return found

    def ask(self, request: Request) -> Answer | Refusal:
        """What the service says, for whoever judges it. Transient (perhaps `in_doubt`) if it says nothing."""
        credentials = self.keys.current()
        found = self._send(request, credentials)
        if isinstance(found, Refusal) and isinstance(translate(found), KeyRefused) and self.keys.renew(credentials):
            return self._send(request, self.keys.current())
        return found

    def create(self, request: Request) -> bool:
        """Make something; False if there is one of that name already."""
        try:
            self.call(request)
        except Declined as error:
            if not error.code.endswith("AlreadyExist"):
                raise
            return False
        return True

    def close(self) -> None:
        """Close idle connections."""
        self.web.close()

    def _send(self, request: Request, credentials: Credentials) -> Answer | Refusal:
        operation = f"{request.operation} {self.project}{request.path}"
        headers = {
            "Host": self.endpoint.host_header(self.project),
            "x-log-apiversion": API_VERSION,
            "x-log-bodyrawsize": str(len(request.body)),
            **request.headers,
        }
        message = Message(request.method, request.path, request.params, headers)
        signed = signed_headers(message, request.body, credentials, self.clock(), self.region)
        reply = self._exchange(request, signed, operation)
        if 200 <= reply.status < 300:
            return Answer(operation, reply.headers, reply.body)
        token = credentials.security_token
        secrets = (credentials.access_key_secret.reveal(), token.reveal() if token else "")
        return refusal(operation, reply.status, reply.headers, reply.body, secrets)

    def _exchange(self, request: Request, headers: Mapping[str, str], operation: str) -> Reply:
        query = "&".join(f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in request.params.items())
        url = self.endpoint.url(self.project) + quote(request.path) + (f"?{query}" if query else "")
        body = request.body or None
        try:
            return self.web.request(request.method, url, headers=headers, body=body, time_out=self.time_out)
        except Transient as error:
            message = f"{operation}: {error}"
            raise Transient(message, retry_after=error.retry_after, in_doubt=error.in_doubt) from None
