"""Filters of ESA and Logpush become filters of a task that judge alike, or every mistake is told."""

import json
from typing import Any

import pytest

from logferry import categories, filter_forms
from logferry.errors import ConfigError
from logferry.filter_forms import _where


def leaf(key: object = "a", operator: object = "eq", value: object = "x") -> dict[str, object]:
    """A condition of ESA v2 or Logpush."""
    return {"key": key, "operator": operator, "value": value}


def v2(*groups: list[dict[str, object]]) -> dict[str, Any]:
    """Rules of ESA v2."""
    return {"where": {"or": [{"and": group} for group in groups]}}


def imported(data: object, **options: Any) -> filter_forms.Imported:  # noqa: ANN401  # options
    """The stages."""
    return filter_forms.read(json.dumps(data), **options)


def problems(data: object, **options: Any) -> list[str]:  # noqa: ANN401  # options
    """What is wrong."""
    with pytest.raises(ConfigError) as caught:
        filter_forms.read(data if isinstance(data, str | bytes) else json.dumps(data), **options)
    return caught.value.problems


@pytest.mark.parametrize(
    ("data", "form", "expected"),
    [
        ([{"ClientSSLProtocol": {"equals": ["TLSv1.3"]}}], "esa_v1",
         {"field": "ClientSSLProtocol", "op": "eq", "value": "TLSv1.3"}),
        ([{"a": {"equals": ["x", "y"]}}, {"b": {"equals": [1]}}], "esa_v1",
         {"all": [{"field": "a", "op": "in", "value": ["x", "y"]}, {"field": "b", "op": "eq", "value": 1}]}),
        ([], "esa_v1", None),
        (v2([leaf("site", "eq", "example.com"), leaf("status_code", "in", ["200", "304"])]), "esa_v2",
         {"all": [{"field": "site", "op": "eq", "value": "example.com"},
                  {"field": "status_code", "op": "in", "value": ["200", "304"]}]}),
        (v2([leaf()], [leaf("b"), leaf("c")]), "esa_v2",
         {"any": [{"field": "a", "op": "eq", "value": "x"},
                  {"all": [{"field": "b", "op": "eq", "value": "x"}, {"field": "c", "op": "eq", "value": "x"}]}]}),
        ({"where": leaf("a", "!contains", "x")}, "logpush", {"field": "a", "op": "!contains", "value": "x"}),
        ({"where": {"and": [leaf("a", "lt", 5), {"or": [leaf("b"), {"and": [leaf("c"), leaf("d")]}]}]}}, "logpush",
         {"all": [{"field": "a", "op": "lt", "value": 5}, {"any": [
             {"field": "b", "op": "eq", "value": "x"},
             {"all": [{"field": "c", "op": "eq", "value": "x"}, {"field": "d", "op": "eq", "value": "x"}]}]}]}),
        (v2([leaf("a", "geq", 400)]), "logpush", {"field": "a", "op": "geq", "value": 400}),
        ({}, "logpush", None), ({"where": {}}, "logpush", None),
    ],
)  # fmt: skip
def test_a_form_is_told_and_turned_into_a_filter(data: object, form: str, expected: object) -> None:
    """The published examples, empty ones, groups of one, nested ones; also as JSON within a text."""
    assert imported(data)[:2] == imported(json.dumps(data))[:2] == (form, expected)
    assert imported(data, form=form).filter == expected


def test_rules_of_version_1_can_be_alternatives() -> None:
    """How the vendor joins them is not published."""
    rules = [{"a": {"equals": ["x"]}}, {"b": {"equals": ["y"]}}]
    assert set(imported(rules).filter or ()) == {"all"}
    assert set(imported(rules, entries="any").filter or ()) == {"any"}


