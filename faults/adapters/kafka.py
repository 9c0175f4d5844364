"""kafka in the matrix: its receiver a broker that knows sequence numbers, with TLS where a fault needs it."""

import re
from types import TracebackType

from tests.fakes.kafka_peer import KafkaPeer, Message

from faults.adapters import Address, Way
from logferry_local.sinks import Place, Sink

__all__ = ["ENVIRON", "WAYS", "identity", "options", "sink"]

WAYS = (Way("kafka", "kafka", "answer", frozenset({"broker", "tls"})),)
ENVIRON: dict[str, str] = {}
_ID = re.compile(rb"id-\d{6}")


class _Topic:
    """Each message is a line of the file before it is answered."""

    def __init__(self, place: Place) -> None:
        self._file = place.out.open("ab", buffering=0)
        self._peer = KafkaPeer(partitions=3, keep=self._keep, limit=2_000)
        self._peer.__enter__()
        self.address = f"kafka://{self._peer.address}"

    def close(self) -> None:
        """The broker, then the file."""
        ends: tuple[type[BaseException] | None, BaseException | None, TracebackType | None] = (None, None, None)
        self._peer.__exit__(*ends)
        self._file.close()

    def _keep(self, message: Message) -> None:
        self._file.write(message.value + b"\n")


def sink(place: Place, way: Way) -> Sink:  # noqa: ARG001  # there is one way
    """It refuses any message of more than 2,000 bytes by name."""
    return _Topic(place)


def options(way: Way, address: Address) -> dict[str, object]:  # noqa: ARG001  # there is one way
    """Four payloads to a batch."""
    trust: dict[str, object] = {"tls": {"ca_file": address.ca_file}} if address.ca_file else {}
    return {
        "brokers": [f"{address.host}:{address.port}"], "topic": "faults", "key": "id", "max_records": 25,
        "timeout": address.timeout, **trust,
    }  # fmt: skip


def identity(line: bytes) -> str | None:
    """A message that is in the file came whole."""
    found = _ID.search(line)
    return found[0].decode() if found else None
