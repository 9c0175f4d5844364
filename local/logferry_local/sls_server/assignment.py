"""Who holds which shard in one consumer group: fair shares, and never two owners of a shard.

A consumer's heartbeat lists what it holds; the answer is what it may hold. A consumer with more than its share is
first told to let go of some (the answer leaves them out), and such a shard goes to somebody else only when its owner
no longer lists it, or has been silent for longer than the group's time-out. Times are Unix seconds.
"""

from collections.abc import Collection, Mapping

__all__ = ["Assignment"]


class Assignment:
    """The state of one group. After a restart every known owner counts as just seen."""

    def __init__(self, owners: Mapping[int, str], now: float) -> None:
        self.owners = dict(owners)  # shard -> consumer
        self._seen = dict.fromkeys(owners.values(), now)
        self._told: dict[str, set[int]] = {}  # consumer -> shards that the last answer took away

    def alive(self, consumer: str) -> bool:
        """Whether the consumer has sent a heartbeat within the time-out (as of the last heartbeat of any)."""
        return consumer in self._seen

    def heartbeat(
        self, consumer: str, listed: Collection[int], shards: Collection[int], *, now: float, timeout: float
    ) -> list[int]:
        """The shards that the consumer may hold from now on."""
        self._seen[consumer] = now
        self._forget_silent(now - timeout)
        self._settle(consumer, set(listed), shards)
        share = self._share(consumer, len(shards))
        for shard in sorted(set(shards) - set(self.owners)):
            if len(self._held(consumer)) < share:
                self.owners[shard] = consumer
        self._told[consumer] = self._surplus(consumer, share)
        return sorted(self._held(consumer) - self._told[consumer])

    def _forget_silent(self, before: float) -> None:
        for consumer in [name for name, seen in self._seen.items() if seen < before]:
            del self._seen[consumer]
            self._told.pop(consumer, None)
        self.owners = {shard: name for shard, name in self.owners.items() if name in self._seen}

    def _settle(self, consumer: str, listed: set[int], shards: Collection[int]) -> None:
        """Take note of what the consumer has let go of, and of what it holds that nobody owns."""
        for shard in self._told.get(consumer, set()) - listed:
            if self.owners.get(shard) == consumer:
                del self.owners[shard]
        self.owners = {shard: name for shard, name in self.owners.items() if shard in shards}
        for shard in listed.intersection(shards):
            self.owners.setdefault(shard, consumer)

    def _share(self, consumer: str, shards: int) -> int:
        """How many shards the consumer may hold: the floor, and one more while the remainder is not taken."""
        floor, remainder = divmod(shards, len(self._seen))
        others_above = sum(len(self._held(name)) > floor for name in self._seen if name != consumer)
        return floor + (others_above < remainder)

    def _surplus(self, consumer: str, share: int) -> set[int]:
        """What to take away: what was taken before first, then the highest numbers."""
        before = self._told.get(consumer, set())
        held = sorted(self._held(consumer), key=lambda shard: (shard not in before, -shard))
        return set(held[: max(len(held) - share, 0)])

    def _held(self, consumer: str) -> set[int]:
        return {shard for shard, name in self.owners.items() if name == consumer}
