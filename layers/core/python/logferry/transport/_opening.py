"""A connection on which a request can be made: straight, through a proxy, through a proxy's tunnel; with TLS or not."""

import contextlib
import select
import socket
import ssl
from collections.abc import Callable

from msgspec import Struct

from logferry.errors import Transient
from logferry.transport import _faults
from logferry.transport._proxies import Proxy
from logferry.transport._socket import Socket
from logferry.transport._speaking import Clock, tunnel
from logferry.transport.dial import dial, find_addresses, judge_target
from logferry.transport.reach import Reach
from logferry.transport.target import Target

__all__ = ["Opening", "Way", "is_alive", "open_line"]


class Way(Struct, frozen=True):
    """How to get there; connections of equal ways may stand in for each other."""

    target: Target  # its path left empty
    proxy: Proxy | None
    is_chosen_here: bool  # whether the operator chose the proxy, not the task


class Opening(Struct, frozen=True):
    """What a connection is opened with."""

    context: Callable[[], ssl.SSLContext]
    reach: Reach
    clock: Clock  # ends when connecting has to be over


def open_line(way: Way, opening: Opening, peer: str) -> Socket:
    """Transient or Misconfigured if there is no getting there; nothing was sent then."""
    target, proxy = way.target, way.proxy
    sock: Socket = _reached(way, opening, peer)
    try:
        if proxy and proxy.scheme == "https":
            sock = _secured(sock, proxy.host, opening)
        if target.scheme == "https":
            if proxy:
                tunnel(sock, target, proxy, opening.clock, peer)
            sock = _secured(sock, target.host, opening)
    except (OSError, _faults.Garbled) as error:
        sock.close()
        raise _faults.unsent(error, peer, opening.clock.given) from None
    except BaseException:
        sock.close()
        raise
    return sock


def is_alive(sock: Socket) -> bool:
    """Whether nothing came while it lay idle: neither its end, nor what nobody asked for."""
    with contextlib.suppress(OSError, ValueError):
        if getattr(sock, "pending", int)():  # of TLS: what was read with the last record, so the system does not know
            return False
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLIN)
        return not poll.poll(0)
    return False


def _reached(way: Way, opening: Opening, peer: str) -> socket.socket:
    first: Proxy | Target = way.proxy or way.target
    reach = opening.reach
    if way.proxy:
        judge_target(way.target.host, way.target.port, reach)
        reach = reach.of_vendor() if way.is_chosen_here else reach
    try:
        addresses = find_addresses(first.host, first.port, socket.SOCK_STREAM, reach)
    except Transient:
        raise Transient(f"{peer}: the host name does not resolve; nothing was sent") from None
    try:
        return dial(addresses, opening.clock.left(), opening.clock.now)
    except Transient as error:
        raise Transient(f"{peer}: {error}; nothing was sent") from None
    except TimeoutError as error:
        raise _faults.unsent(error, peer, opening.clock.given) from None


def _secured(sock: Socket, host: str, opening: Opening) -> Socket:
    sock.settimeout(opening.clock.left())
    context = opening.context()
    if isinstance(sock, ssl.SSLSocket):
        from logferry.transport._nested import Nested  # rare

        return Nested(sock, context, host)
    if not isinstance(sock, socket.socket):
        raise TypeError(f"no socket: {type(sock)}")
    secured = context.wrap_socket(sock, server_hostname=host)
    if secured.version() is None:  # it was reset meanwhile: the standard library then hands out a socket without TLS
        secured.close()
        raise ConnectionError
    return secured
