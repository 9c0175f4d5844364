"""Objects that were put: noted, delivered, done; what goes wrong on the way, and what becomes of it."""

import json
from pathlib import Path

import pytest
from tests.fakes.engine import errors
from tests.fakes.shelf import Shelf, body, numbered, shelf

from logferry.errand_rows import Errand, Errands
from logferry.errors import ConfigError, Misconfigured, Transient, Unfinished
from logferry.plan import Plan
from logferry.put_events import Creation


@pytest.fixture
def place(tmp_path: Path) -> Shelf:
    """A folder, a task."""
    return shelf(tmp_path)


def test_an_object_is_noted_delivered_and_done(place: Shelf) -> None:
    """Its records arrive in order, the ledger counts them, nothing stays due."""
    found = place.deliver(place.put("a.ndjson", 25))
    assert [(outcome.finished, outcome.note, outcome.counts.read) for outcome in found.outcomes] == [(True, "", 25)]
    assert place.taken() == numbered(25)
    assert place.due() == []
    assert (place.counts().read, place.counts().delivered, place.counts().maybe_repeated) == (25, 25, 0)


def test_it_is_noted_before_anything_is_sent(place: Shelf) -> None:
    """At the first send its row stands in the table: who kills us now loses nothing."""
    seen: list[list[str]] = []
    place.destinations["t"].judge = lambda _payload: seen.append(place.due())
    place.deliver(place.put("a.ndjson", 3))
    assert seen == [["a.ndjson"]]


def test_a_repeated_event_is_passed_over(place: Shelf) -> None:
    """For one that is done and for one that is due; the answer counts them."""
    creation = place.put("a.ndjson", 3)
    assert place.note(creation).counts["noted"] == 1
    again = place.note(creation)
    assert (again.counts["known"], len(again.marks["t"])) == (1, 1)
    place.visit(again)
    done = place.note(creation)
    assert (done.counts["done"], done.marks) == (1, {})
    assert place.taken() == numbered(3)


def test_other_content_under_the_same_key_is_delivered_anew(place: Shelf) -> None:
    """Another etag is another object."""
    place.deliver(place.put("a.ndjson", 3))
    place.deliver(place.put("a.ndjson", body(2, first=50)))
    assert place.taken() == [*numbered(3), *numbered(2, 50)]
    # The first can be counted anew no more, and is not taken for a difference.
    assert place.counts().read == 5


def test_it_is_remembered_as_long_as_the_task_says(tmp_path: Path) -> None:
    """Then an event for it is one like any other; its payloads have the names that they had."""
    place = shelf(tmp_path, {"remember": "2h"})
    names = []
    place.destinations["t"].judge = lambda payload: names.append((payload.origin, payload.ordinals[0]))
    creation = place.put("a.ndjson", 12)
    place.deliver(creation)
    before = list(names)
    errands = Errands(place.table, "t")
    assert [done.fate for _, done in errands.all_done()] == ["settled"]
    mark = next(mark for mark, _ in errands.all_done())
    item = place.table.get("errands-done/t", mark)
    assert item is not None
    place.table.delete("errands-done/t", mark, expect=item.version)
    place.deliver(place.put("b.ndjson", 1))  # else the slot would still know
    del names[:]
    place.deliver(creation)
    assert names == before


def test_a_destination_that_is_down_costs_nothing(place: Shelf) -> None:
    """The object stays due and rests; a sweep delivers it, and only once."""
    down = place.destinations["t"]
    down.script = errors(*[Transient("503", retry_after=400)] * 1)
    found = place.deliver(place.put("a.ndjson", 3), place.put("b.ndjson", body(2, 50)))
    assert found.outcomes[-1].note.startswith("2 object(s) due: Transient: 503")
    assert place.due() == ["a.ndjson", "b.ndjson"]
    place.clock.forward(300)
    assert place.visit().outcomes[-1].note.startswith("1 object(s) due")  # b went: it had not failed
    place.clock.forward(200)
    place.visit()
    assert sorted(place.taken()) == [*numbered(3), *numbered(2, 50)]
    assert place.due() == []
    assert place.counts().delivered == 5


def test_one_task_s_trouble_is_not_its_neighbour_s(place: Shelf) -> None:
    """Each has its own rows: the same object is due for one and done for the other."""
    place.apply("u")
    place.destinations["t"].script = errors(*[Transient("503", retry_after=400)] * 5)
    place.visit(place.note(place.put("a.ndjson", 3)), 300.0, "t", "u")
    assert (place.due("t"), place.due("u")) == (["a.ndjson"], [])
    assert place.taken("u") == numbered(3)


