"""Tables and object stores that fail for a while, leases that run out, clocks that jump: nothing lost or doubled."""

import threading
import time
from collections.abc import Iterator, Mapping

import msgspec
import pytest
from tests.fakes.engine import (
    Bench,
    FaultyTable,
    LineEncoder,
    MemoryBatch,
    MemorySource,
    MemoryStore,
    ScriptedDestination,
    bench,
    go,
    job,
    killed,
    numbers,
    recounted,
    row_of,
)

from logferry import proof
from logferry.errors import Expired, Missing, Permanent, StateError, Transient
from logferry.job import Job
from logferry.ledger import Ledger, Open
from logferry.model import Limits, Payload, Position, Record, Value
from logferry.plan import Plan
from logferry.route import run


def faulty(where: Bench) -> FaultyTable:
    """The bench over a table that fails when told."""
    table = FaultyTable(where.table)
    where.ledger = Ledger(table)
    return table


@pytest.mark.parametrize("ambiguous", [False, True])
@pytest.mark.parametrize("calls", [1, 3, 5, 9, 14])
@pytest.mark.parametrize("first", [1, 2, 3, 5, 8])
def test_a_table_that_fails_for_a_while_loses_and_doubles_nothing(first: int, calls: int, *, ambiguous: bool) -> None:
    """From the n-th write on, for some calls; with `ambiguous` the writes happen and only their answers get lost."""
    where, to = bench(30, save_seconds=0), ScriptedDestination()
    table = faulty(where)
    table.fail(first, calls, ambiguous=ambiguous)
    go(where, job(to))
    table.fail(1, 0)
    where.clock.forward(1_000)
    assert go(where, job(to))[0].finished
    row = recounted(where)
    assert row.counts.delivered == 30
    sent = numbers(to.taken)
    assert set(sent) == set(range(30))
    assert len(sent) - 30 <= row.counts.maybe_repeated


def test_an_earlier_write_of_ours_whose_answer_got_lost_is_no_foreign_write() -> None:
    """Four answers in a row got lost, then the row is written with what was to be said last: the owner is the same."""
    where = bench(30, save_seconds=0)
    to = ScriptedDestination()
    table = faulty(where)
    where.ledger.create("t", "0", "0", 7)
    table.fail(2, 4, ambiguous=True, reads=False)  # the claim, then the first save and its repetitions
    go(where, job(to), seconds=5)
    row = recounted(where)
    assert row.lease is None
    assert row.counts.delivered >= 10


def test_a_table_that_is_down_is_not_asked_without_a_pause() -> None:
    """Reads work, writes do not: a run waits between two attempts instead of spinning."""
    where = bench(10)
    table = faulty(where)
    where.ledger.create("t", "0", "0", 7)
    table.fail(1, 10_000, reads=False)
    go(where, job(ScriptedDestination()), seconds=60)
    assert table.writes < 500
    assert where.clock.slept


def test_a_stream_that_our_own_failed_run_still_holds_is_not_called_finished() -> None:
    """The lease could not be given back: the caller must come again."""
    where = bench(10)
    table = faulty(where)
    where.ledger.create("t", "0", "0", 7)
    table.fail(2, 8, reads=False)
    [outcome] = go(where, job(ScriptedDestination()), seconds=30)
    assert not outcome.finished
    where.clock.forward(100)
    assert go(where, job(ScriptedDestination()))[0].finished


class FaultyStore(MemoryStore):
    """Fails for some puts."""

    failures = 0

    def put(self, key: str, body: bytes) -> None:
        """Not while it fails."""
        if self.failures > 0:
            self.failures -= 1
            raise StateError("disk full")
        super().put(key, body)


@pytest.mark.parametrize("failures", [1, 2, 3, 50])
def test_an_object_store_that_fails_while_parking_holds_the_position(failures: int) -> None:
    """A record is parked before the position passes it; the run comes again, and parks once."""

    def judge(payload: Payload) -> None:
        if b"r00013" in payload.body or b"r00025" in payload.body:
            raise Permanent("HTTP 400")

    where, to = bench(30, save_seconds=0), ScriptedDestination(judge=judge)
    store = where.store = FaultyStore()
    where.__post_init__()
    store.failures = failures
    [outcome] = go(where, job(to), seconds=10)
    row = row_of(where)
    assert row.lease is None
    assert outcome.finished or int(row.position) == 10
    store.failures = 0
    where.clock.forward(1_000)
    assert go(where, job(to))[0].finished
    counts = recounted(where).counts
    assert (counts.read, counts.delivered, counts.parked) == (30, 28, 2)
    assert len(list(where.dead.keys("t", "open"))) == 2


