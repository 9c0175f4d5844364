"""A backfill under way: whose turn it is, how fast it goes, and how it ends. The clock moves only in sleeps."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from msgspec import structs
from msgspec.structs import replace
from tests.fakes.engine import Bench, Clock, MemoryBatch, MemorySource, ScriptedDestination, job

from logferry.backfills import Part, Range, Run
from logferry.errors import Misconfigured, SourceError, Transient
from logferry.health import Holds
from logferry.ledger import Lease, Open, Row
from logferry.model import Position
from logferry.pace import Pace
from logferry.sources import Stream
from logferry.state.memory import open_table
from logferry_local.backfill import running
from logferry_local.backfill.running import Ended, Work
from logferry_local.backfill.sharing import Live, Shared, Stop, Turn

RECORDS = 40  # in batches of ten


class Events(Clock):
    """A clock on which things happen: `at` maps seconds from the start to what happens then."""

    def __init__(self) -> None:
        super().__init__(2_000_000.0)
        self.at: dict[float, Callable[[], None]] = {}

    def sleep(self, seconds: float) -> None:
        """Time passes."""
        super().sleep(seconds)
        for due in sorted(due for due in self.at if 2_000_000 + due <= self.now):
            self.at.pop(due)()


@dataclass
class Deck:
    """One run over one stream of forty records, beside a live run that stands at the end of fifty."""

    bench: Bench
    clock: Events
    source: MemorySource
    to: ScriptedDestination = field(default_factory=ScriptedDestination)
    stop: Stop = field(default_factory=Stop)
    rate: float = 0.0
    ranges: tuple[Range, ...] = (Range(stream="0", born=7, begin="0", parts=(Part(str(RECORDS)),)),)
    said: list[str] = field(default_factory=list)
    seen: int = 0

    @property
    def row(self) -> Row:
        """Where the run stands."""
        found = self.bench.ledger.of_run("r").get("t", "0")
        assert found is not None
        return found

    def live(self, change: Callable[[Row], Row]) -> None:
        """Something happened to the live row."""
        self.bench.ledger.edit("t", "0", change, now=10**9)

    def live_works(self, position: int) -> None:
        """The live run stands there, and holds the stream for an hour."""
        claim = self.bench.ledger.claim("t", "0", Open(begin=str(position), end="50", task_version=1),
                                        now=self.clock.now, until=self.clock.now + 3600)  # fmt: skip
        assert claim is not None

    def carry(self) -> Ended:
        """Carry the run on until it ends."""
        turn = Turn(self.stop, self.clock, self.clock.sleep)
        pace = Pace(self.rate, self.clock, turn.doze)
        live = Live("t", self.bench.ledger, Holds(self.bench.table), self.source, self.clock)
        source, patience = Shared(self.source, live, turn, pace, self._saw), turn.patience(lambda: 0.5)
        ledger = self.bench.ledger.of_run("r")
        desk = structs.replace(self.bench.desk(), source=source, patience=patience, ledger=ledger)
        worker = job(self.to)
        self.bench.versions[1] = worker
        running.start(Run(run="r", task="t", version=1, since=0, until=1, made=0, ranges=self.ranges), desk)
        return running.carry("t", self.ranges, Work(worker, desk, live, turn, pace, self.said.append))

    def _saw(self, records: int) -> None:
        self.seen += records


@pytest.fixture
def deck(request: pytest.FixtureRequest) -> Deck:
    """The live run is idle, at the end."""
    clock = Events()
    source = MemorySource([f"r{number}" for number in range(50)])
    table = open_table(request.node.nodeid, {}, clock)
    bench = Bench(source, table, clock)
    bench.ledger.create("t", "0", "50", 7)
    return Deck(bench, clock, source)


def stands_at(position: int) -> Callable[[Row], Row]:
    """The live row there, idle since long ago."""
    place = str(position)
    return lambda row: replace(row, start=place, position=place, open=None, updated=0)


def test_a_run_settles_its_ranges(deck: Deck) -> None:
    """Every record once, none beyond the end; the bar hears of each batch once."""
    assert deck.carry() == Ended()
    assert deck.to.taken == [f"r{number}" for number in range(RECORDS)]
    assert (deck.seen, deck.row.position, deck.row.counts.delivered) == (RECORDS, "40", RECORDS)


def test_the_live_run_goes_first(deck: Deck) -> None:
    """While it is at work and behind, nothing is read and the run holds nothing; once it has caught up, all is."""
    deck.live(stands_at(10))
    deck.live_works(10)
    held: list[Lease | None] = []
    deck.clock.at[30] = lambda: held.append(deck.row.lease)
    deck.clock.at[60] = lambda: deck.live(stands_at(50))
    assert deck.carry().how == "done"
    assert held == [None]
    assert deck.clock.now >= 2_000_060
    assert deck.said[0] == "stream 0: the live run is behind and goes first"
    assert len(deck.to.taken) == RECORDS


def test_it_gives_way_between_batches(deck: Deck) -> None:
    """What was sent is saved before the wait, and not sent again after it."""
    deck.live(stands_at(10))

    def begins(at: int) -> None:
        deck.clock.forward(2)
        if at == 20 and not deck.said:
            deck.live_works(10)
            deck.clock.at[40] = lambda: deck.live(stands_at(50))

    deck.source.on_batch = begins
    saved: list[str] = []
    deck.clock.at[30] = lambda: saved.append(deck.row.position)
    assert deck.carry().how == "done"
    assert saved == ["30"]
    assert deck.to.taken == [f"r{number}" for number in range(RECORDS)]
    assert deck.row.counts.maybe_repeated == 0


def test_a_live_run_that_nobody_carries_on_is_not_waited_for(deck: Deck) -> None:
    """Behind, but neither at work nor resting: the budget is free."""
    deck.live(stands_at(10))
    assert (deck.carry().how, deck.said) == ("done", [])
    assert deck.clock.slept == []


def test_a_rate_is_kept_to(deck: Deck) -> None:
    """Forty records, two a second: the fourth batch goes fifteen seconds after the first."""
    deck.rate = 2.0
    assert deck.carry().how == "done"
    assert 15 <= deck.clock.now - 2_000_000 < 20
    assert deck.row.counts.maybe_repeated == 0


def test_a_slow_rate_holds_no_stream_while_it_waits(deck: Deck) -> None:
    """Longer than a few seconds is waited without the lease; nothing comes twice."""
    deck.rate = 0.5
    held: list[Lease | None] = []
    deck.clock.at[10] = lambda: held.append(deck.row.lease)
    assert deck.carry().how == "done"
    assert held == [None]
    assert deck.to.taken == [f"r{number}" for number in range(RECORDS)]


def test_a_signal_ends_it_in_order(deck: Deck) -> None:
    """What was sent is saved, the stream let go of, and the exit code is the signal's."""

    def stops(at: int) -> None:
        deck.clock.forward(2)
        if at == 20:
            deck.stop.signal = 15

    deck.source.on_batch = stops
    ended = deck.carry()
    assert (ended.how, ended.code) == ("stopped", 143)
    assert (deck.row.lease, deck.row.open) == (None, None)
    assert deck.row.counts.delivered == len(deck.to.taken) == int(deck.row.position) < RECORDS


