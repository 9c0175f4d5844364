"""Times as people write them."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry import times


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-07-01T00:00:00Z", 1_782_864_000), ("2026-07-01t08:00:00.999+08:00", 1_782_864_000),
        ("2026-07-01 00:00:00z", 1_782_864_000), ("2026-07-01T00:00:00", 1_782_864_000),
        ("2018-12-26 0:0:0", 1_545_782_400), ("2019-1-1 0:0:0+8:00", 1_546_272_000),
        ("2019-1-1 0:0:0 -0330", 1_546_313_400), ("2019-1-1 0:0:0+8", 1_546_272_000),
        ("2026-07-01", None), ("2026-13-01T00:00:00Z", None), ("2026-07-01T00:00:00+08:60", None), ("begin", None),
        ("2026-07-01T00:00:00Z ", None), ("2026-07-01T00:00:00+25:00", None), ("٢٠٢٦-07-01T00:00:00Z", None),
    ],
)  # fmt: skip
def test_a_time_is_read_or_it_is_none(text: str, expected: int | None) -> None:
    """RFC 3339 and the spellings of the published scripts; anything else is no time."""
    assert times.unix_time(text) == expected


def test_a_time_without_an_offset_is_utc_and_that_is_said() -> None:
    """It would mean another moment on another machine otherwise."""
    assert times.assumption("2018-12-26 0:0:0") == "2018-12-26 0:0:0 has no offset: taken as UTC"
    assert (times.assumption("2019-1-1 0:0:0+8:00"), times.assumption("begin")) == ("", "")


@given(st.floats(0, 253_402_300_799))
def test_the_date_of_a_header_is_the_standard_librarys(seconds: float) -> None:
    """Without its module for mail, which a cold start would load."""
    assert times.http_date(seconds) == formatdate(int(seconds), usegmt=True)
