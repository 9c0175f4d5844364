"""`like`: % stands for any text, _ for one character. A pattern's pieces are looked for one after the other."""

import re
from collections.abc import Callable
from functools import lru_cache

__all__ = ["matcher"]


@lru_cache(maxsize=256)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a text as a whole is like the pattern. No piece repeats anything, so none can take long."""
    first, *rest = (_piece(piece) for piece in pattern.split("%"))
    if not rest:
        return lambda text: first.fullmatch(text) is not None
    *middle, last = rest
    tail = len(pattern.rpartition("%")[2])

    def matches(text: str) -> bool:
        found = first.match(text)
        for piece in middle:
            if found is None:
                return False
            found = piece.search(text, found.end())
        end = len(text) - tail
        return found is not None and end >= found.end() and last.match(text, end) is not None

    return matches


def _piece(piece: str) -> "re.Pattern[str]":
    return re.compile("".join("." if char == "_" else re.escape(char) for char in piece), re.DOTALL)
