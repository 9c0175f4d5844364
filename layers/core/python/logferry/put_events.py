"""Events of object stores: which objects were put. Of S3 (`Records`) and of OSS (`events`).

S3 percent-encodes keys, with `+` for a blank. Whether OSS does is not documented: both readings are handed over, the
plain one first. Names of events begin with `ObjectCreated:`, some services write `s3:ObjectCreated:`. Limits: 1,000
records an event. Sources: Amazon S3 User Guide, "Event message structure"; Function Compute documentation, "Configure
an OSS trigger".
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from logferry.errors import ConfigError
from logferry.expectations import kind_of

__all__ = ["Put", "parse"]

_MOST = 1_000
_PARTS = {"Records": "s3", "events": "oss"}


class Put(NamedTuple):
    """One object, as the event tells of it; what it says is not checked against anything yet."""

    bucket: str
    keys: tuple[str, ...]  # what the key may be, the likeliest first
    size: int  # bytes; 0 if it is not told


def parse(event: object) -> list[Put]:
    """Objects that were made or written over, in order; what else happened to an object is left out.

    ConfigError if it is no such event. A test message of S3 is an event without any.
    """
    if not isinstance(event, Mapping):
        raise ConfigError([f"{kind_of(event)}, expected an event of S3 (Records) or OSS (events)"], subject="event")
    if event.get("Event") == "s3:TestEvent":
        return []
    name = next((name for name in _PARTS if name in event), None)
    if name is None or not isinstance(event[name], list):
        raise ConfigError(["has neither Records (S3) nor events (OSS), a list of objects"], subject="event")
    records = event[name]
    if len(records) > _MOST:
        raise ConfigError([f"{name}: {len(records)} records, at most {_MOST} are read"], subject="event")
    found, problems = [], []
    for at, record in enumerate(records):
        try:
            put = _put(record, _PARTS[name])
            found += [put] if put else []
        except (AttributeError, LookupError, TypeError):
            path = f"{_PARTS[name]}.bucket.name, {_PARTS[name]}.object.key"
            problems.append(f"{name}[{at}]: expected eventName, {path}")
    if problems:
        raise ConfigError(problems, subject="event")
    return found


def _put(record: Any, part: str) -> Put | None:  # noqa: ANN401  # JSON from outside
    what = _text(record["eventName"]).removeprefix(f"{part}:")
    bucket, about = record[part]["bucket"], record[part]["object"]
    key, size = _text(about["key"]), about.get("size")
    if not what.startswith("ObjectCreated"):
        return None
    decoded = unquote_plus(key)
    keys = (decoded,) if part == "s3" or decoded == key else (key, decoded)
    return Put(_text(bucket["name"]), keys, size if isinstance(size, int) else 0)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
