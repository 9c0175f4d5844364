"""RFC 3164 headers: zone, host, tag, size. Exact bytes are in tests/golden/syslog."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry.config import load
from logferry.destinations import Surroundings
from logferry.destinations.syslog_server import Config, encoder
from logferry.model import Record, Value
from logferry.vault import Vault
from logferry_local.sinks._rfc3164 import parse


def message(fields: dict[str, Value] | None = None, time: int = 1774426530, **options: object) -> bytes:
    """The message of a record, without its frame."""
    config = load(Config, {"host": "siem.example", "hostname": "web-1.shop.example", "format": "rfc3164"} | options)
    made = encoder(config, Surroundings("task-1", Vault({}))).encode(Record(0, time, 999_999_999, fields or {"a": "1"}))
    return made[:-1]


def test_defaults_are_those_of_the_memo() -> None:
    """UTC, the host without its domain, a tag, and no fraction."""
    assert message() == b"<14>Mar 25 08:15:30 web-1 logferry: a=1"


@given(st.integers(0, 4_102_444_800), st.sampled_from(["Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]))
def test_time_is_the_zones_own(time: int, name: str) -> None:
    """Half hours and summer time included, whatever the zone of this machine."""
    local = datetime.fromtimestamp(time, UTC).astimezone(ZoneInfo(name))
    told = str(parse(message(time=time, timezone=name))["time"])
    assert told == f"{local:%b} {local.day:2d} {local:%H:%M:%S}"


@pytest.mark.parametrize(("zone", "hour"), [("UTC", "08:15"), ("+05:30", "13:45"), ("-0330", "04:45"), ("Z", "08:15")])
def test_zone_may_be_an_offset(zone: str, hour: str) -> None:
    """Where the system has no list of zones an offset still works."""
    assert str(parse(message(timezone=zone))["time"]).startswith(f"Mar 25 {hour}")


@pytest.mark.parametrize("time", [253402300800, -(10**15), 10**30])
def test_time_that_cannot_be_written_does_not_stop_the_record(time: int) -> None:
    """The header has no nil time: the first second of a year stands for it."""
    assert parse(message(time=time))["time"] == "Jan  1 00:00:00"


@pytest.mark.parametrize(
    ("tag", "told"),
    [("waf", "waf"), ("my-app_1", "myapp1"), ("日志", "logferry"), ("x" * 40, "x" * 32), (None, "logferry")],
)
def test_tag_is_letters_and_digits(tag: str | None, told: str) -> None:
    """32 of them at most: the first other character would end it."""
    assert parse(message(tag=tag))["app"] == told


@pytest.mark.parametrize(("host", "told"), [("10.1.2.3", "10.1.2.3"), ("FE80::1", "fe80::1"), ("a b.c", "a_b")])
def test_host_has_no_domain(host: str, told: str) -> None:
    """An address stays whole."""
    assert parse(message(hostname=host))["host"] == told


@pytest.mark.parametrize("body", ["cef", "leef"])
def test_event_is_its_own_title(body: str) -> None:
    """Receivers look for CEF: or LEEF: right behind the host; a tag stands there only if it is asked for."""
    assert re.match(rb"<14>Mar 25 08:15:30 web-1 (CEF|LEEF):", message(body=body))
    assert re.match(rb"<14>Mar 25 08:15:30 web-1 waf: (CEF|LEEF):", message(body=body, tag="waf"))


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_packet_has_1024_bytes_at_most(protocol: str) -> None:
    """The memo's limit is the default, on each protocol; `max_message_bytes` raises it."""
    long: dict[str, Value] = {"a": "x" * 3000}
    parts = message(long, protocol=protocol).split(b"<14>")[1:]
    assert len(parts) == 4
    assert all(len(part) + 4 <= 1024 + len("\n1024 ") for part in parts)
    assert message(long, max_message_bytes=8192).count(b"<14>") == 1


def test_message_is_one_line() -> None:
    """A line break in a value is written so that it can be undone."""
    assert message({"a": "x\r\ny\\"}).endswith(rb"a=x\r\ny\\")
