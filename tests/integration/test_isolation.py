"""Four tasks on one logstore: one destination hangs, two refuse, one is healthy and gets everything each time.

Real sockets, real calls with a bounded time. What is asserted are counts, not times.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.fakes.ferry import LOGSTORE, PROJECT, Ferry, ferry
from tests.fakes.misbehaving import Misbehaving, answer, nobody, silence

from logferry import calls
from logferry.errors import Unfinished

SHARDS, EACH = 2, 60
TROUBLED = ("a-hangs", "b-refuses-connections", "c-refuses-the-token")
SECONDS = 12  # of one call
TOKEN = "secret://env/HEC_TOKEN"


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """Two shards, four tasks; the hanging one takes connections and never says a word."""
    with ExitStack() as stack:
        hanging = stack.enter_context(Misbehaving(silence))
        strict = stack.enter_context(Misbehaving(answer(401, {"text": "Invalid token", "code": 4})))
        closed = f"http://127.0.0.1:{stack.enter_context(nobody())}"
        made = stack.enter_context(ferry(tmp_path, shards=SHARDS))
        for task, url in zip(TROUBLED, (hanging.url, closed, strict.url), strict=True):
            made.apply(task, {"splunk_hec": {"url": url, "token": TOKEN}})
        made.hec("healthy")
        yield made


def fill(boat: Ferry) -> None:
    """Something new on the shards."""
    boat.put(EACH, group=5)


def assert_only_the_healthy_one_moved(boat: Ferry, intervals: int) -> None:
    """Everything of it, once; the others stand where they stood, with nothing lost or skipped."""
    received = boat.received("healthy")
    assert (len(received), set(received.values())) == (EACH * intervals, {1})
    counts = boat.verified("healthy")
    assert (counts.read, counts.delivered, counts.maybe_repeated) == (EACH * intervals, EACH * intervals, 0)
    for task in TROUBLED:
        assert boat.verified(task).read == 0
        rows = [boat.row(task, str(shard)) for shard in range(SHARDS)]
        assert all(row is None or (row.position == row.start and row.gaps == ()) for row in rows)


def test_sweeps_deliver_everything_of_the_healthy_task_each_time(boat: Ferry) -> None:
    """However long the others hang."""
    for interval in range(1, 3):
        fill(boat)
        boat.sweep(SECONDS)
        assert_only_the_healthy_one_moved(boat, interval)


def test_doorbells_deliver_everything_of_the_healthy_task_each_time(boat: Ferry) -> None:
    """The trigger is told that something is left, and comes again; the healthy task has nothing left."""
    source = {"endpoint": boat.address, "projectName": PROJECT, "logstoreName": LOGSTORE}
    fill(boat)
    for shard in range(SHARDS):
        cursors = {f"{end}Cursor": boat.logstore.get_cursor(str(shard), end) for end in ("begin", "end")}
        event = {"source": {**source, "shardId": shard, **cursors}}
        with pytest.raises(Unfinished) as told:
            calls.forward(boat.call(event, SECONDS))
        assert "healthy" not in str(told.value)
    assert_only_the_healthy_one_moved(boat, 1)


def test_a_destination_that_hangs_when_it_is_sent_to_leaves_the_others_their_share_of_the_call(tmp_path: Path) -> None:
    """It answers when it is asked, and then takes a payload and never says a word: for one stream's share, once."""
    healthy = answer(200, {"text": "HEC is healthy", "code": 17})
    with Misbehaving(healthy, silence) as lazy, ferry(tmp_path, shards=SHARDS) as boat:
        boat.apply("a-hangs-later", {"splunk_hec": {"url": lazy.url, "token": TOKEN}})
        boat.hec("healthy")
        fill(boat)
        boat.sweep(26)
        received = boat.received("healthy")
        assert (len(received), set(received.values())) == (EACH, {1})
        assert boat.verified("a-hangs-later").read == 0


def test_the_one_that_hung_gets_it_all_once_it_answers(boat: Ferry) -> None:
    """Its position stayed: the source still holds the data."""
    fill(boat)
    boat.sweep(SECONDS)
    fill(boat)
    boat.hec("a-hangs")
    boat.rest_is_over("a-hangs")
    boat.sweep(30)
    received = boat.received("a-hangs")
    assert (len(received), set(received.values())) == (2 * EACH, {1})
    assert boat.verified("a-hangs").maybe_repeated == 0
