"""A filter is compiled to what it says, or every mistake in it is told."""

import operator
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry.errors import ConfigError
from logferry.stages.filter import MAX_CONDITIONS, MAX_DEPTH, compile_filter, operator_names


def holds(op: str, value: object, found: object) -> bool:
    """Whether one condition on field `f` lets a record with this value through."""
    return compile_filter({"field": "f", "op": op, "value": value})[1]({"f": found})  # type: ignore[dict-item]  # any value


def leaf(field: object = "a", op: object = "exists", **more: object) -> dict[str, object]:
    """One condition."""
    return {"field": field, "op": op, **more}


def problems(data: object) -> list[str]:
    """What is wrong with a filter."""
    with pytest.raises(ConfigError) as caught:
        compile_filter(data)
    return caught.value.problems


@pytest.mark.parametrize(
    ("op", "wanted", "yes", "no"),
    [
        ("eq", "a", ["a"], ["A", "", "a ", 5, None, ["a"]]),
        ("eq", "", [""], ["a", None]),
        (
            "eq",
            404,
            ["404", "404.0", "4.04e2", 404, 404.0, "+404", "0404"],
            ["4040", "", "x", None, True, " 404", "4_04"],
        ),
        ("eq", 1, ["1", 1, 1.0], [True, "true"]),
        ("eq", True, [True, "true"], [1, "1", "True", "yes", False, "false", None]),
        ("eq", False, [False, "false"], [0, "0", "", None, True]),
        ("eq", -1.5, ["-1.5", "-1.50", -1.5], ["1.5"]),
        ("eq", 9_007_199_254_740_993, ["9007199254740993"], ["9007199254740992", 9_007_199_254_740_992]),
        ("eq", -9_007_199_254_740_993, ["-9007199254740993"], ["-9007199254740992"]),
        ("in", ["a", 200, True], ["a", "200", 200, "200.0", "true", True], ["b", "201", "1", 1, None, False, []]),
        ("in", ["200"], ["200"], ["200.0", 200]),
        (
            "geq",
            400,
            ["400", 400, "400.0", "1e3"],
            ["399.9", "", "-", "inf", "nan", "0x200", None, True, [500], "9" * 401],
        ),
        ("geq", "400", ["400", "401"], ["399"]),
        ("gt", 400, ["400.1", "9" * 400, 10**400], ["400", -(10**400)]),
        ("leq", 0.5, ["0.5", ".5", "-1", "5e-1"], ["0.51"]),
        ("lt", 0, ["-1", "-0.1"], ["0", "-0", "1"]),
        ("gt", 5, ["6."], ["٦", "6。", ".", "e5", "1e", "--6"]),
        ("contains", "b", ["abc", "b", ["b"], ["a", "b"]], ["ac", "B", "", 5, None, ["abc"], [], {"b": 1}]),
        ("startsWith", "/api/", ["/api/x", "/api/"], ["/api", "x/api/", None]),
        ("endsWith", ".js", ["a.js", ".js"], ["a.jsx", None]),
        ("matches", "b+c", ["abbc", "bc"], ["ac", "BC", "", 5, None, ["bc"]]),
        ("matches", "^é$", ["é"], ["e", "éé", "\ud800"]),
        ("matches", "(?i)^get", ["GET /"], ["/get"]),
        (
            "cidr",
            "192.0.2.0/24",
            ["192.0.2.0", "192.0.2.255", "::ffff:192.0.2.7"],
            [
                "192.0.3.0",
                "192.0.2.7:443",
                "192.0.2",
                "192.0.2.07",
                " 192.0.2.7",
                "",
                "-",
                5,
                None,
                ["192.0.2.7"],
                "1\0",
            ],
        ),
        (
            "cidr",
            ["192.0.2.7", "10.0.0.0/8", "2001:db8::/32"],
            ["192.0.2.7", "10.255.0.1", "2001:db8::1", "2001:DB8::1"],
            ["192.0.2.8", "11.0.0.0", "2001:db9::", "::", "fe80::1%eth0", "2001:db8:::1"],
        ),
        ("cidr", ["0.0.0.0/0"], ["0.0.0.0", "255.255.255.255"], ["::1"]),  # noqa: S104  # nobody binds to it
        ("cidr", "::/0", ["::1", "ffff::"], ["1.2.3.4", "::ffff:1.2.3.4"]),
        ("exists", True, ["", None, 0, []], []),
        ("exists", None, ["", None], []),
    ],
)
def test_operator_decides(op: str, wanted: object, yes: list[object], no: list[object]) -> None:
    """Each operator holds for these values and not for those; its negation the other way round."""
    assert [value for value in yes if not holds(op, wanted, value)] == []
    assert [value for value in no if holds(op, wanted, value)] == []
    assert [value for value in yes if holds(f"!{op}", wanted, value)] == []
    assert [value for value in no if not holds(f"!{op}", wanted, value)] == []


