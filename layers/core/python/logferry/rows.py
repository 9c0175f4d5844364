"""One row of a state table as a typed value: read, change, write under the version that was read, race lost: again.

Every row is JSON with a schema number; a row of a newer release is refused, never guessed at.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from logferry.errors import Conflict, StateError
from logferry.state import Item, Table

__all__ = ["DELETE", "decode", "edit", "newer"]

DELETE = b""
_ATTEMPTS = 10  # lost races of one write before giving up

T = TypeVar("T", bound=msgspec.Struct)


class _Head(msgspec.Struct):
    schema: int = 1


def edit(
    table: Table,
    partition: str,
    sort: str,
    change: Callable[[Item | None], bytes | None],
    *,
    expires: float | None = None,
) -> bool:
    """Write what `change` makes of the row (None: leave it, `DELETE`: delete it); whether anything was written."""
    for _attempt in range(_ATTEMPTS):
        item = table.get(partition, sort)
        body = change(item)
        if body is None or (body == DELETE and item is None):
            return False
        try:
            if body != DELETE:
                table.put(partition, sort, body, expect=item.version if item else None, expires=expires)
            elif item:
                table.delete(partition, sort, expect=item.version)
        except Conflict as error:
            found = table.get(partition, sort)
            if error.version and found and found.version == error.version:
                return True  # the write had passed, its answer got lost
            continue
        return True
    raise StateError(f"{partition}/{sort}: lost {_ATTEMPTS} races in a row: try again")


def newer(item: Item, schema: int) -> str:
    """What to do when the row comes from a newer release than one that knows `schema`; else nothing."""
    found = _parse(item, _Head).schema
    return f"row has schema {found}, this release knows {schema}: upgrade logferry here" if found > schema else ""


def decode(item: Item, shape: type[T], schema: int, what: str) -> T:
    """The row as a `shape`. Raises StateError when it is too new or no such row at all."""
    problem = newer(item, schema)
    if problem:
        raise StateError(f"{what}: {problem}")
    return _parse(item, shape)


def _parse(item: Item, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(item.value, type=shape)
    except msgspec.DecodeError as error:
        raise StateError(f"row {item.sort} cannot be read: {error}") from None
