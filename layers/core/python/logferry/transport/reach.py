"""Which addresses a task may reach, judged on what is connected to: never on a name, never before it is resolved.

Always refused, whatever a name, a redirect or a broker's answer says: link-local addresses (RFC 3927, RFC 4291), the
metadata services of clouds, and on a function's own machine the port at which its platform speaks to it. All three
take the word of whoever can connect to them. IPv6 addresses that carry an IPv4 address (mapped, translated,
compatible, 6to4, NAT64) are judged by that one, too.

| environment name | default | meaning |
|---|---|---|
| `LOGFERRY_PRIVATE_ADDRESSES` | `allow` | `refuse`: no private address and no loopback is reached |

`allow` is the default, since the receiver often stands in the same private network.
"""

import functools
import ipaddress
from collections.abc import Mapping
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from logferry.errors import ConfigError, Misconfigured

__all__ = ["Reach"]

SETTING = "LOGFERRY_PRIVATE_ADDRESSES"
_CHOICES = ("allow", "refuse")
# Where a platform's own interface to the function is: AWS Lambda's runtime API, Function Compute's custom runtime.
_OWN = ("AWS_LAMBDA_RUNTIME_API", "FC_SERVER_PORT")

_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
_Net = ipaddress.IPv4Network | ipaddress.IPv6Network
_LINK_LOCAL = ("169.254.0.0/16", "fe80::/10")
# Alibaba Cloud, Azure, Oracle, AWS (metadata, time and names), Google.
_METADATA = ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::/32", "fd20:ce::254")
_LOOPBACK = ("127.0.0.0/8", "0.0.0.0/8", "::1", "::")  # connecting to 0.0.0.0 reaches one's own machine
_PRIVATE = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15", "fc00::/7", "fec0::/10",
)  # fmt: skip
# Those with an IPv4 address at their end: NAT64 (RFC 6052, RFC 8215), translated (RFC 2765), compatible (RFC 4291).
_AT_END = ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96")
_SIX_TO_FOUR = "2002::/16"


class Reach(Struct, frozen=True):
    """What may be connected to. The bare default refuses what is always refused."""

    private: bool = True
    own_ports: frozenset[int] = frozenset()  # on loopback: the platform's

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """As the environment says; ConfigError for a value that is none."""
        chosen = environ.get(SETTING) or _CHOICES[0]
        if chosen not in _CHOICES:
            raise ConfigError([f"{SETTING}: {chosen!r} is not {' or '.join(_CHOICES)}"], subject="environment")
        ports = (environ.get(name, "").rpartition(":")[2] for name in _OWN)
        return cls(chosen == "allow", frozenset(int(port) for port in ports if port.isascii() and port.isdecimal()))

    def of_vendor(self) -> Self:
        """For a name that only the cloud itself can give an address to: its inner one is private, and meant."""
        return replace(self, private=True)

    def judge(self, host: str, address: str, port: int) -> None:
        """Misconfigured when that address, which `host` stands for, is not to be connected to."""
        for one in _carried(ipaddress.ip_address(address.partition("%")[0])):
            why = self._objection(one, port)
            if why:
                shown = host if host == address else f"{host} is at {address}, which"
                raise Misconfigured(f"{shown} {why}; nothing was sent")

    def _objection(self, address: _Ip, port: int) -> str:
        if _within(address, _LINK_LOCAL):
            return "is a link-local address, which no task may reach"
        if _within(address, _METADATA):
            return "is a cloud's metadata service, which no task may reach"
        is_loopback = _within(address, _LOOPBACK)
        if is_loopback and port in self.own_ports:
            return f"with port {port} is this function's own platform, which no task may reach"
        if not self.private and (is_loopback or _within(address, _PRIVATE) or not address.is_global):
            kind = "loopback" if is_loopback else "private"
            return f"is a {kind} address, and {SETTING} is refuse"
        return ""


def _within(address: _Ip, nets: tuple[str, ...]) -> bool:
    return any(address in net for net in _parsed(nets))


@functools.cache
def _parsed(nets: tuple[str, ...]) -> tuple[_Net, ...]:
    return tuple(ipaddress.ip_network(net) for net in nets)


def _carried(address: _Ip) -> list[_Ip]:
    """The address, and the IPv4 address within it."""
    found: list[_Ip] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped
        if inner is not None:
            return [inner]  # the system connects to that one
        number = int(address)
        if _within(address, _AT_END) and number > 1:
            found.append(ipaddress.IPv4Address(number & 0xFFFFFFFF))
        if _within(address, (_SIX_TO_FOUR,)):
            found.append(ipaddress.IPv4Address(number >> 80 & 0xFFFFFFFF))
    return found
