"""What was spilled is delivered in order before all else, exactly once, and whatever happens meanwhile has its fate."""

import msgspec
import pytest
from tests.fakes.engine import MemorySource, ScriptedDestination, numbers
from tests.fakes.forgetful import BASE, Harbour, harbour

from logferry import positions, proof
from logferry.errors import SourceError, StateError, Transient
from logferry.ledger import PLAIN, Open
from logferry.model import Counts
from logferry.plan import Plan
from logferry.spill_source import SpillSource, over

ALL = Counts(read=100, delivered=100)


def spilled(count: int = 100, *, at: float = 1_200) -> Harbour:
    """A task whose first records (100 at most) are in the store; at `at` what was received before at - 1000 is gone."""
    made = harbour(count)
    made.add()
    made.at(850)
    made.hold()
    made.go()
    assert made.row().spilled
    made.at(at)
    made.holds.release("t")
    return made


def taken(at: Harbour) -> list[int]:
    """What the destination has."""
    to = at.jobs["t"].destination
    assert isinstance(to, ScriptedDestination)
    return numbers(to.taken)


def clean(at: Harbour) -> bool:
    """Whether nothing is left over."""
    row = at.row()
    return (row.spilled, row.schema, row.open, row.lease, at.spilled()) == ("", PLAIN, None, None, [])


def test_the_spill_goes_first_and_then_the_source() -> None:
    """In order, exactly once, without a gap, and nothing is left in the store."""
    at = spilled(600)
    assert at.row().spilled == "350"
    at.go()
    assert taken(at) == list(range(600))
    assert at.row().counts == Counts(read=600, delivered=600)
    assert at.row().gaps == ()
    assert clean(at)
    assert at.source.reads[-1] == ("350", "600")


def test_what_has_expired_at_the_source_is_delivered_all_the_same() -> None:
    """That is what it is for."""
    at = spilled(at=5_000)
    at.go()
    assert (taken(at), at.row().counts, at.row().gaps) == (list(range(100)), ALL, ())
    assert clean(at)


def test_a_spilled_task_shares_no_pull() -> None:
    """Its neighbours at the same position read the source."""
    at = spilled(at=900)
    other = at.add("other")
    at.source.reads.clear()
    at.go()
    assert numbers(other.taken) == list(range(100))
    assert taken(at) == list(range(100))
    assert at.source.reads == [("0", "100")]


def test_records_leave_the_store_when_the_position_has_passed_them() -> None:
    """Not before: a run that fails keeps what it has not saved."""
    at = spilled()
    to = at.jobs["t"].destination
    assert isinstance(to, ScriptedDestination)
    to.script = iter([None] * 6 + [Transient("down", retry_after=1e6)] * 9)
    at.go()
    position = int(at.row().position)
    assert position == 30
    assert at.spilled()[0] == (30, 40)
    to.script = iter(())
    at.at(2e6)
    at.go()
    assert taken(at) == list(range(100))
    assert clean(at)


def test_after_a_kill_exactly_the_open_range_is_delivered_again() -> None:
    """By the version that began it, from the store."""
    at = spilled()
    now, opened = at.clock(), Open(begin="0", end="35", task_version=1)
    assert at.bench.ledger.claim("t", "0", opened, now=now, until=now + 60)
    at.clock.forward(61)
    at.go()
    assert taken(at) == list(range(100))
    assert at.row().counts == Counts(read=100, delivered=100, maybe_repeated=40)
    assert clean(at)


@pytest.mark.parametrize("damage", [None, b"", b"{}\nx", b"other"])
def test_a_damaged_batch_that_the_source_still_holds_is_read_there(damage: bytes | None) -> None:
    """Missing, empty, or not what was written: said, and no record is lost."""
    at = spilled(at=900)
    spoil(at, 40, damage)
    at.go()
    assert (taken(at), at.row().counts, at.row().gaps) == (list(range(100)), ALL, ())
    assert clean(at)


@pytest.mark.parametrize("first", [0, 40, 90])
@pytest.mark.parametrize("damage", [None, b"", b"other"])
def test_a_damaged_batch_that_is_nowhere_else_is_a_gap(first: int, damage: bytes | None) -> None:
    """With its range and its reason; everything else is delivered, and nothing stands still."""
    at = spilled(at=5_000)
    spoil(at, first, damage)
    at.go()
    assert taken(at) == [number for number in range(100) if not first <= number < first + 10]
    [gap] = at.row().gaps
    assert (gap.begin, gap.end, gap.reason, gap.estimate) == (str(first), str(first + 10), "expired", 10)
    assert "object store" in gap.note
    assert clean(at)


