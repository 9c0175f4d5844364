"""splunk_hec for the contract suite: the hec sink as the real peer, scripted servers for the rest."""

import contextlib
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import orjson
from tests.contract.adapter import STATUSES, Row, records
from tests.fakes.certificates import Authority
from tests.fakes.misbehaving import Behaviour, Misbehaving, answer, close, mid_answer, nobody, reset, silence

from logferry.errors import DeliveryError, Misconfigured, Permanent, Refused, TooLarge, Transient
from logferry_local.sinks import Place
from logferry_local.sinks.hec import Fault, Options, open_sink

SECRET = "a1b2c3d4-0000-4000-8000-5ec5ec5ec5ec"
MINIMAL: dict[str, object] = {"url": "http://127.0.0.1:1", "token": "secret://env/CONTRACT_SECRET"}
PLACES = ("connected", "answers", "tls")

FarSide = Callable[[Path], AbstractContextManager[Mapping[str, object]]]


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
    unsent, maybe = "nothing was sent", "it may have been taken"
    return [
        Row("refused", _refused, Transient, unsent),
        Row("unresolvable", _unresolvable, Transient, unsent),
        Row("closed", _scripted(close), Transient, maybe),
        Row("reset", _scripted(reset), Transient, maybe),
        Row("silent", _scripted(silence), Transient, f"within 0.3 s; {maybe}", time_out=0.3),
        Row("closed_mid_answer", _scripted(mid_answer), Transient, maybe),
        Row("delay", _scripted(answer(429, headers={"Retry-After": "7"})), Transient, "429", also=_waits(7)),
        Row("delay_by_code", _said(503, 9, headers={"Retry-After": "3"}), Transient, "code 9", also=_waits(3)),
        Row("oversize", _sink(max_bytes=1000), TooLarge, "413", records=records(3, size=2000)),
        Row("echo", _scripted(answer(400, SECRET.encode())), Misconfigured, r"\*\*\*"),
        Row(
            "partial_refusal", _sink(max_event_bytes=500), Refused, "code 6 .*object 1", also=_repairs(1, {0}),
            records=[*records(1), *records(2, size=900)[1:], *records(3)[2:]],
        ),
        *(Row(f"status_{status}", _scripted(answer(status, _body(status))), _status(status)) for status in STATUSES),
        *(Row(f"code_{code}", _said(status, code), _code(code), f"code {code}") for code, status in _CODES.items()),
        Row("ack_in_time", _sink(to=_ACK, ack=True, ack_delay=0.3), None),
        Row("ack_switched_off", _sink(to=_ACK), None),
        Row("ack_never", _sink(to=_ACK | {"ack_timeout": "200ms"}, ack=True, ack_delay=60), Transient,
            "no acknowledgement within 0.2 s.*may have been taken", also=_doubts),
        Row("ack_full", _sink(to=_ACK, ack=True, ack_limit=0, faults=_FULL), Transient, "code 27"),
        Row("ack_without_time", _sink(to={"ack": True}, ack=True), Transient, f"may take 30 s; {unsent}"),
        Row("raw_refused", _sink(to={"endpoint": "raw"}, faults=_DISLIKED), Permanent, "code 6"),
        Row("tls_trusted", _tls("127.0.0.1"), None),
        Row("tls_wrong_host", _tls("splunk.example"), Misconfigured, f"mismatch.*; {unsent}"),
        Row("tls_unknown_ca", _tls("127.0.0.1", trusted=False), Misconfigured, f"issuer.*; {unsent}"),
        Row("tls_expired", _tls("127.0.0.1", expired=True), Misconfigured, f"expired; {unsent}"),
    ]  # fmt: skip


# Codes that do not depend on an object's number, and the status each comes with.
_CODES = {1: 403, 2: 401, 3: 401, 4: 403, 5: 400, 6: 400, 7: 400, 8: 500, 9: 503, 10: 400, 11: 400, 14: 400, 16: 400,
          18: 503, 19: 503, 20: 503, 21: 400, 22: 400, 23: 503, 24: 200, 25: 200, 26: 429, 27: 429,
          28: 400}  # fmt: skip


_ACK: dict[str, object] = {"ack": True, "ack_interval": "20ms", "ack_timeout": "2s"}
_FULL = [Fault(status=429, body={"text": "HEC ACK channel is at capacity", "code": 27})]
_DISLIKED = [Fault(status=400, body={"text": "Invalid data format", "code": 6})]


def _doubts(error: DeliveryError) -> bool:
    return error.in_doubt


def _code(code: int) -> type[DeliveryError] | None:
    if code in (5, 6):
        return Permanent
    if code in (24, 25):
        return None
    return Transient if code in (8, 9, 18, 19, 20, 23, 26, 27) else Misconfigured


def _body(status: int) -> bytes:
    """A collector's success; anything else comes from whatever stands in front of it."""
    return b'{"text":"Success","code":0}' if status < 300 else b"<html>"


def _status(status: int) -> type[DeliveryError] | None:
    if status < 300:
        return None
    if status in (408, 429) or status >= 500:
        return Transient
    return {413: TooLarge}.get(status, Misconfigured)


def _waits(seconds: float) -> Callable[[DeliveryError], bool]:
    return lambda error: isinstance(error, Transient) and error.retry_after == seconds


def _repairs(refused: int, delivered: set[int]) -> Callable[[DeliveryError], bool]:
    return lambda error: isinstance(error, Refused) and set(error.refused) == {refused} and error.delivered == delivered


@contextlib.contextmanager
def _refused(_folder: Path) -> Iterator[Mapping[str, object]]:
    with nobody() as port:
        yield MINIMAL | {"url": f"http://127.0.0.1:{port}"}


@contextlib.contextmanager
def _unresolvable(_folder: Path) -> Iterator[Mapping[str, object]]:
    yield MINIMAL | {"url": "http://no-such-host.invalid:8088"}


def _scripted(behaviour: Behaviour, *, tls: ssl.SSLContext | None = None, **options: object) -> FarSide:
    @contextlib.contextmanager
    def far_side(_folder: Path) -> Iterator[Mapping[str, object]]:
        with Misbehaving(behaviour, tls=tls) as server:
            yield MINIMAL | {"url": server.url} | options

    return far_side


def _said(status: int, code: int, headers: Mapping[str, str] | None = None) -> FarSide:
    return _scripted(answer(status, {"text": "Scripted", "code": code}, headers))


def _sink(to: Mapping[str, object] | None = None, faults: Sequence[Fault] = (), **options: object) -> FarSide:
    @contextlib.contextmanager
    def far_side(folder: Path) -> Iterator[Mapping[str, object]]:
        with peer(folder, faults, **options) as found:
            yield {**found.options, **(to or {})}

    return far_side


def _tls(host: str, *, trusted: bool = True, expired: bool = False) -> FarSide:
    @contextlib.contextmanager
    def far_side(folder: Path) -> Iterator[Mapping[str, object]]:
        authority = Authority(folder / "authority")
        context = authority.issue([host], expired=expired).server_context()
        options = {"ca_file": str(authority.ca_file)} if trusted else {}
        with _scripted(answer(200), tls=context, **options)(folder) as found:
            yield found

    return far_side
