"""s3_compatible against another vendor's server (localbucket), and kills on the way into a bucket."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from tests.fakes import shipment
from tests.fakes.bucket_server import BucketServer
from tests.fakes.buckets import localbucket
from tests.fakes.ferry import Ferry, ferry

from logferry import wiring
from logferry_local.backfill.window import shown

KEYS = [("ID", "AKIATEST"), ("KEY", "test-secret")]
TO = {"addressing": "path", "access_key_id": "secret://env/ID", "secret_access_key": "secret://env/KEY"}
RECORDS, GROUP, PULL = 600, 20, 5


def test_fifty_thousand_records_arrive_once_and_the_ledger_verifies(tmp_path: Path) -> None:
    """zstd this time; the folder's files hold all ids, once."""
    with (
        localbucket(tmp_path / "data", "waf-logs") as url,
        ferry(tmp_path, shards=2, settings=KEYS) as boat,
    ):
        to = {**TO, "endpoint": url, "bucket": "waf-logs", "path": "esa", "compress": "zstd"}
        sent = shipment.ship(boat, {"s3_compatible": to})
    files = sorted((tmp_path / "data/waf-logs/esa/2026/01/01").iterdir())
    assert all(file.name.endswith(".ndjson.zst") for file in files)
    bodies = (zstandard.ZstdDecompressor().decompress(file.read_bytes()) for file in files)
    ids = [json.loads(line)[shipment.ID_FIELD] for body in bodies for line in body.splitlines()]
    assert len(ids) == len(sent) == shipment.COUNT
    assert set(ids) == sent


@pytest.fixture
def server() -> Iterator[BucketServer]:
    """A service that verifies signatures."""
    made = BucketServer("waf-logs", {KEYS[0][1]: KEYS[1][1]})
    yield made
    made.close()


@pytest.fixture
def boat(tmp_path: Path, server: BucketServer) -> Iterator[Ferry]:
    """Many small batches on their way into small objects, a save after each."""
    with ferry(tmp_path, settings=[*KEYS, ("LOGFERRY_SAVE_SECONDS", "0")]) as made:
        made.put(RECORDS, group=GROUP)
        to = {**TO, "endpoint": server.address, "bucket": "waf-logs", "compress": "none", "max_records": 30}
        made.apply("to-bucket", {"s3_compatible": to}, source={"max_groups": PULL})
        wiring.workshop(made.environ).tasks.set_state("to-bucket", "online")  # as if the ownership was proved
        made.sinks["to-bucket"] = tmp_path / "no-file"  # so that `until_done` waits for this task's lease
        yield made


@pytest.mark.parametrize("count", [1, 6, 15])
@pytest.mark.parametrize("step", ["sent", "saving", "saved"])
def test_a_killed_function_leaves_no_object_twice(boat: Ferry, server: BucketServer, step: str, count: int) -> None:
    """What is sent again has the same name: each record is in exactly one object, and the ledger agrees."""
    assert boat.die(step, count) == -9 or step != "sent", "fewer steps than expected"
    boat.until_done()
    ids = [json.loads(line)["id"] for line in server.lines() if line.startswith(b"{")]  # beside the token's file
    assert sorted(ids) == [f"id-{number:06d}" for number in range(RECORDS)]
    counts = boat.verified("to-bucket")
    assert (counts.read, counts.delivered) == (RECORDS, RECORDS)


def test_a_backfill_does_not_write_over_what_the_live_run_delivered(boat: Ferry, server: BucketServer) -> None:
    """Its last batch begins where one of the live run's began, and ends earlier: all records stay in the bucket."""
    boat.put(2 * GROUP, group=GROUP)  # the first two groups of five that the live run reads at once
    until = int(time.time()) + 1
    time.sleep(until - time.time() + 0.02)
    boat.put(3 * GROUP, group=GROUP)
    boat.until_done()
    window = ["--from", shown(until - 3_000), "--to", shown(until)]
    command = [sys.executable, "-c", "from logferry_local.cli import main; main()", "backfill", "to-bucket", *window]
    done = subprocess.run([*command, "--again"], env=boat.environ, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    found = Counter(json.loads(line)["id"] for line in server.lines() if line.startswith(b"{"))
    assert len(found) == boat.total
    assert sum(found.values()) == boat.total + RECORDS + 2 * GROUP  # what the window held is there twice, as asked for
