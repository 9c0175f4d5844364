"""splunk_hec for the contract suite: the hec sink as the real peer, scripted servers for the rest."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson
from tests.contract.adapter import STATUSES, Row, records
from tests.contract.far_sides import FarSide, WebSides, doubts, fate_of, waits
from tests.fakes.misbehaving import answer

from logferry.errors import DeliveryError, Misconfigured, Permanent, Refused, TooLarge, Transient
from logferry_local.sinks import Place
from logferry_local.sinks.hec import Fault, Options, open_sink

SECRET = "a1b2c3d4-0000-4000-8000-5ec5ec5ec5ec"
MINIMAL: dict[str, object] = {"url": "http://127.0.0.1:1", "token": "secret://env/CONTRACT_SECRET"}
PLACES = ("connected", "answers", "tls")

_SIDES = WebSides(MINIMAL, "url", answer(200))
_scripted = _SIDES.scripted


class _Peer(NamedTuple):
    options: Mapping[str, object]
    out: Path

    def received(self, count: int) -> list[str]:  # noqa: ARG002  # an answer means that it is in the file
        """The messages; there is nothing to wait for."""
        return [orjson.loads(line)["event"]["message"] for line in self.out.read_bytes().splitlines()]


@contextlib.contextmanager
def peer(folder: Path, faults: Sequence[Fault] = (), **options: object) -> Iterator[_Peer]:
    """The hec sink, which takes our token only."""
    chosen = Options(**({"token": SECRET} | options))  # type: ignore[arg-type]  # the sink's options
    sink = open_sink(Place(folder / "hec.ndjson"), chosen, faults=faults)
    try:
        yield _Peer(MINIMAL | {"url": sink.address}, folder / "hec.ndjson")
    finally:
        sink.close()


def rows() -> list[Row]:
    """One row for each behaviour."""
    return [
        *_SIDES.rows(),
        Row("delay", _scripted(answer(429, headers={"Retry-After": "7"})), Transient, "429", also=waits(7)),
        Row("delay_by_code", _said(503, 9, headers={"Retry-After": "3"}), Transient, "code 9", also=waits(3)),
        Row("oversize", _sink(max_bytes=1000), TooLarge, "413", records=records(3, size=2000)),
        Row("echo", _scripted(answer(400, SECRET.encode())), Misconfigured, r"\*\*\*"),
        Row(
            "partial_refusal", _sink(max_event_bytes=500), Refused, "code 6 .*object 1", also=_repairs(1, {0}),
            records=[*records(1), *records(2, size=900)[1:], *records(3)[2:]],
        ),
        *(Row(f"status_{status}", _scripted(answer(status, _body(status))), fate_of(status)) for status in STATUSES),
        *(Row(f"code_{code}", _said(status, code), _code(code), f"code {code}") for code, status in _CODES.items()),
        Row("ack_in_time", _sink(to=_ACK, ack=True, ack_delay=0.3), None),
        Row("ack_switched_off", _sink(to=_ACK), None),
        Row("ack_never", _sink(to=_ACK | {"ack_timeout": "200ms"}, ack=True, ack_delay=60), Transient,
            "no acknowledgement within 0.2 s.*may have been taken", also=doubts),
        Row("ack_full", _sink(to=_ACK, ack=True, ack_limit=0, faults=_FULL), Transient, "code 27"),
        Row("ack_without_time", _sink(to={"ack": True}, ack=True), Transient, "may take 30 s; nothing was sent"),
        Row("raw_refused", _sink(to={"endpoint": "raw"}, faults=_DISLIKED), Permanent, "code 6"),
    ]  # fmt: skip


# Codes that do not depend on an object's number, and the status each comes with.
_CODES = {1: 403, 2: 401, 3: 401, 4: 403, 5: 400, 6: 400, 7: 400, 8: 500, 9: 503, 10: 400, 11: 400, 14: 400, 16: 400,
          18: 503, 19: 503, 20: 503, 21: 400, 22: 400, 23: 503, 24: 200, 25: 200, 26: 429, 27: 429,
          28: 400}  # fmt: skip


_ACK: dict[str, object] = {"ack": True, "ack_interval": "20ms", "ack_timeout": "2s"}
_FULL = [Fault(status=429, body={"text": "HEC ACK channel is at capacity", "code": 27})]
_DISLIKED = [Fault(status=400, body={"text": "Invalid data format", "code": 6})]


def _code(code: int) -> type[DeliveryError] | None:
    if code in (5, 6):
        return Permanent
    if code in (24, 25):
        return None
    return Transient if code in (8, 9, 18, 19, 20, 23, 26, 27) else Misconfigured


def _body(status: int) -> bytes:
    """A collector's success; anything else comes from whatever stands in front of it."""
    return b'{"text":"Success","code":0}' if status < 300 else b"<html>"


def _repairs(refused: int, delivered: set[int]) -> Callable[[DeliveryError], bool]:
    return lambda error: isinstance(error, Refused) and set(error.refused) == {refused} and error.delivered == delivered


def _said(status: int, code: int, headers: Mapping[str, str] | None = None) -> FarSide:
    return _scripted(answer(status, {"text": "Scripted", "code": code}, headers))


def _sink(to: Mapping[str, object] | None = None, faults: Sequence[Fault] = (), **options: object) -> FarSide:
    @contextlib.contextmanager
    def far_side(folder: Path) -> Iterator[Mapping[str, object]]:
        with peer(folder, faults, **options) as found:
            yield {**found.options, **(to or {})}

    return far_side
