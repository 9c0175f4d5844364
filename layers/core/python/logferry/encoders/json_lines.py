"""One compact JSON object a record, UTF-8, fields in the record's order; one line by construction."""

from collections.abc import Mapping, Sequence

import orjson

from logferry.model import Record
from logferry.values import dump, trimmed

__all__ = ["JsonLines"]


class JsonLines:
    """An encoder of lines, and a body behind a header."""

    one_line = True  # JSON writes CR and LF as escapes

    def encode(self, record: Record) -> bytes:
        """The object."""
        return trimmed(dump(record.fields))

    def frame(self, parts: Sequence[bytes]) -> bytes:
        """Lines, each ended by LF."""
        return b"\n".join(parts) + b"\n" if parts else b""

    def text(self, record: Record) -> str:
        """The object as text."""
        return dump(record.fields).decode()

    def inside(self, text: str) -> bytes:
        """The text as it stands between the quotes of a JSON string."""
        return orjson.dumps(text)[1:-1]

    def piece(self, marks: Mapping[str, str | int], inside: bytes) -> bytes:
        """`{"part":1,"of":3,"record":"…","text":"…"}`: a JSON object again."""
        return b'%b,"text":"%b"}' % (orjson.dumps(marks)[:-1], inside)
