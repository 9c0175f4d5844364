"""What a trigger hands over, in the platform's shapes; the same event has the same ids each time.

Source: Function Compute documentation, "Formats of event" of the Log Service, OSS and time triggers.
"""

import uuid
from datetime import UTC, datetime

from logferry.objects import folder
from logferry_local.trigger_runner import LogTrigger, PutTrigger, TimerTrigger
from logferry_local.trigger_runner.puts import Seen
from logferry_local.trigger_runner.ranges import Range

__all__ = ["NAMESPACE", "Message", "log_message", "put_message", "timer_message"]

NAMESPACE = uuid.UUID("5b0c7f5e-2f64-4c55-9a31-7d6f0f3e2b10")
_ACCOUNT = "1000000000000000"
Message = tuple[dict[str, object], uuid.UUID]
"""The event, and an id of what it is about."""


def log_message(trigger: LogTrigger, found: Range, now: float) -> Message:
    """A range of a shard."""
    task = uuid.uuid5(NAMESPACE, f"{trigger.function}/{trigger.name}/{found.shard}/{found.begin}/{found.end}")
    source = {
        "endpoint": trigger.endpoint, "projectName": trigger.project, "logstoreName": trigger.logstore,
        "shardId": found.shard, "beginCursor": found.begin, "endCursor": found.end,
    }  # fmt: skip
    event = {
        "parameter": dict(trigger.parameter), "source": source, "jobName": _job_name(trigger),
        "taskId": str(task), "cursorTime": int(now),
    }  # fmt: skip
    return event, task


def timer_message(trigger: TimerTrigger, at: float) -> Message:
    """A moment."""
    moment = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    event: dict[str, object] = {"triggerTime": moment, "triggerName": trigger.name, "payload": trigger.payload}
    return event, uuid.uuid5(NAMESPACE, f"{trigger.function}/{trigger.name}/{at}")


def put_message(trigger: PutTrigger, seen: Seen, now: float) -> Message:
    """An object."""
    call = uuid.uuid5(NAMESPACE, f"{trigger.function}/{trigger.name}/{trigger.bucket}/{seen.key}/{seen.mark}")
    tag = folder.etag_of(seen.mark)  # by which who reads the folder knows it again
    at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    bucket = {"arn": f"acs:oss:local:{_ACCOUNT}:{trigger.bucket}", "name": trigger.bucket, "ownerIdentity": _ACCOUNT}
    put = {
        "eventName": "ObjectCreated:PutObject", "eventSource": "acs:oss", "eventTime": at, "eventVersion": "1.0",
        "oss": {
            "bucket": bucket,
            "object": {
                "deltaSize": seen.size, "eTag": tag, "key": seen.key,
                "objectMeta": {"mimeType": "application/octet-stream"}, "size": seen.size,
            },
            "ossSchemaVersion": "1.0", "ruleId": call.hex + "00000000",
        },
        "region": "local", "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"requestId": call.hex[:24].upper()}, "userIdentity": {"principalId": _ACCOUNT},
    }  # fmt: skip
    return {"events": [put]}, call


def _job_name(trigger: LogTrigger) -> str:
    """Forty hexadecimal digits, the same for the same trigger."""
    first, second = (uuid.uuid5(NAMESPACE, f"{trigger.function}/{trigger.name}/{part}").hex for part in "ab")
    return (first + second)[:40]
