"""The store around the shards: when a put counts as durable, a full disk, orphans, one store a folder."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.fakes.clock import Clock

from logferry.errors import StateError
from logferry_local.sls_server.shards import Pull, Shard
from logferry_local.sls_server.store import Store, Sync

NOW = Clock.now


@contextmanager
def opened(
    folder: Path,
    sync: Sync = "1s",
    *,
    keep: float | None = None,
    clock: Clock | None = None,
    segment_bytes: int = 1 << 20,
) -> Iterator[Store]:
    """A store with project-one and its logstore `waf` of two shards."""
    store = Store(folder, clock=clock or Clock(), sync=sync, keep=keep, segment_bytes=segment_bytes)
    try:
        if not store.catalog.projects():
            store.catalog.create_project("project-one", "")
            store.catalog.create_logstore("project-one", "waf", {"shardCount": 2, "ttl": 30})
        yield store
    finally:
        store.close()


SYNCED = {"always": (True, True), "1s": (False, True), "never": (False, False)}


@pytest.mark.parametrize("sync", ["always", "1s", "never"])
def test_sync_promises(tmp_path: Path, sync: Sync) -> None:
    """`always` syncs before a put is answered, `1s` at the next tick, `never` leaves it to the system."""
    with opened(tmp_path, sync) as store:
        shard = store.shard("project-one", "waf", 0)
        shard.append([b"<1>"], NOW)
        asyncio.run(store.settle(shard))
        settled = shard.synced == shard.end
        asyncio.run(store.tick())
        assert (settled, shard.synced == shard.end) == SYNCED[sync]


def test_waiting_puts_share_a_sync(tmp_path: Path) -> None:
    """Puts that wait for the disk at the same time are served by the sync that covers them all."""
    with opened(tmp_path, "always") as store:
        shard = CountingShard(tmp_path / "counted", 0, segment_bytes=1 << 20)

        async def put(ordinal: int) -> None:
            shard.append([b"<%d>" % ordinal], NOW)
            await store.settle(shard)

        async def all_at_once() -> None:
            await asyncio.gather(*(put(ordinal) for ordinal in range(20)))

        asyncio.run(all_at_once())
        assert shard.synced == shard.end == 20
        assert shard.syncs <= 2
        shard.close()


class CountingShard(Shard):
    """Counts how often it is synced."""

    syncs = 0

    def descriptor(self) -> int:
        """One more sync."""
        self.syncs += 1
        return super().descriptor()


def test_full_disk_leaves_the_shard_whole(tmp_path: Path) -> None:
    """A put that the disk takes only half of fails, leaves no trace, and the next one works."""
    with opened(tmp_path) as store:
        shard = store.shard("project-one", "waf", 0)
        shard.append([b"<1>"], NOW)
        (path,) = tmp_path.glob("streams/*/*/0/*.seg")
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 50, before[1]))
        try:
            with pytest.raises(OSError, match="large"):
                shard.append([b"x" * 1000], NOW)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        shard.append([b"<2>"], NOW)
        assert shard.reading(Pull(shard.begin, None, 10, 1000)).body() == b"<1><2>"


def test_retention_can_be_shortened(tmp_path: Path) -> None:
    """The store's own limit counts where it is shorter than the logstore's ttl."""
    clock = Clock()
    with opened(tmp_path, keep=60, clock=clock) as store:
        shard = store.shard("project-one", "waf", 0)
        shard.append([b"<old>"], NOW)
        clock.now += 61
        asyncio.run(store.tick())
        assert shard.begin == shard.end


def test_folders_of_no_logstore_are_removed(tmp_path: Path) -> None:
    """What a crash between catalog and files left behind goes at the next start; the rest stays."""
    with opened(tmp_path) as store:
        store.shard("project-one", "waf", 0).append([b"<1>"], NOW)
    orphan = tmp_path / "streams/project-one/gone@1" / "0"
    orphan.mkdir(parents=True)
    with opened(tmp_path) as store:
        assert not orphan.exists()
        shard = store.shard("project-one", "waf", 0)
        assert shard.reading(Pull(shard.begin, None, 10, 1000)).body() == b"<1>"


def test_folder_has_one_store(tmp_path: Path) -> None:
    """A second store on the same folder is refused until the first is closed."""
    with opened(tmp_path), pytest.raises(StateError, match="another log store"):
        Store(tmp_path, clock=Clock())
    with opened(tmp_path):
        pass


def test_broken_shard_does_not_hold_up_the_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A shard with an unreadable file is told in the log, tick by tick, while the other shard is synced."""
    with opened(tmp_path, segment_bytes=10) as store:
        broken = store.shard("project-one", "waf", 0)
        for text in (b"<1>", b"<2>"):
            broken.append([text], NOW)
    min(tmp_path.glob("streams/*/*/0/*.seg")).write_bytes(b"something else entirely")
    with opened(tmp_path, segment_bytes=10) as store:
        store.choose("project-one", "waf", None)
        well = store.choose("project-one", "waf", None)
        well.append([b"<3>"], NOW)
        asyncio.run(store.tick())
        assert well.synced == well.end
    assert "shard not kept in order" in caplog.text
