"""Object stores: dead letters, spill, configuration. One file a store.

Each file has `open_store(location: str, options: Mapping[str, str]) -> Store`; the location is what follows
the scheme in `LOGFERRY_OBJECTS` (`folder:PATH`, `s3:BUCKET/PREFIX?region=…&endpoint=…`).
"""

from collections.abc import Iterator
from typing import Protocol

__all__ = ["Store"]


class Store(Protocol):
    """Contract: tests/contract/test_stores.py. Keys are `/`-separated, relative, without `.` or `..` parts.

    Raises StateError; a put that returned is durable, and a reader never sees half an object.
    """

    def put(self, key: str, body: bytes) -> None:
        """Write or overwrite."""
        ...

    def get(self, key: str) -> bytes | None:
        """The object's bytes, None if there is none."""
        ...

    def list(self, prefix: str) -> Iterator[str]:
        """Keys that start with `prefix` (a plain string prefix), sorted."""
        ...

    def delete(self, key: str) -> None:
        """Delete; no error if it is not there."""
        ...
