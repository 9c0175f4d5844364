"""Payloads on their way: a few at once, batches settled in order, the first failure told at once.

Nobody else may take the stream while a send is slow: a heart beats as long as whoever feeds the window waits.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

from msgspec import Struct, field

from logferry.delivery import Verdict
from logferry.model import Counts
from logferry.sources import Batch, Judged

__all__ = ["Heart", "Pending", "Window", "side_by_side"]

_BEAT = 0.5  # seconds
_GROUP, _FEW, _THREADS = 64, 8, 8


class Pending(Struct):
    """A batch on its way."""

    batch: Batch
    again: bool = False  # an interrupted run may have sent it before
    counts: Counts = field(default_factory=Counts)
    verdicts: list[Future[Verdict]] = field(default_factory=list)
    parked: dict[int, str] = field(default_factory=dict)
    sealed: bool = False  # every payload of it was submitted
    time: int | None = None  # Unix seconds: event time of the first record that passed the plan

    def __post_init__(self) -> None:
        """What the source could not read is parked beside what the destination refuses."""
        if isinstance(self.batch, Judged):
            self.parked.update(self.batch.unreadable)

    @property
    def settled(self) -> bool:
        """Whether each of its records has a fate."""
        return self.sealed and all(map(_is_judged, self.verdicts))


class Window:
    """One thread feeds it, and sends itself if `width` is 1; else up to `width` threads of its own send.

    `pulse` is called before each send, and again and again while one is slow; what it raises ends the work.
    """

    def __init__(self, width: int, name: str, pulse: Callable[[], None]) -> None:
        self._width = width
        self._pulse = pulse
        self._heart = Heart(pulse)
        # A thread for one send at a time would cost syslog a tenth of its speed (measured).
        self._threads = ThreadPoolExecutor(width, thread_name_prefix=name) if width > 1 else None
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
        if self._threads is not None:
            future = self._threads.submit(work)
            self._in_flight.add(future)
        else:
            future = Future()
            with self._heart.beating():
                future.set_result(work())
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
        if self._threads is not None:
            with suppress(Exception), self._heart.beating():  # whose the stream is, the next write will tell
                self._threads.shutdown(wait=True, cancel_futures=cancel)
        self._heart.stop()

    def _wait(self, room: int) -> None:
        """Until fewer than `room` payloads are on their way."""
        self._pulse()
        while True:
            done = {future for future in self._in_flight if future.done()}
            self._in_flight -= done
            for future in done:
                future.result()
            if len(self._in_flight) < room:
                return
            with self._heart.beating():
                wait(self._in_flight, return_when=FIRST_COMPLETED)


class Heart:
    """Calls `pulse` every half second, in a thread of its own, while its owner waits: never while it works."""

    def __init__(self, pulse: Callable[[], None]) -> None:
        self._pulse = pulse
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._waiting = False
        self._trouble: Exception | None = None
        self._thread: threading.Thread | None = None

    @contextmanager
    def beating(self) -> Iterator[None]:
        """The owner waits. Raises what the pulse raised meanwhile."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="lease", daemon=True)
            self._thread.start()
        with self._lock:
            self._waiting = True
        try:
            yield
        finally:
            with self._lock:
                self._waiting = False
                trouble, self._trouble = self._trouble, None
        if trouble is not None:
            raise trouble

    def stop(self) -> None:
        """Beat no more."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(_BEAT):
            with self._lock:
                if self._waiting and self._trouble is None:
                    try:
                        self._pulse()
                    except Exception as error:  # noqa: BLE001  # the owner raises it
                        self._trouble = error


def _is_judged(future: Future[Verdict]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def side_by_side(work: Callable[..., object], items: Iterable[tuple[Any, ...]], pulse: Callable[[], None]) -> None:
    """`work(*item)` for each, in groups of 64 with `pulse` before each group; few need no threads.

    For a bucket, which takes its time for each object. What one raises is raised once its group is through.
    """
    rest = iter(items)
    while group := list(islice(rest, _GROUP)):
        pulse()
        if len(group) <= _FEW:
            for item in group:
                work(*item)
        else:
            with ThreadPoolExecutor(_THREADS, thread_name_prefix="park") as threads:
                list(threads.map(lambda item: work(*item), group))
