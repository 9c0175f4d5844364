"""`endsWith`: the text ends with another."""

from collections.abc import Callable

from logferry.model import Value

__all__ = ["judge"]


def judge(wanted: object) -> Callable[[Value], bool]:
    """True when the value is text that ends with `wanted`."""
    if not isinstance(wanted, str) or not wanted:
        raise ValueError("is not text of one or more characters")
    return lambda value: isinstance(value, str) and value.endswith(wanted)
