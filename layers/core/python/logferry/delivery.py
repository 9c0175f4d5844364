"""One payload until every record in it has a fate.

| the destination raises | what happens here, and what the source sees |
|---|---|
| nothing         | all parts count as delivered; the position may move on |
| `Transient`     | the same payload again, backed off inside the time left; then the range stays open |
|                 | (`socket`: at once: earlier bytes may be lost too, all since the last save goes again) |
| `TooLarge`      | two halves; a single part is parked |
| `Refused`       | the taken are counted, the refused parked, the rest sent again |
| `Permanent`     | bisected until the culprit stands alone, which is parked |
| `Misconfigured` | secrets are read again once; then the task is held and nothing is read until the hold ends |

Parking is bounded: more than half of a payload (of 10 or more), or N records in M minutes for one reason, is no longer
a poison record but a wrong configuration, so the task is held instead.
"""

import re
import threading
from collections import deque
from collections.abc import Callable
from typing import Self

from msgspec import Struct, field
from msgspec.structs import replace

from logferry import packing, retry
from logferry.destinations import Destination
from logferry.errors import DeliveryError, Misconfigured, Permanent, Refused, TooLarge, Transient, Unfinished
from logferry.model import Payload

__all__ = ["OUT_OF_TIME", "ParkBudget", "Patience", "Verdict", "settle"]

OUT_OF_TIME = "out of time"
_SHORTEST = 1.0  # seconds: what is broken off sooner has often been taken, and comes twice
_OVERTIME = 5.0  # seconds for a send of a batch that was begun within its share of the time
_SMALL = 10  # below this many parts, "more than half" says nothing


class Patience(Struct, frozen=True):
    """Time and chance as parameters."""

    time_left: Callable[[], float]
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    chance: Callable[[], float]
    whole: Callable[[], float] | None = None  # the call's time left, where `time_left` is a share of it
    go_on: Callable[[], bool] = lambda: True  # False: finish what was read, and read no more

    def share(self, among: int, least: float) -> Self:
        """The time left for the first of `among`: its part, at least `least` seconds; what it leaves, others get."""
        left = self.time_left()
        kept = max(0.0, left - max(left / among, least))
        return replace(self, time_left=lambda: self.time_left() - kept, whole=self.to_the_end)

    def reserving(self, seconds: float) -> Self:
        """The same with so much less time left: what comes after needs it."""
        return replace(self, time_left=lambda: self.time_left() - seconds, whole=lambda: self.to_the_end() - seconds)

    def sparing(self, seconds: float) -> Self:
        """The same with so much kept for what is done after: a batch that was begun may use it all the same."""
        return replace(self, time_left=lambda: self.time_left() - seconds, whole=self.to_the_end)

    def to_the_end(self) -> float:
        """The call's time left."""
        return (self.whole or self.time_left)()


class Verdict(Struct):
    """What became of one payload's records."""

    delivered: int = 0
    parked: dict[int, str] = field(default_factory=dict)  # ordinal -> reason
    repeated: set[int] = field(default_factory=set)  # ordinals sent again though they may have been taken before


class Renewal:
    """Secrets read again by one thread for all whose payloads were refused with the old ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0  # how often they had changed

    def after(self, count: int, to: Destination) -> bool:
        """Whether there are other secrets than those that were in use when the count was read."""
        with self._lock:
            if self.count == count and to.refresh():
                self.count += 1
            return self.count != count


class ParkBudget:
    """How much may be parked before the task is held; one for a task, shared by its threads."""

    def __init__(self, records: int, seconds: float, clock: Callable[[], float]) -> None:
        self._records = records
        self._seconds = seconds
        self._clock = clock
        self._seen: dict[str, deque[float]] = {}
        self._lock = threading.Lock()
        self.renewal = Renewal()  # what else the threads of a task share

    def take(self, reason: str, parked: int, of: int) -> None:
        """Count one more; Misconfigured when `parked` of a payload's `of` parts are too many, or this reason's rate."""
        if of >= _SMALL and parked * 2 > of:
            raise Misconfigured(f"more than half of a payload refused ({parked} of {of}): {reason}")
        now = self._clock()
        with self._lock:
            times = self._seen.setdefault(re.sub(r"\d+", "#", reason)[:80], deque())
            times.append(now)
            while times[0] < now - self._seconds:
                times.popleft()
            if len(times) > self._records:
                raise Misconfigured(f"{len(times)} records refused within {self._seconds:.0f} s: {reason}")


class _Work:
    """The payload's pieces still to be sent, first first."""

    def __init__(self, payload: Payload, frame: packing.Frame, budget: ParkBudget) -> None:
        self.pieces = [payload]
        self.verdict = Verdict()
        self._of = len(payload.parts)
        self._frame = frame
        self._budget = budget

    def delivered(self, piece: Payload) -> None:
        self.verdict.delivered += len(piece.parts)

    def doubt(self, piece: Payload, error: DeliveryError) -> None:
        if error.in_doubt:
            self.verdict.repeated.update(piece.ordinals)

    def halve_or_park(self, piece: Payload, reason: str) -> None:
        if len(piece.parts) == 1:
            self.park(piece.ordinals[0], reason)
        else:
            self.pieces.extend(reversed(packing.split(piece, self._frame)))

    def judge(self, piece: Payload, error: Refused) -> None:
        if not error.refused and not error.delivered:
            self.halve_or_park(piece, str(error))
            return
        for index, reason in error.refused.items():
            self.park(piece.ordinals[index], reason)
        self.verdict.delivered += len(error.delivered)
        rest = [i for i in range(len(piece.parts)) if i not in error.refused and i not in error.delivered]
        if rest:
            self.pieces.append(packing.pick(piece, rest, self._frame))

    def park(self, ordinal: int, reason: str) -> None:
        self.verdict.parked[ordinal] = reason
        self._budget.take(reason, len(self.verdict.parked), self._of)


def settle(payload: Payload, to: Destination, frame: packing.Frame, budget: ParkBudget, patience: Patience) -> Verdict:
    """Send until all of it has a fate. Raises Transient or Unfinished (time is up) or Misconfigured: nothing counts."""
    work = _Work(payload, frame, budget)
    attempt, refreshed = 0, False
    while work.pieces:
        piece = work.pieces.pop()
        left = patience.to_the_end()
        if left <= 0:
            raise Unfinished(OUT_OF_TIME)
        secrets = budget.renewal.count
        try:
            to.send(piece, max(_SHORTEST, min(left, max(patience.time_left(), _OVERTIME))))
            work.delivered(piece)
            attempt = 0
        except Transient as error:
            attempt += 1
            work.doubt(piece, error)
            wait = None if to.confirmation == "socket" else _wait(attempt, error, patience)
            if wait is None:
                raise
            patience.sleep(wait)
            work.pieces.append(piece)
        except Refused as error:
            work.judge(piece, error)
        except (TooLarge, Permanent) as error:
            work.doubt(piece, error)
            work.halve_or_park(piece, str(error))
        except Misconfigured as error:
            if refreshed or not budget.renewal.after(secrets, to):
                raise
            work.doubt(piece, error)
            refreshed = True
            work.pieces.append(piece)
    return work.verdict


def _wait(attempt: int, error: Transient, patience: Patience) -> float | None:
    return retry.delay(attempt, error, patience.time_left(), patience.chance)
