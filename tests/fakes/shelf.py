"""A folder that passes for a bucket, a task that reads it, and the engine over them: one part after the other."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.engine import Clock, LineEncoder, MemoryStore, ScriptedDestination

from logferry import errand_notes, errands, proof, task
from logferry.dead_letters import DeadLetters
from logferry.delivery import Patience
from logferry.desk import Desk
from logferry.errand_notes import Noted
from logferry.errand_rows import Errands
from logferry.health import Holds
from logferry.job import Job, Settings
from logferry.ledger import Ledger, Row
from logferry.model import Counts
from logferry.objects import open_store
from logferry.plan import Plan
from logferry.put_events import Creation, Put
from logferry.rounds import Crew, Visit
from logferry.sources import Surroundings, objects
from logferry.sources.objects import ObjectsSource
from logferry.spill_store import SpillStore
from logferry.state import Table
from logferry.state.memory import open_table
from logferry.task_store import Stored, TaskStore
from logferry.vault import Vault

__all__ = ["Shelf", "body", "numbered", "shelf"]

_NAMES = itertools.count()


@dataclass
class Shelf:
    """Everything that one test needs. Records are `{"m": "r00001"}`."""

    folder: Path
    table: Table
    options: dict[str, Any]
    settings: Settings
    clock: Clock = field(default_factory=Clock)
    store: MemoryStore = field(default_factory=MemoryStore)  # of dead letters
    destinations: dict[str, ScriptedDestination] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bucket = open_store(f"folder:{self.folder}")
        self.tasks = TaskStore(self.table, self.clock)
        self.apply("t")

    def apply(self, name: str, **options: Any) -> ScriptedDestination:  # noqa: ANN401  # of the source
        """A task that reads the folder, and its destination."""
        source = {"objects": {"bucket": f"folder:{self.folder}", **self.options, **options}}
        destination = {"splunk_hec": {"url": "http://127.0.0.1:1", "token": "secret://env/T"}}
        self.tasks.apply(task.load({"task": name, "source": source, "destination": destination}))
        return self.destinations.setdefault(name, ScriptedDestination())

    def put(self, key: str, content: bytes | int) -> Creation:
        """An object of so many records (or these bytes), and what its event would tell."""
        data = content if isinstance(content, bytes) else body(content)
        self.bucket.put(key, data)
        found = self.bucket.stream(key)
        assert found is not None
        found.close()
        return Creation(Put(self.folder.name, (key,), len(data)), found.etag.upper(), "", "1970-01-12T13:46:40.000Z")

    def note(self, *creations: Creation) -> Noted:
        """The event came."""
        noted = errand_notes.note(creations, self.tasks.all(), self.table, self.clock())
        noted.confirm()
        return noted

    def visit(self, noted: Noted | None = None, seconds: float = 300.0, *names: str) -> Visit:
        """One invocation: for what was noted, or of the sweep."""
        until = self.clock.now + seconds
        patience = Patience(lambda: until - self.clock.now, self.clock, self.clock.sleep, lambda: 0.5)
        stored = [self.tasks.get(name) for name in names or ("t",)]
        source = self.source(stored[0])
        desk = Desk(
            source, Ledger(self.table), DeadLetters(self.store, self.clock), SpillStore(self.store), self.settings,
            patience, lambda name, _version: self.job(name), lambda _name: True,
        )  # fmt: skip
        crew = Crew(stored, desk, Holds(self.table), lambda one: self.job(one.name))
        return errands.visit(crew, self.table, noted.marks if noted else None)

    def deliver(self, *creations: Creation) -> Visit:
        """Both."""
        return self.visit(self.note(*creations))

    def source(self, stored: Stored) -> ObjectsSource:
        """The task's source."""
        options = stored.task().source.options
        assert isinstance(options, objects.Config)
        return objects.build(options, Surroundings({}, Vault({}), self.clock))

    def job(self, name: str) -> Job:
        """The task's job."""
        return Job(name, 1, self.plans.get(name, Plan()), LineEncoder(), self.destinations[name], source="objects")

    def taken(self, name: str = "t") -> list[str]:
        """What arrived."""
        return self.destinations[name].taken

    def rows(self, name: str = "t") -> list[Row]:
        """The task's slots, which balance and tile."""
        rows = Ledger(self.table).rows(name)
        assert [problem for row in rows for problem in proof.problems(row)] == []
        return rows

    def counts(self, name: str = "t") -> Counts:
        """All slots together, as a recount has them too, and the dead letters."""
        source = errands.recalling(self.source(self.tasks.get(name)), name, self.table)
        dead = DeadLetters(self.store, self.clock)
        for row in self.rows(name):
            found = proof.recount(name, row, self.plans.get(name, Plan()), source, dead)
            assert found.differences == []
        return sum((row.counts for row in self.rows(name)), Counts())

    def due(self, name: str = "t") -> list[str]:
        """Keys of what is due."""
        return sorted(one.errand.keys[0] for one in Errands(self.table, name).due())

    def held(self, name: str = "t") -> str:
        """Why the task is held."""
        health = Holds(self.table).health(name)
        return health.reason if health else ""


def body(records: int, first: int = 0) -> bytes:
    """Numbered records."""
    return b"".join(b'{"m":"r%05d"}\n' % number for number in range(first, first + records))


def shelf(
    folder: Path, options: Mapping[str, Any] | None = None, table: Table | None = None, **settings: float
) -> Shelf:
    """An empty folder and table; parts of ten records."""
    (folder / "logs").mkdir(exist_ok=True)
    made = table or open_table(f"shelf-{next(_NAMES)}", {}, lambda: 0.0)
    use = Settings(**{"save_seconds": 0.0, **settings})  # type: ignore[arg-type]  # numbers
    return Shelf(folder / "logs", made, {"max_records": 10, **(options or {})}, use)


def numbered(count: int, first: int = 0) -> Sequence[str]:
    """What a body of so many records delivers."""
    return [f"r{number:05d}" for number in range(first, first + count)]
