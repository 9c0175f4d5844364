"""docs/filters.md: every operator is there, every example compiles, and its rules are what the code does."""

import re
from pathlib import Path
from typing import Any

import pytest

from logferry import categories, documents
from logferry.stages.filter import MAX_CONDITIONS, compile_filter, operator_names
from logferry.stages.operators import matches
from logferry.stages.typed import OPERATORS

PAGE = (Path(__file__).parents[2] / "docs/filters.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(filter:.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def lets_through(op: str, value: object, record: dict[str, Any]) -> bool:
    """Whether one condition on field `f` holds."""
    _, test = compile_filter({"field": "f", "op": op, "value": value})
    return test(record)


@pytest.mark.parametrize("name", operator_names())
def test_every_operator_is_on_the_page(name: str) -> None:
    """In its table."""
    assert f"| `{name}` |" in PAGE


def test_every_example_compiles() -> None:
    """There is more than one."""
    assert len(EXAMPLES) > 1
    for text in EXAMPLES:
        data = documents.read(text)
        assert isinstance(data, dict)
        compile_filter(data["filter"])


def test_the_limit_on_the_page_is_the_one_in_the_code() -> None:
    """So many conditions a task."""
    assert f"at most {MAX_CONDITIONS} conditions" in PAGE


@pytest.mark.parametrize("name", [name for name in operator_names() if name != "exists"])
def test_a_condition_on_an_absent_field_is_false_and_its_negation_true(name: str) -> None:
    """For every operator; `exists` is how to ask for the field."""
    value: object = {"in": ["1"], "gt": 1, "geq": 1, "lt": 1, "leq": 1, "cidr": "192.0.2.0/24"}.get(name, "1")
    assert [lets_through(sign + name, value, {}) for sign in ("", "!")] == [False, True]


@pytest.mark.parametrize(("record", "expected"), [({"f": ""}, True), ({}, False)])
def test_an_empty_field_is_there(record: dict[str, Any], expected: object) -> None:
    """It is text of length 0."""
    assert [lets_through("exists", None, record), lets_through("!exists", None, record)] == [expected, not expected]


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        ("eq", 404, [True, True, False]), ("in", [404], [True, True, False]),
        ("eq", "404", [True, False, False]), ("in", ["404"], [True, False, False]),
        ("geq", 400, [True, True, False]), ("lt", 500, [True, True, False]), ("!lt", 500, [False, False, True]),
    ],
)  # fmt: skip
def test_the_value_in_the_task_decides_how_it_is_compared(op: str, value: object, expected: list[bool]) -> None:
    """The table of the page: `404`, `404.0` and `abc` in the log."""
    assert [lets_through(op, value, {"f": text}) for text in ("404", "404.0", "abc")] == expected


@pytest.mark.parametrize("text", ["-", "", "NaN", "nan"])
def test_what_is_no_number_makes_every_ordering_false(text: str) -> None:
    """And its negation true."""
    for op in ("gt", "geq", "lt", "leq"):
        assert [lets_through(op, 1, {"f": text}), lets_through("!" + op, 1, {"f": text})] == [False, True]


@pytest.mark.parametrize("op", ["eq", "contains", "startsWith", "endsWith"])
def test_upper_and_lower_case_differ(op: str) -> None:
    """Letter by letter."""
    assert [lets_through(op, "GET", {"f": text}) for text in ("GET", "get")] == [True, False]


def typed(category: str, condition: dict[str, Any], record: dict[str, Any]) -> bool:
    """Whether one condition of a task with a category holds."""
    return compile_filter(condition, category=categories.find(category), made=())[1](record)


def test_every_operator_that_fits_a_type_is_in_its_row() -> None:
    """The table of the page is the one of the code."""
    for kind, names in OPERATORS.items():
        (row,) = (line for line in PAGE.splitlines() if line.startswith("| `") and f"`{kind}`" in line.split("|")[1])
        assert set(re.findall(r"`(\w+)`", row.split("|")[2])) == set(names)


def test_the_limits_of_patterns_are_on_the_page() -> None:
    """Characters and steps, and what an example comes to."""
    assert f"at most {matches.MAX_LENGTH:,} characters, and at most {matches.MAX_STEPS:,} steps" in PAGE
    for pattern in (".{900}", r"\pL{50}"):
        with pytest.raises(ValueError, match="steps once compiled"):
            matches.judge(pattern)


def test_a_missing_mark_is_absent_for_exists_and_a_number_for_all_else() -> None:
    """The example of the page, with one condition and with both."""
    (text,) = (text for text in EXAMPLES if "OriginResponseDurationMs" in text)
    data = documents.read(text)
    assert isinstance(data, dict)
    quick = data["filter"]["all"][1]
    found = [(typed("access_origin", quick, {"OriginResponseDurationMs": text}),
              typed("access_origin", data["filter"], {"OriginResponseDurationMs": text}))
             for text in ("-1", "40", "140")]  # fmt: skip
    assert found == [(True, False), (True, True), (False, False)]


@pytest.mark.parametrize("value", ["404", 404])
def test_the_type_decides_and_not_the_spelling(value: object) -> None:
    """As the page says of the status."""
    condition = {"field": "EdgeResponseStatusCode", "op": "eq", "value": value}
    assert [typed("access_origin", condition, {"EdgeResponseStatusCode": text}) for text in ("404", "404.0", "40")] == [
        True, True, False
    ]  # fmt: skip
