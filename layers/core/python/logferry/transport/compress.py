"""Compression for the wire and for objects, each kind with the name that HTTP's Content-Encoding has for it.

gzip and zlib are isal's level 1, or zlib level 1 where isal is not installed: level 1 of isal is faster than zlib's
and no larger; zlib level 6 costs as much as the whole decoding before it. The same body gives the same bytes (no time
stamp in the header), so that a repeat is a true repeat. `snappy` is one block, as receivers of
`Content-Encoding: snappy` expect (Prometheus, OpenTelemetry); `snappy_framed` is the framing format with checksums.
snappy and zstd need packages of their own (layers/codecs).
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal

from logferry.errors import Misconfigured

__all__ = ["CODINGS", "Kind", "codec", "gzip", "gzip_by_isal", "gzip_by_zlib", "pack"]

Kind = Literal["none", "gzip", "zlib", "snappy", "snappy_framed", "zstd"]

# Content-Encoding, RFC 9110: `deflate` is the name of the zlib format.
CODINGS: Mapping[Kind, str] = {
    "gzip": "gzip",
    "zlib": "deflate",
    "snappy": "snappy",
    "snappy_framed": "x-snappy-framed",
    "zstd": "zstd",
}
_ZSTD_LEVEL = 3


def pack(kind: Kind, body: bytes) -> bytes:
    """The body compressed; Misconfigured where the package for it is not installed."""
    return _PACK[kind](body)


def gzip(body: bytes) -> bytes:
    """`body` as one gzip member."""
    return _best()(body)


def gzip_by_isal(body: bytes) -> bytes:
    """The fast way; ImportError where isal is absent."""
    from isal import isal_zlib  # isal.igzip loads the standard library's gzip, to no use here

    packed: bytes = isal_zlib.compress(body, 1, 31)  # 31: as a gzip member, its time stamp 0
    return packed


def gzip_by_zlib(body: bytes) -> bytes:
    """The standard library's way."""
    import gzip as standard

    return standard.compress(body, compresslevel=1, mtime=0)


def codec(name: Literal["cramjam", "zstandard"]) -> Any:  # noqa: ANN401  # a module that may be absent
    """The package of that name; Misconfigured if it is not installed."""
    try:
        if name == "cramjam":
            import cramjam

            return cramjam
        import zstandard
    except ImportError:
        told = f"compress: needs the package {name}; add the layer codecs, install logferry[codecs] or use gzip"
        raise Misconfigured(told) from None
    return zstandard


def _zlib(body: bytes) -> bytes:
    try:
        from isal import isal_zlib
    except ImportError:
        import zlib

        return zlib.compress(body, 1)
    packed: bytes = isal_zlib.compress(body, 1)
    return packed


_PACK: Mapping[Kind, Callable[[bytes], bytes]] = {
    "none": lambda body: body,
    "gzip": gzip,
    "zlib": _zlib,
    "snappy": lambda body: bytes(codec("cramjam").snappy.compress_raw(body)),
    "snappy_framed": lambda body: bytes(codec("cramjam").snappy.compress(body)),
    "zstd": lambda body: bytes(codec("zstandard").ZstdCompressor(level=_ZSTD_LEVEL).compress(body)),
}


@cache
def _best() -> Callable[[bytes], bytes]:
    try:
        gzip_by_isal(b"")
    except ImportError:
        return gzip_by_zlib
    return gzip_by_isal
