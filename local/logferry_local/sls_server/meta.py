"""Small documents by key, durable in one SQLite file: projects, logstores, indexes, groups, checkpoints.

Keys are parts joined by `/`, which no name contains. One connection, used by one thread at a time.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from logferry.errors import Misconfigured

__all__ = ["Meta"]

T = TypeVar("T")
_MAKE = "CREATE TABLE IF NOT EXISTS documents (key TEXT PRIMARY KEY, body BLOB) WITHOUT ROWID"


class Meta:
    """A table of JSON documents."""

    def __init__(self, path: Path, *, careful: bool) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        try:
            self._connection.execute("PRAGMA journal_mode=WAL")
            # NORMAL survives the death of the process; FULL also a power cut.
            self._connection.execute(f"PRAGMA synchronous={'FULL' if careful else 'NORMAL'}")
            self._connection.execute(_MAKE)
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise Misconfigured(f"{path}: {error}; restore it from a copy, or give the store another folder") from None

    def get(self, shape: type[T], *key: object) -> T | None:
        """The document, or None."""
        row = self._connection.execute("SELECT body FROM documents WHERE key = ?", [_join(key)]).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=shape)

    def put(self, document: object, *key: object) -> None:
        """Write it, or write over it."""
        self._connection.execute(
            "INSERT INTO documents VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET body = excluded.body",
            [_join(key), msgspec.json.encode(document)],
        )

    def list(self, shape: type[T], *key: object) -> Iterator[tuple[str, T]]:
        """The documents below a key, by the rest of their keys, in order."""
        start = _join(key) + "/"
        rows = self._connection.execute(
            "SELECT key, body FROM documents WHERE key >= ? AND key < ? ORDER BY key", [start, start[:-1] + "0"]
        ).fetchall()
        return ((name.removeprefix(start), msgspec.json.decode(body, type=shape)) for name, body in rows)

    def delete(self, *keys: tuple[object, ...]) -> None:
        """Delete the documents at and below these keys, all or none."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            for key in keys:
                at = _join(key)
                self._connection.execute(
                    "DELETE FROM documents WHERE key = ? OR (key >= ? AND key < ?)", [at, at + "/", at + "0"]
                )

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def _join(key: tuple[object, ...]) -> str:
    return "/".join(str(part) for part in key)
