"""Every row of the table in delivery.py."""

import pytest
from tests.fakes.engine import Clock, LineEncoder, ScriptedDestination, errors, lines, numbers

from logferry.delivery import ParkBudget, Patience, Verdict, settle
from logferry.errors import Misconfigured, Permanent, Refused, TooLarge, Transient, Unfinished
from logferry.model import Limits, Payload
from logferry.packing import pack

FRAME = LineEncoder().frame


def payload(count: int) -> Payload:
    """One payload of `count` records."""
    [made] = pack(
        ((i, text.encode()) for i, text in enumerate(lines(count))), Limits(max_bytes=10**6, max_records=count), FRAME
    )
    return made


def deliver(to: ScriptedDestination, count: int = 4, clock: Clock | None = None, seconds: float = 60) -> Verdict:
    """Settle one payload."""
    clock = clock or Clock()
    end = clock.now + seconds
    patience = Patience(lambda: end - clock.now, clock, clock.sleep, lambda: 0.5)
    return settle(payload(count), to, FRAME, ParkBudget(100, 600, clock), patience)


def test_a_taken_payload_counts_all_its_records() -> None:
    """Success delivers every part once."""
    to = ScriptedDestination()
    assert deliver(to) == Verdict(delivered=4)
    assert numbers(to.taken) == [0, 1, 2, 3]


def test_what_is_sent_again_in_doubt_is_said() -> None:
    """A broken connection or a gateway's time-out does not say whether the payload was taken; a plain 503 does."""
    doubt = Transient("no answer; it may have been taken", in_doubt=True)
    assert deliver(ScriptedDestination(script=errors(doubt, doubt, None))).repeated == {0, 1, 2, 3}
    assert deliver(ScriptedDestination(script=errors(Transient("HTTP 503"), None))).repeated == set()


def test_what_is_bisected_in_doubt_is_said() -> None:
    """A receiver that takes what stands before the culprit, and does not say which one it is."""

    def judge(piece: Payload) -> None:
        if b"r00002" in piece.body:
            raise Permanent("HTTP 400", in_doubt=True)

    verdict = deliver(ScriptedDestination(judge=judge), 4)
    assert (verdict.delivered, set(verdict.parked), verdict.repeated) == (3, {2}, {0, 1, 2, 3})


def test_transient_errors_are_tried_again_after_a_wait() -> None:
    """The same payload goes again, backed off."""
    to, clock = ScriptedDestination(script=errors(Transient("a"), Transient("b"), None)), Clock()
    assert deliver(to, clock=clock).delivered == 4
    assert clock.slept == [0.375, 0.75]


def test_transient_until_the_time_is_up_raises() -> None:
    """The range stays open: nothing is parked."""
    to = ScriptedDestination(script=iter(lambda: Transient("down"), None))
    with pytest.raises(Transient, match="down"):
        deliver(to)


def test_without_time_nothing_is_sent() -> None:
    """A send that is broken off at once has often been taken: it would come twice."""
    to = ScriptedDestination()
    with pytest.raises(Unfinished, match="out of time"):
        deliver(to, seconds=0)
    assert to.sent == 0


def test_a_send_gets_a_second_at_least() -> None:
    """The reserve for the last save has room for it."""
    offered: list[float] = []

    class Noting(ScriptedDestination):
        """Notes the time it is given."""

        def send(self, payload: Payload, time_out: float) -> None:
            """Take it."""
            offered.append(time_out)
            super().send(payload, time_out)

    deliver(Noting(), seconds=0.01)
    assert offered == [1.0]


def test_a_socket_is_never_retried_in_place() -> None:
    """Bytes before this payload may be lost too, so the lane must go back to the last save."""
    to = ScriptedDestination(confirmation="socket", script=errors(Transient("reset"), None))
    with pytest.raises(Transient):
        deliver(to)
    assert to.sent == 1


