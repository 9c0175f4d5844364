"""Compression of request and answer bodies, by the names of `x-log-compresstype`.

lz4 is a raw block without a size before it: the raw size travels in `x-log-bodyrawsize`. zstd is a frame with or
without a size; gzip and deflate are both told by their first bytes (zlib or gzip).
"""

import zlib
from collections.abc import Callable

import lz4.block
import zstandard

from logferry_local.sls_server.refusals import Refusal

__all__ = ["pack", "packing", "unpack"]

_ANY_ZLIB = 47  # window bits: zlib or gzip, found out from the header
_ZSTD_LEVEL = 1


def unpack(kind: str, body: bytes, raw_size: int) -> bytes:
    """The body before compression, exactly `raw_size` bytes; Refusal."""
    if kind not in _UNPACK:
        raise Refusal(400, "InvalidCompressType", f"x-log-compresstype {kind[:20]} is unsupported.")
    try:
        raw = _UNPACK[kind](body, raw_size)
    except (lz4.block.LZ4BlockError, ValueError, zlib.error, zstandard.ZstdError, MemoryError):
        raise Refusal(400, "PostBodyUncompressError", "post body cannot be uncompressed") from None
    if len(raw) != raw_size:
        raise Refusal(400, "PostBodyUncompressError", f"post body is {len(raw)} bytes, x-log-bodyrawsize {raw_size}")
    return raw


def packing(accept: str) -> str:
    """Which compression an `Accept-Encoding` asks for: the first one that we have, else none."""
    offered = (part.split(";")[0].strip().lower() for part in accept.split(","))
    return next((kind for kind in offered if kind in _PACK), "")


def pack(kind: str, raw: bytes) -> bytes:
    """The body compressed."""
    return _PACK[kind](raw) if kind else raw


def _unpack_zstd(body: bytes, raw_size: int) -> bytes:
    if zstandard.frame_content_size(body) > raw_size:
        raise ValueError("larger than x-log-bodyrawsize")
    return zstandard.ZstdDecompressor().decompress(body, max_output_size=raw_size)


def _unpack_zlib(body: bytes, raw_size: int) -> bytes:
    return zlib.decompressobj(_ANY_ZLIB).decompress(body, raw_size + 1)


_UNPACK: dict[str, Callable[[bytes, int], bytes]] = {
    "": lambda body, _: body,
    "lz4": lambda body, raw_size: lz4.block.decompress(body, uncompressed_size=raw_size),
    "zstd": _unpack_zstd,
    "gzip": _unpack_zlib,
    "deflate": _unpack_zlib,
}
_PACK: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lambda raw: lz4.block.compress(raw, store_size=False),
    "zstd": lambda raw: zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(raw),
}
