"""The syslog sink: strict, faithful, and complete when it closes."""

import contextlib
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.certificates import Authority

from logferry.config import load
from logferry.errors import ConfigError
from logferry_local.sinks import Place
from logferry_local.sinks._frames import MOST, Frames
from logferry_local.sinks._rfc5424 import parse
from logferry_local.sinks.syslog import Options, open_sink

GOOD = b'<134>1 2026-03-25T08:15:30.5+08:00 web-1 app 4711 WAF [a@1 x="q\\"\\]"][b@1] \xef\xbb\xbfh\xc3\xa9'


def after(tmp_path: Path, *chunks: bytes, options: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
    """What the sink has written once it is closed, having been sent these chunks over one connection."""
    out = tmp_path / "out"
    sink = open_sink(Place(out), load(Options, options or {}))
    with socket.create_connection(("127.0.0.1", int(sink.address.rpartition(":")[2]))) as end:
        for chunk in chunks:
            end.sendall(chunk)
    sink.close()
    return [json.loads(line) for line in out.read_bytes().splitlines()]


def test_all_parts_of_a_message_are_told() -> None:
    """Header, structured data and text by name; the mark of UTF-8 is taken off and noted."""
    assert parse(GOOD) == {
        "facility": 16, "severity": 6, "time": "2026-03-25T08:15:30.5+08:00", "host": "web-1", "app": "app",
        "procid": "4711", "msgid": "WAF", "data": '[a@1 x="q\\"\\]"][b@1]', "bom": True, "msg": "hé",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (b"hello", "PRI"),
        (b"<014>1 - - - - - -", "PRI"),
        (b"<192>1 - - - - - -", "PRI: 192"),
        (b"<14>2 - - - - - -", "VERSION"),
        (b"<14>1 2026-03-25T16:15:30.000000+0800 h - - - ||k=v", "TIMESTAMP"),
        (b"<14>1 2026-02-30T08:15:30Z h - - - -", "TIMESTAMP: 2026-02-30"),
        (b"<14>1 2026-03-25T08:15:30.1234567Z h - - - -", "TIMESTAMP"),
        (b"<14>1 -  host - - - -", "HOSTNAME"),
        (b"<14>1 - h%b - - - -" % ("é".encode()), "HOSTNAME"),
        (b"<14>1 - h - - - ||k=v", "STRUCTURED-DATA"),
        (b"<14>1 - h - - - [a x=\"]\"]", "STRUCTURED-DATA"),
        (b"<14>1 - h - - - \xef\xbb\xbf", "STRUCTURED-DATA"),
        (b"<14>1 - h - - - - \xef\xbb\xbf\xff", "utf-8"),
        (b"<14>1 - h - - -", "MSGID|STRUCTURED-DATA"),
        (b"", "PRI"),
    ],
)  # fmt: skip
def test_what_the_grammar_does_not_allow_is_refused(message: bytes, says: str) -> None:
    """The vendor SDK's lines among them; the reason names the part."""
    with pytest.raises(ValueError, match=says):
        parse(message)


def test_framing_is_judged_message_by_message(tmp_path: Path) -> None:
    """Counted and LF-ended messages may follow each other, in any chunks."""
    stream = b"19 <14>1 - h - - - - a<14>1 - h - - - - b\n21 <14>1 - h - - - - c\nd"
    found = after(tmp_path, *(stream[at : at + 7] for at in range(0, len(stream), 7)))
    assert [(line["msg"], line["framing"]) for line in found] == [
        ("a", "octet_counting"), ("b", "lf"), ("c\nd", "octet_counting"),
    ]  # fmt: skip


def test_wrong_message_is_kept_and_told(tmp_path: Path) -> None:
    """A line that is not RFC 5424 is in the file with its reason, and its neighbours are not harmed."""
    found = after(tmp_path, b"<14>1 - h - - - - a\n", b"\xffnonsense\n", b"<14>1 - h - - - - b\n")
    assert [line.get("msg") for line in found] == ["a", None, "b"]
    assert found[1]["raw"] == "\\xffnonsense"
    assert "PRI" in found[1]["wrong"]


def test_message_cut_by_the_end_of_its_connection_is_wrong(tmp_path: Path) -> None:
    """Half a message does not count as one."""
    (found,) = after(tmp_path, b"30 <14>1 - h - - - - a")
    assert "ended within" in found["wrong"]


