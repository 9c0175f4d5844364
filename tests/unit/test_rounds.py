"""One round over a logstore: streams and tasks apart from each other, parents first, time shared, holds probed."""

import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from tests.fakes.engine import Bench, MemoryBatch, MemorySource, ScriptedDestination, job, lines, numbers

from logferry.errors import ConfigError, LogferryError, Misconfigured, Missing, SourceError, StateError, Transient
from logferry.health import Holds
from logferry.job import Job, Settings
from logferry.ledger import Open
from logferry.model import Payload, Position
from logferry.rounds import Crew, Visit, visit
from logferry.sources import Stream
from logferry.state.memory import open_table
from logferry.task_store import Stored

NAMES = itertools.count()
SPEC = {
    "source": {"sls": {"endpoint": "http://127.0.0.1:1", "project": "project", "logstore": "logstore"}},
    "destination": {"splunk_hec": {"url": "http://127.0.0.1:1", "token": "secret://env/TOKEN"}},
}


class Shards(MemorySource):
    """Several streams, each with its own records; any of them may fail."""

    def __init__(self, count: int, each: int = 20) -> None:
        super().__init__([])
        self.shards = {str(i): lines(each) for i in range(count)}
        self.listed = [Stream(name=str(i), born=7) for i in range(count)]
        self.trouble: dict[str, LogferryError] = {}  # stream -> what asking for its end raises
        self.blind = False  # whether times cannot be told

    def streams(self) -> list[Stream]:
        """As listed."""
        return self.listed

    def position(self, stream: str, at: str | int) -> Position:
        """Begin or end of that shard."""
        if stream in self.trouble:
            raise self.trouble[stream]
        return str(0 if at == "begin" else len(self.shards[stream]))

    def time_of(self, stream: str, position: Position) -> int:
        """Unless it is blind."""
        if self.blind:
            raise SourceError("HTTP 500")
        return super().time_of(stream, position)

    def read(self, stream: str, begin: Position, end: Position) -> Iterator[MemoryBatch]:
        """Batches of that shard."""
        self.reads.append((stream, begin))
        for at in range(int(begin), int(end), self.batch):
            self.on_batch(at)
            yield MemoryBatch(self.shards[stream], at, min(at + self.batch, int(end)))


@dataclass
class Round:
    """A crew over these shards, and its destinations."""

    source: Shards
    jobs: dict[str, Job] = field(default_factory=dict)
    broken: dict[str, LogferryError] = field(default_factory=dict)  # task -> what building it raises

    def __post_init__(self) -> None:
        self.bench = Bench(self.source, open_table(f"rounds-{next(NAMES)}", {}, lambda: 0.0), settings=Settings())
        self.holds = Holds(self.bench.table)

    def add(self, name: str, to: ScriptedDestination | None = None) -> ScriptedDestination:
        """One more task; its destination."""
        to = to or ScriptedDestination()
        self.jobs[name] = job(to, name)
        return to

    def go(self, seconds: float = 300.0) -> Visit:
        """One round up to each stream's end."""
        self.bench.again(seconds)
        stored = [Stored(name, 1, "online", {"task": name, **SPEC}) for name in self.jobs]
        crew = Crew(stored, self.bench.desk(), self.holds, self._job)
        return visit(crew, self.source.streams(), lambda stream: self.source.position(stream.name, "end"))

    def delivered(self, task: str) -> list[int]:
        """Per shard, what the ledger says."""
        rows = (self.bench.ledger.get(task, stream.name) for stream in self.source.listed)
        return [row.counts.delivered if row else -1 for row in rows]

    def _job(self, stored: Stored) -> Job:
        if stored.name in self.broken:
            raise self.broken[stored.name]
        return self.jobs[stored.name]


def unfinished(found: Visit) -> set[tuple[str, str]]:
    """Which tasks have something left on which streams."""
    return {(outcome.task, outcome.stream) for outcome in found.outcomes if not outcome.finished}


