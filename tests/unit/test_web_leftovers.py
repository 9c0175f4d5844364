"""One HTTP request: what is wrong with an answer beside its body, and what that means for the connection it came on."""

import contextlib
import gzip
import socket
import threading
import time
from pathlib import Path

import pytest
from tests.fakes.certificates import Authority
from tests.fakes.misbehaving import Behaviour, Misbehaving, answer, close

from logferry.errors import Misconfigured, Transient
from logferry.transport.dial import Address, dial
from logferry.transport.web import Web

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_FORGED = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"


def _says(*pieces: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return behave


@pytest.mark.parametrize(
    "pieces",
    [
        (_OK + _FORGED,),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok" + _FORGED),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\nok\r\n0\r\n\r\n" + _FORGED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",),
    ],
)
@pytest.mark.parametrize("tls", [False, True])
def test_an_answer_with_something_behind_it_ends_its_connection(
    pieces: tuple[bytes, ...], tls: bool, tmp_path: Path  # noqa: FBT001  # a parameter of the test
) -> None:  # fmt: skip
    """Nobody reads it as the answer to the next request, nor what lies within TLS; two lengths are not trusted."""
    authority = Authority(tmp_path)
    context = authority.issue().server_context() if tls else None
    with (
        Misbehaving(_says(*pieces), answer(200, b"true"), tls=context) as server,
        contextlib.closing(Web(ca_file=str(authority.ca_file))) as web,
    ):
        assert web.request("POST", server.url, headers={}, body=b"1", time_out=5).body == b"ok"
        assert web.request("POST", server.url, headers={}, body=b"2", time_out=5).body == b"true"
        assert server.connections == 2


@pytest.mark.parametrize(
    "header",
    [b"a:" + b" " * 60_000 + b"\0\r\n", b"a: x" + b" \r" * 30_000 + b"x\r\n", b"a: x" + b" " * 60_000 + b"x\r\n"],
)
def test_a_header_of_blanks_costs_no_more_than_its_length(header: bytes) -> None:
    """A far side cannot keep a function busy by one line."""
    begun = time.process_time()
    head = b"HTTP/1.1 200 OK\r\n" + header + b"Content-Length: 0\r\n\r\n"
    with Misbehaving(_says(head)) as server, contextlib.closing(Web()) as web, contextlib.suppress(Transient):
        web.request("POST", server.url, headers={}, body=b"1", time_out=5)
    assert time.process_time() - begun < 1


def test_what_breaks_the_tls_of_a_sent_request_is_in_doubt(tmp_path: Path) -> None:
    """Plain text in the middle of TLS: the request was taken, or not; not that nothing was sent."""

    def plain(connection: socket.socket) -> None:
        raw = socket.socket(fileno=connection.detach())
        raw.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        close(raw)

    authority = Authority(tmp_path)
    with (
        Misbehaving(plain, tls=authority.issue().server_context()) as server,
        contextlib.closing(Web(ca_file=str(authority.ca_file))) as web,
        pytest.raises(Transient, match="may have been taken") as caught,
    ):
        web.request("POST", server.url, headers={}, body=b"1", time_out=5)
    assert caught.value.in_doubt


@pytest.mark.parametrize("status", [200, 204])
def test_who_says_yes_to_half_a_body_has_not_taken_it(status: int) -> None:
    """An early 2xx and a reset, with most of the body unsent: no success, but in doubt."""

    def hasty(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(f"HTTP/1.1 {status} Fine\r\nContent-Length: 0\r\n\r\n".encode())
        close(connection)

    with (
        Misbehaving(hasty, http=False) as server, contextlib.closing(Web()) as web, pytest.raises(Transient) as caught,
    ):  # fmt: skip
        web.request("PUT", server.url, headers={}, body=b"x" * 20_000_000, time_out=10)
    assert caught.value.in_doubt


@pytest.mark.parametrize("tls", [False, True])
def test_who_says_no_to_half_a_body_and_hangs_up_is_heard(tls: bool, tmp_path: Path) -> None:  # noqa: FBT001  # a parameter of the test
    """A 413 before the end of the body is what makes a payload smaller, over TLS too."""

    def refuses(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.close()

    authority = Authority(tmp_path)
    context = authority.issue().server_context() if tls else None
    with (
        Misbehaving(refuses, http=False, tls=context) as server,
        contextlib.closing(Web(ca_file=str(authority.ca_file))) as web,
    ):
        assert web.request("PUT", server.url, headers={}, body=b"x" * 20_000_000, time_out=10).status == 413


@pytest.mark.parametrize("tls", [False, True])
def test_who_says_no_to_half_a_body_and_reads_no_further_is_heard(tls: bool, tmp_path: Path) -> None:  # noqa: FBT001  # as above
    """Once the time is over: else the same payload would be tried for ever."""
    done = threading.Event()

    def refuses(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        done.wait(10)

    authority = Authority(tmp_path)
    context = authority.issue().server_context() if tls else None
    with (
        Misbehaving(refuses, http=False, tls=context) as server,
        contextlib.closing(Web(ca_file=str(authority.ca_file))) as web,
    ):
        try:
            reply = web.request("PUT", server.url, headers={}, body=b"x" * 20_000_000, time_out=1)
        finally:
            done.set()
        assert (reply.status, reply.body) == (413, b"big")


def test_a_packed_body_that_is_cut_short_is_no_whole_answer() -> None:
    """Its frame is whole, what is in it is not."""
    packed = gzip.compress(b'{"text":"Success","code":0}' * 50)[:-20]
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with Misbehaving(_says(head + packed)) as server, contextlib.closing(Web()) as web, pytest.raises(Transient):
        web.request("POST", server.url, headers={}, body=b"1", time_out=5)


def test_an_address_that_this_machine_cannot_reach_at_all_is_passed_over() -> None:
    """A kernel without IPv6 makes no such socket: the next address is tried, as when it had not answered."""
    strange = Address(socket.AddressFamily.AF_KEY, socket.SOCK_STREAM, ("nowhere", 1))  # no such pair anywhere
    with socket.create_server(("127.0.0.1", 0)) as listener:
        real = Address(socket.AF_INET, socket.SOCK_STREAM, listener.getsockname())
        with contextlib.closing(dial([strange, real], 2, time.monotonic)) as connected:
            assert connected.getpeername() == listener.getsockname()
        with pytest.raises(Transient, match="nowhere"):
            dial([strange], 2, time.monotonic)


@pytest.mark.parametrize("url", ["http://[::1", "https://[x]/", "http://a]b/"])
def test_an_address_in_broken_brackets_is_misconfigured(url: str) -> None:
    """Whatever the library of URLs says about it, and with time left or not."""
    with contextlib.closing(Web()) as web:
        for time_out in (0.0, 5.0):
            with pytest.raises((Misconfigured, Transient)):
                web.request("GET", url, headers={}, time_out=time_out)


def test_what_stands_behind_a_packed_body_is_not_kept() -> None:
    """An endless stream behind the end of a packed nothing is given up at its first piece."""
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"")
    with Misbehaving(_says(head, *[bytes(1_000_000)] * 300)) as server, contextlib.closing(Web()) as web:
        begun = time.monotonic()
        with pytest.raises(Transient, match="something stands behind"):
            web.request("POST", server.url, headers={}, body=b"1", time_out=20)
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize("cookie", [b"node=\x7f", b"node=\x01b"])
def test_a_cookie_that_no_request_can_carry_is_not_learned(cookie: bytes) -> None:
    """Else the next request would be said to be misconfigured, and the task held for what its receiver said."""
    said = b"HTTP/1.1 200 OK\r\nSet-Cookie: " + cookie + b"\r\nContent-Length: 0\r\n\r\n"
    with Misbehaving(_says(said), answer(200)) as server, contextlib.closing(Web(cookies=True)) as web:
        for _ in range(2):
            assert web.request("POST", server.url, headers={}, body=b"1", time_out=5).status == 200
        assert "cookie" not in server.requests[1].headers


def test_a_proxy_with_an_unprintable_name_is_none() -> None:
    """A secret that holds anything at all is told as what it is, before a name is looked up."""
    with contextlib.closing(Web(proxy=lambda: "http://a\0b:1")) as web, pytest.raises(Misconfigured, match="proxy"):
        web.request("GET", "http://127.0.0.1:1/", headers={}, time_out=5)


def test_a_large_body_that_was_refused_unread_answers_no_other_request() -> None:
    """The far side takes the rest of it for a request, and says 400 to that: not to what is sent next."""

    def sloppy(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        time.sleep(0.2)  # meanwhile the next request is sent
        with contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    def sound(connection: socket.socket) -> None:
        connection.recv(1000)
        answer(200)(connection)

    with Misbehaving(sloppy, sound, http=False) as server, contextlib.closing(Web()) as web:
        assert web.request("POST", server.url, headers={}, body=b"x" * 100_000, time_out=5).status == 413
        assert web.request("POST", server.url, headers={}, body=b"1", time_out=5).status == 200
