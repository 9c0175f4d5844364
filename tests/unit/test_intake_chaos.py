"""Whatever fails, for whomever: once all is mended, each task has every record once, or parked; the ledger balances."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.arriving import ARN, QUEUE, Yard, kinesis, logs, queue, subscription, yard
from tests.fakes.engine import ScriptedDestination

from logferry.errors import Misconfigured, Permanent, Transient
from logferry.model import Payload

FIRST = 49_660 * 10**51
FAULTS = [None, Transient("down"), Transient("down"), Misconfigured("HTTP 401"), KeyError("a mistake of ours")]
RECORDS = 10
TASKS = ("one", "two", "three")
Kind = Literal["kinesis", "sqs", "cloudwatch"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all runs: each has tasks of its own."""
    return tmp_path_factory.mktemp("letters")


class Weather:
    """What destinations answer: by chance, until it clears up. Some records are poison."""

    def __init__(self, chance: random.Random, poison: set[int]) -> None:
        self._chance, self._poison, self.clear = chance, poison, False
        self.in_doubt = False  # whether what fails may have arrived

    def over(self, to: ScriptedDestination) -> None:
        """This destination stands in it."""

        def judge(payload: Payload) -> None:
            error = None if self.clear else self._chance.choice(FAULTS)
            if isinstance(error, Transient) and self.in_doubt and self._chance.random() < 0.5:
                to.taken.extend(payload.body.decode().split("\n"))
                raise Transient("cut off", in_doubt=True)
            if error is not None:
                raise error
            ids = {json.loads(part)["id"] for part in payload.parts}
            if ids & self._poison:
                raise Permanent("poison")

        to.judge = judge


def options(kind: Kind) -> dict[str, Any]:
    """Of the source."""
    return {"kinesis": {"stream": ARN}, "sqs": {"queue": QUEUE}, "cloudwatch": {"log_group": "*"}}[kind]


def poll_shard(place: Yard, records: int, chance: random.Random, weather: Weather, storms: int) -> None:
    """As the poller does: from the lowest that failed on, cut anew each time."""
    at, rounds = 0, 0
    while at < records:
        rounds += 1
        weather.clear = weather.clear or rounds > storms
        size = chance.randint(1, 8)
        numbers = range(at, min(at + size, records))
        failed = place.ring(kinesis({FIRST + 7 * n: logs(n) for n in numbers}))
        at = (int(failed[0]) - FIRST) // 7 if failed else numbers[-1] + 1
        place.clock.forward(chance.choice([1, 60, 2000]))
        assert rounds < 200


def poll_queue(place: Yard, records: int, chance: random.Random, weather: Weather, storms: int) -> None:
    """As the poller does: any that are visible, those that failed come again, and some though they did not."""
    tries, gone, rounds = dict.fromkeys((f"m{n}" for n in range(records)), 0), list[str](), 0
    while tries:
        rounds += 1
        weather.clear = weather.clear or rounds > storms
        names = chance.sample(sorted(tries), min(len(tries), chance.randint(1, 6)))
        for name in names:
            tries[name] += 1
        known = {name: tries[name] for name in names} | dict.fromkeys(gone[-1:], 9)
        failed = set(place.ring(queue({name: logs(int(name[1:])) for name in known}, known)))
        gone += [name for name in names if name not in failed]
        tries = {name: count for name, count in tries.items() if name not in gone}
        place.clock.forward(chance.choice([1, 60, 2000]))
        assert rounds < 300


def send_logs(place: Yard, records: int, chance: random.Random, weather: Weather, storms: int) -> None:
    """As CloudWatch does: one message after the other, each again until it is taken, some twice."""
    for number in range(records):
        weather.clear = weather.clear or number > storms
        event = subscription([json.dumps({"id": number})], logStream=f"s{number}")
        for _ in range(5):
            if not place.ring(event):
                break
        if chance.random() < 0.3:
            assert place.ring(event) == []
        place.clock.forward(chance.choice([1, 60, 2000]))


POLLERS = {"kinesis": poll_shard, "sqs": poll_queue, "cloudwatch": send_logs}


def voyage(place: Yard, kind: Kind, chance: random.Random, weather: Weather, poison: set[int]) -> Iterator[str]:
    """Storms, then calm; then each task's name, once nothing of it waits any more."""
    records, names = RECORDS, TASKS[: chance.randint(1, 3)]
    for name in names:
        weather.over(place.apply(name, kind, **options(kind)))
    POLLERS[kind](place, records, chance, weather, chance.randint(0, 10))
    weather.clear = True
    for name in names:
        for _ in range(3):
            place.clock.forward(2000)
            place.drain(name)
        rows = place.rows(name)
        assert [row.stream for row in rows if row.spilled] == []
        assert sum(row.counts.parked for row in rows) == len(place.letters(name))
        assert set(place.taken(name)) == set(range(records)) - poison
        yield name


@pytest.mark.parametrize("kind", ["kinesis", "sqs", "cloudwatch"])
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**9), poison=st.sets(st.integers(0, RECORDS - 1), max_size=2))
def test_each_record_arrives_once_or_is_parked(folder: Path, kind: Kind, seed: int, poison: set[int]) -> None:
    """Where what fails has not arrived: nothing is missing, nothing comes twice, and a shard keeps its order."""
    chance = random.Random(seed)  # noqa: S311  # a script of faults
    with yard(folder / f"{kind}-{seed}-{len(poison)}") as place:
        for name in voyage(place, kind, chance, Weather(chance, poison), poison):
            taken, counts = place.taken(name), place.counts(name)
            # A payload with poison in it is cut in pieces, some of which arrive before another one fails.
            repeated = {record for record in taken if taken.count(record) > 1}
            assert len(repeated) <= (counts.maybe_repeated if poison else 0)
            assert kind != "kinesis" or poison or taken == sorted(taken)
            assert (counts.read, counts.delivered, counts.parked) == (RECORDS, RECORDS - len(poison), len(poison))


@pytest.mark.parametrize("kind", ["kinesis", "sqs", "cloudwatch"])
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**9))
def test_what_comes_twice_was_foretold(folder: Path, kind: Kind, seed: int) -> None:
    """Where what fails may have arrived: nothing is missing, and a record that came again was counted as perhaps so."""
    chance = random.Random(seed)  # noqa: S311  # a script of faults
    with yard(folder / f"doubt-{kind}-{seed}") as place:
        weather = Weather(chance, set())
        weather.in_doubt = True
        for name in voyage(place, kind, chance, weather, set()):
            counts = place.counts(name)
            repeated = {record for record in place.taken(name) if place.taken(name).count(record) > 1}
            assert len(repeated) <= counts.maybe_repeated
            assert counts.read == RECORDS
