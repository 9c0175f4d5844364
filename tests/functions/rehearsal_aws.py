"""The stack of `template.yaml`: the built functions under Lambda's contract, moto for everything of AWS."""

import base64
import gzip
import importlib.util
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests
from tests.fakes import aws_calls
from tests.fakes.aws import ENVIRON, aws_server
from tests.fakes.receiving import KEY as SENDERS_KEY
from tests.fakes.recorder import recorded
from tests.functions.conftest import Mounted
from tests.functions.place import KEY
from tests.functions.rehearsal import LEASE, TOKEN, Rehearsal, make_buckets
from tests.functions.stack import ACCOUNT, REGION, Stack

from logferry import registry, wiring
from logferry.state import dynamodb
from logferry_local.platforms import Function

__all__ = ["rehearsing"]

# What Lambda's runtime brings beside the standard library.
_RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six")


class OnAws(Rehearsal):
    """A stack."""

    contract = "aws"
    task_bucket = f"logferry-tasks-{ACCOUNT}"
    log_buckets = (f"logferry-logs-{ACCOUNT}", "their-logs")
    taken = ({"kinesis": {"stream": "logs"}}, {"sqs": {"queue": "logs"}}, {"cloudwatch": {"log_group": "/their/logs"}})

    def __init__(self, folder: Path, things: ExitStack, mounted: Mounted, stack: Stack) -> None:
        super().__init__(folder, things, things.enter_context(aws_server()))
        self._mounted = mounted
        names = aws_calls.names(REGION, ACCOUNT)
        self.proxy = things.enter_context(recorded(self.s3, names, self.recorder))
        settings = stack.environment() | LEASE
        for name in ("LOGFERRY_STATE", "LOGFERRY_OBJECTS", "LOGFERRY_TASKS"):
            settings[name] += f"&endpoint={self.proxy}"
        self.environ |= settings | ENVIRON
        self.environ |= {"AWS_REGION": REGION, "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.proxy}

    def function(self, name: str, seconds: float) -> Function:
        """From its zips, with what the runtime brings."""
        made = self._mounted.function(name, timeout=seconds)
        return replace(made, layers=(*made.layers, self.folder / "runtime")) if made.layers else made

    def bucket(self, name: str) -> str:
        """By way of the proxy."""
        return f"s3:{name}?region={REGION}&endpoint={self.proxy}"

    def archive(self) -> Mapping[str, Any]:
        """The bucket of DestinationBucketName."""
        options = {"bucket": "archive", "region": REGION, "endpoint": self.proxy, "addressing": "path", "path": "waf"}
        return {"s3": options}

    def put_event(self, bucket: str, key: str) -> Mapping[str, Any]:
        """S3's own, or EventBridge's for a bucket that is not the stack's."""
        if bucket == "their-logs":
            event = self.sample("forward/object_created_bus")
            event["detail"] |= {"bucket": {"name": bucket}, "object": {"key": key, "size": 10}}
            return event
        about = {"bucket": {"name": bucket}, "object": {"key": key, "size": 10}}
        return {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": about}]}

    def post(self, query: str, path: str, body: bytes) -> Mapping[str, Any]:
        """By the HTTP API, packed."""
        event = self.sample("receive/signed")
        event["requestContext"]["http"]["path"] = event["rawPath"] = path
        return event | {"rawQueryString": query, "body": base64.b64encode(gzip.compress(body)).decode()}

    def verdict(self, query: str) -> bool:
        """As an authoriser."""
        event = self.sample("verify_request/authoriser")
        reply = self.call("verify_request", event | {"rawQueryString": query}).reply
        return bool(reply["isAuthorized"])

    def events(self, *names: str) -> list[Mapping[str, Any]]:
        """A batch of the stream, one of the queue, one of the log group."""
        lines = [json.dumps({"name": name}) for name in names]
        return [_stream("\n".join(lines)), _queue("\n".join(lines)), _group(lines)]


@contextmanager
def rehearsing(folder: Path, mounted: Mounted, stack: Stack) -> Iterator[Rehearsal]:
    """The account with its stack, nothing called yet."""
    with ExitStack() as things:
        made = OnAws(folder, things, mounted, stack)
        (folder / "runtime").mkdir()
        for name in _RUNTIME:
            origin = Path(str(getattr(importlib.util.find_spec(name), "origin", None)))
            place = origin.parent if origin.name == "__init__.py" else origin
            (folder / "runtime" / place.name).symlink_to(place)
        place_ = registry.locate("state", f"dynamodb:StateTable?region={REGION}&endpoint={made.s3}")
        dynamodb.create_table(place_.location, place_.options)
        make_buckets(made.s3, "deadletters", "archive", made.task_bucket, *made.log_buckets)
        _make_secrets(made.s3)
        things.callback(wiring.dismiss)
        yield made


def _make_secrets(address: str) -> None:
    held: Mapping[str, Mapping[str, str]] = {
        "logferry": {**KEY, "SPLUNK_TOKEN": TOKEN},
        "logferry-senders": {"ESA_PRIVATE_KEY": SENDERS_KEY.reveal()},
    }
    scope = f"x/20260101/{REGION}/secretsmanager/aws4_request"
    headers = {
        "X-Amz-Target": "secretsmanager.CreateSecret", "Content-Type": "application/x-amz-json-1.1",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}",
    }  # fmt: skip
    for name, secret in held.items():
        asked = {"Name": name, "SecretString": json.dumps(secret), "ClientRequestToken": "x" * 32}
        requests.post(address, timeout=10, json=asked, headers=headers).raise_for_status()


def _stream(text: str) -> Mapping[str, Any]:
    about = {"partitionKey": "1", "sequenceNumber": "4955", "approximateArrivalTimestamp": time.time()}
    record = {
        "eventSource": "aws:kinesis", "eventID": "shardId-000000000000:4955", "eventName": "aws:kinesis:record",
        "eventSourceARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/logs", "awsRegion": REGION,
        "kinesis": {**about, "kinesisSchemaVersion": "1.0", "data": base64.b64encode(text.encode()).decode()},
    }  # fmt: skip
    return {"Records": [record]}


def _queue(text: str) -> Mapping[str, Any]:
    sent = {"ApproximateReceiveCount": "1", "SentTimestamp": str(int(time.time() * 1000))}
    message = {
        "messageId": "m-1", "receiptHandle": "h", "body": text, "attributes": sent, "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:logs", "awsRegion": REGION,
    }  # fmt: skip
    return {"Records": [message]}


def _group(lines: list[str]) -> Mapping[str, Any]:
    now = int(time.time() * 1000)
    events = [{"id": f"{at:056}", "timestamp": now, "message": line} for at, line in enumerate(lines)]
    told = {
        "messageType": "DATA_MESSAGE", "owner": ACCOUNT, "logGroup": "/their/logs", "logStream": "s",
        "subscriptionFilters": ["f"], "logEvents": events,
    }  # fmt: skip
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(told).encode())).decode()}}
