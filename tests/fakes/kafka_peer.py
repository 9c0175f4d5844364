"""A broker of one topic that does as it is told: real sockets, the few requests that a producer needs, PLAIN.

What is produced is taken apart by kafka-python, its checksum verified, and kept once, as a broker does that knows the
sequence numbers. `script` has one step for each produce request; when it is used up, all are taken.
"""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

from tests.fakes import kafka_python
from tests.fakes.misbehaving import Behaviour, close

__all__ = ["KafkaPeer", "Late", "Lost", "Message", "Mixed", "Say", "lost"]


class Say(NamedTuple):
    """An answer to a produce request: the error's number, refused messages, and for how long the broker slows us."""

    code: int = 0
    refused: Sequence[tuple[int, str]] = ()
    throttle: int = 0  # ms
    partition: int | None = None  # None: of all


class Message(NamedTuple):
    """One message as it was kept."""

    partition: int
    key: bytes | None
    value: bytes
    timestamp: int


class Lost(NamedTuple):
    """The messages are taken, and there is no answer: `then` happens."""

    then: Behaviour = close


class Mixed(NamedTuple):
    """Partition 1 takes its messages and times out before it can say so, partition 2 names its second one."""


class Late(NamedTuple):
    """The messages are taken, and the answer is an error: the leader changed while it waited for the replicas."""

    code: int = 6


Step = Say | Lost | Mixed | Late | Behaviour
lost = Lost()
_VERSIONS = {0: (3, 8), 3: (0, 8), 17: (0, 1), 18: (0, 0), 22: (0, 4), 36: (0, 1)}


