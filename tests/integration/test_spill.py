"""An outage longer than the retention, against the real embedded store: spilled, then delivered in order."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.fakes.ferry import ROOT, Ferry, ferry
from tests.fakes.misbehaving import nobody

from logferry import wiring
from logferry.model import Counts

FORGETS, OLD = "7s", 3.6  # what the store keeps; 80 % of what the task believes, and a little more (seconds)
SOURCE = {"max_groups": 4, "retention": "4s"}
COMMAND = [sys.executable, "-c", "from logferry_local.cli import main; main()"]
RECORDS = 400


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """A log store that forgets soon, and a task whose destination is not there."""
    settings = [("LOGFERRY_SAVE_SECONDS", "0")]
    with nobody() as port, ferry(tmp_path, ttl=FORGETS, settings=settings) as made:
        made.put(RECORDS, group=10)
        destination = {"url": f"http://127.0.0.1:{port}", "token": "secret://env/HEC_TOKEN"}
        made.apply("t", {"splunk_hec": destination}, source=dict(SOURCE))
        yield made


def sweep(boat: Ferry) -> dict[str, object]:
    """A short one: a destination that is down may take all the time there is."""
    return boat.sweep(5)


def forget(boat: Ferry) -> None:
    """Until the store has dropped all that it holds."""
    end, until = boat.logstore.get_cursor("0", "end"), time.monotonic() + 30
    while boat.logstore.get_cursor("0", "begin") != end:
        assert time.monotonic() < until, "nothing expires"
        time.sleep(0.1)


def hold(boat: Ferry) -> None:
    """For half a minute nothing is tried."""
    wiring.workshop(boat.environ).holds.hold("t", "HTTP 401", time.time())


def spilled(boat: Ferry) -> list[Path]:
    """The objects."""
    return sorted((boat.folder / "objects" / "spill").rglob("*,*"))


def come_back(boat: Ferry) -> None:
    """The destination is there, under another address."""
    boat.hec("t", source=dict(SOURCE), to={"max_records": 20, "in_flight": 1})
    boat.rest_is_over("t")


def order(boat: Ferry) -> list[str]:
    """The records' identities as they arrived."""
    lines = boat.sinks["t"].read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["event"]["id"] for line in lines]


def ids(count: int) -> list[str]:
    """Of the records as they were put."""
    return [f"id-{number:06d}" for number in range(count)]


def logferry(boat: Ferry, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A command."""
    command = [*COMMAND, *arguments]
    return subprocess.run(command, cwd=ROOT, env=boat.environ, capture_output=True, text=True, timeout=60, check=False)


def assert_whole(boat: Ferry, count: int, repeated: int = 0) -> None:
    """Everything arrived, nothing is missing, and the books say so."""
    assert set(boat.received("t")) == set(ids(count))
    row = boat.row("t")
    assert (row.gaps, row.open, row.lease, row.spilled, row.schema) == ((), None, None, "", 1)
    assert spilled(boat) == []
    counts = boat.verified("t")
    assert (counts.read, counts.delivered) == (count, count)
    extra = sum(boat.received("t").values()) - count
    assert extra <= min(counts.maybe_repeated, repeated)


def test_an_outage_longer_than_the_retention_loses_nothing(boat: Ferry) -> None:
    """Down until 80 %: spilled. Forgotten at the source, and more was written since: in order, once, no gap."""
    sweep(boat)
    time.sleep(OLD)
    sweep(boat)
    assert len(spilled(boat)) == RECORDS // 10 // 4
    forget(boat)
    shown = logferry(boat, "ledger", "t", "--verify", "--json")
    assert (shown.returncode, json.loads(shown.stdout)["problems"]) == (0, [])
    boat.put(100, group=10)
    come_back(boat)
    boat.until_done()
    assert order(boat) == ids(RECORDS + 100)
    assert_whole(boat, RECORDS + 100)
    assert boat.verified("t") == Counts(read=RECORDS + 100, delivered=RECORDS + 100)


def test_killed_while_it_spills(boat: Ferry) -> None:
    """After an object that no row tells of yet: the next round goes on from what the row says."""
    hold(boat)
    time.sleep(OLD)
    assert boat.die("spilled", 5) == -9
    assert spilled(boat)
    time.sleep(1.1)  # the dead owner's lease
    sweep(boat)
    forget(boat)
    come_back(boat)
    boat.until_done()
    assert order(boat) == ids(RECORDS)
    assert_whole(boat, RECORDS)


def deaths(boat: Ferry, steps: Sequence[tuple[str, int]]) -> None:
    """One after the other."""
    for step, count in steps:
        assert boat.die(step, count) == -9, (step, count)
        time.sleep(1.1)


def test_killed_again_and_again_while_it_is_replayed(boat: Ferry) -> None:
    """After a payload, around a save, after an object was dropped: at most a save interval comes twice."""
    hold(boat)
    time.sleep(OLD)
    sweep(boat)
    forget(boat)
    assert logferry(boat, "ledger", "t").returncode == 0
    come_back(boat)
    deaths(boat, [("sent", 3), ("saving", 3), ("saved", 2), ("dropped", 2)])
    boat.until_done()
    assert_whole(boat, RECORDS, repeated=4 * 40)
    firsts = list(dict.fromkeys(order(boat)))
    assert firsts == ids(RECORDS)


def test_a_lost_object_is_seen_by_verify_and_then_a_gap(boat: Ferry) -> None:
    """Somebody removed one: said beforehand, recorded, and the rest arrives."""
    hold(boat)
    time.sleep(OLD)
    sweep(boat)
    forget(boat)
    spilled(boat)[3].unlink()
    shown = logferry(boat, "ledger", "t", "--verify")
    assert shown.returncode == 1
    assert "neither at the source nor whole in the store" in shown.stdout
    come_back(boat)
    boat.until_done()
    assert len(boat.received("t")) == RECORDS - 40
    [gap] = boat.row("t").gaps
    assert (gap.reason, gap.estimate) == ("expired", 4)
    assert boat.row("t").spilled == ""


def test_deleting_a_task_deletes_what_it_spilled(boat: Ferry) -> None:
    """Logs of a task that is no more are kept nowhere."""
    hold(boat)
    time.sleep(OLD)
    sweep(boat)
    assert spilled(boat)
    deleted = logferry(boat, "task", "delete", "t", "--yes")
    assert deleted.returncode == 0, deleted.stderr
    assert spilled(boat) == []
    assert wiring.workshop(boat.environ).ledger.rows("t") == []
