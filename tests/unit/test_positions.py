"""Where streams begin, and a person's seek: gaps are recorded, work in progress is not disturbed."""

import msgspec
import pytest
from tests.fakes.engine import MemorySource, lines

from logferry import positions, state
from logferry.errors import ConfigError, Conflict
from logferry.ledger import Gap, Ledger, Open
from logferry.model import Counts
from logferry.sources import Stream


class Shards(MemorySource):
    """Several streams over one list; a Unix time is taken as an index."""

    def __init__(self, *names: str, records: int = 100) -> None:
        super().__init__(lines(records))
        self.names = list(names)
        self.born = 7

    def streams(self) -> list[Stream]:
        """All shards."""
        return [Stream(name=name, born=self.born) for name in self.names]

    def position(self, stream: str, at: str | int) -> str:
        """As the list stands now."""
        return str(at) if isinstance(at, int) else super().position(stream, at)


@pytest.fixture
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """A ledger of its own for each test."""
    return Ledger(state.open_table(f"memory:{request.node.nodeid}"))


def standing(ledger: Ledger) -> dict[str, str]:
    """Position of each stream."""
    return {row.stream: row.position for row in ledger.rows("t")}


def progress(ledger: Ledger, stream: str, end: str, now: float = 10.0) -> None:
    """Settle everything up to `end`."""
    ledger.edit("t", stream, lambda row: row.commit(end, Counts(read=1, delivered=1), now), now=now)


@pytest.mark.parametrize(("start", "position"), [("begin", "0"), ("end", "100"), (40, "40")])
def test_a_new_task_begins_where_it_says(ledger: Ledger, start: str | int, position: str) -> None:
    """Every stream that there is gets its row, with the stream's birth."""
    assert positions.begin("t", Shards("0", "1"), ledger, start, 1.0) == ("0", "1")
    assert standing(ledger) == {"0": position, "1": position}
    assert {row.born for row in ledger.rows("t")} == {7}


def test_a_known_task_keeps_its_positions_and_new_shards_begin_at_their_begin(ledger: Ledger) -> None:
    """`start` is for the new task only: a shard born later is read from its first record."""
    positions.begin("t", Shards("0"), ledger, "end", 1.0)
    assert positions.begin("t", Shards("0", "1"), ledger, None, 2.0) == ("1",)
    assert standing(ledger) == {"0": "100", "1": "0"}


def test_what_an_interrupted_apply_left_is_written_anew(ledger: Ledger) -> None:
    """The task was never stored, nothing was read: the next apply's `start` counts."""
    positions.begin("t", Shards("0"), ledger, "end", 1.0)
    assert positions.begin("t", Shards("0"), ledger, "begin", 2.0) == ("0",)
    (row,) = ledger.rows("t")
    assert (row.start, row.position, row.gaps) == ("0", "0", ())


def test_what_was_read_is_not_moved_by_apply(ledger: Ledger) -> None:
    """Only a seek moves it."""
    positions.begin("t", Shards("0"), ledger, "begin", 1.0)
    progress(ledger, "0", "30")
    assert positions.begin("t", Shards("0"), ledger, "end", 2.0) == ()
    assert standing(ledger) == {"0": "30"}


def test_seeking_on_records_what_is_skipped(ledger: Ledger) -> None:
    """From, to, reason, and an estimate."""
    positions.begin("t", Shards("0"), ledger, "begin", 1.0)
    progress(ledger, "0", "30")
    (moved,) = positions.seek("t", Shards("0"), ledger, "end", 20.0)
    assert moved == positions.Moved("0", "30", "100", "skipped", 70)
    (row,) = ledger.rows("t")
    assert row.position == "100"
    assert row.gaps == (Gap(begin="30", end="100", reason="skipped", at=20, estimate=70),)


