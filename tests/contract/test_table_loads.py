"""What every state table promises, asked of every file in `state/`: sizes, characters, pages, many writers."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.fakes.clock import Clock

from logferry.errors import ConfigError, Conflict, StateError
from logferry.state import Table


def test_list_passes_many_pages(table: Table, part: str, clock: Clock) -> None:
    """2,500 rows of 600 bytes (more than one page anywhere) come complete, once each, expired ones left out."""
    names = [f"{number:05}" for number in range(2_500)]
    with ThreadPoolExecutor(8) as pool:
        for name in names:
            expires = clock.now + 1 if name.endswith("7") else None
            pool.submit(table.put, part, name, b"x" * 600, expect=None, expires=expires)
    clock.now += 1
    assert [item.sort for item in table.list(part)] == [name for name in names if not name.endswith("7")]


@pytest.mark.parametrize("size", [0, 300_000, 350_000])
def test_value_of_any_size_up_to_the_limit_is_kept(table: Table, part: str, size: int) -> None:
    """Any byte, none, and as many as the limit come back unchanged."""
    value = (bytes(range(256)) * (size // 256 + 1))[:size]
    table.put(part, "a", value, expect=None)
    item = table.get(part, "a")
    assert item is not None
    assert item.value == value


def test_value_over_the_limit_is_refused(table: Table, part: str) -> None:
    """One byte more than every table takes is refused by each, and nothing is written."""
    with pytest.raises(ConfigError, match="350001 bytes is more than 350000"):
        table.put(part, "a", b"x" * 350_001, expect=None)
    assert table.get(part, "a") is None


@pytest.mark.parametrize("sort", ["a/b", " ", "#:p", "ключ", "😀", "a\x00b", "line\nbreak", "%2F", "x" * 1024, "'\"\\"])
def test_key_may_hold_any_character(table: Table, part: str, sort: str) -> None:
    """A key is text: separators, spaces, control characters and any script come back as they were."""
    table.put(part + sort[:8], sort, b"one", expect=None)
    assert [item.sort for item in table.list(part + sort[:8])] == [sort]
    assert table.get(part + sort[:8], sort) is not None


@pytest.mark.parametrize("sort", ["", "x" * 1025, "é" * 513, "\ud800"])
def test_key_that_no_table_takes_is_refused(table: Table, part: str, sort: str) -> None:
    """Empty, too long or not Unicode: refused alike by all, and not as something to try again."""
    with pytest.raises(ConfigError) as caught:
        table.put(part, sort, b"one", expect=None)
    assert not isinstance(caught.value, StateError)
    with pytest.raises(ConfigError):
        list(table.list(sort))


def test_one_of_a_thousand_writers_wins(table: Table, part: str) -> None:
    """1,000 writers, 50 at a time, expect one version: one wins, 999 learn it by a Conflict, none by another error."""
    start = table.put(part, "a", b"start", expect=None)

    def write(number: int) -> str | None:
        try:
            return table.put(part, "a", str(number).encode(), expect=start)
        except Conflict:
            return None

    with ThreadPoolExecutor(50) as pool:
        results = list(pool.map(write, range(1_000)))
    won = [(number, version) for number, version in enumerate(results) if version is not None]
    assert len(won) == 1
    assert table.get(part, "a") == ("a", str(won[0][0]).encode(), won[0][1])


def test_no_version_is_won_twice(table: Table, part: str) -> None:
    """Writers that read and write again count without a loss: each version has exactly one successor."""
    table.put(part, "a", b"0", expect=None)

    def add(_number: int) -> tuple[str, str]:
        for _attempt in range(1_000):
            item = table.get(part, "a")
            assert item is not None
            try:
                return item.version, table.put(part, "a", str(int(item.value) + 1).encode(), expect=item.version)
            except Conflict:
                continue
        pytest.fail("1,000 conflicts in a row")

    with ThreadPoolExecutor(8) as pool:
        steps = list(pool.map(add, range(200)))
    item = table.get(part, "a")
    assert item is not None
    assert item.value == b"200"
    assert len(dict(steps)) == len({after for _before, after in steps}) == 200
