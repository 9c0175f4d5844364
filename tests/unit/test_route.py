"""The engine as a whole: nothing is lost, the ledger balances, every end of a run is a stated one."""

import itertools
import threading
from collections.abc import Callable

import pytest
from tests.fakes.engine import Bench, MemorySource, ScriptedDestination, errors, job, lines, numbers

from logferry import proof
from logferry.errors import Conflict, Misconfigured, Permanent, StateError, Transient
from logferry.job import Job, Settings
from logferry.ledger import Open
from logferry.model import Counts, Limits, Outcome, Payload
from logferry.plan import Plan
from logferry.route import run
from logferry.sources import Stream
from logferry.state.memory import open_table

NAMES = itertools.count()


def bench(count: int, **settings: float) -> Bench:
    """A source of `count` records and an empty table."""
    table = open_table(f"route-{next(NAMES)}", {}, lambda: 0.0)
    return Bench(MemorySource(lines(count)), table, settings=Settings(**settings))  # type: ignore[arg-type]  # numbers


def go(where: Bench, *jobs: Job) -> list[Outcome]:
    """One invocation up to the source's end."""
    for one in jobs:
        where.versions.setdefault(one.version, one)
    return run(jobs, where.source.streams()[0], str(len(where.source.records)), where.desk())


def balanced(where: Bench, task: str = "t") -> Counts:
    """The task's counts, after the ledger and the recount agree."""
    row = where.ledger.get(task, "0")
    assert row is not None
    assert proof.problems(row) == []
    assert proof.recount(task, row, where.versions[1].plan, where.source, where.dead).differences == []
    return row.counts


def test_everything_is_delivered_in_order_and_counted() -> None:
    """Batches, payloads and counts agree."""
    where, to = bench(47), ScriptedDestination()
    [outcome] = go(where, job(to))
    assert outcome.finished
    assert numbers(to.taken) == list(range(47))
    assert balanced(where) == Counts(read=47, delivered=47)


def test_several_payloads_in_flight_lose_nothing() -> None:
    """A window of four settles out of order; the saved prefix is whole."""
    where = bench(200)
    to = ScriptedDestination(limits=Limits(max_bytes=100, max_records=3, in_flight=4))
    [outcome] = go(where, job(to))
    assert outcome.finished
    assert sorted(numbers(to.taken)) == list(range(200))
    assert balanced(where).delivered == 200


def test_nothing_new_writes_nothing() -> None:
    """An idle stream costs reads only."""
    where, to = bench(0), ScriptedDestination()
    go(where, job(to))
    before = where.table.get("ledger/t", "0")
    [outcome] = go(where, job(to))
    assert outcome.finished
    assert before is not None
    assert where.table.get("ledger/t", "0") == before


def test_filtered_and_sampled_records_are_counted() -> None:
    """What the plan leaves out has a fate too."""
    plan = Plan(
        keep=lambda raw: raw != b"r00001", needs=("m",), test=lambda fields: str(fields["m"]).endswith(("0", "5"))
    )
    where, to = bench(20), ScriptedDestination()
    go(where, job(to, plan=plan))
    assert balanced(where) == Counts(read=20, delivered=4, filtered=15, sampled_out=1)


def test_a_poison_record_is_parked_alone_with_its_original() -> None:
    """Its neighbours arrive, its bytes and reason are kept."""

    def judge(payload: Payload) -> None:
        if b"r00013" in payload.body:
            raise Permanent("HTTP 400: bad")

    where, to = bench(30), ScriptedDestination(judge=judge)
    go(where, job(to))
    assert balanced(where) == Counts(read=30, delivered=29, parked=1)
    [key] = where.dead.keys("t", "open")
    letter = where.dead.get(key)
    assert letter is not None
    assert (letter.bytes(), letter.reason, letter.place.ordinal) == (b"r00013", "HTTP 400: bad", 3)


def test_a_failing_destination_leaves_the_range_open_and_is_tried_again() -> None:
    """Time runs out, nothing is lost, the next invocation delivers."""
    where, down = bench(20), ScriptedDestination(script=iter(lambda: Transient("down"), None))
    [outcome] = go(where, job(down))
    assert not outcome.finished
    assert "down" in outcome.note
    row = where.ledger.get("t", "0")
    assert row is not None
    assert row.lease is None
    assert row.last_error == "Transient: down"
    where.clock.forward(1_000)
    where.again()
    up = ScriptedDestination()
    assert go(where, job(up))[0].finished
    assert numbers(up.taken) == list(range(20))
    assert balanced(where).delivered == 20


