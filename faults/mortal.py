"""A sweep that kills itself at a step: `python -m faults.mortal`, the rest as `tests.fakes.mortal.armed` has it."""

import os
import time

from tests.fakes.mortal import armed

from logferry import calls
from logferry.runtime import Call

__all__ = ["main"]


def main() -> None:
    """One call."""
    until = time.monotonic() + 60
    armed(calls.sweep)(Call({}, "request-1", dict(os.environ), lambda: until - time.monotonic()))


if __name__ == "__main__":
    main()