@pytest.mark.parametrize(
    ("data", "records", "expected"),
    [
        ({"all": [leaf("a"), leaf("b")]}, [{"a": ""}, {"b": ""}, {"a": "", "b": ""}], [False, False, True]),
        ({"any": [leaf("a"), leaf("b")]}, [{"a": ""}, {"b": ""}, {}], [True, True, False]),
        ({"not": leaf("a")}, [{"a": ""}, {}], [False, True]),
        ({"not": {"not": leaf("a")}}, [{"a": ""}, {}], [True, False]),
        (
            {"not": {"any": [leaf("a"), {"all": [leaf("b"), leaf("c")]}]}},
            [{"b": ""}, {"b": "", "c": ""}],
            [True, False],
        ),
        ({"all": [leaf("a")]}, [{"a": ""}, {}], [True, False]),
        (leaf("b", "!exists"), [{"a": ""}, {"b": ""}], [True, False]),
    ],
)
def test_groups_join_conditions(data: object, records: list[dict[str, str]], expected: list[bool]) -> None:
    """`all`, `any` and `not` mean what they say, nested too."""
    _, test = compile_filter(data)
    assert [test(record) for record in records] == expected


def test_needs_are_the_fields_that_are_read() -> None:
    """Each once, in the order of the filter: what a source must decode."""
    needs, _ = compile_filter(
        {"all": [leaf("b"), {"not": leaf("a")}, {"any": [leaf("b", "eq", value=1), leaf("c.d")]}]}
    )
    assert needs == ("b", "a", "c.d")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (None, "filter: None is not a condition {field, op, value} or a group {all | any | not}"),
        ({}, "filter.field: None is not the name of a field"),
        (
            {"all": [leaf()], "any": [leaf()]},
            "filter: all, any do not stand together; a group is all, any or not, alone",
        ),
        ({"all": [leaf()], "op": "eq"}, "filter: all, op do not stand together"),
        ({"any": {}}, "filter.any: {} is not a list of one or more conditions"),
        ({"not": [leaf()]}, "filter.not: [{'field': 'a', 'op': 'exists'}] is not a condition"),
        ({"all": [leaf(), leaf("")]}, "filter.all[1].field: '' is not the name of a field"),
        (
            leaf(op="starts_with"),
            "filter.op: 'starts_with' is not one of cidr, contains, endsWith, eq, exists, geq, gt, in, ",
        ),
        (leaf(op="in_"), "filter.op: 'in_' is not one of"),
        (leaf(op="!!eq", value=1), "filter.op: '!!eq' is not one of"),
        (leaf(op="_numbers"), "filter.op: '_numbers' is not one of"),
        (leaf(op=["eq"]), "filter.op: ['eq'] is not one of"),
        (leaf(op="geq"), "filter.value: nothing is not a number"),
        (leaf(op="geq", value="x"), "filter.value: 'x' is not a number"),
        (leaf(op="geq", value=float("nan")), "filter.value: nan is not a number"),
        (leaf(op="geq", value=True), "filter.value: True is not a number"),
        (leaf(op="eq", value=None), "filter.value: None is not text, a number or a truth value"),
        (leaf(op="in", value="a"), "filter.value: 'a' is not a list of one or more values"),
        (leaf(op="in", value=[]), "filter.value: [] is not a list of one or more values"),
        (leaf(op="in", value=[["a"]]), "filter.value: [['a']] is not text, a number or a truth value"),
        (leaf(op="contains", value=5), "filter.value: 5 is not text of one or more characters"),
        (leaf(op="contains", value=""), "filter.value: '' is not text of one or more characters"),
        (leaf(op="matches", value="(a"), "filter.value: '(a' is not a pattern that RE2 takes: missing ): (a"),
        (
            leaf(op="matches", value="(?<=a)b"),
            "filter.value: '(?<=a)b' is not a pattern that RE2 takes: invalid perl op",
        ),
        (leaf(op="matches", value="\ud800"), "filter.value: '\\ud800' is not a pattern that RE2 takes: "),
        (leaf(op="matches", value=""), "filter.value: '' is not a pattern of one or more characters"),
        (leaf(op="matches", value=5), "filter.value: 5 is not a pattern of one or more characters"),
        (leaf(op="matches", value=r"\pL{50}"), r"filter.value: '\\pL{50}' is a pattern of 59"),
        (
            leaf(op="matches", value=r"(\pL{100}){9}"),
            r"filter.value: '(\\pL{100}){9}' is not a pattern that RE2 takes: ",
        ),
        (leaf(op="cidr"), "filter.value: nothing is not a network such as 192.0.2.0/24, or a list of them"),
        (leaf(op="cidr", value=[]), "filter.value: [] is not a network or a list of one or more"),
        (
            leaf(op="cidr", value=["10.0.0.0/8", "10.0.0.0/33"]),
            "filter.value: ['10.0.0.0/8', '10.0.0.0/33'] is not a network",
        ),
        (
            leaf(op="cidr", value="10.1.2.3/8"),
            "filter.value: '10.1.2.3/8' is not a network: '10.1.2.3/8' has bits beyond its prefix, did you mean 10.0.",
        ),
        (leaf(op="cidr", value="fe80::1%eth0/64"), "filter.value: 'fe80::1%eth0/64' is not a network"),
        (leaf(value=False), "filter.value: False is not true; write op: '!exists' to ask for absence"),
        (leaf(valeu=1), "filter: unknown key 'valeu'; a condition has field, op, value"),
    ],
)
def test_mistake_is_told_with_its_path(data: object, expected: str) -> None:
    """What stood where, and what was expected."""
    assert problems(data)[0].startswith(expected)


