"""SQS and CloudWatch Logs: items with names, each settled once by each task, whatever comes again."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from tests.fakes.arriving import QUEUE, Yard, failing, logs, queue, subscription, yard

from logferry.errors import ConfigError, Misconfigured, StateError, Transient
from logferry.state import Item


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Yard]:
    """A task on the queue."""
    with yard(tmp_path) as made:
        made.apply("one", "sqs", queue=QUEUE)
        yield made


@pytest.fixture
def subscribed(tmp_path: Path) -> Iterator[Yard]:
    """A task on the log group."""
    with yard(tmp_path) as made:
        made.apply("one", "cloudwatch", log_group="/app/*")
        yield made


def test_a_message_is_one_log_or_many(place: Yard) -> None:
    """An object, one a line, or an array."""
    assert place.ring(queue({"a": logs(1), "b": logs(2, 3), "c": '[{"id":4},{"id":5}]', "d": ""})) == []
    assert sorted(place.taken("one")) == [1, 2, 3, 4, 5]
    assert place.counts("one").delivered == 5


def test_a_message_that_comes_again_is_known_by_its_name(place: Yard) -> None:
    """The same event twice, or in other company."""
    event = queue({"a": logs(1), "b": logs(2)})
    assert place.ring(event) == place.ring(event) == []
    assert place.ring(queue({"b": logs(2), "c": logs(3)}, tries=2)) == []
    assert sorted(place.taken("one")) == [1, 2, 3]


def test_a_message_is_forgotten_after_the_time_that_is_set(place: Yard) -> None:
    """The row is gone, so what comes under that name is delivered."""
    place.apply("one", "sqs", queue=QUEUE, remember="0s")
    event = queue({"a": logs(1)})
    assert place.ring(event) == place.ring(event) == []
    assert place.taken("one") == [1, 1]


def test_only_those_that_are_not_settled_by_all_come_again(place: Yard) -> None:
    """Partial batch answer: what both have is done; the one that has it already skips it."""
    two = place.apply("two", "sqs", queue="logs")
    assert place.ring(queue({"a": logs(1)})) == []
    two.judge = failing(Transient("down"))
    assert place.ring(queue({"a": logs(1), "b": logs(2)})) == ["b"]
    two.judge = lambda _payload: None
    place.clock.forward(600)
    assert place.ring(queue({"b": logs(2), "c": logs(3)}, {"b": 2})) == []
    assert sorted(place.taken("one")) == sorted(place.taken("two")) == [1, 2, 3]
    assert place.counts("two").maybe_repeated >= 1
    assert place.counts("one").maybe_repeated == 0


def test_what_was_tried_often_is_spilled(place: Yard) -> None:
    """Before the queue puts it into its dead-letter queue; a sweep delivers it."""
    place.to["one"].judge = failing(Transient("down"))
    for tries in (1, 2):
        assert place.ring(queue({"a": logs(1), "b": logs(2)}, tries)) == ["a", "b"]
        place.clock.forward(60)
    assert place.ring(queue({"a": logs(1), "b": logs(2)}, {"a": 3, "b": 2})) == ["b"]
    place.to["one"].judge = lambda _payload: None
    place.clock.forward(60)
    assert place.ring(queue({"a": logs(1), "b": logs(2)}, 4)) == []
    assert place.taken("one") == [2]
    place.sweep()
    assert place.taken("one") == [2, 1]
    counts = place.counts("one")
    assert (counts.read, counts.delivered, counts.maybe_repeated) == (2, 2, 2)


def test_a_queue_that_keeps_an_order_is_not_kept_waiting(tmp_path: Path) -> None:
    """What a failing task cannot have of a FIFO queue is spilled at once, since it blocks its group."""
    arn = f"{QUEUE}.fifo"
    with yard(tmp_path) as place:
        place.apply("one", "sqs", queue=arn)
        place.apply("dead", "sqs", queue=arn).judge = failing(Transient("down"))
        assert place.ring(queue({"a": logs(1)}, arn=arn)) == []
        assert place.taken("one") == [1]


def test_a_kill_before_the_receipt_is_counted_as_a_repeat(place: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue says that it was handed over before."""
    receipt = place.shop.table.put

    def put(partition: str, sort: str, value: bytes, *, expect: str | None, expires: float | None = None) -> str:
        if partition.startswith("taken/"):
            raise StateError("time-out")
        return receipt(partition, sort, value, expect=expect, expires=expires)

    monkeypatch.setattr(place.shop.table, "put", put)
    assert place.ring(queue({"a": logs(1)})) == ["a"]
    monkeypatch.undo()
    assert place.ring(queue({"a": logs(1)}, 2)) == []
    assert place.taken("one") == [1, 1]
    assert place.counts("one").maybe_repeated == 1


def test_a_body_that_is_none_is_parked(place: Yard) -> None:
    """As it came; the messages beside it are delivered."""
    assert place.ring(queue({"a": "plain text", "b": logs(2), "c": "[1]"})) == []
    assert place.taken("one") == [2]
    assert [letter.partition(b"\n")[2] for letter in place.letters("one")] == [b"plain text", b"[1]"]
    counts = place.counts("one")
    assert (counts.read, counts.delivered, counts.parked) == (3, 1, 2)


