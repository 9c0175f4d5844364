"""From the task's keys to what comes out: order of stages, the site's stamp, sampling by id, secrets."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.log_groups import delimited

from logferry import plan as plans
from logferry import task
from logferry.errors import Misconfigured
from logferry.model import Record, Value
from logferry.plan import Plan, Tally
from logferry.sls.codec import LogGroups
from logferry.sls.write import list_entry
from logferry.task_plan import plan_of
from logferry.vault import Vault

PATTERNS = ("ip", "email", "card")
KEY = "a key of thirty-two characters.."
VAULT = Vault({"KEY": KEY})
GOOD: dict[str, Any] = {
    "task": "waf",
    "source": {
        "sls": {"endpoint": "https://cn-hangzhou.log.aliyuncs.com", "project": "waf-project", "logstore": "logs"}
    },
    "destination": {"syslog_server": {"host": "siem.example", "port": 6514, "protocol": "tls"}},
}


def plan(**changes: object) -> Plan:
    """The plan of a task."""
    return plan_of(task.load(GOOD | changes), VAULT)


def out(made: Plan, *logs: dict[str, str]) -> list[dict[str, Any]]:
    """What leaves: as the source pushes it down, which must be what the reference says, order included."""
    parts = (
        b"".join(delimited(2, delimited(1, k.encode()) + delimited(2, v.encode())) for k, v in log.items())
        for log in logs
    )
    group = b"".join(delimited(1, part) for part in parts)
    batch = LogGroups(list_entry(len(group)) + group, "b", "e")
    found = [dict(record.fields) for record in batch.select(made, Tally())]
    whole = (Record(r.ordinal, r.time, r.nanos, r.fields, r.raw) for r in batch.records())
    reference = [dict(record.fields) for record in plans.select(made, whole, Tally())]
    assert [list(fields.items()) for fields in found] == [list(fields.items()) for fields in reference]
    return [{k: v for k, v in fields.items() if not k.startswith("__")} for fields in found]


def test_a_task_without_stages_has_an_empty_plan() -> None:
    """What is not used costs nothing."""
    assert plan() == Plan()
    assert plan(category="access_origin", sampling="100%") == Plan(id_field="ClientRequestID")


def test_a_filter_and_fields_are_all_pushed_down() -> None:
    """Nothing is left to do after decoding."""
    made = plan(fields=["a"], filter={"field": "a", "op": "exists"}, site="a.example", sampling="10%")
    assert made.then == ()


@pytest.mark.parametrize("log", [{"a": "1"}, {"SiteName": "-", "a": "1"}, {"a": "1", "SiteName": ""}])
def test_a_record_without_a_site_is_stamped(log: dict[str, str]) -> None:
    """One that carries a missing mark too."""
    assert out(plan(site="a.example"), log) == [{"a": "1", "SiteName": "a.example"}]


def test_a_record_with_a_site_keeps_it() -> None:
    """The log knows better."""
    assert out(plan(site="a.example"), {"SiteName": "b.example"}) == [{"SiteName": "b.example"}]


def test_the_filter_sees_the_stamp() -> None:
    """Also where the field is not selected by name: the site is delivered all the same, its own before the task's."""
    made = plan(site="a.example", fields=["n"], filter={"field": "SiteName", "op": "eq", "value": "a.example"})
    logs = [{"n": "1"}, {"n": "2", "SiteName": "b"}, {"n": "3", "SiteName": "-"}, {"n": "4", "SiteName": "a.example"}]
    assert out(made, *logs) == [{"n": str(n), "SiteName": "a.example"} for n in (1, 3, 4)]


def test_what_sampling_by_id_keeps_is_stamped() -> None:
    """Whole records too."""
    made = plan(site="a.example", category="firewall", sampling="50%")
    kept = out(made, *({"ClientRequestID": str(number)} for number in range(50)))
    assert len(kept) > 9
    assert {fields["SiteName"] for fields in kept} == {"a.example"}


def test_a_filter_on_the_stamp_compares_the_other_fields_by_their_types() -> None:
    """A firewall log knows no site by itself: the task's makes the name known."""
    status = {"field": "EdgeResponseStatusCode", "op": "eq", "value": "404"}
    site = {"field": "SiteName", "op": "eq", "value": "a.example"}
    made = plan(site="a.example", category="firewall", filter={"all": [site, status]}, fields=["ClientIP"])
    logs = [{"EdgeResponseStatusCode": "404.0", "ClientIP": "1"}, {"EdgeResponseStatusCode": "40", "ClientIP": "2"}]
    assert out(made, *logs) == [{"ClientIP": "1", "SiteName": "a.example"}]


