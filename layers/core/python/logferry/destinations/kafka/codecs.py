"""A batch's records compressed as Kafka wants it. Each library is loaded when a task needs it."""

from collections.abc import Callable
from functools import cache

from logferry.errors import Misconfigured
from logferry.transport.compress import gzip

__all__ = ["ATTRIBUTES", "compressing"]

ATTRIBUTES = {"none": 0, "no": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}

_XERIAL = b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"  # the framing that Kafka's own clients write
_BLOCK = 32 * 1024


def compressing(name: str) -> Callable[[bytes], bytes]:
    """What compresses; Misconfigured where its library is not installed."""
    makers: dict[str, Callable[[], Callable[[bytes], bytes]]] = {
        "gzip": lambda: gzip,
        "snappy": _snappy,
        "lz4": _lz4,
        "zstd": _zstd,
    }
    if name not in makers:
        return bytes
    try:
        return makers[name]()
    except ImportError as error:
        raise Misconfigured(
            f"compress: {name} needs {error.name}, which is not installed: attach the layer codecs"
        ) from error


@cache
def _snappy() -> Callable[[bytes], bytes]:
    import cramjam

    def pack(data: bytes) -> bytes:
        blocks = [_XERIAL]
        for at in range(0, len(data), _BLOCK):
            block = bytes(cramjam.snappy.compress_raw(data[at : at + _BLOCK]))
            blocks += (len(block).to_bytes(4, "big"), block)
        return b"".join(blocks)

    return pack


@cache
def _lz4() -> Callable[[bytes], bytes]:
    import lz4.frame

    def pack(data: bytes) -> bytes:
        packed: bytes = lz4.frame.compress(data, block_linked=False, store_size=False)  # linked blocks are refused
        return packed

    return pack


@cache
def _zstd() -> Callable[[bytes], bytes]:
    import zstandard

    return lambda data: zstandard.ZstdCompressor().compress(data)  # one for each call: it is not for two threads
