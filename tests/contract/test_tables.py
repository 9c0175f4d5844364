"""What every state table promises, asked of every file in `state/`: rows, versions, expiry, order."""

import pytest
from tests.fakes.clock import Clock

from logferry import state
from logferry.errors import ConfigError, Conflict
from logferry.state import Table


def test_row_is_read_as_it_was_written(table: Table, part: str) -> None:
    """A row comes back with its sort key, its bytes and the version that the write returned."""
    version = table.put(part, "a", b"one", expect=None)
    assert table.get(part, "a") == ("a", b"one", version)


def test_absent_row_is_none(table: Table, part: str) -> None:
    """A row that was never written reads as none."""
    assert table.get(part, "a") is None


def test_write_moves_the_version(table: Table, part: str) -> None:
    """A write that expects the current version passes, and the version changes even for the same bytes."""
    first = table.put(part, "a", b"one", expect=None)
    second = table.put(part, "a", b"one", expect=first)
    assert first != second
    assert table.get(part, "a") == ("a", b"one", second)


def test_row_made_anew_has_a_new_version(table: Table, part: str) -> None:
    """A version is never seen again after a delete, so a writer from before loses."""
    first = table.put(part, "a", b"one", expect=None)
    table.delete(part, "a", expect=first)
    table.put(part, "a", b"one", expect=None)
    with pytest.raises(Conflict):
        table.put(part, "a", b"two", expect=first)


@pytest.mark.parametrize("expect", [None, "not-this-version"])
def test_conflict_changes_nothing_and_names_its_version(table: Table, part: str, expect: str | None) -> None:
    """A write that lost leaves the row, and carries the version it would have made, which a re-read does not find."""
    version = table.put(part, "a", b"one", expect=None)
    with pytest.raises(Conflict) as caught:
        table.put(part, "a", b"two", expect=expect)
    assert table.get(part, "a") == ("a", b"one", version)
    assert caught.value.version not in ("", version)


def test_expecting_a_row_that_is_absent_is_a_conflict(table: Table, part: str) -> None:
    """A write that expects a version makes no row."""
    with pytest.raises(Conflict):
        table.put(part, "a", b"one", expect="some-version")
    assert table.get(part, "a") is None


def test_delete_takes_the_expected_version_only(table: Table, part: str) -> None:
    """Delete is conditional; a second delete is a conflict without a version."""
    version = table.put(part, "a", b"one", expect=None)
    with pytest.raises(Conflict):
        table.delete(part, "a", expect="other")
    assert table.get(part, "a") is not None
    table.delete(part, "a", expect=version)
    assert table.get(part, "a") is None
    with pytest.raises(Conflict) as caught:
        table.delete(part, "a", expect=version)
    assert caught.value.version == ""


def test_two_openings_see_one_table(table: Table, table_url: str, clock: Clock, part: str) -> None:
    """What one opening wrote, another reads at once."""
    version = table.put(part, "a", b"one", expect=None)
    other = state.open_table(table_url, clock)
    assert other.get(part, "a") == ("a", b"one", version)
    other.close()


def test_table_works_again_after_close(table: Table, part: str) -> None:
    """Close lets go of connections, not of the table; twice is harmless."""
    version = table.put(part, "a", b"one", expect=None)
    table.close()
    table.close()
    assert table.get(part, "a") == ("a", b"one", version)


def test_row_is_gone_at_its_expiry(table: Table, clock: Clock, part: str) -> None:
    """The reader's clock says when: one second before it is there, at that second neither get nor list has it."""
    table.put(part, "a", b"one", expect=None, expires=clock.now + 10)
    clock.now += 9
    assert table.get(part, "a") is not None
    clock.now += 1
    assert table.get(part, "a") is None
    assert list(table.list(part)) == []


def test_expiry_is_rounded_up_to_seconds(table: Table, clock: Clock, part: str) -> None:
    """A fraction never makes a row go early."""
    table.put(part, "a", b"one", expect=None, expires=clock.now + 10.2)
    clock.now += 10.9
    assert table.get(part, "a") is not None
    clock.now += 0.1
    assert table.get(part, "a") is None


def test_expired_row_is_as_absent_for_writers(table: Table, clock: Clock, part: str) -> None:
    """After its expiry a row's version is a conflict, and a write that expects none passes."""
    version = table.put(part, "a", b"one", expect=None, expires=clock.now + 1)
    with pytest.raises(Conflict):
        table.put(part, "a", b"two", expect=None)
    clock.now += 1
    with pytest.raises(Conflict):
        table.put(part, "a", b"two", expect=version)
    with pytest.raises(Conflict):
        table.delete(part, "a", expect=version)
    table.put(part, "a", b"three", expect=None)
    clock.now += 1e6
    item = table.get(part, "a")
    assert item is not None
    assert item.value == b"three"


@pytest.mark.parametrize("expires", [-1.0, float("nan"), float("inf")])
def test_expiry_that_is_no_time_is_refused(table: Table, part: str, expires: float) -> None:
    """A negative or endless time is a mistake, not a row that never goes."""
    with pytest.raises(ConfigError, match="is not a Unix time"):
        table.put(part, "a", b"one", expect=None, expires=expires)


def test_list_is_one_partition_in_order(table: Table, part: str) -> None:
    """Rows come by code point, whatever the order they were written in, and only those of the partition."""
    names = ["b", "a", "é", "Z", "a/b", "10", "9", "😀", "\ufffd", " "]
    for name in names:
        table.put(part, name, name.encode(), expect=None)
    table.put(f"{part}x", "other", b"", expect=None)
    assert [item.sort for item in table.list(part)] == sorted(names)
    assert [item.value.decode() for item in table.list(part)] == sorted(names)


def test_list_of_an_unknown_partition_is_empty(table: Table, part: str) -> None:
    """No rows, no error."""
    assert list(table.list(part)) == []


def test_list_can_be_written_beside(table: Table, part: str) -> None:
    """Rows may be deleted while a list is being read."""
    for number in range(5):
        table.put(part, str(number), b"", expect=None)
    for item in table.list(part):
        table.delete(part, item.sort, expect=item.version)
    assert list(table.list(part)) == []
