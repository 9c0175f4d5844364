"""A call that is killed between two of its writes, and what the one after it makes of that."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.arriving import ARN, Yard, kinesis, logs, subscription, yard

from logferry.errors import Transient
from logferry.model import Payload


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Yard]:
    """No task yet."""
    with yard(tmp_path) as made:
        yield made


def die_at(place: Yard, what: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next write of a row that holds these bytes does not take place, nor anything behind it."""
    put = place.shop.table.put

    def dying(partition: str, sort: str, value: bytes, **how: object) -> object:
        if what in value:
            monkeypatch.setattr(place.shop.table, "put", put)
            raise KeyboardInterrupt
        return put(partition, sort, value, **how)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(place.shop.table, "put", dying)


def test_what_was_spilled_before_a_kill_is_a_repeat_when_it_is_spilled_again(
    place: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its receipt was not written: the platform sends it again, it is delivered twice, and counted as that."""
    place.apply("one", "cloudwatch", state="offline", log_group="/app/web")
    event = subscription(['{"id":1}', '{"id":2}'])
    die_at(place, b'"done":true', monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        place.ring(event)
    assert place.ring(event) == []
    place.shop.tasks.set_state("one", "online")
    place.drain("one")
    assert sorted(set(place.taken("one"))) == [1, 2]
    assert len(place.taken("one")) - 2 <= place.counts("one").maybe_repeated


def test_what_a_killed_spill_left_behind_is_not_delivered_beside_the_same_again(
    place: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object was written and the row not: when it is spilled again, cut otherwise, it is there once."""
    place.apply("one", "kinesis", stream=ARN, spill_after="1h")
    place.shop.tasks.set_state("one", "offline")
    place.clock.forward(2 * 3600)
    assert place.ring(kinesis({100: logs(1)})) == []
    die_at(place, b'"spilled":"121"', monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        place.ring(kinesis({110: logs(2), 120: logs(3)}))
    place.clock.forward(600)
    assert place.ring(kinesis({110: logs(2)})) == []
    assert place.ring(kinesis({120: logs(3), 130: logs(4)})) == []
    place.shop.tasks.set_state("one", "online")
    place.drain("one")
    assert place.taken("one") == [1, 2, 3, 4]
    place.drain("one")
    assert list(place.shop.spills._store.list("spill/")) == []


def test_all_that_was_spilled_after_it_may_have_been_sent_counts_as_perhaps_repeated(tmp_path: Path) -> None:
    """However much it is: it was no single run that sent it, which would have saved in between."""
    with yard(tmp_path, LOGFERRY_SAVE_BYTES="1000") as place:
        destination = place.apply("one", "cloudwatch", log_group="*")

        def lose_the_answer(payload: Payload) -> None:
            destination.taken.extend(payload.body.decode().split("\n"))
            raise Transient("time-out")

        destination.judge = lose_the_answer
        for number in range(20):
            place.clock.forward(600)
            event = subscription([json.dumps({"id": number, "pad": "x" * 500})], logStream=f"s{number}")
            assert place.ring(event, seconds=9.0) == []
        destination.judge = lambda _payload: None
        place.clock.forward(600)
        place.drain("one")
        assert set(place.taken("one")) == set(range(20))
        assert place.counts("one").maybe_repeated == 20
