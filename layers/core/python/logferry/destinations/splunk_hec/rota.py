"""Whose turn it is among several endpoints: one after the other, those that failed left out for a while.

The load is spread: Splunk searches faster what lies evenly on its indexers, and an endpoint that only waits for
the day of need is found broken on that day. A failed one rests 1 s, doubled to 60 s (or as long as it asked for), one
that is wrongly set up 5 min; then one thread asks its health page before it gets a payload again.
With one endpoint nobody rests: how often it is tried is the engine's business.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from logferry.destinations.splunk_hec.endpoint import Endpoint
from logferry.errors import DeliveryError, Misconfigured, Transient

__all__ = ["Place", "Rota", "together"]

log = logging.getLogger(__name__)

_FIRST, _LONGEST, _WRONG = 1.0, 60.0, 300.0  # seconds of rest


class Place(Struct, eq=False):
    """An endpoint and how it has been doing."""

    endpoint: Endpoint
    failures: int = 0
    rest: float = 0.0  # until then it is left alone
    is_wrong: bool = False  # its rest is for a mistake in its configuration


class Rota:
    """Shared by all threads of a destination."""

    def __init__(self, endpoints: Sequence[Endpoint], now: Callable[[], float]) -> None:
        self.places = [Place(endpoint) for endpoint in endpoints]
        self._now = now
        self._lock = threading.Lock()
        self._next = 0

    def turns(self) -> Iterator[Place]:
        """Those that may be tried for one payload, best first; at least one."""
        count = len(self.places)
        with self._lock:
            start, self._next = self._next, (self._next + 1) % count
        given = 0
        for place in (self.places[(start + step) % count] for step in range(count)):
            if self._claim(place):
                given += 1
                yield place
        if not given:
            yield min(self.places, key=lambda place: place.rest)

    def failed(self, place: Place, error: DeliveryError) -> None:
        """It did not take a payload, and that was not the payload's fault."""
        if len(self.places) == 1:
            return
        with self._lock:
            now = self._now()
            is_news = now >= place.rest  # else several threads tell of one failure
            place.failures += is_news
            place.is_wrong = isinstance(error, Misconfigured)
            wish = getattr(error, "retry_after", None) or 0.0
            place.rest = max(place.rest, now + max(wish, _WRONG if place.is_wrong else _pause(place.failures)))
        if is_news:
            level = logging.ERROR if place.is_wrong else logging.WARNING
            log.log(level, "endpoint rests", extra={"url": place.endpoint.name, "reason": str(error)})

    def works(self, place: Place) -> None:
        """It answered as it should."""
        if place.failures or place.rest:
            with self._lock:
                place.failures, place.rest, place.is_wrong = 0, 0.0, False
            log.info("endpoint is back", extra={"url": place.endpoint.name})

    def refresh(self) -> None:
        """Secrets were read again: who was wrong may be right now."""
        with self._lock:
            for place in self.places:
                if place.is_wrong:
                    place.rest = 0.0

    def _claim(self, place: Place) -> bool:
        """Whether this thread may try it: it is well, or its rest is over and this thread was first."""
        with self._lock:
            now = self._now()
            if now < place.rest:
                return False
            if place.failures:  # whoever comes meanwhile leaves it alone, and for longer if this fails too
                place.failures += 1
                place.rest = now + _pause(place.failures)
            return True


def together(failures: Sequence[tuple[Place, DeliveryError]]) -> DeliveryError:
    """One error for a payload that nobody took: Misconfigured only if each of them was."""
    if len(failures) == 1:
        return failures[0][1]
    text = "; ".join(f"{place.endpoint.name}: {str(error).removeprefix(place.endpoint.name + ': ')}"
                     for place, error in failures)  # fmt: skip
    errors = [error for _, error in failures if isinstance(error, Transient)]
    if not errors:
        return Misconfigured(text)
    return Transient(text, retry_after=min((error.retry_after or 0.0) for error in errors) or None)


def _pause(failures: int) -> float:
    return float(min(_LONGEST, _FIRST * 2 ** min(max(failures, 1) - 1, 10)))
