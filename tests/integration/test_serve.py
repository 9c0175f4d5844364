"""`logferry serve` as a program: what is signed arrives, what is not is refused before its body, limits hold."""

import json
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.certificates import Authority
from tests.fakes.receiving import KEY, PATH, signature
from tests.fakes.serving import COMMAND, Served, serve, talk

from logferry import proof, wiring
from logferry import task as tasks
from logferry.model import Counts
from logferry.transport.web import Reply, Web
from logferry_local.serving.listener import Address, Listener, reply
from logferry_local.sinks import Place, hec


@dataclass
class Shore:
    """A HEC receiver, a task that is sent its logs and delivers there, and where its state is kept."""

    folder: Path
    environ: dict[str, str]
    address: str  # of the HEC receiver

    def apply(self, name: str = "received", **options: Any) -> None:  # noqa: ANN401  # options of the source
        """Put a task to work."""
        source = {"received": {"path": PATH, "keys": ["secret://env/KEY"], **options}}
        to = {"splunk_hec": {"url": self.address, "token": "secret://env/TOKEN", "ack": False}}
        wiring.workshop(self.environ).tasks.apply(tasks.load({"task": name, "source": source, "destination": to}))

    def serve(self, *more: str) -> Any:  # noqa: ANN401  # a context manager
        """The receiver as a program."""
        return serve(self.folder, self.environ, "receive", *more)

    def ids(self) -> list[int]:
        """What arrived."""
        out = self.folder / "hec.ndjson"
        return [json.loads(line)["event"]["id"] for line in out.read_text().splitlines()] if out.exists() else []

    def counts(self, name: str = "received") -> Counts:
        """What the ledger says, once it contradicts nothing."""
        rows = wiring.workshop(self.environ).ledger.rows(name)
        assert [problem for row in rows for problem in proof.problems(row)] == []
        return sum((row.counts for row in rows), Counts())


@pytest.fixture
def shore(tmp_path: Path) -> Iterator[Shore]:
    """With one task."""
    sink = hec.open_sink(Place(tmp_path / "hec.ndjson"), hec.Options(token="t"))
    environ = {
        "LOGFERRY_STATE": f"sqlite:{tmp_path}/state.db", "LOGFERRY_OBJECTS": f"folder:{tmp_path}/objects",
        "LOGFERRY_LEASE_SECONDS": "1", "KEY": KEY.reveal(), "TOKEN": "t",
    }  # fmt: skip
    made = Shore(tmp_path, environ, sink.address)
    made.apply()
    try:
        yield made
    finally:
        wiring.dismiss()
        sink.close()


def post(address: str, body: bytes, query: str | None = None, web: Web | None = None) -> Reply:
    """A signed post, unless a query is given."""
    own = web or Web()
    try:
        url = f"{address}{PATH}?{signature() if query is None else query}"
        return own.request("POST", url, headers={}, body=body, time_out=20)
    finally:
        own.close()


def head(length: int | None, query: str | None = None) -> bytes:
    """The head of a post whose body may never come."""
    size = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    return f"POST {PATH}?{signature() if query is None else query} HTTP/1.1\r\nhost: x\r\n{size}\r\n\r\n".encode()


def test_what_is_signed_arrives_and_the_rest_is_refused(shore: Shore) -> None:
    """200 and 403; the ledger has what was delivered; no signature stands in the log; SIGTERM ends it with 0."""
    with shore.serve() as served:
        good = signature()
        assert post(served.address, b'{"id":1}\n{"id":2}', good).status == 200
        refused = post(served.address, b'{"id":3}', "auth_key=1767225900-0-hush")
        assert (refused.status, refused.body) == (403, b"")
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(timeout=20) == 0
    assert shore.ids() == [1, 2]
    assert shore.counts() == Counts(read=2, delivered=2)
    assert "post refused" in served.said()
    assert "hush" not in served.said()
    assert good.partition("-")[2] not in served.said()


def test_a_stranger_is_refused_before_the_body_is_read(shore: Shore) -> None:
    """Who announces 100 MB, or a body without an end, hears 403 before sending one byte of it."""
    with shore.serve() as served:
        for length in (100_000_000, None):
            heard = talk(served.port, head(length, "auth_key=x"))
            assert heard.startswith(b"HTTP/1.1 403 ")
            assert b"connection: close" in heard.lower()


def test_a_body_of_100_mb_is_refused_and_nothing_is_kept(shore: Shore) -> None:
    """Signed as it may be; the server goes on, and has not held it in memory."""
    with shore.serve() as served:
        assert talk(served.port, head(100_000_000) + b" " * 100_000_000, seconds=20).startswith(b"HTTP/1.1 413 ")
        assert post(served.address, b'{"id":1}').status == 200
        memory = Path(f"/proc/{served.process.pid}/status").read_text()
        peak = int(memory.partition("VmHWM:")[2].split()[0])
        assert peak < 250_000  # kB
    assert shore.ids() == [1]


def test_a_body_that_comes_too_slowly_is_given_up(shore: Shore) -> None:
    """408, after the time that was set."""
    with shore.serve("--body-seconds", "0.5") as served:
        started = time.monotonic()
        assert talk(served.port, head(100) + b'{"id":1}').startswith(b"HTTP/1.1 408 ")
        assert 0.4 < time.monotonic() - started < 5
    assert shore.counts() == Counts()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nhost: x\r\na: " + b"x" * 40_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nhost: x\r\na: " + b"x" * 90_000, b"400"),
        (b"POST /?" + b"x" * 90_000, b"400"),
        (b"\x16\x03\x01\x02\x00" + b"x" * 100 + b"\r\n\r\n", b"400"),
        (b"POST /logs/esa\r\n\r\n", b"400"),
    ],
    ids=["long header", "endless header", "endless target", "TLS", "no version"],
)
def test_what_is_no_request_is_refused(shore: Shore, sent: bytes, status: bytes) -> None:
    """And the server goes on."""
    with shore.serve() as served:
        assert talk(served.port, sent).startswith(b"HTTP/1.1 " + status)
        assert post(served.address, b'{"id":1}').status == 200


