"""`eq`: equal; a number in the task compares as a number (`404` equals `"404.0"`), text as text."""

from collections.abc import Callable

from logferry.model import Value
from logferry.stages.operators._numbers import number

__all__ = ["judge"]


def judge(wanted: object) -> Callable[[Value], bool]:
    """True when the value equals `wanted`."""
    if isinstance(wanted, str | bool):
        return lambda value: value == wanted
    bound = number(wanted)
    if bound is None:
        raise ValueError("is not text, a number or a truth value")
    return lambda value: number(value) == bound
