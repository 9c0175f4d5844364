"""Column conditions of writes and filters of reads: one column against a value, and, or, not.

A missing column makes a condition true unless it says that it must not (`filter_if_missing`). A value of another type
than the condition's makes it false. Limit: 10 terms.
"""

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import DecodeError

from logferry_local.ots_server.messages import filters
from logferry_local.ots_server.plain_buffer import read_value
from logferry_local.ots_server.refusals import parameter
from logferry_local.ots_server.values import Edge, KeyValue, Value

__all__ = ["Test", "compiled"]

Test = Callable[[Mapping[str, list[Value]]], bool]
"""Asked with a row's columns, each with its values, newest first."""

_MAX_TERMS = 10
_SINGLE, _COMPOSITE = 1, 2
_NOT, _AND, _OR = 1, 2, 3
_COMPARE: dict[int, Callable[[Any, Any], bool]] = {
    1: lambda one, two: one == two,
    2: lambda one, two: one != two,
    3: lambda one, two: one > two,
    4: lambda one, two: one >= two,
    5: lambda one, two: one < two,
    6: lambda one, two: one <= two,
}


def compiled(data: bytes) -> Test:
    """The test that the bytes of a `Filter` say; Refusal if they are none that is known here."""
    left = [_MAX_TERMS]
    return _compiled(data, left)


def _compiled(data: bytes, left: list[int]) -> Test:
    found = _parsed(filters.Filter(), data)
    if found.type == _SINGLE:
        left[0] -= 1
        if left[0] < 0:
            raise parameter(f"a condition has more than {_MAX_TERMS} terms")
        return _single(_parsed(filters.SingleColumnValueFilter(), found.filter))
    if found.type == _COMPOSITE:
        both = _parsed(filters.CompositeColumnValueFilter(), found.filter)
        return _composite(both.combinator, [_compiled(part.SerializeToString(), left) for part in both.sub_filters])
    raise parameter("filters by column pages are not served here")


def _composite(combinator: int, tests: list[Test]) -> Test:
    if not tests or (combinator == _NOT and len(tests) != 1):
        raise parameter(f"a condition joins {len(tests)} others")
    if combinator == _NOT:
        return lambda columns: not tests[0](columns)
    if combinator == _AND:
        return lambda columns: all(test(columns) for test in tests)
    return lambda columns: any(test(columns) for test in tests)


def _single(condition: Any) -> Test:  # noqa: ANN401  # a generated message
    compare = _COMPARE.get(condition.comparator)
    if compare is None or condition.HasField("value_trans_rule"):
        raise parameter("this comparison is not served here")
    wanted = read_value(condition.column_value)
    if isinstance(wanted, Edge):
        raise parameter("a condition compares with no value")
    name, strict, newest = condition.column_name, condition.filter_if_missing, condition.latest_version_only

    def test(columns: Mapping[str, list[Value]]) -> bool:
        values = columns.get(name, [])
        if not values:
            return not strict
        return any(_holds(compare, value, wanted) for value in values[: 1 if newest else None])

    return test


def _holds(compare: Callable[[Any, Any], bool], value: Value, wanted: KeyValue) -> bool:
    return type(value) is type(wanted) and compare(value, wanted)


def _parsed(message: Any, data: bytes) -> Any:  # noqa: ANN401  # a generated message
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise parameter("a condition is no message of the protocol") from None
    return message
