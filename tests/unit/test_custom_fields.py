"""Custom fields: read in every shape that a log may have them in, written in the one that the task asks for."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry import config
from logferry.errors import ConfigError
from logferry.model import Value
from logferry.stages.custom_fields import CustomFields, flat_names, taken_out

OPTIONS: dict[str, Any] = {
    "request_headers": ["X-Request-ID", "accept"], "response_headers": ["Set-Cookie"], "cookies": ["sid"],
}  # fmt: skip
NESTED = {
    "RequestHeaders": {"x-request-id": "7", "accept": "*/*"},
    "ResponseHeaders": {"set-cookie": ["a=1", "b=2"]},
    "Cookies": {"sid": "s"},
}


def run(fields: dict[str, Value], **changes: object) -> dict[str, Value]:
    """The fields with custom fields taken out."""
    return taken_out(config.load(CustomFields, OPTIONS | changes))(dict(fields))


@pytest.mark.parametrize("name", ["CustomFields", "CustomField"])
@pytest.mark.parametrize(
    "given_shape",
    [
        NESTED,
        {"request_headers": {"X-REQUEST-ID": "7", "Accept": "*/*"}, "Response-Headers": {"Set-Cookie": ["a=1", "b=2"]},
         "cookie": {"sid": "s", "SID": "other"}},
        {"ReqHeader": {"accept": "*/*", "x-request-id": "7", "x": "y"}, "RspHeader": {"set-cookie": ["a=1", "b=2"]},
         "Cookies": json.dumps({"sid": "s"})},
        {"x-request-id": "7", "Accept": "*/*", "set-cookie": ["a=1", "b=2"], "sid": "s", "Sid": "no"},
        {"requestHeaders": {"X-Request-Id": "7"}, "Accept": "*/*", "Set-Cookie": ["a=1", "b=2"], "sid": "s"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("as_text", [True, False])
def test_every_shape_of_a_log_gives_the_same(given_shape: dict[str, Value], name: str, *, as_text: bool) -> None:
    """By kind in several spellings, side by side, or both; an object or its JSON; both names of the field."""
    value: Value = json.dumps(given_shape) if as_text else given_shape
    assert run({"a": "1", name: value, "b": "2"}) == {"a": "1", "CustomFields": NESTED, "b": "2"}


def test_flat_fields_stand_where_the_field_stood() -> None:
    """In the order of the task, each called by kind and name."""
    left = run({"a": "1", "CustomFields": json.dumps(NESTED), "b": "2"}, shape="flat")
    assert list(left.items()) == [
        ("a", "1"), ("RequestHeaders.x-request-id", "7"), ("RequestHeaders.accept", "*/*"),
        ("ResponseHeaders.set-cookie", ["a=1", "b=2"]), ("Cookies.sid", "s"), ("b", "2"),
    ]  # fmt: skip
    assert flat_names(config.load(CustomFields, OPTIONS)) == tuple(left)[1:-1]


def test_cookies_keep_their_case_and_headers_do_not() -> None:
    """`SID` is another cookie than `sid`, `ACCEPT` is the header `accept`."""
    left = run({"CustomFields": {"Cookies": {"SID": "s"}, "RequestHeaders": {"ACCEPT": "x"}}})
    assert left == {"CustomFields": {"RequestHeaders": {"accept": "x"}}}


def test_a_header_that_stands_twice_has_a_list_of_its_values() -> None:
    """None of them is lost; lists are joined."""
    left = run({"CustomFields": {"RequestHeaders": {"Accept": "x", "accept": ["y", "z"]}}}, shape="flat")
    assert left == {"RequestHeaders.accept": ["x", "y", "z"]}


def test_a_name_side_by_side_goes_to_the_first_kind_that_wants_it() -> None:
    """Without kinds nobody can know: request headers, response headers, cookies."""
    wanted = {"request_headers": [], "response_headers": ["id"], "cookies": ["id"]}
    assert run({"CustomFields": {"id": "1"}}, **wanted) == {"CustomFields": {"ResponseHeaders": {"id": "1"}}}


@pytest.mark.parametrize(
    "value", ["{", "[1]", "7", "text", 5, True, ["x"], "{'a': 1}", '{"a":1}x', "\ud800", "-", "", None]
)
@pytest.mark.parametrize("shape", ["flat", "nested"])
def test_what_cannot_be_read_stays_as_it_is(value: Value, shape: str) -> None:
    """Missing marks too; the record goes on."""
    fields: dict[str, Value] = {"a": "1", "CustomFields": value}
    assert run(fields, shape=shape) == fields


def test_a_record_without_the_field_is_as_it_was() -> None:
    """It has no custom fields."""
    assert run({"a": "1"}) == {"a": "1"}


def test_the_newer_name_wins_and_a_missing_mark_does_not() -> None:
    """A log that has both is read once."""
    old: Value = {"Cookies": {"sid": "old"}}
    new: Value = {"Cookies": {"sid": "new"}}
    assert run({"CustomField": old, "CustomFields": new}) == {"CustomFields": new}
    assert run({"CustomField": old, "CustomFields": "-"}) == {"CustomFields": old}


def test_nothing_wanted_in_it_leaves_nothing() -> None:
    """No empty object."""
    assert run({"a": "1", "CustomFields": {"Cookies": {"x": "y"}, "other": 1}}) == {"a": "1"}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["Cookies", "sid", "accept", ""]), inner)
    ),
    max_leaves=8,
)


@given(values | values.map(json.dumps), st.sampled_from(["flat", "nested"]))
def test_no_value_stops_a_record(value: Value, shape: str) -> None:
    """Its other fields are there, in their order, whatever the field holds."""
    left = run({"a": "1", "CustomFields": value, "b": "2"}, shape=shape)
    assert [name for name in left if name in ("a", "b")] == ["a", "b"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "request_headers: is missing, expected names here or in response_headers or cookies"),
        ({"cookies": ["a", "a"]}, "cookies: 'a' stands more than once"),
        ({"request_headers": ["Accept", "accept"]}, "request_headers: 'accept' stands more than once"),
        ({"cookies": ["a.b"]}, "cookies[0]: 'a.b' is not a name of letters, digits, _, - and inner blanks"),
        ({"cookies": ["a "]}, "cookies[0]: 'a ' is not a name"),
        ({"cookies": ["a" * 129]}, "cookies[0]: 'aaa"),
        ({"cookies": [f"c{number}" for number in range(101)]}, "cookies: ['c0'"),
        ({"cookies": ["a"], "shape": "deep"}, "shape: 'deep' is not one of flat, nested"),
    ],
)
def test_a_wrong_option_is_refused_in_one_line(options: dict[str, Any], expected: str) -> None:
    """Which, and what was expected."""
    with pytest.raises(ConfigError) as caught:
        config.load(CustomFields, options)
    (problem,) = caught.value.problems
    assert problem.startswith(expected)


@pytest.mark.parametrize("name", ["x-acs-request-id", "__Host-id", "my header", "a" * 128, "7"])
def test_names_with_hyphens_and_inner_blanks_are_taken(name: str) -> None:
    """The vendor's own example has hyphens, though its rule does not name them."""
    config.load(CustomFields, {"cookies": [name]})


def test_two_cookies_that_differ_in_case_are_two() -> None:
    """As browsers have it."""
    assert flat_names(config.load(CustomFields, {"cookies": ["a", "A"]})) == ("Cookies.a", "Cookies.A")
