"""The main job with its state in Tablestore's protocol: nothing lost, nothing twice but what the ledger foretold."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.fault_proxy import Answer, FaultProxy, LostAnswer, PassedOn, fault_proxy
from tests.fakes.ferry import Ferry, ferry
from tests.fakes.ots import ENVIRON, ots_server

from logferry.state import tablestore

RECORDS, GROUP, PULL = 600, 20, 5  # batches of 100 records


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultProxy]:
    """A server behind a proxy that makes faults."""
    with ots_server() as server, fault_proxy(server.address) as made:
        yield made


@pytest.fixture
def boat(tmp_path: Path, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ferry]:
    """A table of its own, two shards, a save after each batch; this process and its children have the key."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    proxy.faults.clear()
    place = f"instance/t_{tmp_path.name.replace('-', '_')}"
    tablestore.create_table(place, {"endpoint": proxy.url})
    state = f"tablestore:{place}?region=cn-hangzhou&endpoint={proxy.url}"
    settings = [*ENVIRON.items(), ("LOGFERRY_STATE", state), ("LOGFERRY_SAVE_SECONDS", "0")]
    with ferry(tmp_path, shards=2, settings=settings) as made:
        made.put(RECORDS, group=GROUP)
        yield made


def prove(boat: Ferry, task: str, records: int) -> int:
    """Everything arrived and the ledger agrees with a recount; how many came twice, as it foretold."""
    boat.until_done()
    received = boat.received(task)
    assert len(received) == records
    counts = boat.verified(task)
    assert (counts.read, counts.delivered) == (records, records)
    repeated = sum(received.values()) - records
    assert repeated <= counts.maybe_repeated
    return repeated


def test_two_tasks_are_delivered_once(boat: Ferry) -> None:
    """Positions, leases and ledger rows in the table; a second run goes on where the first one ended."""
    boat.hec(to={"max_records": 30}, source={"max_groups": PULL})
    boat.syslog(source={"max_groups": PULL})
    assert [prove(boat, task, RECORDS) for task in ("to-hec", "to-syslog")] == [0, 0]
    boat.put(RECORDS, group=GROUP)
    assert [prove(boat, task, 2 * RECORDS) for task in ("to-hec", "to-syslog")] == [0, 0]


@pytest.mark.parametrize("step", ["sent", "saving", "saved"])
def test_killed_and_resumed(boat: Ferry, step: str) -> None:
    """Sent but not saved, about to save, saved but not answered: one save interval comes twice at most."""
    boat.hec(to={"max_records": 30}, source={"max_groups": PULL})
    assert boat.die(step, 2) == -9
    assert prove(boat, "to-hec", RECORDS) <= PULL * GROUP


def test_processes_that_contend_deliver_once(boat: Ferry) -> None:
    """Four sweeps at once: conditional writes give each stream one owner, and nothing comes twice."""
    boat.environ["LOGFERRY_LEASE_SECONDS"] = "20"
    boat.hec(to={"max_records": 10, "in_flight": 2}, source={"max_groups": 2})
    processes = [boat.start() for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    assert prove(boat, "to-hec", RECORDS) == 0


def test_answers_that_are_lost_lose_nothing(boat: Ferry, proxy: FaultProxy) -> None:
    """Of three answers one is lost and one an error: writes are known by their version, nothing comes twice."""
    boat.hec(to={"max_records": 30}, source={"max_groups": 1})
    proxy.faults.extend([LostAnswer(), Answer(503, b""), PassedOn()] * 20)
    assert prove(boat, "to-hec", RECORDS) == 0
    assert not proxy.faults
