"""Indexer acknowledgement of one endpoint: what was posted counts once the collector says that it is indexed.

Whichever thread is waiting asks for all of them in one request, once an interval, less often (up to 8 times as
long) while nothing comes of it. Splunk tells `true` once and forgets; ids count from 0 in each channel, in memory.

So a collector that restarts begins at 0 again, and the id of a lost payload may be given to a later one. An id that
was seen before says that: whatever waits is in doubt, and a new channel begins. Before that is known, a `true` for a
low id may be meant for a post whose answer is still on its way, so it counts only once these answers are in.
Specification: Splunk, "About HTTP Event Collector Indexer Acknowledgment".
"""

import logging
import math
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from msgspec import Struct, field

from logferry.errors import DeliveryError, Misconfigured, Transient

__all__ = ["AckOff", "Acks", "Ask", "Post"]

log = logging.getLogger(__name__)

Ask = Callable[[str, list[int], float], frozenset[int]]  # channel, ids, seconds -> those that are indexed

_SLACK = 64  # ids below that, and one for each post under way, may be given twice before anybody notices
_KEPT = 2_048  # ids remembered of a channel
_SLOWEST = 8  # times the interval
_REMEMBERED = 20  # waits
_LOOK = 0.02


class AckOff(Exception):
    """Acknowledgement is switched off for this token."""


class Post(Struct, eq=False):
    """One payload on its way: posted on a channel, answered with an id, acknowledged or in doubt."""

    channel: str
    ack: int = -1
    told: bool = False  # `true`, as far as one can believe it
    rivals: set["Post"] = field(default_factory=set)  # posts that may have got the same id
    lost: str = ""  # why nobody will ever acknowledge it


