"""Log groups as bytes: what PutLogs takes, and what a PullLogs answer is made of.

Written by hand, field by field in the order of the numbers, so that no descriptor is needed to write.
Times are Unix seconds (uint32), nanoseconds 0..999,999,999 within the second (left out when 0). Text is UTF-8
(a lone surrogate becomes `?`); bytes go in as they are. Wire format: see `schema.py`.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

__all__ = ["Fields", "Text", "encode_log", "encode_log_group", "list_entry", "varint"]

Text: TypeAlias = "str | bytes"
Fields: TypeAlias = "Mapping[str, str] | Iterable[tuple[Text, Text]]"

_LOGS, _TOPIC, _SOURCE, _TAGS = b"\x0a", b"\x1a", b"\x22", b"\x32"  # LogGroup: numbers 1, 3, 4, 6, length-delimited
_GROUPS = b"\x0a"  # LogGroupList: number 1
_TIME, _CONTENTS, _NANOS = b"\x08", b"\x12", b"\x25"  # Log: 1 varint, 2 length-delimited, 4 fixed32
_KEY, _VALUE = b"\x0a", b"\x12"  # Content and LogTag: 1 and 2
_SMALL = [bytes((n,)) for n in range(128)]


def encode_log_group(
    logs: Iterable[tuple[int, int, Fields]],
    *,
    topic: Text = "",
    source: Text = "",
    tags: Fields = (),
) -> bytes:
    """One LogGroup of (time, nanos, fields) each; empty topic and source are left out."""
    parts = [_delimited(_LOGS, encode_log(time, nanos, fields)) for time, nanos, fields in logs]
    parts += [_delimited(tag, _bytes(text)) for tag, text in ((_TOPIC, topic), (_SOURCE, source)) if text]
    parts += [_delimited(_TAGS, _pair(key, value)) for key, value in _pairs(tags)]
    return b"".join(parts)


def encode_log(time: int, nanos: int, fields: Fields) -> bytes:
    """One Log; ValueError for a time or nanoseconds out of range."""
    if not 0 <= time < 1 << 32:
        raise ValueError(f"time: {time} is not between 0 and {(1 << 32) - 1}")
    if not 0 <= nanos < 1_000_000_000:
        raise ValueError(f"nanos: {nanos} is not between 0 and 999999999")
    parts = [_TIME, varint(time)]
    parts += [_delimited(_CONTENTS, _pair(key, value)) for key, value in _pairs(fields)]
    if nanos:
        parts += [_NANOS, nanos.to_bytes(4, "little")]
    return b"".join(parts)


def list_entry(size: int) -> bytes:
    """What stands before a LogGroup of `size` bytes in a LogGroupList: entries follow each other, nothing else does."""
    return _GROUPS + varint(size)


def varint(number: int) -> bytes:
    """A number in base 128, lowest digits first."""
    if number < 128:
        return _SMALL[number]
    digits = bytearray()
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    digits.append(number)
    return bytes(digits)


def _pairs(fields: Fields) -> Iterable[tuple[Text, Text]]:
    return fields.items() if isinstance(fields, Mapping) else fields


def _pair(key: Text, value: Text) -> bytes:
    return _delimited(_KEY, _bytes(key)) + _delimited(_VALUE, _bytes(value))


def _delimited(tag: bytes, data: bytes) -> bytes:
    return tag + varint(len(data)) + data


def _bytes(text: Text) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "replace")
