"""`logferry sink NAME` as a program: the printed address works, an answered record is in the file, SIGTERM ends it."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from logferry.transport.web import Web

COMMAND = [str(Path(sys.executable).with_name("logferry")), "sink"]


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and the address that it prints; killed at the end if it is still there."""
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"listening on (\S+), writing to", process.stdout.readline())
            assert found is not None
            yield process, found[1]
        finally:
            process.kill()


def post(url: str, body: bytes) -> int:
    """The status of a POST with a token."""
    web = Web()
    with contextlib.closing(web):
        return web.request("POST", url, headers={"Authorization": "Splunk t"}, body=body, time_out=10).status


def test_hec_sink_serves_until_sigterm(tmp_path: Path) -> None:
    """It answers at the printed address, and ends with 0 on SIGTERM."""
    out = tmp_path / "new folder" / "hec.ndjson"
    with running("hec", "--port", "0", "--out", str(out), "--token", "t") as (process, address):
        assert post(address + "/services/collector", b'{"event":"a"}') == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    assert out.read_bytes() == b'{"event":"a"}\n'


def test_answered_record_survives_a_kill(tmp_path: Path) -> None:
    """What was answered 200 is in the file, even if the sink is killed in the next moment."""
    out = tmp_path / "hec.ndjson"
    with running("hec", "--port", "0", "--out", str(out)) as (process, address):
        assert post(address + "/services/collector", b'{"event":"a"}{"event":"b"}') == 200
        process.kill()
        process.wait(timeout=20)
    assert [json.loads(line)["event"] for line in out.read_bytes().splitlines()] == ["a", "b"]


def test_killed_indexer_loses_what_it_had_not_acknowledged(tmp_path: Path) -> None:
    """With `--ack` a 200 alone is no promise: what waits when the sink is killed is not in the file."""
    out = tmp_path / "hec.ndjson"
    channel = "?channel=11111111-2222-3333-4444-555555555555"
    with running("hec", "--port", "0", "--out", str(out), "--ack", "--ack-delay", "60") as (process, address):
        assert post(address + "/services/collector" + channel, b'{"event":"a"}') == 200
        process.kill()
        process.wait(timeout=20)
    assert out.read_bytes() == b""


def test_several_sinks_run_at_once(tmp_path: Path) -> None:
    """Each has its own port, file and memory; SIGTERM indexes what waits."""
    outs = [tmp_path / "one.ndjson", tmp_path / "two.ndjson"]
    channel = "?channel=11111111-2222-3333-4444-555555555555"
    with contextlib.ExitStack() as stack:
        sinks = [
            stack.enter_context(running("hec", "--port", "0", "--out", str(out), "--ack", "--ack-delay", "60"))
            for out in outs
        ]
        for _, address in sinks:
            assert post(address + "/services/collector" + channel, f'{{"event":"{address}"}}'.encode()) == 200
        for process, _ in sinks:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(timeout=20) for process, _ in sinks] == [0, 0]
        assert [json.loads(out.read_bytes())["event"] for out in outs] == [address for _, address in sinks]


def test_http_sink_keeps_bodies(tmp_path: Path) -> None:
    """Bodies follow one another, each ended by one line feed; a second run appends."""
    out = tmp_path / "http.txt"
    for body in (b'{"a":1}\n{"a":2}\n', b'{"a":3}'):
        with running("http", "--port", "0", "--out", str(out), "--status", "202") as (_process, address):
            assert post(address + "/any/path", body) == 202
    assert out.read_bytes() == b'{"a":1}\n{"a":2}\n{"a":3}\n'


def test_taken_port_is_a_message(tmp_path: Path) -> None:
    """A port in use ends with 2 and says which."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        arguments = [*COMMAND, "hec", "--port", port, "--out", str(tmp_path / "out")]
        run = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 2
    assert f"127.0.0.1:{port}" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("name", ["hec", "http", "syslog"])
def test_every_sink_explains_its_options(name: str) -> None:
    """`--help` of each sink names the shared options and its own."""
    run = subprocess.run([*COMMAND, name, "--help"], capture_output=True, text=True, timeout=60, check=True)
    own = {"hec": "--token", "http": "--status", "syslog": "--protocol"}[name]
    assert all(option in run.stdout for option in ("--port", "--out", "--host", own))
