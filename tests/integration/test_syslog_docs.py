"""The task files of the syslog page, delivered to the test receiver that it names: what they show is what comes."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.fakes.certificates import Authority
from tests.integration.syslog_round_trip import deliver

from logferry.config import load
from logferry.model import Record
from logferry_local.sinks import Place
from logferry_local.sinks.syslog import Options, open_sink

PAGE = Path(__file__).parents[2] / "docs/destinations/syslog_server.md"
BLOCKS = re.findall(r"^```yaml\n(task: .*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
EXAMPLES = {str(made["task"]): made["destination"]["syslog_server"] for made in map(yaml.safe_load, BLOCKS)}
RECORD = Record(0, 1774426530, 500_000_000, {
    "__topic__": "waf_access_log", "real_client_ip": "203.0.113.7", "host": "shop.example", "status": "403",
    "http_cookie": "secret=1", "final_plugin": "acl", "note": "l1\nl2",
})  # fmt: skip
COMMA = ",__topic__=waf_access_log,real_client_ip=203.0.113.7,host=shop.example,status=403,http_cookie=secret=1"


def received(example: str, folder: Path) -> dict[str, Any]:
    """The one line that the example's message becomes; host, port and files are this test's."""
    options: dict[str, Any] = dict(EXAMPLES[example])
    sink_options: dict[str, object] = {"protocol": options.get("protocol", "tcp")}
    if options.get("protocol") == "tls":
        authority = Authority(folder / "authority")
        server, mine = authority.issue(), authority.issue(["logferry"])
        sink_options |= {
            "cert": str(server.cert_file),
            "key": str(server.key_file),
            "client_ca": str(authority.ca_file),
        }
        for option, file in (
            ("ca_file", authority.ca_file),
            ("cert_file", mine.cert_file),
            ("key_file", mine.key_file),
        ):
            shutil.copy(file, folder / Path(options[option]).name)
            options[option] = str(folder / Path(options[option]).name)
    sink = open_sink(Place(folder / "out"), load(Options, sink_options))
    try:
        deliver(options | {"host": "127.0.0.1", "port": int(sink.address.rpartition(":")[2])}, [RECORD])
    finally:
        sink.close()
    (line,) = (folder / "out").read_bytes().splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_all_examples_are_seen() -> None:
    """TCP, TLS, both ports of the WAF document, CEF and LEEF."""
    assert len(EXAMPLES) == len(BLOCKS) >= 6
    assert {(made.get("port"), made.get("protocol")) for made in EXAMPLES.values()} >= {(514, "udp"), (1468, "tcp")}


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_taken_without_a_complaint(example: str, tmp_path: Path) -> None:
    """The receiver's strict reading finds nothing wrong, and the record's topic is there."""
    found = received(example, tmp_path)
    assert "wrong" not in found
    assert "waf_access_log" in found["msg"]


@pytest.mark.parametrize("example", ["waf-to-syslog-udp", "waf-to-syslog-1468"])
def test_the_published_text_comes_byte_for_byte(example: str, tmp_path: Path) -> None:
    """The comma first and between, as the document's script writes it; over TCP the line break is escaped."""
    note = "l1\nl2" if example.endswith("udp") else "l1\\nl2"
    assert received(example, tmp_path)["msg"] == f"{COMMA},final_plugin=acl,note={note}"


def test_arcsight_example_reads_as_the_page_says(tmp_path: Path) -> None:
    """Severity of message and event from the status, the zone's time, a labelled custom key, no cookie."""
    found = received("waf-to-arcsight", tmp_path)
    assert (found["header"], found["severity"], found["time"]) == ("rfc3164", 4, "Mar 25 16:15:30")
    assert (found["event"]["product"], found["event"]["severity"]) == ("WAF", "5")
    fields = found["event"]["fields"]
    assert (fields["src"], fields["cs1Label"], fields["cs1"]) == ("203.0.113.7", "final_plugin", "acl")
    assert "secret" not in found["msg"]


def test_qradar_example_reads_as_the_page_says(tmp_path: Path) -> None:
    """The guide's short header, milliseconds, and pairs parted by a caret."""
    found = received("esa-to-qradar", tmp_path)
    assert (found["header"], found["time"]) == ("rfc5424_short", "2026-03-25T08:15:30.500Z")
    assert found["event"]["fields"]["devTime"] == "1774426530500"
    assert found["event"]["fields"]["note"] == "l1 l2"
