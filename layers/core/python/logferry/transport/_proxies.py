"""Which proxy a request goes through: the environment's, as curl and most others read it.

`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, each also in small letters, which win. `NO_PROXY` lists ends of
host names (with or without a port), IPv4 addresses and networks, or `*`. Loopback addresses are never asked of an
environment's proxy. `HTTP_PROXY` in capitals is not read where `REQUEST_METHOD` is set: there it is a header that a
stranger sent (CVE-2016-5385).
"""

import base64
import ipaddress
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from logferry.transport.target import PORTS, Target
from logferry.vault import Secret

__all__ = ["Proxy", "environments", "proxy_of"]


class Proxy(Struct, frozen=True):
    """Where it is, and what it wants to be told."""

    scheme: str
    host: str
    port: int
    authorization: Secret | None


def proxy_of(address: str) -> Proxy:
    """The parts of `http://USER:PASSWORD@HOST:PORT`; without a scheme it is http. ValueError if it is none."""
    parts = urlsplit(address if "://" in address else f"http://{address}")
    port = parts.port
    if parts.scheme not in PORTS or not parts.hostname or parts.netloc.endswith(":") or not _is_plain(parts.netloc):
        raise ValueError("not http://HOST:PORT")
    return Proxy(parts.scheme, parts.hostname, PORTS[parts.scheme] if port is None else port, _basic(parts.netloc))


def _is_plain(netloc: str) -> bool:
    return netloc.isascii() and netloc.isprintable()


def environments(target: Target, environ: Mapping[str, str]) -> str | None:
    """The address of the environment's proxy for this target, None if it is reached straight."""
    if target.host in ("localhost", "::1") or target.host.startswith("127."):
        return None
    if _is_excepted(target, _of(environ, "no_proxy")):
        return None
    names = [name for name in (target.scheme, "all") if name != "http" or _may_count(environ)]
    return next((found for name in names if (found := _of(environ, f"{name}_proxy"))), None)


def _of(environ: Mapping[str, str], name: str) -> str:
    """The one in small letters wins, also when it is empty."""
    return environ.get(name, environ.get(name.upper(), "")).strip()


def _may_count(environ: Mapping[str, str]) -> bool:
    return "REQUEST_METHOD" not in environ or "http_proxy" in environ


def _is_excepted(target: Target, exceptions: str) -> bool:
    host = target.host.lower()
    for given in exceptions.lower().replace(" ", "").split(","):
        if given == "*":
            return True
        end = given.lstrip("*").removeprefix(".")
        if given and (_is_end(host, end) or _is_end(f"{host}:{target.port}", end) or _is_within(host, given)):
            return True
    return False


def _is_end(host: str, end: str) -> bool:
    return bool(end) and (host == end or host.endswith(f".{end}"))


def _is_within(host: str, network: str) -> bool:
    """Whether an IPv4 address stands in `10.0.0.0/8`."""
    if "/" not in network:
        return False
    try:
        return ipaddress.IPv4Address(host) in ipaddress.IPv4Network(network, strict=False)
    except ValueError:
        return False


def _basic(netloc: str) -> Secret | None:
    """What Proxy-Authorization says for the credentials in an address (RFC 7617)."""
    credentials, at, _ = netloc.rpartition("@")
    if not at:
        return None
    user, _, password = credentials.partition(":")
    given = f"{unquote(user)}:{unquote(password)}".encode("latin-1", errors="replace")
    return Secret(f"Basic {base64.b64encode(given).decode()}")
