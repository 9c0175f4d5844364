"""Everything fails at random, by a seed: the table (before a write or after it), the destination, time, the process."""

import random
from contextlib import suppress
from pathlib import Path

import pytest
from tests.fakes.engine import FaultyTable, numbers
from tests.fakes.shelf import Shelf, body, shelf

from logferry.errors import StateError, Transient
from logferry.put_events import Creation
from logferry.state.memory import open_table

OBJECTS, RECORDS = 8, 35


class Killed(BaseException):
    """Nobody catches it: what was under way ends where it stands."""


def note(place: Shelf, creation: Creation) -> None:
    """As a platform tells of it: again, until the function returns."""
    for _ in range(20):
        try:
            place.note(creation)
        except StateError:
            continue
        return
    raise AssertionError("never noted")


def visit(place: Shelf, chance: random.Random) -> None:
    """One sweep, with whatever comes in between."""
    with suppress(StateError, Killed):  # the next sweep comes anyway
        place.visit(seconds=chance.choice([5.0, 20.0, 100.0]))


@pytest.mark.parametrize("seed", range(15))
def test_whatever_fails_nothing_is_lost_and_repeats_are_foretold(tmp_path: Path, seed: int) -> None:
    """At the end each record arrived, nothing is due, each slot balances and tiles, and a recount agrees."""
    chance = random.Random(seed)  # noqa: S311  # a seeded course of events
    table = FaultyTable(open_table(f"chaos-{seed}", {}, lambda: 0.0))
    place = shelf(tmp_path, table=table, lease_seconds=30.0)

    def judge(_payload: object) -> None:
        place.clock.sleep(chance.random() * 2)
        if chance.random() < 0.04:
            raise Killed
        if chance.random() < 0.1:
            raise Transient("503", in_doubt=chance.random() < 0.5)
        if chance.random() < 0.1:
            table.fail(chance.randint(1, 4), chance.choice([1, 1, 6]), ambiguous=chance.random() < 0.5)

    place.destinations["t"].judge = judge
    for number in range(OBJECTS):
        if chance.random() < 0.3:
            table.fail(chance.randint(1, 6), chance.choice([1, 3, 8]), ambiguous=chance.random() < 0.5)
        note(place, place.put(f"{number}.ndjson", body(RECORDS, number * RECORDS)))
        visit(place, chance)
    table.fail(1, 0)
    place.destinations["t"].judge = lambda _payload: None
    for _ in range(20):
        place.clock.forward(400.0)
        visit(place, chance)
    assert place.due() == []
    taken = numbers(place.taken())
    assert sorted(set(taken)) == list(range(OBJECTS * RECORDS))
    counts = place.counts()
    assert (counts.read, counts.delivered) == (OBJECTS * RECORDS, OBJECTS * RECORDS)
    assert len(taken) - OBJECTS * RECORDS <= counts.maybe_repeated
