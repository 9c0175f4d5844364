"""Keeps the same trouble from filling a disk: a worker looks at a stream each second, and a bad night is long."""

import logging
import re
import threading
import time
from collections.abc import Callable

__all__ = ["Sparing"]

_MOST = 1_000  # troubles remembered


class Sparing(logging.Filter):
    """A warning or error passes once in `seconds`; `left_out` in the next one says how often it came meanwhile.

    The same is: level, message, task, stream and reason, whatever numbers the reason names.
    """

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds, self._now = seconds, now
        self._lock = threading.Lock()
        self._seen: dict[tuple[object, ...], tuple[float, int]] = {}  # -> since when, how often left out

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        if record.levelno < logging.WARNING:
            return True
        said = record.__dict__
        reason = re.sub(r"\d+", "#", str(said.get("reason", "")))[:200]
        key = (record.levelno, record.msg, said.get("task"), said.get("stream"), reason)
        with self._lock:
            now = self._now()
            since, left_out = self._seen.pop(key, (now - self._seconds, 0))
            if now - since < self._seconds:
                self._seen[key] = (since, left_out + 1)
                return False
            self._seen[key] = (now, 0)
            while len(self._seen) > _MOST:
                self._seen.pop(next(iter(self._seen)))
        if left_out:
            record.left_out = left_out
        return True
