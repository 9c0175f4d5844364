"""What goes wrong in a cell: prepared, begun, suffered for one call, ended. One class a kind, found by its name."""

from collections.abc import Mapping
from typing import Any, ClassVar

from faults.boat import Boat, Seen

__all__ = ["Trouble"]

_CALL = 30.0  # seconds


class Trouble:
    """The usual course; each kind replaces its own part of it."""

    SECURE: ClassVar[bool] = False  # needs TLS
    FORGETFUL: ClassVar[bool] = False  # needs a log store that forgets
    ENOUGH: ClassVar[int] = 2  # times met until the first call's time is up

    def __init__(self, options: Mapping[str, Any], seed: int | None) -> None:
        self.options, self.seed = options, seed

    def load(self, boat: Boat) -> None:
        """Put the records."""
        boat.put()

    def begin(self, boat: Boat) -> None:
        """Let it happen from now on."""

    def suffer(self, boat: Boat) -> Seen:
        """One call."""
        return boat.sweep(_CALL, lambda: self.met(boat) >= self.ENOUGH)

    def end(self, boat: Boat) -> None:
        """Let it happen no more."""

    def met(self, boat: Boat) -> int:
        """How often it has happened."""
        return boat.front.met
