"""What became of the records of a cell, and what is wrong with that.

`answer`: nothing lost, every record that came twice said beforehand (`maybe_repeated`) and within one save interval.
`socket`: lost only what the far side's system had taken and its program never read. `none` (UDP): told, not judged.
"""

from collections.abc import Collection, Iterator

import msgspec

from faults.boat import INTERVAL, Seen
from faults.cells import Cell

__all__ = ["Result", "Tally", "judge"]


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted after the end, record by record."""

    sent: Collection[str]
    arrived: dict[str, int]  # how often
    parked: Collection[str]
    gone: Collection[str]  # in recorded gaps
    swallowed: Collection[str]
    gaps: int
    ledger_read: int
    ledger_delivered: int
    ledger_parked: int
    maybe_repeated: int
    ledger: Collection[str]  # what the ledger's own proof and the recount found
    met: int
    breaks: int  # how often the front broke something off
    refusals: int  # how often it answered with a status
    done: bool


class Result(msgspec.Struct, kw_only=True):
    """One row of the report."""

    cell: str
    way: str
    fault: str
    confirmation: str
    records: int = 0
    delivered: int = 0
    parked: int = 0
    held: int = 0  # records that waited at the source while the task was held
    gap: int = 0
    duplicates: int = 0  # records that arrived more than once
    maybe_repeated: int = 0
    lost: int = 0
    swallowed: int = 0  # of the lost: those that the far side's system had taken
    fate: str = ""
    ledger: str = ""
    problems: list[str] = []
    seconds: float = 0.0


def judge(cell: Cell, seen: Seen, tally: Tally) -> Result:
    """The row, with everything that is not as it should be."""
    arrived, parked = set(tally.arrived), set(tally.parked)
    lost = set(tally.sent) - arrived - parked - set(tally.gone)
    fate = _fate(seen, tally)
    found = Result(
        cell=cell.name, way=cell.way.name, fault=cell.fault.name, confirmation=cell.way.confirmation,
        records=len(tally.sent), delivered=len(arrived), parked=len(parked), gap=len(set(tally.gone) - arrived),
        held=len(tally.sent) - seen.settled if seen.held else 0,
        duplicates=sum(1 for times in tally.arrived.values() if times > 1), maybe_repeated=tally.maybe_repeated,
        lost=len(lost), swallowed=len(lost & set(tally.swallowed)), fate=fate,
        ledger="differs" if tally.ledger else "agrees",
    )  # fmt: skip
    found.problems = [*_course(cell, seen, tally, fate), *_losses(cell, tally, lost), *_ledger(cell, tally)]
    return found


def _fate(seen: Seen, tally: Tally) -> str:
    """What was observed, whatever is expected."""
    facts = {
        "repeated": seen.killed,
        "gap": tally.gaps > 0,
        "held": bool(seen.held),
        "stopped": "Conflict" in seen.text,
        "retried": not seen.finished or tally.breaks > 0,
        "parked": bool(tally.parked),
        "split": tally.refusals > 0,
    }
    return next((fate for fate, is_so in facts.items() if is_so), "delivered")


def _course(cell: Cell, seen: Seen, tally: Tally, fate: str) -> Iterator[str]:
    fault = cell.fault
    if tally.met == 0:
        yield "the fault was never met"
    if not tally.done:
        yield "not done in time after the fault had ended"
    if fate != fault.fate:
        yield f"fate: {fate}, stated is {fault.fate} ({seen.text[:300]})"
    if len(tally.parked) != fault.parked:
        yield f"parked: {len(tally.parked)}, expected {fault.parked}"
    if seen.rests < fault.rests:
        yield f"rests {seen.rests:.1f} s, asked for were at least {fault.rests:g} s"


def _losses(cell: Cell, tally: Tally, lost: set[str]) -> Iterator[str]:
    way = cell.way
    if strangers := set(tally.arrived) - set(tally.sent):
        yield f"{len(strangers)} records arrived that nobody sent: {sorted(strangers)[:3]}"
    if both := set(tally.arrived) & set(tally.parked):
        yield f"{len(both)} records were delivered and parked: {sorted(both)[:3]}"
    if way.confirmation == "none":
        return
    excused = set(tally.swallowed) if way.confirmation == "socket" else set()
    if unexcused := lost - excused:
        yield f"{len(unexcused)} records lost: {sorted(unexcused)[:3]}"
    twice = sum(1 for times in tally.arrived.values() if times > 1)
    if twice > INTERVAL:
        yield f"{twice} records arrived more than once, a save interval holds {INTERVAL}"
    if twice > tally.maybe_repeated:
        yield f"{twice} records arrived more than once, the ledger speaks of {tally.maybe_repeated}"


def _ledger(cell: Cell, tally: Tally) -> Iterator[str]:
    yield from (f"ledger: {line}" for line in tally.ledger)
    read = len(tally.sent) - len(tally.gone)
    if tally.ledger_read != read:
        yield f"ledger: read {tally.ledger_read}, at the source were {read}"
    if tally.ledger_parked != len(tally.parked):
        yield f"ledger: parked {tally.ledger_parked}, in the store are {len(tally.parked)}"
    if cell.way.confirmation == "answer" and tally.ledger_delivered != len(tally.arrived):
        yield f"ledger: delivered {tally.ledger_delivered}, arrived are {len(tally.arrived)}"
