"""Round trips through a real rsyslog: every record once, parsed as RFC 5424, whatever its values hold."""

import signal
from collections.abc import Iterator
from datetime import datetime

import pytest
from tests.fakes.syslog_daemons import Daemon, rsyslog
from tests.integration.syslog_round_trip import deliver, expected, opened, records, texts, times

from logferry import packing
from logferry.errors import Misconfigured, Transient
from logferry.model import Record

pytestmark = pytest.mark.service("rsyslogd")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One rsyslog for this file."""
    with rsyslog(tmp_path_factory.mktemp("rsyslog")) as running:
        yield running


WAYS: dict[str, dict[str, object]] = {
    "udp": {"protocol": "udp"},
    "tcp-lf": {"protocol": "tcp"},
    "tcp-counted": {"protocol": "tcp", "framing": "octet_counting"},
    "tls-counted": {"protocol": "tls"},
    "tls-lf": {"protocol": "tls", "framing": "lf"},
}


def options(daemon: Daemon, way: str) -> dict[str, object]:
    """What reaches the input of that way."""
    protocol = str(WAYS[way]["protocol"])
    trust = {"host": "localhost", "ca_file": str(daemon.authority.ca_file)} if protocol == "tls" else {}
    return WAYS[way] | trust | {"port": daemon.ports[protocol]}


@pytest.mark.parametrize("way", WAYS)
def test_every_record_arrives_once_and_whole(daemon: Daemon, way: str) -> None:
    """Times to the microsecond, names, and values with line breaks, separators, quotes: as sent, in order, once."""
    sent, before = records(way), len(daemon.received(0))
    deliver(options(daemon, way), sent)
    found = daemon.received(before + len(sent))[before:]
    assert texts(found, way) == expected(sent, one=way.endswith("lf"))
    assert len(found) == len(sent)
    assert {line["version"] for line in found} == {"1"}
    assert {(line["pri"], line["host"], line["app"], line["data"]) for line in found} == {
        ("14", "web-1", "logferry", "-")
    }
    assert [datetime.fromisoformat(line["time"]) for line in found] == times(sent)


def test_published_form_arrives(daemon: Daemon) -> None:
    """The leading separator and a comma, as the published script sends them, in a header that rsyslog parses."""
    before = len(daemon.received(0))
    deliver(options(daemon, "udp") | {"sep": ",", "leading_separator": True}, records("published", 1))
    (found,) = daemon.received(before + 1)[before:]
    assert (found["version"], found["msg"]) == ("1", ",__topic__=waf,id=published-0,value=plain,end=x")


def test_byte_order_mark_is_taken(daemon: Daemon) -> None:
    """With `bom` the message is still RFC 5424, its text marked."""
    before = len(daemon.received(0))
    deliver(options(daemon, "tcp-lf") | {"bom": True}, records("marked", 1))
    (found,) = daemon.received(before + 1)[before:]
    assert (found["version"], found["msg"][0]) == ("1", "\ufeff")


@pytest.mark.parametrize("way", ["udp", "tcp-lf", "tls-counted"])
def test_split_record_can_be_joined(daemon: Daemon, way: str) -> None:
    """A record many times the limit arrives in parts that hold all of it, and its neighbours are untouched."""
    long = Record(1, 1774426530, 0, {"id": f"split-{way}-1", "value": "é世x" * 9_000})
    sent, before = [*records(f"split-{way}", 1), long], len(daemon.received(0))
    deliver(options(daemon, way), sent)
    count = daemon.received(before + 3)[before + 1]["msg"].split("||")[1]
    found = daemon.received(before + 1 + int(count.removeprefix("of=")))[before:]
    parts = [line["msg"].split("||", 3) for line in found[1:]]
    assert [part[0] for part in parts] == [f"part={number}" for number in range(1, len(parts) + 1)]
    assert "".join(part[3] for part in parts) == expected([long], one=False)[0]
    assert found[0]["msg"] == expected(sent[:1], one=False)[0]


def test_message_of_the_default_limit_arrives_whole(daemon: Daemon) -> None:
    """A message of just 8,192 bytes is one message."""
    before = len(daemon.received(0))
    head = len("<14>1 2026-03-25T08:15:30Z web-1 logferry - - - v=")
    deliver(options(daemon, "tcp-lf"), [Record(0, 1774426530, 0, {"v": "x" * (8192 - head)})])
    (found,) = daemon.received(before + 1)[before:]
    assert len(found["msg"]) == 8192 - head + 2


def test_untrusted_server_gets_nothing(daemon: Daemon) -> None:
    """An unknown authority is Misconfigured, and no message arrives."""
    before = len(daemon.received(0))
    with pytest.raises(Misconfigured, match="certificate not accepted"):
        deliver(options(daemon, "tls-counted") | {"ca_file": None}, records("untrusted", 3))
    assert len(daemon.received(before)) == before


def test_server_of_another_name_gets_nothing(daemon: Daemon) -> None:
    """A certificate for another name (it says localhost) is Misconfigured, and no message arrives."""
    before = len(daemon.received(0))
    with pytest.raises(Misconfigured, match=r"not valid for '127\.0\.0\.1'"):
        deliver(options(daemon, "tls-counted") | {"host": "127.0.0.1"}, records("name", 3))
    assert len(daemon.received(before)) == before


def test_refused_client_is_told_before_anything_is_sent(daemon: Daemon) -> None:
    """TLS 1.3: rsyslog refuses our missing certificate after our handshake has succeeded; `check` notices."""
    _, destination = opened(options(daemon, "tls-counted") | {"port": daemon.ports["mtls"]})
    with pytest.raises(Misconfigured, match="CERTIFICATE_REQUIRED"):
        destination.check(10)
    destination.close()


def test_refusal_by_the_program_is_told_too(daemon: Daemon) -> None:
    """GnuTLS ends the handshake well, then rsyslog closes: that is no success either."""
    _, destination = opened(options(daemon, "tls-counted") | {"port": daemon.ports["gtls"]})
    with pytest.raises(Transient, match="client certificate"):
        destination.check(10)
    destination.close()


@pytest.mark.parametrize("name", ["mtls", "gtls"])
def test_client_certificate_opens_the_door(daemon: Daemon, name: str) -> None:
    """With our certificate the same inputs take every record."""
    mine, before = daemon.authority.issue(["client1"]), len(daemon.received(0))
    keys = {"port": daemon.ports[name], "cert_file": str(mine.cert_file), "key_file": str(mine.key_file)}
    deliver(options(daemon, "tls-counted") | keys, records(name, 3))
    assert texts(daemon.received(before + 3)[before:], name) == expected(records(name, 3), one=False)


def test_killed_daemon_is_never_a_success(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Killed between two payloads of one save, rsyslog leaves an error behind, at the latest with `confirm`."""
    with rsyslog(tmp_path_factory.mktemp("killed")) as victim:
        encoder, destination = opened({"port": victim.ports["tcp"]})
        parts = [(record.ordinal, encoder.encode(record)) for record in records("killed", 20)]
        (payload,) = packing.pack(parts, destination.limits, encoder.frame)
        destination.send(payload, 10)
        victim.process.send_signal(signal.SIGKILL)
        victim.process.wait(10)
        with pytest.raises(Transient):
            destination.confirm(10)
        with pytest.raises(Transient):  # asked again on the way out, it must not change its mind
            destination.confirm(10)
        with pytest.raises(Transient, match="refused"):
            destination.send(payload, 10)
        destination.close()
