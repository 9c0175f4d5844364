"""`logferry backfill` end to end: a window of the past, beside a live run whose rows it never touches."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.fakes.ferry import Ferry, ferry

from logferry import wiring
from logferry_local.backfill.window import shown
from logferry_local.sinks import hec

COMMAND = [sys.executable, "-c", "from logferry_local.cli import main; main()"]
EVERY_BATCH = [("LOGFERRY_SAVE_SECONDS", "0")]
RECORDS = 400


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: Any
    said: str


def logferry(boat: Ferry, *words: str) -> Ran:
    """A command with --json."""
    done = subprocess.run([*COMMAND, *words, "--json"], env=boat.environ, capture_output=True, check=False, timeout=60)
    return Ran(done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr.decode())


def next_second() -> int:
    """Wait until what was put lies in the past; the first second that it is not in."""
    now = int(time.time()) + 1
    time.sleep(now - time.time() + 0.02)
    return now


def window(since: int, until: int) -> list[str]:
    """Options of a window."""
    return ["--from", shown(since), "--to", shown(until)]


class Past(NamedTuple):
    """A boat with records from before its task began, and when that was."""

    boat: Ferry
    since: int
    until: int

    def backfill(self, *options: str) -> Ran:
        """The whole window."""
        return logferry(self.boat, "backfill", "to-hec", *window(self.since, self.until), *options)


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    """Many small batches received before the task's start, which is the end."""
    with ferry(tmp_path, settings=EVERY_BATCH) as boat:
        since = int(time.time())
        boat.put(RECORDS, group=20)
        until = next_second()
        boat.hec(start="end", to={"max_records": 30}, source={"max_groups": 5})
        yield Past(boat, since, until)


def test_a_window_is_delivered_once_and_its_ledger_verifies(past: Past) -> None:
    """Every record, no more, under a run of its own; the live rows stay as they were."""
    before = past.boat.row("to-hec")
    ran = past.backfill()
    assert (ran.code, ran.out["state"], ran.out["ended"]) == (0, "done", "done")
    assert past.boat.received("to-hec").total() == len(past.boat.received("to-hec")) == RECORDS
    assert (ran.out["totals"]["read"], ran.out["totals"]["delivered"]) == (RECORDS, RECORDS)
    assert past.boat.row("to-hec") == before
    checked = logferry(past.boat, "ledger", "to-hec", "--run", ran.out["run"], "--verify")
    assert (checked.code, checked.out["tasks"][0]["totals"]["delivered"]) == (0, RECORDS)


def test_the_runs_of_a_task_are_listed(past: Past) -> None:
    """Each with its window, its state and its counts; the live ledger shows none of it."""
    done = past.backfill().out["run"]
    listed = logferry(past.boat, "ledger", "to-hec", "--runs").out["runs"]
    assert [(run["run"], run["state"], run["delivered"]) for run in listed] == [(done, "done", RECORDS)]
    assert (listed[0]["from"], listed[0]["to"]) == (shown(past.since), shown(past.until))
    assert logferry(past.boat, "ledger", "to-hec", "--verify").out["tasks"][0]["totals"]["read"] == 0


