"""syslog_server's options: what they mean, and what is said of a wrong one."""

import json
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.certificates import Authority

from logferry import task
from logferry.config import load
from logferry.destinations import Surroundings
from logferry.destinations.syslog_server import Config, build, encoder
from logferry.errors import ConfigError
from logferry.model import Payload, Record, Value
from logferry.vault import Vault
from logferry_local.sinks._rfc5424 import parse

AROUND = Surroundings("task-1", Vault({}))
HOST = {"host": "siem.example"}
RECORD = Record(0, 1774426530, 0, {"a": "1", "b": "x\ny"})


def encoded(**options: object) -> bytes:
    """The record as these options send it."""
    return encoder(load(Config, HOST | options), AROUND).encode(RECORD)


def test_defaults_are_the_published_ones() -> None:
    """Facility user, severity info, own host name, tag `-`, `||`, and LF over TCP with line breaks escaped."""
    host = socket.gethostname()
    assert encoded() == f"<14>1 2026-03-25T08:15:30Z {host} - - - - a=1||b=x\\ny\n".encode()


@pytest.mark.parametrize("protocol", ["tls", "udp"])
def test_tls_and_udp_count_octets(protocol: str) -> None:
    """RFC 5425 wants counting; a datagram needs no escape either, so line breaks stay."""
    frame = encoded(protocol=protocol, hostname="h")
    assert frame == b"47 <14>1 2026-03-25T08:15:30Z h - - - - a=1||b=x\ny"


@pytest.mark.parametrize(
    ("options", "number"),
    [({"facility": "local7", "severity": "debug"}, 191), ({"facility": 16, "severity": 6}, 134), ({"facility": 0}, 6)],
)
def test_facility_and_severity_go_by_name_or_number(options: dict[str, object], number: int) -> None:
    """Both make the number that stands first."""
    assert encoded(**options).startswith(b"<%d>1 " % number)


def test_priority_is_read_from_fields() -> None:
    """The first pattern that matches the whole value decides; other values and no value are the default."""
    options = {"severity": {"field": "status", "map": {"5*": "err", "4*": "warning"}, "default": "notice"}}
    made = encoder(load(Config, HOST | options), AROUND)
    found = [made.encode(Record(0, 0, 0, {"status": status})) for status in ("503", "404", "1500", "", 500)]
    assert [one.partition(b">")[0] for one in found] == [b"<11", b"<12", b"<13", b"<13", b"<11"]
    assert made.encode(Record(0, 0, 0, {})).startswith(b"<13>")


def test_priority_without_a_map_is_the_fields_own() -> None:
    """A field that holds names or numbers of severities needs no map; what is none of these is the default."""
    options = {"severity": {"field": ["level", "lvl"]}, "facility": {"field": "f", "map": {"auth*": "authpriv"}}}
    made = encoder(load(Config, HOST | options), AROUND)
    given: list[dict[str, Value]] = [{"level": "err"}, {"lvl": "2"}, {"level": "loud"}, {"level": 0, "f": "auth.log"}]
    numbers = [made.encode(Record(0, 0, 0, fields)).partition(b">")[0] for fields in given]
    assert numbers == [b"<11", b"<10", b"<14", b"<80"]


def test_options_survive_being_stored() -> None:
    """Patterns keep their order and parts their options, through JSON as a state table has it."""
    severity = {"field": ["status", "code"], "map": {"5*": "err", "4*": 4, "1": "debug", "*": "notice"}}
    parts = {"format": "rfc3164", "timezone": "+08:00", "body": {"cef": {"map": {"b": None, "a": "cs1"}}}}
    source = {"sls": {"endpoint": "https://cn-hangzhou.log.aliyuncs.com", "project": "waf-1", "logstore": "waf-logs"}}
    destination = {"syslog_server": {**HOST, "severity": severity, **parts}}
    made = task.load({"task": "to-syslog", "source": source, "destination": destination})
    stored = json.loads(json.dumps(task.dump(made)))
    assert task.load(stored) == made
    assert stored["destination"] == destination
    assert list(stored["destination"]["syslog_server"]["severity"]["map"]) == list(severity["map"])


