"""The server's checkpoints beside our positions: read once, at a group's first start; a copy ever after.

The state table is the authority. The copy is written after it, so it may be behind but never ahead; it is written
again every minute, so that consoles and other workers see who is alive. Row `groups` / task remembers the first start.
"""

import logging
import time
from collections.abc import Callable

import msgspec

from logferry import positions, rows
from logferry.errors import LogferryError, Misconfigured
from logferry.ledger import Ledger
from logferry.model import Position
from logferry.sls.consumer_group import ConsumerGroup
from logferry.state import Table

__all__ = ["Copy", "adopt", "refuse_strangers"]

log = logging.getLogger("logferry.worker")

_SCHEMA = 1
_AGAIN = 60.0  # seconds
_ALIVE = 3 * _AGAIN  # a checkpoint younger than this was written by somebody who is still at work


class _First(msgspec.Struct, frozen=True, kw_only=True):
    schema: int = _SCHEMA
    group: str
    at: float


def refuse_strangers(group: ConsumerGroup, known: set[str], now: float) -> None:
    """Misconfigured when somebody works in the group whom this state table does not know.

    Each of two workers that share no state table would deliver everything, or, with the shards divided between them,
    one of them would start all over.
    """
    for saved in group.checkpoints():
        age = now - saved.updated / 1e6
        if saved.cursor and saved.consumer and saved.consumer not in known and age < _ALIVE:
            raise Misconfigured(
                f"consumer group {group.name}: {saved.consumer!r}, which this state table does not know, saved shard "
                f"{saved.shard} {max(age, 0):.0f} s ago. Workers on several hosts need one shared state table "
                "(LOGFERRY_STATE=dynamodb:TABLE); if that is another program, stop it and wait "
                f"{_ALIVE:.0f} s, or give this worker a --group of its own"
            )


def adopt(task: str, group: ConsumerGroup, table: Table, ledger: Ledger, clock: Callable[[], float]) -> list[str]:
    """At the first start in a group begin where the server's checkpoints stand; the shards that do."""
    first = table.get("groups", task)
    if first is not None and rows.decode(first, _First, _SCHEMA, f"group of task {task}").group == group.name:
        return []
    saved = [one for one in group.checkpoints() if one.cursor]
    taken = [one.shard for one in saved if positions.adopt(task, one.shard, one.cursor, ledger, clock())]
    body = msgspec.json.encode(_First(group=group.name, at=clock()))
    rows.edit(table, "groups", task, lambda _old: body)
    return taken


class Copy:
    """One shard's copy on the server. What goes wrong is told, and delays nothing."""

    def __init__(
        self, group: ConsumerGroup, shard: str, consumer: str, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._group, self.shard, self._consumer, self._now = group, shard, consumer, now
        self._written: Position = ""
        self._at = 0.0

    def write(self, position: Position) -> None:
        """If it is new, or the last copy is a minute old."""
        if position == self._written and self._now() - self._at < _AGAIN:
            return
        try:
            self._group.save(self.shard, position, self._consumer)
        except LogferryError as error:
            facts = {"group": self._group.name, "stream": self.shard, "reason": str(error)}
            log.info("checkpoint not copied to the server", extra=facts)
        self._written, self._at = position, self._now()
