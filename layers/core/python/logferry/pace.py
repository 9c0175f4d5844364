"""So many records a second, and no more: waits before what would be too soon. Clock and sleep are parameters."""

import re
from collections.abc import Callable

from logferry.errors import ConfigError

__all__ = ["FORM", "Pace", "per_second"]

FORM = "records per second, such as 50/s"
_SLICE = 1.0  # seconds of one sleep, so that whoever waits can stop


class Pace:
    """Counts from its first record; a pause that was longer than asked for is not made up by a burst."""

    def __init__(self, rate: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self.rate = rate  # records per second; 0: as fast as it goes
        self._clock = clock
        self._sleep = sleep
        self._due = 0.0

    def most(self, records: int) -> int:
        """How many records may go together: a second's worth."""
        return max(1, min(records, int(self.rate))) if self.rate else records

    def wait(self, records: int, time_left: Callable[[], float]) -> bool:
        """Wait until these records may go; False if there is not the time for it."""
        if not self.rate:
            return True
        while (left := self._due - self._clock()) > 0:
            if left >= time_left():
                return False
            self._sleep(min(left, _SLICE))
        self._due = max(self._due, self._clock()) + records / self.rate
        return True


def per_second(text: str) -> float:
    """`50/s` -> 50.0. ConfigError that says the form."""
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(?:/s)?", text, re.ASCII)
    if match is None or not float(match[1]):
        raise ConfigError([f"rate: {text!r} is not {FORM}"], subject="rate")
    return float(match[1])