def test_misconfigured_is_reported_as_held() -> None:
    """The caller holds the task; nothing is parked, nothing moves."""
    where, to = bench(20), ScriptedDestination(script=iter(lambda: Misconfigured("HTTP 401"), None))
    [outcome] = go(where, job(to))
    assert outcome.held
    assert not outcome.finished
    row = where.ledger.get("t", "0")
    assert row is not None
    assert (row.position, row.lease, row.counts) == ("0", None, Counts())


def test_a_busy_stream_ends_at_once_without_pulling() -> None:
    """Another owner's lease is respected."""
    where, to = bench(20), ScriptedDestination()
    where.ledger.create("t", "0", "0", 7)
    now = where.clock()
    assert where.ledger.claim("t", "0", Open(begin="0", end="20", task_version=1), now=now, until=now + 60)
    [outcome] = go(where, job(to))
    assert (outcome.note, outcome.finished, to.taken, where.source.reads) == ("busy", True, [], [])


def test_after_a_kill_exactly_the_open_range_is_read_again_by_the_same_version() -> None:
    """The lease expires, the open range is finished as begun, then the rest by the new version."""
    where, old, new = bench(20), ScriptedDestination(), ScriptedDestination()
    where.ledger.create("t", "0", "0", 7)
    now = where.clock()
    where.ledger.claim("t", "0", Open(begin="0", end="15", task_version=1), now=now, until=now + 60)
    where.versions[1] = job(old, version=1)
    where.clock.forward(61)
    [outcome] = go(where, job(new, version=2))
    assert outcome.finished
    assert where.source.reads[:2] == [("0", "15"), ("15", "20")]
    assert numbers(old.taken) == list(range(15))
    assert numbers(new.taken) == list(range(15, 20))
    counts = balanced(where)
    assert counts.delivered == 20
    assert counts.maybe_repeated == 15


def test_a_socket_that_breaks_sends_again_from_the_last_save() -> None:
    """Nothing between the last save and the reset counts as delivered."""
    where = bench(20)
    to = ScriptedDestination(confirmation="socket", confirms=errors(Transient("reset by peer")))
    [outcome] = go(where, job(to))
    assert outcome.finished
    assert numbers(to.taken) == [*range(20), *range(20)]
    counts = balanced(where)
    assert (counts.delivered, counts.maybe_repeated) == (20, 20)


def test_saves_happen_between_batches() -> None:
    """A kill repeats at most one save interval: with a save a batch, only the batch in flight."""
    where, to = (
        bench(30, save_seconds=0),
        ScriptedDestination(script=errors(*[None] * 4, Transient("x", retry_after=1e6))),
    )
    go(where, job(to))
    row = where.ledger.get("t", "0")
    assert row is not None
    assert row.position == "20"
    assert row.counts == Counts(read=20, delivered=20)
    assert row.open is not None


def test_expired_positions_become_a_gap() -> None:
    """What is gone at the source is recorded, and delivery goes on behind it."""
    where, to = bench(30), ScriptedDestination()
    where.ledger.create("t", "0", "0", 7)
    where.source.oldest = 12
    [outcome] = go(where, job(to))
    assert outcome.finished
    row = where.ledger.get("t", "0")
    assert row is not None
    assert [(gap.begin, gap.end, gap.reason, gap.estimate) for gap in row.gaps] == [("0", "12", "expired", 12)]
    assert numbers(to.taken) == list(range(12, 30))
    assert balanced(where).delivered == 18


def test_a_stream_made_anew_is_recognised() -> None:
    """Same name, other creation time: it starts at its own begin instead of 'all done'."""
    where, to = bench(30), ScriptedDestination()
    go(where, job(to))
    where.source.records = lines(5)
    where.source.stream = Stream(name="0", born=8)
    [outcome] = go(where, job(to))
    assert outcome.finished
    assert numbers(to.taken) == [*range(30), *range(5)]
    row = where.ledger.get("t", "0")
    assert row is not None
    assert row.born == 8
    assert "made anew" in row.gaps[0].note
    assert proof.problems(row) == []


