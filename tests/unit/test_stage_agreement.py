"""Stages that do not go together, names that no record has, and what of it is told: one clear line each."""

from typing import Any

import pytest

from logferry import task
from logferry.errors import ConfigError

GOOD: dict[str, Any] = {
    "task": "waf",
    "source": {
        "sls": {"endpoint": "https://cn-hangzhou.log.aliyuncs.com", "project": "waf-project", "logstore": "logs"}
    },
    "destination": {"syslog_server": {"host": "siem.example", "port": 6514, "protocol": "tls"}},
}
ACCESS = {"category": "access_origin"}
HEADERS = {"request_headers": ["X-ID"]}
FLAT = HEADERS | {"shape": "flat"}
HIDE = {"action": "mask", "fields": ["a"]}


def problems(**changes: object) -> list[str]:
    """What is wrong with the task."""
    with pytest.raises(ConfigError) as caught:
        task.load(GOOD | changes)
    return caught.value.problems


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"site": "a.example", "category": "waf"},
         "site: waf logs belong to an account, not to a site; those of a site are access_origin, dns, firewall, "),
        ({"site": "a.example", "category": "edge_container"}, "site: edge_container logs belong to an account"),
        ({"site": "a b"}, "site: 'a b' is not the name of a site"),
        ({"site": "x" * 254}, "site: 'xxx"),
        ({"custom_fields": HEADERS}, "custom_fields: only a task of category access_origin has them, this "),
        ({"custom_fields": HEADERS, "category": "firewall"},
         "custom_fields: only a task of category access_origin has them, this one is firewall"),
        (ACCESS | {"custom_fields": {}}, "custom_fields.request_headers: is missing, expected names here or in "),
        (ACCESS | {"custom_fields": {"cookies": ["a;b"]}}, "custom_fields.cookies[0]: 'a;b' is not a name of letters"),
        ({"timestamps": "unix_s"},
         "timestamps: which fields are timestamps is not known without a category, expected {format, fields}"),
        ({"timestamps": "epoch"}, "timestamps: 'epoch' is not one of rfc3339, unix_ms, unix_ns, unix_s or a map"),
        ({"timestamps": {"format": "unix_s", "fields": ["a", "a"]}}, "timestamps.fields: 'a' stands more than once"),
        ({"redact": [HIDE, HIDE]}, "redact: more than one rule takes 'a' as a whole"),
        ({"redact": [{"action": "mask", "fields": ["a", "a"]}]}, "redact[0].fields: 'a' stands more than once"),
        ({"redact": [{"action": "mask", "fields": [f"f{i}"]} for i in range(51)]}, "redact: ["),
        ({"rename": {"a": "a"}}, "rename.a: is called so already"),
        ({"rename": {"a": "c", "b": "c"}}, "rename.b: 'c' is the new name of 'a' too"),
        ({"rename": {"a": "b"}, "fields": ["a", "b"]}, "rename.a: 'b' is the name of another field"),
        ({"rename": {"x": "y"}, "fields": ["a", "b"]}, "rename.x: is not among fields"),
        ({"rename": {"a": "SiteName"}, "fields": ["a"], "site": "a.example"},
         "rename.a: 'SiteName' is the name of another field"),
        ({"rename": {"a": "SiteName"}, "site": "a.example"}, "rename.a: 'SiteName' is the name of another field"),
        ({"rename": {"a": "b"}, "fields": ["a"], "redact": [HIDE | {"action": "drop"}]},
         "rename.a: is not among fields"),
        ({"rename": {"CustomFields": "c"}, "fields": ["ClientIP"], "custom_fields": FLAT} | ACCESS,
         "rename.CustomFields: is not among fields"),
        ({"rename": {"ClientIP": "ClientASN"}} | ACCESS, "rename.ClientIP: 'ClientASN' is the name of another field"),
        ({"rename": {"ClientIp": "ip"}} | ACCESS,
         "rename.ClientIp: 'ClientIp' is not a field of access_origin, did you mean ClientIP?"),
        ({"rename": {f"f{i}": f"g{i}" for i in range(501)}}, "rename: {'f0'"),
        ({"fields": ["ClientIP", "ClientIPs"]} | ACCESS,
         "fields[1]: 'ClientIPs' is not a field of access_origin, did you mean ClientIP?"),
        ({"fields": ["SiteName"], "category": "firewall"}, "fields[0]: 'SiteName' is not a field of firewall"),
        ({"fields": ["RequestHeaders.x-id"], "custom_fields": FLAT} | ACCESS, "fields[0]: 'RequestHeaders.x-id' is"),
        ({"redact": [{"action": "mask", "fields": ["ClientAddress"]}]} | ACCESS,
         "redact[0].fields[0]: 'ClientAddress' is not a field of access_origin"),
        ({"timestamps": {"format": "unix_s", "fields": ["time"]}} | ACCESS,
         "timestamps.fields[0]: 'time' is not a field of access_origin"),
        ({"filter": {"field": "ClientIPs", "op": "exists"}} | ACCESS, "filter.field: 'ClientIPs' is not a "),
    ],
)  # fmt: skip
def test_one_mistake_gives_one_problem_with_its_path(changes: dict[str, object], expected: str) -> None:
    """What, which value, what was expected."""
    found = problems(**changes)
    assert len(found) == 1
    assert found[0].startswith(expected)


