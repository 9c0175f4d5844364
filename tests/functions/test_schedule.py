"""Timer expressions: when they fire, and what is said about broken ones."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry.errors import ConfigError
from logferry_local.trigger_runner import schedule

START = datetime(2026, 1, 1, 10, 30, 15, tzinfo=UTC)  # a Thursday


@pytest.mark.parametrize(
    ("expression", "first", "second"),
    [
        ("@every 5m", "2026-01-01T10:35:15", "2026-01-01T10:40:15"),
        ("@every 1h30m", "2026-01-01T12:00:15", "2026-01-01T13:30:15"),
        ("0 */5 * * * *", "2026-01-01T10:35:00", "2026-01-01T10:40:00"),
        ("0 0 4 * * *", "2026-01-02T04:00:00", "2026-01-03T04:00:00"),
        ("30 15 10 ? * MON-FRI", "2026-01-02T10:15:30", "2026-01-05T10:15:30"),
        ("0 0 12 1,15 * ?", "2026-01-01T12:00:00", "2026-01-15T12:00:00"),
        ("0 0 0 29 FEB *", "2028-02-29T00:00:00", "2032-02-29T00:00:00"),
        ("0 0 0 13 * FRI", "2026-01-02T00:00:00", "2026-01-09T00:00:00"),
        ("0 0 9 * * 7", "2026-01-04T09:00:00", "2026-01-11T09:00:00"),
        ("0 0 9 * * SUN", "2026-01-04T09:00:00", "2026-01-11T09:00:00"),
        ("CRON_TZ=Asia/Shanghai 0 0 4 * * *", "2026-01-01T20:00:00", "2026-01-02T20:00:00"),
        ("16 30 10 * * *", "2026-01-01T10:30:16", "2026-01-02T10:30:16"),
        ("15 30 10 * * *", "2026-01-02T10:30:15", "2026-01-03T10:30:15"),
    ],
)
def test_it_fires_when_it_says(expression: str, first: str, second: str) -> None:
    """The first two firings after a moment."""
    following = schedule.after(expression)
    one = following(START.timestamp())
    found = [datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S") for moment in (one, following(one))]
    assert found == [first, second]


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("", "0 fields"),
        ("* * * * *", "5 fields"),
        ("60 * * * * *", "second '60', which is not within 0-59"),
        ("0 0 5-3 * * *", "hour '5-3'"),
        ("0 0 x * * *", "hour 'x'"),
        ("0 */0 * * * *", "minute"),
        ("@every 0s", "every 0 seconds"),
        ("@daily", "1 fields"),
        ("CRON_TZ=Mars/Olympus 0 0 4 * * *", "unknown time zone"),
    ],
)
def test_a_broken_expression_is_told(expression: str, problem: str) -> None:
    """The error names the part and the two forms that are taken."""
    with pytest.raises(ConfigError, match="expected `@every 5m` or six fields") as error:
        schedule.after(expression)
    assert problem in str(error.value)


def test_a_date_that_never_comes_is_told() -> None:
    """31 February is no endless search."""
    with pytest.raises(ConfigError, match="never comes"):
        schedule.after("0 0 0 31 FEB ?")(START.timestamp())


@given(minute=st.integers(0, 59), hour=st.integers(0, 23), start=st.integers(0, 10**9), step=st.integers(1, 59))
def test_firings_are_later_and_on_the_fields(minute: int, hour: int, start: int, step: int) -> None:
    """Whatever the fields, the next firing is within a day and fits them."""
    found = schedule.after(f"*/{step} {minute} {hour} * * *")(start)
    moment = datetime.fromtimestamp(found, UTC)
    assert timedelta(0) < moment - datetime.fromtimestamp(start, UTC) <= timedelta(days=1)
    assert (moment.hour, moment.minute, moment.second % step) == (hour, minute, 0)
