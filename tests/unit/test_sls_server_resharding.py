"""Shards that are split, merged and deleted: who takes which keys, who may be changed, what stays readable."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.clock import Clock
from tests.fakes.sls import Caller, furnished, group

from logferry_local.sls_server import cursors, resharding
from logferry_local.sls_server.groups import Checkpoint, GroupName, Groups
from logferry_local.sls_server.refusals import Refusal
from logferry_local.sls_server.shard_info import ShardInfo
from logferry_local.sls_server.store import Store

FIRST, LAST, HALF = "0" * 32, "f" * 32, "8" + "0" * 31
ONE = [ShardInfo(0, "readwrite", FIRST, LAST, 100)]


def split(shards: list[ShardInfo], number: int, key: str = "", count: int = 2) -> list[ShardInfo]:
    """The list after a split."""
    return resharding.applied(shards, resharding.split(shards, number, key, count, 200))


def ranges(shards: list[ShardInfo]) -> list[tuple[str, str]]:
    """The key ranges of the writable ones, in the keys' order."""
    return sorted((one.inclusive_begin_key, one.exclusive_end_key) for one in shards if one.status == "readwrite")


def test_split_at_a_key_answers_three_shards() -> None:
    """The parent, read-only now, then its two halves, born later and numbered on."""
    answer = resharding.split(ONE, 0, HALF.upper(), 2, 200)
    assert answer == [
        ShardInfo(0, "readonly", FIRST, LAST, 100),
        ShardInfo(1, "readwrite", FIRST, HALF, 200),
        ShardInfo(2, "readwrite", HALF, LAST, 200),
    ]


def test_split_without_a_key_makes_equal_parts() -> None:
    """`shardCount` parts, whose ranges meet."""
    found = ranges(split(ONE, 0, count=4))
    assert [begin[:2] for begin, _ in found] == ["00", "3f", "7f", "bf"]
    assert [end for _, end in found[:-1]] == [begin for begin, _ in found[1:]]


def test_merge_takes_the_right_neighbour() -> None:
    """The new shard comes first in the answer, then the two that it takes over from."""
    shards = split(ONE, 0, HALF)
    assert resharding.merge(shards, 1, 300) == [
        ShardInfo(3, "readwrite", FIRST, LAST, 300),
        ShardInfo(1, "readonly", FIRST, HALF, 200),
        ShardInfo(2, "readonly", HALF, LAST, 200),
    ]


def test_no_child_is_older_than_its_parent() -> None:
    """A clock that was set back does not make a child older."""
    assert [one.create_time for one in resharding.split(ONE, 0, HALF, 2, 50)] == [100, 100, 100]


@pytest.mark.parametrize(
    ("number", "key", "count", "says"),
    [
        (7, HALF, 2, "invalid shard id: there is no shard 7"),
        (0, HALF, 2, "invalid shard id: shard 0 is readonly"),
        (1, HALF, 2, "invalid mid hash: .* does not lie between"),
        (1, FIRST, 2, "invalid mid hash: .* does not lie between"),
        (1, "xyz", 2, "invalid mid hash: 'xyz' is not 32 hexadecimal digits"),
        (1, "4" + "0" * 31, 3, "3 with a key"),
        (1, "", 1, "1 is not between 2 and 255"),
        (1, "", 256, "256 is not between 2 and 255"),
    ],
)
def test_split_that_cannot_be_is_refused(number: int, key: str, count: int, says: str) -> None:
    """With ParameterInvalid, and what was expected."""
    with pytest.raises(Refusal, match=says) as caught:
        split(split(ONE, 0, HALF), number, key, count)
    assert (caught.value.status, caught.value.code) == (400, "ParameterInvalid")


@pytest.mark.parametrize(
    ("number", "says"), [(2, "can not merge the last shard"), (0, "shard 0 is readonly"), (9, "there is no shard 9")]
)
def test_merge_that_cannot_be_is_refused(number: int, says: str) -> None:
    """The last shard has no neighbour; a read-only one is merged no more."""
    with pytest.raises(Refusal, match=says):
        resharding.merge(split(ONE, 0, HALF), number, 300)


def test_range_without_enough_keys_is_not_split() -> None:
    """Two shards need two keys."""
    with pytest.raises(Refusal, match="has 1 keys only"):
        split([ShardInfo(0, "readwrite", "0" * 31 + "1", "0" * 31 + "2", 1)], 0)


@given(st.lists(st.tuples(st.sampled_from(["split", "merge"]), st.integers(0, 30), st.integers(2, 4)), max_size=25))
def test_writable_ranges_always_tile(changes: list[tuple[str, int, int]]) -> None:
    """Whatever is split and merged: each key has one writable shard, and no number comes twice."""
    shards, given_out = list(ONE), {0}
    for what, number, count in changes:
        try:
            changed = (
                resharding.split(shards, number, "", count, 200)
                if what == "split"
                else resharding.merge(shards, number, 200)
            )
        except Refusal:
            continue
        new = {one.shard_id for one in changed} - {one.shard_id for one in shards}
        assert min(new) > max(given_out)
        given_out |= new
        shards = resharding.applied(shards, changed)
        found = ranges(shards)
        assert (found[0][0], found[-1][1]) == (FIRST, LAST)
        assert [end for _, end in found[:-1]] == [begin for begin, _ in found[1:]]
        for one in (one for one in shards if one.shard_id in new):
            assert {parent.shard_id for parent in resharding.parents(shards, one)} < given_out


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[Caller]:
    """A caller to a furnished store."""
    with furnished(tmp_path) as address:
        made = Caller(address)
        yield made
        made.close()


