"""What the contract suite asks for each destination: a file `tests/contract/adapters/<destination>.py`.

Public names of that file:

`SECRET`   the secret's value as the wire carries it ("" if the destination has none): no log line, error or repr
           may hold it. Options refer to it as `secret://env/CONTRACT_SECRET`.
`MINIMAL`  the fewest options that make a valid configuration; nothing is contacted with them
`PLACES`   groups of rows that apply (keys of `GROUPS`)
`peer`     `(folder) -> context manager of a Peer`: a real receiver, running
`rows`     `() -> list[Row]`: one row for each name that `GROUPS` demands, and any more
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from logferry.errors import DeliveryError
from logferry.model import Record

__all__ = ["GROUPS", "STATUSES", "Peer", "Row", "records"]

STATUSES = (200, 201, 204, 301, 400, 401, 403, 404, 405, 408, 413, 415, 429, 500, 502, 503, 504)
GROUPS: Mapping[str, frozenset[str]] = {
    # A connection is made. For the socket class the error may come from `send` or from `confirm`.
    "connected": frozenset({"refused", "unresolvable", "closed", "reset"}),
    # The far side answers each request.
    "answers": frozenset(
        {"silent", "closed_mid_answer", "delay", "oversize", "partial_refusal", *(f"status_{n}" for n in STATUSES)}
    ),
    # The far side judges each batch with a number of its own, not with HTTP's.
    "brokers": frozenset({"silent", "closed_mid_answer", "delay", "oversize", "partial_refusal"}),
    "tls": frozenset({"tls_trusted", "tls_wrong_host", "tls_unknown_ca", "tls_expired"}),
    "datagrams": frozenset(),
}


class Peer(Protocol):
    """A real receiver that runs."""

    options: Mapping[str, object]  # a valid configuration that reaches it

    def received(self, count: int) -> list[str]:
        """The `message` fields of what arrived, in order; waits a bounded time until there are `count`."""
        ...


class Row(NamedTuple):
    """One behaviour of the far side, and what `send` + `confirm` must make of it."""

    name: str
    far_side: Callable[[Path], AbstractContextManager[Mapping[str, object]]]  # yields the options that reach it
    expected: type[DeliveryError] | None  # None: taken
    says: str = ""  # a regular expression that the error's text must match
    also: Callable[[DeliveryError], bool] | None = None  # further truth about the error
    time_out: float = 5.0
    records: Sequence[Record] = ()  # () stands for three small ones


def records(count: int, *, size: int = 20) -> list[Record]:
    """Records `0..count-1`; the field `message` is `0000:xxxx…`, `size` characters long."""
    made = (f"{ordinal:04}:".ljust(size, "x") for ordinal in range(count))
    return [
        Record(ordinal, 1774426530 + ordinal, 0, {"__topic__": "waf", "message": text})
        for ordinal, text in enumerate(made)
    ]
