"""syslog_server in the matrix: TCP, TLS and UDP."""

import re

from faults.adapters import Address, Way
from logferry_local.sinks import Place, Sink
from logferry_local.sinks.syslog import Options, open_sink

__all__ = ["ENVIRON", "WAYS", "identity", "options", "sink"]

_TCP = Way("syslog_server tcp", "syslog_server", "socket", frozenset({"stream"}))
_TLS = Way("syslog_server tls", "syslog_server", "socket", frozenset({"stream", "tls"}), secure=True)
_UDP = Way("syslog_server udp", "syslog_server", "none", frozenset({"datagram"}))
WAYS = (_TCP, _TLS, _UDP)
ENVIRON: dict[str, str] = {}
_ID = re.compile(rb"id-\d{6}")


def sink(place: Place, way: Way) -> Sink:
    """Reads a stream, or datagrams."""
    return open_sink(place, Options(protocol="udp" if way == _UDP else "tcp"))


def options(way: Way, address: Address) -> dict[str, object]:
    """Some four payloads to a batch; what is too long for a message is parked."""
    trust = {"ca_file": address.ca_file} if address.ca_file else {}
    return {
        "host": address.host, "port": address.port, "protocol": way.name.rpartition(" ")[2], "body": "json_lines",
        "max_bytes": 4096, "max_message_bytes": 1400, "oversize": "park", "timeout": address.timeout, **trust,
    }  # fmt: skip


def identity(line: bytes) -> str | None:
    """None for a message that the end of a stream has cut."""
    found = None if line.startswith(b'{"wrong"') else _ID.search(line)
    return found[0].decode() if found else None
