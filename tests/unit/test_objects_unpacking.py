"""Packed objects, piece by piece: whole ones come whole, damaged ones up to the damage, bombs cost no memory."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from logferry.errors import Expired
from logferry.sources.objects.unpacking import Compression, unpacked

PACK: dict[Compression, Callable[[bytes], bytes]] = {"none": bytes, "gzip": gzip.compress, "zstd": zstandard.compress}


class Bytes:
    """Content that gives at most so many bytes at once."""

    etag = "x"

    def __init__(self, body: bytes, most: int = 1 << 20) -> None:
        self._body, self._most, self.size = body, most, len(body)

    def read(self, most: int) -> bytes:
        """The next bytes."""
        size = min(most, self._most)
        piece, self._body = self._body[:size], self._body[size:]
        return piece

    def close(self) -> None:
        """Nothing is open."""


def unpack(body: bytes, kind: Compression = "auto", most: int = 1 << 20) -> bytes:
    """All of it."""
    return b"".join(unpacked(Bytes(body, most), kind)[1])


@pytest.mark.parametrize("kind", PACK)
@given(st.binary(max_size=300), st.integers(10, 400), st.integers(1, 3))
def test_what_was_packed_comes_back(kind: Compression, body: bytes, most: int, members: int) -> None:
    """In any number of members or frames, in pieces of any size, by its first bytes or as stated."""
    body = b"text " + body
    packed = PACK[kind](body) * members
    assert unpack(packed, most=most) == unpack(packed, kind, most) == body * members


@pytest.mark.parametrize("kind", PACK)
def test_an_empty_object_is_empty(kind: Compression) -> None:
    """No bytes at all are no damage, whatever they were to be."""
    assert unpack(b"", kind) == b""
    assert unpack(PACK[kind](b"")) == b""


def test_zeros_behind_a_member_are_no_damage() -> None:
    """Some writers fill up with them."""
    assert unpack(gzip.compress(b"one") + bytes(100) + gzip.compress(b"two") + bytes(50)) == b"onetwo"


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
@pytest.mark.parametrize("what", ["cut", "bent", "tail"])
def test_damage_is_told_behind_what_is_whole(kind: Compression, what: str) -> None:
    """Cut short, changed in the midst, or with something behind it: never a quiet end."""
    body = b"".join(b"%d line of text\n" % number for number in range(50_000))
    packed = PACK[kind](body)
    broken = {
        "cut": packed[: len(packed) // 2],
        "bent": packed[: len(packed) // 2] + bytes(40) + packed[len(packed) // 2 + 40 :],
        "tail": packed + b"something else",
    }[what]
    pieces: list[bytes] = []
    with pytest.raises(Expired, match=r"damaged|cut short"):
        pieces.extend(unpacked(Bytes(broken, 1_000), "auto")[1])
    found = b"".join(pieces)
    assert len(found) > 100_000
    assert what == "bent" or body.startswith(found)


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_bomb_costs_no_memory(kind: str) -> None:
    """A quarter of a gigabyte of zeros, a piece at a time."""
    if kind == "gzip":
        machine = zlib.compressobj(9, zlib.DEFLATED, 31)
        packed = b"".join(machine.compress(bytes(1 << 20)) for _ in range(256)) + machine.flush()
    else:
        packer = zstandard.ZstdCompressor().compressobj()
        packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
    tracemalloc.start()
    size = sum(len(piece) for piece in unpacked(Bytes(packed), "auto")[1])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == 256 << 20
    assert peak < 40 << 20
