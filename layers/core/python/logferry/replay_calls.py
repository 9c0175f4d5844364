"""The call that replays dead letters, by a timer or by hand; the command line takes the same way (`carry_out`).

A timer's event replays the letters of every online task, at most 10,000 a task and call, each letter at most three
times (`replay_order`). An event that a person wrote names what it wants and is not bounded; so is the command line.

| key of the event | meaning |
|---|---|
| `task`   | its letters only; all tasks if absent |
| `to`     | deliver as this task would, not as their own |
| `reason`, `stream`, `since` | only letters that match |
| `limit`, `rate` | at most so many letters; records per second, such as `50/s` |
"""

import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Self

import msgspec

from logferry import config, times
from logferry.dead_letters import DeadLetter
from logferry.delivery import Patience
from logferry.errors import ConfigError, LogferryError, Misconfigured, StateError, told
from logferry.letter_lease import LetterLeases
from logferry.letters import Wanted
from logferry.model import Position
from logferry.pace import per_second
from logferry.replay import replay as replay_letters
from logferry.replay_order import Order, ReplayDesk, Replayed, in_flight
from logferry.runtime import Call
from logferry.task_store import Stored
from logferry.wiring import Workshop, workshop

__all__ = ["Event", "answer", "busy_of", "carry_out", "event_of", "leases", "replay"]

log = logging.getLogger(__name__)

_TIMER_LIMIT = 10_000  # letters of one task and call
_BY_TIMER = "timer"
Seen = Callable[[int], None]


class Event(config.Config, frozen=True, kw_only=True):
    """What an event may say."""

    task: str | None = None
    to: str | None = None
    reason: str = ""
    stream: str = ""
    since: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=0, le=10**9)] = 0
    rate: str | None = None

    def problems(self) -> list[str]:
        """What types cannot say."""
        found = []
        if self.since is not None and times.unix_time(self.since) is None:
            found.append(f"since: {self.since!r} is not {times.FORM}")
        if self.to is not None and self.task is None:
            found.append("to: needs task beside it, whose letters are meant")
        try:
            per_second(self.rate or "1/s")
        except ConfigError as error:
            found.extend(error.problems)
        return found

    @classmethod
    def read(cls, data: object, subject: str) -> Self:
        """The event. ConfigError that names every mistake."""
        return config.load(cls, data, subject=subject)

    def order(self, task: str, *, bounded: bool, by: str) -> Order:
        """The same for one task."""
        wanted = Wanted(self.stream, self.reason, times.unix_time(self.since) or 0 if self.since else 0)
        rate = per_second(self.rate) if self.rate else 0.0
        return Order(task, wanted, self.limit or (_TIMER_LIMIT if bounded else 0), rate, bounded, by)


def replay(call: Call) -> dict[str, object]:
    """Replay what the event names; it reports and returns, for what stays open is tried again by the next call."""
    shop = workshop(call.environ)
    event, bounded = event_of(call.event)
    if event.task is None:
        names = [stored.name for stored in shop.tasks.all() if stored.state == "online"]
    else:
        names = [event.task]
    patience = Patience(call.time_left, time.time, time.sleep, random.random)
    done: dict[str, Replayed] = {}
    for at, name in enumerate(names):
        mine = patience.share(len(names) - at, 0.0)
        order = event.order(name, bounded=bounded, by=_BY_TIMER if bounded else f"call {call.request_id}")
        try:
            done[name] = carry_out(shop, order, mine, to=event.to)
        except LogferryError as error:
            if event.task is not None:  # a person named it: what is wrong with it is the answer
                raise
            done[name] = Replayed(error=error)
    return answer(done, shop)


def carry_out(
    shop: Workshop, order: Order, patience: Patience, *, to: str | None = None, seen: Seen = lambda _n: None
) -> Replayed:
    """Replay letters of `order.task` as it, or the task `to`, would deliver them now.

    Raises ConfigError for a task that is not there; a task that cannot work is held, as in every run.
    """
    target = _target(shop, order.task, to)
    if next(shop.dead.keys(order.task, "open", order.wanted.stream), None) is None:
        return Replayed()  # before a held task's probe is used up for nothing
    health = shop.holds.health(target.name)
    if health is not None and not shop.holds.probe(target.name, patience.clock()):
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(health.retry_at))
        way = f"(logferry task resume {target.name} tries at once)"
        return Replayed(error=Misconfigured(f"task {target.name} is held until {until}: {health.reason} {way}"))
    desk = ReplayDesk(shop.dead, leases(shop), shop.settings, patience, busy_of(shop, order.task), seen)
    try:
        report = replay_letters(order, shop.job(target), desk)
    except (ConfigError, Misconfigured) as error:  # the task cannot be built: a secret is missing
        report = Replayed(error=Misconfigured(str(error)))
    if isinstance(report.error, Misconfigured):
        log.error("task held", extra={"task": target.name, "reason": str(report.error)})
        shop.holds.hold(target.name, str(report.error), patience.clock())
    elif report.delivered and health is not None:
        shop.holds.release(target.name)
    return report


def leases(shop: Workshop) -> LetterLeases:
    """Who is at the letters of which task."""
    return LetterLeases(shop.table, shop.settings.lease_seconds, time.time)


def busy_of(shop: Workshop, task: str) -> Callable[[DeadLetter], bool]:
    """A test on letters of the task: is the range in which it was parked still in flight?"""

    def order(position: Position) -> int:  # of the task's source: asked only if a range is open
        return shop.source(shop.tasks.get(task).task()).order(position)

    return in_flight(task, shop.ledger, order, time.time)


def _target(shop: Workshop, name: str, to: str | None) -> Stored:
    stored = shop.tasks.find(to or name)
    if stored is None and to is None and next(iter(shop.dead.keys(name, "open")), None):
        way = "name a task that delivers them (--to TASK), or discard them"
        raise ConfigError([f"task {name} is deleted, but has dead letters: {way}"], subject="replay")
    stored = stored or shop.tasks.get(to or name)
    if stored.problem:
        raise StateError(stored.problem)
    if stored.state == "pending":
        raise Misconfigured(f"task {stored.name} is pending: prove the ownership of its destination first")
    return stored


def event_of(event: object) -> tuple[Event, bool]:
    """What is asked for, and whether a timer asks."""
    if not isinstance(event, Mapping):
        raise ConfigError(['expected an object such as {"task": "waf-to-splunk"}'], subject="event")
    body: Any = event
    timer = True
    if "triggerName" in event:  # Function Compute's timer: its payload is text
        body = event.get("payload") or {}
        try:
            body = json.loads(body) if isinstance(body, str) else body
        except ValueError:
            raise ConfigError(["payload: is no JSON"], subject="event") from None
    elif "detail-type" in event:  # EventBridge
        body = event.get("detail") or {}
    else:
        timer = False
    return Event.read(body, "event"), timer


def answer(done: Mapping[str, Replayed], shop: Workshop) -> dict[str, object]:
    """What a program is told."""
    tasks = {
        name: {key: getattr(found, key) for key in
               ("delivered", "refused", "left_out", "unreadable", "in_flight", "resting", "reasons")}
        | {"open": shop.dead.counts(name)["open"]}
        for name, found in done.items()
    }  # fmt: skip
    errors = {name: found.error for name, found in done.items() if found.error}
    held = {name: told(error) for name, error in errors.items() if isinstance(error, Misconfigured)}
    unfinished = {name: told(error) for name, error in errors.items() if name not in held}
    return {"finished": not errors, "tasks": tasks, "unfinished": unfinished, "held": held}
