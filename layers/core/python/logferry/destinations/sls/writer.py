"""The destination: each payload as one PutLogs for each of its log groups, at the pace that the service bears."""

import logging
import time
from collections.abc import Callable

from msgspec.structs import replace

from logferry import config
from logferry.destinations.sls.fates import fate, is_busy
from logferry.destinations.sls.options import Config
from logferry.encoders.log_groups import grouped
from logferry.errors import DeliveryError, Misconfigured, Refused
from logferry.model import Confirmation, Limits, Payload
from logferry.sls.client import Answer, Request
from logferry.sls.compression import pack
from logferry.sls.framing import entries
from logferry.sls.logstore import Logstore
from logferry.sls.refusals import Refusal
from logferry.transport.turns import Turns

__all__ = ["Writer"]

log = logging.getLogger(__name__)


class Writer:
    """Reached by any number of threads."""

    confirmation: Confirmation = "answer"

    def __init__(
        self, task: str, logstore: Logstore, options: Config, now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self.limits = Limits(max_bytes=options.max_bytes, max_records=options.max_records, in_flight=options.in_flight)
        self._task, self._logstore, self._now = task, logstore, now
        self._hash_key = options.hash_key or ""
        self._longest = config.seconds(options.time_out)
        self._turns = Turns(now, sleep)

    def check(self, time_out: float) -> None:
        """Look at the logstore. A key that may only write is enough: it is warned, not refused."""
        pack(self._logstore.compression, b"")
        said = self._ask(Request("GetLogstore", "GET", self._logstore.path), self._now() + time_out)
        if isinstance(said, Refusal) and said.is_denial:
            log.warning("logstore not looked at", extra={"task": self._task, "reason": said.message})
        elif error := fate(said):
            raise error

    def send(self, payload: Payload, time_out: float) -> None:
        """Group after group. What was taken before one failed is told, so that only the rest goes again."""
        until = self._now() + time_out
        body = memoryview(payload.body)
        for done, entry in enumerate(entries(body)):
            try:
                self._put(body[entry.begin : entry.end], until)
            except DeliveryError as error:
                if error.in_doubt or not done:
                    raise
                taken = [index for indexes in list(grouped(payload.parts).values())[:done] for index in indexes]
                raise Refused(f"only some log groups were taken: {error}", refused={}, delivered=taken) from None

    def confirm(self, time_out: float) -> None:
        """Nothing to do: the answer confirmed each group."""

    def refresh(self) -> bool:
        """Read the key again; whether it changed."""
        keys = self._logstore.client.keys
        try:
            return keys.renew(keys.current())
        except Misconfigured:
            return False  # gone: the next request says so

    def close(self) -> None:
        """Close the kept connections."""
        self._logstore.client.close()

    def _put(self, group: memoryview, until: float) -> None:
        request = self._logstore.putting(group, self._hash_key)
        with self._turns.turn(until):
            said = self._ask(request, until)
            error = fate(said)
            if isinstance(said, Refusal) and is_busy(said):
                self._turns.slow(said.retry_after)
            elif error is None:
                self._turns.good()
        if error is not None:
            raise error

    def _ask(self, request: Request, until: float) -> Answer | Refusal:
        seconds = min(until - self._now(), self._longest)
        return replace(self._logstore.client, time_out=seconds).ask(request)
