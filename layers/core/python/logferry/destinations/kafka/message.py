"""What a record becomes: a part is its event time (ms, int64), the key's length (int32, -1: none), key and value."""

import struct
from collections.abc import Callable, Sequence

from logferry.encoders.output import template
from logferry.errors import Permanent
from logferry.model import Record
from logferry.values import mend, text_of

__all__ = ["HEAD", "Keyed", "key_of"]

HEAD = struct.Struct(">qi")
_AROUND = 90  # bytes of a message beside key and value, at most: its own head, and the batch's around it

Key = Callable[[Record], bytes | None]


def key_of(text: str | None) -> Key:
    """What reads a record's key: a field's name, or a template such as `{host}/{uri}`. ConfigError for lone braces.

    A record that lacks a field of it has no key.
    """
    if text is None:
        return lambda _record: None
    if "{" not in text and "}" not in text:
        return lambda record: _encoded(text_of(record.fields[text])) if text in record.fields else None
    texts, names = template.parse(text)

    def read(record: Record) -> bytes | None:
        fields, made = record.fields, texts[0]
        for name, after in zip(names, texts[1:], strict=True):
            if name not in fields:
                return None
            made += text_of(fields[name]) + after
        return _encoded(made)

    return read


class Keyed:
    """Key, event time and text of a record."""

    def __init__(self, key: Key, text: Callable[[Record], bytes], max_bytes: int) -> None:
        self._key, self._text, self._max = key, text, max_bytes

    def encode(self, record: Record) -> bytes:
        """The record's part; Permanent for one that the topic would not take."""
        key, text = self._key(record), self._text(record)
        size = len(text) + (len(key) if key else 0) + _AROUND
        if size > self._max:
            raise Permanent(f"the message has {size} bytes, at most {self._max} are allowed (max_message_bytes)")
        time = record.time * 1000 + record.nanos // 1_000_000
        if key is None:
            return HEAD.pack(time, -1) + text
        return b"%b%b%b" % (HEAD.pack(time, len(key)), key, text)

    def frame(self, parts: Sequence[bytes]) -> bytes:
        """Parts one behind the other; batches are made of the parts themselves, once their partitions are known."""
        return b"".join(parts)


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return mend(text).encode()
