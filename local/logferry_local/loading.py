"""Loads logs into a logstore in groups of about 1 MiB, making project and logstore if they are not there.

What fails in passing is sent again, up to five times with growing pauses; an answer that was lost can so put a group
twice. A logstore that was just made may take a minute to be known everywhere.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from logferry.errors import Missing, SourceError
from logferry.sls.client import Request
from logferry.sls.logstore import Logstore
from logferry.sls.write import encode_log_group
from logferry_local.ndjson import Bad, Line

__all__ = ["Loaded", "ensure", "load"]

GROUP_BYTES, GROUP_LOGS = 1 << 20, 1000
_TRIES = 5
_NEW_LOGSTORE = 60  # seconds
_TTL = 30  # days


@dataclass
class Loaded:
    """What came of it."""

    logs: int = 0
    groups: int = 0
    bytes: int = 0  # of log groups, before compression
    bad: list[Bad] = field(default_factory=list)


def ensure(logstore: Logstore, *, shards: int) -> bool:
    """Make the logstore, and its project, unless they are there; whether it was made."""
    client = logstore.client
    try:
        client.call(Request("GetLogstore", "GET", logstore.path))
    except Missing:
        project = {"projectName": client.project, "description": ""}
        client.create(Request("CreateProject", "POST", "/").with_json(project))
        body = {"logstoreName": logstore.name, "ttl": _TTL, "shardCount": shards}
        return client.create(Request("CreateLogstore", "POST", "/logstores").with_json(body))
    return False


def load(
    logstore: Logstore,
    lines: Iterable[Line | Bad],
    *,
    topic: str = "",
    seen: Callable[[Line | Bad], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Loaded:
    """Put every good line; `seen` is told of each line."""
    done, batch, size = Loaded(), list[Line](), 0
    for line in lines:
        seen(line)
        if isinstance(line, Bad):
            done.bad.append(line)
            continue
        if batch and (size + line.size > GROUP_BYTES or len(batch) == GROUP_LOGS):
            _put(logstore, batch, topic, done, sleep)
            batch, size = [], 0
        batch.append(line)
        size += line.size
    if batch:
        _put(logstore, batch, topic, done, sleep)
    return done


def _put(logstore: Logstore, batch: list[Line], topic: str, done: Loaded, sleep: Callable[[float], None]) -> None:
    group = encode_log_group(((line.time, line.nanos, line.fields) for line in batch), topic=topic)
    waited, tries = 0.0, 0
    while True:
        try:
            logstore.put_logs(group)
            break
        except Missing:
            waited, pause = waited + 1, 1.0
            if waited > _NEW_LOGSTORE:
                raise
        except SourceError as error:
            tries, pause = tries + 1, error.retry_after or 2.0**tries
            if not error.transient or tries == _TRIES:
                raise
        sleep(pause)
    done.logs, done.groups, done.bytes = done.logs + len(batch), done.groups + 1, done.bytes + len(group)
