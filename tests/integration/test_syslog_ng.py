"""Round trips through a real syslog-ng, the stricter reader of RFC 5424: it says so of every line it cannot parse."""

import signal
from collections.abc import Iterator
from datetime import datetime

import pytest
from tests.fakes.syslog_daemons import Daemon, syslog_ng
from tests.integration.syslog_round_trip import deliver, expected, opened, records, texts, times

from logferry import packing
from logferry.errors import Misconfigured, Transient

pytestmark = pytest.mark.service("syslog-ng")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One syslog-ng for this file."""
    with syslog_ng(tmp_path_factory.mktemp("syslog-ng")) as running:
        yield running


WAYS: dict[str, tuple[str, dict[str, object]]] = {
    "udp": ("udp", {"protocol": "udp"}),
    "tcp-lf": ("tcp", {"protocol": "tcp"}),
    "tcp-counted": ("octets", {"protocol": "tcp", "framing": "octet_counting"}),
    "tls-counted": ("tls", {"protocol": "tls", "host": "localhost"}),
}


def options(daemon: Daemon, way: str) -> dict[str, object]:
    """What reaches the input of that way."""
    name, given = WAYS[way]
    trust = {"ca_file": str(daemon.authority.ca_file)} if given["protocol"] == "tls" else {}
    return given | trust | {"port": daemon.ports[name]}


@pytest.mark.parametrize("way", WAYS)
def test_every_record_arrives_once_and_whole(daemon: Daemon, way: str) -> None:
    """Times to the microsecond, names, and values with line breaks, separators, quotes: as sent, once."""
    sent, before = records(way), len(daemon.received(0))
    deliver(options(daemon, way), sent)
    found = daemon.received(before + len(sent))[before:]
    assert texts(found, way) == expected(sent, one=way.endswith("lf"))
    assert len(found) == len(sent)
    assert {(line["pri"], line["host"], line["app"], line["data"]) for line in found} == {
        ("14", "web-1", "logferry", "")
    }
    assert [datetime.fromisoformat(line["time"]) for line in found] == times(sent)


def test_json_body_arrives(daemon: Daemon) -> None:
    """A JSON body is taken as it is, LF framing or not."""
    before = len(daemon.received(0))
    deliver(options(daemon, "tcp-lf") | {"body": "json_lines"}, records("json", 3)[2:])
    (found,) = daemon.received(before + 1)[before:]
    assert found["msg"] == '{"__topic__":"waf","id":"json-2","value":"l1\\nl2","end":"x"}'


def test_byte_order_mark_is_understood(daemon: Daemon) -> None:
    """With `bom` the text is known to be UTF-8, and the mark itself is taken off."""
    before = len(daemon.received(0))
    deliver(options(daemon, "tcp-counted") | {"bom": True}, records("marked", 7)[6:])
    (found,) = daemon.received(before + 1)[before:]
    assert found["msg"] == "__topic__=waf||id=marked-6||value=é世🔒||end=x"


@pytest.mark.parametrize(
    ("change", "says"), [({"host": "127.0.0.1"}, "not valid for '127.0.0.1'"), ({"ca_file": None}, "not accepted")]
)
def test_untrusted_server_gets_nothing(daemon: Daemon, change: dict[str, object], says: str) -> None:
    """Another name, or an unknown authority: Misconfigured, and no message arrives."""
    before = len(daemon.received(0))
    with pytest.raises(Misconfigured, match=says):
        deliver(options(daemon, "tls-counted") | change, records("untrusted", 3))
    assert len(daemon.received(before)) == before


def test_refused_client_is_told_before_anything_is_sent(daemon: Daemon) -> None:
    """TLS 1.3: syslog-ng refuses our missing certificate after our handshake has succeeded; `check` notices."""
    _, destination = opened(options(daemon, "tls-counted") | {"port": daemon.ports["mtls"]})
    with pytest.raises(Misconfigured, match="CERTIFICATE_REQUIRED"):
        destination.check(10)
    destination.close()


def test_client_certificate_opens_the_door(daemon: Daemon) -> None:
    """With our certificate the same input takes every record."""
    mine, before = daemon.authority.issue(["client1"]), len(daemon.received(0))
    keys = {"port": daemon.ports["mtls"], "cert_file": str(mine.cert_file), "key_file": str(mine.key_file)}
    deliver(options(daemon, "tls-counted") | keys, records("mtls", 3))
    assert texts(daemon.received(before + 3)[before:], "mtls") == expected(records("mtls", 3), one=False)


def test_frame_over_the_receivers_limit_is_never_a_success(daemon: Daemon) -> None:
    """syslog-ng ends the connection at a frame over its 64 KiB: `confirm` says that what was sent is in doubt."""
    encoder, destination = opened(options(daemon, "tcp-counted") | {"max_message_bytes": 200_000})
    parts = [(0, encoder.encode(records("over", 1)[0])), (1, b"100000 " + b"x" * 100_000)]
    for payload in packing.pack(parts, destination.limits, encoder.frame):
        destination.send(payload, 10)
    with pytest.raises(Transient, match="in doubt"):
        destination.confirm(10)
    destination.close()


def test_killed_daemon_is_never_a_success(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Killed after a payload over TLS, syslog-ng leaves an error behind with `confirm`."""
    with syslog_ng(tmp_path_factory.mktemp("killed")) as victim:
        encoder, destination = opened(options(victim, "tls-counted"))
        parts = [(record.ordinal, encoder.encode(record)) for record in records("killed", 20)]
        (payload,) = packing.pack(parts, destination.limits, encoder.frame)
        destination.send(payload, 10)
        victim.process.send_signal(signal.SIGKILL)
        victim.process.wait(10)
        with pytest.raises(Transient):
            destination.confirm(10)
        destination.close()
