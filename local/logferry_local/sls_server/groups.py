"""Consumer groups: made, changed, listed, deleted; heartbeats; checkpoints.

Time-outs are seconds, a checkpoint's update time is in microseconds. Owners are written when they change, so a
restart of the store does not hand a shard to two consumers.
"""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import msgspec

from logferry_local.sls_server import cursors, resharding
from logferry_local.sls_server.assignment import Assignment
from logferry_local.sls_server.catalog import Catalog
from logferry_local.sls_server.meta import Meta
from logferry_local.sls_server.refusals import Refusal, group_missing, parameter, shard_missing

__all__ = ["MAX_GROUPS", "Checkpoint", "Drained", "Group", "GroupName", "Groups"]

Drained = Callable[[str, str, int, str], bool]  # project, logstore, shard, cursor ("" for its beginning)
MAX_GROUPS = 30  # of one logstore


class GroupName(NamedTuple):
    """Which group."""

    project: str
    logstore: str
    group: str


class Group(msgspec.Struct, frozen=True):
    """One consumer group; `made` (nanoseconds) tells it from an older one of the same name."""

    timeout: int
    order: bool
    made: int


class Checkpoint(msgspec.Struct, frozen=True, rename="camel"):
    """How far one shard is consumed; empty if nobody has said so yet."""

    shard: int
    checkpoint: str = ""
    update_time: int = 0
    consumer: str = ""


class Groups:
    """The consumer groups of all logstores. Methods raise Refusal."""

    def __init__(
        self, meta: Meta, catalog: Catalog, clock: Callable[[], float], drained: Drained | None = None
    ) -> None:
        """`drained` says whether a shard has nothing at or behind a cursor."""
        self._meta, self._catalog, self._clock, self._drained = meta, catalog, clock, drained
        self._assignments: dict[tuple[GroupName, int], Assignment] = {}

    def create(self, name: GroupName, *, timeout: int, order: bool) -> None:
        """Make a group."""
        self._catalog.logstore(name.project, name.logstore)
        if self._meta.get(Group, "group", *name):
            raise Refusal(400, "ConsumerGroupAlreadyExist", f"consumer group {name.group} already exists")
        if len(self.groups(name.project, name.logstore)) >= MAX_GROUPS:
            raise Refusal(400, "ConsumerGroupQuotaExceed", f"a logstore has at most {MAX_GROUPS} consumer groups")
        made = Group(timeout, order, int(self._clock() * 1e9))
        self._meta.put(made, "group", *name)

    def update(self, name: GroupName, *, timeout: int | None, order: bool | None) -> None:
        """Change what is given."""
        old = self._find(name)
        new = msgspec.structs.replace(
            old, timeout=old.timeout if timeout is None else timeout, order=old.order if order is None else order
        )
        self._meta.put(new, "group", *name)

    def groups(self, project: str, logstore: str) -> Sequence[tuple[str, Group]]:
        """All groups of a logstore by name."""
        self._catalog.logstore(project, logstore)
        return list(self._meta.list(Group, "group", project, logstore))

    def delete(self, name: GroupName) -> None:
        """Delete a group with its checkpoints."""
        found = self._find(name)
        self._assignments.pop((name, found.made), None)
        self._meta.delete(*((kind, *name) for kind in ("group", "checkpoint", "owners")))

    def heartbeat(self, name: GroupName, consumer: str, listed: Collection[int]) -> list[int]:
        """The shards that the consumer is to hold."""
        group = self._find(name)
        shards = set(self._ready(name) if group.order else self._shards(name))
        assignment = self._assignment(name, group)
        before = dict(assignment.owners)
        held = assignment.heartbeat(consumer, listed, shards, now=self._clock(), timeout=group.timeout)
        if assignment.owners != before:
            self._meta.put(assignment.owners, "owners", *name)
        return held

    def save(self, name: GroupName, new: Checkpoint, *, force: bool) -> None:
        """Keep a checkpoint; without `force` only from the live owner of the shard."""
        group = self._find(name)
        if new.shard not in self._shards(name):
            raise shard_missing(new.shard)
        try:
            cursors.number(new.checkpoint)
        except ValueError:
            raise Refusal(400, "InvalidShardCheckPoint", "shard checkpoint not encoded by base64") from None
        if not force:
            self._require_owner(self._assignment(name, group), new)
        stamped = msgspec.structs.replace(new, update_time=int(self._clock() * 1e6))
        self._meta.put(stamped, "checkpoint", *name, new.shard)

    def checkpoints(self, name: GroupName, shard: int | None) -> list[Checkpoint]:
        """One shard's checkpoint, or all; an empty one for a shard that has none."""
        group = self._find(name)
        owners = self._assignment(name, group).owners
        numbers = self._shards(name)
        if shard is not None and shard not in numbers:
            raise shard_missing(shard)
        found = (
            self._meta.get(Checkpoint, "checkpoint", *name, number)
            or Checkpoint(number, consumer=owners.get(number, ""))
            for number in (numbers if shard is None else [shard])
        )
        return list(found)

    def _ready(self, name: GroupName) -> list[int]:
        """Shards whose parents (those that were split or merged into them) have been consumed to their end."""
        shards = self._catalog.logstore(name.project, name.logstore).shards
        done = {
            shard.shard_id for shard in shards if shard.status == "readonly" and self._consumed(name, shard.shard_id)
        }
        return [
            shard.shard_id for shard in shards if all(one.shard_id in done for one in resharding.parents(shards, shard))
        ]

    def _consumed(self, name: GroupName, shard: int) -> bool:
        saved = self._meta.get(Checkpoint, "checkpoint", *name, shard)
        return self._drained is None or self._drained(
            name.project, name.logstore, shard, saved.checkpoint if saved else ""
        )

    def _shards(self, name: GroupName) -> list[int]:
        return [info.shard_id for info in self._catalog.logstore(name.project, name.logstore).shards]

    def _find(self, name: GroupName) -> Group:
        found = self._meta.get(Group, "group", *name)
        if found is None:
            self._catalog.logstore(name.project, name.logstore)
            raise group_missing(name.group)
        return found

    def _assignment(self, name: GroupName, group: Group) -> Assignment:
        key = (name, group.made)
        if key not in self._assignments:
            owners = self._meta.get(dict[int, str], "owners", *name) or {}
            self._assignments[key] = Assignment(owners, self._clock())
        return self._assignments[key]

    @staticmethod
    def _require_owner(assignment: Assignment, new: Checkpoint) -> None:
        if not new.consumer:
            raise parameter("without a consumer, forceSuccess must be true")
        if not assignment.alive(new.consumer):
            raise Refusal(400, "ConsumerNotExist", f"consumer {new.consumer[:64]} does not exist")
        if assignment.owners.get(new.shard) != new.consumer:
            raise Refusal(400, "ConsumerNotMatch", f"shard {new.shard} is not held by {new.consumer[:64]}")
