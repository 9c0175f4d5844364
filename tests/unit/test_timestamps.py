"""Timestamps: every form that is read, in every form that is written; what is neither stays."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry.model import Value
from logferry.stages.timestamps import Format, Timestamps, converted

FORMS: list[Format] = ["rfc3339", "unix_s", "unix_ms", "unix_ns"]


def run(value: Value, form: Format) -> Value:
    """The value of a field that is a timestamp."""
    return converted(Timestamps(format=form, fields=("t", "absent")))({"t": value})["t"]


@pytest.mark.parametrize(
    ("value", "seconds", "millis", "nanos", "text"),
    [
        ("2024-01-01T00:00:00+08:00", 1704038400, 1704038400000, 1704038400000000000, "2023-12-31T16:00:00Z"),
        ("2024-01-01t00:00:00z", 1704067200, 1704067200000, 1704067200000000000, "2024-01-01T00:00:00Z"),
        ("2024-01-01 00:00:00.5-01:30", 1704072600, 1704072600500, 1704072600500000000, "2024-01-01T01:30:00.500Z"),
        ("2024-01-01T00:00:00.0001239999Z", 1704067200, 1704067200000, 1704067200000123999,
         "2024-01-01T00:00:00.000123999Z"),
        ("1704067200", 1704067200, 1704067200000, 1704067200000000000, "2024-01-01T00:00:00Z"),
        ("1704067200.25", 1704067200, 1704067200250, 1704067200250000000, "2024-01-01T00:00:00.250Z"),
        (1704067200, 1704067200, 1704067200000, 1704067200000000000, "2024-01-01T00:00:00Z"),
        ("1704067200123", 1704067200, 1704067200123, 1704067200123000000, "2024-01-01T00:00:00.123Z"),
        ("1704067200123456", 1704067200, 1704067200123, 1704067200123456000, "2024-01-01T00:00:00.123456Z"),
        ("1704067200123456789", 1704067200, 1704067200123, 1704067200123456789, "2024-01-01T00:00:00.123456789Z"),
        ("1969-12-31T23:59:59.5Z", -1, -500, -500000000, "1969-12-31T23:59:59.500Z"),
    ],
)  # fmt: skip
def test_every_form_becomes_every_other(value: Value, seconds: int, millis: int, nanos: int, text: str) -> None:
    """Offsets are taken off; what is finer than the form is cut off."""
    assert [run(value, form) for form in FORMS] == [text, seconds, millis, nanos]


@pytest.mark.parametrize(
    "value",
    [
        "-", "", "-1", "0", "now", None, True, ["1704067200"], {"t": 1}, -1, 0, 1e300, float("nan"),
        "2024-01-01T00:00:00", "2024-01-01", "2024-02-30T00:00:00Z", "2024-01-01T00:00:60Z", "2024-01-01T24:00:01Z",
        "2024-01-01T00:00:00+99:00", "17040672001", "17040672001234567890", " 1704067200", "1704067200\n",
        "\u0661704067200", "2024-01-01T00:00:00+08", "1.704067200e9", "x" * 100_000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", FORMS)
def test_what_is_no_time_stays_as_it_is(value: Value, form: Format) -> None:
    """Missing marks, times without an offset, days that do not exist."""
    assert run(value, form) is value


def test_nine_digits_are_seconds() -> None:
    """Of the years before 2001."""
    assert run("170406720", "rfc3339") == "1975-05-27T07:12:00Z"


def test_a_time_beyond_the_calendar_stays() -> None:
    """Its offset taken off, it is in the year 10000."""
    assert run("9999-12-31T23:59:59-12:00", "rfc3339") == "9999-12-31T23:59:59-12:00"


@given(st.integers(10**8, 7 * 10**9), st.integers(0, 999_999))
def test_from_form_to_form_no_time_is_lost(seconds: int, micros: int) -> None:
    """Through nanoseconds and back, and through text: the same moment, to the microsecond."""
    when = dt.datetime.fromtimestamp(seconds, dt.UTC).replace(microsecond=micros)
    text = run(when.isoformat(), "rfc3339")
    assert isinstance(text, str)
    assert dt.datetime.fromisoformat(text) == when
    assert run(run(text, "unix_ns"), "rfc3339") == text


@given(st.text(max_size=30) | st.text("0123456789-T:.Z+", max_size=30))
def test_any_text_is_a_time_or_stays(text: str) -> None:
    """No text stops a record."""
    assert all(isinstance(run(text, form), str | int) for form in FORMS)