def test_every_mistake_is_told_at_once() -> None:
    """One wrong condition does not hide the next."""
    data = {"all": [leaf(""), {"any": [leaf(op="x"), 5]}, {"not": leaf(op="gt")}]}
    paths = [text.partition(": ")[0] for text in problems(data)]
    assert paths == [
        "filter.all[0].field",
        "filter.all[1].any[0].op",
        "filter.all[1].any[1]",
        "filter.all[2].not.value",
    ]


def test_twenty_conditions_pass_and_one_more_does_not() -> None:
    """Counted through all groups."""
    half = {"all": [leaf() for _ in range(MAX_CONDITIONS // 2)]}
    compile_filter({"any": [half, half]})
    assert problems({"any": [half, {"not": half}, leaf()]}) == ["filter: more than 20 conditions, no more are allowed"]


def test_groups_nest_to_a_depth() -> None:
    """Sixteen groups within each other pass; one more, a hundred thousand or a circle do not, and nothing crashes."""
    data: dict[str, Any] = leaf()
    for depth in range(1, MAX_DEPTH + 2):
        data = {"not": data}
        if depth <= MAX_DEPTH:
            compile_filter(data)
    assert "more than 16 groups" in problems(data)[0]
    circle: dict[str, Any] = {}
    circle["all"] = [circle] * 50
    assert len(problems(circle)) <= 20


def test_operator_names_are_camel_case() -> None:
    """As a person writes them in a task."""
    names = operator_names()
    assert {"startsWith", "in", "eq"} <= set(names)
    assert not [name for name in names if "_" in name]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)
CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "field": st.sampled_from(["a", "b"]) | VALUES,
        "op": st.sampled_from([sign + name for name in operator_names() for sign in ("", "!")]) | VALUES,
        "value": VALUES,
    },
)
FILTERS = st.recursive(
    CONDITIONS | VALUES,
    lambda inner: st.fixed_dictionaries(
        {}, optional={"all": st.lists(inner, max_size=4), "any": st.lists(inner, max_size=4), "not": inner}
    ),
    max_leaves=12,
)