def test_tag_is_the_app_name() -> None:
    """What other senders call a tag stands where RFC 5424 has APP-NAME."""
    assert parse(encoded(tag="waf")[:-1])["app"] == "waf"


@pytest.mark.parametrize(("protocol", "longest"), [("tcp", 8192), ("udp", 1400)])
def test_messages_are_limited_by_default(protocol: str, longest: int) -> None:
    """8,192 bytes on a stream, 1,400 in a datagram; what is longer is split by default."""
    made = encoder(load(Config, HOST | {"protocol": protocol, "hostname": "h"}), AROUND)
    frame = made.encode(Record(0, 1774426530, 0, {"a": "x" * 20_000}))
    size = len(frame.split(b"\n")[0]) if protocol == "tcp" else int(frame.split(b" ")[0])
    assert longest - 20 < size <= longest
    assert b"part=1||of=" in frame


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"host": "tcp://siem.example"}, "host"),
        ({"host": "siem.example:514"}, "host: 'siem.example:514' holds a port, write it as port"),
        ({"port": 0}, "port: 0 is not"),
        ({"protocol": "sctp"}, "protocol: 'sctp' is not one of"),
        ({"facility": "users"}, "facility: 'users' is not 0-23 or one of kern, user"),
        ({"facility": 24}, "facility: 24 is not 0-23"),
        ({"severity": -1}, "severity: -1 is not 0-7"),
        ({"severity": "INFO"}, "severity: 'INFO' is not 0-7 or one of emerg"),
        ({"severity": {"field": "s", "map": {"4*": "warn"}}}, "severity.map.4*: 'warn' is not 0-7 or one of emerg"),
        ({"severity": {"field": "s", "default": 8}}, "severity.default: 8 is not 0-7"),
        ({"facility": {"map": {}}}, "facility.field: is missing"),
        ({"timezone": "UTC"}, "timezone: applies to rfc3164 only"),
        ({"format": "rfc3164", "timezone": "Asia/Nowhere"}, "timezone: 'Asia/Nowhere' is not UTC, an offset"),
        ({"format": "rfc3164", "bom": True}, "bom: applies to rfc5424 only"),
        ({"body": "hec"}, "body: 'hec' is not one of cef, json_lines, key_value, leef"),
        ({"body": {"cef": {}, "leef": {}}}, "body: a mapping of 2 keys is not one of"),
        ({"body": {"cef": {"vender": "x"}}}, "body.cef.vender: unknown key, did you mean vendor?"),
        ({"body": {"cef": None}}, "body.cef: null is not a mapping of vendor"),
        ({"body": {"key_value": {"sep": ","}}, "sep": ","}, "sep: stands beside body and under key_value"),
        ({"format": "rfc5424_short"}, "format: rfc5424_short stands before events only, body cef or leef"),
        ({"format": "rfc3165"}, "format: 'rfc3165' is not one of rfc3164, rfc5424, rfc5424_short"),
        ({"framing": "lf", "protocol": "udp"}, "framing: 'lf' does not apply to udp"),
        ({"max_message_bytes": 65508, "protocol": "udp"}, "max_message_bytes: 65508 is over 65507"),
        ({"max_message_bytes": 479}, "max_message_bytes: 479 is not between 480 and"),
        ({"ca_file": "ca.pem"}, "protocol: 'tcp' has no certificates"),
        ({"verify": False}, "protocol: 'tcp' has no certificates"),
        ({"key_file": "k.pem", "protocol": "tls"}, "cert_file: is missing, key_file needs it"),
        ({"sep": ""}, "sep: '' is not a text of 1 to 8 characters"),
        ({"sep": "a\nb"}, "sep: 'a\\nb' holds =, a backslash or a line break"),
        ({"sep": "n", "escape": True}, "sep: 'n' begins with n, which escape writes for a line break"),
        ({"sep": ",", "body": "json_lines"}, "sep: applies to key_value only"),
        ({"leading_separator": True, "body": "json_lines"}, "leading_separator: applies to key_value only"),
        ({"timeout": "120"}, "timeout: '120' is not a number and ms, s, m, h or d"),
        ({"cert_path": "ca.pem"}, "cert_path: unknown key"),
    ],
)
def test_wrong_option_is_told(options: dict[str, object], says: str) -> None:
    """What, which value, what is expected."""
    with pytest.raises(ConfigError) as caught:
        load(Config, HOST | options)
    assert any(says in problem for problem in caught.value.problems), caught.value.problems


