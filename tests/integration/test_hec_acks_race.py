"""Acknowledgement under restarts at any moment: answers late or lost, ids given again, polls that overtake answers."""

import contextlib
import random
import threading
import time

import pytest

from logferry.destinations.splunk_hec.acks import Acks
from logferry.errors import Transient


class Restarting:
    """A collector that takes posts at once and answers them late; a restart forgets ids and what is not indexed."""

    def __init__(self, seed: int) -> None:
        self.indexed: set[int] = set()
        self.restarts = 0
        self._random = random.Random(seed)  # noqa: S311  # seeded moments
        self._lock = threading.Lock()
        self._forget()

    def post(self, channel: str, number: int) -> int:
        """The id, some milliseconds after it was given; or nothing but a broken connection."""
        with self._lock:
            ack = self._given.get(channel, 0)
            self._given[channel] = ack + 1
            self._waiting[channel, ack] = (time.monotonic() + self._random.random() * 0.002, number)
            before, late, kept = self.restarts, self._random.random() * 0.04, self._random.random() < 0.5
        time.sleep(late)
        if self.restarts != before and not kept:
            raise Transient("the connection broke; it may have been taken", in_doubt=True)
        return ack

    def ask(self, channel: str, ids: list[int], _time_out: float) -> frozenset[int]:
        """Those that are indexed, each told once."""
        with self._lock:
            now = time.monotonic()
            for key, (due, number) in list(self._waiting.items()):
                if due <= now:
                    self.indexed.add(number)
                    self._done.add(key)
                    del self._waiting[key]
            told = {ack for ack in ids if (channel, ack) in self._done}
            self._done -= {(channel, ack) for ack in told}
        return frozenset(told)

    def restart(self) -> None:
        """All that is in memory is gone."""
        with self._lock:
            self.restarts += 1
            self._forget()

    def _forget(self) -> None:
        self._given: dict[str, int] = {}
        self._waiting: dict[tuple[str, int], tuple[float, int]] = {}
        self._done: set[tuple[str, int]] = set()


@pytest.mark.parametrize("seed", range(2))
def test_what_was_acknowledged_is_indexed(seed: int) -> None:
    """Eight threads, a restart every 50 ms for two seconds: no payload counts that was lost."""
    collector = Restarting(seed)
    hasty = lambda seconds: time.sleep(seconds / 10)  # noqa: E731  # polls that overtake answers are rare otherwise
    acks = Acks("collector", collector.ask, 0.002, time.monotonic, hasty)
    numbers, returned, doubts = iter(range(1_000_000)), [], []
    until = time.monotonic() + 2

    def work() -> None:
        while time.monotonic() < until:
            number = next(numbers)
            try:
                with acks.posting(time.monotonic() + 5) as post:
                    acks.answered(post, collector.post(post.channel, number))
                acks.wait(post, time.monotonic() + 0.1)
                returned.append(number)
            except Transient as error:
                doubts.append(error.in_doubt)

    threads = [threading.Thread(target=work) for _ in range(8)]
    with contextlib.ExitStack() as stack:
        for thread in threads:
            thread.start()
            stack.callback(thread.join, 20)
        while time.monotonic() < until:
            time.sleep(0.05)
            collector.restart()
    assert not set(returned) - collector.indexed
    assert collector.restarts > 10
    assert len(returned) > 10  # of some hundred: how many depends on the machine
    assert doubts
    assert all(doubts)
