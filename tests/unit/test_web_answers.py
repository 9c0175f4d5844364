"""One HTTP request: answers in every form that HTTP/1.x has, what is too much of them, and what was never asked for."""

import contextlib
import gzip
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fakes.certificates import Authority
from tests.fakes.misbehaving import Behaviour, Misbehaving, answer, close

from logferry.errors import Misconfigured, Transient
from logferry.transport.web import BriefWeb, Reply, Web


def says(*pieces: bytes, pause: float = 0.0, ends: bool = True) -> Behaviour:
    """These bytes as they stand."""

    def behave(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
                threading.Event().wait(pause)
        if ends:
            close(connection)

    return behave


def ask(behaviour: Behaviour, web: Web | None = None, *, method: str = "POST", time_out: float = 5.0) -> Reply:
    """One request of a server that answers so."""
    web = web or Web()
    with Misbehaving(behaviour) as server, contextlib.closing(web):
        return web.request(method, server.url, headers={}, body=b"x" if method == "POST" else None, time_out=time_out)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PACKED = gzip.compress(b"hello " * 500)


@pytest.mark.parametrize(
    ("pieces", "body"),
    [
        ((CHUNKED, b"5;a=b\r\nhello\r\n", b"3\r\n yo\r\n0\r\nX-Trailer: 1\r\n\r\n"), b"hello yo"),
        ((b"HTTP/1.0 200 OK\r\n\r\nuntil ", b"the end"), b"until the end"),
        ((b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end",), b"until the end"),
        ((b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n",
          b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), b"ok"),
        ((b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + PACKED,), b"hello " * 500),
        ((b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + zlib.compress(b"hello"),), b"hello"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",), b""),
        ((b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok, and more than was announced",), b"ok"),
    ],
)  # fmt: skip
def test_every_form_of_a_body_is_read(pieces: tuple[bytes, ...], body: bytes) -> None:
    """By length, in chunks, to the end of the connection, after interim answers, compressed though nobody asked."""
    reply = ask(says(*pieces))
    assert (reply.status, reply.body) == (200, body)


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",),
        (CHUNKED, b"5\r\nhel"),
        (CHUNKED, b"5\r\nhello\r\n"),
        (CHUNKED, b"zz\r\nhello\r\n0\r\n\r\n"),
        (b"HTTP/1.1 2",),
        (b"SSH-2.0-OpenSSH_9.2\r\n",),
        (b"HTTP/1.1 99999 OK\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50,),
        (b"HTTP/1.1 200 OK\r\n" + b"X-More: 1\r\n" * 200 + b"\r\n",),
        (b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n",),
    ],
)
def test_what_is_no_whole_answer_is_in_doubt(pieces: tuple[bytes, ...]) -> None:
    """Cut short, garbled or without end: it may have been taken, and no foreign text is repeated."""
    with pytest.raises(Transient, match=r"broke before the answer was whole.*may have been taken") as caught:
        ask(says(*pieces))
    assert caught.value.in_doubt
    assert "SSH" not in str(caught.value)


def test_a_packed_body_that_unpacks_to_too_much_costs_its_limit() -> None:
    """50 MB of zeros in 50 kB: an error, or for whoever reads the beginning only, that beginning."""
    bomb = gzip.compress(bytes(50_000_000), 9)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    with pytest.raises(Transient, match="longer than its limit"):
        ask(says(head + bomb))
    assert ask(says(head + bomb), BriefWeb(max_reply=100)).body == bytes(100)


def test_a_head_that_drips_ends_with_the_time() -> None:
    """A byte of a header every 20 ms holds nobody beyond the time-out."""
    begun = time.monotonic()
    with pytest.raises(Transient, match=r"no whole answer within 0.3 s"):
        ask(says(b"HTTP/1.1 200 OK\r\nX-Slow: ", *[b"x"] * 200, pause=0.02), time_out=0.3)
    assert time.monotonic() - begun < 2


def test_head_has_no_body() -> None:
    """The length in the answer to HEAD is that of a body that does not come."""
    reply = ask(says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", ends=False), method="HEAD")
    assert (reply.headers["content-length"], reply.body) == ("100", b"")


def test_a_header_that_comes_twice_is_one() -> None:
    """Its values are joined, its name has no case."""
    headers = ask(says(b"HTTP/1.1 204 No\r\nX-A: 1\r\nx-a: 2\r\nX-\xe4: \xe4\r\n\r\n")).headers
    assert headers["X-A"] == "1, 2"
    assert headers.get("missing") is None


@pytest.mark.parametrize("behaviour", [answer(200, b"ok"), says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")])
def test_a_kept_connection_that_ended_is_replaced_before_anything_is_sent(behaviour: Behaviour) -> None:
    """Nothing is ever sent twice: whether it is alive is seen before, and what fails after is told."""
    with Misbehaving(behaviour, answer(200, b"ok")) as server, contextlib.closing(Web()) as web:
        for _ in range(3):
            assert web.request("POST", server.url, headers={}, body=b"x", time_out=5).status == 200
            time.sleep(0.05)
        assert len(server.requests) == 3


def test_a_request_on_a_kept_connection_is_not_repeated() -> None:
    """The far side takes it and hangs up without a word: once, and in doubt."""
    with Misbehaving(answer(200), close) as server, contextlib.closing(Web()) as web:
        web.request("POST", server.url, headers={}, body=b"1", time_out=5)
        with pytest.raises(Transient) as caught:
            web.request("POST", server.url, headers={}, body=b"2", time_out=5)
        assert [request.body for request in server.requests] == [b"1", b"2"]
    assert caught.value.in_doubt


def test_who_answers_early_and_hangs_up_is_heard() -> None:
    """A 413 in the middle of a body counts, though the rest of the body could not be sent."""

    def refuses(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            while connection.recv(65_536):
                pass

    with Misbehaving(refuses, http=False) as server, contextlib.closing(Web()) as web:
        reply = web.request("PUT", server.url, headers={}, body=b"x" * 20_000_000, time_out=10)
    assert reply.status == 413


@pytest.mark.parametrize(
    "headers",
    [
        {"X": "a\r\nY: b"},
        {"X": "a\nb"},
        {"X\r\nY": "b"},
        {"X: Y": "b"},
        {"": "b"},
        {"X": "a\0"},
        {"X": "日"},
        {"X": " a"},
    ],
)
def test_no_header_begins_another(headers: dict[str, str]) -> None:
    """Nothing is sent, not even a connection made, and the value is not shown."""
    with Misbehaving(answer(200)) as server, contextlib.closing(Web()) as web:
        with pytest.raises(Misconfigured, match="characters that HTTP does not allow") as caught:
            web.request("POST", server.url, headers=headers, time_out=5)
        assert server.connections == 0
    assert "Y: b" not in str(caught.value)


@pytest.mark.parametrize("path", ["/a\r\nX: b", "/a\tb", "\x7f"])
def test_no_url_begins_a_header(path: str) -> None:
    """Control characters of a URL never reach the wire."""
    with Misbehaving(answer(200)) as server, contextlib.closing(Web()) as web, pytest.raises(Misconfigured):
        web.request("GET", server.url + path, headers={}, time_out=5)
    assert server.requests == []


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("/日志?q=ä b", "/%E6%97%A5%E5%BF%97?q=%C3%A4%20b"),
        ("/a/../b%7e", "/a/../b%7e"),
        ("", "/"),
        ("?x=1#part", "/?x=1"),
    ],
)
def test_a_path_is_sent_as_it_is_written(written: str, sent: str) -> None:
    """What has no place in HTTP is percent-encoded, all else may have been signed as it stands."""
    with Misbehaving(answer(200)) as server, contextlib.closing(Web()) as web:
        web.request("GET", server.url + written, headers={"Host": "own.example"}, time_out=5)
    assert server.requests[0].line == f"GET {sent} HTTP/1.1"
    assert server.requests[0].headers["host"] == "own.example"


def test_a_request_without_a_body_has_no_length_but_for_those_that_want_one() -> None:
    """GET and HEAD send none, POST, PUT and DELETE say 0; nothing compressed is asked for."""
    with Misbehaving(answer(200)) as server, contextlib.closing(Web()) as web:
        for method in ("GET", "HEAD", "POST", "DELETE"):
            web.request(method, server.url, headers={"Content-Length": "7"}, time_out=5)
    found = [request.headers for request in server.requests]
    assert [headers.get("content-length") for headers in found] == [None, None, "0", "0"]
    assert {(headers["user-agent"], headers["accept-encoding"]) for headers in found} == {("logferry", "identity")}


def test_a_renewed_ca_file_counts_for_the_next_connection(tmp_path: Path) -> None:
    """Authorities are read once, and again when their file was written anew."""
    old, new = Authority(tmp_path / "old"), Authority(tmp_path / "new")
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(old.ca_file.read_bytes())
    with contextlib.closing(Web(ca_file=str(trusted))) as web:
        with Misbehaving(answer(200), tls=old.issue().server_context()) as server:
            web.request("GET", server.url, headers={}, time_out=5)
        trusted.write_bytes(new.ca_file.read_bytes())
        with Misbehaving(answer(200), tls=new.issue().server_context()) as server:
            assert web.request("GET", server.url, headers={}, time_out=5).status == 200


def test_old_tls_is_not_spoken(tmp_path: Path) -> None:
    """TLS 1.1 and earlier are refused by our side."""
    context: ssl.SSLContext = Authority(tmp_path).issue().server_context()
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    served: Callable[[], Misbehaving] = lambda: Misbehaving(answer(200), tls=context)  # noqa: E731  # one use
    with served() as server, contextlib.closing(Web(verify=False)) as web, pytest.raises((Transient, Misconfigured)):
        web.request("GET", server.url, headers={}, time_out=5)
