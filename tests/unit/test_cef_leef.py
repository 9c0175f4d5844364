"""CEF and LEEF bodies: keys, values, header, sizes. Exact bytes are in tests/golden/syslog; the sink's reader is
written from the guides, not from the encoders, so what it reads back is a second opinion."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry import registry
from logferry.config import load
from logferry.encoders import Body, cef, leef
from logferry.encoders.framed import Framed, Sizes, messages
from logferry.errors import ConfigError, Permanent
from logferry.model import Record, Value
from logferry.syslog_header import Sender
from logferry_local.sinks import _events
from logferry_local.sinks._rfc5424 import parse

WAF: dict[str, Value] = {
    "__topic__": "waf_access_log", "real_client_ip": "203.0.113.7", "host": "shop.example", "request_method": "GET",
    "request_path": "/a=b|c", "status": "405", "final_action": "block", "final_rule_id": "100032", "my field": "x\ny",
}  # fmt: skip
TEXTS = st.text(alphabet="ab=|\\\n\r\t^ é世n,", max_size=20)
RECORDS = st.dictionaries(st.text(alphabet="abAB12", min_size=1, max_size=4), TEXTS, max_size=6)


def body(kind: str, **options: object) -> Body:
    """A body with these options."""
    module: Any = registry.find("encoders", kind)
    built: Body = module.build(load(module.Config, options))
    return built


def record(fields: dict[str, Value]) -> Record:
    """A record of these fields."""
    return Record(0, 1774426530, 123_999_999, fields)


def event(made: Body, fields: dict[str, Value]) -> dict[str, Any]:
    """The event, read back."""
    found: dict[str, Any] | None = _events.parse(made.text(record(fields)))
    assert found
    return found


def test_cef_of_a_firewall_log_is_what_a_siem_knows() -> None:
    """Without any option: standard keys, the rule as class, the topic as name, milliseconds, the rest by name."""
    found = event(body("cef"), WAF)
    assert (found["event_class_id"], found["name"], found["severity"]) == ("100032", "waf_access_log", "5")
    assert found["fields"] == {
        "rt": "1774426530123", "cat": "waf_access_log", "src": "203.0.113.7", "dhost": "shop.example",
        "requestMethod": "GET", "request": "/a=b|c", "outcome": "405", "act": "block", "finalruleid": "100032",
        "myfield": "x\ny",
    }  # fmt: skip


def test_leef_of_a_firewall_log_is_what_a_siem_knows() -> None:
    """The same in QRadar's keys; the line break is a blank."""
    found = event(body("leef"), WAF)
    assert found["event_id"] == "100032"
    assert found["fields"] == {
        "devTime": "1774426530123", "cat": "waf_access_log", "src": "203.0.113.7", "host": "shop.example",
        "request_method": "GET", "url": "/a=b|c", "status": "405", "action": "block", "final_rule_id": "100032",
        "my_field": "x y",
    }  # fmt: skip


@given(RECORDS)
def test_cef_values_read_back_as_they_were(fields: dict[str, Value]) -> None:
    """Whatever a value holds, it is one line, and unescaping gives it back; empty ones are left out."""
    text = body("cef", time_key=None).text(record(fields))
    assert "\n" not in text
    assert "\r" not in text
    found: Any = _events.parse(text)
    assert found["fields"] == {key: value for key, value in fields.items() if value}


@given(RECORDS, st.sampled_from(["^", "\t", ",", "x1f", "0x5E"]), st.sampled_from(["1.0", "2.0"]))
def test_leef_values_never_part_pairs(fields: dict[str, Value], delimiter: str, spec: str) -> None:
    """Every pair reads back under its key; only delimiter and line breaks were replaced."""
    options = {"delimiter": delimiter} if spec == "2.0" else {}
    mark = "\t" if spec == "1.0" else {"x1f": "\x1f", "0x5E": "^"}.get(delimiter, delimiter)
    found = event(body("leef", time_key=None, spec=spec, **options), fields)["fields"]
    assert list(found) == [key for key, value in fields.items() if value]
    for key, value in found.items():
        assert value.replace(" ", "") == str(fields[key]).translate(dict.fromkeys(map(ord, " \r\n" + mark)))


