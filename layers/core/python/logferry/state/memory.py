"""`memory:NAME`: a table in this process, for tests and trials; gone with the process, shared by name within it."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from logferry.state import Item
from logferry.state._rows import check_key, check_value, conflict, new_version, whole

__all__ = ["FORM", "OPTIONS", "MemoryTable", "open_table"]

OPTIONS: tuple[str, ...] = ()
FORM = "memory:NAME"


class _Row(NamedTuple):
    value: bytes
    version: str
    expires: int | None


class _Rows:
    """One name's rows and their lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.partitions: dict[str, dict[str, _Row]] = {}


_ROWS: dict[str, _Rows] = {}
_NAMES = threading.Lock()


class MemoryTable:
    """Rows in dictionaries under one lock."""

    def __init__(self, rows: _Rows, clock: Callable[[], float]) -> None:
        self._rows = rows
        self._clock = clock

    def get(self, partition: str, sort: str) -> Item | None:
        """The row, None if there is none or it has expired."""
        check_key(partition, sort)
        with self._rows.lock:
            row = self._live(partition, sort)
        return Item(sort, row.value, row.version) if row else None

    def put(self, partition: str, sort: str, value: bytes, *, expect: str | None, expires: float | None = None) -> str:
        """Write if the row is at `expect`; the new version."""
        check_key(partition, sort)
        check_value(value)
        row = _Row(bytes(value), new_version(), whole(expires))
        with self._rows.lock:
            old = self._live(partition, sort)
            if (old.version if old else None) != expect:
                raise conflict(partition, sort, row.version)
            self._rows.partitions.setdefault(partition, {})[sort] = row
        return row.version

    def delete(self, partition: str, sort: str, *, expect: str) -> None:
        """Delete if the row is at `expect`."""
        check_key(partition, sort)
        with self._rows.lock:
            old = self._live(partition, sort)
            if old is None or old.version != expect:
                raise conflict(partition, sort, "")
            del self._rows.partitions[partition][sort]

    def list(self, partition: str) -> Iterator[Item]:
        """All rows of one partition as they are now, in order."""
        check_key(partition)
        with self._rows.lock:
            rows = sorted(self._rows.partitions.get(partition, {}).items())
            now = self._clock()
        return (Item(sort, row.value, row.version) for sort, row in rows if row.expires is None or row.expires > now)

    def close(self) -> None:
        """Nothing to let go of: the rows stay for the next one who opens the name."""

    def _live(self, partition: str, sort: str) -> _Row | None:
        row = self._rows.partitions.get(partition, {}).get(sort)
        if row is None or (row.expires is not None and row.expires <= self._clock()):
            return None
        return row


def open_table(location: str, options: Mapping[str, str], clock: Callable[[], float]) -> MemoryTable:  # noqa: ARG001  # the same signature in every file of this room
    """The table of that name, made if it is new."""
    with _NAMES:
        rows = _ROWS.setdefault(location, _Rows())
    return MemoryTable(rows, clock)
