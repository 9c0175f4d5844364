"""Positions of a slot: the number of an object, the place in it, and the mark of the object that this is about.

`NUMBER` where a slot begins, `NUMBER+OFFSET@MARK` inside of the object MARK, `NUMBER@MARK` behind it. Offsets are bytes
after decompression; numbers grow by one with each object, from the time in ms at which the slot was made: the dead
letters of an earlier task of that name, whose slots had these names too, keep their places.
"""

import re
from typing import NamedTuple

from logferry.errors import SourceError
from logferry.model import Position

__all__ = ["BITS", "Spot", "after", "inside", "spot"]

BITS = 44  # of an offset: 16 TiB
_SPELLING = re.compile(r"([0-9]{1,16})(?:\+([0-9]{1,14}))?(?:@([0-9a-f]{24}))?")


class Spot(NamedTuple):
    """A position, taken apart."""

    number: int
    offset: int = 0
    mark: str = ""

    @property
    def order(self) -> int:
        """Grows along a slot."""
        return (self.number << BITS) + self.offset


def spot(position: Position) -> Spot:
    """SourceError for what is no position."""
    found = _SPELLING.fullmatch(position)
    if found is None:
        raise SourceError(f"position: {position[:80]!r} is not NUMBER, NUMBER+OFFSET@MARK or NUMBER@MARK")
    return Spot(int(found[1]), int(found[2] or 0), found[3] or "")


def inside(number: int, offset: int, mark: str) -> Position:
    """In the midst of an object."""
    return f"{number}+{offset}@{mark}"


def after(number: int, mark: str) -> Position:
    """Behind an object: where the slot's next one begins."""
    return f"{number + 1}@{mark}"
