"""`sqlite:PATH`: a table in one file on a local disk, for one host; several processes and threads may share it.

A write that returned is on the disk (WAL, synchronous=FULL). Waits at most 10 s for another process's write. The file
is made with mode 0600, its directory with 0700. One connection a process, under a lock: writers queue there
fairly, while SQLite's own waiting is a lottery, and a fork can find it closed (`_forks`).
Specification: sqlite.org/wal.html, /lang_transaction.html, /pragma.html.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from logferry.errors import ConfigError
from logferry.state import Item
from logferry.state._forks import watch
from logferry.state._mounts import MOUNTS, check_local
from logferry.state._rows import check_key, check_value, conflict, new_version, whole
from logferry.state._sqlite_file import connect, translated

__all__ = ["FORM", "OPTIONS", "SqliteTable", "open_table"]

OPTIONS: tuple[str, ...] = ()
FORM = "sqlite:PATH"

_PAGE = 100  # rows; at most 35 MB
_GRACE = 3600  # seconds that an expired row stays, should the clock have been wrong
_PURGE = 100  # expired rows removed by one write that sets an expiry: more than it adds


class SqliteTable:
    """Rows in one SQLite file."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self.lock = threading.Lock()
        watch(self)

    def get(self, partition: str, sort: str) -> Item | None:
        """The row, None if there is none or it has expired."""
        check_key(partition, sort)
        sql = "SELECT sort, value, version FROM rows WHERE partition = ? AND sort = ? AND ifnull(expires > ?, 1)"
        with self._opened() as connection:
            row = connection.execute(sql, (partition, sort, self._clock())).fetchone()
        return Item(*row) if row else None

    def put(self, partition: str, sort: str, value: bytes, *, expect: str | None, expires: float | None = None) -> str:
        """Write if the row is at `expect`; the new version."""
        check_key(partition, sort)
        check_value(value)
        until, version = whole(expires), new_version()
        with self._writing() as connection:
            if self._version(connection, partition, sort) != expect:
                raise conflict(partition, sort, version)
            row = (partition, sort, bytes(value), version, until)
            connection.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)", row)
            if until is not None:
                gone = "SELECT partition, sort FROM rows WHERE expires <= ? LIMIT ?"
                connection.execute(
                    f"DELETE FROM rows WHERE (partition, sort) IN ({gone})",  # noqa: S608  # a constant
                    (self._clock() - _GRACE, _PURGE),
                )
        return version

    def delete(self, partition: str, sort: str, *, expect: str) -> None:
        """Delete if the row is at `expect`."""
        check_key(partition, sort)
        with self._writing() as connection:
            if self._version(connection, partition, sort) != expect:
                raise conflict(partition, sort, "")
            connection.execute("DELETE FROM rows WHERE partition = ? AND sort = ?", (partition, sort))

    def list(self, partition: str) -> Iterator[Item]:
        """All rows of one partition in order; no lock is held between two pages."""
        check_key(partition)
        return self._pages(partition)

    def close(self) -> None:
        """Close the connection; a later use opens it again."""
        with self.lock:
            self.drop()

    def drop(self) -> None:
        """Close the connection; the caller holds the lock."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _pages(self, partition: str) -> Iterator[Item]:
        sql = (
            "SELECT sort, value, version FROM rows"
            " WHERE partition = ? AND sort > ? AND ifnull(expires > ?, 1) ORDER BY sort LIMIT ?"
        )
        after = ""
        while True:
            with self._opened() as connection:
                page = connection.execute(sql, (partition, after, self._clock(), _PAGE)).fetchall()
            yield from (Item(*row) for row in page)
            if len(page) < _PAGE:
                return
            after = page[-1][0]

    def _version(self, connection: sqlite3.Connection, partition: str, sort: str) -> str | None:
        sql = "SELECT version FROM rows WHERE partition = ? AND sort = ? AND ifnull(expires > ?, 1)"
        row = connection.execute(sql, (partition, sort, self._clock())).fetchone()
        return str(row[0]) if row else None

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with self.lock, translated(self._path):
            if self._connection is None:
                self._connection = connect(self._path)
            yield self._connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")


def open_table(location: str, options: Mapping[str, str], clock: Callable[[], float]) -> SqliteTable:  # noqa: ARG001  # the same signature in every file of this room
    """The table in the file at `location`, made with its directories if it is new."""
    if location.startswith(":"):
        raise ConfigError([f"sqlite:{location}: not a file; memory:NAME is a table in memory"], subject="state")
    path = Path(location).expanduser().absolute()
    if MOUNTS.exists():
        check_local(path, MOUNTS.read_text(errors="replace"))
    table = SqliteTable(path, clock)
    with table._opened():  # noqa: SLF001  # a wrong path or a newer schema shows at once, not at the first row
        return table
