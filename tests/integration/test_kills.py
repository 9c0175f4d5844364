"""kill -9 at any moment: nothing is lost, at most one save interval is repeated, the ledger verifies."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.ferry import Ferry, ferry

from logferry_local.sinks import hec

RECORDS, GROUP, PULL = 1_000, 20, 5  # 50 groups, five to a pull: batches of 100 records
EVERY_BATCH = [("LOGFERRY_SAVE_SECONDS", "0")]


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """Many small batches, a save after each."""
    with ferry(tmp_path, settings=EVERY_BATCH) as made:
        made.put(RECORDS, group=GROUP)
        yield made


def prove(boat: Ferry, task: str, parked: int = 0) -> None:
    """Everything arrived; what is there twice fits one save interval and the ledger's own word."""
    boat.until_done()
    received = boat.received(task)
    assert len(received) == RECORDS - parked
    counts = boat.verified(task)
    assert (counts.read, counts.delivered, counts.parked) == (RECORDS, RECORDS - parked, parked)
    repeated = sum(received.values()) - len(received)
    assert repeated <= PULL * GROUP
    assert repeated <= counts.maybe_repeated


@pytest.mark.parametrize("count", [1, 7, 20])
@pytest.mark.parametrize("step", ["sent", "saving", "saved"])
def test_killed_at_a_named_step_on_the_way_to_hec(boat: Ferry, step: str, count: int) -> None:
    """Sent but not saved, about to save, saved but not answered."""
    boat.hec(to={"max_records": 30}, source={"max_groups": PULL})
    if boat.die(step, count) == 0:
        assert step in ("saving", "saved"), "fewer steps than expected"
    prove(boat, "to-hec")


@pytest.mark.parametrize("step", ["sent", "saving", "saved"])
def test_killed_at_a_named_step_on_the_way_to_syslog(boat: Ferry, step: str) -> None:
    """The same over a socket."""
    boat.syslog(source={"max_groups": PULL})
    assert boat.die(step, 4) == -9
    prove(boat, "to-syslog")


@pytest.mark.parametrize("step", ["parked", "saving"])
def test_killed_between_parking_and_saving(boat: Ferry, step: str) -> None:
    """A dead letter written before the kill is not counted twice."""
    boat.put(1, big="x" * 3_000)
    boat.hec(sink=hec.Options(token="hec-token", max_event_bytes=2_000), source={"max_groups": PULL})
    assert boat.die(step, 1) == -9
    boat.until_done()
    counts = boat.verified("to-hec")
    assert (counts.read, counts.delivered, counts.parked) == (RECORDS + 1, RECORDS, 1)
    assert len(boat.received("to-hec")) == RECORDS


@pytest.mark.parametrize("seed", range(10))
def test_killed_at_a_random_moment(boat: Ferry, seed: int) -> None:
    """Ten seeded moments, each a share of the records that had arrived, from outside the process."""
    share = random.Random(seed).random()  # noqa: S311  # a seeded moment
    boat.hec(to={"max_records": 10, "in_flight": 2}, source={"max_groups": PULL})
    process = boat.start()
    until = time.monotonic() + 30
    while sum(boat.received("to-hec").values()) < share * RECORDS * 0.9 and time.monotonic() < until:
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -9, "it was done before the moment came"
    prove(boat, "to-hec")
