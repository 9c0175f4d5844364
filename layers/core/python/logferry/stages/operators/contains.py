"""`contains`: the text holds another; the list holds it as a member."""

from collections.abc import Callable

from logferry.model import Value

__all__ = ["judge"]


def judge(wanted: object) -> Callable[[Value], bool]:
    """True when the value is text that holds `wanted`, or a list of which it is one."""
    if not isinstance(wanted, str) or not wanted:
        raise ValueError("is not text of one or more characters")
    return lambda value: isinstance(value, str | list) and wanted in value
