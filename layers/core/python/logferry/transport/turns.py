"""How fast one endpoint is fed: as fast as it takes it, until it says that it is busy; then less, and slowly more.

At each busy answer half as many requests at once (not below one, then pauses between them, 0.25-8 s); each success
gives a little back. Times are seconds of the given clock.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from logferry.errors import Transient

__all__ = ["Turns"]

_MOST = 1024.0  # requests at once: no limit in practice
_SHORTEST, _LONGEST = 0.25, 8.0  # seconds between two requests
_ONE_VOLLEY = 1.0  # seconds in which several busy answers say the same thing
_LOOK = 0.02  # seconds until another look whether there is room


class Turns:
    """Shared by all threads that send to one endpoint."""

    def __init__(self, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        self._now = now
        self._sleep = sleep
        self._lock = threading.Lock()
        self._inside = 0
        self._room = _MOST
        self._gap = 0.0
        self._next = 0.0  # no request before
        self._rest = 0.0  # the endpoint's own wish: nobody waits for its end here
        self._slowed = -_ONE_VOLLEY

    @property
    def room(self) -> float:
        """How many requests may be under way at once."""
        return self._room

    @property
    def gap(self) -> float:
        """Seconds from one request's begin to the next."""
        return self._gap

    @contextmanager
    def turn(self, until: float) -> Iterator[None]:
        """Room for one request, waited for. Transient (nothing was sent) if that would last longer than `until`."""
        while (wait := self._enter()) > 0:
            if self._now() + wait >= until:
                raise Transient("it is busy: no room for a request within the time left; nothing was sent")
            self._sleep(wait)
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1

    def slow(self, rest: float | None = None) -> None:
        """It is busy; `rest` is how long it asked to be left alone."""
        with self._lock:
            now = self._now()
            self._rest = max(self._rest, now + (rest or 0.0))
            if now - self._slowed < _ONE_VOLLEY:
                return
            self._slowed = now
            if self._room > 1:
                self._room = max(1.0, min(self._room, self._inside) // 2)
            else:
                self._gap = min(max(_SHORTEST, self._gap * 2), _LONGEST)

    def good(self) -> None:
        """It took one and is not busy."""
        with self._lock:
            self._gap = self._gap / 2 if self._gap > _SHORTEST else 0.0
            if not self._gap:
                self._room = min(_MOST, self._room + 1 / self._room)

    def _enter(self) -> float:
        """0: entered; else seconds to wait before asking again. Raises Transient while it wants to be left alone."""
        with self._lock:
            now = self._now()
            if now < self._rest:
                wait = self._rest - now
                raise Transient(f"it asked to be left alone for {wait:.1f} s; nothing was sent", retry_after=wait)
            if now < self._next:
                return self._next - now
            if self._inside >= self._room:
                return _LOOK
            self._inside += 1
            self._next = now + self._gap
            return 0.0
