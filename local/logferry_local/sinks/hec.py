"""Splunk's HTTP Event Collector: one JSON line an accepted event, in the file before the answer.

Events, raw text, acknowledgement and health, each also under `/1.0`; `/tally` counts what became of the events. What
is not public about Splunk (wording of some answers, exact limits) is approximate; index routing and source types are
not modelled. With acknowledgement events are in the file once they are acknowledged: see `_hec_acks`.
"""

import base64
import binascii
import re
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs

import msgspec
import orjson

from logferry import config
from logferry.errors import ConfigError
from logferry_local.sinks import Place, Sink
from logferry_local.sinks._hec_acks import Full, Indexer, Plan
from logferry_local.sinks._hec_rules import Limits, Taken, take
from logferry_local.sinks._lines import Lines
from logferry_local.sinks._web import Answer, Question, TooLong, WebSink, unpack

__all__ = ["Fault", "Options", "open_sink"]

_PATH = re.compile(r"/services/collector(?:/(event|raw|ack|health))?(?:/1\.0)?")
_METADATA = ("host", "source", "sourcetype", "index")
_COOKIE = "hec-node"
_CLOUD_BYTES = 5 * 1024 * 1024
_ANSWERS = {
    0: (200, "Success"), 2: (401, "Token is required"), 3: (401, "Invalid authorization"), 4: (403, "Invalid token"),
    5: (400, "No data"), 6: (400, "Invalid data format"), 7: (400, "Incorrect index"), 9: (503, "Server is busy"),
    10: (400, "Data channel is missing"), 11: (400, "Invalid data channel"), 12: (400, "Event field is required"),
    13: (400, "Event field cannot be blank"), 14: (400, "ACK is disabled"),
    15: (400, "Error in handling indexed fields"), 16: (400, "Query string authorization is not enabled"),
    17: (200, "HEC is healthy"), 18: (503, "HEC is unhealthy, queues are full"), 21: (400, "Invalid token"),
    25: (200, "HEC ACK is approaching its capacity limit"),
    27: (429, "HEC ACK channel is at capacity and cannot process any more requests"),
    28: (400, "Data channel is missing. If you have multiple indexers, sticky sessions are needed"),
}  # fmt: skip


class Options(config.Config, frozen=True, kw_only=True):
    """The sink's own options."""

    token: Annotated[str, msgspec.Meta(description="the one token that is taken; empty takes any")] = ""
    indexes: Annotated[str, msgspec.Meta(description="allowed indexes, parted by commas; empty allows any")] = ""
    ack: Annotated[bool, msgspec.Meta(description="acknowledgement on: a channel is required")] = False
    ack_delay: Annotated[float, msgspec.Meta(description="seconds until events are indexed and acknowledged")] = 0.0
    ack_limit: Annotated[int, msgspec.Meta(description="ids of a channel not told yet; over it code 27; 0: any")] = 0
    forget_every: Annotated[int, msgspec.Meta(description="forget ids and waiting events after so many posts")] = 0
    sticky: Annotated[bool, msgspec.Meta(description="a known channel without our cookie is code 28")] = False
    busy_while: Annotated[str, msgspec.Meta(description="while this file exists, all posts are code 9")] = ""
    max_bytes: Annotated[int, msgspec.Meta(description="largest body after unpacking; over it 413")] = 67_108_864
    max_event_bytes: Annotated[int, msgspec.Meta(description="largest event; over it code 6")] = 5_000_000
    cloud: Annotated[bool, msgspec.Meta(description="over 5 MiB answer as Splunk Cloud: code 6, object 0")] = False
    faults: Annotated[str, msgspec.Meta(description="JSON file: a list of answers to give first, see the docs")] = ""


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer given instead of the right one; with `taken` the body is indexed all the same."""

    status: int
    body: dict[str, Any] | str = ""
    headers: dict[str, str] = {}
    taken: bool = False


class _Refused(Exception):
    """The request is answered with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def open_sink(
    place: Place, options: Options, *, faults: Sequence[Fault] = (), now: Callable[[], float] = time.monotonic
) -> Sink:
    """Listens when it returns. `faults` come before those of the file."""
    found = list(faults)
    if options.faults:
        try:
            found += msgspec.json.decode(Path(options.faults).read_bytes(), type=list[Fault])
        except (OSError, msgspec.DecodeError) as error:
            raise ConfigError([f"faults: {options.faults}: {error}"], subject="sink hec") from None
    return _Collector(place, options, found, now)


