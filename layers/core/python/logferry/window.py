"""Payloads on their way: a few at once, batches settled in order, the first failure told at once.

Each send has a thread of the window's own, so that whoever feeds it can keep its lease while a send is slow.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from logferry.delivery import Verdict
from logferry.model import Counts
from logferry.sources import Batch

__all__ = ["Pending", "Window"]

_BEAT = 0.5  # seconds between two calls of `pulse` while a send is waited for


@dataclass(slots=True)
class Pending:
    """A batch on its way."""

    batch: Batch
    again: bool = False  # an interrupted run may have sent it before
    counts: Counts = field(default_factory=Counts)
    verdicts: list[Future[Verdict]] = field(default_factory=list)
    parked: dict[int, str] = field(default_factory=dict)
    sealed: bool = False  # every payload of it was submitted

    @property
    def settled(self) -> bool:
        """Whether each of its records has a fate."""
        return self.sealed and all(map(_is_judged, self.verdicts))


class Window:
    """One thread feeds it; up to `width` threads of its own send. `pulse` is called before sends and while waiting."""

    def __init__(self, width: int, name: str, pulse: Callable[[], None]) -> None:
        self._width = width
        self._pulse = pulse
        self._threads = ThreadPoolExecutor(width, thread_name_prefix=name)
        self._in_flight: set[Future[Verdict]] = set()
        self._queue: deque[Pending] = deque()

    @property
    def empty(self) -> bool:
        """Whether every batch that was taken has been handed back."""
        return not self._queue

    def take(self, pending: Pending) -> None:
        """Put a batch behind the others."""
        self._queue.append(pending)

    def send(self, pending: Pending, work: Callable[[], Verdict]) -> None:
        """Once there is room, settle one payload of the batch. Raises what an earlier one, or the pulse, raised."""
        self._wait(self._width)
        future = self._threads.submit(work)
        self._in_flight.add(future)
        pending.verdicts.append(future)

    def drain(self) -> None:
        """Wait for all that is on its way. Raises what one of them raised."""
        self._wait(1)

    def settled(self) -> Iterator[Pending]:
        """Settled batches in order, until one is not; each is let go of when the next is asked for."""
        while self._queue and self._queue[0].settled:
            yield self._queue[0]
            self._queue.popleft()

    def close(self, *, cancel: bool = True) -> None:
        """Send nothing more (unless not `cancel`: but what was handed over); returns once nothing is being sent."""
        self._threads.shutdown(wait=True, cancel_futures=cancel)

    def _wait(self, room: int) -> None:
        """Until fewer than `room` payloads are on their way."""
        while True:
            self._pulse()
            done = {future for future in self._in_flight if future.done()}
            self._in_flight -= done
            for future in done:
                future.result()
            if len(self._in_flight) < room:
                return
            wait(self._in_flight, timeout=_BEAT, return_when=FIRST_COMPLETED)


def _is_judged(future: Future[Verdict]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
