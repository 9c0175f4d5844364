"""Splunk's HTTP Event Collector: batches of event envelopes, gzip, answers judged by code.

Confirmed by the answer (`_hec_answers` says what each means). Sizes are bytes before compression.
Specification: Splunk, "HTTP Event Collector REST API endpoints" and its table of error codes.
"""

import logging
import uuid
from collections.abc import Callable
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from logferry import config
from logferry.config import Duration, SecretRef, seconds
from logferry.destinations import Destination, Surroundings, _hec_answers
from logferry.encoders.hec import Hec
from logferry.errors import Misconfigured
from logferry.model import Confirmation, Limits, Payload
from logferry.transport.compress import gzip
from logferry.transport.web import Web
from logferry.vault import Secret, Vault

__all__ = ["Config", "build", "encoder"]

log = logging.getLogger(__name__)

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1024, description="a text of 1 to 1024 characters")]
# 2 MiB: Splunk Cloud answers bodies over about 5 MiB with "code 6, object 0" instead of 413.
Bytes = Annotated[int, msgspec.Meta(ge=1000, le=2 * 1024 * 1024)]
Records = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Requests = Annotated[int, msgspec.Meta(ge=1, le=64)]

_DEFAULT_PATH = "/services/collector/event"
_CHECK_SECONDS = 10.0


class Config(config.Config, frozen=True, kw_only=True):
    """The options of docs/destinations/splunk_hec.md."""

    url: Text
    token: SecretRef
    index: Text | None = None
    source: Text | None = None
    sourcetype: Text | None = None
    host: Text | None = None
    host_field: Text | None = None
    event_format: Literal["object", "string"] = "object"
    gzip: bool = True
    timeout: Duration = "120s"
    verify: bool = True
    ca_file: Text | None = None
    max_bytes: Bytes = 1_000_000
    max_records: Records = 5_000
    in_flight: Requests = 4

    @classmethod
    def field_problems(cls, name: str, value: Any) -> list[str]:  # noqa: ANN401  # of the field's type
        """The URL's form. It is not repeated: it may hold credentials."""
        return _url_problems(value) if name == "url" else []

    def problems(self) -> list[str]:
        """What the types cannot say."""
        found = []
        if seconds(self.timeout) <= 0:
            found.append(f"timeout: {self.timeout} is not more than 0s")
        if self.ca_file and not self.verify:
            found.append("ca_file: has no use with verify: false; leave one of them out")
        return found


def _url_problems(url: str) -> list[str]:
    form = "http://HOST:PORT or https://HOST:PORT"
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return [f"url: has no valid host and port, expected {form}"]
    if parts.scheme not in ("http", "https"):
        return [f"url: does not begin with http:// or https://, expected {form}"]
    found = []
    if not host or any(letter.isspace() or not letter.isprintable() for letter in url):
        found.append(f"url: has no host or holds blanks, expected {form}")
    if "@" in parts.netloc:
        found.append('url: holds credentials, expected none: the token goes into token: "secret://env/NAME"')
    if parts.query or parts.fragment:
        found.append("url: holds ? or #, expected none (a token in a URL ends in access logs)")
    if parts.path.rstrip("/").endswith("/raw"):
        found.append(f"url: the raw endpoint takes no envelopes, expected no path or {_DEFAULT_PATH}")
    return found


def encoder(options: Config, _surroundings: Surroundings) -> Hec:
    """Envelopes with the fixed metadata of the options."""
    metadata = {name: getattr(options, name) for name in ("host", "source", "sourcetype", "index")}
    return Hec(metadata, host_field=options.host_field, event_format=options.event_format)


def build(options: Config, surroundings: Surroundings) -> Destination:
    """The collector; nothing is opened yet."""
    if not options.verify:
        log.warning("certificate not verified", extra={"task": surroundings.task, "url": options.url})
    return _Collector(options, surroundings)


class _Collector:
    """One collector, reached by any number of threads."""

    confirmation: Confirmation = "answer"

    def __init__(self, options: Config, surroundings: Surroundings) -> None:
        self.limits = Limits(max_bytes=options.max_bytes, max_records=options.max_records, in_flight=options.in_flight)
        self._options = options
        self._task = surroundings.task
        self._vault: Vault = surroundings.vault
        self._clock: Callable[[], float] = surroundings.clock
        self._web = Web(verify=options.verify, ca_file=options.ca_file)
        base = options.url.rstrip("/")
        self._url = base if urlsplit(base).path else base + _DEFAULT_PATH
        # Needed where the token has acknowledgement on, ignored elsewhere.
        self._channel = str(uuid.uuid4())

    def check(self) -> None:
        """Connect. What the health page says is only advice: proxies hide it, and a token may not see it."""
        time_out = min(seconds(self._options.timeout), _CHECK_SECONDS)
        token = self._token()
        reply = self._web.request("GET", _health(self._url), headers=self._headers(token), time_out=time_out)
        answer = _hec_answers.read(reply, token)
        if answer.code != _hec_answers.HEALTHY:
            log.warning("collector health in doubt", extra={"task": self._task, "reason": answer.summary})

    def send(self, payload: Payload, time_out: float) -> None:
        """One POST. An empty payload is nothing to send (Splunk would answer "No data")."""
        if not payload.parts:
            return
        token = self._token()
        headers = self._headers(token) | {"Content-Type": "application/json"}
        body = payload.body
        if self._options.gzip:
            headers["Content-Encoding"] = "gzip"
            body = gzip(body)
        limit = min(time_out, seconds(self._options.timeout))
        reply = self._web.request("POST", self._url, headers=headers, body=body, time_out=limit)
        answer = _hec_answers.read(reply, token)
        error = _hec_answers.fate(answer, reply, payload, self._clock())
        if error is not None:
            raise error
        if answer.code in _hec_answers.SLOW_DOWN:
            log.warning("collector near its limit", extra={"task": self._task, "reason": answer.summary})

    def confirm(self, time_out: float) -> None:
        """Nothing to do: each answer confirmed its request."""

    def refresh(self) -> bool:
        """Read the token again; whether it changed."""
        try:
            return self._vault.refresh(self._options.token)
        except Misconfigured:
            return False  # gone: the next send says so

    def close(self) -> None:
        """Close the kept connections."""
        self._web.close()

    def _token(self) -> Secret:
        token = self._vault.resolve(self._options.token)
        value = token.reveal()
        if not value.isascii() or not value.isprintable() or " " in value:
            raise Misconfigured(f"{self._options.token}: holds blanks or other characters that no HEC token has")
        return token

    def _headers(self, token: Secret) -> dict[str, str]:
        return {"Authorization": f"Splunk {token.reveal()}", "X-Splunk-Request-Channel": self._channel}


def _health(url: str) -> str:
    """The health page beside the address that takes events."""
    base, found, _ = url.partition("/services/collector")
    return (base + found if found else url.rpartition(urlsplit(url).path)[0] + "/services/collector") + "/health"
