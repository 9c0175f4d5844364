"""What an object costs at the state table."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.fakes.shelf import shelf

from logferry.state import Item, Table
from logferry.state.memory import open_table


class Counting:
    """A table that counts what is asked of it while objects are delivered; tasks are asked of another."""

    def __init__(self, table: Table) -> None:
        self._table, self.calls = table, Counter[str]()

    def get(self, partition: str, sort: str) -> Item | None:
        """Counted."""
        self.calls["get"] += partition not in ("tasks", "task-versions/t")
        return self._table.get(partition, sort)

    def put(self, partition: str, sort: str, value: bytes, *, expect: str | None, expires: float | None = None) -> str:
        """Counted."""
        self.calls["put"] += 1
        return self._table.put(partition, sort, value, expect=expect, expires=expires)

    def delete(self, partition: str, sort: str, *, expect: str) -> None:
        """Counted."""
        self.calls["delete"] += 1
        self._table.delete(partition, sort, expect=expect)

    def list(self, partition: str) -> Iterator[Item]:
        """Counted."""
        self.calls["list"] += partition != "tasks"
        return self._table.list(partition)

    def close(self) -> None:
        """As it is."""
        self._table.close()


def test_what_an_object_costs_at_the_state_table(tmp_path: Path) -> None:
    """Six writes and a list of the slots, however many objects were done before: docs/sources/objects.md says so."""
    table = Counting(open_table("counted", {}, lambda: 0.0))
    place = shelf(tmp_path, table=table, save_seconds=5.0)
    for number in range(3):
        creation = place.put(f"{number}.ndjson", 3)
        table.calls.clear()
        place.deliver(creation)
    assert {name: table.calls[name] for name in ("put", "delete", "list")} == {"put": 5, "delete": 1, "list": 1}
    assert table.calls["get"] <= 12