@pytest.mark.parametrize("error", [Missing("ShardNotExist"), SourceError("HTTP 500", transient=True)])
def test_a_stream_in_trouble_stops_no_other(error: LogferryError) -> None:
    """A shard that went away between list and look, or answers with errors."""
    at = Round(Shards(3))
    at.add("t")
    at.source.trouble["1"] = error
    found = at.go()
    assert at.delivered("t")[0::2] == [20, 20]
    assert unfinished(found) == {("t", "1")}


def test_a_row_that_cannot_be_read_stops_no_other_task_and_no_other_stream() -> None:
    """It belongs to a newer release."""
    at = Round(Shards(2))
    at.add("a")
    at.add("b")
    at.bench.table.put("ledger/a", "0", b'{"schema":99}', expect=None)
    found = at.go()
    assert at.delivered("b") == [20, 20]
    assert unfinished(found) == {("a", "0")}
    row = at.bench.ledger.get("a", "1")
    assert row
    assert row.counts.delivered == 20


@pytest.mark.parametrize(
    ("error", "held"), [(StateError("time-out"), False), (ConfigError(["url: ?"]), True), (Misconfigured("gone"), True)]
)
def test_a_task_that_cannot_be_built_stops_no_other(error: LogferryError, *, held: bool) -> None:
    """It is held if a person must act; a table that did not answer is no reason to."""
    at = Round(Shards(1))
    at.add("a")
    at.add("b")
    at.broken["a"] = error
    found = at.go()
    assert at.delivered("b") == [20]
    assert (at.holds.health("a") is not None, "a" in found.held) == (held, held)
    assert bool(unfinished(found)) != held


def test_an_alarm_that_cannot_be_told_stops_nothing() -> None:
    """The lag is asked at the source, which may be in trouble just then."""
    at = Round(Shards(3))
    at.add("t", ScriptedDestination(script=iter([Transient("x", retry_after=1e6)])))
    at.source.blind = True
    at.go()
    assert at.delivered("t") == [0, 20, 20]


def test_a_destination_that_is_down_leaves_the_others_their_time_on_every_stream() -> None:
    """It tries again for as long as it may, shard after shard; its neighbour still gets to each of them."""
    at = Round(Shards(4))
    at.add("down", ScriptedDestination(script=iter(lambda: Transient("down"), None)))
    good = at.add("good")
    good.judge = lambda _payload: at.bench.clock.forward(1)
    at.go()
    assert at.delivered("good") == [20] * 4


def test_one_busy_stream_gets_the_time_that_the_idle_ones_leave() -> None:
    """Its share is for when the others need theirs."""
    at = Round(Shards(5, each=0))
    at.source.shards["0"] = lines(200)
    to = at.add("t")
    to.judge = lambda _payload: at.bench.clock.forward(5)  # 40 payloads: 200 of the 300 seconds
    found = at.go()
    assert at.delivered("t") == [200, 0, 0, 0, 0]
    assert unfinished(found) == set()
    assert numbers(to.taken) == list(range(200))


def test_every_busy_stream_gets_its_share() -> None:
    """A backlog on the first does not starve the last."""
    at = Round(Shards(4, each=400))
    to = at.add("t")
    to.judge = lambda _payload: at.bench.clock.forward(5)
    found = at.go()
    assert min(at.delivered("t")) > 0
    assert len(unfinished(found)) == 4
    assert sum(outcome.counts.delivered for outcome in found.outcomes) == sum(at.delivered("t")) == len(to.taken)


def test_a_round_without_time_touches_nothing_and_ends() -> None:
    """What is left is said, stream by stream."""
    at = Round(Shards(3))
    to = at.add("t")
    found = at.go(seconds=1)
    assert (to.sent, at.source.reads) == (0, [])
    assert unfinished(found) == {("t", "0"), ("t", "1"), ("t", "2")}


def test_a_task_deleted_during_a_round_is_not_begun_anew_on_the_other_streams() -> None:
    """Else all that its streams still hold would be delivered once more."""
    at = Round(Shards(3))
    to = at.add("t")
    at.go()
    at.source.shards = {name: lines(40) for name in at.source.shards}

    def delete(_payload: Payload) -> None:
        if "t" not in at.bench.offline:
            at.bench.offline.add("t")
            at.bench.ledger.delete("t")

    to.judge = delete
    sent = to.sent
    at.go()
    assert to.sent <= sent + 4
    assert at.bench.ledger.rows("t") == []


