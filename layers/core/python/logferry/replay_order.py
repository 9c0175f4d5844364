"""What is to be replayed, what it takes, and what came of it; which letters are to be left alone.

A timer must not send a poison record for ever: it tries a letter three times, 1 h and 4 h apart, until an edit.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from logferry.dead_letters import DeadLetter, DeadLetters
from logferry.delivery import Patience
from logferry.errors import LogferryError
from logferry.job import Settings
from logferry.ledger import Ledger, Row
from logferry.letter_lease import LetterLeases
from logferry.letters import Wanted, reason_class
from logferry.model import Position

__all__ = ["ATTEMPTS", "Order", "ReplayDesk", "Replayed", "in_flight", "is_resting"]

ATTEMPTS = 3  # of one letter by a timer; a person may try as often as wanted
_FIRST_REST = 3600.0  # seconds after the first refusal, four times as many after each that follows
_NEW = 60.0  # seconds that two machines' clocks may differ
_REASONS = 20  # told apart in a report


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be replayed: letters of `task`, delivered as the job's task would."""

    task: str
    wanted: Wanted = field(default_factory=Wanted)
    limit: int = 0  # letters tried; 0: all
    rate: float = 0  # records per second; 0: as fast as it goes
    bounded: bool = False  # by a timer: spare letters that rest, or were refused `ATTEMPTS` times
    by: str = ""


@dataclass(frozen=True, slots=True)
class ReplayDesk:
    """What a replay needs beside its job."""

    dead: DeadLetters
    leases: LetterLeases
    settings: Settings
    patience: Patience
    busy: Callable[[DeadLetter], bool]  # whether the letter's range is still in flight
    seen: Callable[[int], None] = lambda _letters: None  # hears how many more letters have been dealt with


@dataclass(slots=True)
class Replayed:
    """What became of the letters that were looked at. `error`: why it stopped before the last of them."""

    delivered: int = 0
    refused: int = 0
    left_out: int = 0  # the plan would drop them now
    unreadable: int = 0
    in_flight: int = 0
    resting: int = 0  # spared: refused too often, or a short while ago
    maybe_repeated: int = 0
    reasons: dict[str, int] = field(default_factory=dict)  # of what stays open
    error: LogferryError | None = None

    @property
    def stayed(self) -> int:
        """Letters that were wanted and are open as before."""
        return self.refused + self.left_out + self.unreadable + self.in_flight + self.resting

    def tell(self, reason: str) -> None:
        """Count one more for a reason."""
        known = reason_class(reason)
        known = known if known in self.reasons or len(self.reasons) < _REASONS else "other reasons"
        self.reasons[known] = self.reasons.get(known, 0) + 1


def is_resting(letter: DeadLetter, now: float) -> bool:
    """Whether a timer leaves the letter alone: refused too often, or not long enough ago. An edit ends that."""
    if not letter.attempts:
        return False
    rest = _FIRST_REST * 4 ** (letter.attempts - 1)
    return letter.attempts >= ATTEMPTS or 0 <= now - letter.tried_at < rest


def in_flight(
    task: str, ledger: Ledger, order: Callable[[Position], int], clock: Callable[[], float]
) -> Callable[[DeadLetter], bool]:
    """A test on letters: does this one lie in a range that is open now? A row is read once for all old letters."""
    known: dict[str, tuple[Row | None, float]] = {}

    def busy(letter: DeadLetter) -> bool:
        stream, begin = letter.place.stream, letter.place.begin
        if stream not in known or letter.parked_at + _NEW > known[stream][1]:
            base, mark, run = stream.rpartition("@")  # what a backfill run parked stands under `<stream>@<run>`
            known[stream] = (ledger.of_run(run).get(task, base) if mark else ledger.get(task, stream)), clock()
        row = known[stream][0]
        opened = row.open if row else None
        return opened is not None and order(opened.begin) <= order(begin) < order(opened.end)

    return busy
