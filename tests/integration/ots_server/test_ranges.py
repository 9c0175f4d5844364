"""Ranges by the vendor's SDK: order, both directions, pages."""

from tests.fakes.ots_sdk import Client, Sdk, one, put, ranged, refusal


def test_ranges_are_in_the_order_of_keys(sdk: Sdk, client: Client, table: str) -> None:
    """Text by its bytes, integers by their value, both ways, whatever the size of a page."""
    names = ["", "a", "a\x00", "a\x00b", "a\x01", "b", "é", "😀"]
    keys = [[("p", name), ("n", number)] for name in names for number in (-(2**63), -1, 0, 1, 2**63 - 1)]
    for key in reversed(keys):
        put(sdk, client, table, key, v=1)
    assert [row.primary_key for row in ranged(sdk, client, table)] == keys
    assert [row.primary_key for row in ranged(sdk, client, table, limit=3)] == keys
    assert [row.primary_key for row in ranged(sdk, client, table, "BACKWARD", limit=7)] == keys[::-1]


def test_range_takes_its_start_and_not_its_end(sdk: Sdk, client: Client, table: str) -> None:
    """From a key to before another, and the other way round."""
    keys = [[("p", "a"), ("n", number)] for number in range(5)]
    for key in keys:
        put(sdk, client, table, key, v=1)
    _, following, rows, _ = client.get_range(table, "FORWARD", keys[1], keys[3], max_version=1)
    assert (following, [row.primary_key for row in rows]) == (None, keys[1:3])
    _, _, rows, _ = client.get_range(table, "BACKWARD", keys[3], keys[1], max_version=1)
    assert [row.primary_key for row in rows] == [keys[3], keys[2]]
    for direction, start, end in (("FORWARD", keys[3], keys[1]), ("BACKWARD", keys[1], keys[3])):
        found = refusal(sdk, client.get_range, table, direction, start, end, max_version=1)
        assert found == (400, "OTSParameterInvalid")


def test_page_ends_at_4_mb_and_filtered_rows_count(sdk: Sdk, client: Client, table: str) -> None:
    """A page says where the next one begins, even when the filter left nothing of it."""
    for number in range(5):
        put(sdk, client, table, [("p", "a"), ("n", number)], v=number, big="x" * 1_000_000)
    edges = [[("p", edge), ("n", edge)] for edge in (sdk.INF_MIN, sdk.INF_MAX)]
    _, following, rows, _ = client.get_range(table, "FORWARD", *edges, columns_to_get=["v"], max_version=1)
    assert (len(rows), following) == (4, [("p", "a"), ("n", 4)])
    only = one(sdk, 4, "EQUAL")
    _, following, rows, _ = client.get_range(
        table, "FORWARD", *edges, columns_to_get=["v"], limit=2, column_filter=only, max_version=1
    )
    assert (rows, following) == ([], [("p", "a"), ("n", 2)])
    assert len(list(ranged(sdk, client, table, limit=2, column_filter=only, columns_to_get=["v"]))) == 1