@pytest.mark.parametrize("width", [1, 4])
def test_the_lease_is_kept_while_a_slow_send_goes_on(width: int) -> None:
    """However many payloads are on their way at once, nobody else may take the stream meanwhile."""
    where, gate, inside = bench(5), threading.Event(), threading.Event()

    def hang(_payload: Payload) -> None:
        inside.set()
        assert gate.wait(20)

    to = ScriptedDestination(judge=hang, limits=Limits(max_bytes=1_000, max_records=5, in_flight=width))
    worker = threading.Thread(target=lambda: go(where, job(to)))
    worker.start()
    try:
        assert inside.wait(10)
        first = row_of(where).lease
        where.clock.forward(50)
        until = time.monotonic() + 10
        while row_of(where).lease == first and time.monotonic() < until:
            time.sleep(0.02)
        lease = row_of(where).lease
    finally:
        gate.set()
        worker.join()
    assert first is not None
    assert lease is not None
    assert lease.until >= where.clock() + 50
    assert row_of(where).counts.delivered == 5


@pytest.mark.parametrize("width", [1, 4])
def test_a_run_that_was_frozen_past_its_lease_counts_nothing(width: int) -> None:
    """Another owner took over and settled the range: the first finds out before it sends more, and counts nothing."""
    where, other = bench(30), ScriptedDestination()

    def freeze(begin: int) -> None:
        if begin == 10 and not other.taken:
            where.clock.forward(100)
            assert run([job(other)], where.source.streams()[0], "30", where.desk())[0].finished

    where.source.on_batch = freeze
    to = ScriptedDestination(limits=Limits(max_bytes=1_000, max_records=5, in_flight=width))
    [outcome] = go(where, job(to))
    assert outcome.counts.read == 0
    row = recounted(where)
    assert (row.counts.read, row.counts.delivered, row.counts.maybe_repeated) == (30, 30, 30)
    assert set(numbers(to.taken)) <= set(range(10))


def test_a_frozen_run_leaves_no_dead_letter_of_what_the_other_delivered() -> None:
    """It asks whose the stream is before it parks."""
    where, other = bench(10), ScriptedDestination()

    class Picky(LineEncoder):
        """Cannot take one record."""

        def encode(self, record: Record) -> bytes:
            """Refuses it."""
            raise Permanent(f"no such character in record {record.ordinal}")

    def freeze(fields: Mapping[str, Value]) -> bool:
        if fields["m"] == "r00009":
            where.clock.forward(100)
            assert run([job(other)], where.source.streams()[0], "10", where.desk())[0].finished
        return fields["m"] == "r00003"

    go(where, Job("t", 1, Plan(test=freeze), Picky(), ScriptedDestination()))
    assert recounted(where).counts.delivered == 10
    assert list(where.dead.keys("t", "open")) == []


@pytest.mark.parametrize("field", ["lease", "retry_at"])
def test_a_row_written_under_a_clock_that_ran_years_ahead_is_not_stuck(field: str) -> None:
    """Once the clock is right again, a lease or a rest of years is not believed."""
    where, to = bench(10), ScriptedDestination()
    far = where.clock() + 10 * 365 * 86_400
    where.ledger.create("t", "0", "0", 7)
    if field == "lease":
        assert where.ledger.claim("t", "0", Open(begin="0", end="10", task_version=1), now=far, until=far + 60)
        where.versions[1] = job(to)
    else:
        where.ledger.edit("t", "0", lambda row: msgspec.structs.replace(row, retry_at=far), now=0)
    assert go(where, job(to))[0].finished
    assert recounted(where).counts.delivered == 10


def test_a_clock_that_jumps_back_does_not_stop_the_saves() -> None:
    """Else a kill would repeat hours instead of one save interval."""
    where, to, positions = bench(50), ScriptedDestination(), list[str]()

    def jump(begin: int) -> None:
        where.clock.forward(-3_600 if begin == 10 else 6)
        positions.append(row_of(where).position)

    where.source.on_batch = jump
    go(where, job(to))
    assert int(positions[-1]) >= 30