def test_a_paused_task_has_its_objects_noted(place: Shelf) -> None:
    """What is put meanwhile is due when it is on again."""
    place.tasks.turn("t", lambda _old: "offline")
    place.note(place.put("a.ndjson", 3))
    assert place.due() == ["a.ndjson"]


def test_what_is_gone_or_written_over_is_a_gap(place: Shelf) -> None:
    """With its reason; nothing stays due, and the ranges tile."""
    first, second = place.put("a.ndjson", 3), place.put("b.ndjson", 3)
    place.bucket.delete("a.ndjson")
    place.bucket.put("b.ndjson", b"{}")
    found = place.deliver(first, second)
    gaps = [gap for row in place.rows() for gap in row.gaps]
    assert [gap.reason for gap in gaps] == ["expired", "expired"]
    assert min(gap.note for gap in gaps) == "logs/a.ndjson: is not there any more"
    assert "logs/b.ndjson: was written over before it was read" in sorted(gap.note for gap in gaps)[1]
    assert sum(outcome.effort.gaps for outcome in found.outcomes) == 2
    assert (place.due(), place.taken(), place.held()) == ([], [], "")
    assert [done.fate for _, done in Errands(place.table, "t").all_done()] == ["lost", "lost"]


def test_what_was_lost_may_come_back(place: Shelf) -> None:
    """The same content under the same key, put again: it is delivered then, and counted anew with the rest."""
    creation = place.put("a.ndjson", 3)
    etag = creation.etag
    place.bucket.delete("a.ndjson")
    place.deliver(creation)
    again = place.put("a.ndjson", 3)
    assert place.note(again._replace(etag=etag)).counts["noted"] == 1
    errands = Errands(place.table, "t")
    mark = next(errands.due()).mark
    errands.drop(mark)
    errands.note(mark, _errand_of(again, place))
    place.visit()
    assert (place.taken(), place.due()) == (numbered(3), [])
    assert errands.done(mark) is not None
    assert place.counts().read == 3


def _errand_of(creation: Creation, place: Shelf) -> Errand:
    """Of a folder the same content has another etag each time; of a bucket it has not: as if this were one."""
    put = creation.put
    return Errand(schema=1, bucket=put.bucket, keys=put.keys, etag=creation.etag.lower(), at=1.0, noted=place.clock())


def test_a_damaged_object_is_delivered_up_to_the_damage(tmp_path: Path) -> None:
    """The rest is a gap."""
    place = shelf(tmp_path, {"max_object": 200})
    place.deliver(place.put("a.ndjson", body(12) + b'{"m":"cut'), place.put("b.ndjson", 100))
    assert place.taken() == numbered(12)
    counts = place.counts()
    assert (counts.read, counts.delivered, counts.parked) == (13, 12, 1)
    assert [gap.note for row in place.rows() for gap in row.gaps] == [
        "logs/b.ndjson: the rest of it cannot be read: it unpacks to more than max_object"
    ]


def test_records_that_cannot_be_read_are_parked(place: Shelf) -> None:
    """The good ones beside them go on; the plan's counts add up."""
    place.plans["t"] = Plan(test=lambda fields: fields["m"] != "r00001", needs=("m",))
    place.deliver(place.put("a.ndjson", body(3) + b"broken\n" + body(3, 50)))
    assert place.taken() == ["r00000", "r00002", *numbered(3, 50)]
    counts = place.counts()
    assert (counts.read, counts.delivered, counts.filtered, counts.parked) == (7, 5, 1, 1)


def test_another_format_holds_the_task(place: Shelf) -> None:
    """And other objects go on at the next probe; the wrong one waits for a person."""
    wrong = place.put("wrong.csv", b"a,b,c\n" * 50)
    assert "50 of 50" not in place.deliver(wrong).held["t"]
    assert "10 of 10 records cannot be read as ndjson" in place.held()
    place.clock.forward(60)
    place.deliver(place.put("right.ndjson", 3))
    place.clock.forward(1_000)
    place.visit()
    assert place.taken() == numbered(3)
    assert place.due() == ["wrong.csv"]


