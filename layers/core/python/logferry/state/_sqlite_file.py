"""The file of a SQLite table: made, checked, brought to the right mode; SQLite's errors become ours."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from logferry.errors import ConfigError, StateError

__all__ = ["connect", "translated"]

_SCHEMA = 1
_APPLICATION = 0x6C6F6766  # "logf", in the file's header: not some other program's database
_MAKE = f"""
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS rows (
        partition TEXT NOT NULL, sort TEXT NOT NULL, value BLOB NOT NULL, version TEXT NOT NULL, expires INTEGER,
        PRIMARY KEY (partition, sort)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS expiring ON rows (expires) WHERE expires IS NOT NULL;
    PRAGMA application_id = {_APPLICATION};
    PRAGMA user_version = {_SCHEMA};
    COMMIT;
"""
_BUSY = 10.0  # seconds


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the file, made with its directories if it is new; may be used by one thread at a time."""
    if path.is_dir():
        raise ConfigError([f"sqlite:{path}: is a directory, expected a file"], subject="state")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):  # SQLite gives its log files the same mode
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    # In this order: another process may be making the tables now, and writes its mark in the same transaction.
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    schema = connection.execute("PRAGMA user_version").fetchone()[0]
    if owner != _APPLICATION and not empty:
        raise ConfigError([f"sqlite:{path}: is another program's database"], subject="state")
    if schema > _SCHEMA:
        raise ConfigError(
            [f"sqlite:{path}: has schema {schema}, this release knows up to {_SCHEMA}; upgrade logferry"],
            subject="state",
        )
    _use_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    if empty or schema < _SCHEMA:
        connection.executescript(_MAKE)


def _use_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait (busy time-out) when two processes switch a new file at once, so this does."""
    end = time.monotonic() + _BUSY
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)
            continue
        if mode != "wal":
            raise sqlite3.OperationalError(f"the file system does not allow WAL (journal mode is {mode})")
        return


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's and the system's errors as StateError, those that no repeat mends as ConfigError."""
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:  # locked, disk full, input or output, permissions
        raise StateError(f"sqlite:{path}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise ConfigError(
            [f"sqlite:{path}: {error}; restore it or move it away (its positions are lost then)"], subject="state"
        ) from error
