"""What a log store knows of consumer groups: who consumes which shard, how far, and how far behind.

`lag` is how long ago the oldest log was received that the group has not consumed yet, in seconds; 0 when it has all.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from logferry.errors import ConfigError, Expired, SourceError
from logferry.sls.consumer_group import Checkpoint, ConsumerGroup, GroupInfo
from logferry.sources.sls import SlsSource
from logferry_local.sls_place import moment

__all__ = ["find", "group_row", "shard_rows"]

_MICRO = 1_000_000


class _Reached(NamedTuple):
    received: float | None  # when the log at the checkpoint was received
    lag: float | None
    note: str = ""


def find(source: SlsSource, name: str, subject: str) -> GroupInfo:
    """The group of that name; ConfigError that lists the known ones."""
    groups = ConsumerGroup(source.logstore, name).listed()
    for group in groups:
        if group.name == name:
            return group
    known = ", ".join(sorted(group.name for group in groups)) or "none"
    raise ConfigError([f"{name!r} is not a consumer group of {source.logstore.name}; known: {known}"], subject=subject)


def group_row(source: SlsSource, group: GroupInfo) -> dict[str, Any]:
    """One group in a line: how many consumers and shards its checkpoints name, and when the last one was saved."""
    saved = ConsumerGroup(source.logstore, group.name).checkpoints()
    consumers = sorted({one.consumer for one in saved if one.consumer})
    return {
        "name": group.name,
        "timeout": group.timeout,
        "order": group.order,
        "consumers": consumers,
        "shards": sum(bool(one.consumer) for one in saved),
        "updated": moment(max((one.updated for one in saved), default=0) / _MICRO),
    }


def shard_rows(source: SlsSource, name: str) -> list[dict[str, Any]]:
    """Each shard's checkpoint, with what can be said of it."""
    saved = sorted(ConsumerGroup(source.logstore, name).checkpoints(), key=lambda one: int(one.shard))
    return [_shard_row(source, one) for one in saved]


def _shard_row(source: SlsSource, saved: Checkpoint) -> dict[str, Any]:
    reached = _reached(source, saved) if saved.cursor else _Reached(None, None, "no checkpoint yet")
    return {
        "shard": saved.shard,
        "checkpoint": saved.cursor,
        "received": moment(reached.received),
        "consumer": saved.consumer,
        "updated": moment(saved.updated / _MICRO),
        "lag": None if reached.lag is None else round(reached.lag),
        "note": reached.note,
    }


def _reached(source: SlsSource, saved: Checkpoint) -> _Reached:
    logstore = source.logstore
    try:
        order = [source.order(cursor) for cursor in (saved.cursor, *_bounds(source, saved.shard))]
    except SourceError:
        return _Reached(None, None, "the checkpoint is no cursor")
    at, begin, end = order
    if at < begin:
        oldest = logstore.get_cursor(saved.shard, "begin")
        behind = logstore.client.clock() - logstore.get_cursor_time(saved.shard, oldest) if end > begin else 0.0
        return _Reached(None, max(0.0, behind), "older than what is kept")
    try:
        received = logstore.get_cursor_time(saved.shard, saved.cursor)
    except Expired:
        return _Reached(None, None, "the checkpoint is none of this logstore")
    return _Reached(received, 0.0 if at >= end else max(0.0, logstore.client.clock() - received))


def _bounds(source: SlsSource, shard: str) -> Sequence[str]:
    return [source.logstore.get_cursor(shard, at) for at in ("begin", "end")]