def test_too_large_is_split_until_it_fits() -> None:
    """Halves in order; nothing is encoded again."""

    def judge(piece: Payload) -> None:
        if len(piece.parts) > 1:
            raise TooLarge("413")

    to = ScriptedDestination(judge=judge)
    assert deliver(to, 5) == Verdict(delivered=5)
    assert numbers(to.taken) == [0, 1, 2, 3, 4]


def test_a_single_record_that_is_too_large_is_parked() -> None:
    """The record that cannot be split has a stated fate."""

    def judge(piece: Payload) -> None:
        if b"r00002" in piece.body:
            raise TooLarge("413")

    to = ScriptedDestination(judge=judge)
    assert deliver(to, 4) == Verdict(delivered=3, parked={2: "413"})


def test_refused_parts_are_parked_and_the_rest_goes_again() -> None:
    """Prefix counted, culprit parked, rest resent: no record twice, none lost."""
    to = ScriptedDestination(script=errors(Refused("code 6", refused={1: "code 6"}, delivered=range(1)), None))
    assert deliver(to, 4) == Verdict(delivered=3, parked={1: "code 6"})
    assert numbers(to.taken) == [2, 3]


def test_refusing_nothing_in_particular_is_bisected() -> None:
    """A refusal that names no part cannot loop for ever."""
    to = ScriptedDestination(script=errors(Refused("?", refused={}), None))
    assert deliver(to, 4).delivered == 4


def test_a_poison_record_is_found_by_bisection() -> None:
    """Only the culprit is parked, with its reason."""

    def judge(piece: Payload) -> None:
        if b"r00006" in piece.body:
            raise Permanent("HTTP 400: no")

    to = ScriptedDestination(judge=judge)
    assert deliver(to, 8) == Verdict(delivered=7, parked={6: "HTTP 400: no"})
    assert sorted(numbers(to.taken)) == [0, 1, 2, 3, 4, 5, 7]


def test_a_payload_that_is_mostly_refused_holds_the_task() -> None:
    """More than half refused is a configuration, not a poison record."""
    to = ScriptedDestination(script=iter(lambda: Permanent("HTTP 400"), None))
    with pytest.raises(Misconfigured, match="more than half"):
        deliver(to, 16)


def test_too_many_refusals_for_one_reason_hold_the_task() -> None:
    """The rate of parking is bounded across payloads; numbers in the reason do not hide it."""
    clock = Clock()
    budget = ParkBudget(3, 600, clock)
    for i in range(3):
        budget.take(f"line {i} is bad", 1, 1)
    with pytest.raises(Misconfigured, match="4 records refused within 600 s"):
        budget.take("line 77 is bad", 1, 1)


def test_old_refusals_are_forgotten() -> None:
    """The budget counts a window of time."""
    clock = Clock()
    budget = ParkBudget(1, 600, clock)
    budget.take("bad", 1, 1)
    clock.forward(601)
    budget.take("bad", 1, 1)


def test_misconfigured_reads_the_secrets_again_once() -> None:
    """A rotated token is picked up without a hold."""
    to = ScriptedDestination(script=errors(Misconfigured("401"), None), fresh=True)
    assert deliver(to).delivered == 4
    assert to.refreshes == 1


def test_misconfigured_in_doubt_is_counted_when_it_is_sent_again() -> None:
    """It was posted, and only its acknowledgement could not be asked for: with a new token it goes a second time."""
    to = ScriptedDestination(script=errors(Misconfigured("401 to a poll", in_doubt=True), None), fresh=True)
    assert deliver(to).repeated == {0, 1, 2, 3}


@pytest.mark.parametrize("fresh", [True, False])
def test_misconfigured_again_holds(fresh: bool) -> None:  # noqa: FBT001  # a parameter of the test
    """The second refusal, or an unchanged secret, ends the lane."""
    to = ScriptedDestination(script=errors(Misconfigured("401"), Misconfigured("401")), fresh=fresh)
    with pytest.raises(Misconfigured):
        deliver(to)
    assert to.refreshes == 1
