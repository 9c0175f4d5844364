"""Who holds which shard: fair shares, fail-over, and never two owners at once."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.clock import Clock

from logferry_local.sls_server.assignment import Assignment
from logferry_local.sls_server.catalog import Catalog
from logferry_local.sls_server.groups import GroupName, Groups
from logferry_local.sls_server.meta import Meta

FOUR = [0, 1, 2, 3]


def beat(assignment: Assignment, consumer: str, listed: list[int], now: float = 0.0) -> list[int]:
    """One heartbeat over four shards, with a time-out of 10 seconds."""
    return assignment.heartbeat(consumer, listed, FOUR, now=now, timeout=10)


def test_single_consumer_holds_everything() -> None:
    """The first consumer gets all shards, and keeps them."""
    group = Assignment({}, 0)
    assert beat(group, "a", []) == FOUR
    assert beat(group, "a", FOUR) == FOUR


def test_newcomer_waits_until_shards_are_let_go() -> None:
    """A second consumer gets a shard only once the first no longer lists it."""
    group = Assignment({}, 0)
    beat(group, "a", [])
    assert beat(group, "b", []) == []
    assert beat(group, "a", FOUR) == [0, 1]
    assert beat(group, "b", []) == []
    assert beat(group, "a", [0, 1, 2]) == [0, 1]
    assert beat(group, "b", []) == [3]
    assert beat(group, "a", [0, 1]) == [0, 1]
    assert beat(group, "b", [3]) == [2, 3]


def test_silent_consumer_loses_its_shards() -> None:
    """After the time-out, not before, the others take over."""
    group = Assignment({0: "a", 1: "a", 2: "b", 3: "b"}, 0)
    assert beat(group, "b", [2, 3], now=10) == [2, 3]
    assert beat(group, "b", [2, 3], now=10.5) == FOUR


def test_consumer_that_comes_back_late_does_not_get_them_again() -> None:
    """What somebody else took over meanwhile is not given to the old owner, whatever it lists."""
    group = Assignment({0: "a", 1: "a", 2: "a", 3: "a"}, 0)
    beat(group, "b", [], now=11)
    assert beat(group, "a", FOUR, now=11.5) == []


def test_held_shard_that_nobody_owns_stays_where_it_is() -> None:
    """A consumer whose ownership was forgotten keeps what it lists, up to its share."""
    assert beat(Assignment({}, 0), "a", [2]) == FOUR
    group = Assignment({0: "b", 1: "b"}, 0)
    assert beat(group, "a", [2, 3]) == [2, 3]


def test_unknown_shards_are_not_given() -> None:
    """A shard that does not exist is not held, even if a consumer lists it."""
    assert beat(Assignment({9: "a"}, 0), "a", [9, 0]) == FOUR


@given(st.data())
def test_no_shard_has_two_holders(data: st.DataObject) -> None:
    """Whoever joins, leaves or is slow: consumers that obey never hold a shard together; at rest, shares are fair."""
    shards = list(range(data.draw(st.integers(1, 7))))
    group = Assignment({}, 0)
    held: dict[str, set[int]] = {}
    silent_since: dict[str, float] = {}
    now = 0.0
    for _ in range(data.draw(st.integers(1, 40))):
        now += data.draw(st.sampled_from([0.0, 1.0, 4.0]))
        for name in [name for name, since in silent_since.items() if now - since > 10]:
            held.pop(name, None)  # it drops everything by itself when its heartbeats fail for so long
        name = data.draw(st.sampled_from("abc"))
        keep = data.draw(st.sets(st.sampled_from(shards)))  # it may be slow to let go
        allowed = set(group.heartbeat(name, held.get(name, set()), shards, now=now, timeout=10))
        held[name] = allowed | (held.get(name, set()) & keep)
        silent_since[name] = now
        everything = [shard for shards_of in held.values() for shard in shards_of]
        assert len(everything) == len(set(everything))
    for _ in range(8):
        for name, listed in held.items():
            held[name] = set(group.heartbeat(name, listed, shards, now=now, timeout=10))
    sizes = [len(shards_of) for shards_of in held.values()]
    assert sum(sizes) == len(shards)
    assert max(sizes) - min(sizes) <= 1


@pytest.fixture
def meta(tmp_path: Path) -> Meta:
    """An empty table of documents."""
    return Meta(tmp_path / "meta.sqlite", careful=False)


def test_owners_survive_a_restart(meta: Meta) -> None:
    """A store that starts again gives no shard to a newcomer while the old owner may still hold it."""
    clock = Clock()
    catalog = Catalog(meta, clock)
    catalog.create_project("project-one", "")
    catalog.create_logstore("project-one", "waf", {"shardCount": 2})
    name = GroupName("project-one", "waf", "g")
    before = Groups(meta, catalog, clock)
    before.create(name, timeout=10, order=False)
    assert before.heartbeat(name, "a", []) == [0, 1]
    after = Groups(meta, catalog, clock)
    assert after.heartbeat(name, "b", []) == []
    assert after.heartbeat(name, "a", [0, 1]) == [0]
    clock.now += 11
    assert after.heartbeat(name, "b", []) == [0, 1]
    meta.close()
