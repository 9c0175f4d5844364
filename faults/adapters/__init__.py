"""How each destination takes part in the matrix. One file a destination, found by its name:

`WAYS`      the ways to it (`Way`)
`ENVIRON`   what its secrets resolve to
`sink`      `(Place, Way) -> Sink`: the receiver, without TLS: the front in between adds it. Where the receiver can
            refuse one record, it refuses any of more than 2,000 bytes
`options`   `(Way, Address) -> dict`: the destination of a task, as in a task file; small payloads, and a record of more
            than 2,000 bytes is parked
`identity`  `(line of the sink's file) -> str | None`: the record's id, None if it did not come whole
"""

from typing import NamedTuple

from logferry.model import Confirmation

__all__ = ["Address", "Way"]


class Way(NamedTuple):
    """One way to a destination. `offers` is what faults need: `web`, `put`, `broker`, `stream` or `datagram`; `tls`."""

    name: str
    destination: str  # its kind
    confirmation: Confirmation
    offers: frozenset[str]
    secure: bool = False  # speaks TLS in every cell
    family: str = ""  # of destinations that judge answers with the same code: CI meets each status once in it


class Address(NamedTuple):
    """Where the front is."""

    host: str
    port: int
    ca_file: str = ""  # "": no TLS
    timeout: str = "2s"
