"""splunk_hec in the matrix, confirmed by the answer or by the indexers; HTTP, with TLS where a fault needs it."""

import re

from faults.adapters import Address, Way
from logferry_local.sinks import Place, Sink
from logferry_local.sinks.hec import Options, open_sink

__all__ = ["ENVIRON", "WAYS", "identity", "options", "sink"]

_PLAIN = Way("splunk_hec", "splunk_hec", "answer", frozenset({"web", "tls"}))
_ACKNOWLEDGED = Way("splunk_hec with ack", "splunk_hec", "answer", frozenset({"web", "tls", "ack"}))
WAYS = (_PLAIN, _ACKNOWLEDGED)
ENVIRON = {"HEC_TOKEN": "hec-token"}
_ID = re.compile(rb"id-\d{6}")


def sink(place: Place, way: Way) -> Sink:
    """Takes our token only, and no large event."""
    return open_sink(place, Options(token=ENVIRON["HEC_TOKEN"], max_event_bytes=2_000, ack=way == _ACKNOWLEDGED))


def options(way: Way, address: Address) -> dict[str, object]:
    """Four requests to a batch."""
    scheme, trust = ("https", {"ca_file": address.ca_file}) if address.ca_file else ("http", {})
    url = f"{scheme}://{address.host}:{address.port}"
    wait = {"ack": True, "ack_timeout": "1s", "ack_interval": "50ms"} if way == _ACKNOWLEDGED else {}
    token = "secret://env/HEC_TOKEN"
    return {"url": url, "token": token, "max_records": 25, "timeout": address.timeout, **trust, **wait}


def identity(line: bytes) -> str | None:
    """An event that is in the file came whole."""
    found = _ID.search(line)
    return found[0].decode() if found else None
