"""A function's call as a platform makes it, with so much time."""

import time
from collections.abc import Mapping

from logferry.runtime import Call

__all__ = ["invocation"]


def invocation(event: object, environ: Mapping[str, str], seconds: float = 60) -> Call:
    """An invocation that may take `seconds`."""
    until = time.monotonic() + seconds
    return Call(event, "request-1", environ, lambda: until - time.monotonic())
