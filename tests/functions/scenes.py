"""What happens to each function of a stack, on all of its ways: good days, refusals, outages, holds, repeats."""

import base64
import gzip
import json
import time
from pathlib import Path
from typing import Any

from tests.fakes.receiving import PATH, signature
from tests.functions.rehearsal import Rehearsal
from tests.functions.stack import ACCOUNT, REGION

from logferry import wiring

__all__ = ["SCENES"]

EVENTS = Path(__file__).parents[2] / "events"
TIMER = json.loads((EVENTS / "sweep/schedule.aws.json").read_text())
BIG = "x" * 3000  # more than the receiver takes: refused for good
HOUR = 3600


def prove_ownership(made: Rehearsal) -> None:
    """A task, one that waits for its proof, one that is sent its logs; one with mistakes, one that is gone."""

    def put(key: str, task: dict[str, Any]) -> dict[str, Any]:
        reply: dict[str, Any] = made.call("prove_ownership", made.task_file(key, task)).reply
        return reply

    archive = {"bucket": "archive", "region": REGION, "endpoint": made.proxy, "addressing": "path", "path": "waf"}
    posted = {"received": {"path": PATH, "keys": ["secret://env/ESA_PRIVATE_KEY"]}}
    assert put("waf.yaml", made.task("waf-to-splunk", sls={"retention": "1h"}))["errors"] == {}
    assert put("waf.yaml", made.task("waf-to-splunk", sls={"retention": "1h"}, max_lag="2h"))["errors"] == {}
    assert put("posts.json", made.task("posts", source=posted))["errors"] == {}
    pending = put("archive.yml", made.task("waf-to-archive", destination={"s3": archive}))
    assert pending["applied"]["waf-to-archive"]["state"] == "pending", pending
    assert put("wrong.yaml", {"task": 5})["errors"]
    gone = made.put_event(made.bucket("TaskFiles"), "gone.yaml")
    assert made.call("prove_ownership", gone).reply["ignored"] == ["gone.yaml"]
    hold(made, "waf-to-splunk")  # what was wrong may be put right by a change of the file
    assert put("waf.yaml", made.task("waf-to-splunk", sls={"retention": "1h"}, max_lag="3h"))["errors"] == {}
    more = posted["received"] | {"path": "/logs/archive"}
    put("more.json", made.task("posts-to-archive", source={"received": more}, destination={"s3": archive}))
    for name in ("waf-to-archive", "posts-to-archive"):
        made.prove(name)
    sources: dict[str, dict[str, Any]] = {
        "own-objects": {"objects": {"bucket": where(made, made.bucket("LogObjects"))}},
        "their-objects": {"objects": {"bucket": where(made, "their-logs")}},
        "stream": {"kinesis": {"stream": "logs"}}, "queue": {"sqs": {"queue": "logs"}},
        "group": {"cloudwatch": {"log_group": "/their/logs"}},
    }  # fmt: skip
    for name, source in sources.items():
        assert put(f"{name}.json", made.task(name, source=source))["errors"] == {}


def forward(made: Rehearsal) -> None:
    """The doorbell of a shard, by hand; objects, there and gone; what comes in an event."""
    moving(made, "forward", lambda: made.doorbell(0))
    for bucket in (made.bucket("LogObjects"), "their-logs"):
        assert made.call("forward", put_object(made, bucket, "one.json", "a", BIG)).ok
        gone = put_object(made, bucket, "gone.json")
        gone["detail"]["object"]["key"] = "nothing.json"
        made.call("forward", gone)
        with made.receiver_is_busy():  # what is left is for the sweep
            for key in ("two.json", "dropped.json"):
                made.call("forward", put_object(made, bucket, key, "b"), 6)
            made.drop(bucket, "dropped.json")
    for event in (stream_event("c", BIG), queue_event("d", BIG)):
        assert made.call("forward", event).reply == {"batchItemFailures": []}
    assert made.call("forward", group_event("e", BIG)).ok


def sweep(made: Rehearsal) -> None:
    """The timer."""
    made.call("sweep", TIMER)
    moving(made, "sweep", lambda: TIMER)


def moving(made: Rehearsal, name: str, event: Any) -> None:  # noqa: ANN401  # a maker of events
    """Delivered, parked, held and let go, spilled in an outage and delivered after all."""
    made.put_logs("one", BIG)
    assert made.call(name, event()).ok
    hold(made, "waf-to-splunk")
    made.put_logs("two")
    assert made.call(name, event()).ok
    made.put_logs("three")
    with made.receiver_is_busy():
        made.call(name, event(), 6)
    assert made.call(name, event()).ok
    assert "mistake in logferry" not in made.log(name)


