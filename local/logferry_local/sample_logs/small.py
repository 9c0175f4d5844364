"""Short service logs: 8 fields, about 0.2 kB a log in keys and values."""

import random
from collections.abc import Iterator

from logferry_local.sample_logs import Log

__all__ = ["ID_FIELD", "make"]

ID_FIELD = "trace_id"
_PER_SECOND = 200
_LEVELS = ("INFO",) * 17 + ("WARN", "WARN", "ERROR")
_SERVICES = ("cart-service", "payment-service", "stock-service", "profile-service")
_MESSAGES = (
    "request finished and the answer was written", "cache miss, read from the database", "order accepted",
    "upstream answered late, after 3 attempts", "session renewed for one hour", "retry 1 of 3 after a reset connection",
)  # fmt: skip


def make(count: int, *, seed: int = 1, begin: int) -> Iterator[Log]:
    """`count` logs from `begin` (Unix seconds) on."""
    rng = random.Random(f"small {seed}")  # noqa: S311  # sample data, no secret
    run = rng.getrandbits(32)
    for number in range(count):
        second, step = divmod(number, _PER_SECOND)
        dice = rng.getrandbits(32)
        fields = {
            "level": _LEVELS[dice % len(_LEVELS)],
            "service": _SERVICES[dice >> 5 & 3],
            "host": f"app-{dice >> 7 & 31:02d}.hangzhou.prod.example",
            "thread": f"worker-{dice >> 12 & 15}",
            "status": "500" if dice >> 16 & 63 == 0 else "200",
            "latency_ms": str((dice >> 22) + 1),
            ID_FIELD: f"{run:08x}{dice:08x}{number:016x}",
            "message": _MESSAGES[dice % len(_MESSAGES)],
        }
        yield Log(begin + second, step * (1_000_000_000 // _PER_SECOND), fields)
