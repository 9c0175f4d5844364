"""The sink's reading of RFC 3164 headers and of CEF and LEEF events: parts told by name, mistakes told by place."""

import json
import socket
from pathlib import Path

import pytest

from logferry_local.sinks import Place, _events, _rfc3164
from logferry_local.sinks.syslog import Options, open_sink


def test_old_header_is_told_by_name() -> None:
    """Number, time as written, host, tag, process number and text."""
    assert _rfc3164.parse(b"<34>Oct  1 22:14:15 mymachine su[12]: 'su root' failed") == {
        "facility": 4, "severity": 2, "time": "Oct  1 22:14:15", "host": "mymachine", "app": "su", "procid": "12",
        "msg": "'su root' failed",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (b"<192>Oct  1 22:14:15 h a: b", "PRI: 192"),
        (b"<34>Oct 01 22:14:15 h a: b", "header"),
        (b"<34>Feb 31 22:14:15 h a: b", "TIMESTAMP"),
        (b"<34>Oct  1 25:14:15 h a: b", "TIMESTAMP"),
        (b"<34>Oct  1 22:14:15 h", "header"),
    ],
)
def test_wrong_old_header_is_told(message: bytes, says: str) -> None:
    """The day has two places, and no month has more days than it has."""
    assert _rfc3164.seems(message)
    with pytest.raises(ValueError, match=says):
        _rfc3164.parse(message)


def test_cef_is_told_by_name() -> None:
    """Header parts and extension, escapes undone; a blank in a value ends nothing."""
    text = r"CEF:0|A\|B\\|WAF|1.0|100|a b|Very-High|act=deny now request=/x?a\=b\\c msg=l1\nl2 "
    assert _events.parse(text) == {
        "kind": "cef", "version": "0", "vendor": "A|B\\", "product": "WAF", "device_version": "1.0",
        "event_class_id": "100", "name": "a b", "severity": "Very-High",
        "fields": {"act": "deny now", "request": "/x?a=b\\c", "msg": "l1\nl2 "},
    }  # fmt: skip


def test_leef_is_told_by_name() -> None:
    """Both versions; a key ends at the first equals sign, and the delimiter may be hexadecimal."""
    parts = {"kind": "leef", "vendor": "V", "product": "P", "product_version": "1", "event_id": "e"}
    fields = {"url": "/a=b", "sev": "7"}
    assert _events.parse("LEEF:2.0|V|P|1|e|x5E|url=/a=b^sev=7") == {**parts, "version": "2.0", "fields": fields}
    assert _events.parse("LEEF:1.0|V|P|1|e|url=/a=b\tsev=7") == {**parts, "version": "1.0", "fields": fields}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("CEF:0|A|B|1|2|n", "CEF severity|CEF name"),
        ("CEF:2|A|B|1|2|n|5|", "CEF version"),
        ("CEF:0|A|B|1|2|n|11|", "CEF severity"),
        ("CEF:0|A|B|1|2||5|", "CEF name: is empty"),
        ("CEF:0|" + "A" * 64 + "|B|1|2|n|5|", "CEF vendor: is empty or over 63"),
        (r"CEF:0|A|B|1|2|a\=b|5|", "CEF name"),
        ("CEF:0|A|B|1|2|n|5|no key", "CEF extension"),
        ("CEF:0|A|B|1|2|n|5|a=1=2", "CEF a: '1=2'"),
        (r"CEF:0|A|B|1|2|n|5|a=\t", "CEF a"),
        ("CEF:0|A|B|1|2|n|5|a=1\n", "CEF a"),
        ("CEF:0|A|B|1|2|n|5|a=1 a=2", "CEF a: stands twice"),
        ("LEEF:2.0|A|B|1|2", "LEEF header"),
        ("LEEF:3.0|A|B|1|2|^|a=1", "LEEF header"),
        ("LEEF:2.0|A|B|1|2|xyz|a=1", "LEEF delimiter"),
        ("LEEF:1.0|A|B|1|2|a b=1", "LEEF: 'a b=1'"),
        ("LEEF:1.0|A|B|1|2|a=1\nb", "LEEF a: holds a line break"),
        ("LEEF:1.0|A|B|1|2|a=1\ta=2", "LEEF a: stands twice"),
    ],
)
def test_wrong_event_is_told(text: str, says: str) -> None:
    """What the guides do not allow is refused, with the part it is in."""
    with pytest.raises(ValueError, match=says):
        _events.parse(text)


def test_text_that_is_no_event_is_left_alone() -> None:
    """Only a text that begins like an event is read as one."""
    assert _events.parse("a=1||b=CEF:0|") is None


def test_a_line_says_which_header_it_had(tmp_path: Path) -> None:
    """Three headers over one connection, each told by name, events beside the text; a wrong event is told."""
    sink = open_sink(Place(tmp_path / "out"), Options())
    with socket.create_connection(("127.0.0.1", int(sink.address.rpartition(":")[2]))) as end:
        end.sendall(
            b"<14>1 - h - - - - CEF:0|A|B|1|2|n|5|act=deny\n<14>Mar  5 08:15:30 h CEF:0|A|B|1|2|n|5|\n"
            b"<14>1 2026-03-25T08:15:30.000Z h LEEF:1.0|A|B|1|2|a=1\n<14>Mar  5 08:15:30 h waf: a=1\n"
            b"<14>Mar  5 08:15:30 h CEF:0|A|B|1|2|n|50|\n"
        )
    sink.close()
    found = [json.loads(line) for line in (tmp_path / "out").read_bytes().splitlines()]
    assert [line.get("header") for line in found] == ["rfc5424", "rfc3164", "rfc5424_short", "rfc3164", None]
    assert [line.get("event", {}).get("fields") for line in found] == [{"act": "deny"}, {}, {"a": "1"}, None, None]
    assert (found[3]["app"], found[3]["msg"]) == ("waf", "a=1")
    assert "CEF severity" in found[4]["wrong"]
