"""Sampling: the same record is always kept or always left out, on every retry and on every machine."""

from collections.abc import Callable
from hashlib import blake2b

__all__ = ["sampler"]

_STEPS = 1 << 64


def sampler(share: float, salt: str) -> Callable[[bytes], bool] | None:
    """A test on a record's raw bytes that keeps `share` (0..1) of them; None keeps all.

    BLAKE2b (8 bytes, keyed with the task's name) rather than a CRC: neighbouring logs differ in few bytes,
    and two tasks that sample one stream must not keep the same records.
    """
    if share >= 1:
        return None
    bound = round(share * _STEPS)
    key = blake2b(salt.encode(), digest_size=16).digest()

    def keep(raw: bytes) -> bool:
        return int.from_bytes(blake2b(raw, digest_size=8, key=key).digest()) < bound

    return keep
