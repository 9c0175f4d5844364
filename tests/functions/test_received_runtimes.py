"""Signed posts through the HTTP trigger in its three forms: built zips on Function Compute and Lambda, a container."""

import gzip
import http.client
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.fakes.receiving import KEY, PATH, signature
from tests.fakes.serving import serve
from tests.functions.conftest import Mounted

from logferry import task as tasks
from logferry import wiring
from logferry.model import Counts
from logferry.runtime.web import Request
from logferry_local.platforms import Runner
from logferry_local.platforms.http_trigger import Answer, answer, event
from logferry_local.platforms.instance import Instance
from logferry_local.platforms.lambda_instance import LambdaInstance
from logferry_local.sinks import Place, hec

ROOT = Path(__file__).parents[2]
LINES = b'{"id": 1, "EdgeStartTimestamp": "2026-01-01T00:00:01Z"}\n{"id": 2}\n'


@dataclass
class Quay:
    """A receiver, and a task that is sent its logs."""

    folder: Path
    environ: dict[str, str]

    def counts(self) -> Counts:
        """What the ledger says."""
        return sum((row.counts for row in wiring.workshop(self.environ).ledger.rows("received")), Counts())

    def arrived(self) -> list[int]:
        """What was delivered."""
        lines = (self.folder / "hec.ndjson").read_text().splitlines()
        return sorted(json.loads(line)["event"]["id"] for line in lines)


@pytest.fixture
def quay(tmp_path: Path) -> Iterator[Quay]:
    """With one task."""
    sink = hec.open_sink(Place(tmp_path / "hec.ndjson"), hec.Options(token="t"))
    environ = {
        "LOGFERRY_STATE": f"sqlite:{tmp_path}/state.db", "LOGFERRY_OBJECTS": f"folder:{tmp_path}/objects",
        "KEY": KEY.reveal(), "TOKEN": "t", "PATH": os.environ["PATH"], "LOGFERRY_AUTH_KEYS": "secret://env/KEY",
    }  # fmt: skip
    to = {"splunk_hec": {"url": sink.address, "token": "secret://env/TOKEN", "ack": False}}
    source = {"received": {"path": PATH, "keys": ["secret://env/KEY"]}}
    wiring.workshop(environ).tasks.apply(tasks.load({"task": "received", "source": source, "destination": to}))
    try:
        yield Quay(tmp_path, environ)
    finally:
        wiring.dismiss()
        sink.close()


def post(query: str) -> Request:
    """Two records, packed, as a sender posts them."""
    headers = {"content-encoding": "gzip", "content-type": "application/json", "host": "x.fcapp.run"}
    return Request("POST", PATH, query, headers, gzip.compress(LINES), "203.0.113.9")


def through_trigger(runner: Runner, request: Request) -> Answer:
    """The trigger's way there and back; its runner is closed."""
    try:
        result = runner.invoke(json.dumps(event(request, "r-1", 1767225605.0)).encode(), "r-1")
    finally:
        runner.close()
    assert result.ok, result.reply
    return answer(result.reply if isinstance(result.reply, str) else json.dumps(result.reply))


@pytest.mark.parametrize("name", ["receive", "verify_request"])
def test_a_signed_post_goes_through_the_trigger(mounted: Mounted, lambda_client: Path, quay: Quay, name: str) -> None:
    """From its zips, under both contracts: 200 for the signed one, 403 for the other, each record delivered once."""
    for sent, status in ((post(signature()), 200), (post("auth_key=1-2-3"), 403)):
        function = mounted.function(name, timeout=30)
        runners: list[Runner] = [Instance(function, "fc", quay.environ)]
        runners.append(LambdaInstance(function, quay.environ, lambda_client))
        assert [through_trigger(runner, sent).status for runner in runners] == [status, status]
    if name == "receive":
        assert quay.counts() == Counts(read=4, delivered=4)
        assert quay.arrived() == [1, 1, 2, 2]  # posted twice


def test_a_signed_post_goes_through_a_container(quay: Quay) -> None:
    """The request comes as it is, its signature is checked over the query as it was sent."""
    sent = post(signature())
    with serve(quay.folder, quay.environ, "function", "receive", "--code", str(ROOT / "functions/receive")) as served:
        said = {**sent.headers, "x-fc-control-path": "/http-invoke", "x-fc-function-timeout": "30"}
        found = []
        for target in (sent.target, sent.path):
            connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
            connection.request("POST", target, sent.body, said)
            found.append(connection.getresponse().status)
            connection.close()
    assert found == [200, 403]
    assert (quay.counts(), quay.arrived()) == (Counts(read=2, delivered=2), [1, 2])
