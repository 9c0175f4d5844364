"""A large body on its way to a far side that is slow: neither given up early, nor waited for beyond the time-out."""

import contextlib
import socket
import time

import pytest
from tests.fakes.misbehaving import Misbehaving, answer

from logferry.errors import Transient
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