@given(st.text(alphabet="ab|\\\n\r\t=^é", max_size=600), st.sampled_from(["cef", "leef"]))
def test_a_header_part_from_a_field_never_breaks_the_header(value: str, kind: str) -> None:
    """Bars, backslashes, line breaks and endless text in a field that the header shows leave the event readable."""
    found = event(body(kind, vendor={"field": "v", "default": "none"}), {"v": value, "a": "1"})
    assert (found["vendor"] == "none") == (not value)
    assert found["fields"]["a"] == "1"


def test_nul_in_a_value_harms_no_neighbour() -> None:
    """The sign that parts values while they are escaped may be in one of them."""
    found = event(body("cef"), {"a": "x\0y", "b": "="})["fields"]
    assert (found["a"], found["b"]) == ("x\0y", "=")


def test_values_that_are_not_text_are_json() -> None:
    """Numbers, truth, lists; null is an empty value, and half a surrogate pair stops nothing."""
    fields: dict[str, Value] = {"n": 5, "t": True, "list": [1, "="], "none": None}
    assert event(body("cef", time_key=None), fields)["fields"] == {"n": "5", "t": "true", "list": '[1,"="]'}


def test_two_fields_of_one_key_keep_both_values() -> None:
    """The first mapped one has the key; the others go under their own name, numbered where that is taken."""
    found = event(body("cef", time_key=None), {"src": "a", "real_client_ip": "b", "ClientIP": "c", "s_rc": "d"})
    assert found["fields"] == {"src2": "a", "src": "b", "ClientIP": "c", "src3": "d"}


@pytest.mark.parametrize("kind", ["cef", "leef"])
def test_sign_for_nothing_is_no_address(kind: str) -> None:
    """`-` under a standard key would be refused or misread; a field under its own name keeps it."""
    found = event(body(kind, time_key=None), {"real_client_ip": "-", "ua": "-", "final_action": ""})
    assert found["fields"] == {"ua": "-"}


def test_custom_keys_bring_their_label() -> None:
    """cs1 and the like mean nothing alone; the label is the field's name, and is not there without a value."""
    made = body("cef", time_key=None, map={"final_plugin": "cs1", "ua_os": "cs2"}, additional="drop")
    assert made.text(record({"final_plugin": "waf", "ua_os": "", "x": "1"})).endswith("|cs1Label=final_plugin cs1=waf")


def test_map_moves_and_leaves_out() -> None:
    """The task's map is laid over the default one; null leaves the field out."""
    made = body("leef", time_key=None, map={"host": "identHostName", "status": None, "real_client_ip": None})
    found = event(made, WAF)["fields"]
    assert found["identHostName"] == "shop.example"
    assert not {"status", "src", "real_client_ip"} & found.keys()


def test_additional_drop_keeps_only_mapped_fields() -> None:
    """Nothing but the keys that were chosen."""
    found = event(body("leef", additional="drop"), WAF)["fields"]
    assert list(found) == ["devTime", "cat", "src", "url", "action"]


@pytest.mark.parametrize(("status", "severity"), [("500", "8"), ("403", "6"), ("200", "1"), ("", "1")])
@pytest.mark.parametrize("kind", ["cef", "leef"])
def test_severity_goes_by_a_field(kind: str, status: str, severity: str) -> None:
    """The first pattern that matches decides, else the default."""
    made = body(kind, severity={"field": "status", "map": {"5*": 8, "4*": 6}, "default": 1})
    found = event(made, {"status": status})
    assert (found["severity"] if kind == "cef" else found["fields"]["sev"]) == severity


