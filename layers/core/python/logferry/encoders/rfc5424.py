"""Syslog messages as RFC 5424 has them, framed for a stream (RFC 6587, RFC 5425) or counted for datagrams.

`<PRI>1 TIME HOSTNAME APP-NAME PROCID MSGID - TEXT`. The time is the record's, in UTC: whole seconds, or with six digits
that are cut, not rounded; a time outside the years 1 to 9999 is nil. Characters that the header cannot hold become `_`,
and its fields are cut to their limits. An empty text leaves out the space before it.

LF framing would break at a line break in the text, so there every text that may hold one is written on one line
(`values.one_line`), reversibly. Octet counting and datagrams carry it as it is. Sizes are of the message, in bytes,
without its frame.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Literal, NamedTuple

from logferry.encoders import Body
from logferry.errors import Permanent
from logferry.model import Record
from logferry.pieces import cut, first
from logferry.values import mend, one_line

__all__ = ["FACILITIES", "SEVERITIES", "Framing", "Header", "Oversize", "Rfc5424", "messages"]

Framing = Literal["lf", "octet_counting"]
Oversize = Literal["truncate", "split", "park"]
FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_MOST_PARTS = 99_999
_OUTSIDE = re.compile(r"[^\x21-\x7e]")


class Header(NamedTuple):
    """What every message of a task has in common. None is nil, written `-`."""

    facility: int = 1  # 0-23
    severity: int = 6  # 0-7
    hostname: str | None = None
    app_name: str | None = None
    procid: str | None = None
    msgid: str | None = None
    bom: bool = False  # mark the text as UTF-8


class Rfc5424:
    """The header around a body's text. One record is one frame, or several when it is split."""

    def __init__(
        self, header: Header, body: Body, *, framing: Framing, max_bytes: int = 8192, oversize: Oversize = "split"
    ) -> None:
        self._body, self._max_bytes, self._oversize = body, max_bytes, oversize
        self._escape = framing == "lf" and not body.one_line
        self._framed = _line if framing == "lf" else _counted
        self._header = _header(header)

    def encode(self, record: Record) -> bytes:
        """The framed message, or the frames of its parts."""
        text = self._body.text(record)
        if self._escape:
            text = one_line(text)
        whole, before, after = self._header(record.time)
        micros = record.nanos // 1000
        head = f"{before}.{micros:06d}{after}" if micros and before else whole
        if not text:
            head = head.rstrip(" \ufeff")
        try:
            message = (head + text).encode()
        except UnicodeEncodeError:
            text = mend(text)
            message = (head + text).encode()
        if len(message) <= self._max_bytes:
            return self._framed(message)
        return b"".join(map(self._framed, self._fitting(head.encode(), text, record)))

    def frame(self, parts: Sequence[bytes]) -> bytes:
        """Frames need nothing between them."""
        return b"".join(parts)

    def _fitting(self, head: bytes, text: str, record: Record) -> list[bytes]:
        """The message cut or in parts; Permanent when it is to be parked or cannot fit."""
        size = len(head) + len(text.encode())
        too_long = f"the message has {size} bytes, at most {self._max_bytes} are allowed (max_message_bytes)"
        if self._oversize == "park":
            raise Permanent(too_long)
        try:
            return [self._truncated(head, text)] if self._oversize == "truncate" else self._split(head, text, record)
        except ValueError as error:
            raise Permanent(f"{too_long}; beside the header {error}") from None

    def _truncated(self, head: bytes, text: str) -> bytes:
        piece, marks = self._body.piece, {"truncated": len(text.encode())}
        return head + piece(marks, first(self._body.inside(text), self._max_bytes - len(head) - len(piece(marks, b""))))

    def _split(self, head: bytes, text: str, record: Record) -> list[bytes]:
        # Named from time and text, not from the host: wherever and however often the record is sent from.
        name = blake2b(f"{record.time}.{record.nanos} {text}".encode(), digest_size=8).hexdigest()
        piece = self._body.piece
        widest = piece({"part": _MOST_PARTS, "of": _MOST_PARTS, "record": name}, b"")
        parts = list(cut(self._body.inside(text), self._max_bytes - len(head) - len(widest)))
        if len(parts) > _MOST_PARTS:
            raise ValueError(f"{len(parts)} parts are needed, {_MOST_PARTS} are allowed")
        count = len(parts)
        return [
            head + piece({"part": number, "of": count, "record": name}, part) for number, part in enumerate(parts, 1)
        ]


def messages(counted: bytes) -> Iterator[bytes]:
    """What stands behind each octet count of one or more frames."""
    at = 0
    while at < len(counted):
        space = counted.index(b" ", at)
        end = space + 1 + int(counted[at:space])
        yield counted[space + 1 : end]
        at = end


def _line(message: bytes) -> bytes:
    return message + b"\n"


def _counted(message: bytes) -> bytes:
    return b"%d %b" % (len(message), message)


def _header(header: Header) -> Callable[[int], tuple[str, str, str]]:
    """second -> (the header without a fraction, its part before the fraction, its part after it)."""
    pri = f"<{header.facility * 8 + header.severity}>1 "
    fields = (
        _printable(header.hostname, 255), _printable(header.app_name, 48),
        _printable(header.procid, 128), _printable(header.msgid, 32),
    )  # fmt: skip
    rest = f" {' '.join(fields)} - " + ("\ufeff" if header.bom else "")

    @lru_cache(maxsize=1024)  # keyed by all that varies
    def at(second: int) -> tuple[str, str, str]:
        try:
            when = time.gmtime(second)
        except (OverflowError, OSError, ValueError):
            return f"{pri}-{rest}", "", ""
        if not 1 <= when.tm_year <= 9999:
            return f"{pri}-{rest}", "", ""
        year, month, day, hour, minute, second = when[:6]
        before = f"{pri}{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}"
        return f"{before}Z{rest}", before, f"Z{rest}"

    return at


def _printable(value: str | None, limit: int) -> str:
    return _OUTSIDE.sub("_", value or "")[:limit] or "-"