def test_a_signal_ends_a_wait(deck: Deck) -> None:
    """Waiting for the live run is no reason not to hear it."""
    deck.live(stands_at(10))
    deck.live_works(10)
    deck.clock.at[5] = lambda: setattr(deck.stop, "signal", 2)
    assert deck.carry().code == 130
    assert deck.clock.now < 2_000_007


def test_a_hold_stops_it_and_the_live_task_is_not_held(deck: Deck) -> None:
    """The reason is told; whether it is the live run's trouble too, that finds out itself."""
    deck.to.script = iter([None, Misconfigured("HTTP 403: no such index")])
    ended = deck.carry()
    assert (ended.how, ended.code, ended.why) == ("held", 2, "Misconfigured: HTTP 403: no such index")
    assert Holds(deck.bench.table).health("t") is None
    assert deck.row.lease is None


def test_a_task_that_becomes_held_stops_its_backfill(deck: Deck) -> None:
    """Same destination, same trouble: between two batches."""

    def holds(at: int) -> None:
        deck.clock.forward(2)
        if at == 10:
            Holds(deck.bench.table).hold("t", "HTTP 401", deck.clock.now)

    deck.source.on_batch = holds
    ended = deck.carry()
    assert (ended.how, ended.why) == ("held", "the task is held: HTTP 401")
    assert deck.row.counts.delivered == len(deck.to.taken) == 20