def test_two_damaged_batches_in_a_row_are_one_gap() -> None:
    """The next whole one is looked for."""
    at = spilled(at=5_000)
    spoil(at, 40, b"x")
    spoil(at, 50, None)
    at.go()
    assert [(gap.begin, gap.end) for gap in at.row().gaps] == [("40", "60")]
    assert at.row().counts == Counts(read=80, delivered=80)


def spoil(at: Harbour, first: int, damage: bytes | None) -> None:
    """Lose one batch, or change some bytes of it."""
    [key] = [key for key in at.store.objects if f"/{first:020d}," in key]
    if damage is None:
        del at.store.objects[key]
    else:
        body = at.store.objects[key]
        at.store.objects[key] = body[:-3] + b"xyz" if damage == b"other" else damage


def test_a_store_that_does_not_answer_loses_nothing() -> None:
    """The range stays open until it does."""
    at = spilled(at=5_000)
    at.store.fail("get")
    found = at.go()
    assert not found.outcomes[0].finished
    assert "StateError" in at.row().last_error
    assert at.row().gaps == ()
    at.store.fail()
    at.clock.forward(1_000)
    at.go()
    assert taken(at) == list(range(100))
    assert clean(at)


def test_a_store_that_deletes_nothing_stops_nothing() -> None:
    """What could not be removed goes another time."""
    at = spilled(at=5_000)
    at.store.fail("delete")
    at.go()
    assert taken(at) == list(range(100))
    assert len(at.spilled()) == 10
    at.store.fail()
    at.source.records.append("r00100")
    at.go()
    assert clean(at)


def test_a_source_in_trouble_does_not_keep_the_spill_from_being_listed_whole() -> None:
    """A pull that fails behind the spill ends the run; what came before it is saved."""
    at = spilled(600)

    def fail(_begin: int) -> None:
        raise SourceError("HTTP 500", transient=False)

    at.source.on_batch = fail
    at.go()
    assert taken(at) == list(range(350))
    at.source.on_batch = lambda _begin: None
    at.clock.forward(100)
    at.go()
    assert taken(at) == list(range(600))


def seek(at: Harbour, where: str | int) -> positions.Moved:
    """As the command does it."""
    source = SpillSource(at.source, at.bench.desk().spills, "t", [at.row()])
    [moved] = positions.seek("t", source, at.bench.ledger, where, at.clock())
    return moved


@pytest.mark.parametrize(
    ("where", "new"), [("begin", 0), ("end", 600), (BASE + 605, 600), (BASE + 577, 577), (BASE + 123, 120), (BASE, 0)]
)
def test_seeking_over_a_spilled_range(where: str | int, new: int) -> None:
    """A time that only the store knows begins with the batch that holds it; one that the source knows is exact."""
    at = spilled(600)
    seek(at, where)
    assert at.row().position == str(new)
    at.go()
    assert taken(at) == list(range(new, 600))
    assert [(gap.reason, gap.end) for gap in at.row().gaps] == ([("skipped", str(new))] if new else [])
    assert clean(at)


def test_seeking_into_a_batch_begins_with_it() -> None:
    """Though the source still holds the place itself: by the time it is read it may be gone."""
    at = spilled(at=900)
    seek(at, BASE + 57)
    assert at.row().position == "50"
    at.at(5_000)
    at.go()
    assert taken(at) == list(range(50, 100))


def test_seeking_back_before_the_spill_reads_the_source_then_the_store() -> None:
    """As far as the source goes."""
    at = harbour()
    at.add()
    at.source.records = at.source.records[:50]
    at.go()
    at.source.records.extend(f"r{number:05d}" for number in range(50, 100))
    at.at(890)
    at.hold()
    at.go()
    assert (at.row().position, at.row().spilled) == ("50", "100")
    seek(at, BASE + 20)
    at.holds.release("t")
    at.go()
    assert taken(at) == [*range(50), *range(20, 100)]
    assert clean(at)


def test_a_deleted_task_leaves_nothing_that_a_new_one_of_its_name_would_deliver() -> None:
    """Rows go first; what the store holds is then nobody's."""
    at = spilled(at=900)
    at.bench.ledger.delete("t")
    at.bench.ledger.create("t", "0", "60", 7)
    at.at(1_070)
    at.go()
    assert taken(at) == list(range(70, 100))


