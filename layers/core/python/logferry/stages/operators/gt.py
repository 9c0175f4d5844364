"""`gt`: greater than (numbers)."""

import operator
from collections.abc import Callable

from logferry.model import Value
from logferry.stages.operators._numbers import comparison

__all__ = ["judge"]


def judge(wanted: object) -> Callable[[Value], bool]:
    """True when the value is a number > `wanted`."""
    return comparison(wanted, operator.gt)
