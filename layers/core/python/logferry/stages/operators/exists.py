"""`exists`: the field is there, whatever it holds (with a category: but a missing mark); `!exists`: it is not."""

from collections.abc import Callable

from logferry.model import Value

__all__ = ["judge"]


def judge(wanted: object) -> Callable[[Value], bool]:
    """True for every value that is there: an absent field never gets here. Use `!exists` for absence."""
    if wanted not in (None, True):
        raise ValueError("is not true; write op: '!exists' to ask for absence")
    return lambda _value: True
