"""Honest small stand-ins for the engine's neighbours: a clock that moves when told, a source in memory, a
destination that answers by a script, an object store in memory."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from logferry import proof
from logferry.dead_letters import DeadLetters
from logferry.delivery import Patience
from logferry.desk import Desk
from logferry.errors import Expired, StateError
from logferry.job import Job, Settings
from logferry.ledger import Ledger, Open, Row
from logferry.model import Confirmation, Limits, Outcome, Payload, Position, Record
from logferry.plan import Plan, Tally, select
from logferry.route import run
from logferry.sources import Progress, Replays, Stream
from logferry.spill_store import SpillStore
from logferry.state import Item, Table
from logferry.state.memory import open_table

_NAMES = itertools.count()


class Clock:
    """Seconds that pass only in `sleep` and `forward`."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def forward(self, seconds: float) -> None:
        self.now += seconds


class MemoryBatch:
    """Records [begin, end) of a list; the cursor is the index."""

    filtered_at_source = 0

    def __init__(self, records: Sequence[str], begin: int, end: int) -> None:
        self._records = records[begin:end]
        self.begin, self.end = str(begin), str(end)
        self.count = len(self._records)
        self.size = sum(len(text) for text in self._records)

    def select(self, plan: Plan, tally: Tally) -> Iterator[Record]:
        records = (Record(i, 1_000_000 + i, 0, {"m": text}, text.encode()) for i, text in enumerate(self._records))
        return select(plan, records, tally)

    def original(self, ordinal: int) -> bytes:
        return self._records[ordinal].encode()


class MemorySource:
    """One stream "0" over a list that may grow; positions before `oldest` have expired."""

    replays: Replays = "cursor"
    progress: Progress = "ordered"

    def __init__(self, records: list[str], batch: int = 10) -> None:
        self.records = records
        self.batch = batch
        self.oldest = 0
        self.oversteps = False  # ignores the end of a range, as far as its batches go
        self.stream = Stream(name="0", born=7)
        self.reads: list[tuple[str, str]] = []
        self.on_batch: Callable[[int], None] = lambda _begin: None

    def streams(self) -> list[Stream]:
        return [self.stream]

    def position(self, stream: str, at: str | int) -> Position:
        del stream
        return str(self.oldest if at == "begin" else len(self.records))

    def order(self, position: Position) -> int:
        return int(position)

    def time_of(self, stream: str, position: Position) -> int:
        del stream
        return 1_000_000 + int(position)

    def retention(self) -> float | None:
        return None

    def read(self, stream: str, begin: Position, end: Position) -> Iterator[MemoryBatch]:
        del stream
        self.reads.append((begin, end))
        at = int(begin)
        if at < self.oldest:
            raise Expired(f"position {begin} is older than {self.oldest}")
        while at < int(end):
            stop = min(at + self.batch, len(self.records) if self.oversteps else int(end))
            self.on_batch(at)
            yield MemoryBatch(self.records, at, stop)
            at = stop


class LineEncoder:
    """The field `m`, one line a record."""

    def encode(self, record: Record) -> bytes:
        return str(record.fields["m"]).encode()

    def frame(self, parts: Sequence[bytes]) -> bytes:
        return b"\n".join(parts)


@dataclass
class ScriptedDestination:
    """Takes payloads into `taken`, after the next entry of `script` (an error to raise, or None) had its say."""

    confirmation: Confirmation = "answer"
    limits: Limits = field(default_factory=lambda: Limits(max_bytes=1_000, max_records=5))
    script: Iterator[Exception | None] = field(default_factory=lambda: iter(()))
    judge: Callable[[Payload], None] = lambda _payload: None
    confirms: Iterator[Exception | None] = field(default_factory=lambda: iter(()))
    taken: list[str] = field(default_factory=list)
    sent: int = 0
    refreshes: int = 0
    fresh: bool = False  # what refresh answers

    def check(self, time_out: float) -> None:
        """Always there."""

    def send(self, payload: Payload, time_out: float) -> None:
        assert time_out > 0
        self.sent += 1
        error = next(self.script, None)
        if error is not None:
            raise error
        self.judge(payload)
        self.taken.extend(payload.body.decode().split("\n"))

    def confirm(self, time_out: float) -> None:
        assert time_out > 0
        error = next(self.confirms, None)
        if error is not None:
            raise error

    def refresh(self) -> bool:
        self.refreshes += 1
        return self.fresh

    def close(self) -> None:
        """Nothing to let go of."""


