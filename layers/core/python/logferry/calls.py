"""The calls that move logs: `forward` (a doorbell rang: look at this stream) and `sweep` (a timer: look at all).

`forward` raises Unfinished when a range is left open, since an error is what makes a trigger come again; a stream that
somebody else works on, or a task that is held already, is no reason to. `sweep` reports and returns: it comes again
anyway.
"""

import logging
import random
import time
from collections.abc import Callable, Sequence

from logferry import kinds, registry
from logferry.config import Config
from logferry.delivery import Patience
from logferry.errors import ConfigError, LogferryError, Unfinished
from logferry.kinds import Chosen
from logferry.model import Counts
from logferry.rounds import Visit, visit
from logferry.runtime import Call
from logferry.sls import trigger
from logferry.sources import Stream
from logferry.task_store import Stored
from logferry.wiring import Workshop, workshop

__all__ = ["forward", "sweep"]

log = logging.getLogger(__name__)


def forward(call: Call) -> dict[str, object]:
    """The trigger's doorbell: every task of that logstore goes on from its own position to the event's end."""
    bell = trigger.parse(call.event)
    shop = workshop(call.environ)
    tasks = _tasks_of(bell, shop)
    crew = shop.crew(tasks, _patience(call))
    streams = crew.desk.source.streams()
    line = _lineage(bell.shard, streams)
    end_of = crew.desk.source.position
    visited = visit(crew, line, lambda stream: bell.end if stream.name == bell.shard else end_of(stream.name, "end"))
    return _answer([visited], raise_unfinished=True)


def sweep(call: Call) -> dict[str, object]:
    """The timer: every stream of every online task that is behind goes on; one broken source stops no other."""
    shop = workshop(call.environ)
    visits: list[Visit] = []
    errors: dict[str, str] = {}
    groups = _by_source([stored for stored in shop.tasks.all() if stored.state == "online"])
    for done, tasks in enumerate(groups):
        share = call.time_left() / (len(groups) - done)  # a slow logstore leaves the others their time
        try:
            visits.append(_sweep_one(shop, tasks, _patience(call, share)))
        except LogferryError as error:
            names = ", ".join(stored.name for stored in tasks)
            log.error("source unreadable", extra={"task": names, "reason": str(error)})  # noqa: TRY400  # the reason says it all
            errors[names] = str(error)
    return _answer(visits) | ({"errors": errors} if errors else {})


def _sweep_one(shop: Workshop, tasks: Sequence[Stored], patience: Patience) -> Visit:
    crew = shop.crew(tasks, patience)
    source = crew.desk.source
    return visit(crew, source.streams(), lambda stream: source.position(stream.name, "end"))


def _tasks_of(bell: trigger.Doorbell, shop: Workshop) -> list[Stored]:
    """Online tasks of the event's logstore. The event may only match what the tasks say."""
    stored = [one for one in shop.tasks.all() if not one.problem]
    there = [one for one in stored if _rings(bell, one.task().source)]
    if not there:
        known = sorted({_place(one) for one in stored})
        place = f"endpoint {bell.endpoint}, project {bell.project}, logstore {bell.logstore}"
        reads = "; ".join(known) or "nothing yet (logferry task apply)"
        raise ConfigError([f"source: {place} is read by no task; the tasks read {reads}"], subject="event")
    return [one for one in there if one.state == "online"]


def _rings(bell: trigger.Doorbell, source: Chosen) -> bool:
    """Whether the doorbell means this source; a kind that has no doorbells never answers."""
    rings: Callable[[Config, trigger.Doorbell], bool] | None = getattr(
        registry.find("sources", source.kind), "rings", None
    )
    return rings is not None and rings(source.options, bell)


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


def _place(stored: Stored) -> str:
    """The place that a task reads, as text that is the same for the same place."""
    return repr(kinds.identity("sources", kinds.dump(stored.task().source)))


def _by_source(tasks: Sequence[Stored]) -> list[list[Stored]]:
    """Tasks that read the same place, together."""
    groups: dict[str, list[Stored]] = {}
    for stored in tasks:
        groups.setdefault(_place(stored), []).append(stored)
    return list(groups.values())


def _answer(visits: Sequence[Visit], *, raise_unfinished: bool = False) -> dict[str, object]:
    """Counts by task; Unfinished if a range is still open and the caller must come again."""
    totals: dict[str, Counts] = {}
    unfinished: dict[str, str] = {}
    for outcome in (outcome for one in visits for outcome in one.outcomes):
        totals[outcome.task] = totals.get(outcome.task, Counts()) + outcome.counts
        if not outcome.finished:
            unfinished[f"{outcome.task}/{outcome.stream}"] = outcome.note
    held = {task: why for one in visits for task, why in one.held.items()}
    log.info("round done", extra={"tasks": len(totals), "unfinished": unfinished, "held": held})
    if unfinished and raise_unfinished:
        raise Unfinished("; ".join(f"{where}: {why}" for where, why in unfinished.items()))
    tasks = {name: {key: getattr(counts, key) for key in Counts.__struct_fields__} for name, counts in totals.items()}
    return {"finished": not unfinished, "tasks": tasks, "unfinished": unfinished, "held": held}


def _patience(call: Call, share: float = float("inf")) -> Patience:
    """This call's time, or a share of it (seconds)."""
    until = time.monotonic() + share
    return Patience(lambda: min(until - time.monotonic(), call.time_left()), time.time, time.sleep, random.random)
