"""The cookies that far sides set, for all requests of one `Web`: a load balancer's way back to the same machine.

Loaded once a cookie was set: `http.cookiejar` is as large as all that a plain request needs.
"""

import contextlib
import re
from email.message import Message
from http.cookiejar import CookieJar
from typing import Any
from urllib.request import Request

from logferry.transport._listening import Headers

__all__ = ["Cookies"]

_CONTROL = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f]"
)  # such a cookie is ignored (RFC 6265bis 5.6): no request can carry it


class Cookies:
    """Any number of threads at once; the newest of a name counts."""

    def __init__(self) -> None:
        self._jar = CookieJar()

    def learn(self, url: str, headers: Headers) -> None:
        """Take what an answer sets, or takes back."""
        answer: Any = _Answer(headers)
        with contextlib.suppress(UserWarning):  # its way to say that it cannot read a date; it learns nothing then
            self._jar.extract_cookies(answer, Request(url))  # noqa: S310  # asks nobody: it only tells the jar the address

    def header(self, url: str) -> dict[str, str]:
        """What a request to that address carries."""
        request = Request(url)  # noqa: S310  # as above
        self._jar.add_cookie_header(request)
        value = request.get_header("Cookie")
        return {"Cookie": value} if value else {}


class _Answer:
    """As much of an answer as a jar looks at."""

    def __init__(self, headers: Headers) -> None:
        self._said = Message()
        for name, value in headers.pairs:
            if name.lower().startswith("set-cookie") and not _CONTROL.search(value):
                self._said[name] = value

    def info(self) -> Message:
        return self._said
