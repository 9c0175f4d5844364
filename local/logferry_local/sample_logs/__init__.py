"""Invented logs for the demo, the benchmarks and tests: the same from the same seed, made as they are read.

One file a kind, with `make(count, seed=…, begin=…) -> Iterator[Log]`. Every log has one field that no other log of its
run has (`ID_FIELD`), so that whoever receives them can tell which are missing and which came twice.
"""

from typing import NamedTuple

__all__ = ["Log", "raw_bytes"]


class Log(NamedTuple):
    """One log as a producer hands it over; `sls.write.encode_log_group` takes it as it is."""

    time: int  # Unix seconds
    nanos: int
    fields: dict[str, str]


def raw_bytes(log: Log) -> int:
    """Keys and values in bytes: the measure behind every "MB of raw logs"."""
    return sum(len(key) + len(value.encode()) for key, value in log.fields.items())