def test_the_stamp_stands_where_fields_have_it() -> None:
    """Not at the end."""
    (left,) = out(plan(site="a.example", fields=["SiteName", "n"]), {"n": "1"})
    assert list(left) == ["SiteName", "n"]


def test_sampling_by_id_keeps_one_request_in_every_log_and_task() -> None:
    """Access and firewall logs, tasks of other names, other bytes: the same ids."""
    made = [
        plan(task=name, category=category, sampling="30%")
        for name, category in (("a", "access_origin"), ("b", "firewall"), ("c", "edge_routine"))
    ]
    kept = [
        {
            fields["ClientRequestID"]
            for fields in out(each, *({"ClientRequestID": f"id{n}", "x": name} for n in range(500)))
        }
        for each, name in zip(made, "abc", strict=True)
    ]
    assert kept[0] == kept[1] == kept[2]
    assert 100 < len(kept[0]) < 200


@pytest.mark.parametrize("mark", [{}, {"ClientRequestID": "-"}, {"ClientRequestID": ""}])
@pytest.mark.parametrize("more", [{}, {"fields": ["ClientIP"]}, {"filter": {"field": "ClientIP", "op": "exists"}}])
def test_records_without_an_id_are_sampled_by_their_bytes(mark: dict[str, str], more: dict[str, Any]) -> None:
    """They do not share one fate, and two tasks keep others."""
    logs = [{"ClientIP": str(number)} | mark for number in range(500)]
    plans_of_two = [plan(task=name, category="access_origin", sampling="30%", **more) for name in "ab"]
    kept = [{fields["ClientIP"] for fields in out(made, *logs)} for made in plans_of_two]
    assert all(100 < len(each) < 200 for each in kept)
    assert kept[0] != kept[1]


def test_the_order_of_all_stages() -> None:
    """Custom fields are redacted under the names they come out with, timestamps put into form, names changed last."""
    made = plan(
        category="access_origin", site="a.example", sampling="100%",
        filter={"field": "EdgeResponseStatusCode", "op": "geq", "value": 400},
        fields=["EdgeStartTimestamp", "ClientIP", "ClientRequestURI", "CustomFields"],
        custom_fields={"request_headers": ["X-User", "X-ID"], "shape": "flat"},
        redact=[{"fields": ["ClientIP"], "action": "hash", "key": "secret://env/KEY"},
                {"fields": ["RequestHeaders.x-user"], "action": "drop"}, {"pattern": "email", "action": "mask"}],
        timestamps="unix_ms", rename={"EdgeStartTimestamp": "time", "RequestHeaders.x-id": "id", "SiteName": "site"},
    )  # fmt: skip
    log = {
        "EdgeResponseStatusCode": "404", "ClientIP": "203.0.113.7", "ClientRequestURI": "/?m=a%40b.example",
        "EdgeStartTimestamp": "2024-01-01T00:00:00+08:00",
        "CustomField": json.dumps({"RequestHeaders": {"X-User": "joe", "X-ID": "7"}}),
    }  # fmt: skip
    (left,) = out(made, log, log | {"EdgeResponseStatusCode": "200"})
    assert list(left.items()) == [
        ("time", 1704038400000),
        ("ClientIP", hmac.new(KEY.encode(), b"203.0.113.7", hashlib.sha256).hexdigest()[:32]),
        ("ClientRequestURI", "/?m=***"),
        ("id", "7"),
        ("site", "a.example"),
    ]


def test_a_categorys_timestamps_are_its_timestamps_and_the_time_of_the_event() -> None:
    """The DNS log's is documented as text."""
    log = {"Timestamp": "2024-01-01T00:00:00Z", "QueryName": "1704067200"}
    assert out(plan(category="dns", timestamps="unix_s"), log) == [log | {"Timestamp": 1704067200}]


def test_timestamps_of_named_fields_need_no_category() -> None:
    """The fields are given."""
    made = plan(timestamps={"format": "rfc3339", "fields": ["t"]})
    assert out(made, {"t": "1704067200", "u": "1704067200"}) == [{"t": "2024-01-01T00:00:00Z", "u": "1704067200"}]


