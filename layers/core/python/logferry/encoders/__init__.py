"""One record -> bytes, and the frame around many. One file an encoder.

A file that a syslog message can be made of says with `ROLE` which part it plays, and is found by its name:

`format`   the header: `Config`, `MAX_BYTES` of a message by default, `build(Config, Sender) -> Header`
`body`     the text behind it: `Config`, `build(Config) -> Body`
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from logferry.model import Record, Value

__all__ = ["Body", "Encoder", "OfPairs", "PairsBody"]


class Encoder(Protocol):
    """Stateless as seen from outside: the same record always gives the same bytes."""

    def encode(self, record: Record) -> bytes:
        """The record's part. Raises Permanent when this record can never be sent (it is parked)."""
        ...

    def frame(self, parts: Sequence[bytes]) -> bytes:
        """Parts as one body; never encodes again. The length is at most the parts' sum plus a constant a part."""
        ...


@runtime_checkable
class OfPairs(Encoder, Protocol):
    """An encoder that can do without a record: the same bytes from its parts."""

    takes_pairs: bool  # whether it can, with its options

    def encode_pairs(self, time: int, nanos: int, names: tuple[str, ...], values: Sequence[Value]) -> bytes:
        """As `encode`. The same names in the same order are mostly the same object."""
        ...


class Body(Protocol):
    """An encoder whose text can stand behind another's header, whole or in pieces that say what they are."""

    one_line: bool  # its texts never hold CR or LF
    is_titled: bool  # its texts begin with a word and a colon that tell what they are

    def text(self, record: Record) -> str:
        """The record's text."""
        ...

    def cuts(self, text: str, room: int) -> Iterator[bytes]:
        """The text in pieces of at most `room` bytes; ValueError when that is too little."""
        ...

    def piece(self, marks: Mapping[str, str | int], inside: bytes) -> bytes:
        """A cut of a text with `marks` (such as part and of) in this body's own notation."""
        ...


@runtime_checkable
class PairsBody(Body, Protocol):
    """A body of names and values alone."""

    takes_pairs: bool  # whether it can, with its options

    def text_of_pairs(self, names: tuple[str, ...], values: Sequence[Value]) -> str:
        """As `text`."""
        ...
