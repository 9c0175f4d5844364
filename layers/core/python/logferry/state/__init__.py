"""State tables: small rows under (partition, sort), written conditionally. One file a table.

Each file has `open_table(location: str, options: Mapping[str, str], clock) -> Table`; the location is what
follows the scheme in `LOGFERRY_STATE` (`sqlite:PATH`, `memory:NAME`, `dynamodb:TABLE?region=…&endpoint=…`).
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

__all__ = ["Item", "Table"]


class Item(NamedTuple):
    """One row as it was read."""

    sort: str
    value: bytes  # at most 350 kB (DynamoDB's item limit is 400 kB, keys and all)
    version: str  # changes with every write; random, so a row made anew never has an old version


class Table(Protocol):
    """Contract: tests/contract/test_tables.py. Raises Conflict, else StateError for what may pass if tried again."""

    def get(self, partition: str, sort: str) -> Item | None:
        """The row, strongly consistent; None if there is none or it has expired."""
        ...

    def put(self, partition: str, sort: str, value: bytes, *, expect: str | None, expires: float | None = None) -> str:
        """Write and return the new version, if the row is at version `expect` (None: not there, or expired).

        `expires` is a Unix time after which readers take the row as gone. Raises Conflict.
        """
        ...

    def delete(self, partition: str, sort: str, *, expect: str) -> None:
        """Delete the row if it is at version `expect`. Raises Conflict."""
        ...

    def list(self, partition: str) -> Iterator[Item]:
        """All rows of one partition in `sort` order, page by page; expired ones left out."""
        ...

    def close(self) -> None:
        """Let go of connections; never raises."""
        ...
