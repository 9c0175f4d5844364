"""The body of a post as records: a JSON array, an array in an envelope, or objects with a separator between them.

What cannot be read is a piece of its own, with its bytes and the reason, so that it stops nothing beside it. The fast
way reads a whole array at once; where that fails, or where an array may have millions of items, values are read one
after the other up to the limit. Memory: a small multiple of the body.
"""

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import msgspec

__all__ = ["Envelope", "Form", "MostRecords", "Piece", "TooMany", "Unreadable", "pieces"]

# Options of sources whose logs come in bodies.
Envelope = Annotated[str, msgspec.Meta(max_length=512, description="the key of an object")]
MostRecords = Annotated[int, msgspec.Meta(ge=1, le=1_000_000, description="1-1000000")]

_SLACK = 20  # as many times `most` there may be empty lines, or commas inside records, before it is taken for an attack
_SMALL = 10  # with fewer pieces than this, "more than half" says nothing
_BLANK = b" \t\r\n"
_VALUE = re.compile(r"[^ \t\r\n,]")
_DECODER = json.JSONDecoder(strict=False, parse_int=str)  # only where a value ends; int takes 4,300 digits


class TooMany(ValueError):
    """More records than a post may hold."""


class Unreadable(ValueError):
    """Nothing, or less than half of it, is a record: it is in another form than the task expects."""


class Form(NamedTuple):
    """What stands around and between the records."""

    prefix: bytes = b""
    suffix: bytes = b""
    separator: bytes = b"\n"  # empty: nothing stands between
    envelope: str = ""  # the key of an object that holds the array
    most: int = 100_000  # records


class Piece(NamedTuple):
    """One record as it came; with a `problem` it could not be read."""

    raw: bytes
    problem: str = ""
    at: float = 0.0  # Unix seconds at which its sender took it; 0 if that is not said

    @property
    def fields(self) -> dict[str, Any]:
        """Read each time they are asked for: as objects, the records of a post are many times its size."""
        return {} if self.problem else msgspec.json.decode(self.raw, type=dict[str, Any])


def pieces(body: bytes, form: Form) -> list[Piece]:
    """The records of a body and what could not be read, in order; none of an empty body. TooMany, Unreadable."""
    inside = _bare(body, form)
    if not inside.strip(_BLANK):
        return []
    found = [_piece(raw) for raw in _parts(inside, form)]
    bad = sum(1 for piece in found if piece.problem)
    if bad and not (whole := _piece(inside)).problem:
        return [whole]  # one object over several lines
    if bad and (bad == len(found) or (len(found) >= _SMALL and bad * 2 > len(found))):
        raise Unreadable(f"{bad} of {len(found)} pieces cannot be read as records")
    return found


def _bare(body: bytes, form: Form) -> bytes:
    """Without prefix and suffix. A sender's test may have neither, and some end every body with a line feed."""
    if form.prefix and body.startswith(form.prefix):
        body = body[len(form.prefix) :]
    if form.suffix:
        shorn = body if body.endswith(form.suffix) else body.rstrip(_BLANK)
        body = shorn.removesuffix(form.suffix)
    return body


def _parts(inside: bytes, form: Form) -> list[bytes]:
    lead = inside.lstrip(_BLANK)[:1]
    if lead == b"{" and form.envelope:
        held = _enveloped(inside, form.envelope)
        if held is not None:
            inside, lead = held, b"["
    if lead == b"[":
        found = _array(inside, form.most)
        return list(_scanned(inside.strip(_BLANK)[1:], form.most, end="]")) if found is None else found
    if form.separator.strip(_BLANK) == b",":
        listed = inside.strip(_BLANK).removesuffix(b",")
        found = _array(b"[%b]" % listed, form.most)
        return list(_scanned(listed, form.most)) if found is None else found
    if not form.separator:
        return list(_scanned(inside, form.most))
    if inside.count(form.separator) > form.most * _SLACK:
        raise TooMany(f"more than {form.most} records")
    lines = [line for line in inside.split(form.separator) if line.strip(_BLANK)]
    return _bounded(lines, form.most)


def _enveloped(inside: bytes, key: str) -> bytes | None:
    try:
        held = msgspec.json.decode(inside, type=dict[str, msgspec.Raw]).get(key)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return None if held is None or not bytes(held).lstrip(_BLANK).startswith(b"[") else bytes(held)


def _array(data: bytes, most: int) -> list[bytes] | None:
    """The items of a whole array; None if it is broken, or may have too many items to be read at once."""
    if data.count(b",") > most * _SLACK:
        return None
    try:
        items = msgspec.json.decode(data, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return _bounded([bytes(item) for item in items], most)


def _scanned(data: bytes, most: int, end: str = "") -> Iterator[bytes]:
    """Value after value; what follows the first that is broken is one piece, for nobody knows where it ends."""
    text, at, count = data.decode("utf-8", "surrogateescape"), 0, 0
    while True:
        begin = _VALUE.search(text, at)
        if begin is None or (begin[0] == end and not text[begin.end() :].strip()):
            return
        at = begin.start()
        count += 1
        if count > most:
            raise TooMany(f"more than {most} records")
        try:
            stop = _DECODER.raw_decode(text, at)[1]
        except (ValueError, RecursionError):
            stop = len(text)
        yield text[at:stop].encode("utf-8", "surrogateescape")
        at = stop


def _bounded(parts: list[bytes], most: int) -> list[bytes]:
    if len(parts) > most:
        raise TooMany(f"{len(parts)} records, {most} at most")
    return parts


def _piece(raw: bytes) -> Piece:
    try:
        msgspec.json.decode(raw, type=dict[str, Any])
    except UnicodeDecodeError:
        problem = "not UTF-8"
    except RecursionError:
        problem = "nested too deeply"
    except msgspec.MsgspecError as error:
        problem = str(error)[:120]
    else:
        return Piece(raw)
    return Piece(raw, f"cannot be read as a JSON object: {problem}")
