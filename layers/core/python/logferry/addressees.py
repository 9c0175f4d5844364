"""Whom a doorbell is for: the tasks whose source says that it means them. An event may only match what tasks say."""

from collections.abc import Callable, Sequence

from logferry import kinds, registry
from logferry.config import Config
from logferry.errors import ConfigError, LogferryError
from logferry.kinds import Chosen
from logferry.task import Task
from logferry.task_store import Stored

__all__ = ["addressees", "is_read", "unreadable"]


def addressees(kind: str, bell: object, tasks: Sequence[Stored], place: str) -> list[Stored]:
    """Tasks of this kind that the doorbell means, in any state. ConfigError that names what is read, if none."""
    there = _meant(kind, bell, tasks)
    if not there:
        known = sorted({_shown(task.source) for stored in tasks if (task := _readable(stored))})
        reads = "; ".join(known) or "nothing yet (logferry task apply)"
        raise ConfigError([f"source: {place} is read by no task; the tasks read {reads}"], subject="event")
    return there


def is_read(kind: str, bell: object, tasks: Sequence[Stored]) -> bool:
    """Whether the doorbell means any of them."""
    return bool(_meant(kind, bell, tasks) or unreadable(kind, tasks))


def unreadable(kind: str, tasks: Sequence[Stored]) -> list[Stored]:
    """Tasks of this kind that this release cannot read: the event may be for them."""
    return [stored for stored in tasks if _is_of(kind, stored) and not _readable(stored)]


def _meant(kind: str, bell: object, tasks: Sequence[Stored]) -> list[Stored]:
    return [
        stored for stored in tasks if _is_of(kind, stored) and (task := _readable(stored)) and _rings(bell, task.source)
    ]


def _is_of(kind: str, stored: Stored) -> bool:
    """As it is written: a task takes milliseconds to be read, and may be none that this release can read."""
    return kind in (stored.spec or {}).get("source", ())


def _shown(source: Chosen) -> str:
    named = {name: value for name, value in kinds.identity("sources", source).items() if value is not None}
    return f"{named.pop('kind')}: " + ", ".join(f"{name} {value}" for name, value in named.items())


def _readable(stored: Stored) -> Task | None:
    try:
        return stored.task()
    except LogferryError:
        return None


def _rings(bell: object, source: Chosen) -> bool:
    """Whether the doorbell means this source; a kind that has no doorbells never answers."""
    rings: Callable[[Config, object], bool] | None = getattr(registry.find("sources", source.kind), "rings", None)
    return rings is not None and rings(source.options, bell)
