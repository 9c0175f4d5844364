"""Encoded parts -> payloads within limits. Splitting frames the same parts again; nothing is encoded twice."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from logferry.model import Limits, Payload

__all__ = ["pack", "pick", "split"]

Frame = Callable[[Sequence[bytes]], bytes]


def pack(parts: Iterable[tuple[int, bytes]], limits: Limits, frame: Frame) -> Iterator[Payload]:
    """(ordinal, part) pairs as payloads, in order. A part over the limit travels alone: the destination judges it."""
    held: list[bytes] = []
    ordinals: list[int] = []
    size = 0
    for ordinal, part in parts:
        length = len(part) + 1  # one byte a part for what the frame puts between
        if held and (size + length > limits.max_bytes or len(held) >= limits.max_records):
            yield Payload(held, ordinals, frame(held))
            held, ordinals, size = [], [], 0
        held.append(part)
        ordinals.append(ordinal)
        size += length
    if held:
        yield Payload(held, ordinals, frame(held))


def split(payload: Payload, frame: Frame) -> tuple[Payload, Payload]:
    """Two halves of a payload that has at least two parts."""
    middle = len(payload.parts) // 2
    return pick(payload, range(middle), frame), pick(payload, range(middle, len(payload.parts)), frame)


def pick(payload: Payload, indexes: Iterable[int], frame: Frame) -> Payload:
    """The parts at these indexes, framed anew."""
    wanted = list(indexes)
    parts = [payload.parts[i] for i in wanted]
    return Payload(parts, [payload.ordinals[i] for i in wanted], frame(parts), payload.origin)
