"""Lines of JSON objects become logs: values digit for digit, times exact, bad lines told by place and reason."""

from pathlib import Path

import pytest

from logferry_local.ndjson import MAX_LINE, Bad, Line, read


def lines(tmp_path: Path, content: bytes, time_field: str = "") -> list[Line | Bad]:
    """What the reader makes of a file, at time 1,000,000.5."""
    path = tmp_path / "logs.ndjson"
    path.write_bytes(content)
    return list(read(path, time_field=time_field, clock=lambda: 1_000_000.5))


def test_values_are_their_own_text(tmp_path: Path) -> None:
    """Texts come without quotes; numbers, truth values, null and nested values keep every character."""
    (line,) = lines(
        tmp_path,
        b'{"s": "a\\u00e9\\n", "n": 1.10, "i": 12345678901234567890123, "b": true, "z": null, "o": {"x": [1.0, "y"]}}',
    )
    assert isinstance(line, Line)
    assert line.fields == {
        "s": "aé\n", "n": "1.10", "i": "12345678901234567890123", "b": "true", "z": "null", "o": '{"x": [1.0, "y"]}',
    }  # fmt: skip


def test_without_a_time_field_it_is_now(tmp_path: Path) -> None:
    """A log without a time of its own gets the time of reading."""
    (line,) = lines(tmp_path, b'{"a": 1}')
    assert isinstance(line, Line)
    assert (line.time, line.nanos) == (1_000_000, 500_000_000)


@pytest.mark.parametrize(
    ("text", "seconds", "nanos"),
    [
        ("1700000000", 1_700_000_000, 0),
        ("1700000000.123456789", 1_700_000_000, 123_456_789),
        ('"1700000000.5"', 1_700_000_000, 500_000_000),
        ("1700000000123", 1_700_000_000, 123_000_000),
        ("1700000000123456", 1_700_000_000, 123_456_000),
        ("1700000000123456789", 1_700_000_000, 123_456_789),
        ('"2023-11-14T22:13:20Z"', 1_700_000_000, 0),
        ('"2023-11-15T06:13:20.123456789+08:00"', 1_700_000_000, 123_456_789),
        ('"2023-11-14 22:13:20.25"', 1_700_000_000, 250_000_000),
    ],
)
def test_times_are_exact(tmp_path: Path, text: str, seconds: int, nanos: int) -> None:
    """Numbers in four units and ISO 8601 with any zone (or none: UTC) give the same moment, to the nanosecond."""
    (line,) = lines(tmp_path, b'{"t": %s}' % text.encode(), "t")
    assert isinstance(line, Line)
    assert (line.time, line.nanos) == (seconds, nanos)
    assert line.fields["t"] == text.strip('"')


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[1]", "not a JSON object"),
        (b'{"a": ', "not a JSON object"),
        (b'{"a": "\xff"}', "not a JSON object"),
        (b'{"a": ' + b"[" * 100_000, "not a JSON object"),
        (b"{}", "without a field"),
        (b'{"a": 1}', "has no field t"),
        (b'{"t": "yesterday"}', "not a number or ISO 8601"),
        (b'{"t": -5}', "not a number or ISO 8601"),
        (b'{"t": "1700-01-01T00:00:00Z"}', "not between 1970 and 2106"),
        (b'{"t": 1, "a": "' + b"x" * MAX_LINE + b'"}', "longer than"),
    ],
)
def test_bad_line_is_told_and_left_out(tmp_path: Path, content: bytes, reason: str) -> None:
    """A line that is no log is named by its number and reason; the lines around it are read."""
    first, bad, last = lines(tmp_path, b'{"t": 1}\n' + content + b'\n\n  \n{"t": 2}\n', "t")
    assert isinstance(bad, Bad)
    assert bad.number == 2
    assert reason in bad.reason
    assert isinstance(first, Line)
    assert isinstance(last, Line)