def change(caller: Caller, number: int, **params: str) -> list[dict[str, object]]:
    """SplitShard or MergeShards."""
    reply = caller.call("POST", f"/logstores/waf/shards/{number}", params)
    assert reply.status == 200, reply.body
    found: list[dict[str, object]] = reply.document
    return found


def test_parent_stays_readable_and_takes_no_more(caller: Caller) -> None:
    """What was put before is in the parent, what comes after in the child of its key."""
    caller.put("waf", group("before"), f"route?key={LAST}")
    assert [one["status"] for one in change(caller, 0, action="split", key=HALF)] == ["readonly"] + ["readwrite"] * 2
    caller.put("waf", group("low"), f"route?key={FIRST}")
    caller.put("waf", group("high"), f"route?key={LAST}")
    found = [caller.pull("waf", shard, caller.cursor("waf", shard, "begin")).body for shard in (0, 1, 2)]
    assert [text in body for text, body in zip((b"before", b"low", b"high"), found, strict=True)] == [True] * 3
    assert [caller.pull("waf", 0, caller.cursor("waf", 0, "end")).headers["x-log-count"]] == ["0"]
    assert caller.call("GET", "/logstores/waf").document["shardCount"] == 2


def test_highest_key_goes_to_the_shard_that_ends_there(caller: Caller) -> None:
    """After a split on the left, the highest key still finds the rightmost shard, not the newest."""
    change(caller, 0, action="split", key=HALF)
    change(caller, 1, action="split")
    caller.put("waf", group("high"), f"route?key={LAST}")
    assert b"high" in caller.pull("waf", 2, caller.cursor("waf", 2, "begin")).body


def test_only_a_readonly_shard_is_deleted(caller: Caller) -> None:
    """With its logs; its number does not come again."""
    caller.put("waf", group("before"))
    refused = caller.call("DELETE", "/logstores/waf/shards/0")
    assert (refused.status, refused.code) == (400, "ParameterInvalid")
    change(caller, 0, action="split")
    assert caller.call("DELETE", "/logstores/waf/shards/0").status == 200
    assert caller.call("GET", "/logstores/waf/shards/0", {"type": "cursor", "from": "begin"}).code == "ShardNotExist"
    assert [one["shardID"] for one in change(caller, 1, action="merge")] == [3, 1, 2]


def test_split_survives_the_death_of_the_store(tmp_path: Path) -> None:
    """A store that was never closed comes back with the same shards, and drops folders of shards that are gone."""
    clock = Clock()
    first = Store(tmp_path, clock=clock)
    first.catalog.create_project("project-one", "")
    first.catalog.create_logstore("project-one", "waf", {"shardCount": 1})
    first.shard("project-one", "waf", 0).append([b"<1>"], clock())
    first.catalog.split_shard("project-one", "waf", 0, HALF, 2)
    first.catalog.delete_shard("project-one", "waf", 0)  # died before the files went
    [folder] = (tmp_path / "streams" / "project-one").iterdir()
    assert (folder / "0").exists()
    first.close()
    second = Store(tmp_path, clock=clock)
    assert [one.shard_id for one in second.catalog.logstore("project-one", "waf").shards] == [1, 2]
    assert not (folder / "0").exists()
    second.close()


def test_ordered_group_gets_children_after_their_parent(tmp_path: Path) -> None:
    """With `order`, a child is handed out once the parent's last log is behind the checkpoint; without, at once."""
    clock = Clock()
    store = Store(tmp_path, clock=clock)
    groups = Groups(store.meta, store.catalog, clock, store.drained)
    store.catalog.create_project("project-one", "")
    store.catalog.create_logstore("project-one", "waf", {"shardCount": 1})
    ordered, other = (GroupName("project-one", "waf", name) for name in ("ordered", "other"))
    groups.create(ordered, timeout=10, order=True)
    groups.create(other, timeout=10, order=False)
    parent = store.shard("project-one", "waf", 0)
    parent.append([b"<1>", b"<2>"], clock())
    store.catalog.split_shard("project-one", "waf", 0, HALF, 2)
    assert (groups.heartbeat(ordered, "c", []), groups.heartbeat(other, "c", [])) == ([0], [0, 1, 2])
    groups.save(ordered, Checkpoint(0, cursors.text(parent.end - 1)), force=True)
    assert groups.heartbeat(ordered, "c", [0]) == [0]
    groups.save(ordered, Checkpoint(0, cursors.text(parent.end)), force=True)
    assert groups.heartbeat(ordered, "c", [0]) == [0, 1, 2]
    store.close()
