"""What an event costs in rows of the state table, as the pages of the sources say."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.arriving import ARN, QUEUE, Yard, failing, kinesis, logs, queue, subscription, yard
from tests.fakes.counting import Counting

from logferry.errors import Transient

FIRST = 49_660 * 10**51
PAGES = Path(__file__).parents[2] / "docs/sources"


def cost(place: Yard, *events: object) -> Counter[str]:
    """Of the last of these, when all is warm."""
    for event in events[:-1]:
        assert place.ring(event) == []
    shop, counting = place.shop, Counting(place.shop.table)
    shop.table = shop.ledger._table = shop.holds._table = shop.tasks._table = counting
    assert place.ring(events[-1]) == []
    return counting.calls


@pytest.mark.parametrize("records", [1, 100])
def test_a_kinesis_event_costs_two_writes(tmp_path: Path, records: int) -> None:
    """However many records it holds."""
    with yard(tmp_path) as place:
        place.apply("one", "kinesis", stream=ARN)
        found = cost(place, *(kinesis({FIRST + 200 * n + m: logs(m) for m in range(records)}) for n in range(3)))
    assert found == {"writes": 2, "reads": 9}
    assert "two writes of one row of the state table and nine small reads" in (PAGES / "kinesis.md").read_text()


def test_a_message_costs_a_row(tmp_path: Path) -> None:
    """And the event two writes more."""
    with yard(tmp_path) as place:
        place.apply("one", "sqs", queue=QUEUE)
        found = cost(place, *(queue({f"{n}-{m}": logs(m) for m in range(10)}) for n in range(3)))
    said = re.search(r"With ten messages an event: (\d+) writes and (\d+) reads", (PAGES / "sqs.md").read_text())
    assert said
    assert found == {"writes": int(said[1]), "reads": int(said[2])}


def test_a_subscription_costs_two_rows(tmp_path: Path) -> None:
    """Its receipt is written before and after."""
    with yard(tmp_path) as place:
        place.apply("one", "cloudwatch", log_group="*")
        found = cost(place, *(subscription([f'{{"id":{n}}}'], logStream=f"s{n}") for n in range(3)))
    said = re.search(r"(\d+) writes and (\d+) reads", (PAGES / "cloudwatch.md").read_text())
    assert said
    assert found == {"writes": int(said[1]), "reads": int(said[2])}


@pytest.mark.parametrize("kind", ["kinesis", "cloudwatch"])
def test_what_an_event_is_spilled_for_does_not_grow_with_what_is_spilled(tmp_path: Path, kind: str) -> None:
    """An outage of days spills hundreds of thousands of objects: no event may list them all."""
    options: dict[str, Any] = {"stream": ARN} if kind == "kinesis" else {"log_group": "*"}
    with yard(tmp_path) as place:
        for name in ("one", "through"):
            place.apply(name, kind, **options)
        place.to["one"].judge = failing(Transient("down"))
        keys, store = [0], place.shop.spills._store
        listed = store.list

        def counting(prefix: str) -> Iterator[str]:
            for key in listed(prefix):
                keys[0] += 1
                yield key

        store.list = counting  # type: ignore[method-assign]  # this store only
        for number in range(60):
            before = keys[0]
            one = [f'{{"id":{number}}}']
            event = (
                kinesis({FIRST + number: one[0]}) if kind == "kinesis" else subscription(one, logStream=f"s{number}")
            )
            assert place.ring(event) == []
            assert keys[0] - before < 12
        place.to["one"].judge = lambda _payload: None
        place.clock.forward(600)
        place.drain("one")
        assert sorted(set(place.taken("one"))) == list(range(60))