def test_renaming_swaps_names_and_loses_no_field() -> None:
    """Where another field has the new name, both stay as they are called."""
    made = plan(rename={"x": "y", "z": "x"})
    assert out(made, {"x": "1", "y": "2", "z": "3"}, {"z": "3"}) == [{"x": "1", "y": "2", "z": "3"}, {"x": "3"}]
    made = plan(rename={"a": "b", "b": "a", "c": "d"})
    assert out(made, {"a": "1", "b": "2", "c": "3"}, {"c": "3", "d": "4"}, {"a": "1"}) == [
        {"b": "1", "a": "2", "d": "3"}, {"c": "3", "d": "4"}, {"b": "1"},
    ]  # fmt: skip


_texts = st.text(st.characters(codec=None), max_size=9)
_known = ["-", "203.0.113.7", "a@b.example", "4111111111111111", "1704067200", "{}", '{"a":["\ud800"]}']
_numbers = st.booleans() | st.integers(-(2**70), 2**70) | st.floats()
_values = st.recursive(
    st.none() | _numbers | _texts | st.sampled_from(_known),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "Cookies"]), inner, max_size=2),
    max_leaves=6,
)
_FIELDS = ["ClientRequestID", "EdgeStartTimestamp", "ClientIP", "ClientISP", "CustomFields", "CustomField", "SiteName"]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*_FIELDS, "x", "\ud800"]), _values), st.sampled_from(["flat", "nested"]))
def test_no_record_trips_the_stages_up(fields: dict[str, Value], shape: str) -> None:
    """Whatever a typed source has in its fields: one record goes in, at most one comes out, and it has its site."""
    made = plan(
        category="access_origin", site="a.example", sampling="60%", custom_fields={"cookies": ["a"], "shape": shape},
        redact=[{"fields": ["ClientIP"], "action": "hash", "key": "secret://env/KEY"},
                {"fields": ["ClientISP"], "action": "mask"},
                *({"pattern": each, "action": "drop"} for each in PATTERNS)],
        timestamps="rfc3339", rename={"EdgeStartTimestamp": "time", "ClientIP": "EdgeStart"},
    )  # fmt: skip
    before = repr(fields)
    tally = Tally()
    left = list(plans.select(made, [Record(0, 0, 0, fields, b"raw")], tally))
    assert len(left) + tally.sampled_out == 1
    assert all("SiteName" in record.fields for record in left)
    assert repr(fields) == before


def test_the_key_of_a_hash_is_in_no_repr() -> None:
    """Of a plan or of a task."""
    made = task.load(GOOD | {"redact": [{"fields": ["a"], "action": "hash", "key": "secret://env/KEY"}]})
    assert KEY not in repr(plan_of(made, VAULT)) + repr(made) + repr(task.dump(made))


def test_a_missing_key_stops_the_plan() -> None:
    """The task is held, and says which; nothing leaves unredacted."""
    with pytest.raises(Misconfigured, match="secret://env/NO"):
        plan(redact=[{"fields": ["a"], "action": "hash", "key": "secret://env/NO"}])


def test_a_stored_filter_that_its_category_no_longer_fits_does_what_it_did() -> None:
    """Earlier releases compared without types: an update must not stop the task."""
    spec = GOOD | {"category": "waf", "filter": {"field": "my_own", "op": "eq", "value": "x"}}
    made = plan_of(task.load(spec, stored=True), VAULT)
    assert out(made, {"my_own": "x"}, {"my_own": "y"}) == [{"my_own": "x"}]


@pytest.mark.parametrize("text", ['{"Cookies": {"sid": "s3cret", "n": "cut o', '"{\\"sid\\": \\"s3cret\\"}"', "s3cret"])
@pytest.mark.parametrize(
    ("shape", "named"), [("flat", "Cookies.sid"), ("nested", "CustomFields"), ("flat", "CustomField")]
)
@pytest.mark.parametrize("field", ["CustomFields", "CustomField"])
def test_what_is_redacted_does_not_leave_in_a_text_that_cannot_be_read(
    text: str, shape: str, named: str, field: str
) -> None:
    """A log service cuts long texts: custom fields of which some are to be hidden are then hidden as a whole."""
    custom = {"cookies": ["sid"], "shape": shape}
    made = plan(category="access_origin", custom_fields=custom, redact=[{"action": "drop", "fields": [named]}])
    assert "s3cret" not in json.dumps(out(made, {field: text, "ClientIP": "192.0.2.1"}))


def test_a_text_that_cannot_be_read_stays_where_nothing_of_it_is_hidden() -> None:
    """Rules about other fields do not count."""
    custom, text = {"cookies": ["sid"]}, '{"Cookies": {"sid": "cut o'
    made = plan(category="access_origin", custom_fields=custom, redact=[{"action": "drop", "fields": ["ClientIP"]}])
    assert out(made, {"CustomFields": text}) == [{"CustomFields": text}]
