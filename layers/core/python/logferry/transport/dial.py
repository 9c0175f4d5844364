"""Names to addresses to a connected TCP socket. The resolver's own time-out applies: the system offers no other."""

import socket
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from logferry.errors import Misconfigured, Transient
from logferry.transport.pulse import explain

__all__ = ["Address", "dial", "find_addresses"]


class Address(NamedTuple):
    """One way to a host."""

    family: socket.AddressFamily
    kind: socket.SocketKind
    where: tuple[Any, ...]  # what `connect` of that family takes


def find_addresses(host: str, port: int, kind: socket.SocketKind) -> list[Address]:
    """Every address of the host, in the resolver's order. Raises Transient, or Misconfigured for what is no name."""
    try:
        found = socket.getaddrinfo(host, port, type=kind)
    except socket.gaierror as error:
        raise Transient(f"{host}: {error.strerror}") from error
    except UnicodeError as error:
        raise Misconfigured(f"{host!r} is not a host name: {error}") from error
    return [Address(family, kind, where) for family, _, _, _, where in found]


def dial(addresses: Sequence[Address], time_out: float, clock: Callable[[], float]) -> socket.socket:
    """A connection to the first address that answers; the time is shared among those still to be tried."""
    deadline = clock() + time_out
    reasons = []
    for number, (family, kind, where) in enumerate(addresses):
        sock = socket.socket(family, kind)
        try:
            sock.settimeout(max((deadline - clock()) / (len(addresses) - number), 0.01))
            sock.connect(where)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else a drain waits for Nagle
        except OSError as error:
            sock.close()
            reasons.append(f"{where[0]}: {explain(error)}")
        else:
            return sock
    raise Transient(f"cannot connect ({'; '.join(reasons)})")
