"""Which partition a message goes to: bit-compatible with the balancers of segmentio/kafka-go, whose names ESA offers.

Partitions are 0..n-1. Counters live as long as the producer and begin at random, so that short-lived functions do not
all begin at partition 0; `chance` gives 0..1, and with 0 they begin where the originals do.
"""

import heapq
import struct
import zlib
from collections.abc import Callable
from functools import partial
from itertools import count

__all__ = ["Choose", "choosing", "fnv1a", "murmur2"]

Choose = Callable[[bytes | None, int, int], int]  # (key, bytes of key and value, number of partitions) -> partition
_WORD = 0xFFFFFFFF
_SPREAD = 65_536  # bytes by which the partitions' counters differ at the begin, at most


def choosing(name: str, chance: Callable[[], float], *, consistent: bool = False) -> Choose:
    """The balancer of that name."""
    if name == "RoundRobin":
        return _RoundRobin(chance)
    if name == "LeastBytes":
        return _LeastBytes(chance)
    if name == "Hash":
        return _Hash(chance)
    by_key = _by_crc32 if name == "CRC32Balancer" else _by_murmur2
    return partial(by_key, chance=chance, consistent=consistent)


def fnv1a(key: bytes) -> int:
    """FNV-1a, 32 bits."""
    found = 0x811C9DC5
    for byte in key:
        found = (found ^ byte) * 0x01000193 & _WORD
    return found


def murmur2(key: bytes) -> int:
    """Murmur2 with the seed of Kafka's Java client, 32 bits."""
    mix, words = 0x5BD1E995, len(key) >> 2
    found = 0x9747B28C ^ len(key)
    for number in struct.unpack_from(f"<{words}I", key):
        word = number * mix & _WORD
        found = (found * mix ^ (word ^ word >> 24) * mix) & _WORD
    if rest := key[words << 2 :]:
        found = (found ^ int.from_bytes(rest, "little")) * mix & _WORD
    found = (found ^ found >> 13) * mix & _WORD
    return found ^ found >> 15


class _RoundRobin:
    """One after the other; the counter has 32 bits."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._turns = count(int(chance() * 2**32))

    def __call__(self, key: bytes | None, size: int, partitions: int) -> int:
        del key, size
        return (next(self._turns) & _WORD) % partitions


class _LeastBytes:
    """Where the fewest bytes went, the lowest number among equals; anew when the number of partitions changes."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._heap: list[tuple[int, int]] = []

    def __call__(self, key: bytes | None, size: int, partitions: int) -> int:
        del key
        if len(self._heap) != partitions:
            self._heap = [(int(self._chance() * _SPREAD), number) for number in range(partitions)]
            heapq.heapify(self._heap)
        taken, number = self._heap[0]
        heapq.heapreplace(self._heap, (taken + size, number))
        return number


class _Hash:
    """FNV-1a as a signed number, its remainder without the sign; messages without a key in turn."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._in_turn = _RoundRobin(chance)

    def __call__(self, key: bytes | None, size: int, partitions: int) -> int:
        if key is None:
            return self._in_turn(key, size, partitions)
        found = fnv1a(key)
        return (found if found < 2**31 else 2**32 - found) % partitions


def _by_crc32(
    key: bytes | None, size: int, partitions: int, *, chance: Callable[[], float], consistent: bool
) -> int:  # fmt: skip
    """An empty key counts as none: anywhere, or partition 0 when `consistent`."""
    del size
    return zlib.crc32(key or b"") % partitions if key or consistent else int(chance() * partitions)


def _by_murmur2(
    key: bytes | None, size: int, partitions: int, *, chance: Callable[[], float], consistent: bool
) -> int:  # fmt: skip
    """Without a key anywhere, or where the empty key goes when `consistent`."""
    del size
    if key is None and not consistent:
        return int(chance() * partitions)
    return (murmur2(key or b"") & 0x7FFFFFFF) % partitions
