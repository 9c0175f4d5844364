"""One consumer in one consumer group: which shards it is to hold, by the answers to its heartbeats.

The group's time-out is two heartbeats. Four questions are asked a heartbeat: a shard that was taken from a dead
consumer is so found soon after its time-out, not up to a heartbeat later. Times are seconds of a monotonic clock.
"""

import math
from collections.abc import Callable, Collection

from logferry.sls.consumer_group import ConsumerGroup

__all__ = ["Membership"]


class Membership:
    """Not thread-safe: its post's thread asks, other threads only read `held`."""

    def __init__(self, group: ConsumerGroup, consumer: str, heartbeat: float, now: Callable[[], float]) -> None:
        self.group, self.consumer = group, consumer
        self.time_out = max(1, math.ceil(2 * heartbeat))
        self.pause = heartbeat / 4
        self._now = now
        self._held: frozenset[str] = frozenset()
        self._until = -math.inf

    def join(self) -> bool:
        """Make the group, or give it our time-out; whether it was made."""
        there = next((one for one in self.group.listed() if one.name == self.group.name), None)
        if there is None:
            return self.group.create(self.time_out)
        if there.timeout != self.time_out:
            self.group.update(timeout=self.time_out, order=there.order)
        return False

    def beat(self, working: Collection[str]) -> None:
        """One heartbeat: tell which shards are in work, learn which to hold."""
        asked = self._now()
        self._held = frozenset(self.group.heartbeat(self.consumer, sorted(working, key=int)))
        self._until = asked + self.time_out

    @property
    def held(self) -> frozenset[str]:
        """The shards to hold now; none once the service would have given them to others."""
        return self._held if self._now() < self._until else frozenset()
