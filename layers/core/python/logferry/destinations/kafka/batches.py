"""Record batches, format 2: messages of one partition with a sequence number, so that a repeat is recognised."""

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from logferry.destinations.kafka.checksum import crc32c
from logferry.destinations.kafka.message import HEAD

__all__ = ["Batch", "all_indexes", "batches"]

_HEAD = struct.Struct(">qiibI")  # base offset, length behind it, leader's epoch, format, checksum
_SUMMED = struct.Struct(">hiqqqhii")  # attributes, last offset, first and last time, producer, epoch, sequence, count


@dataclass(slots=True, eq=False)
class Batch:
    """What goes to one partition; `indexes` are those of its parts in the payload."""

    partition: int
    indexes: list[int]
    records: bytes  # compressed
    attributes: int
    times: tuple[int, int]  # ms: of the first message, and the latest
    sequence: int | None = None
    is_flying: bool = False  # being sent; still so after an error that is none of ours
    in_doubt: bool = False  # it was sent before, and no answer came
    sealed: bytes = field(default=b"", repr=False)

    @property
    def is_uncertain(self) -> bool:
        """Whether the broker may have it: then nothing else may have its number."""
        return self.in_doubt or self.is_flying

    def seal(self, producer: tuple[int, int], sequence: int) -> None:
        """Give it its number; the same bytes from then on."""
        count = len(self.indexes)
        summed = _SUMMED.pack(self.attributes, count - 1, *self.times, *producer, sequence, count) + self.records
        self.sequence = sequence
        self.sealed = _HEAD.pack(0, len(summed) + 9, -1, 2, crc32c(summed)) + summed
        self.records = b""  # kept once


def batches(
    parts: Sequence[bytes], choose: Callable[[bytes | None, int], int], pack: Callable[[bytes], bytes], attributes: int
) -> list[Batch]:
    """The parts in one batch for each partition that `choose(key, bytes)` names."""
    piles: dict[int, list[int]] = {}
    heads = []
    for index, part in enumerate(parts):
        time, length = HEAD.unpack_from(part)
        body = HEAD.size + max(length, 0)
        key = part[HEAD.size : body] if length >= 0 else None
        heads.append((time, key, body))
        piles.setdefault(choose(key, len(part) - HEAD.size), []).append(index)
    found = []
    for partition, indexes in piles.items():
        first = heads[indexes[0]][0]
        records = b"".join(_record(number, first, heads[index], parts[index]) for number, index in enumerate(indexes))
        latest = max(heads[index][0] for index in indexes)
        found.append(Batch(partition, indexes, pack(records), attributes, (first, latest)))
    return found


def _record(number: int, first: int, head: tuple[int, bytes | None, int], part: bytes) -> bytes:
    """Length, attributes, time and number since the first, key, value, no headers."""
    time, key, body = head
    value = part[body:]
    shown = b"\x01" if key is None else _varint(len(key)) + key  # 1 is -1
    inside = b"".join((b"\0", _varint(time - first), _varint(number), shown, _varint(len(value)), value, b"\0"))
    return _varint(len(inside)) + inside


@lru_cache(maxsize=16_384)  # lengths and distances come again and again
def _varint(number: int) -> bytes:
    """Zigzag, seven bits a byte, the lowest first."""
    left = number << 1 if number >= 0 else -number * 2 - 1
    if left < 0x80:
        return bytes((left,))
    if left < 0x4000:
        return bytes((left & 0x7F | 0x80, left >> 7))
    found = bytearray()
    while left >= 0x80:
        found.append(left & 0x7F | 0x80)
        left >>= 7
    found.append(left)
    return bytes(found)


def all_indexes(some: Iterable[Batch]) -> list[int]:
    """The parts of these batches, in order."""
    return sorted(index for batch in some for index in batch.indexes)
