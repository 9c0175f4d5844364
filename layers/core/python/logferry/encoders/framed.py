"""Syslog messages: a header and a body's text, framed for a stream (RFC 6587, RFC 5425) or counted for datagrams.

LF framing would break at a line break in the text, so there every text that may hold one is written on one line
(`values.one_line`), reversibly. Octet counting and datagrams carry it as it is. Sizes are of the message, in bytes,
without its frame. An empty text leaves out the space before it.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Literal, NamedTuple

from logferry.encoders import Body, PairsBody
from logferry.errors import Permanent
from logferry.from_field import Read
from logferry.model import Record, Value
from logferry.syslog_header import Header, Stamp
from logferry.values import mend, one_line

__all__ = ["Framed", "Framing", "Oversize", "Sizes", "messages"]

Framing = Literal["lf", "octet_counting"]
Oversize = Literal["truncate", "split", "park"]
_MOST_PARTS = 99_999


class Sizes(NamedTuple):
    """How long a message may be, and what becomes of a longer one."""

    max_bytes: int = 8192
    oversize: Oversize = "split"


_SIZES = Sizes()


class Framed:
    """The header around a body's text. One record is one frame, or several when it is split."""

    def __init__(
        self, header: Header, body: Body, *, framing: Framing, priority: int | Read[int] = 14, sizes: Sizes = _SIZES
    ) -> None:
        self._body, (self._max_bytes, self._oversize) = body, sizes
        self._escape = framing == "lf" and not body.one_line
        self._framed = _line if framing == "lf" else _counted
        self._end = "\n" if framing == "lf" else ""
        self._most = self._max_bytes + len(self._end)
        self._unit, self._digits = 10 ** (9 - header.digits), header.digits
        # The fixed priority, by far the commonest, is decided here and costs nothing a record.
        self._priority = None if isinstance(priority, int) else priority
        self._headers = lru_cache(maxsize=192)(header.at)
        self._header = header.at(priority if isinstance(priority, int) else 0)
        self.takes_pairs = isinstance(priority, int) and isinstance(body, PairsBody) and body.takes_pairs
        if isinstance(body, PairsBody):
            self._text_of_pairs = body.text_of_pairs

    def encode(self, record: Record) -> bytes:
        """The framed message, or the frames of its parts."""
        header = self._header if self._priority is None else self._headers(self._priority(record.fields))
        return self._message(self._body.text(record), header(record.time), record.time, record.nanos)

    def encode_pairs(self, time: int, nanos: int, names: tuple[str, ...], values: Sequence[Value]) -> bytes:
        """The same without a record; only where `takes_pairs`."""
        return self._message(self._text_of_pairs(names, values), self._header(time), time, nanos)

    def _message(self, text: str, stamp: Stamp, time: int, nanos: int) -> bytes:
        if self._escape:
            text = one_line(text)
        head, before, after = stamp
        if nanos and before and (fraction := nanos // self._unit):
            head = f"{before}{fraction:0{self._digits}d}{after}"
        if not text:
            head = head.rstrip(" \ufeff")
        try:
            message = f"{head}{text}{self._end}".encode()
        except UnicodeEncodeError:
            text = mend(text)
            message = f"{head}{text}{self._end}".encode()
        if len(message) <= self._most:
            return message if self._end else _counted(message)
        return b"".join(map(self._framed, self._fitting(head.encode(), text, f"{time}.{nanos}")))

    def frame(self, parts: Sequence[bytes]) -> bytes:
        """Frames need nothing between them."""
        return b"".join(parts)

    def _fitting(self, head: bytes, text: str, moment: str) -> list[bytes]:
        """The message cut or in parts; Permanent when it is to be parked or cannot fit."""
        size = len(head) + len(text.encode())
        too_long = f"the message has {size} bytes, at most {self._max_bytes} are allowed (max_message_bytes)"
        if self._oversize == "park":
            raise Permanent(too_long)
        try:
            return [self._truncated(head, text)] if self._oversize == "truncate" else self._split(head, text, moment)
        except ValueError as error:
            raise Permanent(f"{too_long}; beside the header {error}") from None

    def _truncated(self, head: bytes, text: str) -> bytes:
        piece, marks = self._body.piece, {"truncated": len(text.encode())}
        room = self._max_bytes - len(head) - len(piece(marks, b""))
        return head + piece(marks, next(iter(self._body.cuts(text, room))))

    def _split(self, head: bytes, text: str, moment: str) -> list[bytes]:
        # Named from time and text, not from the host: wherever and however often the record is sent from.
        name = blake2b(f"{moment} {text}".encode(), digest_size=8).hexdigest()
        piece = self._body.piece
        widest = piece({"part": _MOST_PARTS, "of": _MOST_PARTS, "record": name}, b"")
        parts = list(self._body.cuts(text, self._max_bytes - len(head) - len(widest)))
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
