"""A mistake in our own code: the stream is let go, nothing moves, nobody else is touched, the next run goes on."""

import itertools
from collections.abc import Iterator

import pytest
from tests.fakes.engine import LineEncoder, ScriptedDestination, bench, go, job, numbers, row_of

from logferry.job import Job
from logferry.model import Limits, Payload, Record
from logferry.plan import Plan


class Clumsy(ScriptedDestination):
    """A destination that was never finished."""

    def __init__(self, method: str, in_flight: int = 1) -> None:
        super().__init__(limits=Limits(max_bytes=1_000, max_records=2, in_flight=in_flight))
        self._method = method

    def check(self, time_out: float) -> None:  # noqa: ARG002  # the protocol's
        """As told."""
        self._stumble("check")

    def send(self, payload: Payload, time_out: float) -> None:
        """As told."""
        self._stumble("send")
        super().send(payload, time_out)

    def confirm(self, time_out: float) -> None:
        """As told."""
        self._stumble("confirm")
        super().confirm(time_out)

    def _stumble(self, method: str) -> None:
        if method == self._method:
            raise ValueError("secret-token")


class ClumsyEncoder(LineEncoder):
    """Chokes on one record."""

    def encode(self, record: Record) -> bytes:
        """All but that one."""
        if record.fields["m"] == "r00003":
            raise ValueError("secret-token")
        return super().encode(record)


def clumsy(where: str, name: str = "t") -> Job:
    """A job with a mistake at one place."""
    if where == "select":
        return job(ScriptedDestination(), name, Plan(test=lambda fields: fields["absent"] == 1))
    if where == "encode":
        return Job(name, 1, Plan(), ClumsyEncoder(), ScriptedDestination())
    if where == "send in a thread":
        return job(Clumsy("send", in_flight=4), name)
    return job(Clumsy(where), name)


PLACES = ["select", "encode", "check", "send", "send in a thread", "confirm"]


@pytest.mark.parametrize("place", PLACES)
def test_a_bug_lets_go_of_the_stream_and_moves_nothing(place: str) -> None:
    """No lease is left, no record counts, the row says what happened, and the text (which may hold anything) is out."""
    where = bench(20)
    [outcome] = go(where, clumsy(place))
    row = row_of(where)
    assert (outcome.finished, outcome.held) == (False, False)
    assert (row.lease, row.position, row.entries) == (None, "0", ())
    for text in (outcome.note, row.last_error):
        assert "Error" in text
        assert "secret" not in text
    assert row.retry_at > where.clock()


@pytest.mark.parametrize("place", PLACES)
def test_once_a_bug_is_gone_everything_is_delivered(place: str) -> None:
    """What it left behind holds nobody up."""
    where, to = bench(20), ScriptedDestination()
    go(where, clumsy(place))
    where.clock.forward(1_000)
    assert go(where, job(to))[0].finished
    assert sorted(set(numbers(to.taken))) == list(range(20))
    assert row_of(where).counts.delivered == 20


@pytest.mark.parametrize("place", PLACES)
def test_a_bug_in_one_task_costs_its_neighbours_nothing(place: str) -> None:
    """They share the pull and end as if it were not there."""
    where, one, two = bench(30), ScriptedDestination(), ScriptedDestination()
    outcomes = go(where, job(one, "a"), clumsy(place, "b"), job(two, "c"))
    assert [outcome.finished for outcome in outcomes] == [True, False, True]
    assert (numbers(one.taken), numbers(two.taken)) == (list(range(30)), list(range(30)))
    assert [row_of(where, task).lease for task in "abc"] == [None, None, None]


def test_a_bug_in_the_source_leaves_no_lease_and_keeps_what_was_settled() -> None:
    """The batches before it are saved for every task."""
    where, one, two = bench(30), ScriptedDestination(), ScriptedDestination()

    def stumble(begin: int) -> None:
        if begin == 20:
            raise TypeError("secret-token")

    where.source.on_batch = stumble
    outcomes = go(where, job(one, "a"), job(two, "b"))
    assert [outcome.finished for outcome in outcomes] == [False, False]
    for task in "ab":
        row = row_of(where, task)
        assert (row.lease, row.position, row.counts.delivered) == (None, "20", 20)


def test_a_bug_does_not_ask_the_stumbling_lane_for_more() -> None:
    """Its next batch would end behind one that has no fate: it gets none."""
    where, sane = bench(30), ScriptedDestination()
    seen: Iterator[int] = itertools.count()

    def stumble(_payload: Payload) -> None:
        if next(seen) == 0:
            raise ValueError("once")

    outcomes = go(where, job(ScriptedDestination(judge=stumble), "a"), job(sane, "b"))
    assert outcomes[1].finished
    assert row_of(where, "a").counts.delivered in (0, 30)
    assert row_of(where, "a").lease is None