def test_skipping_into_an_open_range_keeps_the_rest_of_it_open(ledger: Ledger) -> None:
    """An interrupted run may have sent it: the next one finishes it as it was begun, and says so."""
    positions.begin("t", Shards("0"), ledger, "begin", 1.0)
    ledger.claim("t", "0", Open(begin="0", end="60", task_version=1), now=10.0, until=20.0)
    positions.seek("t", Shards("0"), ledger, 40, 30.0)
    assert ledger.rows("t")[0].open == Open(begin="40", end="60", task_version=1)
    positions.seek("t", Shards("0"), ledger, 60, 40.0)
    assert ledger.rows("t")[0].open is None


def test_seeking_back_says_that_records_come_again(ledger: Ledger) -> None:
    """The ledger calls it rewound."""
    positions.begin("t", Shards("0"), ledger, "begin", 1.0)
    progress(ledger, "0", "30")
    (moved,) = positions.seek("t", Shards("0"), ledger, 10, 20.0)
    assert moved == positions.Moved("0", "30", "10", "rewound", 20)
    assert [gap.reason for gap in ledger.rows("t")[0].gaps] == ["rewound"]


def test_a_drained_stream_can_be_read_again(ledger: Ledger) -> None:
    """A closed shard was done; after the seek it is not."""
    positions.begin("t", Shards("0"), ledger, "end", 1.0)
    ledger.edit("t", "0", lambda row: msgspec.structs.replace(row, drained=True), now=1.0)
    positions.seek("t", Shards("0"), ledger, "begin", 2.0)
    assert not ledger.rows("t")[0].drained


def test_seeking_where_it_stands_records_nothing(ledger: Ledger) -> None:
    """So a seek can be repeated."""
    positions.begin("t", Shards("0"), ledger, "begin", 1.0)
    assert [moved.change for moved in positions.seek("t", Shards("0"), ledger, "begin", 2.0)] == ["stayed"]
    assert ledger.rows("t")[0].gaps == ()


def test_one_stream_can_be_moved_alone(ledger: Ledger) -> None:
    """The others stay."""
    source = Shards("0", "1")
    positions.begin("t", source, ledger, "begin", 1.0)
    positions.seek("t", source, ledger, "end", 2.0, only="1")
    assert standing(ledger) == {"0": "0", "1": "100"}


def test_an_unknown_stream_is_answered_with_the_known_ones(ledger: Ledger) -> None:
    """Nothing is moved."""
    with pytest.raises(ConfigError, match="'7' is not a stream of task t; known: 0, 1"):
        positions.seek("t", Shards("0", "1"), ledger, "end", 2.0, only="7")


def test_a_seek_covers_streams_that_the_task_never_met(ledger: Ledger) -> None:
    """A shard that was born just now would else be read from its begin."""
    positions.begin("t", Shards("0"), ledger, "begin", 1.0)
    positions.seek("t", Shards("0", "1"), ledger, "end", 2.0)
    assert standing(ledger) == {"0": "100", "1": "100"}


def test_no_stream_is_moved_while_one_is_in_work(ledger: Ledger) -> None:
    """The message says how long, and the lease's end sets it free."""
    source = Shards("0", "1")
    positions.begin("t", source, ledger, "begin", 1.0)
    assert ledger.claim("t", "1", Open(begin="0", end="100", task_version=1), now=10.0, until=70.0)
    with pytest.raises(Conflict, match="stream 1 is in work for up to 40 s: wait, or pause the task"):
        positions.seek("t", source, ledger, "end", 30.0)
    assert standing(ledger) == {"0": "0", "1": "0"}
    positions.seek("t", source, ledger, "end", 70.0)
    assert standing(ledger) == {"0": "100", "1": "100"}


def test_a_remade_stream_takes_its_new_birth(ledger: Ledger) -> None:
    """Positions of the old one cannot be compared, so there is no estimate."""
    source = Shards("0")
    positions.begin("t", source, ledger, "begin", 1.0)
    progress(ledger, "0", "90")
    source.born = 8
    positions.seek("t", source, ledger, 5, 20.0)
    (row,) = ledger.rows("t")
    assert (row.position, row.born) == ("5", 8)
    assert (row.gaps[0].reason, row.gaps[0].estimate, row.gaps[0].note) == ("skipped", None, "the stream was made anew")
