"""Backfill runs in the state table, and a run's dead letters apart from the live run's."""

from typing import Literal

import pytest
from tests.fakes.engine import Clock, MemoryStore

from logferry.backfills import Part, Range, Run, RunLetters, Runs
from logferry.dead_letters import DeadLetters, Place
from logferry.errors import ConfigError
from logferry.ledger import Ledger
from logferry.state import Table
from logferry.state.memory import open_table


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Table:
    """An empty table."""
    return open_table(request.node.nodeid, {}, lambda: 0.0)


def run(name: str, made: float = 0.0, *, done: bool = False) -> Run:
    """A run over one stream."""
    ranges = (Range(stream="0", born=7, begin="3", parts=(Part("5"), Part("9", again=True))),)
    state: Literal["open", "done"] = "done" if done else "open"
    return Run(run=name, task="t", version=1, since=10, until=20, made=made, ranges=ranges, state=state)


def test_a_run_is_read_back_as_it_was_written(table: Table) -> None:
    """Every part and every flag, under its task alone."""
    Runs(table).save(run("a"))
    assert Runs(table).get("t", "a") == run("a")
    assert Runs(table).get("t", "a").ranges[0].end == "9"
    assert Runs(table).all("other") == []


def test_last_is_the_newest_that_is_not_done(table: Table) -> None:
    """Not the newest of all, and not the first in the alphabet."""
    runs = Runs(table)
    for one in (run("z", 1.0), run("b", 2.0), run("c", 3.0, done=True)):
        runs.save(one)
    assert runs.get("t", "last").run == "b"
    assert [one.run for one in runs.all("t")] == ["z", "b", "c"]


def test_an_unknown_run_is_answered_with_the_known_ones(table: Table) -> None:
    """So is `last` when none is open."""
    Runs(table).save(run("a", done=True))
    for name in ("b", "last"):
        with pytest.raises(ConfigError, match=rf"'{name}' is not a run of task t; known: a \(done\)"):
            Runs(table).get("t", name)


def test_a_run_has_ledger_rows_of_its_own(table: Table) -> None:
    """Deleting one book leaves the other, and neither lists the other's rows."""
    live = Ledger(table)
    book = live.of_run("a")
    live.create("t", "0", "100")
    book.create("t", "0", "3")
    assert [row.position for row in live.rows("t")] == ["100"]
    assert [row.position for row in book.rows("t")] == ["3"]
    live.delete("t")
    assert [row.position for row in book.rows("t")] == ["3"]


def test_a_run_and_the_live_run_park_the_same_record_apart() -> None:
    """Each sees its own letter under the stream's plain name; taking one back leaves the other."""
    live = DeadLetters(MemoryStore(), Clock())
    mine, place = RunLetters(live, "a"), Place("0", "3", 1)
    live.park("t", 1, place, "too large", b"x")
    mine.park("t", 1, place, "too large", b"x")
    assert list(mine.places("t", "open", "0")) == [place]
    assert list(live.places("t", "open", "0")) == [place]
    assert sorted(found.stream for found in live.places("t", "open")) == ["0", "0@a"]
    mine.retract("t", [place])
    assert list(mine.places("t", "open", "0")) == []
    assert list(live.places("t", "open", "0")) == [place]
    assert mine.counts("t", "0")["open"] == 0
