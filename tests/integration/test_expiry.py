"""Retention shorter than the outage, against the real embedded store: what is gone is a gap, the rest is delivered."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.ferry import Ferry, ferry

from logferry.model import Counts


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """A log store that keeps nothing for longer than a second and a half."""
    with ferry(tmp_path, ttl="1500ms") as made:
        yield made


def forget(boat: Ferry) -> None:
    """Wait until the store has dropped all that it holds."""
    end, until = boat.logstore.get_cursor("0", "end"), time.monotonic() + 20
    while boat.logstore.get_cursor("0", "begin") != end:
        assert time.monotonic() < until, "nothing expires"
        time.sleep(0.1)


def test_what_expired_before_it_was_read_is_a_gap(boat: Ferry) -> None:
    """From, to, reason and an estimate; what came later arrives, and the ledger verifies."""
    boat.put(100, group=10)
    boat.hec()
    begin = boat.row("to-hec").position
    forget(boat)
    boat.put(50)
    assert boat.sweep()["finished"]
    assert len(boat.received("to-hec")) == 50
    row = boat.row("to-hec")
    assert [(gap.begin, gap.reason, gap.estimate) for gap in row.gaps] == [(begin, "expired", 10)]
    assert boat.verified("to-hec") == Counts(read=50, delivered=50)


def test_what_expired_behind_an_interrupted_run_is_a_gap_too(boat: Ferry) -> None:
    """Killed in the midst of a range that is gone when the next run comes: no run is stuck on it."""
    boat.put(200, group=10)
    boat.hec(to={"max_records": 10}, source={"max_groups": 5})
    assert boat.die("sent", 12) == -9
    assert boat.row("to-hec").open is not None
    forget(boat)
    boat.put(30)
    boat.until_done()
    counts = boat.verified("to-hec")
    assert counts.read == counts.delivered
    row = boat.row("to-hec")
    assert {gap.reason for gap in row.gaps} == {"expired"}
    assert (row.open, row.lease, row.last_error) == (None, None, "")
    assert {f"id-{number:06d}" for number in range(200, 230)} <= set(boat.received("to-hec"))


def test_an_expired_stream_without_new_records_comes_to_rest(boat: Ferry) -> None:
    """The gap ends where the store ends: there is nothing to do, again and again."""
    boat.put(20)
    boat.hec()
    forget(boat)
    assert boat.sweep()["finished"]
    row = boat.row("to-hec")
    assert row.position == boat.logstore.get_cursor("0", "end")
    assert boat.sweep()["finished"]
    assert boat.row("to-hec") == row