def test_a_task_paused_during_a_round_begins_no_other_stream() -> None:
    """It ends its range, and stands still."""
    at = Round(Shards(3))
    to = at.add("t")
    to.judge = lambda _payload: at.bench.offline.add("t")
    for stream in at.source.listed:
        at.bench.ledger.create("t", stream.name, "0", 7)
    found = at.go()
    assert at.delivered("t") == [20, 0, 0]
    assert unfinished(found) == {("t", "1"), ("t", "2")}


def family(at: Round) -> None:
    """Shard 0 was split into 1 and 2."""
    at.source.listed = [
        Stream(name="0", born=7, open=False), Stream(name="1", born=8, parents=("0",)),
        Stream(name="2", born=8, parents=("0",)),
    ]  # fmt: skip


def test_children_follow_their_parent_in_one_round() -> None:
    """The parent's end is reached, then its children start; the next round does not ask for the parent."""
    at = Round(Shards(3))
    family(at)
    at.add("t")
    at.go()
    assert at.delivered("t") == [20, 20, 20]
    assert [stream for stream, _ in at.source.reads] == ["0", "1", "2"]
    row = at.bench.ledger.get("t", "0")
    assert row
    assert row.drained
    at.source.trouble["0"] = Missing("gone after its retention")
    assert unfinished(at.go()) == set()


def test_children_wait_for_a_parent_in_trouble() -> None:
    """Order along a key is kept: nothing of a child goes before its parent's end."""
    at = Round(Shards(3))
    family(at)
    to = at.add("t", ScriptedDestination(script=iter([Transient("x", retry_after=1e6)])))
    at.go()
    assert at.delivered("t") == [0, -1, -1]
    assert {stream for stream, _ in at.source.reads} == {"0"}
    at.bench.clock.forward(1e6)
    to.script = iter(())
    at.go()
    assert at.delivered("t") == [20, 20, 20]


def test_a_parent_that_somebody_else_works_on_keeps_its_children_waiting() -> None:
    """Busy is not drained."""
    at = Round(Shards(3))
    family(at)
    at.add("t")
    now = at.bench.clock()
    at.bench.ledger.create("t", "0", "0", 7)
    at.bench.ledger.claim("t", "0", Open(begin="0", end="20", task_version=1), now=now, until=now + 60)
    assert unfinished(at.go()) == set()
    assert at.delivered("t") == [0, -1, -1]


def test_a_held_task_with_nothing_to_read_stays_held_and_is_probed_at_its_time() -> None:
    """Nothing proves that it works; once something is delivered, the hold is over."""
    at = Round(Shards(1, each=0))
    to = at.add("t")
    at.holds.hold("t", "HTTP 401", at.bench.clock())
    assert "t" in at.go().held
    at.bench.clock.forward(31)
    assert "t" not in at.go().held
    assert at.holds.health("t") is not None
    at.source.shards["0"] = lines(5)
    assert "t" in at.go().held
    at.bench.clock.forward(61)
    at.go()
    assert at.holds.health("t") is None
    assert numbers(to.taken) == list(range(5))


def test_a_task_that_is_held_in_a_round_leaves_it() -> None:
    """One refusal is enough: the other streams are not tried with the same token."""
    at = Round(Shards(3))
    to = at.add("t", ScriptedDestination(script=iter(lambda: Misconfigured("HTTP 401"), None)))
    found = at.go()
    assert to.sent == 1
    assert found.held == {"t": "Misconfigured: HTTP 401"}


def test_alarms_are_told_by_lag(caplog: pytest.LogCaptureFixture) -> None:
    """Behind by more than max_lag: a warning; beyond half of the retention: an error."""
    at = Round(Shards(1))
    at.add("t", ScriptedDestination(script=iter(lambda: Transient("down", retry_after=1e6), None)))
    said: Callable[[], Sequence[str]] = lambda: [record.getMessage() for record in caplog.records]  # noqa: E731
    with caplog.at_level(logging.WARNING, "logferry.rounds"):
        at.go()
        assert said() == []
        at.bench.clock.forward(400)
        at.go()
    assert said() == ["lag over max_lag"]
