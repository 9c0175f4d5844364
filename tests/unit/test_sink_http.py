"""The http sink: what it unpacks, whom it lets in, what it refuses."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from logferry.signing import signed
from logferry.transport.compress import CODINGS, Kind, pack
from logferry.transport.web import Reply, Web
from logferry.vault import Secret
from logferry_local.sinks import Place
from logferry_local.sinks.http import Options, open_sink

KEY = Secret("Sink2026Key")
BOMB = pack("gzip", bytes(10_000_000))


@pytest.fixture
def web() -> Iterator[Web]:
    """A client."""
    made = Web()
    yield made
    made.close()


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[str]:
    """A sink that wants signatures and small bodies; its address."""
    opened = open_sink(Place(tmp_path / "out"), Options(private_key=KEY.reveal(), max_bytes=1_000))
    yield opened.address
    opened.close()


def post(web: Web, sink: str, body: bytes, *, expires: float = 300, **headers: str) -> Reply:
    """A signed post; header names with hyphens for underscores."""
    url = signed(
        f"{sink}/in%2Fa", KEY, now=1_767_225_600 if expires < 0 else time.time(), expires=abs(expires), rand="0"
    )
    return web.request("POST", url, headers={k.replace("_", "-"): v for k, v in headers.items()}, body=body, time_out=5)


@pytest.mark.parametrize(("kind", "coding"), list(CODINGS.items()))
def test_body_is_unpacked_as_its_coding_says(web: Web, sink: str, tmp_path: Path, kind: Kind, coding: str) -> None:
    """Every compression that the destination can make."""
    assert post(web, sink, pack(kind, b"hello\n"), Content_Encoding=coding).status == 200
    assert (tmp_path / "out").read_bytes() == b"hello\n"


@pytest.mark.parametrize(
    ("body", "coding", "status"),
    [
        (b"x", "br", 415),
        (b"x", "gzip", 415),
        (b"x" * 1_001, "identity", 413),
        (pack("gzip", bytes(10**7)), "gzip", 413),
    ],
)
def test_what_cannot_be_unpacked_is_refused(
    web: Web, sink: str, tmp_path: Path, body: bytes, coding: str, status: int
) -> None:
    """Unknown, damaged, too large, a bomb: nothing is written."""
    assert post(web, sink, body, Content_Encoding=coding).status == status
    assert not (tmp_path / "out").exists() or (tmp_path / "out").read_bytes() == b""


def test_unsigned_and_expired_requests_are_forbidden(web: Web, sink: str, tmp_path: Path) -> None:
    """Without a word why; nothing is written."""
    unsigned = web.request("POST", f"{sink}/in", headers={}, body=b"x", time_out=5)
    expired = post(web, sink, b"x", expires=-300)
    assert (unsigned.status, unsigned.body) == (expired.status, expired.body) == (403, b"forbidden\n")
    assert not (tmp_path / "out").exists() or (tmp_path / "out").read_bytes() == b""


def test_question_for_the_owner_is_answered(web: Web, sink: str, tmp_path: Path) -> None:
    """The nonce comes back and is not stored."""
    reply = post(web, sink, b"n0nce", X_Logferry_Challenge="n0nce")
    assert (reply.status, reply.body) == (200, b"n0nce")
    assert not (tmp_path / "out").exists() or (tmp_path / "out").read_bytes() == b""
