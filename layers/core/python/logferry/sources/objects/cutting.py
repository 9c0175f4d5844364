"""Where the records of an object are: lines, or JSON values one after the other or in an array; found piece by piece.

A line that is longer than `longest` is cut off there and told as unreadable; what is behind it goes on. A JSON value
that is broken or too long has no such "behind": the rest of the object is told as one, and Expired if that is too long
too. How the pieces are cut changes nothing.
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from logferry.errors import Expired

__all__ = ["Cut", "lines", "opened", "values"]

_VALUE = re.compile(r"[^ \t\r\n,]")
_DECODER = json.JSONDecoder(strict=False, parse_int=str)  # only where a value ends; int takes 4,300 digits
_AHEAD = 3  # letters: a number that ends with the text, or before `e+`, may go on behind it; nothing else does


class Cut(NamedTuple):
    """A record's bytes; `end` is where the next one begins. With a `problem` they are none, or not all."""

    begin: int
    end: int
    raw: bytes
    problem: str = ""


def lines(pieces: Iterator[bytes], at: int, longest: int) -> Iterator[Cut]:
    """Each line that is not blank; the last one needs no line feed. `at`: where the first piece begins."""
    rest, begin, passed = b"", at, 0  # passed: bytes of the line that are not held any more
    for piece in pieces:
        *whole, last = piece.split(b"\n")
        for line in whole:
            found, end = (rest + line) if rest else line, begin + passed + len(rest) + len(line) + 1
            if (cut := _line(begin, end, found, longest)) is not None:
                yield cut
            begin, rest, passed = end, b"", 0
        rest += last
        if len(rest) > longest:
            passed, rest = passed + len(rest) - longest - 1, rest[: longest + 1]
    if (cut := _line(begin, begin + passed + len(rest), rest, longest)) is not None:
        yield cut


def _line(begin: int, end: int, found: bytes, longest: int) -> Cut | None:
    """None for a blank one."""
    raw = found.removesuffix(b"\r")
    if len(raw) > longest:
        return Cut(begin, end, raw[:longest], _too_long(longest))
    return Cut(begin, end, raw) if raw and not raw.isspace() else None


def opened(pieces: Iterator[bytes], envelope: str, longest: int) -> tuple[int, bytes, bool]:
    """How many bytes stand before the values of a JSON document, what was read behind them, whether they are an array.

    The array that the first key `envelope` has, else the array that the document is, else its values one after the
    other. Expired if there is no such key within `longest` bytes.
    """
    key = re.compile(re.escape(json.dumps(envelope).encode()) + rb"\s*:\s*\[") if envelope else re.compile(rb"\s*\[")
    head = b""
    for piece in pieces:
        head += piece
        found = key.search(head) if envelope else key.match(head)
        if found:
            return found.end(), head[found.end() :], True
        if len(head) > longest or (head.strip() and not envelope):
            break
    if envelope and head.strip():
        raise Expired(f"there is no array under {envelope!r}")
    return 0, head, False


def values(pieces: Iterator[bytes], at: int, longest: int, *, inside: bool) -> Iterator[Cut]:
    """Each JSON value, with blanks or commas between; `inside` of an array up to its end."""
    # As Latin-1 a byte is a letter, so that places in the text are places in the object; JSON's own signs are ASCII.
    text, begin, place, more = "", at, 0, True
    while True:
        start = _start_of(text, place)
        if inside and text[start : start + 1] == "]":
            return
        stop = _end_of(text, start, longest)
        if stop is not None and (not more or text[start] in '{["' or stop < len(text) - _AHEAD):
            yield Cut(begin + start, begin + stop, text[start:stop].encode("latin-1"))
            place = stop
            continue
        text, begin, place = text[start:], begin + start, 0
        if more and len(text) <= longest + _AHEAD:
            piece = next(pieces, b"")
            text, more = text + piece.decode("latin-1"), bool(piece)
            continue
        if text:
            raw = text.encode("latin-1")
            yield Cut(begin, begin + len(raw), raw[:longest], "no JSON value, or one that is too long")
        if len(text) > longest:
            raise Expired("behind JSON that is broken, or longer than max_record, nobody knows where a record begins")
        return


def _start_of(text: str, place: int) -> int:
    found = _VALUE.search(text, place)
    return found.start() if found else len(text)


def _end_of(text: str, start: int, longest: int) -> int | None:
    """Where the value ends; None if it is broken or too long, or goes on behind the text."""
    try:
        stop = _DECODER.raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return None
    return stop if stop - start <= longest else None


def _too_long(longest: int) -> str:
    return f"longer than {longest} bytes (max_record), cut off there"
