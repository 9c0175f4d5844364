"""One task on one shard, in a thread of its own: a visit each interval, as long as the shard is held.

A visit is the very round that the functions go (`rounds.visit`), with half a minute of time. When the shift is to end,
nothing more is read: what is on its way is settled and saved, the stream is let go of.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from logferry.delivery import OUT_OF_TIME, Patience
from logferry.ledger import Row
from logferry.meter import Meter
from logferry.rounds import Visit, visit
from logferry.sources import Stream
from logferry.task_store import Stored
from logferry.wiring import Workshop
from logferry_local.worker.checkpoints import Copy
from logferry_local.worker.complaints import Complaints

__all__ = ["Pace", "Shift"]

log = logging.getLogger("logferry.worker")

_VISIT_SECONDS = 30.0  # so that a pause, a new version or a loss of the shard is noticed
_GRACE_SECONDS = 20.0  # for what is on its way when the shift is to end
_IDLE_SECONDS = 5.0  # between two looks at a task that may not work, or a shard that is read to its end


@dataclass(frozen=True, slots=True)
class Pace:
    """How the shifts of a post go about it."""

    interval: float  # seconds between two visits of a stream with nothing to read
    chance: Callable[[], float]
    meter: Meter


class Shift:
    """`workshop` is its own: destinations are not shared between shards."""

    def __init__(self, task: str, find: Callable[[], Stream | None], shop: Workshop, copy: Copy, pace: Pace) -> None:
        self._task, self._find, self._shop, self._copy, self._pace = task, find, shop, copy, pace
        self._stop = threading.Event()
        self._stopped_at = 0.0
        self._complaints = Complaints(log, {"task": task, "stream": copy.shard})
        self._thread = threading.Thread(target=self._run, name=f"shift {task}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Finish what is on its way, save, let go; returns at once."""
        if not self._stop.is_set():
            self._stopped_at = time.monotonic()
            self._stop.set()

    def join(self, time_out: float | None = None) -> None:
        """Wait until it has ended."""
        self._thread.join(time_out)

    @property
    def over(self) -> bool:
        """Whether nothing of it goes on."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            begun = time.monotonic()
            try:
                pause = self._visit()
            except Exception as error:  # noqa: BLE001  # whatever it is, the shard is still ours to deliver
                self._complaints.say("visit failed", error)
                pause = _IDLE_SECONDS
            self._stop.wait(max(0.0, pause - (time.monotonic() - begun)))
        self._shop.dismiss()

    def _visit(self) -> float:
        """One round; how long after its begin the next one is due."""
        stored, stream = self._shop.tasks.find(self._task), self._find()
        if stored is None or stored.state != "online" or stream is None:
            return _IDLE_SECONDS
        visited = self._round(stored, stream)
        self._pace.meter.observe(visited)
        self._complain(visited)
        row = self._shop.ledger.get(self._task, stream.name)
        if row is None:
            return self._pace.interval
        self._copy.write(row.position)
        return _IDLE_SECONDS if _is_idle(row, stream, visited) else self._pace.interval

    def _complain(self, visited: Visit) -> None:
        """Say what keeps the records waiting, once; what is held is logged by the round itself."""
        late = [outcome.note for outcome in visited.outcomes if not outcome.finished and outcome.note != OUT_OF_TIME]
        if late and not visited.held:
            self._complaints.say("delivery is delayed", late[0])
        elif not late:
            self._complaints.over()

    def _round(self, stored: Stored, stream: Stream) -> Visit:
        until = time.monotonic() + _VISIT_SECONDS

        def time_left() -> float:
            end = self._stopped_at + _GRACE_SECONDS if self._stop.is_set() else until
            return end - time.monotonic()

        patience = Patience(
            time_left, time.time, lambda seconds: void(self._stop.wait(seconds)), self._pace.chance,
            go_on=lambda: not self._stop.is_set(),
        )  # fmt: skip
        crew = self._shop.crew([stored], patience)
        return visit(crew, [stream], lambda at: crew.desk.source.position(at.name, "end"))


def void(_value: object) -> None:
    """Nothing: a wait's answer is not asked for."""


def _is_idle(row: Row, stream: Stream, visited: Visit) -> bool:
    return bool(visited.held) or (row.drained and row.born == stream.born)
