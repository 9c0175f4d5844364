r"""`key=value` pairs, a separator between them; the separator also comes first on demand, as in the published scripts.

Keys and values stand as they are, in the record's order, empty ones too; what is not text is compact JSON. So a value
that holds the separator is ambiguous. With `escape` a backslash precedes every `\`, every `=` and every character that
begins the separator, and CR and LF become `\r` and `\n`: the separator and `=` then only ever part pairs, and dropping
the backslashes restores the record.
"""

import re
from collections.abc import Mapping, Sequence

from logferry.model import Record
from logferry.values import mend, one_line, text_of

__all__ = ["KeyValue"]


class KeyValue:
    """An encoder of lines, and a body behind a header."""

    def __init__(self, sep: str = "||", *, leading_separator: bool = False, escape: bool = False) -> None:
        self.one_line = escape
        self._sep = sep
        self._lead = sep if leading_separator else ""
        special = {"\\": "\\\\", "=": "\\=", "\n": "\\n", "\r": "\\r", sep[0]: "\\" + sep[0]}
        self._special = re.compile(f"[{re.escape(''.join(special))}]") if escape else None
        self._escapes = special

    def encode(self, record: Record) -> bytes:
        """One line."""
        text = self.text(record)
        line = text if self.one_line else one_line(text)
        try:
            return line.encode()
        except UnicodeEncodeError:
            return mend(line).encode()

    def frame(self, parts: Sequence[bytes]) -> bytes:
        """Lines, each ended by LF."""
        return b"\n".join(parts) + b"\n" if parts else b""

    def text(self, record: Record) -> str:
        """The pairs; no line break only with `escape`."""
        if self._special is not None:
            pairs = self._sep.join(f"{self._safe(key)}={self._safe(text_of(v))}" for key, v in record.fields.items())
        else:
            try:
                pairs = self._sep.join(map("=".join, record.fields.items()))  # type: ignore[arg-type]  # a TypeError says that a value is not text
            except TypeError:
                pairs = self._sep.join(f"{key}={text_of(value)}" for key, value in record.fields.items())
        return self._lead + pairs if pairs else pairs

    def inside(self, text: str) -> bytes:
        """The text itself."""
        return text.encode()

    def piece(self, marks: Mapping[str, str | int], inside: bytes) -> bytes:
        """`part=1||of=3||record=…||` and the cut."""
        return (self._lead + "".join(f"{key}={mark}{self._sep}" for key, mark in marks.items())).encode() + inside

    def _safe(self, text: str) -> str:
        special = self._special
        return special.sub(lambda found: self._escapes[found[0]], text) if special and special.search(text) else text
