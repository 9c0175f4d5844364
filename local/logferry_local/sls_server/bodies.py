"""Compression of request and answer bodies, refused in the service's words. Sizes are bytes."""

from logferry.errors import SourceError
from logferry.sls import compression
from logferry_local.sls_server.refusals import Refusal

__all__ = ["pack", "packing", "unpack"]

_TAKEN = ("", "lz4", "zstd", "gzip", "deflate")
_ANSWERED = ("lz4", "zstd")


def unpack(kind: str, body: bytes, raw_size: int) -> bytes:
    """The body before compression, exactly `raw_size` bytes; Refusal."""
    if kind not in _TAKEN:
        raise Refusal(400, "InvalidCompressType", f"x-log-compresstype {kind[:20]} is unsupported.")
    if raw_size == 0 and body not in (b"", pack(kind, b"")):  # a body would vanish
        raise Refusal(400, "PostBodyUncompressError", "x-log-bodyrawsize is 0, but there is a body")
    try:
        return compression.unpack(kind, body, raw_size)
    except SourceError as error:
        raise Refusal(400, "PostBodyUncompressError", str(error)) from None


def packing(accept: str) -> str:
    """Which compression an `Accept-Encoding` asks for: the first one that we have, else none."""
    offered = (part.split(";")[0].strip().lower() for part in accept.split(","))
    return next((kind for kind in offered if kind in _ANSWERED), "")


def pack(kind: str, raw: bytes) -> bytes:
    """The body compressed; as it is for any kind that is not answered in."""
    return compression.pack(kind, raw) if kind in _ANSWERED else raw
