"""What a subscription of CloudWatch Logs sends, straight or through Kinesis: one JSON message of many log events.

A record is what the message says of its origin (`logGroup`, `logStream`, `owner`) and the event itself (`id`,
`timestamp`, `message`). A message that is a JSON object can be the record instead, with those beside its own fields.
Source: Amazon CloudWatch Logs User Guide, "Real-time processing of log data with subscriptions".
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from logferry.sources._bodies import Piece

__all__ = ["Body", "events"]

Body = Literal["json", "text"]
_ORIGIN = ("logGroup", "logStream", "owner")


class _Message(msgspec.Struct, rename="camel"):
    message_type: str
    owner: str = ""
    log_group: str = ""
    log_stream: str = ""
    log_events: list[msgspec.Raw] = []


def events(text: bytes, body: Body, most: int) -> list[Piece]:
    """A record an event; none of a control message. What cannot be read is one piece, as it came."""
    try:
        message = msgspec.json.decode(text, type=_Message)
    except UnicodeDecodeError:
        return [Piece(text, "cannot be read as a message of CloudWatch Logs: not UTF-8")]
    except (msgspec.MsgspecError, RecursionError) as error:
        return [Piece(text, f"cannot be read as a message of CloudWatch Logs: {str(error)[:120]}")]
    if message.message_type != "DATA_MESSAGE":
        return []
    if len(message.log_events) > most:
        return [Piece(text, f"{len(message.log_events)} records, {most} at most")]
    origin = dict(zip(_ORIGIN, (message.log_group, message.log_stream, message.owner), strict=True))
    return [_record(bytes(event), origin, body) for event in message.log_events]


def _record(raw: bytes, origin: Mapping[str, str], body: Body) -> Piece:
    try:
        event: dict[str, Any] = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Piece(raw, f"cannot be read as a log event: {str(error)[:120]}")
    time = event.get("timestamp")
    at = time / 1000 if isinstance(time, int) and not isinstance(time, bool) and 0 <= time < 1 << 42 else 0.0
    inner = _object(event.get("message")) if body == "json" else None
    if inner is None:
        fields = {**origin, **event}
    else:
        beside = {name: value for name, value in event.items() if name != "message"}
        fields = {**{name: value for name, value in {**origin, **beside}.items() if name not in inner}, **inner}
    return Piece(msgspec.json.encode(fields), at=at)


def _object(message: object) -> dict[str, Any] | None:
    if not isinstance(message, str) or not message.lstrip().startswith("{"):
        return None
    try:
        return msgspec.json.decode(message, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return None
