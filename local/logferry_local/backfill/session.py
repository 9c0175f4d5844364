"""One sitting over a run: its rows written, the run carried on until it ends or a signal stops it."""

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import msgspec
from msgspec.structs import replace

from logferry.backfills import RunLetters, Runs
from logferry.delivery import Patience
from logferry.pace import Pace
from logferry.route import Desk
from logferry.wiring import Workshop
from logferry_local.backfill import planning, preparing, running
from logferry_local.backfill.estimate import Estimate
from logferry_local.backfill.preparing import Prepared
from logferry_local.backfill.running import Ended, Work
from logferry_local.backfill.sharing import Live, Shared, Stop, Turn

__all__ = ["Hearing", "groups_for", "sit"]

Hearing = tuple[Callable[[int], None], Callable[[str], None]]
"""Who hears of records that were read, and of what is waited for."""


def sit(
    shop: Workshop, prepared: Prepared, rate: float, groups: int, hearing: Hearing, stop: Stop | None = None
) -> Ended:
    """Carry the run on, at `rate` records a second (0: as fast as it goes) and so many groups a pull."""
    run, stored = prepared.run, prepared.stored
    seen, say = hearing
    turn = Turn(stop or Stop(), time.time, time.sleep)
    source = shop.source(planning.pulling(prepared.task, groups))
    live = Live(run.task, shop.ledger, shop.holds, source, time.time)
    pace = Pace(rate, time.time, turn.doze)
    desk = _desk(shop, run.run, Shared(source, live, turn, pace, seen), turn.patience(random.random))
    running.start(run, desk)
    rest = preparing.left(run, desk.ledger.rows(run.task), source)
    with _stopped_by_signals(turn.stop):
        ended = running.carry(run.task, rest, Work(shop.job(stored), desk, live, turn, pace, say))
    if ended.how == "done":
        Runs(shop.table).save(msgspec.structs.replace(run, state="done", ended=time.time()))
    return ended


def groups_for(rate: float, found: Estimate, most: int) -> int:
    """Groups a pull that are about a second's worth of records: a slow backfill shall flow, not drip."""
    if not rate or not found.records:
        return most
    return max(1, min(most, int(rate * found.groups / found.records)))


def _desk(shop: Workshop, run: str, source: Shared, patience: Patience) -> Desk:
    """The engine's desk with the run's own rows and dead letters. A person who paused the task still may backfill."""
    return replace(
        shop.desk(source, patience),
        ledger=shop.ledger.of_run(run), dead=RunLetters(shop.dead, run),
        is_online=lambda name: (found := shop.tasks.find(name)) is not None and found.state != "pending",
    )  # fmt: skip


@contextmanager
def _stopped_by_signals(stop: Stop) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the run in order; a second Ctrl-C at once."""

    def hear(number: int, _frame: FrameType | None) -> None:
        if stop.signal:
            raise KeyboardInterrupt
        stop.signal = number

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
