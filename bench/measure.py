"""Runs what is compared in turn, round after round, and tells rates and ratios."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

__all__ = ["Compared", "Row", "Wanted", "Way", "interleave", "judge"]


class Way(NamedTuple):
    """One way of doing the work."""

    name: str
    run: Callable[[], int]  # does it once; the raw bytes it handled


class Wanted(NamedTuple):
    """A target: `way` is to be at least `times` as fast as `against`."""

    way: str
    against: str
    times: float | None  # None: told, not judged


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A ratio, and what it should be."""

    against: str
    ratio: float
    wanted: str = ""  # such as ">= 0.8"
    met: bool | None = None  # None: nothing is wanted


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table."""

    case: str
    corpus: str
    way: str
    value: float
    unit: str
    compared: Sequence[Compared] = ()
    notes: str = ""


def interleave(case: str, corpus: str, ways: Sequence[Way], wanted: Sequence[Wanted], rounds: int) -> list[Row]:
    """Each way once a round, after one round that warms up; MB of raw logs per CPU-second."""
    rates: dict[str, list[float]] = {way.name: [] for way in ways}
    for number in range(rounds + 1):
        for way in ways:
            gc.collect()
            before = time.process_time()
            raw = way.run()
            spent = time.process_time() - before
            if number:
                rates[way.name].append(raw / 1e6 / spent)
    return [
        Row(
            case=case, corpus=corpus, way=way.name, value=statistics.median(rates[way.name]), unit="MB/CPU-s",
            compared=[_ratio(want, rates) for want in wanted if want.way == way.name],
        )
        for way in ways
    ]  # fmt: skip


def judge(against: str, measured: float, *, at_least: float | None = None, at_most: float | None = None) -> Compared:
    """A measured figure beside its target."""
    if at_least is not None:
        return Compared(against=against, ratio=measured, wanted=f">= {at_least:g}", met=measured >= at_least)
    if at_most is not None:
        return Compared(against=against, ratio=measured, wanted=f"<= {at_most:g}", met=measured <= at_most)
    return Compared(against=against, ratio=measured)


def _ratio(want: Wanted, rates: dict[str, list[float]]) -> Compared:
    pairs = zip(rates[want.way], rates[want.against], strict=True)
    return judge(f"x {want.against}", statistics.median(ours / theirs for ours, theirs in pairs), at_least=want.times)
