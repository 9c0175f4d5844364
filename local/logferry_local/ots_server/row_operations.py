"""GetRow, PutRow, UpdateRow, DeleteRow: one row each, whole or not at all."""

from typing import Any

from logferry_local.ots_server.conditions import compiled
from logferry_local.ots_server.keys import sortable
from logferry_local.ots_server.messages import messages
from logferry_local.ots_server.plain_buffer import Cell, Row, read_row, write_rows
from logferry_local.ots_server.refusals import Refusal, parameter
from logferry_local.ots_server.store import Store, Table
from logferry_local.ots_server.versions import Pick, applied, columns_of, live, picked

__all__ = ["delete_row", "get_row", "pick_of", "put_row", "set_consumed", "update_row"]

_EXIST, _NOT_EXIST = 1, 2
_PRIMARY_KEY = 1  # RT_PK


def get_row(store: Store, instance: str, request: Any, now: int) -> Any:  # noqa: ANN401  # generated messages
    """The row, or an empty answer."""
    table = store.table(instance, request.table_name)
    pick = pick_of(request)
    row = store.get(table, sortable(read_row(request.primary_key).key, table.columns))
    found = picked(row, pick, table, now) if row else None
    if found and request.filter and not compiled(request.filter)(columns_of(found.cells)):
        found = None
    answer = messages.GetRowResponse(row=write_rows([found] if found else []))
    return set_consumed(answer, read=1)


def put_row(store: Store, instance: str, request: Any, now: int) -> Any:  # noqa: ANN401  # generated messages
    """Write a whole row."""
    table = store.table(instance, request.table_name)
    row = read_row(request.row)
    key = sortable(row.key, table.columns)
    if row.deleted or any(cell.operation is not None for cell in row.cells):
        raise parameter("a row that is put deletes or adds")
    _conditioned(store, table, key, request.condition, now)
    store.put(table, key, Row(row.key, applied([], row.cells, table, now)))
    return _written(messages.PutRowResponse(), request, row.key)


def update_row(store: Store, instance: str, request: Any, now: int) -> Any:  # noqa: ANN401  # generated messages
    """Write, delete and add to columns of a row; makes the row if it is not there."""
    table = store.table(instance, request.table_name)
    row = read_row(request.row_change)
    key = sortable(row.key, table.columns)
    if row.deleted or not row.cells:
        raise parameter("an update changes no column")
    old = _conditioned(store, table, key, request.condition, now)
    store.put(table, key, Row(row.key, applied(old, row.cells, table, now)))
    return _written(messages.UpdateRowResponse(), request, row.key)


def delete_row(store: Store, instance: str, request: Any, now: int) -> Any:  # noqa: ANN401  # generated messages
    """Delete a row; no error if it is not there and the condition does not mind."""
    table = store.table(instance, request.table_name)
    row = read_row(request.primary_key)
    key = sortable(row.key, table.columns)
    _conditioned(store, table, key, request.condition, now)
    store.delete(table, key)
    return _written(messages.DeleteRowResponse(), request, row.key)


def pick_of(request: Any) -> Pick:  # noqa: ANN401  # a generated message
    """Which columns and versions a read wants; Refusal if it does not say which versions."""
    if request.start_column or request.end_column or request.token or request.transaction_id:
        raise parameter("ranges of columns and transactions are not served here")
    if not request.HasField("max_versions") and not request.HasField("time_range"):
        raise parameter("No version condition is specified while querying row.")
    versions = request.max_versions if request.HasField("max_versions") else 2**31
    if versions < 1:
        raise parameter("max_versions is less than 1")
    times = request.time_range
    if times.HasField("specific_time"):
        return Pick(request.columns_to_get, versions, times.specific_time, times.specific_time + 1)
    end = times.end_time if times.HasField("end_time") else 2**63
    return Pick(request.columns_to_get, versions, times.start_time, end)


def set_consumed(answer: Any, *, read: int = 0, write: int = 0) -> Any:  # noqa: ANN401  # generated messages
    """What a call cost: each answer must say so; the figures are not the service's."""
    answer.consumed.capacity_unit.read, answer.consumed.capacity_unit.write = read, write
    return answer


def _conditioned(store: Store, table: Table, key: bytes, condition: Any, now: int) -> list[Cell]:  # noqa: ANN401  # a generated message
    """The cells that are there; Refusal if the condition does not hold."""
    test = compiled(condition.column_condition) if condition.column_condition else None
    row = store.get(table, key)
    cells = live(row.cells, table, now) if row else []
    is_there = row is not None and (bool(cells) or not row.cells)
    wanted = {_EXIST: is_there, _NOT_EXIST: not is_there}.get(condition.row_existence, True)
    if not wanted or (test and not test(columns_of(cells))):
        raise Refusal(403, "OTSConditionCheckFail", "Condition check failed.")
    return cells


def _written(answer: Any, request: Any, key: list[Cell]) -> Any:  # noqa: ANN401  # generated messages
    if request.return_content.return_type == _PRIMARY_KEY:
        answer.row = write_rows([Row(key, [])])
    return set_consumed(answer, write=1)
