"""One HTTP request: a reply, or an error that says whether the far side may have taken it.

No redirect is followed, nothing is retried here, and a reply larger than `max_reply` bytes (after decoding) is cut
or an error. The proxy is the one that is given, else the environment's (`HTTPS_PROXY`, `NO_PROXY`, …), except for
loopback addresses, which no proxy elsewhere could reach. Cookies are forgotten, unless asked for: then all requests
share them. `~/.netrc` and certificate bundles named in the environment are not read. `requests` is imported by the
first request, not before.

Errors: a certificate that does not verify, a far side that does not speak TLS, an unusable `ca_file` or proxy and a
proxy that wants credentials are Misconfigured; a name that does not resolve and everything else that happens
on the way is Transient. A message names the peer and the step, never a header, a query or a body.
"""

import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from logferry.errors import Misconfigured, Transient
from logferry.transport import _faults
from logferry.transport._hushed import hush
from logferry.transport.reach import Reach

if TYPE_CHECKING:
    import requests
    from requests.cookies import RequestsCookieJar
    from urllib3.response import BaseHTTPResponse

__all__ = ["BriefWeb", "Reply", "Web"]

# Seconds a connection may lie idle: load balancers forget one after 60 s or more, and what is then written to it (by
# a function that was frozen in between) may get neither an answer nor an error until the time-out.
_MAX_IDLE = 50.0
_BLOCK = 262_144  # bytes of a body: urllib3 gives each that is sent the time that connecting has


class Reply(NamedTuple):
    """What the far side answered, whole."""

    status: int
    headers: Mapping[str, str]  # names in any case
    body: bytes


class Web:
    """Requests over kept connections; any number of threads at once."""

    CUTS = False  # a reply over the limit is cut there, instead of being an error

    def __init__(  # noqa: PLR0913  # keywords only, each with its default
        self,
        *,
        verify: bool = True,
        ca_file: str | None = None,
        max_reply: int = 65_536,
        now: Callable[[], float] = time.monotonic,
        proxy: Callable[[], str] | None = None,
        cookies: bool = False,
        reach: Reach = Reach(),  # noqa: B008  # a constant
    ) -> None:
        """`proxy` tells its address (it may hold credentials) for each request, instead of the environment.

        `reach`: what may be connected to, judged where the connection is opened (`transport.dial`).
        """
        self._verify: bool | str = (ca_file or True) if verify else False
        self._max_reply = max_reply
        self._now = now
        self._proxy = proxy
        self._keeps_cookies = cookies
        self._reach = reach
        self._cookies: RequestsCookieJar | None = None  # as they were after the last answer that set some
        self._lock = threading.Lock()
        # One session a request under way, handed on to the next: unlike one a thread, none is
        # left behind when a pool of threads ends.
        self._idle: deque[tuple[requests.Session, float]] = deque()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        time_out: float,
        connect: float = math.inf,
    ) -> Reply:
        """The reply, whatever its status, within `time_out` seconds; else Transient or Misconfigured.

        `connect`: how much of the time may be spent on a far side that does not even take the connection.
        """
        peer = urlsplit(url).netloc.rpartition("@")[2]
        if time_out <= 0:
            raise Transient(f"{peer}: no time left to send; nothing was sent")
        if isinstance(self._verify, str) and not Path(self._verify).is_file():
            raise Misconfigured(f"ca_file: {self._verify} is not a readable file, expected PEM certificates")
        with self._session() as session:
            try:
                return self._exchange(session, (method, url), headers, body, (time_out, min(connect, time_out)))
            except _faults.foreign() as error:
                raise _faults.translate(error, peer, time_out) from None

    def close(self) -> None:
        """Close the idle connections; never raises."""
        while self._idle:
            with contextlib.suppress(Exception):
                self._idle.pop()[0].close()

    def _exchange(
        self,
        session: "requests.Session",
        target: tuple[str, str],
        headers: Mapping[str, str],
        body: bytes | None,
        limits: tuple[float, float],
    ) -> Reply:
        from urllib3.util import Timeout

        time_out, connect = limits
        until = self._now() + time_out
        if self._keeps_cookies and self._cookies is not None:
            with self._lock:
                session.cookies = self._cookies.copy()
        data = _Body(body, until, self._now) if body and connect < time_out else body
        response = session.request(
            *target, headers=dict(headers), data=data, verify=self._verify, allow_redirects=False, stream=True,
            timeout=Timeout(total=time_out, connect=connect, read=time_out),  # type: ignore[arg-type]  # requests passes it on; its stubs do not know
            proxies=self._proxies(target[1]),
        )  # fmt: skip
        with response:
            if self._keeps_cookies and "Set-Cookie" in response.headers:
                with self._lock:
                    self._cookies = session.cookies.copy()
            return Reply(response.status_code, response.headers, self._read(response.raw, until))

    def _read(self, raw: "BaseHTTPResponse", until: float) -> bytes:
        """The body; each read is short, so that a dripping far side cannot outlast the time-out."""
        found = bytearray()
        while chunk := raw.read1(16_384, decode_content=True):
            found += chunk
            if len(found) > self._max_reply:
                if self.CUTS:
                    break  # what is left makes the connection unfit for another request: it is closed
                raise _faults.ReplyTooLong
            if self._now() > until:
                raise TimeoutError
        return bytes(found[: self._max_reply])

    def _proxies(self, url: str) -> dict[str, str]:
        from requests.utils import get_environ_proxies

        if self._proxy is not None:
            return dict.fromkeys(("http", "https"), self._proxy())
        host = urlsplit(url).hostname or ""
        loopback = host in ("localhost", "::1") or host.startswith("127.")
        return {} if loopback else get_environ_proxies(url, no_proxy=None)

    @contextlib.contextmanager
    def _session(self) -> Iterator["requests.Session"]:
        session = None
        while session is None and self._idle:
            with contextlib.suppress(IndexError):  # another thread took the last one
                session, since = self._idle.pop()
                if self._now() - since > _MAX_IDLE:
                    session.close()
                    session = None
        session = session or _new_session(warn=self._verify is not False, cookies=self._keeps_cookies)
        try:
            yield session
        finally:
            self._idle.append((session, self._now()))


class BriefWeb(Web):
    """For those whose status says it all: of a long reply only the beginning is read."""

    CUTS = True


class _Body:
    """A body in blocks, until its time is up: as one piece it would have to be sent in the time to connect."""

    def __init__(self, data: bytes, until: float, now: Callable[[], float]) -> None:
        self._left, self._until, self._now = memoryview(data), until, now

    def __len__(self) -> int:
        return len(self._left)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.read, b"")

    def read(self, _size: int = -1) -> bytes:
        """The next block, empty at the end."""
        if self._now() > self._until:
            raise TimeoutError
        block, self._left = bytes(self._left[:_BLOCK]), self._left[_BLOCK:]
        return block


def _new_session(*, warn: bool, cookies: bool) -> "requests.Session":
    from http.cookiejar import DefaultCookiePolicy

    import requests
    import urllib3
    from requests.adapters import HTTPAdapter

    if not warn:  # the destination warns once a start; urllib3 would warn at each request
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    hush()
    session = requests.Session()
    session.trust_env = False  # ~/.netrc would replace our Authorization, REQUESTS_CA_BUNDLE our ca_file
    if not cookies:
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.clear()
    session.headers["User-Agent"] = "logferry"
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=1, max_retries=0))
    return session
