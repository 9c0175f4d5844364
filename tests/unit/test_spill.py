"""What a source is about to forget goes to the object store: when, how much, by whom, and what if that fails."""

import logging

import msgspec
import pytest
from tests.fakes.engine import ScriptedDestination, numbers
from tests.fakes.forgetful import Harbour, harbour

from logferry.errors import Misconfigured, StateError, Transient
from logferry.ledger import PLAIN, SCHEMA, Open, Row


def down() -> ScriptedDestination:
    """Never there."""
    return ScriptedDestination(script=iter(lambda: Transient("down", retry_after=1e6), None))


def outage(count: int = 100, **settings: object) -> Harbour:
    """A task that could not deliver until the first record is 850 seconds old."""
    at = harbour(count, **settings)
    at.add("t", down())
    at.go()
    at.at(850)
    return at


def held(count: int = 100) -> Harbour:
    """A held task whose first record is 850 seconds old."""
    at = harbour(count)
    at.add()
    at.at(850)
    at.hold()
    return at


def test_nothing_is_spilled_before_80_percent_of_the_retention() -> None:
    """The source still holds it."""
    at = outage()
    at.clock.now -= 51
    at.go()
    assert (at.spilled(), at.row().spilled, at.row().schema) == ([], "", PLAIN)


def test_what_is_older_than_half_of_the_retention_is_spilled() -> None:
    """Batch by batch, and no further: what is younger waits at the source."""
    at = outage(600)
    at.go()
    assert at.spilled() == [(first, first + 10) for first in range(0, 350, 10)]
    row = at.row()
    assert (row.position, row.spilled, row.schema, row.lease) == ("0", "350", SCHEMA, None)


def test_a_held_task_is_watched_and_spilled_too() -> None:
    """Nothing is read for it, so nobody else would notice."""
    at = harbour()
    at.add()
    at.at(120)
    at.hold()
    assert at.go().lags["t", "0"].left == pytest.approx(880)
    at.at(850)
    at.hold()
    found = at.go()
    assert found.held
    assert at.row().spilled == "100"
    assert found.lags["t", "0"].over


def test_a_task_that_is_refused_in_the_round_is_spilled() -> None:
    """Held just now: the same."""
    at = harbour()
    at.add("t", ScriptedDestination(script=iter(lambda: Misconfigured("HTTP 401"), None)))
    at.at(850)
    at.go()
    assert at.row().spilled == "100"


def test_a_slow_task_is_spilled_in_the_time_that_is_kept_for_it() -> None:
    """It delivers all the time there is, and is late all the same."""
    at = harbour(700)
    at.add("t", ScriptedDestination(judge=lambda _payload: at.clock.forward(20)))
    at.at(850)
    at.go()
    row = at.row()
    assert 0 < int(row.position) < int(row.spilled)


def test_the_next_round_goes_on_where_the_last_one_ended() -> None:
    """What is spilled is not read again."""
    at = outage(600)
    at.go()
    at.source.reads.clear()
    at.at(1_160)
    at.go()
    assert at.source.reads == [("350", "600")]
    assert at.row().spilled == "600"


def test_a_round_without_much_time_saves_what_it_spilled() -> None:
    """And the next one goes on."""
    at = outage(600)
    at.source.on_batch = lambda _begin: at.clock.forward(4)
    at.go(seconds=20)
    first = int(at.row().spilled)
    assert 0 < first < 350
    at.go(seconds=20)
    assert int(at.row().spilled) > first


def test_settled_streams_are_not_asked_about() -> None:
    """When all is well the watch costs no request."""
    at = harbour()
    at.add()
    at.go()
    at.source.looks = 0
    at.go()
    assert at.source.looks == 0


def test_tasks_at_one_position_cost_one_look() -> None:
    """The source is asked once for the time of a place."""
    at = harbour()
    for name in "abc":
        at.add(name, down())
    at.source.looks = 0
    found = at.go()
    assert len(found.lags) == 3
    assert at.source.looks == 2  # retention, and one time


def test_spilling_can_be_switched_off() -> None:
    """Then the end of the retention is a gap, as before."""
    at = outage(spill=False)
    at.go()
    assert at.spilled() == []


