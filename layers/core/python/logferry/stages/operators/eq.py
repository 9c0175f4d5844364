"""`eq`: equal, in the sense of what stands in the task.

A number compares as a number (`404` equals `"404.0"`), `true` and `false` as truth values or these words, text as text.
"""

from collections.abc import Callable

from logferry.model import Value
from logferry.stages.operators._numbers import number

__all__ = ["judge"]


def judge(wanted: object) -> Callable[[Value], bool]:
    """True when the value equals `wanted`."""
    if isinstance(wanted, bool):
        word = "true" if wanted else "false"
        return lambda value: value is wanted or value == word
    if isinstance(wanted, str):
        return lambda value: value == wanted
    bound = number(wanted)
    if bound is None:
        raise ValueError("is not text, a number or a truth value")
    return lambda value: number(value) == bound
