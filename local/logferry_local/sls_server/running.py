"""Runs the store on a loopback port: in this process until a signal comes, in a thread, or as a process of its own.

with serving(folder, {"key-id": Secret("key-secret")}) as address: ...      # a thread; "http://127.0.0.1:PORT"
with process(folder, {"key-id": Secret("key-secret")}) as running: ...      # running.address, running.pid
"""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import uvicorn
from starlette.applications import Starlette

from logferry.errors import StateError
from logferry.vault import Secret
from logferry_local.sls_server.application import app
from logferry_local.sls_server.store import Store, Sync

__all__ = ["Running", "listen", "process", "run", "serving"]

_START, _STOP = 20.0, 20.0  # seconds
_BACKLOG = 256


class Running(NamedTuple):
    """A store in a process of its own."""

    address: str
    pid: int


def listen(host: str, port: int) -> tuple[socket.socket, str]:
    """A listening socket and its address; port 0 picks a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    name = f"[{host}]" if ":" in host else host
    return bound, f"http://{name}:{bound.getsockname()[1]}"


def run(application: Starlette, bound: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT, then return; `ready` is called once connections are answered."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each shard that is written to has a file open
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn stops in order, then raises the signal once more
    _Server(application, ready).run(sockets=[bound])


@contextmanager
def serving(
    folder: Path,
    keys: Mapping[str, Secret],
    *,
    sync: Sync = "never",
    clock: Callable[[], float] = time.time,
    port: int = 0,
) -> Iterator[str]:
    """The store on a loopback port, in a thread of this process."""
    store = Store(folder, clock=clock, sync=sync)
    bound, address = listen("127.0.0.1", port)
    started = threading.Event()
    server = _Server(app(store, keys, clock), started.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="sls-server", daemon=True)
    try:
        thread.start()
        if not started.wait(_START):
            raise StateError(f"the log store did not start within {_START:.0f} seconds")
        yield address
    finally:
        server.should_exit = True
        thread.join(_STOP)
        bound.close()
        store.close()


@contextmanager
def process(folder: Path, keys: Mapping[str, Secret], options: Sequence[str] = ()) -> Iterator[Running]:
    """The store on a loopback port, as `logferry sls serve` with these options; killed if it does not stop."""
    command = [sys.executable, "-c", "from logferry_local.cli import main; main()", "sls", "serve"]
    command += ["--port", "0", "--data", str(folder), *options]
    given = " ".join(f"{key}:{secret.reveal()}" for key, secret in keys.items())
    environ = {**os.environ, "LOGFERRY_SLS_ACCESS_KEYS": given}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as child:
        try:
            line = child.stdout.readline() if child.stdout else ""
            if not line:
                raise StateError("the log store did not start; its messages are above")
            yield Running(json.loads(line)["address"], child.pid)
        finally:
            child.terminate()
            try:
                child.wait(_STOP)
            except subprocess.TimeoutExpired:
                child.kill()


class _Server(uvicorn.Server):
    """Calls `ready` once it answers. Quiet: no access log, no banner."""

    def __init__(self, application: Starlette, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                http="httptools",  # takes absolute-form targets, which a client behind `http_proxy` sends
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=75,  # longer than clients pause between two requests
                timeout_graceful_shutdown=5,
                lifespan="on",
            )
        )
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()
