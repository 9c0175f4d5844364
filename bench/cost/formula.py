"""Measured work times prices: US dollars, MB of memory (1,024 a GB, as both clouds bill), GB of 10⁹ bytes of raw logs.

A GB in calls of `size` GB takes `1 / size` calls. Seconds of a call: CPU-seconds / share of a CPU + round trips x time
of one; both clouds bill them, whoever is waited for.
"""

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["PRICES", "Cost", "Place", "Work", "aws", "fc", "prices"]

PRICES = Path(__file__).with_name("prices.toml")


class Work(NamedTuple):
    """What `forward` does: a part for each call, and a part for each GB of raw logs."""

    cpu_call: float  # CPU-seconds
    cpu_gb: float
    pulls_gb: float  # PullLogs with logs in it
    asks_call: float  # requests to the log service and the destination, beside those that go with the GB
    sends_gb: float  # requests to the destination
    reads_call: float  # of the state table
    writes_call: float
    writes_gb: float
    packed: float  # GB as they are pulled, for a GB of raw logs


class Place(NamedTuple):
    """How it is deployed and fed."""

    memory: int  # MB
    vcpu: float  # share of a CPU
    size: float  # GB of raw logs in one call
    round_trip: float  # seconds that one request to the log service, the destination or the table takes


class Cost(NamedTuple):
    """Of one GB."""

    seconds: float  # that are billed
    compute: float
    calls: float
    table: float
    log_service: float

    @property
    def whole(self) -> float:
        """All of it."""
        return self.compute + self.calls + self.table + self.log_service


def prices() -> dict[str, Any]:
    """What prices.toml says."""
    return tomllib.loads(PRICES.read_text(encoding="utf-8"))


def seconds(work: Work, place: Place) -> float:
    """Billed seconds for a GB."""
    calls = 1 / place.size
    cpu = work.cpu_call * calls + work.cpu_gb
    trips = (work.asks_call + work.reads_call + work.writes_call) * calls
    trips += work.pulls_gb + work.sends_gb + work.writes_gb
    return cpu / min(place.vcpu, 1.0) + trips * place.round_trip  # one thread computes: a second CPU is of no use to it


def aws(work: Work, memory: int, size: float, round_trip: float) -> Cost:
    """On Lambda, where the share of a CPU goes with the memory."""
    price = prices()["aws"]
    place = Place(memory, memory / price["full_vcpu_mb"], size, round_trip)
    billed, calls = seconds(work, place), 1 / size
    writes = work.writes_call * calls + work.writes_gb
    return Cost(
        billed, billed * memory / 1024 * price["gb_second"], calls * price["call"],
        work.reads_call * calls * price["table_read"] + writes * price["table_write"], 0.0,
    )  # fmt: skip


def fc(work: Work, place: Place) -> Cost:
    """On Function Compute, where both are chosen (a CPU for 1 to 4 GB)."""
    price = prices()["fc"]
    billed, calls = seconds(work, place), 1 / place.size
    units = billed * (place.vcpu * price["units_a_vcpu_second"] + place.memory / 1024 * price["units_a_gb_second"])
    return Cost(
        billed, units * price["unit"], calls * price["units_a_call"] * price["unit"],
        work.reads_call * calls * price["table_read"], work.packed * price["sls_gb"],
    )  # fmt: skip