@pytest.mark.parametrize(
    ("rate", "kept"),
    [("0", "100%"), ("0.0", "100%"), ("0.1", "90%"), ("0.125", "87.5%"), ("0.3", "70%"), ("0.999", "0.1%"),
     ("0.07", "93%"), ("0.00000000000000000001", "99.999999999999999999%")],
)  # fmt: skip
def test_a_discard_rate_is_inverted_exactly(rate: str, kept: str) -> None:
    """In decimal: no 89.99999999999999%."""
    assert imported([], discard_rate=rate).sampling == kept
    if len(rate) < 10:
        assert imported({"FilterRules": "[]", "DiscardRate": float(rate)}).sampling == kept


@pytest.mark.parametrize("rate", ["1", "1.0", "-0.1", "10%", "", "nan", "x", "2", "1e-1", "0." + "1" * 21, ".5", "1 "])
def test_a_rate_that_is_none_is_refused(rate: str) -> None:
    """At 1 nothing would be delivered."""
    (problem,) = problems([], discard_rate=rate)
    assert problem == f"--discard-rate: {rate!r} is not a share from 0 to below 1"


RULE = json.dumps(v2([leaf()]))


@pytest.mark.parametrize(
    ("data", "form", "sampling"),
    [
        ({"FilterVer": "v2", "RawRule": RULE, "FilterRules": "[]", "DiscardRate": 0.1}, "esa_v2", "90%"),
        ({"FilterVer": "v1", "RawRule": RULE, "FilterRules": '[{"a":{"equals":["x"]}}]'}, "esa_v1", "100%"),
        ({"TaskName": "t", "FilterRules": [{"a": {"equals": ["x"]}}], "RawRule": ""}, "esa_v1", "100%"),
        ({"result": {"filter": '{"where":{"key":"a","operator":"eq","value":"x"}}',
                     "output_options": {"sample_rate": 0.9}}}, "logpush", "90%"),
        ({"filter": {"where": leaf()}, "output_options": {"sample_rate": 1}}, "logpush", "100%"),
    ],
)  # fmt: skip
def test_what_an_api_answers_is_opened(data: object, form: str, sampling: str) -> None:
    """A task of ESA, a job of Logpush: filter and share."""
    assert imported(data) == (form, {"field": "a", "op": "eq", "value": "x"}, sampling, None, None)


def test_a_whole_task_of_esa_gives_all_its_stages() -> None:
    """Business type, filter, rate and fields."""
    rules = json.dumps([{"ClientCountryCode": {"equals": ["DE"]}}])
    task = {
        "BusinessType": "dcdn_log_access_l1",
        "FieldName": "ClientIP, EdgeCacheStatus,ClientIP",
        "FilterRules": rules,
    }
    expected = {"field": "ClientCountryCode", "op": "eq", "value": "DE"}
    found = imported(task | {"DiscardRate": 0.25})
    assert found == ("esa_v1", expected, "75%", ("ClientIP", "EdgeCacheStatus"), "access_origin")
    assert problems(task | {"FieldName": "user_agent"})[0].startswith("fields: 'user_agent' is not a field of access")
    assert problems(task, category=categories.find("dns"))[0].startswith("filter.field: 'ClientCountryCode' is not a")


def test_fields_of_a_job_of_logpush_are_kept() -> None:
    """In their order; none named means all."""
    job = {"filter": "", "output_options": {"field_names": ["EdgeStartTimestamp", "ClientIP"]}}
    assert imported(job) == ("logpush", None, "100%", ("EdgeStartTimestamp", "ClientIP"), None)
    assert imported({"filter": "", "output_options": {"field_names": []}}).fields is None


