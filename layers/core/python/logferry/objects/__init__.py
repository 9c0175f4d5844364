"""Object stores: dead letters, spill, configuration. One file a store.

Each file has `open_store(location: str, options: Mapping[str, str]) -> Store`, beside `OPTIONS` (the option names it
knows), `FORM` (how it is written) and `place_of(location)`, the bucket and prefix by which events call it; the
location is what follows the scheme in `LOGFERRY_OBJECTS` (`folder:PATH`, `s3:BUCKET/PREFIX?region=…&endpoint=…`).
"""

from collections.abc import Iterator
from typing import Protocol, cast

from logferry import registry

__all__ = ["Content", "Store", "Streams", "named", "open_store"]


class Content(Protocol):
    """An object that is being read. Raises StateError for a connection that broke; Misconfigured."""

    etag: str  # without quotes, in lower case; another one with every put of other bytes
    size: int  # bytes of the whole object

    def read(self, most: int) -> bytes:
        """The next bytes, 1 to `most`; none at the end."""
        ...

    def close(self) -> None:
        """Read no more."""
        ...


class Store(Protocol):
    """Contract: tests/contract/test_stores.py. Keys are `/`-separated, relative, without `.` or `..` parts.

    Raises StateError; a put that returned is durable, and a reader never sees half an object. ConfigError for a key
    no store takes (1 to 900 bytes of UTF-8, parts of at most 255, no control characters) and for more than 64 MiB;
    Misconfigured where a person must act. One store may be used from several threads.
    """

    def put(self, key: str, body: bytes) -> None:
        """Write or overwrite."""
        ...

    def get(self, key: str) -> bytes | None:
        """The object's bytes, None if there is none."""
        ...

    def list(self, prefix: str) -> Iterator[str]:
        """Keys that start with `prefix` (a plain string prefix), sorted (by code point)."""
        ...

    def delete(self, key: str) -> None:
        """Delete; no error if it is not there."""
        ...


class Streams(Store, Protocol):
    """A store whose objects are read piece by piece: what every file of this room is."""

    def stream(self, key: str, begin: int = 0) -> Content | None:
        """The object's bytes from `begin` on, a place in it: of any size, whoever wrote it. None if there is none.

        A key that this store cannot hold is a ConfigError; S3 holds more than `put` takes.
        """
        ...


def named(url: str) -> tuple[str, str]:
    """Which bucket it is, and the prefix there; of a folder where it is, since its name tells little."""
    place = registry.locate("objects", url)
    bucket, prefix = place.module.place_of(place.location)
    return (str(place.module.folder_of(place.location)) if hasattr(place.module, "folder_of") else bucket), prefix


def open_store(url: str) -> Streams:
    """The store at `KIND:LOCATION?OPTIONS`; ConfigError that lists the known kinds and options if it is none."""
    place = registry.locate("objects", url)
    return cast("Streams", place.module.open_store(place.location, place.options))
