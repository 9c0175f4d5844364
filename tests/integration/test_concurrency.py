"""Several at once on the same streams: processes that sweep, a doorbell and a seek, a person who deletes."""

import threading
import time
from pathlib import Path
from typing import Any

from tests.fakes.ferry import Ferry, ferry

from logferry import calls, positions, wiring
from logferry.apply import delete
from logferry.errors import Conflict, Unfinished
from logferry_local.trigger_runner.ranges import Range

RECORDS = 600
SMALL: dict[str, Any] = {"to": {"max_records": 10, "in_flight": 2}, "source": {"max_groups": 2}}
PATIENT = [("LOGFERRY_LEASE_SECONDS", "20"), ("LOGFERRY_SAVE_SECONDS", "0")]


def together(boat: Ferry, count: int) -> None:
    """So many processes sweep at once; each ends by itself."""
    processes = [boat.start() for _ in range(count)]
    assert [process.wait(60) for process in processes] == [0] * count


def bell(boat: Ferry, found: Range) -> dict[str, object]:
    """A trigger's event for that range."""
    source = {"endpoint": boat.address, "projectName": "waf-project", "logstoreName": "waf-logstore"}
    return {"source": {**source, "shardId": found.shard, "beginCursor": found.begin, "endCursor": found.end}}


def whole(boat: Ferry, shard: int) -> Range:
    """All of a shard."""
    name = str(shard)
    return Range(shard, boat.logstore.get_cursor(name, "begin"), boat.logstore.get_cursor(name, "end"), more=False)


def test_three_processes_that_sweep_at_once_deliver_everything_once(tmp_path: Path) -> None:
    """Each stream has one owner at a time; whoever finds it taken goes on to the next."""
    with ferry(tmp_path, shards=3, settings=PATIENT) as boat:
        boat.hec("one", **SMALL)
        boat.hec("two", **SMALL)
        boat.put(RECORDS, group=10)
        together(boat, 3)
        boat.put(RECORDS, group=10)
        together(boat, 3)
        boat.until_done()
        for task in ("one", "two"):
            received = boat.received(task)
            assert len(received) == 2 * RECORDS
            assert set(received.values()) == {1}
            counts = boat.verified(task)
            assert (counts.read, counts.delivered) == (2 * RECORDS, 2 * RECORDS)


def test_sweeps_and_doorbells_at_once_some_of_them_killed(tmp_path: Path) -> None:
    """Two sweeps and a doorbell on one stream, and a kill in their midst: one save interval comes twice at most."""
    with ferry(tmp_path, settings=[("LOGFERRY_LEASE_SECONDS", "2"), ("LOGFERRY_SAVE_SECONDS", "0")]) as boat:
        boat.put(RECORDS, group=10)
        boat.hec(**SMALL)
        processes = [boat.start() for _ in range(2)]
        until = time.monotonic() + 30
        while not boat.received("to-hec") and time.monotonic() < until:
            time.sleep(0.002)
        for process in processes:
            process.kill()
        calls.forward(boat.call(bell(boat, whole(boat, 0))))
        for process in processes:
            process.wait()
        boat.until_done()
        received = boat.received("to-hec")
        assert len(received) == RECORDS
        counts = boat.verified("to-hec")
        assert counts.read == RECORDS
        assert sum(received.values()) - RECORDS <= min(counts.maybe_repeated, 20)


def test_a_seek_and_a_doorbell_at_once(tmp_path: Path) -> None:
    """The seek waits for the run (a conflict says so), and what it skips is a gap; the ledger holds together."""
    with ferry(tmp_path, settings=PATIENT) as boat:
        boat.put(RECORDS, group=10)
        boat.hec(**SMALL)
        shop = wiring.workshop(boat.environ)
        source = shop.source(shop.tasks.get("to-hec").task())
        ringing = threading.Thread(target=lambda: calls.forward(boat.call(bell(boat, whole(boat, 0)))))
        ringing.start()
        refused, until = 0, time.monotonic() + 30
        while time.monotonic() < until:
            try:
                (moved,) = positions.seek("to-hec", source, shop.ledger, "begin", time.time())
                break
            except Conflict:
                refused += 1
                time.sleep(0.005)
        ringing.join()
        boat.until_done()
        counts = boat.verified("to-hec")
        received = boat.received("to-hec")
        assert len(received) == RECORDS
        assert sum(received.values()) == counts.delivered
        if moved.change == "rewound":
            assert refused
            assert [gap.reason for gap in boat.row("to-hec").gaps] == ["rewound"]


def test_a_task_that_is_deleted_while_it_is_swept_stays_deleted(tmp_path: Path) -> None:
    """The sweep stops at its next save and begins no other stream from its start."""
    with ferry(tmp_path, shards=3, settings=PATIENT) as boat:
        boat.put(RECORDS, group=10)
        boat.hec(**SMALL)
        sweeping = threading.Thread(target=boat.sweep)
        sweeping.start()
        until = time.monotonic() + 30
        while not boat.received("to-hec") and time.monotonic() < until:
            time.sleep(0.002)
        shop = wiring.workshop(boat.environ)
        delete("to-hec", shop.table, time.time)
        sweeping.join()
        assert shop.ledger.rows("to-hec") == []
        received = boat.received("to-hec")
        assert set(received.values()) == {1}
        assert len(received) < RECORDS


def test_a_task_that_is_paused_while_it_is_swept_can_be_resumed(tmp_path: Path) -> None:
    """Paused is no loss: where it stood, it goes on; only the batch in which the call's time was up may come twice."""
    with ferry(tmp_path, settings=PATIENT) as boat:
        boat.put(RECORDS, group=10)
        boat.hec(**SMALL)
        shop = wiring.workshop(boat.environ)
        shop.tasks.set_state("to-hec", "offline")
        boat.sweep()
        assert boat.received("to-hec") == {}
        shop.tasks.set_state("to-hec", "online")
        try:
            calls.forward(boat.call(bell(boat, whole(boat, 0)), seconds=4))
        except Unfinished:
            shop.tasks.set_state("to-hec", "offline")
            shop.tasks.set_state("to-hec", "online")
        boat.until_done()
        received, counts = boat.received("to-hec"), boat.verified("to-hec")
        assert (len(received), counts.delivered) == (RECORDS, RECORDS)
        assert sum(received.values()) - RECORDS <= min(counts.maybe_repeated, 20)