class KafkaPeer:
    """The broker; a context manager. With a `password` it asks for a login as `ferry`."""

    def __init__(
        self, *script: Step, password: str = "", partitions: int = 1, tls: ssl.SSLContext | None = None,
        topic_error: int = 0, lifetime: int = 0, limit: int = 0, keep: Callable[["Message"], None] | None = None,
    ) -> None:  # fmt: skip
        self.script, self.messages, self.logins, self.producers = list(script), list[Message](), 0, 0
        self._password, self._partitions, self._tls = password, partitions, tls
        self._topic_error, self._lifetime = topic_error, lifetime
        self._limit, self._keep = limit, keep or self.messages.append  # bytes of a value; 0: any
        self._next: dict[tuple[int, int], tuple[int, int]] = {}  # (producer, partition) -> last and next sequence
        self._records = kafka_python.load("kafka.record.memory_records")
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.advertised = "127.0.0.1"  # the host that it says it has

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for end in [self._listener, *self._open]:
            close(end)
        for thread in self._threads:
            thread.join(timeout=10)

    def hang_up(self) -> None:
        """End every connection, as a broker does that is restarted."""
        for end in self._open:
            close(end)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            self._start(lambda served=connection: self._serve(served))  # type: ignore[misc]  # the default binds the loop's value

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            if self._tls is not None:
                connection = stack.enter_context(self._tls.wrap_socket(connection, server_side=True))
                self._open.append(connection)
            while True:
                api, version, number, body = _request(connection)
                answer = self._produce(connection, body) if api == 0 else self._calls()[api](version, body)
                if answer is not None:
                    data = struct.pack(">i", number) + answer
                    connection.sendall(struct.pack(">i", len(data)) + data)

    def _calls(self) -> dict[int, Callable[[int, bytes], bytes]]:
        return {3: self._metadata, 17: self._handshake, 18: self._versions, 22: self._producer, 36: self._login}

    def _versions(self, _version: int, _body: bytes) -> bytes:
        rows = (struct.pack(">hhh", api, *versions) for api, versions in _VERSIONS.items())
        return struct.pack(">hi", 0, len(_VERSIONS)) + b"".join(rows)

    def _handshake(self, _version: int, body: bytes) -> bytes:
        code = 33 if _text(body)[0] != "PLAIN" else 0
        return struct.pack(">hi", code, 1) + _string("PLAIN")

    def _login(self, version: int, body: bytes) -> bytes:
        self.logins += 1
        good = body[4:] == f"\0ferry\0{self._password}".encode()
        last = struct.pack(">q", self._lifetime) if version else b""
        return struct.pack(">h", 0 if good else 58) + _string("" if good else "go away") + struct.pack(">i", 0) + last

    def _metadata(self, _version: int, body: bytes) -> bytes:
        topic = _text(body[4:])[0]
        brokers = struct.pack(">iii", 0, 1, 7) + _string(self.advertised) + struct.pack(">ih", self.port, -1)
        head = brokers + _string("peer") + struct.pack(">iih", 7, 1, self._topic_error) + _string(topic) + b"\0"
        rows = [struct.pack(">hiiiiii", 0, number, 7, 1, 7, 1, 7) for number in range(self._partitions)]
        rows = [] if self._topic_error else rows
        return head + struct.pack(">i", len(rows)) + b"".join(rows)

    def _producer(self, version: int, _body: bytes) -> bytes:
        self.producers += 1
        tags = b"\0" if version > 1 else b""
        return tags + struct.pack(">ihqh", 0, 0, self.producers, 0) + tags

    def _produce(self, connection: socket.socket, body: bytes) -> bytes | None:
        with self._lock:
            step = self.script.pop(0) if self.script else Say()
            sent = _batches(body)
            if not isinstance(step, Say | Mixed | Late):
                if isinstance(step, Lost):
                    for partition, data in sent:
                        self._take(partition, data)
                (step.then if isinstance(step, Lost) else step)(connection)
                return None
            rows = [self._row(step, partition, data) for partition, data in sent]
        return struct.pack(">i", 1) + _string("topic") + struct.pack(">i", len(rows)) + b"".join(rows) + struct.pack(
            ">i", step.throttle if isinstance(step, Say) else 0
        )  # fmt: skip

    def _row(self, step: Say | Mixed | Late, partition: int, data: bytes) -> bytes:
        if isinstance(step, Late):
            self._take(partition, data)
            step = Say(step.code)
        if isinstance(step, Mixed):
            if partition == 1:
                self._take(partition, data)
            step = {1: Say(7), 2: Say(87, [(1, "bad")])}.get(partition, Say())
        step = step if step.partition in (None, partition) else Say()
        if step.code in (10, 87) and self._is_repeat(partition, data):
            step = Say()  # what was taken was good enough
        named = step.refused or self._too_large(data)
        code = step.code or (87 if named else self._take(partition, data))
        refused = b"".join(struct.pack(">i", index) + _string(reason) for index, reason in named)
        head = struct.pack(">ihqqqi", partition, code, 0, -1, 0, len(named))
        return head + refused + struct.pack(">h", -1)

    def _is_repeat(self, partition: int, data: bytes) -> bool:
        batch: Any = self._records.MemoryRecords(data).next_batch()
        return bool(batch.base_sequence == self._next.get((batch.producer_id, partition), (-1, 0))[0])

    def _too_large(self, data: bytes) -> list[tuple[int, str]]:
        batch = self._records.MemoryRecords(data).next_batch() if self._limit else ()
        return [(index, "too large") for index, one in enumerate(batch) if len(one.value) > self._limit]

    def _take(self, partition: int, data: bytes) -> int:
        batch: Any = self._records.MemoryRecords(data).next_batch()
        if not batch.validate_crc():
            return 2
        key = (batch.producer_id, partition)
        last, expected = self._next.get(key, (-1, 0))
        if batch.base_sequence == last:
            return 0  # a repeat
        if batch.base_sequence != expected:
            return 45
        self._next[key] = (batch.base_sequence, batch.base_sequence + batch.records_count)
        for one in batch:
            self._keep(Message(partition, one.key, one.value, one.timestamp))
        return 0


def _request(connection: socket.socket) -> tuple[int, int, int, bytes]:
    data = _exactly(connection, int.from_bytes(_exactly(connection, 4), "big"))
    api, version, number = struct.unpack_from(">hhi", data)
    return api, version, number, _text(data[8:])[1]


def _batches(body: bytes) -> list[tuple[int, bytes]]:
    """(partition, batch) of a request for one topic."""
    _, rest = _text(body[2 + 2 + 4 + 4 :])
    (count,) = struct.unpack_from(">i", rest)
    found, at = [], 4
    for _ in range(count):
        partition, size = struct.unpack_from(">ii", rest, at)
        found.append((partition, rest[at + 8 : at + 8 + size]))
        at += 8 + size
    return found


def _text(data: bytes) -> tuple[str, bytes]:
    (size,) = struct.unpack_from(">h", data)
    return data[2 : 2 + size].decode(), data[2 + size :]


def _string(text: str) -> bytes:
    return struct.pack(">h", len(text.encode())) + text.encode()


def _exactly(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        chunk = connection.recv(count - len(found))
        if not chunk:
            raise ConnectionResetError("the client went away")
        found += chunk
    return found
