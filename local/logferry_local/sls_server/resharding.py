"""Splitting, merging and deleting shards, as pure changes of a logstore's list of shards.

A shard takes hash keys of [begin, end), 32 hexadecimal digits each. Who is split or merged stays readable and takes no
more logs; who takes over is born later and has a higher number. A logstore has 256 writable shards at most.
Refusals are those of the service's SplitShard and MergeShards pages; numbers are never given twice.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from msgspec.structs import replace

from logferry_local.sls_server.refusals import parameter
from logferry_local.sls_server.shard_info import ShardInfo

__all__ = ["MAX_WRITABLE", "applied", "deletable", "merge", "parents", "split"]

MAX_WRITABLE = 256
_HASH = re.compile(r"[0-9a-fA-F]{32}")


def split(shards: Sequence[ShardInfo], number: int, key: str, count: int, now: int) -> list[ShardInfo]:
    """As SplitShard answers: the shard, read-only now, and those that take over; at `key`, or in equal parts."""
    old = _writable(shards, number)
    writable = sum(shard.status == "readwrite" for shard in shards)
    if not 2 <= count <= MAX_WRITABLE - writable + 1:
        raise parameter(f"shardCount: {count} is not between 2 and {MAX_WRITABLE - writable + 1}")
    if key and count != 2:
        raise parameter(f"shardCount: {count} with a key, which makes two")
    keys = [old.inclusive_begin_key, *([_middle(old, key)] if key else _cuts(old, count)), old.exclusive_end_key]
    first, born = _next(shards), max(now, old.create_time)
    children = [ShardInfo(first + at, "readwrite", begin, end, born) for at, (begin, end) in enumerate(pairwise(keys))]
    return [replace(old, status="readonly"), *children]


def merge(shards: Sequence[ShardInfo], number: int, now: int) -> list[ShardInfo]:
    """As MergeShards answers: the new shard, then the two that it takes over from: this one and its right neighbour."""
    left = _writable(shards, number)
    right = next(
        (one for one in shards if one.status == "readwrite" and one.inclusive_begin_key == left.exclusive_end_key), None
    )
    if right is None:
        raise parameter(f"can not merge the last shard: {number} has no writable neighbour on the right")
    born = max(now, left.create_time, right.create_time)
    made = ShardInfo(_next(shards), "readwrite", left.inclusive_begin_key, right.exclusive_end_key, born)
    return [made, replace(left, status="readonly"), replace(right, status="readonly")]


def deletable(shards: Sequence[ShardInfo], number: int) -> ShardInfo:
    """The shard, if it may be deleted: a read-only one."""
    found = _find(shards, number)
    if found.status == "readwrite":
        raise parameter(f"invalid shard id: shard {number} is readwrite, only a readonly shard can be deleted")
    return found


def parents(shards: Sequence[ShardInfo], of: ShardInfo) -> list[ShardInfo]:
    """Older shards, no longer written to, that had a part of its keys."""
    return [
        one
        for one in shards
        if one.status == "readonly"
        and one.shard_id < of.shard_id
        and one.inclusive_begin_key < of.exclusive_end_key
        and of.inclusive_begin_key < one.exclusive_end_key
    ]


def applied(shards: Sequence[ShardInfo], changed: Sequence[ShardInfo]) -> list[ShardInfo]:
    """The list with what has changed and what is new, by number."""
    known = {shard.shard_id: shard for shard in (*shards, *changed)}
    return [known[number] for number in sorted(known)]


def _find(shards: Sequence[ShardInfo], number: int) -> ShardInfo:
    found = next((shard for shard in shards if shard.shard_id == number), None)
    if found is None:
        raise parameter(f"invalid shard id: there is no shard {number}")
    return found


def _writable(shards: Sequence[ShardInfo], number: int) -> ShardInfo:
    found = _find(shards, number)
    if found.status != "readwrite":
        raise parameter(f"invalid shard id: shard {number} is readonly")
    return found


def _next(shards: Sequence[ShardInfo]) -> int:
    # The highest number is always a writable shard's, which cannot be deleted: so no number comes twice.
    return max(shard.shard_id for shard in shards) + 1


def _middle(old: ShardInfo, key: str) -> str:
    if not _HASH.fullmatch(key):
        raise parameter(f"invalid mid hash: {key[:64]!r} is not 32 hexadecimal digits")
    if not old.inclusive_begin_key < key.lower() < old.exclusive_end_key:
        raise parameter(
            f"invalid mid hash: {key} does not lie between {old.inclusive_begin_key} and {old.exclusive_end_key}"
        )
    return key.lower()


def _cuts(old: ShardInfo, count: int) -> list[str]:
    begin, end = int(old.inclusive_begin_key, 16), int(old.exclusive_end_key, 16)
    if end - begin < count:
        raise parameter(f"shardCount: {count}, but shard {old.shard_id} has {end - begin} keys only")
    return [f"{begin + (end - begin) * part // count:032x}" for part in range(1, count)]
