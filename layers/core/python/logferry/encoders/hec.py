"""A record as one Splunk HEC event envelope: compact JSON in UTF-8, one line, keys in a fixed order.

`{"time":…,"host":…,"source":…,"sourcetype":…,"index":…,"event":…}`; what is not set is left out, and nothing
else is ever in the envelope: Splunk stops at the first object with an unknown key.

`time` is the record's time in Unix seconds with its fraction, exact, trailing zeros trimmed. A double holds
microseconds but not nanoseconds, so a finer fraction is written as a string, which HEC takes as well.
`event` holds every field of the record, the meta fields (`__topic__`, `__source__`, `__tag__:…`) among them.

What JSON cannot hold does not stop a batch. Half a surrogate pair and bytes that are not UTF-8 become U+FFFD,
an integer over 64 bits its digits in a string, NaN and infinity null. A record nested too deeply for JSON is
Permanent: it alone is parked. Specification: Splunk, "Format events for HTTP Event Collector".
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import orjson

from logferry.errors import Permanent
from logferry.model import Record, Value
from logferry.values import dump, text_of, trimmed

__all__ = ["Hec"]

_AUDIT_TOPIC = "actiontrail_audit_event"  # its field `event` is a JSON document in a string


class Hec:
    """The encoder `hec`: fixed metadata, an object or its text as the event."""

    def __init__(
        self,
        metadata: Mapping[str, str | None],
        *,
        host_field: str | None = None,
        event_format: Literal["object", "string"] = "object",
    ) -> None:
        """`metadata`: host, source, sourcetype, index; the host of a record is its `host_field`, if it has one."""
        self._host_field = host_field
        self._rest = {name: value for name in ("source", "sourcetype", "index") if (value := metadata.get(name))}
        self._fixed = self._metadata(metadata.get("host") or "")
        self._as_text = event_format == "string"

    def encode(self, record: Record) -> bytes:
        """The envelope; Permanent if the record is nested too deeply."""
        event: object = record.fields
        if record.fields.get("__topic__") == _AUDIT_TOPIC:
            event = _opened(record.fields)
        if self._as_text:
            event = _json(event).decode()
        metadata = self._fixed
        if self._host_field is not None and (host := record.fields.get(self._host_field)) not in (None, ""):
            metadata = self._metadata(text_of(host))
        time = _exact(record.time, record.nanos) if record.nanos else record.time
        return trimmed(_json({"time": time, **metadata, "event": event}))

    def frame(self, parts: Sequence[bytes]) -> bytes:
        """One envelope a line."""
        return b"\n".join(parts)

    def _metadata(self, host: str) -> Mapping[str, str]:
        return {"host": host, **self._rest} if host else self._rest


def _json(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        return _repaired(value)


def _exact(time: int, nanos: int) -> str | orjson.Fragment:
    """Seconds and nanoseconds as JSON that no reader rounds."""
    text = f"{time}.{nanos:09}".rstrip("0")
    return orjson.Fragment(text) if nanos % 1000 == 0 else text


def _opened(fields: Mapping[str, Value]) -> Mapping[str, Value]:
    """The field `event` as the object that its text holds, digit for digit; as it is if that is not an object."""
    text = fields.get("event")
    try:
        if not isinstance(text, str) or not isinstance(orjson.loads(text), dict):
            return fields
    except ValueError:
        return fields
    # Line breaks in valid JSON only stand between tokens: with spaces for them the envelope stays one line.
    one_line = text.replace("\r", " ").replace("\n", " ")
    return {**fields, "event": orjson.Fragment(one_line)}  # type: ignore[dict-item]  # orjson writes it as it is


def _repaired(value: object) -> bytes:
    try:
        return dump(value)
    except (TypeError, RecursionError) as error:
        raise Permanent(f"the record is not JSON: {str(error)[:200]}") from None
