"""Kinesis, SQS and CloudWatch Logs as AWS hands them over (shapes and ids by moto), `forward` in a process of its own.

What stands between the services and the function, the poller, is played here: it reads, calls, and obeys the answer.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.fakes.aws import ENVIRON, aws_server

from logferry import task as tasks
from logferry import wiring
from logferry.model import Counts
from logferry_local.platforms import Function
from logferry_local.platforms.instance import Instance
from logferry_local.sinks import Place, Sink, hec

ROOT = Path(__file__).parents[2]
LOGFERRY = str(Path(sys.executable).with_name("logferry"))
ACCOUNT = "123456789012"
MORTAL = """from logferry import calls, runtime
from tests.fakes.mortal import armed

handler = runtime.entry(armed(calls.forward))
initialize = runtime.initializer()
"""


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """One server for all; each test has queues and streams of its own."""
    with aws_server() as url:
        yield url


def client(name: str, url: str) -> Any:  # noqa: ANN401  # boto3 makes its classes at run time
    """A client of moto."""
    return boto3.client(
        name, endpoint_url=url, region_name="eu-west-1", aws_access_key_id=ENVIRON["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ENVIRON["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip


@dataclass
class Harbour:
    """State on disk, a HEC receiver, and a `forward` that may be killed."""

    folder: Path
    environ: dict[str, str]
    sink: Sink

    def apply(self, name: str, kind: str, url: str = "", **options: Any) -> None:  # noqa: ANN401  # of the source
        """Put a task to work; by default it delivers to the sink."""
        to = {"splunk_hec": {"url": url or self.sink.address, "token": "secret://env/TOKEN", "ack": False}}
        made = tasks.load({"task": name, "source": {kind: options}, "destination": to})
        wiring.workshop(self.environ).tasks.apply(made)

    @contextmanager
    def forward(self, timeout: int = 20, **environ: str) -> Iterator[Instance]:
        """A warm instance."""
        code = ROOT / "functions/forward"
        if environ:
            code = self.folder / "mortal"
            shutil.copytree(ROOT / "functions/forward", code)
            (code / "app.py").write_text(MORTAL)
        instance = Instance(Function(name="forward", code=code, timeout=timeout), "aws", {**self.environ, **environ})
        try:
            yield instance
        finally:
            instance.close()

    def ids(self) -> list[int]:
        """What arrived."""
        out = self.folder / "hec.ndjson"
        lines = out.read_text().splitlines() if out.exists() else []
        return [json.loads(line)["event"]["id"] for line in lines]

    def counts(self, name: str) -> Counts:
        """What the ledger says."""
        return sum((row.counts for row in wiring.workshop(self.environ).ledger.rows(name)), Counts())

    def run(self, *words: str, code: int = 0) -> str:
        """A command."""
        done = subprocess.run([LOGFERRY, *words], capture_output=True, text=True, timeout=60, check=False,
                              env=self.environ, cwd=self.folder)  # fmt: skip
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr


@pytest.fixture
def harbour(tmp_path: Path) -> Iterator[Harbour]:
    """No task yet."""
    sink = hec.open_sink(Place(tmp_path / "hec.ndjson"), hec.Options(token="t"))
    environ = {
        "LOGFERRY_STATE": f"sqlite:{tmp_path}/state.db", "LOGFERRY_OBJECTS": f"folder:{tmp_path}/objects", "TOKEN": "t",
        "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LOGFERRY_LEASE_SECONDS": "1",
    }  # fmt: skip
    try:
        yield Harbour(tmp_path, environ, sink)
    finally:
        wiring.dismiss()
        sink.close()


def failed(instance: Instance, event: object) -> list[str]:
    """What one call says is not settled; everything, if it died."""
    result = instance.invoke(json.dumps(event).encode(), "r-1")
    records = event["Records"] if isinstance(event, dict) else []
    if not result.ok:
        return [record.get("messageId") or record["kinesis"]["sequenceNumber"] for record in records]
    assert isinstance(result.reply, dict)
    return [one["itemIdentifier"] for one in result.reply["batchItemFailures"]]


def of_queue(messages: Sequence[dict[str, Any]], arn: str) -> dict[str, Any]:
    """As Lambda's poller writes what `ReceiveMessage` gave it."""
    names = {"MessageId": "messageId", "ReceiptHandle": "receiptHandle", "Body": "body", "Attributes": "attributes",
             "MD5OfBody": "md5OfBody"}  # fmt: skip
    more = {"messageAttributes": {}, "eventSource": "aws:sqs", "eventSourceARN": arn, "awsRegion": "eu-west-1"}
    return {"Records": [{new: one[old] for old, new in names.items()} | more for one in messages]}


def poll_queue(sqs: Any, url: str, instance: Instance) -> int:  # noqa: ANN401  # a client
    """Until the queue is empty; what the answer does not name is deleted. How many calls it took."""
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for call in range(60):
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], VisibilityTimeout=0)
        messages = {one["MessageId"]: one for one in got.get("Messages", [])}
        if not messages:
            return call
        kept = failed(instance, of_queue(list(messages.values()), arn))
        if kept:
            time.sleep(0.1)
        for name, one in messages.items():
            if name not in kept:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    raise AssertionError("the queue was never empty")


