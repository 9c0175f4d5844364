"""Closes SQLite connections before this process forks; each side opens its own again at its next use.

Opening a second connection in the child is not enough: SQLite keeps its view of a file's locks in process memory,
which the child inherits, so the child's own connection holds no lock the system knows of. Seen with SQLite 3.40: the
parent closed, took itself for the last user and removed the write-ahead log, and a row that the child had committed
was gone (tests/contract/test_sqlite.py; see also sqlite.org/howtocorrupt.html, 2.6).
"""

import os
import threading
from functools import cache
from typing import Protocol
from weakref import WeakSet

__all__ = ["Forkable", "watch"]


class Forkable(Protocol):
    """Something that must not be open across a fork."""

    lock: threading.Lock

    def drop(self) -> None:
        """Close; called with `lock` held."""
        ...


class _Watch:
    """The three moments around a fork. The watched stay locked from just before it until just after."""

    def __init__(self) -> None:
        self.watched: WeakSet[Forkable] = WeakSet()
        self._one = threading.Lock()  # one fork at a time
        self._held: list[Forkable] = []
        os.register_at_fork(before=self._before, after_in_parent=self._after, after_in_child=self._after)

    def _before(self) -> None:
        self._one.acquire()
        for item in list(self.watched):
            item.lock.acquire()
            self._held.append(item)
            item.drop()

    def _after(self) -> None:
        while self._held:
            self._held.pop().lock.release()
        self._one.release()


@cache
def _watch() -> _Watch:
    return _Watch()


def watch(item: Forkable) -> None:
    """From now on close `item` before every fork."""
    _watch().watched.add(item)
