"""A filter of a task with a category: names, operators and values by the field's type."""

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry import categories
from logferry.errors import ConfigError
from logferry.stages.filter import compile_filter, operator_names
from logferry.stages.typed import OPERATORS

ACCESS = categories.find("access_origin")
OF_TYPE = {  # a field of each type, and a value that fits most of its operators
    "string": ("access_origin", "ClientIP", "192.0.2.1"), "int": ("access_origin", "ClientSrcPort", "80"),
    "float": ("access_origin", "EdgeResponseCompressionRatio", 3.1), "bool": ("tcp_udp_proxy", "IpFirewall", "true"),
    "timestamp": ("access_origin", "EdgeStartTimestamp", "2026-07-01T00:00:00Z"),
}  # fmt: skip


def leaf(field: str, op: str, value: object = None) -> dict[str, object]:
    """One condition."""
    return {"field": field, "op": op, "value": value}


def holds(condition: dict[str, object], found: object, category: str = "access_origin") -> bool:
    """Whether it lets a record through whose field has this value."""
    _, test = compile_filter(condition, category=categories.find(category), made=())
    return test({str(condition["field"]): found})  # type: ignore[dict-item]  # any value


def problems(condition: object, category: str = "access_origin", **more: Any) -> list[str]:  # noqa: ANN401  # options
    """What is wrong with it."""
    with pytest.raises(ConfigError) as caught:
        compile_filter(condition, category=categories.find(category), **({"made": ()} | more))
    return caught.value.problems


@pytest.mark.parametrize("kind", list(OF_TYPE))
@pytest.mark.parametrize("op", operator_names())
@pytest.mark.parametrize("sign", ["", "!"])
def test_an_operator_fits_a_type_or_is_refused(kind: str, op: str, sign: str) -> None:
    """As in Logpush's table; both ways for each pair of the catalog's types and the operators."""
    category, field, sample = OF_TYPE[kind]
    value = None if op == "exists" else [sample] if op == "in" else sample
    condition = leaf(field, sign + op, value)
    if op in OPERATORS[kind]:  # type: ignore[index]  # a key of OF_TYPE is one of OPERATORS
        compile_filter(condition, category=categories.find(category), made=())
    else:
        (problem,) = problems(condition, category)
        assert problem.startswith(f"filter.op: '{sign}{op}' does not fit {field}, which is of type {kind}: eq, ")


@pytest.mark.parametrize(
    ("condition", "yes", "no"),
    [
        (leaf("EdgeResponseStatusCode", "eq", "404"), ["404", 404, "404.0"], ["40", "", "-"]),
        (leaf("EdgeResponseStatusCode", "in", ["200", 304]), ["200", 304, "304"], ["404"]),
        (leaf("EdgeResponseStatusCode", "geq", "400"), ["400", 500], ["399", "-", "-1"]),
        (leaf("EdgeResponseCompressionRatio", "lt", "3.5"), ["3.49", "-1"], ["3.5", "-"]),
        (leaf("ClientASN", "eq", "64496"), ["64496"], ["64496.0", 64496]),
        (leaf("SecRuleID", "eq", "-1"), ["-1"], ["-", ""]),
        (leaf("EdgeStartTimestamp", "geq", "2026-07-01T00:00:00Z"),
         ["2026-07-01T08:00:00+08:00", "2026-07-01T00:00:00.9Z", "1782864000", 1_782_864_000],
         ["2026-07-01T07:59:59+08:00", "2026-07-01", "", "-", None, [], "x" * 100]),
        (leaf("EdgeStartTimestamp", "eq", 1_782_864_000), ["2026-07-01T00:00:00Z"], ["2026-07-01T00:00:01Z"]),
        (leaf("EdgeStartTimestamp", "in", ["2026-07-01T00:00:00Z"]), ["2026-07-01T08:00:00+08:00"], ["x"]),
        (leaf("CustomFields", "contains", "tenant"), ['{"RequestHeaders":{"tenant":"a"}}'], ["{}"]),
        (leaf("__topic__", "geq", 5), ["5"], ["4"]),
    ],
)  # fmt: skip
def test_values_compare_as_the_type_has_them(condition: dict[str, object], yes: list[object], no: list[object]) -> None:
    """Whatever the spelling in the task; negated the other way round."""
    negated = condition | {"op": f"!{condition['op']}"}
    assert [value for value in yes if not holds(condition, value) or holds(negated, value)] == []
    assert [value for value in no if holds(condition, value) or not holds(negated, value)] == []


@pytest.mark.parametrize(("value", "yes", "no"), [("true", "true", "false"), (False, "false", "true")])
def test_truth_values_may_be_words(value: object, yes: str, no: str) -> None:
    """In the task as in the log."""
    condition = leaf("IpFirewall", "eq", value)
    assert [holds(condition, found, "tcp_udp_proxy") for found in (yes, no)] == [True, False]


