"""What `logferry status` makes of one look and the next, and how it is shown."""

from typing import Any

import pytest
from rich.console import Console

from logferry_local.status_report import Line, Look
from logferry_local.status_view import COLUMNS, as_data, cells, drawn

HTTP_503 = "Transient: HTTP 503: Server is busy (code 9)"


def look(at: float, **facts: Any) -> Look:  # noqa: ANN401  # any part of a line
    """A look at one stream."""
    return Look(at=at, lines=[Line(**{"task": "waf", "state": "online", "stream": "0", **facts})], notes=[])


def shown(found: Look, width: int = 80) -> str:
    """What a terminal of that width shows."""
    console = Console(width=width, record=True, force_terminal=False)
    with console.capture() as captured:
        console.print(drawn(found))
    return captured.get()


def test_a_rate_is_what_came_between_two_looks() -> None:
    """A hundred records in five seconds."""
    assert look(105.0, delivered=300).since(look(100.0, delivered=200)).lines[0].rate == 20


@pytest.mark.parametrize(
    "before", [look(100.0, stream="1"), look(100.0, delivered=900), look(105.0, delivered=200)], ids=str
)
def test_a_rate_that_cannot_be_known_is_left_out(before: Look) -> None:
    """A stream seen for the first time, a task made anew, a clock that stood still."""
    assert look(105.0, delivered=300).since(before).lines[0].rate is None


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"failing": True, "last_error": HTTP_503}, f"failing: {HTTP_503}"),
        ({"lag": 400.0, "lag_over_max": True, "last_error": HTTP_503}, f"lag 400 s is over max_lag: {HTTP_503}"),
        ({"state": "unhealthy", "last_error": "HTTP 403"}, "held: HTTP 403"),
        ({"state": "offline", "failing": True, "lag": 400.0, "lag_over_max": True}, ""),
        ({"state": "pending"}, ""),
        ({"lag": 200.0, "last_error": HTTP_503}, ""),
    ],
)
def test_only_what_a_person_has_to_know_is_a_problem(facts: dict[str, Any], problem: str) -> None:
    """Paused and pending are what somebody wanted; an old error that is over is none."""
    found = look(0.0, **facts)
    assert found.problems == ([f"waf 0: {problem}"] if problem else [])
    assert as_data(found)["streams"][0]["problem"] == problem


@pytest.mark.parametrize(
    ("lag", "text"),
    [(None, "?"), (0.0, "0 s"), (119.0, "119 s"), (4210.0, "70 min"), (9000.0, "2.5 h"), (2e5, "2.3 d")],
)
def test_a_lag_is_told_in_the_unit_that_fits(lag: float | None, text: str) -> None:
    """What is not known is a question mark, never 0."""
    assert cells(look(0.0, lag=lag).lines[0])[COLUMNS.index("lag")] == text


def test_a_narrow_terminal_cuts_no_number() -> None:
    """States and numbers stay whole, an error has the full width under the table, told once for all its streams."""
    lines = [
        Line(task="waf-to-splunk", state="unhealthy", stream=str(i), delivered=1234567890, last_error=HTTP_503)
        for i in range(2)
    ]
    text = shown(Look(at=0.0, lines=lines, notes=["a note"]))
    assert text.count("unhealthy") == text.count("1234567890") == 2
    assert f"waf-to-splunk 0, 1: {HTTP_503}" in text
    assert text.splitlines()[-1] == "note: a note"


def test_a_far_sides_answer_cannot_steer_the_terminal() -> None:
    """Escape sequences and line ends in an error are blanks."""
    found = look(0.0, last_error="HTTP 400: \x1b[2J\r\nbad")
    assert cells(found.lines[0])[-1] == "HTTP 400: [2J bad"
    assert "\x1b" not in shown(found)
