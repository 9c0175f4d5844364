"""Many records parked at once: a store that takes its time for each must not keep a sender waiting for all in turn."""

import threading
import time
from pathlib import Path

import pytest
from tests.fakes.receiving import Landing, landing

from logferry.dead_letters import DeadLetters
from logferry.errors import StateError
from logferry.objects import Store, open_store

_BROKEN, _SECONDS = 200, 0.02


class SlowStore:
    """The folder's store, as far away as a bucket; from the `fails`th put on it is down."""

    def __init__(self, inner: Store, fails: int = 0) -> None:
        self._inner, self._fails, self._lock, self.puts = inner, fails, threading.Lock(), 0
        self.get, self.list, self.delete = inner.get, inner.list, inner.delete

    def put(self, key: str, body: bytes) -> None:
        """Later."""
        with self._lock:
            self.puts += 1
            is_down = 0 < self._fails <= self.puts
        time.sleep(_SECONDS)
        if is_down:
            raise StateError("the store is down")
        self._inner.put(key, body)


def post(here: Landing, folder: Path, fails: int = 0) -> tuple[int, SlowStore]:
    """A post whose records are broken by nearly a half; the answer."""
    store = SlowStore(open_store(f"folder:{folder}"), fails)
    here.shop.dead = DeadLetters(store, here.clock)
    return here.post(b"\n".join([b'{"id":1}'] * (_BROKEN + 1) + [b"broken"] * _BROKEN)).status, store


def test_many_letters_are_written_side_by_side(tmp_path: Path) -> None:
    """200 of them at 20 ms each: one after the other they would take four seconds."""
    with landing(tmp_path) as here:
        here.apply()
        begin = time.monotonic()
        assert post(here, tmp_path)[0] == 200
        assert time.monotonic() - begin < 2.5
        assert len(here.letters()) == _BROKEN
        assert here.counts().parked == _BROKEN


@pytest.mark.parametrize("fails", [1, 100])
def test_a_store_that_fails_in_between_settles_nothing(tmp_path: Path, fails: int) -> None:
    """503, no position moves; the next post takes back what had been parked for this one."""
    with landing(tmp_path) as here:
        here.apply()
        status, store = post(here, tmp_path, fails)
        assert (status, here.counts().read) == (503, 0)
        assert store.puts < fails + 64
        here.clock.forward(61)
        assert here.post(b'{"id":2}').status == 200
        assert here.letters() == []
