"""One address of a collector: its connections and cookies, its channel, its pace, its acknowledgements."""

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from urllib.parse import quote, urlencode, urlsplit

from msgspec import Struct

from logferry.config import seconds
from logferry.destinations.splunk_hec import answers
from logferry.destinations.splunk_hec.acks import AckOff, Acks, Post
from logferry.destinations.splunk_hec.answers import Answer
from logferry.destinations.splunk_hec.options import Config
from logferry.errors import DeliveryError, Refused, Transient
from logferry.model import Payload
from logferry.transport.reach import Reach
from logferry.transport.turns import Turns
from logferry.transport.web import Reply, Web
from logferry.vault import Secret

__all__ = ["Clocks", "Endpoint", "Load"]

log = logging.getLogger(__name__)

_BASE = "/services/collector"
_BUSY_STATUS = frozenset({429, 503})


class Clocks(Struct, frozen=True):
    """Time as parameters."""

    wall: Callable[[], float] = time.time  # Unix seconds, for `Retry-After` with a date
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Load(Struct, frozen=True):
    """A payload as it goes out, to whichever endpoint."""

    payload: Payload
    body: bytes
    headers: Mapping[str, str]
    token: Secret
    until: float  # nothing lasts longer
    begin_by: float  # what was not posted by then could not be waited for


class Endpoint:
    """Reached by any number of threads."""

    def __init__(
        self, url: str, options: Config, proxy: Callable[[], str] | None, clocks: Clocks, reach: Reach
    ) -> None:
        self.name = urlsplit(url).netloc
        self._options = options
        self._clocks = clocks
        self._web = Web(
            verify=options.verify, ca_file=options.ca_file, proxy=proxy, cookies=options.ack, reach=reach
        )  # fmt: skip
        self._paths = _Paths(url, options)
        self._turns = Turns(clocks.now, clocks.sleep)
        self._channel = str(uuid.uuid4())  # needed where the token has acknowledgement on, ignored elsewhere
        self._token: Secret | None = None
        self._acks: Acks | None = None
        if options.ack:
            self._acks = Acks(self.name, self._ask, seconds(options.ack_interval), clocks.now, clocks.sleep)

    @property
    def acknowledges(self) -> bool:
        """Whether what it takes is waited for."""
        return self._acks is not None and not self._acks.off

    @property
    def slowest(self) -> float | None:
        """The longest of the last waits for an acknowledgement, in seconds; None before the first one."""
        return self._acks.slowest if self._acks else None

    def send(self, load: Load, connect: float) -> None:
        """Post it, and wait for its acknowledgement if that is wanted. Raises what became of it."""
        with self._turns.turn(load.begin_by):
            post, refused = self._post(load, connect)
            if self._acks is not None and post.ack >= 0:
                self._acks.wait(post, min(load.until, self._clocks.now() + seconds(self._options.ack_timeout)))
            if refused is not None:
                raise refused

    def health(self, token: Secret, time_out: float) -> tuple[Reply, Answer]:
        """What the health page says. Raises Transient or Misconfigured if nobody answers."""
        headers = _authorised(token, self._channel)
        reply = self._web.request("GET", self._paths.health, headers=headers, time_out=time_out)
        return reply, answers.read(reply, token)

    def refresh(self) -> None:
        """Secrets were read again."""
        if self._acks is not None:
            self._acks.refresh()

    def close(self) -> None:
        """Close the kept connections."""
        self._web.close()

    def _post(self, load: Load, connect: float) -> tuple[Post, Refused | None]:
        self._token = load.token
        acks = self._acks if self._acks and not self._acks.off else None
        with acks.posting(load.begin_by) if acks else nullcontext(Post(self._channel)) as post:
            headers = {**load.headers, **_authorised(load.token, post.channel)}
            limit = min(load.until - self._clocks.now(), seconds(self._options.timeout))
            reply = self._web.request(
                "POST", self._paths.events, headers=headers, body=load.body, time_out=limit, connect=connect
            )
            answer = answers.read(reply, load.token)
            error = answers.fate(answer, reply, load.payload, self._clocks.wall())
            self._heed(reply, answer, error)
            if error is not None and not isinstance(error, Refused):
                raise error
            if acks and (error is None or answer.ack >= 0):
                acks.answered(post, answer.ack)
        return post, error

    def _heed(self, reply: Reply, answer: Answer, error: DeliveryError | None) -> None:
        """Slower or faster, as the answer asks for."""
        if isinstance(error, Transient) and (answer.code in answers.BUSY or reply.status in _BUSY_STATUS):
            self._turns.slow(error.retry_after)
        elif answer.code in answers.SLOW_DOWN:
            log.warning("collector near its limit", extra={"url": self.name, "reason": answer.summary})
            self._turns.slow()
        elif error is None:
            self._turns.good()

    def _ask(self, channel: str, ids: list[int], time_out: float) -> frozenset[int]:
        token = self._token
        if token is None:
            return frozenset()  # nothing was sent, so nobody waits
        headers = {**_authorised(token, channel), "Content-Type": "application/json"}
        body = f'{{"acks":{ids}}}'.encode()
        limit = min(time_out, seconds(self._options.timeout))
        reply = self._web.request("POST", self._paths.ack, headers=headers, body=body, time_out=limit)
        answer = answers.read(reply, token)
        if answer.code == answers.ACK_OFF:
            raise AckOff(answer.summary)
        return answers.of_poll(reply, token, self._clocks.wall())


class _Paths:
    """The pages of a collector: where events go is given or usual, the others stand beside it."""

    def __init__(self, url: str, options: Config) -> None:
        path = urlsplit(url).path
        base, found, _ = url.partition(_BASE)
        root = base + _BASE if found else url.removesuffix(path) + _BASE
        self.events = url if path else f"{root}/{options.endpoint}"
        self.health, self.ack = f"{root}/health", f"{root}/ack"
        if options.endpoint == "raw":
            metadata = {name: getattr(options, name) for name in ("host", "source", "sourcetype", "index")}
            given = {name: value for name, value in metadata.items() if value}
            self.events += "?" + urlencode(given, quote_via=quote) if given else ""


def _authorised(token: Secret, channel: str) -> dict[str, str]:
    return {"Authorization": f"Splunk {token.reveal()}", "X-Splunk-Request-Channel": channel}
