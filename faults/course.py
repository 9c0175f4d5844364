"""One cell from beginning to end: the fault begins, one call suffers it, it ends, the rest is delivered and counted."""

import time
from collections.abc import Callable

from faults.boat import TASK, Boat
from faults.cells import Cell
from faults.harbour import Harbour
from faults.troubles import Trouble
from faults.troubles.process import Kill, KillAtMoment, ShortRetention
from faults.troubles.state import FullStore, TroubledTable
from faults.troubles.wire import Mischievous, NoSuchName, OneTooLarge, WrongCertificate
from faults.verdict import Result, Tally, judge
from logferry import proof, wiring
from logferry.model import Counts

__all__ = ["KINDS", "Defect", "run"]

Defect = Callable[[wiring.Workshop], None]
KINDS: dict[str, type[Trouble]] = {
    kind.__name__: kind
    for kind in (FullStore, Kill, KillAtMoment, Mischievous, NoSuchName, OneTooLarge, ShortRetention, TroubledTable,
                 WrongCertificate)
}  # fmt: skip


def run(cell: Cell, harbour: Harbour, defect: Defect = lambda _shop: None) -> Result:
    """The cell's row. `defect` breaks the engine on purpose, to see whether the row says so."""
    begun = time.monotonic()
    kind = KINDS[cell.fault.trouble]
    trouble = kind(cell.fault.options, cell.seed)
    with harbour.ferry(forgetful=kind.FORGETFUL) as ferry:
        boat = Boat(cell, ferry, harbour, secure=kind.SECURE)
        try:
            defect(boat.shop)
            trouble.load(boat)
            trouble.begin(boat)
            seen = trouble.suffer(boat)
            met, breaks = trouble.met(boat), boat.front.breaks
            trouble.end(boat)
            done = boat.until_done()
            result = judge(cell, seen, _tally(boat, met, breaks, done=done))
        finally:
            boat.land()
    result.seconds = round(time.monotonic() - begun, 1)
    return result


def _tally(boat: Boat, met: int, breaks: int, *, done: bool) -> Tally:
    row, shop = boat.row(), boat.shop
    stored = shop.tasks.get(TASK)
    source = shop.source(stored.task())
    order, start = source.order, source.order(row.start)
    gone = {
        f"id-{number:06d}"
        for gap in row.gaps
        for group in boat.groups[order(gap.begin) - start : order(gap.end) - start]
        for number in group
    }
    found = [*proof.problems(row), *proof.recount(TASK, row, shop.job(stored).plan, source, shop.dead).differences]
    parked = boat.parked()
    counts: Counts = row.counts
    refusals = boat.front.refusals
    boat.land()
    return Tally(
        sent=[f"id-{number:06d}" for number in range(boat.ferry.total)], arrived=dict(boat.arrived()), parked=parked,
        gone=gone, swallowed=boat.swallowed(), gaps=len(row.gaps), ledger_read=counts.read,
        ledger_delivered=counts.delivered, ledger_parked=counts.parked, maybe_repeated=counts.maybe_repeated,
        ledger=found, met=met, breaks=breaks, refusals=refusals, done=done,
    )  # fmt: skip
