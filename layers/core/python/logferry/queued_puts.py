"""Events of object stores that come through a queue, straight or by way of a topic of SNS.

Source: Amazon S3 User Guide, "Event message structure"; Amazon SNS Developer Guide, "HTTP/HTTPS notification JSON
format", which a queue gets too.
"""

import logging
from collections.abc import Callable, Mapping, Sequence

import msgspec

from logferry.arrivals import Arrivals
from logferry.doorbells import objects
from logferry.errors import ConfigError, LogferryError, told
from logferry.put_events import Creation

__all__ = ["note_each", "read"]

log = logging.getLogger(__name__)


def read(bell: Arrivals) -> dict[str, Sequence[Creation]]:
    """What each message says was put; what says nothing of the kind, or cannot be read, is left out."""
    found = {}
    for item in bell.items:
        creations = _creations(item.data)
        if creations is not None:
            found[item.id] = creations
    return found


def note_each(
    bell: Arrivals, found: Mapping[str, Sequence[Creation]], note: Callable[[Sequence[Creation]], None]
) -> dict[str, str]:
    """Note message by message; those that could not be noted, each with the reason: they stay in the queue."""
    failed = {item.id: "tells of no object" for item in bell.items if item.id not in found}
    for name, creations in found.items():
        try:
            note(creations)
        except LogferryError as error:
            failed[name] = told(error)
    for name, why in failed.items():
        log.warning("message not settled", extra={"item": name, "reason": why})
    return failed


def _creations(body: str) -> Sequence[Creation] | None:
    try:
        event: object = msgspec.json.decode(body)
        if isinstance(event, Mapping) and event.get("Type") == "Notification":
            event = msgspec.json.decode(str(event.get("Message")))
        return objects.parse(event)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError, ConfigError):
        return None