def test_a_quota_refusal_is_waited_out(deck: Deck) -> None:
    """ReadQuotaExceed is passing trouble: the rows keep what was done, and nothing comes twice."""
    refusals = iter([SourceError("PullLogs: 403 ReadQuotaExceed", transient=True)])

    def refuses(at: int) -> None:
        error = next(refusals, None) if at == 20 else None
        if error:
            raise error

    deck.source.on_batch = refuses
    assert deck.carry().how == "done"
    assert deck.to.taken == [f"r{number}" for number in range(RECORDS)]
    assert sum(deck.clock.slept) >= 1


def test_it_gives_up_after_a_quarter_of_an_hour_without_a_step(deck: Deck) -> None:
    """A dead destination: exit code 1, the reason told, the rest still open."""
    deck.to.script = iter(lambda: Transient("connection refused"), None)
    ended = deck.carry()
    assert (ended.how, ended.code) == ("failed", 1)
    assert "connection refused" in ended.why
    assert 800 < deck.clock.now - 2_000_000 < 1_000
    assert deck.row.position == "0"


class Split(MemorySource):
    """Three streams, of which the first cannot be read."""

    def streams(self) -> list[Stream]:
        """All three."""
        return [Stream(name=name, born=7) for name in "012"]

    def read(self, stream: str, begin: Position, end: Position) -> Iterator[MemoryBatch]:
        """The first is refused for good."""
        if stream == "0":
            raise SourceError("PullLogs: 400 ParameterInvalid")
        return super().read(stream, begin, end)


def test_what_keeps_a_parent_from_its_end_keeps_its_children_and_no_other(deck: Deck) -> None:
    """Order before completeness within a family; strangers go on."""
    deck.source = Split(deck.source.records)
    parts = (Part("20"),)
    deck.ranges = (
        Range(stream="0", born=7, begin="0", parts=parts),
        Range(stream="1", born=7, begin="0", parts=parts, parents=("0",)),
        Range(stream="2", born=7, begin="0", parts=parts),
    )
    ended = deck.carry()
    assert (ended.how, ended.trouble["1"]) == ("failed", "waits for its parent 0")
    assert "ParameterInvalid" in ended.trouble["0"]
    assert len(deck.to.taken) == 20


def test_the_lease_of_a_killed_run_is_waited_for(deck: Deck) -> None:
    """Not longer than it lasts; the open range is read again and counted as maybe repeated."""
    book = deck.bench.ledger.of_run("r")
    book.create("t", "0", "0", 7)
    book.claim("t", "0", Open(begin="0", end="40", task_version=1), now=deck.clock.now, until=deck.clock.now + 50)
    assert deck.carry().how == "done"
    assert 50 <= deck.clock.now - 2_000_000 < 60
    assert deck.row.counts.maybe_repeated == RECORDS


def test_a_run_that_another_process_carries_on_is_left_to_it(deck: Deck) -> None:
    """Its lease grows while it is waited for: exit code 1, and nothing is sent."""
    book = deck.bench.ledger.of_run("r")
    book.create("t", "0", "0", 7)
    opened = Open(begin="0", end="40", task_version=1)
    claim = book.claim("t", "0", opened, now=deck.clock.now, until=deck.clock.now + 50)
    assert claim is not None

    def beats() -> None:
        lease = Lease(owner=claim.owner, until=deck.clock.now + 50)
        claim.save(replace(claim.row, lease=lease, updated=deck.clock.now))

    deck.clock.at[20] = beats
    ended = deck.carry()
    assert (ended.how, deck.to.taken) == ("failed", [])
    assert "another process is at work on this run" in ended.why
