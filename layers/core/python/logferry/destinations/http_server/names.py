"""Names and values of headers and URI parameters: which are ours, which cannot be sent, which must be secrets.

Header names are tokens, values visible ASCII and blanks (RFC 9110 5.5, 5.6.2). A name such as `Authorization` or
`api_key` says that its value gives access: then the value must be a reference to a secret. In a message names are
cut short, values are left out.
"""

import re
from collections.abc import Mapping, Sequence

__all__ = ["MOST", "is_reference", "is_unfit_path", "problems_of_headers", "problems_of_query", "unsendable"]

MOST = 20  # names of a kind, ESA's limit

# What belongs to one connection (RFC 9110 7.6.1), and what the destination itself says of the body.
_OURS = frozenset({
    "connection", "content-encoding", "content-length", "expect", "host", "keep-alive", "proxy-authenticate",
    "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "x-logferry-batch",
    "x-logferry-challenge",
})  # fmt: skip
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_VISIBLE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?|")
_PATH = re.compile(r"/?([0-9A-Za-z._~!$&'()*+,;=:@/-]|%[0-9A-F]{2})*")
_REFERENCE = re.compile(r"secret://[a-z]+/.+")
_GIVES_ACCESS = frozenset({
    "auth", "authorization", "apikey", "cookie", "credential", "credentials", "key", "passwd", "password", "secret",
    "sig", "signature", "token",
})  # fmt: skip
_HARMLESS = frozenset({"idempotency-key", "partition-key", "routing-key"})
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+")


def is_reference(value: str) -> bool:
    """Whether it names a secret instead of being one."""
    return value.startswith("secret://")


def is_unfit_path(path: str) -> bool:
    """Whether a path would be sent in another spelling than this one, or is none."""
    return not _PATH.fullmatch(path) or any(part in (".", "..") for part in path.split("/"))


def unsendable(value: str) -> bool:
    """Whether no header can carry the value: a line break would begin another header."""
    return not _VISIBLE.fullmatch(value)


def problems_of_headers(headers: Mapping[str, str]) -> list[str]:
    """Each as `headers.NAME: what, expected`."""
    found, seen = _too_many("headers", len(headers)), set[str]()
    for name, value in headers.items():
        place = f"headers.{_shown(name)}"
        if not _TOKEN.fullmatch(name):
            found.append(f"{place}: is not a header's name: letters, digits and - are")
        elif name.lower() in _OURS:
            found.append(f"{place}: is set by the connection or by logferry, leave it out")
        elif name.lower() in seen:
            found.append(f"{place}: stands there twice (headers have no case)")
        elif not is_reference(value) and unsendable(value):
            found.append(f"{place}: its value (not shown) holds a line break, blanks at its ends or other than ASCII")
        found += _problem_of_value(place, name, value)
        seen.add(name.lower())
    return found


def problems_of_query(option: str, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Each as `OPTION.NAME: what, expected`. In a URL no reference is resolved, so that a secret has to leave it."""
    found = _too_many(option, len(pairs)) if option == "params" else []
    for name, value in pairs:
        place = f"{option}.{_shown(name)}" if option == "params" else f"url: its parameter {_shown(name)}"
        if not 1 <= len(name) <= 256 or not name.isprintable():
            found.append(f"{place}: is not a name of 1 to 256 printable characters")
        elif option == "url" and is_reference(value):
            found.append(f"{place} names a secret: write it under params")
        else:
            found += _problem_of_value(place, name, value)
    return found


def _too_many(option: str, count: int) -> list[str]:
    return [f"{option}: {count} names, at most {MOST} are allowed"] if count > MOST else []


def _problem_of_value(place: str, name: str, value: str) -> list[str]:
    if is_reference(value):
        sound = _REFERENCE.fullmatch(value)
        return [] if sound else [f"{place}: is not a reference to a secret, write secret://env/NAME"]
    if not _gives_access(name) or not value:
        return []
    where = "under params, " if place.startswith("url") else ""
    return [f"{place}: gives access by its name, so its value (not shown) has to be {where}secret://env/NAME"]


def _gives_access(name: str) -> bool:
    """By its last word: `X-Api-Key`, `access_token` and `DD-API-KEY` do, `X-Token-Type` and `keyword` do not."""
    words = [word.lower() for word in _WORD.findall(name)]
    return bool(words) and words[-1] in _GIVES_ACCESS and name.lower() not in _HARMLESS


def _shown(name: str) -> str:
    return name if len(name) <= 60 and name.isprintable() and name else repr(name[:60])
