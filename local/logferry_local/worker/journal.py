"""The worker's log: JSON lines on standard error, or in a file that rotates at 100 MB, five old ones kept.

The process number is in the file's name: two workers started in one folder never write one file.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

from logferry.runtime import log_lines
from logferry.runtime.sparing import Sparing

__all__ = ["journal", "named"]

_BYTES, _KEPT = 100 * 1024 * 1024, 5
_AGAIN = 300.0  # seconds until the same trouble is told again


def named(file: Path) -> Path:
    """`run.log` -> `run_4711.log`."""
    return file.with_name(f"{file.stem}_{os.getpid()}{file.suffix}")


@contextmanager
def journal(file: Path | None, least: int) -> Iterator[None]:
    """Write log lines from this level on, as long as the worker runs."""
    handler: logging.Handler = logging.StreamHandler()  # standard error
    if file is not None:
        handler = RotatingFileHandler(named(file), maxBytes=_BYTES, backupCount=_KEPT, encoding="utf-8")
    handler.setFormatter(log_lines.Formatter({"pid": str(os.getpid())}))
    with log_lines.shown("", least, handler, [Sparing(_AGAIN)]):
        try:
            yield
        finally:
            handler.close()
