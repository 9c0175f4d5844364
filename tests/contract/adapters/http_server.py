"""http_server for the contract suite: the http sink, which checks signatures, and scripted servers for the rest."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import orjson
from tests.contract.adapter import STATUSES, Row, records
from tests.contract.far_sides import FarSide, WebSides, waits
from tests.fakes.misbehaving import answer

from logferry.errors import DeliveryError, Misconfigured, Permanent, TooLarge, Transient
from logferry_local.sinks import Place
from logferry_local.sinks.http import Options, open_sink

SECRET = "Contract2026Key"
_AUTH: dict[str, object] = {"private_key": "secret://env/CONTRACT_SECRET"}
MINIMAL: dict[str, object] = {
    "url": "http://127.0.0.1:1/logs",
    "auth": _AUTH,
    "headers": {"X-Api-Key": "secret://env/CONTRACT_SECRET"},
    "params": {"token": "secret://env/CONTRACT_SECRET"},
}
PLACES = ("connected", "answers", "tls")

_SIDES = WebSides(MINIMAL, "url", answer(200))
_scripted = _SIDES.scripted


class _Peer(NamedTuple):
    options: Mapping[str, object]
    out: Path

    def received(self, count: int) -> list[str]:  # noqa: ARG002  # an answer means that it is in the file
        """The messages; there is nothing to wait for."""
        return [orjson.loads(line)["message"] for line in self.out.read_bytes().splitlines()]


@contextlib.contextmanager
def peer(folder: Path, **options: object) -> Iterator[_Peer]:
    """The http sink, which takes what is signed with our key only."""
    chosen = Options(**({"private_key": SECRET} | options))  # type: ignore[arg-type]  # the sink's options
    sink = open_sink(Place(folder / "bodies.ndjson"), chosen)
    try:
        yield _Peer(MINIMAL | {"url": f"{sink.address}/logs?site=a"}, folder / "bodies.ndjson")
    finally:
        sink.close()


def rows() -> list[Row]:
    """One row for each behaviour."""
    return [
        *_SIDES.rows(),
        Row("delay", _scripted(answer(429, headers={"Retry-After": "7"})), Transient, "429", also=waits(7)),
        Row("delay_of_our_own", _scripted(answer(500), max_retries=0), Transient, "1 tries in vain", also=waits(30)),
        Row("oversize", _sink(max_bytes=1000), TooLarge, "413", records=records(3, size=2000)),
        # Nobody but the sender can tell which record of a body is disliked: the payload is bisected.
        Row("partial_refusal", _scripted(answer(422, b"line 2")), Permanent, "422: line 2"),
        Row("echo", _scripted(answer(400, f"key {SECRET} auth_key=".encode())), Permanent, r"key \*\*\*"),
        *(Row(f"status_{status}", _scripted(answer(status, b"<html>")), _status(status)) for status in STATUSES),
        Row("status_202", _scripted(answer(202, b"not read")), None),
        Row("redirect", _scripted(answer(307, headers={"Location": f"https://b.example/?t={SECRET}"})), Misconfigured,
            r"307 \(to https://b.example/\?t=\*\*\*\)"),
        Row("unsigned", _sink(auth=None), Misconfigured, "403: forbidden"),
        Row("put_gzip", _sink(method="PUT", compress="gzip"), None),
        Row("zlib", _sink(compress="zlib"), None),
        Row("snappy", _sink(compress="snappy"), None),
        Row("snappy_framed", _sink(compress="snappy_framed"), None),
        Row("zstd", _sink(compress="zstd"), None),
    ]  # fmt: skip


def _status(status: int) -> type[DeliveryError] | None:
    if status < 300:
        return None
    if status in (408, 429) or status >= 500:
        return Transient
    return {400: Permanent, 413: TooLarge}.get(status, Misconfigured)


def _sink(max_bytes: int = 67_108_864, **ours: object) -> FarSide:
    @contextlib.contextmanager
    def far_side(folder: Path) -> Iterator[Mapping[str, object]]:
        with peer(folder, max_bytes=max_bytes) as found:
            yield {**found.options, **ours}

    return far_side
