"""Says the same trouble once, and again every five minutes: a loop that fails each second must not fill a disk."""

import logging
import time
from collections.abc import Callable

from logferry.errors import LogferryError, is_passing

__all__ = ["Complaints"]

_AGAIN = 300.0  # seconds


class Complaints:
    """The troubles of one loop; `facts` stand in every line."""

    def __init__(
        self, log: logging.Logger, facts: dict[str, object], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._log, self._facts, self._now = log, facts, now
        self._last, self._until = "", 0.0

    def say(self, message: str, trouble: Exception | str) -> None:
        """A warning for what may pass by itself, an error where a person must act; our mistakes with their place."""
        ours = isinstance(trouble, LogferryError | str)
        reason = str(trouble) if ours else type(trouble).__name__
        if reason == self._last and self._now() < self._until:
            return
        self._last, self._until = reason, self._now() + _AGAIN
        facts = {**self._facts, "reason": reason}
        if isinstance(trouble, str) or is_passing(trouble):
            self._log.warning(message, extra=facts)
        elif ours:
            self._log.error(message, extra=facts)
        else:
            self._log.error("mistake in logferry", extra=facts, exc_info=trouble)

    def over(self) -> None:
        """It works again."""
        self._last = ""
