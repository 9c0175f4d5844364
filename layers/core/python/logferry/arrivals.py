"""What came in an event: items that whoever sent it tracks one by one, and presents again if they are not settled.

Limits: 10,000 items, the most that Lambda puts into one batch (Lambda Developer Guide, "Event source mappings").
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from logferry.errors import ConfigError

__all__ = ["Arrival", "Arrivals", "read", "source_of"]

MOST = 10_000

T = TypeVar("T")


class Arrival(NamedTuple):
    """One item, as the platform tracks it."""

    id: str  # how the platform names it; the same each time it is presented
    data: str  # as it came
    at: float = 0.0  # Unix seconds at which the platform took it; 0 if it does not say
    tries: int = 0  # how often it was presented, this time included; 0 if the platform does not say


class Arrivals(NamedTuple):
    """All items of one event, in their order. None: it has nothing to say, and nobody need be asked."""

    place: str  # where they come from: an ARN, a log group
    items: Sequence[Arrival]
    stream: str = ""  # the shard, where there is one
    owner: str = ""  # the account, where the event names it beside the place


def source_of(event: object) -> str:
    """`eventSource` of an event of Records; empty for any other."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    first = records[0] if isinstance(records, list) and records else None
    found = first.get("eventSource") if isinstance(first, Mapping) else None
    return found if isinstance(found, str) else ""


def read(event: object, shape: type[T]) -> list[T]:
    """`Records` of the event, each as a `shape`. ConfigError for what is none, or is too much."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list) or len(records) > MOST:
        raise ConfigError([f"Records: is not a list of at most {MOST} records"], subject="event")
    try:
        return msgspec.convert(records, type=list[shape])  # type: ignore[valid-type]  # a class at run time
    except msgspec.ValidationError as error:
        raise ConfigError([f"Records: {error}"], subject="event") from None
