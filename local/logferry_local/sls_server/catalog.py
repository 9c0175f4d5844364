"""Projects, logstores with their shards, and indexes: made, found, listed, changed, deleted.

Names: 3-63 (project) or 2-63 (logstore) lower-case letters, digits, `-` and (logstore) `_`. ttl is in days, 3650
keeps for ever. A logstore that is made again gets a later createTime than the one before had, to the second.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from logferry_local.sls_server import resharding
from logferry_local.sls_server.meta import Meta
from logferry_local.sls_server.refusals import Refusal, index_missing, logstore_missing, project_missing
from logferry_local.sls_server.shard_info import ShardInfo

__all__ = ["MAX_SHARDS", "Catalog", "Logstore", "Project"]

MAX_SHARDS = 100
MAX_TTL = 3650
_PROJECT = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_LOGSTORE = re.compile(r"[a-z0-9_][a-z0-9_-]{0,61}[a-z0-9_]")
_DEFAULTS = {"enable_tracking": False, "autoSplit": False, "maxSplitShard": 64, "appendMeta": False}
_OWN = ("logstoreName", "shardCount", "createTime", "lastModifyTime")


class Project(msgspec.Struct, frozen=True):
    """One project."""

    description: str
    create_time: int


class Logstore(msgspec.Struct, frozen=True):
    """One logstore. `settings` are the caller's own words, ttl apart."""

    ttl: int
    create_time: int
    modify_time: int
    settings: dict[str, Any]
    shards: list[ShardInfo]

    def described(self, name: str) -> dict[str, Any]:
        """As GetLogstore answers."""
        writable = sum(shard.status == "readwrite" for shard in self.shards)
        own = {"logstoreName": name, "ttl": self.ttl, "shardCount": writable}
        times = {"createTime": self.create_time, "lastModifyTime": self.modify_time}
        return {**_DEFAULTS, **self.settings, **own, **times}


