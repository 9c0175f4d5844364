"""What a request to Alibaba Cloud is for RAM: `log:ListShards` on a logstore, `ots:GetRow` on a table.

OSS is asked by S3's protocol, buckets in the path; as there, a read of an object that is not there needs the right to
list. Log service: `logferry.sls.actions`. Resources are of the region cn-hangzhou and of one account.
"""

import re
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

from tests.fakes.aws_calls import bucket_calls
from tests.fakes.recorder import Asked, Seen

from logferry.sls.actions import ACTIONS
from logferry_local.ots_server.messages import messages

__all__ = ["ACCOUNT", "REGION", "kms", "log_service", "oss", "tablestore"]

ACCOUNT, REGION = "1000000000000000", "cn-hangzhou"
_OSS = {"ListBucket": "ListObjects"}
_SHARD = {"cursor": "GetCursor", "cursor_time": "GetCursorTime", "log": "PullLogs", "logs": "PullLogs"}


def oss(asked: Asked) -> Sequence[Seen]:
    """Objects."""
    found = []
    for action, resource in bucket_calls(asked):
        name = action.partition(":")[2]
        where = f"acs:oss:oss-{REGION}:{ACCOUNT}:{resource.removeprefix('arn:aws:s3:::')}"
        found.append(Seen(f"oss:{_OSS.get(name, name)}", where))
    return found


def log_service(asked: Asked) -> Sequence[Seen]:
    """A logstore; the project is in the name of the host."""
    parts = urlsplit(asked.path)
    match = re.fullmatch(r"/logstores/([^/]+)(?:/(shards)(?:/(\w+))?)?", parts.path)
    if match is None:
        raise ValueError("no logstore")
    logstore, shards, which = match.groups()
    if asked.method == "POST" and which:
        operation = "PutLogs"
    elif which:
        operation = _SHARD[parse_qs(parts.query)["type"][0]]
    else:
        operation = "ListShards" if shards else "GetLogstore"
    project = asked.headers["host"].partition(".")[0]
    where = f"acs:log:{REGION}:{ACCOUNT}:project/{project}/logstore/{logstore}"
    return [Seen(ACTIONS[operation], where)]


def tablestore(asked: Asked) -> Sequence[Seen]:
    """A table; which one is in the message."""
    operation = asked.path.lstrip("/")
    message = getattr(messages, f"{operation}Request")()
    message.ParseFromString(asked.body)
    place = f"instance/{asked.headers['x-ots-instancename']}/table/{message.table_name}"
    return [Seen(f"ots:{operation}", f"acs:ots:{REGION}:{ACCOUNT}:{place}")]


def kms(asked: Asked) -> Sequence[Seen]:
    """A secret."""
    (name,) = parse_qs(urlsplit(asked.path).query)["SecretName"]
    return [Seen(f"kms:{asked.headers['x-acs-action']}", f"acs:kms:{REGION}:{ACCOUNT}:secret/{name}")]
