"""The file a sink writes: lines appended whole, by one thread at a time.

A line that `write` returned for is with the operating system: it outlives a kill of the sink, not a power cut.
"""

import os
import threading
from collections.abc import Iterable
from pathlib import Path

__all__ = ["Lines"]


class Lines:
    """An append-only file of lines."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()

    def write(self, lines: Iterable[bytes]) -> None:
        """Append each line and a newline; they are in the file when this returns."""
        block = memoryview(b"".join(line + b"\n" for line in lines))
        with self._lock:
            if self._file is None:
                raise ValueError("the sink is closed")
            while block:
                block = block[os.write(self._file, block) :]

    def close(self) -> None:
        """Close the file; twice does no harm."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None
