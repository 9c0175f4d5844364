"""What a condition means for a field whose type is known: which operators fit, and how its value compares.

| type | operators (each also negated) |
|---|---|
| string | eq in startsWith endsWith contains matches cidr exists |
| int, float | eq in lt leq gt geq exists |
| bool | eq exists |
| timestamp | eq in lt leq gt geq exists, as points in time |
"""

from collections.abc import Callable
from functools import lru_cache

from logferry import times
from logferry.categories import Kind
from logferry.model import Value
from logferry.stages.operators._numbers import number

__all__ = ["OPERATORS", "comparable", "moment"]

_ORDERED = ("eq", "in", "lt", "leq", "gt", "geq", "exists")
OPERATORS: dict[Kind, tuple[str, ...]] = {
    "string": ("eq", "in", "startsWith", "endsWith", "contains", "matches", "cidr", "exists"),
    "int": _ORDERED,
    "float": _ORDERED,
    "bool": ("eq", "exists"),
    "timestamp": _ORDERED,
}
_WORDS = {"true": True, "false": False}


def comparable(kind: Kind, op: str, wanted: object) -> object:
    """`wanted` as the operator compares it with such a field; ValueError ends the sentence "VALUE …"."""
    if op == "exists" or kind == "string":
        return wanted
    if op == "in" and isinstance(wanted, list):
        return [_CONVERSIONS[kind](item) for item in wanted]
    return wanted if op == "in" else _CONVERSIONS[kind](wanted)


def _as_number(wanted: object) -> object:
    found = number(wanted)
    if found is None:
        raise ValueError("is not a number")
    return found


def _as_truth(wanted: object) -> object:
    found = _WORDS.get(wanted) if isinstance(wanted, str) else wanted
    if not isinstance(found, bool):
        raise ValueError("is not true or false")  # noqa: TRY004  # it ends a sentence
    return found


def _as_moment(wanted: object) -> object:
    found = moment(wanted) if isinstance(wanted, str | int | float) else None
    if found is None:
        raise ValueError(f"is not {times.FORM}, or Unix seconds")
    return found


_CONVERSIONS: dict[Kind, Callable[[object], object]] = {
    "int": _as_number, "float": _as_number, "bool": _as_truth, "timestamp": _as_moment,
}  # fmt: skip


def moment(value: Value) -> int | float | None:
    """Unix seconds of a time in a log: text (without an offset UTC; fractions are cut off), or a number."""
    return _instant(value) if isinstance(value, str) else number(value)


@lru_cache(maxsize=1024)  # the logs of a second stand side by side
def _instant(text: str) -> int | float | None:
    found = times.unix_time(text) if len(text) <= 64 else None
    return number(text) if found is None else found
