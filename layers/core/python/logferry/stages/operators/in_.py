"""`in`: equal (as `eq`) to one of a list."""

from collections.abc import Callable

from logferry.model import Value
from logferry.stages.operators import eq

__all__ = ["judge"]


def judge(wanted: object) -> Callable[[Value], bool]:
    """True when the value equals one of `wanted`."""
    if not isinstance(wanted, list) or not wanted:
        raise ValueError("is not a list of one or more values")
    texts = frozenset(item for item in wanted if isinstance(item, str))
    others = [eq.judge(item) for item in wanted if not isinstance(item, str)]
    return lambda value: (isinstance(value, str) and value in texts) or any(test(value) for test in others)
