"""A document's text (YAML or JSON) -> plain data, within limits, one rule for every value.

Limits: 1 MiB, 32 levels, one document, no aliases, no tags, no key twice. Values follow JSON: `true`, `false`, `null`
and decimal numbers of 64 bits are what they look like; all else (`yes`, `0755`, `2026-01-01`) is text, as written.
A message names line and column, never the value found there: it may be a secret.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NoReturn

from logferry.errors import ConfigError

if TYPE_CHECKING:
    import yaml

__all__ = ["MAX_BYTES", "MAX_DEPTH", "read"]

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
_DIGITS = 20  # enough for 64 bits; longer ones are refused before they are turned into a number
_NUMBER = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?"
_WORDS: dict[str, object] = {"true": True, "false": False, "null": None, "~": None, "": None}


class _BadError(Exception):
    """One sentence: where, and what is wrong."""


def read(text: str | bytes, *, subject: str = "document") -> object:
    """The data; ConfigError that says where and what. Text that starts with `{` is tried as JSON first."""
    try:
        content = _decode(text)
        data = _json(content) if content.lstrip().startswith("{") else _BROKEN
        return _sound(_yaml(content) if data is _BROKEN else data)
    except _BadError as error:
        raise ConfigError([str(error)], subject=subject) from None


_BROKEN = object()


def _decode(text: str | bytes) -> str:
    size = len(text) if isinstance(text, bytes) else len(text.encode(errors="surrogatepass"))
    if size > MAX_BYTES:
        raise _BadError(f"{size} bytes, at most {MAX_BYTES} are accepted")
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _BadError(f"byte {error.start} is not UTF-8 text") from None


def _json(content: str) -> object:
    """The data, `_BROKEN` if it is not JSON (a YAML mapping may start with a brace too)."""

    def constant(name: str) -> NoReturn:
        raise _BadError(f"{name} is not a number that can be stored")

    def pairs(found: Iterable[tuple[str, object]]) -> dict[str, object]:
        made: dict[str, object] = {}
        for key, value in found:
            _add(made, key, value, "")
        return made

    try:
        return json.loads(
            content, object_pairs_hook=pairs, parse_constant=constant, parse_int=lambda digits: _whole(digits, "")
        )
    except json.JSONDecodeError:
        return _BROKEN
    except RecursionError:
        raise _BadError(f"nested deeper than {MAX_DEPTH} levels") from None


def _yaml(content: str) -> object:
    """Data straight from the parser's events: no constructor, no resolver, nothing built before it is counted."""
    import yaml

    try:
        events = yaml.parse(content, yaml.SafeLoader)
        data: object = None
        for number, _start in enumerate(event for event in events if isinstance(event, yaml.DocumentStartEvent)):
            if number:
                raise _BadError(f"{_at(_start)}a second document: write one file each")
            data = _node(events, next(events), 0)
    except yaml.MarkedYAMLError as error:
        # A quoted piece of the text could be part of a secret (an unquoted value that starts with `!`).
        reason = re.sub(r"'[^'<]{3,}'", "this", error.problem or "not YAML")
        raise _BadError(f"{_at(error)}{reason}") from None
    except (yaml.YAMLError, ValueError, OverflowError):
        raise _BadError("not YAML: an unprintable character or a broken escape") from None
    return data


def _node(events: Iterator["yaml.Event"], event: "yaml.Event", depth: int) -> object:
    import yaml

    if depth > MAX_DEPTH:
        raise _BadError(f"{_at(event)}nested deeper than {MAX_DEPTH} levels")
    if isinstance(event, yaml.AliasEvent):
        raise _BadError(f"{_at(event)}aliases (*name) are not accepted: write the value out")
    if getattr(event, "tag", None) is not None:
        raise _BadError(f"{_at(event)}tags (!name) are not accepted: put text that starts with ! in quotes")
    if isinstance(event, yaml.SequenceStartEvent):
        return [_node(events, child, depth + 1) for child in _until(events, yaml.SequenceEndEvent)]
    if isinstance(event, yaml.MappingStartEvent):
        made: dict[str, object] = {}
        for key in _until(events, yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent):
                raise _BadError(f"{_at(key)}a key is text, not a list, mapping or alias")
            _add(made, key.value, _node(events, next(events), depth + 1), _at(key))
        return made
    return _scalar(event) if isinstance(event, yaml.ScalarEvent) else None


def _until(events: Iterator["yaml.Event"], end: type["yaml.Event"]) -> Iterator["yaml.Event"]:
    for event in events:
        if isinstance(event, end):
            return
        yield event


def _add(made: dict[str, object], key: str, value: object, where: str) -> None:
    if key in made:
        raise _BadError(f"{where}key {key if len(key) <= 60 else key[:57] + '...'!r} stands twice in one mapping")
    made[key] = value


def _scalar(event: "yaml.ScalarEvent") -> object:
    text: str = event.value
    if event.style is not None:  # quoted, or a block of text
        return text
    if text in _WORDS:
        return _WORDS[text]
    match = re.fullmatch(_NUMBER, text)
    if match is None:
        return text
    return float(text) if match[2] or match[3] else _whole(text, _at(event))


def _whole(digits: str, where: str) -> int:
    if len(digits) > _DIGITS or not -(1 << 63) <= int(digits) < 1 << 63:
        raise _BadError(f"{where}a number of more than 64 bits: put it in quotes to have it as text")
    return int(digits)


def _sound(data: object, depth: int = 0) -> object:
    """The same data, once it is known that it can be stored."""
    if depth > MAX_DEPTH:
        raise _BadError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(data, dict):
        for key, value in data.items():
            _sound(key, depth)
            _sound(value, depth + 1)
    elif isinstance(data, list):
        for value in data:
            _sound(value, depth + 1)
    elif isinstance(data, float) and not math.isfinite(data):
        raise _BadError("a number is out of range")
    elif isinstance(data, str) and any("\ud800" <= letter <= "\udfff" for letter in data):
        raise _BadError("a text holds half of a surrogate pair")
    return data


def _at(found: "yaml.Event | yaml.MarkedYAMLError") -> str:
    mark = getattr(found, "start_mark", None) or getattr(found, "problem_mark", None)
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
