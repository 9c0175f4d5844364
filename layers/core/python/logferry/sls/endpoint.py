"""Where the log service is: `https://cn-hangzhou.log.aliyuncs.com`, `http://127.0.0.1:8070`, or a bare host (= https).

The project is the first label of the host name. An address or `localhost` has no names below it: there the connection
goes to the host itself, and only the `Host` header carries the project.
"""

import ipaddress
import re
from urllib.parse import urlsplit

from msgspec import Struct

from logferry.errors import ConfigError

__all__ = ["Endpoint"]

_HOST = r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
_VENDOR = ".log.aliyuncs.com"
_NETWORKS = ("-intranet", "-share", "-internal")  # the same service, reached from elsewhere


class Endpoint(Struct, frozen=True):
    """One endpoint; `host` is lower case, an IPv6 address without its brackets."""

    scheme: str
    host: str
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        """The endpoint in a text; ConfigError if it is none."""
        scheme, slashes, rest = text.strip().partition("://")
        if not slashes:
            scheme, rest = "https", scheme
        try:
            parts = urlsplit(f"//{rest.removesuffix('/')}")
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise _wrong("its port or address cannot be") from None
        if scheme.lower() not in ("http", "https"):
            raise _wrong(f"{scheme[:20]!r} is not its scheme")
        if parts.username is not None or parts.path or parts.query or parts.fragment:
            raise _wrong("has more than a host and a port")
        if not re.fullmatch(_HOST, host, re.IGNORECASE) and not _is_address(host):
            raise _wrong(f"{host[:80]!r} is not a host")
        return cls(scheme.lower(), host, port)

    @property
    def direct(self) -> bool:
        """Whether the host has no names of projects below it."""
        return self.host == "localhost" or _is_address(self.host)

    def url(self, project: str) -> str:
        """Scheme, host and port to connect to; an empty project is the service itself."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        below = f"{project}." if project and not self.direct else ""
        return f"{self.scheme}://{below}{host}" + (f":{self.port}" if self.port else "")

    def host_header(self, project: str) -> str:
        """The `Host` header, without the port, as the vendor's clients send and sign it."""
        host = "localhost" if ":" in self.host else self.host  # an IPv6 address cannot stand behind a label
        return f"{project}.{host}" if project else host

    @property
    def region(self) -> str:
        """The vendor's region that it is in; "" for a host that is not the vendor's."""
        if not self.host.endswith(_VENDOR):
            return ""
        region = self.host.removesuffix(_VENDOR)
        for network in _NETWORKS:
            region = region.removesuffix(network)
        return region

    def place(self) -> tuple[str, int]:
        """Equal for two endpoints of the same service, whichever network (public, intranet) and scheme they name."""
        if self.region:
            return self.region + _VENDOR, 0
        return self.host, self.port or (443 if self.scheme == "https" else 80)


def _wrong(what: str) -> ConfigError:
    """Says what is wrong without the text itself: it may hold a password."""
    return ConfigError([f"endpoint: {what}, expected https://HOST, http://HOST:PORT or HOST"], subject="sls")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