def test_more_records_than_are_allowed_are_parked_as_one(place: Yard) -> None:
    """A bound of memory, not a loss."""
    place.apply("one", "sqs", queue=QUEUE, max_records=2)
    assert place.ring(queue({"a": logs(1, 2, 3), "b": logs(4)})) == []
    assert place.taken("one") == [4]
    assert place.counts("one").parked == 1


def test_a_held_task_is_probed_and_released(place: Yard) -> None:
    """Its messages stay in the queue meanwhile."""
    place.to["one"].judge = failing(Misconfigured("HTTP 401"))
    assert place.ring(queue({"a": logs(1)})) == ["a"]
    assert place.shop.holds.health("one") is not None
    place.to["one"].judge = lambda _payload: None
    sent = place.to["one"].sent
    assert place.ring(queue({"a": logs(1)}, 2)) == ["a"]
    assert place.to["one"].sent == sent
    place.clock.forward(60)
    assert place.ring(queue({"a": logs(1)}, 2)) == []
    assert place.shop.holds.health("one") is None


def test_a_filter_counts_what_it_leaves_out(place: Yard) -> None:
    """Read is delivered, filtered and parked."""
    place.apply("one", "sqs", queue=QUEUE, filter={"all": [{"field": "id", "op": "geq", "value": 2}]})
    assert place.ring(queue({"a": logs(1, 2), "b": "x"})) == []
    counts = place.counts("one")
    assert (counts.read, counts.delivered, counts.filtered, counts.parked) == (3, 1, 1, 1)


def test_large_events_are_delivered_in_pieces(place: Yard) -> None:
    """Each with its row and its receipts: a bound of memory."""
    body = '{"id":%d,"text":"' + "x" * 90_000 + '"}'
    place.to["one"].limits = place.to["one"].limits.__class__(max_bytes=200_000, max_records=50)
    assert place.ring(queue({f"m{n}": body % n for n in range(60)})) == []
    assert sorted(place.taken("one")) == list(range(60))
    (row,) = place.rows("one")
    assert int(row.position) - int(row.start) == 2


def test_log_events_are_records_with_their_origin(subscribed: Yard) -> None:
    """A message that is an object is the record, one that is text is a field."""
    assert subscribed.ring(subscription(['{"id":1,"owner":"me"}', "plain"])) == []
    first, second = subscribed.records("one")
    assert (first["id"], first["owner"], first["logGroup"]) == (1, "me", "/app/web")
    assert second["message"] == "plain"
    assert second["owner"] == "111122223333"
    subscribed.apply("one", "cloudwatch", log_group="/app/*", message="text")
    assert subscribed.ring(subscription(['{"id":3}'])) == []
    assert subscribed.records("one")[2]["message"] == '{"id":3}'


def test_a_subscription_that_comes_again_is_known(subscribed: Yard) -> None:
    """The same logs, not the same bytes."""
    assert subscribed.ring(subscription(['{"id":1}'])) == []
    assert subscribed.ring(subscription(['{"id":1}'], subscriptionFilters="other")) == []
    assert subscribed.taken("one") == [1]
    assert subscribed.ring(subscription(['{"id":1}'], logStream="another")) == []
    assert subscribed.taken("one") == [1, 1]


def test_a_control_message_is_nothing(subscribed: Yard) -> None:
    """It asks whether we are there; not even a task need read the group."""
    assert subscribed.ring(subscription(["CWL CONTROL MESSAGE"], "other", messageType="CONTROL_MESSAGE")) == []
    assert subscribed.rows("one") == []


def test_what_cannot_be_delivered_is_spilled_at_once(subscribed: Yard) -> None:
    """The platform would give it up; once the destination is back, a sweep delivers it, perhaps again."""
    subscribed.to["one"].judge = failing(Transient("down"))
    assert subscribed.ring(subscription(['{"id":1}'])) == []
    subscribed.clock.forward(60)
    assert subscribed.ring(subscription(['{"id":2}', '{"id":3}'])) == []
    assert [row.stream for row in subscribed.rows("one") if row.spilled] == ["64"]
    subscribed.to["one"].judge = lambda _payload: None
    subscribed.sweep()
    assert subscribed.taken("one") == [1, 2, 3]
    assert [row.stream for row in subscribed.rows("one") if row.spilled] == []
    counts = subscribed.counts("one")
    assert (counts.read, counts.delivered) == (3, 3)


def test_what_is_sent_while_something_is_spilled_is_delivered_at_once(subscribed: Yard) -> None:
    """There is no order to be kept."""
    subscribed.to["one"].judge = failing(Transient("down"))
    assert subscribed.ring(subscription(['{"id":1}'])) == []
    subscribed.to["one"].judge = lambda _payload: None
    subscribed.clock.forward(60)
    assert subscribed.ring(subscription(['{"id":2}', '{"id":22}'])) == []
    assert subscribed.taken("one") == [2, 22]


