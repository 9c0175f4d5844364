"""Backfill runs: a window of the past that is read for a task apart from its live run.

Rows: `backfills/<task>/<run>` says what a run reads, one range a stream, in parts that were delivered before or not.
Where it stands is in its own ledger (`Ledger.of_run`), what it parks under its own stream names (`RunLetters`).
Times are Unix seconds of receipt.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from logferry import rows
from logferry.dead_letters import DeadLetters, Place, State
from logferry.errors import ConfigError
from logferry.model import Position
from logferry.state import Table

__all__ = ["SCHEMA", "Part", "Range", "Run", "RunLetters", "Runs"]

SCHEMA = 1


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """A piece of a range, from the end of the one before it."""

    end: Position
    again: bool = False  # its records were delivered before, or will be by the live run


class Range(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run reads of one stream; its parts tile from `begin`."""

    stream: str
    born: int = 0
    parents: tuple[str, ...] = ()
    begin: Position
    parts: tuple[Part, ...]

    @property
    def end(self) -> Position:
        """Where the run is done with the stream."""
        return self.parts[-1].end


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One backfill. `ranges` have parents before their children."""

    schema: int = SCHEMA
    run: str
    task: str
    version: int  # of the task, when the run was last begun or resumed
    since: int
    until: int  # the first second that is not in it
    made: float
    state: Literal["open", "done", "abandoned"] = "open"
    ended: float = 0
    ranges: tuple[Range, ...]


class Runs:
    """All backfill runs, over one state table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def all(self, task: str) -> list[Run]:
        """A task's runs, oldest first."""
        found = [rows.decode(item, Run, SCHEMA, f"backfill {item.sort}") for item in self._table.list(_partition(task))]
        return sorted(found, key=lambda run: run.made)

    def get(self, task: str, name: str) -> Run:
        """One run (`last`: the newest that is not done); ConfigError that lists the known ones if there is none."""
        runs = self.all(task)
        fitting = [run for run in runs if run.run == name or (name == "last" and run.state == "open")]
        if not fitting:
            known = ", ".join(f"{run.run} ({run.state})" for run in runs) or "none"
            raise ConfigError([f"{name!r} is not a run of task {task}; known: {known}"], subject="backfill")
        return fitting[-1]

    def save(self, run: Run) -> None:
        """Write it, over what is there."""
        body = msgspec.json.encode(run)
        rows.edit(self._table, _partition(run.task), run.run, lambda _old: body)

    def delete(self, task: str) -> None:
        """Forget a task's runs."""
        for item in list(self._table.list(_partition(task))):
            rows.edit(self._table, _partition(task), item.sort, lambda _old: rows.DELETE)


class RunLetters(DeadLetters):
    """A run's dead letters: those of the task whose stream is `<stream>@<run>`, seen as `<stream>`.

    The live run may park the same record, or settle it: neither may count, move or take back the other's letter.
    """

    def __init__(self, dead: DeadLetters, run: str) -> None:
        super().__init__(dead.store, dead.clock)
        self._suffix = f"@{run}"

    def park(
        self, task: str, task_version: int, place: Place, reason: str, original: bytes, *, source: str = "sls"
    ) -> str:
        """Write one; returns its key once it is durable."""
        return super().park(task, task_version, self._marked(place), reason, original, source=source)

    def keys(self, task: str, state: State, stream: str = "", begin: Position = "") -> Iterator[str]:
        """Keys of the run's letters of one stream."""
        if not stream:
            raise ValueError("a run's letters are asked for stream by stream")
        return super().keys(task, state, stream + self._suffix, begin)

    def places(self, task: str, state: State, stream: str = "", begin: Position = "") -> Iterator[Place]:
        """Where the parked records stood, without reading them."""
        for place in super().places(task, state, stream, begin):
            yield Place(place.stream.removesuffix(self._suffix), place.begin, place.ordinal)

    def retract(self, task: str, places: Iterable[Place]) -> None:
        """Drop what an interrupted run parked and the one that settled the range did not."""
        super().retract(task, map(self._marked, places))

    def _marked(self, place: Place) -> Place:
        return Place(place.stream + self._suffix, place.begin, place.ordinal)


def _partition(task: str) -> str:
    return f"backfills/{task}"
