"""Kinesis events: one position a task and shard, what is presented again, and who keeps whom from going on."""

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.arriving import ARN, Yard, failing, kinesis, logs, yard
from tests.fakes.engine import errors

from logferry.errors import ConfigError, Permanent, StateError, Transient

FIRST = 49_660 * 10**51
SHARD = "shardId-000000000001"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Yard]:
    """A task on the stream."""
    with yard(tmp_path) as made:
        made.apply("one", "kinesis", stream=ARN)
        yield made


def event(*numbers: int, at: float | None = None) -> dict[str, object]:
    """A record a number, each with one log of that id."""
    items = {FIRST + number: logs(number) for number in numbers}
    return kinesis(items) if at is None else kinesis(items, at=at)


def name(number: int) -> str:
    """The sequence number of a record."""
    return str(FIRST + number)


def test_records_are_delivered_in_their_order_and_the_position_is_behind_them(place: Yard) -> None:
    """The first record of a shard starts its row."""
    assert place.ring(event(3, 1, 2)) == []
    assert place.taken("one") == [1, 2, 3]
    (row,) = place.rows("one")
    assert (row.stream, row.start, row.position) == (SHARD, name(1), name(4))
    assert (row.counts.read, row.counts.delivered) == (3, 3)


def test_what_is_presented_again_is_skipped(place: Yard) -> None:
    """Whole or in part: nothing arrives twice, nothing is counted twice."""
    assert place.ring(event(1, 2)) == []
    assert place.ring(event(1, 2)) == []
    assert place.ring(event(2, 3)) == []
    assert place.taken("one") == [1, 2, 3]
    assert place.counts("one").read == 3
    assert place.counts("one").maybe_repeated == 0


def test_a_destination_that_is_down_leaves_the_records_to_the_stream(place: Yard) -> None:
    """A task that is alone answers the lowest; when it is back nothing is missing, and all may be a repeat."""
    place.to["one"].judge = failing(Transient("down"))
    assert place.ring(event(1, 2, 3)) == [name(1)]
    assert place.counts("one").read == 0
    place.to["one"].judge = lambda _payload: None
    place.clock.forward(600)
    assert place.ring(event(1, 2, 3)) == []
    assert place.taken("one") == [1, 2, 3]
    assert place.counts("one").maybe_repeated == 3


@pytest.mark.parametrize("cuts", [[[1], [2, 3]], [[1, 2], [2, 3, 4]], [[1, 2, 3, 4, 5]]])
def test_a_batch_that_failed_may_come_again_cut_otherwise(place: Yard, cuts: list[list[int]]) -> None:
    """BisectBatchOnFunctionError halves it; a retry may bring more."""
    place.to["one"].judge = failing(Transient("down"))
    assert place.ring(event(1, 2, 3)) == [name(1)]
    place.to["one"].judge = lambda _payload: None
    for cut in cuts:
        place.clock.forward(600)
        assert place.ring(event(*cut)) == []
    assert place.taken("one") == list(range(1, cuts[-1][-1] + 1))
    place.rows("one")


def test_a_dead_destination_costs_the_others_nothing(place: Yard) -> None:
    """What it cannot have is spilled, the shard goes on, and a sweep delivers it in order before what comes later."""
    dead = place.apply("dead", "kinesis", stream="logs")
    dead.judge = failing(Transient("down"))
    assert place.ring(event(1, 2)) == []
    assert place.ring(event(3)) == []
    assert place.taken("one") == [1, 2, 3]
    (row,) = place.rows("dead")
    assert (row.position, row.spilled, row.counts.read) == (name(1), name(4), 0)
    assert place.clock.now < 1e12
    dead.judge = lambda _payload: None
    place.clock.forward(600)
    assert place.ring(event(4)) == []
    assert place.taken("dead") == [1, 2, 3, 4]
    (row,) = place.rows("dead")
    assert (row.position, row.spilled) == (name(5), "")
    assert row.counts.read == row.counts.delivered == 4


def test_a_sweep_delivers_what_was_spilled(place: Yard) -> None:
    """Though nothing comes any more; then the object store holds nothing of it."""
    dead = place.apply("dead", "kinesis", stream="logs")
    dead.judge = failing(Transient("down"))
    assert place.ring(event(1, 2)) == []
    dead.judge = lambda _payload: None
    answer = place.sweep()
    assert answer["finished"] is True
    assert place.taken("dead") == [1, 2]
    assert list(place.shop.spills.pieces("dead", SHARD)) == []
    assert place.counts("dead").delivered == 2


