"""The two pages that lead from nothing to a pair of workers: every block of shell in them, run in order."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PORTS = ("8070", "8088", "1468", "5514")


def blocks(page: str) -> list[str]:
    """The page's shell, block by block."""
    return re.findall(r"^```sh\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def free_ports(count: int) -> list[str]:
    """Ports that nobody has; asked for all at once, so that they differ."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(one.getsockname()[1]) for one in taken]
    for one in taken:
        one.close()
    return ports


def shell_of(page: str, mark: str) -> str:
    """One script of all blocks; ports and names of consumers are this test's own, since `pkill` looks everywhere."""
    script = "\n".join(f"echo '--- block {number}'\n{block}" for number, block in enumerate(blocks(page)))
    for old, new in zip(PORTS, free_ports(len(PORTS)), strict=True):
        script = script.replace(old, new)
    script = re.sub(r"--consumer (one|two|three)", rf"--consumer {mark}-\1", script)
    return re.sub(r'pkill -TERM -f "logferry (sls|sink) \w+"', 'kill -TERM "$store" "$sink"', script).replace(
        "> sls.out 2>&1 &", "> sls.out 2>&1 & store=$!"
    ).replace("> sink.out 2>&1 &", "> sink.out 2>&1 & sink=$!")  # fmt: skip


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A shell in which `logferry` is this checkout's, and nothing is set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOGFERRY", "SLS", "PYTEST"))}
    return kept | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}


@pytest.fixture
def group() -> Iterator[list["subprocess.Popen[str]"]]:
    """Shells of the test; each, with all that it started, is ended."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for shell in started:
        for end in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(shell.pid, end)
            except ProcessLookupError:
                break


def run(script: str, folder: Path, environ: dict[str, str], group: "list[subprocess.Popen[str]]") -> Sequence[str]:
    """What each block prints; the test fails when a command of it does."""
    file = folder / "page.sh"  # not an argument: `pkill -f` would find the shell itself
    file.write_text(script)
    shell = subprocess.Popen(
        ["bash", "-euo", "pipefail", str(file)], cwd=folder, env=environ, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    group.append(shell)
    said, _ = shell.communicate(timeout=200)
    assert shell.returncode == 0, said
    return said.split("--- block ")[1:]


def test_ship_to_splunk(tmp_path: Path, environ: dict[str, str], group: "list[subprocess.Popen[str]]") -> None:
    """2,000 records by a pair, 2,000 more by the survivor; the ledger verified at the source."""
    said = run(shell_of("ship-to-splunk.md", f"p{os.getpid()}"), tmp_path, environ, group)
    by_pair, groups, by_survivor = said[3], said[4], said[5]
    assert by_pair.splitlines()[-1].strip() == "2000"
    assert "logferry-to-splunk" in groups
    assert "balanced" in by_survivor
    assert int(by_survivor.splitlines()[-1]) >= 4000


def test_ship_to_syslog(tmp_path: Path, environ: dict[str, str], group: "list[subprocess.Popen[str]]") -> None:
    """The same over TCP, then all of it once more over UDP."""
    said = run(shell_of("ship-to-syslog.md", f"q{os.getpid()}"), tmp_path, environ, group)
    by_pair, by_survivor, over_udp = said[2], said[3], said[4]
    assert by_pair.splitlines()[-1].strip() == "2000"
    assert "balanced" in by_survivor
    assert int(by_survivor.splitlines()[-1]) >= 4000
    assert "confirmation: none" in over_udp
    assert re.search(r"total +4000 +4000", over_udp)