class _Collector:
    """Requests come one at a time (`WebSink`), so nothing here is locked."""

    def __init__(self, place: Place, options: Options, faults: Sequence[Fault], now: Callable[[], float]) -> None:
        self._options = options
        self._faults = deque(faults)
        self._limits = Limits(frozenset(filter(None, options.indexes.split(","))), options.max_event_bytes)
        self._lines = Lines(place.out)
        plan = Plan(options.ack_delay, options.ack_limit, options.forget_every)
        self._indexer = Indexer(plan, self._lines.write, now)
        self._node = uuid.uuid4().hex
        self._web = WebSink(place, self._handle, self._finish, max_body=options.max_bytes)
        self.address = self._web.address

    def close(self) -> None:
        """Finish what is under way, then stop."""
        self._web.close()

    def _finish(self) -> None:
        self._indexer.index_due(all_of_it=True)
        self._lines.close()

    def _handle(self, question: Question) -> Answer:
        if question.path == "/tally":
            self._indexer.index_due()
            return _json(200, asdict(self._indexer.tally))
        answer = self._answer(question)
        if self._options.sticky and not self._is_ours(question):
            return answer._replace(headers={**answer.headers, "set-cookie": f"{_COOKIE}={self._node}; Path=/"})
        return answer

    def _answer(self, question: Question) -> Answer:
        found = _PATH.fullmatch(question.path.rstrip("/"))
        kind = (found[1] or "event") if found else ""
        methods = ("GET", "HEAD") if kind == "health" else ("POST",)
        if found and question.method == "OPTIONS":
            return Answer(200, b"", {"allow": ",".join((*methods, "OPTIONS"))})
        if question.method not in methods or not found:
            status = 405 if found else 404
            return _json(status, {"text": "The requested URL was not found on this server.", "code": 404})
        try:
            self._authorise(question)
            if kind == "health":
                return _said(18 if self._is_busy() else 17)
            return self._acks(question) if kind == "ack" else self._receive(question, raw=kind == "raw")
        except _Refused as refused:
            return _said({4: 21}.get(refused.code, refused.code) if kind == "health" else refused.code)

    def _authorise(self, question: Question) -> None:
        header = question.headers.get("authorization", "")
        if not header:
            raise _Refused(16 if "token" in parse_qs(question.query) else 2)
        scheme, _, value = header.partition(" ")
        if scheme.lower() == "basic":
            try:
                value = base64.b64decode(value, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                raise _Refused(3) from None
        elif scheme.lower() != "splunk":
            raise _Refused(3)
        if not value.strip() or (self._options.token and value.strip() != self._options.token):
            raise _Refused(4 if value.strip() else 3)

    def _receive(self, question: Question, *, raw: bool) -> Answer:
        fault = self._faults.popleft() if self._faults else None
        if fault is not None and not fault.taken:
            return _scripted(fault)
        if self._is_busy():
            raise _Refused(9)
        channel = self._channel(question) if self._options.ack else ""
        if channel:
            try:
                self._indexer.make_room(channel)
            except Full:
                raise _Refused(27) from None
        try:
            body = unpack(question, self._options.max_bytes)
        except TooLong:
            return Answer(413, b"body too long\n")
        except ValueError as error:
            return Answer(415, f"{error}\n".encode())
        if self._options.cloud and len(body) > _CLOUD_BYTES:
            return _said(6, number=0)
        taken = _lines_of(body, question.query) if raw else take(body, self._limits)
        ack = None
        if channel and taken.lines:
            ack = self._indexer.take(channel, taken.lines)
        else:
            self._indexer.index(taken.lines)
        if fault is not None:
            return _scripted(fault)
        code = 25 if not taken.code and channel and self._indexer.is_near(channel) else taken.code
        return _said(code, number=taken.number, ack=ack)

    def _is_busy(self) -> bool:
        return bool(self._options.busy_while) and Path(self._options.busy_while).exists()

    def _is_ours(self, question: Question) -> bool:
        return f"{_COOKIE}={self._node}" in question.headers.get("cookie", "").split("; ")

    def _channel(self, question: Question) -> str:
        given = question.headers.get("x-splunk-request-channel") or parse_qs(question.query).get("channel", [""])[0]
        if not given:
            raise _Refused(10)
        try:
            channel = str(uuid.UUID(given))
        except ValueError:
            raise _Refused(11) from None
        if self._options.sticky and self._indexer.knows(channel) and not self._is_ours(question):
            raise _Refused(28)
        return channel

    def _acks(self, question: Question) -> Answer:
        if not self._options.ack:
            raise _Refused(14)
        channel = self._channel(question)
        try:
            asked = msgspec.json.decode(question.body, type=dict[str, list[int]])["acks"]
        except (msgspec.DecodeError, KeyError):
            raise _Refused(6) from None
        return _json(200, {"acks": self._indexer.tell(channel, asked)})


def _lines_of(body: bytes, query: str) -> Taken:
    """Raw text: an event a line, metadata from the query."""
    given = {name: values[0] for name, values in parse_qs(query).items() if name in _METADATA}
    texts = [line.decode(errors="replace") for line in body.splitlines() if line.strip()]
    return Taken([orjson.dumps({**given, "event": text}) for text in texts], 0 if texts else 5)


def _said(code: int, *, number: int | None = None, ack: int | None = None) -> Answer:
    status, text = _ANSWERS[code]
    extra = {"invalid-event-number": number, "ackId": ack}
    return _json(status, {"text": text, "code": code} | {k: v for k, v in extra.items() if v is not None})


def _scripted(fault: Fault) -> Answer:
    body = fault.body.encode() if isinstance(fault.body, str) else orjson.dumps(fault.body)
    return Answer(fault.status, body, fault.headers)


def _json(status: int, content: object) -> Answer:
    return Answer(status, orjson.dumps(content), {"content-type": "application/json; charset=UTF-8"})
