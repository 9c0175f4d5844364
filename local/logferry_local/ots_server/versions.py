"""The cells of a stored row: versions by their time in ms, newest first; what options hide, what a read picks.

Limits: a column's name 1 to 255 letters, digits and underscores; 1,024 columns a write; text and binary 2 MB.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from logferry_local.ots_server.plain_buffer import Cell, Row
from logferry_local.ots_server.refusals import parameter
from logferry_local.ots_server.store import Table
from logferry_local.ots_server.values import Edge, Value

__all__ = ["Pick", "applied", "columns_of", "live", "picked"]

MAX_VALUE = 2 * 1024 * 1024
MAX_COLUMNS = 1024
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_DELETE_ALL, _DELETE_ONE, _ADD = 1, 3, 4


class Pick(NamedTuple):
    """What a read wants of a row: `names` empty for all, versions from `start` to before `end`, of these the newest."""

    names: Collection[str]
    versions: int
    start: int = 0
    end: int = 2**63


def columns_of(cells: Iterable[Cell]) -> dict[str, list[Value]]:
    """Each column's values, newest first, as conditions are asked with."""
    found: dict[str, list[Value]] = {}
    for cell in cells:
        if cell.value is not None and not isinstance(cell.value, Edge):
            found.setdefault(cell.name, []).append(cell.value)
    return found


def live(cells: Sequence[Cell], table: Table, now: int) -> list[Cell]:
    """Those of a stored row's cells that the table's time to live leaves."""
    if table.time_to_live < 0:
        return list(cells)
    return [cell for cell in cells if (cell.at or 0) + table.time_to_live * 1000 > now]


def applied(old: Sequence[Cell], changes: Sequence[Cell], table: Table, now: int) -> list[Cell]:
    """The cells after a write's changes."""
    _check(changes, table, now)
    cells = list(old)
    for change in changes:
        if change.operation is None:
            cells.append(change)
        elif change.operation == _DELETE_ALL:
            cells = [cell for cell in cells if cell.name != change.name]
        elif change.operation == _DELETE_ONE:
            cells = [cell for cell in cells if (cell.name, cell.at) != (change.name, change.at)]
        else:
            cells.append(_added(cells, change))
    return _ordered(cells, table, now)


def picked(row: Row, pick: Pick, table: Table, now: int) -> Row | None:
    """What of the row is read; None if that is nothing."""
    kept = live(row.cells, table, now)
    names = set(pick.names) - {column.name for column in table.columns}
    found: list[Cell] = []
    for cell in kept:
        if (names and cell.name not in names) or not pick.start <= (cell.at or 0) < pick.end:
            continue
        if sum(1 for other in found[-pick.versions :] if other.name == cell.name) < pick.versions:
            found.append(cell)
    if not found and (names or row.cells):
        return None
    return Row(row.key, found)


def _ordered(cells: Sequence[Cell], table: Table, now: int) -> list[Cell]:
    """The cells as they are kept: with a time, sorted, too many versions left out."""
    newest: dict[tuple[str, int], Cell] = {}
    for cell in cells:
        at = now if cell.at is None else cell.at
        newest[cell.name, at] = Cell(cell.name, cell.value, at)
    kept: list[Cell] = []
    count = 0
    for (name, _), cell in sorted(newest.items(), key=lambda pair: (pair[0][0], -pair[0][1])):
        count = count + 1 if kept and kept[-1].name == name else 1
        if count <= table.max_versions:
            kept.append(cell)
    return kept


def _added(cells: Sequence[Cell], change: Cell) -> Cell:
    old: Any = next((cell.value for cell in cells if cell.name == change.name), 0)
    if type(old) is not int or type(change.value) is not int:
        raise parameter(f"column {change.name!r}: only integers can be added to")
    total = (old + change.value + 2**63) % 2**64 - 2**63
    return Cell(change.name, total, change.at)


def _check(changes: Sequence[Cell], table: Table, now: int) -> None:
    if len(changes) > MAX_COLUMNS:
        raise parameter(f"the number of attribute columns exceeds the limit, limit count: {MAX_COLUMNS}")
    for cell in changes:
        if not _NAME.fullmatch(cell.name):
            raise parameter(f"invalid column name: {cell.name[:60]!r}")
        if cell.name in {column.name for column in table.columns}:
            raise parameter(f"attribute column {cell.name!r} has the name of a primary key column")
        if cell.operation not in (None, _DELETE_ALL, _DELETE_ONE, _ADD):
            raise parameter(f"column {cell.name!r}: unknown operation {cell.operation}")
        is_bare = cell.operation in (_DELETE_ALL, _DELETE_ONE)
        if isinstance(cell.value, Edge) or (cell.value is None) is not is_bare:
            raise parameter(f"column {cell.name!r}: a value is missing or not wanted")
        if isinstance(cell.value, str | bytes) and len(_encoded(cell.value)) > MAX_VALUE:
            raise parameter(f"the length of attribute column {cell.name!r} exceeds the limit, limit: {MAX_VALUE}")
        if cell.at is not None and not is_bare and abs(cell.at - now) > table.deviation * 1000:
            raise parameter(f"column {cell.name!r}: the version is further from now than max_time_deviation")


def _encoded(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