class Catalog:
    """What there is. Every method raises Refusal for what is missing or cannot be."""

    def __init__(self, meta: Meta, clock: Callable[[], float]) -> None:
        self._meta, self._clock = meta, clock

    def create_project(self, project: str, description: str) -> None:
        """Make a project."""
        if not _PROJECT.fullmatch(project):
            raise Refusal(400, "ParameterInvalid", f"project name {project[:64]!r} is not 3-63 of a-z, 0-9 and -")
        if self._meta.get(Project, "project", project):
            raise Refusal(400, "ProjectAlreadyExist", f"Project {project} already exists")
        self._meta.put(Project(description, int(self._clock())), "project", project)

    def update_project(self, project: str, description: str) -> None:
        """Change a project's description."""
        self._meta.put(msgspec.structs.replace(self.project(project), description=description), "project", project)

    def project(self, project: str) -> Project:
        """Find a project."""
        found = self._meta.get(Project, "project", project)
        if found is None:
            raise project_missing(project)
        return found

    def projects(self) -> list[tuple[str, Project]]:
        """All projects by name."""
        return list(self._meta.list(Project, "project"))

    def delete_project(self, project: str) -> None:
        """Delete a project and all in it."""
        self.project(project)
        for name, _ in self.logstores(project):
            self.delete_logstore(project, name)
        self._meta.delete(("project", project))

    def create_logstore(self, project: str, logstore: str, settings: Mapping[str, Any]) -> None:
        """Make a logstore; `settings` is CreateLogstore's body."""
        self.project(project)
        shards, ttl = settings.get("shardCount", 2), settings.get("ttl", 30)
        if not _LOGSTORE.fullmatch(logstore):
            raise _bad_info(f"logstore name {logstore[:64]!r} is not 2-63 of a-z, 0-9, - and _")
        if type(shards) is not int or not 1 <= shards <= MAX_SHARDS:
            raise _bad_info(f"shardCount {shards!r} is not between 1 and {MAX_SHARDS}")
        if self._meta.get(Logstore, "logstore", project, logstore):
            raise Refusal(400, "LogStoreAlreadyExist", f"logstore {logstore} already exists")
        gone = self._meta.get(int, "gone", project, logstore) or 0
        now = max(int(self._clock()), gone + 1)
        infos = [ShardInfo(number, "readwrite", *_key_range(number, shards), now) for number in range(shards)]
        made = Logstore(_ttl(ttl), now, now, _settings(settings), infos)
        self._meta.put(made, "logstore", project, logstore)

    def update_logstore(self, project: str, logstore: str, settings: Mapping[str, Any]) -> None:
        """Change ttl and settings; the number of shards stays."""
        old = self.logstore(project, logstore)
        merged = {**old.settings, **_settings(settings)}
        ttl = _ttl(settings.get("ttl", old.ttl))
        new = msgspec.structs.replace(old, ttl=ttl, settings=merged, modify_time=int(self._clock()))
        self._meta.put(new, "logstore", project, logstore)

    def logstore(self, project: str, logstore: str) -> Logstore:
        """Find a logstore."""
        found = self._meta.get(Logstore, "logstore", project, logstore)
        if found is None:
            self.project(project)
            raise logstore_missing(logstore)
        return found

    def logstores(self, project: str) -> list[tuple[str, Logstore]]:
        """A project's logstores by name."""
        self.project(project)
        return list(self._meta.list(Logstore, "logstore", project))

    def delete_logstore(self, project: str, logstore: str) -> None:
        """Delete a logstore with its index and consumer groups."""
        old = self.logstore(project, logstore)
        self._meta.put(old.create_time, "gone", project, logstore)
        kinds = ("logstore", "index", "group", "checkpoint", "owners")
        self._meta.delete(*((kind, project, logstore) for kind in kinds))

    def split_shard(self, project: str, logstore: str, number: int, key: str, count: int) -> list[ShardInfo]:
        """Split a shard: what has changed and what is new, written at once."""
        shards = self.logstore(project, logstore).shards
        return self._change(project, logstore, resharding.split(shards, number, key, count, int(self._clock())))

    def merge_shard(self, project: str, logstore: str, number: int) -> list[ShardInfo]:
        """Merge a shard with its right neighbour."""
        shards = self.logstore(project, logstore).shards
        return self._change(project, logstore, resharding.merge(shards, number, int(self._clock())))

    def delete_shard(self, project: str, logstore: str, number: int) -> None:
        """Forget a read-only shard, and the checkpoints in it."""
        old = self.logstore(project, logstore)
        gone = resharding.deletable(old.shards, number)
        left = [shard for shard in old.shards if shard != gone]
        self._meta.put(msgspec.structs.replace(old, shards=left), "logstore", project, logstore)
        groups = [name for name, _ in self._meta.list(dict[str, Any], "group", project, logstore)]
        self._meta.delete(*(("checkpoint", project, logstore, group, number) for group in groups))

    def _change(self, project: str, logstore: str, changed: list[ShardInfo]) -> list[ShardInfo]:
        old = self.logstore(project, logstore)
        shards = resharding.applied(old.shards, changed)
        self._meta.put(msgspec.structs.replace(old, shards=shards), "logstore", project, logstore)
        return changed

    def put_index(self, project: str, logstore: str, index: dict[str, Any], *, new: bool) -> None:
        """Create or change the index."""
        self.logstore(project, logstore)
        exists = self._meta.get(dict[str, Any], "index", project, logstore) is not None
        if new and exists:
            raise Refusal(400, "IndexAlreadyExist", "log store index is already created")
        if not new and not exists:
            raise index_missing()
        self._meta.put({**index, "lastModifyTime": int(self._clock())}, "index", project, logstore)

    def index(self, project: str, logstore: str) -> dict[str, Any]:
        """Find the index."""
        self.logstore(project, logstore)
        found = self._meta.get(dict[str, Any], "index", project, logstore)
        if found is None:
            raise index_missing()
        return found

    def delete_index(self, project: str, logstore: str) -> None:
        """Delete the index."""
        self.index(project, logstore)
        self._meta.delete(("index", project, logstore))


def _key_range(number: int, count: int) -> tuple[str, str]:
    """Begin and end of one of `count` equal parts of the 128-bit keys (the last end is the highest key)."""
    ends = [(1 << 128) * part // count for part in (number, number + 1)]
    return f"{ends[0]:032x}", f"{min(ends[1], (1 << 128) - 1):032x}"


def _settings(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in (*_OWN, "ttl")}


def _ttl(value: object) -> int:
    if type(value) is not int or not 1 <= value <= MAX_TTL:
        raise _bad_info(f"ttl {value!r} is not between 1 and {MAX_TTL} days")
    return value


def _bad_info(message: str) -> Refusal:
    return Refusal(400, "LogStoreInfoInvalid", message)