def test_a_head_that_never_ends_is_given_up() -> None:
    """On a new connection and on one that has been used; a kept connection may rest."""

    async def application(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401  # ASGI's
        from logferry.runtime.web import Response

        await reply(send, Response(200))

    listener = Listener(application, Address(head_seconds=0.3))
    port = int(listener.address.rpartition(":")[2])
    try:
        for before in (b"", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
                if before:
                    line.sendall(before)
                    assert line.recv(1000).startswith(b"HTTP/1.1 200")
                    time.sleep(0.6)
                line.sendall(b"GET / HTTP/1.1\r\nx: ")
                started = time.monotonic()
                assert line.recv(1000) == b""
                assert time.monotonic() - started < 5
    finally:
        listener.close()


def test_over_tls(shore: Shore, tmp_path: Path) -> None:
    """A client that verifies the certificate."""
    authority = Authority(tmp_path / "ca")
    certificate = authority.issue()
    files = ["--tls-cert", str(certificate.cert_file), "--tls-key", str(certificate.key_file)]
    with shore.serve(*files) as served:
        assert served.address.startswith("https://")
        web = Web(ca_file=str(authority.ca_file))
        assert post(served.address, b'{"id":1}', web=web).status == 200
    assert shore.ids() == [1]


def test_sigterm_lets_a_post_end(shore: Shore) -> None:
    """Its body is still on its way: it is taken, delivered and answered, then the server ends."""
    with shore.serve() as served, socket.create_connection(("127.0.0.1", served.port), timeout=15) as line:
        line.sendall(head(8) + b'{"i')
        time.sleep(0.3)
        served.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        line.sendall(b'd":7}')
        assert line.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert served.process.wait(timeout=20) == 0
    assert shore.ids() == [7]


def test_a_killed_receiver_costs_nothing(shore: Shore) -> None:
    """The sender repeats what was not answered; all arrive, the ledger contradicts nothing."""
    answered: set[int] = set()
    sent = iter(range(10_000))

    def send(served: Served, enough: int) -> None:
        web = Web()
        until = time.monotonic() + 30
        while len(answered) < enough and time.monotonic() < until:
            number = next(sent)
            try:
                if post(served.address, b'{"id":%d}' % number, web=web).status == 200:
                    answered.add(number)
            except Exception:  # noqa: BLE001  # killed: this one was not answered
                return

    for round_ in range(3):
        with shore.serve() as served:
            sender = threading.Thread(target=send, args=(served, (round_ + 1) * 40))
            sender.start()
            while len(answered) < round_ * 40 + 15 and sender.is_alive():
                time.sleep(0.01)
            served.process.kill()
            sender.join(30)
    assert len(answered) >= 45
    assert answered <= set(shore.ids())
    assert shore.counts().delivered >= len(answered)


def test_two_receivers_share_a_task(shore: Shore) -> None:
    """Each has its own slot; all arrive once, and the ledger contradicts nothing."""
    answers: list[int] = []

    def send(served: Served, numbers: range) -> None:
        for number in numbers:
            answers.append(post(served.address, b'{"id":%d}' % number).status)  # noqa: PERF401  # while others do too

    with shore.serve() as one, shore.serve() as other:
        places = [(one, range(15)), (other, range(15, 30)), (one, range(30, 45)), (other, range(45, 60))]
        threads = [threading.Thread(target=send, args=place) for place in places]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert answers == [200] * 60
    assert sorted(shore.ids()) == list(range(60))
    assert shore.counts() == Counts(read=60, delivered=60)


def test_unusual_wishes_are_told_shortly(shore: Shore, tmp_path: Path) -> None:
    """A port in use, one half of a certificate, a key that cannot be read, no keys: exit code 2 and one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for name, arguments in (
            ("receive", ["--port", port]), ("receive", ["--port", "0", "--tls-cert", "x.pem"]),
            ("receive", ["--port", "0", "--tls-cert", str(tmp_path / "no"), "--tls-key", "no"]),
            ("verify_request", ["--port", "0"]),
        ):  # fmt: skip
            done = subprocess.run([*COMMAND, name, *arguments], capture_output=True, text=True, timeout=30,
                                  env=shore.environ, check=False)  # fmt: skip
            assert done.returncode == 2, done.stderr
            assert "Traceback" not in done.stderr
            assert len(done.stderr.splitlines()) <= 2


def test_verdicts_as_a_server(tmp_path: Path) -> None:
    """200 and 403 without a body, by the request's own URI."""
    environ = {"LOGFERRY_AUTH_KEYS": "secret://env/KEY", "KEY": KEY.reveal()}
    with serve(tmp_path, environ, "verify_request") as served:
        assert post(served.address, b"").status == 200
        assert post(served.address, b"x" * 1000).status == 200
        refused = post(served.address, b"", "auth_key=x")
        assert (refused.status, refused.body) == (403, b"")


def test_a_plain_client_cannot_speak_to_a_tls_port(shore: Shore, tmp_path: Path) -> None:
    """Nothing is said in the clear."""
    certificate = Authority(tmp_path / "ca").issue()
    files = ["--tls-cert", str(certificate.cert_file), "--tls-key", str(certificate.key_file)]
    with shore.serve(*files) as served:
        assert not talk(served.port, head(8) + b'{"id":1}').startswith(b"HTTP/1.1 2")
        assert ssl.get_server_certificate(("127.0.0.1", served.port))
    assert shore.counts() == Counts()
