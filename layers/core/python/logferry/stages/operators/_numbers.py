"""Log values are text: what looks like a number is compared as one."""

from collections.abc import Callable

from logferry.model import Value

__all__ = ["comparison", "number"]


def number(value: object) -> float | None:
    """The value as a float, None if it is none (NaN included: nothing compares with it)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if found == found else None  # noqa: PLR0124  # NaN differs from itself


def comparison(wanted: object, holds: Callable[[float, float], bool]) -> Callable[[Value], bool]:
    """A judge that is false for everything that is not a number."""
    bound = number(wanted)
    if bound is None:
        raise ValueError("is not a number")

    def judge(value: Value) -> bool:
        found = number(value)
        return found is not None and holds(found, bound)

    return judge
