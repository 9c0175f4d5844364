"""How fast a busy collector is fed: halved at once, given back slowly, never more than bounded."""

import pytest
from tests.fakes.engine import Clock

from logferry.errors import Transient
from logferry.transport.turns import Turns


def requests(turns: Turns, clock: Clock, count: int) -> list[float]:
    """When each of `count` requests, one after the other, began."""
    begun = []
    for _ in range(count):
        with turns.turn(clock() + 1_000):
            begun.append(clock())
    return begun


def slowed(turns: Turns, clock: Clock, times: int) -> None:
    """So many busy answers, each in a volley of its own."""
    for _ in range(times):
        clock.forward(1)
        with turns.turn(clock() + 100):
            turns.slow()


def test_unhurried_collector_is_not_held_back() -> None:
    """Without a busy answer nothing waits, however many are under way."""
    clock = Clock()
    turns = Turns(clock, clock.sleep)
    requests(turns, clock, 100)
    assert (clock.slept, turns.gap) == ([], 0.0)


def test_busy_answer_halves_what_is_under_way() -> None:
    """Of eight under way four stay, whatever the limit was before."""
    clock = Clock()
    turns = Turns(clock, clock.sleep)
    entered = [turns.turn(clock() + 1) for _ in range(8)]
    for turn in entered:
        turn.__enter__()
    turns.slow()
    assert turns.room == 4
    turns.slow()
    assert turns.room == 4, "the same volley says it once"
    clock.forward(1)
    turns.slow()
    assert turns.room == 2
    for turn in entered:
        turn.__exit__(None, None, None)


def test_no_room_within_the_time_left_sends_nothing() -> None:
    """Who cannot get in before its time is up is told so, and nothing is in doubt."""
    clock = Clock()
    turns = Turns(clock, clock.sleep)
    slowed(turns, clock, 1)
    with turns.turn(clock() + 9), pytest.raises(Transient, match="nothing was sent") as caught, turns.turn(clock() + 9):
        pytest.fail("there was no room")
    assert not caught.value.in_doubt
    assert sum(clock.slept) < 9


def test_pauses_grow_to_a_bound_and_go() -> None:
    """With one request left pauses double up to 8 s; successes halve them until they are gone."""
    clock = Clock()
    turns = Turns(clock, clock.sleep)
    slowed(turns, clock, 12)
    assert (turns.room, turns.gap) == (1, 8.0)
    begun = requests(turns, clock, 3)
    assert begun[2] - begun[1] == 8.0
    for _ in range(6):
        turns.good()
    assert turns.gap == 0.0
    for _ in range(3):
        turns.good()
    assert 2 < turns.room < 4, "about one more for each round of successes"


def test_wish_to_be_left_alone_holds_for_every_thread() -> None:
    """`Retry-After` is told as such to whoever comes before its end, and nothing is sent."""
    clock = Clock()
    turns = Turns(clock, clock.sleep)
    turns.slow(30.0)
    clock.forward(10)
    with pytest.raises(Transient, match="nothing was sent") as caught, turns.turn(clock() + 100):
        pytest.fail("it wanted to be left alone")
    assert caught.value.retry_after == 20.0
    clock.forward(20)
    requests(turns, clock, 1)
