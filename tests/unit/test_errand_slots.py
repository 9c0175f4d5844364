"""Several calls over the same objects, killed ones and late ones: each object goes through one slot, once."""

import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.fakes.arriving import failing
from tests.fakes.engine import numbers
from tests.fakes.shelf import Shelf, body, numbered, shelf

from logferry.errand_rows import Errands
from logferry.errand_slots import MOST, bound_to
from logferry.errors import Transient
from logferry.ledger import Ledger, Open
from logferry.sources.objects import ObjectsSource, Wanted
from logferry.task_store import Stored


@pytest.fixture
def place(tmp_path: Path) -> Shelf:
    """A folder, a task."""
    return shelf(tmp_path)


def test_time_that_runs_out_leaves_the_rest(tmp_path: Path) -> None:
    """Saved part by part; the next call goes on behind the last part that was saved."""
    place = shelf(tmp_path)
    place.destinations["t"].judge = lambda _payload: place.clock.sleep(1.0)
    noted = place.note(place.put("a.ndjson", 100))
    for call in range(1, 20):
        found = place.visit(noted if call == 1 else None, seconds=7.0)
        if all(outcome.finished for outcome in found.outcomes):
            break
    assert call > 3
    assert sorted(set(place.taken())) == numbered(100)
    assert (place.counts().delivered, place.due()) == (100, [])
    assert len(place.taken()) - 100 <= place.counts().maybe_repeated


def test_a_call_that_comes_to_an_object_in_work_returns(place: Shelf) -> None:
    """Whoever delivers it has the lease; the second sends nothing and leaves it due."""
    noted = place.note(place.put("a.ndjson", 3))
    inner = []
    place.destinations["t"].judge = lambda _payload: inner.append(place.visit(noted))
    found = place.visit(noted)
    assert found.outcomes[0].counts.read == 3
    assert [visit.outcomes for visit in inner] == [[]]
    assert (place.taken(), place.due()) == (numbered(3), [])


def test_who_takes_long_keeps_its_object(tmp_path: Path) -> None:
    """The lease on the object's own row has run out by then; the slot's, which is renewed, is what counts."""
    place = shelf(tmp_path, lease_seconds=1_000.0)
    noted = place.note(place.put("a.ndjson", 3))
    errands = Errands(place.table, "t")
    inner = []

    def judge(_payload: object) -> None:
        errand = next(errands.due()).errand
        assert errand.lease is not None
        errands.give_back(noted.marks["t"][0], errand.lease.owner, lambda one: one)  # as if its time had passed
        inner.append(place.visit(noted))

    place.destinations["t"].judge = judge
    place.visit(noted)
    assert [visit.outcomes for visit in inner] == [[]]
    assert place.taken() == numbered(3)
    assert place.due() == []


def test_who_was_too_slow_to_take_a_slot_sends_nothing(place: Shelf) -> None:
    """Between the object's own row and the slot's another call took the object over: it alone delivers."""
    noted = place.note(place.put("a.ndjson", 3))
    mark, errands, ledger = noted.marks["t"][0], Errands(place.table, "t"), Ledger(place.table)
    source, looks = place.source, list[object]()

    def late(stored: Stored) -> ObjectsSource:
        made = source(stored)
        holding = made.holding

        def slow(wanted: Wanted, check: Callable[[], None]) -> ObjectsSource:
            if not looks:
                looks.append(ledger.rows("t"))
                errands.take(mark, "another", place.clock() + 100, place.clock() + 200)
            return holding(wanted, check)

        made.holding = slow  # type: ignore[method-assign]  # this source only
        return made

    place.source = late  # type: ignore[method-assign]  # this place only
    found = place.visit(noted)
    assert [(outcome.finished, outcome.counts.read) for outcome in found.outcomes] == [(True, 0)]
    assert (place.taken(), place.due()) == ([], ["a.ndjson"])
    place.clock.forward(400)  # the other one was killed
    place.visit()
    assert (place.taken(), place.due(), place.counts().read) == (numbered(3), [], 3)


def test_an_object_that_was_delivered_but_not_marked_is_not_delivered_again(place: Shelf) -> None:
    """Killed right before it was marked: the slot's own row says that it is through."""
    creation = place.put("a.ndjson", 3)
    place.deliver(creation)
    errands = Errands(place.table, "t")
    mark, done = next(errands.all_done())
    item = place.table.get("errands-done/t", mark)
    assert item is not None
    place.table.delete("errands-done/t", mark, expect=item.version)
    place.note(creation)  # due again, as it was
    place.deliver(place.put("b.ndjson", body(2, 50)))  # takes the slot, and marks what went through it before
    assert place.due() == []
    place.visit()
    assert place.taken() == [*numbered(3), *numbered(2, 50)]
    assert errands.done(mark) == msgspec.structs.replace(done, ended=place.clock())


def test_a_killed_call_s_object_goes_on_in_its_slot(place: Shelf) -> None:
    """After the lease, from the saved position, by the same parts: what it may have sent counts as perhaps repeated."""
    noted = place.note(place.put("a.ndjson", 30))
    mark, now, ledger = noted.marks["t"][0], place.clock(), Ledger(place.table)
    ledger.create("t", "0", "7", now=now)
    opened = Open(begin="7", end=f"8@{mark}", task_version=1)
    assert ledger.claim("t", "0", opened, now=now, until=now + 60)
    assert bound_to(ledger.rows("t")[0]) == mark
    place.visit()
    assert place.taken() == []
    place.clock.forward(61)
    place.deliver(place.put("b.ndjson", body(3, 50)))  # does not take the slot of the other
    place.visit()
    assert sorted(place.taken()) == [*numbered(30), *numbered(3, 50)]
    assert place.counts().maybe_repeated == 30


