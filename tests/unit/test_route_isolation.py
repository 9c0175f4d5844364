"""One task's trouble costs the others nothing: neither its row, nor its destination, nor the time it takes."""

import threading

import msgspec
import pytest
from tests.fakes.engine import Bench, ScriptedDestination, bench, go, job, numbers, recounted, row_of

from logferry.errors import Transient
from logferry.ledger import SCHEMA
from logferry.model import Payload


def spoil(where: Bench, task: str, body: bytes) -> None:
    """Put something into the task's row."""
    where.table.put(f"ledger/{task}", "0", body, expect=None)


@pytest.mark.parametrize(
    "body", [msgspec.json.encode({"schema": SCHEMA + 1, "stream": "0"}), b"{}", b'{"schema":1,"stream":7}', b"\xff"]
)
@pytest.mark.parametrize("name", ["a", "z"])
def test_a_row_that_cannot_be_read_stops_only_its_own_task(name: str, body: bytes) -> None:
    """A newer release's row, or one that is no row: said, and left as it is."""
    where, to = bench(20), ScriptedDestination()
    spoil(where, name, body)
    outcomes = {outcome.task: outcome for outcome in go(where, job(ScriptedDestination(), name), job(to, "m"))}
    assert outcomes["m"].finished
    assert not outcomes[name].finished
    assert outcomes[name].note.startswith("StateError")
    assert numbers(to.taken) == list(range(20))
    item = where.table.get(f"ledger/{name}", "0")
    assert item is not None
    assert item.value == body


def test_the_foremost_tasks_go_first() -> None:
    """One that is far behind, and takes all the time there is, does not make those wait that are up to date."""
    where, late, prompt = bench(20), ScriptedDestination(), ScriptedDestination()
    go(where, job(prompt, "z"))
    where.source.records.extend(f"r{i:05d}" for i in range(20, 40))
    late.judge = lambda _payload: where.clock.forward(200)
    outcomes = {outcome.task: outcome for outcome in go(where, job(late, "a"), job(prompt, "z"))}
    assert outcomes["z"].finished
    assert not outcomes["a"].finished
    assert numbers(prompt.taken) == list(range(40))


def test_tasks_that_are_behind_at_one_position_share_a_pull() -> None:
    """Two that are behind cost one read more, not two."""
    where = bench(20)
    prompt, one, two = ScriptedDestination(), ScriptedDestination(), ScriptedDestination()
    go(where, job(prompt, "p"))
    where.source.records.extend(f"r{i:05d}" for i in range(20, 40))
    where.source.reads.clear()
    assert all(outcome.finished for outcome in go(where, job(one, "a"), job(two, "b"), job(prompt, "p")))
    assert where.source.reads == [("20", "40"), ("0", "40")]


def test_a_destination_that_hangs_when_it_is_reached_delays_nobody() -> None:
    """Reachability is tested side by side; who is slow joins later."""
    gate, good = threading.Event(), ScriptedDestination()
    where = bench(20, patience_seconds=0.05)

    class Hanging(ScriptedDestination):
        """Drops what is sent to it: nobody answers, nobody refuses."""

        def check(self, time_out: float) -> None:  # noqa: ARG002  # the protocol's
            """Until the neighbour is done, or for ever."""
            assert gate.wait(10), "the neighbour waited for us"

    good.judge = lambda _payload: gate.set() if len(good.taken) >= 15 else None
    outcomes = {outcome.task: outcome for outcome in go(where, job(Hanging(), "hanging"), job(good, "z"))}
    assert outcomes["z"].finished
    assert numbers(good.taken) == list(range(20))
    assert row_of(where, "hanging").lease is None


def test_a_failing_destination_leaves_time_to_those_that_are_behind() -> None:
    """It may try again for its share of the call, and no longer."""
    where = bench(20)
    behind = ScriptedDestination(judge=lambda _payload: where.clock.forward(10))
    down = ScriptedDestination(script=iter(lambda: Transient("down"), None))
    where.ledger.create("down", "0", "3", 7)
    outcomes = {outcome.task: outcome for outcome in go(where, job(down, "down"), job(behind, "behind"))}
    assert outcomes["behind"].finished
    assert not outcomes["down"].finished


