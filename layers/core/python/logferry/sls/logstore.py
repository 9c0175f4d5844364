"""Operations on one logstore: PullLogs, GetCursor, GetCursorTime, PutLogs; its shards: list, split, merge.

Cursors are opaque text; times are Unix seconds (receive time). A pull returns 1-1000 log groups, about 10 MB at most.
"""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from logferry.errors import SourceError
from logferry.sls.client import Answer, Client, Request
from logferry.sls.compression import pack, unpack

__all__ = ["Compression", "Logstore", "Pull", "Pulled", "Shard"]

Compression = Literal["lz4", "zstd"]
_PROTOBUF = "application/x-protobuf"
_ALL_KEYS = 1 << 128


class Pull(Struct, frozen=True):
    """What to pull: from `cursor` to `end_cursor` ("" for all there is), through an SPL query if one is given."""

    cursor: str
    end_cursor: str = ""
    groups: int = 1000  # at most, 1-1000
    query: str = ""


class Pulled(Struct, frozen=True):
    """What a pull returned."""

    data: bytes  # a LogGroupList, decompressed
    next_cursor: str
    groups: int
    raw_lines: int | None  # with a query: how many logs it judged (x-log-rawdatacount would be their groups)


class Shard(Struct, frozen=True):
    """One shard; keys are the bounds of its MD5 range, [begin, end)."""

    name: str
    writable: bool
    begin_key: int
    end_key: int
    created: int


class Logstore(Struct, frozen=True):
    """One logstore, through one client."""

    client: Client
    name: str
    compression: Compression = "lz4"

    @property
    def path(self) -> str:
        """Where its operations are."""
        return f"/logstores/{self.name}"

    def pull_logs(self, shard: str, pull: Pull) -> Pulled:
        """PullLogs. Expired if the cursor is invalid or older than what is kept."""
        params = {"type": "log", "cursor": pull.cursor, "count": str(pull.groups)}
        params |= {"end_cursor": pull.end_cursor} if pull.end_cursor else {}
        params |= {"query": pull.query, "pullMode": "scan_on_stream"} if pull.query else {}
        headers = {"Accept": _PROTOBUF, "Accept-Encoding": self.compression}
        answer = self.client.call(Request("PullLogs", "GET", self._shard(shard), params, headers))
        try:
            data = unpack(
                answer.headers.get("x-log-compresstype", "").lower(), answer.body, answer.number("x-log-bodyrawsize")
            )
        except SourceError as error:
            raise SourceError(f"{answer.operation}: {error}", transient=error.transient) from None
        lines = answer.number("x-log-rawdatalines") if "x-log-rawdatalines" in answer.headers else None
        return Pulled(data, answer.header("x-log-cursor"), answer.number("x-log-count"), lines)

    def get_cursor(self, shard: str, at: str) -> str:
        """GetCursor: of `begin`, `end` or a time in Unix seconds."""
        answer = self.client.call(Request("GetCursor", "GET", self._shard(shard), {"type": "cursor", "from": at}))
        return str(_member(answer.operation, answer.json(), "cursor", str))

    def get_cursor_time(self, shard: str, cursor: str) -> int:
        """GetCursorTime: when the log group at the cursor was received."""
        params = {"type": "cursor_time", "cursor": cursor}
        answer = self.client.call(Request("GetCursorTime", "GET", self._shard(shard), params))
        return int(_member(answer.operation, answer.json(), "cursor_time", int))

    def list_shards(self) -> list[Shard]:
        """ListShards, as the service orders them."""
        return _to_shards(self.client.call(Request("ListShards", "GET", f"{self.path}/shards")))

    def split_shard(self, shard: str, key: str = "", count: int = 2) -> list[Shard]:
        """SplitShard at a key (32 hexadecimal digits), or in equal parts: the shard as it is now, then the new ones."""
        return self._reshard(
            "SplitShard", shard, {"action": "split", **({"key": key} if key else {}), "shardCount": str(count)}
        )

    def merge_shard(self, shard: str) -> list[Shard]:
        """MergeShards: the shard and its right neighbour; the new one, then these as they are now."""
        return self._reshard("MergeShards", shard, {"action": "merge"})

    def put_logs(self, group: bytes, hash_key: str = "") -> None:
        """PutLogs of a serialised LogGroup, to any shard or to the one of a hash key (32 hexadecimal digits)."""
        self.client.call(self.putting(group, hash_key))

    def putting(self, group: bytes | memoryview, hash_key: str = "") -> Request:
        """The request of `put_logs`."""
        headers = {
            "Content-Type": _PROTOBUF,
            "x-log-bodyrawsize": str(len(group)),
            "x-log-compresstype": self.compression,
        }
        path = f"{self.path}/shards/{'route' if hash_key else 'lb'}"
        params = {"key": hash_key} if hash_key else {}
        return Request("PutLogs", "POST", path, params, headers, pack(self.compression, group))

    def _reshard(self, operation: str, shard: str, params: dict[str, str]) -> list[Shard]:
        return _to_shards(self.client.call(Request(operation, "POST", self._shard(shard), params)))

    def _shard(self, shard: str) -> str:
        return f"{self.path}/shards/{shard}"


def _to_shards(answer: Answer) -> list[Shard]:
    found = answer.json()
    if not isinstance(found, list):
        raise SourceError(f"{answer.operation}: the answer is not a list", transient=True)
    return [_to_shard(answer.operation, one) for one in found]


def _to_shard(operation: str, found: object) -> Shard:
    try:
        return Shard(
            name=str(_member(operation, found, "shardID", int)),
            writable=_member(operation, found, "status", str) == "readwrite",
            begin_key=int(_member(operation, found, "inclusiveBeginKey", str) or "0", 16),
            end_key=int(_member(operation, found, "exclusiveEndKey", str) or f"{_ALL_KEYS:x}", 16),
            created=int(_member(operation, found, "createTime", int)),
        )
    except ValueError as error:
        raise SourceError(f"{operation}: a shard's key range is not hexadecimal ({error})", transient=True) from None


def _member(operation: str, document: object, name: str, kind: type) -> Any:  # noqa: ANN401  # of that kind
    if not isinstance(document, Mapping) or not isinstance(document.get(name), kind):
        raise SourceError(f"{operation}: the answer has no {kind.__name__} {name}", transient=True)
    return document[name]
