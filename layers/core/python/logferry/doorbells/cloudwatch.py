"""A subscription of CloudWatch Logs: `{"awslogs": {"data": base64 of gzip of one JSON message}}`.

What cannot be unpacked names no log group, so no task can be told of it: a ConfigError, with which the platform keeps
it (retries, then the failure destination). Limit: 64 MiB unpacked.
Source: Amazon CloudWatch Logs User Guide, "Subscription filters with AWS Lambda".
"""

import base64
import binascii
from collections.abc import Mapping
from hashlib import blake2b

import msgspec

from logferry.arrivals import Arrival, Arrivals
from logferry.doorbells import Way
from logferry.errors import ConfigError

__all__ = ["FORM", "WAY", "parse"]

WAY: Way = "take"
FORM = "a subscription of CloudWatch Logs has awslogs.data"

_MOST = 64 << 20  # bytes


class _Log(msgspec.Struct):
    id: str | int = ""  # a text of digits; some who play CloudWatch write a number
    timestamp: int = 0


class _Message(msgspec.Struct, rename="camel"):
    message_type: str
    owner: str = ""
    log_group: str = ""
    log_stream: str = ""
    log_events: list[_Log] = []


def parse(event: object) -> Arrivals | None:
    """One item: the message, named by what is in it. None of a control message, which only asks if we are there."""
    wrapped = event.get("awslogs") if isinstance(event, Mapping) else None
    data = wrapped.get("data") if isinstance(wrapped, Mapping) else None
    if not isinstance(data, str):
        return None
    text = _unpacked(data)
    try:
        message = msgspec.json.decode(text, type=_Message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError([f"awslogs.data: is no message of CloudWatch Logs: {error}"], subject="event") from None
    if message.message_type != "DATA_MESSAGE" or not message.log_events:
        return Arrivals(message.log_group, (), owner=message.owner)
    item = Arrival(_name(message, text), text.decode("utf-8", "replace"), message.log_events[0].timestamp / 1000)
    return Arrivals(message.log_group, (item,), owner=message.owner)


def _unpacked(data: str) -> bytes:
    from logferry.transport import inflate  # only where such an event comes: a cold start reads this module

    try:
        return inflate.inflate("gzip", base64.b64decode(data, validate=True), _MOST)
    except (binascii.Error, ValueError) as error:
        raise ConfigError([f"awslogs.data: is not base64 of gzip: {error}"], subject="event") from None


def _name(message: _Message, text: bytes) -> str:
    """The same for the same logs: those between its first and its last event, which have ids of their own."""
    first, last = message.log_events[0], message.log_events[-1]
    place = (message.owner, message.log_group, message.log_stream)
    parts = (*place, f"{first.id}@{first.timestamp}", f"{last.id}@{last.timestamp}", str(len(message.log_events)))
    whole = b"" if first.id and last.id else text
    return blake2b("\0".join(parts).encode("utf-8", "replace") + whole, digest_size=16).hexdigest()
