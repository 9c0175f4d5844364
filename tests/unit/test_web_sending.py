"""A large body on its way to a far side that is slow: neither given up early, nor waited for beyond the time-out."""

import contextlib
import socket
import ssl
import struct
import time
from pathlib import Path

import pytest
from tests.fakes.certificates import Authority
from tests.fakes.misbehaving import Misbehaving, answer

from logferry.errors import Misconfigured, Transient
from logferry.transport.web import Web


def _slowly(connection: socket.socket) -> None:
    """Takes a request a little at a time: 8 MB within two seconds."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    left, head = 8_000_000, b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1)
    while left and (found := connection.recv(40_000)):
        left -= len(found)
        time.sleep(0.005)
    answer(200)(connection)


def test_the_limit_on_connecting_is_none_on_sending() -> None:
    """A large body over a slow line is sent for as long as the time-out allows, however short connecting is to be."""
    with Misbehaving(_slowly, http=False) as server, contextlib.closing(Web()) as web:
        reply = web.request("PUT", server.url, headers={}, body=b"x" * 8_000_000, time_out=20, connect=0.5)
    assert reply.status == 200


def _takes_nothing(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.settimeout(20)
    with contextlib.suppress(OSError):
        while connection.recv(1):
            time.sleep(0.05)


@pytest.mark.parametrize("connect", [0.3, 20.0])
def test_a_body_that_is_not_taken_ends_with_the_time(connect: float) -> None:
    """A far side that reads a byte now and then holds nobody beyond the time-out."""
    begun = time.monotonic()
    with (
        Misbehaving(_takes_nothing, http=False) as server, contextlib.closing(Web()) as web,
        pytest.raises(Transient, match="may have been taken"),
    ):  # fmt: skip
        web.request("PUT", server.url, headers={}, body=b"x" * 30_000_000, time_out=1, connect=connect)
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("size", [1, 5_000_000])
def test_who_wants_our_certificate_is_understood_whatever_the_size(size: int, tmp_path: Path) -> None:
    """TLS 1.3 says so once the request is on its way: a large body breaks at it, and it counts all the same."""
    authority = Authority(tmp_path)
    context = authority.issue().server_context(client_ca=authority.ca_file)

    def wants(connection: socket.socket) -> None:
        with contextlib.suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True):
            pass

    with (
        Misbehaving(wants, http=False) as server,
        contextlib.closing(Web(ca_file=str(authority.ca_file))) as web,
        pytest.raises(Misconfigured, match="a client certificate"),
    ):
        web.request("PUT", server.url.replace("http:", "https:"), headers={}, body=b"x" * size, time_out=5)


def test_a_connection_that_is_reset_before_tls_has_sent_nothing(tmp_path: Path) -> None:
    """The standard library then hands out a socket that speaks no TLS: nothing is sent over that."""

    def resets(connection: socket.socket) -> None:
        connection.shutdown(socket.SHUT_WR)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    with (
        Misbehaving(resets, http=False) as server,
        contextlib.closing(Web(ca_file=str(Authority(tmp_path).ca_file))) as web,
        pytest.raises(Transient, match="nothing was sent") as caught,
    ):
        web.request("PUT", server.url.replace("http:", "https:"), headers={}, body=b"x", time_out=5)
    assert not caught.value.in_doubt
