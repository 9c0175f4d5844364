"""The destination: one URL, what its answers mean, how it is asked whether it is there."""

import logging
import time
from collections.abc import Callable
from typing import NamedTuple

from logferry.config import seconds
from logferry.destinations import Surroundings
from logferry.destinations.http_server.options import Config
from logferry.destinations.http_server.request import Asked, Letterhead, batch_name
from logferry.encoders.output import Written
from logferry.errors import Misconfigured, Transient
from logferry.model import Confirmation, Limits, Payload
from logferry.transport.addresses import proxy_address
from logferry.transport.answers import by_status, quote
from logferry.transport.compress import pack
from logferry.transport.turns import Turns
from logferry.transport.web import BriefWeb, Reply

__all__ = ["Clocks", "Receiver"]

log = logging.getLogger(__name__)

_CHECK_SECONDS = 10.0
_PAUSE = 30.0  # seconds, once `max_retries` quick ones were in vain: the engine's own longest wait
_BUSY = frozenset({429, 503})
_KEPT = 1_000  # payloads whose failures are counted
_NO_GATEWAY = frozenset({502, 503, 504})
_NOT_US = frozenset({401, 407})


class Clocks(NamedTuple):
    """Time as parameters: of one machine, and how to let it pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Receiver:
    """Reached by any number of threads."""

    confirmation: Confirmation = "answer"

    def __init__(self, options: Config, surroundings: Surroundings, clocks: Clocks) -> None:
        # Between two records the engine counts one byte; a wider separator and what frames the body come off.
        most = options.max_bytes - options.max_records * (len(options.output.separator.encode()) - 1)
        most -= Written(options.output).overhead
        self.limits = Limits(max_bytes=max(most, 1000), max_records=options.max_records, in_flight=options.in_flight)
        self._options, self._task, self._vault = options, surroundings.task, surroundings.vault
        self._wall, self._now = surroundings.clock, clocks.now
        self._letterhead = Letterhead(options, surroundings.vault, surroundings.clock)
        proxy = (lambda: proxy_address(options.proxy or "", surroundings.vault)) if options.proxy else None
        self._web = BriefWeb(verify=options.verify, ca_file=options.ca_file, proxy=proxy, reach=surroundings.reach)
        self._turns = Turns(clocks.now, clocks.sleep)
        self._failures: dict[str, int] = {}

    def check(self, time_out: float) -> None:
        """Ask with HEAD, without logs. Whatever answers is there, but for a redirect, 401, 407, or a dead gateway.

        A receiver may well know no HEAD (403, 404, 405, 500, 501): this is a warning in the log.
        """
        pack(self._letterhead.kind, b"")  # is the package there?
        asked = self._letterhead.asked({}, with_body=False)
        time_out = min(time_out, seconds(self._options.timeout), _CHECK_SECONDS)
        reply = self._web.request("HEAD", asked.url, headers=asked.headers, time_out=time_out)
        if 200 <= reply.status < 300 or reply.status == 405:
            return
        text = f"{_said(reply, asked)} to HEAD"
        if reply.status < 400 or reply.status in _NOT_US:
            raise Misconfigured(text)
        if reply.status in _NO_GATEWAY:
            raise Transient(text)
        log.warning("receiver in doubt", extra={"task": self._task, "reason": text})

    def send(self, payload: Payload, time_out: float) -> None:
        """One request. An empty payload is nothing to send."""
        if not payload.parts:
            return
        until = self._now() + time_out
        name = batch_name(self._task, payload)
        body = pack(self._letterhead.kind, payload.body)
        with self._turns.turn(until):
            try:
                self._post(body, name, until)
            except Transient as error:
                raise self._counted(name, error) from None
        self._failures.pop(name, None)

    def confirm(self, time_out: float) -> None:
        """Nothing to do: each answer confirmed its request."""

    def echo(self, nonce: str, time_out: float) -> bool:
        """Post the nonce as the whole body, uncompressed; whether the answer, a 2xx, holds it."""
        asked = self._letterhead.asked({"X-Logferry-Challenge": nonce, "Content-Type": "text/plain; charset=utf-8"})
        headers = {name: value for name, value in asked.headers.items() if name != "Content-Encoding"}
        time_out = min(time_out, seconds(self._options.timeout))
        reply = self._web.request(
            self._options.method, asked.url, headers=headers, body=nonce.encode(), time_out=time_out
        )
        error = by_status(reply, _said(reply, asked), self._wall())
        if error is not None:
            raise error
        return nonce.encode() in reply.body

    def refresh(self) -> bool:
        """Read the secrets again; whether one changed."""
        changed = False
        for reference in self._letterhead.references:
            try:
                changed |= self._vault.refresh(reference)
            except Misconfigured:
                return False  # gone: the next send says so
        return changed

    def close(self) -> None:
        """Close the kept connections."""
        self._web.close()

    def _post(self, body: bytes, name: str, until: float) -> None:
        asked = self._letterhead.asked({"X-Logferry-Batch": name})
        limit = min(until - self._now(), seconds(self._options.timeout))
        reply = self._web.request(self._options.method, asked.url, headers=asked.headers, body=body, time_out=limit)
        error = by_status(reply, _said(reply, asked), self._wall())
        if error is None:
            self._turns.good()
            return
        if isinstance(error, Transient) and reply.status in _BUSY:
            self._turns.slow(error.retry_after)
        raise error

    def _counted(self, name: str, error: Transient) -> Transient:
        """After too many quick repeats of a payload it rests: the range waits, nothing is given up."""
        if len(self._failures) > _KEPT:
            self._failures.clear()
        count = self._failures[name] = self._failures.get(name, 0) + 1
        if count <= self._options.max_retries:
            return error
        self._failures.pop(name, None)
        pause = max(error.retry_after or 0.0, _PAUSE)
        return Transient(f"{error}; {count} tries in vain", retry_after=pause, in_doubt=error.in_doubt)


def _said(reply: Reply, asked: Asked) -> str:
    """What the receiver answered, for a message."""
    text = quote(reply.body, asked.hidden)
    where = (
        f" (to {quote(reply.headers.get('Location', '').encode(), asked.hidden)})" if reply.status // 100 == 3 else ""
    )
    return f"HTTP {reply.status}{where}" + (f": {text}" if text else "")
