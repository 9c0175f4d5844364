"""One stream: what was written is vouched for, or an error says that it is not."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from tests.fakes.misbehaving import Misbehaving, close, nobody, reset

from logferry.errors import Transient
from logferry.transport.dial import Address, dial, find_addresses
from logferry.transport.wire import MAX_IDLE, Stream

GRACE = 0.05


def stream(port: int, clock: Callable[[], float] = time.monotonic) -> Stream:
    """A stream to this machine that does not wait long for objections."""
    return Stream("127.0.0.1", port, clock=clock, grace=GRACE)


def deliver(made: Stream, data: bytes) -> None:
    """What a destination does up to a save."""
    made.write(data, 5)
    made.drain(5)


class Reader:
    """Reads all connections to their end; `accepted` and `data` tell what came."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.accepted: list[socket.socket] = []
        self.data = b""
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted.append(connection)
            thread = threading.Thread(target=self._read, args=(connection,))
            self.threads.append(thread)
            thread.start()

    def _read(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := connection.recv(65536):
                self.data += chunk
        close(connection)

    def close(self) -> None:
        """End everything."""
        close(self.listener)
        for connection in self.accepted:
            close(connection)
        for thread in self.threads:
            thread.join(10)


@pytest.fixture
def reader() -> Iterator[Reader]:
    """A receiver that reads."""
    made = Reader()
    yield made
    made.close()


def until(true: Callable[[], bool]) -> bool:
    """Whether it becomes true within five seconds."""
    deadline = time.monotonic() + 5
    while not true() and time.monotonic() < deadline:
        time.sleep(0.005)
    return true()


def test_written_and_drained_bytes_arrive_over_one_connection(reader: Reader) -> None:
    """Several writes share a connection, and a drain returns once they are acknowledged."""
    made = stream(reader.port)
    for number in range(3):
        made.write(b"%d\n" % number, 5)
    made.drain(5)
    made.close()
    assert until(lambda: reader.data == b"0\n1\n2\n")
    assert len(reader.accepted) == 1


def test_refused_connection_is_transient() -> None:
    """Nobody listening is worth another try; the text names the place."""
    with nobody() as port, pytest.raises(Transient, match=rf"127\.0\.0\.1:{port}: cannot connect .*refused"):
        stream(port).write(b"x", 5)


def test_unknown_host_is_transient() -> None:
    """A name without an address is worth another try."""
    with pytest.raises(Transient, match=r"nowhere\.invalid"):
        Stream("nowhere.invalid", 514).connect(5)


def test_every_address_is_tried(reader: Reader) -> None:
    """The second address is reached where the first refuses."""
    with nobody() as port:
        bad = find_addresses("127.0.0.1", port, socket.SOCK_STREAM)
        good = find_addresses("127.0.0.1", reader.port, socket.SOCK_STREAM)
        with dial(bad + good, 5, time.monotonic) as made:
            assert made.getpeername()[1] == reader.port


def test_a_silent_address_leaves_time_for_the_next(reader: Reader) -> None:
    """An address that swallows everything takes its share of the time, not all of it."""
    with socket.socket() as full, contextlib.ExitStack() as queue:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # a full queue: further connections are not answered
            waiting = queue.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(full.getsockname())
        silent = Address(socket.AF_INET, socket.SOCK_STREAM, full.getsockname())
        good = find_addresses("127.0.0.1", reader.port, socket.SOCK_STREAM)
        with dial([silent, *good], 0.6, time.monotonic) as made:
            assert made.getpeername()[1] == reader.port


def test_idle_connection_that_was_ended_is_renewed(reader: Reader) -> None:
    """The end of a connection on which nothing is in doubt costs nothing: the next write opens another."""
    made = stream(reader.port)
    made.write(b"a", 5)
    made.drain(5)
    close(reader.accepted[0])
    made.write(b"b", 5)
    made.drain(5)
    made.close()
    assert until(lambda: reader.data == b"ab")
    assert len(reader.accepted) == 2


def test_end_of_a_connection_with_bytes_in_doubt_is_told_to_write_and_drain(reader: Reader) -> None:
    """Neither the next write nor the next drain succeeds as if nothing had been on the broken connection."""
    made = stream(reader.port)
    made.write(b"a", 5)
    assert until(lambda: reader.data == b"a")
    close(reader.accepted[0])
    with pytest.raises(Transient, match="closed the connection"):
        made.write(b"b", 5)
    with pytest.raises(Transient, match="1 bytes written before are in doubt"):
        made.drain(5)


def test_doubt_outlives_a_new_connection(reader: Reader) -> None:
    """Writing on after a failure, without a drain that told it, does not make the lost bytes good."""
    made = stream(reader.port)
    made.write(b"a", 5)
    assert until(lambda: reader.data == b"a")
    close(reader.accepted[0])
    with pytest.raises(Transient):
        made.write(b"b", 5)
    made.write(b"b", 5)
    with pytest.raises(Transient, match="in doubt"):
        made.close()


def test_a_fresh_start_ends_the_doubt(reader: Reader) -> None:
    """A caller that writes again from its last save on, told by the failed write alone, is believed at once."""
    made = stream(reader.port)
    made.write(b"a", 5)
    assert until(lambda: reader.data == b"a")
    close(reader.accepted[0])
    with pytest.raises(Transient):
        made.write(b"b", 5)
    deliver(made, b"a")
    deliver(made, b"b")
    made.close()


def test_after_a_failed_drain_the_next_fails_too_until_something_is_written(reader: Reader) -> None:
    """Asked twice it says the same; a fresh start is believed."""
    made = stream(reader.port)
    made.write(b"a", 5)
    assert until(lambda: reader.data == b"a")
    close(reader.accepted[0])
    for _ in range(2):
        with pytest.raises(Transient, match="in doubt"):
            made.drain(5)
    made.write(b"a", 5)
    made.drain(5)
    made.close()


def test_reset_after_the_write_fails_the_drain() -> None:
    """A peer that takes the bytes and resets has not been delivered to."""

    def read_and_reset(end: socket.socket) -> None:
        end.recv(10)
        reset(end)

    with Misbehaving(read_and_reset, http=False) as peer, pytest.raises(Transient, match="10 bytes written before"):
        deliver(stream(peer.port), b"x" * 10)


def test_peer_that_closes_at_once_fails_the_drain() -> None:
    """A balancer with nobody behind it accepts and closes: within the grace that shows."""
    with Misbehaving(close, http=False) as peer, pytest.raises(Transient, match=r"closed|reset|in doubt"):
        deliver(stream(peer.port), b"x" * 10)


def test_write_to_a_peer_that_does_not_read_ends_in_time() -> None:
    """When the buffers are full the write gives up at its time-out."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        begun = time.monotonic()
        with pytest.raises(Transient, match="timed out"):
            stream(deaf.getsockname()[1]).write(b"x" * 50_000_000, 0.3)
        assert time.monotonic() - begun < 3


def test_bytes_that_the_peer_does_not_acknowledge_fail_the_drain() -> None:
    """What sits in our own send queue has not left: the drain says how much."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        made = stream(listener.getsockname()[1])
        made.write(b"x" * 100_000, 5)
        with pytest.raises(Transient, match=r"time is up, \d{4,} bytes not acknowledged"):
            made.drain(0.2)


def test_drain_without_a_write_asks_nothing() -> None:
    """Nothing written, nothing in doubt, no connection."""
    with nobody() as port:
        stream(port).drain(5)


def test_long_idle_connection_is_not_trusted(reader: Reader) -> None:
    """After a pause in which a balancer may have forgotten it, a connection is replaced before a write."""
    now = [0.0]
    made = Stream("127.0.0.1", reader.port, clock=lambda: now[0], grace=0.0)
    made.write(b"a", 5)
    made.drain(5)
    now[0] += MAX_IDLE + 1
    made.write(b"b", 5)
    made.drain(5)
    made.close()
    assert until(lambda: len(reader.accepted) == 2)


def test_time_out_of_zero_still_ends(reader: Reader) -> None:
    """A caller out of time gets an error, not a hang."""
    with pytest.raises(Transient):
        stream(reader.port).write(b"x" * 1_000_000, 0.0)