def test_many_calls_at_once_find_each_a_slot(subscribed: Yard) -> None:
    """To deliver in, and to spill to: an outage under load loses nothing."""
    events = [subscription([f'{{"id":{number}}}'], logStream=f"s{number}") for number in range(60)]
    with ThreadPoolExecutor(30) as threads:
        assert list(threads.map(subscribed.ring, events[:30])) == [[]] * 30
        subscribed.to["one"].judge = failing(Transient("down"))
        assert list(threads.map(subscribed.ring, events[30:])) == [[]] * 30
    subscribed.to["one"].judge = lambda _payload: None
    subscribed.clock.forward(600)
    subscribed.drain("one")
    assert set(subscribed.taken("one")) == set(range(60))
    assert subscribed.counts("one").read == 60


def test_a_paused_tasks_log_events_wait_in_the_object_store(subscribed: Yard) -> None:
    """Until it is resumed; none of them is a repeat."""
    subscribed.shop.tasks.set_state("one", "offline")
    assert subscribed.ring(subscription(['{"id":1}'])) == []
    subscribed.sweep()
    assert subscribed.taken("one") == []
    subscribed.shop.tasks.set_state("one", "online")
    subscribed.sweep()
    assert subscribed.taken("one") == [1]
    assert subscribed.counts("one").maybe_repeated == 0


def test_when_neither_works_the_platform_comes_again(subscribed: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unfinished: destination and object store are down; what was begun may be a repeat."""

    def put(key: str, body: bytes) -> None:
        raise StateError(f"{key}: {len(body)} bytes: disk full")

    subscribed.to["one"].judge = failing(Transient("down"))
    monkeypatch.setattr(subscribed.shop.spills._store, "put", put)
    assert subscribed.ring(subscription(['{"id":1}'])) == ["event"]
    monkeypatch.undo()
    subscribed.to["one"].judge = lambda _payload: None
    subscribed.clock.forward(60)
    assert subscribed.ring(subscription(['{"id":1}'])) == []
    assert subscribed.taken("one") == [1]
    assert subscribed.counts("one").maybe_repeated == 1


def test_logferrys_own_log_is_counted_as_filtered(tmp_path: Path) -> None:
    """Each line about it would make another event."""
    with yard(tmp_path, AWS_LAMBDA_LOG_GROUP_NAME="/app/web") as place:
        place.apply("one", "cloudwatch", log_group="/app/*")
        assert place.ring(subscription(['{"id":1}', "text"])) == []
        assert place.taken("one") == []
        counts = place.counts("one")
        assert (counts.read, counts.filtered) == (2, 2)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"awslogs": {"data": "%%%"}}, "awslogs.data: is not base64 of gzip"),
        ({"awslogs": {"data": "eHh4"}}, "awslogs.data: is not base64 of gzip"),
        (subscription([], messageType=1), "awslogs.data: is no message"),  # type: ignore[arg-type]  # that is the mistake
        (
            subscription(["x"], "other"),
            "cloudwatch other is read by no task; the tasks read cloudwatch: log_group /app",
        ),
        (queue({"a": "x"}), "is read by no task"),
        ({"Records": [{"eventSource": "aws:sqs"}]}, "Records: .*messageId"),
        ({"Records": queue({"a": "x"})["Records"] * 10_001}, "at most 10000 records"),
        ({"Records": queue({"a": "x"})["Records"] + queue({"b": "x"}, arn="b")["Records"]}, "of more than one queue"),
    ],
)
def test_an_event_that_is_none_is_refused(subscribed: Yard, event: object, said: str) -> None:
    """With the reason; the platform keeps it."""
    with pytest.raises(ConfigError, match=said):
        subscribed.ring(event)


def test_an_owner_is_looked_at_if_one_is_named(subscribed: Yard) -> None:
    """Two accounts may have groups of one name."""
    subscribed.apply("one", "cloudwatch", log_group="/app/web", owner="123456789012")
    with pytest.raises(ConfigError, match="owner 123456789012"):
        subscribed.ring(subscription(["x"]))


def test_a_receipt_says_no_more_than_it_must(place: Yard) -> None:
    """A row an item and task, in one of 256 partitions: small, and gone in time."""
    assert place.ring(queue({"a": logs(1)})) == []
    found: list[Item] = [item for n in range(256) for item in place.shop.table.list(f"taken/one/{n:02x}")]
    assert [item.value for item in found] == [b'{"schema":1,"done":true}']


def test_receipts_are_written_side_by_side(place: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event of thousands of messages takes seconds, not the whole time of a call."""
    put, two = place.shop.table.put, Barrier(2, timeout=10)

    def meeting(partition: str, sort: str, value: bytes, **how: object) -> str:
        if partition.startswith("taken/"):
            two.wait()
        return put(partition, sort, value, **how)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(place.shop.table, "put", meeting)
    assert place.ring(queue({f"m{n}": logs(n) for n in range(20)})) == []
    assert sorted(place.taken("one")) == list(range(20))
