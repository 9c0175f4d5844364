"""Rows by the vendor's SDK: values, versions, updates, what is read of them."""

import time

import pytest
from tests.fakes.ots_sdk import ONE, Client, Columns, Key, Sdk, create, one, put, ranged, read, refusal


def test_values_of_every_type_come_back(sdk: Sdk, client: Client, table: str) -> None:
    """Integers, doubles, booleans, text and bytes, extremes and none at all."""
    columns = [
        ("binary", bytearray(range(256))), ("double", -1.5e300), ("empty", ""), ("integer", -(2**63)), ("no", False),
        ("nothing", bytearray()), ("text", "ключ 😀\x00"), ("yes", True),
    ]  # fmt: skip
    client.put_row(table, sdk.Row(ONE, columns))
    found = read(client, table)
    assert found == columns
    assert [type(value) for _, value in found] == [type(value) for _, value in columns]


def test_update_puts_deletes_and_adds(sdk: Sdk, client: Client, table: str) -> None:
    """Columns that are not named stay."""
    put(sdk, client, table, a=1, b=2, c=3)
    change = {"PUT": [("d", 4)], "DELETE_ALL": ["a"], "INCREMENT": [("b", 40)]}
    client.update_row(table, sdk.Row(ONE, change), sdk.Condition(sdk.RowExistenceExpectation.EXPECT_EXIST))
    assert read(client, table) == [("b", 42), ("c", 3), ("d", 4)]
    put(sdk, client, table, e=5)
    assert read(client, table) == [("e", 5)]
    bad = (table, sdk.Row(ONE, {"INCREMENT": [("f", 1)]}), sdk.Condition(sdk.RowExistenceExpectation.IGNORE))
    put(sdk, client, table, f="text")
    assert refusal(sdk, client.update_row, *bad) == (400, "OTSParameterInvalid")


def test_versions_are_kept_and_chosen(sdk: Sdk, client: Client) -> None:
    """As many as the table keeps, newest first; by number, by time, and one of them deleted."""
    table = create(sdk, client, -1, 2)
    now = int(time.time() * 1000)
    for back in (3, 2, 1):
        change = {"PUT": [("v", -back, now - back * 1000)]}
        client.update_row(table, sdk.Row(ONE, change), sdk.Condition(sdk.RowExistenceExpectation.IGNORE))
    assert read(client, table, max_version=5) == [("v", -1), ("v", -2)]
    assert read(client, table, max_version=1) == [("v", -1)]
    assert read(client, table, max_version=None, time_range=(now - 2_000, now - 1_000)) == [("v", -2)]
    assert read(client, table, max_version=None, time_range=now - 1_000) == [("v", -1)]
    gone: dict[str, Columns] = {"DELETE": [("v", None, now - 1_000)]}
    client.update_row(table, sdk.Row(ONE, gone), sdk.Condition(sdk.RowExistenceExpectation.IGNORE))
    assert read(client, table, max_version=5) == [("v", -2)]


def test_cells_older_than_the_time_to_live_are_gone(sdk: Sdk, client: Client) -> None:
    """For reads, ranges and conditions; a row without any other is not there."""
    table = create(sdk, client, 86_400, 1, 200_000)
    old = int((time.time() - 86_401) * 1000)
    client.put_row(table, sdk.Row(ONE, [("new", 1), ("old", 2, old)]))
    client.put_row(table, sdk.Row([("p", "two"), ("n", 2)], [("old", 2, old)]))
    assert read(client, table) == [("new", 1)]
    assert read(client, table, [("p", "two"), ("n", 2)]) is None
    assert [row.primary_key for row in ranged(sdk, client, table)] == [ONE]
    condition = sdk.Condition(sdk.RowExistenceExpectation.EXPECT_EXIST)
    write = (table, sdk.Row([("p", "two"), ("n", 2)]), condition)
    assert refusal(sdk, client.delete_row, *write) == (403, "OTSConditionCheckFail")


def test_columns_to_get_and_filter(sdk: Sdk, client: Client, table: str) -> None:
    """Only the named columns; a row without them, or that the filter drops, is not answered."""
    put(sdk, client, table, a=1, v=5)
    assert read(client, table, columns_to_get=["a"]) == [("a", 1)]
    assert read(client, table, columns_to_get=["z"]) is None
    assert read(client, table, column_filter=one(sdk, 5, "EQUAL")) == [("a", 1), ("v", 5)]
    assert read(client, table, column_filter=one(sdk, 6, "EQUAL")) is None


@pytest.mark.parametrize(
    ("key", "columns", "code"),
    [
        ([("p", "a")], {}, "OTSInvalidPK"),
        ([("q", "a"), ("n", 1)], {}, "OTSInvalidPK"),
        ([("p", 1), ("n", 1)], {}, "OTSInvalidPK"),
        ([("p", "x" * 1025), ("n", 1)], {}, "OTSParameterInvalid"),
        (ONE, {"p": 1}, "OTSParameterInvalid"),
        (ONE, {"ключ": 1}, "OTSParameterInvalid"),
        (ONE, {"a b": 1}, "OTSParameterInvalid"),
        (ONE, {"v": "x" * (2 * 1024 * 1024 + 1)}, "OTSParameterInvalid"),
        (ONE, {f"c{number}": 1 for number in range(1_025)}, "OTSParameterInvalid"),
    ],
)
def test_row_that_cannot_be_is_refused(
    sdk: Sdk, client: Client, table: str, key: Key, columns: Columns, code: str
) -> None:
    """Another key than the table's, names and sizes beyond the limits; nothing is written."""
    row = sdk.Row(key, list(columns.items()))
    try:
        found = refusal(sdk, client.put_row, table, row)
    except sdk.OTSClientError:  # the SDK itself cannot write a name outside ASCII
        found = (400, code)
    assert found == (400, code)
    assert read(client, table) is None


def test_reads_must_say_which_versions(sdk: Sdk, client: Client, table: str) -> None:
    """As the service wants it."""
    assert refusal(sdk, client.get_row, table, ONE, max_version=None) == (400, "OTSParameterInvalid")


def test_version_far_from_now_is_refused(sdk: Sdk, client: Client, table: str) -> None:
    """Further than the table's max_time_deviation."""
    row = sdk.Row(ONE, [("v", 1, int(time.time() * 1000) - 90_000_000)])
    assert refusal(sdk, client.put_row, table, row) == (400, "OTSParameterInvalid")
