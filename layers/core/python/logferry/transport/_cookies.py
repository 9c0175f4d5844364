"""The cookies that far sides set, for all requests of one `Web`: a load balancer's way back to the same machine.

Loaded once a cookie was set: `http.cookiejar` is as large as all that a plain request needs.
"""

from http.client import HTTPResponse
from http.cookiejar import CookieJar
from urllib.request import Request

__all__ = ["Cookies"]


class Cookies:
    """Any number of threads at once; the newest of a name counts."""

    def __init__(self) -> None:
        self._jar = CookieJar()

    def learn(self, url: str, answer: HTTPResponse) -> None:
        """Take what an answer sets, or takes back."""
        self._jar.extract_cookies(answer, Request(url))  # noqa: S310  # asks nobody: it only tells the jar the address

    def header(self, url: str) -> dict[str, str]:
        """What a request to that address carries."""
        request = Request(url)  # noqa: S310  # as above
        self._jar.add_cookie_header(request)
        value = request.get_header("Cookie")
        return {"Cookie": value} if value else {}