def test_a_full_store_is_told_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is lost until the retention really ends; what was written counts."""
    at = outage(600)
    at.store.fail("put")
    at.go()
    assert "spill failed: records will be lost at the end of the retention" in [
        record.getMessage() for record in caplog.records if record.levelno == logging.ERROR
    ]
    assert (at.row().spilled, at.row().lease) == ("0", None)  # none of it, and what a put may have left is tidied up
    at.store.fail()
    at.go()
    assert at.row().spilled == "350"


def test_a_store_that_fills_up_keeps_what_it_took() -> None:
    """The row says how far it came."""
    at, left = outage(600), iter(range(3))

    def strike(verb: str, key: str) -> None:
        if verb == "put" and key.startswith("spill/") and next(left, None) is None:
            raise StateError("no space left")

    at.store.before = strike
    at.go()
    assert (at.row().spilled, at.row().lease) == ("30", None)


def test_a_stream_in_work_is_left_alone() -> None:
    """Its owner may be delivering just what would be spilled."""
    at = outage()
    assert at.bench.ledger.hold("t", "0", now=at.clock(), until=at.clock() + 60)
    at.hold()
    at.go()
    assert (at.spilled(), at.row().lease is not None) == ([], True)


def test_nobody_works_on_a_stream_that_is_being_spilled() -> None:
    """The lease is taken, and renewed."""
    at, seen = outage(600, lease_seconds=20.0, save_seconds=5.0), list[bool]()

    def look(_begin: int) -> None:
        at.clock.forward(3)
        row = at.row()
        seen.append(row.lease is not None and row.lease.holds(at.clock()))

    at.source.on_batch = look
    at.go()
    assert len(seen) > 20
    assert all(seen)


def test_a_killed_spill_is_repeated_from_its_last_save() -> None:
    """What it left behind the save is written anew, however the source cuts it this time."""
    at = held(600)

    class Killed(BaseException):
        """Nothing after it is done."""

    def kill(begin: int) -> None:
        if begin == 100:
            raise Killed

    at.source.on_batch = kill
    table = at.bench.ledger
    with pytest.raises(Killed):
        at.go()
    # A real kill does not get to the last save: put the row back as it was.
    row = msgspec.structs.replace(at.row(), spilled="", schema=PLAIN)
    table.edit("t", "0", lambda _row: row, now=at.clock())
    assert at.spilled()
    at.source.on_batch, at.source.batch = (lambda _begin: None), 25
    at.go()
    assert at.spilled() == [(first, first + 25) for first in range(0, 350, 25)]


def test_an_open_range_is_spilled_to_its_end_first() -> None:
    """So that the run that finishes it reads exactly what the killed one had begun."""
    at, opened = held(), Open(begin="0", end="25", task_version=1)
    at.bench.ledger.edit("t", "0", lambda row: msgspec.structs.replace(row, open=opened), now=at.clock())
    at.go()
    assert (20, 25) in at.spilled()
    assert (25, 35) in at.spilled()
    assert at.row().open == opened


def test_what_is_gone_already_is_left_out() -> None:
    """It becomes a gap when its turn comes; the rest is kept."""
    at = outage(600)
    at.at(1_050)
    at.go()
    assert at.spilled()[0] == (50, 60)
    at.jobs["t"].destination.script = iter(())  # type: ignore[attr-defined]  # a scripted one
    at.at(3_000_000)
    to = at.add()
    at.go()
    assert [(gap.begin, gap.end, gap.reason) for gap in at.row().gaps] == [
        ("0", "50", "expired"),
        ("550", "600", "expired"),
    ]
    assert numbers(to.taken) == list(range(50, 550))


def test_every_task_has_its_own_spill() -> None:
    """One that delivers needs none; two that do not have one each."""
    at = harbour()
    at.add("a", down())
    at.add("b", down())
    good = at.add("good")
    at.at(850)
    at.go()
    assert numbers(good.taken) == list(range(100))
    assert [at.row(name).spilled for name in ("a", "b", "good")] == ["100", "100", ""]


def test_a_row_that_spilled_is_refused_by_a_release_that_knows_nothing_of_it() -> None:
    """It would take for expired what the store holds. Rows that spilled nothing stay as that release wrote them."""
    plain = Row(schema=PLAIN, stream="0", start="0", position="0")
    assert plain.spill("50").schema == SCHEMA > 1
    assert plain.spill("50").spill("") == plain
    assert b"spilled" not in msgspec.json.encode(plain)
    older = b'{"schema":1,"stream":"0","start":"0","position":"0"}'
    assert msgspec.json.decode(older, type=Row) == plain
