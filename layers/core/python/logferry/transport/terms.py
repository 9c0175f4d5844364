"""What a request is made on, and what came of it."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from logferry.transport.reach import Reach

__all__ = ["Reply", "Terms", "peer_of"]


class Reply(Struct, frozen=True):
    """What the far side answered, whole."""

    status: int
    headers: Mapping[str, str]  # names in any case
    body: bytes


class Terms(Struct, frozen=True):
    """What all requests of a `Web` have in common."""

    verify: bool
    ca_file: str | None
    max_reply: int
    cuts: bool  # a reply over the limit is cut there, instead of being an error
    now: Callable[[], float]
    proxy: Callable[[], str] | None
    cookies: bool
    reach: Reach


def peer_of(url: str) -> str:
    """Host and port for messages, without credentials."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return "the far side"  # the URL is none, and is said to be so elsewhere