def test_records_that_expire_in_the_middle_of_a_run_become_a_gap_behind_what_was_delivered() -> None:
    """What was settled before is saved, what is gone is said, the rest is delivered."""
    where, to = bench(40, save_seconds=0), ScriptedDestination()

    def expire(begin: int) -> None:
        if begin == 20 and where.source.oldest == 0:
            where.source.oldest = 25
            raise Expired("gone")

    where.source.on_batch = expire
    assert go(where, job(to))[0].finished
    row = recounted(where)
    assert [(gap.begin, gap.end, gap.reason) for gap in row.gaps] == [("20", "25", "expired")]
    assert numbers(to.taken) == [*range(20), *range(25, 40)]
    assert row.counts.maybe_repeated == 0


def test_a_stream_that_expires_faster_than_it_is_read_ends_in_time() -> None:
    """Each attempt finds its position gone: gaps are recorded, and the call ends before its platform ends it."""
    where = bench(100_000)

    def expire(_begin: int) -> None:
        where.source.oldest += 1
        where.clock.forward(1)
        raise Expired("gone")

    where.source.on_batch = expire
    clock = where.clock()
    [outcome] = go(where, job(ScriptedDestination()), seconds=60)
    assert (outcome.finished, outcome.note) == (False, "out of time")
    assert where.clock() - clock < 60
    row = row_of(where)
    assert (row.lease, len(row.gaps)) == (None, 8)


def test_an_open_range_that_expires_in_part_stays_open_for_the_rest() -> None:
    """What is left of it may have been sent before: the same version goes on, and the ledger says so."""
    where, old, new = bench(40), ScriptedDestination(), ScriptedDestination()
    killed(where, 30)
    where.versions[1] = job(old, version=1)
    where.source.oldest = 12
    assert go(where, job(new, version=2))[0].finished
    assert (numbers(old.taken), numbers(new.taken)) == (list(range(12, 30)), list(range(30, 40)))
    assert recounted(where).counts.maybe_repeated == 18


def test_a_stream_that_is_gone_is_told_and_is_no_difference() -> None:
    """A shard that was split is dropped by the service once its records expired."""

    class Gone(MemorySource):
        """No such shard."""

        def read(self, stream: str, begin: Position, end: Position) -> Iterator[MemoryBatch]:
            """ShardNotExist."""
            raise Missing(f"ShardNotExist {stream} {begin} {end}")

    where = bench(10)
    go(where, job(ScriptedDestination()))
    found = proof.recount("t", row_of(where), Plan(), Gone([]), where.dead)
    assert found.differences == []
    assert "no longer at the source" in found.notes[0]


def test_dead_letters_of_an_open_range_that_expired_are_no_difference() -> None:
    """They were parked and never counted: kept, since they are all that is left of their records."""
    from logferry.dead_letters import Place

    where, to = bench(40), ScriptedDestination()
    killed(where, 10)
    where.dead.park("t", 1, Place("0", "0", 3), "HTTP 400", b"r00003")
    where.source.oldest = 20
    assert go(where, job(to))[0].finished
    assert recounted(where).counts.delivered == 20
    assert len(list(where.dead.keys("t", "open"))) == 1


def test_a_rate_of_refusals_holds_the_task_across_calls() -> None:
    """The budget is the task's, not the call's: a few a minute are too many in the end."""
    where = bench(60, park_records=5, save_seconds=0)

    def judge(payload: Payload) -> None:
        if any(part.endswith(b"7") for part in payload.parts):
            raise Permanent("HTTP 400")

    one = job(ScriptedDestination(judge=judge))
    records, outcomes = where.source.records, []
    for end in range(10, 70, 10):
        where.source.records = records[:end]
        outcomes.append(go(where, one)[0])
        where.clock.forward(60)
    assert [outcome.held for outcome in outcomes] == [False] * 5 + [True]


def test_a_transient_failure_of_many_calls_ends_in_delivery() -> None:
    """The pauses grow, the position stays, and when the destination is back everything arrives once."""
    where = bench(20)
    down = ScriptedDestination(script=iter(lambda: Transient("down"), None))
    one = job(down)
    for _ in range(8):
        go(where, one, seconds=60)
        where.clock.forward(300)
    down.script = iter(())
    assert go(where, one)[0].finished
    assert numbers(down.taken) == list(range(20))
