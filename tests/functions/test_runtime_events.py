"""Events as they come: every form that is accepted, and what is said about the others."""

import json
from pathlib import Path

import pytest

from logferry.errors import ConfigError
from logferry.runtime import events

EVENTS = Path(__file__).parents[2] / "events"


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
def test_bytes_of_any_kind_are_read(form: type) -> None:
    """Whatever holds the bytes, the event is the same."""
    assert events.decode(form(b'{"a": [1]}')) == {"a": [1]}


def test_text_mappings_and_lists_are_read() -> None:
    """Text is parsed; what is parsed already stays as it is."""
    assert events.decode('["a"]') == ["a"]
    assert events.decode({"a": 1}) == {"a": 1}
    assert events.decode([1]) == [1]


@pytest.mark.parametrize("event", [None, b"", "", b" \n"])
def test_a_call_without_a_payload_is_an_empty_event(event: object) -> None:
    """A manual call with no payload is not an error; the function decides what it needs."""
    assert events.decode(event) == {}


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (b"{'a': 1}", "not JSON .*line 1 column 2.*expected a JSON object or array"),
        (b'{"a": "\xff"}', "not UTF-8 .byte 7"),
        (b"42", "a whole number, expected a JSON object"),
        (b'"text"', "text, expected a JSON object"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "out of range"),
        (7, "a whole number, expected"),
    ],
)
def test_an_unreadable_event_says_what_was_expected(event: object, problem: str) -> None:
    """Each kind of broken event has its own sentence."""
    with pytest.raises(ConfigError, match=problem):
        events.decode(event)


def test_an_oversize_event_is_refused_before_it_is_parsed() -> None:
    """One byte over the limit is refused with both sizes."""
    with pytest.raises(ConfigError, match=f"{events.MAX_BYTES + 1} bytes is more than {events.MAX_BYTES}"):
        events.decode(b" " * (events.MAX_BYTES + 1))


def test_the_error_does_not_quote_the_event() -> None:
    """An event may hold log data: the error tells the place, not the content."""
    with pytest.raises(ConfigError) as error:
        events.decode(b'{"password": hunter2}')
    assert "hunter2" not in str(error.value)


def test_a_timers_payload_stays_as_it_was_configured() -> None:
    """JSON inside a payload is text, whatever it looks like."""
    event = b'{"triggerTime": "2026-01-01T00:05:00Z", "triggerName": "sweep", "payload": "{\\"a\\": 1}"}'
    found = events.decode(event)
    assert isinstance(found, dict)
    assert found["payload"] == '{"a": 1}'


@pytest.mark.parametrize("path", sorted(EVENTS.rglob("*.json")), ids=lambda path: str(path.relative_to(EVENTS)))
def test_sample_events_are_read(path: Path) -> None:
    """Every sample event is what a cloud would hand over: bytes here, an object there."""
    assert events.decode(path.read_bytes()) == events.decode(json.loads(path.read_text()))
