"""CreateTable, DescribeTable, ListTable, DeleteTable. Limits: 64 tables an instance, 1 to 4 key columns."""

import re
from typing import Any

from logferry_local.ots_server.keys import Column
from logferry_local.ots_server.messages import messages
from logferry_local.ots_server.refusals import Refusal, parameter
from logferry_local.ots_server.store import Store, Table

__all__ = ["create_table", "delete_table", "describe_table", "list_table"]

MAX_TABLES = 64
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_KINDS = {messages.INTEGER: "INTEGER", messages.STRING: "STRING", messages.BINARY: "BINARY"}
_NUMBERS = {kind: number for number, kind in _KINDS.items()}
_LEAST_TTL = 86_400  # seconds


def create_table(store: Store, instance: str, request: Any, now: int) -> Any:  # noqa: ANN401  # generated messages
    """Make a table; usable at once, which the service's are not."""
    meta, options = request.table_meta, request.table_options
    if not _NAME.fullmatch(meta.table_name):
        raise parameter(f"Invalid table name: {meta.table_name[:60]!r}.")
    if request.index_metas or any(column.HasField("option") for column in meta.primary_key):
        raise parameter("indexes and columns that count by themselves are not served here")
    table = Table(
        name=meta.table_name, columns=_columns(meta.primary_key), made=now // 1000,
        time_to_live=options.time_to_live if options.HasField("time_to_live") else -1,
        max_versions=options.max_versions if options.HasField("max_versions") else 1,
        deviation=options.deviation_cell_version_in_sec or 86_400,
    )  # fmt: skip
    if table.time_to_live != -1 and table.time_to_live < _LEAST_TTL:
        raise parameter(f"time_to_live is neither -1 nor at least {_LEAST_TTL}")
    if table.max_versions < 1:
        raise parameter("max_versions is less than 1")
    if len(store.names(instance)) >= MAX_TABLES and table.name not in store.names(instance):
        raise Refusal(403, "OTSQuotaExhausted", "Number of tables exceeded the quota.")
    store.create(instance, table)
    return messages.CreateTableResponse()


def describe_table(store: Store, instance: str, request: Any, now: int) -> Any:  # noqa: ANN401, ARG001  # generated messages; all operations are called alike
    """What the table was made as."""
    table = store.table(instance, request.table_name)
    answer = messages.DescribeTableResponse()
    answer.table_meta.table_name = table.name
    for column in table.columns:
        answer.table_meta.primary_key.add(name=column.name, type=_NUMBERS[column.kind])
    details = answer.reserved_throughput_details
    details.capacity_unit.read = details.capacity_unit.write = 0
    details.last_increase_time = table.made
    answer.table_options.time_to_live = table.time_to_live
    answer.table_options.max_versions = table.max_versions
    answer.table_options.deviation_cell_version_in_sec = table.deviation
    return answer


def list_table(store: Store, instance: str, request: Any, now: int) -> Any:  # noqa: ANN401, ARG001  # generated messages; all operations are called alike
    """The names of the instance's tables."""
    return messages.ListTableResponse(table_names=store.names(instance))


def delete_table(store: Store, instance: str, request: Any, now: int) -> Any:  # noqa: ANN401, ARG001  # generated messages; all operations are called alike
    """Delete a table with its rows."""
    store.drop(store.table(instance, request.table_name))
    return messages.DeleteTableResponse()


def _columns(schema: Any) -> tuple[Column, ...]:  # noqa: ANN401  # generated messages
    if not 1 <= len(schema) <= 4:
        raise parameter(f"The number of primary key columns is {len(schema)}, not 1 to 4.")
    found = []
    for column in schema:
        if not _NAME.fullmatch(column.name) or column.type not in _KINDS:
            raise parameter(f"primary key column {column.name[:60]!r}: a wrong name or type")
        found.append(Column(column.name, _KINDS[column.type]))
    if len({column.name for column in found}) < len(found):
        raise parameter("two primary key columns have one name")
    return tuple(found)