def test_a_bucket_that_may_not_be_read_holds_the_task(place: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is a gap because of it; mended, all of it is delivered."""
    noted = place.note(place.put("a.ndjson", 3))

    def refuse(_key: str, _begin: int = 0) -> None:
        raise Misconfigured("s3 answered 403 AccessDenied")

    source = place.source
    with monkeypatch.context() as broken:
        store = place.bucket
        broken.setattr(store, "stream", refuse)
        broken.setattr(place, "source", lambda stored: _over(source(stored), store))
        place.visit(noted)
    assert "403" in place.held()
    assert place.due() == ["a.ndjson"]
    place.clock.forward(1_000)
    place.visit()
    assert (place.taken(), place.held()) == (numbered(3), "")


def _over(source: object, store: object) -> object:
    source._store = lambda: store  # type: ignore[attr-defined]  # this source only
    return source


def test_an_event_of_a_bucket_that_nobody_reads_is_an_error(place: Shelf) -> None:
    """Somebody has to know; a key that no task wants is only counted."""
    creation = place.put("a.ndjson", 1)
    other = creation._replace(put=creation.put._replace(bucket="other"))
    with pytest.raises(ConfigError, match=r"bucket other is read by no task; they read folder:"):
        place.note(other)
    place.apply("t", suffix=".gz")
    noted = place.note(creation)
    assert (noted.counts["passed_over"], noted.marks) == (1, {})


def test_of_two_readings_of_a_key_the_one_with_the_content_counts(place: Shelf) -> None:
    """An object whose name looks like the other's as a URL spells it is another one."""
    place.put("a%20b.ndjson", 1)
    meant = place.put("a b.ndjson", body(2, 5))
    place.deliver(meant._replace(put=meant.put._replace(keys=("a%20b.ndjson", "a b.ndjson"))))
    assert place.taken() == numbered(2, 5)
    assert [row.gaps for row in place.rows()] == [()]


def test_a_kill_before_a_lost_object_is_marked_makes_no_second_gap(
    place: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slot's own row says that it is through with it."""
    noted, put = place.note(place.put("a.ndjson", 3)), place.table.put
    place.bucket.delete("a.ndjson")

    def dying(partition: str, sort: str, value: bytes, **how: object) -> str:
        if partition.startswith("errands-done/"):
            monkeypatch.undo()
            raise KeyboardInterrupt
        return put(partition, sort, value, **how)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(place.table, "put", dying)
    with pytest.raises(KeyboardInterrupt):
        place.visit(noted)
    place.clock.forward(1_000)
    place.visit()
    assert [len(row.gaps) for row in place.rows()] == [1]
    assert place.due() == []


def test_an_event_that_tells_of_an_object_twice_delivers_it_once(place: Shelf) -> None:
    """And goes on with what it tells of besides."""
    first, other = place.put("a.ndjson", 3), place.put("b.ndjson", body(3, 3))
    place.deliver(first, first, other)
    assert sorted(place.taken()) == numbered(6)
    assert place.due() == []


def test_what_cannot_be_noted_keeps_nothing_else_from_being(place: Shelf) -> None:
    """The objects before it and behind it are due, and the event is told of as not done."""
    first, last = place.put("a.ndjson", 1), place.put("b.ndjson", 1)
    other = first._replace(put=first.put._replace(bucket="other"))
    with pytest.raises(ConfigError):
        place.note(first, other, last)
    assert place.due() == ["a.ndjson", "b.ndjson"]


def test_a_task_that_this_release_cannot_read_keeps_the_event_at_the_platform(place: Shelf) -> None:
    """It may be for it: nothing is lost in a roll-back, and the others have what is theirs."""
    spec = {"task": "new", "source": {"objects": {"bucket": f"folder:{place.folder}", "from_the_future": 1}}}
    body = json.dumps({"schema": 1, "version": 1, "state": "online", "spec": spec, "updated": 0})
    place.table.put("tasks", "new", body.encode(), expect=None)
    with pytest.raises(Unfinished, match="task new is unreadable"):
        place.note(place.put("a.ndjson", 1))
    assert place.due() == ["a.ndjson"]


def test_what_waits_too_long_is_told(place: Shelf) -> None:
    """A held task too: the age of the oldest object, over `max_lag`."""
    place.destinations["t"].script = errors(*[Misconfigured("401")] * 9)
    place.deliver(place.put("a.ndjson", 3))
    place.clock.forward(400)
    place.destinations["t"].script = errors(*[Misconfigured("401")] * 9)
    lag = place.visit().lags["t", "due"]
    assert (lag.seconds, lag.over) == (400.0, True)


def test_a_deleted_task_is_forgotten(place: Shelf) -> None:
    """A task of the same name, made later, takes no object for done."""
    place.deliver(place.put("a.ndjson", 3))
    place.note(place.put("b.ndjson", 3))
    Errands(place.table, "t").forget()
    assert place.due() == []
    assert list(Errands(place.table, "t").all_done()) == []
