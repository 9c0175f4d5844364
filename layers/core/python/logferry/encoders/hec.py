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
from functools import lru_cache
from typing import Literal

import orjson

from logferry.errors import Permanent
from logferry.model import Record, Value
from logferry.values import dump, text_of

__all__ = ["Hec"]

_AUDIT_TOPIC = "actiontrail_audit_event"  # its field `event` is a JSON document in a string
_dumps = orjson.dumps


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
        rest = {name: metadata[name] for name in ("source", "sourcetype", "index") if metadata.get(name)}
        self._tail = (b"," + dump(rest)[1:-1] if rest else b"") + b',"event":'
        self._host_field = host_field
        self._as_text = event_format == "string"
        self._usual = _host(metadata.get("host") or "") + self._tail

    def encode(self, record: Record) -> bytes:
        """The envelope; Permanent if the record is nested too deeply."""
        fields = record.fields
        if fields.get("__topic__") == _AUDIT_TOPIC:
            fields = _opened(fields)
        try:
            event = _dumps(fields)
        except TypeError:
            event = _repaired(fields)
        if self._as_text:
            event = _dumps(event.decode())
        metadata = self._usual if self._host_field is None else self._metadata(record.fields)
        if record.nanos:
            return b'{"time":%b%b%b}' % (_exact(record.time, record.nanos), metadata, event)
        return b'{"time":%d%b%b}' % (record.time, metadata, event)

    def frame(self, parts: Sequence[bytes]) -> bytes:
        """One envelope a line."""
        return b"\n".join(parts)

    def _metadata(self, fields: Mapping[str, Value]) -> bytes:
        value = fields.get(self._host_field or "")
        return _host(text_of(value)) + self._tail if value not in (None, "") else self._usual


def _exact(time: int, nanos: int) -> bytes:
    """Seconds and nanoseconds as JSON that no reader rounds."""
    text = f"{time}.{nanos:09}".rstrip("0")
    return (text if nanos % 1000 == 0 else f'"{text}"').encode()


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
    return {**fields, "event": orjson.Fragment(one_line)}  # type: ignore[dict-item]  # orjson writes it as it stands


def _repaired(fields: Mapping[str, Value]) -> bytes:
    try:
        return dump(fields)
    except (TypeError, RecursionError) as error:
        raise Permanent(f"the record is not JSON: {str(error)[:200]}") from None


@lru_cache(maxsize=1024)
def _host(name: str) -> bytes:
    return b',"host":' + dump(name) if name else b""
