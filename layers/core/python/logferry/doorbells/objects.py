"""An object was put: notifications of S3, its "Object Created" events of EventBridge, triggers of OSS.

`{"Records": [{"s3": …}]}`, `{"source": "aws.s3", "detail": …}`, `{"events": [{"oss": …}]}`. S3's own test message is
one that tells of no object.
"""

from collections.abc import Mapping, Sequence

from logferry import put_events
from logferry.doorbells import Way
from logferry.put_events import Creation

__all__ = ["FORM", "WAY", "parse"]

WAY: Way = "fetch"
FORM = "an object store's event has Records with s3, events with oss, or source aws.s3"
_LISTS = (("Records", "s3"), ("events", "oss"))


def parse(event: object) -> Sequence[Creation] | None:
    """What was put; ConfigError with every mistake of the event at once."""
    if not isinstance(event, Mapping) or not _is_ours(event):
        return None
    return put_events.creations(event)


def _is_ours(event: Mapping[str, object]) -> bool:
    """Queues and streams hand over `Records` too: what is in the first tells them apart."""
    if event.get("Event") == "s3:TestEvent" or event.get("source") == "aws.s3":
        return True
    for name, part in _LISTS:
        found = event.get(name)
        if isinstance(found, list) and found and isinstance(found[0], Mapping) and part in found[0]:
            return True
    return False
