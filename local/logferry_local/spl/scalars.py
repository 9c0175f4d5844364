"""Values and what can be done with two of them: null, truth, whole numbers of 64 bits, numbers with a point, texts.

A log's fields are texts, its times whole numbers. Where a text meets a number it is taken for the number that it
spells, and for null if it spells none. Null in, null out.
"""

import math
import re
from collections.abc import Callable, Mapping

from logferry_local.spl.errors import Failed
from logferry_local.spl.syntax import Value

__all__ = ["ARITHMETIC", "COMPARISONS", "MAX_TEXT", "bounded", "cast", "equal", "number", "text"]

MAX_TEXT = 1 << 20  # characters
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,19}\s*")
_POINTED = re.compile(r"\s*[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,3})?\s*")
_TRUTH = {"true": True, "false": False}
_LARGEST = (1 << 63) - 1


def text(value: Value) -> str:
    """A value as text; not for null."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def number(value: Value) -> int | float | None:
    """A value as a number, None if it is none."""
    if isinstance(value, str):
        if _WHOLE.fullmatch(value):
            found = int(value)
            return found if abs(found) <= _LARGEST else float(found)
        return _finite(float(value)) if _POINTED.fullmatch(value) else None
    return None if isinstance(value, bool) else value


def bounded(found: str) -> str:
    """A text that is not too long; Failed."""
    if len(found) > MAX_TEXT:
        raise Failed(f"a text has more than {MAX_TEXT} characters")
    return found


def cast(value: Value, kind: str) -> Value:
    """As that type; Failed if the value has no such form."""
    found: Value = None
    if value is None:
        return None
    if kind == "varchar":
        return text(value)
    if kind == "boolean":
        known = value.strip().lower() if isinstance(value, str) else value
        found = _TRUTH.get(known) if isinstance(known, str) else bool(known)
    elif isinstance(value, bool):
        found = int(value) if kind == "bigint" else float(value)
    elif kind == "bigint":
        found = _to_whole(value)
    else:
        known_number = number(value)
        found = None if known_number is None else float(known_number)
    if found is None:
        raise Failed(f"no {kind}: {text(value)[:40]}")
    return found


def _to_whole(value: str | float) -> int | None:
    """Text must spell a whole number; a number with a point is rounded, half away from zero."""
    if isinstance(value, str):
        found = int(value) if _WHOLE.fullmatch(value) else None
    else:
        found = value if isinstance(value, int) else math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)
    return None if found is None or abs(found) > _LARGEST else found


def _finite(found: float) -> float | None:
    return found if math.isfinite(found) else None


def _compare(judge: Callable[[object, object], bool]) -> Callable[[Value, Value], bool | None]:
    def compared(left: Value, right: Value) -> bool | None:
        if isinstance(left, str) and isinstance(right, str):
            return judge(left, right)
        if left is None or right is None:
            return None
        if isinstance(left, bool) or isinstance(right, bool):
            pair: tuple[Value, Value] = (_truth(left), _truth(right))
        else:
            pair = (number(left), number(right))
        return None if pair[0] is None or pair[1] is None else judge(*pair)

    return compared


def _truth(value: Value) -> bool | None:
    if isinstance(value, str):
        return _TRUTH.get(value.strip().lower())
    return value if isinstance(value, bool) else None


COMPARISONS: Mapping[str, Callable[[Value, Value], bool | None]] = {
    "=": _compare(lambda left, right: left == right),
    "<>": _compare(lambda left, right: left != right),
    "<": _compare(lambda left, right: left < right),  # type: ignore[operator]  # a pair of one kind
    "<=": _compare(lambda left, right: left <= right),  # type: ignore[operator]  # a pair of one kind
    ">": _compare(lambda left, right: left > right),  # type: ignore[operator]  # a pair of one kind
    ">=": _compare(lambda left, right: left >= right),  # type: ignore[operator]  # a pair of one kind
}
equal = COMPARISONS["="]


def _calculate(work: Callable[[int | float, int | float], int | float]) -> Callable[[Value, Value], Value]:
    def calculated(left: Value, right: Value) -> Value:
        first, second = number(left), number(right)
        if first is None or second is None:
            return None
        try:
            found = work(first, second)
        except (ZeroDivisionError, OverflowError):
            raise Failed("a division by zero, or a number that is too large") from None
        if (isinstance(found, int) and abs(found) > _LARGEST) or not math.isfinite(found):
            raise Failed("a number that is too large")
        return found

    return calculated


def _divide(left: float, right: float) -> float:
    """Of two whole numbers the whole part, towards zero."""
    if isinstance(left, int) and isinstance(right, int):
        return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    return left / right


def _remainder(left: float, right: float) -> float:
    """With the sign of the left."""
    if isinstance(left, int) and isinstance(right, int):
        return abs(left) % abs(right) * (1 if left >= 0 else -1)
    return math.fmod(left, right) if right else left % right


ARITHMETIC: Mapping[str, Callable[[Value, Value], Value]] = {
    "+": _calculate(lambda left, right: left + right),
    "-": _calculate(lambda left, right: left - right),
    "*": _calculate(lambda left, right: left * right),
    "/": _calculate(_divide),
    "%": _calculate(_remainder),
}
