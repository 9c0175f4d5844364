"""Any HTTP service that takes posts: the bodies, one after the other, each ended by a line feed.

POST and PUT on any path are answered with `--status` once the body is in the file; GET and HEAD with 200. Bodies are
unpacked as their Content-Encoding says. With `--private-key` a request needs a good `auth_key` (docs/signing.md). A
request with the header `X-Logferry-Challenge` is a question for the owner: its body is the answer, nothing is written.
"""

import time
from typing import Annotated

import msgspec

from logferry import config
from logferry.signing import verify
from logferry.vault import Secret
from logferry_local.sinks import Place, Sink
from logferry_local.sinks._lines import Lines
from logferry_local.sinks._web import Answer, Question, TooLong, WebSink, unpack

__all__ = ["Options", "open_sink"]


class Options(config.Config, frozen=True, kw_only=True):
    """The sink's own options."""

    status: Annotated[int, msgspec.Meta(ge=200, le=599, description="answer to a post, 200-599")] = 200
    private_key: Annotated[str, msgspec.Meta(description="key of signed URLs; 403 without a good auth_key")] = ""
    max_bytes: Annotated[int, msgspec.Meta(description="largest body after unpacking; over it 413")] = 67_108_864


def open_sink(place: Place, options: Options) -> Sink:
    """Listens when it returns."""
    return _Receiver(place, options)


class _Receiver:
    def __init__(self, place: Place, options: Options) -> None:
        self._options = options
        self._lines = Lines(place.out)
        self._web = WebSink(place, self._handle, self._lines.close, max_body=options.max_bytes)
        self.address = self._web.address

    def close(self) -> None:
        """Finish what is under way, then stop."""
        self._web.close()

    def _handle(self, question: Question) -> Answer:
        if not self._is_let_in(question):
            return Answer(403, b"forbidden\n")
        if question.method in ("GET", "HEAD"):
            return Answer(200)
        if question.method not in ("POST", "PUT"):
            return Answer(405)
        if "x-logferry-challenge" in question.headers:
            return Answer(200, question.body[:1000])
        return self._take(question)

    def _is_let_in(self, question: Question) -> bool:
        key = self._options.private_key
        return not key or verify(question.target, [Secret(key)], now=time.time()).ok

    def _take(self, question: Question) -> Answer:
        try:
            body = unpack(question, self._options.max_bytes)
        except TooLong:
            return Answer(413, b"body too long\n")
        except ValueError as error:
            return Answer(415, f"{error}\n".encode())
        if body:
            self._lines.write([body.removesuffix(b"\n")])
        return Answer(self._options.status)