class _Ids:
    """Ids of one channel, which come nearly in order: those far below the highest count as seen."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._floor = 0

    def add(self, ack: int) -> bool:
        """Whether it is a new one."""
        if ack < self._floor or ack in self._known:
            return False
        self._known.add(ack)
        if len(self._known) > _KEPT:
            self._floor = max(self._known) - _KEPT // 4
            self._known = {known for known in self._known if known >= self._floor}
        return True


class Acks:
    """The channel of one endpoint, shared by all threads that send to it."""

    def __init__(
        self,
        name: str,
        ask: Ask,
        interval: float,
        now: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._name, self._ask, self._interval, self._now, self._sleep = name, ask, interval, now, sleep
        self.channel = str(uuid.uuid4())
        self.off = False  # the collector does not acknowledge: what it takes counts
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._opened = False
        self._seen = _Ids()
        self._open: set[Post] = set()  # posted, no answer yet
        self._peak = 0  # most of these at once
        self._waiting: set[Post] = set()  # answered, not acknowledged
        self._polling = False
        self._pause, self._next = interval, 0.0
        self._waits: list[float] = []
        self._trouble = ""  # why nobody can be asked

    @property
    def slowest(self) -> float | None:
        """The longest of the last waits in seconds; None before the first one."""
        return max(self._waits) if self._waits else None

    @contextmanager
    def posting(self, until: float) -> Iterator[Post]:
        """One post. Whoever got an answer calls `answered` within; else the collector may have restarted."""
        with ExitStack() as stack:
            if self._is_new():  # the first one alone: it finds out where the load balancer sends us
                if not self._opening.acquire(timeout=max(until - self._now(), 0.0)):
                    raise Transient("the first request is not answered yet; nothing was sent")
                stack.callback(self._opening.release)
                if not self._is_new():
                    stack.close()
            with self._lock:
                post = Post(self.channel)
                self._open.add(post)
                self._peak = max(self._peak, len(self._open))
            try:
                yield post
            except DeliveryError as error:
                if error.in_doubt and post.ack < 0:
                    self._begin_anew("a post was not answered", self._peak + _SLACK)
                raise
            finally:
                with self._lock:
                    self._open.discard(post)

    def answered(self, post: Post, ack: int) -> None:
        """The collector took it under this id (-1: it gave none)."""
        self._opened = True
        if ack < 0:
            self._switch_off("the collector gave no ackId")
            return
        post.ack = ack
        with self._lock:
            is_stale = post.channel != self.channel and ack < self._peak + _SLACK
            again = post.channel == self.channel and not self._seen.add(ack)
        if again:
            self._begin_anew("an id was given twice: the collector restarted, or sessions are not sticky", math.inf)
        if again or is_stale:
            self._fail(post, "the collector may have forgotten what it took")
        with self._lock:
            if not self._waiting:
                self._pause, self._next, self._trouble = self._interval, self._now() + self._interval, ""
            self._waiting.add(post)

    def wait(self, post: Post, until: float) -> None:
        """Return once it is acknowledged (or acknowledgement is off); Transient or Misconfigured, in doubt, if not."""
        since = self._now()
        try:
            while not self.off:
                if post.lost:
                    self._fail(post, post.lost)
                if self._is_settled(post):
                    self._waits = [*self._waits, self._now() - since][-_REMEMBERED:]
                    return
                if self._now() >= until:
                    self._fail(post, f"no acknowledgement within {round(until - since, 1):g} s")
                if self._trouble:
                    raise Misconfigured(self._trouble, in_doubt=True)
                self._sleep(min(self._poll(until), max(until - self._now(), 0.0)))
        finally:
            with self._lock:
                self._waiting.discard(post)

    def refresh(self) -> None:
        """The token may be another one: ask again."""
        self._trouble = ""

    def _is_new(self) -> bool:
        return not self._opened

    def _is_settled(self, post: Post) -> bool:
        with self._lock:  # a rival that tells of a restart marks what is lost before it leaves
            post.rivals &= self._open
            return post.told and not post.rivals and not post.lost

    def _poll(self, until: float) -> float:
        """Ask, if it is time and nobody else does; seconds until another look."""
        with self._lock:
            wait = self._next - self._now()
            if self._polling or wait > 0:
                return max(_LOOK, min(wait, self._interval))
            self._polling = True
            asked = [post for post in self._waiting if not post.told and not post.lost]
        try:
            self._ask_all(asked, until)
        finally:
            with self._lock:
                self._polling = False
                self._next = self._now() + self._pause
        return 0.0

    def _ask_all(self, asked: list[Post], until: float) -> None:
        told = 0
        try:
            for channel in {post.channel for post in asked}:
                mine = {post.ack: post for post in asked if post.channel == channel}
                found = self._ask(channel, sorted(mine), max(until - self._now(), 0.1))
                told += self._note([post for ack, post in mine.items() if ack in found])
        except AckOff as off:
            self._switch_off(str(off))
        except Misconfigured as error:
            self._trouble = str(error)
        except Transient as error:
            log.warning("acknowledgements not told", extra={"url": self._name, "reason": str(error)})
        self._pause = self._interval if told else min(self._pause * 1.5, self._interval * _SLOWEST)

    def _note(self, told: list[Post]) -> int:
        with self._lock:
            for post in told:
                if post.ack < self._peak + _SLACK:
                    post.rivals = {rival for rival in self._open if rival.channel == post.channel}
                post.told = not post.lost
        return len(told)

    def _begin_anew(self, reason: str, below: float) -> None:
        """A new channel; of what waits, ids below that will not be acknowledged in a way that can be believed."""
        with self._lock:
            gone = [post for post in self._waiting if post.channel == self.channel and post.ack < below]
            gone = [post for post in gone if not post.told or post.rivals]
            for post in gone:
                post.lost = reason
            self.channel = str(uuid.uuid4())
            self._seen = _Ids()
        if gone:
            log.warning("acknowledgements lost", extra={"url": self._name, "reason": reason, "payloads": len(gone)})

    def _switch_off(self, reason: str) -> None:
        with self._lock:
            first, self.off = not self.off, True
        if first:
            facts = {"url": self._name, "reason": f"{reason}: switch it on for the token, or write ack: false"}
            log.warning("acknowledgement is off, what the collector takes counts as delivered", extra=facts)

    def _fail(self, post: Post, reason: str) -> None:
        raise Transient(f"{reason} (ackId {post.ack}); it may have been taken", in_doubt=True)
