"""The destination: one or several endpoints, each payload to one of them, at once to the next if that refuses it.

A payload that an endpoint may have taken goes back to the engine (`in_doubt`), which counts what it sends again.
"""

import logging
import math

from logferry.config import seconds
from logferry.destinations import Surroundings
from logferry.destinations.splunk_hec import answers
from logferry.destinations.splunk_hec.endpoint import Clocks, Endpoint, Load
from logferry.destinations.splunk_hec.options import Config
from logferry.destinations.splunk_hec.rota import Place, Rota, together
from logferry.errors import DeliveryError, Misconfigured, Permanent, Refused, TooLarge, Transient
from logferry.model import Confirmation, Limits, Payload
from logferry.transport.addresses import proxy_address
from logferry.transport.answers import by_status
from logferry.transport.compress import gzip
from logferry.vault import Secret

__all__ = ["Collector"]

log = logging.getLogger(__name__)

_CHECK_SECONDS = 10.0
_CONNECT_SECONDS = 10.0  # where there is another endpoint to go to
_SHORTEST = 1.0  # seconds: not enough to go to another endpoint
_UNKNOWN, _QUICK = 30.0, 2.0  # seconds to expect for an acknowledgement: before the first one, and at least
_IN_FLIGHT, _IN_FLIGHT_WITH_ACK = 4, 16  # waiting costs nothing, so that more may wait


class Collector:
    """Reached by any number of threads."""

    confirmation: Confirmation = "answer"

    def __init__(self, options: Config, surroundings: Surroundings, clocks: Clocks) -> None:
        width = options.in_flight or (_IN_FLIGHT_WITH_ACK if options.ack else _IN_FLIGHT)
        self.limits = Limits(max_bytes=options.max_bytes, max_records=options.max_records, in_flight=width)
        self._options = options
        self._task, self._vault = surroundings.task, surroundings.vault
        self._clocks = clocks
        proxy = self._proxy if options.proxy else None
        self._rota = Rota(
            [Endpoint(url, options, proxy, clocks, surroundings.reach) for url in options.urls], clocks.now
        )

    def check(self, time_out: float) -> None:
        """Connect to every endpoint; one that answers is enough."""
        token, places = self._token(), self._rota.places
        share = time_out / len(places)  # so that one deaf endpoint does not hide the others
        failures = [(place, error) for place in places if (error := self._reach(place, token, share))]
        for place, error in failures:
            self._rota.failed(place, error)
        if len(failures) == len(places):
            raise together(failures)

    def send(self, payload: Payload, time_out: float) -> None:
        """One payload to one endpoint. An empty one is nothing to send (Splunk would answer "No data")."""
        if not payload.parts:
            return
        until = self._clocks.now() + time_out
        load = self._load(payload, until, until - self._needed(time_out))
        failures: list[tuple[Place, DeliveryError]] = []
        for place in self._rota.turns():
            if failures and until - self._clocks.now() < _SHORTEST:
                break
            error = self._try(place, load)
            if error is None:
                return
            self._rota.failed(place, error)
            if error.in_doubt:
                raise error
            failures.append((place, error))
        raise together(failures)

    def confirm(self, time_out: float) -> None:
        """Nothing to do: each answer, or its acknowledgement, confirmed its request."""

    def refresh(self) -> bool:
        """Read the secrets again; whether one changed."""
        changed = False
        for reference in filter(None, (self._options.token, self._options.proxy)):
            if reference.startswith("secret://"):
                try:
                    changed |= self._vault.refresh(reference)
                except Misconfigured:
                    return False  # gone: the next send says so
        for place in self._rota.places:
            place.endpoint.refresh()
        if changed:
            self._rota.refresh()
        return changed

    def close(self) -> None:
        """Close the kept connections."""
        for place in self._rota.places:
            place.endpoint.close()

    def _reach(self, place: Place, token: Secret, time_out: float) -> DeliveryError | None:
        """Connect. What the health page says is only advice: proxies hide it, and a token may not see it."""
        try:
            _, answer = place.endpoint.health(token, self._brief(time_out))
        except DeliveryError as error:
            return error
        if answer.code != answers.HEALTHY:
            facts = {"task": self._task, "url": place.endpoint.name, "reason": answer.summary}
            log.warning("collector health in doubt", extra=facts)
        return None

    def _needed(self, time_out: float) -> float:
        """Seconds for an acknowledgement. Transient if there are fewer: what is posted now would be posted again."""
        endpoints = [place.endpoint for place in self._rota.places if place.endpoint.acknowledges]
        known = [endpoint.slowest for endpoint in endpoints if endpoint.slowest is not None]
        usual = max(_QUICK, 2 * max(known)) if known else _UNKNOWN
        expected = min(usual, seconds(self._options.ack_timeout))
        if not endpoints:
            return 0.0
        if time_out < expected:
            raise Transient(
                f"{time_out:.0f} s are left, an acknowledgement may take {expected:.0f} s; nothing was sent",
                retry_after=expected,
            )
        return expected

    def _try(self, place: Place, load: Load) -> DeliveryError | None:
        """None: taken. Raises what the payload itself is to blame for."""
        connect = math.inf if len(self._rota.places) == 1 else _CONNECT_SECONDS
        try:
            if place.failures:
                self._probe(place, load)
            place.endpoint.send(load, connect)
        except (Refused, TooLarge, Permanent):
            self._rota.works(place)
            raise
        except (Transient, Misconfigured) as error:
            return error
        self._rota.works(place)
        return None

    def _probe(self, place: Place, load: Load) -> None:
        """After a failure: ask for its health, so that no payload gets lost in doubt."""
        reply, answer = place.endpoint.health(load.token, self._brief(load.until - self._clocks.now()))
        error = by_status(reply, answer.summary, self._clocks.wall())
        if isinstance(error, Transient):
            raise Transient(f"not healthy yet: {answer.summary}; nothing was sent", retry_after=error.retry_after)

    def _brief(self, time_out: float) -> float:
        """Seconds for a look at a health page."""
        return min(time_out, seconds(self._options.timeout), _CHECK_SECONDS)

    def _load(self, payload: Payload, until: float, begin_by: float) -> Load:
        is_json = self._options.endpoint == "event"
        headers = {"Content-Type": "application/json" if is_json else "text/plain; charset=utf-8"}
        if not self._options.gzip:
            return Load(payload, payload.body, headers, self._token(), until, begin_by)
        headers["Content-Encoding"] = "gzip"
        return Load(payload, gzip(payload.body), headers, self._token(), until, begin_by)

    def _token(self) -> Secret:
        token = self._vault.resolve(self._options.token)
        value = token.reveal()
        if not value.isascii() or not value.isprintable() or " " in value:
            raise Misconfigured(f"{self._options.token}: holds blanks or other characters that no HEC token has")
        return token

    def _proxy(self) -> str:
        return proxy_address(self._options.proxy or "", self._vault)