def poll_shards(kinesis: Any, stream: str, instance: Instance) -> None:  # noqa: ANN401  # a client
    """Each shard from its begin, five records a call, again from the one that the answer names."""
    about = kinesis.describe_stream(StreamName=stream)["StreamDescription"]
    for shard in about["Shards"]:
        place: dict[str, str] = {"ShardIteratorType": "TRIM_HORIZON"}
        for _call in range(60):
            at = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard["ShardId"], **place)["ShardIterator"]
            records = kinesis.get_records(ShardIterator=at, Limit=5)["Records"]
            if not records:
                break
            kept = failed(instance, of_shard(records, shard["ShardId"], about["StreamARN"]))
            if kept:
                time.sleep(0.1)  # as a poller waits: who was killed holds the shard until the lease ends
            kind, name = ("AT", kept[0]) if kept else ("AFTER", records[-1]["SequenceNumber"])
            place = {"ShardIteratorType": f"{kind}_SEQUENCE_NUMBER", "StartingSequenceNumber": name}
        else:
            raise AssertionError("the shard was never read to its end")


def of_shard(records: Sequence[dict[str, Any]], shard: str, arn: str) -> dict[str, Any]:
    """As Lambda's poller writes what `GetRecords` gave it."""

    def record(one: dict[str, Any]) -> dict[str, Any]:
        inner = {
            "kinesisSchemaVersion": "1.0", "partitionKey": one["PartitionKey"], "sequenceNumber": one["SequenceNumber"],
            "data": base64.b64encode(one["Data"]).decode(),
            "approximateArrivalTimestamp": one["ApproximateArrivalTimestamp"].timestamp(),
        }  # fmt: skip
        return {"kinesis": inner, "eventSource": "aws:kinesis", "eventID": f"{shard}:{one['SequenceNumber']}",
                "eventSourceARN": arn, "awsRegion": "eu-west-1"}  # fmt: skip

    return {"Records": [record(one) for one in records]}


def filled_queue(aws: str, name: str, count: int) -> tuple[Any, str]:
    """A queue with messages of two logs each."""
    sqs = client("sqs", aws)
    url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
    for number in range(count):
        body = "\n".join(json.dumps({"id": id_}) for id_ in (2 * number, 2 * number + 1))
        sqs.send_message(QueueUrl=url, MessageBody=body)
    return sqs, url


def test_every_message_of_a_queue_arrives_once(aws: str, harbour: Harbour) -> None:
    """And the ledger says so."""
    sqs, url = filled_queue(aws, "plain", 23)
    harbour.apply("one", "sqs", queue="plain")
    with harbour.forward() as instance:
        poll_queue(sqs, url, instance)
    assert sorted(harbour.ids()) == list(range(46))
    assert harbour.counts("one") == Counts(read=46, delivered=46)
    harbour.run("ledger", "one", "--verify")


@pytest.mark.parametrize(("step", "count"), [("sent", 1), ("saved", 2), ("saving", 2), ("answering", 1)])
def test_a_kill_loses_no_message_and_foretells_a_repeat(aws: str, harbour: Harbour, step: str, count: int) -> None:
    """SIGKILL after a send, around the save, and before the answer."""
    sqs, url = filled_queue(aws, f"kill-{step}", 12)
    harbour.apply("one", "sqs", queue=f"kill-{step}")
    mark = harbour.folder / "died"
    with harbour.forward(MORTAL_STEP=step, MORTAL_COUNT=str(count), MORTAL_MARK=str(mark)) as instance:
        poll_queue(sqs, url, instance)
    assert mark.exists()
    found = harbour.ids()
    assert set(found) == set(range(24))
    assert len(found) - 24 <= harbour.counts("one").maybe_repeated
    harbour.run("ledger", "one", "--verify")


@pytest.mark.parametrize(("step", "count"), [("sent", 1), ("saved", 2), ("answering", 1)])
def test_a_kill_loses_no_record_of_a_shard(aws: str, harbour: Harbour, step: str, count: int) -> None:
    """After a save, what comes again is skipped; before it, it may be a repeat. Two shards, each in order."""
    kinesis = client("kinesis", aws)
    kinesis.create_stream(StreamName=f"kill-{step}", ShardCount=2)
    for number in range(30):
        data = json.dumps({"id": number}).encode()
        kinesis.put_record(StreamName=f"kill-{step}", Data=data, PartitionKey=str(number))
    harbour.apply("one", "kinesis", stream=f"kill-{step}")
    mark = harbour.folder / "died"
    with harbour.forward(MORTAL_STEP=step, MORTAL_COUNT=str(count), MORTAL_MARK=str(mark)) as instance:
        poll_shards(kinesis, f"kill-{step}", instance)
    assert mark.exists()
    found, counts = harbour.ids(), harbour.counts("one")
    assert set(found) == set(range(30))
    assert (counts.read, counts.delivered) == (30, 30)
    assert len(found) - 30 <= counts.maybe_repeated
    assert len(wiring.workshop(harbour.environ).ledger.rows("one")) == 2
    harbour.run("ledger", "one", "--verify")


