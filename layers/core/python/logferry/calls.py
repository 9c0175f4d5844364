"""The calls that move logs: `forward` (a doorbell rang: see to what it tells of) and `sweep` (a timer: look at all).

`forward` raises Unfinished when a range is left open, since an error is what makes a trigger come again; a stream that
somebody else works on, or a task that is held already, is no reason to. `sweep` reports and returns: it comes again
anyway.
"""

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from msgspec import Struct, field

from logferry import doorbells, kinds, registry
from logferry.addressees import addressees, is_read
from logferry.delivery import Patience
from logferry.doorbells import Rung, Way
from logferry.drain import drain
from logferry.errors import ConfigError, LogferryError, Unfinished, is_passing, told
from logferry.model import Counts, Effort, Outcome
from logferry.rounds import Crew, Visit, visit
from logferry.runtime import Call
from logferry.sls import trigger
from logferry.sources import Stream
from logferry.task_store import Stored
from logferry.wiring import Workshop, workshop

if TYPE_CHECKING:
    from logferry.arrivals import Arrivals
    from logferry.put_events import Creation

__all__ = ["forward", "sweep"]

log = logging.getLogger(__name__)


def forward(call: Call) -> Mapping[str, object]:
    """A doorbell rang: what it tells of goes to every task that reads there."""
    rung = doorbells.answer(call.event)
    return _WAYS[rung.way](rung, call)


def _look(rung: Rung, call: Call) -> dict[str, object]:
    """Every task of that logstore goes on from its own position to the event's end."""
    bell = cast("trigger.Doorbell", rung.bell)
    shop = workshop(call.environ)

    def one(crew: Crew) -> Visit:
        source = crew.desk.source
        line = _lineage(bell.shard, source.streams())
        return visit(crew, line, lambda at: bell.end if at.name == bell.shard else source.position(at.name, "end"))

    round_ = _go_round(_tasks_of(bell, shop), shop, call, one)
    if round_.errors:
        raise next(iter(round_.errors.values()))
    if round_.unfinished:
        raise Unfinished("; ".join(f"{where}: {why}" for where, why in round_.unfinished.items()))
    return round_.answer()


def sweep(call: Call) -> dict[str, object]:
    """The timer: every stream of every online task that is behind goes on; one broken source stops no other."""
    shop = workshop(call.environ)

    def one(crew: Crew) -> Visit:
        source = crew.desk.source
        if source.replays == "by_key":
            from logferry import errands  # only for a task that fetches

            return errands.visit(crew, shop.table)
        if source.replays == "never":
            return drain(crew)  # its logs come by themselves: what could not be delivered then is all there is
        return visit(crew, source.streams(), lambda stream: source.position(stream.name, "end"))

    round_ = _go_round([stored for stored in shop.tasks.all() if stored.state == "online"], shop, call, one)
    _raise_mistakes(round_)
    return round_.answer()


def _raise_mistakes(round_: "_Round") -> None:
    """Those of ours: the platform's own alarm shall hear of them."""
    for error in round_.errors.values():
        if not isinstance(error, LogferryError):
            raise error


def _take(rung: Rung, call: Call) -> Mapping[str, object]:
    """The logs are in it, but for a queue of an object store's events, which no task reads as logs."""
    from logferry import intake  # not for those whose logs are pulled: a cold start pays for each module

    if rung.kind == "sqs":
        from logferry import queued_puts

        bell, tasks = cast("Arrivals", rung.bell), workshop(call.environ).tasks.all()
        found = queued_puts.read(bell)
        if found and not is_read("sqs", bell, tasks):
            return _fetch_queued(bell, found, tasks, call)
    return intake.take(rung, call)


def _fetch(rung: Rung, call: Call) -> Mapping[str, object]:
    """Noted first: what cannot be delivered now, `sweep` goes on with, so nothing is raised for it. What could not be
    noted is told once the rest is done."""
    from logferry import errand_notes  # as above

    shop = workshop(call.environ)
    tasks = shop.tasks.all()
    noted = errand_notes.note(cast("Sequence[Creation]", rung.bell), tasks, shop.table, time.time())
    answer = _fetched(tasks, noted.marks, shop, call).answer()
    noted.confirm()
    return {**answer, "objects": noted.counts}


def _fetch_queued(
    bell: "Arrivals", found: "Mapping[str, Sequence[Creation]]", tasks: Sequence[Stored], call: Call
) -> Mapping[str, object]:
    """A message that is noted is settled, whatever becomes of its objects."""
    from logferry import errand_notes, queued_puts  # as above

    shop, marks = workshop(call.environ), dict[str, list[str]]()

    def note(creations: "Sequence[Creation]") -> None:
        noted = errand_notes.note(creations, tasks, shop.table, time.time())
        for name, mine in noted.marks.items():
            marks.setdefault(name, []).extend(mine)
        noted.confirm()

    failed = queued_puts.note_each(bell, found, note)
    _fetched(tasks, marks, shop, call)
    answer: Mapping[str, object] = registry.find("sources", "sqs").answer(bell, failed)
    return answer


