"""What a poller gives up while destinations fail, tasks are paused and a sweep comes in between: all of it is told."""

import random
from pathlib import Path

import pytest
from tests.fakes.arriving import ARN, Yard, kinesis, logs, yard

from logferry.errors import Transient
from logferry.model import Payload

FIRST = 49_660 * 10**51
TASKS = ("one", "two")


def event(numbers: range) -> dict[str, object]:
    """A record a number."""
    return kinesis({FIRST + number: logs(number) for number in numbers})


def storm(place: Yard, chance: random.Random, down: set[str]) -> int:
    """Batches as a poller hands them over, some given up in part; where it stands then."""
    at = 0
    for _ in range(25):
        place.clock.forward(chance.choice([1, 30, 600]))
        for name in TASKS:
            if chance.random() < 0.3:
                down ^= {name}
            if chance.random() < 0.15:
                place.shop.tasks.set_state(name, "online" if chance.random() < 0.5 else "offline")
        batch = range(at, at + chance.randint(1, 6))
        left = place.ring(event(batch), chance.choice([2.0, 9.0, 30.0]))
        at = int(left[0]) - FIRST if left else batch.stop
        if left and chance.random() < 0.25:
            at = chance.choice([at + 1, batch.stop])
        if chance.random() < 0.2:
            place.drain(chance.choice(TASKS))
    return at


@pytest.mark.parametrize("seed", [146, *range(15)])
def test_each_record_that_was_handed_over_arrived_or_lies_in_a_gap(tmp_path: Path, seed: int) -> None:
    """Whatever failed: none of them is in no book."""
    with yard(tmp_path) as place:
        down: set[str] = set()

        def judge(name: str, _payload: Payload) -> None:
            if name in down:
                raise Transient("down")

        for name in TASKS:
            place.apply(name, "kinesis", stream=ARN).judge = lambda payload, name=name: judge(name, payload)  # type: ignore[misc]  # bound now
        at = storm(place, random.Random(seed), down)  # noqa: S311  # a test, by seeds
        down.clear()
        for name in TASKS:
            place.shop.tasks.set_state(name, "online")
        for _ in range(6):
            place.clock.forward(1_000)
            at += 0 if place.ring(event(range(at, at + 3))) else 3
            for name in TASKS:
                place.drain(name)
        for name in TASKS:
            (row,) = place.rows(name)
            gone = [range(int(gap.begin) - FIRST, int(gap.end) - FIRST) for gap in row.gaps]
            missing = set(range(at)) - set(place.taken(name)) - {number for one in gone for number in one}
            assert row.spilled == ""
            assert not missing or any(entry.gaps for entry in row.entries)
            assert len(place.taken(name)) - len(set(place.taken(name))) <= place.counts(name).maybe_repeated
