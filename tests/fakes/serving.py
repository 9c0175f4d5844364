"""`logferry serve` and nginx as programs, and a socket that says exactly what it is told."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.services import NGINX_ROOT

__all__ = ["Served", "nginx", "serve", "talk"]

COMMAND = [str(Path(sys.executable).with_name("logferry")), "serve"]


@dataclass
class Served:
    """A running server; what it wrote to standard error is in `log`."""

    process: "subprocess.Popen[str]"
    address: str
    log: Path

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.address.rpartition(":")[2])

    def said(self) -> str:
        """Its log so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


@contextlib.contextmanager
def serve(folder: Path, environ: Mapping[str, str], *arguments: str) -> Iterator[Served]:
    """The process, once it listens; killed at the end if it is still there."""
    log = folder / f"serve-{time.monotonic_ns()}.log"
    given = {"PATH": os.environ["PATH"], **environ}
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [*COMMAND, arguments[0], "--port", "0", *arguments[1:]], stdout=subprocess.PIPE, stderr=errors, text=True,
            env=given,
        ) as process,
    ):  # fmt: skip
        try:
            assert process.stdout is not None
            found = re.search(r"listening on (\S+)", process.stdout.readline())
            assert found is not None, log.read_text()
            yield Served(process, found[1], log)
        finally:
            process.kill()


def talk(port: int, sent: bytes, *, seconds: float = 10.0) -> bytes:
    """What comes back for these bytes, until the other side closes or `seconds` have passed without a word."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as line:
        with contextlib.suppress(OSError):  # it may well close before it has read all
            line.sendall(sent)
        heard = b""
        with contextlib.suppress(OSError):
            while piece := line.recv(65_536):
                heard += piece
                head, _, body = heard.partition(b"\r\n\r\n")
                size = re.search(rb"(?i)content-length: (\d+)", head)
                if size and len(body) >= int(size[1]):
                    break
        return heard


@contextlib.contextmanager
def nginx(folder: Path, text: str, port: int) -> Iterator[None]:
    """nginx in the foreground with this configuration, all its files in `folder`; back once it answers at `port`."""
    own = NGINX_ROOT / "usr/sbin/nginx"
    program = str(own) if own.exists() else "nginx"
    configuration = folder / "nginx.conf"
    configuration.write_text(text, encoding="utf-8")
    command = [
        program,
        "-p",
        str(folder),
        "-c",
        str(configuration),
        "-e",
        str(folder / "error.log"),
        "-g",
        "daemon off;",
    ]
    with (
        (folder / "nginx.out").open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output) as process,
    ):
        try:
            until = time.monotonic() + 10
            while time.monotonic() < until:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                assert process.poll() is None, (folder / "nginx.out").read_text()
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(10)
