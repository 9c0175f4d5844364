"""Whether the tasks on one logstore may together read more than the log service allows.

Tasks with the same endpoint, project, logstore and query share their pulls: they are one reader. Each reader pulls all
that is written to a shard, so it is the number of readers that meets the quota. Where nobody measured the inflow, the
most that a shard takes is assumed: 5 MB/s and 500 writes/s. A pull returns up to `max_groups` log groups, and each
write makes one.

Units: MB/s are 1,000,000 bytes a second. The quotas are soft (a ticket raises them).
Source: Simple Log Service, "Limits": data read and write.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from logferry import kinds
from logferry.task import Task

__all__ = ["warnings"]

READ_MB, READ_CALLS = 20.0, 100.0  # a second and shard
WRITE_MB, WRITE_CALLS = 5.0, 500.0  # a second and shard, of an indexed logstore
PROJECT_CALLS = 10_000.0  # reads a second and project (600,000 a minute)
_SHARE = "give tasks the same endpoint and query, so that they share one pull, or split the shards"


class _Reader(NamedTuple):
    tasks: list[str]
    groups: int  # the most that one pull returns


def warnings(
    tasks: Iterable[Task], shards: Mapping[str, int] | None = None, inflow: Mapping[str, float] | None = None
) -> list[str]:
    """One line for each quota that is too small for what these tasks read; `tasks` are those that are to run.

    `shards`: how many a logstore has, by `PROJECT/LOGSTORE`; needed for what counts by project, and with `inflow`.
    `inflow`: MB/s that were measured to come into a logstore, by the same name.
    """
    counts, measured = shards or {}, inflow or {}
    found: list[str] = []
    reads: dict[str, float] = {}  # project -> reads a second
    for place, readers in sorted(_readers(tasks).items()):
        number = max(counts.get(place, 1), 1)
        mb = measured[place] / number if place in measured else WRITE_MB
        found += _of_logstore(place, readers, mb, is_measured=place in measured)
        project = place.partition("/")[0]
        reads[project] = reads.get(project, 0.0) + number * _calls(readers, mb)
    found += [
        f"project {project}: its tasks may need {_number(calls)} reads/s together, more than the {PROJECT_CALLS:.0f} "
        f"that a project has: {_SHARE}"
        for project, calls in sorted(reads.items())
        if calls > PROJECT_CALLS
    ]
    return found


def _of_logstore(place: str, readers: list[_Reader], mb: float, *, is_measured: bool) -> list[str]:
    names = ", ".join(sorted(name for reader in readers for name in reader.tasks))
    many = f"{len(readers)} separate reader{'s' * (len(readers) != 1)} ({names})"
    load, calls = mb * len(readers), _calls(readers, mb)
    basis = "as much as was measured" if is_measured else "as much as a shard takes"
    found = []
    if load > READ_MB:
        found.append(
            f"logstore {place}: {many} at {_number(mb)} MB/s each, {basis}, read {_number(load)} MB/s a shard, "
            f"more than its {READ_MB:.0f} MB/s: {_SHARE}"
        )
    if calls > READ_CALLS:
        found.append(
            f"logstore {place}: {many} may need {_number(calls)} reads/s a shard, more than its {READ_CALLS:.0f}: "
            f"raise max_groups, or {_SHARE}"
        )
    return found


def _calls(readers: Iterable[_Reader], mb: float) -> float:
    """Reads a second and shard, where writes are as small as can be for so many bytes."""
    writes = WRITE_CALLS * min(1.0, mb / WRITE_MB)
    return sum(writes / reader.groups for reader in readers)


def _readers(tasks: Iterable[Task]) -> dict[str, list[_Reader]]:
    """The readers of each logstore, by `PROJECT/LOGSTORE`; other sources have no such quota."""
    found: dict[str, dict[str, _Reader]] = {}
    for task in tasks:
        if task.source.kind != "sls":
            continue
        options = task.source.options
        place = f"{getattr(options, 'project', '')}/{getattr(options, 'logstore', '')}"
        groups: int = getattr(options, "max_groups", 1000)
        same = found.setdefault(place, {})
        who = repr(sorted(kinds.identity("sources", task.source).items()))
        known = same.get(who, _Reader([], groups))
        same[who] = _Reader([*known.tasks, task.task], min(known.groups, groups))
    return {place: list(readers.values()) for place, readers in found.items()}


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"
