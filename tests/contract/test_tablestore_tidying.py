"""The state table in Tablestore removes what is long expired, and calls nothing that it is not granted."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.clock import Clock
from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.ots_table import client, error, faulty_table

from logferry.errors import Misconfigured
from logferry.state import Item, tablestore

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultProxy]:
    """A server with one table, behind a proxy that makes faults."""
    with faulty_table() as made:
        yield made


@pytest.mark.parametrize("draws", [(0.0, 0.0), (0.0, 0.9)])
def test_long_expired_rows_are_removed_by_writes(proxy: FaultProxy, part: str, draws: tuple[float, ...]) -> None:
    """A write that sets an expiry removes 20 of what expired an hour ago, from the front or beside itself."""
    clock = Clock()
    ots = client(proxy)
    left = iter(draws)
    plain, tidy = (
        tablestore.OtsTable(ots, clock, chance=lambda: 1.0),
        tablestore.OtsTable(ots, clock, lambda: next(left)),
    )
    for number in range(30):
        plain.put(part, f"a-{number:02}", b"", expect=None, expires=clock.now + 1)
    plain.put(part, "b-kept", b"", expect=None)
    plain.put(part, "b-recent", b"", expect=None, expires=clock.now + 3_000)
    clock.now += 3_601.0
    tidy.put(part, "a-", b"", expect=None, expires=clock.now + 1)
    clock.now -= 3_601.0  # as a reader with an earlier clock sees it: what is really there
    there = [item.sort for item in plain.list(part)]
    assert there == ["a-", *(f"a-{number:02}" for number in range(20, 30)), "b-kept", "b-recent"]
    ots.close()


def test_tidying_that_fails_fails_no_write(proxy: FaultProxy, part: str) -> None:
    """Without the right to read ranges rows are written all the same."""
    ots = client(proxy)
    tidy = tablestore.OtsTable(ots, Clock(), chance=lambda: 0.0)
    tidy.get(part, "a")
    proxy.faults.extend([error("OTSNoPermissionAccess", 403)])
    with pytest.raises(Misconfigured):
        tidy.get(part, "a")
    version = tidy.put(part, "a", b"one", expect=None, expires=2e6)
    assert tidy.get(part, "a") == Item("a", b"one", version)
    ots.close()


@pytest.mark.parametrize("page", ["docs/state.md", "deploy/ram/forward.json", "deploy/ram/sweep.json"])
def test_what_is_called_is_what_is_granted(proxy: FaultProxy, part: str, page: str) -> None:
    """The calls of all four operations, the look for expired rows among them, are the actions of page and role."""
    ots, clock = client(proxy), Clock()
    table = tablestore.OtsTable(ots, clock, chance=lambda: 0.0)
    proxy.calls.clear()
    version = table.put(part, "a", b"", expect=None, expires=clock.now + 1)
    table.delete(part, "a", expect=version)
    assert table.get(part, "a") is None
    assert list(table.list(part)) == []
    ots.close()
    text = (ROOT / page).read_text(encoding="utf-8").partition("For making it")[0]
    assert {call.removeprefix("POST /") for call in proxy.calls} == set(re.findall(r'"ots:(\w+)"', text))
