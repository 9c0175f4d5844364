"""Where a bucket is: an endpoint taken apart, and the address of each of its objects.

`virtual` puts the bucket before the host (`bucket.host/key`), `path` behind it (`host/bucket/key`). Names below
`localhost` need not resolve (RFC 6761): the connection goes to `localhost`, the `Host` header carries the bucket.
"""

import ipaddress
import re
from typing import Literal, NamedTuple, Self
from urllib.parse import quote, urlsplit

from logferry.errors import ConfigError

__all__ = ["Address", "Addressing", "Endpoint", "is_oss", "parse", "region_of"]

Addressing = Literal["virtual", "path"]

_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_OSS = re.compile(
    r"((?P<bucket>[a-z0-9.-]+?)\.)??(?P<s3>s3\.)?oss-(?P<region>[a-z0-9-]+?)(?P<inner>-internal)?\.aliyuncs\.com"
)
_AWS = re.compile(r"(?P<bucket>[a-z0-9.-]+?)\.s3[.-][a-z0-9.-]*amazonaws\.com(\.cn)?")
_FORM = "expected https://HOST, http://HOST:PORT or HOST, without bucket and path"
_PORTS = {"https": 443, "http": 80}
_UNSIGNED = "-_.~"  # what quote leaves alone beside letters and digits; S3 encodes all else


class Endpoint(NamedTuple):
    """A service; `host` is lower case, an IPv6 address in its brackets."""

    scheme: str
    host: str
    port: int | None = None

    @property
    def is_address(self) -> bool:
        """Whether the host is a number, which no name can be put before."""
        try:
            ipaddress.ip_address(self.host.strip("[]"))
        except ValueError:
            return False
        return True


class Address(NamedTuple):
    """A bucket at an endpoint."""

    endpoint: Endpoint
    bucket: str
    addressing: Addressing = "virtual"

    def checked(self) -> Self:
        """Itself; ConfigError if the bucket cannot be before that host, or is there already."""
        host = self.endpoint.host
        if self.addressing == "virtual" and self.endpoint.is_address:
            raise ConfigError([f"endpoint: no bucket can stand before {host}: write addressing: path, or a host name"])
        if self.addressing == "virtual" and host.startswith(f"{self.bucket}."):
            rest = host.removeprefix(f"{self.bucket}.")
            raise ConfigError([f"endpoint: begins with the bucket already: write {rest}, the bucket is put before it"])
        return self

    @property
    def host(self) -> str:
        """The `Host` header: with the port unless it is the scheme's own."""
        scheme, host, port = self.endpoint
        name = f"{self.bucket}.{host}" if self.addressing == "virtual" else host
        return name if port in (None, _PORTS[scheme]) else f"{name}:{port}"

    def path(self, key: str = "") -> str:
        """The path of an object (of the bucket itself without a key), percent-encoded as it is signed and sent."""
        before = "" if self.addressing == "virtual" else f"/{self.bucket}"
        return f"{before}/{quote(key, safe='/' + _UNSIGNED)}" if key or not before else before

    def url(self, key: str = "", query: str = "") -> str:
        """Where to connect to."""
        host = self.host
        if self.addressing == "virtual" and self.endpoint.host == "localhost":
            host = host.removeprefix(f"{self.bucket}.")
        return f"{self.endpoint.scheme}://{host}{self.path(key)}" + (f"?{query}" if query else "")


def parse(text: str) -> Endpoint:
    """The endpoint in a text, with or without scheme; ConfigError, never quoting what may be a password."""
    scheme, slashes, rest = text.strip().lower().partition("://")
    if not slashes:
        scheme, rest = "https", scheme
    if scheme not in _PORTS:
        raise ConfigError([f"endpoint: {scheme[:20]!r} is not http or https, {_FORM}"])
    try:
        parts = urlsplit(f"//{rest.removesuffix('/')}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigError([f"endpoint: its port or address cannot be, {_FORM}"]) from None
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError([f"endpoint: holds @, ? or #, {_FORM}"])
    if parts.path:
        raise ConfigError([f"endpoint: has a path ({parts.path[:40]!r}): write it as bucket and path, {_FORM}"])
    endpoint = Endpoint(scheme, f"[{host}]" if ":" in host else host, port)
    if not _HOST.fullmatch(host) and not endpoint.is_address:
        raise ConfigError([f"endpoint: {host[:60]!r} is not a host, {_FORM}"])
    return _of_vendor(endpoint)


def is_oss(endpoint: Endpoint) -> bool:
    """Whether it is OSS itself: below `aliyuncs.com` stand functions and load balancers of anybody's, too."""
    return _OSS.fullmatch(endpoint.host) is not None


def region_of(endpoint: Endpoint) -> str:
    """The region in the name of an OSS endpoint (`s3.oss-{region}[-internal].aliyuncs.com`); empty for any other."""
    found = _OSS.fullmatch(endpoint.host)
    return found["region"] if found and not found["region"].startswith("accelerate") else ""


def _of_vendor(endpoint: Endpoint) -> Endpoint:
    """OSS under the name that speaks S3's protocol; ConfigError for a name that holds a bucket."""
    oss, aws = _OSS.fullmatch(endpoint.host), _AWS.fullmatch(endpoint.host)
    bucket = (oss and oss["bucket"]) or (aws and aws["bucket"])
    if bucket and not bucket.startswith("vpce-") and ".vpce-" not in bucket:
        rest = endpoint.host.removeprefix(f"{bucket}.")
        raise ConfigError([f"endpoint: begins with a bucket ({bucket[:63]!r}): write bucket: {bucket[:63]} and {rest}"])
    if oss and not oss["s3"]:
        return endpoint._replace(host=f"s3.{endpoint.host}")
    return endpoint
