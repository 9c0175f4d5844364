"""A source in memory that forgets, a crew of tasks over it, and an object store that fails when told."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.fakes.engine import Bench, Clock, MemoryBatch, MemorySource, MemoryStore, ScriptedDestination, job, lines

from logferry import proof
from logferry.errors import Expired, StateError
from logferry.health import Holds
from logferry.job import Job, Settings
from logferry.ledger import Row
from logferry.model import Position
from logferry.rounds import Crew, Visit, visit
from logferry.state.memory import open_table
from logferry.task_store import Stored

__all__ = ["BASE", "RETENTION", "FaultyStore", "Forgetful", "Harbour", "RawBatch", "harbour"]

BASE = 1_000_000
RETENTION = 1_000.0
_NAMES = itertools.count()
_SPEC = {
    "source": {"sls": {"endpoint": "http://127.0.0.1:1", "project": "project", "logstore": "logstore"}},
    "destination": {"splunk_hec": {"url": "http://127.0.0.1:1", "token": "secret://env/TOKEN"}},
}


class RawBatch(MemoryBatch):
    """With its bytes."""

    def __init__(self, records: list[str], begin: int, end: int) -> None:
        super().__init__(records, begin, end)
        self.data = json.dumps(records[begin:end]).encode()


class Forgetful(MemorySource):
    """Record i comes in at second i, and is forgotten `RETENTION` seconds later."""

    def __init__(self, count: int, clock: Clock) -> None:
        self.clock = clock
        self.looks = 0  # requests for a time or a retention
        super().__init__(lines(count))

    @property
    def oldest(self) -> int:
        """The first record that is still there."""
        return min(max(0, int(self.clock.now - RETENTION) - BASE), len(self.records))

    @oldest.setter
    def oldest(self, value: int) -> None:
        """Time alone decides."""

    def position(self, stream: str, at: str | int) -> Position:
        """Times too."""
        if isinstance(at, int):
            return str(min(max(at - BASE, self.oldest), len(self.records)))
        return super().position(stream, at)

    def time_of(self, stream: str, position: Position) -> int:
        """Of the record there or the oldest, now at the end."""
        del stream
        self.looks += 1
        at = max(int(position), self.oldest)
        return BASE + at if at < len(self.records) else int(self.clock.now)

    def retention(self) -> float | None:
        """As it is."""
        self.looks += 1
        return RETENTION

    def read(self, stream: str, begin: Position, end: Position) -> Iterator[MemoryBatch]:
        """Batches with their bytes; each is asked for anew, and may be gone by then."""
        self.reads.append((begin, end))
        for at in range(int(begin), int(end), self.batch):
            if at < self.oldest:
                raise Expired(f"position {at} of stream {stream} is older than {self.oldest}")
            self.on_batch(at)
            yield RawBatch(self.records, at, min(at + self.batch, int(end)))

    def restore(self, data: bytes, begin: Position, end: Position, filtered_at_source: int) -> RawBatch:
        """From its bytes alone."""
        assert filtered_at_source == 0
        held = json.loads(data)
        batch = RawBatch([""] * int(begin) + held, int(begin), int(end))
        assert batch.count == len(held)
        return batch


class FaultyStore(MemoryStore):
    """Runs `before` ahead of each call, which may raise; remembers the calls."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[str, str], None] = lambda _verb, _key: None

    def put(self, key: str, body: bytes) -> None:
        """With trouble ahead."""
        self.before("put", key)
        super().put(key, body)

    def get(self, key: str) -> bytes | None:
        """With trouble ahead."""
        self.before("get", key)
        return super().get(key)

    def list(self, prefix: str) -> Iterator[str]:
        """With trouble ahead."""
        self.before("list", prefix)
        return super().list(prefix)

    def delete(self, key: str) -> None:
        """With trouble ahead."""
        self.before("delete", key)
        super().delete(key)

    def fail(self, *verbs: str) -> None:
        """From now on these verbs fail; none: all is well again."""

        def strike(verb: str, key: str) -> None:
            if verb in verbs:
                raise StateError(f"{verb} {key}: no space left")

        self.before = strike


@dataclass
class Harbour:
    """Tasks over a forgetful source."""

    source: Forgetful
    bench: Bench
    store: FaultyStore
    jobs: dict[str, Job] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.holds = Holds(self.bench.table)

    @property
    def clock(self) -> Clock:
        """The one clock."""
        return self.bench.clock

    def at(self, second: float) -> None:
        """Move on to this second."""
        assert second >= self.clock.now - BASE
        self.clock.now = BASE + second

    def add(self, name: str = "t", to: ScriptedDestination | None = None) -> ScriptedDestination:
        """One more task; its destination."""
        to = to or ScriptedDestination()
        self.jobs[name] = self.bench.versions[1] = job(to, name)
        self.bench.ledger.create(name, "0", "0", 7, now=self.clock())
        return to

    def go(self, seconds: float = 300.0) -> Visit:
        """One round."""
        self.bench.again(seconds)
        stored = [Stored(name, 1, "online", {"task": name, **_SPEC}) for name in self.jobs]
        crew = Crew(stored, self.bench.desk(), self.holds, lambda one: self.jobs[one.name])
        return visit(crew, self.source.streams(), lambda stream: self.source.position(stream.name, "end"))

    def hold(self, task: str = "t") -> None:
        """For the rest of this test."""
        self.holds.hold(task, "HTTP 401", self.clock())

    def row(self, task: str = "t") -> Row:
        """The task's row, which balances and tiles."""
        row = self.bench.ledger.get(task, "0")
        assert row is not None
        assert proof.problems(row) == []
        return row

    def spilled(self, task: str = "t") -> list[tuple[int, int]]:
        """The ranges that lie in the store."""
        keys = [key.rpartition("/")[2].split(",") for key in self.store.objects if key.startswith(f"spill/{task}/")]
        return sorted((int(begin), int(end)) for _, begin, end, _ in keys)


def harbour(count: int = 100, **settings: object) -> Harbour:
    """`count` records, one a second, all of them there; no task yet."""
    clock = Clock(BASE + float(count))
    source, store = Forgetful(count, clock), FaultyStore()
    table = open_table(f"harbour-{next(_NAMES)}", {}, lambda: 0.0)
    return Harbour(source, Bench(source, table, clock, store, Settings(**settings)), store)  # type: ignore[arg-type]  # a test's numbers
