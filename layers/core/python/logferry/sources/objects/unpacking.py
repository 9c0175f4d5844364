"""An object's bytes after decompression, piece by piece: memory does not grow with the object, nor with a bomb.

gzip (any number of members, zeros behind the last) and zstd (any number of frames). Without a stated kind the first
bytes tell. Pieces hold 256 KiB at most, of zstd 16 MiB at worst (four bytes may stand for 128 KiB).
"""

import zlib
from collections.abc import Iterator
from itertools import chain
from typing import Literal

from logferry.errors import Expired
from logferry.objects import Content
from logferry.transport.compress import codec

__all__ = ["Compression", "Packed", "unpacked"]

Compression = Literal["auto", "none", "gzip", "zstd"]
_PIECE = 256 * 1024
_STEP = 512  # bytes of zstd at once
_WINDOW = 8 << 20  # bytes: what every decoder should take (RFC 8878 3.1.1.1.2)
_MAGIC: dict[bytes, Compression] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}

Packed = tuple[Compression, Iterator[bytes]]


def unpacked(content: Content, stated: Compression) -> Packed:
    """How it is packed, and its pieces. Expired, after the pieces that are whole, where it is damaged."""
    head = content.read(_PIECE)
    kind = stated
    if stated == "auto":
        kind = next((found for magic, found in _MAGIC.items() if head.startswith(magic)), "none")
    pieces = chain([head] if head else [], iter(lambda: content.read(_PIECE), b""))
    if kind == "gzip":
        return kind, _gunzip(pieces)
    return kind, _unzstd(pieces) if kind == "zstd" else pieces


def _gunzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    machine = zlib.decompressobj(31)
    fresh = True  # nothing of the member was read yet
    for piece in pieces:
        data = piece
        while data:
            if machine.eof:
                data = data.lstrip(b"\0")  # tapes and some writers fill up with zeros
                machine, fresh = zlib.decompressobj(31), True
                continue
            fresh = False
            try:
                found = machine.decompress(data, _PIECE)
                data = machine.unused_data if machine.eof else machine.unconsumed_tail
                while found:
                    yield found
                    found = b"" if machine.eof or data else machine.decompress(b"", _PIECE)
            except zlib.error as error:
                raise Expired(f"its gzip is damaged ({error})") from None
    if not (machine.eof or fresh):
        raise Expired("its gzip is cut short")


def _unzstd(pieces: Iterator[bytes]) -> Iterator[bytes]:
    zstandard = codec("zstandard")
    plan = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    machine = plan.decompressobj()
    fresh = True
    for piece in pieces:
        rest = memoryview(piece)
        while rest:
            if machine.eof:
                machine, fresh = plan.decompressobj(), True
            step = rest[:_STEP]
            try:
                found = machine.decompress(step)
            except zstandard.ZstdError as error:
                raise Expired(f"its zstd is damaged ({error})") from None
            fresh = False
            rest = rest[len(step) - (len(machine.unused_data) if machine.eof else 0) :]
            if found:
                yield found
    if not (machine.eof or fresh):
        raise Expired("its zstd is cut short")
