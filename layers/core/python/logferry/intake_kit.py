"""What a task works with during an event that holds its logs, and the event's items in groups of a bounded size."""

from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from logferry import config
from logferry.arrivals import Arrival, Arrivals
from logferry.delivery import Patience
from logferry.desk import Desk
from logferry.receipts import Receipts
from logferry.rounds import Visit
from logferry.sources import Source
from logferry.sources._bodies import Piece
from logferry.task_store import Stored
from logferry.wiring import Workshop

__all__ = ["Found", "Kit", "groups"]

_GROUP_BYTES, _GROUP_RECORDS = 4 << 20, 20_000  # of what is unpacked and delivered at once
_RESERVE = 0.25  # share of the time left that the last save may take, however short that is


class Found(NamedTuple):
    """One item of the event, and its records."""

    item: Arrival
    pieces: Sequence[Piece]


class Kit(Struct, frozen=True):
    """One task, one event."""

    stored: Stored
    bell: Arrivals
    module: ModuleType  # the kind's file in `sources`
    options: config.Config  # of the source: kept, since a task takes milliseconds to be read
    source: Source  # as it was built, holding nothing
    shop: Workshop
    patience: Patience
    visits: list[Visit]  # what came of it, for the meter
    sent: set[str]  # items that may have been sent, now or at another time

    @property
    def name(self) -> str:
        """Of the task."""
        return self.stored.name

    @property
    def receipts(self) -> Receipts:
        """What the task has settled by name."""
        seconds = config.seconds(getattr(self.options, "remember", "0s"))
        return Receipts(self.shop.table, self.name, self.patience.clock, seconds)

    def desk(self, source: Source, *, repeats: bool = False) -> Desk:
        """With a part of the time kept for the last save. A row is made for a paused task too: it is spilled there."""
        desk = self.shop.desk(source, self.patience)
        reserve = min(desk.settings.reserve_seconds, max(0.0, self.patience.time_left()) * _RESERVE)
        settings = replace(desk.settings, reserve_seconds=reserve, repeats=repeats)
        return replace(desk, settings=settings, is_online=lambda name: self.shop.tasks.find(name) is not None)

    def unpacked(self, items: Sequence[Arrival]) -> Iterator[list[Found]]:
        """The items with their records, in groups."""
        return groups(items, lambda item: self.module.unpack(self.options, item))


def groups(items: Sequence[Arrival], unpack: Callable[[Arrival], list[Piece]]) -> Iterator[list[Found]]:
    """Each unpacked when it is its turn: what is in memory is one group, and one item."""
    group: list[Found] = []
    size = count = 0
    for item in items:
        found = Found(item, unpack(item))
        more = sum(len(piece.raw) for piece in found.pieces)
        if group and (size + more > _GROUP_BYTES or count + len(found.pieces) > _GROUP_RECORDS):
            yield group
            group, size, count = [], 0, 0
        group.append(found)
        size, count = size + more, count + len(found.pieces)
    if group:
        yield group