@given(FILTERS, st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES))
def test_any_data_is_a_filter_or_a_config_error(data: object, record: dict[str, Any]) -> None:
    """Whatever was written: told mistakes, or a test that reads nothing but its needs; never another error."""
    try:
        needs, test = compile_filter(data)
    except ConfigError as error:
        sound = all(problem.startswith("filter") for problem in error.problems)
    else:
        sound = test({key: record[key] for key in needs if key in record}) is test(record)
    assert sound


@given(
    st.sampled_from([("gt", operator.gt), ("geq", operator.ge), ("lt", operator.lt), ("leq", operator.le)]),
    st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    st.integers() | st.floats(allow_nan=False, allow_infinity=False),
)
def test_ordering_of_text_is_that_of_the_numbers(case: tuple[str, Any], wanted: float, found: float) -> None:
    """Printed numbers compare as the numbers themselves."""
    op, expected = case
    assert holds(op, wanted, repr(found)) == holds(op, wanted, found) == expected(found, wanted)


@given(CONDITIONS, st.dictionaries(st.sampled_from(["a", "b"]), VALUES))
def test_negation_is_the_opposite(data: dict[str, Any], record: dict[str, Any]) -> None:
    """`!op` and `not` are each true exactly where the condition is false, absent fields too."""
    data = leaf() | data
    if not isinstance(data["op"], str):
        return
    data["op"] = data["op"].removeprefix("!")
    try:
        _, test = compile_filter(data)
    except ConfigError:
        return
    assert compile_filter({"not": data})[1](record) is not test(record)
    assert compile_filter(data | {"op": "!" + data["op"]})[1](record) is not test(record)


@given(
    st.lists(st.ip_addresses(v=4).map(int), min_size=1, max_size=4), st.integers(0, 32), st.ip_addresses(v=4),
)  # fmt: skip
def test_cidr_agrees_with_the_standard_library(bases: list[int], prefix: int, address: IPv4Address) -> None:
    """Any networks, any address, near ones too."""
    networks = [ip_network((base >> (32 - prefix) << (32 - prefix), prefix)) for base in bases]
    near = ip_address(int(networks[0].broadcast_address) + 1 & 0xFFFFFFFF)
    for found in (address, networks[0].broadcast_address, near):
        assert holds("cidr", list(map(str, networks)), str(found)) == any(found in network for network in networks)


@given(
    st.text(max_size=40) | st.from_regex(r"[\[\](){}|*+?^$\\\\.a-c0-9,pPdw-]{1,20}", fullmatch=True),
    st.text(max_size=20),
)
def test_any_pattern_is_compiled_or_told(pattern: str, text: str) -> None:
    """Nothing is written to standard error, nothing else is raised."""
    try:
        holds("matches", pattern, text)
    except ConfigError as error:
        assert error.problems[0].startswith("filter.value: ")  # noqa: PT017  # most patterns are no error


TREES = st.recursive(
    st.builds(
        lambda field, op, value: {"field": field, "op": op, "value": value},
        st.sampled_from("ab"), st.sampled_from(["eq", "!eq", "contains", "!contains", "startsWith", "!startsWith"]),
        st.text("xy", min_size=1, max_size=2),
    ),
    lambda inner: st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)})
    | st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)})
    | st.fixed_dictionaries({"not": inner}),
    max_leaves=8,
)  # fmt: skip
NAIVE: dict[str, Callable[[str, str], bool]] = {
    "eq": operator.eq, "contains": operator.contains, "startsWith": str.startswith,
}  # fmt: skip


def naive(tree: dict[str, Any], record: dict[str, str]) -> bool:
    """The filter read word by word."""
    if "not" in tree:
        return not naive(tree["not"], record)
    if "all" in tree:
        return all(naive(member, record) for member in tree["all"])
    if "any" in tree:
        return any(naive(member, record) for member in tree["any"])
    name = tree["op"].removeprefix("!")
    found = tree["field"] in record and NAIVE[name](record[tree["field"]], tree["value"])
    return found is not tree["op"].startswith("!")


@given(TREES, st.dictionaries(st.sampled_from("ab"), st.text("xy", max_size=3)))
def test_a_compiled_tree_judges_as_one_reads_it(tree: dict[str, Any], record: dict[str, str]) -> None:
    """Groups within groups, negations, absent fields."""
    try:
        _, test = compile_filter(tree)
    except ConfigError:  # more than twenty conditions
        return
    assert test(record) is naive(tree, record)
