"""What a typed option takes, in words: the end of `PATH: VALUE is not …`.

The words come from the type's JSON Schema: bounds and lengths are spelled out, a `description` stands for the rest.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

__all__ = ["expected", "kind_of", "patterns", "show", "unmet"]

_SHOWN = 60  # characters of a value that an error repeats
_WORDS = {
    "string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "array": "a list", "object": "a mapping",
}  # fmt: skip
_NUMBERS = ("integer", "number")


def expected(kind: Any) -> str:  # noqa: ANN401  # a type expression
    """What may be written, such as `a whole number between 1 and 65535`."""
    return " or ".join(dict.fromkeys(map(_phrase, _options(kind)))) or "null"


def unmet(kind: Any, data: object) -> str:  # noqa: ANN401  # a type expression
    """What `data`, which does not fit, is not: for a number out of bounds the bounds alone."""
    options = _options(kind)
    is_number = isinstance(data, int | float) and not isinstance(data, bool)
    if is_number and len(options) == 1 and options[0].get("type") in _NUMBERS:
        is_fraction = options[0]["type"] == "integer" and isinstance(data, float)
        return ("" if is_fraction else _bounds(options[0])) or expected(kind)
    return expected(kind)


def patterns(kind: Any) -> list[str]:  # noqa: ANN401  # a type expression
    """The patterns that text may have to match."""
    return [option["pattern"] for option in _options(kind) if "pattern" in option]


def kind_of(data: object) -> str:
    """What sort of value it is, without showing it."""
    if data is None:
        return "null"
    sorts = ((bool, "boolean"), (str, "string"), (int, "integer"), (float, "number"), (list | tuple, "array"))
    return next((_WORDS[word] for sort, word in sorts if isinstance(data, sort)), type(data).__name__)


def show(data: object) -> str:
    """The value, cut short; a password in a URL is left out."""
    try:
        text = repr(data[:_SHOWN] if isinstance(data, str | list | tuple) else data)
    except (RecursionError, ValueError):  # ValueError: a number of thousands of digits
        return kind_of(data)
    text = re.sub(r"//[^/@\s]*:[^/@\s]*@", "//***@", text)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _options(kind: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401  # a type expression
    """JSON Schemas of what may be written, null left out."""
    schema = msgspec.json.schema(kind, schema_hook=lambda _type: {"type": "object"})
    parts = schema.get("$defs", {})
    options = [_resolved(option, parts) for option in schema.get("anyOf", [schema])]
    return [option for option in options if option.get("type") != "null"]


def _resolved(option: Mapping[str, Any], parts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema itself, with its references looked up (one level: deeper ones are not spelled out)."""
    if "$ref" in option:
        return {key: value for key, value in parts[option["$ref"].rpartition("/")[2]].items() if key != "description"}
    if "$ref" in (option.get("items") or {}):
        return {**option, "items": _resolved(option["items"], parts)}
    return option


def _phrase(option: Mapping[str, Any]) -> str:
    described = option.get("description")
    if "enum" in option:
        return ("one of " if len(option["enum"]) > 1 else "") + ", ".join(map(str, option["enum"]))
    sort = option.get("type", "")
    word = _WORDS.get(sort, "any value")
    if sort in _NUMBERS and not (described and described.startswith(("a ", "an "))):
        return " ".join(filter(None, (word, _bounds(option))))
    if described:
        return str(described)
    if sort == "string":
        length = _count(option.get("minLength"), option.get("maxLength"), "character")
        like = f"that matches {option['pattern'].removesuffix('(?!' + chr(92) + 'n)')}" if "pattern" in option else ""
        return " ".join(filter(None, (word, length and f"of {length}", like)))
    if sort == "array":
        return _list(option)
    names = ", ".join(option.get("properties", ()))
    return f"{word} of {names}" if names else word


def _list(option: Mapping[str, Any]) -> str:
    length = _count(option.get("minItems"), option.get("maxItems"), "item")
    items = option.get("items") or {}
    each = f", each {_phrase(items)}" if "anyOf" not in items and items else ""
    return f"a list of {length}{each}" if length else f"a list{each}"


def _bounds(option: Mapping[str, Any]) -> str:
    least, most = option.get("minimum"), option.get("maximum")
    if least is not None and most is not None:
        return f"between {least} and {most}"
    words = {
        "minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most", "exclusiveMaximum": "less than",
    }  # fmt: skip
    return " and ".join(f"{word} {option[key]}" for key, word in words.items() if key in option)


def _count(least: int | None, most: int | None, thing: str) -> str:
    if least and most:
        return f"{least} to {most} {thing}s" if least < most else f"{least} {thing}{'s' if least > 1 else ''}"
    if least:
        return f"{'one' if least == 1 else least} or more {thing}s"
    return f"at most {most} {thing}s" if most is not None else ""
