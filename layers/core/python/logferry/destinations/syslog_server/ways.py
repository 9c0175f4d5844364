"""The two ways to a receiver: a connection, confirmed by its socket, and datagrams, confirmed by nothing."""

import logging
from typing import NamedTuple

from logferry.encoders.framed import messages
from logferry.errors import Transient
from logferry.model import Confirmation, Limits, Payload
from logferry.transport.datagrams import Datagrams
from logferry.transport.reach import Reach
from logferry.transport.tls import Trust
from logferry.transport.wire import Stream

__all__ = ["Connected", "Loose", "Place"]

log = logging.getLogger(__name__)


class Place(NamedTuple):
    """Where the receiver is, and the most that is waited for it."""

    host: str
    port: int
    time_out: float  # seconds
    reach: Reach = Reach()


class Connected:
    """TCP or TLS."""

    confirmation: Confirmation = "socket"

    def __init__(self, place: Place, trust: Trust | None, limits: Limits, task: str) -> None:
        self.limits = limits
        self._stream = Stream(place.host, place.port, trust, reach=place.reach)
        self._trust = trust
        self._stamp = trust.stamp() if trust else ()
        self._time_out = place.time_out
        self._task = task

    def check(self, time_out: float) -> None:
        """Connect; with TLS also wait for a refusal of our certificate."""
        self._stream.connect(min(self._time_out, time_out))

    def send(self, payload: Payload, time_out: float) -> None:
        """Give it to the system; `confirm` says whether it left."""
        self._stream.write(payload.body, min(time_out, self._time_out))

    def confirm(self, time_out: float) -> None:
        """Drain, and look for an alert, a reset or the end."""
        self._stream.drain(min(time_out, self._time_out))

    def refresh(self) -> bool:
        """Whether a certificate file has changed; the next connection reads it."""
        before, self._stamp = self._stamp, self._trust.stamp() if self._trust else ()
        self._stream.reload()
        return before != self._stamp

    def close(self) -> None:
        """Say goodbye; trouble is logged, since there is nobody left to send again."""
        try:
            self._stream.close()
        except Transient as error:
            log.warning("closed in doubt", extra={"task": self._task, "reason": str(error)})


class Loose:
    """Datagrams: best effort."""

    confirmation: Confirmation = "none"

    def __init__(self, place: Place, limits: Limits) -> None:
        self.limits = limits
        self._datagrams = Datagrams(place.host, place.port, reach=place.reach)
        self._time_out = place.time_out

    def check(self, time_out: float) -> None:  # noqa: ARG002  # the resolver's own time-out applies
        """The host has an address; that somebody listens cannot be known."""
        self._datagrams.resolve()

    def send(self, payload: Payload, time_out: float) -> None:
        """One datagram a message."""
        self._datagrams.write(messages(payload.body), min(time_out, self._time_out))

    def confirm(self, time_out: float) -> None:  # noqa: ARG002  # the protocol's
        """Only a refusal that has come back can be told."""
        self._datagrams.look()

    def refresh(self) -> bool:
        """There are no secrets."""
        return False

    def close(self) -> None:
        """Let go of the socket."""
        self._datagrams.close()
