"""What one item of an event holds: unpacked up to a limit, then read as records. Nothing raises: what cannot be read is
one piece, with its bytes and the reason."""

from collections.abc import Callable

from logferry.errors import Misconfigured
from logferry.sources._bodies import Form, Piece, TooMany, Unreadable, pieces
from logferry.transport import inflate

__all__ = ["records", "unpacked"]


def unpacked(data: bytes, limit: int, read: Callable[[bytes], list[Piece]]) -> list[Piece]:
    """As `read` has it, after decompression by the first bytes."""
    try:
        return read(inflate.inflate(inflate.kind_of(None, data), data, limit))
    except (inflate.TooLong, inflate.Damaged, Misconfigured) as error:  # Misconfigured: its package is not installed
        return [Piece(data, str(error)[:200])]


def records(body: bytes, form: Form) -> list[Piece]:
    """A JSON object, an array, or objects one a line."""
    try:
        return pieces(body, form)
    except (TooMany, Unreadable) as error:
        return [Piece(body, str(error)[:200])]