def test_when_none_can_deliver_the_stream_keeps_it_for_all(place: Yard) -> None:
    """Nobody is kept waiting, so nothing is spilled."""
    place.apply("two", "kinesis", stream=ARN)
    for to in place.to.values():
        to.judge = failing(Transient("down"))
    assert place.ring(event(1)) == [name(1)]
    assert [row.spilled for task in ("one", "two") for row in place.rows(task)] == ["", ""]


def test_what_waits_for_long_is_spilled_though_the_task_is_alone(place: Yard) -> None:
    """Before the stream forgets it."""
    place.apply("one", "kinesis", stream=ARN, spill_after="1h")
    place.to["one"].judge = failing(Transient("down"))
    assert place.ring(event(1)) == [name(1)]
    place.clock.forward(3600)
    assert place.ring(event(1)) == []
    (row,) = place.rows("one")
    assert row.spilled == name(2)


def test_without_spill_a_failing_task_keeps_the_shard(tmp_path: Path) -> None:
    """LOGFERRY_SPILL=off: the stream alone holds the records."""
    with yard(tmp_path, LOGFERRY_SPILL="off") as place:
        place.apply("one", "kinesis", stream=ARN)
        place.apply("dead", "kinesis", stream=ARN).judge = failing(Transient("down"))
        assert place.ring(event(1)) == [name(1)]
        assert place.ring(event(1)) == [name(1)]
        assert place.taken("one") == [1]


def test_a_paused_task_gets_its_records_once_it_is_resumed(place: Yard) -> None:
    """Alone the shard waits for it; beside a task that works, its records are spilled."""
    place.apply("two", "kinesis", stream=ARN, state="offline")
    assert place.ring(event(1, 2)) == []
    assert place.taken("two") == []
    place.shop.tasks.set_state("two", "online")
    assert place.ring(event(3)) == []
    assert place.taken("two") == [1, 2, 3]
    place.shop.tasks.set_state("one", "offline")
    place.shop.tasks.delete("two")
    assert place.ring(event(4)) == [name(4)]
    assert place.taken("one") == [1, 2, 3]


def test_a_bad_record_is_parked_and_stops_nothing(place: Yard) -> None:
    """Not base64, not gzip, not JSON, too large: each with its bytes and its reason."""
    place.apply("one", "kinesis", stream=ARN, max_inflated=1000)
    bomb, aggregate, packed = gzip.compress(b"x" * 2000, mtime=0), b"\xf3\x89\x9a\xc2ab", logs(6) + "\n7\n" + logs(8)
    data: list[str | bytes] = [
        logs(1),
        "no JSON",
        bomb,
        b"\x1f\x8bdamaged",
        "",
        gzip.compress(packed.encode()),
        aggregate,
    ]
    found = kinesis({FIRST + number: one for number, one in enumerate(data)})
    found["Records"][4]["kinesis"]["data"] = "%%%"
    assert place.ring(found) == []
    assert place.taken("one") == [1, 6, 8]
    counts = place.counts("one")
    assert (counts.read, counts.delivered, counts.parked) == (9, 3, 6)
    raw = [letter.partition(b"\n")[2] for letter in place.letters("one")]
    assert raw == [b"no JSON", bomb, b"\x1f\x8bdamaged", b"%%%", b"7", aggregate]


def test_a_record_that_the_destination_refuses_is_parked(place: Yard) -> None:
    """And can be replayed: its original is the log, with the time at which Kinesis took it."""
    place.to["one"].judge = failing(Permanent("no"))
    assert place.ring(event(1)) == []
    (letter,) = place.letters("one")
    assert letter.partition(b"\n")[2] == b'{"id": 1}'
    assert letter.startswith(b"%d." % int(place.clock.now))


def test_logs_of_cloudwatch_come_through_kinesis_too(place: Yard) -> None:
    """The form of a subscription; its control messages say nothing."""
    place.apply("one", "kinesis", stream=ARN, format="cloudwatch")
    message = {"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "g", "logStream": "s",
               "logEvents": [{"id": "7", "timestamp": 1_767_225_605_250, "message": '{"level":"warn"}'}]}  # fmt: skip
    control = {"messageType": "CONTROL_MESSAGE", "logEvents": [{"id": "", "timestamp": 0, "message": "CWL"}]}
    packed = [gzip.compress(json.dumps(one).encode()) for one in (control, message)]
    assert place.ring(kinesis({FIRST + n: data for n, data in enumerate(packed)})) == []
    assert place.records("one") == [{"logGroup": "g", "logStream": "s", "owner": "111122223333", "id": "7",
                                "timestamp": 1_767_225_605_250, "level": "warn"}]  # fmt: skip
    assert place.counts("one").read == 1


