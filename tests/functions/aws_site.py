"""An account for built functions: rows in a DynamoDB, dead letters in a bucket, a log store, a HEC receiver."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from tests.fakes.aws import ENVIRON
from tests.functions.place import KEY, Place

from logferry import registry
from logferry.state import dynamodb
from logferry_local.sinks import Place as SinkPlace
from logferry_local.sinks import hec

__all__ = ["LIMIT", "Site", "reset"]

LIMIT = 2000  # bytes of an event that the receiver takes; a larger one is refused for good


class Site:
    """Log store, table, bucket and receiver, with one task between them."""

    def __init__(self, place: Place, folder: Path, table: str, bucket: str) -> None:
        self.place, self.folder = place, folder
        self.out = folder / "received.jsonl"
        self.sink = hec.open_sink(SinkPlace(out=self.out), hec.Options(token="hec-token", max_event_bytes=LIMIT))
        region = "us-east-1"
        self.environ = {
            **ENVIRON, **KEY, "PATH": os.environ["PATH"], "SPLUNK_TOKEN": "hec-token", "AWS_DEFAULT_REGION": region,
            "LOGFERRY_STATE": f"dynamodb:rows?region={region}&endpoint={table}",
            "LOGFERRY_OBJECTS": f"s3:letters/deep?region={region}&endpoint={bucket}",
        }  # fmt: skip
        with pytest.MonkeyPatch.context() as environ:
            for name, value in ENVIRON.items():
                environ.setenv(name, value)
            found = registry.locate("state", self.environ["LOGFERRY_STATE"])
            dynamodb.create_table(found.location, found.options)
        requests.put(f"{bucket}/letters", timeout=10).raise_for_status()

    def run(self, *words: object) -> "subprocess.CompletedProcess[str]":
        """A command of the checkout, as a person types it."""
        command = [sys.executable, "-c", "from logferry_local.cli import main; main()", *map(str, words)]
        return subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=120, check=False)

    def apply(self) -> None:
        """The task, from the beginning of each shard."""
        source = {"endpoint": self.place.address, "project": "waf-demo", "logstore": "waf-logstore"}
        to = {"splunk_hec": {"url": self.sink.address, "token": "secret://env/SPLUNK_TOKEN"}}
        document = {"task": "waf-to-splunk", "source": {"sls": source}, "start": "begin", "destination": to}
        path = self.folder / "task.json"
        path.write_text(json.dumps(document))
        done = self.run("task", "apply", path)
        assert done.returncode == 0, done.stderr

    def doorbell(self, shard: int) -> bytes:
        """What the trigger says."""
        cursor = self.place.logstore.get_cursor
        source = {
            "endpoint": self.place.address, "projectName": "waf-demo", "logstoreName": "waf-logstore", "shardId": shard,
            "beginCursor": cursor(str(shard), "begin"), "endCursor": cursor(str(shard), "end"),
        }  # fmt: skip
        return json.dumps({"parameter": {}, "source": source, "jobName": "0" * 40, "taskId": "t"}).encode()

    def received(self) -> list[str]:
        """What the receiver acknowledged."""
        lines = self.out.read_text().splitlines() if self.out.exists() else []
        return sorted(json.loads(line)["event"]["name"] for line in lines)


def reset(server: str, moto: str) -> None:
    """Empty: moto as a whole, DynamoDB Local of its one table."""
    if server == moto:
        requests.post(f"{server}/moto-api/reset", timeout=10).raise_for_status()
        return
    headers = {
        "X-Amz-Target": "DynamoDB_20120810.DeleteTable", "Content-Type": "application/x-amz-json-1.0",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={ENVIRON['AWS_ACCESS_KEY_ID']}/20260101/us-east-1/dynamodb/"
        "aws4_request, SignedHeaders=host, Signature=0",
    }  # fmt: skip
    requests.post(server, json={"TableName": "rows"}, headers=headers, timeout=10).raise_for_status()
