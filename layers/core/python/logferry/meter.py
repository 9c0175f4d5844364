"""What operators are told: the facts of each visit, handed to a meter (CloudWatch, log lines, Prometheus; else none).

Times are seconds, bytes are raw (after decompression). A meter only listens: it never raises, and never waits.
`COUNTERS` is the one list of names; docs/operations.md explains them, a test compares the two.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from logferry.model import Counts, Effort, Lag, Outcome

__all__ = ["COUNTERS", "SILENT", "Meter", "Reading", "Seen", "Silent", "readings"]

COUNTERS = (*Counts.__struct_fields__, *Effort.__struct_fields__)
"""Numbers that only grow; the first ones are records by their fate."""


class Seen(Protocol):
    """What a round came to, as far as a meter looks: `rounds.Visit`."""

    held: dict[str, str]
    lags: dict[tuple[str, str], Lag]

    @property
    def outcomes(self) -> Sequence[Outcome]:
        """One a task and stream."""
        ...


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One task on one stream, since the last look. Without a stream: the task as a whole could not work."""

    task: str
    stream: str = ""
    counts: Counts = Counts()
    effort: Effort = Effort()
    held: bool = False  # the whole task
    lag: Lag | None = None  # None: not known now

    @property
    def counters(self) -> Mapping[str, int]:
        """Every number of `COUNTERS`."""
        return msgspec.structs.asdict(self.counts) | msgspec.structs.asdict(self.effort)


class Meter(Protocol):
    """Listens to every visit, from one thread at a time."""

    def observe(self, seen: Seen) -> None:
        """Take note of what a round came to."""
        ...


class Silent:
    """Nobody listens."""

    def observe(self, seen: Seen) -> None:
        """Do nothing."""


SILENT = Silent()


def readings(seen: Seen) -> Iterator[Reading]:
    """Every task and stream of a round, and the held tasks that took no part in it."""
    told = set()
    for outcome in seen.outcomes:
        told.add(outcome.task)
        reached = outcome.finished and not outcome.note  # "busy" is finished too, and says nothing of the lag
        yield Reading(
            task=outcome.task, stream=outcome.stream, counts=outcome.counts, effort=outcome.effort,
            held=outcome.held or outcome.task in seen.held,
            lag=seen.lags.get((outcome.task, outcome.stream), Lag() if reached and outcome.stream else None),
        )  # fmt: skip
    for task in seen.held:
        if task not in told:
            yield Reading(task=task, held=True)
