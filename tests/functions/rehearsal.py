"""A stack of `template.yaml` on this machine: built functions, moto for AWS, the embedded log store, a HEC receiver.

Everything a function calls goes through the recording proxy, under the function's name.
"""

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import requests
from tests.fakes.aws import ENVIRON, aws_server
from tests.fakes.aws_calls import Calls, recorded
from tests.fakes.receiving import KEY as SENDERS_KEY
from tests.functions.conftest import Mounted
from tests.functions.place import KEY, Place, furnished
from tests.functions.stack import ACCOUNT, REGION, Stack

from logferry import objects, registry, wiring
from logferry.state import dynamodb
from logferry_local.platforms import Result
from logferry_local.platforms.instance import Instance
from logferry_local.sinks import Place as SinkPlace
from logferry_local.sinks import hec

__all__ = ["Rehearsal", "rehearsing"]

# What Lambda's runtime brings beside the standard library.
_RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six")
_LIMIT = 2000  # bytes of an event that the receiver takes: larger ones are refused for good
RECEIVER_TOKEN = "hec-token"


@dataclass
class Rehearsal:
    """What one test module needs."""

    stack: Stack
    place: Place
    folder: Path
    mounted: Mounted
    aws: str  # moto itself, for what a person does
    proxy: str  # for what functions do
    calls: Calls
    things: ExitStack  # closed with it
    hec: str = ""
    environ: dict[str, str] = field(default_factory=dict)
    _instances: dict[tuple[str, float], Instance] = field(default_factory=dict)

    def call(self, name: str, event: object, seconds: float = 30) -> Result:
        """One call of a function as it would be deployed; its instance stays warm."""
        if (name, seconds) not in self._instances:
            self._instances[name, seconds] = self._instance(name, seconds)
        self.calls.by = name
        try:
            return self._instances[name, seconds].invoke(json.dumps(event).encode(), "r-1")
        finally:
            self.calls.by = "nobody"

    def _instance(self, name: str, seconds: float) -> Instance:
        function = self.mounted.function(name, timeout=seconds)
        if function.layers:
            function = replace(function, layers=(*function.layers, self.folder / "runtime"))
        log = self.things.enter_context((self.folder / f"{name}.log").open("ab"))
        instance = Instance(function, "aws", self.environ, log.fileno())
        self.things.callback(instance.close)
        return instance

    def log(self, name: str) -> str:
        """What a function wrote."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Put an object into a bucket of the account."""
        objects.open_store(f"s3:{bucket}?region={REGION}&endpoint={self.aws}").put(key, body)

    def drop(self, bucket: str, key: str) -> None:
        """Delete it."""
        objects.open_store(f"s3:{bucket}?region={REGION}&endpoint={self.aws}").delete(key)

    def task_file(self, key: str, document: object) -> dict[str, Any]:
        """Put a task file; the event that S3 then sends."""
        self.put(self.bucket("TaskFiles"), key, json.dumps(document).encode())
        return self.put_event(self.bucket("TaskFiles"), key)

    def put_event(self, bucket: str, key: str) -> dict[str, Any]:
        """What S3 sends."""
        about = {"bucket": {"name": bucket}, "object": {"key": key, "size": 10}}
        return {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": about}]}

    def bucket(self, resource: str) -> str:
        """The name of a bucket of the stack."""
        made = self.stack.resources("AWS::S3::Bucket")[resource]
        return str(made.get("BucketName", resource.lower()))

    def task(self, name: str, **parts: Any) -> dict[str, Any]:  # noqa: ANN401  # parts of a task
        """A task from the log store to the receiver."""
        source = {"endpoint": self.place.address, "project": "waf-demo", "logstore": "waf-logstore"}
        source |= parts.pop("sls", {})
        to = {"splunk_hec": {"url": self.hec, "token": "secret://env/SPLUNK_TOKEN"}}
        return {"task": name, "source": {"sls": source}, "start": "begin", "destination": to, **parts}

    def put_logs(self, *names: str) -> None:
        """One log group into the first shard, received almost an hour ago: a task with a retention of 1h must hurry."""
        self.place.now = time.time() - 0.95 * 3600
        self.place.put(0, *names)
        self.place.now = 0.0

    def prove(self, name: str) -> None:
        """A person tells the token of a task that waits: it is on line then."""
        program = "from logferry_local.cli import main; main()"
        command = [sys.executable, "-c", program, "task", "verify", name, "--auto"]
        subprocess.run(command, env=self.environ, check=True, capture_output=True, timeout=60)

    def doorbell(self, shard: int) -> dict[str, Any]:
        """The event of an SLS trigger, by hand: everything of a shard."""
        cursor = self.place.logstore.get_cursor
        source = {
            "endpoint": self.place.address, "projectName": "waf-demo", "logstoreName": "waf-logstore", "shardId": shard,
            "beginCursor": cursor(str(shard), "begin"), "endCursor": cursor(str(shard), "end"),
        }  # fmt: skip
        return {"parameter": {}, "source": source, "jobName": "0" * 40, "taskId": "t"}

    @contextmanager
    def receiver_is_busy(self) -> Iterator[None]:
        """Nothing is taken meanwhile; afterwards no stream rests any more."""
        mark = self.folder / "busy"
        mark.touch()
        try:
            yield
        finally:
            mark.unlink()
            self.rested()

    def rested(self) -> None:
        """As if the pause after a failure had passed."""
        ledger = wiring.workshop(self.environ).ledger
        for stored in wiring.workshop(self.environ).tasks.all():
            for row in ledger.rows(stored.name):
                change = lambda old: msgspec.structs.replace(old, retry_at=0)  # noqa: E731  # one line
                ledger.edit(stored.name, row.stream, change, now=time.time())


@contextmanager
def rehearsing(folder: Path, mounted: Mounted, stack: Stack) -> Iterator[Rehearsal]:
    """The account with its stack, nothing called yet."""
    with ExitStack() as things:
        aws = things.enter_context(aws_server())
        proxy, calls = things.enter_context(recorded(aws, REGION, ACCOUNT))
        place = things.enter_context(furnished(folder / "store"))
        made = Rehearsal(stack, place, folder, mounted, aws, proxy, calls, things)
        _runtime(folder / "runtime")
        made.environ = _environ(stack, proxy)
        _account(made)
        options = hec.Options(token=RECEIVER_TOKEN, max_event_bytes=_LIMIT, busy_while=str(folder / "busy"))
        sink = hec.open_sink(SinkPlace(out=folder / "received.jsonl"), options)
        things.callback(sink.close)
        made.hec = sink.address
        things.callback(wiring.dismiss)
        yield made


def _runtime(folder: Path) -> None:
    folder.mkdir()
    for name in _RUNTIME:
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.origin is not None
        origin = Path(found.origin)
        place = origin.parent if origin.name == "__init__.py" else origin
        (folder / place.name).symlink_to(place)


def _environ(stack: Stack, address: str) -> dict[str, str]:
    """The template's own, with addresses on this machine, and what Lambda adds."""
    found = stack.environment()
    for name in ("LOGFERRY_STATE", "LOGFERRY_OBJECTS", "LOGFERRY_TASKS"):
        found[name] += f"&endpoint={address}"
    return {
        **found, **ENVIRON, "AWS_REGION": REGION, "AWS_ENDPOINT_URL_SECRETS_MANAGER": address,
        "PATH": os.environ["PATH"],
    }  # fmt: skip


def _account(made: Rehearsal) -> None:
    """Table, buckets and secrets, as CloudFormation and a person make them."""
    place = registry.locate("state", f"dynamodb:StateTable?region={REGION}&endpoint={made.aws}")
    dynamodb.create_table(place.location, place.options)
    names = {str(it["BucketName"]) for it in made.stack.resources("AWS::S3::Bucket").values() if "BucketName" in it}
    names |= {"deadletters", made.stack.parameters["DestinationBucketName"], made.stack.parameters["LogBucketName"]}
    inside = f"<LocationConstraint>{REGION}</LocationConstraint>"
    for name in names - {""}:
        body = f"<CreateBucketConfiguration>{inside}</CreateBucketConfiguration>"
        requests.put(f"{made.aws}/{name}", data=body, timeout=10).raise_for_status()
    held: Mapping[str, Mapping[str, str]] = {
        "logferry": {**KEY, "SPLUNK_TOKEN": RECEIVER_TOKEN},
        "logferry-senders": {"ESA_PRIVATE_KEY": SENDERS_KEY.reveal()},
    }
    scope = f"x/20260101/{REGION}/secretsmanager/aws4_request"
    headers = {
        "X-Amz-Target": "secretsmanager.CreateSecret", "Content-Type": "application/x-amz-json-1.1",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}",
    }  # fmt: skip
    for name, secret in held.items():
        asked = {"Name": name, "SecretString": json.dumps(secret), "ClientRequestToken": "x" * 32}
        requests.post(made.aws, timeout=10, json=asked, headers=headers).raise_for_status()
