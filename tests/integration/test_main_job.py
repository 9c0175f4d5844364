"""The main job over real sockets: SLS to Splunk HEC and to syslog, with a ledger that balances."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.ferry import LOGSTORE, PROJECT, Ferry, ferry

from logferry import calls
from logferry.errors import ConfigError, Unfinished
from logferry.model import Counts
from logferry_local.sinks import hec


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """One shard, nothing in it."""
    with ferry(tmp_path) as made:
        yield made


def bell(boat: Ferry, begin: str, end: str, **source: object) -> dict[str, object]:
    """A trigger's event for shard 0."""
    place = {"endpoint": boat.address, "projectName": PROJECT, "logstoreName": LOGSTORE, "shardId": 0}
    return {"parameter": {}, "source": {**place, "beginCursor": begin, "endCursor": end, **source},
            "jobName": "j", "taskId": "t", "cursorTime": 0}  # fmt: skip


def cursors(boat: Ferry) -> tuple[str, str]:
    """The shard's begin and end."""
    return boat.logstore.get_cursor("0", "begin"), boat.logstore.get_cursor("0", "end")


def test_both_destinations_get_every_record_exactly_once(boat: Ferry) -> None:
    """One doorbell, two tasks, one ledger each."""
    boat.put(1_000)
    boat.hec()
    boat.syslog()
    answer = calls.forward(boat.call(bell(boat, *cursors(boat))))
    assert answer["finished"]
    for task in ("to-hec", "to-syslog"):
        received = boat.received(task)
        assert len(received) == 1_000
        assert set(received.values()) == {1}
        assert boat.verified(task) == Counts(read=1_000, delivered=1_000)


def test_filter_and_fields_are_applied_and_counted(boat: Ferry) -> None:
    """What the filter leaves out is counted, what it keeps arrives narrowed."""
    boat.put(100)
    boat.hec(filter={"field": "status", "op": "geq", "value": 400}, fields=["id", "status"])
    assert boat.sweep()["finished"]
    assert boat.verified("to-hec") == Counts(read=100, delivered=60, filtered=40)
    assert len(boat.received("to-hec")) == 60


def test_an_events_range_only_says_look(boat: Ferry) -> None:
    """A range that lies ahead of the position is read with the gap before it; one behind is no work."""
    boat.put(100)
    _, middle = cursors(boat)
    boat.hec()
    boat.put(100)
    begin, end = cursors(boat)
    assert calls.forward(boat.call(bell(boat, middle, end)))["finished"]
    assert len(boat.received("to-hec")) == 200
    assert calls.forward(boat.call(bell(boat, begin, middle)))["finished"]
    assert set(boat.received("to-hec").values()) == {1}


def test_a_trigger_that_gave_up_is_healed_by_sweep(boat: Ferry) -> None:
    """No event ever comes: the timer carries the logs."""
    boat.hec()
    boat.put(100)
    boat.sweep()
    assert len(boat.received("to-hec")) == 100


def test_an_unfinished_range_raises(boat: Ferry, tmp_path: Path) -> None:
    """An error is what makes the platform call again; the next call delivers."""
    faults = tmp_path / "faults.json"
    faults.write_text('[{"status": 503, "headers": {"Retry-After": "600"}}]')
    boat.put(10)
    boat.hec(sink=hec.Options(token="hec-token", faults=str(faults)))
    with pytest.raises(Unfinished, match="to-hec/0"):
        calls.forward(boat.call(bell(boat, *cursors(boat)), seconds=10))
    assert boat.received("to-hec") == {}
    row = boat.row("to-hec")
    assert row.retry_at > 0
    assert row.lease is None


def test_a_refused_token_holds_the_task_and_its_neighbour_goes_on(boat: Ferry) -> None:
    """401 and 403 hold; nothing is lost; after the token is right, resume delivers."""
    boat.put(50)
    boat.hec("good")
    boat.hec("bad", sink=hec.Options(token="another"))
    answer = boat.sweep()
    assert "bad" in str(answer["held"])
    assert len(boat.received("good")) == 50
    assert boat.received("bad") == {}
    assert boat.sweep()["held"] != {}


def test_foreign_and_unknown_events_are_refused_clearly(boat: Ferry) -> None:
    """An event may only match what the tasks say."""
    boat.hec()
    begin, end = cursors(boat)
    for wrong in ({"endpoint": "http://evil.example"}, {"projectName": "other-project"}, {"logstoreName": "other"}):
        with pytest.raises(ConfigError, match="is read by no task"):
            calls.forward(boat.call(bell(boat, begin, end, **wrong)))
    with pytest.raises(ConfigError, match="99 is not a shard"):
        calls.forward(boat.call(bell(boat, begin, end, shardId=99)))
    with pytest.raises(ConfigError, match="source"):
        calls.forward(boat.call({"hello": "world"}))


