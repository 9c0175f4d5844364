"""CSV (RFC 4180): the columns in their order; a value with a comma, a quote or a line break is quoted.

A value that is no text is compact JSON; an absent field is the `missing` text. Rows end where the frame puts a
separator, so they carry no line break of their own.
"""

import csv
import io
from collections.abc import Callable, Sequence

from logferry.model import Record
from logferry.values import mend, text_of

__all__ = ["row", "writer"]


def row(cells: Sequence[str]) -> bytes:
    """One row without its line break."""
    line = io.StringIO()
    # The line break is taken off again, but the writer must know of it: it quotes what holds one of its characters.
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return mend(line.getvalue()[:-2]).encode()


def writer(columns: Sequence[str], missing: str) -> Callable[[Record], bytes]:
    """What makes a record's row."""

    def write(record: Record) -> bytes:
        fields = record.fields
        return row([text_of(fields[name]) if name in fields else missing for name in columns])

    return write
