"""What a meter is told of a visit: every fate, every effort, every held task."""

import pytest
from tests.fakes.engine import ScriptedDestination, bench, errors, go, job

from logferry.errors import Misconfigured, Transient
from logferry.meter import COUNTERS, SILENT, readings
from logferry.model import Counts, Effort, Lag, Outcome
from logferry.rounds import Visit


def test_effort_is_counted_where_it_happens() -> None:
    """Batches and raw bytes as they are read, a retry for each payload that went again."""
    where = bench(30)
    to = ScriptedDestination(script=errors(Transient("slow"), None, Transient("slow"), Transient("slow")))
    (outcome,) = go(where, job(to))
    assert outcome.effort == Effort(batches=3, bytes=30 * 6, retries=3)
    assert outcome.counts.delivered == 30


def test_what_is_read_again_counts_again() -> None:
    """A socket that breaks costs another pull: effort says what was done, counts what came of it."""
    where = bench(10)
    to = ScriptedDestination(confirmation="socket", script=errors(Transient("reset")))
    (outcome,) = go(where, job(to))
    assert outcome.effort == Effort(batches=2, bytes=2 * 60, errors=1)
    assert outcome.counts.read == 10


def test_an_error_that_ends_a_run_is_counted_with_what_it_did() -> None:
    """The destination wants a person: one error, and the batch that was read for it."""
    (outcome,) = go(bench(10), job(ScriptedDestination(script=errors(*[Misconfigured("token")] * 2))))
    assert (outcome.held, outcome.effort) == (True, Effort(batches=1, bytes=60, errors=1))


def test_records_that_expired_are_a_gap() -> None:
    """Whoever watches one number for loss has it."""
    where = bench(30)
    go(where, job(ScriptedDestination(script=errors(*[Misconfigured("token")] * 2))))
    where.source.oldest = 5
    where.clock.forward(61)
    (outcome,) = go(where, job(ScriptedDestination()))
    assert (outcome.effort.gaps, outcome.counts.delivered) == (1, 25)


def test_every_number_of_a_task_is_a_counter() -> None:
    """The list that docs, CloudWatch and Prometheus share has every fate and every effort."""
    (reading,) = readings(Visit({("t", "0"): Outcome(task="t", stream="0", counts=Counts(read=2, parked=1))}))
    assert tuple(reading.counters) == COUNTERS
    assert (reading.counters["read"], reading.counters["parked"], reading.counters["batches"]) == (2, 1, 0)


def test_a_held_task_is_told_though_it_took_no_part() -> None:
    """It is the one that somebody must hear of."""
    told = list(readings(Visit({("t", "0"): Outcome(task="t", stream="0")}, {"t": "token", "other": "token"})))
    assert [(reading.task, reading.stream, reading.held) for reading in told] == [("t", "0", True), ("other", "", True)]


@pytest.mark.parametrize(
    ("finished", "note", "lags", "expected"),
    [
        (True, "", {}, Lag()),
        (True, "busy", {}, None),
        (False, "out of time", {}, None),
        (False, "out of time", {("t", "0"): Lag(seconds=700, over=True)}, Lag(seconds=700, over=True)),
    ],
)
def test_lag_is_told_as_far_as_it_is_known(
    finished: bool,  # noqa: FBT001  # a parameter of the table above
    note: str,
    lags: dict[tuple[str, str], Lag],
    expected: Lag | None,
) -> None:
    """Nothing is behind at the end; of a stream that somebody else works on nothing is known."""
    outcome = Outcome(task="t", stream="0", finished=finished, note=note)
    (reading,) = readings(Visit({("t", "0"): outcome}, {}, lags))
    assert reading.lag == expected


def test_nobody_has_to_listen() -> None:
    """The default meter takes a visit and does nothing."""
    SILENT.observe(Visit())
