"""Compression of every kind and its bounded undoing, against other implementations of the same formats."""

import contextlib
import gzip
import json
import struct
import subprocess
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable, Mapping
from typing import get_args

import cramjam
import pytest
import snappy
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry.transport.compress import CODINGS, Kind, pack
from logferry.transport.inflate import Damaged, TooLong, Unknown, inflate, kind_of

KINDS: tuple[Kind, ...] = get_args(Kind)
PACKED: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "none")
BODY = b"".join(b'{"time":%d,"path":"/a/%d"}\n' % (1_767_225_600 + n, n * n) for n in range(20_000))
LIMIT = 1_000_000
OTHERS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "zlib": zlib.decompress,
    "snappy": snappy.uncompress,
    "snappy_framed": lambda body: bytes(snappy.StreamDecompressor().decompress(body)),
    "zstd": lambda body: bytes(zstandard.ZstdDecompressor().decompress(body)),
}


@pytest.mark.parametrize("kind", PACKED)
def test_others_read_what_is_packed(kind: Kind) -> None:
    """Another reader of the format gets the body back, and it is smaller on the way."""
    assert OTHERS[kind](pack(kind, BODY)) == BODY
    assert len(pack(kind, BODY)) < len(BODY) // 2


@pytest.mark.parametrize("kind", KINDS)
def test_same_body_gives_same_bytes(kind: Kind) -> None:
    """A repeat is a true repeat."""
    assert pack(kind, BODY) == pack(kind, b"" + BODY)


def test_every_kind_has_a_name_for_the_wire() -> None:
    """Every kind but `none` has a Content-Encoding."""
    assert set(CODINGS) == set(PACKED)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [0, 1, 70_000, len(BODY)])
def test_inflate_gives_the_body_back(kind: Kind, size: int) -> None:
    """Exactly at the limit is within it; an empty body stays empty."""
    assert inflate(kind, pack(kind, BODY[:size]), size) == BODY[:size]
    assert inflate(kind, b"", 10) == b""


@pytest.mark.parametrize("kind", KINDS)
def test_one_byte_over_the_limit_is_too_long(kind: Kind) -> None:
    """The limit is exact."""
    with pytest.raises(TooLong):
        inflate(kind, pack(kind, BODY), len(BODY) - 1)


def bomb(kind: Kind) -> bytes:
    """100 MB of zeros."""
    return pack(kind, bytes(100_000_000))


@pytest.mark.parametrize("kind", PACKED)
def test_bomb_stops_early(kind: Kind) -> None:
    """Memory stays near the limit and time is short, whatever the body would unpack to."""
    body = bomb(kind)
    tracemalloc.start()
    begin = time.monotonic()
    try:
        with pytest.raises(TooLong):
            inflate(kind, body, LIMIT)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * LIMIT + 16_777_216
    assert time.monotonic() - begin < 1.0


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("cut", [1, 4, 12, 100, -5, -1])
def test_cut_body_is_damaged(kind: Kind, cut: int) -> None:
    """A part is never taken for the whole."""
    with pytest.raises(Damaged):
        inflate(kind, pack(kind, BODY)[:cut], LIMIT)


@pytest.mark.parametrize("kind", ["gzip", "zlib", "snappy_framed", "zstd"])
def test_more_behind_the_end_is_damaged(kind: Kind) -> None:
    """Nothing is overlooked."""
    with pytest.raises(Damaged):
        inflate(kind, pack(kind, BODY) + b"more", LIMIT)


@pytest.mark.parametrize("kind", ["gzip", "zstd", "snappy_framed"])
def test_members_are_joined(kind: Kind) -> None:
    """Several members or frames are one body, as the formats say."""
    assert inflate(kind, pack(kind, b"a" * 1000) + pack(kind, BODY), LIMIT) == b"a" * 1000 + BODY


@pytest.mark.parametrize(
    ("kind", "empty"),
    [("gzip", gzip.compress(b"", mtime=0)), ("zstd", pack("zstd", b"")), ("snappy_framed", b"\xfe\0\0\0")],
)
def test_countless_empty_members_are_refused(kind: Kind, empty: bytes) -> None:
    """What costs time and holds nothing is not read to its end."""
    begin = time.monotonic()
    with pytest.raises(Damaged):
        inflate(kind, pack(kind, b"") + empty * 200_000, LIMIT)
    assert time.monotonic() - begin < 2.0


def test_bare_deflate_stream_is_read() -> None:
    """Some senders mean by `deflate` the stream without zlib's header."""
    machine = zlib.compressobj(wbits=-15)
    assert inflate("zlib", machine.compress(BODY) + machine.flush(), LIMIT) == BODY


