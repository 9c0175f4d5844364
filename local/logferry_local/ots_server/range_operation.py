"""GetRange: rows in the order of their keys, a page at a time. A page ends at 5,000 rows, 4 MB or the limit asked for.

A row that a filter leaves out counts as read; a page without rows may still say where the next one begins.
"""

from typing import Any

from logferry_local.ots_server.conditions import compiled
from logferry_local.ots_server.keys import sortable
from logferry_local.ots_server.messages import messages
from logferry_local.ots_server.plain_buffer import Row, read_row, write_rows
from logferry_local.ots_server.refusals import parameter
from logferry_local.ots_server.row_operations import pick_of, set_consumed
from logferry_local.ots_server.store import Store
from logferry_local.ots_server.versions import columns_of, picked

__all__ = ["get_range"]

MAX_ROWS = 5_000
MAX_BYTES = 4 * 1024 * 1024


def get_range(store: Store, instance: str, request: Any, now: int) -> Any:  # noqa: ANN401  # generated messages
    """Rows from one key to before another."""
    table = store.table(instance, request.table_name)
    pick = pick_of(request)
    start, end = (
        sortable(read_row(data).key, table.columns, edges=True)
        for data in (request.inclusive_start_primary_key, request.exclusive_end_primary_key)
    )
    backward = request.direction == messages.BACKWARD
    if start == end or (start > end) is not backward:
        raise parameter("Begin key must be less than end key in FORWARD, and greater in BACKWARD")
    if request.HasField("limit") and request.limit < 1:
        raise parameter("The limit must be greater than 0.")
    most = min(request.limit, MAX_ROWS) if request.HasField("limit") else MAX_ROWS
    test = compiled(request.filter) if request.filter else None
    answer = messages.GetRangeResponse()
    found: list[Row] = []
    count = size = 0
    for row, length in store.range(table, start, end, backward=backward):
        if count == most or (count and size + length > MAX_BYTES):
            answer.next_start_primary_key = write_rows([Row(row.key, [])])
            break
        count, size = count + 1, size + length
        shown = picked(row, pick, table, now)
        if shown and (test is None or test(columns_of(shown.cells))):
            found.append(shown)
    answer.rows = write_rows(found)
    return set_consumed(answer, read=1 + size // 4096)
