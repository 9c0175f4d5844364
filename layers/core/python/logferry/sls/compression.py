"""Bodies by the name in `x-log-compresstype`: lz4 (a raw block, no size before it), zstd, gzip, deflate, or plain.

Sizes are bytes; the size before compression travels in `x-log-bodyrawsize` and must be met exactly.
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Any

import lz4.block

from logferry.errors import Misconfigured, SourceError

__all__ = ["MAX_RAW", "pack", "unpack"]

MAX_RAW = 64 << 20  # of one answer, before compression; the service documents about 10 MB
_ANY_ZLIB = 47  # window bits: zlib or gzip, found out from the header


def pack(kind: str, raw: bytes | memoryview) -> bytes:
    """The body compressed as lz4 or zstd (level 1)."""
    if kind == "zstd":
        return bytes(_zstandard().ZstdCompressor(level=1).compress(raw))
    return bytes(lz4.block.compress(raw, store_size=False))


def unpack(kind: str, body: bytes, raw_size: int) -> bytes:
    """The body before compression; SourceError if it is not what its headers say."""
    if not 0 <= raw_size <= MAX_RAW:
        raise SourceError(f"x-log-bodyrawsize: {raw_size} is not between 0 and {MAX_RAW}")
    if kind not in _UNPACK:
        raise SourceError(f"x-log-compresstype: {kind[:20]!r} is not one of lz4, zstd, gzip, deflate")
    if raw_size == 0:
        return b""
    try:
        raw = _UNPACK[kind](body, raw_size)
    except (ValueError, MemoryError) as error:
        raise SourceError(f"a {kind} body of {len(body)} bytes cannot be unpacked: {error}", transient=True) from None
    if len(raw) != raw_size:
        raise SourceError(f"the body is {len(raw)} bytes, x-log-bodyrawsize says {raw_size}", transient=True)
    return raw


def _lz4(body: bytes, raw_size: int) -> bytes:
    try:
        return bytes(lz4.block.decompress(body, uncompressed_size=raw_size))
    except lz4.block.LZ4BlockError as error:
        raise ValueError(str(error)) from None


def _zstd(body: bytes, raw_size: int) -> bytes:
    zstandard = _zstandard()
    try:
        if zstandard.frame_content_size(body) > raw_size:
            raise ValueError(f"its frame is larger than {raw_size} bytes")
        return bytes(zstandard.ZstdDecompressor().decompress(body, max_output_size=raw_size))
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None


def _zlib(body: bytes, raw_size: int) -> bytes:
    try:
        return zlib.decompressobj(_ANY_ZLIB).decompress(body, raw_size + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None


_UNPACK: Mapping[str, Callable[[bytes, int], bytes]] = {
    "": lambda body, _: body,
    "lz4": _lz4,
    "zstd": _zstd,
    "gzip": _zlib,
    "deflate": _zlib,
}


def _zstandard() -> Any:  # noqa: ANN401  # a module that may be absent
    try:
        import zstandard
    except ImportError:
        raise Misconfigured("compression: zstd needs the package zstandard; install it or use lz4") from None
    return zstandard
