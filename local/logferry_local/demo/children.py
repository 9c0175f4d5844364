"""A `logferry` command in a process of its own: ready when its first line is there, ended by its pid."""

import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from logferry.errors import StateError

__all__ = ["running", "tail"]

_START, _STOP = 30.0, 10.0  # seconds
_ENDING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def running(arguments: Sequence[str], environ: Mapping[str, str], log: Path) -> Iterator[str]:
    """The command's first line; what it has to say on standard error goes into `log`."""
    command = [sys.executable, "-c", "from logferry_local.cli import main; main()", *arguments]
    name = " ".join(arguments[:2])
    child = None
    with log.open("ab") as errors:
        try:
            with _undisturbed():
                child = subprocess.Popen(
                    command, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                    start_new_session=True,  # Ctrl-C is for the demo, which then ends its children in order
                )  # fmt: skip
            yield _first_line(child, name, log)
        finally:
            if child is not None:
                _end(child)


def tail(log: Path, lines: int = 5) -> str:
    """The last lines of a log, to be put into a message; "" if there are none."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return "\n".join(text.splitlines()[-lines:])


def _first_line(child: "subprocess.Popen[bytes]", name: str, log: Path) -> str:
    assert child.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        if not selector.select(_START):
            raise StateError(f"{name}: not ready within {_START:.0f} seconds\n{tail(log)}".strip())
    line = child.stdout.readline().decode().strip()
    if not line:
        raise StateError(f"{name}: ended before it was ready\n{tail(log)}".strip())
    return line


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A signal that would end us waits: in the midst of a start it would leave a process that nobody knows."""
    came: list[int] = []
    is_main = threading.current_thread() is threading.main_thread()  # no other thread gets signals
    old = {number: signal.signal(number, lambda got, _frame: came.append(got)) for number in _ENDING if is_main}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
    for late in came:
        signal.raise_signal(late)


def _end(child: "subprocess.Popen[bytes]") -> None:
    with child:  # closes its pipe, and waits for it
        child.terminate()
        try:
            child.wait(_STOP)
        except subprocess.TimeoutExpired:
            child.kill()
