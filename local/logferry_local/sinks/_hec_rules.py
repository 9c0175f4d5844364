"""What the HTTP Event Collector takes of a body: envelopes one after the other, or a JSON array of them.

As observed on Splunk Enterprise 10.4 and Cloud 10.5: at the first object that is wrong, all before it are
indexed and none from it on; an index that is not allowed names the object after it; an unknown key ends the
body silently; an object with `fields` and no `event` is passed over.
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

import orjson

__all__ = ["Limits", "Taken", "take"]

_KEYS = frozenset({"time", "host", "source", "sourcetype", "index", "event", "fields"})
_TEXTS = ("host", "source", "sourcetype", "index")
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]+)?")


class Limits(NamedTuple):
    """What the token and the collector allow."""

    indexes: frozenset[str]  # empty: any
    event_bytes: int


class Taken(NamedTuple):
    """The result for a body: the envelopes that count as indexed, one line each, and the answer's code."""

    lines: list[bytes]
    code: int = 0
    number: int | None = None  # `invalid-event-number`


class _Wrong(Exception):
    """One object is not taken."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def take(body: bytes, limits: Limits) -> Taken:
    """Judge the objects of a body in order, up to the first wrong one."""
    lines: list[bytes] = []
    number = 0
    try:
        for line, found in _objects(body):
            envelope = _envelope(line, found, limits)
            if not envelope.keys() <= _KEYS:
                return Taken(lines) if lines else Taken([], 5)
            if "event" in envelope or "fields" not in envelope:
                _judge(envelope, limits)
                lines.append(line)
            number += 1
    except _Wrong as wrong:
        return Taken(lines, wrong.code, number + 1 if wrong.code == 7 else number)
    return Taken(lines) if number else Taken([], 5)


def _envelope(line: bytes, found: object, limits: Limits) -> dict[str, object]:
    if not isinstance(found, dict) or len(line) > limits.event_bytes:
        raise _Wrong(6)
    return found


def _judge(found: dict[str, object], limits: Limits) -> None:
    if "event" not in found:
        raise _Wrong(12)
    if found["event"] in (None, ""):
        raise _Wrong(13)
    if not _flat(found.get("fields", {})):
        raise _Wrong(15)
    if any(not isinstance(found.get(name, ""), str) for name in _TEXTS) or not _numeric(found.get("time", 0)):
        raise _Wrong(6)
    if limits.indexes and found.get("index", next(iter(limits.indexes))) not in limits.indexes:
        raise _Wrong(7)


def _flat(fields: object) -> bool:
    if not isinstance(fields, dict):
        return False
    items = [item for value in fields.values() for item in (value if isinstance(value, list) else [value])]
    return all(isinstance(item, str | int | float) for item in items)


def _numeric(time: object) -> bool:
    if isinstance(time, str):
        return _NUMBER.fullmatch(time) is not None
    return isinstance(time, int | float) and not isinstance(time, bool)


def _objects(body: bytes) -> Iterator[tuple[bytes, object]]:
    """(one line of JSON, its value) for each object. _Wrong(6) where the text stops to be JSON."""
    quick = _one_a_line(body)
    yield from quick if quick is not None else _one_after_the_other(body.decode("utf-8", "surrogateescape"))


def _one_a_line(body: bytes) -> list[tuple[bytes, object]] | None:
    """The usual form read fast; None if it is not that form all through."""
    lines = body.split(b"\n")
    try:
        values = [orjson.loads(line) for line in lines]
    except ValueError:
        return None
    return list(zip(lines, values, strict=True)) if all(isinstance(value, dict) for value in values) else None


def _one_after_the_other(text: str) -> Iterator[tuple[bytes, object]]:
    """Concatenated values or one array, by scanning."""
    decoder = json.JSONDecoder(parse_constant=_refuse)
    at = _skip(text, 0)
    array = text.startswith("[", at)
    at = _skip(text, at + 1) if array else at
    while at < len(text) and not (array and text[at] == "]"):
        try:
            value, end = decoder.raw_decode(text, at)
            # Line breaks stand between tokens only; half surrogates stand for bytes that are not UTF-8.
            line = text[at:end].replace("\r", " ").replace("\n", " ").encode()
        except (ValueError, RecursionError):
            raise _Wrong(6) from None
        yield line, value
        at = _skip(text, end)
        if array and not text.startswith("]", at):
            if not text.startswith(",", at):
                raise _Wrong(6)
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _refuse(name: str) -> object:
    raise ValueError(name)
