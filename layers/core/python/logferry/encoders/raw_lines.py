"""A record as one line of raw text: compact JSON, or the text of one of its fields as it stands.

The JSON object begins with `__time__`, the record's time in Unix seconds with its fraction (unless the record has a
field of that name), since a line has no envelope that could hold it. A line break in a field's text is written as
`\\n`; a record without that field, or with an empty one, is its JSON object.
"""

import re
from collections.abc import Mapping, Sequence

import orjson

from logferry.model import Record, Value
from logferry.values import dump, mend, text_of, trimmed

__all__ = ["RawLines"]

_BREAK = re.compile(r"\r\n|\r|\n")


class RawLines:
    """The encoder `raw_lines`."""

    def __init__(self, field: str | None = None) -> None:
        self._field = field

    def encode(self, record: Record) -> bytes:
        """The line, without its end."""
        value = record.fields.get(self._field) if self._field is not None else None
        text = "" if value is None else text_of(value)
        if text.strip():
            return mend(_BREAK.sub(r"\\n", text)).encode()
        return trimmed(dump(_timed(record)))

    def frame(self, parts: Sequence[bytes]) -> bytes:
        """Lines, each ended by LF."""
        return b"\n".join(parts) + b"\n" if parts else b""


def _timed(record: Record) -> Mapping[str, Value]:
    fraction = f".{record.nanos:09}".rstrip("0") if record.nanos else ""
    time = orjson.Fragment(f"{record.time}{fraction}")
    return {"__time__": time, **record.fields}  # type: ignore[dict-item]  # orjson writes it as it is