def replay(made: Rehearsal) -> None:
    """Letters that are refused again, by the timer and by hand; then ones that are taken."""
    assert made.call("replay", json.loads((EVENTS / "replay/schedule.aws.json").read_text())).ok
    reply = made.call("replay", {"task": "waf-to-splunk", "to": "waf-to-archive"})
    assert reply.reply["tasks"]["waf-to-splunk"]["delivered"] > 0, reply


def receive(made: Rehearsal) -> None:
    """A post that is delivered, one with a record to park, one after a hold, one that nobody signed."""

    def post(query: str, *names: str, path: str = PATH) -> int:
        event = json.loads((EVENTS / "receive/signed.aws.json").read_text())
        event["requestContext"]["http"]["path"] = event["rawPath"] = path
        body = "\n".join(json.dumps({"name": name}) for name in names)
        packed = base64.b64encode(gzip.compress(body.encode())).decode()
        reply = made.call("receive", event | {"rawQueryString": query, "body": packed})
        return int(reply.reply["statusCode"])

    assert post(signature(), "a", "b") == 200
    assert post(signature(), "c", BIG) == 200
    hold(made, "posts")
    assert post(signature(), "d") == 200
    assert post(signature(), BIG, "d") == 200
    assert post("", "e") == 403
    assert post(signature("/logs/archive"), "g", path="/logs/archive") == 200
    with made.receiver_is_busy():
        assert post(signature(), "f") == 503


def verify_request(made: Rehearsal) -> None:
    """A signature that is good, and one that is not."""
    event = json.loads((EVENTS / "verify_request/authoriser.aws.json").read_text())
    for query, good in ((signature(event["rawPath"]), True), (signature("/other"), False)):
        assert made.call("verify_request", event | {"rawQueryString": query}).reply == {"isAuthorized": good}


def where(made: Rehearsal, bucket: str) -> str:
    """A bucket as a task names it."""
    return f"s3:{bucket}?region={REGION}&endpoint={made.proxy}"


def put_object(made: Rehearsal, bucket: str, key: str, *names: str) -> dict[str, Any]:
    """Put logs as an object; what EventBridge then tells."""
    made.put(bucket, key, lines(*names))
    event: dict[str, Any] = json.loads((EVENTS / "forward/object_created_bus.aws.json").read_text())
    event["detail"]["bucket"]["name"] = bucket
    event["detail"]["object"] = {"key": key, "size": 100}
    return event


def lines(*names: str) -> bytes:
    """Logs as text."""
    return "".join(json.dumps({"name": name}) + "\n" for name in names).encode()


def stream_event(*names: str) -> dict[str, Any]:
    """A batch of a Kinesis stream."""
    arn = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/logs"
    about = {"partitionKey": "1", "sequenceNumber": "4955", "approximateArrivalTimestamp": time.time()}
    record = {
        "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventID": "shardId-000000000000:4955",
        "eventName": "aws:kinesis:record", "eventSourceARN": arn, "awsRegion": REGION,
        "kinesis": {**about, "kinesisSchemaVersion": "1.0", "data": base64.b64encode(lines(*names)).decode()},
    }  # fmt: skip
    return {"Records": [record]}


def queue_event(*names: str) -> dict[str, Any]:
    """A batch of a queue."""
    sent = {"ApproximateReceiveCount": "1", "SentTimestamp": str(int(time.time() * 1000))}
    message = {
        "messageId": "m-1", "receiptHandle": "h", "body": lines(*names).decode(), "attributes": sent,
        "messageAttributes": {}, "md5OfBody": "0" * 32, "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:logs", "awsRegion": REGION,
    }  # fmt: skip
    return {"Records": [message]}


def group_event(*names: str) -> dict[str, Any]:
    """What CloudWatch Logs sends."""
    now = int(time.time() * 1000)
    events = [
        {"id": f"{at:056}", "timestamp": now, "message": line.decode()}
        for at, line in enumerate(lines(*names).splitlines())
    ]
    told = {
        "messageType": "DATA_MESSAGE", "owner": ACCOUNT, "logGroup": "/their/logs", "logStream": "s",
        "subscriptionFilters": ["f"], "logEvents": events,
    }  # fmt: skip
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(told).encode())).decode()}}


def hold(made: Rehearsal, task: str) -> None:
    """As if the destination had refused the token an hour ago: the next call tries it, and lets it go."""
    wiring.workshop(made.environ).holds.hold(task, "HTTP 401", time.time() - HOUR)


SCENES = (prove_ownership, forward, sweep, replay, receive, verify_request)
