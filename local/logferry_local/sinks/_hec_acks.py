"""Indexer acknowledgement of the HEC sink: events wait in memory, are indexed (written) later, and only then told.

As Splunk documents it: ids count from 0 in each channel, `true` is told once and then forgotten, an unknown id is
`false`, and all of it is in memory. So a sink that is killed loses what waited, and a client that did not wait for its
acknowledgement loses it too: what was told `true` is in the file, nothing else need be.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Full", "Indexer", "Plan", "Tally"]

_NEAR = 0.8  # of the limit: from here on the client is told to slow down


class Full(Exception):
    """The channel holds as many ids as it may."""


class Plan(NamedTuple):
    """How it behaves."""

    delay: float = 0.0  # seconds until events are indexed
    limit: int = 0  # ids in a channel that were not told yet; 0: any number
    forget_every: int = 0  # after so many requests everything in memory is gone; 0: never


@dataclass(slots=True)
class Tally:
    """Events so far, each number counted where it happens."""

    accepted: int = 0  # answered 200
    indexed: int = 0  # in the file
    acknowledged: int = 0  # told `true`
    lost: int = 0  # accepted, and gone before they were indexed


class _Waiting(NamedTuple):
    due: float
    channel: str
    ack: int
    lines: Sequence[bytes]


@dataclass(slots=True)
class _Channel:
    given: int = 0  # the next id
    waiting: int = 0  # ids that are not indexed yet
    done: dict[int, int] = field(default_factory=dict)  # indexed and not told: id -> events


class Indexer:
    """Not thread-safe: the sink handles one request at a time."""

    def __init__(self, plan: Plan, write: Callable[[Sequence[bytes]], None], now: Callable[[], float]) -> None:
        self.tally = Tally()
        self._plan, self._write, self._now = plan, write, now
        self._channels: dict[str, _Channel] = {}
        self._waiting: deque[_Waiting] = deque()
        self._requests = 0

    def knows(self, channel: str) -> bool:
        """Whether anything came on this channel."""
        return channel in self._channels

    def is_near(self, channel: str) -> bool:
        """Whether it is nearly full."""
        return bool(self._plan.limit) and self._outstanding(channel) >= _NEAR * self._plan.limit

    def make_room(self, channel: str) -> None:
        """Before something is taken. Raises Full."""
        self.index_due()
        if self._plan.limit and self._outstanding(channel) >= self._plan.limit:
            raise Full

    def take(self, channel: str, lines: Sequence[bytes]) -> int:
        """The id under which these events will be acknowledged."""
        known = self._channels.setdefault(channel, _Channel())
        ack, known.given = known.given, known.given + 1
        known.waiting += 1
        self.tally.accepted += len(lines)
        self._waiting.append(_Waiting(self._now() + self._plan.delay, channel, ack, lines))
        self._requests += 1
        if self._plan.forget_every and self._requests % self._plan.forget_every == 0:
            self.forget()
        else:
            self.index_due()
        return ack

    def index(self, lines: Sequence[bytes]) -> None:
        """Without acknowledgement: at once."""
        self._write(lines)
        self.tally.accepted += len(lines)
        self.tally.indexed += len(lines)

    def tell(self, channel: str, asked: Sequence[int]) -> Mapping[str, bool]:
        """For each id: is it indexed, and was that not told before?"""
        self.index_due()
        done = self._channels.get(channel, _Channel()).done
        told = {ack: done.pop(ack, None) for ack in asked}
        self.tally.acknowledged += sum(events or 0 for events in told.values())
        return {str(ack): events is not None for ack, events in told.items()}

    def index_due(self, *, all_of_it: bool = False) -> None:
        """Write what has waited long enough."""
        now = self._now()
        while self._waiting and (all_of_it or self._waiting[0].due <= now):
            one = self._waiting.popleft()
            self._write(one.lines)
            self.tally.indexed += len(one.lines)
            channel = self._channels[one.channel]
            channel.waiting -= 1
            channel.done[one.ack] = len(one.lines)

    def forget(self) -> None:
        """As a crash does: channels, ids, and the events that were not indexed yet."""
        self.tally.lost += sum(len(one.lines) for one in self._waiting)
        self._waiting.clear()
        self._channels.clear()

    def _outstanding(self, channel: str) -> int:
        known = self._channels.get(channel, _Channel())
        return known.waiting + len(known.done)
