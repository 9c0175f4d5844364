"""What becomes of an admitted post: unpacked, read, delivered, answered. Who may post is `gates`' to say.

| answer | when |
|---|---|
| 200 | every record is delivered, left out by the task, or parked |
| 400, 413, 415 | the body cannot be read, is too large, is packed in an unknown way; nothing was kept |
| 403, 404 | see `gates` |
| 405 | neither POST nor PUT |
| 503 | not now (`Retry-After`): the destination is not there, the task is paused or held, all slots are taken |
"""

import logging
import math
import random
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from logferry import config
from logferry.delivery import Patience
from logferry.desk import Desk
from logferry.errors import ConfigError, LogferryError, Misconfigured, Transient, told
from logferry.gates import Admitted, Gates
from logferry.group import Part
from logferry.job import Job
from logferry.meter import SILENT, Meter
from logferry.model import Effort, Outcome
from logferry.rounds import Visit
from logferry.runtime.web import Request, Response
from logferry.slots import deliver, resting
from logferry.sources import received
from logferry.sources._bodies import Piece, TooMany, Unreadable, pieces
from logferry.sources._posts import PostSource
from logferry.task_store import Stored
from logferry.transport import inflate
from logferry.wiring import Workshop

__all__ = ["Receiver"]

log = logging.getLogger(__name__)

_SOON, _LATE = 1, 300  # seconds of Retry-After
_WAITING = 7  # posts of a task behind the one under way: their senders wait, and each holds a body
_REFUSALS: Mapping[type[Exception], tuple[int, str]] = {
    inflate.Unknown: (415, "unknown content coding"),
    Misconfigured: (415, "unknown content coding"),  # its package is not installed here
    inflate.TooLong: (413, "too large"),
    TooMany: (413, "too many records"),
    inflate.Damaged: (400, "unreadable"),
    Unreadable: (400, "unreadable"),
}
_CHALLENGE = "x-logferry-challenge"  # of the destination `http_server`, to prove its ownership
_RESERVE = 0.25  # share of the time to answer that the last save may take


