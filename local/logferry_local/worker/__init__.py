"""The worker: delivery tasks on a host, their shards divided among instances by the service's consumer groups.

    Worker -> Post (one a task: heartbeats) -> Shift (one a shard held: read, deliver, save)

A consumer group says who works on which shard; the state table says how far. Every post and every shift is a thread
with destinations of its own, so nothing that happens to one costs another more than its share of the processor.
"""

import os
import random
import re
import secrets
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from logferry import meter, wiring
from logferry.meter import Meter, Seen
from logferry.objects import Store
from logferry.state import Table
from logferry.wiring import Workshop
from logferry_local.worker.post import Plan, Post
from logferry_local.worker.shift import Pace

__all__ = ["Member", "Worker"]


@dataclass(frozen=True, slots=True)
class Member:
    """Who this worker is in its groups. Seconds."""

    consumer: str  # "": GROUP-HOST-PID
    heartbeat: float = 20.0
    interval: float = 1.0  # between two looks at a stream with nothing to read


class Worker:
    """Runs tasks (name -> consumer group) until it is stopped."""

    def __init__(self, groups: Mapping[str, str], member: Member, environ: Mapping[str, str]) -> None:
        self._groups, self._member, self._environ = groups, member, environ
        self._table: Table = wiring.open_table(environ)
        self._store: Store = wiring.open_store(environ)
        self._posts: list[Post] = []

    def start(self, listener: Meter = meter.SILENT) -> None:
        """Enter every group and begin. Raises what a person must put right; what may pass is tried again."""
        pace = Pace(self._member.interval, random.random, _Locked(listener))
        try:
            self._posts = [self._post(task, group, pace) for task, group in self._groups.items()]
            for post in self._posts:
                post.enter_if_possible()
        except BaseException:
            self.close()
            raise
        for post in self._posts:
            post.start()

    def stop(self) -> None:
        """Finish what is on its way, save, release the shards; returns when all that is done."""
        for post in self._posts:
            post.stop()
        for post in self._posts:
            post.join()
        self.close()

    def close(self) -> None:
        """Let go of the state table."""
        self._table.close()

    @property
    def over(self) -> bool:
        """Whether every post has ended."""
        return all(post.over for post in self._posts)

    def _post(self, task: str, group: str, pace: Pace) -> Post:
        consumer = self._member.consumer or f"{group}-{_host()}-{os.getpid()}"
        return Post(Plan(task, group, consumer, self._member.heartbeat, pace, lambda: self._workshop(consumer)))

    def _workshop(self, consumer: str) -> Workshop:
        shop = Workshop(self._table, self._store, lambda: f"{consumer}#{secrets.token_hex(8)}")
        shop.renewed(self._environ)
        if not self._environ.get("LOGFERRY_LEASE_SECONDS"):
            # Over before the service gives the shard of a worker that was killed to another one.
            shop.settings = replace(shop.settings, lease_seconds=self._member.heartbeat)
        return shop


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:64]


class _Locked:
    """A meter that many threads tell."""

    def __init__(self, listener: Meter) -> None:
        self._listener = listener
        self._lock = threading.Lock()

    def observe(self, seen: Seen) -> None:
        with self._lock:
            self._listener.observe(seen)