def test_what_the_platform_gave_up_is_a_gap(place: Yard) -> None:
    """It was in flight, and comes no more: said in the ledger, and counted as one."""
    place.to["one"].judge = failing(Transient("down"))
    assert place.ring(event(1, 2)) == [name(1)]
    place.to["one"].judge = lambda _payload: None
    place.clock.forward(600)
    assert place.ring(event(5)) == []
    (row,) = place.rows("one")
    (gap,) = row.gaps
    assert (gap.begin, gap.end, gap.reason, gap.note) == (name(1), name(5), "expired", "given up by the platform")
    assert place.taken("one") == [5]
    assert place.meter.tasks["one"]["gaps"] == 1


def test_what_waited_for_a_task_is_missed_if_it_does_not_come_again(place: Yard) -> None:
    """Paused or failing: the row says which record was not settled, so a part that was given up is a gap too."""
    assert place.ring(event(1, 2)) == []
    place.shop.tasks.set_state("one", "offline")
    assert place.ring(event(3, 4)) == [name(3)]
    place.shop.tasks.set_state("one", "online")
    place.to["one"].judge = failing(Transient("down"))
    assert place.ring(event(5, 6, 7)) == [name(5)]
    place.to["one"].judge = lambda _payload: None
    place.clock.forward(600)
    assert place.ring(event(7, 8)) == []
    (row,) = place.rows("one")
    assert [(gap.begin, gap.end) for gap in row.gaps] == [(name(3), name(5)), (name(5), name(7))]
    assert place.taken("one") == [1, 2, 7, 8]
    assert row.counts.maybe_repeated >= 1


def test_what_waited_behind_spilled_records_is_missed_too(place: Yard) -> None:
    """The gap is recorded once what is spilled before it is delivered."""
    dead = place.apply("dead", "kinesis", stream=ARN)
    dead.judge = failing(Transient("down"))
    assert place.ring(event(1, 2)) == []
    place.shop.tasks.set_state("one", "offline")
    assert place.ring(event(3, 4)) == [name(3)]
    assert place.ring(event(6, 7)) == [name(6)]
    place.shop.tasks.set_state("one", "online")
    assert place.ring(event(6, 7)) == []
    dead.judge = lambda _payload: None
    place.clock.forward(600)
    place.drain("dead")
    place.drain("dead")
    (row,) = place.rows("dead")
    assert [(gap.begin, gap.end, gap.reason) for gap in row.gaps] == [(name(3), name(6), "expired")]
    assert place.taken("dead") == [1, 2, 6, 7]


def test_a_stream_that_was_made_anew_is_not_taken_for_one_that_was_delivered(place: Yard) -> None:
    """Its numbers are lower, but its records are younger than the row's last write."""
    assert place.ring(event(50)) == []
    place.clock.forward(3600)
    assert place.ring(event(7, at=place.clock.now)) == []
    assert place.taken("one") == [50, 7]
    (row,) = place.rows("one")
    assert row.gaps[0].note.startswith("the stream was made anew")


def test_a_mistake_of_ours_in_one_task_is_no_other_tasks_trouble(place: Yard) -> None:
    """Its records are kept for it."""
    broken = place.apply("broken", "kinesis", stream=ARN)
    broken.judge = failing(KeyError("?"))
    assert place.ring(event(1)) == []
    assert place.taken("one") == [1]
    assert place.rows("broken")[0].spilled == name(2)


