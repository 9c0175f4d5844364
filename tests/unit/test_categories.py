"""Log categories: the data files are whole, a wrong name is told with the nearest one."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from logferry import categories
from logferry.errors import ConfigError
from logferry_local.sample_logs import access_origin, waf

NAMES = categories.names()
PAGE = Path(__file__).parents[2] / "docs/log-categories.md"


def test_the_categories_are_the_vendors_six_and_waf() -> None:
    """Found by their files."""
    assert NAMES == ["access_origin", "dns", "edge_container", "edge_routine", "firewall", "tcp_udp_proxy", "waf"]


@pytest.mark.parametrize(
    ("name", "fields", "scope", "business_type"),
    [
        ("access_origin", 58, "site", "dcdn_log_access_l1"), ("firewall", 26, "site", "dcdn_log_waf"),
        ("tcp_udp_proxy", 23, "site", "dcdn_log_ipa"), ("dns", 10, "site", "dcdn_log_dns"),
        ("edge_routine", 26, "account", "dcdn_log_er"), ("edge_container", 9, "account", "dcdn_log_er_pod"),
        ("waf", 106, "account", None),
    ],
)  # fmt: skip
def test_each_is_as_published(name: str, fields: int, scope: str, business_type: str | None) -> None:
    """Number of fields (access and origin: 57 and CustomFields), scope, the API's name."""
    found = categories.find(name)
    assert (len(found.fields), found.scope, found.business_type) == (fields, scope, business_type)


@pytest.mark.parametrize("name", NAMES)
def test_time_and_id_are_fields_of_the_category(name: str) -> None:
    """And every field has a group and a meaning, its published values are of its type."""
    found = categories.find(name)
    assert found.event_time in found.fields
    assert found.id is None or found.id in found.fields
    for key, field in found.fields.items():
        assert field.name == key
        assert field.group
        assert field.meaning.endswith(".")
        assert all(isinstance(value, int) == (field.type == "int") for value in field.values)


@pytest.mark.parametrize(("name", "kind"), [("access_origin", access_origin), ("waf", waf)])
def test_sample_logs_hold_known_fields_only(name: str, kind: ModuleType) -> None:
    """The invented logs are of the category that they are named after."""
    found = categories.find(name)
    assert {key for log in kind.make(200, begin=0) for key in log.fields if not found.knows(key)} == set()


def test_custom_fields_are_for_access_and_origin_only() -> None:
    """Under both names that the vendor's guides use."""
    assert [name for name in NAMES if categories.find(name).custom_fields] == ["access_origin"]
    used = [("fields", "CustomFields"), ("fields", "CustomField.RequestHeaders")]
    assert categories.check(categories.find("access_origin"), used) == []
    assert categories.check(categories.find("dns"), used) == [
        "fields: 'CustomFields': DNS logs of ESA have no custom fields",
        "fields: 'CustomField.RequestHeaders': DNS logs of ESA have no custom fields",
    ]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("ClientIp", ", did you mean ClientIP?"), ("clientip", ", did you mean ClientIP?"),
        ("EdgeResponseStatus", ", did you mean EdgeResponseStatusCode?"), ("DisconnectTimeStamp", ""),
        ("", ""), ("x" * 10_000, ""), ("__topic", ""), ("tenant", ", did you mean tenants?"),
    ],
)  # fmt: skip
def test_an_unknown_field_is_told_with_the_nearest(name: str, nearest: str) -> None:
    """One line; what the task makes itself may be meant too."""
    (problem,) = categories.check(categories.find("access_origin"), [("fields", name)], made=["tenants"])
    assert problem.endswith(f"is not a field of access_origin{nearest}")
    assert problem.startswith("fields: '")
    assert len(problem) < 200


def test_what_the_log_service_adds_and_what_the_task_makes_is_known() -> None:
    """Topic, source, time and tags; names from renaming, custom fields, the task's site."""
    used = ["__topic__", "__source__", "__time__", "__tag__:__receive_time__", "__tag__:a b", "tenant", "QueryName"]
    assert categories.check(categories.find("dns"), [("fields", name) for name in used], made={"tenant"}) == []


def test_an_unknown_category_is_told_with_the_nearest() -> None:
    """And all that there are."""
    with pytest.raises(
        ConfigError, match=r"'wof' is not one of access_origin, dns, .*, waf, did you mean waf\?"
    ) as caught:
        categories.find("wof")
    assert categories.problems("wof") == [f"category: {caught.value.problems[0]}"]
    assert categories.problems("waf") == []


@pytest.mark.parametrize("name", ["../waf", "waf.toml", "", "__init__", "WAF"])
def test_a_name_is_no_path(name: str) -> None:
    """Only names of data files find one."""
    with pytest.raises(ConfigError):
        categories.find(name)


def test_marks_follow_the_type_of_a_field() -> None:
    """-1 is missing for a number and a value for the text SecRuleID; a category may have no marks."""
    found = categories.find("access_origin")
    assert found.marks("OriginResponseStatusCode") == {-1, "-1"}
    assert found.marks("OriginIP") == {"-"}
    assert "-1" not in found.marks("SecRuleID")
    assert found.marks("EdgeStartTimestamp") == found.marks("CustomFields") == found.marks("x") == frozenset()
    assert categories.find("waf").marks("upstream_status") == {"-"}
    assert categories.find("dns").marks("SourceIP") == frozenset()


@pytest.mark.parametrize("name", NAMES)
def test_the_page_says_what_the_file_says(name: str) -> None:
    """docs/log-categories.md has a row for each: scope, API name, number of fields, time, id, marks."""
    found = categories.find(name)
    row = re.search(rf"^\| `{name}` \|.*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert row
    cells = [cell.strip() for cell in row[0].strip("|").split("|")]
    marks = ", ".join(f"`{mark}` ({kind})" for kind, mark in found.missing.items())
    assert cells == [
        f"`{name}`", found.title, found.scope, f"`{found.business_type}`" if found.business_type else "",
        str(len(found.fields)), f"`{found.event_time}`", f"`{found.id}`" if found.id else "", marks,
    ]  # fmt: skip
