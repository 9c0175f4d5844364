"""What every run needs beside its jobs, and a row's view of the source: with what was spilled in its place."""

import logging
from collections.abc import Callable
from itertools import takewhile

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from logferry.dead_letters import DeadLetters
from logferry.delivery import Patience
from logferry.errors import LogferryError, told
from logferry.job import Job, Settings
from logferry.ledger import Claim, Ledger, Row
from logferry.sources import Restores, Source
from logferry.spill_source import Gone, over
from logferry.spill_store import SpillStore

__all__ = ["Desk"]

log = logging.getLogger(__name__)


class Desk(Struct, frozen=True):
    """What every run needs beside its jobs."""

    source: Source
    ledger: Ledger
    dead: DeadLetters
    spills: SpillStore
    settings: Settings
    patience: Patience
    job_at: Callable[[str, int], Job]  # (task, version): an open range is finished the way it was begun
    is_online: Callable[[str], bool]  # whether the task is still there, and nobody paused it

    @property
    def may_spill(self) -> bool:
        """Whether it is wanted, and the source's batches can be made anew from their bytes."""
        return self.settings.spill and isinstance(self.source, Restores)

    def share(self, among: int) -> "Desk":
        """The same with the time that the first of `among` may take; enough to get something done."""
        return replace(self, patience=self.patience.share(among, 4 * self.settings.reserve_seconds))

    @property
    def in_time(self) -> bool:
        """Whether there is time for more than the last save, and nobody wants an end."""
        return self.patience.time_left() > self.settings.reserve_seconds and self.patience.go_on()

    def seen_by(self, task: str, row: Row, *, gone: bool = False) -> Source:
        """The source as this row sees it; `gone`: there is another one now, under its name."""
        return over(Gone(self.source, row.spilled) if gone else self.source, self.spills, task, row)

    def tidy(self, task: str, row: Row) -> Row:
        """Without the spilled batches that the position has passed. What cannot be done now is done another time."""
        if not row.spilled:
            return row
        order, now = self.source.order, self.patience.clock()
        try:
            if order(row.position) < order(row.spilled):
                at = order(row.position)
                passed = takewhile(lambda piece: order(piece.end) <= at, self.spills.oldest(task, row.stream))
                self.spills.drop(list(passed))
                return row
            claim = self.ledger.hold(task, row.stream, now=now, until=now + self.settings.lease_seconds)
            return self._emptied(task, claim) if claim else row
        except LogferryError as error:
            log.warning(
                "spilled batches not removed", extra={"task": task, "stream": row.stream, "reason": told(error)}
            )
            return row

    def _emptied(self, task: str, claim: Claim) -> Row:
        """Nobody spills meanwhile: what is left over of one that was killed goes too."""
        row, order = claim.row, self.source.order
        try:
            if row.spilled and order(row.position) >= order(row.spilled):
                self.spills.drop(self.spills.pieces(task, row.stream))
                row = row.spill("")
        finally:
            claim.save(msgspec.structs.replace(row, lease=None))
        return claim.row