@pytest.mark.parametrize(
    "changes",
    [
        {"site": "a.example"}, {"site": "a.example", "category": "firewall", "fields": ["SiteName", "ClientIP"]},
        {"site": "a.example", "category": "dns", "filter": {"field": "SiteName", "op": "eq", "value": "x.example"}},
        {"site": "a.example", "category": "firewall", "filter": {"field": "SiteName", "op": "exists"}},
        {"rename": {"a": "b", "b": "a"}}, {"rename": {"a": "b", "b": "c"}, "fields": ["a", "b"]},
        {"rename": {"a": "b"}, "fields": ["a", "b"], "redact": [{"action": "drop", "fields": ["b"]}]},
        ACCESS | {"custom_fields": FLAT, "fields": ["ClientIP"], "rename": {"RequestHeaders.x-id": "id"},
                  "redact": [{"action": "mask", "fields": ["RequestHeaders.x-id"]}]},
        ACCESS | {"custom_fields": HEADERS, "fields": ["ClientIP"], "rename": {"CustomFields": "custom"}},
        {"site": "a.example", "fields": ["a"], "rename": {"SiteName": "site"}},
        {"fields": ["a"], "timestamps": {"format": "unix_s", "fields": ["b"]}},
        {"category": "waf", "fields": ["__source__", "__tag__:__client_ip__", "host"]},
    ],
)  # fmt: skip
def test_what_goes_together_is_taken(changes: dict[str, object]) -> None:
    """Swapped names, a site's stamp where no field names the site, custom fields by the names they come out with."""
    assert task.dump(task.load(GOOD | changes))


@pytest.mark.parametrize("old", ["access", "origin"])
def test_the_names_of_the_first_releases_are_read(old: str) -> None:
    """A stored task must not stop at an update."""
    assert task.load(GOOD | {"category": old}).category == "access_origin"


def test_a_stored_task_is_not_stopped_by_names_that_its_category_does_not_have() -> None:
    """Earlier releases did not compare them; a file with the same names is refused."""
    stored = GOOD | {"category": "waf", "fields": ["my_own"], "filter": {"field": "other", "op": "exists"}}
    assert task.load(stored, stored=True).fields == ("my_own",)
    assert len(problems(**stored)) == 2


def test_a_wrong_category_makes_no_other_key_wrong() -> None:
    """The one line that helps, not four."""
    found = problems(category="acces", site="a.example", custom_fields=HEADERS, timestamps="unix_s")
    assert [problem.partition(":")[0] for problem in found] == ["category"]


def test_names_are_told_beside_all_other_mistakes() -> None:
    """In one go."""
    found = problems(category="waf", fields=["hots"], sampling="0%", max_lag="x", destination={})
    assert {problem.partition(":")[0] for problem in found} == {"fields[0]", "sampling", "max_lag", "destination"}
