"""The log store on disk: a catalog in `meta.sqlite`, and a folder of segments for each shard.

    DIR/lock  DIR/meta.sqlite  DIR/streams/PROJECT/LOGSTORE@CREATETIME/SHARD/NUMBER.seg

`sync` says when a group is on the disk for sure: `always` before PutLogs is answered (one fsync serves all that wait),
`1s` within a second, `never` when the system likes. The death of the process loses nothing in any of the three.
"""

import asyncio
import fcntl
import itertools
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from logferry.errors import Misconfigured, StateError
from logferry_local.sls_server import cursors
from logferry_local.sls_server.catalog import MAX_TTL, Catalog, Logstore
from logferry_local.sls_server.meta import Meta
from logferry_local.sls_server.refusals import Refusal, parameter, shard_missing
from logferry_local.sls_server.segments import Damaged
from logferry_local.sls_server.shard_info import ShardInfo
from logferry_local.sls_server.shards import Shard

__all__ = ["Store", "Sync"]

log = logging.getLogger("logferry.sls_server")

Sync = Literal["never", "1s", "always"]
SEGMENT_BYTES = 64 << 20
_DAY = 86_400.0
_HASH = re.compile(r"[0-9a-fA-F]{32}")
_Key = tuple[str, str, int, int]  # project, logstore, its create time, shard


class Store:
    """Opens shards when they are needed. For one event loop; close() it."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float],
        sync: Sync = "1s",
        segment_bytes: int = SEGMENT_BYTES,
        keep: float | None = None,
    ) -> None:
        """`keep` (seconds) shortens every logstore's own ttl."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(folder)
        except OSError as error:
            raise Misconfigured(f"{folder}: cannot hold a log store: {error.strerror}") from None
        self.clock, self._sync, self._segment_bytes, self._keep = clock, sync, segment_bytes, keep
        self._streams = folder / "streams"
        try:
            self.meta = Meta(folder / "meta.sqlite", careful=sync == "always")
        except Misconfigured:
            os.close(self._lock)
            raise
        self.catalog = Catalog(self.meta, clock)
        self._shards: dict[_Key, Shard] = {}
        self._turns: dict[tuple[str, str], Iterator[int]] = {}
        self._syncing: dict[Shard, asyncio.Lock] = {}
        self._remove_orphans()

    def shard(self, project: str, logstore: str, number: int) -> Shard:
        """A shard, with what retention has dropped gone. Refusal if it does not exist."""
        found = self.catalog.logstore(project, logstore)
        info = next((info for info in found.shards if info.shard_id == number), None)
        if info is None:
            raise shard_missing(number)
        shard = self._open((project, logstore, found.create_time, number), info.create_time)
        self._expire(shard, found)
        return shard

    def choose(self, project: str, logstore: str, hash_key: str | None) -> Shard:
        """The shard that takes the next group: by its hash key, else in turn."""
        found = self.catalog.logstore(project, logstore)
        writable = [info for info in found.shards if info.status == "readwrite"]
        if hash_key is None:
            turn = next(self._turns.setdefault((project, logstore), itertools.count()))
            chosen = writable[turn % len(writable)]
        else:
            chosen = _by_key(writable, hash_key)
        return self._open((project, logstore, found.create_time, chosen.shard_id), chosen.create_time)

    def drained(self, project: str, logstore: str, number: int, cursor: str) -> bool:
        """Whether nothing lies at or behind that cursor of a shard ("": its beginning)."""
        shard = self.shard(project, logstore, number)
        return (cursors.number(cursor) if cursor else shard.begin) >= shard.written

    def delete_shard(self, project: str, logstore: str, number: int) -> None:
        """Delete a read-only shard and its groups."""
        self.catalog.delete_shard(project, logstore, number)
        self._close(lambda key: key[:2] == (project, logstore) and key[3] == number)
        self._remove_orphans()

    def delete_logstore(self, project: str, logstore: str) -> None:
        """Delete it and its groups."""
        self.catalog.delete_logstore(project, logstore)
        self._close(lambda key: key[:2] == (project, logstore))
        self._remove_orphans()

    def delete_project(self, project: str) -> None:
        """Delete it and all in it."""
        self.catalog.project(project)
        for logstore, _ in self.catalog.logstores(project):
            self.delete_logstore(project, logstore)
        self.catalog.delete_project(project)

    async def settle(self, shard: Shard) -> None:
        """Wait until what was appended is as durable as `sync` promises; OSError if the disk says no."""
        if self._sync == "always":
            await self._synced(shard)

    async def tick(self) -> None:
        """Once a second: sync what is not, drop what is too old. A shard that fails does not hold the others up."""
        for key, shard in list(self._shards.items()):
            try:
                if self._sync != "never":
                    await self._synced(shard)
                self._expire(shard, self.catalog.logstore(*key[:2]))
            except Refusal:  # deleted meanwhile
                continue
            except (OSError, Damaged):
                log.exception("shard not kept in order", extra={"shard": "/".join(map(str, key))})

    def close(self) -> None:
        """Sync everything and let go of the folder."""
        for shard in self._shards.values():
            shard.close()
        self._shards.clear()
        self.meta.close()
        os.close(self._lock)

    async def _synced(self, shard: Shard) -> None:
        wanted = shard.end
        async with self._syncing.setdefault(shard, asyncio.Lock()):
            if shard.synced < wanted:  # else the one before synced for us too
                reached, descriptor = shard.end, shard.descriptor()
                await asyncio.to_thread(_fsync, descriptor)
                shard.synced = reached

    def _close(self, which: Callable[[_Key], bool]) -> None:
        for key in [key for key in self._shards if which(key)]:
            shard = self._shards.pop(key)
            self._syncing.pop(shard, None)
            shard.close()

    def _open(self, key: _Key, born: int) -> Shard:
        if key not in self._shards:
            project, logstore, created, number = key
            folder = self._streams / project / f"{logstore}@{created}" / str(number)
            first, careful = cursors.first_number(born), self._sync != "never"
            self._shards[key] = Shard(folder, first, segment_bytes=self._segment_bytes, careful=careful)
        return self._shards[key]

    def _expire(self, shard: Shard, logstore: Logstore) -> None:
        seconds = [] if logstore.ttl >= MAX_TTL else [logstore.ttl * _DAY]
        seconds += [] if self._keep is None else [self._keep]
        if seconds:
            shard.expire(self.clock() - min(seconds))

    def _remove_orphans(self) -> None:
        """Folders of logstores and shards that are no more: a crash may come between the catalog and the files."""
        known = {
            f"{project}/{name}@{logstore.create_time}": {str(shard.shard_id) for shard in logstore.shards}
            for project, _ in self.catalog.projects()
            for name, logstore in self.catalog.logstores(project)
        }
        for folder in self._streams.glob("*/*"):
            shards = known.get(f"{folder.parent.name}/{folder.name}")
            if shards is None:
                shutil.rmtree(folder)
                continue
            for part in folder.iterdir():
                if part.name not in shards:
                    shutil.rmtree(part)


def _by_key(shards: list[ShardInfo], key: str) -> ShardInfo:
    if not _HASH.fullmatch(key):
        raise parameter(f"hash key {key[:64]!r} is not 32 hexadecimal digits")
    # The highest key of all is the last one's, though its end is excluded.
    last = max(shards, key=lambda info: info.exclusive_end_key)
    return next((info for info in shards if info.takes(key.lower())), last)


def _fsync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _locked(folder: Path) -> int:
    descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise StateError(f"{folder}: another log store is running on this folder") from None
    return descriptor
