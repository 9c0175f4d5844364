"""What arrives compressed, unpacked up to a limit: a bomb costs its sender more than us.

The kind is told by Content-Encoding, else by the first bytes; what has none of the known beginnings is plain. Memory
stays below three times the limit (and 16 MiB), time is linear in what came and what it unpacks to: sizes that a body
claims are checked before anything is reserved, and the number of its members, frames or chunks is bounded.
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Any

from logferry.transport.compress import Kind, codec

__all__ = ["Damaged", "TooLong", "Unknown", "inflate", "kind_of"]

_FRAMED = b"\xff\x06\x00\x00sNaPpY"
# zlib's beginning is two bytes that a text could have too (`x^…`), so only those that compressors write count.
_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (_FRAMED, "snappy_framed"),
    (b"\x78\x01", "zlib"), (b"\x78\x5e", "zlib"), (b"\x78\x9c", "zlib"), (b"\x78\xda", "zlib"),
)  # fmt: skip
_NAMES: Mapping[str, Kind] = {
    "identity": "none", "gzip": "gzip", "x-gzip": "gzip", "deflate": "zlib", "zlib": "zlib", "zstd": "zstd",
    "snappy": "snappy", "x-snappy-framed": "snappy_framed",
}  # fmt: skip
_SLICE = 65_536
_MOST_PARTS = 4_096  # members or frames of one body
_MOST_CHUNKS = 65_536  # of framed snappy, 64 KiB each when they are full
_ZSTD_RATIO = 32_768  # at most: four bytes may stand for a block of 128 KiB
_ZSTD_WINDOW = 8 << 20  # bytes: what every decoder should take (RFC 8878 3.1.1.1.2)


class Damaged(ValueError):
    """Not what it claims to be, or cut short."""


class TooLong(ValueError):
    """Unpacks to more than the limit."""


class Unknown(ValueError):
    """A coding that nobody here can undo."""


def kind_of(coding: str | None, body: bytes) -> Kind:
    """The kind that Content-Encoding names, or, without one, that the body begins like; Unknown for any other name."""
    name = (coding or "").strip().lower()
    if not name:
        return next((kind for magic, kind in _MAGIC if body.startswith(magic)), "none")
    if name not in _NAMES:
        raise Unknown(f"content coding {name[:40]!r} is not one of {', '.join(_NAMES)}")
    return _NAMES[name]


def inflate(kind: Kind, body: bytes, limit: int) -> bytes:
    """The body before compression, at most `limit` bytes; TooLong or Damaged. An empty body is empty in any kind."""
    found = _INFLATE[kind](body, limit) if body else b""
    if len(found) > limit:
        raise TooLong(f"the body unpacks to more than {limit} bytes")
    return found


def _gzip(body: bytes, limit: int) -> bytes:
    return _by_zlib(body, limit, 31)


def _zlib(body: bytes, limit: int) -> bytes:
    """`deflate` is the zlib format; some senders mean the bare stream that is in it."""
    is_wrapped = len(body) > 1 and body[0] & 15 == 8 and (body[0] * 256 + body[1]) % 31 == 0
    return _by_zlib(body, limit, 15 if is_wrapped else -15)


def _by_zlib(body: bytes, limit: int, window: int) -> bytes:
    found, view, at = bytearray(), memoryview(body), 0
    for _ in range(_MOST_PARTS):
        machine = zlib.decompressobj(window)
        while not machine.eof:
            piece = view[at : at + _SLICE]  # slices, since what stands behind a member's end is copied
            at += len(piece)
            if not piece:
                raise Damaged("the compressed body is cut short")
            try:
                found += machine.decompress(piece, limit + 1 - len(found))
            except zlib.error as error:
                raise Damaged(f"the compressed body is damaged: {error}") from None
            if len(found) > limit:
                return bytes(found)
        at -= len(machine.unused_data)
        if at >= len(body) or window != 31:  # only gzip has more than one member
            break
    if at < len(body):
        raise Damaged("the compressed body has too many members, or something stands behind it")
    return bytes(found)


def _zstd(body: bytes, limit: int) -> bytes:
    zstandard = codec("zstandard")
    step, found, rest = max(128, limit // _ZSTD_RATIO), bytearray(), memoryview(body)
    plan = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    for _ in range(_MOST_PARTS):
        machine = plan.decompressobj()
        while not machine.eof:
            if not rest:
                raise Damaged("the compressed body is cut short")
            try:
                found += machine.decompress(rest[:step])
            except zstandard.ZstdError as error:
                raise Damaged(f"the compressed body is damaged: {error}") from None
            rest = rest[step:] if not machine.eof else rest[len(rest[:step]) - len(machine.unused_data) :]
            if len(found) > limit:
                return bytes(found)
        if not rest:
            return bytes(found)
    raise Damaged("the compressed body has too many frames")


def _snappy(body: bytes, limit: int) -> bytes:
    """One block; a framed body is known by its first ten bytes, whatever it was called."""
    if body.startswith(_FRAMED):
        return _snappy_framed(body, limit)
    cramjam = codec("cramjam")
    return _by_cramjam(cramjam, cramjam.snappy.decompress_raw, body, (_claimed(body, 0), limit))


def _snappy_framed(body: bytes, limit: int) -> bytes:
    """Framing format: chunks of one byte kind, three bytes length; the two kinds with data carry a CRC first."""
    at, size = 0, 0
    for _ in range(_MOST_CHUNKS):
        kind, length = body[at], int.from_bytes(body[at + 1 : at + 4], "little")
        if kind == 0:
            size += _claimed(body, at + 8)
        elif kind == 1:
            size += max(length - 4, 0)
        at += 4 + length
        if at >= len(body) or size > limit:
            break
    if at != len(body) and size <= limit:
        raise Damaged("the compressed body is cut short or has too many chunks")
    cramjam = codec("cramjam")
    return _by_cramjam(cramjam, cramjam.snappy.decompress, body, (size, limit))


def _by_cramjam(cramjam: Any, read: Callable[..., Any], body: bytes, sizes: tuple[int, int]) -> bytes:  # noqa: ANN401  # an untyped module
    claimed, limit = sizes
    if claimed > limit:
        raise TooLong(f"the body unpacks to {claimed} bytes, more than {limit}")
    try:
        return bytes(read(body, output_len=claimed))
    except cramjam.DecompressionError as error:
        raise Damaged(f"the compressed body is damaged: {error}") from None


def _claimed(body: bytes, at: int) -> int:
    """The size before compression with which each snappy block begins: 7 bits a byte, the lowest first."""
    size = 0
    for place, byte in enumerate(body[at : at + 5]):
        size |= (byte & 127) << (7 * place)
        if byte < 128:
            return size
    raise Damaged("the compressed body is damaged: it begins with no size")


_INFLATE: Mapping[Kind, Callable[[bytes, int], bytes]] = {
    "none": lambda body, _: body,
    "gzip": _gzip,
    "zlib": _zlib,
    "snappy": _snappy,
    "snappy_framed": _snappy_framed,
    "zstd": _zstd,
}
