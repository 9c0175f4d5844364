"""One record -> bytes, and the frame around many. One file an encoder."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from logferry.model import Record

__all__ = ["Body", "Encoder"]


class Encoder(Protocol):
    """Stateless as seen from outside: the same record always gives the same bytes."""

    def encode(self, record: Record) -> bytes:
        """The record's part. Raises Permanent when this record can never be sent (it is parked)."""
        ...

    def frame(self, parts: Sequence[bytes]) -> bytes:
        """Parts as one body; never encodes again. The length is at most the parts' sum plus a constant a part."""
        ...


class Body(Protocol):
    """An encoder whose text can stand behind another's header, whole or in pieces that say what they are."""

    one_line: bool  # its texts never hold CR or LF

    def text(self, record: Record) -> str:
        """The record's text."""
        ...

    def inside(self, text: str) -> bytes:
        """The text as it is cut, so that every cut of it can stand in a piece."""
        ...

    def piece(self, marks: Mapping[str, str | int], inside: bytes) -> bytes:
        """A cut of a text with `marks` (such as part and of) in this body's own notation."""
        ...
