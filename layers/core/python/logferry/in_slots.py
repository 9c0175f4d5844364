"""Items that have names and no order: delivered through slots, remembered by name once they are settled.

What a sender counts as a second try, or what was begun before and not settled, is counted as perhaps repeated. What is
spilled lies in slots of its own, since an item is not known by its position there.
"""

from collections.abc import Sequence

from logferry.errors import ConfigError, LogferryError, Misconfigured, StateError, Transient, told
from logferry.group import Part
from logferry.intake_kit import Found, Kit
from logferry.model import Effort, Outcome
from logferry.receipts import Standing
from logferry.rounds import Visit
from logferry.slots import deliver, spare
from logferry.sources import Stream
from logferry.sources._held import Held, HeldSource
from logferry.sources._posts import PostSource
from logferry.spill import keep
from logferry.window import side_by_side

__all__ = ["InSlots"]

_RACES = 5  # for a slot, with up to a second between two


class InSlots:
    """One task, whatever it is sent."""

    def __init__(self, kit: Kit, source: PostSource) -> None:
        self._kit, self._source, self._receipts = kit, source, kit.receipts

    def deliver(self, found: Sequence[Found]) -> dict[str, str]:
        """The items that are not settled, each with the reason."""
        new = self._new(found)
        names = [one.item.id for one in new]
        if new and self._kit.stored.state != "online":
            return dict.fromkeys(names, f"the task is {self._kit.stored.state}")
        again = [one for one in new if one.item.id in self._kit.sent]
        first = [one for one in new if one.item.id not in self._kit.sent]
        left: dict[str, str] = {}
        for some, repeats in ((first, False), (again, True)):
            try:
                if some:
                    self._send(some, repeats=repeats)
            except LogferryError as error:
                left |= dict.fromkeys((one.item.id for one in some), told(error))
        return left

    def keep(self, found: Sequence[Found]) -> bool:
        """Spill what is not settled of these; whether all of it is safe."""
        new = self._new(found)
        if any(one.pieces for one in new):
            self._begin(new)  # killed between the two, it would be spilled again
            if not self._is_spilled(new):
                return False
        self._settle([one.item.id for one in new])
        return True

    def _is_spilled(self, new: Sequence[Found]) -> bool:
        kit, pieces = self._kit, [piece for one in new for piece in one.pieces]
        version = kit.stored.version if any(one.item.id in kit.sent for one in new) else None
        holder = HeldSource(None, kit.patience.clock)
        for _ in range(_RACES):
            for row in spare(kit.name, kit.desk(self._source)):
                begin = max(int(row.position), int(row.spilled or 0))
                held = holder.holding(Held(begin, [(begin + 1, pieces)]))
                if keep(kit.name, Stream(name=row.stream), kit.desk(held), version):
                    return True
            kit.patience.sleep(kit.patience.chance())
        return False

    def _new(self, found: Sequence[Found]) -> list[Found]:
        """Those that are not settled; of these, what may have been sent is noted."""
        known: dict[str, Standing] = {}

        def look(name: str) -> None:
            known[name] = self._receipts.standing(name)

        side_by_side(look, ((one.item.id,) for one in found), lambda: None)
        new = [one for one in found if known[one.item.id] != "done"]
        self._kit.sent.update(one.item.id for one in new if one.item.tries > 1 or known[one.item.id] == "begun")
        return new

    def _send(self, found: Sequence[Found], *, repeats: bool) -> None:
        """All of these as one post, then their receipts. Raises what keeps them from being settled."""
        kit, names = self._kit, [one.item.id for one in found]
        post = [piece for one in found for piece in one.pieces]
        if not post:
            self._settle(names)
            return
        health = kit.shop.holds.health(kit.name)
        if health is not None and not kit.shop.holds.probe(kit.name, kit.patience.clock()):
            raise Transient(f"held: {health.reason}")
        self._begin(found)
        kit.sent.update(names)
        try:
            part = deliver(kit.shop.job(kit.stored), post, self._source, kit.desk(self._source, repeats=repeats))
        except (ConfigError, Misconfigured) as error:  # this task's own trouble (a missing secret)
            kit.shop.holds.hold(kit.name, str(error), kit.patience.clock())
            raise
        self._judge(part, was_held=health is not None)
        self._settle(names)

    def _settle(self, names: Sequence[str]) -> None:
        """Write their receipts, many at once: a kill before the last of them repeats all that have none."""
        side_by_side(self._receipts.settle, ((name,) for name in names), lambda: None)

    def _begin(self, found: Sequence[Found]) -> None:
        """Note it, once, where the sender does not count its tries."""
        for one in found:
            if one.item.tries == 0 and one.item.id not in self._kit.sent:
                self._receipts.begin(one.item.id)

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