@pytest.mark.parametrize("endless", [b"999999999 <14>1", b"<14>" + b"x" * (MOST + 1)])
def test_endless_message_ends_the_connection(endless: bytes) -> None:
    """A count or a line beyond the limit is not held in memory; what came before it is kept."""
    frames = Frames()
    found = list(frames.feed(b"3 abc" + endless))
    assert [frame.message for frame in found][:1] == [b"abc"]
    assert "more than" in found[1].wrong
    assert frames.lost
    assert list(frames.rest()) == []


def test_connections_are_served_side_by_side(tmp_path: Path) -> None:
    """Several senders at once: every message whole, each sender's in order."""
    out = tmp_path / "out"
    sink = open_sink(Place(out), Options())

    def send(name: int) -> None:
        with socket.create_connection(("127.0.0.1", int(sink.address.rpartition(":")[2]))) as end:
            for number in range(200):
                end.sendall(b"<14>1 - h - %d - - %d\n" % (name, number))

    threads = [threading.Thread(target=send, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    sink.close()
    found = [json.loads(line) for line in out.read_bytes().splitlines()]
    for name in "0123":
        assert [line["msg"] for line in found if line["procid"] == name] == [str(number) for number in range(200)]


def test_datagrams_are_messages(tmp_path: Path) -> None:
    """A datagram is one message, line breaks and all; an empty one is wrong."""
    out = tmp_path / "out"
    sink = open_sink(Place(out), Options(protocol="udp"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        for message in (b"<14>1 - h - - - - a\nb", b""):
            end.sendto(message, ("127.0.0.1", int(sink.address.rpartition(":")[2])))
    sink.close()
    found = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert [line.get("msg") for line in found] == ["a\nb", None]


def test_tls_with_a_client_certificate(tmp_path: Path) -> None:
    """With `client_ca` only a client that shows a certificate gets a message in."""
    authority = Authority(tmp_path / "ca")
    server, client = authority.issue(), authority.issue(["client1"])
    files = {"cert": str(server.cert_file), "key": str(server.key_file), "client_ca": str(authority.ca_file)}
    sink = open_sink(Place(tmp_path / "out"), load(Options, {"protocol": "tls", **files}))
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    context.load_cert_chain(client.cert_file, client.key_file)
    address = ("127.0.0.1", int(sink.address.rpartition(":")[2]))
    with socket.create_connection(address) as plain, context.wrap_socket(plain, server_hostname="localhost") as end:
        end.sendall(b"19 <14>1 - h - - - - a")
        end.unwrap()
    with socket.create_connection(address) as plain:
        context = ssl.create_default_context(cafile=str(authority.ca_file))
        with context.wrap_socket(plain, server_hostname="localhost") as end, contextlib.suppress(OSError):
            end.sendall(b"19 <14>1 - h - - - - b")
            end.recv(1)
    sink.close()
    sink.close()
    found = [json.loads(line) for line in (tmp_path / "out").read_bytes().splitlines()]
    assert [line["msg"] for line in found] == ["a"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"protocol": "x"}, "is not tcp"),
        ({"protocol": "tls"}, "needs cert and key"),
        ({"cert": "c"}, "no certificates"),
    ],
)
def test_wrong_options_are_told(options: dict[str, object], says: str) -> None:
    """Certificates belong to TLS."""
    with pytest.raises(ConfigError, match=says):
        load(Options, options)


def test_command_ends_on_sigterm_with_everything_in_the_file(tmp_path: Path) -> None:
    """`logferry sink syslog` takes what has come before SIGTERM, then ends with 0."""
    command = [sys.executable, "-c", "from logferry_local.cli import main; main()", "sink", "syslog"]
    out = tmp_path / "out"
    running = subprocess.Popen([*command, "--port", "0", "--out", str(out)], stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout
        address = running.stdout.readline().partition("tcp://")[2].partition(",")[0]
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as end:
            end.sendall(b"<14>1 - h - - - - a\n" * 1000)
            running.send_signal(signal.SIGTERM)
            assert running.wait(20) == 0
    finally:
        running.kill()
        running.communicate(timeout=20)
    assert out.read_bytes().count(b"\n") == 1000
