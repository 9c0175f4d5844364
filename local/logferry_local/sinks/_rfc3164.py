"""One message as RFC 3164 describes it, or with the short header of the LEEF guide; ValueError says what is not."""

import re
from datetime import datetime

from logferry_local.sinks._rfc5424 import checked_time, nil

__all__ = ["parse", "parse_short", "seems", "seems_short"]

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_SEEMS = re.compile(rb"<[0-9]{1,3}>(?:%b) " % "|".join(_MONTHS).encode())
_WHOLE = re.compile(
    r"<(0|[1-9][0-9]{0,2})>([A-Z][a-z]{2}) ([ 1-3][0-9]) ([0-9]{2}:[0-9]{2}:[0-9]{2}) ([\x21-\x7e]{1,255}) (.*)",
    re.DOTALL,
)
_TAG = re.compile(r"([A-Za-z0-9]{1,32})(?:\[([\x21-\x5a\x5e-\x7e]{1,128})\])?: ?")
_SHORT = re.compile(rb"<(0|[1-9][0-9]{0,2})>1 (-|[0-9TZ:.+-]{20,32}) ([\x21-\x7e]{1,255}) ((?:LEEF|CEF):.*)", re.DOTALL)


def seems(message: bytes) -> bool:
    """Whether it begins with a number and the name of a month."""
    return _SEEMS.match(message) is not None


def seems_short(message: bytes) -> bool:
    """Whether an event stands where RFC 5424 has APP-NAME."""
    return _SHORT.match(message) is not None


def parse(message: bytes) -> dict[str, object]:
    """Its parts by name. An event (CEF, LEEF) begins with what looks like a TAG and is none."""
    found = _WHOLE.fullmatch(message.decode("utf-8", "backslashreplace"))
    if found is None:
        raise ValueError(f"header: {message[:60]!r} is not <PRI>Mmm dd hh:mm:ss HOSTNAME TAG")
    pri, month, day, clock, host, rest = found.groups()
    try:  # 2024: a leap year, since the message does not tell its own
        datetime.strptime(f"2024-{_MONTHS.index(month) + 1}-{int(day)} {clock}", "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
    except ValueError as error:
        raise ValueError(f"TIMESTAMP: {month} {day} {clock}: {error}") from None
    tag = None if rest.startswith(("CEF:", "LEEF:")) else _TAG.match(rest)
    return {
        **_number(pri), "time": f"{month} {day} {clock}", "host": nil(host), "app": tag and tag[1],
        "procid": tag and tag[2], "msg": rest[tag.end() :] if tag else rest,
    }  # fmt: skip


def parse_short(message: bytes) -> dict[str, object]:
    """The short header's parts by name."""
    found = _SHORT.fullmatch(message)
    if found is None:
        raise ValueError(f"header: {message[:60]!r} is not <PRI>1 TIME HOSTNAME and an event")
    pri, time, host, text = (part.decode("utf-8", "backslashreplace") for part in found.groups())
    return {**_number(pri), "time": checked_time(time), "host": nil(host), "msg": text}


def _number(pri: str) -> dict[str, object]:
    if int(pri) > 191:
        raise ValueError(f"PRI: {pri} is over 191")
    return {"facility": int(pri) // 8, "severity": int(pri) % 8}
