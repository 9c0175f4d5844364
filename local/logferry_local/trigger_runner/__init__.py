"""Fires the triggers of `s.yaml` on one machine, as the platform would.

`LogTrigger`: each shard on its own, every interval, a half-open range of cursors that starts where the last one
ended. No call without new data. A failed call is made again up to `retries` times; then the range is given up, never
presented again, and the next one follows. `TimerTrigger`: at its times, as an asynchronous call with its own retries.
`PutTrigger`: for each object that is put into a bucket, here a folder, as an asynchronous call.
Facts: Function Compute documentation, "Configure a Simple Log Service trigger", "Time-triggered functions", "OSS
triggers".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias

__all__ = ["Cursors", "Firing", "LogTrigger", "PutTrigger", "TimerTrigger", "Trigger"]


@dataclass(frozen=True, kw_only=True)
class LogTrigger:
    """New data in a logstore calls a function."""

    name: str
    function: str
    endpoint: str
    project: str
    logstore: str
    interval: float = 60.0  # seconds, 3-600
    retries: int = 3  # 0-100
    parameter: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TimerTrigger:
    """The clock calls a function."""

    name: str
    function: str
    cron: str  # `@every 5m` or six fields, see `schedule`
    payload: str = ""
    retries: int = 3  # of an asynchronous call, 0-8


@dataclass(frozen=True, kw_only=True)
class PutTrigger:
    """An object that was put into a bucket calls a function."""

    name: str
    function: str
    bucket: str
    prefix: str = ""
    suffix: str = ""
    retries: int = 3  # of an asynchronous call, 0-8


Trigger: TypeAlias = LogTrigger | PutTrigger | TimerTrigger


class Firing(NamedTuple):
    """One call and its repeats: what was asked for and how it ended."""

    trigger: str
    function: str
    ok: bool
    attempts: int
    reply: Any  # the function's reply, or the platform's error body of the last attempt
    shard: int | None = None
    begin: str = ""  # cursors, [begin, end)
    end: str = ""
    key: str = ""  # of the object that was put


class Cursors(Protocol):
    """What a trigger must know of a logstore. Raises SourceError."""

    def shards(self) -> list[int]:
        """The shards as they are now."""
        ...

    def cursor(self, shard: int, at: str | int) -> str:
        """The cursor of `begin`, `end` or a receive time (Unix seconds)."""
        ...

    def time_of(self, shard: int, cursor: str) -> int:
        """Receive time (Unix seconds) of the log at the cursor."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