@pytest.mark.parametrize(
    ("category", "field", "absent", "there"),
    [
        ("access_origin", "OriginResponseStatusCode", ["-1", -1], ["200", "", "-", 0, True, -2, None, []]),
        ("access_origin", "OriginIP", ["-"], ["192.0.2.1", "", "-1", -1, ["-"]]),
        ("access_origin", "SecRuleID", ["-"], ["-1"]), ("waf", "upstream_status", ["-"], ["200", "-1"]),
        ("firewall", "RuleID", [], ["-1", "-", ""]), ("dns", "EDNSSubnet", [], ["-"]),
        ("access_origin", "__topic__", [], ["-"]), ("access_origin", "CustomFields", [], ["-"]),
    ],
)  # fmt: skip
def test_exists_takes_a_missing_mark_for_absence(
    category: str, field: str, absent: list[object], there: list[object]
) -> None:
    """By the type of the field: an id of -1 is there."""
    for values, expected in ((absent, False), (there, True)):
        assert [value for value in values if holds(leaf(field, "exists"), value, category) is not expected] == []
        assert [value for value in values if holds(leaf(field, "!exists"), value, category) is expected] == []


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (leaf("ClientIp", "exists"), "filter.field: 'ClientIp' is not a field of access_origin, did you mean "),
        (leaf("ClientSrcPort", "eq", "x"), "filter.value: 'x' is not a number, ClientSrcPort is of type int"),
        (leaf("ClientSrcPort", "in", ["80", "x"]), "filter.value: ['80', 'x'] is not a number, ClientSrcPort is of "),
        (leaf("ClientSrcPort", "in", 80), "filter.value: 80 is not a list of one or more values"),
        (leaf("EdgeStartTimestamp", "lt", "noon"), "filter.value: 'noon' is not a time such as 2026-07-01T00:00:00Z"),
        (leaf("EdgeStartTimestamp", "lt", value=True), "filter.value: True is not a time"),
        ({"all": [leaf("ClientIP", "eq", "a"), {"not": leaf("Clientip", "eq", "a")}]}, "filter.all[1].not.field: "),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_its_path(condition: dict[str, object], expected: str) -> None:
    """What, which value, what was expected."""
    (problem,) = problems(condition)
    assert problem.startswith(expected)


def test_a_truth_value_is_true_or_false() -> None:
    """Not 1, not yes."""
    (problem,) = problems(leaf("IpFirewall", "eq", "yes"), "tcp_udp_proxy")
    assert problem == "filter.value: 'yes' is not true or false, IpFirewall is of type bool"


def test_names_that_the_task_makes_are_known() -> None:
    """Its site, for a category whose records name none."""
    firewall, condition = categories.find("firewall"), leaf("SiteName", "eq", "shop.example")
    assert len(problems(condition, "firewall")) == 1
    needs, test = compile_filter(condition, category=firewall, made=("SiteName",))
    assert (needs, test({"SiteName": "shop.example"})) == (("SiteName",), True)


def test_without_made_names_are_not_checked_but_types_are() -> None:
    """What was applied under an older list of fields still compiles."""
    _, test = compile_filter({"all": [leaf("Gone", "eq", "a"), leaf("ClientSrcPort", "eq", "80")]}, category=ACCESS)
    assert test({"Gone": "a", "ClientSrcPort": "80.0"})


def test_a_value_outside_the_published_ones_is_no_mistake() -> None:
    """Vendors add some without telling."""
    assert holds(leaf("BotTag", "eq", "brand_new"), "brand_new")


def test_a_task_without_category_and_pattern_loads_nothing_for_them() -> None:
    """A cold start pays for what its task uses."""
    code = (
        "import sys, logferry.task_plan\n"
        "from logferry.stages.filter import compile_filter\n"
        "compile_filter({'field': 'a', 'op': 'in', 'value': ['x']})\n"
        "print(*sorted({'re2', 'tomllib', 'logferry.stages.operators.cidr'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["2026-07-01T00:00:00Z", "192.0.2.0/24", "-1", "404", "true"]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(OF_TYPE)), st.sampled_from(["", "!"]), st.sampled_from(operator_names()), VALUES, VALUES
)  # fmt: skip
def test_any_condition_is_refused_or_judges_anything(
    kind: str, sign: str, op: str, wanted: object, found: object
) -> None:
    """Nothing but ConfigError when it is compiled, nothing at all when records come; the negation is the opposite."""
    category, field, _ = OF_TYPE[kind]
    try:
        verdict = holds(leaf(field, sign + op, wanted), found, category)
    except ConfigError:
        return
    assert holds(leaf(field, op if sign else f"!{op}", wanted), found, category) is not verdict
