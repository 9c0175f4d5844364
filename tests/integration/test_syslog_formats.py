"""RFC 3164, CEF and LEEF through a real rsyslog and a real syslog-ng, read back field by field."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.certificates import Authority
from tests.fakes.syslog_daemons import Daemon, rsyslog, syslog_ng
from tests.integration.syslog_round_trip import deliver, expected, records

from logferry.config import load
from logferry.encoders import cef
from logferry.errors import Misconfigured
from logferry.model import Record
from logferry_local.sinks import _events

KINDS = [
    pytest.param("rsyslog", marks=pytest.mark.service("rsyslogd")),
    pytest.param("syslog_ng", marks=pytest.mark.service("syslog-ng")),
]
AWKWARD = [
    "a=b",
    "C:\\dir\\",
    "l1\nl2\r\n",
    "x|y",
    "k=v k2=v2",
    "\\n",
    "é世🔒",
    "  two  blanks ",
    "\\=",
    "tab\there",
    "=",
    "\\",
]


@pytest.fixture(scope="module", params=KINDS)
def daemon(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One of the two programs."""
    start = {"rsyslog": rsyslog, "syslog_ng": syslog_ng}[request.param]
    with start(tmp_path_factory.mktemp(request.param)) as running:
        yield running


def received(daemon: Daemon, options: dict[str, object], sent: list[Record]) -> list[dict[str, Any]]:
    """What the program makes of the records; RFC 3164 goes to syslog-ng's own input for it."""
    is_old = options.get("format") == "rfc3164"
    port = daemon.ports["legacy" if is_old and "legacy" in daemon.ports else "tcp"]
    before = len(daemon.received(0))
    deliver({"port": port, "tag": None} | options, sent)
    return daemon.received(before + len(sent))[before:]


def test_old_header_is_read_back(daemon: Daemon) -> None:
    """Priority from a field, local time of the zone, short host name, tag and the whole text, as sent, in order."""
    sent = records("old", 26)
    severity = {"field": "value", "map": {"plain": "err"}, "default": "notice"}
    options: dict[str, object] = {
        "format": "rfc3164", "timezone": "Asia/Kolkata", "hostname": "web-1.shop.example", "tag": "my-waf",
        "severity": severity,
    }  # fmt: skip
    found = received(daemon, options, sent)
    # rsyslog keeps the blank behind the tag as the text's first character.
    assert [line["msg"].removeprefix(" ") for line in found] == expected(sent, one=True)
    assert {(line["host"], line["app"]) for line in found} == {("web-1", "mywaf")}
    assert [line["time"][5:19] for line in found[:11:10]] == ["03-25T13:45:30", "03-25T13:45:31"]
    assert [line["pri"] for line in found] == ["11" if one.fields["value"] == "plain" else "13" for one in sent]


@pytest.mark.parametrize("form", ["rfc5424", "rfc3164"])
@pytest.mark.parametrize("body", ["cef", "leef"])
def test_events_are_read_back(daemon: Daemon, form: str, body: str) -> None:
    """Every value of every event, in both headers, whatever it holds; LEEF's replaced signs are blanks."""
    sent = [Record(n, 1774426530, 0, {"id": str(n), "odd": value, "end": "x"}) for n, value in enumerate(AWKWARD)]
    options: dict[str, object] = {"format": form, "body": {body: {"time_key": None}}}
    if form == "rfc5424":
        options["tag"] = "waf"
    found = received(daemon, options, sent)
    # In the old header both programs may take the event's title for the tag.
    texts = [line["msg"] if line["msg"].startswith(body.upper()) else line["tag"] + line["msg"] for line in found]
    events: list[Any] = [_events.parse(text) for text in texts]
    odd = [
        value if body == "cef" else value.replace("\r\n", " ").replace("\n", " ").replace("\t", " ")
        for value in AWKWARD
    ]
    assert [event["fields"] for event in events] == [
        {"id": str(n), "odd": value, "end": "x"} for n, value in enumerate(odd)
    ]


@pytest.mark.parametrize(
    ("expired", "known", "says"),
    [(True, True, "renew cert_file|does not accept cert_file"), (False, False, "does not trust the authority")],
)
def test_a_client_certificate_that_is_refused_is_told(
    daemon: Daemon, tmp_path: Path, expired: bool, known: bool, says: str  # noqa: FBT001  # parameters of the test
) -> None:  # fmt: skip
    """Both want a certificate they trust and that is still good; ours is not, and nothing arrives."""
    signer = daemon.authority if known else Authority(tmp_path / "stranger", name="stranger")
    mine, before = signer.issue(["client1"], expired=expired), len(daemon.received(0))
    options: dict[str, object] = {
        "host": "localhost", "port": daemon.ports["mtls"], "protocol": "tls", "ca_file": str(daemon.authority.ca_file),
        "cert_file": str(mine.cert_file), "key_file": str(mine.key_file),
    }  # fmt: skip
    with pytest.raises(Misconfigured, match=says):
        deliver(options, records("refused", 3))
    assert len(daemon.received(0)) == before


@pytest.mark.service("syslog-ng")
def test_cef_escapes_are_those_of_syslog_ng(tmp_path: Path) -> None:
    """Its own CEF function writes the same pairs, byte for byte."""
    body = cef.build(load(cef.Config, {"time_key": None}))
    values = [value for value in AWKWARD if "\t" not in value]  # it invents an escape for tabs; the format has none
    ours = [body.text(Record(0, 0, 0, {"msg": value, "zz": "end"})).split("|", 7)[7] for value in values]
    with syslog_ng(tmp_path / "ng") as running:
        assert running.extensions([{"msg": value, "zz": "end"} for value in values]) == ours
