"""What an event of `replay` may say, and when a timer asks."""

import pytest
from tests.fakes.engine import Clock

from logferry.errors import ConfigError
from logferry.letters import Wanted
from logferry.pace import Pace, per_second
from logferry.replay_calls import Event, event_of
from logferry.replay_order import Order


def test_an_event_by_hand_names_what_it_wants() -> None:
    """Each key has its place in the order, and nothing is bounded."""
    event, by_timer = event_of({"task": "t", "reason": "HTTP 400", "since": "2026-01-01T00:00:00Z", "rate": "50/s"})
    assert not by_timer
    wanted = Wanted(reason="HTTP 400", since=1_767_225_600)
    assert event.order("t", bounded=False, by="me") == Order("t", wanted, 0, 50.0, by="me")


@pytest.mark.parametrize(
    "event",
    [
        {"triggerTime": "2026-01-01T00:05:00Z", "triggerName": "replay", "payload": ""},
        {"triggerTime": "2026-01-01T00:05:00Z", "triggerName": "replay", "payload": "{}"},
        {"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}},
    ],
)
def test_a_timers_event_is_bounded(event: dict[str, object]) -> None:
    """In each cloud's form: at most 10,000 letters, and each a few times only."""
    found, by_timer = event_of(event)
    order = found.order("t", bounded=by_timer, by="timer")
    assert (order.bounded, order.limit) == (True, 10_000)


def test_a_timers_payload_may_narrow_it() -> None:
    """The same keys, as text on Function Compute."""
    found, by_timer = event_of({"triggerName": "replay", "payload": '{"task": "t", "limit": 5}'})
    assert (found.task, found.order("t", bounded=by_timer, by="timer").limit) == ("t", 5)


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ([], "expected an object"),
        ({"tasks": "t"}, "unknown key, did you mean task"),
        ({"since": "noon"}, "since: 'noon' is not a time such as"),
        ({"to": "other"}, "to: needs task beside it"),
        ({"rate": "fast"}, "rate: 'fast' is not records per second"),
        ({"limit": -1}, "limit: -1 is not"),
        ({"triggerName": "replay", "payload": "{"}, "payload: is no JSON"),
    ],
)
def test_a_wrong_event_is_told(event: object, problem: str) -> None:
    """Nothing is replayed by a misspelt order."""
    with pytest.raises(ConfigError, match=problem):
        event_of(event)


@pytest.mark.parametrize("text", ["", "0/s", "-1", "5/m", "1e9", "٣/s"])
def test_a_rate_that_is_none_is_refused(text: str) -> None:
    """Only digits, and more than nothing."""
    with pytest.raises(ConfigError, match="records per second"):
        per_second(text)


def test_a_pace_lets_nothing_go_too_soon_and_makes_up_for_no_pause() -> None:
    """Ten a second: the first at once, the next after its time; after a long pause no burst."""
    clock = Clock()
    pace = Pace(10, clock, clock.sleep)
    began = clock()
    for _ in range(3):
        assert pace.wait(10, lambda: 100.0)
    assert clock() - began == 2.0
    clock.sleep(50)
    for _ in range(2):
        pace.wait(10, lambda: 100.0)
    assert clock() - began == 53.0
    assert not pace.wait(1, lambda: 0.5)


def test_an_empty_event_by_hand_is_all_online_tasks() -> None:
    """Nothing is required."""
    assert event_of({}) == (Event(), False)
