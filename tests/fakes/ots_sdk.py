"""The vendor's SDK of Tablestore, unmodified, and short forms of its calls."""

import uuid
from typing import Any, TypeAlias

import pytest
from tests.fakes.ots import KEY_ID, SECRET, Running

__all__ = [
    "ONE", "Client", "Columns", "Condition", "Key", "Row", "Sdk", "connect", "create", "one", "put", "ranged", "read",
    "refusal",
]  # fmt: skip

# The package has no types; what its parts are is said by name.
Sdk: TypeAlias = Any
Client: TypeAlias = Any
Call: TypeAlias = Any
Condition: TypeAlias = Any
Row: TypeAlias = Any
Key: TypeAlias = Any
Columns: TypeAlias = Any

ONE = [("p", "one"), ("n", 1)]


def connect(sdk: Sdk, server: Running, **changed: object) -> Client:
    """A client that tries once."""
    options = {"access_key_id": KEY_ID, "access_key_secret": SECRET, "instance_name": "instance", "socket_timeout": 20}
    from tablestore.retry import NoRetryPolicy

    return sdk.OTSClient(server.address, **{**options, "retry_policy": NoRetryPolicy(), **changed})


def create(sdk: Sdk, client: Client, *options: int, key: Key = (("p", "STRING"), ("n", "INTEGER"))) -> str:
    """A table nobody else has."""
    name = f"t_{uuid.uuid4().hex}"
    unit = sdk.ReservedThroughput(sdk.CapacityUnit(0, 0))
    client.create_table(sdk.TableMeta(name, list(key)), sdk.TableOptions(*(options or (-1, 1))), unit)
    return name


def put(sdk: Sdk, client: Client, table: str, key: Key = None, **columns: object) -> None:
    """Write a row whatever is there."""
    client.put_row(table, sdk.Row(key or ONE, list(columns.items())))


def read(client: Client, table: str, key: Key = None, **options: object) -> Columns:
    """A row's columns as (name, value), None if there is no row."""
    _, row, _ = client.get_row(table, key or ONE, **{"max_version": 1, **options})
    return None if row is None else [(column[0], column[1]) for column in row.attribute_columns]


def refusal(sdk: Sdk, call: Call, *args: object, **options: object) -> tuple[int, str]:
    """Status and code with which a call is refused."""
    with pytest.raises(sdk.OTSServiceError) as caught:
        call(*args, **options)
    return caught.value.get_http_status(), caught.value.get_error_code()


def one(sdk: Sdk, value: object, comparator: str, *, missing: bool = False) -> Condition:
    """A condition on column `v`."""
    kind = getattr(sdk.ComparatorType, comparator)
    return sdk.SingleColumnCondition("v", value, kind, pass_if_missing=missing)


def ranged(sdk: Sdk, client: Client, table: str, direction: str = "FORWARD", **options: object) -> list[Row]:
    """All rows of a table, page by page."""
    edges = [[("p", edge), ("n", edge)] for edge in (sdk.INF_MIN, sdk.INF_MAX)]
    start, end = edges if direction == "FORWARD" else reversed(edges)
    found: list[Row] = []
    while start:
        _, start, rows, _ = client.get_range(table, direction, start, end, **{"max_version": 1, **options})
        found += rows
    return found
