"""Items that have names and no order: delivered through slots, remembered by name once they are settled.

What a sender counts as a second try, or what was begun before and not settled, is counted as perhaps repeated. What is
spilled lies in slots of its own, since an item is not known by its position there.
"""

from collections.abc import Sequence

from logferry.errors import ConfigError, LogferryError, Misconfigured, StateError, Transient, told
from logferry.group import Part
from logferry.intake_kit import Found, Kit
from logferry.model import Effort, Outcome
from logferry.rounds import Visit
from logferry.slots import deliver, spare
from logferry.sources import Stream
from logferry.sources._bodies import Piece
from logferry.sources._held import Held, HeldSource
from logferry.sources._posts import PostSource
from logferry.spill import keep
from logferry.window import side_by_side

__all__ = ["InSlots"]


class InSlots:
    """One task, whatever it is sent."""

    def __init__(self, kit: Kit, source: PostSource) -> None:
        self._kit, self._source, self._receipts = kit, source, kit.receipts
        self._tried = False  # whether anything was sent: what is spilled then may have arrived

    def deliver(self, found: Sequence[Found]) -> str:
        """Why these are not settled; empty if they are."""
        new = self._new(found)
        if not new:
            return ""
        if self._kit.stored.state != "online":
            return f"the task is {self._kit.stored.state}"
        again = [one for one in new if self._is_again(one)]
        first = [one for one in new if one not in again]
        try:
            for some, repeats in ((first, False), (again, True)):
                if some:
                    self._send(some, repeats=repeats)
        except LogferryError as error:
            return told(error)
        return ""

    def keep(self, found: Sequence[Found]) -> bool:
        """Spill what is not settled of these; whether all of it is safe."""
        new = self._new(found)
        pieces = [piece for one in new for piece in one.pieces]
        if pieces and not self._is_spilled(pieces):
            return False
        self._receipts.settle([one.item.id for one in new])
        return True

    def _is_spilled(self, pieces: Sequence[Piece]) -> bool:
        kit, version = self._kit, self._kit.stored.version if self._tried else None
        holder = HeldSource(None, kit.patience.clock)
        for row in spare(kit.name, kit.desk(self._source)):
            begin = max(int(row.position), int(row.spilled or 0))
            held = holder.holding(Held(begin, [(begin + 1, pieces)]))
            if keep(kit.name, Stream(name=row.stream), kit.desk(held), version):
                return True
        return False

    def _new(self, found: Sequence[Found]) -> list[Found]:
        """Those that are not settled."""
        done: set[str] = set()

        def look(name: str) -> None:
            if self._receipts.is_done(name):
                done.add(name)

        side_by_side(look, ((one.item.id,) for one in found), lambda: None)
        return [one for one in found if one.item.id not in done]

    def _is_again(self, one: Found) -> bool:
        """Whether somebody may have delivered it already."""
        return one.item.tries > 1 or (one.item.tries == 0 and self._receipts.begin(one.item.id))

    def _send(self, found: Sequence[Found], *, repeats: bool) -> None:
        """All of these as one post, then their receipts. Raises what keeps them from being settled."""
        kit, names = self._kit, [one.item.id for one in found]
        post = [piece for one in found for piece in one.pieces]
        if not post:
            self._receipts.settle(names)
            return
        health = kit.shop.holds.health(kit.name)
        if health is not None and not kit.shop.holds.probe(kit.name, kit.patience.clock()):
            raise Transient(f"held: {health.reason}")
        self._tried = True
        try:
            part = deliver(kit.shop.job(kit.stored), post, self._source, kit.desk(self._source, repeats=repeats))
        except (ConfigError, Misconfigured) as error:  # this task's own trouble (a missing secret)
            kit.shop.holds.hold(kit.name, str(error), kit.patience.clock())
            raise
        self._judge(part, was_held=health is not None)
        self._receipts.settle(names)

    def _judge(self, part: Part, *, was_held: bool) -> None:
        """Note what came of it. Raises what kept it from being settled."""
        kit, lane = self._kit, part.lane
        settled = lane is not None and lane.claim.row.position != lane.begin
        visited = Visit()
        if lane is not None:
            visited.add(Outcome(
                task=kit.name, stream=lane.claim.row.stream, counts=lane.counts,
                effort=lane.effort + Effort(errors=int(not settled)), finished=settled,
                held=isinstance(part.error, Misconfigured), note=told(part.error) if part.error else "",
            ))  # fmt: skip
        if isinstance(part.error, Misconfigured):
            kit.shop.holds.hold(kit.name, str(part.error), kit.patience.clock())
            visited.held[kit.name] = str(part.error)
        elif settled and was_held:
            kit.shop.holds.release(kit.name)  # it delivered: the hold is over
        kit.visits.append(visited)
        if not settled:
            raise part.error or StateError("nothing was saved")
