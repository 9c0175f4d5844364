"""A backfill that is killed, stopped, or run beside the live run and over split shards: nothing lost, all counted."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.ferry import Ferry, ferry
from tests.integration.test_backfill import COMMAND, EVERY_BATCH, logferry, next_second, window

from logferry import wiring

ROOT = Path(__file__).parents[2]
RECORDS, GROUP, PULL = 400, 20, 5  # batches of 100 records
MORTAL = [sys.executable, "-m", "tests.fakes.mortal"]


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """An empty logstore; every batch is saved."""
    with ferry(tmp_path, settings=EVERY_BATCH) as made:
        yield made


def past(boat: Ferry) -> list[str]:
    """Records from before the task's start, as the options of their window."""
    since = int(time.time())
    boat.put(RECORDS, group=GROUP)
    until = next_second()
    boat.hec(start="end", to={"max_records": 30}, source={"max_groups": PULL})
    return window(since, until)


def prove(boat: Ferry, run: str) -> dict[str, Any]:
    """Everything arrived, what came twice fits one save interval and the ledger's word; its totals."""
    checked = logferry(boat, "ledger", "to-hec", "--run", run, "--verify")
    assert checked.code == 0, checked.said
    totals: dict[str, Any] = checked.out["tasks"][0]["totals"]
    received = boat.received("to-hec")
    repeated = sum(received.values()) - len(received)
    assert (len(received), totals["read"], totals["delivered"]) == (RECORDS, RECORDS, RECORDS)
    assert repeated <= PULL * GROUP
    assert repeated <= totals["maybe_repeated"]
    return totals


@pytest.mark.parametrize(("step", "count"), [("sent", 1), ("sent", 8), ("saving", 3), ("saving", 5), ("saved", 4)])
def test_a_killed_run_goes_on_from_its_rows(boat: Ferry, step: str, count: int) -> None:
    """kill -9 at a named step; --resume waits for the dead owner's lease and reads exactly the open range again."""
    options = past(boat)
    killed = subprocess.run(
        [*MORTAL, step, str(count), "backfill", "to-hec", *options],
        cwd=ROOT, env=boat.environ, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert killed.returncode == -9
    refused = logferry(boat, "backfill", "to-hec", *options)
    [run] = [one["run"] for one in logferry(boat, "ledger", "to-hec", "--runs").out["runs"]]
    assert refused.code == 2
    assert f"--resume {run}" in refused.said
    resumed = logferry(boat, "backfill", "to-hec", "--resume", run)
    assert (resumed.code, resumed.out["state"]) == (0, "done"), resumed.said
    prove(boat, run)
    boat.verified("to-hec")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_saves_and_goes_on(boat: Ferry, number: signal.Signals, code: int) -> None:
    """Ctrl-C and SIGTERM end it in order: what was sent is saved, nothing comes twice, the lease is given back."""
    options = past(boat)
    words = [*COMMAND, "backfill", "to-hec", *options, "--rate", "100/s", "--json"]
    process = subprocess.Popen(words, env=boat.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until = time.monotonic() + 30
    while boat.received("to-hec").total() < GROUP and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(number)
    out, said = process.communicate(timeout=30)
    assert process.returncode == code, said
    answer = json.loads(out)
    assert (answer["ended"], answer["state"]) == ("stopped", "open")
    assert answer["totals"]["delivered"] == boat.received("to-hec").total() < RECORDS
    ledger = wiring.workshop(boat.environ).ledger.of_run(answer["run"])
    assert [(row.open, row.lease) for row in ledger.rows("to-hec")] == [(None, None)]
    assert logferry(boat, "backfill", "to-hec", "--resume", "last").code == 0
    assert prove(boat, answer["run"])["maybe_repeated"] == 0
    assert set(boat.received("to-hec").values()) == {1}


def test_live_and_backfill_side_by_side_deliver_every_record_once(boat: Ferry) -> None:
    """The live run follows what arrives while a backfill delivers the past; both ledgers verify."""
    options = past(boat)
    words = [*COMMAND, "backfill", "to-hec", *options, "--rate", "150/s", "--json"]
    process = subprocess.Popen(words, env=boat.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    live, until = 0, time.monotonic() + 30
    while process.poll() is None and time.monotonic() < until:
        boat.put(20)
        live += 20
        boat.until_done()
    out, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    boat.until_done()
    assert live > 20, "the live run had nothing to do beside it"
    assert set(boat.received("to-hec").values()) == {1}
    assert len(boat.received("to-hec")) == RECORDS + live
    assert boat.verified("to-hec").delivered == live
    totals = json.loads(out)["totals"]
    assert (totals["delivered"], totals["maybe_repeated"]) == (RECORDS, 0)
    assert logferry(boat, "ledger", "to-hec", "--run", json.loads(out)["run"], "--verify").code == 0


def test_an_abandoned_run_frees_what_it_did_not_deliver(boat: Ferry) -> None:
    """Another run may have the rest; what was delivered is still refused, and never sent twice."""
    options = past(boat)
    words = [*MORTAL, "saved", "4", "backfill", "to-hec", *options]
    subprocess.run(words, cwd=ROOT, env=boat.environ, capture_output=True, check=False, timeout=60)
    assert "abandoned" in subprocess.run(
        [*COMMAND, "backfill", "to-hec", "--abandon", "last"],
        env=boat.environ, capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    refused = logferry(boat, "backfill", "to-hec", *options)
    assert refused.code == 2
    assert "the abandoned run" in refused.said
    assert logferry(boat, "backfill", "to-hec", "--resume", "last").code == 2


def test_parents_come_before_their_children(boat: Ferry) -> None:
    """A split and a merge within the window: every record once, none of a child before its parent's last."""
    since = int(time.time())
    boat.put(40)
    left, right = (shard.name for shard in _resharded(boat, "0"))
    boat.put(80, group=10)
    time.sleep(1.1)  # the service tells shards apart by the second that they were made in
    [merged] = (shard.name for shard in boat.logstore.merge_shard(left) if shard.writable)
    boat.put(40)
    until = next_second()
    boat.hec(start="end", to={"in_flight": 1})
    ran = logferry(boat, "backfill", "to-hec", *window(since, until))
    assert (ran.code, ran.out["totals"]["delivered"]) == (0, 160), ran.said
    assert [stream["stream"] for stream in ran.out["streams"]] == ["0", left, right, merged]
    order = list(boat.received("to-hec"))
    assert set(order[:40]) == {f"id-{number:06d}" for number in range(40)}
    assert set(order[-40:]) == {f"id-{number:06d}" for number in range(120, 160)}
    assert Counter(boat.received("to-hec").values()) == {1: 160}


def _resharded(boat: Ferry, shard: str) -> list[Any]:
    """Split the shard, a second after it was made."""
    time.sleep(1.1)
    return [found for found in boat.logstore.split_shard(shard) if found.writable]
