"""A task that is deleted and made anew under its name: what either parked stays."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.receiving import Landing, landing

from logferry.apply import delete

BROKEN = b'{"id":1}\n%b\n'


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Landing]:
    """A receiver with one task that was deleted and made anew after it had parked a record."""
    with landing(tmp_path) as made:
        made.apply()
        assert made.post(BROKEN % b"first").status == 200
        delete("received", made.shop.table, made.clock)
        made.clock.sleep(1)
        made.apply()
        yield made


def originals(here: Landing) -> list[bytes]:
    """The broken lines of all open letters."""
    return sorted(
        letter.bytes().partition(b"\n")[2] for letter in here.shop.dead.letters("received", "open", "0")
    )  # fmt: skip


def test_a_letter_of_the_earlier_task_is_not_written_over(here: Landing) -> None:
    """Both tasks' slots have the same names, but no place in common."""
    assert here.post(BROKEN % b"second").status == 200
    assert originals(here) == [b"first", b"second"]


def test_a_letter_does_not_take_after_one_that_is_closed(here: Landing) -> None:
    """The earlier task's letter was discarded; tidying up half moved letters leaves the new one where it is."""
    dead = here.shop.dead
    for key in list(dead.keys("received", "open")):
        dead.move(key, "discarded")
    assert here.post(BROKEN % b"second").status == 200
    assert (dead.counts("received"), dead.end_moves("received")) == ({"open": 1, "replayed": 0, "discarded": 1}, 0)
    assert originals(here) == [b"second"]
