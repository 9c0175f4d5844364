"""Messages of an SQS queue, as Lambda's poller hands them to `functions/forward`.

Nothing is read twice on purpose: what a task has settled is known by the message's id for `remember`, so that a message
that comes again reaches only the tasks that had not. A stream is a slot that takes what came in one event (`_posts`).
Docs: docs/sources/sqs.md.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from logferry import config
from logferry.arrivals import Arrival, Arrivals
from logferry.config import Duration
from logferry.sources import Surroundings
from logferry.sources._bodies import Envelope, Form, MostRecords, Piece
from logferry.sources._moments import TimeField
from logferry.sources._packed import records
from logferry.sources._posts import SetSource, revive

__all__ = [
    "IDENTITY",
    "PLACE",
    "Config",
    "answer",
    "blocks",
    "build",
    "is_kept",
    "ready",
    "revive",
    "rings",
    "unpack",
]

IDENTITY = ("queue",)
PLACE: tuple[str, ...] = ()  # positions count what came, wherever it came from

Named = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(arn:[a-z-]+:sqs:[a-z0-9-]+:[0-9]{12}:)?[A-Za-z0-9_-]{1,80}(\.fifo)?$(?!\n)",
        description="the name or the ARN of an SQS queue",
    ),
]


class Config(config.Config, frozen=True, kw_only=True):
    """`source: {sqs: …}`."""

    queue: Named
    envelope: Envelope | None = None
    time_field: TimeField | None = None
    max_records: MostRecords = 100_000
    remember: Duration = "14d"
    spill_after: Annotated[int, msgspec.Meta(ge=1, le=1000, description="1-1000 tries")] = 3


def build(options: Config, surroundings: Surroundings) -> SetSource:
    """The source; it reaches nothing by itself."""
    return SetSource(options.time_field, surroundings.clock)


def ready(options: Config, surroundings: Surroundings) -> str:
    """What a check is told."""
    del surroundings
    return f"takes what Lambda hands over of {options.queue}"


def rings(options: Config, bell: object) -> bool:
    """Whether the event is of this queue. A name is that of any account and region."""
    return isinstance(bell, Arrivals) and options.queue in (bell.place, bell.place.rpartition(":")[2])


def unpack(options: Config, item: Arrival) -> list[Piece]:
    """The records of one message."""
    form = Form(envelope=options.envelope or "", most=options.max_records)
    return [piece._replace(at=item.at) for piece in records(item.data.encode("utf-8", "replace"), form)]


def is_kept(options: Config, item: Arrival, now: float) -> bool:
    """Whether the message can be left to the queue: it is not yet near the end of its tries."""
    del now
    return item.tries < options.spill_after


def blocks(bell: Arrivals) -> bool:
    """Whether what is not settled keeps back what comes after it: only where the queue keeps an order."""
    return bell.place.endswith(".fifo")


def answer(bell: Arrivals, failed: Mapping[str, str]) -> dict[str, object]:
    """Each message that is not settled: it comes again once its visibility time-out is over."""
    return {"batchItemFailures": [{"itemIdentifier": item.id} for item in bell.items if item.id in failed]}
