"""Consumer groups: who holds which shard, and the server's copy of each position.

The set of shards that a heartbeat is answered with is the one to hold. Timeouts are seconds; times are microseconds.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct

from logferry.errors import SourceError
from logferry.sls.client import Answer, Request
from logferry.sls.logstore import Logstore

__all__ = ["Checkpoint", "ConsumerGroup", "GroupInfo"]


T = TypeVar("T")


class GroupInfo(Struct, frozen=True):
    """A consumer group as it is listed."""

    name: str
    timeout: int
    order: bool


class Checkpoint(Struct, frozen=True):
    """A shard's saved cursor; "" for a fresh shard."""

    shard: str
    cursor: str
    updated: int
    consumer: str


class _Listed(msgspec.Struct):
    name: str
    timeout: int
    order: bool = False


class _Saved(msgspec.Struct):
    shard: int
    checkpoint: str = ""
    updateTime: int = 0  # noqa: N815  # the service's name
    consumer: str = ""


class ConsumerGroup(Struct, frozen=True):
    """One consumer group of a logstore; none of its calls but `create` and `listed` work before it is made."""

    logstore: Logstore
    name: str

    def create(self, timeout: int = 60, *, order: bool = False) -> bool:
        """CreateConsumerGroup; False if there is one of that name already."""
        document = {"consumerGroup": self.name, "timeout": timeout, "order": order}
        request = Request("CreateConsumerGroup", "POST", f"{self.logstore.path}/consumergroups").with_json(document)
        return self.logstore.client.create(request)

    def listed(self) -> list[GroupInfo]:
        """ListConsumerGroup: all groups of the logstore."""
        answer = self.logstore.client.call(Request("ListConsumerGroup", "GET", f"{self.logstore.path}/consumergroups"))
        return [GroupInfo(one.name, one.timeout, one.order) for one in _read(answer, list[_Listed])]

    def update(self, *, timeout: int, order: bool) -> None:
        """UpdateConsumerGroup."""
        self._call("UpdateConsumerGroup", "PUT", {}, {"timeout": timeout, "order": order})

    def delete(self) -> None:
        """DeleteConsumerGroup."""
        self.logstore.client.call(Request("DeleteConsumerGroup", "DELETE", self._path))

    def heartbeat(self, consumer: str, shards: Sequence[str]) -> list[str]:
        """HeartBeat: tells what the consumer holds, returns what it should hold."""
        params = {"type": "heartbeat", "consumer": consumer}
        answer = self._call("HeartBeat", "POST", params, [int(shard) for shard in shards])
        return [str(shard) for shard in _read(answer, list[int])]

    def save(self, shard: str, cursor: str, consumer: str = "") -> None:
        """UpdateCheckPoint; without a consumer it is forced."""
        params = {"type": "checkpoint", "consumer": consumer, "forceSuccess": "False" if consumer else "True"}
        self._call("UpdateCheckPoint", "POST", params, {"shard": int(shard), "checkpoint": cursor})

    def checkpoints(self, shard: str = "") -> list[Checkpoint]:
        """GetCheckPoint: of one shard, or of all that have one."""
        params = {"shard": shard} if shard else {}
        answer = self.logstore.client.call(Request("GetCheckPoint", "GET", self._path, params))
        saved = _read(answer, list[_Saved])
        return [Checkpoint(str(one.shard), one.checkpoint, one.updateTime, one.consumer) for one in saved]

    @property
    def _path(self) -> str:
        return f"{self.logstore.path}/consumergroups/{self.name}"

    def _call(self, operation: str, method: str, params: dict[str, str], document: object) -> Answer:
        request = Request(operation, method, self._path, params).with_json(document)
        return self.logstore.client.call(request)


def _read(answer: Answer, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError(f"{answer.operation}: {error}", transient=True) from None
