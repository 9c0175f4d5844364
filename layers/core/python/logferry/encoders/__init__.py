"""One record -> bytes, and the frame around many. One file an encoder."""

from collections.abc import Sequence
from typing import Protocol

from logferry.model import Record

__all__ = ["Encoder"]


class Encoder(Protocol):
    """Stateless as seen from outside: the same record always gives the same bytes."""

    def encode(self, record: Record) -> bytes:
        """The record's part. Raises Permanent when this record can never be sent (it is parked)."""
        ...

    def frame(self, parts: Sequence[bytes]) -> bytes:
        """Parts as one body; never encodes again. The length is at most the parts' sum plus a constant a part."""
        ...
