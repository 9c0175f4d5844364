"""A logstore as a log trigger sees it: shards with a receive time for each log. Cursors are log numbers."""

from logferry.errors import Expired, SourceError

__all__ = ["FakeLogstore"]


class FakeLogstore:
    """`times[shard]` are the receive times of its logs; `broken` makes every question fail."""

    def __init__(self, **times: list[int]) -> None:
        self.times = {int(name.removeprefix("shard")): found for name, found in times.items()}
        self.broken = False
        self.oldest = 0

    def shards(self) -> list[int]:
        """The shards as they are now."""
        if self.broken:
            raise SourceError("logstore does not answer", transient=True)
        return sorted(self.times)

    def cursor(self, shard: int, at: str | int) -> str:
        """The number of the first log at or after that time."""
        times = self.times[shard]
        if at == "begin":
            return str(self.oldest)
        if at == "end":
            return str(len(times))
        return str(next((number for number, time in enumerate(times) if time >= int(at)), len(times)))

    def time_of(self, shard: int, cursor: str) -> int:
        """The receive time of the log of that number; those before `oldest` are gone."""
        if int(cursor) < self.oldest:
            raise Expired("cursor is invalid")
        return self.times[shard][int(cursor)]

    def close(self) -> None:
        """Nothing to let go of."""
