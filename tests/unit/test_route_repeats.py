"""After an interruption: what may have arrived twice is said, and no dead letter is left of what was delivered."""

import itertools

import pytest
from tests.fakes.engine import ScriptedDestination, bench, errors, go, job, killed, numbers, recounted, row_of

from logferry.dead_letters import Place
from logferry.errors import Permanent, SourceError, Transient
from logferry.model import Payload


def test_everything_that_an_interrupted_run_may_have_sent_is_maybe_repeated() -> None:
    """It may have sent as much as one save interval holds, however early the next run saves."""
    where, to = bench(100, save_seconds=0), ScriptedDestination()
    killed(where, 100)
    assert go(where, job(to))[0].finished
    assert recounted(where).counts.maybe_repeated == 100


def test_behind_a_save_interval_nothing_is_maybe_repeated() -> None:
    """A run saves after so many bytes at the latest: what lies behind was never sent."""
    where, to = bench(100, save_bytes=120), ScriptedDestination()  # two batches of ten records of six bytes
    killed(where, 100)
    assert go(where, job(to))[0].finished
    assert recounted(where).counts.maybe_repeated == 20


def test_a_second_interruption_does_not_forget_the_first() -> None:
    """The rest of the range stays open, so that the third run knows."""
    where, to = bench(100, save_seconds=0), ScriptedDestination()
    killed(where, 100)

    def stop(begin: int) -> None:
        if begin == 30:
            raise SourceError("busy")

    where.source.on_batch = stop
    go(where, job(to))
    assert row_of(where).open is not None
    where.source.on_batch = lambda _begin: None
    where.clock.forward(1_000)
    assert go(where, job(to))[0].finished
    assert recounted(where).counts.maybe_repeated == 100


@pytest.mark.parametrize("size", [7, 10, 100])
def test_orphaned_dead_letters_are_retracted_whatever_the_batches(size: int) -> None:
    """The source may cut the same range differently the second time."""
    where, to = bench(40, save_seconds=0), ScriptedDestination()
    killed(where, 40)
    for begin, ordinal in ((0, 3), (10, 2), (30, 9)):
        where.dead.park("t", 1, Place("0", str(begin), ordinal), "HTTP 400", b"r")
    where.source.batch = size
    assert go(where, job(to))[0].finished
    assert list(where.dead.keys("t", "open")) == []
    assert recounted(where).counts.delivered == 40


def test_an_orderly_stop_leaves_open_what_was_sent_and_no_more() -> None:
    """The next run repeats that part, and says so of that part only."""
    where = bench(100)
    to = ScriptedDestination(script=errors(*[None] * 5, Transient("x", retry_after=1)))
    go(where, job(to), seconds=4)
    opened = row_of(where).open
    assert opened is not None
    assert (opened.begin, opened.end) == ("20", "30")
    where.clock.forward(1_000)
    assert go(where, job(to))[0].finished
    assert recounted(where).counts.maybe_repeated == 10


def test_dead_letters_of_an_earlier_task_of_the_same_name_are_no_difference() -> None:
    """They are data and stay; the task that was made anew has its own ledger."""

    def judge(payload: Payload) -> None:
        if b"r00003" in payload.body:
            raise Permanent("HTTP 400")

    where = bench(10)
    go(where, job(ScriptedDestination(judge=judge)))
    assert recounted(where).counts.parked == 1
    where.ledger.delete("t")
    where.clock.forward(60)
    go(where, job(ScriptedDestination()))
    assert recounted(where).counts.delivered == 10
    assert len(list(where.dead.keys("t", "open"))) == 1


def test_dead_letters_outside_the_open_range_stay() -> None:
    """What was settled before is nobody's orphan."""
    where, to = bench(40), ScriptedDestination()
    killed(where, 20)
    where.dead.park("t", 1, Place("0", "30", 1), "HTTP 400", b"r")
    where.source.records = where.source.records[:20]
    assert go(where, job(to))[0].finished
    assert len(list(where.dead.keys("t", "open"))) == 1


@pytest.mark.parametrize("ending", ["out of time", "source"])
def test_a_socket_that_cannot_vouch_on_the_way_out_leaves_the_range_open(ending: str) -> None:
    """Records were written and not confirmed: the next run says that they may come twice."""
    where = bench(30)
    to = ScriptedDestination(confirmation="socket", confirms=errors(Transient("reset by peer")))
    seen = itertools.count()

    def slow(_payload: Payload) -> None:
        if ending == "out of time" and next(seen) == 1:
            where.clock.forward(298)

    def fail(begin: int) -> None:
        if ending == "source" and begin == 10 and not to.sent > 6:
            raise SourceError("busy")

    to.judge, where.source.on_batch = slow, fail
    [outcome] = go(where, job(to))
    assert not outcome.finished
    row = row_of(where)
    assert (row.position, row.counts.delivered) == ("0", 0)
    assert row.open is not None
    where.source.on_batch = lambda _begin: None
    where.clock.forward(1_000)
    assert go(where, job(to))[0].finished
    sent = numbers(to.taken)
    assert len(sent) - len(set(sent)) <= recounted(where).counts.maybe_repeated


def test_a_source_that_oversteps_the_end_leaves_no_range_open() -> None:
    """The position lies behind the range's end: nothing of it is in flight any more."""
    where = bench(40, save_seconds=0)
    to = ScriptedDestination()
    where.source.oversteps = True
    where.versions[1] = job(to)
    from logferry.route import run

    [outcome] = run([job(to)], where.source.streams()[0], "25", where.desk())
    assert outcome.finished
    row = recounted(where)
    assert (row.position, row.open, row.lease) == ("30", None, None)
    assert numbers(to.taken) == list(range(30))


def test_a_save_at_the_ranges_end_says_that_nothing_is_in_flight() -> None:
    """A kill between this save and the last one repeats nothing, and the row knows."""
    where, opens = bench(20, save_seconds=0), []
    to = ScriptedDestination()
    put = where.table.put

    def noted(partition: str, sort: str, value: bytes, *, expect: str | None, expires: float | None = None) -> str:
        opens.append(b'"open"' in value)
        return put(partition, sort, value, expect=expect, expires=expires)

    where.table.put = noted  # type: ignore[method-assign]  # this table instance only
    go(where, job(to))
    assert opens == [False, True, True, False, False]  # created, claimed, saved at 10, saved at 20, let go
