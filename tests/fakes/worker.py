"""`logferry run` as processes of their own, on the loopback site of `tests.fakes.ferry`."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from tests.fakes.ferry import Ferry

__all__ = ["Process", "eventually", "refused", "worker"]

_MAIN = "from logferry_local.cli import main; main()"


class Process:
    """One worker."""

    def __init__(self, boat: Ferry, name: str, words: list[str], environ: Mapping[str, str]) -> None:
        self.log = boat.folder / f"{name}.err"
        self._out = boat.folder / f"{name}.out"
        with self.log.open("wb") as log, self._out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _MAIN, "run", *words], env=environ, cwd=boat.folder, stdout=out, stderr=log
            )

    @property
    def pid(self) -> int:
        """Of the process."""
        return self.process.pid

    @property
    def said(self) -> str:
        """What it printed and logged so far."""
        return self._out.read_text(encoding="utf-8") + self.log.read_text(encoding="utf-8")

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait(30)

    def stop(self, seconds: float = 60) -> int:
        """SIGTERM, and its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


@contextlib.contextmanager
def worker(
    boat: Ferry, *tasks: str, name: str = "one", heartbeat: float = 1, environ: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Process]:
    """A worker at work; ended, gently or not, in the end."""
    words = [*tasks, "--consumer", name, "--heartbeat", str(heartbeat), "--interval", "0.1"]
    running = Process(boat, name, words, {**boat.environ, "LOGFERRY_LEASE_SECONDS": str(heartbeat), **environ})
    try:
        eventually(lambda: "at work in" in running.said or running.process.poll() is not None)
        assert running.process.poll() is None, running.said
        yield running
    finally:
        if running.process.poll() is None:
            running.process.terminate()
            try:
                running.process.wait(20)
            except subprocess.TimeoutExpired:
                running.kill()


def refused(boat: Ferry, *words: str, **extra: str) -> str:
    """What a worker says that ends at once with exit code 2."""
    done = subprocess.run(
        [sys.executable, "-c", _MAIN, "run", *words], env={**boat.environ, **extra}, cwd=boat.folder,
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    return done.stderr


def eventually(what: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until it is so."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.05)
