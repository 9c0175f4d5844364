"""Tables and their rows in one SQLite file, or in memory: `Store("")`.

A row is kept as PlainBuffer under its sortable key; a write is on the disk when it returns. One thread at a time.
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from logferry.errors import Misconfigured, StateError
from logferry_local.ots_server.keys import Column
from logferry_local.ots_server.plain_buffer import Row, read_row, write_rows
from logferry_local.ots_server.refusals import Refusal

__all__ = ["Store", "Table"]

_BUSY = 1.0  # seconds
_MAKE = """
    CREATE TABLE IF NOT EXISTS tables (id INTEGER PRIMARY KEY, instance TEXT, name TEXT, said TEXT,
        UNIQUE (instance, name));
    CREATE TABLE IF NOT EXISTS rows (tab INTEGER, key BLOB, row BLOB, PRIMARY KEY (tab, key)) WITHOUT ROWID;
"""


@dataclass(frozen=True, kw_only=True)
class Table:
    """What CreateTable said. `time_to_live` in seconds, -1 for ever; `deviation`: how far from now a version may be."""

    name: str
    columns: tuple[Column, ...]
    time_to_live: int = -1
    max_versions: int = 1
    deviation: int = 86400
    made: int = 0  # Unix time
    number: int = 0  # of the store


class Store:
    """All tables of all instances."""

    def __init__(self, path: str) -> None:
        if path:
            Path(path).absolute().parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = _opened(path)
        except sqlite3.Error as error:
            if "locked" in str(error):
                raise StateError(f"{path}: another server runs on this file") from None
            raise Misconfigured(f"{path}: {error}") from None

    def create(self, instance: str, table: Table) -> None:
        """Make a table; Refusal if there is one of that name."""
        said = json.dumps([table.columns, table.time_to_live, table.max_versions, table.deviation, table.made])
        try:
            self._database.execute(
                "INSERT INTO tables (instance, name, said) VALUES (?, ?, ?)", (instance, table.name, said)
            )
        except sqlite3.IntegrityError:
            raise Refusal(409, "OTSObjectAlreadyExist", "Requested table already exists.") from None

    def names(self, instance: str) -> list[str]:
        """The tables of an instance, sorted."""
        rows = self._database.execute("SELECT name FROM tables WHERE instance = ? ORDER BY name", (instance,))
        return [name for (name,) in rows]

    def table(self, instance: str, name: str) -> Table:
        """The table; Refusal if there is none."""
        sql = "SELECT id, said FROM tables WHERE instance = ? AND name = ?"
        row = self._database.execute(sql, (instance, name)).fetchone()
        if row is None:
            raise Refusal(404, "OTSObjectNotExist", "Requested table does not exist.")
        columns, time_to_live, max_versions, deviation, made = json.loads(row[1])
        return Table(
            name=name, columns=tuple(Column(*column) for column in columns), time_to_live=time_to_live,
            max_versions=max_versions, deviation=deviation, made=made, number=row[0],
        )  # fmt: skip

    def drop(self, table: Table) -> None:
        """Delete a table with its rows."""
        self._database.execute("DELETE FROM rows WHERE tab = ?", (table.number,))
        self._database.execute("DELETE FROM tables WHERE id = ?", (table.number,))

    def get(self, table: Table, key: bytes) -> Row | None:
        """The row under a key."""
        row = self._database.execute("SELECT row FROM rows WHERE tab = ? AND key = ?", (table.number, key)).fetchone()
        return read_row(row[0]) if row else None

    def put(self, table: Table, key: bytes, row: Row) -> None:
        """Write a row over what was there."""
        self._database.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", (table.number, key, write_rows([row])))

    def delete(self, table: Table, key: bytes) -> None:
        """Delete the row under a key."""
        self._database.execute("DELETE FROM rows WHERE tab = ? AND key = ?", (table.number, key))

    def range(self, table: Table, start: bytes, end: bytes, *, backward: bool) -> Iterator[tuple[Row, int]]:
        """Rows from `start` to before `end` (backward: from the greater to the less), each with its stored size."""
        if backward:
            sql = "SELECT row FROM rows WHERE tab = ? AND key <= ? AND key > ? ORDER BY key DESC"
        else:
            sql = "SELECT row FROM rows WHERE tab = ? AND key >= ? AND key < ? ORDER BY key"
        for (data,) in self._database.execute(sql, (table.number, start, end)):
            yield read_row(data), len(data)

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _opened(path: str) -> sqlite3.Connection:
    database = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False, timeout=_BUSY)
    try:
        # Nobody else: a condition and its write are two statements.
        database.executescript(f"PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; {_MAKE} COMMIT;")
    except sqlite3.Error:
        database.close()
        raise
    return database