def _fetched(tasks: Sequence[Stored], marks: Mapping[str, Sequence[str]], shop: Workshop, call: Call) -> "_Round":
    from logferry import errands  # as above

    able = [stored for stored in tasks if stored.name in marks and stored.state == "online"]
    round_ = _go_round(able, shop, call, lambda crew: errands.visit(crew, shop.table, marks))
    _raise_mistakes(round_)
    return round_


_WAYS: Mapping[Way, Callable[[Rung, Call], Mapping[str, object]]] = {
    "look": _look, "take": _take, "fetch": _fetch,
}  # fmt: skip


class _Round(Struct):
    """What all crews came to."""

    counts: dict[str, Counts] = field(default_factory=dict)
    unfinished: dict[str, str] = field(default_factory=dict)  # task/stream -> why
    held: dict[str, str] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)  # tasks -> what keeps them from working

    def add(self, visited: Visit) -> None:
        self.held.update(visited.held)
        for outcome in visited.outcomes:
            self.counts[outcome.task] = self.counts.get(outcome.task, Counts()) + outcome.counts
            if not outcome.finished:
                self.unfinished[f"{outcome.task}/{outcome.stream}"] = outcome.note
            if outcome.effort.errors and not outcome.held:
                facts = {"task": outcome.task, "stream": outcome.stream, "reason": outcome.note}
                log.warning("delivery is delayed", extra=facts)

    def answer(self) -> dict[str, object]:
        tasks = {
            name: {key: getattr(counts, key) for key in Counts.__struct_fields__}
            for name, counts in self.counts.items()
        }
        errors = {names: told(error) for names, error in self.errors.items()}
        return {"finished": not self.unfinished and not errors, "tasks": tasks, "unfinished": self.unfinished,
                "held": self.held, "errors": errors}  # fmt: skip


def _go_round(tasks: Sequence[Stored], shop: Workshop, call: Call, one: Callable[[Crew], Visit]) -> _Round:
    """One crew after the other; what stops one stops no other."""
    found = _Round()
    crews = _by_source(tasks, found)
    patience = Patience(call.time_left, time.time, time.sleep, random.random)
    for done, crew in enumerate(crews):
        try:
            mine = patience.share(len(crews) - done, 0.0)  # a slow logstore leaves the others their time
            visited = one(shop.crew(crew, mine))
            found.add(visited)
            call.meter.observe(visited)
        except Exception as error:  # noqa: BLE001  # a mistake of ours too is told once the other crews had their turn
            names = ", ".join(stored.name for stored in crew)
            _tell(names, error)
            found.errors[names] = error
            call.meter.observe(_failed(crew, error))
    log.info("round done", extra={"tasks": len(found.counts), "unfinished": found.unfinished, "held": found.held})
    return found


def _tell(names: str, error: Exception) -> None:
    facts = {"task": names, "reason": told(error)}
    if isinstance(error, LogferryError):
        log.log(logging.WARNING if is_passing(error) else logging.ERROR, "source unreadable", extra=facts)
    else:
        log.error("mistake in logferry", extra=facts, exc_info=error)


def _failed(crew: Sequence[Stored], error: Exception) -> Visit:
    """What a meter is told of tasks whose source could not be asked."""
    found = Visit()
    for stored in crew:
        found.add(Outcome(task=stored.name, stream="", effort=Effort(errors=1), finished=False, note=told(error)))
    return found


def _by_source(tasks: Sequence[Stored], found: _Round) -> list[list[Stored]]:
    """Tasks that read the same place in the same way, together. One that this release cannot read is an error."""
    groups: dict[str, list[Stored]] = {}
    for stored in tasks:
        try:
            groups.setdefault(repr(kinds.dump(stored.task().source)), []).append(stored)
        except LogferryError as error:
            found.errors[stored.name] = error
    return list(groups.values())


def _tasks_of(bell: trigger.Doorbell, shop: Workshop) -> list[Stored]:
    """Online tasks of the event's logstore."""
    place = f"endpoint {bell.endpoint}, project {bell.project}, logstore {bell.logstore}"
    return [stored for stored in addressees("sls", bell, shop.tasks.all(), place) if stored.state == "online"]


def _lineage(shard: str, streams: Sequence[Stream]) -> list[Stream]:
    """The shard after its ancestors; ConfigError if the logstore has no such shard."""
    wanted = {shard}
    for stream in reversed(streams):
        if stream.name in wanted:
            wanted.update(stream.parents)
    line = [stream for stream in streams if stream.name in wanted]
    if shard not in {stream.name for stream in streams}:
        names = ", ".join(stream.name for stream in streams)
        raise ConfigError([f"source.shardId: {shard} is not a shard of the logstore; it has {names}"], subject="event")
    return line
