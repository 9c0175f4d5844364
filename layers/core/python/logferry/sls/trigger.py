"""Function Compute's SLS trigger event: a doorbell that names one shard and the cursor range [begin, end) to look at.

It carries no logs and no credentials. Its endpoint may be the intranet's, with plain http. What is known of it is
checked strictly; keys that the platform may add one day are ignored.

Specification: Simple Log Service "Use Function Compute to process log data", event format.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from logferry import config
from logferry.config import Config
from logferry.errors import ConfigError

__all__ = ["MAX_EVENT", "Doorbell", "parse"]

MAX_EVENT = 1 << 20  # bytes; a real event has some 500
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256, description="a name")]
_Cursor = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/]{1,128}={0,2}$", description="a cursor (base64 of a number)")
]
_Whole = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1, description="a whole number")]


class Doorbell(Struct, frozen=True):
    """Where the trigger says there is something to read."""

    endpoint: str
    project: str
    logstore: str
    shard: str
    begin: str
    end: str
    parameter: Mapping[str, Any]
    task_id: str
    cursor_time: int  # receive time of the range's last log, Unix seconds; 0 if the event does not say


class _Source(Config, frozen=True, kw_only=True):
    endpoint: _Name
    project: _Name = msgspec.field(name="projectName")
    logstore: _Name = msgspec.field(name="logstoreName")
    shard: _Whole = msgspec.field(name="shardId")
    begin: _Cursor = msgspec.field(name="beginCursor")
    end: _Cursor = msgspec.field(name="endCursor")


class _Event(Config, frozen=True, kw_only=True):
    source: _Source
    parameter: dict[str, Any] = msgspec.field(default_factory=dict)
    job_name: str = msgspec.field(name="jobName", default="")
    task_id: str = msgspec.field(name="taskId", default="")
    cursor_time: _Whole = msgspec.field(name="cursorTime", default=0)


def parse(event: object) -> Doorbell:
    """The doorbell in an event (bytes, text or mapping); ConfigError with every mistake of it at once."""
    document = _known(_Event, _document(event))
    if isinstance(document, Mapping) and "source" in document:
        document = {**document, "source": _known(_Source, document["source"])}
    found = config.load(_Event, document, subject="event")
    source = found.source
    return Doorbell(
        source.endpoint, source.project, source.logstore, str(source.shard), source.begin, source.end,
        found.parameter, found.task_id, found.cursor_time,
    )  # fmt: skip


def _known(shape: type[Config], document: object) -> object:
    """The document without keys that the shape does not have."""
    if not isinstance(document, Mapping):
        return document
    names = {field.encode_name for field in msgspec.structs.fields(shape)}
    return {key: value for key, value in document.items() if key in names}


def _document(event: object) -> object:
    if not isinstance(event, bytes | bytearray | str):
        return event
    if len(event) > MAX_EVENT:
        raise ConfigError([f"document: {len(event)} bytes, at most {MAX_EVENT} are read"], subject="event")
    try:
        return msgspec.json.decode(event)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ConfigError([f"document: is not JSON ({error})"], subject="event") from None
