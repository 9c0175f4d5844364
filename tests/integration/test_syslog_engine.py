"""The engine and a syslog peer that breaks: what was in doubt goes again, once, and only then the position moves."""

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.certificates import Authority
from tests.fakes.engine import Bench, MemorySource
from tests.fakes.misbehaving import Misbehaving, close, reset, silence

from logferry.config import load
from logferry.destinations import Surroundings, syslog_server
from logferry.job import Job
from logferry.plan import Plan
from logferry.route import run
from logferry.state.memory import open_table
from logferry.vault import Vault

COUNT = 3000


def made(options: dict[str, object]) -> Job:
    """A task that delivers to this receiver."""
    config, around = (
        load(syslog_server.Config, {"hostname": "h", "timeout": "10s"} | options),
        Surroundings("t", Vault({})),
    )
    return Job("t", 1, Plan(), syslog_server.encoder(config, around), syslog_server.build(config, around))


class Breaking:
    """A receiver that resets its first connection after some bytes and reads later ones to their end."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.heard: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                end, _ = self.listener.accept()
            except OSError:
                return
            with end:
                self.heard.append(b"")
                number = len(self.heard)
                while chunk := end.recv(4096):
                    self.heard[-1] += chunk
                    if number == 1 and len(self.heard[-1]) > self.first:
                        reset(end)
                        break

    def close(self) -> None:
        """End it."""
        close(self.listener)
        self.thread.join(10)


@pytest.fixture(params=[10, 100_000, 200_000], ids=["in the first payload", "in the second", "in a later one"])
def peer(request: pytest.FixtureRequest) -> Iterator[Breaking]:
    """One that breaks after that many bytes."""
    made = Breaking(request.param)
    yield made
    made.close()


def test_everything_since_the_save_goes_again_and_only_once(peer: Breaking) -> None:
    """After the reset the second connection carries every record exactly once, and the ledger balances."""
    job = made({"host": "127.0.0.1", "port": peer.listener.getsockname()[1]})
    source = MemorySource([f"{number:05}".ljust(60, "x") for number in range(COUNT)], batch=500)
    bench = Bench(source, open_table(f"syslog-{peer.first}", {}, lambda: 0.0))
    bench.versions[1] = job
    outcomes = run([job], source.stream, str(COUNT), bench.desk())
    job.destination.close()
    assert outcomes[0].finished
    assert outcomes[0].counts.delivered == COUNT
    assert len(peer.heard) == 2
    assert re.findall(rb"m=(\d+)", peer.heard[1]) == [b"%05d" % number for number in range(COUNT)]


def test_a_client_that_is_refused_late_counts_nothing(tmp_path: Path) -> None:
    """TLS 1.3: our handshake succeeds, then the server refuses. Nothing is read, nothing counted, the task is held."""
    authority = Authority(tmp_path)
    context = authority.issue().server_context(client_ca=authority.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    bench = Bench(source := MemorySource(["a", "b"], batch=2), open_table("refused", {}, lambda: 0.0))
    with Misbehaving(silence, tls=context, http=False) as server:
        job = made({"host": "127.0.0.1", "port": server.port, "protocol": "tls", "ca_file": str(authority.ca_file)})
        bench.versions[1] = job
        (outcome,) = run([job], source.stream, "2", bench.desk())
        job.destination.close()
    assert (outcome.counts.read, outcome.counts.delivered, outcome.finished) == (0, 0, False)
    assert outcome.held
    assert "set cert_file and key_file" in outcome.note
    assert source.reads == []
