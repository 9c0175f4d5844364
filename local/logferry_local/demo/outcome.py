"""What a demo came to, as `--json` prints it."""

from typing import Any

import msgspec

__all__ = ["Outcome", "TaskOutcome"]


class TaskOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger's numbers of one task, and what its receiver holds."""

    read: int
    delivered: int
    filtered: int
    sampled_out: int
    parked: int
    received: int
    confirmation: str
    streams: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The whole."""

    records: int
    tasks: dict[str, TaskOutcome]
    balanced: bool
    seconds: float
    problems: list[str]
    endpoint: str  # where the log store was

    @property
    def complete(self) -> bool:
        """Whether every record arrived exactly once at each receiver, and the ledger can be believed."""
        return self.balanced and not self.problems

    def document(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        hidden = ("confirmation", "streams")
        tasks = {
            name: {key: getattr(task, key) for key in task.__struct_fields__ if key not in hidden}
            for name, task in self.tasks.items()
        }
        return {"records": self.records, "tasks": tasks, "balanced": self.balanced, "seconds": self.seconds}
