"""When to try again: attempt, error and time left in, a delay or None (leave the range open) out. Pure."""

from collections.abc import Callable

from logferry.errors import SourceError, Transient

__all__ = ["delay"]

_FIRST = 0.5  # seconds
_LONGEST = 30.0


def delay(attempt: int, error: Transient | SourceError, time_left: float, chance: Callable[[], float]) -> float | None:
    """Seconds to wait before attempt `attempt` + 1 (attempts count from 1); None when the time left is too short.

    Exponential with full jitter (`chance` gives 0..1), from 0.5 s to 30 s. A wish of the far side (`retry_after`)
    is never undercut.
    """
    ceiling = min(_LONGEST, _FIRST * 2 ** min(attempt - 1, 10))
    wait = ceiling * (0.5 + chance() / 2)
    if error.retry_after is not None:
        wait = max(wait, error.retry_after)
    return wait if wait < time_left else None
