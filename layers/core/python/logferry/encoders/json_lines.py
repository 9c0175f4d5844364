"""One compact JSON object a record, UTF-8, fields in the record's order; one line by construction."""

from collections.abc import Iterator, Mapping, Sequence

import orjson

from logferry import config
from logferry.encoders import Body
from logferry.model import Record
from logferry.pieces import cut
from logferry.values import dump, trimmed

__all__ = ["ROLE", "Config", "JsonLines", "build"]

ROLE = "body"


class Config(config.Config, frozen=True, kw_only=True):
    """This body has no options."""


class JsonLines:
    """An encoder of lines, and a body behind a header."""

    one_line = True  # JSON writes CR and LF as escapes
    is_titled = False

    def encode(self, record: Record) -> bytes:
        """The object."""
        return trimmed(dump(record.fields))

    def frame(self, parts: Sequence[bytes]) -> bytes:
        """Lines, each ended by LF."""
        return b"\n".join(parts) + b"\n" if parts else b""

    def text(self, record: Record) -> str:
        """The object as text."""
        return dump(record.fields).decode()

    def cuts(self, text: str, room: int) -> Iterator[bytes]:
        """Pieces of the text as it stands between the quotes of a JSON string."""
        return cut(orjson.dumps(text)[1:-1], room)

    def piece(self, marks: Mapping[str, str | int], inside: bytes) -> bytes:
        """`{"part":1,"of":3,"record":"…","text":"…"}`: a JSON object again."""
        return b'%b,"text":"%b"}' % (orjson.dumps(marks)[:-1], inside)


def build(_options: Config) -> Body:
    """The body."""
    return JsonLines()