def test_what_an_earlier_task_left_is_removed_by_the_next_spill() -> None:
    """Its keys may lie across those of this one."""
    at = spilled(at=851)
    at.bench.ledger.delete("t")
    at.bench.ledger.create("t", "0", "3", 7)
    at.hold()
    at.at(870)
    at.go()
    assert at.spilled() == [(first, min(first + 10, 100)) for first in range(3, 100, 10)]


def made_anew(at: Harbour) -> None:
    """Another logstore of the same name, whose positions mean other records."""
    at.source.stream = msgspec.structs.replace(at.source.stream, born=8)
    at.source.records = [f"r{number:05d}" for number in range(500, 520)]
    at.clock.now = BASE + 20.0


@pytest.mark.parametrize("count", [100, 600])
@pytest.mark.parametrize("opened", [None, "5", "95", "590"])
def test_what_was_spilled_of_a_stream_that_was_made_anew_comes_first(count: int, opened: str | None) -> None:
    """Then a gap for what was not, and then the new one from its begin."""
    at = spilled(count, at=900)
    if opened:
        open_ = Open(begin="0", end=opened, task_version=1)
        at.bench.ledger.edit("t", "0", lambda row: msgspec.structs.replace(row, open=open_), now=0)
    last = int(at.row().spilled)
    made_anew(at)
    at.go()
    assert taken(at) == [*range(last), *range(500, 520)]
    assert [(gap.begin, gap.end) for gap in at.row().gaps] == [(str(last), "0")]
    assert "made anew" in at.row().gaps[0].note
    assert clean(at)


@pytest.mark.parametrize("first", [0, 40, 90])
def test_a_damaged_batch_of_a_stream_that_was_made_anew_is_a_gap(first: int) -> None:
    """The new one is never asked for it."""
    at = spilled(at=900)
    spoil(at, first, b"x")
    made_anew(at)
    at.go()
    rest = [number for number in range(100) if not first <= number < first + 10]
    assert taken(at) == [*rest, *range(500, 520)]
    assert [(gap.begin, gap.end) for gap in at.row().gaps] == [(str(first), str(first + 10)), ("100", "0")]
    assert clean(at)


def test_a_held_task_keeps_what_it_spilled_of_a_stream_that_was_made_anew() -> None:
    """And what the new one holds is not mixed with it."""
    at = spilled(at=900)
    made_anew(at)
    at.at(900)
    at.hold()
    at.go()
    assert (at.row().spilled, len(at.spilled())) == ("100", 10)


def test_the_lag_of_a_spilled_task_is_that_of_its_oldest_record() -> None:
    """Though the source has forgotten it; what is left counts from the first that is there only."""
    at = spilled(600)
    at.hold()
    found = at.go()
    assert (found.lags["t", "0"].seconds, found.lags["t", "0"].left) == (1_200, 1_000 - (1_200 - 350))


def test_verify_recounts_what_was_delivered_from_the_store_as_far_as_it_is_anywhere() -> None:
    """At the source: recounted. Nowhere: a note, no difference."""
    at = spilled(at=900)
    at.go()
    found = proof.recount("t", at.row(), Plan(), at.source, at.bench.dead)
    assert (found.differences, found.notes, found.records) == ([], [], 100)
    at.at(5_000)
    found = proof.recount("t", at.row(), Plan(), at.source, at.bench.dead)
    assert (found.differences, len(found.notes), found.records) == ([], 1, 0)


def test_a_spill_that_is_not_whole_is_found_before_it_is_needed() -> None:
    """What is neither whole in the store nor at the source."""
    at = spilled(at=900)
    source = over(at.source, at.bench.desk().spills, "t", at.row())
    assert isinstance(source, SpillSource)
    spoil(at, 40, b"x")
    spoil(at, 90, None)
    assert source.holes("0") == []
    at.at(5_000)
    assert source.holes("0") == ["40..50", "90..100"]


def test_a_source_that_cannot_restore_says_so() -> None:
    """The task's source is of another kind by now: nothing is delivered wrongly."""
    at = spilled(at=5_000)
    source = over(MemorySource([]), at.bench.desk().spills, "t", at.row())
    with pytest.raises(StateError, match="cannot read it any more"):
        list(source.read("0", "0", "100"))