def test_a_stream_made_anew_after_it_was_listed_is_recognised() -> None:
    """Its old positions are refused: that is no expiry, and nothing of the new stream is delivered twice for it."""
    where, to = bench(30), ScriptedDestination()
    go(where, job(to))
    old = where.source.stream
    where.source.records, where.source.oldest = lines(45), 40
    where.source.stream = Stream(name="0", born=8)
    for listed in (old, where.source.stream):
        [outcome] = run([job(to)], listed, "45", where.desk())
        assert outcome.finished
    assert numbers(to.taken) == [*range(30), *range(40, 45)]
    row = where.ledger.get("t", "0")
    assert row is not None
    assert (row.born, [gap.end for gap in row.gaps]) == (8, ["40"])
    assert "made anew" in row.gaps[0].note


def test_a_foreign_writer_stops_the_lane() -> None:
    """Somebody else's save wins; ours ends without a second save and without raising."""
    where, to = bench(20), ScriptedDestination()

    def steal(begin: int) -> None:
        item = where.table.get("ledger/t", "0")
        if begin == 10 and item:
            where.table.put("ledger/t", "0", item.value.replace(b'"owner":"', b'"owner":"x'), expect=item.version)

    where.source.on_batch = steal
    [outcome] = go(where, job(to))
    assert not outcome.finished
    assert outcome.note.startswith("Conflict")


class LossyTable:
    """A table whose answers to writes get lost: the write happened, the caller hears an error."""

    def __init__(self, where: Bench, lose: Callable[[int], bool]) -> None:
        self._table = where.table
        self._lose = lose
        self._writes = 0
        self.get, self.list, self.delete, self.close = (
            where.table.get, where.table.list, where.table.delete, where.table.close,
        )  # fmt: skip

    def put(self, partition: str, sort: str, value: bytes, *, expect: str | None, expires: float | None = None) -> str:
        """Write, then lose the answer."""
        version = self._table.put(partition, sort, value, expect=expect, expires=expires)
        self._writes += 1
        if self._lose(self._writes):
            raise StateError("time-out: the table did not answer")
        return version


def test_a_lost_answer_is_recognised_as_our_own_write() -> None:
    """An ambiguous save is found again by its bytes; nothing is sent twice."""
    where, to = bench(20, save_seconds=0), ScriptedDestination()
    where.ledger.create("t", "0", "0", 7)
    where.ledger = type(where.ledger)(LossyTable(where, lambda n: n % 2 == 1))
    [outcome] = go(where, job(to))
    assert outcome.finished
    assert numbers(to.taken) == list(range(20))
    assert balanced(where).delivered == 20


def test_jobs_at_one_position_share_one_pull() -> None:
    """Two tasks of a logstore cost one read."""
    where, one, two = bench(20), ScriptedDestination(), ScriptedDestination()
    assert all(outcome.finished for outcome in go(where, job(one, "a"), job(two, "b")))
    assert where.source.reads == [("0", "20")]
    assert (numbers(one.taken), numbers(two.taken)) == (list(range(20)), list(range(20)))
    assert balanced(where, "a") == balanced(where, "b")


def test_a_refusing_destination_costs_its_neighbour_nothing() -> None:
    """One is held, the other finishes."""
    where, good = bench(20), ScriptedDestination()
    bad = ScriptedDestination(script=iter(lambda: Misconfigured("HTTP 403"), None))
    outcomes = go(where, job(bad, "bad"), job(good, "good"))
    assert [outcome.held for outcome in outcomes] == [True, False]
    assert numbers(good.taken) == list(range(20))


def test_a_slow_destination_leaves_the_group() -> None:
    """The healthy task is done while the other still hangs; then the slow one goes on alone."""
    where, good, gate = bench(30, patience_seconds=0.05), ScriptedDestination(), threading.Event()

    def hang(_payload: Payload) -> None:
        if len(good.taken) < 30:
            gate.wait(5)

    good_done: Callable[[Payload], None] = lambda _payload: gate.set() if len(good.taken) >= 25 else None  # noqa: E731
    good.judge = good_done
    slow = ScriptedDestination(judge=hang)
    outcomes = {outcome.task: outcome for outcome in go(where, job(slow, "slow"), job(good, "good"))}
    assert gate.is_set()
    assert outcomes["good"].finished
    assert outcomes["slow"].finished
    assert where.source.reads == [("0", "30"), ("10", "30")]
    assert balanced(where, "slow") == Counts(read=30, delivered=30)


