"""Replay: what becomes of each letter, what stops it, and that nothing goes twice or is lost."""

import pytest
from tests.fakes.engine import errors, numbers
from tests.fakes.parked import Parked, texts

from logferry.dead_letters import Edit, Place
from logferry.errors import Conflict, Misconfigured, Permanent, StateError, Transient, Unfinished
from logferry.letters import Wanted, edit
from logferry.model import Payload
from logferry.plan import Plan


def refuse(*bad: str) -> object:
    """A destination that refuses payloads which hold one of these records."""

    def judge(payload: Payload) -> None:
        if any(text in payload.body.decode() for text in bad):
            raise Permanent("HTTP 400: bad record")

    return judge


def test_every_letter_is_delivered_once_and_moves() -> None:
    """Twelve letters in payloads of five: all taken, none open, each says when and to which task."""
    parked = Parked()
    keys = parked.park(12)
    report = parked.replay(by="me")
    assert (report.delivered, report.stayed, report.error) == (12, 0, None)
    assert numbers(parked.to.taken) == list(range(12))
    assert parked.dead.counts("t") == {"open": 0, "replayed": 12, "discarded": 0}
    closed = parked.letter(keys[0].replace("/open/", "/replayed/")).closed
    assert closed is not None
    assert (closed.by, closed.to, closed.at) == ("me", "t", 1_000_000)


def test_what_is_refused_again_stays_open_with_its_reason_and_attempts() -> None:
    """Its neighbours are delivered; the second try counts two."""
    parked = Parked()
    keys = parked.park(5, reason="old")
    parked.to.judge = refuse("r00003")  # type: ignore[assignment]  # a judge
    first, second = parked.replay(), parked.replay()
    assert (first.delivered, first.refused, second.delivered, second.refused) == (4, 1, 0, 1)
    letter = parked.letter(keys[3])
    assert (letter.reason, letter.attempts, letter.task_version) == ("HTTP 400: bad record", 2, 2)
    assert letter.parked_at == 1_000_000
    assert sorted(numbers(parked.to.taken)) == [0, 1, 2, 4]


def test_all_refused_again_holds_no_task() -> None:
    """More than half of a payload is a wrong configuration for a stream, but no news for what was refused before."""
    parked = Parked()
    parked.park(200)
    parked.to.judge = refuse("r")  # type: ignore[assignment]  # a judge
    report = parked.replay()
    assert (report.refused, report.error) == (200, None)
    assert report.reasons == {"HTTP 400: bad record": 200}


def test_what_the_filter_would_drop_now_is_told_and_kept() -> None:
    """A letter is never lost by a change of the task."""
    parked = Parked(plan=Plan(needs=("m",), test=lambda fields: fields["m"] != "r00001"))
    keys = parked.park(3)
    report = parked.replay()
    assert (report.delivered, report.left_out) == (2, 1)
    assert parked.letter(keys[1]).attempts == 0
    assert list(report.reasons) == ["left out by the task's filter now"]


def test_an_edit_goes_out_and_the_original_stays() -> None:
    """The change is made each time the letter is read."""
    parked = Parked()
    [key] = parked.park(1)
    edit(parked.dead, key, Edit(by="me", at=1, set={"m": "mended"}))
    assert parked.replay().delivered == 1
    assert parked.to.taken == ["mended"]
    assert parked.letter(key.replace("/open/", "/replayed/")).bytes() == texts("r00000")


def test_an_unreadable_letter_stops_nobody() -> None:
    """Neither broken JSON nor an original that is no log."""
    parked = Parked()
    keys = parked.park(3)
    parked.store.put(keys[0], b"{broken")
    parked.dead.park("t", 1, Place("0", "b", 1), "r", b"\xff\xff")
    report = parked.replay()
    assert (report.delivered, report.unreadable, report.error) == (1, 2, None)
    assert parked.dead.counts("t")["open"] == 2


def test_a_letter_that_trips_logferry_up_stops_nobody() -> None:
    """A mistake of ours in a stage or encoder: told by its class, the others are delivered."""
    parked = Parked(plan=Plan(needs=("m",), test=lambda fields: fields["m"] != "r00001" or 1 / 0 > 1))
    parked.park(3)
    report = parked.replay()
    assert (report.delivered, report.unreadable) == (2, 1)
    assert list(report.reasons) == ["ZeroDivisionError, a mistake in logferry: the log names the place"]


def test_a_letter_of_a_range_in_flight_is_left_alone() -> None:
    """The run that goes on with the range may deliver it: twice would be one time too often."""
    parked = Parked(busy=lambda letter: letter.place.ordinal == 1)
    parked.park(3)
    report = parked.replay()
    assert (report.delivered, report.in_flight) == (2, 1)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(reason="http 503"), [2]),
        (Wanted(stream="1"), [0]),
        (Wanted(since=1_000_050), [0]),
        (Wanted(reason="nothing"), []),
    ],
)
def test_only_wanted_letters_are_replayed(wanted: Wanted, found: list[int]) -> None:
    """By reason, by stream, by time."""
    parked = Parked()
    parked.park(2)
    parked.park(1, reason="HTTP 503: busy")
    parked.clock.forward(100)
    parked.park(1, stream="1")
    parked.replay(wanted)
    assert numbers(parked.to.taken) == found


