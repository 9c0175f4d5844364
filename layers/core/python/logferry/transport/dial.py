"""Names to addresses to a connected TCP socket: the one place where a task's connections begin.

Everything that connects for a task comes here (`open_socket`, or `find_addresses` and then `dial`), since here each
address is judged (`reach.Reach`), and what was judged is what is connected to: a name that resolves otherwise a moment
later changes nothing. The resolver's own time-out applies: the system offers no other.
"""

import socket
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from logferry.errors import Misconfigured, Transient
from logferry.transport.pulse import explain
from logferry.transport.reach import Reach

__all__ = ["Address", "Resolve", "dial", "find_addresses", "judge_target", "open_socket"]


Resolve = Callable[..., Sequence[tuple[Any, ...]]]  # `socket.getaddrinfo`


class Address(Struct, frozen=True):
    """One way to a host."""

    family: socket.AddressFamily
    kind: socket.SocketKind
    where: tuple[Any, ...]  # what `connect` of that family takes


def find_addresses(
    host: str, port: int, kind: socket.SocketKind, reach: Reach = Reach(), resolve: Resolve = socket.getaddrinfo  # noqa: B008  # a constant
) -> list[Address]:  # fmt: skip
    """Every address of the host, in the resolver's order. Raises Transient; Misconfigured for what is no name, or is
    not to be reached: one such address is enough, whatever else the name stands for."""
    try:
        found = resolve(host, port, type=kind)
    except socket.gaierror as error:
        raise Transient(f"{host}: {error.strerror}") from error
    except UnicodeError as error:
        raise Misconfigured(f"{host!r} is not a host name: {error}") from error
    for *_, where in found:
        reach.judge(host, str(where[0]), port)
    return [Address(family, sort, where) for family, sort, _, _, where in found]


def dial(addresses: Sequence[Address], time_out: float, clock: Callable[[], float]) -> socket.socket:
    """A connection to the first address that answers; the time is shared among those still to be tried."""
    deadline = clock() + time_out
    reasons = []
    for number, address in enumerate(addresses):
        where, sock = address.where, None
        try:
            sock = socket.socket(address.family, address.kind)  # a kernel without IPv6 makes none of that family
            sock.settimeout(max((deadline - clock()) / (len(addresses) - number), 0.01))
            sock.connect(where)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else a drain waits for Nagle
        except OSError as error:
            if sock is not None:
                sock.close()
            reasons.append(f"{where[0]}: {explain(error)}")
        else:
            return sock
    raise Transient(f"cannot connect ({'; '.join(reasons)})")


def open_socket(
    host: str, port: int, time_out: float, clock: Callable[[], float], reach: Reach = Reach()  # noqa: B008  # a constant
) -> socket.socket:  # fmt: skip
    """A TCP connection to a host that the task may reach. Raises Transient or Misconfigured; nothing was sent then.

    For a connection through a proxy: open it to the proxy, and have `judge_target` look at the far side first.
    """
    return dial(find_addresses(host, port, socket.SOCK_STREAM, reach), time_out, clock)


def judge_target(host: str, port: int, reach: Reach = Reach()) -> None:  # noqa: B008  # a constant
    """Misconfigured for a host behind a proxy that is an address, in whatever spelling, and is not to be reached.

    A name is resolved by the proxy alone: what it may reach is the proxy's own rule.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (socket.gaierror, UnicodeError):
        return
    for *_, where in found:
        reach.judge(host, str(where[0]), port)
