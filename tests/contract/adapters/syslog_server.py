"""syslog_server for the contract suite: the syslog sink as the real peer, scripted servers for the rest."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import orjson
from tests.contract.adapter import Row, records
from tests.fakes.certificates import Authority
from tests.fakes.misbehaving import Behaviour, Misbehaving, close, nobody, reset

from logferry.errors import Misconfigured, Transient
from logferry_local.sinks import Place
from logferry_local.sinks.syslog import Options, open_sink

SECRET = ""
MINIMAL: dict[str, object] = {"host": "127.0.0.1", "port": 1}
PLACES = ("connected", "tls", "datagrams")

FarSide = Callable[[Path], AbstractContextManager[Mapping[str, object]]]


class _Peer(NamedTuple):
    options: Mapping[str, object]
    out: Path

    def received(self, count: int) -> list[str]:
        """The messages' `message` fields; a socket's acknowledgement may come before the line is in the file."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.out.read_bytes().count(b"\n") < count:
            time.sleep(0.02)
        lines = [orjson.loads(line) for line in self.out.read_bytes().splitlines()]
        return [line["msg"].partition("message=")[2] for line in lines]


@contextlib.contextmanager
def peer(folder: Path, protocol: str = "tcp", cert: str = "", key: str = "") -> Iterator[_Peer]:
    """The syslog sink."""
    sink = open_sink(Place(folder / "syslog.ndjson"), Options(protocol=protocol, cert=cert, key=key))
    try:
        port = int(sink.address.rpartition(":")[2])
        yield _Peer(MINIMAL | {"port": port, "protocol": protocol}, folder / "syslog.ndjson")
    finally:
        sink.close()


def rows() -> list[Row]:
    """One row for each behaviour."""
    return [
        Row("refused", _refused("tcp"), Transient, "cannot connect .*refused"),
        Row("unresolvable", _unresolvable, Transient, r"no-such-host\.invalid"),
        Row("closed", _scripted(close), Transient, "closed the connection|reset|Broken pipe"),
        Row("reset", _scripted(reset), Transient, "reset|Broken pipe"),
        Row("stalled", _stalled, Transient, "timed out", time_out=0.3, records=records(3, size=5_000_000)),
        Row("over_the_limit", _sink(protocol="tcp"), None, records=records(2, size=100_000)),
        Row("datagrams_taken", _sink(protocol="udp"), None),
        Row("datagrams_refused", _refused("udp"), Transient, "refused"),
        Row("tls_trusted", _tls("127.0.0.1"), None),
        Row("tls_wrong_host", _tls("siem.example"), Misconfigured, "not accepted.*not valid for '127.0.0.1'"),
        Row("tls_unknown_ca", _tls("127.0.0.1", trusted=False), Misconfigured, "not accepted.*issuer"),
        Row("tls_expired", _tls("127.0.0.1", expired=True), Misconfigured, "not accepted.*expired"),
    ]


def _refused(protocol: str) -> FarSide:
    @contextlib.contextmanager
    def far_side(_folder: Path) -> Iterator[Mapping[str, object]]:
        with nobody() as port:
            yield MINIMAL | {"port": port, "protocol": protocol}

    return far_side


@contextlib.contextmanager
def _unresolvable(_folder: Path) -> Iterator[Mapping[str, object]]:
    yield {"host": "no-such-host.invalid"}


@contextlib.contextmanager
def _stalled(_folder: Path) -> Iterator[Mapping[str, object]]:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        yield MINIMAL | {"port": deaf.getsockname()[1]}


def _scripted(behaviour: Behaviour) -> FarSide:
    @contextlib.contextmanager
    def far_side(_folder: Path) -> Iterator[Mapping[str, object]]:
        with Misbehaving(behaviour, http=False) as server:
            yield MINIMAL | {"port": server.port}

    return far_side


def _sink(protocol: str) -> FarSide:
    @contextlib.contextmanager
    def far_side(folder: Path) -> Iterator[Mapping[str, object]]:
        with peer(folder, protocol) as found:
            yield found.options

    return far_side


def _tls(host: str, *, trusted: bool = True, expired: bool = False) -> FarSide:
    @contextlib.contextmanager
    def far_side(folder: Path) -> Iterator[Mapping[str, object]]:
        authority = Authority(folder / "authority")
        made = authority.issue([host], expired=expired)
        with peer(folder, "tls", str(made.cert_file), str(made.key_file)) as found:
            yield dict(found.options) | ({"ca_file": str(authority.ca_file)} if trusted else {})

    return far_side
