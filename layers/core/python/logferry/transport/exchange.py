"""Requests over kept connections: which way, which connection, what goes out, what comes back.

Here and in the modules beside: no library knows a time for the whole request and which addresses may be reached, and
loads as fast. No text of a request is logged.
"""

import contextlib
import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from logferry.errors import Misconfigured
from logferry.transport import _faults
from logferry.transport._authorities import Authorities
from logferry.transport._listening import Answer
from logferry.transport._opening import Opening, Way, is_alive, open_line
from logferry.transport._proxies import environments, proxy_of
from logferry.transport._socket import Socket
from logferry.transport._speaking import Clock, ask, body_of, head
from logferry.transport.target import Target, target_of
from logferry.transport.terms import Reply, Terms, peer_of

if TYPE_CHECKING:
    from logferry.transport._cookies import Cookies

__all__ = ["Connections"]

# Seconds a connection may lie idle: load balancers forget one after 60 s or more, and what is then written to it (by
# a function that was frozen in between) may get neither an answer nor an error until the time-out.
_MAX_IDLE = 50.0
_MOST_IDLE = 64  # connections kept in all
# Bytes of a body. Who refuses a larger one, or sends it elsewhere (3xx), may have read its beginning only, and take the
# rest for another request.
_SURELY_READ = 65_536
_UNFIT = "the URL or a header (the token?) holds characters that HTTP does not allow"

Asked: TypeAlias = tuple[str, str, Mapping[str, str], bytes | None]  # method, URL, headers, body


class _Kept(Struct, frozen=True, eq=False):
    """A connection that lies idle."""

    way: Way
    sock: Socket
    since: float
    process: int  # which made it: after a fork both have it, and would take each other's answers


class Connections:
    """Those of one `Web`; any number of threads at once, each request on a connection of its own."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._authorities = Authorities(terms.verify, terms.ca_file)
        self._idle: deque[_Kept] = deque()  # the last used stands at the end
        self._closings = 0
        self._lock = threading.Lock()
        self._cookies: Cookies | None = None

    def exchange(self, asked: Asked, time_out: float, connect: float) -> Reply:
        """One request, one reply; Transient or Misconfigured."""
        method, url, headers, body = asked
        now = self._terms.now
        peer = peer_of(url)
        clock = Clock(now, now() + time_out, time_out)
        try:
            target = target_of(url)
            way = self._way(target, peer)
            request = _head((method, url, self._with_cookies(url, headers), body), way, target)
        except ValueError:
            raise Misconfigured(f"{peer}: {_UNFIT}") from None
        opening = replace(clock, until=now() + connect, given=connect)
        with self._connection(way, opening, peer) as connection:
            try:
                answer = ask(connection.socket, request, body or b"", method, clock)
                if self._terms.cookies:
                    self._learn(url, answer)
                reply, is_fit = self._reply(answer)
            except (OSError, _faults.ReplyTooLong, _faults.Garbled) as error:
                raise _faults.doubtful(error, peer, time_out) from None
            connection.is_fit = is_fit and (reply.status < 300 or len(body or b"") <= _SURELY_READ)
        return reply

    def close(self) -> None:
        """Close the idle connections, and those in use as soon as they are not; never raises."""
        with self._lock:
            idle, self._idle = self._idle, deque()
            self._closings += 1
        for kept in idle:
            _shut(kept.sock)

    def __del__(self) -> None:
        """Whoever forgot to close leaves no connection open. At the interpreter's end modules are gone already."""
        for kept in self.__dict__.get("_idle", ()):
            kept.sock.close()

    def _way(self, target: Target, peer: str) -> Way:
        """The task's own proxy, else the environment's, which its operator chose: any address is meant."""
        own = self._terms.proxy
        # The process's own environment, as every program reads it, at each request.
        address = own() if own else environments(target, os.environ)
        try:
            return Way(replace(target, path=""), proxy_of(address) if address else None, own is None)
        except ValueError:
            reason = "the proxy's address is none, expected http://HOST:PORT; nothing was sent"
            raise Misconfigured(f"{peer}: {reason}") from None

    @contextlib.contextmanager
    def _connection(self, way: Way, clock: Clock, peer: str) -> Iterator["_Connection"]:
        closings, sock = self._closings, self._idle_one(way)
        if sock is None:
            opening = Opening(self._authorities.context, self._terms.reach, clock)
            sock = open_line(way, opening, peer)
        connection = _Connection(sock)
        try:
            yield connection
        finally:
            if connection.is_fit:
                self._keep(_Kept(way, sock, self._terms.now(), os.getpid()), closings)
            else:
                _shut(sock)

    def _idle_one(self, way: Way) -> Socket | None:
        """One that leads there and did not end meanwhile, the last used first. What lay idle for too long is closed."""
        fit: _Kept | None = None
        left, gone = deque[_Kept](), list[_Kept]()
        with self._lock:
            for kept in reversed(self._idle):
                if not self._is_fresh(kept):
                    gone.append(kept)
                elif fit or kept.way != way:
                    left.appendleft(kept)
                elif is_alive(kept.sock):
                    fit = kept
                else:
                    gone.append(kept)
            self._idle = left
        for kept in gone:
            _shut(kept.sock)
        return fit.sock if fit else None

    def _is_fresh(self, kept: _Kept) -> bool:
        """One from later than now is of a clock that was set back: nobody knows how old it is."""
        return 0 <= self._terms.now() - kept.since <= _MAX_IDLE and kept.process == os.getpid()

    def _keep(self, kept: _Kept, closings: int) -> None:
        """Unless it was closed meanwhile: nobody would close this one any more."""
        with self._lock:
            if closings == self._closings:
                self._idle.append(kept)
                dropped = self._idle.popleft() if len(self._idle) > _MOST_IDLE else None
            else:
                dropped = kept
        if dropped:
            _shut(dropped.sock)

    def _reply(self, answer: Answer) -> tuple[Reply, bool]:
        """The reply, and whether the connection may be used again."""
        body, is_whole = body_of(answer, self._terms.max_reply)
        if not is_whole and not self._terms.cuts:
            raise _faults.ReplyTooLong
        return Reply(answer.status, answer.headers, body), is_whole and not answer.is_last

    def _with_cookies(self, url: str, headers: Mapping[str, str]) -> Mapping[str, str]:
        return {**self._cookies.header(url), **headers} if self._cookies else headers

    def _learn(self, url: str, answer: Answer) -> None:
        if "Set-Cookie" not in answer.headers:
            return
        from logferry.transport._cookies import Cookies

        with self._lock:
            self._cookies = self._cookies or Cookies()
        self._cookies.learn(url, answer.headers)


class _Connection:
    """One in use."""

    def __init__(self, sock: Socket) -> None:
        self.socket = sock
        self.is_fit = False  # for another request


def _head(asked: Asked, way: Way, target: Target) -> bytes:
    """The request up to its body; ValueError for what does not fit into one."""
    method, _, headers, body = asked
    given = {name.lower() for name in headers}
    own = {"Host": target.name, "User-Agent": "logferry", "Accept-Encoding": "identity"}
    said = {**{name: value for name, value in own.items() if name.lower() not in given}, **headers}
    path = target.path
    if way.proxy and target.scheme == "http":
        path = f"http://{target.name}{path}"
        if way.proxy.authorization:
            said["Proxy-Authorization"] = way.proxy.authorization.reveal()
    length = len(body) if body else None if method in ("GET", "HEAD") else 0
    return head(method, path, said, length)


def _shut(sock: Socket) -> None:
    with contextlib.suppress(Exception):
        sock.close()
