"""A table that counts what is asked of it."""

from collections import Counter
from collections.abc import Iterator

from logferry.state import Item, Table

__all__ = ["Counting"]


class Counting:
    """A table that counts what is asked of it; the list of all tasks is no task's cost."""

    def __init__(self, table: Table) -> None:
        self._table, self.calls = table, Counter[str]()

    def get(self, partition: str, sort: str) -> Item | None:
        self.calls["reads"] += 1
        return self._table.get(partition, sort)

    def put(self, partition: str, sort: str, value: bytes, *, expect: str | None, expires: float | None = None) -> str:
        self.calls["writes"] += 1
        return self._table.put(partition, sort, value, expect=expect, expires=expires)

    def delete(self, partition: str, sort: str, *, expect: str) -> None:
        self._table.delete(partition, sort, expect=expect)

    def list(self, partition: str) -> Iterator[Item]:
        self.calls["reads"] += partition != "tasks"
        return self._table.list(partition)

    def close(self) -> None:
        self._table.close()
