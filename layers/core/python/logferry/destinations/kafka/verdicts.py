"""What became of each batch of a payload, and what the engine is told of it."""

from collections.abc import Sequence

from logferry.destinations.kafka.batches import Batch, all_indexes
from logferry.errors import DeliveryError, Misconfigured, Refused, TooLarge, Transient

__all__ = ["Verdicts"]


class Verdicts:
    """Of batches with some or all of a payload's `count` parts. A batch without a verdict was not sent."""

    def __init__(self, some: Sequence[Batch], count: int) -> None:
        self._open, self._count = list(some), count
        self._taken: list[Batch] = []
        self._refused: dict[int, str] = {}
        self._failures: list[tuple[Batch, DeliveryError]] = []

    def take(self, batch: Batch) -> None:
        """All of it is there."""
        batch.in_doubt = batch.is_flying = False
        self._taken.append(batch)

    def fail(self, batch: Batch, error: DeliveryError) -> None:
        """None of it is there, or that is not known (`in_doubt`). One message that is too large is refused."""
        _landed(batch, error)
        if isinstance(error, TooLarge) and len(batch.indexes) == 1:
            self.refuse(batch, {0: str(error)}, error)
        else:
            self._failures.append((batch, error))

    def refuse(self, batch: Batch, messages: dict[int, str], error: DeliveryError) -> None:
        """Some of it never passes, so none of it was taken."""
        _landed(batch, error)
        for number, reason in messages.items():
            self._refused[batch.indexes[number]] = reason or str(error)
        self._failures.append((batch, error))

    @property
    def undone(self) -> list[int]:
        """Parts that are neither there nor refused, in order."""
        done = {*all_indexes(self._taken), *self._refused}
        return [index for index in range(self._count) if index not in done]

    @property
    def again(self) -> list[Batch]:
        """Batches that can be sent once more as they are."""
        made_anew = [batch for batch, error in self._failures if not isinstance(error, Transient | Misconfigured)]
        done = {id(batch) for batch in (*self._taken, *made_anew)}
        return [batch for batch in self._open if id(batch) not in done]

    @property
    def is_in_doubt(self) -> bool:
        """Whether something may be there that nobody has confirmed."""
        return any(batch.is_uncertain for batch in self._open)

    @property
    def is_lost(self) -> bool:
        """Whether that is so of a batch that must be made anew: its number may be taken, by messages that were not."""
        again = {id(batch) for batch in self.again}
        return any(batch.is_uncertain and id(batch) not in again for batch in self._open)

    def settle(self) -> None:
        """Return when all is there; else the error that says what to do next."""
        if not self._failures and not self.undone:
            return
        errors = [error for _, error in self._failures]
        if self._taken or self._refused:
            text = "; ".join(dict.fromkeys(str(error) for error in errors[:3])) or "a part that was in doubt went first"
            raise Refused(text, refused=self._refused, delivered=all_indexes(self._taken))
        for kind in (Misconfigured, Transient, TooLarge, DeliveryError):
            first = next((error for error in errors if isinstance(error, kind)), None)
            if first is not None:
                first.in_doubt = self.is_in_doubt
                raise first


def _landed(batch: Batch, error: DeliveryError) -> None:
    """In doubt once is in doubt for good: a "no" now does not undo that an attempt before may have been taken."""
    batch.is_flying = False
    batch.in_doubt |= error.in_doubt
