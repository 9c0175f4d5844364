"""Sampling: the same record is always kept or always left out, on every retry and on every machine."""

from collections.abc import Callable
from hashlib import blake2b

from logferry.model import Value
from logferry.values import is_missing

__all__ = ["id_sampler", "sampler"]

_STEPS = 1 << 64
_BY_ID = blake2b(b"logferry: sampling by id", digest_size=16).digest()


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


def id_sampler(share: float) -> Callable[[Value], bool | None] | None:
    """A test on a record's id that keeps `share` (0..1) of all ids; None keeps all. It says None of what is no id.

    Not salted: two tasks with one share keep the same ids, so that what is left of the access log and what is left of
    the firewall log are about the same requests; of two shares the larger keeps all that the smaller keeps.
    """
    if share >= 1:
        return None
    bound = round(share * _STEPS)

    def keep(value: Value) -> bool | None:
        if isinstance(value, bool) or not isinstance(value, str | int) or is_missing(value):
            return None
        text = str(value).encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(text, digest_size=8, key=_BY_ID).digest()) < bound

    return keep
