"""A logstore: one stream a shard, read by cursor ranges through PullLogs.

Positions are the service's cursors, base64 of a number that grows along a shard. A shard that was split or merged is
read to its end before the shards that took over its key range. A pull is bounded by `max_groups` and the service's
10 MB; transient errors are the caller's to repeat. Docs: docs/sources/sls.md.
"""

import base64
import binascii
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated

import msgspec

from logferry import config
from logferry.config import Duration
from logferry.errors import ConfigError, LogferryError, SourceError
from logferry.model import Position, Record
from logferry.sls.access import Access, Address, opened
from logferry.sls.client import web
from logferry.sls.codec import LogGroups
from logferry.sls.endpoint import Endpoint
from logferry.sls.logstore import Logstore, Pull, Shard
from logferry.sls.projects import get_logstore
from logferry.sls.trigger import Doorbell
from logferry.sls.write import list_entry
from logferry.sources import Progress, Replays, Stream, Surroundings
from logferry.transport.reach import Reach
from logferry.transport.web import Web

if TYPE_CHECKING:
    from logferry.sls.consumer_group import ConsumerGroup

__all__ = ["IDENTITY", "PLACE", "Config", "SlsSource", "build", "revive", "rings"]

IDENTITY = ("endpoint", "project", "logstore", "query")
PLACE = ("project", "logstore")  # positions stay right by whichever endpoint, and a remade shard shows by its birth
_FOR_EVER = 3650  # days; what the service stores for "never expires"
_DAY = 86_400.0


class Config(Access, frozen=True, kw_only=True):
    """`source: {sls: …}`."""

    endpoint: Address
    query: str | None = None
    max_groups: Annotated[int, msgspec.Meta(ge=1, le=1000, description="1-1000")] = 1000
    retention: Duration | None = None

    def problems(self) -> list[str]:
        """What needs more than one option."""
        found = super().problems()
        if (self.auth == "v4") != (self.region is not None):
            wanted = "auth v4 needs a region" if self.region is None else "a region is for auth v4 only"
            found.append(f"region: {self.region!r} with auth {self.auth}, {wanted}")
        if self.retention is not None and config.seconds(self.retention) <= 0:
            found.append(f"retention: {self.retention} is not more than 0s")
        return found


class SlsSource:
    """One logstore."""

    replays: Replays = "cursor"
    progress: Progress = "ordered"

    def __init__(
        self, logstore: Logstore, *, query: str = "", max_groups: int = 1000, retention: float | None = None
    ) -> None:
        self.logstore = logstore
        self._query = query
        self._max_groups = max_groups
        self._retention = retention

    def streams(self) -> list[Stream]:
        """All shards, those that were split or merged before those that took over from them."""
        shards = sorted(self.logstore.list_shards(), key=_age)
        return [
            Stream(name=shard.name, born=shard.created, open=shard.writable, parents=_parents(shard, shards))
            for shard in shards
        ]

    def position(self, stream: str, at: str | int) -> Position:
        """The cursor of `begin`, `end` or a receive time."""
        return self.logstore.get_cursor(stream, str(at))

    def order(self, position: Position) -> int:
        """The number in the cursor."""
        try:
            digits = base64.b64decode(position, validate=True)
        except (binascii.Error, ValueError):
            digits = b""
        if not digits.isdigit():
            raise SourceError(f"position: {position[:80]!r} is not a cursor (base64 of a number)")
        return int(digits)

    def time_of(self, stream: str, position: Position) -> int:
        """When the log group at the position (or the oldest that is kept) was received; now at the shard's end."""
        at = max(position, self.position(stream, "begin"), key=self.order)
        if self.order(at) >= self.order(self.position(stream, "end")):
            return int(self.logstore.client.clock())
        return self.logstore.get_cursor_time(stream, at)

    def retention(self) -> float | None:
        """As configured, else the logstore's ttl; None if it keeps logs for ever or does not say."""
        if self._retention is not None:
            return self._retention
        try:
            days = get_logstore(self.logstore.client, self.logstore.name).get("ttl")
        except LogferryError:
            return None
        return days * _DAY if isinstance(days, int) and 0 < days < _FOR_EVER else None

    def read(self, stream: str, begin: Position, end: Position) -> Iterator[LogGroups]:
        """Pull after pull until `end`; ends early, without a batch, where the service has nothing up to there yet.

        A service that ignores the end cursor may go past it: the last batch says how far.
        """
        cursor, last = begin, self.order(end)
        while self.order(cursor) < last:
            pulled = self.logstore.pull_logs(stream, Pull(cursor, end, self._max_groups, self._query))
            step = self.order(pulled.next_cursor) - self.order(cursor)
            if step < 0 or (step == 0 and pulled.data):
                raise SourceError(
                    f"shard {stream}: the pull at {cursor} returned logs and leads to {pulled.next_cursor}"
                )
            if step == 0:
                return
            yield _batch(pulled.data, cursor, pulled.next_cursor, pulled.raw_lines)
            cursor = pulled.next_cursor

    def restore(self, data: bytes, begin: Position, end: Position, filtered_at_source: int) -> LogGroups:
        """A batch from its `data`."""
        return LogGroups(data, begin, end, filtered_at_source=filtered_at_source)


def build(options: Config, surroundings: Surroundings) -> SlsSource:
    """The source; it asks for its key at each request, connects at the first one, and shares connections."""
    keys = options.keys(surroundings.vault, surroundings.environ)
    endpoint = Endpoint.parse(options.endpoint)
    reach = Reach.of(surroundings.environ).of_vendor()  # most logstores are read at an inner address of the cloud
    logstore = opened(options, endpoint, keys, _connections(options.ca_file, reach), surroundings.clock)
    kept = None if options.retention is None else config.seconds(options.retention)
    return SlsSource(logstore, query=options.query or "", max_groups=options.max_groups, retention=kept)


def consumer_group(source: SlsSource, name: str) -> "ConsumerGroup":
    """The group that divides the logstore's shards among workers."""
    from logferry.sls.consumer_group import ConsumerGroup  # for workers, not for functions

    return ConsumerGroup(source.logstore, name)


def rings(options: Config, bell: Doorbell) -> bool:
    """Whether the trigger's doorbell means this logstore, by whichever of its endpoints."""
    try:
        place = Endpoint.parse(bell.endpoint).place()
    except ConfigError:
        return False
    named = (options.project, options.logstore) == (bell.project, bell.logstore)
    return named and place == Endpoint.parse(options.endpoint).place()


def revive(original: bytes) -> Record:
    """The record that was parked as `original`: a LogGroup of one log. SourceError if it is none."""
    found = list(LogGroups(list_entry(len(original)) + original, "", "").records())
    if len(found) != 1:
        raise SourceError(f"a parked original holds {len(found)} logs, not one")
    return found[0]


@cache
def _connections(ca_file: str | None, reach: Reach) -> Web:
    """Kept while the instance lives: a source is built for each invocation."""
    return web(ca_file, reach)


def _batch(data: bytes, begin: Position, end: Position, raw_lines: int | None) -> LogGroups:
    batch = LogGroups(data, begin, end)
    if raw_lines is not None:
        batch.filtered_at_source = max(0, raw_lines - batch.count)
    return batch


def _age(shard: Shard) -> tuple[int, int]:
    return shard.created, int(shard.name)


def _parents(shard: Shard, shards: Sequence[Shard]) -> tuple[str, ...]:
    """Older shards, no longer written to, that had a part of its key range."""
    return tuple(
        other.name
        for other in shards
        if not other.writable
        and _age(other) < _age(shard)
        and other.begin_key < shard.end_key
        and shard.begin_key < other.end_key
    )
