"""Any sequence of troubles around a spill and its replay: each record is delivered or in a recorded gap."""

import contextlib
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.engine import numbers
from tests.fakes.forgetful import Harbour, harbour
from tests.unit.test_route_chaos import Destination, Killed, Stage, Table

from logferry.errors import Transient
from logferry.ledger import PLAIN, Ledger

RECORDS = 300
Run = st.fixed_dictionaries(
    {
        "where": st.sampled_from(["before sending", "after sending", "read", "saving", "saved", "put", "get", "list",
                                  "delete"]),
        "when": st.integers(1, 12),
        "trouble": st.sampled_from(["kill", "down", "refused", "bug", "busy", "full"]),
        "batch": st.sampled_from([7, 10, 25]),
        "down": st.booleans(),  # the destination, all the time
        "lost": st.sampled_from([None, None, 0, 3]),  # this object of the spill vanishes
        "later": st.sampled_from([10, 70, 150, 400]),  # seconds until the next run
        "seconds": st.sampled_from([8.0, 60.0]),
    }
)  # fmt: skip
QUIET: dict[str, object] = {
    "where": "", "when": 1, "trouble": "kill", "batch": 10, "down": False, "lost": None, "later": 1_000,
    "seconds": 300.0,
}  # fmt: skip


def troubled(at: Harbour, to: Destination, run: dict[str, object]) -> None:
    """One round, cut short or not."""
    stage = Stage(run)
    at.bench.table.stage = to.stage = stage  # type: ignore[attr-defined]  # our own
    at.source.on_batch = lambda _begin: stage.come_by("read")
    at.store.before = lambda verb, _key: stage.come_by(verb)
    at.source.batch = int(str(run["batch"]))
    keys = sorted(key for key in at.store.objects if key.startswith("spill/"))
    if isinstance(run["lost"], int) and run["lost"] < len(keys):
        del at.store.objects[keys[run["lost"]]]
    to.script = iter(lambda: Transient("down"), None) if run["down"] else iter(())
    with contextlib.suppress(Killed, ValueError):  # a mistake of ours is the caller's to tell
        at.go(seconds=float(str(run["seconds"])))
    at.clock.forward(float(str(run["later"])))


@settings(max_examples=150, deadline=None)
@given(st.lists(Run, min_size=1, max_size=10), st.integers(0, 900))
def test_whatever_happens_around_a_spill_no_record_is_without_a_fate(runs: list[dict[str, object]], age: int) -> None:
    """Quiet rounds at the end are enough; delivered and gaps make all; what came twice was announced."""
    at, to = harbour(RECORDS), Destination()
    at.bench.table = Table(at.bench.table)
    at.bench.__post_init__()
    at.__post_init__()
    at.bench.ledger = Ledger(at.bench.table)
    at.add("t", to)
    at.clock.forward(age)
    for run in runs:
        troubled(at, to, run)
    for _ in range(2):  # a hold may have to run out first
        troubled(at, to, QUIET)
    row = at.row()
    assert (row.position, row.open, row.lease, row.spilled, row.schema) == (str(RECORDS), None, None, "", PLAIN)
    assert at.spilled() == []
    times = Counter(numbers(to.taken))
    gone = {number for gap in row.gaps for number in range(int(gap.begin), int(gap.end))}
    older = sum(entry.gaps for entry in row.entries)
    assert {gap.reason for gap in row.gaps} <= {"expired"}
    assert set(times) | gone == set(range(RECORDS)) or older
    assert row.counts.delivered == RECORDS - len(gone) or older
    twice = [number for number, count in times.items() if count > 1 and number not in gone]
    assert len(twice) <= row.counts.maybe_repeated


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([30, 90, 150]), st.sampled_from([7, 10, 25])), max_size=25))
def test_an_outage_of_any_length_has_no_gap_while_rounds_come_and_the_store_is_there(
    steps: list[tuple[int, int]],
) -> None:
    """However the rounds fall and however the source cuts its batches: all of it, in order, exactly once."""
    at, to = harbour(RECORDS), Destination()
    at.add("t", to)
    for later, batch in steps:
        troubled(at, to, {**QUIET, "down": True, "batch": batch, "later": later, "seconds": 30.0})
    troubled(at, to, QUIET)
    if at.row().position != str(RECORDS):
        troubled(at, to, QUIET)
    assert numbers(to.taken) == list(range(RECORDS))
    assert at.row().gaps == ()
    assert at.spilled() == []
