"""The whole main job to HEC with acknowledgement, a forgetful collector, and endpoints that are killed in mid-stream.

Every record arrives; what arrives twice the ledger knows of; the ledger verifies against the source.
"""

import json
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.ferry import Ferry, ferry, identity

from logferry_local.sinks import hec

RECORDS, GROUP, PULL = 1_000, 20, 5
COMMAND = [str(Path(sys.executable).with_name("logferry")), "sink", "hec", "--port", "0", "--token", "hec-token"]
ACK = {"ack": True, "ack_interval": "20ms", "ack_timeout": "1500ms", "max_records": 20}


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """Many small batches."""
    with ferry(tmp_path) as made:
        made.put(RECORDS, group=GROUP)
        yield made


class Indexer:
    """A HEC sink in a process of its own, to be killed."""

    def __init__(self, out: Path, *options: str) -> None:
        self.out = out
        self.process = subprocess.Popen([*COMMAND, "--out", str(out), *options], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        found = re.search(r"listening on (\S+), writing", self.process.stdout.readline())
        assert found is not None
        self.url = found[1]

    def kill(self) -> None:
        """No goodbye."""
        self.process.kill()
        self.process.wait(timeout=20)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def indexed(self) -> Counter[str]:
        """How often each record is in its file."""
        text = self.out.read_text() if self.out.exists() else ""
        return Counter(identity(json.loads(line)) for line in text[: text.rfind("\n") + 1].splitlines())


def prove(boat: Ferry, received: Counter[str]) -> int:
    """Nothing lost; what came twice is not more than the ledger says; it verifies. How many may have come twice."""
    assert len(received) == RECORDS
    counts = boat.verified("to-hec")
    assert (counts.read, counts.delivered, counts.parked) == (RECORDS, RECORDS, 0)
    assert sum(received.values()) - RECORDS <= counts.maybe_repeated
    return counts.maybe_repeated


def test_acknowledged_records_arrive_once(boat: Ferry) -> None:
    """With acknowledgement and an indexer that takes its time, each record is there once."""
    sink = hec.Options(token="hec-token", ack=True, ack_delay=0.1)
    boat.hec(sink=sink, to=ACK, source={"max_groups": PULL})
    boat.until_done()
    assert prove(boat, boat.received("to-hec")) == 0


def test_collector_that_loses_its_memory_loses_no_record(boat: Ferry) -> None:
    """Every 21 posts ids and events that wait are gone: they are sent again, and counted."""
    sink = hec.Options(token="hec-token", ack=True, ack_delay=0.05, forget_every=21)
    boat.hec(sink=sink, to=ACK | {"ack_timeout": "500ms", "in_flight": 6}, source={"max_groups": PULL})
    boat.until_done(60)
    assert prove(boat, boat.received("to-hec")) > 0


def test_restarting_collector_is_told_from_one_that_acknowledges(boat: Ferry) -> None:
    """The position never passes what is indexed, not even while events wait."""
    sink = hec.Options(token="hec-token", ack=True, ack_delay=3600)
    boat.hec(sink=sink, to=ACK | {"ack_timeout": "300ms"}, source={"max_groups": PULL})
    boat.sweep(5)
    assert not boat.received("to-hec")
    assert boat.row("to-hec").counts.delivered == 0


@pytest.mark.parametrize("ack", [False, True])
def test_killed_endpoint_hands_over_to_the_next(boat: Ferry, tmp_path: Path, ack: bool) -> None:  # noqa: FBT001  # a parameter of the table
    """kill -9 of the first of two in mid-stream: the other one gets the rest."""
    options = ["--ack", "--ack-delay", "0.1"] if ack else []
    first, second = (Indexer(tmp_path / f"{name}.ndjson", *options) for name in ("first", "second"))
    to = {"url": [first.url, second.url], "token": "secret://env/HEC_TOKEN", "in_flight": 4, "max_records": 10}
    boat.apply("to-hec", {"splunk_hec": to | (ACK if ack else {})}, source={"max_groups": PULL})
    boat.sinks["to-hec"] = first.out
    try:
        work = threading.Thread(target=boat.until_done, args=(60,))
        work.start()
        until = time.monotonic() + 30
        while len(first.indexed()) < RECORDS * 0.2 and time.monotonic() < until:
            time.sleep(0.002)
        first.kill()
        assert len(second.indexed()) < RECORDS * 0.6, "it was nearly done before the kill"
        work.join(timeout=70)
        assert not work.is_alive()
    finally:
        for indexer in (first, second):
            indexer.kill()
    prove(boat, first.indexed() + second.indexed())
