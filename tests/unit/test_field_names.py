"""Names of fields in a task with a category: each where it stands, told with the nearest."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry import categories, field_names

ACCESS = categories.find("access_origin")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"fields": ["ClientIP", "ClientIp"]},
         ["fields: 'ClientIp' is not a field of access_origin, did you mean ClientIP?"]),
        ({"rename": {"ClientIP": "ip", "ClientHost": "host"}},
         ["rename: 'ClientHost' is not a field of access_origin, did you mean ClientRequestHost?"]),
        ({"redact": [{"fields": ["ClientIP"]}, {"fields": ["Cookie"]}]},
         ["redact[1].fields: 'Cookie' is not a field of access_origin"]),
        ({"timestamps": {"format": "unix_s", "fields": ["EdgeStart"]}},
         ["timestamps.fields: 'EdgeStart' is not a field of access_origin"]),
        ({"timestamps": "unix_s", "fields": None, "redact": 5, "rename": ["x"]}, []),
        ({"fields": ["__topic__", "CustomFields", "CustomField"], "rename": {"__tag__:zone": "zone"}}, []),
    ],
)  # fmt: skip
def test_a_name_that_no_record_can_hold_is_told(document: dict[str, Any], expected: list[str]) -> None:
    """With its place; what is no name at all is for others to tell."""
    assert [
        problem.partition(", did you mean Edge")[0] for problem in field_names.problems(ACCESS, document)
    ] == expected


def test_a_task_with_a_site_has_its_name() -> None:
    """Firewall logs name no site themselves."""
    firewall = categories.find("firewall")
    assert field_names.problems(firewall, {"fields": ["SiteName"]}) != []
    assert field_names.problems(firewall, {"fields": ["SiteName"], "site": "shop.example"}) == []


def test_custom_fields_that_were_taken_out_may_be_named_later() -> None:
    """Redaction and renaming see them one by one, the selection of fields does not."""
    taken = {"custom_fields": {"cookies": ["a"], "shape": "flat"}}
    later = {"rename": {"Cookies.a": "a"}, "redact": [{"fields": ["RequestHeaders.x"]}]}
    assert field_names.problems(ACCESS, taken | later) == []
    assert len(field_names.problems(ACCESS, later)) == 2
    assert len(field_names.problems(ACCESS, taken | {"fields": ["Cookies.a"]})) == 1


ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["fields", "a"]), inner, max_size=2),
    max_leaves=6,
)
KEYS = ["fields", "rename", "redact", "timestamps", "site", "custom_fields"]


@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING))
def test_any_document_can_be_asked(document: dict[str, Any]) -> None:
    """Whatever stands there, there is an answer and no error."""
    assert all(": '" in problem for problem in field_names.problems(ACCESS, document))


def test_an_unknown_category_is_one_problem() -> None:
    """And what is no name is left to whoever checks types."""
    found: list[str] = []
    assert field_names.category_of("wof", found) is None
    assert len(found) == 1
    assert found[0].startswith("category: 'wof' is not one of access_origin, ")
    assert field_names.category_of(None, found) is field_names.category_of(5, found) is None
    assert len(found) == 1