def test_being_slow_is_no_failure() -> None:
    """A slow task is left behind and goes on alone, without a rest, and without sending anything twice."""
    where, good, gate = bench(30, patience_seconds=0.05), ScriptedDestination(), threading.Event()
    good.judge = lambda _payload: gate.set() if len(good.taken) >= 25 else None
    slow = ScriptedDestination(judge=lambda _payload: assert_set(gate), confirmation="socket")
    assert all(outcome.finished for outcome in go(where, job(slow, "slow"), job(good, "good")))
    assert row_of(where, "slow").counts.maybe_repeated == 0
    assert where.clock.slept == []
    assert numbers(slow.taken) == list(range(30))


def assert_set(gate: threading.Event) -> None:
    """Wait for the neighbour."""
    assert gate.wait(10)


def test_a_call_without_time_touches_nothing() -> None:
    """Nothing is claimed, reached, read or sent that could not be saved."""
    where, to = bench(20), ScriptedDestination()
    where.ledger.create("t", "0", "0", 7)
    before = where.table.get("ledger/t", "0")
    for seconds in (-5.0, 0.0, 2.0):
        [outcome] = go(where, job(to), seconds=seconds)
        assert (outcome.finished, outcome.note) == (False, "out of time")
    assert (to.sent, where.source.reads, where.table.get("ledger/t", "0")) == (0, [], before)


@pytest.mark.parametrize("failure", ["hangs", "refuses"])
def test_the_reserve_is_kept_for_the_last_save(failure: str) -> None:
    """A destination that hangs or refuses until the end does not cost the row its reason."""
    where, offered = bench(20), list[float]()

    class Hanging(ScriptedDestination):
        """Takes all the time it is given."""

        def send(self, payload: Payload, time_out: float) -> None:
            """Nothing comes back."""
            del payload
            offered.append(time_out)
            if failure == "hangs":
                where.clock.forward(time_out)
            raise Transient("no answer")

    go(where, job(Hanging()), seconds=60)
    row = row_of(where)
    assert (row.lease, row.last_error) == (None, "Transient: no answer")
    assert max(offered) <= 60 - where.settings.reserve_seconds
    assert sum(where.clock.slept) <= 60 - where.settings.reserve_seconds


def test_a_task_that_is_gone_is_not_started_anew() -> None:
    """Deleted (or paused) under a run: a row made now would deliver everything once more, from the stream's begin."""
    where, to = bench(20), ScriptedDestination()
    where.offline.add("t")
    [outcome] = go(where, job(to))
    assert not outcome.finished
    assert "not online" in outcome.note
    assert to.taken == []
    assert where.ledger.rows("t") == []


def test_deleting_a_task_under_its_run_leaves_no_row() -> None:
    """The run finds its row gone, stops, and writes none."""
    where, to = bench(30, save_seconds=0), ScriptedDestination()

    def delete(begin: int) -> None:
        if begin == 10:
            where.offline.add("t")
            where.ledger.delete("t")

    where.source.on_batch = delete
    [outcome] = go(where, job(to))
    assert not outcome.finished
    assert where.ledger.rows("t") == []


def test_a_socket_is_asked_in_peace_when_a_share_of_the_time_is_up() -> None:
    """The call has time left: what was written is confirmed and saved, not sent once more."""
    where = bench(40)
    asked: list[float] = []

    class Slow(ScriptedDestination):
        """Takes its time, and more than its share."""

        def confirm(self, time_out: float) -> None:
            """How much time is offered."""
            asked.append(time_out)

    slow = Slow(confirmation="socket", judge=lambda _payload: where.clock.forward(40))
    other = ScriptedDestination()
    where.ledger.create("slow", "0", "20", 7)
    go(where, job(slow, "slow"), job(other, "other"))
    assert min(asked) > 20
    assert row_of(where, "slow").counts.delivered == len(slow.taken)


@pytest.mark.parametrize("order", [("busy", "z"), ("z", "busy")])
def test_a_neighbours_foreign_lease_is_no_obstacle(order: tuple[str, str]) -> None:
    """Somebody else works for one task; the other goes on here."""
    from logferry.ledger import Open

    where, to = bench(20), ScriptedDestination()
    where.ledger.create("busy", "0", "0", 7)
    now = where.clock()
    opened = Open(begin="0", end="20", task_version=1)
    assert where.ledger.claim("busy", "0", opened, now=now, until=now + 60)
    go(where, *(job(to if name == "z" else ScriptedDestination(), name) for name in order))
    assert recounted(where, "z").counts.delivered == 20
