"""One shard of a logstore, as it is kept and as ListShards shows it."""

import msgspec

__all__ = ["ShardInfo"]


class ShardInfo(msgspec.Struct, frozen=True, rename="camel"):
    """One shard: it takes hash keys from `inclusive_begin_key` up to, not including, `exclusive_end_key`."""

    shard_id: int = msgspec.field(name="shardID")
    status: str  # readwrite, or readonly once it was split or merged
    inclusive_begin_key: str
    exclusive_end_key: str
    create_time: int

    def takes(self, key: str) -> bool:
        """Whether a group with this hash key is written here."""
        return self.status == "readwrite" and self.inclusive_begin_key <= key < self.exclusive_end_key