def test_who_goes_on_takes_the_slot_that_is_farther(place: Shelf) -> None:
    """Another call was too slow, and left a slot that is at the object's begin: nothing is a gap because of it."""
    noted = place.note(place.put("a.ndjson", 30))
    destination = place.destinations["t"]

    def judge(_payload: object) -> None:
        if destination.sent == 5:
            raise KeyboardInterrupt

    destination.judge = judge
    with pytest.raises(KeyboardInterrupt):
        place.visit(noted)
    ledger = Ledger(place.table)
    ledger.create("t", "1", "2000000000")
    opened = Open(begin="2000000000", end=f"2000000001@{noted.marks['t'][0]}", task_version=1)
    assert ledger.claim("t", "1", opened, now=place.clock(), until=place.clock() + 1)
    place.clock.forward(1_000)
    place.visit()
    assert place.due() == []
    assert sorted(place.taken()) == numbered(30)
    assert [row.gaps for row in place.rows()] == [(), ()]
    assert not any(bound_to(row) for row in place.rows())


def test_a_slot_of_an_object_that_is_not_due_is_freed(place: Shelf) -> None:
    """Its row was deleted by hand, or another slot was quicker: a sweep tidies up."""
    now, ledger, mark = place.clock(), Ledger(place.table), "ab" * 12
    for stream, position in (("0", "7"), ("1", f"7+20@{mark}")):
        ledger.create("t", stream, position, now=now)
        assert ledger.claim("t", stream, Open(begin=position, end=f"8@{mark}", task_version=1), now=now, until=now + 9)
    place.clock.forward(10)
    place.visit()
    assert [bound_to(row) for row in place.rows()] == ["", ""]
    assert [len(row.gaps) for row in place.rows()] == [0, 1]


def test_slots_are_used_again_and_are_not_without_end(place: Shelf) -> None:
    """One after the other needs one; when all are in work, the object waits."""
    for number in range(5):
        place.deliver(place.put(f"{number}.ndjson", 1))
    assert [row.stream for row in place.rows()] == ["0"]
    now, ledger = place.clock(), Ledger(place.table)
    for number in range(1, MOST):
        ledger.create("t", str(number), "7", now=now)
    for row in ledger.rows("t"):
        opened = Open(begin=row.position, end="99999999999999@" + "cd" * 12, task_version=1)
        assert ledger.claim("t", row.stream, opened, now=now, until=now + 60)
    found = place.deliver(place.put("x.ndjson", 1))
    assert "all 64 slots are taken" in found.outcomes[-1].note
    assert place.due() == ["x.ndjson"]


def test_who_has_a_slot_goes_on_when_none_is_free(place: Shelf) -> None:
    """What waits for one and never failed is first in line, and keeps nobody from freeing some."""
    destination = place.destinations["t"]
    destination.judge = failing(Transient("down"))
    for number in range(MOST):
        place.clock.forward(1)
        place.visit(place.note(place.put(f"{number}.ndjson", body(1, number))), 8.0)
    for number in range(MOST, MOST + 20):
        place.note(place.put(f"{number}.ndjson", body(1, number)))
    destination.judge = lambda _payload: None
    place.clock.forward(600)
    place.visit()
    place.clock.forward(600)
    place.visit()
    assert place.due() == []
    assert sorted(set(place.taken())) == numbered(MOST + 20)


def test_who_has_a_slot_among_more_than_are_listed_goes_on(place: Shelf) -> None:
    """Thousands wait: those that can free a slot are looked at all the same."""
    destination, errands = place.destinations["t"], Errands(place.table, "t")
    destination.judge = failing(Transient("down"))
    for number in range(MOST):
        place.clock.forward(1)
        place.visit(place.note(place.put(f"{number}.ndjson", body(1, number))), 8.0)
    errand = next(errands.due()).errand
    for number in range(1_100):
        errands.note(f"{number:024x}", msgspec.structs.replace(errand, attempts=0, lease=None, retry_at=0))
    destination.judge = lambda _payload: None
    place.clock.forward(600)
    place.visit(None, 1e6)
    assert len(set(place.taken())) == MOST


@pytest.mark.parametrize("seed", range(12))
def test_whatever_fails_all_of_it_arrives(tmp_path: Path, seed: int) -> None:
    """Destination and time fail as a seed says: at the end every record is there, and repeats were foretold."""
    chance = random.Random(seed)  # noqa: S311  # a seeded course of events
    place = shelf(tmp_path)

    def judge(_payload: object) -> None:
        place.clock.sleep(chance.random())
        if chance.random() < 0.1:
            raise Transient("503", in_doubt=chance.random() < 0.5)

    place.destinations["t"].judge = judge
    for number in range(6):
        noted = place.note(place.put(f"{number}.ndjson", body(40, number * 40)))
        place.visit(noted, seconds=chance.choice([4.0, 8.0, 60.0]))
    for _ in range(200):
        if not place.due():
            break
        place.clock.forward(chance.choice([1.0, 400.0]))
        place.visit(seconds=chance.choice([4.0, 20.0, 100.0]))
    assert place.due() == []
    assert sorted(set(numbers(place.taken()))) == list(range(240))
    counts = place.counts()
    assert (counts.read, counts.delivered) == (240, 240)
    assert len(place.taken()) - 240 <= counts.maybe_repeated
