"""What brokers answer, taken apart: nonsense raises our own errors and nothing else, however much it announces."""

import struct
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry.destinations.kafka import calls
from logferry.destinations.kafka.answers import judge
from logferry.destinations.kafka.link import Answer, Link, Peer
from logferry.destinations.kafka.sasl import Login
from logferry.errors import DeliveryError, Misconfigured, Permanent, TooLarge, Transient
from logferry.vault import Secret

PEER = Peer("kafka.example", 9092)
LOGIN = Login("SCRAM-SHA-256", "ferry", Secret("not-for-the-log-file"))


class Parrot(Link):
    """Answers everything with the same bytes; it knows all versions."""

    def __init__(self, said: bytes) -> None:
        super().__init__(PEER, time.monotonic)
        self.versions = dict.fromkeys(range(40), (0, 99))
        self._said = said

    def send(self, api: int, version: int, body: bytes, deadline: float) -> int:  # noqa: ARG002  # the link's
        """Nobody is there."""
        return 1

    def receive(self, number: int, deadline: float) -> Answer:  # noqa: ARG002  # the link's
        """What it always says."""
        return Answer(self._said, self.peer)


CALLS: dict[str, Callable[[Link], object]] = {
    "greet": lambda link: calls.greet(link, LOGIN, "nonce", 0.0),
    "look_up": lambda link: calls.look_up(link, "waf", 0.0),
    "new_producer": lambda link: calls.new_producer(link, 0.0),
    "produced": lambda link: calls.produced(link, (1, 8), 0.0),
}
COUNTS = [struct.pack(">i", count) for count in (-1, 0, 1, 2, 2**31 - 1)]


@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=150, deadline=None)
@given(said=st.lists(st.sampled_from(COUNTS) | st.binary(max_size=9), max_size=12).map(b"".join))
def test_nonsense_is_our_own_error_or_an_answer(name: str, said: bytes) -> None:
    """Neither IndexError nor a struct's, and no memory for what was only announced."""
    try:
        CALLS[name](Parrot(said))
    except DeliveryError as error:
        assert "not-for-the-log-file" not in str(error)  # noqa: PT017  # most of them are taken


def test_an_old_broker_is_told_by_what_it_lacks() -> None:
    """Held: another broker, or none, is a person's to choose."""
    link = Parrot(b"")
    link.versions = {22: (0, 1), 3: (0, 2)}
    with pytest.raises(Misconfigured, match=r"kafka\.example:9092: the broker knows request 3 in 0-2, not 4-4"):
        calls.look_up(link, "waf", 0.0)


@pytest.mark.parametrize(
    ("code", "kind"),
    [(1, Transient), (7, Transient), (10, TooLarge), (18, TooLarge), (29, Misconfigured), (32, Permanent),
     (58, Misconfigured), (87, Permanent), (12345, Transient), (-1, Transient)],
)  # fmt: skip
def test_an_error_has_its_fate(code: int, kind: type[DeliveryError]) -> None:
    """A number that nobody knows keeps the data at the source, and leaves in doubt whether the broker has it too."""
    error = judge(code, "topic waf", "told " * 100)
    assert type(error) is kind
    assert f"(error {code})" in str(error)
    assert len(str(error)) < 350
    assert error.in_doubt == (kind is Transient)


def test_a_peer_is_written_as_it_is_configured() -> None:
    """Brackets around IPv6."""
    assert (str(Peer("::1", 9092)), str(PEER)) == ("[::1]:9092", "kafka.example:9092")
