"""Tablestore's protocol, spoken by our own server in a process of its own on loopback."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

__all__ = ["ENVIRON", "KEY_ID", "SECRET", "Running", "ots_server"]

KEY_ID, SECRET = "LTAIexample", "invented"
ENVIRON = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": KEY_ID,
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET,
    "ALIBABA_CLOUD_SECURITY_TOKEN": "",
}


class Running(NamedTuple):
    """A server in a process of its own."""

    address: str
    pid: int


@contextmanager
def ots_server(options: Sequence[str] = (), keys: Mapping[str, str] | None = None) -> Iterator[Running]:
    """A fresh server with a fresh table store; it ends with this block. `keys` are ID -> SECRET or SECRET:TOKEN."""
    command = [sys.executable, "-c", "from logferry_local.cli import main; main()", "ots", "serve", "--port", "0"]
    given = " ".join(f"{key}:{secret}" for key, secret in (keys or {KEY_ID: SECRET}).items())
    environ = {**os.environ, "LOGFERRY_OTS_ACCESS_KEYS": given}
    with subprocess.Popen([*command, *options], env=environ, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            line = child.stdout.readline()
            assert line, "the server did not start; its messages are above"
            yield Running(json.loads(line)["address"], child.pid)
        finally:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
