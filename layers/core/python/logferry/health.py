"""The system's hold on a task that cannot work (`unhealthy`), kept apart from the state that a person chose.

A held task reads nothing until `retry_at`; then one caller, whoever writes first, may probe it. Back-off without
jitter: 30 s, doubled with each probe, at most 15 min. There is one row a task, so many streams that fail at once
count as one failure.
"""

import msgspec

from logferry import rows
from logferry.state import Item, Table
from logferry.task_store import State

__all__ = ["SCHEMA", "Health", "Holds", "shown"]

SCHEMA = 1
_PARTITION = "health"
_FIRST, _LONGEST = 30.0, 900.0  # seconds


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Why a task is held, since when, and when it may be tried again (Unix seconds)."""

    schema: int = SCHEMA
    reason: str
    since: float
    retry_at: float
    attempts: int


class Holds:
    """All held tasks, over one state table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def health(self, name: str) -> Health | None:
        """The task's hold, None if it is not held."""
        item = self._table.get(_PARTITION, name)
        return _decode(item) if item else None

    def all(self) -> dict[str, Health]:
        """Every hold, by the task's name."""
        return {item.sort: _decode(item) for item in self._table.list(_PARTITION)}

    def hold(self, name: str, reason: str, now: float) -> None:
        """Hold a task. While it is held already only the reason is new; after its time, it is held for longer."""

        def change(item: Item | None) -> bytes | None:
            old = _decode(item) if item else None
            if old is None:
                new = Health(reason=reason[:500], since=now, retry_at=now + _FIRST, attempts=1)
            elif old.retry_at > now:
                new = msgspec.structs.replace(old, reason=reason[:500])
            else:
                new = _longer(msgspec.structs.replace(old, reason=reason[:500]), now)
            return None if new == old else msgspec.json.encode(new)

        rows.edit(self._table, _PARTITION, name, change)

    def probe(self, name: str, now: float) -> bool:
        """Whether this caller may try the task: it is not held, or its time has come and this caller was first."""
        free = False

        def change(item: Item | None) -> bytes | None:
            nonlocal free
            old = _decode(item) if item else None
            # Farther ahead than any hold lasts: written under a clock that was wrong.
            free = old is None or not now < old.retry_at <= now + _LONGEST
            return msgspec.json.encode(_longer(old, now)) if old and free else None

        rows.edit(self._table, _PARTITION, name, change)
        return free

    def release(self, name: str) -> bool:
        """End the hold; whether there was one."""
        return rows.edit(self._table, _PARTITION, name, lambda item: rows.DELETE if item else None)


def shown(state: State, health: Health | None) -> str:
    """The state a person sees: `unhealthy` for an online task that is held."""
    return "unhealthy" if state == "online" and health else state


def _longer(old: Health, now: float) -> Health:
    wait = min(_LONGEST, _FIRST * 2 ** min(old.attempts, 10))
    return msgspec.structs.replace(old, retry_at=now + wait, attempts=old.attempts + 1)


def _decode(item: Item) -> Health:
    return rows.decode(item, Health, SCHEMA, f"hold of task {item.sort}")
