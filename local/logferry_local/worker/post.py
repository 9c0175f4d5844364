"""One task's place in its consumer group: heartbeats, and a shift for each shard that is to be held."""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from logferry import positions, registry
from logferry.errors import ConfigError, Conflict, LogferryError, Missing, SourceError, StateError
from logferry.sls.consumer_group import ConsumerGroup
from logferry.sources import Source, Stream
from logferry.task import Task
from logferry.wiring import Workshop
from logferry_local.worker.checkpoints import Copy, adopt, refuse_strangers
from logferry_local.worker.complaints import Complaints
from logferry_local.worker.membership import Membership
from logferry_local.worker.roster import Badge, Roster
from logferry_local.worker.shift import Pace, Shift

__all__ = ["Plan", "Post"]

log = logging.getLogger("logferry.worker")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a post is told. `workshop` makes one more workshop over the worker's table and store."""

    task: str
    group: str
    consumer: str
    heartbeat: float  # seconds
    pace: Pace
    workshop: Callable[[], Workshop]


class Post:
    """`enter` tells what a person must put right before any work; after it the post goes on by itself."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._shop = plan.workshop()
        self._badge = Badge(plan.consumer, secrets.token_hex(8))
        self._roster = Roster(self._shop.table, plan.group, time.time)
        self._source, group = _reading(self._shop.tasks.get(plan.task).task(), plan.group, self._shop)
        self._membership = Membership(group, plan.consumer, plan.heartbeat, time.monotonic)
        self._streams: dict[str, Stream] = {}
        self._shifts: dict[str, Shift] = {}
        self._entered = False
        self._renewed = time.monotonic()
        self._stop = threading.Event()
        self._complaints = Complaints(log, {"task": plan.task, "group": plan.group})
        self._thread = threading.Thread(target=self._run, name=f"post {plan.task}", daemon=True)

    def enter(self) -> None:
        """Take the name, make the group, refuse strangers, and at the first start adopt the server's checkpoints."""
        plan, shop, group = self._plan, self._shop, self._membership.group
        self._roster.enter(self._badge, self._membership.time_out)
        try:
            made = self._membership.join()
            refuse_strangers(group, self._roster.names(), time.time())
        except LogferryError:
            self._roster.leave(self._badge)
            raise
        positions.begin(plan.task, self._source, shop.ledger, None, time.time())
        taken = adopt(plan.task, group, shop.table, shop.ledger, time.time)
        facts = {"task": plan.task, "group": plan.group, "consumer": plan.consumer}
        log.info("post entered", extra=facts | {"group_made": made, "checkpoints_taken": taken})
        self._entered = True

    def enter_if_possible(self) -> None:
        """As `enter`, but what may pass by itself is left to the post's own thread."""
        try:
            self.enter()
        except SourceError as error:
            if not error.transient:
                raise
            self._complaints.say("not entered yet", error)
        except StateError as error:
            self._complaints.say("not entered yet", error)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Finish, save, release; returns at once."""
        self._stop.set()

    def join(self) -> None:
        """Wait until all has ended."""
        self._thread.join()

    @property
    def over(self) -> bool:
        """Whether it has ended, by itself or told to."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._beat()
                self._complaints.over()
            except Conflict as error:  # both would be given the same shards
                log.error("name lost, post left", extra={"task": self._plan.task, "reason": str(error)})  # noqa: TRY400  # its place says nothing
                self._stop.set()
            except Exception as error:  # noqa: BLE001  # the next heartbeat may pass; until then shards run out
                self._complaints.say("heartbeat failed", error)
            self._assign()
            self._stop.wait(self._membership.pause)
        for shift in self._shifts.values():
            shift.end()
        for shift in self._shifts.values():
            shift.join()
        try:
            self._roster.leave(self._badge)
        except LogferryError as error:
            self._complaints.say("name not given back", error)

    def _beat(self) -> None:
        if not self._entered:
            self.enter()
        if time.monotonic() - self._renewed > self._plan.heartbeat:
            self._roster.renew(self._badge)
            self._renewed = time.monotonic()
        try:
            self._streams = {stream.name: stream for stream in self._source.streams()}
            self._membership.beat([name for name, shift in self._shifts.items() if not shift.over])
        except Missing:
            self._membership.join()  # the group was deleted; if it is the logstore, this says so
            raise

    def _assign(self) -> None:
        """Shifts as the service wants them; a shard is only taken up again when its last shift is over."""
        held = self._membership.held
        for shard, shift in list(self._shifts.items()):
            if shard not in held:
                shift.end()
            if shift.over:
                log.info("shard let go", extra={"task": self._plan.task, "stream": shard})
                del self._shifts[shard]
        for shard in sorted(held - self._shifts.keys()):
            log.info("shard taken", extra={"task": self._plan.task, "stream": shard})
            self._shifts[shard] = self._shift(shard)
            self._shifts[shard].start()

    def _shift(self, shard: str) -> Shift:
        copy = Copy(self._membership.group, shard, self._plan.consumer)
        return Shift(self._plan.task, lambda: self._streams.get(shard), self._plan.workshop(), copy, self._plan.pace)


def _reading(task: Task, group: str, shop: Workshop) -> tuple[Source, ConsumerGroup]:
    source = shop.source(task)
    make: Callable[[Source, str], ConsumerGroup] | None = getattr(
        registry.find("sources", task.source.kind), "consumer_group", None
    )
    if make is None:
        raise ConfigError([f"source: {task.source.kind} has no consumer groups"], subject=f"task {task.task}")
    return source, make(source, group)