def test_a_limit_counts_letters_that_are_tried() -> None:
    """The rest stays for the next time."""
    parked = Parked()
    parked.park(12)
    assert [parked.replay(limit=7).delivered, parked.replay(limit=7).delivered] == [7, 5]


def test_a_rate_is_kept() -> None:
    """Twenty records at 4/s take five seconds, less one payload that need not be waited for."""
    parked = Parked()
    parked.park(20)
    began = parked.clock.now
    assert parked.replay(rate=4).delivered == 20
    assert 4.0 <= parked.clock.now - began <= 5.0


def test_a_destination_that_is_down_stops_it_with_all_letters_open() -> None:
    """After its time, not for ever; nothing has moved."""
    parked = Parked(seconds=20)
    parked.park(12)
    parked.to.script = errors(*[Transient("down")] * 100)
    report = parked.replay()
    assert isinstance(report.error, Transient)
    assert parked.dead.counts("t")["open"] == 12


def test_a_wrong_token_stops_it_and_keeps_what_was_delivered() -> None:
    """The first payload is through, the rest is open."""
    parked = Parked()
    parked.park(12)
    parked.to.script = errors(None, Misconfigured("HTTP 403"))
    report = parked.replay()
    assert isinstance(report.error, Misconfigured)
    assert (report.delivered, parked.dead.counts("t")["open"]) == (5, 7)


def test_out_of_time_stops_between_two_payloads() -> None:
    """What is left is there for the next call."""
    parked = Parked(seconds=10)
    parked.park(20)
    report = parked.replay(rate=1)
    assert isinstance(report.error, Unfinished)
    assert report.delivered + parked.dead.counts("t")["open"] == 20
    assert 5 <= report.delivered < 12


def test_a_socket_that_loses_its_bytes_moves_nothing() -> None:
    """Sent is not delivered: the letters stay open when the drain fails."""
    parked = Parked()
    parked.to.confirmation = "socket"
    parked.to.confirms = errors(Transient("reset"))
    parked.park(3)
    assert isinstance(parked.replay().error, Transient)
    assert parked.dead.counts("t")["open"] == 3
    assert parked.replay().delivered == 3


def test_two_replays_at_once_do_not_double() -> None:
    """The second is refused and says until when; afterwards it may."""
    parked = Parked()
    parked.park(3)
    with parked.leases.held("t"):
        report = parked.replay()
    assert isinstance(report.error, Conflict)
    assert "for up to 60 s" in str(report.error)
    assert parked.to.taken == []
    assert parked.replay().delivered == 3


def test_a_replay_that_lost_its_lease_moves_nothing_more() -> None:
    """It slept, somebody else took over: what it sent last may come twice, and no letter is written by both."""
    parked = Parked()
    keys = parked.park(12)
    other = parked.leases

    def slow(payload: Payload) -> None:
        if "r00007" in payload.body.decode():
            parked.clock.forward(100)
            with other.held("t"):
                parked.dead.move(keys[7], "discarded")

    parked.to.judge = slow
    report = parked.replay()
    assert isinstance(report.error, Conflict)
    assert parked.dead.counts("t") == {"open": 6, "replayed": 5, "discarded": 1}


def test_what_a_killed_replay_left_in_two_states_is_not_sent_again() -> None:
    """Written as replayed, not yet deleted as open: the next replay ends the move."""
    parked = Parked()
    keys = parked.park(3)
    leases = parked.leases
    leases.write("t", "dead-owner", parked.clock.now + 60, first=True)
    parked.store.put(keys[1].replace("/open/", "/replayed/"), parked.store.get(keys[1]) or b"")
    assert parked.dead.counts("t") == {"open": 2, "replayed": 1, "discarded": 0}
    parked.clock.forward(61)
    assert parked.replay().delivered == 2
    assert numbers(parked.to.taken) == [0, 2]
    assert list(parked.dead.keys("t", "open")) == []


def test_a_timer_tries_a_letter_three_times_and_an_edit_begins_anew() -> None:
    """At once, after 1 h, after 4 h more; then never, until a person has changed something."""
    parked = Parked()
    [key] = parked.park(1)
    parked.to.judge = refuse("r00000")  # type: ignore[assignment]  # a judge
    tried = []
    for hour in range(24):
        if parked.replay(bounded=True).refused:
            tried.append(hour)
        parked.clock.forward(3600)
    assert tried == [0, 1, 5]
    assert parked.replay(bounded=True).resting == 1
    edit(parked.dead, key, Edit(by="me", at=1, set={"m": "mended"}))
    assert parked.replay(bounded=True).delivered == 1


def test_an_object_store_that_fails_stops_it_and_loses_nothing() -> None:
    """A letter that cannot be moved is still open: it may go twice, once."""
    parked = Parked()
    keys = parked.park(3)
    put = parked.store.put

    def full(key: str, body: bytes) -> None:
        if "/replayed/" in key:
            raise StateError("no space left")
        put(key, body)

    parked.store.put = full  # type: ignore[method-assign]  # this store only
    assert isinstance(parked.replay().error, StateError)
    assert [parked.dead.get(key) is not None for key in keys] == [True] * 3