@pytest.mark.parametrize("kind", ["cef", "leef"])
@given(RECORDS, st.integers(480, 520))
def test_split_events_are_whole_events(kind: str, fields: dict[str, Value], limit: int) -> None:
    """Each part reads back by itself with the same header, and a value that was cut joins again under its key."""
    long: dict[str, Value] = {**{key: str(value) * 40 for key, value in fields.items()}, "end": "x"}
    made = body(kind, time_key=None)
    header = registry.find("encoders", "rfc5424")
    sizes = Sizes(limit, "split")
    encoder = Framed(header.build(header.Config(), Sender("h")), made, framing="octet_counting", sizes=sizes)
    parts = [_events.parse(str(parse(one)["msg"])) for one in messages(encoder.encode(record(long)))]
    joined: dict[str, str] = {}
    for part in parts:
        assert part
        own: Any = part["fields"]
        for key, value in own.items():
            if key not in ("part", "of", "record"):
                joined[key] = joined.get(key, "") + value
    assert joined == event(made, long)["fields"]


@pytest.mark.parametrize("kind", ["cef", "leef"])
@pytest.mark.parametrize("oversize", ["split", "truncate"])
def test_cut_events_fit_and_are_filled(kind: str, oversize: Any) -> None:  # noqa: ANN401  # one of a Literal
    """A value longer than a message is cut where the message ends, not left out."""
    header = registry.find("encoders", "rfc3164")
    encoder = Framed(
        header.build(header.Config(), Sender("h", is_titled=True)), body(kind), framing="lf",
        sizes=Sizes(1024, oversize),
    )  # fmt: skip
    lines = encoder.encode(record({"status": "200", "x": "世=" * 2000})).split(b"\n")[:-1]
    assert all(len(line) <= 1024 for line in lines)
    assert len(lines[0]) > 1000
    assert lines[0].count(b"part=1" if oversize == "split" else b"truncated=") == 1


def test_no_room_beside_the_event_header_is_permanent() -> None:
    """A header as long as the message is a stated fate."""
    header = registry.find("encoders", "rfc5424")
    made = body("cef", event_class_id="c" * 900)
    encoder = Framed(header.build(header.Config(), Sender("h")), made, framing="lf", sizes=Sizes(480, "split"))
    with pytest.raises(Permanent, match="beside the header"):
        encoder.encode(record({"a": "b"}))


@pytest.mark.parametrize(
    ("config", "options", "says"),
    [
        (cef.Config, {"vendor": ""}, "vendor: a text of 0 characters is not one of 1 to 63"),
        (cef.Config, {"version": "1" * 32}, "version: a text of 32 characters is not one of 1 to 31"),
        (cef.Config, {"severity": 11}, "severity: 11 is not 0-10 or one of Unknown"),
        (cef.Config, {"severity": {"field": "a", "map": {"x": "high"}}}, "severity.map.x: 'high' is not 0-10"),
        (cef.Config, {"map": {"a": "my key"}}, "map.a: 'my key' is not letters and digits"),
        (cef.Config, {"map": {"a": "rt"}}, "map.a: rt is written by time_key"),
        (cef.Config, {"spec": 2}, "spec: 2 is not one of 0, 1"),
        (cef.Config, {"additional": "some"}, "additional: 'some' is not one of"),
        (leef.Config, {"delimiter": "a"}, "delimiter: 'a' is not a punctuation mark"),
        (leef.Config, {"delimiter": "x0A"}, "delimiter: 'x0A' is not"),
        (leef.Config, {"delimiter": "^", "spec": "1.0"}, "delimiter: applies to spec 2.0 only"),
        (leef.Config, {"severity": 0}, "severity: 0 is not 1-10"),
        (leef.Config, {"severity": 5, "map": {"level": "sev"}}, "map.level: sev is written by severity"),
        (leef.Config, {"map": {"t": "devTime"}}, "map.t: devTime is written by time_key"),
        (leef.Config, {"event_id": {"field": []}}, "event_id.field"),
    ],
)
def test_wrong_option_is_told(config: type[Any], options: dict[str, object], says: str) -> None:
    """What, which value, what is expected."""
    with pytest.raises(ConfigError) as caught:
        load(config, options)
    assert any(says in problem for problem in caught.value.problems), caught.value.problems
