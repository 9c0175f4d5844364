"""Which known name was probably meant by an unknown one."""

from collections.abc import Iterable

__all__ = ["nearest"]

_LOOKED_AT = 100  # characters of a name


def nearest(name: str, known: Iterable[str], *, any_case: bool = False) -> str:
    """`, did you mean …?`, or nothing; `any_case`: upper and lower case count for little."""
    import difflib  # only a mistake needs it

    names = {other.lower() if any_case else other: other for other in known}
    sought = name[:_LOOKED_AT].lower() if any_case else name[:_LOOKED_AT]
    found = difflib.get_close_matches(sought, names, n=1)
    return f", did you mean {names[found[0]]}?" if found else ""
