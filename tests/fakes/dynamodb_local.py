"""DynamoDB Local, Amazon's own: its jars run in a JVM of their own, rows in memory only.

It cannot be told to listen on loopback alone; nothing here talks to it by another address.
"""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.services import DYNAMODB_JARS

__all__ = ["dynamodb_local"]

_MAIN = "com.amazonaws.services.dynamodbv2.local.main.ServerRunner"
_TIME_OUT = 60.0  # seconds until it answers: a JVM on a busy machine


@contextmanager
def dynamodb_local() -> Iterator[str]:
    """The URL of a fresh server; it ends with this block."""
    port = _free_port()
    command = ["java", f"-Djava.library.path={DYNAMODB_JARS}", "-Xmx256m", "-cp", f"{DYNAMODB_JARS}/*", _MAIN]
    process = subprocess.Popen(
        [*command, "-inMemory", "-disableTelemetry", "-port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(10)


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    end = time.monotonic() + _TIME_OUT
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"DynamoDB Local did not start (exit code {process.poll()})")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