def test_framed_snappy_is_read_under_the_plain_name() -> None:
    """Receivers and senders differ in what they call snappy; the first ten bytes tell."""
    assert inflate("snappy", pack("snappy_framed", BODY), LIMIT) == BODY


def test_claimed_size_reserves_nothing() -> None:
    """A block that claims 4 GB is refused before any of it is reserved."""
    with pytest.raises(TooLong):
        inflate("snappy", b"\xff\xff\xff\xff\x0f\x00a", LIMIT)


def test_frame_with_a_huge_window_is_refused() -> None:
    """The window is memory too: more than 8 MiB is not reserved for a sender."""
    options = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=False)
    machine = zstandard.ZstdCompressor(compression_params=options).compressobj()
    with pytest.raises(Damaged):
        inflate("zstd", machine.compress(BODY) + machine.flush(), LIMIT)


@pytest.mark.parametrize("kind", ["gzip", "zlib", "zstd", "snappy_framed"])
def test_kind_is_told_by_the_first_bytes(kind: Kind) -> None:
    """Without Content-Encoding the beginning tells; text is plain."""
    assert kind_of(None, pack(kind, BODY)) == kind
    assert kind_of("", pack(kind, BODY)) == kind


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"x^2 is a text", b"plain"])
def test_text_is_plain(body: bytes) -> None:
    """What begins like none of the formats is taken as it is; `x^` aside, which zlib writes too."""
    assert kind_of(None, body) == ("zlib" if body.startswith(b"x^") else "none")


@pytest.mark.parametrize(
    ("coding", "kind"),
    [(coding, kind) for kind, coding in CODINGS.items()]
    + [("identity", "none"), ("X-GZIP", "gzip"), (" gzip ", "gzip"), ("zlib", "zlib")],
)
def test_kind_is_told_by_its_name(coding: str, kind: Kind) -> None:
    """Content-Encoding comes first, in any case."""
    assert kind_of(coding, b"anything") == kind


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "no", "\x00", "x" * 10_000])
def test_unknown_coding_is_refused(coding: str) -> None:
    """The known ones are told, a long name is not repeated."""
    with pytest.raises(Unknown, match="is not one of identity, gzip") as caught:
        kind_of(coding, b"")
    assert len(str(caught.value)) < 300


@settings(max_examples=60)
@given(st.sampled_from(PACKED), st.binary(max_size=300), st.booleans())
def test_any_bytes_are_read_or_refused(kind: Kind, body: bytes, begins: bool) -> None:  # noqa: FBT001  # drawn, not passed by a person
    """Random bytes, with a true beginning or without, end in a body within the limit or in one of the two errors."""
    with contextlib.suppress(Damaged, TooLong):
        assert len(inflate(kind, (pack(kind, BODY)[:20] if begins else b"") + body, 10_000)) <= 10_000


def test_other_writers_are_read() -> None:
    """Streams of other libraries: several chunks, unknown sizes, checksums."""
    writer = snappy.StreamCompressor()
    framed = b"".join(writer.compress(BODY[start : start + 5_000]) for start in range(0, len(BODY), 5_000))
    assert inflate("snappy_framed", framed, LIMIT) == BODY
    machine = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    streamed = machine.compress(BODY) + machine.flush()
    assert zstandard.frame_content_size(streamed) == -1
    assert inflate("zstd", streamed, LIMIT) == BODY
    assert inflate("gzip", gzip.compress(BODY), LIMIT) == BODY
    assert inflate("snappy", bytes(cramjam.snappy.compress_raw(BODY)), LIMIT) == BODY


def test_wrong_checksum_is_damaged() -> None:
    """A chunk of framed snappy that was changed on the way is not handed on."""
    body = bytearray(pack("snappy_framed", json.dumps({"a": 1}).encode()))
    body[14:18] = struct.pack("<I", 0)
    with pytest.raises(Damaged):
        inflate("snappy_framed", bytes(body), LIMIT)


@pytest.mark.parametrize(("kind", "package"), [("snappy", "cramjam"), ("zstd", "zstandard")])
def test_missing_package_is_told_with_what_to_do(kind: str, package: str) -> None:
    """Without the layer of codecs, gzip still works and the other kinds say what they need."""
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from logferry.transport.compress import pack\n"
        "from logferry.errors import Misconfigured\n"
        f"pack('gzip', b'a')\ntry:\n    pack({kind!r}, b'a')\nexcept Misconfigured as error:\n    print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.startswith(f"compress: needs the package {package}; add the layer codecs")
