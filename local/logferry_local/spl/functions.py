"""Functions of values that are all there (null in, null out). Places in a text count from 1."""

from collections.abc import Callable, Mapping

from logferry_local.spl import json_path, regex
from logferry_local.spl.errors import Failed
from logferry_local.spl.scalars import MAX_TEXT, bounded, equal, number, text
from logferry_local.spl.syntax import Value

__all__ = ["FUNCTIONS"]

Function = Callable[..., Value]


def _concat(*parts: Value) -> Value:
    texts = [text(part) for part in parts]
    if sum(map(len, texts)) > MAX_TEXT:
        raise Failed(f"a text has more than {MAX_TEXT} characters")
    return "".join(texts)


def _substr(value: Value, start: Value, length: Value = MAX_TEXT) -> Value:
    whole, first, count = text(value), _whole(start), _whole(length)
    if first < 0:
        first += len(whole) + 1
    if first < 1 or count < 1:
        return ""
    return whole[first - 1 : first - 1 + count]


def _replace(value: Value, old: Value, new: Value = "") -> Value:
    whole, gone, instead = text(value), text(old), text(new)
    if len(whole) + (whole.count(gone) * (len(instead) - len(gone))) > MAX_TEXT:
        raise Failed(f"a text has more than {MAX_TEXT} characters")
    return whole.replace(gone, instead)


def _split_part(value: Value, separator: Value, place: Value) -> Value:
    """None behind the last part."""
    parts = text(value).split(text(separator)) if text(separator) else [text(value)]
    wanted = _whole(place)
    if wanted < 1:
        raise Failed("parts count from 1")
    return parts[wanted - 1] if wanted <= len(parts) else None


def _whole(value: Value) -> int:
    found = number(value)
    if not isinstance(found, int):
        raise Failed(f"no whole number: {text(value)[:40]}")
    return found


def _abs(value: Value) -> Value:
    found = number(value)
    return None if found is None else abs(found)


def _round(value: Value) -> Value:
    found = number(value)
    if found is None or isinstance(found, int):
        return found
    return float(int(abs(found) + 0.5)) * (1 if found >= 0 else -1)


def _extract(value: Value, pattern: Value, group: Value = 0) -> Value:
    return regex.compiled(text(pattern)).extract(bounded(text(value)), _whole(group))


FUNCTIONS: Mapping[str, Function] = {
    "abs": _abs,
    "concat": _concat,
    "ends_with": lambda value, end: text(value).endswith(text(end)),
    "json_extract_scalar": lambda value, path: json_path.extract(text(value), json_path.parse(text(path))),
    "length": lambda value: len(text(value)),
    "lower": lambda value: bounded(text(value).lower()),
    "ltrim": lambda value: text(value).lstrip(),
    "nullif": lambda value, other: None if equal(value, other) else value,
    "regexp_extract": _extract,
    "regexp_like": lambda value, pattern: regex.compiled(text(pattern)).search(bounded(text(value))),
    "replace": _replace,
    "round": _round,
    "rtrim": lambda value: text(value).rstrip(),
    "split_part": _split_part,
    "starts_with": lambda value, start: text(value).startswith(text(start)),
    "strpos": lambda value, part: text(value).find(text(part)) + 1,
    "substr": _substr,
    "trim": lambda value: text(value).strip(),
    "upper": lambda value: bounded(text(value).upper()),
}
