"""Events of object stores: which objects were put. Of S3 (`Records`), of S3 by EventBridge, and of OSS (`events`).

S3 percent-encodes keys, with `+` for a blank; EventBridge does not. Whether OSS does is not documented: both readings
are handed over, the plain one first. Names of events begin with `ObjectCreated:`, some services write
`s3:ObjectCreated:`. Limits: 1,000 records an event. Sources: Amazon S3 User Guide, "Event message structure" and
"EventBridge event message structure"; Function Compute documentation, "Configure an OSS trigger".
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from logferry.errors import ConfigError
from logferry.expectations import kind_of

__all__ = ["Creation", "Put", "creations", "parse"]

_MOST = 1_000
_PARTS = {"Records": "s3", "events": "oss"}
_TEST = "s3:TestEvent"


class Put(NamedTuple):
    """One object, as the event tells of it; what it says is not checked against anything yet."""

    bucket: str
    keys: tuple[str, ...]  # what the key may be, the likeliest first
    size: int  # bytes; 0 if it is not told


class Creation(NamedTuple):
    """The same, with what tells this put from another of the same key. Empty: not told."""

    put: Put
    etag: str
    sequencer: str
    at: str  # RFC 3339


def parse(event: object) -> list[Put]:
    """Objects that were made or written over, in order; what else happened to an object is left out.

    ConfigError if it is no such event. A test message of S3 is an event without any.
    """
    return [creation.put for creation in creations(event)]


def creations(event: object) -> list[Creation]:
    """The same, with all that is told of each."""
    if not isinstance(event, Mapping):
        raise ConfigError([f"{kind_of(event)}, expected an event of S3 (Records) or OSS (events)"], subject="event")
    if event.get("Event") == _TEST:
        return []
    if event.get("source") == "aws.s3":
        return _by_bus(event)
    name = next((name for name in _PARTS if name in event), None)
    if name is None or not isinstance(event[name], list):
        raise ConfigError(["has neither Records (S3) nor events (OSS), a list of objects"], subject="event")
    records = event[name]
    if len(records) > _MOST:
        raise ConfigError([f"{name}: {len(records)} records, at most {_MOST} are read"], subject="event")
    found, problems = [], []
    for at, record in enumerate(records):
        try:
            creation = _creation(record, _PARTS[name])
            found += [creation] if creation else []
        except (AttributeError, LookupError, TypeError):
            path = f"{_PARTS[name]}.bucket.name, {_PARTS[name]}.object.key"
            problems.append(f"{name}[{at}]: expected eventName, {path}")
    if problems:
        raise ConfigError(problems, subject="event")
    return found


def _creation(record: Any, part: str) -> Creation | None:  # noqa: ANN401  # JSON from outside
    what = _text(record["eventName"]).removeprefix(f"{part}:")
    bucket, about = record[part]["bucket"], record[part]["object"]
    key = _text(about["key"])
    if not what.startswith("ObjectCreated"):
        return None
    decoded = unquote_plus(key)
    keys = (decoded,) if part == "s3" or decoded == key else (key, decoded)
    put = Put(_text(bucket["name"]), keys, _size(about))
    return Creation(put, _told(about, "eTag"), _told(about, "sequencer"), _told(record, "eventTime"))


def _by_bus(event: Mapping[str, Any]) -> list[Creation]:
    """One object an event; the key stands as it is."""
    if event.get("detail-type") != "Object Created":
        return []
    try:
        bucket, about = event["detail"]["bucket"], event["detail"]["object"]
        put = Put(_text(bucket["name"]), (_text(about["key"]),), _size(about))
        return [Creation(put, _told(about, "etag"), _told(about, "sequencer"), _told(event, "time"))]
    except (AttributeError, LookupError, TypeError):
        raise ConfigError(["detail: expected bucket.name, object.key"], subject="event") from None


def _size(about: Mapping[str, Any]) -> int:
    size = about.get("size")
    return size if isinstance(size, int) else 0


def _told(about: Mapping[str, Any], name: str) -> str:
    value = about.get(name)
    return value[:200] if isinstance(value, str) else ""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
