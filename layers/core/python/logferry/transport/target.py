"""Where a request goes, as it will stand on the wire: an URL in the characters that HTTP allows.

Nothing is tidied (dot segments, `%7e`), since a path may have been signed as it stands; letters beyond ASCII and
blanks become percent signs (RFC 3986 2.1), a host name beyond ASCII its IDNA form.
"""

from urllib.parse import SplitResult, quote, urlsplit

from msgspec import Struct

__all__ = ["PORTS", "Target", "sent_form", "target_of"]

PORTS = {"http": 80, "https": 443}
_PATH = "!$%&'()*+,/:;=@[]~"  # what `quote` leaves as it is, beside letters, digits, `_`, `.` and `-`
_QUERY = _PATH + "?"
_LONGEST_LABEL = 63  # RFC 1035 2.3.4; what is beyond, the standard library would refuse once the connection stands


class Target(Struct, frozen=True):
    """A far side and what is asked of it."""

    scheme: str
    host: str  # ASCII, an IPv6 address without brackets
    port: int
    path: str  # with the query

    @property
    def place(self) -> str:
        """`HOST:PORT`, as CONNECT wants it."""
        return f"{self._host}:{self.port}"

    @property
    def name(self) -> str:
        """As the Host header has it: the port only if it is not the scheme's own."""
        return self._host if self.port == PORTS[self.scheme] else self.place

    @property
    def _host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def target_of(url: str) -> Target:
    """The URL's parts; credentials and a fragment in it are not sent. ValueError, which may quote it, if it is none."""
    parts = urlsplit(url)
    host, port = _ascii(parts.hostname or ""), parts.port
    if parts.scheme not in PORTS or not host or not url.isprintable():
        raise ValueError("not http://HOST:PORT")
    return Target(parts.scheme, host, PORTS[parts.scheme] if port is None else port, _path(parts))


def sent_form(url: str) -> str:
    """The URL as it will be sent. ValueError, which may quote it, if it is none."""
    target = target_of(url)
    return f"{target.scheme}://{target.name}{target.path}"


def _path(parts: SplitResult) -> str:
    query = f"?{quote(parts.query, safe=_QUERY)}" if parts.query else ""
    return (quote(parts.path, safe=_PATH) or "/") + query


def _ascii(host: str) -> str:
    """The name in ASCII; ValueError for blanks and what is no name."""
    found = host if host.isascii() else host.encode("idna").decode()
    if any(letter in found for letter in ' \\<>"^`{|}%') and ":" not in found:
        raise ValueError("not a host name")
    if not all(0 < len(label) <= _LONGEST_LABEL for label in found.removesuffix(".").split(".")):
        raise ValueError("not a host name")
    return found
