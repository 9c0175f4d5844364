"""How an object's body is compressed, and what it is called then.

A compressed object is a file that happens to be compressed: no `Content-Encoding`, which would make some clients
inflate it silently while its name still ends in `.gz`. Levels are the fast ones: isal 1, zstd 1.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from logferry.encoders.output import Output
from logferry.errors import Misconfigured
from logferry.transport.compress import gzip

__all__ = ["Compression", "Kind", "kind_of"]

Compression = Literal["gzip", "zstd", "none", "no"]

_TYPES = {
    ".ndjson": "application/x-ndjson", ".json": "application/json", ".csv": "text/csv; charset=utf-8",
    ".log": "text/plain; charset=utf-8",
}  # fmt: skip


class Kind(NamedTuple):
    """Of object: the end of its name, its Content-Type, and what makes its body."""

    extension: str
    content_type: str
    pack: Callable[[bytes], bytes]


def kind_of(output: Output, compress: Compression) -> Kind:
    """The kind for these options."""
    plain = {"csv": ".csv", "template": ".log"}.get(output.format, ".ndjson")
    if output.format == "ndjson" and output.prefix and output.suffix:
        plain = ".json"  # such as an array
    if compress == "gzip":
        return Kind(f"{plain}.gz", "application/gzip", gzip)
    if compress == "zstd":
        return Kind(f"{plain}.zst", "application/zstd", _zstd)
    return Kind(plain, _TYPES[plain], lambda body: body)


def _zstd(body: bytes) -> bytes:
    try:
        import zstandard
    except ImportError:
        raise Misconfigured("compress: zstd needs the package zstandard (the layer codecs); or use gzip") from None
    # One compressor a body: they are not made for several threads.
    return bytes(zstandard.ZstdCompressor(level=1).compress(body))
