"""`cidr`: an IPv4 or IPv6 address lies in one of the networks.

An IPv4 address that is written as an IPv6 one (`::ffff:192.0.2.1`) is what it stands for. What is no address (a
list of them, one with a port or a zone) lies in no network.
"""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from logferry.model import Value

__all__ = ["judge"]

_MAPPED = b"\0" * 10 + b"\xff\xff"
_Network = IPv4Network | IPv6Network
_Table = list[tuple[int, frozenset[int]]]  # bits to shift an address by, networks shifted alike


def judge(wanted: object) -> Callable[[Value], bool]:
    """True when the value is an address in `wanted`: a network, an address, or a list of them, however long."""
    texts = wanted if isinstance(wanted, list) else [wanted]
    if not texts:
        raise ValueError("is not a network or a list of one or more")
    networks = [_network(text) for text in texts]
    four = _table([network for network in networks if network.version == 4])
    six = _table([network for network in networks if network.version == 6])

    def is_inside(value: Value) -> bool:
        if not isinstance(value, str):
            return False
        try:
            if ":" in value:
                packed = socket.inet_pton(socket.AF_INET6, value)
                if not packed.startswith(_MAPPED):
                    return _holds(six, packed)
                packed = packed[12:]
            else:
                packed = socket.inet_pton(socket.AF_INET, value)
        except (OSError, ValueError):  # ValueError: a null byte, half of a surrogate pair
            return False
        return _holds(four, packed)

    return is_inside


def _holds(table: _Table, packed: bytes) -> bool:
    address = int.from_bytes(packed)
    for shift, networks in table:  # noqa: SIM110  # `any` over a generator takes half as long again
        if address >> shift in networks:
            return True
    return False


def _network(text: object) -> _Network:
    if not isinstance(text, str):
        raise ValueError("is not a network such as 192.0.2.0/24, or a list of them")  # noqa: TRY004  # ends a sentence
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        meant = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"is not a network such as 192.0.2.0/24, or a list of them: {text[:60]!r}") from None
    raise ValueError(f"is not a network: {text[:60]!r} has bits beyond its prefix, did you mean {meant}?")


def _table(networks: Sequence[_Network]) -> _Table:
    shifts: dict[int, set[int]] = {}
    for network in networks:
        shift = network.max_prefixlen - network.prefixlen
        shifts.setdefault(shift, set()).add(int(network.network_address) >> shift)
    return [(shift, frozenset(found)) for shift, found in sorted(shifts.items())]
