"""What operators are told: the facts of each visit, handed to a meter (CloudWatch, log lines, Prometheus; else none).

Times are seconds, bytes are raw (after decompression). A meter only listens: it never raises, and never waits.
`COUNTERS` and `GAUGES` are the one list of names; docs/operations.md explains them, a test compares the two.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct, field

from logferry.model import Counts, Effort, Lag, Outcome

__all__ = ["COUNTERS", "GAUGES", "SILENT", "Meter", "Reading", "Seen", "Silent", "Sums", "readings"]

COUNTERS = (*Counts.__struct_fields__, *Effort.__struct_fields__)
"""Numbers that only grow; the first ones are records by their fate."""
GAUGES = ("held", "lag_seconds", "lag_over_max", "retention_left_seconds")
"""How a task stands now. Only `held` is always known."""


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
    """Listens to every visit; a worker's shifts tell it from several threads."""

    def observe(self, seen: Seen) -> None:
        """Take note of what a round came to."""
        ...


class Silent:
    """Nobody listens."""

    def observe(self, seen: Seen) -> None:
        """Do nothing."""


SILENT = Silent()


class Sums(Struct):
    """Adds up what a call came to, by task: for whoever tells it once, at the end."""

    tasks: dict[str, dict[str, float]] = field(default_factory=dict)  # every counter, and each gauge that is known

    def observe(self, seen: Seen) -> None:
        """Counters are added; of its streams the worst says how a task stands."""
        for reading in readings(seen):
            facts = self.tasks.setdefault(reading.task, dict.fromkeys((*COUNTERS, "held"), 0.0))
            for name, more in reading.counters.items():
                facts[name] += more
            facts["held"] = max(facts["held"], int(reading.held))
            if reading.lag is not None:
                facts["lag_seconds"] = max(facts.get("lag_seconds", 0.0), reading.lag.seconds)
                facts["lag_over_max"] = max(facts.get("lag_over_max", 0), int(reading.lag.over))
                if reading.lag.left is not None:
                    left = facts.get("retention_left_seconds", reading.lag.left)
                    facts["retention_left_seconds"] = min(left, reading.lag.left)


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
