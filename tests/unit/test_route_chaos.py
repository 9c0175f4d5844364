"""Any sequence of troubles, then one quiet run: nothing lost, nothing counted twice, every repeat said."""

import contextlib
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.engine import Bench, FaultyTable, MemoryStore, ScriptedDestination, bench, go, job, numbers, recounted

from logferry.errors import Misconfigured, Permanent, SourceError, StateError, Transient
from logferry.ledger import Ledger
from logferry.model import Confirmation, Limits, Payload

RECORDS = 60


class Killed(BaseException):
    """Nothing after it is done, as after a kill."""


TROUBLES: dict[str, type[BaseException]] = {
    "kill": Killed, "down": Transient, "refused": Misconfigured, "bug": ValueError, "busy": SourceError,
    "full": StateError,
}  # fmt: skip
Run = st.fixed_dictionaries(
    {
        "where": st.sampled_from(["before sending", "after sending", "read", "parking", "saving", "saved", "confirm"]),
        "when": st.integers(1, 12),
        "trouble": st.sampled_from(sorted(TROUBLES)),
        "width": st.sampled_from([1, 3]),
        "batch": st.sampled_from([4, 10, 25]),
        "save": st.sampled_from([0.0, 5.0]),
        "flaky": st.sampled_from([0, 7, 11]),  # each record of this multiple is refused, this time
        "version": st.integers(1, 3),
        "seconds": st.sampled_from([4.0, 30.0]),
    }
)


class Stage:
    """One run's trouble: raised once, at the `when`-th time that the place is come by."""

    def __init__(self, run: dict[str, object]) -> None:
        self._where, self._left, self._trouble = run["where"], int(str(run["when"])), TROUBLES[str(run["trouble"])]

    def come_by(self, where: str) -> None:
        """Perhaps raise."""
        if where == self._where:
            self._left -= 1
            if self._left == 0:
                doubt = {"in_doubt": True} if self._trouble is Transient and where == "after sending" else {}
                raise self._trouble("chaos", **doubt)


class Destination(ScriptedDestination):
    """Stumbles before or after it took something, or when it is asked."""

    stage = Stage({"where": "", "when": 1, "trouble": "kill"})

    def send(self, payload: Payload, time_out: float) -> None:
        """Take it, with trouble around."""
        self.stage.come_by("before sending")
        super().send(payload, time_out)
        self.stage.come_by("after sending")

    def confirm(self, time_out: float) -> None:
        """Vouch for it, or not."""
        self.stage.come_by("confirm")
        super().confirm(time_out)


class Store(MemoryStore):
    """Stumbles after it wrote."""

    stage = Destination.stage

    def put(self, key: str, body: bytes) -> None:
        """Write, then trouble."""
        super().put(key, body)
        self.stage.come_by("parking")


class Table(FaultyTable):
    """Stumbles before or after a write."""

    stage = Destination.stage

    def put(self, partition: str, sort: str, value: bytes, *, expect: str | None, expires: float | None = None) -> str:
        """Write, with trouble around."""
        self.stage.come_by("saving")
        version = super().put(partition, sort, value, expect=expect, expires=expires)
        self.stage.come_by("saved")
        return version


def troubled(where: Bench, to: Destination, run: dict[str, object]) -> None:
    """One run, cut short or not."""
    stage = Stage(run)
    where.table.stage = where.store.stage = to.stage = stage  # type: ignore[attr-defined]  # our own
    where.source.on_batch = lambda _begin: stage.come_by("read")
    where.source.batch, flaky = int(str(run["batch"])), int(str(run["flaky"]))
    to.limits = Limits(max_bytes=1_000, max_records=5, in_flight=int(str(run["width"])))

    def judge(payload: Payload) -> None:
        if flaky and any(int(part[1:]) % flaky == 3 for part in payload.parts):
            raise Permanent("HTTP 400")

    to.judge = judge
    one = job(to, version=int(str(run["version"])))
    where.versions[one.version] = one
    with contextlib.suppress(Killed, ValueError):  # a bug outside of a lane is the caller's to tell
        go(where, one, seconds=float(str(run["seconds"])))
    where.clock.forward(1_000)


@settings(max_examples=100, deadline=None)
@given(st.lists(Run, min_size=1, max_size=6), st.sampled_from(["answer", "socket"]))
def test_whatever_happens_the_ledger_holds(runs: list[dict[str, object]], confirmation: Confirmation) -> None:
    """After the last trouble one run is enough; delivered and parked make all; what came twice was announced."""
    where, to = bench(RECORDS), Destination(confirmation=confirmation)
    where.store = Store()
    where.table = Table(where.table)
    where.__post_init__()
    where.ledger = Ledger(where.table)
    for run in runs:
        troubled(where, to, run)
    quiet: dict[str, object] = {"where": "", "when": 1, "trouble": "kill", "width": 1, "batch": 10, "save": 0.0,
                                "flaky": 0, "version": 4, "seconds": 600}  # fmt: skip
    for version in range(1, 4):
        where.versions.setdefault(version, job(to, version=version))
    troubled(where, to, quiet)
    row = recounted(where)
    assert (row.position, row.open, row.lease) == (str(RECORDS), None, None)
    parked = {place.ordinal + int(place.begin) for place in where.dead.places("t", "open")}
    times = Counter(numbers(to.taken))
    assert set(times) | parked == set(range(RECORDS))
    assert (row.counts.delivered, row.counts.parked) == (RECORDS - len(parked), len(parked))
    # A record that was parked in the end is no repeat, however often it was sent before.
    twice = [number for number, count in times.items() if count > 1 and number not in parked]
    assert len(twice) <= row.counts.maybe_repeated