def test_broken_text_and_odd_values_arrive_beside_the_good(boat: Ferry) -> None:
    """Newlines, separators, quotes and emptiness in values lose nothing."""
    boat.hec()
    boat.syslog()
    boat.put(5, odd='l1\nl2 || a="b" \\ é世 \x00', empty="")
    assert boat.sweep()["finished"]
    assert len(boat.received("to-hec")) == 5
    assert len(boat.received("to-syslog")) == 5


def test_a_remade_logstore_starts_at_its_new_begin(boat: Ferry) -> None:
    """Deleted and made again under the same name: recognised by its creation time."""
    import time

    from logferry.sls.projects import create_logstore, delete_logstore

    boat.put(20)
    boat.hec()
    boat.sweep()
    time.sleep(1.1)  # creation times are whole seconds
    delete_logstore(boat.logstore.client, LOGSTORE)
    create_logstore(boat.logstore.client, LOGSTORE, shards=1)
    boat.put(7)
    assert boat.sweep()["finished"]
    assert len(boat.received("to-hec")) == 27
    assert [gap.reason for gap in boat.row("to-hec").gaps] == ["expired"]


def test_several_shards_are_all_delivered(tmp_path: Path) -> None:
    """Each shard has its own row; together they balance."""
    with ferry(tmp_path, shards=3) as boat:
        boat.hec()
        boat.put(600, group=20)
        assert boat.sweep()["finished"]
        assert len(boat.received("to-hec")) == 600
        assert boat.verified("to-hec") == Counts(read=600, delivered=600)


def test_a_value_of_almost_five_megabytes_arrives(boat: Ferry) -> None:
    """A record far over the usual payload travels alone."""
    boat.hec()
    boat.put(3)
    boat.put(1, big="é" * 2_000_000)
    boat.put(3)
    assert boat.sweep()["finished"]
    assert len(boat.received("to-hec")) == 7
    assert boat.verified("to-hec") == Counts(read=7, delivered=7)


def test_a_value_over_the_receivers_limit_is_parked_with_its_bytes(boat: Ferry) -> None:
    """Its neighbours arrive; the parked original is the whole record."""
    boat.hec(sink=hec.Options(token="hec-token", max_event_bytes=1_000_000))
    boat.put(3)
    boat.put(1, big="x" * 2_000_000)
    boat.put(3)
    assert boat.sweep()["finished"]
    assert boat.verified("to-hec") == Counts(read=7, delivered=6, parked=1)
    [letter] = list((boat.folder / "objects").rglob("*.json"))
    assert letter.stat().st_size > 2_000_000


def test_an_object_store_that_fails_holds_the_position_until_it_is_back(boat: Ferry) -> None:
    """A record that must be parked and cannot be: the range stays open, and nothing of it is lost or counted."""
    boat.hec(sink=hec.Options(token="hec-token", max_event_bytes=2_000))
    boat.put(3)
    boat.put(1, big="x" * 3_000)
    boat.put(3)
    objects = boat.folder / "objects"
    objects.write_text("no folder")
    answer = boat.sweep(seconds=8)
    assert not answer["finished"]
    row = boat.row("to-hec")
    assert (row.counts, row.lease) == (Counts(), None)
    assert row.open is not None
    objects.unlink()
    boat.rest_is_over("to-hec")
    boat.until_done()
    counts = boat.verified("to-hec")
    assert (counts.read, counts.delivered, counts.parked) == (7, 6, 1)
    assert len(boat.received("to-hec")) == 6


def test_a_corrected_task_goes_on_with_the_range_that_the_wrong_one_had_begun(boat: Ferry) -> None:
    """A refused token holds the task; applied anew with the right one, it delivers at once."""
    sink = hec.Options(token="right")
    boat.put(50)
    address = boat.hec(sink=sink)
    assert "to-hec" in str(boat.sweep()["held"])
    boat.environ["RIGHT_TOKEN"] = "right"
    boat.apply("to-hec", {"splunk_hec": {"url": address, "token": "secret://env/RIGHT_TOKEN"}})
    assert boat.sweep()["finished"]
    assert set(boat.received("to-hec").values()) == {1}
    assert boat.verified("to-hec").delivered == 50
