"""State tables: small rows under (partition, sort), written conditionally. One file a table.

Each file has `open_table(location: str, options: Mapping[str, str], clock) -> Table`, beside `OPTIONS` (the option
names it knows) and `FORM` (how it is written); the location is what follows the scheme in `LOGFERRY_STATE`
(`sqlite:PATH`, `memory:NAME`, `dynamodb:TABLE?region=…&endpoint=…`, `tablestore:INSTANCE/TABLE?region=…`).
"""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, cast

from logferry import registry

__all__ = ["Item", "Table", "open_table"]


class Item(NamedTuple):  # tests and callers take it apart
    """One row as it was read."""

    sort: str
    value: bytes  # at most 350 kB (DynamoDB's item limit is 400 kB, keys and all)
    version: str  # changes with every write; random, so a row made anew never has an old version


class Table(Protocol):
    """Contract: tests/contract/test_tables.py. Raises Conflict, else StateError for what may pass if tried again.

    ConfigError for a row no table takes (partition and sort: 1 to 1,024 bytes of UTF-8, value: 350,000 bytes),
    Misconfigured where a person must act. One table may be used from several threads.
    """

    def get(self, partition: str, sort: str) -> Item | None:
        """The row, strongly consistent; None if there is none or it has expired."""
        ...

    def put(self, partition: str, sort: str, value: bytes, *, expect: str | None, expires: float | None = None) -> str:
        """Write and return the new version, if the row is at version `expect` (None: not there, or expired).

        `expires` is a Unix time (rounded up to whole seconds) from which on the row is gone, for every one of
        these four: a write that expects its version then is a Conflict. Raises Conflict.
        """
        ...

    def delete(self, partition: str, sort: str, *, expect: str) -> None:
        """Delete the row if it is at version `expect`. Raises Conflict (its `version` is empty)."""
        ...

    def list(self, partition: str) -> Iterator[Item]:
        """All rows of one partition in `sort` order (by code point), page by page; expired ones left out.

        A row written while the list is read may be in it or not; each row is in it at most once.
        """
        ...

    def close(self) -> None:
        """Let go of connections; never raises."""
        ...


def open_table(url: str, clock: Callable[[], float] = time.time) -> Table:
    """The table at `KIND:LOCATION?OPTIONS`; ConfigError that lists the known kinds and options if it is none."""
    place = registry.locate("state", url)
    return cast("Table", place.module.open_table(place.location, place.options, clock))
