"""One RFC 5424 message, read strictly: what the grammar does not allow is a ValueError that says where."""

import re
from datetime import datetime

__all__ = ["checked_time", "nil", "parse"]

_NAME = rb"[\x21\x23-\x3c\x3e-\x5c\x5e-\x7e]{1,32}"  # printable but = space ] "
_ELEMENT = rb"\[%b(?: %b=\"(?:[^\"\\\]]|\\.)*\")*\]" % (_NAME, _NAME)
_PARTS = (
    ("PRI", rb"<(0|[1-9][0-9]{0,2})>"),
    ("VERSION", rb"(1) "),
    (
        "TIMESTAMP",
        rb"(-|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})) ",
    ),
    ("HOSTNAME", rb"([\x21-\x7e]{1,255}) "),
    ("APP-NAME", rb"([\x21-\x7e]{1,48}) "),
    ("PROCID", rb"([\x21-\x7e]{1,128}) "),
    ("MSGID", rb"([\x21-\x7e]{1,32}) "),
    ("STRUCTURED-DATA", rb"(-|(?:%b)+)(?= |\Z)" % _ELEMENT),
)
_COMPILED = [(name, re.compile(pattern, re.DOTALL)) for name, pattern in _PARTS]
_WHOLE = re.compile(b"".join(pattern for _, pattern in _PARTS), re.DOTALL)
_BOM = b"\xef\xbb\xbf"


def parse(message: bytes) -> dict[str, object]:
    """Its parts by name; nil is None. The text without its mark, bytes that are not UTF-8 as escapes."""
    found = _WHOLE.match(message)
    if found is None:
        raise ValueError(_where(message))
    pri, _, time, host, app, procid, msgid, data = (part.decode("utf-8", "backslashreplace") for part in found.groups())
    if int(pri) > 191:
        raise ValueError(f"PRI: {pri} is over 191")
    rest = message[found.end() + 1 :]
    marked = rest.startswith(_BOM)
    text = rest[3:].decode() if marked else rest.decode("utf-8", "backslashreplace")
    return {
        "facility": int(pri) // 8, "severity": int(pri) % 8, "time": checked_time(time), "host": nil(host),
        "app": nil(app), "procid": nil(procid), "msgid": nil(msgid), "data": nil(data), "bom": marked, "msg": text,
    }  # fmt: skip


def nil(part: str) -> str | None:
    """A header's field, None for nil."""
    return None if part == "-" else part


def checked_time(time: str) -> str | None:
    """The time as it is written, None for nil; ValueError for a day or an hour that there is not."""
    if time != "-":
        try:
            datetime.fromisoformat(time)
        except ValueError as error:
            raise ValueError(f"TIMESTAMP: {time}: {error}") from None
    return nil(time)


def _where(message: bytes) -> str:
    at = 0
    for name, pattern in _COMPILED:
        found = pattern.match(message, at)
        if found is None:
            return f"{name}: {message[at : at + 40]!r} at byte {at} is not what RFC 5424 has there"
        at = found.end()
    return "not RFC 5424"
