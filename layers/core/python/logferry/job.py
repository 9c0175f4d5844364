"""A delivery task, built, and how often and how long the engine works on one."""

from typing import Literal

from msgspec import Struct

from logferry.delivery import ParkBudget
from logferry.destinations import Destination
from logferry.encoders import Encoder
from logferry.errors import Misconfigured, Transient
from logferry.plan import Plan

__all__ = ["Circuit", "Job", "Settings"]

Circuit = Literal["closed", "half-open", "open"]
"""Closed: it answers. Half-open: it is asked before anything is pulled. Open: it was asked, and did not answer."""


class Settings(Struct, frozen=True):
    """How often and how long. Seconds and bytes."""

    save_seconds: float = 5.0
    save_bytes: int = 64 * 1024 * 1024  # of raw logs
    lease_seconds: float = 60.0
    reserve_seconds: float = 3.0  # kept for the last save
    patience_seconds: float = 5.0  # how long the other tasks of a logstore wait for a slow one
    park_records: int = 100
    park_seconds: float = 600.0
    repeats: bool = False  # all of it has been delivered before: a backfill over a settled range
    spill: bool = True  # keep what a source is about to forget


class Job(Struct):
    """A delivery task, built; kept while the instance lives."""

    name: str
    version: int
    plan: Plan
    encoder: Encoder
    destination: Destination
    circuit: Circuit = "half-open"
    source: str = "sls"  # the kind: dead letters say which file reads them again
    budget: ParkBudget | None = None  # made by the first lane: what was parked counts across calls

    def reach(self, time_out: float) -> None:
        """Unless the circuit is closed, ask whether the far side is there. Raises Transient or Misconfigured."""
        if self.circuit != "closed":
            self.circuit = "open"
            self.destination.check(time_out)
            self.circuit = "closed"

    def doubt(self, error: Exception) -> None:
        """After what a destination answered: ask before the next pull, if that was an error."""
        if isinstance(error, Transient | Misconfigured) and self.circuit == "closed":
            self.circuit = "half-open"
