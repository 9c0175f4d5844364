"""Dead letters are found again by their place, move between states, and survive odd names."""

import pytest
from tests.fakes.engine import Clock, MemoryStore

from logferry.dead_letters import DeadLetters, Place


def letters() -> DeadLetters:
    """An empty store."""
    return DeadLetters(MemoryStore(), Clock())


@pytest.mark.parametrize("begin", ["MTc2NzIyNTYwMDEyMzQ1Njc4OQ==", "a/b+c=", "..", ".", "é %"])
def test_a_place_survives_its_key(begin: str) -> None:
    """Any cursor can be part of a key and comes back as it was."""
    dead = letters()
    place = Place("acct/cn-x/p/l/3", begin, 7)
    key = dead.park("t", 1, place, "HTTP 400", b"\x00raw")
    assert list(dead.places("t", "open", place.stream, begin)) == [place]
    assert not {"", ".", ".."} & set(key.split("/"))
    letter = dead.get(key)
    assert letter
    assert (letter.bytes(), letter.reason, letter.task_version) == (b"\x00raw", "HTTP 400", 1)


def test_parking_the_same_record_again_overwrites() -> None:
    """A repeat after a kill makes no second letter."""
    dead = letters()
    for reason in ("first", "second"):
        dead.park("t", 1, Place("0", "5", 7), reason, b"x")
    [key] = dead.keys("t", "open")
    letter = dead.get(key)
    assert letter
    assert letter.reason == "second"


def test_a_letter_moves_between_states() -> None:
    """Replayed or discarded letters are kept apart, never lost."""
    dead = letters()
    dead.move(dead.park("t", 1, Place("0", "5", 7), "r", b"x"), "discarded")
    assert list(dead.keys("t", "open")) == []
    assert list(dead.places("t", "discarded")) == [Place("0", "5", 7)]


def test_listing_one_stream_leaves_its_neighbours_out() -> None:
    """Stream 1 is not stream 10."""
    dead = letters()
    dead.park("t", 1, Place("1", "5", 0), "r", b"x")
    dead.park("t", 1, Place("10", "5", 0), "r", b"x")
    assert [place.stream for place in dead.places("t", "open", "1")] == ["1"]
