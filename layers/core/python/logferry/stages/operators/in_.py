"""`in`: equal (as `eq`) to one of a list."""

from collections.abc import Callable

from logferry.model import Value
from logferry.stages.operators import eq
from logferry.stages.operators._numbers import number

__all__ = ["judge"]


def judge(wanted: object) -> Callable[[Value], bool]:
    """True when the value equals one of `wanted`; the length of the list costs next to nothing."""
    if not isinstance(wanted, list) or not wanted:
        raise ValueError("is not a list of one or more values")
    judges = [eq.judge(item) for item in wanted]  # raises for what cannot be compared
    texts = frozenset(item for item in wanted if isinstance(item, str))
    numbers = frozenset(item for item in wanted if isinstance(item, int | float) and not isinstance(item, bool))
    truths = [test for item, test in zip(wanted, judges, strict=True) if isinstance(item, bool)]

    def judge_one(value: Value) -> bool:
        if isinstance(value, str) and value in texts:
            return True
        if numbers and number(value) in numbers:
            return True
        return bool(truths) and any(test(value) for test in truths)

    return judge_one