def test_a_dead_destination_beside_a_live_one(aws: str, harbour: Harbour) -> None:
    """The live one has all at once; the dead one's records are spilled, and a sweep delivers each of them."""
    kinesis = client("kinesis", aws)
    kinesis.create_stream(StreamName="shared", ShardCount=1)
    for number in range(12):
        kinesis.put_record(StreamName="shared", Data=json.dumps({"id": number}).encode(), PartitionKey="p")
    harbour.apply("live", "kinesis", stream="shared")
    harbour.apply("dead", "kinesis", url="http://127.0.0.1:1", stream="shared")
    with harbour.forward() as instance:
        poll_shards(kinesis, "shared", instance)
    assert harbour.ids() == list(range(12))
    lines = json.loads(harbour.run("ledger", "dead", "--json"))
    assert lines["tasks"][0]["streams"][0]["spilled"]
    harbour.run("status", "dead", "--json", code=0)
    harbour.apply("dead", "kinesis", stream="shared")
    wiring.dismiss()
    harbour.run("task", "resume", "dead")
    harbour.run("invoke", "sweep", "--event", str(ROOT / "events/sweep/schedule.aws.json"), "--cloud", "aws")
    assert sorted(harbour.ids()[12:]) == list(range(12))  # four payloads at once: whichever comes first
    counts = harbour.counts("dead")
    assert (counts.read, counts.delivered) == (12, 12)
    harbour.run("ledger", "dead", "--verify")


def test_log_events_arrive_by_a_subscription_straight_and_through_kinesis(aws: str, harbour: Harbour) -> None:
    """The very bytes that moto's CloudWatch Logs sends."""
    logs, kinesis = client("logs", aws), client("kinesis", aws)
    kinesis.create_stream(StreamName="logs", ShardCount=1)
    arn = kinesis.describe_stream(StreamName="logs")["StreamDescription"]["StreamARN"]
    role = f"arn:aws:iam::{ACCOUNT}:role/logs"
    logs.create_log_group(logGroupName="/app/web")
    logs.create_log_stream(logGroupName="/app/web", logStreamName="s")
    logs.put_subscription_filter(
        logGroupName="/app/web", filterName="f", filterPattern="", destinationArn=arn, roleArn=role
    )
    now = int(time.time() * 1000)
    events = [{"timestamp": now + number, "message": json.dumps({"id": number})} for number in range(7)]
    logs.put_log_events(logGroupName="/app/web", logStreamName="s", logEvents=events)
    harbour.apply("through", "kinesis", stream="logs", format="cloudwatch")
    harbour.apply("straight", "cloudwatch", log_group="/app/web")
    at = kinesis.get_shard_iterator(StreamName="logs", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")
    sent = kinesis.get_records(ShardIterator=at["ShardIterator"])["Records"]
    with harbour.forward() as instance:
        poll_shards(kinesis, "logs", instance)
        assert harbour.ids() == list(range(7))
        for record in [*sent, *sent]:
            event = {"awslogs": {"data": base64.b64encode(record["Data"]).decode()}}
            assert instance.invoke(json.dumps(event).encode(), "r-2").ok
    assert harbour.ids() == list(range(7)) * 2
    assert harbour.counts("straight") == Counts(read=7, delivered=7)


def test_commands_say_what_such_a_task_is(harbour: Harbour) -> None:
    """Nothing can be read again, so there is nothing to go back to."""
    harbour.apply("one", "sqs", queue="logs")
    assert "nothing that could be read again" in harbour.run("task", "seek", "one", "--to", "begin", code=2)
    window = ("--from", "2026-01-01T00:00:00Z", "--to", "2026-01-02T00:00:00Z")
    assert "cannot be read again" in harbour.run("backfill", "one", *window, code=2)
    assert "one" in harbour.run("status")
    harbour.run("ledger", "one", "--verify")


@pytest.mark.parametrize(("name", "kind", "options"), [
    ("kinesis", "kinesis", {"stream": "edge-logs"}), ("sqs", "sqs", {"queue": "app-audit"}),
    ("cloudwatch", "cloudwatch", {"log_group": "/app/*"}),
])  # fmt: skip
def test_a_sample_event_is_delivered(harbour: Harbour, name: str, kind: str, options: dict[str, str]) -> None:
    """As the pages show it."""
    harbour.apply("one", kind, **options)
    words = ("invoke", "forward", "--event", str(ROOT / f"events/forward/{name}.aws.json"), "--cloud", "aws")
    harbour.run(*words)
    harbour.run(*words)
    assert harbour.counts("one").delivered == {"kinesis": 2, "sqs": 3, "cloudwatch": 2}[kind]
