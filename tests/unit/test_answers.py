"""HTTP statuses and `Retry-After` without knowledge of the service."""

import pytest

from logferry.errors import Misconfigured, Permanent, TooLarge, Transient
from logferry.transport.answers import by_status, quote, retry_after
from logferry.transport.web import Reply
from logferry.vault import Secret

NOW = 1_774_426_530.0  # Wed, 25 Mar 2026 08:15:30 GMT


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((200, 201, 202, 204, 299), type(None)),
        ((101, 300, 301, 302, 307, 308, 401, 402, 403, 404, 405, 407, 410, 411, 415, 421, 431, 451), Misconfigured),
        ((408, 425, 429, 500, 501, 502, 503, 504, 507, 599), Transient),
        ((413,), TooLarge),
        ((400, 406, 409, 422, 499), Permanent),
    ],
)
def test_status_decides(statuses: tuple[int, ...], expected: type[Exception]) -> None:
    """Each status class has its error."""
    assert {type(by_status(Reply(status, {}, b""), "text", NOW)) for status in statuses} == {expected}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0), (" 0 ", 0.0), ("1.5", 1.5), ("Wed, 25 Mar 2026 08:16:00 GMT", 30.0),
        ("Wed, 25 Mar 2026 08:15:00 GMT", 0.0), ("99999999999", 86_400.0), ("Wed, 25 Mar 2099 08:15:00 GMT", 86_400.0),
        ("-5", None), ("soon", None), ("", None), ("1e9", None), ("Wed, 99 Mar 2026", None), ("9" * 400, None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    """Both forms are understood, a date in the past is 0, a day is the most, nonsense is nothing."""
    assert retry_after(Reply(503, {"Retry-After": value}, b""), NOW) == seconds


def test_retry_after_may_be_absent() -> None:
    """No header, no wish."""
    assert retry_after(Reply(503, {}, b""), NOW) is None


def test_quote_hides_secrets_before_it_cuts() -> None:
    """An echoed secret is hidden even where the cut would have left half of it."""
    assert quote(b"x" * 195 + b"s3cr3t-token", [Secret("s3cr3t-token")]) == "x" * 195 + "***"


def test_quote_survives_any_bytes() -> None:
    """Broken UTF-8 and control characters become harmless."""
    assert quote(b"\x1b[31mred\xff\x00\n\nend") == "[31mred\ufffd end"
