"""The cluster as one topic sees it: any broker that answers tells who leads, and leaders are spoken to.

Connections are kept, one to a broker. One thread at a time.
"""

import contextlib
import secrets
import ssl
from collections.abc import Callable, Sequence
from typing import TypeVar

from logferry.destinations.kafka import calls
from logferry.destinations.kafka.calls import Topic
from logferry.destinations.kafka.link import Link, Peer
from logferry.destinations.kafka.sasl import Login
from logferry.errors import DeliveryError, Misconfigured, Transient
from logferry.transport.reach import Reach
from logferry.transport.tls import Trust, client_context

__all__ = ["Cluster"]

_MAX_AGE = 300.0  # seconds until it is asked again: partitions may have been added
T = TypeVar("T")
_GRACE = 0.5  # seconds that an objection takes at most: a round trip and the broker's own work
_SHOWN = 3  # brokers that an error names


class Cluster:
    """`login` is asked at each connection, so that a new password is used."""

    def __init__(
        self, brokers: Sequence[Peer], topic: str, trust: Trust | None, login: Callable[[], Login | None],
        clock: Callable[[], float], reach: Reach,
    ) -> None:  # fmt: skip
        self._brokers, self._name = list(brokers), topic
        self._trust, self._login, self._clock, self._reach = trust, login, clock, reach
        self._context: ssl.SSLContext | None = None
        self._links: dict[Peer, Link] = {}
        self._topic: Topic | None = None
        self._asked = 0.0

    def topic(self, deadline: float) -> Topic:
        """The topic as it was known at most five minutes ago. Raises what the cluster says against it."""
        if self._topic is None or self._clock() - self._asked > _MAX_AGE:
            found = self.any(lambda link, until: calls.look_up(link, self._name, until), deadline)
            if found.error is not None:
                raise found.error
            self._topic, self._asked = found, self._clock()
        return self._topic

    def forget(self) -> None:
        """Ask again before the next batch: leaders have changed."""
        self._topic = None

    def leader(self, node: int, deadline: float) -> Link:
        """A connection to a broker that leads."""
        peer = self._topic.brokers.get(node) if self._topic else None
        if peer is None:
            raise Transient(f"topic {self._name}: a partition has no leader now; nothing was sent")
        try:
            return self._link(peer, deadline)
        except (Transient, Misconfigured) as error:
            if peer in self._brokers:
                raise
            raise type(error)(f"{error} (the cluster itself gave this address: advertised.listeners)") from error

    def any(self, ask: Callable[[Link, float], T], deadline: float) -> T:
        """The answer of the first broker that gives one; the time is shared among those still to be tried."""
        failures: list[DeliveryError] = []
        peers = sorted(self._brokers, key=lambda peer: peer not in self._links)
        for number, peer in enumerate(peers):
            now = self._clock()
            if failures and now >= deadline:
                break
            until = now + (deadline - now) / (len(peers) - number)
            try:
                return ask(self._link(peer, until), until)
            except (Transient, Misconfigured) as error:
                failures.append(error)
        told = "; ".join(str(error) for error in failures[:_SHOWN])
        passing = [error for error in failures if isinstance(error, Transient)]
        kind = Transient if passing else Misconfigured
        raise kind(told + (f"; and {len(failures) - _SHOWN} more" if len(failures) > _SHOWN else ""))

    def reload(self) -> None:
        """Speak to nobody any more, and read the certificates again."""
        self.close()
        self._context = None

    def close(self) -> None:
        """Let go of all connections."""
        while self._links:
            self._links.popitem()[1].close()
        self._topic = None

    def _link(self, peer: Peer, deadline: float) -> Link:
        known = self._links.pop(peer, None)
        if known is not None and known.is_fresh():
            self._links[peer] = known
            return known
        if known is not None:
            known.close()
        login = self._login()
        if self._trust is not None and self._context is None:
            self._context = client_context(self._trust)
        link = Link(peer, self._clock, self._reach)
        with contextlib.ExitStack() as stack:
            stack.callback(link.close)
            link.open(self._context, deadline)
            try:
                calls.greet(link, login, secrets.token_hex(16), deadline)
            except Transient:
                self._listen(peer, deadline)
                raise
            stack.pop_all()
        self._links[peer] = link
        return link

    def _listen(self, peer: Peer, deadline: float) -> None:
        """Once more, only to hear whether a client's certificate is wanted: writing at once may drown the alert."""
        if self._context is None:
            return
        link = Link(peer, self._clock, self._reach)
        with contextlib.closing(link), contextlib.suppress(Transient):
            link.open(self._context, deadline)
            link.listen(_GRACE)