class Receiver:
    """All tasks that are sent their logs. Several threads may call; each task takes one post at a time."""

    def __init__(
        self, shop: Workshop, clock: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        self._shop, self._clock, self._sleep, self._chance = shop, clock, sleep, chance
        self.gates = Gates(shop, clock)
        self._queues: dict[str, _Queue] = {}

    def answer(self, request: Request, time_left: Callable[[], float], meter: Meter = SILENT) -> Response:
        """The whole way, for a platform that hands over the body at once."""
        admitted = self.gates.admit(request)
        return admitted if isinstance(admitted, Response) else self.take(admitted, request, time_left, meter)

    def take(
        self, admitted: Admitted, request: Request, time_left: Callable[[], float], meter: Meter = SILENT
    ) -> Response:
        """An admitted post. Raises nothing that a sender could cause."""
        challenge = request.headers.get(_CHALLENGE, "")
        if re.fullmatch(r"[0-9A-Za-z]{1,128}", challenge) and request.body == challenge.encode():
            return Response(200, challenge)  # a logferry at the other end asks whether we want its logs
        if request.method not in ("POST", "PUT"):
            return Response(405, headers={"Allow": "POST, PUT"})
        until = self._clock() + config.seconds(admitted.options.answer_within)

        def left() -> float:
            return min(time_left(), until - self._clock())

        queue = self._queues.setdefault(admitted.task, _Queue())
        if not queue.enter(left() / 2):
            return self._later(admitted.task, Transient("other posts are before it", retry_after=1.0))
        try:
            # Unpacked in its turn only: those that wait take as much memory as they came with.
            post = self._read(admitted, request)
            if isinstance(post, Response):
                return post
            return self._deliver(admitted, post, left, meter) if post else Response(200)
        except LogferryError as error:
            return self._later(admitted.task, error)
        finally:
            queue.leave()

    def _read(self, admitted: Admitted, request: Request) -> list[Piece] | Response:
        """The pieces of the post, or why there are none."""
        options, coding = admitted.options, request.headers.get("content-encoding")
        if len(request.body) > options.max_body:
            return self._refuse(admitted, inflate.TooLong(f"{len(request.body)} bytes, {options.max_body} at most"))
        try:
            kind = inflate.kind_of(coding, request.body)
            return pieces(inflate.inflate(kind, request.body, options.max_inflated), received.form_of(options))
        except tuple(_REFUSALS) as error:
            return self._refuse(admitted, error)

    def _deliver(self, admitted: Admitted, post: Sequence[Piece], left: Callable[[], float], meter: Meter) -> Response:
        shop, name = self._shop, admitted.task
        stored = shop.tasks.find(name)
        if stored is None or stored.state != "online":
            raise Transient(f"task {name} is {stored.state if stored else 'deleted'}", retry_after=60.0)
        health = shop.holds.health(name)
        if health is not None and not shop.holds.probe(name, self._clock()):
            raise Transient(f"held: {health.reason}", retry_after=health.retry_at - self._clock())
        job = self._job(stored)
        source = PostSource(admitted.options.time_field, self._clock)
        part = deliver(job, post, source, self._desk(source, left))
        settled = part.lane is not None and part.lane.claim.row.position != part.lane.begin
        self._tell(part, meter, settled=settled)
        if isinstance(part.error, Misconfigured):
            self._hold(name, part.error)
        elif settled and health is not None:
            shop.holds.release(name)  # it delivered: the hold is over
        if settled:
            return Response(200)
        error = part.error or Transient("nothing was saved")
        return self._later(name, error, resting(part.lane.claim.row, self._clock()) if part.lane else 0.0)

    def _job(self, stored: Stored) -> Job:
        try:
            return self._shop.job(stored)
        except (ConfigError, Misconfigured) as error:  # this task's own trouble (a missing secret)
            self._hold(stored.name, error)
            raise

    def _desk(self, source: PostSource, left: Callable[[], float]) -> Desk:
        """With a part of the time to answer kept for the save, however short that time is."""
        desk = self._shop.desk(source, Patience(left, self._clock, self._sleep, self._chance))
        reserve = min(desk.settings.reserve_seconds, max(0.0, left()) * _RESERVE)
        return replace(desk, settings=replace(desk.settings, reserve_seconds=reserve))

    def _hold(self, task: str, error: LogferryError) -> None:
        log.error("task held", extra={"task": task, "reason": str(error)})
        self._shop.holds.hold(task, str(error), self._clock())

    def _tell(self, part: Part, meter: Meter, *, settled: bool) -> None:
        lane, visit = part.lane, Visit()
        if lane is not None:
            errors = Effort(errors=int(not settled))
            visit.add(Outcome(
                task=part.job.name, stream=lane.claim.row.stream, counts=lane.counts, effort=lane.effort + errors,
                finished=settled, held=isinstance(part.error, Misconfigured),
                note=told(part.error) if part.error else "",
            ))  # fmt: skip
            meter.observe(visit)

    def _later(self, task: str, error: Exception, rest: float = 0.0) -> Response:
        """The sender tries again, after `rest` or what the error asks for. What went wrong is for the log."""
        wish = max(getattr(error, "retry_after", None) or 0.0, rest)
        seconds = min(max(math.ceil(wish), _SOON), _LATE)
        log.warning("post not delivered", extra={"task": task, "reason": told(error), "retry_after": seconds})
        return Response(503, headers={"Retry-After": str(seconds)})

    def _refuse(self, admitted: Admitted, error: Exception) -> Response:
        status, word = _REFUSALS[type(error)]
        log.warning("post refused", extra={"task": admitted.task, "status": status, "reason": str(error)[:200]})
        return Response(status, f"{word}\n")


class _Queue:
    """One post of a task at a time in this process (a destination has one connection), few waiting behind it."""

    def __init__(self) -> None:
        self._room, self._turn = threading.Semaphore(_WAITING + 1), threading.Lock()

    def enter(self, seconds: float) -> bool:
        """Wait for the turn; False if that takes too long, or too many wait already."""
        if not self._room.acquire(blocking=False):
            return False
        if self._turn.acquire(timeout=min(max(seconds, 0.0), 60.0)):
            return True
        self._room.release()
        return False

    def leave(self) -> None:
        """The next one's turn."""
        self._turn.release()
        self._room.release()
