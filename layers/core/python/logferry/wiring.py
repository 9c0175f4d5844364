"""Configuration -> objects. What an instance keeps between invocations, and what it reads from its environment.

| environment name | default | meaning |
|---|---|---|
| `LOGFERRY_STATE` | `sqlite:.logferry/state.db` | state table |
| `LOGFERRY_OBJECTS` | `folder:.logferry/objects` | dead letters, spilled batches |
| `LOGFERRY_SAVE_SECONDS`, `LOGFERRY_SAVE_BYTES` | 5, 67108864 | how often positions are saved |
| `LOGFERRY_LEASE_SECONDS` | 60 | how long a killed owner blocks its stream |
| `LOGFERRY_SPILL` | `on` | `off`: nothing is kept beyond the source's retention |
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Self

from logferry import objects, registry, state
from logferry.dead_letters import DeadLetters
from logferry.delivery import Patience
from logferry.desk import Desk
from logferry.destinations import Surroundings
from logferry.errors import ConfigError
from logferry.health import Holds
from logferry.job import Job, Settings
from logferry.ledger import FARTHEST, Ledger
from logferry.objects import Store
from logferry.rounds import Crew
from logferry.sources import Source
from logferry.sources import Surroundings as SourceSurroundings
from logferry.spill_store import SpillStore
from logferry.state import Table
from logferry.task import Task
from logferry.task_plan import plan_of
from logferry.task_store import Stored, TaskStore
from logferry.transport.reach import Reach
from logferry.vault import Secret, Vault

__all__ = ["Workshop", "dismiss", "open_store", "open_table", "settings", "workshop"]


class Workshop:
    """What lives as long as the instance: table, object store, and the jobs built so far."""

    def __init__(self, table: Table, store: Store, owner: Callable[[], str] | None = None) -> None:
        """`owner` names this instance in the rows that it works on; each name must be new."""
        self.table = table
        self.tasks = TaskStore(table, time.time)
        self.holds = Holds(table)
        self.ledger = Ledger(table, owner) if owner else Ledger(table)
        self.dead = DeadLetters(store, time.time)
        self.spills = SpillStore(store)
        self.settings = Settings()
        self._environ: dict[str, str] = {}
        self._vault = Vault(self._environ)
        self._jobs: dict[tuple[str, int], tuple[Task, Job]] = {}

    def renewed(self, environ: Mapping[str, str]) -> Self:
        """The same for the next invocation: temporary credentials change between two."""
        self._environ.clear()
        self._environ.update(environ)
        self.settings = settings(environ)
        return self

    def job(self, stored: Stored) -> Job:
        """The task's newest version, built once."""
        return self._kept(stored.task(), stored.version)

    def job_at(self, name: str, version: int) -> Job:
        """One version of a task, built once. Raises what its configuration deserves."""
        return self._kept(self.tasks.version(name, version), version)

    def _kept(self, task: Task, version: int) -> Job:
        """Built once, as long as it is the same task: one that was deleted and made anew counts its versions anew."""
        before = self._jobs.get((task.task, version))
        if before and before[0] == task:
            return before[1]
        made = self._build(task, version)
        if before:
            before[1].destination.close()
        self._jobs[task.task, version] = task, made
        return made

    def is_online(self, name: str) -> bool:
        """Whether the task is there, and nobody paused it."""
        found = self.tasks.find(name)
        return found is not None and found.state == "online"

    def source(self, task: Task) -> Source:
        """The task's source, with this invocation's credentials."""
        surroundings = SourceSurroundings(self._environ, self._vault)
        source: Source = registry.find("sources", task.source.kind).build(task.source.options, surroundings)
        return source

    def secret(self, reference: str) -> Secret:
        """What a reference stands for now: keys change while an instance lives. Misconfigured, Transient."""
        return self._vault.current(reference)

    def desk(self, source: Source, patience: Patience) -> Desk:
        """What a run needs beside its jobs."""
        return Desk(
            source, self.ledger, self.dead, self.spills, self.settings, patience, self.job_at, self.is_online
        )  # fmt: skip

    def crew(self, tasks: Sequence[Stored], patience: Patience) -> Crew:
        """The tasks of one logstore."""
        return Crew(tasks, self.desk(self.source(tasks[0].task()), patience), self.holds, self.job)

    def dismiss(self) -> None:
        """Let go of all destinations."""
        for _task, job in self._jobs.values():
            job.destination.close()
        self._jobs.clear()

    def close(self) -> None:
        """Let go of all connections."""
        self.dismiss()
        self.table.close()

    def _build(self, task: Task, version: int) -> Job:
        module = registry.find("destinations", task.destination.kind)
        surroundings = Surroundings(task.task, self._vault)
        options = task.destination.options
        return Job(
            task.task,
            version,
            plan_of(task, self._vault),
            module.encoder(options, surroundings),
            module.build(options, surroundings),
            source=task.source.kind,
        )


def settings(environ: Mapping[str, str]) -> Settings:
    """Engine settings from the environment; ConfigError that names each wrong one."""
    problems: list[str] = []
    usual = Settings()

    def number(name: str, default: float, most: float = 1e12) -> float:
        text = environ.get(name, "")
        try:
            value = float(text) if text else default
        except ValueError:
            value = -1.0
        if not 0 <= value <= most:
            problems.append(f"{name}: {text!r} is not a number of 0 or more" + f", {most:.0f} at most" * (most < 1e12))
        return value

    spill = environ.get("LOGFERRY_SPILL") or "on"
    if spill not in ("on", "off"):
        problems.append(f"LOGFERRY_SPILL: {spill!r} is not on or off")
    made = Settings(
        save_seconds=number("LOGFERRY_SAVE_SECONDS", usual.save_seconds),
        save_bytes=int(number("LOGFERRY_SAVE_BYTES", usual.save_bytes)),
        lease_seconds=number("LOGFERRY_LEASE_SECONDS", usual.lease_seconds, FARTHEST),
        spill=spill == "on",
    )
    try:
        Reach.of(environ)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(problems, subject="environment")
    return made


def open_table(environ: Mapping[str, str]) -> Table:
    """The state table that `LOGFERRY_STATE` names."""
    return state.open_table(environ.get("LOGFERRY_STATE") or "sqlite:.logferry/state.db")


def open_store(environ: Mapping[str, str]) -> Store:
    """The object store that `LOGFERRY_OBJECTS` names."""
    return objects.open_store(environ.get("LOGFERRY_OBJECTS") or "folder:.logferry/objects")


def workshop(environ: Mapping[str, str]) -> Workshop:
    """The instance's workshop for these places, with this invocation's credentials."""
    places = environ.get("LOGFERRY_STATE", ""), environ.get("LOGFERRY_OBJECTS", "")
    if places not in _KEPT:
        _KEPT[places] = Workshop(open_table(environ), open_store(environ))
    return _KEPT[places].renewed(environ)


def dismiss() -> None:
    """Close every workshop: for a process that goes on without one (a worker that ends, a test)."""
    while _KEPT:
        _KEPT.popitem()[1].close()


_KEPT: dict[tuple[str, str], Workshop] = {}  # what makes the second invocation of an instance quick
