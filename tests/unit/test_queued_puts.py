"""A queue that holds an object store's events: each message is noted, then settled, whatever becomes of its objects."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.arriving import Yard, logs, queue, yard

from logferry import calls
from logferry.errand_rows import Errands
from logferry.runtime import Call


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Yard]:
    """A task that reads a folder, which passes for a bucket."""
    (tmp_path / "bucket").mkdir()
    with yard(tmp_path / "letters") as made:
        made.apply("one", "objects", bucket=f"folder:{tmp_path / 'bucket'}")
        yield made


def put(key: str, bucket: str = "bucket") -> str:
    """S3's event."""
    about = {"bucket": {"name": bucket}, "object": {"key": key, "size": 9, "sequencer": "00"}}
    return json.dumps(
        {"Records": [{"eventName": "ObjectCreated:Put", "eventTime": "2026-01-01T00:00:05Z", "s3": about}]}
    )


def ring(place: Yard, event: object) -> list[str]:
    """What is not settled."""
    answer = calls.forward(Call(event, "request-1", place.environ, lambda: 60.0))
    found: list[dict[str, str]] = answer["batchItemFailures"]  # type: ignore[assignment]  # a list
    return [one["itemIdentifier"] for one in found]


def test_objects_of_a_queue_are_noted_and_fetched(place: Yard, tmp_path: Path) -> None:
    """S3's event, one by way of SNS, and S3's own test message."""
    for number in (1, 2):
        (tmp_path / "bucket" / f"{number}.ndjson").write_text(logs(number))
    topic = json.dumps({"Type": "Notification", "Message": put("2.ndjson")})
    test = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "bucket"})
    assert ring(place, queue({"a": put("1.ndjson"), "b": topic, "c": test})) == []
    assert sorted(place.taken("one")) == [1, 2]


def test_a_message_that_is_none_of_these_stays_in_the_queue(place: Yard) -> None:
    """So does one of a bucket that nobody reads; what is noted needs no message any more."""
    bodies = {"a": put("gone.ndjson"), "b": put("x", "another"), "c": "text", "d": '{"Type":"Notification"}'}
    assert sorted(ring(place, queue(bodies))) == ["b", "c", "d"]
    errands = Errands(place.shop.table, "one")
    assert len(list(errands.due())) + len(list(errands.all_done())) == 1


def test_a_queue_that_a_task_reads_holds_logs(place: Yard) -> None:
    """Whatever they look like."""
    place.apply("logs", "sqs", queue="logs")
    assert ring(place, queue({"a": put("1.ndjson")})) == []
    assert "Records" in place.records("logs")[0]
