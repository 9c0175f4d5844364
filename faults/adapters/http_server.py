"""http_server in the matrix: signed, compressed, its receiver a service that knows bodies only, not records."""

import re

from faults.adapters import Address, Way
from logferry_local.sinks import Place, Sink
from logferry_local.sinks.http import Options, open_sink

__all__ = ["ENVIRON", "WAYS", "identity", "options", "sink"]

WAYS = (Way("http_server", "http_server", "answer", frozenset({"web", "tls"})),)
ENVIRON = {"HTTP_KEY": "Matrix2026Key"}
_ID = re.compile(rb"id-\d{6}")


def sink(place: Place, way: Way) -> Sink:  # noqa: ARG001  # there is one way
    """Takes what is signed with our key only, and no body that a large record is in."""
    return open_sink(place, Options(private_key=ENVIRON["HTTP_KEY"], max_bytes=3_300))


def options(way: Way, address: Address) -> dict[str, object]:  # noqa: ARG001  # there is one way
    """Four requests to a batch; gzip, which the front looks into."""
    scheme, trust = ("https", {"ca_file": address.ca_file}) if address.ca_file else ("http", {})
    url = f"{scheme}://{address.host}:{address.port}/logs"
    auth = {"private_key": "secret://env/HTTP_KEY"}
    more = {"max_records": 25, "timeout": address.timeout, "compress": "gzip", "max_retries": 100}
    return {"url": url, "auth": auth, **more, **trust}


def identity(line: bytes) -> str | None:
    """An object that is in the file came whole."""
    found = _ID.search(line)
    return found[0].decode() if found else None