def test_a_task_that_is_behind_catches_up_alone() -> None:
    """Different positions are different pulls; both end at the same place."""
    where, one, two = bench(20), ScriptedDestination(), ScriptedDestination()
    go(where, job(one, "a"))
    where.source.records = lines(40)
    assert all(outcome.finished for outcome in go(where, job(one, "a"), job(two, "b")))
    assert numbers(two.taken) == list(range(40))
    assert numbers(one.taken) == list(range(40))


def test_out_of_time_saves_and_says_so() -> None:
    """The run stops with a reserve, what is settled is saved, the rest is next."""
    where = bench(50)
    to = ScriptedDestination(judge=lambda _payload: where.clock.forward(40))
    [outcome] = go(where, job(to))
    assert not outcome.finished
    assert outcome.note == "Unfinished: out of time" or outcome.note == "out of time"  # noqa: PLR1714  # two ways to say it
    row = where.ledger.get("t", "0")
    assert row is not None
    assert 0 < int(row.position) < 50
    assert row.failures == 0
    where.again(10_000)
    assert go(where, job(to))[0].finished
    assert sorted(set(numbers(to.taken))) == list(range(50))


def test_an_orphaned_dead_letter_is_retracted_when_its_range_is_settled_again() -> None:
    """A kill between parking and saving leaves no letter for a record that was delivered in the end."""
    where, to = bench(10), ScriptedDestination()
    where.ledger.create("t", "0", "0", 7)
    now = where.clock()
    where.ledger.claim("t", "0", Open(begin="0", end="10", task_version=1), now=now, until=now + 1)
    from logferry.dead_letters import Place

    where.dead.park("t", 1, Place("0", "0", 3), "HTTP 400", b"r00003")
    where.clock.forward(2)
    assert go(where, job(to))[0].finished
    assert balanced(where).delivered == 10
    assert list(where.dead.keys("t", "open")) == []


def test_an_unreachable_destination_is_found_before_the_first_pull() -> None:
    """Reachability is tested first: nothing is read for a destination that is not there."""

    class Unreachable(ScriptedDestination):
        """Refuses to connect."""

        def check(self, time_out: float) -> None:  # noqa: ARG002  # the protocol's
            """Nobody listens."""
            raise Transient("connection refused")

    where = bench(20)
    [outcome] = go(where, job(Unreachable()))
    assert not outcome.finished
    assert where.source.reads == []


def test_conflict_while_claiming_is_busy() -> None:
    """Losing the race for the lease is no error."""
    where = bench(5)
    where.ledger.create("t", "0", "0", 7)
    real = where.table.put

    def lose(*_args: object, **_kwargs: object) -> str:
        raise Conflict("first", version="x")

    where.table.put = lose  # type: ignore[method-assign]  # this table instance only
    [outcome] = go(where, job(ScriptedDestination()))
    where.table.put = real  # type: ignore[method-assign]
    assert outcome.note == "busy"


@pytest.mark.parametrize("fault", ["lost", "double", "hole", "letter"])
def test_seeded_faults_are_found(fault: str) -> None:
    """A lost record, a double count, a hole and a missing dead letter each show."""

    def judge(payload: Payload) -> None:
        if b"r00013" in payload.body:
            raise Permanent("HTTP 400")

    where, to = bench(30), ScriptedDestination(judge=judge)
    go(where, job(to))
    if fault == "letter":
        where.store.objects.clear()
    else:
        edits = {"lost": (b'"delivered":29', b'"delivered":28'), "double": (b'"delivered":29', b'"delivered":30'),
                 "hole": (b'"position":"30"', b'"position":"33"')}  # fmt: skip
        item = where.table.get("ledger/t", "0")
        assert item is not None
        assert edits[fault][0] in item.value
        where.table.put("ledger/t", "0", item.value.replace(*edits[fault]), expect=item.version)
    row = where.ledger.get("t", "0")
    assert row is not None
    recount = proof.recount("t", row, Plan(), where.source, where.dead)
    assert bool(proof.problems(row)) == (fault != "letter")
    assert bool(recount.differences) == (fault == "letter")