def test_a_rate_that_is_given_stands_in_for_the_one_in_the_file() -> None:
    """Of a task that is told to drop a tenth."""
    assert imported({"FilterRules": "[]", "DiscardRate": 0.1}, discard_rate="0.2").sampling == "80%"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([{"a": {"like": ["x"]}}], "[0].a: operator 'like' is not equals, the only one that is published"),
        ([{"a": {"equals": ["x"]}, "b": {"equals": ["x"]}}], "[0]: {'a': {'equals': ['x']}, 'b': "),
        ([{"a": {"equals": "x"}}], "[0].a.equals: 'x' is not a list of one or more texts or numbers"),
        ([{"a": {"equals": []}}], "[0].a.equals: [] is not a list of one or more"),
        ([{"a": {"equals": [None]}}], "[0].a.equals: [None] is not a list"),
        ([{"": {"equals": ["x"]}}], "[0]: '' is not the name of a field"),
        ([leaf()], "[0]: {'key': 'a', 'operator': 'eq', 'value': 'x'} is not one field with its operator"),
        ([{"where": {"or": []}}], "[0].where: operator 'or' is not equals"),
        ([{"a": "x"}], "[0].a: 'x' is not one operator with its values"),
        (v2([leaf("a", "regex", "x")]), "where.or[0].and[0].operator: 'regex' is not one of eq, !eq, "),
        (v2([leaf("a", "!lt", "5")]), "where.or[0].and[0].operator: '!lt' is not one of"),
        (v2([leaf("a", ["eq"], "5")]), "where.or[0].and[0].operator: ['eq'] is not one of"),
        (v2([leaf("a", "in", "x")]), "where.or[0].and[0].value: 'x' is not a list of texts or numbers"),
        (v2([leaf("a", "eq", ["x"])]), "where.or[0].and[0].value: ['x'] is not a text, a number or a truth value"),
        (v2([leaf("", "eq", "x")]), "where.or[0].and[0].key: '' is not the name of a field"),
        (v2([{"key": "a", "operator": "eq"}]), "where.or[0].and[0]: {'key': 'a', 'operator': 'eq'} is not a cond"),
        (v2([]), "where.or[0].and: [] is not a list of one or more"),
        ({"where": {"or": []}}, "where.or: [] is not a list of one or more"),
        ({"where": {"or": [leaf()], "and": [leaf()]}}, "where: or, and do not stand together; a group is "),
        ({"where": leaf() | {"and": [leaf()]}}, "where: key, operator, value, and do not stand together"),
        ({"where": {"a": {"equals": ["x"]}}}, "where: {'a': {'equals': ['x']}} is not a condition {key"),
        ({"where": leaf("a", "lt", "x")}, "filter.value: 'x' is not a number"),
        ({"where": [leaf()]}, "where: "),
        ({"rules": []}, "document: is not a filter, expected [{"), (5, "document: is not a filter, expected [{"),
        (None, "document: is not a filter"), ("", "document: is empty, expected JSON"),
        (b"\xff", "document: is not UTF-8"),
        ("{", "document: is not JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
        ('{"where": {}, "where": {}}', "document: key 'where' stands twice in one object"),
        ('[{"a":{"equals":[NaN]}}]', "document: NaN is no number"),
        ('[{"a":{"equals":[1e999]}}]', "document: a number is out"),
        ('[{"a":{"equals":[123456789012345678901]}}]', "document: a number of more than 64 bits"),
        ('[{"a":{"equals":["\\ud800"]}}]', "document: a text holds half of a surrogate pair"),
        ("[" * 100_000, "document: is nested too deeply"),
        (b" " * (1 << 20) + b"[]", "document: 1048578 bytes, at most 1048576"),
        ({"DiscardRate": 1, "RawRule": RULE}, "DiscardRate: 1 is not a share from 0 to below 1"),
        ({"DiscardRate": "much", "RawRule": RULE}, "DiscardRate: 'much' is not a share"),
        ({"BusinessType": "dcdn_log_cdn"}, "BusinessType: 'dcdn_log_cdn' is not one of dcdn_log_access_l1, dcdn_"),
        ({"BusinessType": ["dcdn_log_dns"]}, "BusinessType: ['dcdn_log_dns'] is not one of"),
        ({"FieldName": "a,,b"}, "FieldName: ['a', '', 'b'] is not a list of names of fields"),
        ({"FieldName": 5}, "FieldName: 5 is not a list of names"),
        ({"filter": "", "output_options": {"field_names": "a"}}, "output_options.field_names: 'a' is not a list of"),
        ({"DiscardRate": True, "RawRule": RULE}, "DiscardRate: True is not a share"),
        ({"FilterRules": '[{"a":{"equals":["x"]}}]', "RawRule": RULE}, "FilterVer: None is not v1 or v2, and both "),
        ({"filter": {"where": leaf()}, "output_options": {"sample_rate": 0}}, "output_options.sample_rate: 0 is not "),
        ({"filter": {"where": leaf()}, "output_options": {"sample_rate": 2}}, "output_options.sample_rate: 2 is not "),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a_mistake_is_one_line_with_its_place(data: object, expected: str) -> None:
    """What stood where, and what was expected."""
    (problem,) = problems(data)
    assert problem.startswith(expected)
    assert len(problem) < 300


def test_every_mistake_is_told_at_once() -> None:
    """Up to twenty."""
    assert len(problems(v2([leaf("a", "x"), leaf("")], [leaf("a", "in")]))) == 3
    for many in (
        {"where": {"and": [leaf("a", "x")] * 100}},
        [{"a": {"like": ["x"]}}] * 100,
        v2(*[[leaf("a", "x")]] * 100),
    ):
        assert len(problems(many)) == 20


@pytest.mark.parametrize(
    "data",
    [[{"a": {"equals": ["x"]}}] * 21, v2([leaf()] * 20, [leaf()]), {"where": {"and": [leaf("a", "lt", 1)] * 21}}],
    ids=["esa_v1", "esa_v2", "logpush"],
)
def test_twenty_conditions_pass_and_one_more_does_not(data: Any) -> None:  # noqa: ANN401  # a document
    """As many as a task may have; values of a list are one condition."""
    assert problems(data) == ["document: 21 conditions, a task has at most 20"]
    assert imported([{"a": {"equals": [str(i) for i in range(500)]}}]).filter


def test_groups_nest_to_a_depth() -> None:
    """Sixteen with a condition each, no more; a stranger's thousands do not crash."""
    data: dict[str, Any] = leaf()
    for _ in range(100):
        data = {"and": [data, leaf()]}
    assert any("lies under more than 16 groups" in problem for problem in problems({"where": data}))


@pytest.mark.parametrize(("form", "data"), [("esa_v1", v2([leaf()])), ("esa_v2", []), ("logpush", [leaf()])])
def test_a_form_that_is_named_is_the_one_that_is_read(form: str, data: object) -> None:
    """Of another one the difference is told, but for an empty filter, which all have."""
    if data:
        assert problems(data, form=form)[0].startswith("document: ")
    else:
        assert imported(data, form=form).filter is None


def test_esa_v2_nests_no_further() -> None:
    """What does is Logpush's: told when the form is named, read when it is not."""
    nested = {"where": {"or": [{"and": [leaf(), {"or": [leaf("b"), leaf("c")]}]}]}}
    assert imported(nested).form == "logpush"
    assert problems(nested, form="esa_v2") == [
        "where.or[0].and: holds a group, only conditions {key, operator, value} stand here"
    ]
    assert problems({"where": {"or": [leaf()]}}, form="esa_v2")[0].endswith("is not a group {and: […]}")


def test_an_unknown_form_is_told() -> None:
    """With those that there are."""
    assert filter_forms.forms() == ["esa_v1", "esa_v2", "logpush"]
    assert problems([], form="esa_v3")[0].startswith("'esa_v3' is not one of: esa_v1, esa_v2, logpush")


def test_names_and_types_are_checked_against_a_category() -> None:
    """The vendor's own example names fields that no log of its has."""
    found = problems(
        v2([leaf("site"), leaf("ClientSrcPort", "contains", "80")]), category=categories.find("access_origin")
    )
    assert found[0].startswith("filter.all[0].field: 'site' is not a field of access_origin")
    assert found[1].startswith("filter.all[1].op: 'contains' does not fit ClientSrcPort")


def test_the_operators_are_those_of_the_public_table() -> None:
    """Each negation included, but for orderings, which have none there."""
    assert set(_where.OPERATORS) == {
        "eq", "!eq", "lt", "leq", "gt", "geq", "startsWith", "!startsWith", "endsWith", "!endsWith", "contains",
        "!contains", "in", "!in",
    }  # fmt: skip
