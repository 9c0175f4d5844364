"""JSON from outside, read strictly: nothing twice, no NaN, no half characters, within limits."""

import json
import math
from collections.abc import Iterable
from typing import NoReturn

from logferry.errors import ConfigError

__all__ = ["MAX_BYTES", "read"]

MAX_BYTES = 1 << 20


class _BadError(Exception):
    """One sentence: what is wrong."""


def read(text: str | bytes, subject: str) -> object:
    """The data; ConfigError that says what is wrong. JSON within a JSON text, as APIs hand it out, is unpacked."""
    try:
        data = _load(text)
        return _load(data) if isinstance(data, str) else data
    except _BadError as error:
        raise ConfigError([f"document: {error}"], subject=subject) from None


def _load(text: str | bytes) -> object:
    try:
        raw = text if isinstance(text, bytes) else text.encode()
        content = raw.decode("utf-8-sig")
    except UnicodeError:
        raise _BadError("is not UTF-8 text") from None
    if len(raw) > MAX_BYTES:
        raise _BadError(f"{len(raw)} bytes, at most {MAX_BYTES} are accepted")
    if not content.strip():
        raise _BadError("is empty, expected JSON")
    try:
        data: object = json.loads(
            content, object_pairs_hook=_mapping, parse_constant=_constant, parse_int=_whole, parse_float=_fraction
        )
        json.dumps(data, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise _BadError(f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _BadError("is nested too deeply") from None
    except UnicodeError:
        raise _BadError("a text holds half of a surrogate pair") from None
    return data


def _mapping(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    made: dict[str, object] = {}
    for key, value in pairs:
        if key in made:
            raise _BadError(f"key {key[:60]!r} stands twice in one object")
        made[key] = value
    return made


def _whole(digits: str) -> int:
    if len(digits) > 20 or not -(1 << 63) <= int(digits) < 1 << 63:
        raise _BadError("a number of more than 64 bits")
    return int(digits)


def _fraction(digits: str) -> float:
    found = float(digits)
    if not math.isfinite(found):
        raise _BadError("a number is out of range")
    return found


def _constant(name: str) -> NoReturn:
    raise _BadError(f"{name} is no number")
