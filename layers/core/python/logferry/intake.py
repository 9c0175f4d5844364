"""Events that hold logs: each task of their stream delivers them, and the sender hears which items are not settled.

All tasks work at once, each with its own rows. One that cannot deliver costs the others nothing: what the others have
is skipped when it comes again, and what would keep them from new logs, or would be lost, is spilled for it and
delivered by `sweep`. While a task is alone, what the sender still holds is left to it. Docs: docs/sources/*.md.
"""

import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol, cast

from msgspec import Struct, field
from msgspec.structs import replace

from logferry import doorbells, registry
from logferry.addressees import addressees, unreadable
from logferry.arrivals import Arrival, Arrivals
from logferry.delivery import Patience
from logferry.errors import LogferryError, told
from logferry.in_order import InOrder
from logferry.in_slots import InSlots
from logferry.intake_kit import Found, Kit
from logferry.runtime import Call
from logferry.sources._held import HeldSource
from logferry.sources._posts import PostSource
from logferry.task_store import Stored
from logferry.wiring import Workshop, workshop

__all__ = ["take"]

log = logging.getLogger(__name__)

_MOST = 16  # tasks at once
_SPARED, _SPARED_SECONDS = 0.1, 30.0  # of a call's time, kept for spilling: at most so many seconds


class _Way(Protocol):
    """How a task takes items: in the order of a stream, or by their names."""

    def deliver(self, found: Sequence[Found]) -> dict[str, str]: ...

    def keep(self, found: Sequence[Found]) -> bool: ...


def take(
    rung: doorbells.Rung, call: Call, clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Mapping[str, object]:  # fmt: skip
    """Deliver what came. The answer names what is not settled; Unfinished where the sender takes no such answer."""
    bell, module = cast("Arrivals", rung.bell), registry.find("sources", rung.kind)
    if not bell.items:
        return cast("Mapping[str, object]", module.answer(bell, {}))
    shop = workshop(call.environ)
    patience = Patience(call.time_left, clock, sleep, random.random)
    stored = shop.tasks.all()
    meant = addressees(rung.kind, bell, stored, f"{rung.kind} {bell.place}")
    own = getattr(module, "is_own", _never)(bell, call.environ)
    takers = [_Taker(_kit(rung, one, shop, patience, among=len(meant)), own) for one in meant]
    with ThreadPoolExecutor(min(len(takers), _MOST), thread_name_prefix="take") as threads:
        list(threads.map(_Taker.deliver, takers))
    for taker in takers:
        if taker.left:
            taker.keep(patience, others=any(not other.left for other in takers))
    failed = {item.id: f"task {one.name} is unreadable" for one in unreadable(rung.kind, stored) for item in bell.items}
    for taker in takers:
        failed |= taker.left
        for visited in taker.kit.visits:
            call.meter.observe(visited)
    if not own:  # each line of its log would make another event
        log.info("event done", extra={"tasks": len(takers), "items": len(bell.items), "unsettled": len(failed)})
    return cast("Mapping[str, object]", module.answer(bell, failed))


class _Taker(Struct):
    """One task. `left`: items that are not settled, each with the reason."""

    kit: Kit
    own: bool  # logferry's own log: counted as filtered
    left: dict[str, str] = field(default_factory=dict[str, str])

    def deliver(self) -> None:
        """Everything, as far as it goes. Raises nothing: what goes wrong here is no other task's trouble."""
        items = self.kit.bell.items
        seen: set[str] = set()
        try:
            way = _way(self.kit, own=self.own)
            for found in self.kit.unpacked(items):
                left = way.deliver(found)
                self.left |= left
                seen.update(one.item.id for one in found)
                if left:
                    reason = next(iter(left.values()))
                    log.warning("delivery is delayed", extra={"task": self.kit.name, "reason": reason})
                    if self._in_order:
                        break
            self._leave((item for item in items if item.id not in seen), "after what is not settled")
        except Exception as error:  # noqa: BLE001  # a mistake of ours too: the items come again, for this task only
            self._tell(error)
            self._leave((item for item in items if item.id not in seen), told(error))

    def keep(self, patience: Patience, *, others: bool) -> None:
        """Spill what is left and would be lost, or would keep back the tasks that are done (`others`)."""
        kit, mine = replace(self.kit, patience=patience), [item for item in self.kit.bell.items if item.id in self.left]
        wanted = [item for item in mine if not kit.module.is_kept(kit.options, item, patience.clock())]
        if (others and kit.module.blocks(kit.bell)) or (wanted and self._in_order):
            wanted = mine
        if not wanted or self.own or not kit.shop.settings.spill:
            return
        try:
            way = _way(kit)
            for found in kit.unpacked(wanted):
                if way.keep(found):
                    for one in found:
                        del self.left[one.item.id]
                elif self._in_order:
                    return
        except Exception as error:  # noqa: BLE001  # as above
            self._tell(error)

    @property
    def _in_order(self) -> bool:
        """Whether what comes later must wait for what is left."""
        return self.kit.source.progress == "ordered"

    def _leave(self, items: Iterable[Arrival], why: str) -> None:
        for item in items:
            self.left.setdefault(item.id, why)

    def _tell(self, error: Exception) -> None:
        facts = {"task": self.kit.name, "reason": told(error)}
        if isinstance(error, LogferryError):
            log.warning("delivery is delayed", extra=facts)
        else:
            log.error("mistake in logferry", extra=facts, exc_info=error)


def _way(kit: Kit, *, own: bool = False) -> _Way:
    if isinstance(kit.source, PostSource):
        return InSlots(kit, kit.source.hiding() if own else kit.source)
    return InOrder(kit, cast("HeldSource", kit.source))


def _never(bell: Arrivals, environ: Mapping[str, str]) -> bool:
    """No other event tells of our own log."""
    del bell, environ
    return False


def _kit(rung: doorbells.Rung, stored: Stored, shop: Workshop, patience: Patience, *, among: int) -> Kit:
    """With time for all but spilling. One of several does not wait for its destination: the others' next logs would."""
    module, task = registry.find("sources", rung.kind), stored.task()
    source = shop.source(task)
    with suppress(LogferryError):  # told when it is its turn
        shop.job(stored)  # here, since several threads must not build at once
    spared = min(_SPARED_SECONDS, max(0.0, patience.time_left()) * _SPARED)
    mine = patience.sparing(spared)
    if among > 1:
        until = patience.clock() + shop.settings.patience_seconds + shop.settings.reserve_seconds
        mine = replace(mine, time_left=lambda: min(patience.time_left() - spared, until - patience.clock()))
    return Kit(
        stored, cast("Arrivals", rung.bell), module, task.source.options, source, shop, mine, [], set()
    )  # fmt: skip
