"""Conditions `{key, operator, value}` under `and` and `or`: what ESA v2 and Logpush have in common.

Operators are those of Logpush's public table; ESA publishes `eq` and `in` as examples.
"""

from collections.abc import Mapping
from typing import Any

from logferry.expectations import show

__all__ = ["OPERATORS", "group", "leaf"]

_SIGNED = ("eq", "in", "contains", "startsWith", "endsWith")
OPERATORS = (*(sign + name for name in _SIGNED for sign in ("", "!")), "lt", "leq", "gt", "geq")
_KEYS = ("key", "operator", "value")
_GROUPS = {"and": "all", "or": "any"}
_DEEPEST = 16


def group(data: object, path: str, problems: list[str], depth: int = 0) -> dict[str, Any]:
    """A group or a condition as a task has it; one member alone needs no group."""
    if not isinstance(data, Mapping) or not any(name in data for name in _GROUPS):
        return leaf(data, path, problems)
    if len(data) > 1:
        names = ", ".join(name if name in (*_GROUPS, *_KEYS) else show(name) for name in data)
        return _wrong(f"{path}: {names} do not stand together; a group is and or or, alone", problems)
    if depth >= _DEEPEST:
        return _wrong(f"{path}: lies under more than {_DEEPEST} groups", problems)
    ((name, members),) = data.items()
    if not isinstance(members, list) or not members:
        return _wrong(f"{path}.{name}: {show(members)} is not a list of one or more", problems)
    made = [group(member, f"{path}.{name}[{index}]", problems, depth + 1) for index, member in enumerate(members)]
    return made[0] if len(made) == 1 else {_GROUPS[name]: made}


def leaf(data: object, path: str, problems: list[str]) -> dict[str, Any]:
    """One condition."""
    if not isinstance(data, Mapping) or set(data) != set(_KEYS):
        return _wrong(f"{path}: {show(data)} is not a condition {{key, operator, value}}", problems)
    key, operator, value = (data[name] for name in _KEYS)
    if not isinstance(key, str) or not key:
        _wrong(f"{path}.key: {show(key)} is not the name of a field", problems)
    if operator not in OPERATORS:
        return _wrong(f"{path}.operator: {show(operator)} is not one of {', '.join(OPERATORS)}", problems)
    if operator in ("in", "!in"):
        if not isinstance(value, list) or not value or not all(map(_is_single, value)):
            _wrong(f"{path}.value: {show(value)} is not a list of texts or numbers", problems)
    elif not _is_single(value):
        _wrong(f"{path}.value: {show(value)} is not a text, a number or a truth value", problems)
    return {"field": key, "op": operator, "value": value}


def _is_single(value: object) -> bool:
    return isinstance(value, str | int | float)


def _wrong(problem: str, problems: list[str]) -> dict[str, Any]:
    problems.append(problem)
    return {"field": "x", "op": "exists"}
