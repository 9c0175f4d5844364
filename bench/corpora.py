"""What one PullLogs answer holds: sample logs as an lz4 block around a LogGroupList."""

from functools import cache
from itertools import islice
from types import ModuleType
from typing import NamedTuple

import lz4.block

from logferry.sls.write import encode_log_group, list_entry
from logferry_local.sample_logs import raw_bytes, small, waf

__all__ = ["Corpus", "groups", "make"]

_KINDS: dict[str, ModuleType] = {"waf": waf, "small": small}
_BEGIN = 1_780_000_000  # Unix seconds
_LOGS_A_GROUP = 500


class Corpus(NamedTuple):
    """One answer. Sizes in bytes."""

    name: str
    logs: int
    raw: int  # keys and values
    size: int  # before compression
    packed: bytes

    def unpack(self) -> bytes:
        """The LogGroupList."""
        data: bytes = lz4.block.decompress(self.packed, uncompressed_size=self.size)
        return data


@cache
def make(name: str, raw: int) -> Corpus:
    """Logs of one kind, about `raw` bytes of keys and values."""
    found = groups(name, raw)
    data = b"".join(list_entry(len(group)) + group for group, _, _ in found)
    packed = lz4.block.compress(data, store_size=False)
    return Corpus(name, sum(logs for _, logs, _ in found), sum(size for _, _, size in found), len(data), packed)


@cache
def groups(name: str, raw: int) -> list[tuple[bytes, int, int]]:
    """The same as log groups: (bytes, logs, raw bytes) each."""
    each = sum(raw_bytes(log) for log in _KINDS[name].make(1000, begin=_BEGIN)) // 1000
    logs = _KINDS[name].make(max(1, round(raw / each)), begin=_BEGIN)
    found = []
    while some := list(islice(logs, _LOGS_A_GROUP)):
        group = encode_log_group(some, topic=f"{name}_log", source="192.0.2.10", tags={"__receive_time__": str(_BEGIN)})
        found.append((group, len(some), sum(map(raw_bytes, some))))
    return found