class MemoryStore:
    """Objects in a dictionary."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put(self, key: str, body: bytes) -> None:
        self.objects[key] = body

    def get(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def list(self, prefix: str) -> Iterator[str]:
        return iter(sorted(key for key in self.objects if key.startswith(prefix)))

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)


class FaultyTable:
    """A table that fails when told: before the write, or (`ambiguous`) after it, when only the answer gets lost."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.writes = 0
        self._first, self._calls, self._ambiguous, self._reads = 1, 0, False, True

    def fail(self, first: int, calls: int, *, ambiguous: bool = False, reads: bool = True) -> None:
        """From the `first` write on, `calls` calls fail, `reads` among them."""
        self._first, self._calls, self._ambiguous, self._reads = self.writes + first, calls, ambiguous, reads

    def get(self, partition: str, sort: str) -> Item | None:
        if self._reads and self.writes >= self._first:
            self._strike()
        return self._table.get(partition, sort)

    def put(self, partition: str, sort: str, value: bytes, *, expect: str | None, expires: float | None = None) -> str:
        self.writes += 1
        down = self.writes >= self._first and self._calls > 0
        if down and not self._ambiguous:
            self._strike()
        version = self._table.put(partition, sort, value, expect=expect, expires=expires)
        if down:
            self._strike()
        return version

    def delete(self, partition: str, sort: str, *, expect: str) -> None:
        self._table.delete(partition, sort, expect=expect)

    def list(self, partition: str) -> Iterator[Item]:
        return self._table.list(partition)

    def close(self) -> None:
        self._table.close()

    def _strike(self) -> None:
        if self._calls > 0:
            self._calls -= 1
            raise StateError("time-out: the table did not answer")


@dataclass
class Bench:
    """Everything a route needs, on one table."""

    source: MemorySource
    table: Table
    clock: Clock = field(default_factory=Clock)
    store: MemoryStore = field(default_factory=MemoryStore)
    settings: Settings = field(default_factory=Settings)
    seconds: float = 300.0  # time left at the start
    versions: dict[int, Job] = field(default_factory=dict)
    offline: set[str] = field(default_factory=set)  # tasks that were paused or deleted

    def __post_init__(self) -> None:
        self.job_at: Callable[[str, int], Job] = lambda _name, version: self.versions[version]
        self.ledger = Ledger(self.table)
        self.dead = DeadLetters(self.store, self.clock)
        self._until = self.clock.now + self.seconds

    @property
    def patience(self) -> Patience:
        return Patience(lambda: self._until - self.clock.now, self.clock, self.clock.sleep, lambda: 0.5)

    def desk(self) -> Desk:
        return Desk(
            self.source,
            self.ledger,
            self.dead,
            SpillStore(self.store),
            self.settings,
            self.patience,
            self.job_at,
            lambda name: name not in self.offline,
        )

    def again(self, seconds: float = 300.0) -> None:
        """The next invocation: new time left."""
        self._until = self.clock.now + seconds


def job(destination: ScriptedDestination, name: str = "t", plan: Plan | None = None, version: int = 1) -> Job:
    """A job over the line encoder."""
    return Job(name, version, plan or Plan(), LineEncoder(), destination)


def lines(count: int) -> list[str]:
    """Distinct records."""
    return [f"r{i:05d}" for i in range(count)]


def errors(*script: Exception | None) -> Iterator[Exception | None]:
    """A script for a destination."""
    return iter(script)


def numbers(taken: Iterable[str]) -> list[int]:
    """The records' numbers, as they arrived."""
    return [int(text[1:]) for text in taken]


def bench(count: int, **settings: float) -> Bench:
    """A source of `count` records and an empty table."""
    table = open_table(f"bench-{next(_NAMES)}", {}, lambda: 0.0)
    return Bench(MemorySource(lines(count)), table, settings=Settings(**settings))  # type: ignore[arg-type]  # numbers


def go(where: Bench, *jobs: Job, seconds: float = 300.0) -> list[Outcome]:
    """One invocation up to the source's end."""
    where.again(seconds)
    for one in jobs:
        where.versions.setdefault(one.version, one)
    return run(jobs, where.source.streams()[0], str(len(where.source.records)), where.desk())


def row_of(where: Bench, task: str = "t") -> Row:
    """The task's row, which balances and tiles."""
    row = where.ledger.get(task, "0")
    assert row is not None
    assert proof.problems(row) == []
    return row


def recounted(where: Bench, task: str = "t", plan: Plan | None = None) -> Row:
    """The task's row, which the source and the dead letters bear out."""
    row = row_of(where, task)
    assert proof.recount(task, row, plan or Plan(), where.source, where.dead).differences == []
    return row


def killed(where: Bench, end: int, version: int = 1, task: str = "t") -> None:
    """A run that took [0, end) and died; its lease has run out."""
    now = where.clock()
    where.ledger.create(task, "0", "0", 7)
    assert where.ledger.claim(task, "0", Open(begin="0", end=str(end), task_version=version), now=now, until=now + 60)
    where.clock.forward(61)
