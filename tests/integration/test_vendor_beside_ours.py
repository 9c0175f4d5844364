"""The vendor's consumer and our worker on one logstore, in two groups; then the same failure in front of both."""

import base64
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.fakes.fault_proxy import Answer, fault_proxy
from tests.fakes.ferry import LOGSTORE, PROJECT, Ferry, ferry
from tests.fakes.worker import eventually, worker

from logferry.sls.consumer_group import ConsumerGroup
from logferry_local.sinks import Place, hec

SHIPPER = Path(__file__).parent / "vendor_sdk" / "shipper.py"


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """A logstore of two shards."""
    with ferry(tmp_path, shards=2) as made:
        yield made


@contextmanager
def shipper(boat: Ferry, collector: str) -> Iterator[None]:
    """The vendor's way as a process of its own, killed in the end."""
    environ = {**boat.environ, "http_proxy": boat.address, "HOME": str(boat.folder), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, str(SHIPPER), PROJECT, LOGSTORE, "vendor", "vendor-1", collector]
    with (boat.folder / "vendor.err").open("wb") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.kill()
        process.wait(30)


@contextmanager
def collector(boat: Ferry, name: str) -> Iterator[str]:
    """A collector that `boat.received(name)` knows."""
    boat.sinks[name] = boat.folder / f"{name}.ndjson"
    sink = hec.open_sink(Place(boat.sinks[name]), hec.Options(token="hec-token"))
    try:
        yield sink.address
    finally:
        sink.close()


def everything(boat: Ferry, name: str, count: int) -> bool:
    """Whether `count` different records came."""
    return len(boat.received(name)) == count


def test_both_see_every_record(boat: Ferry) -> None:
    """Two groups, two positions, one logstore: neither takes anything from the other."""
    boat.hec("ours")
    with collector(boat, "vendor") as url, shipper(boat, url), worker(boat, "ours"):
        boat.put(120)
        for name in ("ours", "vendor"):
            eventually(lambda name=name: everything(boat, name, 120))  # type: ignore[misc]  # binds the loop's value
        groups = {info.name for info in ConsumerGroup(boat.logstore, "any").listed()}
        assert groups == {"vendor", "logferry-ours"}
    assert sum(boat.received("ours").values()) == sum(boat.received("vendor").values()) == 120


def test_one_answer_503_costs_the_vendors_way_a_batch_and_ours_nothing(boat: Ferry) -> None:
    """The SDK goes on behind the batch that failed and saves a checkpoint past it; docs say so."""
    with (
        collector(boat, "vendor") as theirs, collector(boat, "ours") as mine,
        fault_proxy(theirs) as before_theirs, fault_proxy(mine) as before_mine,
    ):  # fmt: skip
        boat.apply("ours", {"splunk_hec": {"url": before_mine.url, "token": "secret://env/HEC_TOKEN"}})
        with shipper(boat, before_theirs.url), worker(boat, "ours"):
            boat.put(40)
            for name in ("ours", "vendor"):
                eventually(lambda name=name: everything(boat, name, 40))  # type: ignore[misc]  # binds the loop's value
            for proxy in (before_theirs, before_mine):
                proxy.faults.append(Answer(503))
            boat.put(40)
            eventually(lambda: everything(boat, "ours", 80))
            eventually(lambda: not before_theirs.faults)
            boat.put(40)
            eventually(lambda: everything(boat, "ours", 120))
            last = {f"id-{number:06d}" for number in range(80, 120)}
            eventually(lambda: last <= boat.received("vendor").keys())
            lost = boat.total - len(boat.received("vendor"))
            assert lost > 0
            behind = {shard: boat.logstore.get_cursor(shard, "end") for shard in ("0", "1")}
            eventually(lambda: saved_past(boat, behind))
            eventually(lambda: everything(boat, "ours", boat.total))
    assert sum(boat.received("ours").values()) == boat.total
    assert boat.verified("ours").delivered == boat.total


def saved_past(boat: Ferry, ends: dict[str, str]) -> bool:
    """Whether the vendor's checkpoints have come to these cursors; it saves when logs come, every three seconds."""
    boat.put(10, group=5)
    time.sleep(1)
    saved = {one.shard: one.cursor for one in ConsumerGroup(boat.logstore, "vendor").checkpoints()}
    return all(base64.b64decode(saved[shard]) >= base64.b64decode(cursor) for shard, cursor in ends.items())
