"""Our reader of answers against the standard library's, on every form of an answer, and on arbitrary bytes."""

import io
import socket
from http.client import HTTPException, HTTPResponse
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry.transport._faults import Garbled
from logferry.transport._listening import Answer, listen

_VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f\x85\xa0"), max_size=12)
_NAMES = st.sampled_from(["X-A", "x-b", "Retry-After", "ETag"])
_BODIES = st.lists(st.binary(min_size=1, max_size=300), max_size=4)


def ours(data: bytes, method: str = "GET") -> tuple[int, dict[str, str], bytes, bool]:
    """Status, headers, body, and whether the connection is done with."""
    answer = listen(io.BufferedReader(io.BytesIO(data)), method)
    body = b"".join(answer.pieces())
    return answer.status, dict(answer.headers), body, answer.is_last


class Sock:
    """What the standard library reads from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        """All of it."""
        return io.BytesIO(self._data)


def theirs(data: bytes, method: str = "GET") -> tuple[int, dict[str, str], bytes, bool]:
    """The same by `http.client`."""
    sock: Any = Sock(data)
    answer = HTTPResponse(sock, method=method)
    answer.begin()
    will_close, headers = answer.will_close, dict[str, str]()
    for name, value in answer.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return answer.status, headers, answer.read(), bool(will_close)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Whole answers in every form."""
    version, status = draw(st.sampled_from(["1.0", "1.1"])), draw(st.sampled_from([200, 204, 304, 400, 503]))
    lines = [f"HTTP/{version} {status}{draw(st.sampled_from(['', ' ', ' OK', ' Not  so']))}"]
    lines += [f"{name}:{draw(st.sampled_from(['', ' ', '  ']))}{value}"
              for name, value in draw(st.lists(st.tuples(_NAMES, _VALUES), max_size=4))]  # fmt: skip
    lines += draw(st.sampled_from([[], ["Connection: close"], ["connection: Keep-Alive"], ["Connection: keep-alive"]]))
    pieces = draw(_BODIES)
    # Chunks after a status that has no body: the standard library reads them all the same, against RFC 9110 15.3.5.
    form = draw(st.sampled_from(["length", "end", *(["chunks"] if status not in (204, 304) else [])]))
    if form == "length":
        lines.append(f"Content-Length: {sum(map(len, pieces))}")
        body = b"".join(pieces)
    elif form == "chunks":
        lines.append("Transfer-Encoding: chunked")
        body = b"".join(
            b"%x%s\r\n%s\r\n" % (len(piece), draw(st.sampled_from([b"", b";a=b"])), piece) for piece in pieces
        )
        body += b"0\r\n" + draw(st.sampled_from([b"", b"X-T: 1\r\n"])) + b"\r\n"
    else:
        body = b"".join(pieces)
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@settings(max_examples=300, deadline=None)
@given(answers(), st.sampled_from(["GET", "HEAD", "POST"]))
def test_answers_are_read_as_the_standard_library_reads_them(data: bytes, method: str) -> None:
    """Status, headers, body; a connection that it would close is never kept."""
    mine, other = ours(data, method), theirs(data, method)
    assert mine[:3] == other[:3]
    assert mine[3] or not other[3] or method == "HEAD" or mine[0] in (204, 304)


@settings(max_examples=300, deadline=None)
@given(answers(), st.data())
def test_an_answer_that_is_cut_is_never_taken_for_whole(data: bytes, more: st.DataObject) -> None:
    """Cut anywhere: an error, unless only the end of the connection says where the body ends."""
    head = data.index(b"\r\n\r\n") + 4
    is_framed = b"Content-Length" in data[:head] or b"chunked" in data[:head]
    has_body = not data.startswith((b"HTTP/1.0 204", b"HTTP/1.1 204", b"HTTP/1.0 304", b"HTTP/1.1 304"))
    cut = data[: more.draw(st.integers(0, len(data) - 1))]
    if len(cut) < head or (is_framed and has_body):
        with pytest.raises((Garbled, ConnectionError)):
            ours(cut)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: b"HTTP/1.1 200 OK\r\n" + tail))
def test_arbitrary_bytes_are_an_answer_or_none(data: bytes) -> None:
    """Nothing but the two errors, and what we take for an answer the standard library takes for one too."""
    try:
        mine = ours(data)
    except (Garbled, ConnectionError):
        return
    try:
        assert theirs(data)[0] == mine[0]
    except (HTTPException, ValueError):
        assert b"\r\n\r\n" in data or b"\n\n" in data


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n", b"Content-Length: -1\r\n", b"Content-Length: +5\r\n",
        b"Content-Length: 5 5\r\n", b"Content-Length:\r\n", b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: identity\r\n", b"X : a\r\n", b": a\r\n", b"no colon\r\n",
        b"X: a\0b\r\n", b" folded: 1\r\n", b"Content-Length: 5\r\n 0\r\n", b"X: a\r\n b\0\r\n",
    ],
)  # fmt: skip
def test_nothing_is_guessed(head: bytes) -> None:
    """Two lengths, none, codings nobody asked for, and headers that are none."""
    with pytest.raises(Garbled):
        ours(b"HTTP/1.1 200 OK\r\n" + head + b"\r\nhello")


@pytest.mark.parametrize(
    ("head", "value"), [(b"X: a\r\n b\r\n\tc \r\n", "a b c"), (b"X:\r\n a\r\n", "a"), (b"X: a\r\n \r\n", "a")]
)
def test_a_header_over_several_lines_is_one_and_ends_the_connection(head: bytes, value: str) -> None:
    """Old balancers fold: their yes is a yes, as for the standard library; where the next answer begins is not told."""
    data = b"HTTP/1.1 200 OK\r\n" + head + b"Content-Length: 2\r\n\r\nok"
    assert ours(data) == (200, {"x": value, "content-length": "2"}, b"ok", True)
    assert theirs(data)[0::2] == (200, b"ok")


def test_chunks_win_over_a_length() -> None:
    """RFC 9112 6.3: a message with both is framed by its chunks."""
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    assert ours(data)[2] == b"hello"


def test_equal_lengths_are_one() -> None:
    """Said twice, meant once."""
    assert ours(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nokmore")[2] == b"ok"


def test_an_upgrade_that_nobody_asked_for_ends_the_connection() -> None:
    """101 is an answer, and what follows it is not HTTP."""
    near, far = socket.socketpair()
    with near, far:
        far.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        with near.makefile("rb") as reader:
            answer: Answer = listen(reader, "GET")
            assert (answer.status, answer.is_last) == (101, True)
