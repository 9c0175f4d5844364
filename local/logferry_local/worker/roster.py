"""Who works in which consumer group, as the shared state table knows it: rows `workers/<group>` / consumer.

The service lets two processes use one consumer name and hands both the same shards; the roster refuses the second. A
row is forgotten an hour after its worker was last seen. Times are Unix seconds.
"""

import os
import socket
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from logferry import rows
from logferry.errors import Conflict, Misconfigured
from logferry.state import Item, Table

__all__ = ["Badge", "Roster"]

_SCHEMA = 1
_REMEMBERED = 3600.0


class Badge(NamedTuple):
    """One worker: its name in the group, and a nonce that no other process has."""

    consumer: str
    nonce: str


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    schema: int = _SCHEMA
    nonce: str
    host: str
    pid: int
    seen: float


class Roster:
    """The workers of one consumer group."""

    def __init__(self, table: Table, group: str, clock: Callable[[], float]) -> None:
        self._table, self._clock = table, clock
        self._partition = f"workers/{group}"
        self._group = group

    def enter(self, me: Badge, time_out: float) -> None:
        """Take the name; Misconfigured if a worker that was seen within `time_out` seconds has it."""
        self._write(me, time_out)

    def renew(self, me: Badge) -> None:
        """Say that this worker is still there; Conflict if another has taken its name."""
        try:
            self._write(me, _REMEMBERED)
        except Misconfigured as error:
            raise Conflict(str(error), version="") from None

    def leave(self, me: Badge) -> None:
        """Give the name back; that it was one of ours stays known for the hour that its checkpoints count as fresh."""
        item = self._table.get(self._partition, me.consumer)
        if item is not None and _decode(item).nonce == me.nonce:
            row = msgspec.json.encode(msgspec.structs.replace(_decode(item), nonce="", seen=0.0))
            expires = self._clock() + _REMEMBERED
            self._table.put(self._partition, me.consumer, row, expect=item.version, expires=expires)

    def names(self) -> set[str]:
        """Workers of the last hour."""
        return {item.sort for item in self._table.list(self._partition)}

    def _write(self, me: Badge, time_out: float) -> None:
        item = self._table.get(self._partition, me.consumer)
        now, host = self._clock(), socket.gethostname()
        if item is not None:
            old = _decode(item)
            ours = old.nonce == me.nonce or (old.host == host and not _runs(old.pid))
            age = now - old.seen
            if not ours and age < time_out:
                raise Misconfigured(
                    f"consumer {me.consumer!r} of group {self._group} is in use by process {old.pid} on {old.host}, "
                    f"seen {age:.0f} s ago: give this worker another --consumer, or wait {time_out:.0f} s if that one "
                    "was killed"
                )
        row = msgspec.json.encode(_Row(nonce=me.nonce, host=host, pid=os.getpid(), seen=now))
        version = item.version if item else None
        self._table.put(self._partition, me.consumer, row, expect=version, expires=now + _REMEMBERED)


def _decode(item: Item) -> _Row:
    return rows.decode(item, _Row, _SCHEMA, f"worker {item.sort}")


def _runs(pid: int) -> bool:
    """Whether a process of this host runs under the number; another one's counts as running."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
