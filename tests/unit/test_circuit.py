"""The circuit of a destination: asked before anything is pulled once it failed, and never at the neighbours' cost."""

from dataclasses import dataclass, field

import pytest
from tests.fakes.engine import Bench, ScriptedDestination, bench, go, job, numbers, row_of
from tests.unit.test_rounds import Round, Shards, unfinished

from logferry.errors import DeliveryError, Misconfigured, Transient
from logferry.model import Payload


@dataclass
class Switched(ScriptedDestination):
    """There or not, at the turn of a switch; counts how often it was asked."""

    there: bool = True
    asked: list[float] = field(default_factory=list)

    def check(self, time_out: float) -> None:
        """Whether it is there."""
        self.asked.append(time_out)
        self._refuse()

    def send(self, payload: Payload, time_out: float) -> None:
        """Take it, if it is there."""
        self._refuse()
        super().send(payload, time_out)

    def _refuse(self) -> None:
        if not self.there:
            raise Transient("connection refused", retry_after=10)


def failed(error: DeliveryError | None = None) -> tuple[Bench, Switched]:
    """A task that delivered ten records, and then met an error."""
    where, to = bench(30), Switched()
    to.script = iter([None, None, error or Transient("HTTP 503", retry_after=1e6)])
    one = job(to)
    where.versions[1] = one
    go(where, one, seconds=30)
    assert numbers(to.taken) == list(range(10))
    where.clock.forward(2e6)
    where.source.reads.clear()
    return where, to


def test_an_answering_destination_is_asked_once() -> None:
    """Closed: each pull goes ahead."""
    where, to = bench(10), Switched()
    one = job(to)
    go(where, one)
    where.source.records.extend(f"r{number:05d}" for number in range(10, 20))
    go(where, one)
    assert len(to.asked) == 1
    assert one.circuit == "closed"


@pytest.mark.parametrize("error", [Transient("HTTP 503", retry_after=1e6), Misconfigured("HTTP 401")])
def test_a_destination_that_failed_is_asked_before_the_next_pull(error: DeliveryError) -> None:
    """Half-open: one cheap request first."""
    where, to = failed(error)
    go(where, where.versions[1])
    assert len(to.asked) == 2
    assert numbers(to.taken) == list(range(30))
    assert where.versions[1].circuit == "closed"


def test_while_it_does_not_answer_nothing_is_pulled_and_the_rest_grows() -> None:
    """Open: each probe is one request, and counts as the failure that it is."""
    where, to = failed()
    to.there = False
    rests = []
    for _ in range(4):
        go(where, where.versions[1], seconds=4)
        rests.append(row_of(where).rest(where.clock()))
        assert where.versions[1].circuit == "open"
        where.clock.forward(rests[-1])
    assert (where.source.reads, to.sent, len(to.asked)) == ([], 3, 5)
    assert rests == sorted(rests)
    assert rests[-1] > rests[0]
    assert row_of(where).failures == 4
    to.there = True
    go(where, where.versions[1])
    assert numbers(to.taken) == list(range(30))


def test_a_destination_that_is_down_is_asked_once_a_round() -> None:
    """One that never answers takes its time-out each time: its other streams wait for the next round, and say so."""
    at = Round(Shards(6))
    down, good = Switched(there=False), at.add("good")
    at.add("down", down)
    found = at.go()
    assert at.delivered("good") == [20] * 6
    assert numbers(good.taken)
    assert len(down.asked) == 1
    assert unfinished(found) == {("down", stream.name) for stream in at.source.listed}
    notes = {found.reached["down", stream].note for stream in "12345"}
    assert notes == {"circuit open: the destination did not answer on another stream"}


def test_the_neighbours_go_first_on_all_streams() -> None:
    """Only then is the destination that failed tried on its other ones."""
    at, order = Round(Shards(4)), list[str]()

    class Noting(Switched):
        """Says when it is asked."""

        def check(self, time_out: float) -> None:
            """And answers, but takes nothing."""
            order.append("asked")
            self.asked.append(time_out)

    at.add("down", Noting(there=False))
    at.add("good", ScriptedDestination(judge=lambda _payload: order.append("good")))
    at.go()
    assert order.count("good") == 16
    assert "asked" in order[:5]
    assert "asked" not in order[5:17]
    assert order[17:] == ["asked"] * 3


def test_a_stream_that_always_fails_keeps_no_other_from_being_delivered() -> None:
    """The destination answers when it is asked: it is not down, it only takes not this."""
    at = Round(Shards(4))
    at.source.shards["1"] = [f"x{number:05d}" for number in range(20)]

    def judge(payload: Payload) -> None:
        if payload.body.startswith(b"x"):
            raise Transient("HTTP 500", retry_after=1e6)

    at.add("t", Switched(judge=judge))
    found = at.go()
    assert at.delivered("t") == [20, 0, 20, 20]
    assert unfinished(found) == {("t", "1")}


def test_the_next_round_asks_again() -> None:
    """An open circuit is no end: a new stream, or one whose rest is over, finds out."""
    at = Round(Shards(6))
    down = Switched(there=False)
    at.add("down", down)
    at.go(seconds=30)
    down.there = True
    at.bench.clock.forward(400)
    assert unfinished(at.go()) == set()
    assert at.delivered("down") == [20] * 6
