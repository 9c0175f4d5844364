"""Conditional writes by the vendor's SDK: existence, columns, joined ones."""

import pytest
from tests.fakes.ots_sdk import ONE, Client, Sdk, one, put, read, refusal


@pytest.mark.parametrize(
    ("there", "expectation", "passes"),
    [
        (False, "IGNORE", True), (False, "EXPECT_EXIST", False), (False, "EXPECT_NOT_EXIST", True),
        (True, "IGNORE", True), (True, "EXPECT_EXIST", True), (True, "EXPECT_NOT_EXIST", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["put", "update", "delete"])
def test_existence_is_expected(
    sdk: Sdk, client: Client, table: str, *, there: bool, expectation: str, passes: bool, way: str
) -> None:
    """Each expectation on each write; a refused one changes nothing."""
    if there:
        put(sdk, client, table, v=1)
    condition = sdk.Condition(getattr(sdk.RowExistenceExpectation, expectation))
    call, row = {
        "put": (client.put_row, sdk.Row(ONE, [("v", 2)])),
        "update": (client.update_row, sdk.Row(ONE, {"PUT": [("v", 2)]})),
        "delete": (client.delete_row, sdk.Row(ONE)),
    }[way]
    if passes:
        call(table, row, condition)
        assert read(client, table) == (None if way == "delete" else [("v", 2)])
    else:
        assert refusal(sdk, call, table, row, condition) == (403, "OTSConditionCheckFail")
        assert read(client, table) == ([("v", 1)] if there else None)


@pytest.mark.parametrize(
    ("comparator", "less", "same", "more"),
    [
        ("EQUAL", False, True, False), ("NOT_EQUAL", True, False, True), ("GREATER_THAN", False, False, True),
        ("GREATER_EQUAL", False, True, True), ("LESS_THAN", True, False, False), ("LESS_EQUAL", True, True, False),
    ],
)  # fmt: skip
def test_columns_are_compared(
    sdk: Sdk, client: Client, table: str, comparator: str, *, less: bool, same: bool, more: bool
) -> None:
    """The column against the condition's value."""
    expectation = sdk.RowExistenceExpectation.EXPECT_EXIST
    for value, passes in ((9, less), (10, same), (11, more)):
        put(sdk, client, table, v=value)
        write = (table, sdk.Row(ONE, [("v", 0)]), sdk.Condition(expectation, one(sdk, 10, comparator)))
        if passes:
            client.put_row(*write)
        else:
            assert refusal(sdk, client.put_row, *write) == (403, "OTSConditionCheckFail")


@pytest.mark.parametrize("missing", [True, False])
def test_missing_column_passes_only_where_it_may(sdk: Sdk, client: Client, table: str, *, missing: bool) -> None:
    """Of a row without the column, and where no row is expected, of no row at all."""
    for there in (False, True):
        if there:
            put(sdk, client, table, other=1)
        condition = sdk.Condition(sdk.RowExistenceExpectation.IGNORE, one(sdk, 1, "EQUAL", missing=missing))
        write = (table, sdk.Row(ONE, {"PUT": [("w", 1)]}), condition)
        if missing:
            client.update_row(*write)
        else:
            assert refusal(sdk, client.update_row, *write) == (403, "OTSConditionCheckFail")


def test_value_of_another_type_is_never_equal(sdk: Sdk, client: Client, table: str) -> None:
    """The text "1" is not the number 1."""
    put(sdk, client, table, v="1")
    condition = sdk.Condition(sdk.RowExistenceExpectation.EXPECT_EXIST, one(sdk, 1, "EQUAL"))
    assert refusal(sdk, client.delete_row, table, sdk.Row(ONE), condition) == (403, "OTSConditionCheckFail")


def test_conditions_are_joined(sdk: Sdk, client: Client, table: str) -> None:
    """And, or, not, nested; eleven terms are one too many."""
    put(sdk, client, table, v=5)
    inner = sdk.CompositeColumnCondition(sdk.LogicalOperator.AND)
    inner.add_sub_condition(one(sdk, 1, "GREATER_THAN"))
    inner.add_sub_condition(one(sdk, 5, "LESS_THAN"))
    outer = sdk.CompositeColumnCondition(sdk.LogicalOperator.NOT)
    outer.add_sub_condition(inner)
    either = sdk.CompositeColumnCondition(sdk.LogicalOperator.OR)
    either.add_sub_condition(one(sdk, 7, "EQUAL"))
    either.add_sub_condition(outer)
    expectation = sdk.RowExistenceExpectation.EXPECT_EXIST
    client.update_row(table, sdk.Row(ONE, {"PUT": [("v", 4)]}), sdk.Condition(expectation, either))
    write = (table, sdk.Row(ONE, {"PUT": [("v", 3)]}), sdk.Condition(expectation, either))
    assert refusal(sdk, client.update_row, *write) == (403, "OTSConditionCheckFail")
    many = sdk.CompositeColumnCondition(sdk.LogicalOperator.OR)
    for _ in range(11):
        many.add_sub_condition(one(sdk, 4, "EQUAL"))
    write = (table, sdk.Row(ONE, {"PUT": [("v", 3)]}), sdk.Condition(expectation, many))
    assert refusal(sdk, client.update_row, *write) == (400, "OTSParameterInvalid")
