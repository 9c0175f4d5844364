"""`receive` and `verify_request` as both clouds call them: real processes, the sample events, a real receiver."""

import base64
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.receiving import KEY, PATH, signature

from logferry import task as tasks
from logferry import wiring
from logferry.model import Counts
from logferry.vault import Secret
from logferry_local.platforms import Function
from logferry_local.platforms.instance import Instance
from logferry_local.sinks import Place, hec

ROOT = Path(__file__).parents[2]
SAMPLE_KEY = "aliyuncdn1234"  # signed the sample events, which have expired


@dataclass
class Quay:
    """A HEC receiver and a task that is sent its logs."""

    folder: Path
    environ: dict[str, str]

    def call(self, name: str, contract: str, event: object, **environ: str) -> Any:  # noqa: ANN401  # the platform's reply
        """One call in a process of its own; an object, whatever form the cloud gives it."""
        function = Function(name=name, code=ROOT / "functions" / name, timeout=30)
        instance = Instance(function, contract, {**self.environ, **environ})
        try:
            result = instance.invoke(json.dumps(event).encode(), "r-1")
        finally:
            instance.close()
        assert result.ok, result.reply
        return json.loads(result.reply) if isinstance(result.reply, str) else result.reply

    def counts(self) -> Counts:
        """What the ledger says."""
        return sum((row.counts for row in wiring.workshop(self.environ).ledger.rows("received")), Counts())


@pytest.fixture
def quay(tmp_path: Path) -> Iterator[Quay]:
    """With one task."""
    sink = hec.open_sink(Place(tmp_path / "hec.ndjson"), hec.Options(token="t"))
    environ = {
        "LOGFERRY_STATE": f"sqlite:{tmp_path}/state.db", "LOGFERRY_OBJECTS": f"folder:{tmp_path}/objects",
        "KEY": KEY.reveal(), "TOKEN": "t", "PATH": os.environ["PATH"], "LOGFERRY_AUTH_KEYS": "secret://env/KEY",
    }  # fmt: skip
    source = {"received": {"path": PATH, "keys": ["secret://env/KEY"], "time_field": "EdgeStartTimestamp"}}
    to = {"splunk_hec": {"url": sink.address, "token": "secret://env/TOKEN", "ack": False}}
    made = tasks.load({"task": "received", "source": source, "destination": to})
    wiring.workshop(environ).tasks.apply(made)
    try:
        yield Quay(tmp_path, environ)
    finally:
        wiring.dismiss()
        sink.close()


def sample(name: str, query: str, **parts: Any) -> dict[str, Any]:  # noqa: ANN401  # parts of an event
    """A sample event, signed anew."""
    event: dict[str, Any] = json.loads((ROOT / "events" / name).read_text(encoding="utf-8"))
    if "rawQueryString" in event:
        event["rawQueryString"] = query
    else:
        event["queryParameters"] = dict(one.split("=", 1) for one in query.split("&") if one)
    return event | parts


@pytest.mark.parametrize(
    ("name", "contract"),
    [("signed.fc.json", "fc"), ("signed.aws.json", "aws"), ("function_url.aws.json", "aws")],
)
def test_a_sample_post_is_delivered_on_its_cloud(quay: Quay, name: str, contract: str) -> None:
    """Text on one, gzip in base64 on the other; each record with its own time."""
    reply = quay.call("receive", contract, sample(f"receive/{name}", signature()))
    assert reply == {"statusCode": 200, "headers": {}, "isBase64Encoded": False, "body": ""}
    assert quay.counts() == Counts(read=2, delivered=2)
    times = [json.loads(line)["time"] for line in (quay.folder / "hec.ndjson").read_text().splitlines()]
    assert times == [1767225601, 1767225602]


@pytest.mark.parametrize("contract", ["fc", "aws"])
def test_a_post_that_is_refused_is_an_answer_not_a_failure(quay: Quay, contract: str) -> None:
    """A platform that saw an exception would answer with its own page, or call again."""
    name = "receive/signed.fc.json" if contract == "fc" else "receive/signed.aws.json"
    unsigned = quay.call("receive", contract, sample(name, ""))
    assert unsigned == {"statusCode": 403, "headers": {}, "isBase64Encoded": False, "body": ""}
    assert quay.call("receive", contract, {"no": "request"})["statusCode"] == 400
    assert quay.call("receive", contract, sample(name, signature()), LOGFERRY_LEASE_SECONDS="x")["statusCode"] == 500
    assert quay.counts() == Counts()


def test_a_body_that_a_cloud_would_not_even_hand_over_is_refused(quay: Quay) -> None:
    """30 MB that unpack to more than the task allows: within the memory of a small function."""
    bomb = base64.b64encode(gzip.compress(b"\n" * 200_000_000, 9)).decode()
    event = sample("receive/signed.fc.json", signature(), body=bomb, isBase64Encoded=True)
    assert quay.call("receive", "fc", event)["body"] == "too large\n"
    assert quay.counts() == Counts()


def test_a_signature_given_twice_is_refused_on_both_clouds(quay: Quay) -> None:
    """Function Compute joins the two by a comma, Lambda hands on the raw query."""
    good = signature()
    event = sample("receive/signed.fc.json", good)
    event["queryParameters"]["auth_key"] += "," + event["queryParameters"]["auth_key"]
    assert quay.call("receive", "fc", event)["statusCode"] == 403
    assert quay.call("receive", "aws", sample("receive/signed.aws.json", f"{good}&{good}"))["statusCode"] == 403


@pytest.mark.parametrize("is_good", [True, False])
def test_the_authoriser_says_yes_or_no(quay: Quay, is_good: bool) -> None:  # noqa: FBT001  # pytest hands it over
    """The simple response of payload 2.0."""
    query = signature() if is_good else signature(key=Secret("other9key"))
    reply = quay.call("verify_request", "aws", sample("verify_request/authoriser.aws.json", query))
    assert reply == {"isAuthorized": is_good}


def test_a_proxy_asks_function_compute(quay: Quay) -> None:
    """By the header that was made known, and by nothing else."""
    event = sample("verify_request/proxy.fc.json", "")
    event["headers"]["X-Original-URI"] = f"{PATH}?{signature()}"
    named = {"LOGFERRY_AUTH_URI_HEADER": "X-Original-URI"}
    assert quay.call("verify_request", "fc", event, **named)["statusCode"] == 200
    assert quay.call("verify_request", "fc", event)["statusCode"] == 403
    assert quay.call("verify_request", "fc", event, LOGFERRY_AUTH_KEYS="")["statusCode"] == 500


@pytest.mark.parametrize("path", sorted([*ROOT.glob("events/receive/*"), *ROOT.glob("events/verify_request/*")]))
def test_invoke_takes_every_sample_event(quay: Quay, path: Path) -> None:
    """Their signature has expired long ago, which is what they show."""
    command = [str(Path(sys.executable).with_name("logferry")), "invoke", path.parent.name, "--event", str(path)]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=60, check=False,
                          env={**quay.environ, "KEY": SAMPLE_KEY})  # fmt: skip
    assert done.returncode == 0, done.stderr
    reply = json.loads(done.stdout)["reply"]
    said = json.loads(reply) if isinstance(reply, str) else reply
    assert said == {"isAuthorized": False} or said["statusCode"] == 403
    assert "expired" in done.stderr or "missing" in done.stderr
