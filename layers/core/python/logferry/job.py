"""A delivery task, built, and how often and how long the engine works on one."""

from dataclasses import dataclass

from logferry.delivery import ParkBudget
from logferry.destinations import Destination
from logferry.encoders import Encoder
from logferry.plan import Plan

__all__ = ["Job", "Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How often and how long. Seconds and bytes."""

    save_seconds: float = 5.0
    save_bytes: int = 64 * 1024 * 1024  # of raw logs
    lease_seconds: float = 60.0
    reserve_seconds: float = 3.0  # kept for the last save
    patience_seconds: float = 5.0  # how long the other tasks of a logstore wait for a slow one
    park_records: int = 100
    park_seconds: float = 600.0
    repeats: bool = False  # all of it has been delivered before: a backfill over a settled range


@dataclass(slots=True)
class Job:
    """A delivery task, built; kept while the instance lives."""

    name: str
    version: int
    plan: Plan
    encoder: Encoder
    destination: Destination
    reached: bool = False  # the destination answered once: not asked again before each pull
    budget: ParkBudget | None = None  # made by the first lane: what was parked counts across calls

    def reach(self, time_out: float) -> None:
        """Test that the far side is there, before the first pull. Raises Transient or Misconfigured."""
        if not self.reached:
            self.destination.check(time_out)
            self.reached = True
