"""How much is done. Bytes of raw logs."""

from typing import NamedTuple

__all__ = ["FULL", "QUICK", "TINY", "Scale"]


class Scale(NamedTuple):
    """One size of everything; what takes minutes gets less of it."""

    raw: int
    raw_of_one_by_one: int  # one POST an event
    pull: int
    rounds: int
    starts: int  # of a fresh interpreter


FULL = Scale(raw=9_500_000, raw_of_one_by_one=250_000, pull=10_000_000, rounds=7, starts=9)
QUICK = Scale(raw=2_000_000, raw_of_one_by_one=100_000, pull=2_000_000, rounds=3, starts=3)
TINY = Scale(raw=60_000, raw_of_one_by_one=10_000, pull=60_000, rounds=1, starts=1)
