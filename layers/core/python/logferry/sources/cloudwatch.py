"""Log events of CloudWatch Logs, as a subscription sends them to `functions/forward`.

The platform tries an event again for some minutes only and then gives it up, so what a task cannot deliver is spilled
at once. What a task has settled is known by a digest of the message for `remember`. A stream is a slot (`_posts`).
Docs: docs/sources/cloudwatch.md.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from logferry import config
from logferry.arrivals import Arrival, Arrivals
from logferry.config import Duration
from logferry.errors import Unfinished
from logferry.sources import Surroundings
from logferry.sources._bodies import MostRecords, Piece
from logferry.sources._posts import SetSource, revive
from logferry.sources._subscription import Body, events

__all__ = [
    "IDENTITY",
    "PLACE",
    "Config",
    "answer",
    "blocks",
    "build",
    "is_kept",
    "is_own",
    "ready",
    "revive",
    "rings",
    "unpack",
]

IDENTITY = ("log_group", "owner")
PLACE: tuple[str, ...] = ()  # positions count what came, wherever it came from

Group = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9_./#-]{1,512}\*?$(?!\n)|^\*$(?!\n)",
        description="the name of a log group, or the beginning of names and *",
    ),
]


class Config(config.Config, frozen=True, kw_only=True):
    """`source: {cloudwatch: …}`."""

    log_group: Group
    owner: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{12}$(?!\n)", description="an account's 12 digits")] | None = (
        None
    )
    message: Body = "json"
    max_records: MostRecords = 100_000
    remember: Duration = "3d"


def build(options: Config, surroundings: Surroundings) -> SetSource:
    """The source; it reaches nothing by itself."""
    del options
    return SetSource(None, surroundings.clock)


def ready(options: Config, surroundings: Surroundings) -> str:
    """What a check is told."""
    del surroundings
    return f"takes what CloudWatch Logs sends of {options.log_group}"


def rings(options: Config, bell: object) -> bool:
    """Whether the event is of this log group, or one of these, and of this account if one is named."""
    if not isinstance(bell, Arrivals) or options.owner not in (None, bell.owner):
        return False
    beginning = options.log_group.removesuffix("*")
    return bell.place == beginning or (beginning != options.log_group and bell.place.startswith(beginning))


def is_own(bell: Arrivals, environ: Mapping[str, str]) -> bool:
    """Whether it is this function's own log, each line of which would make another."""
    return bell.place == environ.get("AWS_LAMBDA_LOG_GROUP_NAME")


def unpack(options: Config, item: Arrival) -> list[Piece]:
    """The log events of the message."""
    return events(item.data.encode(), options.message, options.max_records)


def is_kept(options: Config, item: Arrival, now: float) -> bool:
    """Whether it can be left to the platform: never for long."""
    del options, item, now
    return False


def blocks(bell: Arrivals) -> bool:
    """Whether what is not settled keeps back what comes after it."""
    del bell
    return False


def answer(bell: Arrivals, failed: Mapping[str, str]) -> dict[str, object]:
    """Nothing is asked for. Unfinished if it is not settled: the platform tries twice more."""
    if failed:
        raise Unfinished("; ".join(sorted(set(failed.values()))))
    return {"finished": True, "items": len(bell.items)}
