"""Which range of which stream a window is: parents before children, nothing of a stream that lived at another time."""

from collections.abc import Sequence

import msgspec

from logferry.backfills import Part, Range
from logferry.errors import ConfigError
from logferry.kinds import Chosen
from logferry.sources import Source
from logferry.task import Task
from logferry_local.backfill.window import Window

__all__ = ["check", "missing", "pulling", "ranges"]


def check(source: Source) -> None:
    """ConfigError if the source cannot be read by time, and again."""
    if source.replays != "cursor" or source.progress != "ordered":
        raise ConfigError(["source: cannot be read again from a time on"], subject="backfill")


def ranges(source: Source, window: Window) -> list[Range]:
    """The window on every stream that has something in it, as cursors: a stream's own begin and end bound it."""
    found: dict[str, Range] = {}
    for stream in source.streams():
        if stream.born >= window.until:
            continue
        begin, end = source.position(stream.name, window.since), source.position(stream.name, window.until)
        if source.order(begin) < source.order(end):
            parents = tuple(name for name in stream.parents if name in found)
            found[stream.name] = Range(
                stream=stream.name, born=stream.born, parents=parents, begin=begin, parts=(Part(end),)
            )
    return list(found.values())


def pulling(task: Task, groups: int) -> Task:
    """The task with at most so many groups a pull, where its source has that option."""
    options = task.source.options
    usual = getattr(options, "max_groups", None)
    if usual is None or usual <= groups:
        return task
    less = msgspec.structs.replace(options, max_groups=groups)
    return msgspec.structs.replace(task, source=Chosen(task.source.kind, less))


def missing(planned: Sequence[Range], source: Source) -> list[str]:
    """Why a plan cannot be gone on with: streams that are gone or were made anew since."""
    there = {stream.name: stream for stream in source.streams()}
    found = []
    for one in planned:
        stream = there.get(one.stream)
        if stream is None:
            found.append(f"stream {one.stream} is not at the source any more")
        elif stream.born != one.born:
            found.append(f"stream {one.stream} was made anew since the run was planned")
    return found
