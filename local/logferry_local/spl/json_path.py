"""The paths of json_extract_scalar: `$.a.b[0]`, `$["a b"].c`. What is no scalar, or is not there, is null."""

import re
from typing import TypeAlias

import msgspec

from logferry_local.spl.syntax import Value

__all__ = ["Path", "extract", "parse"]

Path: TypeAlias = "tuple[str | int, ...]"
_STEP = re.compile(
    r"""\.(?P<name>[A-Za-z0-9_-]+)|\[(?P<place>[0-9]{1,9})\]|\[(?P<quote>["'])(?P<key>[^"']*)(?P=quote)\]"""
)
_FORM = "a JSON path such as '$.body.values[0]' or '$[\"a key\"]'"


def parse(text: str) -> Path:
    """The steps of a path; ValueError."""
    if not text.startswith("$"):
        raise ValueError(_FORM)
    steps: list[str | int] = []
    at = 1
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise ValueError(_FORM)
        key = match["key"] if match["name"] is None else match["name"]
        steps.append(int(match["place"]) if match["place"] else key)
        at = match.end()
    return tuple(steps)


def extract(text: str, path: Path) -> Value:
    """The scalar at the path as text."""
    try:
        found = msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return None
    for step in path:
        if isinstance(step, str):
            found = found.get(step) if isinstance(found, dict) else None
        else:
            found = found[step] if isinstance(found, list) and step < len(found) else None
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found) if isinstance(found, str | int | float) else None
