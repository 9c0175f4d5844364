"""CRC-32C (Castagnoli), which Kafka's batches and the blocks of snappy's framing format share.

The standard library has none, and a loop in Python does 8 MB a second. Where cramjam (the layer of codecs) is there, it
frames the data, and the checksums of its blocks of 65,536 bytes are joined: some 1 GB a second.
"""

from collections.abc import Callable
from functools import cache

__all__ = ["by_blocks", "by_loop", "crc32c"]

_POLYNOMIAL = 0x82F63B78  # reversed
_WORD = 0xFFFFFFFF
_BLOCK = 65_536


def crc32c(data: bytes) -> int:
    """The checksum."""
    return _best()(data)


def by_loop(data: bytes) -> int:
    """A byte at a time."""
    table, found = _table(), _WORD
    for byte in data:
        found = table[(found ^ byte) & 0xFF] ^ found >> 8
    return found ^ _WORD


def by_blocks(data: bytes) -> int:
    """From snappy's frames: behind a block's type and length (24 bits) stands its checksum, masked."""
    import cramjam

    framed = memoryview(cramjam.snappy.compress(data))
    at, left, found = 0, len(data), 0
    while at < len(framed):
        size = int.from_bytes(framed[at + 1 : at + 4], "little")
        if framed[at] in (0x00, 0x01):
            masked = (int.from_bytes(framed[at + 4 : at + 8], "little") - 0xA282EAD8) & _WORD
            block = min(left, _BLOCK)
            found = _behind(found, block) ^ (masked >> 17 | masked << 15 & _WORD)
            left -= block
        at += 4 + size
    return found


def _behind(checksum: int, zeros: int) -> int:
    """What a checksum becomes when as many bytes follow: linear, so by one matrix for each power of two."""
    power = 0
    while zeros:
        if zeros & 1:
            checksum = _times(_matrix(power), checksum)
        zeros >>= 1
        power += 1
    return checksum


@cache
def _matrix(power: int) -> tuple[int, ...]:
    """The 32 columns for 2**power bytes of zeros."""
    if power == 0:
        one_bit = (_POLYNOMIAL, *(1 << bit for bit in range(31)))
        two = tuple(_times(one_bit, column) for column in one_bit)
        four = tuple(_times(two, column) for column in two)
        return tuple(_times(four, column) for column in four)
    half = _matrix(power - 1)
    return tuple(_times(half, column) for column in half)


def _times(columns: tuple[int, ...], vector: int) -> int:
    found = 0
    for column in columns:
        if not vector:
            break
        if vector & 1:
            found ^= column
        vector >>= 1
    return found


@cache
def _table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        found.append(value)
    return tuple(found)


@cache
def _best() -> Callable[[bytes], int]:
    try:
        by_blocks(b"")
    except ImportError:
        return by_loop
    return by_blocks
