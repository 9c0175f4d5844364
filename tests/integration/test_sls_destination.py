"""From one logstore to another: the embedded log store at both ends, the vendor's classes as the independent reader."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aliyun.log import log_logs_pb2
from tests.fakes import shipment
from tests.fakes.ferry import PROJECT, Ferry, ferry

from logferry import wiring
from logferry.health import Holds
from logferry.sls.logstore import Logstore, Pull
from logferry.sls.projects import create_logstore

vendor: Any = log_logs_pb2  # the SDK has no types


def store(boat: Ferry, name: str, shards: int = 1) -> Logstore:
    """Another logstore of the same project."""
    create_logstore(boat.logstore.client, name, shards=shards)
    return Logstore(boat.logstore.client, name)


def groups(logstore: Logstore) -> dict[str, list[Any]]:
    """All log groups by shard."""
    found: dict[str, list[Any]] = {}
    for shard in logstore.list_shards():
        cursor, end = (logstore.get_cursor(shard.name, at) for at in ("begin", "end"))
        found[shard.name] = []
        while cursor != end:
            pulled = logstore.pull_logs(shard.name, Pull(cursor, end))
            found[shard.name] += vendor.LogGroupList.FromString(pulled.data).LogGroups
            cursor = pulled.next_cursor
    return found


def values(logstore: Logstore, name: str) -> Counter[str]:
    """How often each value of a field is there."""
    logs = (log for some in groups(logstore).values() for group in some for log in group.Logs)
    return Counter(pair.Value for log in logs for pair in log.Contents if pair.Key == name)


def to(boat: Ferry, logstore: str, **options: object) -> dict[str, Any]:
    """The destination; the key is the environment's."""
    return {"sls": {"endpoint": boat.address, "project": PROJECT, "logstore": logstore, **options}}


def test_fifty_thousand_records_arrive_once_and_the_ledger_verifies(tmp_path: Path) -> None:
    """Every id once, in groups near the limit, on all shards, with the topic that they had and the guard's tag."""
    with ferry(tmp_path, shards=2) as boat:
        central = store(boat, "central", shards=3)
        sent = shipment.ship(boat, to(boat, "central"))
        found = groups(central)
        ids = values(central, shipment.ID_FIELD)
    assert set(ids) == sent
    assert set(ids.values()) == {1}
    assert all(found.values())
    made = [group for some in found.values() for group in some]
    assert {group.Topic for group in made} == {"access_origin"}
    assert {(tag.Key, tag.Value) for group in made for tag in group.LogTags} == {("__logferry__", "shipment")}
    assert max(len(group.Logs) for group in made) == 4096


def test_a_hash_key_sends_everything_to_one_shard(tmp_path: Path) -> None:
    """The shard whose range holds the key."""
    with ferry(tmp_path) as boat:
        central = store(boat, "central", shards=4)
        boat.put(200)
        boat.apply("keyed", to(boat, "central", hash_key="00000000000000000000000000000001", max_records=20))
        boat.until_done()
        found = {shard: sum(len(group.Logs) for group in some) for shard, some in groups(central).items()}
    assert found == {"0": 200, "1": 0, "2": 0, "3": 0}


def test_a_way_back_ends_by_default(tmp_path: Path) -> None:
    """With tasks from A to B and from B to A nothing comes back to A; what is left out is counted as filtered."""
    with ferry(tmp_path) as boat:
        there = store(boat, "there")
        boat.put(100)
        boat.apply("out", to(boat, "there"))
        boat.apply("back", to(boat, boat.logstore.name), source={"logstore": "there"})
        for _ in range(4):
            boat.sweep()
        counts = boat.row("back").counts
        assert (counts.read, counts.filtered, counts.delivered) == (100, 100, 0)
        assert values(boat.logstore, "id") == values(there, "id")
        assert set(values(there, "id").values()) == {1}


def test_without_guards_a_loop_is_found_and_held(tmp_path: Path) -> None:
    """Records that come to a logstore for the second time are not delivered; the task says that they went round."""
    with ferry(tmp_path) as boat:
        there = store(boat, "there")
        boat.put(100)
        boat.apply("out", to(boat, "there", loop_guard=False))
        boat.apply("back", to(boat, boat.logstore.name, loop_guard=False), source={"logstore": "there"})
        for _ in range(5):
            boat.rest_is_over("out")
            boat.sweep()
        health = Holds(wiring.workshop(boat.environ).table).health("out")
        assert health is not None
        assert f"a loop: this record was delivered to {PROJECT}/there before" in health.reason
        assert set(values(there, "id").values()) == {1}
        assert set(values(boat.logstore, "id").values()) == {2}


def test_a_store_without_guard_can_be_forwarded(tmp_path: Path) -> None:
    """From A by way of a central store to B; B's groups tell the whole way."""
    with ferry(tmp_path) as boat:
        store(boat, "central")
        last = store(boat, "last")
        boat.put(100)
        boat.apply("first", to(boat, "central", loop_guard=False))
        boat.apply("second", to(boat, "last", loop_guard=False), source={"logstore": "central"})
        for _ in range(3):
            boat.sweep()
        tags = {(tag.Key, tag.Value) for some in groups(last).values() for group in some for tag in group.LogTags}
        assert len(values(last, "id")) == 100
    assert tags == {("__logferry_via__", f"{PROJECT}/central,{PROJECT}/last")}


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_signature_v4_and_each_compression_are_taken(tmp_path: Path, compression: str) -> None:
    """The service checks the signature over what it was sent."""
    with ferry(tmp_path) as boat:
        central = store(boat, "central")
        boat.put(50)
        boat.apply("v4", to(boat, "central", auth="v4", region="cn-test", compression=compression))
        boat.until_done()
        assert len(values(central, "id")) == 50