def test_a_dry_run_estimates_and_writes_nothing(past: Past) -> None:
    """Records, bytes and requests, from two pulls of five groups that agree; no run is left behind."""
    ran = past.backfill("--dry-run")
    total = ran.out["estimate"]["total"]
    assert (ran.code, total["records"], total["groups"], total["sure"]) == (0, RECORDS, RECORDS // 20, "good")
    assert total["requests"] == RECORDS // 20 // 5
    assert total["bytes"] > RECORDS * 20
    assert past.boat.received("to-hec").total() == 0
    assert logferry(past.boat, "ledger", "to-hec", "--runs").out["runs"] == []


def test_what_a_run_delivered_is_refused_without_again(past: Past) -> None:
    """The ranges are named as times; nothing is sent."""
    first = past.backfill().out["run"]
    ran = past.backfill()
    assert ran.code == 2
    assert f"received {shown(past.since)} to " in ran.said
    assert f"run {first} delivered it" in ran.said
    assert past.boat.received("to-hec").total() == RECORDS


def test_what_the_live_run_delivered_or_will_deliver_is_refused(past: Past) -> None:
    """Both what it has settled and what it has not come to yet."""
    past.boat.put(40)
    past.boat.until_done()
    past.boat.put(40)
    until = next_second()
    ran = logferry(past.boat, "backfill", "to-hec", *window(past.until, until))
    assert ran.code == 2
    assert "the live run delivered it" in ran.said
    assert "the live run will deliver it" in ran.said


def test_again_delivers_twice_and_counts_it(past: Past) -> None:
    """Only what had been delivered counts as repeated; the live row and its dead letters are not touched."""
    past.boat.put(100, group=20)
    past.boat.until_done()
    until, before = next_second(), past.boat.row("to-hec")
    ran = logferry(past.boat, "backfill", "to-hec", *window(past.since, until), "--again")
    assert (ran.code, ran.out["totals"]["delivered"], ran.out["totals"]["maybe_repeated"]) == (0, RECORDS + 100, 100)
    received = past.boat.received("to-hec")
    assert len(received) == RECORDS + 100
    assert sum(received.values()) == RECORDS + 200
    assert past.boat.row("to-hec") == before
    past.boat.verified("to-hec")
    assert logferry(past.boat, "ledger", "to-hec", "--run", ran.out["run"], "--verify").code == 0


def test_an_unknown_task_and_a_bad_window_are_usage_errors(past: Past) -> None:
    """Exit code 2; each mistake with its option."""
    assert "known: to-hec" in logferry(past.boat, "backfill", "nobody", *window(1, 2)).said
    ran = logferry(past.boat, "backfill", "to-hec", "--from", "yesterday", "--to", "2020-01-01 00:00:00")
    assert (ran.code, ran.out) == (2, None)
    assert "--from: 'yesterday' is not a time such as" in ran.said
    assert logferry(past.boat, "backfill", "to-hec", "--from", "2020-01-01T00:00:00Z").code == 2


def test_an_empty_window_is_told_and_makes_no_run(past: Past) -> None:
    """Nothing was received then: exit code 0, no rows."""
    ran = logferry(past.boat, "backfill", "to-hec", *window(past.since - 500, past.since - 400))
    assert (ran.code, ran.out["estimate"]["total"]["records"]) == (0, 0)
    assert logferry(past.boat, "ledger", "to-hec", "--runs").out["runs"] == []


def test_a_hold_stops_a_run_and_is_not_made_by_one(past: Past) -> None:
    """A refused token stops it with the reason; the live task is left to find out itself, the run goes on later."""
    past.boat.environ["HEC_TOKEN"] = "wrong"
    ran = past.backfill()
    assert (ran.code, ran.out["ended"], ran.out["state"]) == (2, "held", "open")
    assert f"--resume {ran.out['run']}" in ran.said
    assert wiring.workshop(past.boat.environ).holds.health("to-hec") is None
    past.boat.environ["HEC_TOKEN"] = "hec-token"
    again = logferry(past.boat, "backfill", "to-hec", "--resume", "last")
    assert (again.code, again.out["run"], again.out["state"]) == (0, ran.out["run"], "done")
    assert past.boat.received("to-hec").total() == RECORDS


def test_a_held_task_is_not_backfilled(past: Past) -> None:
    """Same destination, same trouble: the reason and the way out, and no run is made."""
    wiring.workshop(past.boat.environ).holds.hold("to-hec", "HTTP 403", time.time())
    ran = past.backfill()
    assert ran.code == 2
    assert "task to-hec is held: HTTP 403" in ran.said
    assert logferry(past.boat, "ledger", "to-hec", "--runs").out["runs"] == []


def test_dead_letters_of_a_run_are_told_apart(past: Past) -> None:
    """Its stream is named with the run; both ledgers verify, each with its own."""
    past.boat.put(1, big="x" * 3_000)
    until = next_second()
    past.boat.until_done()
    past.boat.hec("strict", sink=hec.Options(token="hec-token", max_event_bytes=2_000))
    past.boat.until_done()
    ran = logferry(past.boat, "backfill", "strict", *window(past.since, until), "--again")
    assert (ran.code, ran.out["totals"]["parked"]) == (0, 1)
    dead = wiring.workshop(past.boat.environ).dead
    assert sorted(place.stream for place in dead.places("strict", "open")) == ["0", f"0@{ran.out['run']}"]
    past.boat.verified("strict")
    assert f"under streams that end with @{ran.out['run']}" in ran.said
    stream = f"0@{ran.out['run']}"
    discarded = logferry(past.boat, "dead", "discard", "--task", "strict", "--stream", stream, "--by", "me", "--yes")
    assert discarded.code == 0, discarded.said
    checked = logferry(past.boat, "ledger", "strict", "--run", ran.out["run"], "--verify")
    assert (checked.code, checked.out["tasks"][0]["totals"]["dead_letters"]["discarded"]) == (0, 1)
    live = logferry(past.boat, "ledger", "strict", "--verify").out["tasks"][0]["totals"]["dead_letters"]
    assert live == {"open": 1, "replayed": 0, "discarded": 0}


def test_a_rate_is_kept_to(past: Past) -> None:
    """So many records a second; pulls are made small enough to flow."""
    begun = time.monotonic()
    ran = past.backfill("--rate", "200/s")
    assert (ran.code, ran.out["totals"]["delivered"]) == (0, RECORDS)
    assert time.monotonic() - begun >= RECORDS / 200 - 1