def test_a_table_that_is_down_leaves_all_to_the_stream(place: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of what was settled, so nothing is said to be."""

    def down(task: str, stream: str) -> None:
        raise StateError(f"{task}/{stream}: time-out")

    monkeypatch.setattr(place.shop.ledger, "get", down)
    assert place.ring(event(1, 2)) == [name(1)]


def test_an_event_of_a_stream_that_nobody_reads_is_told_who_reads_what(place: Yard) -> None:
    """A person sees at once what is wrong."""
    other = event(1)
    other["Records"][0]["eventSourceARN"] = ARN.replace("logs", "metrics")  # type: ignore[index]  # a list
    with pytest.raises(ConfigError, match=r"stream/metrics is read by no task; the tasks read kinesis: stream arn"):
        place.ring(other)


def test_what_is_spilled_waits_for_whoever_holds_the_stream(place: Yard) -> None:
    """A sweep that delivers for one task for minutes must not stop the shard for all the others."""
    place.apply("late", "kinesis", stream=ARN).judge = failing(Transient("down"))
    assert place.ring(event(1)) == []
    (row,) = place.rows("late")
    now = place.clock()
    assert place.shop.ledger.hold("late", row.stream, now=now, until=now + 12)
    assert place.ring(event(2)) == []
    assert place.taken("one") == [1, 2]


def test_a_sweep_lets_go_of_the_stream_between_two_turns(place: Yard) -> None:
    """What comes meanwhile is spilled then, and is delivered by the same sweep, in order."""
    late = place.apply("late", "kinesis", stream=ARN)
    late.judge = failing(Transient("down"))
    for number in range(20):
        assert place.ring(event(number)) == []
    sleep, came = place.clock.sleep, list[list[str]]()

    def pause(seconds: float) -> None:
        sleep(seconds)
        place.clock.sleep = sleep  # type: ignore[method-assign]  # what comes sleeps as ever
        came.append(place.ring(event(20 + len(came)), 9.0))
        place.clock.sleep = pause  # type: ignore[method-assign]  # as below

    place.clock.forward(600)
    late.judge = lambda _payload: sleep(2.0)
    place.clock.sleep = pause  # type: ignore[method-assign]  # this clock only
    place.drain("late")
    assert len(came) > 1
    assert not any(came)
    place.clock.sleep = sleep  # type: ignore[method-assign]  # as it was
    place.drain("late")
    assert place.taken("late") == list(range(20 + len(came)))
    assert place.taken("one") == list(range(20 + len(came)))


def test_streams_of_one_name_in_two_accounts_are_two(place: Yard) -> None:
    """A task that names no account: what came from one says nothing of the other, whose numbers may be lower."""
    place.apply("any", "kinesis", stream="logs")
    other = json.loads(json.dumps(event(1, 2)).replace("111122223333", "444455556666"))
    assert place.ring(event(3, 4)) == []
    assert place.ring(other) == []
    assert place.taken("any") == [3, 4, 1, 2]
    assert [row.stream for row in place.rows("any")] == [
        f"eu-west-1:111122223333:{SHARD}", f"eu-west-1:444455556666:{SHARD}",
    ]  # fmt: skip


def test_a_consumer_of_its_own_reads_the_same_stream(place: Yard) -> None:
    """Enhanced fan-out: an event that names the consumer is of its stream."""
    consumer = json.loads(json.dumps(event(2)).replace(ARN, f"{ARN}/consumer/ferry:1766000000"))
    assert place.ring(event(1)) == []
    assert place.ring(consumer) == []
    assert (place.taken("one"), len(place.rows("one"))) == ([1, 2], 1)


def test_a_task_that_this_release_cannot_read_keeps_the_records_at_the_stream(place: Yard) -> None:
    """They may be for it: nothing is lost in a roll-back."""
    spec = {"task": "new", "source": {"kinesis": {"stream": ARN, "from_the_future": 1}}, "destination": {}}
    body = json.dumps({"schema": 1, "version": 1, "state": "online", "spec": spec, "updated": 0})
    place.shop.table.put("tasks", "new", body.encode(), expect=None)
    assert place.ring(event(1)) == [name(1)]
    assert place.taken("one") == [1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"eventID": "shardId-000000000002:1"}, "of more than one shard"),
        ({"eventID": "x"}, r"Records: .*eventID"),
        ({"kinesis": {"sequenceNumber": "abc", "data": ""}}, r"sequenceNumber"),
        ({"kinesis": {"sequenceNumber": "1"}}, r"data"),
    ],
)
def test_an_event_that_is_none_is_refused(place: Yard, change: dict[str, object], said: str) -> None:
    """With the path of what is wrong."""
    wrong = event(1, 2)
    wrong["Records"][1].update(change)  # type: ignore[index]  # a list
    with pytest.raises(ConfigError, match=said):
        place.ring(wrong)


def test_a_slow_start_of_a_destination_is_waited_for(place: Yard) -> None:
    """Inside the time of the call."""
    place.to["one"].script = errors(Transient("busy"), Transient("busy"))
    assert place.ring(event(1)) == []
    assert place.taken("one") == [1]
    assert base64.b64decode(event(1)["Records"][0]["kinesis"]["data"]) == b'{"id": 1}'  # type: ignore[index]  # a list
