"""UDP: one message a datagram, and the little that can be known of its fate."""

import socket
from collections.abc import Iterator

import pytest

from logferry.errors import TooLarge, Transient
from logferry.transport.datagrams import MAX_DATAGRAM, Datagrams


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    """A bound socket."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(5)
        yield bound


def test_each_message_is_a_datagram(receiver: socket.socket) -> None:
    """Messages keep their bounds, up to the largest that fits."""
    sender = Datagrams("127.0.0.1", receiver.getsockname()[1])
    sender.write([b"a\nb", b"", b"x" * MAX_DATAGRAM], 5)
    assert [receiver.recv(65536) for _ in range(3)] == [b"a\nb", b"", b"x" * MAX_DATAGRAM]
    sender.close()


def test_refusal_is_found_when_looked_for() -> None:
    """A port where nobody listens answers by ICMP: the next look says so, once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sender = Datagrams("127.0.0.1", port)
    sender.write([b"x"], 5)
    with pytest.raises(Transient, match="refused"):
        sender.look()
    sender.look()
    sender.close()


def test_refusal_stops_the_messages_that_follow() -> None:
    """A refusal within a payload is an error for the payload."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Transient, match="refused"):
        Datagrams("127.0.0.1", port).write([b"x", b"y"], 5)


def test_more_than_a_datagram_holds_is_too_large(receiver: socket.socket) -> None:
    """The system's limit is an error, not a silent loss."""
    with pytest.raises(TooLarge):
        Datagrams("127.0.0.1", receiver.getsockname()[1]).write([b"x" * (MAX_DATAGRAM + 1)], 5)


def test_unknown_host_is_transient() -> None:
    """A name without an address is worth another try."""
    with pytest.raises(Transient, match=r"nowhere\.invalid"):
        Datagrams("nowhere.invalid", 514).resolve()
