"""A real Apache Kafka broker, one node without ZooKeeper, on ports of loopback: its jars come through Maven.

Listeners: `plain`, `sasl` (PLAIN and SCRAM in the clear), `tls` (nobody is asked), `mutual` (a certificate is wanted),
`sasl_tls`. Users: `ferry` knows
`PASSWORD`; whoever is asked for nothing is `User:ANONYMOUS`. Its heap is bounded, it is ended by its process id.
"""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.fakes import kafka_python
from tests.fakes.certificates import Authority

__all__ = ["JARS", "PASSWORD", "USER", "Broker", "free_ports", "wait_for"]

JARS = Path(os.environ.get("LOGFERRY_KAFKA_JARS", Path(__file__).parents[2] / "build/services/kafka"))
USER, PASSWORD = "ferry", "correct-horse-battery"
_JAVA = ("java", "-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{JARS}/*")
_CLUSTER = "bG9nZmVycnktdGVzdHMtMQ"
_NAMES = ("plain", "sasl", "tls", "mutual", "sasl_tls", "controller")
_KINDS = {"plain": "PLAINTEXT", "sasl": "SASL_PLAINTEXT", "tls": "SSL", "mutual": "SSL", "sasl_tls": "SASL_SSL",
          "controller": "PLAINTEXT"}  # fmt: skip


class Broker:
    """Formatted once; started, killed and started again at the same ports."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "authority")
        self.ports = dict(zip(_NAMES, free_ports(len(_NAMES)), strict=True))
        self._folder = folder
        self._file = folder / "server.properties"
        self._file.write_text("\n".join(f"{name}={value}" for name, value in self._properties().items()))
        users = [f"SCRAM-SHA-{bits}=[name={USER},password={PASSWORD}]" for bits in (256, 512)]
        scram = [word for user in users for word in ("--add-scram", user)]
        format_it = (*_JAVA, "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(self._file), *scram)
        subprocess.run(format_it, check=True, capture_output=True, timeout=120)
        self._process: subprocess.Popen[bytes] | None = None

    def address(self, listener: str = "plain") -> str:
        """host:port."""
        return f"127.0.0.1:{self.ports[listener]}"

    def start(self) -> None:
        """Returns when it answers."""
        with (self._folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen((*_JAVA, "kafka.Kafka", str(self._file)), stdout=log, stderr=log)
        wait_for(self.address(), self._process)
        producer = kafka_python.load("kafka").KafkaProducer(bootstrap_servers=self.address())
        try:  # it can give out producers' numbers only a while after it answers
            producer.send("warm-up", b"-").get(timeout=60)
        finally:
            producer.close()

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def restart(self) -> None:
        """As after an accident."""
        self.kill()
        self.start()

    @contextlib.contextmanager
    def admin(self) -> Iterator[Any]:
        """kafka-python's client for administrators."""
        client = kafka_python.load("kafka.admin").KafkaAdminClient(
            bootstrap_servers=self.address(), bootstrap_timeout_ms=2_000
        )
        try:
            yield client
        finally:
            client.close()

    def make_topic(self, name: str, partitions: int = 3, **settings: str) -> None:
        """Settings with dots written as underscores."""
        new_topic = kafka_python.load("kafka.admin").NewTopic
        configs = {key.replace("_", "."): value for key, value in settings.items()}
        with self.admin() as admin:
            admin.create_topics([new_topic(name, partitions, 1, topic_configs=configs)])

    def _properties(self) -> Mapping[str, str]:
        made = self.authority.issue()
        store = self._folder / "broker.pem"
        store.write_bytes(made.key_file.read_bytes() + made.cert_file.read_bytes())
        listed = ",".join(f"{name.upper()}://127.0.0.1:{self.ports[name]}" for name in _NAMES)
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        plain = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
        logins = {
            f"listener.name.{name}.{mechanism}.sasl.jaas.config": plain if mechanism == "plain" else scram
            for name in ("sasl", "sasl_tls")
            for mechanism in ("plain", "scram-sha-256", "scram-sha-512")
        }
        one = {f"{name}.replication.factor": "1" for name in ("offsets.topic", "transaction.state.log")}
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self.ports['controller']}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAIN",
            "listeners": listed,
            "listener.security.protocol.map": ",".join(f"{name.upper()}:{_KINDS[name]}" for name in _NAMES),
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.ca_file),
            "listener.name.mutual.ssl.client.auth": "required",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS;User:CN=client",
            "allow.everyone.if.no.acl.found": "true",
            "log.dirs": str(self._folder / "data"),
            "auto.create.topics.enable": "true",  # so that a topic made by mistake would show
            "broker.session.timeout.ms": "2000",  # as long as a killed one stands in its own way
            "broker.heartbeat.interval.ms": "500",
            "num.network.threads": "2",
            "num.io.threads": "2",
            "offsets.topic.num.partitions": "1",
            **one,
            **logins,
        }


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in found]


def wait_for(address: str, process: "subprocess.Popen[bytes]", seconds: float = 120) -> None:
    """Until somebody listens; RuntimeError when the process ends, or does not get so far."""
    host, _, port = address.rpartition(":")
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"no broker answers at {address}; exit status {process.poll()}")
