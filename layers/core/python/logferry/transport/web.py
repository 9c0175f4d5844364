"""One HTTP request: a reply, or an error that says whether the far side may have taken it.

No redirect is followed, nothing is retried here (a kept connection that ended while it lay idle is replaced before
anything is sent on it), and a reply larger than `max_reply` bytes (after decoding) is cut or an error. The proxy is
the one that is given, else the environment's (`HTTPS_PROXY`, `NO_PROXY`, …: `_proxies`), except for loopback
addresses, which no proxy elsewhere could reach. Cookies are forgotten, unless asked for: then all requests share
them. `~/.netrc` and certificate bundles named in the environment are not read.

What does the work is loaded by the first request: who only judges replies, or checks options, needs no TLS.

Errors: a certificate that does not verify, a far side that does not speak TLS, an unusable `ca_file` or proxy and a
proxy that wants credentials are Misconfigured; a name that does not resolve and everything else that happens
on the way is Transient. A message names the peer and the step, never a header, a query or a body.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from logferry.errors import Misconfigured, Transient
from logferry.transport.reach import Reach
from logferry.transport.terms import Reply, Terms, peer_of

if TYPE_CHECKING:
    from logferry.transport.exchange import Connections

__all__ = ["BriefWeb", "Reply", "Web"]


class Web:
    """Requests over kept connections; any number of threads at once."""

    CUTS = False  # a reply over the limit is an error

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
        ca_file = ca_file if verify else None
        self._terms = Terms(verify, ca_file, max_reply, self.CUTS, now, proxy, cookies, reach)
        self._lock = threading.Lock()
        self._connections: Connections | None = None

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
        if time_out <= 0:
            raise Transient(f"{peer_of(url)}: no time left to send; nothing was sent")
        ca_file = self._terms.ca_file
        if ca_file is not None and not Path(ca_file).is_file():
            raise Misconfigured(f"ca_file: {ca_file} is not a readable file, expected PEM certificates")
        asked = (method, url, headers, body)
        return self._made().exchange(asked, time_out, min(connect, time_out))

    def close(self) -> None:
        """Close the idle connections; never raises."""
        if self._connections is not None:
            self._connections.close()

    def _made(self) -> "Connections":
        from logferry.transport.exchange import Connections

        with self._lock:
            if self._connections is None:
                self._connections = Connections(self._terms)
            return self._connections


class BriefWeb(Web):
    """For those whose status says it all: of a long reply only the beginning is read."""

    CUTS = True