def test_unverified_tls_is_warned_of_at_each_start(caplog: pytest.LogCaptureFixture) -> None:
    """`verify: false` works and is never quiet."""
    build(load(Config, HOST | {"protocol": "tls", "verify": False}), AROUND).close()
    (line,) = caplog.records
    assert (line.levelno, line.getMessage(), vars(line)["task"]) == (
        logging.WARNING,
        "certificate not verified",
        "task-1",
    )


def test_confirmation_is_what_the_protocol_can_give() -> None:
    """Streams are confirmed by their socket, datagrams by nothing; both keep the order."""
    made = [build(load(Config, HOST | {"protocol": name}), AROUND) for name in ("tcp", "tls", "udp")]
    assert [(one.confirmation, one.limits.in_flight) for one in made] == [("socket", 1), ("socket", 1), ("none", 1)]


class PatientStream:
    """Tells how long it was given to connect."""

    given = 0.0

    def connect(self, time_out: float) -> None:
        """Remember; nothing is connected."""
        self.given = time_out


@pytest.mark.parametrize(("option", "most"), [("120s", 7.0), ("3s", 3.0)])
def test_a_first_look_never_takes_the_time_of_the_call(
    option: str, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer that says nothing holds up the other tasks no longer than the caller allows, whatever `timeout` is."""
    made, stream = build(load(Config, HOST | {"protocol": "tls", "timeout": option}), AROUND), PatientStream()
    monkeypatch.setattr(made, "_stream", stream)
    made.check(7)
    assert stream.given == most


def test_renewed_certificate_file_is_a_reason_to_try_again(tmp_path: Path) -> None:
    """After Misconfigured, `refresh` says whether one of the files has changed since."""
    path = Authority(tmp_path).ca_file
    made = build(load(Config, HOST | {"protocol": "tls", "ca_file": str(path)}), AROUND)
    assert not made.refresh()
    os.utime(path, (1, 1))
    assert made.refresh()
    assert not made.refresh()


def test_datagram_has_no_count() -> None:
    """The count that parts messages in a payload stays behind: on the wire a datagram is the message."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(5)
        options = {"host": "127.0.0.1", "port": bound.getsockname()[1], "protocol": "udp", "hostname": "h"}
        config = load(Config, options)
        part = encoder(config, AROUND).encode(RECORD)
        made = build(config, AROUND)
        made.check(10)
        made.send(Payload([part, part], [0, 1], part + part), 5)
        made.confirm(5)
        made.close()
        assert {bound.recv(65536) for _ in range(2)} == {b"<14>1 2026-03-25T08:15:30Z h - - - - a=1||b=x\ny"}


def test_only_the_parts_that_are_used_are_imported() -> None:
    """A function that sends pairs does not pay its cold start for CEF, zones and the like."""
    code = (
        "import sys; from logferry.config import load; from logferry.destinations import syslog_server as s\n"
        "s.encoder(load(s.Config, {'host': 'h'}), None)\n"
        "print(*sorted(name for name in sys.modules if name.startswith('logferry.encoders.') or name == 'zoneinfo'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == [f"logferry.encoders.{name}" for name in ("framed", "key_value", "rfc5424")]
