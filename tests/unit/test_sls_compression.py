"""Compressed bodies: undone by their names, bounded by their sizes."""

import sys
import zlib

import lz4.block
import pytest
import zstandard

from logferry.errors import Misconfigured, SourceError
from logferry.sls.compression import MAX_RAW, pack, unpack

RAW = b"raw bytes " * 50
BODIES = {
    "lz4": lz4.block.compress(RAW, store_size=False),
    "zstd": zstandard.ZstdCompressor().compress(RAW),
    "gzip": zlib.compress(RAW, wbits=31),
    "deflate": zlib.compress(RAW),
    "": RAW,
}


@pytest.mark.parametrize("kind", BODIES)
def test_each_compression_is_undone(kind: str) -> None:
    """Whatever compression an answer may name is undone."""
    assert unpack(kind, BODIES[kind], len(RAW)) == RAW


@pytest.mark.parametrize("kind", ["lz4", "zstd"])
def test_what_is_packed_is_unpacked(kind: str) -> None:
    """Both compressions that are sent come back whole."""
    assert unpack(kind, pack(kind, RAW), len(RAW)) == RAW


@pytest.mark.parametrize("kind", ["lz4", "zstd", "gzip", "deflate"])
@pytest.mark.parametrize("body", [b"", b"\xff\xff", b"\x28\xb5\x2f\xfd"], ids=["empty", "garbage", "cut"])
def test_garbage_is_a_transient_source_error(kind: str, body: bytes) -> None:
    """A body that was damaged on the way is worth another pull."""
    with pytest.raises(SourceError) as caught:
        unpack(kind, body, 9)
    assert caught.value.transient


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("size", [len(RAW) - 1, len(RAW) + 1])
def test_another_size_is_a_source_error(kind: str, size: int) -> None:
    """A body that is not as long as its header says is not used."""
    with pytest.raises(SourceError):
        unpack(kind, BODIES[kind], size)


@pytest.mark.parametrize("size", [-1, MAX_RAW + 1])
def test_size_is_bounded_before_unpacking(size: int) -> None:
    """No memory is taken for a size that cannot be."""
    with pytest.raises(SourceError, match="is not between 0 and"):
        unpack("lz4", b"", size)


def test_unknown_compression_is_refused() -> None:
    """A name that is not known is an error that lists the known ones."""
    with pytest.raises(SourceError, match="'zip' is not one of lz4, zstd, gzip, deflate"):
        unpack("zip", b"", 0)


def test_absent_zstandard_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package zstd is a configuration mistake, not a crash."""
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(Misconfigured, match="install it or use lz4"):
        pack("zstd", RAW)
